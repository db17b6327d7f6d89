//! Inner packets: reading their headers, splitting super-packets, merging packets into super-packets, framing for Ethernet.

mod behead;
pub mod checksum;
mod congestion;
pub mod ethernet;
mod extension;
mod flow;
mod fragment;
mod icmp;
mod merge;
mod mss;
mod segment;
mod split;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(crate) use behead::behead;
pub use congestion::Ecn;
pub(crate) use congestion::{carry_congestion, mark_congestion};
pub(crate) use flow::flow_hash;
pub(crate) use fragment::Fragments;
pub(crate) use icmp::{Complaint, complain};
pub use merge::Superpacket;
pub(crate) use mss::{begins_connection, clamp_segment_size};
pub use segment::{Flow, Segment};
pub use split::{Split, complete_checksum};

use crate::DropReason;

const PROTOCOL_ICMP: u8 = 1;
pub(crate) const PROTOCOL_TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;
const PROTOCOL_ICMP_V6: u8 = 58;
const PROTOCOL_FRAGMENT_V6: u8 = 44;

const IPV4_HEADER_LENGTH: usize = 20;
const IPV6_HEADER_LENGTH: usize = 40;
const FLAG_DONT_FRAGMENT: u8 = 0x40;

const TCP_HEADER_LENGTH: usize = 20;
const TCP_FLAGS: usize = 13;
const TCP_CHECKSUM: usize = 16;
const FLAG_FIN: u8 = 0x01;
const FLAG_SYN: u8 = 0x02;
const FLAG_RST: u8 = 0x04;
const FLAG_PSH: u8 = 0x08;
const FLAG_ACK: u8 = 0x10;
const FLAG_URG: u8 = 0x20;
const FLAG_ECE: u8 = 0x40;
const FLAG_CWR: u8 = 0x80;

const UDP_HEADER_LENGTH: usize = 8;
const UDP_CHECKSUM: usize = 6;

/// What the IP header of a packet says, checked against the packet's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpHeader {
    pub source: IpAddr,
    pub destination: IpAddr,
    /// Protocol after the header; in IPv6 it may be an extension header.
    pub protocol: u8,
    /// Bytes of the header, with the options of IPv4.
    pub header_length: usize,
    /// Bytes of the packet; what follows is padding.
    pub total_length: usize,
    /// Whether this is a part of a fragmented packet.
    pub fragment: bool,
    /// Whether no router may fragment it, as always with IPv6.
    pub dont_fragment: bool,
}

impl IpHeader {
    /// Reads the header of a packet.
    #[inline]
    pub fn parse(packet: &[u8]) -> Result<Self, DropReason> {
        let header = match packet.first().map(|byte| byte >> 4) {
            Some(4) => Self::parse_v4(packet),
            Some(6) => Self::parse_v6(packet),
            _ => None,
        };
        header.ok_or(DropReason::MalformedPacket)
    }

    /// Whether the destination is a group of hosts.
    pub fn is_multicast(&self) -> bool {
        match self.destination {
            IpAddr::V4(address) => address.is_multicast() || address.is_broadcast(),
            IpAddr::V6(address) => address.is_multicast(),
        }
    }

    #[inline]
    fn parse_v4(packet: &[u8]) -> Option<Self> {
        let header: &[u8; IPV4_HEADER_LENGTH] = packet.first_chunk()?;
        let header_length = usize::from(header[0] & 0x0f) * 4;
        let total_length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if header_length < IPV4_HEADER_LENGTH || total_length < header_length || packet.len() < total_length {
            return None;
        }
        Some(Self {
            source: Ipv4Addr::new(header[12], header[13], header[14], header[15]).into(),
            destination: Ipv4Addr::new(header[16], header[17], header[18], header[19]).into(),
            protocol: header[9],
            header_length,
            total_length,
            fragment: header[6] & 0x3f != 0 || header[7] != 0,
            dont_fragment: header[6] & FLAG_DONT_FRAGMENT != 0,
        })
    }

