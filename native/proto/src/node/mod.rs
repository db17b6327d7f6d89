//! The whole data plane of a node, as a state machine without I/O.

mod handshakes;
mod inbound;
mod outbound;
mod outgoing;
mod paths;
mod queues;
mod reflecting;
mod timeouts;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use self::outbound::Next;
use crate::buffers::Buffers;
use crate::deliveries::Deliveries;
use crate::fair_queue::FairQueue;
use crate::limits::{PerAddress, TokenBucket};
use crate::links::{LinkId, Links};
use crate::pace::Pace;
use crate::peers::{Peer, Peers};
use crate::reflection::{Reflections, Reflector};
use crate::relays::Relays;
use crate::routes::Routes;
use crate::switch::Switch;
use crate::trains::Trains;
use crate::{
    Config, Counters, Delivery, DeviceConfig, DeviceError, DeviceId, DropReason, Entropy, Event, Network, NetworkId,
    NodeId, PeerStatus, SealedTrain,
};

/// Most events that wait, apart from handshakes, of which each link has one at most.
const MOST_NOTICES: usize = 1024;
/// Answers to devices whose packets go nowhere: at once, and the pause to the next.
const COMPLAINTS: (u32, Duration) = (50, Duration::from_millis(20));

/// Takes packets, datagrams, handshakes and the time; hands out datagrams, packets and events.
///
/// After each call the driver fetches what there is with [`poll_transmit`](Self::poll_transmit),
/// [`poll_delivery`](Self::poll_delivery) and [`poll_event`](Self::poll_event), and calls
/// [`handle_timeout`](Self::handle_timeout) when [`poll_timeout`](Self::poll_timeout) says so.
pub struct Node {
    config: Config,
    entropy: Entropy,
    switch: Switch,
    peers: Peers,
    relays: Relays,
    links: Links,
    routes_out: Routes<DeviceId, Next>,
    routes_in: Routes<LinkId, DeviceId>,
    trains: Trains,
    /// What [`poll_transmit`](Self::poll_transmit) has handed out last.
    sent: Option<SealedTrain>,
    /// Packets of devices that come faster than they are sent.
    queue: FairQueue,
    pace: Pace,
    buffers: Buffers,
    deliveries: Deliveries,
    events: VecDeque<Event>,
    counters: Counters,
    last_handshake: u64,
    complaints: TokenBucket,
    unknown_sessions: PerAddress,
    reflections: Reflections,
    reflector: Reflector,
    /// Room for an answer to a device, used again and again.
    answer: Vec<u8>,
}

impl Node {
    pub fn new(config: Config, entropy: Entropy) -> Self {
        Self {
            switch: Switch::new(config.node),
            pace: Pace::new(config.bytes_per_second),
            config,
            entropy,
            peers: Peers::default(),
            relays: Relays::default(),
            links: Links::default(),
            routes_out: Routes::new(),
            routes_in: Routes::new(),
            trains: Trains::default(),
            sent: None,
            queue: FairQueue::new(),
            buffers: Buffers::default(),
            deliveries: Deliveries::default(),
            events: VecDeque::new(),
            counters: Counters::new(),
            last_handshake: 0,
            complaints: TokenBucket::new(COMPLAINTS.0, COMPLAINTS.1),
            unknown_sessions: PerAddress::default(),
            reflections: Reflections::default(),
            reflector: Reflector::default(),
            answer: Vec::new(),
        }
    }

    /// Adds or replaces a network. Sessions with nodes that are no members any more end at once.
    pub fn set_network(&mut self, _now: Instant, network: Network) {
        self.switch.set_network(&network);
        self.forget_routes();
        for (peer, link) in self.links.of_network(network.id) {
            if !self.switch.are_members(network.id, peer) {
                self.remove_link(link);
            }
        }
    }

    /// Removes a network with its sessions.
    pub fn remove_network(&mut self, id: NetworkId) {
        self.switch.remove_network(id);
        self.forget_routes();
        for (_, link) in self.links.of_network(id) {
            self.remove_link(link);
        }
    }

    /// Removes a peer with its sessions.
    pub fn forget_peer(&mut self, node: NodeId) {
        self.peers.remove(node);
        self.forget_routes();
        for link in self.links.of_peer(node) {
            self.remove_link(link);
        }
    }

    /// Drops the sessions of a peer that has restarted; the next packet starts a handshake.
    pub fn reset_peer(&mut self, now: Instant, node: NodeId) {
        self.peers.get_mut(node).into_iter().for_each(|peer| peer.paths.reset(now));
        for id in self.links.of_peer(node) {
            let ended = self.links.get_mut(id).map(|link| link.reset());
            self.links.release(ended.into_iter().flatten());
            self.seek_session(now, id);
        }
        self.settle(now, node, None);
    }

    /// Adds or replaces a device; a refusal changes nothing.
    pub fn set_device(&mut self, id: DeviceId, config: DeviceConfig) -> Result<(), DeviceError> {
        self.forget_routes();
        self.switch.set_device(id, config)
    }

    /// Removes a device, with what waits for it.
    pub fn remove_device(&mut self, id: DeviceId) {
        self.switch.remove_device(id);
        self.forget_routes();
        self.deliveries.remove_device(id);
    }

    /// The next packet for a device.
    pub fn poll_delivery(&mut self) -> Option<Delivery<'_>> {
        self.deliveries.poll()
    }

    /// The next event for the control plane.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Every peer that is known or has sessions, by node id.
    pub fn peers(&self, now: Instant) -> Vec<PeerStatus> {
        let (seen, nat) = self.reflected(now);
        let status = |(node, peer): (NodeId, &Peer)| {
            let (candidates, path) = (peer.paths.candidates(), peer.paths.status(nat, &seen));
            (node, PeerStatus { node, candidates, path, networks: Vec::new() })
        };
        let mut peers: BTreeMap<_, _> = self.peers.iter().map(status).collect();
        for link in self.links.iter() {
            peers.entry(link.peer).and_modify(|peer| peer.networks.push(link.status()));
        }
        peers.into_values().collect()
    }

    fn forget_routes(&mut self) {
        self.routes_out.clear();
        self.routes_in.clear();
    }

    fn remove_link(&mut self, id: LinkId) {
        if let Some(link) = self.links.remove(id) {
            self.counters.count_drops(DropReason::LinkRemoved, link.waiting());
        }
    }

    /// Tells something that is good to know; when nobody listens it is not told.
    fn notify(&mut self, event: Event) {
        if self.events.len() < MOST_NOTICES {
            self.events.push_back(event);
        }
    }
}
