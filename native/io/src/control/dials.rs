//! Dialling: one attempt per peer at a time, shared by all who wait for it and outliving any of them.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use iroh::endpoint::Connection;
use iroh::{EndpointAddr, EndpointId, TransportAddr};
use tokio::sync::watch;

use super::endpoint::Shared;
use super::error::ControlError;
use super::wire::ALPN;
use crate::interfaces;

const DIAL_TIME: Duration = Duration::from_secs(8);

type Outcome = Result<Connection, ControlError>;

#[derive(Default)]
pub(super) struct Dials {
    running: Mutex<HashMap<EndpointId, Dial>>,
}

struct Dial {
    addresses: BTreeSet<SocketAddr>,
    outcome: watch::Receiver<Option<Outcome>>,
}

impl Shared {
    /// Dials a peer, or joins the attempt under way if it tries these addresses too.
    pub(super) async fn dial(self: &Arc<Self>, peer: EndpointId, addresses: &[SocketAddr]) -> Outcome {
        let mut outcome = self.running_dial(peer, addresses);
        let outcome = outcome.wait_for(Option::is_some).await.map_err(|_| ControlError::Closed)?;
        outcome.clone().unwrap_or(Err(ControlError::Closed))
    }

    fn running_dial(self: &Arc<Self>, peer: EndpointId, addresses: &[SocketAddr]) -> watch::Receiver<Option<Outcome>> {
        let mut running = self.dials.running();
        let mut addresses: BTreeSet<SocketAddr> = addresses.iter().copied().collect();
        if let Some(dial) = running.get(&peer) {
            if addresses.is_subset(&dial.addresses) {
                return dial.outcome.clone();
            }
            addresses.extend(&dial.addresses);
        }
        let (sender, outcome) = watch::channel(None);
        running.insert(peer, Dial { addresses: addresses.clone(), outcome: outcome.clone() });
        let (shared, ours) = (self.clone(), outcome.clone());
        tokio::spawn(async move {
            let outcome = shared.connect(peer, addresses).await;
            shared.dials.forget(peer, &ours);
            sender.send_replace(Some(outcome));
        });
        outcome
    }

    async fn connect(self: &Arc<Self>, peer: EndpointId, mut addresses: BTreeSet<SocketAddr>) -> Outcome {
        // This endpoint would answer itself, as somebody else than the peer, and end the whole attempt by that.
        let bound = self.iroh.bound_sockets();
        let named = addresses.len();
        addresses.retain(|address| !interfaces::is_own(*address, &bound));
        if addresses.is_empty() && named > 0 {
            return Err(ControlError::Unreachable("its only addresses are this node's own".to_owned()));
        }
        let target = EndpointAddr::from_parts(peer, addresses.into_iter().map(TransportAddr::Ip));
        let connection = match tokio::time::timeout(DIAL_TIME, self.iroh.connect(target, ALPN)).await {
            Ok(connected) => connected.map_err(|error| ControlError::Unreachable(format!("{error:#}")))?,
            Err(_) => return Err(ControlError::Unreachable("none of its addresses answered".to_owned())),
        };
        self.adopt(&connection).map_err(ControlError::Refused)?;
        Ok(connection)
    }
}

impl Dials {
    fn forget(&self, peer: EndpointId, outcome: &watch::Receiver<Option<Outcome>>) {
        let mut running = self.running();
        if running.get(&peer).is_some_and(|dial| dial.outcome.same_channel(outcome)) {
            running.remove(&peer);
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<EndpointId, Dial>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
