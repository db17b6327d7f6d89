//! No bytes from anywhere crash a node or get through it; each is a counted drop.

use std::net::IpAddr;

use golem_vpn_proto::packet::IpHeader;
use golem_vpn_proto::wire::{HEADER_LENGTH, Header};
use golem_vpn_proto::{DropReason, Ecn, Event, Offload, VIRTIO_HEADER_LENGTH};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::packets::udp;
use crate::pair::{ALICE, BOB, DEVICE, Pair, socket};

fn address(host: u8) -> IpAddr {
    IpAddr::from([192, 168, 0, host])
}

fn hello() -> Vec<u8> {
    udp(address(1), address(2), (1, 2), &[7; 100])
}

/// Two nodes that have exchanged a packet.
fn connected() -> Pair {
    let mut pair = Pair::new(true, &[address(1)], &[address(2)]);
    pair.send(Offload::default(), &hello());
    pair.settle();
    assert_eq!(pair.delivered().len(), 1);
    pair
}

/// The next datagram from Alice to Bob.
fn datagram(pair: &mut Pair) -> Vec<u8> {
    pair.send(Offload::default(), &hello());
    pair.alice.poll_transmit(pair.now).unwrap().bytes.to_vec()
}

fn offload() -> impl Strategy<Value = Offload> {
    any::<[u8; VIRTIO_HEADER_LENGTH]>().prop_filter_map("a kind that was asked for", |mut header| {
        header[1] = [0, 1, 4, 5][usize::from(header[1] % 4)];
        Offload::decode(&header)
    })
}

