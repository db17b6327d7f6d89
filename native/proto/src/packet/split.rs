//! Splits a super-packet into the packets it stands for, as a network card with segmentation offload does, and
//! completes checksums that the kernel left partial.

use std::ops::Range;

use super::checksum::{self, Sum};
use super::extension::with_extensions;
use super::segment::tcp_header_length;
use super::{
    FLAG_CWR, FLAG_FIN, FLAG_PSH, FLAG_RST, FLAG_SYN, FLAG_URG, IPV6_HEADER_LENGTH, IpHeader, PROTOCOL_TCP,
    PROTOCOL_UDP, TCP_CHECKSUM, TCP_FLAGS, UDP_CHECKSUM, UDP_HEADER_LENGTH, read_u16, read_u32, write_u16, write_u32,
};
use crate::{DropReason, Offload, OffloadKind, PartialChecksum};

/// Bytes of the longest header of IPv4 and of TCP, with options.
const LONGEST_HEADER: usize = 60;
const IPV4_LENGTH: usize = 2;
const IPV4_IDENTIFICATION: usize = 4;
const IPV4_CHECKSUM: usize = 10;
const TCP_SEQUENCE: usize = 4;
const UDP_LENGTH: usize = 4;

/// A super-packet, checked and ready to be split.
#[derive(Clone, Copy, Debug)]
pub struct Split<'a> {
    headers: &'a [u8],
    payload: &'a [u8],
    segment_size: usize,
    ip: IpHeader,
    ip_series: IpSeries,
    /// What all transport headers add to their checksums alike.
    transport_sum: Sum,
}

/// The IP headers of packets that follow each other, of which lengths, and in IPv4 identification and checksum, differ.
#[derive(Clone, Copy, Debug)]
pub(super) struct IpSeries {
    /// Of the first; IPv6 has none.
    identification: Option<u16>,
    /// What all of them add to the checksum alike.
    sum: Sum,
}

impl<'a> Split<'a> {
    /// Checks that the offload header fits the packet.
    pub fn new(offload: &Offload, ip: &IpHeader, packet: &'a [u8]) -> Result<Self, DropReason> {
        let packet = &packet[..ip.total_length];
        let ip = with_extensions(ip, packet);
        let segment_size = usize::from(offload.segment_size);
        let transport = &packet[ip.header_length..];
        let transport_length = match (offload.kind, ip.source.is_ipv4(), ip.protocol) {
            (OffloadKind::TcpV4, true, PROTOCOL_TCP) | (OffloadKind::TcpV6, false, PROTOCOL_TCP) => {
                tcp_header_length(transport)
            }
            (OffloadKind::Udp, _, PROTOCOL_UDP) => Some(UDP_HEADER_LENGTH).filter(|length| transport.len() >= *length),
            _ => None,
        };
        match transport_length {
            Some(length) if segment_size > 0 && !ip.fragment && transport.len() > length => {
                let (headers, payload) = packet.split_at(ip.header_length + length);
                let (ip_header, transport) = headers.split_at(ip.header_length);
                let (ip_series, transport_sum) = (IpSeries::of(&ip, ip_header), transport_sum(&ip, transport));
                Ok(Self { headers, payload, segment_size, ip, ip_series, transport_sum })
            }
            _ => Err(DropReason::MalformedOffload),
        }
    }

    /// A TCP packet or super-packet in segments no longer than `limit`; `None` for what is no TCP with data, and for what
    /// its segments would not mean together. A packet with a `full_checksum` gets new ones only if that is right.
    pub(crate) fn tcp(ip: &IpHeader, packet: &'a [u8], full_checksum: bool, limit: u16) -> Option<Self> {
        let kind = if ip.source.is_ipv4() { OffloadKind::TcpV4 } else { OffloadKind::TcpV6 };
        let whole = with_extensions(ip, packet);
        let transport = packet.get(whole.header_length..ip.total_length).filter(|_| whole.protocol == PROTOCOL_TCP)?;
        let headers = whole.header_length + tcp_header_length(transport)?;
        let sum = checksum::pseudo_header(ip.source, ip.destination, PROTOCOL_TCP, transport.len());
        let is_damaged = full_checksum && sum.with(transport).checksum() != 0;
        if is_damaged || transport[TCP_FLAGS] & (FLAG_SYN | FLAG_RST | FLAG_URG) != 0 {
            return None;
        }
        let segment_size = limit.checked_sub(headers as u16)?;
        Self::new(&Offload { kind, segment_size, ..Offload::default() }, ip, packet).ok()
    }

