//! One node that is measured, and its peers.

use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use golem_vpn_proto::{Attachment, Candidate, DeviceConfig, DeviceId, Ecn, Event, Network, Node, Source};

use crate::memory::{self, counted};
use crate::packets::{self, Load};
use crate::places::{OWN, address, document, network_id, node, node_id, socket};

const DEVICE: DeviceId = DeviceId(1);
const BINDING: [u8; 32] = [0; 32];
const MEASURE_FOR: Duration = Duration::from_millis(300);
const REPEAT: usize = 20;
const IDLE_STEPS: u32 = 10_000;
const TICK: Duration = Duration::from_millis(20);
/// Time in which paths have found out what they carry.
const TO_SETTLE: Duration = Duration::from_secs(3);
const MINUTE: Duration = Duration::from_secs(60);

/// A train as it was sent: by whom, to where, its mark, the size of its datagrams, and their bytes.
type Sent = (usize, SocketAddr, Ecn, usize, Vec<u8>);

/// The node that is measured, with a session for each pair of a peer and a network that both are in.
pub struct Crowd {
    now: Instant,
    nodes: Vec<Node>,
    numbers: HashMap<SocketAddr, usize>,
    networks: Vec<Network>,
    /// Which peer is in which network.
    links: Vec<(usize, usize)>,
    bytes_before: i64,
    datagrams: usize,
}

impl Crowd {
    /// Makes the peers and has each link begin with a packet of the measured node.
    pub fn connected(now: Instant, peers: usize, networks: usize) -> Self {
        let links: Vec<_> = match peers {
            1 => (0..networks).map(|network| (1, network)).collect(),
            _ => (1..=peers).map(|peer| (peer, (peer - 1) % networks)).collect(),
        };
        let networks: Vec<_> = (0..networks).map(|network| document(network, &links)).collect();
        let nodes = (OWN..=peers).map(|number| counted_for(number, || node(number))).collect();
        let numbers = (OWN..=peers).map(|number| (socket(number), number)).collect();
        let mut crowd = Self { now, nodes, numbers, networks, links, bytes_before: 0, datagrams: 0 };
        (OWN..=peers).for_each(|number| crowd.introduce(number));
        for index in 0..crowd.links.len() {
            let (peer, network) = crowd.links[index];
            crowd.send(OWN, packets::SMALL, address(network, OWN), address(network, peer));
            crowd.exchange(OWN);
            if index == 0 {
                crowd.bytes_before = memory::bytes();
            }
        }
        crowd.advance(TO_SETTLE);
        crowd
    }

    /// Bytes that each link but the first takes, with its peer and its place in the networks.
    pub fn memory_per_link(&mut self) -> f64 {
        (memory::bytes() - self.bytes_before) as f64 / (self.links.len() - 1) as f64
    }

    /// Datagrams that the node sends in a minute without packets, for each link.
    pub fn idle_datagrams(&mut self) -> f64 {
        self.datagrams = 0;
        self.advance(MINUTE);
        self.datagrams as f64 / self.links.len() as f64
    }

    /// Nanoseconds of asking when something is due, and of doing what is due when nothing is.
    pub fn idle_step(&mut self) -> f64 {
        let (now, own) = (self.now, &mut self.nodes[OWN]);
        let step = || {
            let start = Instant::now();
            for _ in 0..IDLE_STEPS {
                if std::hint::black_box(own.poll_timeout()).is_none_or(|due| due > now) {
                    own.handle_timeout(now);
                }
            }
            start.elapsed().as_nanos() as f64 / f64::from(IDLE_STEPS)
        };
        low_decile(std::iter::repeat_with(step).take(REPEAT).collect())
    }

    /// Microseconds of taking a network's document that changes nothing.
    pub fn document(&mut self) -> f64 {
        let change = || {
            let document = self.networks[0].clone();
            let start = Instant::now();
            self.nodes[OWN].set_network(self.now, document);
            start.elapsed().as_nanos() as f64 / 1000.0
        };
        low_decile(std::iter::repeat_with(change).take(REPEAT).collect())
    }

    /// Microseconds of telling the state of all peers.
    pub fn status(&mut self) -> f64 {
        let tell = || {
            let start = Instant::now();
            std::hint::black_box(self.nodes[OWN].peers(self.now));
            start.elapsed().as_nanos() as f64 / 1000.0
        };
        low_decile(std::iter::repeat_with(tell).take(REPEAT).collect())
    }

    /// Nanoseconds per ordinary packet to one peer.
    pub fn out(&mut self, load: Load) -> f64 {
        self.between(load, (OWN, 1), OWN)
    }

    /// Nanoseconds per ordinary packet from one peer.
    pub fn into(&mut self, load: Load) -> f64 {
        self.between(load, (1, OWN), OWN)
    }

    /// Nanoseconds per packet where each goes to another peer than the one before.
    pub fn out_to_all(&mut self) -> f64 {
        let (own, now) = (&mut self.nodes[OWN], self.now);
        let to = |(peer, network): &(usize, usize)| packets::small(address(*network, OWN), address(*network, *peer)).1;
        let packets: Vec<_> = self.links.iter().map(to).collect();
        let (mut nanoseconds, end) = (Vec::new(), Instant::now() + MEASURE_FOR);
        let mut turn = packets.iter().cycle();
        while Instant::now() < end {
            let start = Instant::now();
            for packet in turn.by_ref().take(packets::SMALL.repeat) {
                own.handle_packet(now, DEVICE, golem_vpn_proto::Offload::default(), packet);
            }
            while own.poll_transmit(now).is_some() {}
            nanoseconds.push(start.elapsed().as_nanos() as f64 / packets::SMALL.repeat as f64);
        }
        low_decile(nanoseconds)
    }

