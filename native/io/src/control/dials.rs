//! Dialling: one attempt per peer and purpose at a time, shared by all who wait for it and outliving any of them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use iroh::endpoint::Connection;
use iroh::{EndpointAddr, EndpointId};
use tokio::sync::watch;

use super::address::PeerAddress;
use super::endpoint::Shared;
use super::error::ControlError;
use super::wire::Purpose;
use crate::interfaces;

const DIAL_TIME: Duration = Duration::from_secs(8);

type Outcome = Result<Connection, ControlError>;

/// What an attempt shall make: a connection of this purpose to this peer.
type Goal = (EndpointId, Purpose);

#[derive(Default)]
pub(super) struct Dials {
    running: Mutex<HashMap<Goal, Dial>>,
}

struct Dial {
    addresses: BTreeSet<PeerAddress>,
    outcome: watch::Receiver<Option<Outcome>>,
}

impl Shared {
    /// Dials a peer, or joins the attempt under way if it tries these addresses too.
    pub(super) async fn dial(
        self: &Arc<Self>,
        peer: EndpointId,
        purpose: Purpose,
        addresses: &[PeerAddress],
    ) -> Outcome {
        let mut outcome = self.running_dial((peer, purpose), addresses);
        let outcome = outcome.wait_for(Option::is_some).await.map_err(|_| ControlError::Closed)?;
        outcome.clone().unwrap_or(Err(ControlError::Closed))
    }

    fn running_dial(self: &Arc<Self>, goal: Goal, addresses: &[PeerAddress]) -> watch::Receiver<Option<Outcome>> {
        let mut running = self.dials.running();
        let mut addresses: BTreeSet<PeerAddress> = addresses.iter().cloned().collect();
        if let Some(dial) = running.get(&goal) {
            if addresses.is_subset(&dial.addresses) {
                return dial.outcome.clone();
            }
            addresses.extend(dial.addresses.iter().cloned());
        }
        let (sender, outcome) = watch::channel(None);
        running.insert(goal, Dial { addresses: addresses.clone(), outcome: outcome.clone() });
        let (shared, ours) = (self.clone(), outcome.clone());
        tokio::spawn(async move {
            let outcome = shared.connect(goal, addresses).await;
            shared.dials.forget(goal, &ours);
            sender.send_replace(Some(outcome));
        });
        outcome
    }

    async fn connect(self: &Arc<Self>, (peer, purpose): Goal, mut addresses: BTreeSet<PeerAddress>) -> Outcome {
        // This endpoint would answer itself, as somebody else than the peer, and end the whole attempt by that.
        let bound = self.iroh.bound_sockets();
        let named = addresses.len();
        addresses.retain(|address| match address {
            PeerAddress::Direct(address) => !interfaces::is_own(*address, &bound),
            PeerAddress::Relay(relay) => {
                self.relays.remember(relay);
                true
            }
        });
        if addresses.is_empty() && named > 0 {
            return Err(ControlError::Unreachable("its only addresses are this node's own".to_owned()));
        }
        let target = EndpointAddr::from_parts(peer, addresses.into_iter().map(Into::into));
        let connection = match tokio::time::timeout(DIAL_TIME, self.iroh.connect(target, &purpose.alpn(peer))).await {
            Ok(connected) => connected.map_err(|error| ControlError::Unreachable(format!("{error:#}")))?,
            Err(_) => return Err(ControlError::Unreachable("none of its addresses answered".to_owned())),
        };
        self.adopt(&connection).map_err(ControlError::Refused)?;
        Ok(connection)
    }
}

impl Dials {
    fn forget(&self, goal: Goal, outcome: &watch::Receiver<Option<Outcome>>) {
        let mut running = self.running();
        if running.get(&goal).is_some_and(|dial| dial.outcome.same_channel(outcome)) {
            running.remove(&goal);
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Goal, Dial>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
