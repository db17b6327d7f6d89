//! Engines with TUN devices, each in a network namespace of its own; the engines' sockets stay outside.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command as Program;

use super::*;
use crate::features::Features;
use crate::namespace::Namespace;
use crate::tun::{self, Interface};

const TUN: DeviceId = DeviceId(2);
const TRANSFER: usize = 20_000_000;

/// Adds a TUN at 10.0.0.`number + 10` to an engine.
pub(super) async fn attach(peer: &Peer, namespace: &Namespace) {
    attach_with(peer, namespace, Features::default()).await;
}

async fn attach_with(peer: &Peer, namespace: &Namespace, features: Features) {
    let own = peer.number + 10;
    let interface = Interface { name: "vpn0".to_owned(), addresses: vec![(address(own).into(), 24)], mtu: 1420 };
    let tun = namespace.run(move || tun::create(&interface, features)).unwrap();
    peer.engine.add_tun(TUN, tun, "payload".to_owned(), config(own)).await.unwrap().unwrap();
}

async fn tun_status(peer: &Peer) -> DeviceStatus {
    let snapshot = peer.engine.snapshot().await.unwrap();
    snapshot.devices.into_iter().find(|device| device.id == TUN).unwrap()
}

#[tokio::test]
async fn a_tcp_connection_passes_two_tuns() {
    let (Some(client), Some(server)) = (Namespace::new(), Namespace::new()) else { return };
    let (left, right) = pair().await;
    attach(&left, &client).await;
    attach(&right, &server).await;
    assert_passes(&client, &server);
    for peer in [&left, &right] {
        let tun = tun_status(peer).await;
        let passed = if peer.number == 1 { tun.counters.packets_in } else { tun.counters.packets_out };
        let ordinary_packets = TRANSFER as u64 / 1420;
        assert!(!tun.offloads.tcp || passed < ordinary_packets / 2, "no super-packets: {tun:?}");
    }
}

#[tokio::test]
async fn a_tcp_connection_passes_without_anything_that_makes_it_fast() {
    let (Some(client), Some(server)) = (Namespace::new(), Namespace::new()) else { return };
    let features = Features::without(&Features::NAMES).unwrap();
    let engine = |number| engine_without(number, &Features::NAMES);
    let (left, right) = introduced(Peer::new(1, engine(1)).await, Peer::new(2, engine(2)).await).await;
    attach_with(&left, &client, features).await;
    attach_with(&right, &server, features).await;
    assert_passes(&client, &server);
    for peer in [&left, &right] {
        let (tun, socket) = (tun_status(peer).await, peer.engine.snapshot().await.unwrap().socket);
        assert!(!tun.offloads.tcp && !tun.offloads.udp && !tun.offloads.checksum);
        assert!(!socket.segmentation && !socket.receive_offload && !socket.receive_batch);
        let passed = if peer.number == 1 { tun.counters.packets_in } else { tun.counters.packets_out };
        assert!(passed >= TRANSFER as u64 / 1420, "super-packets: {tun:?}");
    }
}

/// Checks that what a client sends is what a server receives.
fn assert_passes(client: &Namespace, server: &Namespace) {
    let listener = server.run(|| TcpListener::bind((address(12), 7777))).unwrap();
    let received = server.begin(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(b"welcome").unwrap();
        let mut content = Vec::new();
        stream.read_to_end(&mut content).unwrap();
        content
    });
    let sent: Vec<u8> = (0..TRANSFER).map(|index| (index * 7 / 3) as u8).collect();
    let content = sent.clone();
    client.run(move || {
        let mut stream = TcpStream::connect((address(12), 7777)).unwrap();
        stream.read_exact(&mut [0; 7]).unwrap();
        stream.write_all(&content).unwrap();
    });
    assert!(received.recv_timeout(PATIENCE).unwrap() == sent, "what was received is not what was sent");
}

#[tokio::test]
async fn a_deleted_interface_is_told_once_and_does_not_stop_the_rest() {
    let Some(namespace) = Namespace::new() else { return };
    let (left, mut right) = pair().await;
    attach(&right, &namespace).await;
    let deleted = namespace.run(|| Program::new("ip").args(["link", "delete", "vpn0"]).status());
    if !deleted.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: no program `ip` to delete the interface");
        return;
    }
    loop {
        let event = tokio::time::timeout(PATIENCE, right.events.recv()).await.unwrap().unwrap();
        if let Event::DeviceLost { device, .. } = event {
            break assert_eq!(device, TUN);
        }
    }
    left.send(packet(1, 2, b"still there")).await;
    assert_eq!(right.receive().await, packet(1, 2, b"still there"));
    assert_eq!(right.engine.snapshot().await.unwrap().devices.len(), 1);
}
