//! All links of a node: found by network and peer, by session index, and by the time they have to act.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use crate::index_hash::IndexHash;
use crate::link::Link;
use crate::{Entropy, NetworkId, NodeId};

/// A link's place; it stays valid until the link is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LinkId(usize);

#[derive(Default)]
pub(crate) struct Links {
    slots: Vec<Slot>,
    free: Vec<usize>,
    by_pair: BTreeMap<(NodeId, NetworkId), LinkId>,
    by_network: BTreeSet<(NetworkId, NodeId, LinkId)>,
    by_index: HashMap<u32, LinkId, IndexHash>,
    timers: BTreeSet<(Instant, LinkId)>,
}

#[derive(Default)]
struct Slot {
    link: Option<Link>,
    timer: Option<Instant>,
}

impl Links {
    pub fn get(&self, id: LinkId) -> Option<&Link> {
        self.slots.get(id.0)?.link.as_ref()
    }

    pub fn get_mut(&mut self, id: LinkId) -> Option<&mut Link> {
        self.slots.get_mut(id.0)?.link.as_mut()
    }

    pub fn find(&self, network: NetworkId, peer: NodeId) -> Option<LinkId> {
        self.by_pair.get(&(peer, network)).copied()
    }

    /// The link that uses or has reserved a session index.
    pub fn find_index(&self, index: u32) -> Option<LinkId> {
        self.by_index.get(&index).copied()
    }

    /// `longest` is the longest inner packet.
    pub fn find_or_add(&mut self, network: NetworkId, peer: NodeId, longest: u16) -> LinkId {
        if let Some(id) = self.find(network, peer) {
            return id;
        }
        let id = LinkId(self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() - 1
        }));
        self.slots[id.0].link = Some(Link::new(network, peer, longest));
        self.by_pair.insert((peer, network), id);
        self.by_network.insert((network, peer, id));
        id
    }

    /// Removes a link, its sessions and its timer.
    pub fn remove(&mut self, id: LinkId) -> Option<Link> {
        let slot = self.slots.get_mut(id.0)?;
        let mut link = slot.link.take()?;
        if let Some(at) = slot.timer.take() {
            self.timers.remove(&(at, id));
        }
        self.by_pair.remove(&(link.peer, link.network));
        self.by_network.remove(&(link.network, link.peer, id));
        self.release(link.reset());
        self.free.push(id.0);
        Some(link)
    }

    /// Links of a peer, by network.
    pub fn of_peer(&self, peer: NodeId) -> Vec<LinkId> {
        let (first, last) = ((peer, NetworkId([0; 16])), (peer, NetworkId([0xff; 16])));
        self.by_pair.range(first..=last).map(|(_, id)| *id).collect()
    }

    /// Links of a network, by peer.
    pub fn of_network(&self, network: NetworkId) -> Vec<(NodeId, LinkId)> {
        let first = (network, NodeId([0; 20]), LinkId(0));
        let last = (network, NodeId([0xff; 20]), LinkId(usize::MAX));
        self.by_network.range(first..=last).map(|(_, peer, id)| (*peer, *id)).collect()
    }

    /// All links, by peer and network.
    pub fn iter(&self) -> impl Iterator<Item = &Link> {
        self.by_pair.values().filter_map(|id| self.slots[id.0].link.as_ref())
    }

    /// Reserves a session index that nobody can foresee.
    pub fn reserve(&mut self, id: LinkId, entropy: &mut Entropy) -> u32 {
        loop {
            let mut bytes = [0; 4];
            entropy(&mut bytes);
            let index = u32::from_le_bytes(bytes);
            if let std::collections::hash_map::Entry::Vacant(entry) = self.by_index.entry(index) {
                entry.insert(id);
                return index;
            }
        }
    }

    /// Forgets session indices.
    pub fn release(&mut self, indices: impl IntoIterator<Item = u32>) {
        for index in indices {
            self.by_index.remove(&index);
        }
    }

    /// Wakes the link at `at`, or earlier if it is to be woken earlier anyway.
    pub fn wake(&mut self, id: LinkId, at: Instant) {
        let slot = &mut self.slots[id.0];
        if slot.timer.is_some_and(|earlier| earlier <= at) {
            return;
        }
        if let Some(later) = slot.timer.replace(at) {
            self.timers.remove(&(later, id));
        }
        self.timers.insert((at, id));
    }

    pub fn next_wake(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// A link whose time has come.
    pub fn pop_due(&mut self, now: Instant) -> Option<LinkId> {
        let (at, id) = *self.timers.first()?;
        if at > now {
            return None;
        }
        self.timers.pop_first();
        self.slots[id.0].timer = None;
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn entropy() -> Entropy {
        let mut state = 0u8;
        Box::new(move |bytes| bytes.fill_with(|| (state = state.wrapping_add(1), state / 8).1))
    }

    const PEERS: [NodeId; 2] = [NodeId([1; 20]), NodeId([2; 20])];
    const NETWORKS: [NetworkId; 2] = [NetworkId([1; 16]), NetworkId([0xff; 16])];

    #[test]
    fn a_link_is_found_by_pair_peer_network_and_index() {
        let (mut links, mut entropy) = (Links::default(), entropy());
        let first = links.find_or_add(NETWORKS[0], PEERS[0], 1420);
        let second = links.find_or_add(NETWORKS[1], PEERS[0], 1420);
        let third = links.find_or_add(NETWORKS[0], PEERS[1], 1420);
        assert_eq!(links.find_or_add(NETWORKS[0], PEERS[0], 1420), first);
        assert_eq!(links.of_peer(PEERS[0]), [first, second]);
        assert_eq!(links.of_network(NETWORKS[0]), [(PEERS[0], first), (PEERS[1], third)]);
        let indices = [links.reserve(first, &mut entropy), links.reserve(third, &mut entropy)];
        assert_eq!(indices.map(|index| links.find_index(index)), [Some(first), Some(third)]);
        links.release([indices[0]]);
        assert_eq!(links.find_index(indices[0]), None);
    }

    #[test]
    fn a_removed_link_leaves_nothing_behind() {
        let (mut links, now) = (Links::default(), Instant::now());
        let first = links.find_or_add(NETWORKS[0], PEERS[0], 1420);
        links.wake(first, now);
        assert!(links.remove(first).is_some());
        assert!(links.remove(first).is_none());
        assert_eq!((links.find(NETWORKS[0], PEERS[0]), links.next_wake()), (None, None));
        assert!(links.of_network(NETWORKS[0]).is_empty());
        assert_eq!(links.find_or_add(NETWORKS[1], PEERS[1], 1420), first, "its place is used again");
        assert_eq!(links.of_network(NETWORKS[1]), [(PEERS[1], first)]);
    }

    #[test]
    fn the_earliest_time_counts() {
        let (mut links, now) = (Links::default(), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        let first = links.find_or_add(NETWORKS[0], PEERS[0], 1420);
        let second = links.find_or_add(NETWORKS[0], PEERS[1], 1420);
        links.wake(first, at(5));
        links.wake(first, at(9));
        links.wake(second, at(7));
        links.wake(second, at(3));
        assert_eq!(links.next_wake(), Some(at(3)));
        assert_eq!(links.pop_due(at(2)), None);
        assert_eq!(
            [links.pop_due(at(9)), links.pop_due(at(9)), links.pop_due(at(9))],
            [Some(second), Some(first), None]
        );
    }
}
