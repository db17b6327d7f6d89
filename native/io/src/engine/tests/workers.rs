//! Engines whose trains are sealed and opened by threads beside the packet thread.

use super::*;

/// Packets in a row: several trains, most of them long enough to be handed over.
const PACKETS: u16 = 120;
const LONG: usize = 1300;

fn engine_with(number: u8, workers: usize) -> io::Result<(Engine, Outputs)> {
    let features = Features { workers: Some(workers), ..Features::default() };
    Engine::start(Config::new(node(number)), SocketAddr::from(([127, 0, 0, 1], 0)), features)
}

/// Every seventh is short, so that trains are of all lengths.
fn numbered(from: u8, to: u8, number: u16) -> Vec<u8> {
    let length = if number.is_multiple_of(7) { 10 } else { LONG };
    let mut content = number.to_be_bytes().to_vec();
    content.resize(length, number as u8);
    packet(from, to, &content)
}

async fn send_all(peer: &Peer, from: u8, to: u8) {
    for number in 0..PACKETS {
        peer.send(numbered(from, to, number)).await;
    }
}

async fn receive_all(peer: &Peer, from: u8, to: u8) {
    for number in 0..PACKETS {
        assert_eq!(peer.receive().await, numbered(from, to, number), "packet {number}");
    }
}

#[tokio::test]
async fn packets_keep_their_order_whoever_seals_and_opens_them() {
    let (left, right) = (Peer::new(1, engine_with(1, 2)).await, Peer::new(2, engine_with(2, 3)).await);
    let (left, right) = introduced(left, right).await;
    for _ in 0..20 {
        tokio::join!(
            send_all(&left, 1, 2),
            send_all(&right, 2, 1),
            receive_all(&right, 1, 2),
            receive_all(&left, 2, 1)
        );
    }
    for peer in [&left, &right] {
        let snapshot = peer.engine.snapshot().await.unwrap();
        assert_eq!(snapshot.counters.total_drops(), 0);
        assert_ne!(snapshot.trains_by_workers, 0);
    }
}

#[tokio::test]
async fn who_has_workers_understands_who_has_none() {
    let (left, right) = (Peer::new(1, engine_with(1, 2)).await, Peer::new(2, engine_with(2, 0)).await);
    let (left, right) = introduced(left, right).await;
    tokio::join!(send_all(&left, 1, 2), send_all(&right, 2, 1), receive_all(&right, 1, 2), receive_all(&left, 2, 1));
}
