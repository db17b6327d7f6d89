//! Two nodes with a session in one network, and everything between them at once.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use golem_vpn_proto::{
    Attachment, Candidate, Config, DeviceConfig, DeviceId, Event, IpPrefix, Member, Network, NetworkId, Node, NodeId,
    Offload, Source,
};

pub const ALICE: NodeId = NodeId([1; 20]);
pub const BOB: NodeId = NodeId([2; 20]);
pub const NETWORK: NetworkId = NetworkId([9; 16]);
pub const DEVICE: DeviceId = DeviceId(1);
const BINDING: [u8; 32] = [5; 32];

pub struct Pair {
    pub now: Instant,
    pub alice: Node,
    pub bob: Node,
}

/// What a device got.
pub type Delivered = (Offload, Vec<u8>);

impl Pair {
    /// Both take super-packets, or neither; `alice` and `bob` are the addresses each may use.
    pub fn new(offload: bool, alice: &[IpAddr], bob: &[IpAddr]) -> Self {
        Self::configured(Config::new(ALICE), offload, alice, bob)
    }

    /// The same, with the settings of Alice.
    pub fn configured(config: Config, offload: bool, alice: &[IpAddr], bob: &[IpAddr]) -> Self {
        let network = network(alice, bob);
        let mut pair = Self { now: Instant::now(), alice: configured(config), bob: node(BOB) };
        for (own, addresses) in [(&mut pair.alice, alice), (&mut pair.bob, bob)] {
            own.set_network(pair.now, network.clone());
            own.set_device(DEVICE, device(offload, addresses)).unwrap();
        }
        pair.alice.set_peer(pair.now, BOB, vec![interface(2)], Vec::new());
        pair.bob.set_peer(pair.now, ALICE, vec![interface(1)], Vec::new());
        pair
    }

    /// Lets Alice's device send a packet.
    pub fn send(&mut self, offload: Offload, packet: &[u8]) {
        self.alice.handle_packet(self.now, DEVICE, offload, packet);
    }

    /// Carries datagrams and handshakes until both are silent.
    pub fn settle(&mut self) {
        while self.step() {}
    }

    /// What Bob's device gets.
    pub fn delivered(&mut self) -> Vec<Delivered> {
        let mut delivered = Vec::new();
        while let Some(delivery) = self.bob.poll_delivery() {
            delivered.push((delivery.offload, delivery.packet.to_vec()));
        }
        delivered
    }

    fn step(&mut self) -> bool {
        let now = self.now;
        let mut busy = exchange(now, (&mut self.alice, 1, ALICE), (&mut self.bob, BOB));
        busy |= exchange(now, (&mut self.bob, 2, BOB), (&mut self.alice, ALICE));
        busy
    }
}

pub fn network(alice: &[IpAddr], bob: &[IpAddr]) -> Network {
    let members = [(ALICE, alice), (BOB, bob)].map(|(node, addresses)| Member { node, addresses: addresses.to_vec() });
    Network {
        id: NETWORK,
        prefixes: vec![
            IpPrefix { address: IpAddr::from([192, 168, 0, 0]), length: 24 },
            IpPrefix { address: IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, 0]), length: 64 },
        ],
        members: members.to_vec(),
    }
}

pub fn device(offload: bool, addresses: &[IpAddr]) -> DeviceConfig {
    let attachments = vec![Attachment { network: NETWORK, addresses: addresses.to_vec() }];
    DeviceConfig { attachments, mtu: 1420, offload, udp_offload: offload, own_ports: Vec::new() }
}

pub fn node(id: NodeId) -> Node {
    configured(Config::new(id))
}

fn configured(config: Config) -> Node {
    let mut state = u64::from(config.node.0[0]);
    let entropy = move |bytes: &mut [u8]| {
        for byte in bytes {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 56) as u8;
        }
    };
    Node::new(config, Box::new(entropy))
}

pub fn socket(host: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, host], 7000))
}

pub fn interface(host: u8) -> Candidate {
    Candidate { address: socket(host), source: Source::Interface }
}

fn exchange(now: Instant, (from, host, from_id): (&mut Node, u8, NodeId), (to, to_id): (&mut Node, NodeId)) -> bool {
    let mut busy = false;
    while let Some(train) = from.poll_transmit(now) {
        to.handle_datagram(now, socket(host).into(), train.ecn, train.segment_size, &mut train.bytes.to_vec());
        busy = true;
    }
    while let Some(event) = from.poll_event() {
        if let Event::Handshake { message, .. } = event {
            let reply = to.handle_handshake(now, from_id, &message, &BINDING);
            from.handle_handshake_reply(now, to_id, &reply, &BINDING);
        }
        busy = true;
    }
    busy
}
