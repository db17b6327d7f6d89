use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);
const HEAD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";

/// A gate between a client's TCP connection and a payload's stream that holds `payload_buffer` bytes.
struct Gate {
    client: TcpStream,
    payload: DuplexStream,
    pump: JoinHandle<GateEnd>,
}

async fn gate(already_read: Vec<u8>, payload_buffer: usize, limits: Limits) -> Gate {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let socket = listener.accept().await.unwrap().0.into_std().unwrap();
    let (stream, payload) = duplex(payload_buffer);
    let pump = tokio::spawn(pump(socket, already_read, HEAD.to_vec(), stream, limits));
    let mut head = [0; HEAD.len()];
    client.read_exact(&mut head).await.unwrap();
    assert_eq!(head, HEAD);
    Gate { client, payload, pump }
}

async fn websocket(client: TcpStream) -> WebSocketStream<TcpStream> {
    let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    WebSocketStream::from_raw_socket(client, Role::Client, Some(config)).await
}

fn quick_limits() -> Limits {
    Limits {
        ping: Duration::from_millis(50),
        silence: Duration::from_secs(1),
        stall: PATIENCE,
        drain: Duration::from_millis(500),
        longest_message: 16 << 20,
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length as u64).map(|index| ((index * 2_654_435_761) >> 13) as u8).collect()
}

async fn read_all(payload: &mut DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    payload.read_to_end(&mut bytes).await.unwrap();
    bytes
}

async fn read_exactly(payload: &mut DuplexStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    payload.read_exact(&mut bytes).await.unwrap();
    bytes
}

/// The bytes of all binary messages until the client's library reports an end, and that end.
async fn receive_all(websocket: &mut WebSocketStream<TcpStream>) -> (Vec<u8>, Option<Error>) {
    let mut bytes = Vec::new();
    loop {
        match websocket.next().await {
            Some(Ok(Message::Binary(data))) => bytes.extend_from_slice(&data),
            Some(Ok(Message::Ping(_))) => {}
            Some(Ok(other)) => panic!("not what a payload can say: {other:?}"),
            Some(Err(error)) => return (bytes, Some(error)),
            None => return (bytes, None),
        }
    }
}

/// Whether a client saw its TCP connection end without a Close frame.
fn is_bare_end(end: &Option<Error>) -> bool {
    matches!(end, Some(Error::Protocol(_)) | None)
}

#[tokio::test]
async fn messages_of_every_kind_become_bytes_and_the_close_is_echoed() {
    let Gate { client, mut payload, pump } = gate(Vec::new(), 1 << 20, quick_limits()).await;
    let mut websocket = websocket(client).await;
    websocket.send(Message::binary(&b"binary "[..])).await.unwrap();
    websocket.send(Message::binary(&b""[..])).await.unwrap();
    websocket.send(Message::text("text ")).await.unwrap();
    let fragment =
        |bytes: &'static [u8], kind, is_final| Message::Frame(Frame::message(bytes, OpCode::Data(kind), is_final));
    websocket.send(fragment(b"frag", Data::Binary, false)).await.unwrap();
    websocket.send(Message::Ping(b"mine"[..].into())).await.unwrap();
    websocket.send(fragment(b"", Data::Continue, false)).await.unwrap();
    websocket.send(fragment(b"ments", Data::Continue, true)).await.unwrap();
    assert_eq!(read_exactly(&mut payload, 21).await, b"binary text fragments");
    let mut pong = websocket.next().await.unwrap().unwrap();
    while pong.is_ping() {
        pong = websocket.next().await.unwrap().unwrap();
    }
    assert_eq!(pong, Message::Pong(b"mine"[..].into()));

    let close = CloseFrame { code: CloseCode::Library(4001), reason: "done".into() };
    websocket.send(Message::Close(Some(close.clone()))).await.unwrap();
    assert_eq!(read_all(&mut payload).await, b"");
    drop(payload);
    let mut last = websocket.next().await.unwrap().unwrap();
    while last.is_ping() {
        last = websocket.next().await.unwrap().unwrap();
    }
    assert_eq!(last, Message::Close(Some(close)));
    assert_eq!(pump.await.unwrap(), GateEnd { reason: GateReason::ClientClosed, to_payload: 21, to_client: 0 });
}

