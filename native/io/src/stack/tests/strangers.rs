//! Packets that no well-meaning host would send, and those that any host may.

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    Icmpv4Packet, Icmpv4Repr, Icmpv6Packet, Icmpv6Repr, IpAddress, IpProtocol, IpRepr, TcpControl, TcpPacket, TcpRepr,
    TcpSeqNumber,
};

use super::*;
use crate::queue::{QueueEnd, Received};

const PINGS: [(&str, &str); 2] = [("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2")];

pub(super) fn alone() -> (Stack, QueueEnd) {
    let (end, queue) = queue_device(1024);
    (Stack::start(queue, vec![(ip("10.0.0.1"), 24), (ip("fd00::1"), 64)], 1420, &Handle::current()), end)
}

pub(super) async fn next(end: &mut QueueEnd) -> Vec<u8> {
    let packet = async {
        loop {
            match end.receive() {
                Received::Packet(packet) => return packet,
                Received::Nothing => tokio::time::sleep(Duration::from_millis(1)).await,
                Received::Closed => panic!("the stack is gone"),
            }
        }
    };
    timeout(PATIENCE, packet).await.unwrap()
}

pub(super) fn packet(from: IpAddr, to: IpAddr, protocol: IpProtocol, payload: &[u8]) -> Vec<u8> {
    let repr = IpRepr::new(from.into(), to.into(), protocol, payload.len(), 64);
    let mut packet = vec![0; repr.header_len()];
    repr.emit(&mut packet[..], &ChecksumCapabilities::default());
    packet.extend_from_slice(payload);
    packet
}

pub(super) fn ping(to: IpAddr, from: IpAddr) -> Vec<u8> {
    let checksums = ChecksumCapabilities::default();
    match (IpAddress::from(from), IpAddress::from(to)) {
        (IpAddress::Ipv6(source), IpAddress::Ipv6(destination)) => {
            let repr = Icmpv6Repr::EchoRequest { ident: 1, seq_no: 2, data: b"hello" };
            let mut payload = vec![0; repr.buffer_len()];
            repr.emit(&source, &destination, &mut Icmpv6Packet::new_unchecked(&mut payload[..]), &checksums);
            packet(from, to, IpProtocol::Icmpv6, &payload)
        }
        _ => {
            let repr = Icmpv4Repr::EchoRequest { ident: 1, seq_no: 2, data: b"hello" };
            let mut payload = vec![0; repr.buffer_len()];
            repr.emit(&mut Icmpv4Packet::new_unchecked(&mut payload[..]), &checksums);
            packet(from, to, IpProtocol::Icmp, &payload)
        }
    }
}

/// A segment with two bytes, unless it opens a connection, from port 80 of 10.0.0.2.
pub(super) fn segment(port: u16, control: TcpControl, sequence: i32, acknowledged: i32, window: u16) -> Vec<u8> {
    let bytes: &[u8] = if control == TcpControl::Syn { b"" } else { b"xy" };
    segment_with(port, control, sequence, acknowledged, window, bytes)
}

fn segment_with(
    port: u16,
    control: TcpControl,
    sequence: i32,
    acknowledged: i32,
    window: u16,
    bytes: &[u8],
) -> Vec<u8> {
    let repr = TcpRepr {
        src_port: 80,
        dst_port: port,
        control,
        seq_number: TcpSeqNumber(sequence),
        ack_number: Some(TcpSeqNumber(acknowledged)),
        window_len: window,
        window_scale: (control == TcpControl::Syn).then_some(0),
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: bytes,
    };
    let mut payload = vec![0; repr.buffer_len()];
    let (from, to) = (ip("10.0.0.2"), ip("10.0.0.1"));
    let mut view = TcpPacket::new_unchecked(&mut payload[..]);
    repr.emit(&mut view, &from.into(), &to.into(), &ChecksumCapabilities::default());
    packet(from, to, IpProtocol::Tcp, &payload)
}

pub(super) async fn expect_pong(end: &mut QueueEnd) {
    for (own, other) in PINGS {
        assert!(end.send(ping(ip(own), ip(other))));
        let answer = loop {
            let answer = next(end).await;
            if Heading::of(&answer).is_some_and(|heading| heading.connection.is_none()) {
                break answer;
            }
        };
        assert_eq!(Heading::of(&answer).unwrap().destination, ip(other));
        assert!(answer.ends_with(b"hello"));
    }
}

