//! The segment size that TCP agrees on when a connection begins, lowered to what the path carries (RFC 9293, 3.7.1).

use super::segment::tcp_header_length;
use super::{FLAG_SYN, IpHeader, PROTOCOL_TCP, TCP_CHECKSUM, TCP_FLAGS, TCP_HEADER_LENGTH, read_u16, write_u16};

const OPTION_END: u8 = 0;
const OPTION_NOTHING: u8 = 1;
const OPTION_SEGMENT_SIZE: u8 = 2;

/// Whether a packet begins a TCP connection.
pub(crate) fn begins_connection(ip: &IpHeader, packet: &[u8]) -> bool {
    ip.protocol == PROTOCOL_TCP
        && !ip.fragment
        && packet.get(ip.header_length + TCP_FLAGS).is_some_and(|flags| flags & FLAG_SYN != 0)
}

/// Lowers the segment size in a packet that begins a connection, so that no packet of it is longer than `limit`.
/// The checksum, which must not be partial, stays as right as it was.
pub(crate) fn clamp_segment_size(ip: &IpHeader, packet: &mut [u8], limit: u16) {
    let most = usize::from(limit).saturating_sub(ip.header_length + TCP_HEADER_LENGTH) as u16;
    let end = ip.total_length;
    let transport = &mut packet[ip.header_length..end];
    let Some(at) = segment_size_at(transport) else { return };
    let asked = read_u16(transport, at);
    if asked > most {
        write_u16(transport, at, most);
        // A sum over 16-bit words at even places; elsewhere the bytes of each word change places (RFC 1071).
        let turned = |value: u16| if at % 2 == 0 { value } else { value.swap_bytes() };
        amend_checksum(transport, turned(asked), turned(most));
    }
}

/// Where the option's value lies.
fn segment_size_at(transport: &[u8]) -> Option<usize> {
    let end = tcp_header_length(transport)?;
    let mut at = TCP_HEADER_LENGTH;
    while at < end {
        match transport[at] {
            OPTION_END => return None,
            OPTION_NOTHING => at += 1,
            kind => {
                let length = usize::from(*transport.get(at + 1)?);
                if length < 2 || at + length > end {
                    return None;
                }
                if kind == OPTION_SEGMENT_SIZE && length == 4 {
                    return Some(at + 2);
                }
                at += length;
            }
        }
    }
    None
}

/// Changes a checksum as one word of what it covers has changed (RFC 1624).
fn amend_checksum(transport: &mut [u8], before: u16, after: u16) {
    let sum = u32::from(!read_u16(transport, TCP_CHECKSUM)) + u32::from(!before) + u32::from(after);
    let folded = (sum & 0xffff) + (sum >> 16);
    write_u16(transport, TCP_CHECKSUM, !((folded & 0xffff) + (folded >> 16)) as u16);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::packet::checksum;

    fn syn(is_v4: bool, options: &[u8]) -> Vec<u8> {
        let mut transport = vec![0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, FLAG_SYN, 0, 0, 0, 0, 0, 0];
        transport.extend_from_slice(options);
        transport.resize(transport.len().next_multiple_of(4), OPTION_END);
        transport[12] = (transport.len() as u8 / 4) << 4;
        let mut packet = if is_v4 {
            vec![0x45, 0, 0, 20 + transport.len() as u8, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]
        } else {
            let mut header = vec![0; 40];
            header[..8].copy_from_slice(&[0x60, 0, 0, 0, 0, transport.len() as u8, 6, 64]);
            header
        };
        let header_length = packet.len();
        packet.extend_from_slice(&transport);
        let ip = IpHeader::parse(&packet).unwrap();
        let sum = checksum::pseudo_header(ip.source, ip.destination, PROTOCOL_TCP, transport.len());
        let checksum = sum.with(&transport).checksum();
        write_u16(&mut packet[header_length..], TCP_CHECKSUM, checksum);
        packet
    }

    fn is_right(packet: &[u8]) -> bool {
        let ip = IpHeader::parse(packet).unwrap();
        let transport = &packet[ip.header_length..];
        let sum = checksum::pseudo_header(ip.source, ip.destination, PROTOCOL_TCP, transport.len());
        sum.with(transport).checksum() == 0
    }

    proptest! {
        #[test]
        fn a_greater_size_is_lowered_and_the_checksum_stays_right(
            asked: u16, limit in 576u16..1500, is_v4: bool, padding in 0usize..4,
        ) {
            let mut options = vec![OPTION_NOTHING; padding];
            options.extend_from_slice(&[8, 4, 9, 9, OPTION_SEGMENT_SIZE, 4]);
            options.extend_from_slice(&asked.to_be_bytes());
            let mut packet = syn(is_v4, &options);
            let ip = IpHeader::parse(&packet).unwrap();
            prop_assert!(begins_connection(&ip, &packet));
            clamp_segment_size(&ip, &mut packet, limit);
            prop_assert!(is_right(&packet));
            let at = ip.header_length + TCP_HEADER_LENGTH + padding + 6;
            prop_assert_eq!(read_u16(&packet, at), asked.min(limit - ip.header_length as u16 - 20));
        }

        #[test]
        fn any_options_are_read_without_harm(options in prop::collection::vec(any::<u8>(), 0..40), limit: u16) {
            let mut packet = syn(true, &options);
            let ip = IpHeader::parse(&packet).unwrap();
            clamp_segment_size(&ip, &mut packet, limit);
            prop_assert!(is_right(&packet));
        }
    }

    #[test]
    fn other_packets_begin_no_connection() {
        let mut packet = syn(true, &[]);
        packet[33] = 0x10;
        let ip = IpHeader::parse(&packet).unwrap();
        assert!(!begins_connection(&ip, &packet));
        packet[33] = FLAG_SYN;
        packet[6] = 0x20;
        assert!(!begins_connection(&IpHeader::parse(&packet).unwrap(), &packet));
    }
}