    /// Nanoseconds that `measured` takes for each ordinary packet; time without the copies, which stand for system calls.
    fn between(&mut self, load: Load, (from, to): (usize, usize), measured: usize) -> f64 {
        let (now, source, destination) = (self.now, address(0, from), address(0, to));
        let (mut nanoseconds, end) = (Vec::new(), Instant::now() + MEASURE_FOR);
        while Instant::now() < end {
            let before = self.nodes[to].counters().packets_in;
            let start = Instant::now();
            self.send(from, load, source, destination);
            let mut sending = start.elapsed();
            let mut trains = Vec::new();
            loop {
                let start = Instant::now();
                let train = self.nodes[from].poll_transmit(now);
                sending += start.elapsed();
                let Some(train) = train else { break };
                trains.push((train.segment_size, train.bytes.to_vec()));
            }
            let start = Instant::now();
            for (segment_size, bytes) in &mut trains {
                self.nodes[to].handle_datagram(now, socket(from).into(), Ecn::NotCapable, *segment_size, bytes);
            }
            while self.nodes[to].poll_delivery().is_some() {}
            let spent = if measured == from { sending } else { start.elapsed() };
            let packets = self.nodes[to].counters().packets_in - before;
            nanoseconds.push(spent.as_nanos() as f64 / packets as f64);
        }
        low_decile(nanoseconds)
    }

    fn introduce(&mut self, number: usize) {
        let is_in = |network: usize| number == OWN || self.links.contains(&(number, network));
        let own: Vec<_> = (0..self.networks.len()).filter(|network| is_in(*network)).collect();
        let peers = if number == OWN { 1..self.nodes.len() } else { OWN..OWN + 1 };
        let attachment = |network: &usize| Attachment {
            network: network_id(*network),
            addresses: vec![address(*network, number).into()],
        };
        let attachments = own.iter().map(attachment).collect();
        let device = DeviceConfig { attachments, mtu: 1420, offload: true, udp_offload: true, own_ports: Vec::new() };
        let (now, networks, node) = (self.now, &self.networks, &mut self.nodes[number]);
        counted_for(number, || {
            own.iter().for_each(|network| node.set_network(now, networks[*network].clone()));
            node.set_device(DEVICE, device).expect("addresses that differ");
            for peer in peers {
                let candidate = Candidate { address: socket(peer), source: Source::Interface };
                node.set_peer(now, node_id(peer), vec![candidate], Vec::new());
            }
        });
    }

    fn send(&mut self, from: usize, load: Load, source: Ipv4Addr, destination: Ipv4Addr) {
        let (offload, packet) = (load.make)(source, destination);
        let (now, node) = (self.now, &mut self.nodes[from]);
        counted_for(from, || {
            (0..load.repeat).for_each(|_| node.handle_packet(now, DEVICE, offload, &packet));
        });
    }

    fn advance(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.now < end {
            self.now += TICK;
            for number in 0..self.nodes.len() {
                if self.nodes[number].poll_timeout().is_some_and(|due| due <= self.now) {
                    let (now, node) = (self.now, &mut self.nodes[number]);
                    counted_for(number, || node.handle_timeout(now));
                    self.exchange(number);
                }
            }
        }
    }

    /// Carries what a node has to say, and what others answer, until all are silent.
    fn exchange(&mut self, first: usize) {
        let mut waiting = VecDeque::from([first]);
        while let Some(number) = waiting.pop_front() {
            self.shake_hands(number, &mut waiting);
            for (from, to, ecn, segment_size, mut bytes) in self.sent_by(number) {
                let Some(receiver) = self.numbers.get(&to).copied() else { continue };
                let (now, node) = (self.now, &mut self.nodes[receiver]);
                counted_for(receiver, || {
                    node.handle_datagram(now, socket(from).into(), ecn, segment_size, &mut bytes);
                    while node.poll_delivery().is_some() {}
                });
                waiting.push_back(receiver);
            }
        }
    }

    fn sent_by(&mut self, number: usize) -> Vec<Sent> {
        let mut sent = Vec::new();
        let (now, node) = (self.now, &mut self.nodes[number]);
        while let Some(train) = counted_for(number, || node.poll_transmit(now)) {
            let to = train.to.address().expect("nobody has a relay");
            sent.push((number, to, train.ecn, train.segment_size, train.bytes.to_vec()));
        }
        let datagrams = sent.iter().map(|(_, _, _, segment_size, bytes)| bytes.len().div_ceil(*segment_size));
        self.datagrams += if number == OWN { datagrams.sum() } else { 0 };
        sent
    }

    fn shake_hands(&mut self, number: usize, waiting: &mut VecDeque<usize>) {
        let now = self.now;
        while let Some(event) = self.nodes[number].poll_event() {
            let Event::Handshake { peer, message, .. } = event else { continue };
            let other = usize::from(u16::from_be_bytes([peer.0[0], peer.0[1]]));
            let node = &mut self.nodes[other];
            let reply = counted_for(other, || node.handle_handshake(now, node_id(number), &message, &BINDING));
            let node = &mut self.nodes[number];
            counted_for(number, || node.handle_handshake_reply(now, peer, &reply, &BINDING));
            waiting.extend([number, other]);
        }
    }
}

/// Counts what is allocated, if it is for the node that is measured.
fn counted_for<T>(number: usize, action: impl FnOnce() -> T) -> T {
    if number == OWN { counted(action) } else { action() }
}

/// Of many rounds the one that a tenth was faster than, as other programs only ever make it slower.
fn low_decile(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 10]
}
