//! IP packets in Ethernet II frames, for ends that have an Ethernet interface: there is no Ethernet between the members
//! of a network, so MAC addresses are made up from IP addresses, and whoever asks for a neighbour is answered at once.

mod neighbour;

use std::net::IpAddr;

use super::{IpHeader, read_u16, write_u16};

pub use neighbour::Question;

/// Bytes of a frame before its packet.
pub const HEADER_LENGTH: usize = 14;
/// Bytes of the longest frame, without its check sequence.
pub const LONGEST_FRAME: usize = HEADER_LENGTH + 1500;

const TYPE_IPV4: u16 = 0x0800;
const TYPE_ARP: u16 = 0x0806;
const TYPE_IPV6: u16 = 0x86dd;

/// The address of an Ethernet interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// The address that Golem's gates give the owner of an IP address: `A0:13` and the last four bytes.
    pub fn of(address: IpAddr) -> Self {
        let [a, b, c, d] = match address {
            IpAddr::V4(address) => address.octets(),
            IpAddr::V6(address) => (address.to_bits() as u32).to_be_bytes(),
        };
        Self([0xa0, 0x13, a, b, c, d])
    }

    /// Whether it names one interface, so that frames may come from it.
    pub fn is_unicast(self) -> bool {
        self.0[0] & 1 == 0 && self.0 != [0; 6]
    }
}

/// What a frame holds that is of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// An IP packet behind the frame's header; padding may follow it.
    Packet(IpHeader),
    /// A question for a neighbour's MAC address.
    Question(Question),
}

/// Why a frame is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("shorter than its header")]
    TooShort,
    #[error("longer than an Ethernet frame")]
    TooLong,
    #[error("neither IPv4, IPv6 nor ARP")]
    OtherProtocol,
    #[error("not well-formed, or an answer that nobody asked for")]
    Malformed,
}

/// A frame taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    pub source: MacAddress,
    pub content: Content,
}

impl Frame {
    /// Reads a frame. Whom it is addressed to does not matter: its packet says it better.
    ///
    /// # Errors
    /// Says why the frame is of no use.
    pub fn parse(frame: &[u8]) -> Result<Self, FrameError> {
        let (header, content) = frame.split_first_chunk::<HEADER_LENGTH>().ok_or(FrameError::TooShort)?;
        if frame.len() > LONGEST_FRAME {
            return Err(FrameError::TooLong);
        }
        let [.., a, b, c, d, e, f, _, _] = *header;
        let source = MacAddress([a, b, c, d, e, f]);
        let content = match read_u16(header, 12) {
            TYPE_ARP => Content::Question(Question::in_arp(content).ok_or(FrameError::Malformed)?),
            TYPE_IPV4 => in_packet(content, 4, source)?,
            TYPE_IPV6 => in_packet(content, 6, source)?,
            _ => return Err(FrameError::OtherProtocol),
        };
        Ok(Self { source, content })
    }
}

/// Writes the header of a frame that holds an IP packet.
pub fn header(destination: MacAddress, source: MacAddress, packet: &[u8]) -> [u8; HEADER_LENGTH] {
    let is_v6 = packet.first().is_some_and(|byte| byte >> 4 == 6);
    header_of(destination, source, if is_v6 { TYPE_IPV6 } else { TYPE_IPV4 })
}

fn header_of(destination: MacAddress, source: MacAddress, protocol: u16) -> [u8; HEADER_LENGTH] {
    let mut header = [0; HEADER_LENGTH];
    header[..6].copy_from_slice(&destination.0);
    header[6..12].copy_from_slice(&source.0);
    write_u16(&mut header, 12, protocol);
    header
}

fn in_packet(packet: &[u8], version: u8, source: MacAddress) -> Result<Content, FrameError> {
    let ip = IpHeader::parse(packet).map_err(|_| FrameError::Malformed)?;
    if packet[0] >> 4 != version {
        return Err(FrameError::Malformed);
    }
    let question = Question::in_packet(&ip, packet, source);
    Ok(question.map_or(Content::Packet(ip), Content::Question))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLIENT: MacAddress = MacAddress([2, 0, 0, 0, 0, 9]);
    const GATE: MacAddress = MacAddress([0xa0, 0x13, 10, 0, 0, 2]);

    fn frame(packet: &[u8]) -> Vec<u8> {
        [&header(GATE, CLIENT, packet), packet].concat()
    }

    fn packet_v4() -> Vec<u8> {
        vec![0x45, 0, 0, 21, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 8]
    }

    #[test]
    fn mac_addresses_are_golems() {
        assert_eq!(MacAddress::of("10.0.0.2".parse().unwrap()), GATE);
        assert_eq!(MacAddress::of("fd00::102:304".parse().unwrap()), MacAddress([0xa0, 0x13, 1, 2, 3, 4]));
        assert!(GATE.is_unicast() && !MacAddress([0; 6]).is_unicast() && !MacAddress([0xff; 6]).is_unicast());
    }

    #[test]
    fn a_packet_comes_out_as_it_went_in_and_padding_does_not_matter() {
        let mut framed = frame(&packet_v4());
        assert_eq!(framed[..14], [0xa0, 0x13, 10, 0, 0, 2, 2, 0, 0, 0, 0, 9, 8, 0]);
        framed.resize(60, 0);
        let Frame { source, content } = Frame::parse(&framed).unwrap();
        assert_eq!(source, CLIENT);
        let Content::Packet(ip) = content else { panic!("{content:?}") };
        assert_eq!((ip.source, ip.total_length), ([10, 0, 0, 1].into(), 21));
    }

    #[test]
    fn frames_of_no_use_say_why() {
        let error = |frame: &[u8]| Frame::parse(frame).unwrap_err();
        assert_eq!(error(&frame(&packet_v4())[..13]), FrameError::TooShort);
        assert_eq!(error(&frame(&packet_v4())[..30]), FrameError::Malformed);
        assert_eq!(error(&[frame(&packet_v4()), vec![0; 1480]].concat()), FrameError::TooLong);
        let mut other = frame(&packet_v4());
        other[12..14].copy_from_slice(&[0x81, 0]);
        assert_eq!(error(&other), FrameError::OtherProtocol);
        other[12..14].copy_from_slice(&[0x86, 0xdd]);
        assert_eq!(error(&other), FrameError::Malformed, "an IPv4 packet that is said to be IPv6");
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(mut bytes in proptest::collection::vec(any::<u8>(), 0..120), kind in 0usize..4) {
            let kinds = [[8, 0], [8, 6], [0x86, 0xdd], [0, 0]];
            if let Some(place) = bytes.get_mut(12..14) {
                place.copy_from_slice(&kinds[kind]);
            }
            if let Ok(Frame { content: Content::Question(question), .. }) = Frame::parse(&bytes) {
                let answer = Frame::parse(&question.answer(GATE));
                prop_assert!(!matches!(answer, Ok(Frame { content: Content::Question(_), .. })), "{answer:?}");
            }
        }
    }
}
