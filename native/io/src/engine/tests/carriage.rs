//! Packets over control connections alone; the tests carry them.

use golem_vpn_proto::Carriage;

use super::*;

/// More than wait at once.
const GIVEN: u64 = 5000;

fn carriage() -> Option<Carriage> {
    Some(Carriage { mtu: 1452, relay: None, rtt: Duration::from_millis(1) })
}

/// Two engines that know no address of each other.
async fn carried_pair() -> (Peer, Peer) {
    let (mut left, right) = (Peer::new(1, engine(1)).await, Peer::new(2, engine(2)).await);
    for (peer, other) in [(&left, &right), (&right, &left)] {
        peer.engine.apply(Command::SetCarriage { peer: node(other.number), carriage: carriage() }).unwrap();
    }
    left.send(packet(1, 2, b"first")).await;
    left.shake_hands_with(&right).await;
    (left, right)
}

/// Carries datagrams both ways for as long as it is polled.
async fn carry(left: &mut mpsc::Receiver<Carried>, right: &mut mpsc::Receiver<Carried>, engines: (&Engine, &Engine)) {
    loop {
        tokio::select! {
            Some((to, datagram)) = left.recv() => {
                assert_eq!(to, node(2));
                assert!(engines.1.carry_in(node(1), datagram));
            }
            Some((to, datagram)) = right.recv() => {
                assert_eq!(to, node(1));
                assert!(engines.0.carry_in(node(2), datagram));
            }
        }
    }
}

#[tokio::test]
async fn packets_pass_over_the_control_connection_alone() {
    let (mut left, mut right) = carried_pair().await;
    let mut outgoing = (take_carried(&mut left), take_carried(&mut right));
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
        () = carry(&mut outgoing.0, &mut outgoing.1, (&left.engine, &right.engine)) => unreachable!("it never ends"),
        () = talk => {}
    }
    assert_eq!(right.engine.snapshot().await.unwrap().socket.counters.datagrams_received, 0);
}

#[tokio::test]
async fn what_nobody_carries_is_counted() {
    let (left, _right) = carried_pair().await;
    for _ in 0..GIVEN {
        left.engine.carry_in(node(2), vec![0; 40]);
    }
    for _ in 0..GIVEN {
        let snapshot = left.engine.snapshot().await.unwrap();
        let malformed = snapshot.counters.drops(DropReason::MalformedDatagram);
        if malformed + snapshot.dropped_carried.incoming == GIVEN {
            return;
        }
    }
    panic!("some datagrams were neither taken nor counted");
}

fn take_carried(peer: &mut Peer) -> mpsc::Receiver<Carried> {
    let (_, nothing) = mpsc::channel(1);
    std::mem::replace(&mut peer.carried, nothing)
}
