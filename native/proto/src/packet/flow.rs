//! Telling flows apart.

use super::{IPV4_HEADER_LENGTH, IpHeader, PROTOCOL_TCP, PROTOCOL_UDP};
use crate::index_hash::MIX;

/// A number that the packets of a flow have in common.
pub(crate) fn flow_hash(ip: &IpHeader, packet: &[u8]) -> u32 {
    let addresses = if ip.source.is_ipv4() { 12..IPV4_HEADER_LENGTH } else { 8..40 };
    let has_ports = matches!(ip.protocol, PROTOCOL_TCP | PROTOCOL_UDP) && !ip.fragment;
    let ports = packet.get(ip.header_length..ip.header_length + 4).filter(|_| has_ports).unwrap_or(&[]);
    let words = packet[addresses].chunks(4).chain(ports.chunks(4));
    let hash = words.fold(u64::from(ip.protocol), |hash, word| {
        let word = word.iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
        (hash ^ word).wrapping_mul(MIX).rotate_left(29)
    });
    (hash.wrapping_mul(MIX) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet_v4(ecn: u8, port: u8) -> Vec<u8> {
        vec![0x45, ecn, 0, 24, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, port, 0, 9]
    }

    #[test]
    fn flows_differ_by_ports_and_fragments_stay_together() {
        let hash = |packet: &[u8]| flow_hash(&IpHeader::parse(packet).unwrap(), packet);
        assert_eq!(hash(&packet_v4(0, 1)), hash(&packet_v4(2, 1)));
        assert_ne!(hash(&packet_v4(0, 1)), hash(&packet_v4(0, 2)));
        let fragment = |port| {
            let mut packet = packet_v4(0, port);
            packet[6] = 0x20;
            packet
        };
        assert_eq!(hash(&fragment(1)), hash(&fragment(2)));
        let mut packet_v6 = vec![0; 44];
        packet_v6[..7].copy_from_slice(&[0x60, 0, 0, 0, 0, 4, 17]);
        assert_ne!(hash(&packet_v6), hash(&packet_v4(0, 1)));
    }
}
