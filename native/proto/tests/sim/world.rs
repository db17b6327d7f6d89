//! Many nodes in one process: virtual time, in-memory links for datagrams, and a reliable control link for
//! handshakes. The same seed gives the same run.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use golem_vpn_proto::{
    Attachment, Candidate, Config, DeviceConfig, DeviceId, DropReason, Ecn, Event, IpPrefix, Member, Network,
    NetworkId, Node, NodeId, Offload, Route, Source,
};

use crate::random::Random;
use crate::site::{Kind, Site};
use crate::wire::{Scheduled, What, Wire};

/// The one device of each node.
pub const DEVICE: DeviceId = DeviceId(1);

const BINDING: [u8; 32] = [7; 32];
const UDP_AND_IPV4: usize = 28;

/// A node with what it was given so far.
pub struct Host {
    pub node: Node,
    pub id: NodeId,
    /// Where its data socket is, and is reached unless a NAT lies between.
    pub address: SocketAddr,
    pub site: Site,
    pub delivered: Vec<Vec<u8>>,
    pub events: Vec<Event>,
    attachments: Vec<Attachment>,
    generation: u64,
}

pub struct World {
    pub now: Instant,
    pub hosts: Vec<Host>,
    pub wire: Wire,
    /// How long a message on the control link takes.
    pub control_latency: Duration,
    /// Whether the control link works.
    pub control_up: bool,
    /// Which relays work, by number, and how long a datagram takes through them.
    pub relays_up: [bool; 2],
    pub relay_latency: Duration,
    /// Changes the settings of each node that starts.
    pub configure: fn(&mut Config),
    /// Every datagram that was sent: the number of its sender, where to, and its bytes.
    pub recorded: Vec<(usize, Route, Vec<u8>)>,
    queue: BinaryHeap<Reverse<Scheduled>>,
    sequence: u64,
    random: Random,
}

impl World {
    /// As many nodes as asked for, which know each other's addresses but share no network.
    pub fn new(hosts: usize, seed: u64) -> Self {
        Self::configured(hosts, seed, |_| {})
    }

    pub fn configured(hosts: usize, seed: u64, configure: fn(&mut Config)) -> Self {
        let mut world = Self {
            now: Instant::now(),
            hosts: Vec::new(),
            wire: Wire::clean(),
            control_latency: Duration::from_millis(10),
            control_up: true,
            relays_up: [true; 2],
            relay_latency: Duration::from_millis(20),
            configure,
            recorded: Vec::new(),
            queue: BinaryHeap::new(),
            sequence: 0,
            random: Random::new(seed),
        };
        for number in 0..hosts {
            let id = NodeId([number as u8 + 1; 20]);
            let address = SocketAddr::from(([10, 0, 0, number as u8 + 1], 7000));
            let node = world.start_node(id, 0);
            let (delivered, events, attachments) = (Vec::new(), Vec::new(), Vec::new());
            let site = Site::new(Kind::Open, number as u8 + 1);
            world.hosts.push(Host { node, id, address, site, delivered, events, attachments, generation: 0 });
        }
        for host in 0..hosts {
            world.introduce_all(host);
        }
        world
    }

    /// Makes the given hosts members of a network, host `n` with address `n + 1` of it, and attaches their devices.
    pub fn add_network(&mut self, id: u8, members: &[usize]) {
        let network = self.network(id, members);
        for host in members {
            let attachment =
                Attachment { network: network.id, addresses: vec![address(id, *host), address_v6(id, *host)] };
            self.hosts[*host].attachments.push(attachment);
            self.attach(*host);
        }
        self.publish(&network, members);
    }

    /// A network as [`add_network`](Self::add_network) makes it.
    pub fn network(&self, id: u8, members: &[usize]) -> Network {
        let member = |host: &usize| Member {
            node: self.hosts[*host].id,
            addresses: vec![address(id, *host), address_v6(id, *host)],
        };
        Network {
            id: network_id(id),
            prefixes: vec![
                IpPrefix { address: address(id, 0), length: 24 },
                IpPrefix { address: address_v6(id, 0), length: 64 },
            ],
            members: members.iter().map(member).collect(),
        }
    }

