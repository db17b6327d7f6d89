//! What nodes say to each other inside a session beside packets: probes and their answers.
//!
//! A frame takes the place of an inner packet. Its first byte is no version of IP. Numbers are little-endian.
//!
//! | bytes | probe | answer |
//! |---|---|---|
//! | 0 | 1 | 2 |
//! | 1 | the sender's [`Nat`] | the sender's [`Nat`] |
//! | 2..4 | zero | zero |
//! | 4..12 | a number of the prober's | the number of the probe |
//! | 12..20 | packets sent in this session so far | packets received so far in the session the probe came in |
//! | 20..39 | zero | the address the probe came from: family (4, 6, or 0 for a relay), port, 16 bytes |
//! | 39..48 | zero | zero |
//! | 48.. | zeros up to the size that is tried | nothing |
//!
//! An answer goes back where its probe came from.

use std::net::{IpAddr, SocketAddr};

use super::Nat;

/// Bytes of a frame without padding.
pub(crate) const FRAME_LENGTH: usize = 48;
/// Bytes of an address in a frame.
const ADDRESS_LENGTH: usize = 19;

const PROBE: u8 = 1;
const ANSWER: u8 = 2;
const ADDRESS_AT: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Probe { id: u64, nat: Nat, sent: u64 },
    Answer { id: u64, nat: Nat, received: u64, seen: Option<SocketAddr> },
}

impl Frame {
    /// Whether what a session brought is no packet.
    pub fn is_frame(inner: &[u8]) -> bool {
        inner.first().is_none_or(|first| first >> 4 == 0)
    }

    /// Reads a frame; `None` for one that is malformed.
    pub fn decode(inner: &[u8]) -> Option<Self> {
        if inner.len() < FRAME_LENGTH {
            return None;
        }
        let nat = Nat::from_byte(inner[1]);
        let (id, count) = (read_u64(inner, 4), read_u64(inner, 12));
        match inner[0] {
            PROBE => Some(Self::Probe { id, nat, sent: count }),
            ANSWER => Some(Self::Answer { id, nat, received: count, seen: read_address(&inner[ADDRESS_AT..]) }),
            _ => None,
        }
    }

    /// Writes the frame, with zeros up to the end of `room`, which is at least [`FRAME_LENGTH`] long.
    pub fn encode(&self, room: &mut [u8]) {
        room.fill(0);
        let (kind, nat, id, count) = match *self {
            Self::Probe { id, nat, sent } => (PROBE, nat, id, sent),
            Self::Answer { id, nat, received, .. } => (ANSWER, nat, id, received),
        };
        room[..2].copy_from_slice(&[kind, nat.to_byte()]);
        room[4..12].copy_from_slice(&id.to_le_bytes());
        room[12..20].copy_from_slice(&count.to_le_bytes());
        if let Self::Answer { seen: Some(seen), .. } = self {
            write_address(*seen, &mut room[ADDRESS_AT..]);
        }
    }
}

/// Reads an address; `None` where there is none.
pub(crate) fn read_address(bytes: &[u8]) -> Option<SocketAddr> {
    let (head, rest) = bytes.split_first_chunk::<3>()?;
    let octets: &[u8; 16] = rest.first_chunk()?;
    let port = u16::from_le_bytes([head[1], head[2]]);
    match head[0] {
        4 => Some(SocketAddr::from(([octets[0], octets[1], octets[2], octets[3]], port))),
        6 => Some(SocketAddr::from((*octets, port))),
        _ => None,
    }
}

/// Writes an address into its [`ADDRESS_LENGTH`] bytes.
pub(crate) fn write_address(address: SocketAddr, room: &mut [u8]) {
    room[1..3].copy_from_slice(&address.port().to_le_bytes());
    match address.ip() {
        IpAddr::V4(ip) => {
            room[0] = 4;
            room[3..7].copy_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            room[0] = 6;
            room[3..ADDRESS_LENGTH].copy_from_slice(&ip.octets());
        }
    }
}

fn read_u64(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(frame: Frame, length: usize) -> Option<Frame> {
        let mut bytes = vec![0xff; length];
        frame.encode(&mut bytes);
        assert!(Frame::is_frame(&bytes));
        Frame::decode(&bytes)
    }

    #[test]
    fn frames_read_back_whatever_their_padding() {
        for length in [FRAME_LENGTH, 1420] {
            let probe = Frame::Probe { id: 1 << 40, nat: Nat::Symmetric, sent: 7 };
            assert_eq!(read_back(probe, length), Some(probe));
            for seen in [None, Some("192.0.2.1:7000"), Some("[2001:db8::1]:7")] {
                let seen = seen.map(|text| text.parse().unwrap());
                let answer = Frame::Answer { id: 9, nat: Nat::Unknown, received: u64::MAX, seen };
                assert_eq!(read_back(answer, length), Some(answer));
            }
        }
    }

    #[test]
    fn a_frame_lies_as_documented() {
        let mut bytes = [0xff; FRAME_LENGTH];
        let seen = Some(SocketAddr::from(([192, 0, 2, 1], 0x0102)));
        Frame::Answer { id: 3, nat: Nat::Blocked, received: 4, seen }.encode(&mut bytes);
        assert_eq!(bytes[..12], [2, 3, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[12..28], [4, 0, 0, 0, 0, 0, 0, 0, 4, 2, 1, 192, 0, 2, 1, 0]);
    }

    #[test]
    fn other_kinds_and_short_frames_are_refused() {
        let mut bytes = [0; FRAME_LENGTH];
        assert_eq!(Frame::decode(&bytes), None);
        bytes[0] = PROBE;
        assert!(Frame::decode(&bytes).is_some());
        assert_eq!(Frame::decode(&bytes[1..]), None);
        assert_eq!(Frame::decode(&[]), None);
        assert!(!Frame::is_frame(&[0x45]) && !Frame::is_frame(&[0x60]));
    }
}