#[tokio::test]
async fn pings_to_the_stacks_addresses_are_answered_and_others_are_not() {
    let (_stack, mut end) = alone();
    assert!(end.send(ping(ip("10.0.0.3"), ip("10.0.0.2"))));
    assert!(end.send(ping(ip("fd00::3"), ip("fd00::2"))));
    expect_pong(&mut end).await;
}

#[tokio::test]
async fn segments_of_no_connection_are_reset() {
    let (_stack, mut end) = alone();
    assert!(end.send(segment(443, TcpControl::Psh, 1, 2, 100)));
    let answer = next(&mut end).await;
    assert!(Heading::of(&answer).unwrap().is_reset);
}

#[tokio::test]
async fn garbage_is_dropped() {
    let (_stack, mut end) = alone();
    let good = segment(443, TcpControl::Syn, 1, 2, 100);
    for length in 0..good.len() {
        assert!(end.send(good[..length].to_vec()));
    }
    for first in 0..=255 {
        assert!(end.send(vec![first; 60]));
    }
    expect_pong(&mut end).await;
}

#[tokio::test]
async fn a_hostile_remote_end_harms_only_its_own_connection() {
    for seed in 0..200 {
        let (stack, mut end) = alone();
        let (stream, port, sequence) = shaken_hands(&stack, &mut end).await;
        let mut random = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed + 1);
        let (_reader, mut writer) = tokio::io::split(stream);
        for round in 0..100 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let near = |shift: u32| ((random >> shift) % 16) as i32 - 8;
            let far = if random.is_multiple_of(7) { random as i32 } else { 0 };
            let kinds = [TcpControl::None, TcpControl::Psh, TcpControl::Fin, TcpControl::Syn, TcpControl::Rst];
            let control = kinds[(random >> 8) as usize % if round < 50 { 3 } else { 5 }];
            let window = (random >> 40) as u16;
            let _full_when_slow = end.send(segment(port, control, 1 + near(16) + far, sequence + 1 + near(24), window));
            let _ended_by_then = timeout(Duration::from_micros(1), writer.write(b"ab")).await;
        }
        tokio::task::yield_now().await;
        expect_pong(&mut end).await;
    }
}

#[tokio::test]
async fn an_acknowledgement_from_beyond_a_window_that_was_rounded_away_counts() {
    let (stack, mut end) = alone();
    let (stream, port, sequence) = shaken_hands(&stack, &mut end).await;
    let (_idle_reader, mut writer) = tokio::io::split(stream);
    let say = |at: i32, acknowledged: i32, bytes: &[u8]| {
        segment_with(port, TcpControl::None, 1 + at, sequence.wrapping_add(1 + acknowledged), 1000, bytes)
    };
    // All but 6 bytes of the buffer: the window field can't tell of so few.
    for index in 0..(256 << 10) / 1024 {
        assert!(end.send(say(index * 1024, 0, &[0; 1024][..if index == 255 { 1018 } else { 1024 }])));
        tokio::task::yield_now().await;
    }
    while end.receive() != Received::Nothing {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    writer.write_all(b"ab").await.unwrap();
    assert!(next(&mut end).await.ends_with(b"ab"));
    assert!(end.send(say(256 << 10, 2, b"")));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(end.receive(), Received::Nothing, "not sent again");
}

/// Opens a connection; the remote end begins to count at 0, this one at the number returned.
async fn shaken_hands(stack: &Stack, end: &mut QueueEnd) -> (StackStream, u16, i32) {
    let answer = async {
        let syn = next(end).await;
        let view = TcpPacket::new_unchecked(&syn[20..]);
        let (port, sequence) = (view.src_port(), view.seq_number().0);
        assert!(end.send(segment(port, TcpControl::Syn, 0, sequence.wrapping_add(1), 1000)));
        (port, sequence)
    };
    let (stream, (port, sequence)) = tokio::join!(connect(stack, "10.0.0.2:80"), answer);
    (stream.unwrap(), port, sequence)
}
