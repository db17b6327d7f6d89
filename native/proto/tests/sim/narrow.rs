//! Paths that carry less than is wanted, and change.

use std::time::Duration;

use golem_vpn_proto::packet::{IpHeader, checksum};
use golem_vpn_proto::{Offload, PartialChecksum};

use crate::internet::{internet, path, talk};
use crate::packets::{ip, udp};
use crate::site::Kind::Open;
use crate::world::{World, address, address_v6};

const SECOND: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(20);
const ICMP: u8 = 1;
const TCP: u8 = 6;
/// Begins a connection that asks for segments of 1380 bytes.
const SYN: [u8; 24] = [0, 1, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 6 << 4, 2, 1, 0, 0, 0, 0, 0, 2, 4, 5, 100];

fn connected(mtu: usize) -> World {
    let mut world = internet([Open, Open], 0, 1);
    world.wire.mtu = mtu;
    talk(&mut world, 0..100);
    world.hosts.iter_mut().for_each(|host| host.delivered.clear());
    world
}

/// A UDP packet that routers may cut, or not.
fn long(length: usize, may_be_cut: bool) -> Vec<u8> {
    let mut packet = udp(address(1, 0), address(1, 1), (1, 2), &vec![7; length - 28]);
    if may_be_cut {
        packet[6] = 0;
    }
    packet
}

#[test]
fn every_width_is_found() {
    let wide = [(1500, 1420), (1480, 1420), (1450, 1380), (1400, 1340), (1280, 1220)];
    let tight = [(1100, 1000), (1000, 740), (600, 516)];
    for (mtu, expected) in wide.into_iter().chain(tight) {
        let world = connected(mtu);
        assert_eq!([path(&world, 0).mtu, path(&world, 1).mtu], [Some(expected); 2], "a path of {mtu}");
    }
}

#[test]
fn a_path_that_turns_narrow_is_noticed_within_a_second_and_widens_again() {
    let mut world = connected(1500);
    world.wire.mtu = 1300;
    for _ in 0..50 {
        world.send(0, &long(1420, false));
        world.run(PAUSE);
    }
    assert_eq!(path(&world, 0).mtu, Some(1220));
    let complaints = world.hosts[0].delivered.iter().filter(|packet| packet[9] == ICMP).count();
    assert!(complaints > 0, "the sender is told what fits");
    world.wire.mtu = 1500;
    talk(&mut world, 0..2000);
    assert_eq!(path(&world, 0).mtu, Some(1420));
}

#[test]
fn what_may_be_cut_is_cut_and_nothing_is_lost() {
    let mut world = connected(1280);
    world.send(0, &long(1420, true));
    world.run(SECOND);
    let pieces: Vec<_> = world.hosts[1].delivered.iter().map(|packet| IpHeader::parse(packet).unwrap()).collect();
    assert_eq!(pieces.len(), 2);
    assert!(pieces.iter().all(|piece| piece.fragment && piece.total_length <= 1220));
    assert_eq!(pieces.iter().map(|piece| piece.total_length - 20).sum::<usize>(), 1400);
}

#[test]
fn tcp_is_cut_into_smaller_segments_and_told_so() {
    let mut world = connected(1280);
    let mut transport = vec![0, 1, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 5 << 4, 0x18, 1, 0, 0, 0, 0, 0];
    transport.resize(1400, 9);
    let sum = checksum::pseudo_header(address(1, 0), address(1, 1), TCP, transport.len()).with(&transport);
    transport[16..18].copy_from_slice(&sum.checksum().to_be_bytes());
    world.send(0, &ip(address(1, 0), address(1, 1), TCP, &transport));
    world.run(SECOND);
    let lengths: Vec<_> = world.hosts[1].delivered.iter().map(Vec::len).collect();
    assert_eq!(lengths, [1220, 240]);
    assert_eq!(world.hosts[0].delivered[0][9], ICMP);
}

#[test]
fn connections_agree_on_what_the_path_carries_in_both_directions() {
    let segment_size = |packet: &[u8], at: usize| u16::from_be_bytes([packet[at + 22], packet[at + 23]]);
    for (mtu, expected) in [(1500, [1380, 1380]), (1280, [1180, 1160]), (600, [476, 456])] {
        let mut world = connected(mtu);
        world.send(0, &ip(address(1, 0), address(1, 1), TCP, &SYN));
        world.send(0, &ip(address_v6(1, 0), address_v6(1, 1), TCP, &SYN));
        world.run(SECOND);
        let received = &world.hosts[1].delivered;
        assert_eq!([segment_size(&received[0], 20), segment_size(&received[1], 40)], expected, "a path of {mtu}");
    }
}

#[test]
fn a_connection_begins_right_when_the_kernel_leaves_the_checksum_to_the_device() {
    for (source, destination, start) in [(address(1, 0), address(1, 1), 20), (address_v6(1, 0), address_v6(1, 1), 40)] {
        let mut world = connected(600);
        let pseudo_header = checksum::pseudo_header(source, destination, TCP, SYN.len());
        let mut transport = SYN;
        transport[16..18].copy_from_slice(&pseudo_header.partial().to_be_bytes());
        let checksum = Some(PartialChecksum { start: start as u16, offset: 16 });
        let offload = Offload { checksum, ..Offload::default() };
        world.send_offloaded(0, offload, &ip(source, destination, TCP, &transport));
        world.run(SECOND);
        let received = &world.hosts[1].delivered[0][start..];
        assert!(received[22..24] < SYN[22..24]);
        assert_eq!(pseudo_header.with(received).checksum(), 0);
    }
}
