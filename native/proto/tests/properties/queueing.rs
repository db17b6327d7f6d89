//! Packets that come faster than datagrams are fetched: nothing is lost, flows keep their order and don't hold up each
//! other, and congestion marks pass the tunnel.

use std::net::IpAddr;
use std::time::Duration;

use golem_vpn_proto::packet::{IpHeader, checksum};
use golem_vpn_proto::{Config, DropReason, Ecn, Offload};
use proptest::prelude::*;

use crate::packets::{udp, udp_payload};
use crate::pair::{ALICE, Pair, socket};

const LENGTH: usize = 1300;
/// Packets that surely have to wait.
const MANY: u32 = 500;

fn address(host: u8) -> IpAddr {
    IpAddr::from([192, 168, 0, host])
}

fn numbered(flow: u16, number: u32) -> Vec<u8> {
    let mut payload = vec![0; LENGTH];
    payload[..4].copy_from_slice(&number.to_be_bytes());
    udp(address(1), address(2), (flow, 9), &payload)
}

/// The flow and the number of each packet that Bob gets.
fn arrivals(pair: &mut Pair) -> Vec<(u16, u32)> {
    let read = |packet: Vec<u8>| {
        let payload = udp_payload(&packet);
        (u16::from_be_bytes([packet[20], packet[21]]), u32::from_be_bytes(payload[..4].try_into().unwrap()))
    };
    pair.delivered().into_iter().map(|(_, packet)| read(packet)).collect()
}

/// A pair with a session; devices get each packet by itself.
fn pair() -> Pair {
    let mut pair = Pair::new(false, &[address(1)], &[address(2)]);
    pair.send(Offload::default(), &numbered(1, 0));
    pair.settle();
    assert_eq!(arrivals(&mut pair), [(1, 0)]);
    pair
}

#[test]
fn a_packet_of_another_flow_passes_a_bulk_flow() {
    let mut pair = pair();
    (1..=MANY).for_each(|number| pair.send(Offload::default(), &numbered(1, number)));
    pair.send(Offload::default(), &numbered(2, 0));
    pair.settle();
    let arrivals = arrivals(&mut pair);
    assert_eq!(arrivals.len() as u32, MANY + 1);
    let before = arrivals.iter().position(|arrival| *arrival == (2, 0)).unwrap();
    assert!(before * LENGTH < 200 << 10, "{before} packets went first");
}

#[test]
fn devices_are_not_to_be_read_before_anything_is_lost() {
    let mut pair = pair();
    let mut sent = 0;
    while pair.alice.has_room() {
        sent += 1;
        pair.send(Offload::default(), &numbered(1, sent));
    }
    assert!(sent > MANY);
    pair.settle();
    let numbers: Vec<_> = arrivals(&mut pair).into_iter().map(|(_, number)| number).collect();
    assert_eq!(numbers, (1..=sent).collect::<Vec<_>>());
    assert!(pair.alice.has_room() && !pair.alice.has_transmits());
    assert_eq!(pair.alice.counters().total_drops(), 0);
}

#[test]
fn what_finds_no_room_or_waits_for_long_is_counted() {
    let mut pair = pair();
    let (most, length) = (12 << 20, LENGTH as u32);
    (1..=most / length).for_each(|number| pair.send(Offload::default(), &numbered(1, number)));
    let full = pair.alice.counters().drops(DropReason::SendQueueFull);
    assert!(full > 0);
    let mut arrived = 0;
    while pair.alice.has_transmits() {
        pair.now += Duration::from_millis(2);
        let Some(train) = pair.alice.poll_transmit(pair.now) else { continue };
        arrived += train.bytes.len().div_ceil(train.segment_size) as u64;
    }
    let late = pair.alice.counters().drops(DropReason::SendQueueLate);
    assert!(late > 0);
    assert_eq!(arrived + late + full, u64::from(most / length));
}

