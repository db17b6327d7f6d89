//! Extension headers of IPv6 (RFC 8200, section 4) between the addresses and what is split.

use super::IpHeader;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const DESTINATION_OPTIONS: u8 = 60;

/// The header with the extension headers that follow it counted as its own, so that its protocol is the transport's.
///
/// It ends before fragments, and before a routing header that still changes the destination, which a checksum covers.
pub(super) fn with_extensions(ip: &IpHeader, packet: &[u8]) -> IpHeader {
    let mut whole = *ip;
    while let Some([next, words, _, segments_left]) =
        packet.get(whole.header_length..).and_then(|rest| rest.first_chunk())
    {
        let is_passed = match whole.protocol {
            HOP_BY_HOP | DESTINATION_OPTIONS => true,
            ROUTING => *segments_left == 0,
            _ => false,
        };
        let length = whole.header_length + (usize::from(*words) + 1) * 8;
        if ip.source.is_ipv4() || !is_passed || length > ip.total_length {
            break;
        }
        whole.protocol = *next;
        whole.header_length = length;
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{IPV6_HEADER_LENGTH, PROTOCOL_FRAGMENT_V6, PROTOCOL_TCP};

    /// What is found in a packet with these bytes behind its IPv6 header.
    fn found(first: u8, behind: &[u8]) -> (u8, usize) {
        let mut packet = vec![0x60, 0, 0, 0, 0, behind.len() as u8, first, 64];
        packet.resize(IPV6_HEADER_LENGTH, 0);
        packet.extend_from_slice(behind);
        let ip = with_extensions(&IpHeader::parse(&packet).unwrap(), &packet);
        (ip.protocol, ip.header_length - IPV6_HEADER_LENGTH)
    }

    #[test]
    fn headers_that_leave_the_addresses_alone_are_passed() {
        assert_eq!(found(PROTOCOL_TCP, &[0; 20]), (PROTOCOL_TCP, 0));
        let mut chain = [0; 8 + 16 + 8 + 20];
        chain[0] = DESTINATION_OPTIONS;
        chain[8..10].copy_from_slice(&[ROUTING, 1]);
        chain[24..26].copy_from_slice(&[PROTOCOL_TCP, 0]);
        assert_eq!(found(HOP_BY_HOP, &chain), (PROTOCOL_TCP, 32));
    }

    #[test]
    fn it_ends_where_more_would_be_a_guess() {
        assert_eq!(found(ROUTING, &[PROTOCOL_TCP, 0, 4, 1, 0, 0, 0, 0]), (ROUTING, 0), "another destination follows");
        assert_eq!(found(PROTOCOL_FRAGMENT_V6, &[PROTOCOL_TCP; 8]), (PROTOCOL_FRAGMENT_V6, 0));
        assert_eq!(found(HOP_BY_HOP, &[PROTOCOL_TCP, 1, 0, 0, 0, 0, 0, 0]), (HOP_BY_HOP, 0), "cut off");
        assert_eq!(found(HOP_BY_HOP, &[PROTOCOL_TCP, 0]), (HOP_BY_HOP, 0), "cut off");
    }
}
