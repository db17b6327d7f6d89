//! Checksums, each summed in full, a word at a time (RFC 1071).

use std::net::IpAddr;

use super::headers::{ICMP, ICMP_V6, TCP, UDP, is_v4, number, put, read};

/// Adds up the words of `bytes`; an odd last byte is the first of a word.
fn sum(bytes: &[u8]) -> u64 {
    bytes.chunks(2).map(|word| u64::from(word[0]) << 8 | u64::from(*word.get(1).unwrap_or(&0))).sum()
}

fn fold(mut sum: u64) -> usize {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as usize
}

/// The sum over the addresses, the protocol and the length (RFC 9293, section 3.1; RFC 8200, section 8.1).
fn pseudo_header(source: IpAddr, destination: IpAddr, protocol: u8, length: usize) -> u64 {
    let octets = |address| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    sum(&octets(source)) + sum(&octets(destination)) + u64::from(protocol) + length as u64
}

/// Where the checksum of a protocol lies in its header.
pub fn place(protocol: u8) -> Option<usize> {
    match protocol {
        TCP => Some(16),
        UDP => Some(6),
        ICMP | ICMP_V6 => Some(2),
        _ => None,
    }
}

/// Writes the checksum of the IPv4 header.
pub fn write_ip(packet: &mut [u8]) {
    let end = usize::from(packet[0] & 15) * 4;
    put(packet, 10, 0);
    let checksum = !fold(sum(&packet[..end])) & 0xffff;
    put(packet, 10, checksum);
}

/// Writes the checksum of what is in a whole packet.
pub fn write_transport(packet: &mut [u8]) {
    let headers = read(packet);
    let at = headers.transport + place(headers.protocol).expect("a protocol with a checksum");
    put(packet, at, 0);
    let checksum = !fold(covered(packet)) & 0xffff;
    put(packet, at, if headers.protocol == UDP && checksum == 0 { 0xffff } else { checksum });
}

/// What the field holds when the rest is left to somebody else: the sum over the pseudo-header.
pub fn write_partial(packet: &mut [u8]) {
    let headers = read(packet);
    let at = headers.transport + place(headers.protocol).expect("a protocol with a checksum");
    let length = packet.len() - headers.transport;
    let partial = fold(pseudo_header(headers.source, headers.destination, headers.protocol, length));
    put(packet, at, partial);
}

/// Whether a receiver would take a whole packet, as far as checksums and lengths tell.
pub fn is_right(packet: &[u8]) -> bool {
    let headers = read(packet);
    if is_v4(packet) && fold(sum(&packet[..headers.transport])) != 0xffff {
        return false;
    }
    let Some(place) = place(headers.protocol).filter(|_| !headers.is_fragment) else { return true };
    let room = packet.len() - headers.transport;
    let fits = match headers.protocol {
        TCP => room >= 20 && (20..=room).contains(&super::headers::transport_length(packet, &headers)),
        UDP => room >= 8 && (8..=room).contains(&number(packet, headers.transport + 4)),
        _ => room >= 4,
    };
    let has_none = headers.protocol == UDP && fits && number(packet, headers.transport + place) == 0;
    fits && (has_none || fold(covered(packet)) == 0xffff)
}

/// The sum over what the transport checksum covers: of UDP, as much as its header says (RFC 9868, section 7).
fn covered(packet: &[u8]) -> u64 {
    let headers = read(packet);
    let rest = &packet[headers.transport..];
    let length = if headers.protocol == UDP { number(rest, 4).min(rest.len()) } else { rest.len() };
    let pseudo_header = match headers.protocol {
        ICMP => 0,
        protocol => pseudo_header(headers.source, headers.destination, protocol, length),
    };
    pseudo_header + sum(&rest[..length])
}
