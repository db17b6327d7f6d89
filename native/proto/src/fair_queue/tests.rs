//! A slow link in virtual time behind the queue.

use std::time::Duration;

use super::*;
use crate::packet::checksum;
use crate::{DeviceId, Offload};

const MILLISECOND: Duration = Duration::from_millis(1);
/// Bytes that the slow link carries in a millisecond: 20 Mbit/s.
const RATE: usize = 2500;

/// A UDP packet of a flow; `ecn` are the last bits of the type of service.
fn packet(flow: u8, length: usize, ecn: u8) -> Vec<u8> {
    let mut packet = vec![0x45, ecn, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    packet[2..4].copy_from_slice(&(length as u16).to_be_bytes());
    checksum::write_ipv4(&mut packet);
    packet.extend_from_slice(&[0, flow, 0, 2]);
    packet.resize(length, 0);
    packet
}

struct Link {
    now: Instant,
    queue: FairQueue,
    /// Bytes that may go out now.
    credit: isize,
    /// What came out: the flow, how long it waited, and its ECN bits.
    out: Vec<(u8, Duration, u8)>,
}

impl Link {
    fn new() -> Self {
        Self { now: Instant::now(), queue: FairQueue::new(), credit: 0, out: Vec::new() }
    }

    fn push(&mut self, packet: Vec<u8>) -> usize {
        let ip = IpHeader::parse(&packet).unwrap();
        let waiting = Waiting { since: self.now, device: DeviceId(1), offload: Offload::default(), packet };
        self.queue.push(&ip, waiting)
    }

    /// Lets a millisecond pass.
    fn run(&mut self) {
        self.now += MILLISECOND;
        self.credit = self.credit.min(0) + RATE as isize;
        while self.credit > 0 {
            let Some(waiting) = self.queue.pop(self.now) else { return };
            self.credit -= waiting.packet.len() as isize;
            self.out.push((waiting.packet[21], self.now - waiting.since, waiting.packet[1]));
        }
    }

    fn waits(&self, flow: u8) -> Vec<Duration> {
        self.out.iter().filter(|out| out.0 == flow).map(|out| out.1).collect()
    }
}

#[test]
fn superpackets_do_not_hold_up_pings() {
    let mut link = Link::new();
    for millisecond in 0..5000 {
        if millisecond % 10 == 0 {
            link.push(packet(1, 60_000, 0));
        }
        if millisecond % 20 == 0 {
            link.push(packet(2, 84, 0));
        }
        link.run();
    }
    let pings = link.waits(2);
    assert!(pings.len() >= 249);
    // One super-packet, which is on its way already, takes 24 ms.
    assert!(pings.iter().all(|wait| *wait <= Duration::from_millis(25)), "{:?}", pings.iter().max());
    assert!(link.queue.take_late() > 0);
}

#[test]
fn flows_share_by_bytes() {
    let mut link = Link::new();
    for _ in 0..3000 {
        link.push(packet(1, 1400, 0));
        link.push(packet(1, 1400, 0));
        (0..20).for_each(|_| {
            link.push(packet(2, 140, 0));
        });
        link.run();
    }
    let bytes = |flow, length: usize| link.waits(flow).len() * length;
    let (one, other) = (bytes(1, 1400) as f64, bytes(2, 140) as f64);
    assert!((0.8..1.25).contains(&(one / other)), "{one} and {other}");
}

#[test]
fn whoever_understands_congestion_is_told_and_loses_nothing() {
    let mut link = Link::new();
    for _ in 0..400 {
        link.push(packet(1, 1400, 2));
        link.push(packet(1, 1400, 2));
        link.run();
    }
    assert!(link.out.iter().filter(|out| out.2 == 3).count() > 3);
    assert_eq!(link.queue.take_late(), 0);
}

#[test]
fn a_link_that_is_quick_enough_drops_nothing() {
    let mut link = Link::new();
    for _ in 0..1000 {
        link.push(packet(1, 1200, 0));
        link.push(packet(2, 1200, 0));
        link.run();
    }
    (0..10).for_each(|_| link.run());
    assert_eq!((link.out.len(), link.queue.take_late(), link.queue.len()), (2000, 0, 0));
}

#[test]
fn bytes_are_bounded_and_the_longest_flow_pays() {
    let mut link = Link::new();
    assert_eq!(link.push(packet(2, 84, 0)), 0);
    let dropped: usize = (0..200).map(|_| link.push(packet(1, 60_000, 0))).sum();
    assert_eq!(dropped + MOST_BYTES / 60_000, 200);
    assert_eq!(link.queue.len(), MOST_BYTES / 60_000 + 1);
    while !link.queue.is_empty() {
        link.run();
    }
    assert_eq!(link.waits(2).len(), 1);
}
