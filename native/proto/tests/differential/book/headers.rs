//! Headers, read field by field.

use std::net::IpAddr;

pub const ICMP: u8 = 1;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const ICMP_V6: u8 = 58;
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION_OPTIONS: u8 = 60;

/// What a packet says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Headers {
    pub source: IpAddr,
    pub destination: IpAddr,
    /// The protocol behind all headers of IP, and where it begins.
    pub protocol: u8,
    pub transport: usize,
    pub is_fragment: bool,
    pub dont_fragment: bool,
}

pub fn number(packet: &[u8], at: usize) -> usize {
    usize::from(packet[at]) << 8 | usize::from(packet[at + 1])
}

pub fn put(packet: &mut [u8], at: usize, value: usize) {
    packet[at] = (value >> 8) as u8;
    packet[at + 1] = value as u8;
}

pub fn is_v4(packet: &[u8]) -> bool {
    packet[0] >> 4 == 4
}

/// Reads the headers of IP in a packet that has them.
pub fn read(packet: &[u8]) -> Headers {
    if is_v4(packet) { read_v4(packet) } else { read_v6(packet) }
}

fn read_v4(packet: &[u8]) -> Headers {
    let address = |at: usize| IpAddr::from(<[u8; 4]>::try_from(&packet[at..at + 4]).unwrap());
    let field = number(packet, 6);
    Headers {
        source: address(12),
        destination: address(16),
        protocol: packet[9],
        transport: usize::from(packet[0] & 15) * 4,
        is_fragment: field & 0x3fff != 0,
        dont_fragment: field & 0x4000 != 0,
    }
}

/// Walks along the extension headers (RFC 8200, section 4).
fn read_v6(packet: &[u8]) -> Headers {
    let address = |at: usize| IpAddr::from(<[u8; 16]>::try_from(&packet[at..at + 16]).unwrap());
    let (mut protocol, mut at, mut is_fragment) = (packet[6], 40, false);
    loop {
        match protocol {
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS => {
                protocol = packet[at];
                at += (usize::from(packet[at + 1]) + 1) * 8;
            }
            FRAGMENT => {
                protocol = packet[at];
                is_fragment = true;
                at += 8;
            }
            _ => break,
        }
    }
    let (source, destination) = (address(8), address(24));
    Headers { source, destination, protocol, transport: at, is_fragment, dont_fragment: true }
}

/// Bytes of the transport header, for the protocols that super-packets have.
pub fn transport_length(packet: &[u8], headers: &Headers) -> usize {
    if headers.protocol == TCP { usize::from(packet[headers.transport + 12] >> 4) * 4 } else { 8 }
}
