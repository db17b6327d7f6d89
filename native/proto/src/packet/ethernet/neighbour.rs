//! Who has this address? Questions of ARP (RFC 826) and of IPv6 neighbour discovery (RFC 4861), and their answers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::checksum;
use super::super::{IPV6_HEADER_LENGTH, IpHeader, PROTOCOL_ICMP_V6, write_u16};
use super::{HEADER_LENGTH, MacAddress, TYPE_ARP, TYPE_IPV6, header_of};

/// Ethernet with six bytes of address, IPv4 with four.
const ARP_KINDS: [u8; 6] = [0, 1, 8, 0, 6, 4];
const ARP_LENGTH: usize = 28;
const ARP_REQUEST: [u8; 2] = [0, 1];
const ARP_REPLY: [u8; 2] = [0, 2];

const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
const SOLICITATION_LENGTH: usize = 24;
const ADVERTISEMENT_LENGTH: usize = 32;
const SOLICITED: u8 = 0x40;
const OVERRIDE: u8 = 0x20;
const OPTION_TARGET_MAC: [u8; 2] = [2, 1];
/// Packets of neighbour discovery with fewer hops left came from outside of the link.
const ALL_HOPS: u8 = 255;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const MAC_OF_ALL_NODES: MacAddress = MacAddress([0x33, 0x33, 0, 0, 0, 1]);

/// A host's question for the MAC address of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Where the answer goes.
    asker: MacAddress,
    addresses: Addresses,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Addresses {
    V4 { asker: Ipv4Addr, target: Ipv4Addr },
    V6 { asker: Ipv6Addr, target: Ipv6Addr },
}

impl Question {
    /// The address in question.
    pub fn target(&self) -> IpAddr {
        match self.addresses {
            Addresses::V4 { target, .. } => target.into(),
            Addresses::V6 { target, .. } => target.into(),
        }
    }

    /// Writes the frame that answers that `mac` has the address.
    pub fn answer(&self, mac: MacAddress) -> Vec<u8> {
        match self.addresses {
            Addresses::V4 { asker, target } => self.reply(mac, asker, target),
            Addresses::V6 { asker, target } => self.advertise(mac, asker, target),
        }
    }

    /// Reads the question that a frame of ARP holds behind its header.
    pub(super) fn in_arp(message: &[u8]) -> Option<Self> {
        let message: &[u8; ARP_LENGTH] = message.first_chunk()?;
        let (kinds, rest) = message.split_first_chunk::<6>()?;
        let (operation, rest) = rest.split_first_chunk::<2>()?;
        let (mac, rest) = rest.split_first_chunk::<6>()?;
        let (asker, rest) = rest.split_first_chunk::<4>()?;
        let (_, target) = rest.split_last_chunk::<4>()?;
        let question = Self {
            asker: MacAddress(*mac),
            addresses: Addresses::V4 { asker: (*asker).into(), target: (*target).into() },
        };
        (*kinds == ARP_KINDS && *operation == ARP_REQUEST && question.asker.is_unicast()).then_some(question)
    }

    /// Reads the question that an IPv6 packet holds, whose frame came from `asker`.
    pub(super) fn in_packet(ip: &IpHeader, packet: &[u8], asker: MacAddress) -> Option<Self> {
        let (IpAddr::V6(source), IpAddr::V6(destination), PROTOCOL_ICMP_V6) = (ip.source, ip.destination, ip.protocol)
        else {
            return None;
        };
        let message = &packet[ip.header_length..ip.total_length];
        let target: Ipv6Addr = (*message.get(8..SOLICITATION_LENGTH)?.first_chunk::<16>()?).into();
        let sum = checksum::pseudo_header(source.into(), destination.into(), PROTOCOL_ICMP_V6, message.len());
        let is_question = message[..2] == [SOLICITATION, 0]
            && packet[7] == ALL_HOPS
            && sum.with(message).checksum() == 0
            && !target.is_multicast()
            && asker.is_unicast();
        is_question.then_some(Self { asker, addresses: Addresses::V6 { asker: source, target } })
    }

    fn reply(&self, mac: MacAddress, asker: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
        let header = header_of(self.asker, mac, TYPE_ARP);
        let (ours, theirs) = ((mac.0, target.octets()), (self.asker.0, asker.octets()));
        [&header[..], &ARP_KINDS, &ARP_REPLY, &ours.0, &ours.1, &theirs.0, &theirs.1].concat()
    }

    /// Tells all nodes where the asker has no address yet: it wants to know whether the target is free to be its own.
    fn advertise(&self, mac: MacAddress, asker: Ipv6Addr, target: Ipv6Addr) -> Vec<u8> {
        let (to, to_mac, flags) = if asker.is_unspecified() {
            (ALL_NODES, MAC_OF_ALL_NODES, OVERRIDE)
        } else {
            (asker, self.asker, SOLICITED | OVERRIDE)
        };
        let mut message = [0; ADVERTISEMENT_LENGTH];
        message[0] = ADVERTISEMENT;
        message[4] = flags;
        message[8..24].copy_from_slice(&target.octets());
        message[24..26].copy_from_slice(&OPTION_TARGET_MAC);
        message[26..].copy_from_slice(&mac.0);
        let sum = checksum::pseudo_header(target.into(), to.into(), PROTOCOL_ICMP_V6, message.len());
        let checksum = sum.with(&message).checksum();
        write_u16(&mut message, 2, checksum);
        let mut frame = Vec::with_capacity(HEADER_LENGTH + IPV6_HEADER_LENGTH + message.len());
        frame.extend_from_slice(&header_of(to_mac, mac, TYPE_IPV6));
        frame.extend_from_slice(&[0x60, 0, 0, 0, 0, ADVERTISEMENT_LENGTH as u8, PROTOCOL_ICMP_V6, ALL_HOPS]);
        frame.extend_from_slice(&target.octets());
        frame.extend_from_slice(&to.octets());
        frame.extend_from_slice(&message);
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Content, Frame, FrameError, header};
    use super::*;