    pub fn publish(&mut self, network: &Network, to: &[usize]) {
        for host in to {
            self.hosts[*host].node.set_network(self.now, network.clone());
            self.fetch(*host);
        }
    }

    /// Starts a host anew: it has forgotten its sessions and is told its networks again.
    pub fn restart(&mut self, host: usize, networks: &[Network]) {
        let generation = self.hosts[host].generation + 1;
        let node = self.start_node(self.hosts[host].id, generation);
        self.hosts[host].generation = generation;
        self.hosts[host].node = node;
        self.introduce_all(host);
        self.attach(host);
        for network in networks {
            self.publish(network, &[host]);
        }
    }

    /// Lets a host's device send a packet.
    pub fn send(&mut self, host: usize, packet: &[u8]) {
        self.send_offloaded(host, Offload::default(), packet);
    }

    /// Has a host send a packet that its kernel has not finished.
    pub fn send_offloaded(&mut self, host: usize, offload: Offload, packet: &[u8]) {
        self.hosts[host].node.handle_packet(self.now, DEVICE, offload, packet);
        self.fetch(host);
    }

    /// Lets an arbitrary datagram arrive at a host.
    pub fn inject(&mut self, host: usize, from: SocketAddr, mut bytes: Vec<u8>) {
        let length = bytes.len();
        self.hosts[host].node.handle_datagram(self.now, from.into(), Ecn::NotCapable, length, &mut bytes);
        self.fetch(host);
    }

