//! Merges consecutive packets of a flow into a super-packet, as generic receive offload does.
//!
//! Whatever is merged here comes out of [`Split`](super::Split) as it went in; a packet that would not is left alone.

use super::checksum;
use super::segment::{Flow, Segment};
use super::{
    FLAG_ACK, FLAG_CWR, FLAG_DONT_FRAGMENT, FLAG_ECE, FLAG_FIN, FLAG_PSH, TCP_CHECKSUM, TCP_FLAGS, UDP_CHECKSUM,
    read_u16, read_u32, write_u16,
};
use crate::{Offload, OffloadKind, PartialChecksum};

const LONGEST: usize = 65_535;
/// Linux takes no UDP super-packet of more datagrams.
const MOST_DATAGRAMS: usize = 64;

/// What was merged so far. The bytes are in a buffer that the caller passes in each time: the headers of the
/// first packet, then the payloads of all.
#[derive(Clone, Copy, Debug)]
pub struct Superpacket {
    pub flow: Flow,
    ip_header_length: usize,
    headers_length: usize,
    segment_size: usize,
    segments: usize,
    next_sequence: u32,
}

impl Superpacket {
    /// Starts with a packet, which the caller has put into the buffer; `None` when nothing can be added to it.
    pub fn start(first: &Segment<'_>) -> Option<Self> {
        let segment_size = first.payload().len();
        let only_data = first.tcp_flags() & !(FLAG_ACK | FLAG_ECE | FLAG_CWR) == 0;
        let is_data = !first.is_tcp() || (only_data && first.tcp_flags() & FLAG_ACK != 0);
        (segment_size > 0 && is_data).then(|| Self {
            flow: first.flow,
            ip_header_length: first.ip_header_length,
            headers_length: first.headers_length,
            segment_size,
            segments: 1,
            next_sequence: if first.is_tcp() { sequence_after(first) } else { 0 },
        })
    }

    /// Whether `next` goes on where the buffer ends, and looks the same otherwise.
    pub fn accepts(&self, buffer: &[u8], next: &Segment<'_>) -> bool {
        let length = next.payload().len();
        length > 0
            && length <= self.segment_size
            && buffer.len() + length <= LONGEST
            && next.headers_length == self.headers_length
            && next.ip_header_length == self.ip_header_length
            && self.same_ip_header(buffer, next)
            && if next.is_tcp() { self.goes_on(buffer, next) } else { self.segments < MOST_DATAGRAMS }
    }

    /// Adds a packet that was accepted; says whether more may follow.
    pub fn append(&mut self, buffer: &mut Vec<u8>, next: &Segment<'_>) -> bool {
        buffer.extend_from_slice(next.payload());
        self.segments += 1;
        if next.is_tcp() {
            buffer[self.ip_header_length + TCP_FLAGS] |= next.tcp_flags() & (FLAG_FIN | FLAG_PSH);
            self.next_sequence = sequence_after(next);
        }
        next.payload().len() == self.segment_size && next.tcp_flags() & (FLAG_FIN | FLAG_PSH) == 0
    }

    /// Writes lengths and checksums of the whole, and says how it is to be split.
    pub fn finish(&self, buffer: &mut [u8]) -> Offload {
        if self.segments == 1 {
            return Offload::default();
        }
        let total = buffer.len();
        let (ip_header, transport) = buffer.split_at_mut(self.ip_header_length);
        if self.flow.source.is_ipv4() {
            write_u16(ip_header, 2, total as u16);
            checksum::write_ipv4(ip_header);
        } else {
            write_u16(ip_header, 4, transport.len() as u16);
        }
        let Flow { source, destination, protocol, .. } = self.flow;
        let partial = checksum::pseudo_header(source, destination, protocol, transport.len()).partial();
        let is_tcp = protocol == super::PROTOCOL_TCP;
        let offset = if is_tcp { TCP_CHECKSUM } else { UDP_CHECKSUM };
        if !is_tcp {
            let length = transport.len() as u16;
            write_u16(transport, 4, length);
        }
        write_u16(transport, offset, partial);
        Offload {
            kind: self.kind(),
            ecn: is_tcp && transport[TCP_FLAGS] & FLAG_CWR != 0,
            header_length: self.headers_length as u16,
            segment_size: self.segment_size as u16,
            checksum: Some(PartialChecksum { start: self.ip_header_length as u16, offset: offset as u16 }),
        }
    }

    fn kind(&self) -> OffloadKind {
        match (self.flow.protocol == super::PROTOCOL_TCP, self.flow.source.is_ipv4()) {
            (true, true) => OffloadKind::TcpV4,
            (true, false) => OffloadKind::TcpV6,
            (false, _) => OffloadKind::Udp,
        }
    }

    /// Whether type of service, fragmentation and time to live are the same, and the identification goes on.
    fn same_ip_header(&self, buffer: &[u8], next: &Segment<'_>) -> bool {
        let packet = next.packet;
        if self.flow.source.is_ipv6() {
            return buffer[..4] == packet[..4] && buffer[7] == packet[7];
        }
        // Where nothing is ever fragmented the identification means nothing (RFC 6864, section 4.1).
        let identification = read_u16(buffer, 4).wrapping_add(self.segments as u16);
        buffer[1] == packet[1]
            && buffer[6..9] == packet[6..9]
            && (packet[6] & FLAG_DONT_FRAGMENT != 0 || read_u16(packet, 4) == identification)
    }

