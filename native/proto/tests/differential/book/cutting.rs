//! Cutting: of super-packets into the packets they stand for, and of IPv4 packets into fragments.

use super::checksums::{write_ip, write_transport};
use super::headers::{TCP, is_v4, number, put, read, transport_length};

const FIN_AND_PSH: u8 = 0x09;
const CWR: u8 = 0x80;

/// The packets that a super-packet with so many bytes of payload each stands for.
///
/// A network card with segmentation offload repeats the headers in front of each part, counts sequence and identification
/// up, sets FIN and PSH in the last and CWR in the first packet only, and sums all checksums.
pub fn segments(packet: &[u8], size: usize) -> Vec<Vec<u8>> {
    let headers = read(packet);
    let payload = headers.transport + transport_length(packet, &headers);
    let parts: Vec<_> = packet[payload..].chunks(size).collect();
    let segment = |(index, part): (usize, &&[u8])| {
        let mut segment = packet[..payload].to_vec();
        segment.extend_from_slice(part);
        write_lengths(&mut segment, headers.transport, headers.protocol);
        if is_v4(&segment) {
            let identification = number(packet, 4) + index;
            put(&mut segment, 4, identification & 0xffff);
            write_ip(&mut segment);
        }
        if headers.protocol == TCP {
            let (at, flags) = (headers.transport + 4, headers.transport + 13);
            let sequence = u32::from_be_bytes(packet[at..at + 4].try_into().unwrap());
            let sequence = sequence.wrapping_add((index * size) as u32);
            segment[at..at + 4].copy_from_slice(&sequence.to_be_bytes());
            segment[flags] &= if index == 0 { 0xff } else { !CWR };
            segment[flags] &= if index + 1 == parts.len() { 0xff } else { !FIN_AND_PSH };
        }
        write_transport(&mut segment);
        segment
    };
    parts.iter().enumerate().map(segment).collect()
}

/// The fragments that an IPv4 packet without options is cut into, so that none is longer than `limit` (RFC 791).
pub fn fragments(packet: &[u8], limit: usize) -> Vec<Vec<u8>> {
    let (field, size) = (number(packet, 6), (limit - 20) / 8 * 8);
    let parts: Vec<_> = packet[20..].chunks(size).collect();
    let fragment = |(index, part): (usize, &&[u8])| {
        let mut fragment = packet[..20].to_vec();
        fragment.extend_from_slice(part);
        let length = fragment.len();
        put(&mut fragment, 2, length);
        let is_last = index + 1 == parts.len();
        let more = if is_last { field & 0x2000 } else { 0x2000 };
        put(&mut fragment, 6, more | ((field & 0x1fff) + index * size / 8));
        write_ip(&mut fragment);
        fragment
    };
    parts.iter().enumerate().map(fragment).collect()
}

fn write_lengths(packet: &mut [u8], transport: usize, protocol: u8) {
    let length = packet.len();
    if is_v4(packet) {
        put(packet, 2, length);
    } else {
        put(packet, 4, length - 40);
    }
    if protocol != TCP {
        put(packet, transport + 4, length - transport);
    }
}
