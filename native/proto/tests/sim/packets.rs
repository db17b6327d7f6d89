//! Packets as payloads would send them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use golem_vpn_proto::packet::checksum;

const UDP: u8 = 17;

/// A UDP packet with right checksums.
pub fn udp(source: IpAddr, destination: IpAddr, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let mut transport = vec![0; 8];
    transport[..2].copy_from_slice(&ports.0.to_be_bytes());
    transport[2..4].copy_from_slice(&ports.1.to_be_bytes());
    transport[4..6].copy_from_slice(&(payload.len() as u16 + 8).to_be_bytes());
    transport.extend_from_slice(payload);
    let sum = checksum::pseudo_header(source, destination, UDP, transport.len()).with(&transport).checksum();
    transport[6..8].copy_from_slice(&sum.to_be_bytes());
    ip(source, destination, UDP, &transport)
}

/// The payload of a packet made by [`udp`].
pub fn udp_payload(packet: &[u8]) -> &[u8] {
    &packet[if packet[0] >> 4 == 4 { 28 } else { 48 }..]
}

/// An IP packet around `transport`.
pub fn ip(source: IpAddr, destination: IpAddr, protocol: u8, transport: &[u8]) -> Vec<u8> {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => ip_v4(source, destination, protocol, transport),
        (IpAddr::V6(source), IpAddr::V6(destination)) => ip_v6(source, destination, protocol, transport),
        _ => panic!("{source} and {destination} are of different families"),
    }
}

fn ip_v4(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, transport: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0];
    packet[2..4].copy_from_slice(&(transport.len() as u16 + 20).to_be_bytes());
    packet.extend_from_slice(&source.octets());
    packet.extend_from_slice(&destination.octets());
    checksum::write_ipv4(&mut packet);
    packet.extend_from_slice(transport);
    packet
}

fn ip_v6(source: Ipv6Addr, destination: Ipv6Addr, protocol: u8, transport: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0, 0, 0, protocol, 64];
    packet[4..6].copy_from_slice(&(transport.len() as u16).to_be_bytes());
    packet.extend_from_slice(&source.octets());
    packet.extend_from_slice(&destination.octets());
    packet.extend_from_slice(transport);
    packet
}
