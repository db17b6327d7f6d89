//! Splitting a super-packet gives the packets a sender without offload would have sent, and merging them gives the
//! super-packet back.

use std::net::IpAddr;

use golem_vpn_proto::packet::{IpHeader, Segment, Split, Superpacket, checksum};
use golem_vpn_proto::{Offload, OffloadKind, PartialChecksum};
use proptest::prelude::*;

const TCP: u8 = 6;
const UDP: u8 = 17;
const FLAGS: usize = 13;
const FIN: u8 = 0x01;
const PSH: u8 = 0x08;
const CWR: u8 = 0x80;

/// What a super-packet is made of.
#[derive(Clone, Debug)]
struct Recipe {
    is_v4: bool,
    is_tcp: bool,
    sequence: u32,
    identification: u16,
    options: Vec<u8>,
    /// FIN and PSH of the last packet, CWR of the first.
    flags: u8,
    segment_size: u16,
    payload: Vec<u8>,
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let shape = (any::<bool>(), any::<bool>(), any::<u32>(), any::<u16>());
    let options = proptest::collection::vec(any::<u8>(), 0..=10).prop_map(|words| words.repeat(4));
    let flags = prop::sample::select(vec![0, FIN, PSH, FIN | PSH, CWR, CWR | PSH]);
    let payload = (1..=1300u16).prop_flat_map(|size| {
        let longest = 40 * usize::from(size);
        (Just(size), proptest::collection::vec(any::<u8>(), usize::from(size) + 1..=longest.max(usize::from(size) + 1)))
    });
    (shape, options, flags, payload).prop_map(|(shape, options, flags, (segment_size, payload))| {
        let (is_v4, is_tcp, sequence, identification) = shape;
        Recipe { is_v4, is_tcp, sequence, identification, options, flags, segment_size, payload }
    })
}

impl Recipe {
    fn addresses(&self) -> (IpAddr, IpAddr) {
        if self.is_v4 {
            (IpAddr::from([192, 168, 0, 1]), IpAddr::from([192, 168, 0, 2]))
        } else {
            (IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, 1]), IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, 2]))
        }
    }

    fn transport_header(&self, flags: u8, sequence: u32, payload: usize) -> Vec<u8> {
        let mut header = vec![0x12, 0x34, 0x56, 0x78];
        if !self.is_tcp {
            header.extend_from_slice(&(payload as u16 + 8).to_be_bytes());
            header.extend_from_slice(&[0, 0]);
            return header;
        }
        header.extend_from_slice(&sequence.to_be_bytes());
        header.extend_from_slice(&[1, 2, 3, 4, (5 + self.options.len() as u8 / 4) << 4, 0x10 | flags]);
        header.extend_from_slice(&[0xff, 0xff, 0, 0, 0, 0]);
        header.extend_from_slice(&self.options);
        header
    }

    fn checksum_offset(&self) -> usize {
        if self.is_tcp { 16 } else { 6 }
    }

    /// A packet with its checksum left partial.
    fn packet(&self, number: u16, flags: u8, sequence: u32, payload: &[u8]) -> Vec<u8> {
        let (source, destination) = self.addresses();
        let protocol = if self.is_tcp { TCP } else { UDP };
        let mut transport = self.transport_header(flags, sequence, payload.len());
        transport.extend_from_slice(payload);
        let partial = checksum::pseudo_header(source, destination, protocol, transport.len()).partial();
        let at = self.checksum_offset();
        transport[at..at + 2].copy_from_slice(&partial.to_be_bytes());
        let mut packet = crate::packets::ip(source, destination, protocol, &transport);
        if self.is_v4 {
            packet[4..6].copy_from_slice(&self.identification.wrapping_add(number).to_be_bytes());
            checksum::write_ipv4(&mut packet[..20]);
        }
        packet
    }

    fn superpacket(&self) -> (Offload, Vec<u8>) {
        let packet = self.packet(0, self.flags, self.sequence, &self.payload);
        let start = if self.is_v4 { 20 } else { 40 };
        let kind = match (self.is_tcp, self.is_v4) {
            (true, true) => OffloadKind::TcpV4,
            (true, false) => OffloadKind::TcpV6,
            (false, _) => OffloadKind::Udp,
        };
        let offload = Offload {
            kind,
            ecn: self.is_tcp && self.flags & CWR != 0,
            header_length: (packet.len() - self.payload.len()) as u16,
            segment_size: self.segment_size,
            checksum: Some(PartialChecksum { start, offset: self.checksum_offset() as u16 }),
        };
        (offload, packet)
    }

    /// The packets, made one by one.
    fn packets(&self) -> Vec<Vec<u8>> {
        let size = usize::from(self.segment_size);
        let count = self.payload.len().div_ceil(size);
        let packet = |(number, payload): (usize, &[u8])| {
            let first = if number == 0 { CWR } else { 0 };
            let last = if number + 1 == count { FIN | PSH } else { 0 };
            let sequence = self.sequence.wrapping_add((number * size) as u32);
            self.complete(self.packet(number as u16, self.flags & (first | last), sequence, payload))
        };
        self.payload.chunks(size).enumerate().map(packet).collect()
    }

    /// Completes a partial checksum word by word.
    fn complete(&self, mut packet: Vec<u8>) -> Vec<u8> {
        let start = if self.is_v4 { 20 } else { 40 };
        let word = |pair: &[u8]| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0));
        let mut sum: u64 = packet[start..].chunks(2).map(word).sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        let checksum = match !(sum as u16) {
            0 if !self.is_tcp => 0xffff,
            checksum => checksum,
        };
        let at = start + self.checksum_offset();
        packet[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
        packet
    }
}

