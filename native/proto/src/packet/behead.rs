//! Taking the first segment out of a TCP super-packet: what a queue drops where the whole would be dozens of packets.

use std::ops::Range;

use super::checksum;
use super::split::IpSeries;
use super::{IpHeader, Split, TCP_CHECKSUM, read_u32, write_u16, write_u32};
use crate::Offload;

/// Takes the first segment out; `false`, and nothing is changed, where there is no other one, or this is no TCP.
pub(crate) fn behead(offload: &Offload, packet: &mut Vec<u8>) -> bool {
    let Some((ip, first)) = first_segment(offload, packet) else { return false };
    let length = first.len();
    packet.truncate(ip.total_length);
    packet.drain(first);
    let (ip_header, transport) = packet.split_at_mut(ip.header_length);
    let sequence = read_u32(transport, 4).wrapping_add(length as u32);
    write_u32(transport, 4, sequence);
    if offload.checksum.is_some() {
        let sum = checksum::pseudo_header(ip.source, ip.destination, ip.protocol, transport.len());
        write_u16(transport, TCP_CHECKSUM, sum.partial());
    }
    IpSeries::of(&ip, ip_header).write(1, ip_header, transport.len());
    true
}

/// The IP header with all before TCP, and where the data of the first of several segments lies.
fn first_segment(offload: &Offload, packet: &[u8]) -> Option<(IpHeader, Range<usize>)> {
    let split = Split::new(offload, &IpHeader::parse(packet).ok()?, packet).ok()?;
    Some((*split.ip(), split.first_of_tcp()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::read_u16;
    use crate::{OffloadKind, PartialChecksum};

    const SEGMENT: u16 = 100;

    /// A super-packet of `length` bytes of data without options, its checksum left partial.
    fn superpacket(is_v4: bool, length: usize) -> (Offload, Vec<u8>) {
        let mut packet = if is_v4 {
            let mut header = vec![0x45, 0, 0, 0, 0, 7, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
            write_u16(&mut header, 2, (40 + length) as u16);
            checksum::write_ipv4(&mut header);
            header
        } else {
            let mut header = vec![0; 40];
            header[..8].copy_from_slice(&[0x60, 0, 0, 0, 0, 0, 6, 64]);
            write_u16(&mut header, 4, (20 + length) as u16);
            (header[23], header[39]) = (1, 2);
            header
        };
        let start = packet.len() as u16;
        packet.extend_from_slice(&[0, 1, 0, 2, 0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 0, 5 << 4, 0x10, 1, 0, 0, 0, 0, 0]);
        packet.extend((0..length).map(|index| index as u8));
        let ip = IpHeader::parse(&packet).unwrap();
        let partial = checksum::pseudo_header(ip.source, ip.destination, 6, 20 + length).partial();
        write_u16(&mut packet[usize::from(start)..], TCP_CHECKSUM, partial);
        let kind = if is_v4 { OffloadKind::TcpV4 } else { OffloadKind::TcpV6 };
        let checksum = Some(PartialChecksum { start, offset: TCP_CHECKSUM as u16 });
        (Offload { kind, ecn: false, header_length: start + 20, segment_size: SEGMENT, checksum }, packet)
    }

    fn packets(offload: &Offload, packet: &[u8]) -> Vec<Vec<u8>> {
        let split = Split::new(offload, &IpHeader::parse(packet).unwrap(), packet).unwrap();
        let write = |index| {
            let mut room = vec![0; split.length(index)];
            split.write(index, &mut room);
            room
        };
        (0..split.count()).map(write).collect()
    }

    #[test]
    fn all_but_the_first_packet_are_left_as_they_were() {
        for (is_v4, length) in [(true, 950), (true, 101), (false, 950), (false, 200)] {
            let (offload, mut packet) = superpacket(is_v4, length);
            let before = packets(&offload, &packet);
            assert!(behead(&offload, &mut packet));
            assert_eq!(packets(&offload, &packet), before[1..]);
            let ip = IpHeader::parse(&packet).unwrap();
            let expected = checksum::pseudo_header(ip.source, ip.destination, 6, packet.len() - ip.header_length);
            assert_eq!(read_u16(&packet[ip.header_length..], TCP_CHECKSUM), expected.partial());
        }
    }

    #[test]
    fn what_is_one_packet_or_no_tcp_is_left_alone() {
        let (offload, packet) = superpacket(true, usize::from(SEGMENT));
        for offload in [offload, Offload::default(), Offload { kind: OffloadKind::Udp, ..offload }] {
            let mut same = packet.clone();
            assert!(!behead(&offload, &mut same));
            assert_eq!(same, packet);
        }
    }
}