    const CLIENT: MacAddress = MacAddress([2, 0, 0, 0, 0, 9]);
    const GATE: MacAddress = MacAddress([0xa0, 0x13, 10, 0, 0, 2]);

    fn arp_request() -> Vec<u8> {
        let mut frame = header_of(MacAddress([0xff; 6]), CLIENT, TYPE_ARP).to_vec();
        frame
            .extend_from_slice(&[0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2]);
        frame
    }

    fn solicitation(source: &str, hops: u8) -> Vec<u8> {
        let (source, group): (Ipv6Addr, Ipv6Addr) = (source.parse().unwrap(), "ff02::1:ff00:2".parse().unwrap());
        let mut message = vec![SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
        message.extend_from_slice(&"fd00::2".parse::<Ipv6Addr>().unwrap().octets());
        let sum = checksum::pseudo_header(source.into(), group.into(), PROTOCOL_ICMP_V6, message.len());
        let checksum = sum.with(&message).checksum();
        write_u16(&mut message, 2, checksum);
        let mut packet = vec![0x60, 0, 0, 0, 0, message.len() as u8, PROTOCOL_ICMP_V6, hops];
        packet.extend([&source.octets()[..], &group.octets(), &message].concat());
        [&header(MacAddress([0x33, 0x33, 0xff, 0, 0, 2]), CLIENT, &packet), &packet[..]].concat()
    }

    fn question(frame: &[u8]) -> Question {
        match Frame::parse(frame).unwrap().content {
            Content::Question(question) => question,
            Content::Packet(packet) => panic!("no question but {packet:?}"),
        }
    }

    #[test]
    fn an_arp_request_is_answered() {
        let question = question(&arp_request());
        assert_eq!(question.target(), IpAddr::from([10, 0, 0, 2]));
        let answer = question.answer(GATE);
        assert_eq!(answer[..14], header_of(CLIENT, GATE, TYPE_ARP));
        assert_eq!(answer[14..22], [0, 1, 8, 0, 6, 4, 0, 2]);
        assert_eq!(answer[22..32], [0xa0, 0x13, 10, 0, 0, 2, 10, 0, 0, 2]);
        assert_eq!(answer[32..], [2, 0, 0, 0, 0, 9, 10, 0, 0, 1]);
    }

    #[test]
    fn other_messages_of_arp_are_no_questions() {
        let with = |at: usize, byte| {
            let mut frame = arp_request();
            frame[at] = byte;
            Frame::parse(&frame)
        };
        assert_eq!(with(21, 2), Err(FrameError::Malformed), "a reply");
        assert_eq!(with(15, 6), Err(FrameError::Malformed), "another kind of network");
        assert_eq!(with(22, 1), Err(FrameError::Malformed), "a group that asks");
        assert_eq!(Frame::parse(&arp_request()[..41]), Err(FrameError::Malformed));
    }

    #[test]
    fn a_neighbour_solicitation_is_answered_to_who_asked() {
        let question = question(&solicitation("fe80::9", ALL_HOPS));
        assert_eq!(question.target(), "fd00::2".parse::<IpAddr>().unwrap());
        let answer = question.answer(GATE);
        assert_eq!(answer[..14], header_of(CLIENT, GATE, TYPE_IPV6));
        let ip = IpHeader::parse(&answer[14..]).unwrap();
        assert_eq!((ip.source, ip.destination), ("fd00::2".parse().unwrap(), "fe80::9".parse().unwrap()));
        let message = &answer[54..];
        let sum = checksum::pseudo_header(ip.source, ip.destination, PROTOCOL_ICMP_V6, message.len());
        assert_eq!(sum.with(message).checksum(), 0);
        assert_eq!((answer[21], message[0], message[4]), (ALL_HOPS, ADVERTISEMENT, SOLICITED | OVERRIDE));
        assert_eq!(message[24..], [2, 1, 0xa0, 0x13, 10, 0, 0, 2]);
    }

    #[test]
    fn who_has_no_address_yet_is_answered_with_all_others() {
        let answer = question(&solicitation("::", ALL_HOPS)).answer(GATE);
        assert_eq!(answer[..6], MAC_OF_ALL_NODES.0);
        assert_eq!(IpHeader::parse(&answer[14..]).unwrap().destination, IpAddr::from(ALL_NODES));
        assert_eq!(answer[58], OVERRIDE);
    }

    #[test]
    fn solicitations_from_afar_or_damaged_are_mere_packets() {
        let mut damaged = solicitation("fe80::9", ALL_HOPS);
        damaged[70] ^= 1;
        for frame in [solicitation("fe80::9", 64), damaged] {
            assert!(matches!(Frame::parse(&frame).unwrap().content, Content::Packet(_)));
        }
    }
}