    /// Lets time pass and everything happen that falls into it.
    pub fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            let timeouts = self.hosts.iter().enumerate().filter_map(|(host, it)| Some((it.node.poll_timeout()?, host)));
            let timeout = timeouts.min();
            let scheduled = self.queue.peek().map(|Reverse(scheduled)| scheduled.at);
            let next = timeout.map(|(at, _)| at).into_iter().chain(scheduled).min();
            let Some(at) = next.filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            match timeout.filter(|(due, _)| *due == at) {
                Some((_, host)) => {
                    self.hosts[host].node.handle_timeout(self.now);
                    self.fetch(host);
                }
                None => self.step(),
            }
        }
        self.now = end;
    }

    pub fn drops(&self, host: usize, reason: DropReason) -> u64 {
        self.hosts[host].node.counters().drops(reason)
    }

    fn step(&mut self) {
        let Some(Reverse(Scheduled { what, .. })) = self.queue.pop() else { return };
        let now = self.now;
        match what {
            What::Datagrams { from, to, segment_size, mut bytes } => {
                let is_there = |host: &Host| match (from, to) {
                    (Route::Direct(from), Route::Direct(to)) => host.site.takes(host.address, from, to),
                    (_, Route::Relayed { relay, peer }) => host.id == peer && self.relays_up[usize::from(relay.0)],
                    (Route::Relayed { .. }, Route::Direct(_)) => false,
                };
                let Some(host) = self.hosts.iter().position(is_there) else { return };
                self.hosts[host].node.handle_datagram(now, from, Ecn::NotCapable, segment_size, &mut bytes);
                self.fetch(host);
            }
            What::Handshake { from, to, message, .. } => {
                let Some(host) = self.hosts.iter().position(|host| host.id == to) else { return };
                let asker = self.hosts[from].id;
                let reply = self.hosts[host].node.handle_handshake(now, asker, &message, &BINDING);
                self.fetch(host);
                self.schedule(now + self.control_latency, What::Reply { from: to, to: from, message: reply });
            }
            What::Reply { from, to, message } => {
                self.hosts[to].node.handle_handshake_reply(now, from, &message, &BINDING);
                self.fetch(to);
            }
            What::Failure { host, to, id } => {
                self.hosts[host].node.handle_handshake_failure(now, to, id);
                self.fetch(host);
            }
        }
    }

    /// Fetches everything a node has to say, as a driver does after each call.
    pub fn fetch(&mut self, host: usize) {
        let mut sent = Vec::new();
        let now = self.now;
        while let Some(train) = self.hosts[host].node.poll_transmit(now) {
            sent.extend(train.bytes.chunks(train.segment_size).map(|datagram| (train.to, datagram.to_vec())));
        }
        for (to, datagram) in sent {
            self.put_on_wire(host, to, datagram);
        }
        while let Some(delivery) = self.hosts[host].node.poll_delivery() {
            let packet = delivery.packet.to_vec();
            self.hosts[host].delivered.push(packet);
        }
        while let Some(event) = self.hosts[host].node.poll_event() {
            if let Event::Handshake { peer, id, message } = &event {
                let (to, id) = (*peer, *id);
                let what = match self.control_up {
                    true => What::Handshake { from: host, to, id, message: message.clone() },
                    false => What::Failure { host, to, id },
                };
                self.schedule(self.now + self.control_latency, what);
            }
            self.hosts[host].events.push(event);
        }
    }

    fn put_on_wire(&mut self, host: usize, to: Route, datagram: Vec<u8>) {
        self.recorded.push((host, to, datagram.clone()));
        match to {
            Route::Direct(address) => self.put_on_direct_wire(host, address, &datagram),
            Route::Relayed { relay, .. } => {
                let from = Route::Relayed { relay, peer: self.hosts[host].id };
                let what = What::Datagrams { from, to, segment_size: datagram.len(), bytes: datagram };
                self.schedule(self.now + self.relay_latency, what);
            }
        }
    }

    fn put_on_direct_wire(&mut self, host: usize, to: SocketAddr, datagram: &[u8]) {
        let Host { site, address, .. } = &mut self.hosts[host];
        let Some(from) = site.send(*address, to) else { return };
        if datagram.len() + UDP_AND_IPV4 > self.wire.mtu {
            return;
        }
        let copies = 1 + u64::from(self.random.below(1000) < self.wire.duplication);
        for _ in 0..copies {
            if self.random.below(1000) < self.wire.loss {
                continue;
            }
            let jitter = Duration::from_micros(self.random.below(self.wire.jitter.as_micros() as u64 + 1));
            let (from, to) = (Route::Direct(from), Route::Direct(to));
            let what = What::Datagrams { from, to, segment_size: datagram.len(), bytes: datagram.to_vec() };
            self.schedule(self.now + self.wire.latency + jitter, what);
        }
    }

    fn schedule(&mut self, at: Instant, what: What) {
        self.sequence += 1;
        self.queue.push(Reverse(Scheduled { at, sequence: self.sequence, what }));
    }

    fn start_node(&self, id: NodeId, generation: u64) -> Node {
        let mut config = Config::new(id);
        (self.configure)(&mut config);
        let mut random = Random::new(u64::from(id.0[0]) << 32 | generation);
        Node::new(config, Box::new(move |bytes| random.fill(bytes)))
    }

    fn introduce_all(&mut self, host: usize) {
        let peers: Vec<_> = self.hosts.iter().map(|peer| (peer.id, peer.address)).collect();
        let own = self.hosts[host].id;
        for (id, address) in peers.into_iter().filter(|(id, _)| *id != own) {
            self.hosts[host].node.set_peer(self.now, id, vec![interface(address)], Vec::new());
        }
    }

    fn attach(&mut self, host: usize) {
        let attachments = self.hosts[host].attachments.clone();
        let config = DeviceConfig { attachments, mtu: 1420, offload: false, udp_offload: false, own_ports: Vec::new() };
        self.hosts[host].node.set_device(DEVICE, config).expect("the addresses of a host differ");
    }
}

/// An address as the control plane names it.
pub fn interface(address: SocketAddr) -> Candidate {
    Candidate { address, source: Source::Interface }
}

pub fn network_id(id: u8) -> NetworkId {
    NetworkId([id; 16])
}

/// The IPv4 address of a host in a network.
pub fn address(network: u8, host: usize) -> IpAddr {
    IpAddr::from([192, 168, network, host as u8 + 1])
}

/// The IPv6 address of a host in a network.
pub fn address_v6(network: u8, host: usize) -> IpAddr {
    IpAddr::from([0xfd00, 0, 0, u16::from(network), 0, 0, 0, host as u16 + 1])
}
