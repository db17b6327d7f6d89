//! Devices of one node talk to each other, and hear from the node when a packet goes nowhere.

use std::net::IpAddr;
use std::time::Instant;

use golem_vpn_proto::packet::{IpHeader, checksum};
use golem_vpn_proto::{
    Attachment, DeviceConfig, DeviceId, DropReason, Event, IpPrefix, Member, Network, Node, Offload, OffloadKind,
    PartialChecksum,
};

use crate::packets::{ip, udp};
use crate::pair::{ALICE, BOB, NETWORK, interface, node};

const KERNEL: DeviceId = DeviceId(1);
const STACK: DeviceId = DeviceId(2);
const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;

fn address(host: u8) -> IpAddr {
    IpAddr::from([192, 168, 0, host])
}

fn address_v6(host: u16) -> IpAddr {
    IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, host])
}

/// A node with a device that takes super-packets, with host 1, one that does not, with host 2, and a peer, host 3.
fn two_devices() -> Node {
    let (mut node, now) = (node(ALICE), Instant::now());
    let member = |node, host: u8| Member { node, addresses: vec![address(host), address_v6(host.into())] };
    let prefixes = vec![IpPrefix { address: address(0), length: 24 }, IpPrefix { address: address_v6(0), length: 64 }];
    let members = vec![member(ALICE, 1), member(ALICE, 2), member(BOB, 3)];
    node.set_network(now, Network { id: NETWORK, prefixes, members });
    for (device, host, offload) in [(KERNEL, 1, true), (STACK, 2, false)] {
        let attachments =
            vec![Attachment { network: NETWORK, addresses: vec![address(host), address_v6(host.into())] }];
        node.set_device(
            device,
            DeviceConfig { attachments, mtu: 1420, offload, udp_offload: offload, own_ports: Vec::new() },
        )
        .unwrap();
    }
    node.set_peer(now, BOB, vec![interface(3)], Vec::new());
    node
}

fn deliveries(node: &mut Node) -> Vec<(DeviceId, Offload, Vec<u8>)> {
    let mut deliveries = Vec::new();
    while let Some(delivery) = node.poll_delivery() {
        deliveries.push((delivery.device, delivery.offload, delivery.packet.to_vec()));
    }
    deliveries
}

fn send(node: &mut Node, device: DeviceId, packet: &[u8]) -> Vec<(DeviceId, Offload, Vec<u8>)> {
    node.handle_packet(Instant::now(), device, Offload::default(), packet);
    deliveries(node)
}

/// A UDP super-packet from host 1, as the kernel hands it over.
fn superpacket(to: u8) -> (Offload, Vec<u8>) {
    let mut packet = udp(address(1), address(to), (1, 2), &[7; 2500]);
    let partial = checksum::pseudo_header(address(1), address(to), 17, 2508).partial();
    packet[26..28].copy_from_slice(&partial.to_be_bytes());
    let checksum = Some(PartialChecksum { start: 20, offset: 6 });
    (Offload { kind: OffloadKind::Udp, segment_size: 1000, header_length: 28, checksum, ecn: false }, packet)
}

#[test]
fn a_packet_for_another_device_is_handed_over() {
    let mut node = two_devices();
    let packet = udp(address(1), address(2), (1, 2), b"hello");
    assert_eq!(send(&mut node, KERNEL, &packet), [(STACK, Offload::default(), packet)]);
    assert!(node.poll_event().is_none() && node.poll_transmit(Instant::now()).is_none());
    assert_eq!(node.counters().packets_local, 1);
}

#[test]
fn a_superpacket_is_split_for_a_device_that_takes_none() {
    let mut node = two_devices();
    let (offload, packet) = superpacket(2);
    node.handle_packet(Instant::now(), KERNEL, offload, &packet);
    let delivered = deliveries(&mut node);
    assert_eq!(delivered.iter().map(|(_, _, packet)| packet.len()).collect::<Vec<_>>(), [1028, 1028, 528]);
    assert!(delivered.iter().all(|(device, offload, _)| (*device, *offload) == (STACK, Offload::default())));
}

#[test]
fn a_superpacket_stays_whole_for_a_device_that_takes_it() {
    let mut node = two_devices();
    let (offload, packet) = superpacket(1);
    node.handle_packet(Instant::now(), KERNEL, offload, &packet);
    assert_eq!(deliveries(&mut node), [(KERNEL, offload, packet)]);
}