/// Offload headers that come near to the truth.
fn small_offload() -> impl Strategy<Value = Offload> {
    (offload(), 0..100u16, 0..100u16).prop_map(|(mut offload, segment_size, start)| {
        offload.segment_size = segment_size;
        offload.checksum.iter_mut().for_each(|partial| (partial.start, partial.offset) = (start, 16));
        offload
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn garbage_from_a_device_goes_nowhere(offload in offload(), packet in vec(any::<u8>(), 0..200)) {
        let mut pair = connected();
        pair.send(offload, &packet);
        prop_assert_eq!(pair.alice.counters().total_drops(), 1);
        prop_assert!(pair.alice.poll_transmit(pair.now).is_none());
    }

    #[test]
    fn a_damaged_packet_of_a_device_crashes_nothing(
        offload in small_offload(),
        payload in vec(any::<u8>(), 0..1500),
        damage in vec((any::<Index>(), any::<u8>()), 0..8),
        is_tcp in any::<bool>(),
        cut in any::<Index>(),
    ) {
        let mut pair = connected();
        let mut packet = udp(address(1), address(2), (1, 2), &payload);
        if is_tcp {
            packet[9] = 6;
        }
        for (at, byte) in damage {
            let at = at.index(packet.len());
            packet[at] = byte;
        }
        packet.truncate(cut.index(packet.len() * 2));
        pair.send(offload, &packet);
        pair.settle();
        for (_, delivered) in pair.delivered() {
            prop_assert!(IpHeader::parse(&delivered).is_ok());
        }
    }

    #[test]
    fn garbage_from_the_network_goes_nowhere(mut bytes in vec(any::<u8>(), 1..3000), segment_size in 0usize..2000) {
        let mut pair = connected();
        let count = bytes.len().div_ceil(segment_size.max(1));
        pair.bob.handle_datagram(pair.now, socket(9).into(), Ecn::NotCapable, segment_size, &mut bytes);
        prop_assert_eq!(pair.bob.counters().total_drops(), count as u64);
        prop_assert!(pair.bob.poll_delivery().is_none());
    }

    #[test]
    fn garbage_for_an_unknown_session_is_told(receiver in any::<u32>(), counter: u64, body in vec(any::<u8>(), 16..200)) {
        let mut pair = connected();
        let mut bytes = Header { receiver, counter }.encode().to_vec();
        bytes.extend_from_slice(&body);
        for _ in 0..3 {
            pair.bob.handle_datagram(pair.now, socket(9).into(), Ecn::NotCapable, bytes.len(), &mut bytes.clone());
        }
        prop_assert_eq!(pair.bob.counters().drops(DropReason::UnknownSession), 3);
        prop_assert_eq!(pair.bob.poll_event(), Some(Event::UnknownSession { from: socket(9).into() }));
        prop_assert_eq!(pair.bob.poll_event(), None);
    }

    #[test]
    fn a_damaged_datagram_is_dropped_and_the_true_one_still_taken(at: Index, flip in 1..=255u8, cut: Index) {
        let mut pair = connected();
        let genuine = datagram(&mut pair);
        let mut damaged = genuine.clone();
        damaged[at.index(genuine.len())] ^= flip;
        let mut shortened = genuine.clone();
        shortened.truncate(cut.index(genuine.len()));
        for mut forged in [damaged, shortened] {
            let length = forged.len();
            pair.bob.handle_datagram(pair.now, socket(1).into(), Ecn::NotCapable, length, &mut forged);
            prop_assert!(pair.bob.poll_delivery().is_none());
        }
        pair.bob.handle_datagram(pair.now, socket(1).into(), Ecn::NotCapable, genuine.len(), &mut genuine.clone());
        prop_assert!(pair.bob.poll_delivery().is_some());
    }

    #[test]
    fn a_header_reads_back(receiver in any::<u32>(), counter in any::<u64>(), body in vec(any::<u8>(), 16..100)) {
        let header = Header { receiver, counter };
        let mut bytes = header.encode().to_vec();
        bytes.extend_from_slice(&body);
        prop_assert_eq!(Header::parse(&bytes), Some(header));
        prop_assert_eq!(Header::parse(&bytes[..HEADER_LENGTH + 15]), None);
    }

    #[test]
    fn garbage_handshakes_are_refused_and_change_nothing(message in vec(any::<u8>(), 0..100), start in 0usize..3) {
        let mut pair = connected();
        let mut message = message;
        let known = [1, 1 + start as u8];
        let length = message.len().min(start);
        message[..length].copy_from_slice(&known[..length]);
        let reply = pair.bob.handle_handshake(pair.now, ALICE, &message, &[0; 32]);
        prop_assert_eq!(&reply[..2], &[1, 3]);
        pair.bob.handle_handshake_reply(pair.now, ALICE, &message, &[0; 32]);
        pair.bob.handle_handshake_failure(pair.now, ALICE, 1);
        prop_assert_eq!(pair.bob.counters().total_drops(), 2);
        let mut genuine = datagram(&mut pair);
        let length = genuine.len();
        pair.bob.handle_datagram(pair.now, socket(1).into(), Ecn::NotCapable, length, &mut genuine);
        prop_assert!(pair.bob.poll_delivery().is_some());
    }

    #[test]
    fn a_damaged_handshake_gives_no_session(at: Index, flip in 1..=255u8, damage_reply: bool) {
        let mut pair = Pair::new(true, &[address(1)], &[address(2)]);
        pair.send(Offload::default(), &hello());
        let Some(Event::Handshake { mut message, .. }) = pair.alice.poll_event() else { panic!("no handshake") };
        if !damage_reply {
            let at = at.index(message.len());
            message[at] ^= flip;
        }
        let mut reply = pair.bob.handle_handshake(pair.now, ALICE, &message, &[5; 32]);
        if damage_reply {
            let at = at.index(reply.len());
            reply[at] ^= flip;
        }
        pair.alice.handle_handshake_reply(pair.now, BOB, &reply, &[5; 32]);
        pair.settle();
        prop_assert!(pair.delivered().is_empty());
    }
}

#[test]
fn a_device_that_is_not_there_sends_nothing() {
    let mut pair = connected();
    pair.alice.remove_device(DEVICE);
    pair.send(Offload::default(), &hello());
    assert_eq!(pair.alice.counters().drops(DropReason::UnknownDevice), 1);
}
