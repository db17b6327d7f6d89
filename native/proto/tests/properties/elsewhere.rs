//! Trains that are sealed and opened away from their nodes, as threads beside the packet thread do it.

use std::net::IpAddr;
use std::thread;

use golem_vpn_proto::wire::HEADER_LENGTH;
use golem_vpn_proto::{DropReason, Ecn, Offload};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::packets::udp;
use crate::pair::{ALICE, Delivered, Pair, socket};

fn address(host: u8) -> IpAddr {
    IpAddr::from([192, 168, 0, host])
}

fn packet(payload: &[u8]) -> Vec<u8> {
    udp(address(1), address(2), (1, 2), payload)
}

/// Two nodes that have exchanged a packet.
fn connected() -> Pair {
    let mut pair = Pair::new(false, &[address(1)], &[address(2)]);
    pair.send(Offload::default(), &packet(b"hello"));
    pair.settle();
    assert_eq!(pair.delivered().len(), 1);
    pair
}

/// What Alice has to send, each train with the size of its datagrams, sealed on other threads.
fn sealed(pair: &mut Pair) -> Vec<(usize, Vec<u8>)> {
    let trains: Vec<_> = std::iter::from_fn(|| pair.alice.poll_train(pair.now)).collect();
    let sealing: Vec<_> = trains.into_iter().map(|train| thread::spawn(|| train.seal())).collect();
    let sealed = sealing.into_iter().map(|thread| thread.join().unwrap());
    let copies = sealed.map(|train| {
        let copy = (train.transmit().segment_size, train.transmit().bytes.to_vec());
        pair.alice.give_back(train);
        copy
    });
    copies.collect()
}

/// Bob gets trains that were opened on other threads, all at the same time.
fn open(pair: &mut Pair, trains: Vec<(usize, Vec<u8>)>) -> Vec<Delivered> {
    let opening = trains.into_iter().map(|(size, mut bytes)| {
        let opening = pair.bob.opening(size, &bytes);
        thread::spawn(move || (size, opening.open(size, &mut bytes), bytes))
    });
    let opening: Vec<_> = opening.collect();
    for thread in opening {
        let (size, opened, mut bytes) = thread.join().unwrap();
        pair.bob.handle_opened(pair.now, socket(1).into(), Ecn::NotCapable, size, &mut bytes, &opened);
    }
    pair.delivered()
}

fn drops(pair: &Pair, reason: DropReason) -> u64 {
    pair.bob.counters().drops(reason)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(50) })]

    #[test]
    fn packets_arrive_as_they_were_sent(payloads in vec(vec(any::<u8>(), 0..1300), 1..100)) {
        let mut pair = connected();
        let packets: Vec<_> = payloads.iter().map(|payload| packet(payload)).collect();
        packets.iter().for_each(|packet| pair.send(Offload::default(), packet));
        let trains = sealed(&mut pair);
        let delivered = open(&mut pair, trains);
        prop_assert_eq!(delivered.into_iter().map(|(_, packet)| packet).collect::<Vec<_>>(), packets);
        prop_assert_eq!(pair.bob.counters().total_drops(), 0);
    }
}

#[test]
fn a_replay_and_a_forgery_are_dropped_however_they_were_opened() {
    let mut pair = connected();
    pair.send(Offload::default(), &packet(b"once"));
    let trains = sealed(&mut pair);
    let mut forged = trains.clone();
    forged[0].1[HEADER_LENGTH] ^= 1;
    assert_eq!(open(&mut pair, forged).len(), 0);
    assert_eq!(drops(&pair, DropReason::Forged), 1);
    assert_eq!(open(&mut pair, trains.clone()).len(), 1);
    assert_eq!(open(&mut pair, trains).len(), 0);
    assert_eq!((drops(&pair, DropReason::Replayed), drops(&pair, DropReason::Forged)), (1, 1));
}

#[test]
fn two_copies_that_are_opened_at_once_are_one_packet() {
    let mut pair = connected();
    pair.send(Offload::default(), &packet(b"once"));
    let trains = sealed(&mut pair);
    assert_eq!(open(&mut pair, [trains.clone(), trains].concat()).len(), 1);
    assert_eq!(drops(&pair, DropReason::Replayed), 1);
}

#[test]
fn what_was_opened_for_a_session_that_has_ended_since_is_dropped() {
    let mut pair = connected();
    pair.send(Offload::default(), &packet(b"late"));
    let (size, mut bytes) = sealed(&mut pair).remove(0);
    let opened = pair.bob.opening(size, &bytes).open(size, &mut bytes);
    pair.bob.reset_peer(pair.now, ALICE);
    pair.bob.handle_opened(pair.now, socket(1).into(), Ecn::NotCapable, size, &mut bytes, &opened);
    assert_eq!((pair.delivered().len(), drops(&pair, DropReason::UnknownSession)), (0, 1));
}

#[test]
fn what_nobody_had_a_key_for_is_opened_where_it_is_judged() {
    let mut pair = connected();
    pair.send(Offload::default(), &packet(b"left"));
    let (size, mut bytes) = sealed(&mut pair).remove(0);
    let opened = pair.alice.opening(size, &bytes).open(size, &mut bytes);
    pair.bob.handle_opened(pair.now, socket(1).into(), Ecn::NotCapable, size, &mut bytes, &opened);
    assert_eq!(pair.delivered().len(), 1);
    assert_eq!(pair.bob.counters().total_drops(), 0);
}