    /// How many packets there are.
    pub fn count(&self) -> usize {
        self.payload.len().div_ceil(self.segment_size)
    }

    /// Bytes of packet `index`; the first is the longest.
    pub fn length(&self, index: usize) -> usize {
        self.headers.len() + self.part(index).len()
    }

    /// Writes packet `index` to `out`, which is [`length`](Self::length) bytes.
    pub fn write(&self, index: usize, out: &mut [u8]) {
        let part = self.part(index);
        let (headers, payload) = out.split_at_mut(self.headers.len());
        headers.copy_from_slice(self.headers);
        payload.copy_from_slice(part);
        let (ip_header, transport) = headers.split_at_mut(self.ip.header_length);
        let transport_length = transport.len() + part.len();
        self.ip_series.write(index, ip_header, transport_length);
        let sum = self.transport_sum.with_u16(transport_length as u16).with(part);
        if self.ip.protocol == PROTOCOL_TCP {
            self.write_tcp_header(transport, index, sum);
        } else {
            let length = transport_length as u16;
            write_u16(transport, UDP_LENGTH, length);
            write_u16(transport, UDP_CHECKSUM, not_zero(sum.with_u16(length).checksum()));
        }
    }

    /// The header with the extension headers of IPv6.
    pub(super) fn ip(&self) -> &IpHeader {
        &self.ip
    }

    /// Where the data of the first packet lies, if this is TCP and there are others.
    pub(super) fn first_of_tcp(&self) -> Option<Range<usize>> {
        let start = self.headers.len();
        (self.ip.protocol == PROTOCOL_TCP && self.count() > 1).then_some(start..start + self.segment_size)
    }

    fn part(&self, index: usize) -> &'a [u8] {
        let start = index * self.segment_size;
        &self.payload[start..self.payload.len().min(start + self.segment_size)]
    }

    /// Writes sequence number, flags, and the checksum, of which `sum` has everything else.
    fn write_tcp_header(&self, header: &mut [u8], index: usize, sum: Sum) {
        let first = &self.headers[self.ip.header_length..];
        let sequence = read_u32(first, TCP_SEQUENCE).wrapping_add((index * self.segment_size) as u32);
        let mut flags = first[TCP_FLAGS];
        if index + 1 < self.count() {
            flags &= !(FLAG_FIN | FLAG_PSH);
        }
        if index > 0 {
            flags &= !FLAG_CWR;
        }
        write_u32(header, TCP_SEQUENCE, sequence);
        header[TCP_FLAGS] = flags;
        let sum = sum.with_u16((sequence >> 16) as u16).with_u16(sequence as u16).with_u16(flags.into());
        write_u16(header, TCP_CHECKSUM, sum.checksum());
    }
}

impl IpSeries {
    /// Those that begin with `header`.
    pub fn of(ip: &IpHeader, header: &[u8]) -> Self {
        if ip.source.is_ipv6() {
            return Self { identification: None, sum: Sum::default() };
        }
        let others = [IPV4_LENGTH..IPV4_IDENTIFICATION + 2, IPV4_CHECKSUM..IPV4_CHECKSUM + 2];
        let sum = Sum::default().with(&without(header, others));
        Self { identification: Some(read_u16(header, IPV4_IDENTIFICATION)), sum }
    }

    /// Makes a header that of packet `index`.
    pub fn write(&self, index: usize, header: &mut [u8], transport_length: usize) {
        let Some(first) = self.identification else {
            return write_u16(header, 4, (header.len() - IPV6_HEADER_LENGTH + transport_length) as u16);
        };
        let (length, identification) = ((header.len() + transport_length) as u16, first.wrapping_add(index as u16));
        write_u16(header, IPV4_LENGTH, length);
        write_u16(header, IPV4_IDENTIFICATION, identification);
        write_u16(header, IPV4_CHECKSUM, self.sum.with_u16(length).with_u16(identification).checksum());
    }
}