    fn parse_v6(packet: &[u8]) -> Option<Self> {
        let header: &[u8; IPV6_HEADER_LENGTH] = packet.first_chunk()?;
        let total_length = IPV6_HEADER_LENGTH + usize::from(u16::from_be_bytes([header[4], header[5]]));
        if packet.len() < total_length {
            return None;
        }
        let source: [u8; 16] = header[8..24].try_into().ok()?;
        let destination: [u8; 16] = header[24..40].try_into().ok()?;
        Some(Self {
            source: Ipv6Addr::from(source).into(),
            destination: Ipv6Addr::from(destination).into(),
            protocol: header[6],
            header_length: IPV6_HEADER_LENGTH,
            total_length,
            fragment: header[6] == PROTOCOL_FRAGMENT_V6,
            dont_fragment: true,
        })
    }
}

/// The port that a UDP packet was sent from; `None` also for every part of a fragmented one.
pub(crate) fn udp_source(ip: &IpHeader, packet: &[u8]) -> Option<u16> {
    let is_whole_udp = ip.protocol == PROTOCOL_UDP && !ip.fragment;
    let source = packet.get(ip.header_length..ip.header_length + 2).filter(|_| is_whole_udp)?;
    Some(read_u16(source, 0))
}

fn read_u16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn write_u16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

fn read_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn write_u32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet_v4() -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 24, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend_from_slice(&[1, 2, 3, 4]);
        packet
    }

    fn packet_v6() -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0, 0, 2, 17, 64];
        packet.extend_from_slice(&Ipv6Addr::LOCALHOST.octets());
        packet.extend_from_slice(&Ipv6Addr::from([0xff02, 0, 0, 0, 0, 0, 0, 1]).octets());
        packet.extend_from_slice(&[1, 2]);
        packet
    }

    #[test]
    fn both_families_are_read() {
        let header = IpHeader::parse(&packet_v4()).unwrap();
        assert_eq!((header.source, header.destination), ([10, 0, 0, 1].into(), [10, 0, 0, 2].into()));
        assert_eq!((header.protocol, header.header_length, header.total_length), (PROTOCOL_TCP, 20, 24));
        assert!(header.dont_fragment && !header.fragment && !header.is_multicast());

        let header = IpHeader::parse(&packet_v6()).unwrap();
        assert_eq!((header.protocol, header.header_length, header.total_length), (PROTOCOL_UDP, 40, 42));
        assert!(header.dont_fragment && header.is_multicast());
    }

    #[test]
    fn padding_is_not_part_of_the_packet() {
        let mut packet = packet_v4();
        packet.push(0);
        assert_eq!(IpHeader::parse(&packet).unwrap().total_length, 24);
    }

    #[test]
    fn whatever_is_cut_off_or_of_another_version_is_malformed() {
        for packet in [packet_v4(), packet_v6()] {
            for length in 0..packet.len() {
                assert_eq!(IpHeader::parse(&packet[..length]), Err(DropReason::MalformedPacket));
            }
            for version in [0x0f, 0x55, 0x7f] {
                let mut other = packet.clone();
                other[0] = version;
                assert_eq!(IpHeader::parse(&other), Err(DropReason::MalformedPacket));
            }
        }
        let mut short_header = packet_v4();
        short_header[0] = 0x44;
        assert_eq!(IpHeader::parse(&short_header), Err(DropReason::MalformedPacket));
    }

    #[test]
    fn the_source_port_is_that_of_a_whole_udp_packet() {
        let source = |packet: &[u8]| udp_source(&IpHeader::parse(packet).unwrap(), packet);
        assert_eq!(source(&packet_v6()), Some(0x0102));
        let mut packet = packet_v4();
        assert_eq!(source(&packet), None, "TCP");
        packet[9] = PROTOCOL_UDP;
        assert_eq!(source(&packet), Some(0x0102));
        packet[7] = 1;
        assert_eq!(source(&packet), None, "a later fragment");
        let mut empty = packet_v4()[..20].to_vec();
        (empty[3], empty[9]) = (20, PROTOCOL_UDP);
        assert_eq!(source(&empty), None);
    }

    #[test]
    fn fragments_are_known() {
        let fragment = |at: usize, bits| {
            let mut packet = packet_v4();
            packet[at] = bits;
            IpHeader::parse(&packet).unwrap().fragment
        };
        assert!(fragment(6, 0x20) && fragment(7, 1));
        assert!(!fragment(6, 0x40));
    }
}
