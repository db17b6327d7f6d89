//! Engines whose trains are sealed and opened by threads beside the packet thread.

use super::*;

/// Packets in a row, at first until the wire is full.
const PACKETS: u16 = 250;
const LONG: usize = 1300;

/// Every fortieth is short, so that trains are of all lengths.
fn numbered(number: u16) -> Vec<u8> {
    let mut content = number.to_be_bytes().to_vec();
    content.resize(if number.is_multiple_of(40) { 10 } else { LONG }, number as u8);
    packet(1, 2, &content)
}

/// Sends packets that gather in long trains, as nobody receives them yet, and receives them.
async fn carry_in_long_trains(left: &Peer, right: &Peer, stall: &AtomicBool) {
    stall.store(true, Ordering::SeqCst);
    for number in 0..PACKETS {
        left.send(numbered(number)).await;
    }
    stall.store(false, Ordering::SeqCst);
    for number in 0..PACKETS {
        assert_eq!(right.receive().await, numbered(number), "packet {number}");
    }
}

#[tokio::test]
async fn packets_keep_their_order_whoever_seals_and_opens_them() {
    let (left, right, stall) = wired(Features { workers: Some(3), ..Features::default() }).await;
    for _ in 0..20 {
        carry_in_long_trains(&left, &right, &stall).await;
    }
    for peer in [&left, &right] {
        let snapshot = peer.engine.snapshot().await.unwrap();
        assert_eq!(snapshot.counters.total_drops(), 0);
        assert_ne!(snapshot.trains_by_workers, 0);
    }
}

#[tokio::test]
async fn without_workers_the_packet_thread_does_it() {
    let (left, right, stall) = wired(Features { workers: Some(0), ..Features::default() }).await;
    carry_in_long_trains(&left, &right, &stall).await;
    assert_eq!(left.engine.snapshot().await.unwrap().trains_by_workers, 0);
}