fn split(offload: &Offload, packet: &[u8]) -> Vec<Vec<u8>> {
    let ip = IpHeader::parse(packet).unwrap();
    let split = Split::new(offload, &ip, packet).unwrap();
    let write = |index| {
        let mut room = vec![0xaa; split.length(index)];
        split.write(index, &mut room);
        room
    };
    (0..split.count()).map(write).collect()
}

fn merge(packets: &[Vec<u8>]) -> (Offload, Vec<u8>) {
    let segment = |packet| Segment::parse(&IpHeader::parse(packet).unwrap(), packet).unwrap().unwrap();
    let mut buffer = packets[0].clone();
    let mut superpacket = Superpacket::start(&segment(&packets[0])).unwrap();
    for (number, packet) in packets.iter().enumerate().skip(1) {
        let next = segment(packet);
        assert!(superpacket.accepts(&buffer, &next), "packet {number}");
        let open = superpacket.append(&mut buffer, &next);
        assert!(open || number + 1 == packets.len(), "packet {number}");
    }
    let offload = superpacket.finish(&mut buffer);
    (offload, buffer)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn a_superpacket_splits_into_the_packets_it_stands_for(recipe in recipe()) {
        let (offload, packet) = recipe.superpacket();
        prop_assert_eq!(split(&offload, &packet), recipe.packets());
    }

    #[test]
    fn merged_packets_are_the_superpacket_again(recipe in recipe()) {
        prop_assert_eq!(merge(&recipe.packets()), recipe.superpacket());
    }

    #[test]
    fn a_packet_that_differs_is_not_merged(recipe in recipe(), change in 0usize..6) {
        let mut packets = recipe.packets();
        let second = packets.swap_remove(1);
        let ip = IpHeader::parse(&second).unwrap();
        let first = packets.swap_remove(0);
        let first_segment = Segment::parse(&IpHeader::parse(&first).unwrap(), &first).unwrap().unwrap();
        let superpacket = Superpacket::start(&first_segment).unwrap();
        let mut other = second.clone();
        let start = ip.header_length;
        match change {
            // Another time to live.
            0 => other[if recipe.is_v4 { 8 } else { 7 }] ^= 1,
            // Another sequence, window, acknowledgement or flag.
            1 if recipe.is_tcp => other[start + 7] ^= 1,
            2 if recipe.is_tcp => other[start + 14] ^= 1,
            3 if recipe.is_tcp => other[start + 8] ^= 1,
            4 if recipe.is_tcp => other[start + FLAGS] ^= 0x40,
            // Another type of service.
            _ => other[1] ^= 0x10,
        }
        let at = start + recipe.checksum_offset();
        other[at..at + 2].fill(0);
        let (source, destination) = recipe.addresses();
        let sum = checksum::pseudo_header(source, destination, ip.protocol, other.len() - start).with(&other[start..]);
        other[at..at + 2].copy_from_slice(&sum.checksum().to_be_bytes());
        prop_assume!(sum.checksum() != 0);
        let segment = Segment::parse(&IpHeader::parse(&other).unwrap(), &other).unwrap().unwrap();
        prop_assert!(!superpacket.accepts(&first, &segment));
    }
}
