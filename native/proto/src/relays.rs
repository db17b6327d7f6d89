//! The relays this node is connected to, and the links whose packets wait for them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crate::links::LinkId;
use crate::{NodeId, RelayId, RelayState, Route};

/// A relay that is ready may say the opposite after so many bytes; before that it gets no more of what waits.
pub(crate) const TURN_BYTES: usize = 64 << 10;
const TURN: Duration = Duration::from_micros(250);

#[derive(Default)]
pub(crate) struct Relays {
    connected: BTreeMap<RelayId, Relay>,
}

struct Relay {
    state: RelayState,
    ready: bool,
    /// Links with packets that wait, in the order of their turns.
    waiting: VecDeque<LinkId>,
    /// The same links, to be looked up.
    is_waiting: BTreeSet<LinkId>,
    next_turn: Option<Instant>,
}

impl Relays {
    /// Adds, changes or removes a relay; whether it came or went.
    pub fn set(&mut self, id: RelayId, state: Option<RelayState>) -> bool {
        let Some(state) = state else { return self.connected.remove(&id).is_some() };
        match self.connected.get_mut(&id) {
            Some(relay) => {
                relay.state = state;
                false
            }
            None => {
                let (waiting, is_waiting) = Default::default();
                let relay = Relay { state, ready: true, waiting, is_waiting, next_turn: None };
                self.connected.insert(id, relay);
                true
            }
        }
    }

    pub fn set_ready(&mut self, now: Instant, id: RelayId, ready: bool) {
        if let Some(relay) = self.connected.get_mut(&id) {
            relay.ready = ready;
            relay.next_turn = (ready && !relay.waiting.is_empty()).then_some(now);
        }
    }

    pub fn is_ready(&self, id: RelayId) -> bool {
        self.connected.get(&id).is_some_and(|relay| relay.ready)
    }

    pub fn state(&self, id: RelayId) -> Option<&RelayState> {
        self.connected.get(&id).map(|relay| &relay.state)
    }

    /// Routes to a peer through those of the given relays that are connected.
    pub fn routes(&self, peer: NodeId, relays: &[RelayId]) -> Vec<(Route, RelayState)> {
        let route = |relay: &RelayId| Some((Route::Relayed { relay: *relay, peer }, self.state(*relay)?.clone()));
        relays.iter().filter_map(route).collect()
    }

    /// Gives a link a turn at the relay, after those that wait already.
    pub fn wait(&mut self, now: Instant, id: RelayId, link: LinkId) {
        let Some(relay) = self.connected.get_mut(&id) else { return };
        if relay.is_waiting.insert(link) {
            relay.waiting.push_back(link);
        }
        if relay.ready {
            relay.next_turn.get_or_insert(now);
        }
    }

    /// The link whose turn it is.
    pub fn next_waiting(&mut self, id: RelayId) -> Option<LinkId> {
        let relay = self.connected.get_mut(&id).filter(|relay| relay.ready)?;
        let link = relay.waiting.pop_front()?;
        relay.is_waiting.remove(&link);
        Some(link)
    }

    /// A relay that takes what waits for it now; it is asked again a little later.
    pub fn pop_due(&mut self, now: Instant) -> Option<RelayId> {
        let mut due = self.connected.iter_mut().filter(|(_, relay)| relay.next_turn.is_some_and(|at| now >= at));
        let (id, relay) = due.next()?;
        relay.next_turn = Some(now + TURN);
        Some(*id)
    }

    /// Nothing waits for the relay any more, or something still does.
    pub fn end_turn(&mut self, id: RelayId) {
        if let Some(relay) = self.connected.get_mut(&id).filter(|relay| relay.waiting.is_empty()) {
            relay.next_turn = None;
        }
    }

    pub fn next_wake(&self) -> Option<Instant> {
        self.connected.values().filter_map(|relay| relay.next_turn).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NetworkId;
    use crate::links::Links;

    const RELAY: RelayId = RelayId(3);

    fn state() -> RelayState {
        RelayState { name: "relay".to_owned(), rtt: Duration::from_millis(10), mtu: 1452 }
    }

    #[test]
    fn links_take_turns_while_the_relay_is_ready() {
        let (now, mut relays, mut links) = (Instant::now(), Relays::default(), Links::default());
        let [one, other] = [1, 2].map(|number| links.find_or_add(NetworkId([number; 16]), NodeId([9; 20]), 1420));
        assert!(relays.set(RELAY, Some(state())) && !relays.set(RELAY, Some(state())));
        relays.set_ready(now, RELAY, false);
        relays.wait(now, RELAY, one);
        relays.wait(now, RELAY, other);
        relays.wait(now, RELAY, one);
        assert_eq!((relays.next_wake(), relays.next_waiting(RELAY)), (None, None));
        relays.set_ready(now, RELAY, true);
        assert_eq!((relays.pop_due(now), relays.pop_due(now)), (Some(RELAY), None));
        assert_eq!(relays.next_waiting(RELAY), Some(one));
        relays.end_turn(RELAY);
        assert_eq!(relays.pop_due(now + TURN), Some(RELAY));
        assert_eq!((relays.next_waiting(RELAY), relays.next_waiting(RELAY)), (Some(other), None));
        relays.end_turn(RELAY);
        assert_eq!(relays.next_wake(), None);
    }

    #[test]
    fn only_connected_relays_are_routes() {
        let (mut relays, peer) = (Relays::default(), NodeId([9; 20]));
        assert!(relays.routes(peer, &[RELAY]).is_empty());
        relays.set(RELAY, Some(state()));
        assert_eq!(relays.routes(peer, &[RelayId(1), RELAY]), [(Route::Relayed { relay: RELAY, peer }, state())]);
        assert!(relays.set(RELAY, None) && !relays.is_ready(RELAY));
    }
}
