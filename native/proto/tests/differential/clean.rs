//! Over a wire that does no harm everything arrives as by the book.

use golem_vpn_proto::{DropReason, Offload};
use proptest::prelude::*;

use crate::arrivals::{deliveries, difference};
use crate::book::Book;
use crate::pair::Pair;
use crate::sender::{Sender, address};
use crate::steps::{ACK, CWR, Ip, PSH, SYN, Step, To, URG, What, steps};

const MTU: usize = 1420;

/// Two nodes with a session, whose path is known to carry the longest packets; both devices take super-packets, or none.
pub fn connected(offload: bool) -> Pair {
    let addresses = |host| [address(host, true), address(host, false)];
    let mut pair = Pair::new(offload, &addresses(1), &addresses(2));
    let (offloading, hello) = Sender::default().packet(&plain(0, datagram(100)));
    pair.send(offloading, &hello);
    pair.settle();
    assert_eq!(deliveries(&mut pair.bob).len(), 1);
    pair
}

fn book() -> Book {
    let addresses = |host| vec![address(host, true), address(host, false)];
    Book { sender: addresses(1), receiver: addresses(2), mtu: MTU }
}

/// Sends packets over both paths, as many at once as told, and says where they differ.
pub fn compare(packets: &[(Offload, Vec<u8>)], offload: bool, at_once: usize) -> Option<String> {
    let (mut pair, book) = (connected(offload), book());
    let (mut arrived, mut answers, mut by_the_book) = (Vec::new(), Vec::new(), Vec::new());
    let mut answers_by_the_book = Vec::new();
    for round in packets.chunks(at_once) {
        for (offload, packet) in round {
            if !pair.alice.has_room() {
                pair.settle();
            }
            pair.send(*offload, packet);
            let outcome = book.forward(offload, packet);
            by_the_book.extend(outcome.delivered);
            answers_by_the_book.extend(outcome.answers);
        }
        pair.settle();
        arrived.extend(deliveries(&mut pair.bob));
        answers.extend(deliveries(&mut pair.alice));
    }
    // Answers to different flows come in any order.
    answers.sort();
    answers_by_the_book.sort();
    difference(&by_the_book, &arrived).or_else(|| {
        let answer = difference(&answers_by_the_book, &answers)?;
        Some(format!("the sender hears something else: {answer}"))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn everything_arrives_as_by_the_book(steps in steps(40), offload in any::<bool>(), at_once in 1usize..40) {
        let mut sender = Sender::default();
        let packets: Vec<_> = steps.iter().map(|step| sender.packet(step)).collect();
        if let Some(difference) = compare(&packets, offload, at_once) {
            prop_assert!(false, "{difference}");
        }
    }
}

/// An ordinary step of a flow.
fn plain(flow: u8, what: What) -> Step {
    let ip = Ip { class: 0, hops: 64, dont_fragment: true, extension: None };
    Step { flow, ip, what, is_partial: false, is_damaged: false, to: To::Receiver }
}

fn datagram(length: u16) -> What {
    What::Datagram { length, cut: None, has_checksum: true, surplus: 0 }
}

fn data(flags: u8, length: u16, cut: Option<u16>) -> What {
    What::Segment { flags, length, cut, options: 3 }
}

fn assert_as_by_the_book(steps: &[Step]) {
    for offload in [true, false] {
        let mut sender = Sender::default();
        let packets: Vec<_> = steps.iter().map(|step| sender.packet(step)).collect();
        assert_eq!(compare(&packets, offload, packets.len()), None, "offload {offload}");
    }
}

/// A step with an extension header of IPv6, or options of IPv4.
fn extended(flow: u8, what: What) -> Step {
    let ip = Ip { extension: Some(2), ..plain(flow, datagram(0)).ip };
    Step { ip, is_partial: true, ..plain(flow, what) }
}

#[test]
fn a_datagram_with_options_behind_it_arrives() {
    let surplus = What::Datagram { length: 100, cut: None, has_checksum: true, surplus: 5 };
    assert_as_by_the_book(&[plain(0, datagram(100)), plain(0, surplus.clone()), plain(1, surplus)]);
}

#[test]
fn a_superpacket_behind_extension_headers_is_split() {
    let datagrams = What::Datagram { length: 5000, cut: Some(1000), has_checksum: true, surplus: 0 };
    for flow in [0, 1] {
        assert_as_by_the_book(&[extended(flow, data(ACK | PSH, 5000, Some(1000))), extended(flow, datagrams.clone())]);
    }
}

#[test]
fn what_begins_resets_or_urges_is_never_cut() {
    for flags in [SYN, SYN | ACK, ACK | URG] {
        assert_as_by_the_book(&[plain(0, data(flags, 1400, None)), plain(1, data(flags, 1400, None))]);
    }
}

#[test]
fn a_damaged_packet_is_not_mended_by_cutting_it() {
    let damaged = |dont_fragment| {
        let step = plain(0, data(ACK, 1400, None));
        Step { is_damaged: true, ip: Ip { dont_fragment, ..step.ip.clone() }, ..step }
    };
    assert_as_by_the_book(&[damaged(true)]);
    assert_as_by_the_book(&[damaged(false)]);
}

#[test]
fn a_window_that_was_reduced_in_the_first_segment_is_told_once() {
    assert_as_by_the_book(&[plain(0, data(ACK | CWR, 5000, Some(1000))), plain(0, data(ACK | CWR, 1000, None))]);
}

/// A checksum of zero would mean "none".
#[test]
fn a_datagram_behind_extension_headers_never_gets_a_checksum_of_zero() {
    let (offload, mut packet) = Sender::default().packet(&extended(1, datagram(2)));
    packet[56..58].fill(0);
    let complement = book().forward(&offload, &packet).delivered[0][54..56].to_vec();
    packet[56..58].copy_from_slice(&complement);
    assert_eq!(book().forward(&offload, &packet).delivered[0][54..56], [0xff, 0xff]);
    assert_eq!(compare(&[(offload, packet)], true, 1), None);
}

#[test]
fn a_damaged_packet_never_reaches_a_device_that_takes_superpackets() {
    let step = Step { is_damaged: true, ..plain(0, datagram(1000)) };
    let (offload, packet) = Sender::default().packet(&step);
    let mut pair = connected(true);
    pair.send(offload, &packet);
    pair.settle();
    assert!(deliveries(&mut pair.bob).is_empty());
    assert_eq!(pair.bob.counters().drops(DropReason::BadChecksum), 1);
}
