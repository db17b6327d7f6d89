//! Engines with queues as devices, over real sockets and over a wire in memory. The tests carry the handshakes,
//! as the control plane does.

mod kernel_stack;
mod relaying;
mod stack;
mod tun;
mod workers;

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use golem_vpn_proto::{Attachment, Candidate, DropReason, IpPrefix, Member, Network, NetworkId, Source};

use super::*;
use crate::queue::{PacketQueue, queue_device};
use crate::udp::channel::wire;

const NETWORK: NetworkId = NetworkId([7; 16]);
const DEVICE: DeviceId = DeviceId(1);
const BINDING: [u8; 32] = [9; 32];
const PATIENCE: Duration = Duration::from_secs(10);

/// An engine with one queue device, at the address 10.0.0.`number`. A second device may be at 10.0.0.`number + 10`.
struct Peer {
    number: u8,
    engine: Engine,
    events: mpsc::Receiver<Event>,
    relayed: mpsc::Receiver<RelayedTrain>,
    queue: PacketQueue,
}

fn node(number: u8) -> NodeId {
    NodeId([number; 20])
}

fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, number)
}

fn member(number: u8) -> Member {
    Member { node: node(number), addresses: vec![address(number).into(), address(number + 10).into()] }
}

fn network() -> Network {
    let prefix = IpPrefix { address: IpAddr::from([10, 0, 0, 0]), length: 24 };
    Network { id: NETWORK, prefixes: vec![prefix], members: vec![member(1), member(2)] }
}

fn config(number: u8) -> DeviceConfig {
    let attachment = Attachment { network: NETWORK, addresses: vec![address(number).into()] };
    DeviceConfig { attachments: vec![attachment], mtu: 1420, offload: false, udp_offload: false, own_ports: Vec::new() }
}

/// An IPv4 packet of a protocol for experiments (RFC 3692), which needs no checksum inside.
fn packet(from: u8, to: u8, content: &[u8]) -> Vec<u8> {
    let length = (20 + content.len()) as u16;
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 253, 0, 0];
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    packet.extend(address(from).octets());
    packet.extend(address(to).octets());
    let sum: u32 = packet.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let checksum = !((folded & 0xffff) + (folded >> 16)) as u16;
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.extend(content);
    packet
}

impl Peer {
    async fn new(number: u8, started: io::Result<(Engine, Outputs)>) -> Self {
        Self::with_queue(number, started, 256).await
    }

    async fn with_queue(number: u8, started: io::Result<(Engine, Outputs)>, capacity: usize) -> Self {
        let (engine, Outputs { events, relayed }) = started.unwrap();
        let (end, queue) = queue_device(capacity);
        engine.apply(Command::SetNetwork(network())).unwrap();
        engine.add_queue(DEVICE, end, "test".to_owned(), config(number)).await.unwrap().unwrap();
        Self { number, engine, events, relayed, queue }
    }

    fn knows(&self, other: &Self) {
        let candidate = Candidate { address: other.engine.local_address(), source: Source::Interface };
        let (node, candidates, relays) = (node(other.number), vec![candidate], Vec::new());
        self.engine.apply(Command::SetPeer { node, candidates, relays }).unwrap();
    }

    /// Carries the next handshake to the other engine and its reply back.
    async fn shake_hands_with(&mut self, other: &Self) {
        loop {
            let event = tokio::time::timeout(PATIENCE, self.events.recv()).await.unwrap().unwrap();
            let Event::Node(golem_vpn_proto::Event::Handshake { peer, message, .. }) = event else { continue };
            assert_eq!(peer, node(other.number));
            let reply = other.engine.handshake(node(self.number), message, BINDING).await.unwrap();
            let command = Command::HandshakeReply { from: peer, message: reply, binding: BINDING };
            return self.engine.apply(command).unwrap();
        }
    }

    async fn receive(&self) -> Vec<u8> {
        tokio::time::timeout(PATIENCE, self.queue.readable()).await.expect("a packet comes");
        self.queue.try_recv().unwrap()
    }