/// What all transport headers add to their checksums alike: everything but lengths, sequence numbers and flags.
fn transport_sum(ip: &IpHeader, header: &[u8]) -> Sum {
    let pseudo_header = checksum::pseudo_header(ip.source, ip.destination, ip.protocol, 0);
    if ip.protocol == PROTOCOL_TCP {
        let others = [TCP_SEQUENCE..TCP_SEQUENCE + 4, TCP_FLAGS..TCP_FLAGS + 1, TCP_CHECKSUM..TCP_CHECKSUM + 2];
        pseudo_header.with(&without(header, others))
    } else {
        pseudo_header.with(&without(header, [UDP_LENGTH..UDP_LENGTH + 2, UDP_CHECKSUM..UDP_CHECKSUM + 2]))
    }
}

/// A header in which these parts, and all behind it, are zero.
fn without<const PARTS: usize>(header: &[u8], parts: [Range<usize>; PARTS]) -> [u8; LONGEST_HEADER] {
    let mut zeroed = [0; LONGEST_HEADER];
    zeroed[..header.len()].copy_from_slice(header);
    parts.into_iter().for_each(|part| zeroed[part].fill(0));
    zeroed
}

/// Completes a checksum that covers only the pseudo-header so far; it must [fit](PartialChecksum::fits).
pub fn complete_checksum(packet: &mut [u8], partial: PartialChecksum) {
    let is_udp = usize::from(partial.offset) == UDP_CHECKSUM;
    let covered = &mut packet[usize::from(partial.start)..];
    let checksum = Sum::default().with(covered).checksum();
    write_u16(covered, partial.offset.into(), if is_udp { not_zero(checksum) } else { checksum });
}

/// A UDP checksum of zero would mean "none", so its other representation stands for it.
fn not_zero(checksum: u16) -> u16 {
    if checksum == 0 { 0xffff } else { checksum }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn udp_superpacket(payload: usize) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 0, 0xff, 0xff, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        write_u16(&mut packet, 2, 28 + payload as u16);
        packet.extend_from_slice(&[0, 1, 0, 2, 0, 0, 0, 0]);
        packet.resize(28 + payload, 7);
        packet
    }

    fn offload(kind: OffloadKind, segment_size: u16) -> Offload {
        Offload { kind, segment_size, ..Offload::default() }
    }

    fn split(offload: Offload, packet: &[u8]) -> Result<Split<'_>, DropReason> {
        Split::new(&offload, &IpHeader::parse(packet)?, packet)
    }

    #[test]
    fn the_last_packet_is_shorter_and_the_identification_wraps() {
        let packet = udp_superpacket(25);
        let split = split(offload(OffloadKind::Udp, 10), &packet).unwrap();
        assert_eq!((0..split.count()).map(|index| split.length(index)).collect::<Vec<_>>(), [38, 38, 33]);
        let mut second = vec![0; 38];
        split.write(1, &mut second);
        assert_eq!((read_u16(&second, 2), read_u16(&second, 4), read_u16(&second, 24)), (38, 0, 18));
    }

    #[test]
    fn an_offload_header_that_does_not_fit_is_refused() {
        let packet = udp_superpacket(25);
        for wrong in
            [(OffloadKind::Udp, 0), (OffloadKind::TcpV4, 10), (OffloadKind::TcpV6, 10), (OffloadKind::None, 10)]
        {
            let refused = split(offload(wrong.0, wrong.1), &packet);
            assert_eq!(refused.map(|split| split.count()), Err(DropReason::MalformedOffload));
        }
        let empty = udp_superpacket(0);
        assert!(split(offload(OffloadKind::Udp, 10), &empty).is_err());
    }

    #[test]
    fn a_partial_checksum_is_completed_where_it_lies() {
        let mut packet = udp_superpacket(3);
        packet[26..28].copy_from_slice(&[0x12, 0x34]);
        let expected = Sum::default().with(&packet[20..]).checksum();
        complete_checksum(&mut packet, PartialChecksum { start: 20, offset: 6 });
        assert_eq!(read_u16(&packet, 26), expected);
    }

    #[test]
    fn a_udp_checksum_is_never_zero() {
        assert_eq!((not_zero(0), not_zero(5)), (0xffff, 5));
    }
}
