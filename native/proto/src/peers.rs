//! The paths to every other node, and when they have to act.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::link::Way;
use crate::paths::Paths;
use crate::{Config, NodeId, RelayId};

#[derive(Default)]
pub(crate) struct Peers {
    by_node: BTreeMap<NodeId, Peer>,
    timers: BTreeSet<(Instant, NodeId)>,
}

pub(crate) struct Peer {
    pub paths: Paths,
    /// Relays that the peer is connected to, as its record says.
    pub relays: Vec<RelayId>,
    /// The way that its links take.
    pub way: Way,
    timer: Option<Instant>,
}

impl Peers {
    pub fn get_mut(&mut self, node: NodeId) -> Option<&mut Peer> {
        self.by_node.get_mut(&node)
    }

    pub fn find_or_add(&mut self, node: NodeId, config: &Config) -> &mut Peer {
        let new = || Peer { paths: Paths::new(config), relays: Vec::new(), way: Way::nowhere(config.mtu), timer: None };
        self.by_node.entry(node).or_insert_with(new)
    }

    pub fn remove(&mut self, node: NodeId) {
        let timer = self.by_node.remove(&node).and_then(|peer| peer.timer);
        timer.into_iter().for_each(|at| {
            self.timers.remove(&(at, node));
        });
    }

    /// All peers, by node id.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Peer)> {
        self.by_node.iter().map(|(node, peer)| (*node, peer))
    }

    /// Sees to it that the peer's paths are woken when they next have to act.
    pub fn plan(&mut self, node: NodeId) {
        let Some(peer) = self.by_node.get_mut(&node) else { return };
        let deadline = peer.paths.deadline();
        if peer.timer == deadline {
            return;
        }
        if let Some(at) = std::mem::replace(&mut peer.timer, deadline) {
            self.timers.remove(&(at, node));
        }
        self.timers.extend(deadline.map(|at| (at, node)));
    }

    pub fn next_wake(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// A peer whose time has come.
    pub fn pop_due(&mut self, now: Instant) -> Option<NodeId> {
        let (at, node) = *self.timers.first()?;
        if at > now {
            return None;
        }
        self.timers.pop_first();
        if let Some(peer) = self.by_node.get_mut(&node) {
            peer.timer = None;
        }
        Some(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Candidate, Source};

    #[test]
    fn peers_are_woken_when_their_paths_say_so_and_not_when_they_are_gone() {
        let (mut peers, now) = (Peers::default(), Instant::now());
        let config = Config::new(NodeId([1; 20]));
        let nodes = [2, 3].map(|number| NodeId([number; 20]));
        for node in nodes {
            let paths = &mut peers.find_or_add(node, &config).paths;
            let address = "192.0.2.1:7".parse().unwrap();
            paths.set_candidates(now, &[Candidate { address, source: Source::Interface }]);
            peers.plan(node);
        }
        assert_eq!(peers.next_wake(), None);
        for node in nodes {
            peers.get_mut(node).unwrap().paths.session_began(now);
            peers.plan(node);
        }
        assert_eq!(peers.next_wake(), Some(now));
        peers.remove(NodeId([2; 20]));
        assert_eq!(peers.pop_due(now), Some(NodeId([3; 20])));
        assert_eq!(peers.pop_due(now), None);
    }
}
