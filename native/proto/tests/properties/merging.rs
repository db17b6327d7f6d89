//! Whatever a node merges for a device, each flow arrives as it was sent: the same packets in the same order.

use std::collections::BTreeMap;
use std::net::IpAddr;

use golem_vpn_proto::packet::{IpHeader, Split, checksum};
use golem_vpn_proto::{Offload, OffloadKind};
use proptest::prelude::*;

use crate::packets::{ip, udp};
use crate::pair::Pair;

/// What one of a few flows sends next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Data { length: u16, push: bool },
    Acknowledgement,
    Retransmission,
    Datagram { length: u16 },
}

fn step() -> impl Strategy<Value = (u8, Step)> {
    let length = prop_oneof![4 => Just(1000u16), 1 => 1..1300u16];
    let step = prop_oneof![
        6 => (length.clone(), prop::bool::weighted(0.1)).prop_map(|(length, push)| Step::Data { length, push }),
        1 => Just(Step::Acknowledgement),
        1 => Just(Step::Retransmission),
        4 => length.prop_map(|length| Step::Datagram { length }),
    ];
    (0..4u8, step)
}

/// The sender of a few TCP and UDP flows.
#[derive(Default)]
struct Sender {
    sequences: [u32; 4],
    acknowledgement: u32,
    packets: u8,
}

impl Sender {
    fn packet(&mut self, flow: u8, step: Step) -> Vec<u8> {
        self.packets = self.packets.wrapping_add(1);
        let sequence = self.sequences[usize::from(flow)];
        match step {
            Step::Data { length, push } => {
                self.sequences[usize::from(flow)] += u32::from(length);
                self.tcp(flow, sequence, if push { 0x18 } else { 0x10 }, length.into())
            }
            Step::Acknowledgement => {
                self.acknowledgement += 1;
                self.tcp(flow, sequence, 0x10, 0)
            }
            Step::Retransmission => self.tcp(flow, sequence.saturating_sub(1000), 0x10, 1000),
            Step::Datagram { length } => {
                let (source, destination) = addresses(flow);
                udp(source, destination, (flow.into(), 53), &vec![self.packets; length.into()])
            }
        }
    }

    fn tcp(&self, flow: u8, sequence: u32, flags: u8, length: usize) -> Vec<u8> {
        let (source, destination) = addresses(flow);
        let mut transport = vec![0, flow, 0, 80];
        transport.extend_from_slice(&sequence.to_be_bytes());
        transport.extend_from_slice(&self.acknowledgement.to_be_bytes());
        transport.extend_from_slice(&[5 << 4, flags, 1, 0, 0, 0, 0, 0]);
        transport.resize(20 + length, self.packets);
        let sum = checksum::pseudo_header(source, destination, 6, transport.len()).with(&transport).checksum();
        transport[16..18].copy_from_slice(&sum.to_be_bytes());
        ip(source, destination, 6, &transport)
    }
}

/// Flows 0 and 1 use IPv4, the others IPv6.
fn addresses(flow: u8) -> (IpAddr, IpAddr) {
    let of = |host| match flow {
        0 | 1 => IpAddr::from([192, 168, 0, host as u8]),
        _ => IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, host]),
    };
    (of(1), of(2))
}

fn all_addresses(host: u16) -> [IpAddr; 2] {
    [IpAddr::from([192, 168, 0, host as u8]), IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, host])]
}

/// Splits what a device got, without the identification that means nothing in packets that are not fragmented.
fn packets(offload: &Offload, packet: &[u8]) -> Vec<Vec<u8>> {
    let mut packets = match offload.kind {
        OffloadKind::None => vec![packet.to_vec()],
        OffloadKind::TcpV4 | OffloadKind::TcpV6 | OffloadKind::Udp => {
            let split = Split::new(offload, &IpHeader::parse(packet).unwrap(), packet).unwrap();
            let write = |index| {
                let mut room = vec![0; split.length(index)];
                split.write(index, &mut room);
                room
            };
            (0..split.count()).map(write).collect()
        }
    };
    for packet in packets.iter_mut().filter(|packet| packet[0] >> 4 == 4) {
        packet[4..6].fill(0);
        checksum::write_ipv4(&mut packet[..20]);
    }
    packets
}

/// Packets by flow: addresses, protocol and ports.
fn by_flow(packets: impl IntoIterator<Item = Vec<u8>>) -> BTreeMap<Vec<u8>, Vec<Vec<u8>>> {
    let mut flows: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for packet in packets {
        let ip = IpHeader::parse(&packet).unwrap();
        let mut key = format!("{} {} {}", ip.source, ip.destination, ip.protocol).into_bytes();
        key.extend_from_slice(&packet[ip.header_length..ip.header_length + 4]);
        flows.entry(key).or_default().push(packet);
    }
    flows
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn flows_arrive_as_they_were_sent(
        steps in proptest::collection::vec(step(), 1..200),
        offload in any::<bool>(),
        rounds in 1usize..50,
    ) {
        let mut pair = Pair::new(offload, &all_addresses(1), &all_addresses(2));
        pair.send(Offload::default(), &udp(addresses(0).0, addresses(0).1, (9, 9), b"first"));
        pair.settle();
        prop_assert_eq!(pair.delivered().len(), 1);
        let mut sender = Sender::default();
        let sent: Vec<_> = steps.iter().map(|(flow, step)| sender.packet(*flow, *step)).collect();
        let mut received = Vec::new();
        for round in sent.chunks(rounds) {
            round.iter().for_each(|packet| pair.send(Offload::default(), packet));
            pair.settle();
            let delivered = pair.delivered();
            received.extend(delivered.iter().flat_map(|(offload, packet)| packets(offload, packet)));
        }
        prop_assert_eq!(by_flow(received), by_flow(sent));
    }
}

#[test]
fn a_long_stream_arrives_in_few_superpackets() {
    let mut pair = Pair::new(true, &all_addresses(1), &all_addresses(2));
    let mut sender = Sender::default();
    for flow in (0..4).cycle().take(120) {
        let packet = sender.packet(flow, Step::Data { length: 1000, push: false });
        pair.send(Offload::default(), &packet);
    }
    pair.settle();
    let delivered = pair.delivered();
    assert_eq!(delivered.len(), 4);
    assert!(delivered.iter().all(|(offload, packet)| offload.segment_size == 1000 && packet.len() > 30_000));
}

#[test]
fn a_packet_with_a_wrong_checksum_is_dropped_where_the_kernel_would_not_look() {
    let mut pair = Pair::new(true, &all_addresses(1), &all_addresses(2));
    let mut packet = Sender::default().packet(0, Step::Data { length: 1000, push: false });
    *packet.last_mut().unwrap() ^= 1;
    pair.send(Offload::default(), &packet);
    pair.settle();
    assert!(pair.delivered().is_empty());
    assert_eq!(pair.bob.counters().drops(golem_vpn_proto::DropReason::BadChecksum), 1);
}