#[tokio::test]
async fn frames_read_with_the_request_come_first() {
    let masked = [0x82, 0x85, 0, 0, 0, 0, b'e', b'a', b'r', b'l', b'y', 0x82, 0x84, 0];
    let Gate { mut client, mut payload, .. } = gate(masked.to_vec(), 100, quick_limits()).await;
    assert_eq!(read_exactly(&mut payload, 5).await, b"early");
    client.write_all(&[0, 0, 0, b'l', b'a', b't', b'e']).await.unwrap();
    assert_eq!(read_exactly(&mut payload, 4).await, b"late");
}

#[tokio::test]
async fn the_end_of_the_payload_is_a_bare_end_behind_its_last_byte() {
    let Gate { client, mut payload, pump } = gate(Vec::new(), 64 << 10, quick_limits()).await;
    let mut websocket = websocket(client).await;
    let sent = pattern(5_000_000);
    let send = async {
        payload.write_all(&sent).await.unwrap();
        payload.shutdown().await.unwrap();
    };
    let ((received, end), ()) = tokio::join!(receive_all(&mut websocket), send);
    assert!(received == sent, "{} of {} bytes arrived", received.len(), sent.len());
    assert!(is_bare_end(&end), "{end:?}");

    // The websocket's end leaves the client's own bytes a way: the payload closed only its side.
    drop(websocket);
    assert_eq!(read_all(&mut payload).await, b"");
    assert_eq!(pump.await.unwrap(), GateEnd { reason: GateReason::PayloadClosed, to_payload: 0, to_client: 5_000_000 });
}

#[tokio::test]
async fn a_client_that_ends_its_connection_still_gets_what_was_on_its_way() {
    let Gate { mut client, mut payload, pump } = gate(Vec::new(), 1 << 20, quick_limits()).await;
    client.write_all(&[0x82, 0x82, 0, 0, 0, 0, b'h', b'i']).await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(read_all(&mut payload).await, b"hi");
    payload.write_all(b"answer").await.unwrap();
    drop(payload);
    let mut received = Vec::new();
    client.read_to_end(&mut received).await.unwrap();
    assert!(received.ends_with(b"\x82\x06answer"), "{received:?}");
    assert_eq!(pump.await.unwrap().reason, GateReason::ClientEnded);
}

#[tokio::test]
async fn a_silent_client_is_dropped_and_one_that_answers_pings_is_not() {
    let silent = gate(Vec::new(), 100, quick_limits()).await;
    let answering = gate(Vec::new(), 100, quick_limits()).await;
    let mut websocket = websocket(answering.client).await;
    let answers = tokio::spawn(async move { while websocket.next().await.is_some() {} });
    assert_eq!(silent.pump.await.unwrap().reason, GateReason::ClientSilent);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!answering.pump.is_finished());
    answers.abort();
}

