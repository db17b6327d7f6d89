//! A stack of either kind behind one engine and the system's own TCP behind the other.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::Receiver;
use std::thread;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Handle;

use super::kernel_stack::slot;
use super::tun::attach;
use super::*;
use crate::data_plane::{AnyStack, GateStream};
use crate::kernel_stack::KernelStack;
use crate::kernel_stack::tests::Helper;
use crate::namespace::Namespace;
use crate::stack::{ConnectError, Stack};

const TRANSFER: usize = 20_000_000;

/// A stack at 10.0.0.1 with a stream to a server at 10.0.0.12, and what the server will have returned.
struct Meeting<T> {
    stack: AnyStack,
    stream: GateStream,
    outcome: Receiver<T>,
    _engines_and_namespace: (Engine, Peer, Namespace),
    _helper: Option<Arc<Helper>>,
}

/// Meets once with each kind of stack that there can be here.
async fn meetings<T: Send + 'static>(serve: impl Fn(TcpStream) -> T + Clone + Send + 'static) -> Vec<Meeting<T>> {
    let mut meetings = Vec::from_iter(meet(None, serve.clone()).await);
    if let Some(helper) = Helper::start().await {
        meetings.extend(meet(Some(Arc::new(helper)), serve).await);
    }
    meetings
}

async fn meet<T: Send + 'static>(
    helper: Option<Arc<Helper>>,
    serve: impl Fn(TcpStream) -> T + Send + 'static,
) -> Option<Meeting<T>> {
    let namespace = Namespace::new()?;
    let (left, right) = pair().await;
    attach(&right, &namespace).await;
    let listener = namespace.run(|| TcpListener::bind((address(12), 7777))).unwrap();
    let outcome = namespace.begin(move || serve(listener.accept().unwrap().0));
    let addresses = vec![(address(1).into(), 24)];
    let stack = if let Some(helper) = &helper {
        let started = KernelStack::start(&helper.namespaces, slot(&left.engine), addresses, config(1)).await;
        let (stack, attached) = started.unwrap();
        attached.await.unwrap().unwrap();
        AnyStack::Kernel(stack)
    } else {
        AnyStack::UserSpace(Stack::start(left.queue, addresses, 1420, &Handle::current()))
    };
    let stream = stack.connect((address(12), 7777).into(), PATIENCE).await.unwrap();
    let _engines_and_namespace = (left.engine, right, namespace);
    Some(Meeting { stack, stream, outcome, _engines_and_namespace, _helper: helper })
}

fn content() -> Vec<u8> {
    (0..TRANSFER).map(|index| (index * 7 / 3) as u8).collect()
}

#[tokio::test]
async fn a_stack_and_the_system_exchange_bytes_both_ways() {
    let meetings = meetings(|mut stream| {
        let echoed = std::io::copy(&mut stream.try_clone().unwrap(), &mut stream).unwrap();
        stream.write_all(b"the end").unwrap();
        echoed
    });
    for Meeting { stack, stream, outcome, .. } in meetings.await {
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
}

#[tokio::test]
async fn a_reader_that_waits_does_not_stop_its_writer() {
    let meetings = meetings(|mut stream| {
        let mut writer = stream.try_clone().unwrap();
        let flood = thread::spawn(move || while writer.write_all(&[1; 1000]).is_ok() {});
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        stream.shutdown(Shutdown::Both).unwrap();
        flood.join().unwrap();
        received
    });
    for Meeting { stack: _stack, stream, outcome, .. } in meetings.await {
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
}
