//! What a router answers the sender of a packet that it can't carry (RFC 792, RFC 1191, RFC 4443).

use std::net::IpAddr;

use super::checksum::{self, Sum};
use super::{IPV4_HEADER_LENGTH, IPV6_HEADER_LENGTH, IpHeader, PROTOCOL_ICMP, PROTOCOL_ICMP_V6, write_u16, write_u32};

const ICMP_HEADER_LENGTH: usize = 8;
const HOP_LIMIT: u8 = 64;
/// An answer is no longer than what every IPv4 host takes.
const LONGEST_V4: usize = 576;
/// An answer is no longer than what every IPv6 link carries.
const LONGEST_V6: usize = 1280;
/// The first type of ICMPv6 that is not an error message.
const FIRST_INFORMATION_V6: u8 = 128;

/// Why a packet goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Complaint {
    /// No packet longer than this fits.
    TooBig { mtu: u16 },
    /// Nobody has the destination address.
    Unreachable,
}

/// Writes the answer to `packet` into `answer`; says whether there is one, as there is none to errors.
///
/// It comes from the address the packet was sent to, as the tunnel has none of its own.
pub(crate) fn complain(complaint: Complaint, ip: &IpHeader, packet: &[u8], answer: &mut Vec<u8>) -> bool {
    if ip.is_multicast() || ip.fragment || is_icmp_error(ip, packet) {
        return false;
    }
    let is_v4 = ip.source.is_ipv4();
    let (ip_length, longest) = if is_v4 { (IPV4_HEADER_LENGTH, LONGEST_V4) } else { (IPV6_HEADER_LENGTH, LONGEST_V6) };
    let quoted = &packet[..ip.total_length.min(longest - ip_length - ICMP_HEADER_LENGTH)];
    answer.clear();
    answer.resize(ip_length + ICMP_HEADER_LENGTH, 0);
    answer.extend_from_slice(quoted);
    let (ip_header, message) = answer.split_at_mut(ip_length);
    write_ip_header(ip, ip_header, message.len());
    let (kind, code) = match (complaint, is_v4) {
        (Complaint::TooBig { .. }, true) => (3, 4),
        (Complaint::TooBig { .. }, false) => (2, 0),
        (Complaint::Unreachable, true) => (3, 1),
        (Complaint::Unreachable, false) => (1, 3),
    };
    message[..2].copy_from_slice(&[kind, code]);
    if let Complaint::TooBig { mtu } = complaint {
        write_u32(message, 4, mtu.into());
    }
    let sum = match is_v4 {
        true => Sum::default(),
        false => checksum::pseudo_header(ip.destination, ip.source, PROTOCOL_ICMP_V6, message.len()),
    };
    let checksum = sum.with(message).checksum();
    write_u16(message, 2, checksum);
    true
}

fn write_ip_header(ip: &IpHeader, header: &mut [u8], length: usize) {
    match (ip.destination, ip.source) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            header[0] = 0x45;
            write_u16(header, 2, (IPV4_HEADER_LENGTH + length) as u16);
            header[8..10].copy_from_slice(&[HOP_LIMIT, PROTOCOL_ICMP]);
            header[12..16].copy_from_slice(&from.octets());
            header[16..20].copy_from_slice(&to.octets());
            checksum::write_ipv4(header);
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            header[0] = 0x60;
            write_u16(header, 4, length as u16);
            header[6..8].copy_from_slice(&[PROTOCOL_ICMP_V6, HOP_LIMIT]);
            header[8..24].copy_from_slice(&from.octets());
            header[24..40].copy_from_slice(&to.octets());
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {}
    }
}

fn is_icmp_error(ip: &IpHeader, packet: &[u8]) -> bool {
    let kind = packet.get(ip.header_length).copied();
    match ip.protocol {
        PROTOCOL_ICMP => !matches!(kind, Some(0 | 8 | 13..=18)),
        PROTOCOL_ICMP_V6 => kind.is_none_or(|kind| kind < FIRST_INFORMATION_V6),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{PROTOCOL_UDP, read_u16};

    fn packet_v4(protocol: u8, body: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 20 + body.len() as u8, 0, 0, 0x40, 0, 64, protocol, 0, 0];
        packet.extend_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
        packet.extend_from_slice(body);
        packet
    }

    fn packet_v6(protocol: u8, body: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0, 0, body.len() as u8, protocol, 64];
        packet.extend_from_slice(&[1; 16]);
        packet.extend_from_slice(&[2; 16]);
        packet.extend_from_slice(body);
        packet
    }

    fn answer(complaint: Complaint, packet: &[u8]) -> Option<Vec<u8>> {
        let mut answer = vec![9; 3];
        complain(complaint, &IpHeader::parse(packet).unwrap(), packet, &mut answer).then_some(answer)
    }

    #[test]
    fn the_answer_quotes_the_packet_and_says_the_mtu() {
        let packet = packet_v4(PROTOCOL_UDP, &[7; 100]);
        let answer = answer(Complaint::TooBig { mtu: 1420 }, &packet).unwrap();
        let ip = IpHeader::parse(&answer).unwrap();
        assert_eq!((ip.source, ip.destination), ([10, 0, 0, 2].into(), [10, 0, 0, 1].into()));
        assert_eq!((&answer[20..22], read_u16(&answer, 26)), (&[3, 4][..], 1420));
        assert_eq!(&answer[28..], &packet);
        assert_eq!(Sum::default().with(&answer[..20]).checksum(), 0);
        assert_eq!(Sum::default().with(&answer[20..]).checksum(), 0);
    }

    #[test]
    fn the_answer_over_ipv6_has_a_checksum_with_its_addresses() {
        let packet = packet_v6(PROTOCOL_UDP, &[7; 100]);
        for (complaint, kind) in [(Complaint::TooBig { mtu: 1420 }, [2, 0]), (Complaint::Unreachable, [1, 3])] {
            let answer = answer(complaint, &packet).unwrap();
            let ip = IpHeader::parse(&answer).unwrap();
            let sum = checksum::pseudo_header(ip.source, ip.destination, PROTOCOL_ICMP_V6, answer.len() - 40);
            assert_eq!(sum.with(&answer[40..]).checksum(), 0);
            assert_eq!(answer[40..42], kind);
        }
    }

    #[test]
    fn errors_fragments_and_groups_get_no_answer() {
        assert!(answer(Complaint::Unreachable, &packet_v4(PROTOCOL_ICMP, &[8, 0])).is_some(), "an echo request does");
        assert!(answer(Complaint::Unreachable, &packet_v4(PROTOCOL_ICMP, &[3, 1])).is_none());
        assert!(answer(Complaint::Unreachable, &packet_v6(PROTOCOL_ICMP_V6, &[1, 3])).is_none());
        assert!(answer(Complaint::Unreachable, &packet_v6(PROTOCOL_ICMP_V6, &[])).is_none());
        let mut fragment = packet_v4(PROTOCOL_UDP, &[]);
        fragment[6] = 0x20;
        assert!(answer(Complaint::Unreachable, &fragment).is_none());
        let mut group = packet_v4(PROTOCOL_UDP, &[]);
        group[16] = 224;
        assert!(answer(Complaint::Unreachable, &group).is_none());
    }
}
