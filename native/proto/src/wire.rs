//! The datagram on the wire: a header of 16 bytes, which is authenticated, the sealed inner packet, and a tag.
//!
//! | bytes | |
//! |---|---|
//! | 0 | type, 4 = data; 5 and 6 are told in `reflection` |
//! | 1..4 | zero |
//! | 4..8 | session index of the receiver, little-endian |
//! | 8..16 | counter, little-endian; never repeats within a session and direction |

/// Bytes before the sealed packet.
pub const HEADER_LENGTH: usize = 16;
/// Bytes after the sealed packet.
pub const TAG_LENGTH: usize = 16;
/// Bytes a datagram is longer than its inner packet.
pub const OVERHEAD: usize = HEADER_LENGTH + TAG_LENGTH;

const TYPE_DATA: [u8; 4] = [4, 0, 0, 0];

/// The header of a data datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub receiver: u32,
    pub counter: u64,
}

impl Header {
    /// Reads the header of a whole datagram; `None` when the datagram is too short or of another type.
    pub fn parse(datagram: &[u8]) -> Option<Self> {
        if datagram.len() < OVERHEAD {
            return None;
        }
        let (kind, rest) = datagram.split_first_chunk()?;
        let (receiver, rest) = rest.split_first_chunk()?;
        let counter = rest.first_chunk()?;
        (*kind == TYPE_DATA)
            .then(|| Self { receiver: u32::from_le_bytes(*receiver), counter: u64::from_le_bytes(*counter) })
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_LENGTH] {
        let mut bytes = [0; HEADER_LENGTH];
        bytes[..4].copy_from_slice(&TYPE_DATA);
        bytes[4..8].copy_from_slice(&self.receiver.to_le_bytes());
        bytes[8..].copy_from_slice(&self.counter.to_le_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_lies_as_documented() {
        let bytes = Header { receiver: 0x0403_0201, counter: 0x0c0b_0a09_0807_0605 }.encode();
        assert_eq!(bytes, [4, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    }

    #[test]
    fn other_types_and_short_datagrams_are_refused() {
        let mut datagram = [0; OVERHEAD];
        datagram[..HEADER_LENGTH].copy_from_slice(&Header { receiver: 7, counter: 9 }.encode());
        assert_eq!(Header::parse(&datagram), Some(Header { receiver: 7, counter: 9 }));
        assert_eq!(Header::parse(&datagram[..OVERHEAD - 1]), None);
        for at in 0..4 {
            let mut other = datagram;
            other[at] ^= 1;
            assert_eq!(Header::parse(&other), None);
        }
    }
}
