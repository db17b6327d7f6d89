//! What a packet costs on one core, in nanoseconds, with each cipher: `cargo bench -p golem-vpn-proto --bench
//! packet_path`. Words after `--` choose the lines that contain them all.
//!
//! "Out" is from a device to the train of datagrams, "in" from the train to the device of the peer.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use golem_vpn_proto::packet::checksum;
use golem_vpn_proto::{
    Attachment, Candidate, Cipher, Config, DeviceConfig, DeviceId, Ecn, Event, IpPrefix, Member, Network, NetworkId,
    Node, NodeId, Offload, OffloadKind, PartialChecksum, Source,
};

const NETWORK: NetworkId = NetworkId([1; 16]);
const DEVICE: DeviceId = DeviceId(1);
const BINDING: [u8; 32] = [0; 32];
const MEASURE_FOR: Duration = Duration::from_secs(1);
const BATCH: usize = 47;
const TCP: u8 = 6;
const UDP: u8 = 17;

fn main() {
    let wanted: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    println!("{:>44} {:>8} {:>8}  ns per packet", "", "out", "in");
    for cipher in [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305] {
        let line = format!("{} alone, 1420 bytes", cipher.name());
        if wanted.iter().all(|word| line.contains(word)) {
            let (seal, open) = cipher_alone(cipher);
            println!("{line:>44} {seal:>8.0} {open:>8.0}");
        }
        for load in loads() {
            let line = format!("{} {}", cipher.name(), load.name);
            if wanted.iter().all(|word| line.contains(word)) {
                let (out, into) = Pair::connected(cipher).measure(&load);
                println!("{line:>44} {out:>8.0} {into:>8.0}");
            }
        }
    }
}

/// What sealing and opening cost without anything around them: the floor for the other lines.
fn cipher_alone(cipher: Cipher) -> (f64, f64) {
    let algorithm = match cipher {
        Cipher::Aes256Gcm => &AES_256_GCM,
        Cipher::ChaCha20Poly1305 => &CHACHA20_POLY1305,
    };
    let key = LessSafeKey::new(UnboundKey::new(algorithm, &[1; 32]).expect("a key of 32 bytes"));
    let (mut seal, mut open) = (Vec::new(), Vec::new());
    let mut packets = vec![vec![0u8; 1420]; BATCH];
    let end = Instant::now() + MEASURE_FOR;
    while Instant::now() < end {
        packets.iter_mut().for_each(|packet| packet.truncate(1420));
        let start = Instant::now();
        for packet in &mut packets {
            key.seal_in_place_append_tag(nonce(), Aad::from([0; 16]), packet).expect("a short packet");
        }
        seal.push(start.elapsed().as_nanos() as f64 / BATCH as f64);
        let start = Instant::now();
        for packet in &mut packets {
            key.open_in_place(nonce(), Aad::from([0; 16]), packet).expect("a genuine packet");
        }
        open.push(start.elapsed().as_nanos() as f64 / BATCH as f64);
    }
    (low_decile(seal), low_decile(open))
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

/// Packets that a device hands over between two looks at the outgoing queue.
struct Load {
    name: &'static str,
    offload: Offload,
    packet: Vec<u8>,
    repeat: usize,
}

fn loads() -> Vec<Load> {
    let segment_size = 1420 - 52;
    let superpacket = tcp_superpacket(usize::from(segment_size) * 47);
    let offload = Offload {
        kind: OffloadKind::TcpV4,
        ecn: false,
        header_length: 52,
        segment_size,
        checksum: Some(PartialChecksum { start: 20, offset: 16 }),
    };
    vec![
        Load { name: "64 KiB TCP super-packet", offload, packet: superpacket, repeat: 1 },
        Load { name: "64 x 1420 bytes UDP", offload: Offload::default(), packet: udp_packet(1420), repeat: 64 },
        Load { name: "64 x 92 bytes UDP", offload: Offload::default(), packet: udp_packet(92), repeat: 64 },
        Load { name: "one packet of 92 bytes", offload: Offload::default(), packet: udp_packet(92), repeat: 1 },
    ]
}

struct Pair {
    now: Instant,
    sender: Node,
    receiver: Node,
}

impl Pair {
    fn connected(cipher: Cipher) -> Self {
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

    /// Nanoseconds per ordinary packet, on the way out and on the way in: of many rounds the one that a tenth
    /// was faster than, as other programs only ever make it slower.
    fn measure(&mut self, load: &Load) -> (f64, f64) {
        let (mut out, mut into) = (Vec::new(), Vec::new());
        let mut trains = Vec::new();
        let end = Instant::now() + MEASURE_FOR;
        while Instant::now() < end {
            let before = self.receiver.counters().packets_in;
            let sending = self.send(load, &mut trains);
            let receiving = self.receive(&mut trains);
            let packets = (self.receiver.counters().packets_in - before) as f64;
            out.push(sending.as_nanos() as f64 / packets);
            into.push(receiving.as_nanos() as f64 / packets);
        }
        assert_eq!(self.receiver.counters().total_drops() + self.sender.counters().total_drops(), 0);
        (low_decile(out), low_decile(into))
    }

    /// Fetches what the load makes into `trains`; the time without the copies, which stand for system calls.
    fn send(&mut self, load: &Load, trains: &mut Vec<(usize, Vec<u8>)>) -> Duration {
        trains.clear();
        let start = Instant::now();
        for _ in 0..load.repeat {
            self.sender.handle_packet(self.now, DEVICE, load.offload, &load.packet);
        }
        let mut spent = start.elapsed();
        loop {
            let start = Instant::now();
            let train = self.sender.poll_transmit(self.now);
            spent += start.elapsed();
            let Some(train) = train else { return spent };
            trains.push((train.segment_size, train.bytes.to_vec()));
        }
    }

    fn receive(&mut self, trains: &mut [(usize, Vec<u8>)]) -> Duration {
        let start = Instant::now();
        for (segment_size, bytes) in trains {
            self.receiver.handle_datagram(self.now, address(1).into(), Ecn::NotCapable, *segment_size, bytes);
        }
        while self.receiver.poll_delivery().is_some() {}
        start.elapsed()
    }
}

fn low_decile(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 10]
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

fn address(host: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, host], 7000))
}

fn inner(host: u8) -> IpAddr {
    IpAddr::from([192, 168, 0, host])
}

/// A TCP packet with timestamps, its checksum left partial, as the kernel hands it over.
fn tcp_superpacket(payload: usize) -> Vec<u8> {
    let mut transport = vec![0x12, 0x34, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 8 << 4, 0x10, 1, 0, 0, 0, 0, 0];
    transport.extend_from_slice(&[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
    transport.resize(32 + payload, 0x5a);
    let partial = checksum::pseudo_header(inner(1), inner(2), TCP, transport.len()).partial();
    transport[16..18].copy_from_slice(&partial.to_be_bytes());
    ip_packet(TCP, &transport)
}

fn udp_packet(length: usize) -> Vec<u8> {
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
