//! Two nodes with a session, and packets for them to carry.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use golem_vpn_proto::packet::checksum;
use golem_vpn_proto::{
    Attachment, Candidate, Cipher, Config, DeviceConfig, DeviceId, Ecn, Event, IpPrefix, Member, Network, NetworkId,
    Node, NodeId, Offload, OffloadKind, PartialChecksum, Source,
};

const NETWORK: NetworkId = NetworkId([1; 16]);
pub const DEVICE: DeviceId = DeviceId(1);
const BINDING: [u8; 32] = [0; 32];
/// Segments of a full super-packet.
pub const BATCH: usize = 47;
const TCP: u8 = 6;
const UDP: u8 = 17;

pub struct Pair {
    pub now: Instant,
    pub sender: Node,
    pub receiver: Node,
}

impl Pair {
    pub fn connected(cipher: Cipher) -> Self {
        let mut pair = Self { now: Instant::now(), sender: node(cipher, 1), receiver: node(cipher, 2) };
        pair.sender.handle_packet(pair.now, DEVICE, Offload::default(), &udp_packet(64));
        let Some(Event::Handshake { message, .. }) = pair.sender.poll_event() else {
            panic!("a handshake comes first")
        };
        let reply = pair.receiver.handle_handshake(pair.now, node_id(1), &message, &BINDING);
        pair.sender.handle_handshake_reply(pair.now, node_id(2), &reply, &BINDING);
        for _ in 0..4 {
            transfer(pair.now, 1, &mut pair.sender, &mut pair.receiver);
            transfer(pair.now, 2, &mut pair.receiver, &mut pair.sender);
        }
        assert!(pair.receiver.poll_delivery().is_some(), "the first packet arrives");
        pair
    }
}

/// A full super-packet of TCP, its checksum left partial, as the kernel hands it over.
pub fn full_superpacket() -> (Offload, Vec<u8>) {
    let segment_size = 1420 - 52;
    let offload = Offload {
        kind: OffloadKind::TcpV4,
        ecn: false,
        header_length: 52,
        segment_size,
        checksum: Some(PartialChecksum { start: 20, offset: 16 }),
    };
    (offload, tcp_superpacket(usize::from(segment_size) * BATCH))
}

fn transfer(now: Instant, host: u8, from: &mut Node, to: &mut Node) {
    while let Some(train) = from.poll_transmit(now) {
        to.handle_datagram(now, address(host).into(), Ecn::NotCapable, train.segment_size, &mut train.bytes.to_vec());
    }
}

fn node(cipher: Cipher, host: u8) -> Node {
    let now = Instant::now();
    let mut state = host;
    let entropy = move |bytes: &mut [u8]| bytes.fill_with(|| (state = state.wrapping_add(59), state).1);
    let mut node = Node::new(Config { ciphers: vec![cipher], ..Config::new(node_id(host)) }, Box::new(entropy));
    let members = [1, 2].map(|host| Member { node: node_id(host), addresses: vec![inner(host)] }).to_vec();
    let prefixes = vec![IpPrefix { address: inner(0), length: 24 }];
    node.set_network(now, Network { id: NETWORK, prefixes, members });
    let attachments = vec![Attachment { network: NETWORK, addresses: vec![inner(host)] }];
    let device = DeviceConfig { attachments, mtu: 1420, offload: true, udp_offload: true, own_ports: Vec::new() };
    node.set_device(DEVICE, device).expect("the only device");
    let candidate = Candidate { address: address(3 - host), source: Source::Interface };
    node.set_peer(now, node_id(3 - host), vec![candidate], Vec::new());
    node
}

fn node_id(host: u8) -> NodeId {
    NodeId([host; 20])
}

pub fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, host], 7000))
}

fn inner(host: u8) -> IpAddr {
    IpAddr::from([192, 168, 0, host])
}

/// A TCP packet with timestamps, its checksum left partial.
fn tcp_superpacket(payload: usize) -> Vec<u8> {
    let mut transport = vec![0x12, 0x34, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 8 << 4, 0x10, 1, 0, 0, 0, 0, 0];
    transport.extend_from_slice(&[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
    transport.resize(32 + payload, 0x5a);
    let partial = checksum::pseudo_header(inner(1), inner(2), TCP, transport.len()).partial();
    transport[16..18].copy_from_slice(&partial.to_be_bytes());
    ip_packet(TCP, &transport)
}

pub fn udp_packet(length: usize) -> Vec<u8> {
    let mut transport = vec![0x12, 0x34, 0, 80];
    transport.extend_from_slice(&(length as u16 - 20).to_be_bytes());
    transport.resize(length - 20, 0x5a);
    transport[6..8].fill(0);
    let sum = checksum::pseudo_header(inner(1), inner(2), UDP, transport.len()).with(&transport).checksum();
    transport[6..8].copy_from_slice(&sum.to_be_bytes());
    ip_packet(UDP, &transport)
}

fn ip_packet(protocol: u8, transport: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0, 192, 168, 0, 1, 192, 168, 0, 2];
    packet[2..4].copy_from_slice(&(transport.len() as u16 + 20).to_be_bytes());
    checksum::write_ipv4(&mut packet);
    packet.extend_from_slice(transport);
    packet
}
