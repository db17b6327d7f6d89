//! A stack of the kernel's behind one engine, and the system's own TCP, or a queue of packets, behind the other.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::tun::attach;
use super::*;
use crate::features::Features;
use crate::kernel_stack::tests::Helper;
use crate::kernel_stack::{KernelStack, KernelStream, Slot};
use crate::namespace::Namespace;
use crate::stack::{ConnectError, DiversionEnd, Pair};

const PORT: u16 = 7777;
const BEYOND: u8 = 21;

/// A stack at 10.0.0.1, and a host at 10.0.0.12 behind the other engine, which has 10.0.0.2 for itself.
struct Place {
    helper: Helper,
    stack: KernelStack,
    host: Namespace,
    left: Engine,
    right: Peer,
}

/// The place of the device of [`Peer`]s.
pub(super) fn slot(engine: &Engine) -> Slot {
    Slot { engine: engine.clone(), id: DEVICE, features: Features::default() }
}

async fn place() -> Option<Place> {
    let (helper, host) = (Helper::start().await?, Namespace::new()?);
    let (left, right) = pair().await;
    attach(&right, &host).await;
    let addresses = vec![(address(1).into(), 24)];
    let started = KernelStack::start(&helper.namespaces, slot(&left.engine), addresses, config(1)).await;
    let (stack, attached) = started.unwrap();
    attached.await.unwrap().unwrap();
    Some(Place { helper, stack, host, left: left.engine, right })
}

/// Answers each connection by what `serve` does with it.
fn listen(host: &Namespace, serve: impl Fn(TcpStream) + Send + Sync + 'static) {
    let listener = host.run(|| TcpListener::bind((address(12), PORT))).unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
}

fn echo(mut stream: TcpStream) {
    std::io::copy(&mut stream.try_clone().unwrap(), &mut stream).ok();
}

async fn connect(stack: &KernelStack) -> Result<KernelStream, ConnectError> {
    stack.connect((address(12), PORT).into(), PATIENCE).await
}

async fn talk(stream: &mut KernelStream) {
    stream.write_all(b"hello").await.unwrap();
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"hello");
}

fn own_addresses(numbers: &[u8]) -> (Vec<(IpAddr, u8)>, DeviceConfig) {
    let addresses: Vec<IpAddr> = numbers.iter().map(|number| address(*number).into()).collect();
    let attachments = vec![Attachment { network: NETWORK, addresses: addresses.clone() }];
    (addresses.into_iter().map(|address| (address, 24)).collect(), DeviceConfig { attachments, ..config(1) })
}

#[tokio::test]
async fn who_is_not_there_or_does_not_want_is_told_apart() {
    let Some(Place { stack, .. }) = &place().await else { return };
    let error = async |to: SocketAddr, patience| stack.connect(to, patience).await.err();
    assert_eq!(error((address(12), 1).into(), PATIENCE).await, Some(ConnectError::Refused));
    assert_eq!(error((address(12), 0).into(), PATIENCE).await, Some(ConnectError::NoRoute));
    assert_eq!(error(([10, 0, 1, 2], 1).into(), PATIENCE).await, Some(ConnectError::NoRoute));
    let (began, patience) = (Instant::now(), Duration::from_millis(600));
    assert_eq!(error((address(BEYOND), 1).into(), patience).await, Some(ConnectError::TimedOut));
    assert!(began.elapsed() >= patience, "an address that nobody has is tried until the time is over");
    assert_eq!(stack.connections(), []);
}

#[tokio::test]
async fn open_connections_are_listed_until_they_are_left() {
    let Some(place) = place().await else { return };
    listen(&place.host, echo);
    let mut stream = connect(&place.stack).await.unwrap();
    talk(&mut stream).await;
    assert_eq!(stream.connection().local.ip(), IpAddr::from(address(1)));
    assert_eq!(stream.connection().remote, (address(12), PORT).into());
    assert_eq!(place.stack.connections(), [stream.connection()]);
    drop(stream);
    assert_eq!(place.stack.connections(), []);
}

