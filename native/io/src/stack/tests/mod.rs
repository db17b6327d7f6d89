mod diversions;
mod remote;
mod strangers;

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::packet::Heading;
use super::*;
use crate::queue::queue_device;
use remote::{Faults, Service};

const PATIENCE: Duration = Duration::from_secs(60);
/// One for sending, one for receiving; the last KiB may stay empty.
const TWO_BUFFERS: usize = 319 << 10;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A stack with the address .1 of each family beside a host with the address .2.
fn stack(services: Vec<(u16, usize, Service)>, faults: Faults) -> Stack {
    let (end, queue) = queue_device(1024);
    remote::run(end, &["10.0.0.2", "fd00::2"], services, faults);
    Stack::start(queue, vec![(ip("10.0.0.1"), 24), (ip("fd00::1"), 64)], 1420, &Handle::current())
}

async fn connect(stack: &Stack, to: &str) -> Result<StackStream, ConnectError> {
    stack.connect(at(to), Duration::from_secs(5)).await
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length as u64).map(|index| ((index * 2_654_435_761) >> 13) as u8).collect()
}

async fn read_all(stream: &mut StackStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    bytes
}

/// Waits until the stack has no connections, not even closed ones that linger.
async fn forgotten(stack: &Stack) {
    let forgotten = async {
        while !stack.table.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, forgotten).await.unwrap();
}

/// Sends bytes to an echo service while reading them back.
async fn echo(stream: StackStream, bytes: &[u8]) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let send = async {
        writer.write_all(bytes).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let mut received = Vec::new();
    let ((), result) =
        timeout(PATIENCE, async { tokio::join!(send, reader.read_to_end(&mut received)) }).await.unwrap();
    result.unwrap();
    assert!(received == bytes, "{} of {} bytes came back", received.len(), bytes.len());
}

#[tokio::test]
async fn bytes_pass_both_ways_at_once_in_either_family() {
    let stack = stack(vec![(7, 2, Service::Echo)], Faults::default());
    let bytes = pattern(20 << 20);
    for (to, from) in [("10.0.0.2:7", "10.0.0.1"), ("[fd00::2]:7", "fd00::1")] {
        let stream = connect(&stack, to).await.unwrap();
        assert_eq!(stack.connections(), [stream.connection()]);
        assert_eq!(stream.connection().local.ip(), ip(from));
        assert_eq!(stream.connection().remote, at(to));
        echo(stream, &bytes).await;
        assert_eq!(stack.connections(), []);
    }
}

#[tokio::test]
async fn bytes_pass_over_a_link_that_loses_and_reorders() {
    let stack = stack(vec![(7, 4, Service::Echo)], Faults { lost: 5, overtaken: 20 });
    let bytes = pattern(300_000);
    let streams = futures_util::future::join_all((0..4).map(|_| connect(&stack, "10.0.0.2:7"))).await;
    futures_util::future::join_all(streams.into_iter().map(|stream| echo(stream.unwrap(), &bytes))).await;
}

