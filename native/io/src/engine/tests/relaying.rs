//! Packets through a relay alone; the tests stand for it.

use golem_vpn_proto::{RelayId, RelayState};

use super::*;

const RELAY: RelayId = RelayId(1);
/// More than wait at once.
const GIVEN: u64 = 1000;

/// Two engines that know no address of each other, but are connected to one relay.
async fn relayed_pair() -> (Peer, Peer) {
    let (mut left, right) = (Peer::new(1, engine(1)).await, Peer::new(2, engine(2)).await);
    for (peer, other) in [(&left, &right), (&right, &left)] {
        let state = RelayState { name: "relay".to_owned(), rtt: Duration::from_millis(1), mtu: 1452 };
        peer.engine.apply(Command::SetRelay { relay: RELAY, state: Some(state) }).unwrap();
        let (node, candidates, relays) = (node(other.number), Vec::new(), vec![RELAY]);
        peer.engine.apply(Command::SetPeer { node, candidates, relays }).unwrap();
    }
    left.send(packet(1, 2, b"first")).await;
    left.shake_hands_with(&right).await;
    (left, right)
}

/// Carries trains both ways for as long as it is polled.
async fn relay(
    left: &mut mpsc::Receiver<RelayedTrain>,
    right: &mut mpsc::Receiver<RelayedTrain>,
    engines: (&Engine, &Engine),
) {
    loop {
        tokio::select! {
            Some(train) = left.recv() => {
                assert_eq!((train.relay, train.peer), (RELAY, node(2)));
                assert!(engines.1.relay_in(RELAY, node(1), train.segment_size, train.bytes));
            }
            Some(train) = right.recv() => {
                assert_eq!((train.relay, train.peer), (RELAY, node(1)));
                assert!(engines.0.relay_in(RELAY, node(2), train.segment_size, train.bytes));
            }
        }
    }
}

#[tokio::test]
async fn packets_pass_through_the_relay_alone() {
    let (mut left, mut right) = relayed_pair().await;
    let mut outgoing = (take_relayed(&mut left), take_relayed(&mut right));
    let talk = async {
        assert_eq!(right.receive().await, packet(1, 2, b"first"));
        for round in 0..100_u8 {
            left.send(packet(1, 2, &[round; 1000])).await;
            right.send(packet(2, 1, &[round; 1000])).await;
            assert_eq!(right.receive().await, packet(1, 2, &[round; 1000]));
            assert_eq!(left.receive().await, packet(2, 1, &[round; 1000]));
        }
    };
    tokio::select! {
        () = relay(&mut outgoing.0, &mut outgoing.1, (&left.engine, &right.engine)) => unreachable!("it never ends"),
        () = talk => {}
    }
    let snapshot = right.engine.snapshot().await.unwrap();
    assert_eq!(snapshot.socket.counters.datagrams_received, 0);
    assert_eq!(snapshot.peers[0].path.relay.as_deref(), Some("relay"));
}

#[tokio::test]
async fn packets_wait_while_the_relay_is_not_ready() {
    let (mut left, mut right) = relayed_pair().await;
    left.engine.apply(Command::SetRelayReady { relay: RELAY, ready: false }).unwrap();
    let mut outgoing = (take_relayed(&mut left), take_relayed(&mut right));
    let talk = async {
        assert_eq!(right.receive().await, packet(1, 2, b"first"));
        left.send(packet(1, 2, b"later")).await;
        while left.engine.snapshot().await.unwrap().devices[0].counters.packets_in < 2 {}
        assert_eq!(left.engine.snapshot().await.unwrap().counters.packets_out, 1);
        left.engine.apply(Command::SetRelayReady { relay: RELAY, ready: true }).unwrap();
        assert_eq!(right.receive().await, packet(1, 2, b"later"));
    };
    tokio::select! {
        () = relay(&mut outgoing.0, &mut outgoing.1, (&left.engine, &right.engine)) => unreachable!("it never ends"),
        () = talk => {}
    }
}

#[tokio::test]
async fn what_the_engine_does_not_take_is_counted() {
    let (left, _right) = relayed_pair().await;
    for _ in 0..GIVEN {
        left.engine.relay_in(RELAY, node(2), 40, vec![0; 80]);
    }
    for _ in 0..GIVEN {
        let snapshot = left.engine.snapshot().await.unwrap();
        let malformed = snapshot.counters.drops(DropReason::MalformedDatagram);
        if malformed + snapshot.dropped_relayed.incoming == 2 * GIVEN {
            return;
        }
    }
    panic!("some datagrams were neither taken nor counted");
}

fn take_relayed(peer: &mut Peer) -> mpsc::Receiver<RelayedTrain> {
    let (_, nothing) = mpsc::channel(1);
    std::mem::replace(&mut peer.relayed, nothing)
}
