//! Who may use a relay.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use iroh::EndpointId;
use iroh_relay::server::{Access, AccessControl, ClientRequest, ConnectionId};

/// A client that connects anew, before its old connection was found dead, has two for a moment.
const CONNECTIONS_PER_CLIENT: usize = 4;
/// How many guests there may be, and how long one stays, unless its key is admitted meanwhile.
const GUESTS: usize = 64;
pub(super) const VISIT: Duration = Duration::from_secs(60);

/// Who may connect: holders of certain keys, and for a moment *guests* who know a pass, such as one out of a ticket.
#[derive(Debug, Clone, Default)]
pub struct Admitted {
    pub keys: HashSet<EndpointId>,
    pub passes: BTreeSet<String>,
}

/// The admitted, and who is connected.
#[derive(Debug, Default)]
pub(super) struct Admission {
    state: Mutex<State>,
    refused: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    admitted: Admitted,
    connected: HashMap<ConnectionId, Visitor>,
}

#[derive(Debug)]
struct Visitor {
    client: EndpointId,
    since: Instant,
    pass: Option<String>,
}

impl Admission {
    pub(super) fn replace(&self, admitted: Admitted) {
        self.state().admitted = admitted;
    }

    /// Lists the connections of those who may not have one any more.
    pub(super) fn unwanted(&self, now: Instant) -> Vec<(ConnectionId, EndpointId)> {
        let state = self.state();
        let unwanted = state.connected.iter().filter(|(_, visitor)| !state.admitted.welcomes(visitor, now));
        unwanted.map(|(connection, visitor)| (*connection, visitor.client)).collect()
    }

    pub(super) fn connected(&self) -> usize {
        self.state().connected.len()
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn admit(&self, connection: ConnectionId, visitor: Visitor) -> Result<(), &'static str> {
        let mut state = self.state();
        if !state.admitted.welcomes(&visitor, visitor.since) {
            return Err("this relay does not know the node");
        }
        let others = || state.connected.values();
        if others().filter(|other| other.client == visitor.client).count() >= CONNECTIONS_PER_CLIENT {
            return Err("the node has too many connections to this relay");
        }
        let is_guest = |visitor: &Visitor| !state.admitted.keys.contains(&visitor.client);
        if is_guest(&visitor) && others().filter(|other| is_guest(other)).count() >= GUESTS {
            return Err("this relay has too many guests");
        }
        state.connected.insert(connection, visitor);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admitted {
    fn welcomes(&self, visitor: &Visitor, now: Instant) -> bool {
        let is_guest = || visitor.pass.as_ref().is_some_and(|pass| self.passes.contains(pass));
        let is_visiting = || now.saturating_duration_since(visitor.since) < VISIT;
        self.keys.contains(&visitor.client) || is_guest() && is_visiting()
    }
}

impl AccessControl for Admission {
    async fn on_connect(&self, request: &ClientRequest) -> Access {
        let visitor = Visitor { client: request.endpoint_id(), since: Instant::now(), pass: request.auth_token() };
        match self.admit(request.connection_id(), visitor) {
            Ok(()) => Access::Allow,
            Err(reason) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Access::Deny { reason: Some(reason.to_owned()) }
            }
        }
    }

    fn on_disconnect(&self, _: EndpointId, connection: ConnectionId) {
        self.state().connected.remove(&connection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_stays_for_a_moment_and_a_member_as_long_as_it_is_one() {
        let client = iroh::SecretKey::from_bytes(&[1; 32]).public();
        let now = Instant::now();
        let visitor = |pass: Option<&str>| Visitor { client, since: now, pass: pass.map(str::to_owned) };
        let guests = Admitted { keys: HashSet::new(), passes: BTreeSet::from(["good".to_owned()]) };
        assert!(!guests.welcomes(&visitor(None), now));
        assert!(!guests.welcomes(&visitor(Some("bad")), now));
        assert!(guests.welcomes(&visitor(Some("good")), now));
        assert!(!guests.welcomes(&visitor(Some("good")), now + VISIT));
        let members = Admitted { keys: HashSet::from([client]), passes: BTreeSet::new() };
        assert!(members.welcomes(&visitor(None), now + VISIT));
        assert!(members.welcomes(&visitor(Some("good")), now + VISIT));
    }
}
