use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use golem_vpn_proto::packet::checksum;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::*;
use crate::gate::GateReason;
use crate::queue::{QueueEnd, Received, queue_device};
use crate::stack::Stack;

const PATIENCE: Duration = Duration::from_secs(60);
const HEAD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
const CLIENT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];
const PAYLOAD_MAC: [u8; 6] = [0xa0, 0x13, 10, 0, 0, 2];
const IPV4: [u8; 2] = [8, 0];

struct Client {
    websocket: WebSocketStream<TcpStream>,
    gate: Arc<RawGate>,
    pump: JoinHandle<GateEnd>,
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn stack() -> (Stack, QueueEnd) {
    let (end, queue) = queue_device(16);
    (Stack::start(queue, vec![(ip("10.0.0.1"), 24), (ip("10.0.0.9"), 24)], 1420, &Handle::current()), end)
}

/// A client of a gate between 10.0.0.1 and 10.0.0.2.
async fn client(stack: &Stack, limits: Limits) -> Client {
    let pair = Pair { local: ip("10.0.0.1"), remote: ip("10.0.0.2") };
    let gate = Arc::new(RawGate::new(stack.divert(pair).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let socket = listener.accept().await.unwrap().0.into_std().unwrap();
    let pumped = gate.clone();
    let pump = tokio::spawn(async move { pumped.pump(socket, Vec::new(), HEAD.to_vec(), limits).await });
    let mut head = [0; HEAD.len()];
    client.read_exact(&mut head).await.unwrap();
    Client { websocket: WebSocketStream::from_raw_socket(client, Role::Client, None).await, gate, pump }
}

/// A packet of a protocol that no stack knows.
fn packet(from: &str, to: &str, body: &[u8]) -> Vec<u8> {
    let (IpAddr::V4(from), IpAddr::V4(to)) = (ip(from), ip(to)) else { panic!("IPv4 only") };
    let length = (20 + body.len() as u16).to_be_bytes();
    let mut packet = vec![0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, 253, 0, 0];
    packet.extend_from_slice(&[from.octets(), to.octets()].concat());
    checksum::write_ipv4(&mut packet);
    packet.extend_from_slice(body);
    packet
}

fn frame(destination: [u8; 6], source: [u8; 6], packet: &[u8]) -> Vec<u8> {
    [&destination[..], &source, &IPV4, packet].concat()
}

async fn sent(end: &mut QueueEnd) -> Vec<u8> {
    let sent = async {
        loop {
            match end.receive() {
                Received::Packet(packet) => return packet,
                Received::Nothing => tokio::time::sleep(Duration::from_millis(1)).await,
                Received::Closed => panic!("the stack is gone"),
            }
        }
    };
    timeout(PATIENCE, sent).await.unwrap()
}

impl Client {
    async fn send(&mut self, frame: Vec<u8>) {
        self.websocket.send(Message::binary(frame)).await.unwrap();
    }

    /// The next message that is no ping.
    async fn next(&mut self) -> Message {
        loop {
            let message = timeout(PATIENCE, self.websocket.next()).await.unwrap().unwrap().unwrap();
            if !message.is_ping() {
                return message;
            }
        }
    }

    /// How often something was dropped, for each reason for which it was.
    fn drops(&self) -> Vec<(&'static str, u64)> {
        self.gate.drops().into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

#[tokio::test]
async fn frames_pass_both_ways_and_the_close_is_echoed() {
    let (stack, mut end) = stack();
    let mut client = client(&stack, Limits::default()).await;
    let there = packet("10.0.0.1", "10.0.0.2", b"there");
    let mut padded = frame([0xff; 6], CLIENT_MAC, &there);
    padded.resize(60, 0);
    client.send(padded.clone()).await;
    assert_eq!(sent(&mut end).await, there);
    let part = |bytes: &[u8], kind, last| Message::Frame(Frame::message(bytes.to_vec(), OpCode::Data(kind), last));
    client.websocket.send(part(&padded[..10], Data::Binary, false)).await.unwrap();
    client.websocket.send(part(&padded[10..], Data::Continue, true)).await.unwrap();
    assert_eq!(sent(&mut end).await, there);

    let back = packet("10.0.0.2", "10.0.0.1", &[7; 300]);
    for _ in 0..3 {
        assert!(end.send(back.clone()));
    }
    for _ in 0..3 {
        assert_eq!(client.next().await, Message::binary(frame(CLIENT_MAC, PAYLOAD_MAC, &back)));
    }
    client.websocket.send(Message::Close(None)).await.unwrap();
    assert_eq!(client.next().await, Message::Close(None));
    drop(client.websocket);
    let carried = GateEnd { reason: GateReason::ClientClosed, to_payload: 50, to_client: 3 * 334 };
    assert_eq!(client.pump.await.unwrap(), carried);
}

#[tokio::test]
async fn what_is_not_between_the_two_addresses_is_dropped_and_counted() {
    let (stack, mut end) = stack();
    let mut client = client(&stack, Limits::default()).await;
    let good = packet("10.0.0.1", "10.0.0.2", b"good");
    let mut of_another_protocol = frame(PAYLOAD_MAC, CLIENT_MAC, &good);
    of_another_protocol[12..14].copy_from_slice(&[0x81, 0]);
    client.websocket.send(Message::text("no frame")).await.unwrap();
    for bad in [
        vec![1; 13],
        vec![1; 2000],
        frame(PAYLOAD_MAC, CLIENT_MAC, &good[..15]),
        of_another_protocol,
        frame(PAYLOAD_MAC, CLIENT_MAC, &packet("10.0.0.9", "10.0.0.2", b"spoofed")),
        frame(PAYLOAD_MAC, CLIENT_MAC, &packet("10.0.0.1", "10.0.0.3", b"astray")),
        frame(PAYLOAD_MAC, CLIENT_MAC, &good),
    ] {
        client.send(bad).await;
    }
    assert_eq!(sent(&mut end).await, good, "the first that passes");
    let reasons = ["text_message", "frame_too_short", "frame_too_long", "malformed_frame", "other_protocol"];
    let expected = [&reasons[..], &["foreign_source", "foreign_destination"]].concat();
    assert_eq!(client.drops(), expected.into_iter().map(|reason| (reason, 1)).collect::<Vec<_>>());
}

#[tokio::test]
async fn neighbours_are_answered_for() {
    let (stack, end) = stack();
    let mut client = client(&stack, Limits::default()).await;
    let question = |target: [u8; 4]| {
        let mut frame = [&[0xff; 6][..], &CLIENT_MAC, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1]].concat();
        frame.extend([&CLIENT_MAC[..], &[10, 0, 0, 1], &[0; 6], &target].concat());
        frame
    };
    for target in [[10, 0, 1, 2], [10, 0, 0, 1], [10, 0, 0, 2], [10, 0, 0, 77]] {
        client.send(question(target)).await;
    }
    for target in [[10, 0, 0, 2], [10, 0, 0, 77]] {
        let Message::Binary(answer) = client.next().await else { panic!("an answer is binary") };
        assert_eq!(answer[..6], CLIENT_MAC);
        assert_eq!(answer[22..32], [&[0xa0, 0x13], &target[..], &target].concat());
    }
    assert_eq!(client.drops(), [("no_neighbour", 2)]);
    assert!(end.send(packet("10.0.0.2", "10.0.0.1", b"x")));
    assert_eq!(client.next().await.into_data()[..6], CLIENT_MAC, "whoever asks is known");
}

#[tokio::test]
async fn a_second_gate_takes_the_place_of_the_first() {
    let (stack, end) = stack();
    let mut first = client(&stack, Limits::default()).await;
    let mut second = client(&stack, Limits::default()).await;
    let reason = "another gate has the same addresses".into();
    assert_eq!(first.next().await, Message::Close(Some(CloseFrame { code: CloseCode::Away, reason })));
    drop(first.websocket);
    assert_eq!(first.pump.await.unwrap().reason, GateReason::Replaced);
    drop(first.gate);
    assert!(end.send(packet("10.0.0.2", "10.0.0.1", b"for the second")));
    assert!(second.next().await.into_data().ends_with(b"for the second"));

    stack.set_addresses(vec![(ip("10.0.0.9"), 24)]);
    assert!(second.next().await.is_close());
    drop(second.websocket);
    assert_eq!(second.pump.await.unwrap().reason, GateReason::NetworkGone);
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_the_newest_frames_and_then_the_gate() {
    let (stack, end) = stack();
    let limits = Limits { silence: Duration::from_millis(500), stall: Duration::from_millis(500), ..Limits::default() };
    let client = client(&stack, limits).await;
    let flood = packet("10.0.0.2", "10.0.0.1", &[7; 1400]);
    let flooding = async {
        while client.gate.drops().iter().all(|(reason, count)| *reason != "slow_client" || *count == 0) {
            end.send(flood.clone());
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, flooding).await.unwrap();
    assert_eq!(timeout(PATIENCE, client.pump).await.unwrap().unwrap().reason, GateReason::ClientSilent);
    assert!(client.gate.diversion.try_receive().is_some_and(|packet| packet == flood), "the queue is kept");
}

#[tokio::test]
async fn a_gate_has_one_websocket() {
    let (stack, _end) = stack();
    let pair = Pair { local: ip("10.0.0.1"), remote: ip("10.0.0.2") };
    let gate = RawGate::new(stack.divert(pair).unwrap());
    assert!(gate.claim() && !gate.claim());
}