#[test]
fn a_limited_line_is_full_and_other_flows_pass_at_once() {
    const RATE: u64 = 1_000_000;
    let config = Config { bytes_per_second: Some(RATE), ..Config::new(ALICE) };
    let mut pair = Pair::configured(config, false, &[address(1)], &[address(2)]);
    pair.send(Offload::default(), &numbered(1, 0));
    pair.settle();
    // What proves the path takes its share of the line.
    pair.now += Duration::from_secs(1);
    (1..=2 * MANY).for_each(|number| pair.send(Offload::default(), &numbered(1, number)));
    assert!(pair.alice.has_room(), "devices are read on, as their own queues would hold flows up");
    let (begin, mut turns) = (pair.now, 0);
    let mut settle_until = |pair: &mut Pair, end| {
        while let Some(due) = pair.alice.poll_timeout().filter(|due| *due <= end) {
            pair.now = due.max(pair.now);
            pair.alice.handle_timeout(pair.now);
            pair.settle();
            turns += 1;
        }
        pair.now = end;
    };
    for other in 0..10 {
        settle_until(&mut pair, begin + Duration::from_millis(100 * other));
        pair.delivered();
        pair.send(Offload::default(), &numbered(2, other as u32));
        pair.settle();
        let soon = pair.now + Duration::from_millis(3);
        settle_until(&mut pair, soon);
        assert!(arrivals(&mut pair).contains(&(2, other as u32)), "a packet waited for more than 3 ms");
    }
    let sent = pair.alice.counters().packets_out as f64 * (LENGTH + 28 + 32 + 28) as f64;
    let carried = RATE as f64 * (pair.now - begin).as_secs_f64();
    assert!((sent - carried).abs() < 20_000.0, "{sent} of {carried}");
    assert!(turns < 2 * MANY, "it woke {turns} times");
}

proptest! {
    #[test]
    fn flows_keep_their_order(flows in prop::collection::vec(0..4u16, 1..800)) {
        let mut pair = pair();
        for (number, flow) in flows.iter().enumerate() {
            pair.send(Offload::default(), &numbered(10 + flow, number as u32));
        }
        pair.settle();
        let arrivals = arrivals(&mut pair);
        prop_assert_eq!(arrivals.len(), flows.len());
        for flow in 10..14 {
            let numbers: Vec<_> = arrivals.iter().filter(|arrival| arrival.0 == flow).map(|arrival| arrival.1).collect();
            prop_assert!(numbers.is_sorted());
        }
    }
}

fn marked(class: u8) -> Vec<u8> {
    let mut packet = numbered(1, 0);
    packet[1] = class;
    checksum::write_ipv4(&mut packet[..20]);
    packet
}

#[test]
fn congestion_marks_pass_the_tunnel() {
    for (inner, outer, arrives) in [
        (Ecn::CapableZero, Ecn::CapableZero, Some(Ecn::CapableZero)),
        (Ecn::CapableZero, Ecn::CongestionExperienced, Some(Ecn::CongestionExperienced)),
        (Ecn::CongestionExperienced, Ecn::CongestionExperienced, Some(Ecn::CongestionExperienced)),
        (Ecn::NotCapable, Ecn::CongestionExperienced, None),
    ] {
        let mut pair = pair();
        pair.send(Offload::default(), &marked(0xb8 | inner as u8));
        let train = pair.alice.poll_transmit(pair.now).unwrap();
        assert_eq!(train.ecn, inner, "the datagram says what the packet says");
        let (length, mut bytes) = (train.segment_size, train.bytes.to_vec());
        pair.bob.handle_datagram(pair.now, socket(1).into(), outer, length, &mut bytes);
        let delivered = pair.delivered();
        let class = delivered.first().map(|(_, packet)| packet[1]);
        assert_eq!(class, arrives.map(|ecn| 0xb8 | ecn as u8));
        assert!(delivered.iter().all(|(_, packet)| IpHeader::parse(packet).is_ok()));
        assert_eq!(pair.bob.counters().drops(DropReason::CongestionMet), u64::from(arrives.is_none()));
    }
}