#[tokio::test]
async fn a_change_of_addresses_breaks_only_the_connections_of_those_that_go() {
    let Some(place) = place().await else { return };
    listen(&place.host, echo);
    let mut goes = connect(&place.stack).await.unwrap();
    talk(&mut goes).await;
    let change = async |numbers: &[u8]| {
        let (addresses, config) = own_addresses(numbers);
        place.stack.set_addresses(addresses, config).await.unwrap().await.unwrap().unwrap();
    };
    change(&[11, 1]).await;
    talk(&mut goes).await;
    let mut stays = connect(&place.stack).await.unwrap();
    assert_eq!(stays.connection().local.ip(), IpAddr::from(address(11)), "the first address is the source");
    change(&[11]).await;
    assert_eq!(goes.read(&mut [0; 10]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    talk(&mut stays).await;
    assert_eq!(place.stack.connections(), [stays.connection()]);
    change(&[]).await;
    assert_eq!(connect(&place.stack).await.err(), Some(ConnectError::NoRoute));
}

#[tokio::test]
async fn a_dropped_stream_delivers_what_was_written_though_the_other_end_goes_on() {
    let Some(place) = place().await else { return };
    let (told, lengths) = std::sync::mpsc::channel();
    listen(&place.host, move |mut stream| {
        let mut writer = stream.try_clone().unwrap();
        thread::spawn(move || while writer.write_all(&[1; 1000]).is_ok() {});
        thread::sleep(Duration::from_millis(300));
        told.send(std::io::copy(&mut Read::by_ref(&mut stream), &mut std::io::sink()).ok()).ok();
    });
    let mut stream = connect(&place.stack).await.unwrap();
    stream.write_all(&[7; 300_000]).await.unwrap();
    drop(stream);
    let length = tokio::task::spawn_blocking(move || lengths.recv_timeout(PATIENCE)).await.unwrap();
    assert_eq!(length, Ok(Some(300_000)));
}

#[tokio::test]
async fn the_end_of_a_stack_is_the_end_of_its_streams() {
    let Some(place) = place().await else { return };
    listen(&place.host, echo);
    let mut stream = connect(&place.stack).await.unwrap();
    talk(&mut stream).await;
    drop(place.stack);
    assert_eq!(stream.read(&mut [0; 10]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(stream.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn a_stack_without_its_helper_is_lost_and_its_streams_are_not() {
    let Some(place) = place().await else { return };
    listen(&place.host, echo);
    let mut stream = connect(&place.stack).await.unwrap();
    place.helper.kill();
    assert_eq!(connect(&place.stack).await.err(), Some(ConnectError::Lost));
    talk(&mut stream).await;
}

#[tokio::test]
async fn packets_of_a_pair_are_diverted_while_connections_go_on() {
    let Some(place) = place().await else { return };
    listen(&place.host, echo);
    let mut before = connect(&place.stack).await.unwrap();
    let pair = |remote| Pair { local: address(1).into(), remote: address(remote).into() };
    assert_eq!(
        place.stack.divert(Pair { local: address(5).into(), remote: address(2).into() }).err(),
        Some(ConnectError::NoRoute)
    );
    let host = place.stack.divert(pair(12)).unwrap();
    let diversion = place.stack.divert(pair(2)).unwrap();
    wait_for_kind(&place.left, DeviceKind::Queue).await;
    place.right.send(packet(2, 1, b"for the diversion")).await;
    let diverted = tokio::time::timeout(PATIENCE, diversion.receive()).await.unwrap();
    assert_eq!(diverted, Ok(packet(2, 1, b"for the diversion")));
    diversion.send(packet(1, 2, b"from the diversion")).await.unwrap();
    assert_eq!(place.right.receive().await, packet(1, 2, b"from the diversion"));
    talk(&mut before).await;
    let mut after = connect(&place.stack).await.unwrap();
    let sent = vec![3; 2_000_000];
    let (mut reader, mut writer) = tokio::io::split(&mut after);
    let mut received = vec![0; sent.len()];
    let (written, read) = tokio::join!(writer.write_all(&sent), reader.read_exact(&mut received));
    written.unwrap();
    read.unwrap();
    assert!(received == sent);

    drop((host, diversion));
    talk(&mut before).await;
    let devices = place.left.snapshot().await.unwrap().devices;
    assert_eq!(devices.len(), 1);
    wait_for_kind(&place.left, DeviceKind::Tun).await;
    talk(&mut after).await;
    let again = place.stack.divert(pair(2)).unwrap();
    wait_for_kind(&place.left, DeviceKind::Queue).await;
    drop(place.stack);
    assert_eq!(again.receive().await, Err(DiversionEnd::Gone));
}

async fn wait_for_kind(engine: &Engine, kind: DeviceKind) {
    let wait = async {
        while engine.snapshot().await.unwrap().devices[0].kind != kind {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap();
}
