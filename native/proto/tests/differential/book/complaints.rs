//! What a router answers about a packet that it can't forward (RFC 792, RFC 1191, RFC 4443).

use std::net::IpAddr;

use super::checksums::{write_ip, write_transport};
use super::headers::{Headers, ICMP, ICMP_V6, put};

#[derive(Clone, Copy)]
pub enum Complaint {
    TooBig(usize),
    Unreachable,
}

/// The answer, from the address that the packet was sent to; none to fragments and to errors.
pub fn complain(about: Complaint, packet: &[u8], headers: &Headers) -> Option<Vec<u8>> {
    if headers.is_fragment || is_error(packet, headers) {
        return None;
    }
    let (mut answer, longest) = match (headers.destination, headers.source) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut header = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, ICMP, 0, 0];
            header.extend([from.octets(), to.octets()].concat());
            (header, 576)
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let mut header = vec![0x60, 0, 0, 0, 0, 0, ICMP_V6, 64];
            header.extend([from.octets(), to.octets()].concat());
            (header, 1280)
        }
        _ => panic!("addresses of two families in one packet"),
    };
    let (message, is_v4) = (answer.len(), headers.source.is_ipv4());
    answer.extend(match (about, is_v4) {
        (Complaint::TooBig(_), true) => [3, 4],
        (Complaint::TooBig(_), false) => [2, 0],
        (Complaint::Unreachable, true) => [3, 1],
        (Complaint::Unreachable, false) => [1, 3],
    });
    answer.extend([0; 6]);
    if let Complaint::TooBig(mtu) = about {
        put(&mut answer, message + 6, mtu);
    }
    answer.extend_from_slice(&packet[..packet.len().min(longest - answer.len())]);
    let length = answer.len();
    put(&mut answer, if is_v4 { 2 } else { 4 }, if is_v4 { length } else { length - 40 });
    if is_v4 {
        write_ip(&mut answer);
    }
    write_transport(&mut answer);
    Some(answer)
}

fn is_error(packet: &[u8], headers: &Headers) -> bool {
    let kind = packet.get(headers.transport).copied();
    match headers.protocol {
        ICMP => !matches!(kind, Some(0 | 8 | 13..=18)),
        ICMP_V6 => kind.is_none_or(|kind| kind < 128),
        _ => false,
    }
}