    /// Whether a TCP packet is the next in sequence, with the same acknowledgement, window, flags and options.
    fn goes_on(&self, buffer: &[u8], next: &Segment<'_>) -> bool {
        let first = &buffer[self.ip_header_length..self.headers_length];
        let header = next.transport_header();
        let ignored = FLAG_FIN | FLAG_PSH;
        read_u32(header, 4) == self.next_sequence
            && first[8..13] == header[8..13]
            && (first[TCP_FLAGS] & !FLAG_CWR) == (header[TCP_FLAGS] & !ignored)
            && first[14..16] == header[14..16]
            && first[18..] == header[18..]
    }
}

fn sequence_after(segment: &Segment<'_>) -> u32 {
    read_u32(segment.transport_header(), 4).wrapping_add(segment.payload().len() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{IpHeader, PROTOCOL_TCP};

    /// A TCP packet without options that may be fragmented.
    fn tcp(sequence: u32, flags: u8, identification: u16, length: u16) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 1, 0, 2];
        packet.extend_from_slice(&sequence.to_be_bytes());
        packet.extend_from_slice(&[0, 0, 0, 1, 5 << 4, flags, 1, 0, 0, 0, 0, 0]);
        packet.resize(40 + usize::from(length), 7);
        write_u16(&mut packet, 2, 40 + length);
        write_u16(&mut packet, 4, identification);
        checksum::write_ipv4(&mut packet[..20]);
        let (source, destination) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let sum = checksum::pseudo_header(source, destination, PROTOCOL_TCP, 20 + usize::from(length));
        let checksum = sum.with(&packet[20..]).checksum();
        write_u16(&mut packet, 36, checksum);
        packet
    }

    fn segment(packet: &[u8]) -> Segment<'_> {
        Segment::parse(&IpHeader::parse(packet).unwrap(), packet).unwrap().unwrap()
    }

    fn accepts(first: &[u8], next: &[u8]) -> bool {
        Superpacket::start(&segment(first)).is_some_and(|superpacket| superpacket.accepts(first, &segment(next)))
    }

    #[test]
    fn only_data_starts_a_superpacket() {
        for (flags, length) in [(FLAG_ACK, 0), (FLAG_ACK | FLAG_PSH, 10), (0x12, 10), (0x14, 10), (0x30, 10), (0, 10)] {
            assert!(Superpacket::start(&segment(&tcp(0, flags, 0, length))).is_none(), "{flags:#x}");
        }
        assert!(Superpacket::start(&segment(&tcp(0, FLAG_ACK, 0, 10))).is_some());
    }

    #[test]
    fn the_next_in_sequence_is_accepted_and_no_other() {
        let first = tcp(u32::MAX - 4, FLAG_ACK, 0xffff, 10);
        assert!(accepts(&first, &tcp(5, FLAG_ACK, 0, 10)));
        assert!(accepts(&first, &tcp(5, FLAG_ACK | FLAG_FIN, 0, 1)));
        assert!(!accepts(&first, &tcp(6, FLAG_ACK, 0, 10)), "a gap");
        assert!(!accepts(&first, &tcp(5, FLAG_ACK, 0, 11)), "longer than the first");
        assert!(!accepts(&first, &tcp(5, FLAG_ACK, 0, 0)), "nothing in it");
        assert!(!accepts(&first, &tcp(5, FLAG_ACK, 1, 10)), "another identification");
        assert!(!accepts(&first, &tcp(5, FLAG_ACK | FLAG_CWR, 0, 10)), "a new reduction of the window");
    }

    #[test]
    fn a_superpacket_ends_with_a_short_or_pushed_packet_and_at_its_longest() {
        let first = tcp(0, FLAG_ACK, 0, 1000);
        let mut superpacket = Superpacket::start(&segment(&first)).unwrap();
        let mut buffer = first.clone();
        assert!(!superpacket.append(&mut buffer, &segment(&tcp(1000, FLAG_ACK, 1, 999))));
        let mut superpacket = Superpacket::start(&segment(&first)).unwrap();
        assert!(!superpacket.append(&mut first.clone(), &segment(&tcp(1000, FLAG_ACK | FLAG_PSH, 1, 1000))));

        let mut superpacket = Superpacket::start(&segment(&first)).unwrap();
        let mut buffer = first;
        for number in 1..65 {
            let next = tcp(number * 1000, FLAG_ACK, number as u16, 1000);
            assert!(superpacket.accepts(&buffer, &segment(&next)));
            assert!(superpacket.append(&mut buffer, &segment(&next)));
        }
        assert!(!superpacket.accepts(&buffer, &segment(&tcp(65_000, FLAG_ACK, 65, 1000))));
    }

    #[test]
    fn a_packet_that_stayed_alone_is_left_as_it_was() {
        let first = tcp(0, FLAG_ACK, 0, 1000);
        let mut buffer = first.clone();
        assert_eq!(Superpacket::start(&segment(&first)).unwrap().finish(&mut buffer), Offload::default());
        assert_eq!(buffer, first);
    }
}