#[tokio::test]
async fn messages_up_to_the_limit_pass_and_longer_ones_close_with_1009() {
    let Gate { client, mut payload, pump } = gate(Vec::new(), 64 << 10, quick_limits()).await;
    let mut websocket = websocket(client).await;
    let message = pattern(16 << 20);
    let (sent, received) =
        tokio::join!(websocket.send(Message::binary(message.clone())), read_exactly(&mut payload, 16 << 20));
    sent.unwrap();
    assert!(received == message);
    websocket.send(Message::binary(vec![0; (16 << 20) + 1])).await.unwrap();
    assert_eq!(read_all(&mut payload).await, b"");
    drop(payload);
    let close = loop {
        match websocket.next().await.unwrap().unwrap() {
            Message::Close(close) => break close.unwrap(),
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(close.code, CloseCode::Size);
    drop(websocket);
    assert_eq!(pump.await.unwrap().reason, GateReason::ClientViolated(Violation::TooBig));
}

#[tokio::test]
async fn garbage_is_answered_with_a_close_frame() {
    let Gate { mut client, mut payload, pump } = gate(Vec::new(), 100, quick_limits()).await;
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(read_all(&mut payload).await, b"");
    drop(payload);
    let mut received = Vec::new();
    client.read_to_end(&mut received).await.unwrap();
    assert!(received.ends_with(&[0x88, 2, 3, 234]), "{received:?}");
    assert_eq!(pump.await.unwrap().reason, GateReason::ClientViolated(Violation::Protocol));
}

#[tokio::test]
async fn a_stalled_payload_does_not_stop_what_it_sends() {
    let Gate { client, mut payload, .. } = gate(Vec::new(), 1000, quick_limits()).await;
    let (mut sink, mut stream) = websocket(client).await.split();
    let flood = tokio::spawn(async move {
        loop {
            sink.send(Message::binary(vec![7; 100_000])).await.unwrap();
        }
    });
    let mut received = Vec::new();
    for _ in 0..100 {
        payload.write_all(&[1; 500]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
        while received.len() % 500 != 0 || received.is_empty() {
            if let Message::Binary(bytes) = stream.next().await.unwrap().unwrap() {
                received.extend_from_slice(&bytes);
            }
        }
        received.clear();
    }
    assert!(!flood.is_finished(), "the payload took nothing, so the client has to wait");
    flood.abort();
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_payload_but_not_itself() {
    let Gate { mut client, mut payload, pump } = gate(Vec::new(), 1000, quick_limits()).await;
    let sent = pattern(30_000_000);
    let (mut from_client, mut to_client) = tokio::io::split(&mut payload);
    let feed = async { to_client.write_all(&sent).await.unwrap() };
    let talk = async {
        // Longer than the silence allowed: a client that can't reach the pings is not silent.
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            client.write_all(&[0x82, 0x81, 0, 0, 0, 0, b'x']).await.unwrap();
            assert_eq!(from_client.read_u8().await.unwrap(), b'x');
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut websocket = websocket(client).await;
        let mut received = Vec::new();
        while received.len() < sent.len() {
            if let Message::Binary(bytes) = websocket.next().await.unwrap().unwrap() {
                received.extend_from_slice(&bytes);
            }
        }
        received
    };
    let ((), received) = tokio::join!(feed, talk);
    assert!(received == sent);
    drop(payload);
    assert_eq!(pump.await.unwrap().reason, GateReason::PayloadClosed);
}

#[tokio::test]
async fn a_client_that_reads_nothing_for_too_long_is_dropped() {
    let limits = Limits { silence: Duration::from_millis(100), stall: Duration::from_millis(500), ..quick_limits() };
    let Gate { client, mut payload, pump } = gate(Vec::new(), 1000, limits).await;
    let feed = tokio::spawn(async move { while payload.write_all(&[1; 1000]).await.is_ok() {} });
    assert_eq!(timeout(PATIENCE, pump).await.unwrap().unwrap().reason, GateReason::ClientSilent);
    timeout(PATIENCE, feed).await.unwrap().unwrap();
    drop(client);
}

#[tokio::test]
async fn a_broken_client_connection_ends_the_payloads_stream() {
    let Gate { client, mut payload, pump } = gate(Vec::new(), 1000, quick_limits()).await;
    client.set_zero_linger().unwrap();
    drop(client);
    assert_eq!(read_all(&mut payload).await, b"");
    assert_eq!(pump.await.unwrap().reason, GateReason::ClientLost);
}

#[tokio::test]
async fn a_hundred_mebibytes_come_back_unchanged() {
    let Gate { client, payload, pump } = gate(Vec::new(), 256 << 10, Limits::default()).await;
    let echo = tokio::spawn(async move {
        let (mut reader, mut writer) = tokio::io::split(payload);
        tokio::io::copy(&mut reader, &mut writer).await.unwrap()
    });
    let (mut sink, mut stream) = websocket(client).await.split();
    let block = pattern(1 << 20);
    let expected = block.clone();
    let send = tokio::spawn(async move {
        for _ in 0..100 {
            sink.send(Message::binary(block.clone())).await.unwrap();
        }
        sink
    });
    let mut received = 0;
    while received < 100 << 20 {
        if let Message::Binary(bytes) = stream.next().await.unwrap().unwrap() {
            for byte in bytes {
                assert_eq!(byte, expected[received % expected.len()]);
                received += 1;
            }
        }
    }
    send.await.unwrap().send(Message::Close(None)).await.unwrap();
    drop(stream);
    assert_eq!(echo.await.unwrap(), 100 << 20);
    assert_eq!(pump.await.unwrap().to_client, 100 << 20);
}
