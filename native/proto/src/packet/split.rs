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

/// A super-packet, checked and ready to be split.
#[derive(Clone, Copy, Debug)]
pub struct Split<'a> {
    headers: &'a [u8],
    payload: &'a [u8],
    segment_size: usize,
    ip: IpHeader,
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
                Ok(Self { headers, payload, segment_size, ip })
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
        write_ip_header(&self.ip, ip_header, index, transport_length);
        let sum = checksum::pseudo_header(self.ip.source, self.ip.destination, self.ip.protocol, transport_length);
        if self.ip.protocol == PROTOCOL_TCP {
            self.write_tcp_header(transport, index);
            write_u16(transport, TCP_CHECKSUM, 0);
            write_u16(transport, TCP_CHECKSUM, sum.with(transport).with(payload).checksum());
        } else {
            write_u16(transport, 4, transport_length as u16);
            write_u16(transport, UDP_CHECKSUM, 0);
            write_u16(transport, UDP_CHECKSUM, not_zero(sum.with(transport).with(payload).checksum()));
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

    fn write_tcp_header(&self, header: &mut [u8], index: usize) {
        let sequence = read_u32(header, 4).wrapping_add((index * self.segment_size) as u32);
        write_u32(header, 4, sequence);
        if index + 1 < self.count() {
            header[TCP_FLAGS] &= !(FLAG_FIN | FLAG_PSH);
        }
        if index > 0 {
            header[TCP_FLAGS] &= !FLAG_CWR;
        }
    }
}

/// Writes the lengths, and in IPv4 identification and checksum, of the packet that comes `index` after the one that
/// the header is of.
pub(super) fn write_ip_header(ip: &IpHeader, header: &mut [u8], index: usize, transport_length: usize) {
    if ip.source.is_ipv4() {
        write_u16(header, 2, (header.len() + transport_length) as u16);
        write_u16(header, 4, read_u16(header, 4).wrapping_add(index as u16));
        checksum::write_ipv4(header);
    } else {
        write_u16(header, 4, (header.len() - IPV6_HEADER_LENGTH + transport_length) as u16);
    }
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
