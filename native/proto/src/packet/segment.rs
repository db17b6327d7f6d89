//! A TCP or UDP packet, read so far as merging needs it.

use std::net::IpAddr;

use super::{
    IPV4_HEADER_LENGTH, IpHeader, PROTOCOL_TCP, PROTOCOL_UDP, TCP_FLAGS, TCP_HEADER_LENGTH, UDP_CHECKSUM,
    UDP_HEADER_LENGTH, checksum, read_u16,
};
use crate::DropReason;

/// What all packets of a flow have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: u8,
    pub ports: [u8; 4],
}

/// A whole TCP or UDP packet of a flow, with a right checksum.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    pub flow: Flow,
    pub(super) packet: &'a [u8],
    pub(super) ip_header_length: usize,
    /// Bytes of the IP and the transport header.
    pub(super) headers_length: usize,
}

impl<'a> Segment<'a> {
    /// Reads a packet: `None` when it is no packet that could be merged at all.
    #[inline]
    pub fn parse(ip: &IpHeader, packet: &'a [u8]) -> Result<Option<Self>, DropReason> {
        let packet = &packet[..ip.total_length];
        let transport = &packet[ip.header_length..];
        if ip.fragment {
            return Ok(None);
        }
        let transport_length = match ip.protocol {
            PROTOCOL_TCP => tcp_header_length(transport).ok_or(DropReason::MalformedPacket)?,
            PROTOCOL_UDP if udp_length(transport)? < transport.len() => return Ok(None),
            PROTOCOL_UDP => UDP_HEADER_LENGTH,
            _ => return Ok(None),
        };
        if ip.protocol == PROTOCOL_UDP && read_u16(transport, UDP_CHECKSUM) == 0 {
            return Ok(None);
        }
        let sum = checksum::pseudo_header(ip.source, ip.destination, ip.protocol, transport.len());
        if sum.with(transport).checksum() != 0 {
            return Err(DropReason::BadChecksum);
        }
        let plain = ip.source.is_ipv6() || ip.header_length == IPV4_HEADER_LENGTH;
        let ports = [transport[0], transport[1], transport[2], transport[3]];
        let flow = Flow { source: ip.source, destination: ip.destination, protocol: ip.protocol, ports };
        let headers_length = ip.header_length + transport_length;
        Ok(plain.then_some(Self { flow, packet, ip_header_length: ip.header_length, headers_length }))
    }

    pub(super) fn payload(&self) -> &'a [u8] {
        &self.packet[self.headers_length..]
    }

    pub(super) fn transport_header(&self) -> &'a [u8] {
        &self.packet[self.ip_header_length..self.headers_length]
    }

    pub(super) fn is_tcp(&self) -> bool {
        self.flow.protocol == PROTOCOL_TCP
    }

    pub(super) fn tcp_flags(&self) -> u8 {
        if self.is_tcp() { self.transport_header()[TCP_FLAGS] } else { 0 }
    }
}

/// Bytes of a TCP header with its options, if it is whole.
pub(super) fn tcp_header_length(transport: &[u8]) -> Option<usize> {
    let length = usize::from(*transport.get(12)? >> 4) * 4;
    (length >= TCP_HEADER_LENGTH && transport.len() >= length).then_some(length)
}

/// Bytes of a UDP datagram with its header; behind them there may be options (RFC 9868), which only the receiver reads.
fn udp_length(transport: &[u8]) -> Result<usize, DropReason> {
    let length = transport.get(4..6).map(|length| usize::from(read_u16(length, 0)));
    length.filter(|length| (UDP_HEADER_LENGTH..=transport.len()).contains(length)).ok_or(DropReason::MalformedPacket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn udp() -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend_from_slice(&[0, 1, 0, 2, 0, 12, 0, 0, 9, 9, 9, 9]);
        let (source, destination) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let sum = checksum::pseudo_header(source, destination, PROTOCOL_UDP, 12).with(&packet[20..]).checksum();
        packet[26..28].copy_from_slice(&sum.to_be_bytes());
        packet
    }

    fn parse(packet: &[u8]) -> Result<Option<Flow>, DropReason> {
        let segment = Segment::parse(&IpHeader::parse(packet)?, packet)?;
        Ok(segment.map(|segment| segment.flow))
    }

    #[test]
    fn a_packet_says_its_flow() {
        let flow = parse(&udp()).unwrap().unwrap();
        assert_eq!((flow.protocol, flow.ports), (PROTOCOL_UDP, [0, 1, 0, 2]));
    }

    #[test]
    fn a_wrong_checksum_is_an_error_and_none_is_no_flow() {
        let mut packet = udp();
        packet[31] ^= 1;
        assert_eq!(parse(&packet), Err(DropReason::BadChecksum));
        packet[26..28].fill(0);
        assert_eq!(parse(&packet), Ok(None));
    }

    #[test]
    fn fragments_and_other_protocols_have_no_flow() {
        let changed = |at: usize, value| {
            let mut packet = udp();
            packet[at] = value;
            parse(&packet)
        };
        assert_eq!(changed(6, 0x20), Ok(None));
        assert_eq!(changed(9, 47), Ok(None));
    }

    #[test]
    fn a_datagram_with_options_behind_it_has_no_flow() {
        let mut packet = udp();
        packet[25] = 11;
        assert_eq!(parse(&packet), Ok(None));
    }

    #[test]
    fn headers_that_do_not_fit_are_malformed() {
        let mut packet = udp();
        packet[25] = 13;
        assert_eq!(parse(&packet), Err(DropReason::MalformedPacket));
        let mut tcp = udp();
        tcp[9] = PROTOCOL_TCP;
        assert_eq!(parse(&tcp), Err(DropReason::MalformedPacket));
    }
}