    async fn send(&self, packet: Vec<u8>) {
        self.queue.writable().await;
        self.queue.try_send(packet).unwrap();
    }

    async fn drops(&self, reason: DropReason) -> u64 {
        self.engine.snapshot().await.unwrap().counters.drops(reason)
    }
}

fn engine(number: u8) -> io::Result<(Engine, Outputs)> {
    engine_without(number, &[])
}

fn engine_without(number: u8, names: &[&str]) -> io::Result<(Engine, Outputs)> {
    let features = Features::without(names).unwrap();
    Engine::start(Config::new(node(number)), SocketAddr::from(([127, 0, 0, 1], 0)), features)
}

/// Two engines that know each other and have a session, as the first packet between them shows.
async fn pair() -> (Peer, Peer) {
    let (left, right) = (Peer::new(1, engine(1)).await, Peer::new(2, engine(2)).await);
    introduced(left, right).await
}

async fn introduced(mut left: Peer, right: Peer) -> (Peer, Peer) {
    left.knows(&right);
    right.knows(&left);
    left.send(packet(1, 2, b"first")).await;
    left.shake_hands_with(&right).await;
    assert_eq!(right.receive().await, packet(1, 2, b"first"));
    (left, right)
}

#[tokio::test]
async fn packets_pass_in_both_directions_after_a_handshake() {
    let (left, right) = pair().await;
    for round in 0..100_u8 {
        let content = vec![round; usize::from(round) * 13];
        left.send(packet(1, 2, &content)).await;
        right.send(packet(2, 1, &content)).await;
        assert_eq!(right.receive().await, packet(1, 2, &content));
        assert_eq!(left.receive().await, packet(2, 1, &content));
    }
    let snapshot = right.engine.snapshot().await.unwrap();
    assert_eq!((snapshot.counters.packets_in, snapshot.counters.packets_out), (101, 100));
    assert_eq!(snapshot.counters.total_drops(), 0);
    assert_eq!(snapshot.devices[0].counters.packets_out, 101);
    assert_eq!(snapshot.peers.len(), 1);
    assert!(snapshot.peers[0].networks[0].session.is_some());
}

/// Two engines on a wire in memory, and a switch that keeps the right one from receiving.
async fn wired(features: Features) -> (Peer, Peer, Arc<AtomicBool>) {
    let ends = [SocketAddr::from(([192, 0, 2, 1], 1)), SocketAddr::from(([192, 0, 2, 2], 1))];
    let (left_end, right_end) = wire(ends[0], ends[1]);
    let stall = right_end.stall_switch();
    let left = Peer::new(1, Engine::start_with(Config::new(node(1)), left_end, features)).await;
    // All that the left one may hold back comes at once in the end.
    let right = Peer::with_queue(2, Engine::start_with(Config::new(node(2)), right_end, features), 4096).await;
    let (left, right) = introduced(left, right).await;
    (left, right, stall)
}

#[tokio::test]
async fn a_full_socket_makes_devices_wait_and_drops_nothing() {
    let (left, right, stall) = wired(Features::default()).await;
    stall.store(true, Ordering::SeqCst);
    let mut sent = 0;
    // Packets of growing length never share a train, so that the wire is full before the queue.
    loop {
        match left.queue.try_send(packet(1, 2, &vec![1; sent])) {
            Ok(()) => sent += 1,
            Err(_) if is_waiting(&left).await => break,
            Err(_) => tokio::task::yield_now().await,
        }
    }
    stall.store(false, Ordering::SeqCst);
    for number in 0..sent {
        assert_eq!(right.receive().await, packet(1, 2, &vec![1; number]));
    }
    assert_eq!(left.engine.snapshot().await.unwrap().counters.total_drops(), 0);
}

async fn is_waiting(peer: &Peer) -> bool {
    peer.engine.snapshot().await.unwrap().socket.counters.send_waits > 0
}

