//! A user-space stack behind one engine and the system's own TCP behind the other.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::Receiver;
use std::thread;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Handle;

use super::tun::attach;
use super::*;
use crate::namespace::Namespace;
use crate::stack::{ConnectError, Stack, StackStream};

const TRANSFER: usize = 20_000_000;

/// A stack at 10.0.0.1 with a stream to a server at 10.0.0.12, and what the server will have returned.
struct Meeting<T> {
    stack: Stack,
    stream: StackStream,
    outcome: Receiver<T>,
    _engines_and_namespace: (Engine, Peer, Namespace),
}

async fn meet<T: Send + 'static>(serve: impl FnOnce(TcpStream) -> T + Send + 'static) -> Option<Meeting<T>> {
    let namespace = Namespace::new()?;
    let (left, right) = pair().await;
    attach(&right, &namespace).await;
    let listener = namespace.run(|| TcpListener::bind((address(12), 7777))).unwrap();
    let outcome = namespace.begin(move || serve(listener.accept().unwrap().0));
    let stack = Stack::start(left.queue, vec![(address(1).into(), 24)], 1420, &Handle::current());
    let stream = stack.connect((address(12), 7777).into(), PATIENCE).await.unwrap();
    Some(Meeting { stack, stream, outcome, _engines_and_namespace: (left.engine, right, namespace) })
}

fn content() -> Vec<u8> {
    (0..TRANSFER).map(|index| (index * 7 / 3) as u8).collect()
}

#[tokio::test]
async fn a_stack_and_the_system_exchange_bytes_both_ways() {
    let meeting = meet(|mut stream| {
        let echoed = std::io::copy(&mut stream.try_clone().unwrap(), &mut stream).unwrap();
        stream.write_all(b"the end").unwrap();
        echoed
    });
    let Some(Meeting { stack, stream, outcome, _engines_and_namespace }) = meeting.await else { return };
    let refused = stack.connect((address(12), 7778).into(), PATIENCE).await;
    assert_eq!(refused.err(), Some(ConnectError::Refused));

    let (mut reader, mut writer) = tokio::io::split(stream);
    let sent = content();
    let send = async {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let mut received = Vec::new();
    let ((), result) = tokio::join!(send, reader.read_to_end(&mut received));
    result.unwrap();
    assert!(received == [&sent, &b"the end"[..]].concat(), "{} bytes came back", received.len());
    assert_eq!(outcome.recv_timeout(PATIENCE).unwrap(), TRANSFER as u64);
}

#[tokio::test]
async fn a_reader_that_waits_does_not_stop_its_writer() {
    let meeting = meet(|mut stream| {
        let mut writer = stream.try_clone().unwrap();
        let flood = thread::spawn(move || while writer.write_all(&[1; 1000]).is_ok() {});
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        stream.shutdown(Shutdown::Both).unwrap();
        flood.join().unwrap();
        received
    });
    let Some(Meeting { stack: _stack, stream, outcome, _engines_and_namespace }) = meeting.await else { return };
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (mut reader, mut writer) = tokio::io::split(stream);
    writer.write_all(&content()).await.unwrap();
    writer.shutdown().await.unwrap();
    let received = tokio::task::spawn_blocking(move || outcome.recv_timeout(PATIENCE).unwrap()).await.unwrap();
    assert!(received == content());
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).await.unwrap();
    assert!(!rest.is_empty());
}
