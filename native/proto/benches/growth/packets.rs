//! What a device hands over.

use std::net::{IpAddr, Ipv4Addr};

use golem_vpn_proto::packet::checksum;
use golem_vpn_proto::{Offload, OffloadKind, PartialChecksum};

const TCP: u8 = 6;
const UDP: u8 = 17;
const HEADERS: usize = 40;
const SEGMENT: usize = 1380;
const SEGMENTS: usize = 47;

/// A load: so many packets at once.
#[derive(Clone, Copy)]
pub struct Load {
    pub make: fn(Ipv4Addr, Ipv4Addr) -> (Offload, Vec<u8>),
    pub repeat: usize,
}

/// 64 packets of 92 bytes.
pub const SMALL: Load = Load { make: small, repeat: 64 };
/// One super-packet of 64 KiB.
pub const BULK: Load = Load { make: bulk, repeat: 1 };

pub fn small(source: Ipv4Addr, destination: Ipv4Addr) -> (Offload, Vec<u8>) {
    let mut transport = vec![0x12, 0x34, 0, 80, 0, 72, 0, 0];
    transport.resize(72, 0x5a);
    let sum = checksum::pseudo_header(source.into(), destination.into(), UDP, transport.len()).with(&transport);
    transport[6..8].copy_from_slice(&sum.checksum().to_be_bytes());
    (Offload::default(), ip(source, destination, UDP, &transport))
}

fn bulk(source: Ipv4Addr, destination: Ipv4Addr) -> (Offload, Vec<u8>) {
    let mut transport = vec![0x12, 0x34, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 5 << 4, 0x10, 1, 0, 0, 0, 0, 0];
    transport.resize(transport.len() + SEGMENT * SEGMENTS, 0x5a);
    let (from, to) = (IpAddr::from(source), IpAddr::from(destination));
    let partial = checksum::pseudo_header(from, to, TCP, transport.len()).partial();
    transport[16..18].copy_from_slice(&partial.to_be_bytes());
    let offload = Offload {
        kind: OffloadKind::TcpV4,
        ecn: false,
        header_length: HEADERS as u16,
        segment_size: SEGMENT as u16,
        checksum: Some(PartialChecksum { start: 20, offset: 16 }),
    };
    (offload, ip(source, destination, TCP, &transport))
}

fn ip(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, transport: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0];
    packet[2..4].copy_from_slice(&(transport.len() as u16 + 20).to_be_bytes());
    packet.extend([source.octets(), destination.octets()].concat());
    checksum::write_ipv4(&mut packet);
    packet.extend_from_slice(transport);
    packet
}