#[test]
fn a_partial_checksum_is_completed_for_a_device_that_does_not_know_it() {
    let mut node = two_devices();
    let whole = udp(address(1), address(2), (1, 2), b"hello");
    let mut partial = whole.clone();
    let sum = checksum::pseudo_header(address(1), address(2), 17, 13).partial();
    partial[26..28].copy_from_slice(&sum.to_be_bytes());
    let offload = Offload { checksum: Some(PartialChecksum { start: 20, offset: 6 }), ..Offload::default() };
    node.handle_packet(Instant::now(), KERNEL, offload, &partial);
    assert_eq!(deliveries(&mut node), [(STACK, Offload::default(), whole)]);
}

#[test]
fn a_packet_that_is_too_long_is_answered_with_the_mtu() {
    let mut node = two_devices();
    let long = ip(address(1), address(3), 17, &[7; 1401]);
    let answers = send(&mut node, KERNEL, &long);
    let (device, _, answer) = &answers[0];
    assert_eq!((*device, IpHeader::parse(answer).unwrap().protocol), (KERNEL, ICMP));
    assert_eq!((&answer[20..22], &answer[26..28]), (&[3, 4][..], &1420u16.to_be_bytes()[..]));

    let long = ip(address_v6(1), address_v6(3), 17, &[7; 1381]);
    let answers = send(&mut node, KERNEL, &long);
    assert_eq!(IpHeader::parse(&answers[0].2).unwrap().protocol, ICMP_V6);
    assert_eq!((answers[0].2[40], &answers[0].2[44..48]), (2, &1420u32.to_be_bytes()[..]));
    assert_eq!(node.counters().drops(DropReason::PacketTooBig), 2);

    let longest = ip(address(1), address(3), 17, &[7; 1400]);
    assert!(send(&mut node, KERNEL, &longest).is_empty());
    assert!(matches!(node.poll_event(), Some(Event::Handshake { peer: BOB, .. })));
}

#[test]
fn a_long_packet_that_may_be_fragmented_gets_no_answer() {
    let mut node = two_devices();
    let mut long = ip(address(1), address(3), 17, &[7; 1401]);
    long[6] = 0;
    assert!(send(&mut node, KERNEL, &long).is_empty());
    assert_eq!(node.counters().total_drops(), 0);
}

#[test]
fn an_address_that_nobody_has_is_answered_but_not_without_end() {
    let mut node = two_devices();
    let now = Instant::now();
    for _ in 0..1000 {
        node.handle_packet(now, STACK, Offload::default(), &udp(address(2), address(9), (1, 2), b"hello"));
    }
    let answers = deliveries(&mut node);
    assert_eq!((answers[0].0, answers[0].2[20..22].to_vec()), (STACK, vec![3, 1]));
    assert!((1..100).contains(&answers.len()));
    assert_eq!(node.counters().drops(DropReason::NoMember), 1000);
}

#[test]
fn what_the_node_s_own_sockets_send_into_the_host_s_interface_goes_nowhere() {
    let mut node = two_devices();
    let attachments = vec![Attachment { network: NETWORK, addresses: vec![address(1), address_v6(1)] }];
    let own_ports = vec![4433, 4434];
    let host = DeviceConfig { attachments, mtu: 1420, offload: true, udp_offload: true, own_ports };
    node.set_device(KERNEL, host).unwrap();
    for (port, is_own) in [(4433, true), (4434, true), (4435, false)] {
        let before = node.counters().drops(DropReason::OwnSocket);
        let here = udp(address(1), address(2), (port, 4433), b"hello");
        assert_eq!(send(&mut node, KERNEL, &here).is_empty(), is_own, "{port}");
        let there = udp(address_v6(1), address_v6(3), (port, 4433), b"hello");
        assert!(send(&mut node, KERNEL, &there).is_empty());
        assert_eq!(node.poll_event().is_some(), !is_own, "{port}");
        assert_eq!(node.counters().drops(DropReason::OwnSocket) - before, if is_own { 2 } else { 0 });
    }
    let payload = udp(address(2), address(1), (4433, 4433), b"a payload's own socket of that number");
    assert_eq!(send(&mut node, STACK, &payload).len(), 1);
}

#[test]
fn what_waits_for_a_device_that_goes_is_dropped() {
    let mut node = two_devices();
    let packet = udp(address(1), address(2), (1, 2), b"hello");
    node.handle_packet(Instant::now(), KERNEL, Offload::default(), &packet);
    node.remove_device(STACK);
    assert!(deliveries(&mut node).is_empty());
    node.handle_packet(Instant::now(), KERNEL, Offload::default(), &packet);
    assert_eq!(node.counters().drops(DropReason::NoDevice), 1);
}