#[tokio::test]
async fn what_the_remote_end_said_before_it_ended_arrives_and_so_does_the_answer() {
    let said = pattern(1_000_000);
    let stack = stack(vec![(19, 1, Service::Say(said.clone()))], Faults::default());
    let mut stream = connect(&stack, "10.0.0.2:19").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(read_all(&mut stream).await == said);
    stream.write_all(&said).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(stream.write(b"more").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    forgotten(&stack).await;
}

#[tokio::test]
async fn what_was_read_late_is_not_lost_when_both_ends_have_ended() {
    let stack = stack(vec![(19, 1, Service::Say(pattern(200_000)))], Faults::default());
    let mut stream = connect(&stack, "10.0.0.2:19").await.unwrap();
    stream.shutdown().await.unwrap();
    forgotten(&stack).await;
    assert!(read_all(&mut stream).await == pattern(200_000));
}

#[tokio::test]
async fn a_dropped_stream_delivers_what_was_written() {
    let stack = stack(vec![(9, 1, Service::Swallow)], Faults::default());
    let mut stream = connect(&stack, "10.0.0.2:9").await.unwrap();
    stream.write_all(&pattern(200_000)).await.unwrap();
    drop(stream);
    assert_eq!(stack.connections(), []);
    forgotten(&stack).await;
}

#[tokio::test]
async fn a_dropped_stream_with_bytes_unread_is_reset_when_the_other_end_goes_on() {
    let stack = stack(vec![(19, 1, Service::Say(pattern(10_000_000)))], Faults::default());
    let stream = connect(&stack, "10.0.0.2:19").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(stream);
    forgotten(&stack).await;
}

/// Writes until nothing more is taken, which has to be between `least` and 1 KiB more; gives how much was.
async fn fill(writer: &mut (impl AsyncWrite + Unpin), least: usize) -> usize {
    let mut written = 0;
    loop {
        // Only a full buffer may take its time, however busy the machine is.
        let patience = if written < least { PATIENCE } else { Duration::from_millis(300) };
        match timeout(patience, writer.write(&[0; 10_000])).await {
            Ok(length) => written += length.unwrap(),
            Err(_) => break,
        }
    }
    assert!((least..=least + (1 << 10)).contains(&written), "{written} bytes fill the buffers");
    written
}

#[tokio::test]
async fn a_reader_and_a_writer_that_wait_hold_back_the_other_end() {
    let stack = stack(vec![(9, 1, Service::Ignore), (7, 1, Service::Echo)], Faults::default());
    let mut stream = connect(&stack, "10.0.0.2:9").await.unwrap();
    fill(&mut stream, TWO_BUFFERS).await;

    let (reader, mut writer) = tokio::io::split(connect(&stack, "10.0.0.2:7").await.unwrap());
    let written = fill(&mut writer, 2 * TWO_BUFFERS + (1 << 10)).await;
    let mut back = reader.take(written as u64);
    let mut nowhere = tokio::io::sink();
    let read = timeout(PATIENCE, tokio::io::copy(&mut back, &mut nowhere));
    assert_eq!(read.await.unwrap().unwrap(), written as u64);
}

#[tokio::test]
async fn who_is_not_there_or_does_not_want_is_told_apart() {
    let stack = stack(vec![(22, 1, Service::Reset)], Faults::default());
    let error = async |to| connect(&stack, to).await.err();
    assert_eq!(error("10.0.0.2:1").await, Some(ConnectError::Refused));
    assert_eq!(error("[fd00::2]:1").await, Some(ConnectError::Refused));
    assert_eq!(error("10.0.1.2:1").await, Some(ConnectError::NoRoute));
    assert_eq!(error("10.0.0.2:0").await, Some(ConnectError::NoRoute));
    assert_eq!(stack.connect(at("10.0.0.3:1"), Duration::from_millis(100)).await.err(), Some(ConnectError::TimedOut));
    forgotten(&stack).await;

    let mut stream = connect(&stack, "10.0.0.2:22").await.unwrap();
    stream.write_all(b"x").await.unwrap();
    assert_eq!(stream.read(&mut [0; 10]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(stream.write(b"x").await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn two_thousand_connections_open_and_work_at_once() {
    let stack = stack(vec![(7, 2000, Service::Echo)], Faults::default());
    let opened = futures_util::future::join_all((0..2000).map(|_| stack.connect(at("10.0.0.2:7"), PATIENCE))).await;
    let streams: Vec<_> = opened.into_iter().map(Result::unwrap).collect();
    assert_eq!(stack.connections().len(), 2000);
    futures_util::future::join_all(streams.into_iter().map(|stream| echo(stream, b"each its own"))).await;
}

#[tokio::test]
async fn a_change_of_addresses_breaks_only_the_connections_of_those_that_go() {
    let stack = stack(vec![(7, 3, Service::Echo)], Faults::default());
    let mut stays = connect(&stack, "10.0.0.2:7").await.unwrap();
    let mut goes = connect(&stack, "[fd00::2]:7").await.unwrap();
    stack.set_addresses(vec![(ip("10.0.0.9"), 24), (ip("10.0.0.1"), 24)]);
    assert_eq!(goes.read(&mut [0; 10]).await.unwrap_err().kind(), ErrorKind::ConnectionAborted);
    assert_eq!(connect(&stack, "[fd00::2]:7").await.err(), Some(ConnectError::NoRoute));
    stays.write_all(b"still").await.unwrap();
    let mut answer = [0; 5];
    stays.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"still");
    let new = connect(&stack, "10.0.0.2:7").await.unwrap();
    assert_eq!(new.connection().local.ip(), ip("10.0.0.9"));
    assert_eq!(stack.connections(), [stays.connection(), new.connection()]);
}

#[tokio::test]
async fn the_end_of_a_stack_is_the_end_of_its_streams() {
    let stack = stack(vec![(7, 1, Service::Echo)], Faults::default());
    let mut stream = connect(&stack, "10.0.0.2:7").await.unwrap();
    drop(stack);
    assert_eq!(stream.read(&mut [0; 10]).await.unwrap_err().kind(), ErrorKind::ConnectionAborted);
}

#[tokio::test]
async fn the_end_of_the_queue_device_is_the_end_of_the_stack() {
    let (end, queue) = queue_device(10);
    let stack = Stack::start(queue, vec![(ip("10.0.0.1"), 24)], 1420, &Handle::current());
    let (connected, ()) = tokio::join!(connect(&stack, "10.0.0.2:7"), async { drop(end) });
    assert_eq!(connected.err(), Some(ConnectError::NoRoute));
    assert_eq!(connect(&stack, "10.0.0.2:7").await.err(), Some(ConnectError::NoRoute));
}
