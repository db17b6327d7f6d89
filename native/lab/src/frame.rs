//! What the wire has to know of an Ethernet frame.

const ETHERNET_HEADER: usize = 14;
const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xDD];
const IPV6_NEXT_HEADER: usize = ETHERNET_HEADER + 6;
const IPV6_PAYLOAD: usize = ETHERNET_HEADER + 40;
const ICMPV6: u8 = 58;
/// Router and neighbour solicitations, advertisements and redirects (RFC 4861, section 4).
const NEIGHBOUR_DISCOVERY: std::ops::RangeInclusive<u8> = 133..=137;

/// Gives the length of the IP packet inside; `None` for what only keeps the wire itself going (ARP and its like).
pub fn packet_length(frame: &[u8]) -> Option<usize> {
    let kind = frame.get(12..ETHERNET_HEADER)?;
    let carries = kind == IPV4 || (kind == IPV6 && !discovers_neighbours(frame));
    carries.then(|| frame.len() - ETHERNET_HEADER)
}

fn discovers_neighbours(frame: &[u8]) -> bool {
    frame.get(IPV6_NEXT_HEADER) == Some(&ICMPV6)
        && frame.get(IPV6_PAYLOAD).is_some_and(|kind| NEIGHBOUR_DISCOVERY.contains(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: [u8; 2], payload: &[u8]) -> Vec<u8> {
        [&[0; 12], &kind[..], payload].concat()
    }

    fn icmpv6(kind: u8) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0, 0, 4, ICMPV6, 255];
        packet.resize(40, 0);
        packet.extend([kind, 0, 0, 0]);
        frame(IPV6, &packet)
    }

    #[test]
    fn packets_are_measured_without_their_frame() {
        assert_eq!(packet_length(&frame(IPV4, &[0x45; 60])), Some(60));
        assert_eq!(packet_length(&icmpv6(128)), Some(44));
    }

    #[test]
    fn what_keeps_the_wire_going_is_no_packet() {
        assert_eq!(packet_length(&frame([0x08, 0x06], &[0; 28])), None);
        assert_eq!(packet_length(&icmpv6(135)), None);
        assert_eq!(packet_length(&[0; 5]), None);
    }
}