#[tokio::test]
async fn garbage_at_the_socket_is_counted() {
    let (left, right) = pair().await;
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut unknown_session = vec![4, 0, 0, 0];
    unknown_session.resize(100, 0xee);
    for garbage in [&[0xff; 1200][..], &[4; 3], &[], &unknown_session] {
        stranger.send_to(garbage, right.engine.local_address()).unwrap();
    }
    left.send(packet(1, 2, b"after the garbage")).await;
    assert_eq!(right.receive().await, packet(1, 2, b"after the garbage"));
    assert_eq!(right.drops(DropReason::MalformedDatagram).await, 2);
    assert_eq!(right.drops(DropReason::UnknownSession).await, 1);
    assert_eq!(right.engine.snapshot().await.unwrap().socket.counters.dropped_empty, 1);
}

#[tokio::test]
async fn a_device_goes_while_traffic_flows() {
    let (left, mut right) = pair().await;
    let keep_sending = async {
        for number in 0..2000_u32 {
            left.send(packet(1, 2, &number.to_be_bytes())).await;
            tokio::task::yield_now().await;
        }
    };
    let remove = async {
        right.receive().await;
        right.engine.apply(Command::RemoveDevice(DEVICE)).unwrap();
    };
    tokio::join!(keep_sending, remove);
    // Commands are carried out in order, so the device is gone when this is answered.
    assert!(right.engine.snapshot().await.unwrap().devices.is_empty());
    assert!(right.queue.is_closed());
    // There is room for all that may be on its way still, so that what comes after it is not dropped.
    let (end, queue) = queue_device(2048);
    right.engine.add_queue(DEVICE, end, "again".to_owned(), config(2)).await.unwrap().unwrap();
    right.queue = queue;
    left.send(packet(1, 2, b"again")).await;
    while right.receive().await != packet(1, 2, b"again") {}
}

#[tokio::test]
async fn a_queue_closed_by_its_user_is_told() {
    let mut peer = Peer::new(1, engine(1)).await;
    drop(peer.queue);
    let event = tokio::time::timeout(PATIENCE, peer.events.recv()).await.unwrap().unwrap();
    assert!(matches!(event, Event::DeviceLost { device: DEVICE, .. }), "{event:?}");
    assert!(peer.engine.snapshot().await.unwrap().devices.is_empty());
}

#[tokio::test]
async fn a_device_that_cannot_be_is_refused() {
    let peer = Peer::new(1, engine(1)).await;
    let (end, queue) = queue_device(1);
    let taken = peer.engine.add_queue(DeviceId(2), end, "taken".to_owned(), config(1)).await.unwrap();
    assert!(matches!(taken, Err(AttachError::Refused(_))), "{taken:?}");
    assert!(queue.is_closed());
    let unknown = peer.engine.set_device(DeviceId(3), config(3)).await.unwrap();
    assert!(matches!(unknown, Err(AttachError::Unknown(DeviceId(3)))), "{unknown:?}");
}

#[tokio::test]
async fn events_that_nobody_fetches_are_counted_and_do_not_stop_the_engine() {
    let peer = Peer::new(1, engine(1)).await;
    for number in 0..2 * EVENTS as u32 {
        let (end, queue) = queue_device(1);
        drop(queue);
        let nowhere = DeviceConfig { attachments: Vec::new(), ..config(1) };
        peer.engine.add_queue(DeviceId(100 + number), end, String::new(), nowhere).await.unwrap().unwrap();
    }
    assert!(peer.engine.snapshot().await.unwrap().dropped_events > 0);
}

#[tokio::test]
async fn the_last_handle_stops_the_engine_and_frees_its_port() {
    let peer = Peer::new(1, engine(1)).await;
    let listen = peer.engine.local_address();
    let second = peer.engine.clone();
    drop(peer.engine);
    assert!(second.snapshot().await.is_ok());
    drop(second);
    assert!(peer.queue.is_closed());
    Engine::start(Config::new(node(1)), listen, Features::default()).unwrap();
}
