//! The frames of a websocket (RFC 6455): their parts, and those that a server sends.

/// The longest header of a frame that a server sends.
pub(super) const HEADER_SPACE: usize = 10;

pub(super) const FINAL: u8 = 0x80;
pub(super) const RESERVED: u8 = 0x70;
pub(super) const MASKED: u8 = 0x80;
pub(super) const LONGEST_CONTROL: u64 = 125;

pub(super) const CONTINUATION: u8 = 0x0;
pub(super) const TEXT: u8 = 0x1;
pub(super) const BINARY: u8 = 0x2;
pub(super) const CLOSE: u8 = 0x8;
pub(super) const PING: u8 = 0x9;
pub(super) const PONG: u8 = 0xa;

/// Why the client is told that its bytes were not acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// The bytes are not the framing of a client.
    Protocol,
    /// A message is longer than the limit.
    TooBig,
}

impl Violation {
    /// The body of the Close frame that tells it.
    pub(super) fn close_body(self) -> Vec<u8> {
        let code: u16 = match self {
            Violation::Protocol => 1002,
            Violation::TooBig => 1009,
        };
        code.to_be_bytes().to_vec()
    }
}

/// Writes the header of a binary frame so that it ends where the `length` bytes of its body begin, at
/// [`HEADER_SPACE`], and returns where it begins.
pub(super) fn write_binary_header(buffer: &mut [u8], length: usize) -> usize {
    let (marker, extended) = match length {
        0..=125 => (length as u8, 0),
        126..=0xffff => (126, 2),
        _ => (127, 8),
    };
    let start = HEADER_SPACE - 2 - extended;
    buffer[start] = FINAL | BINARY;
    buffer[start + 1] = marker;
    buffer[start + 2..HEADER_SPACE].copy_from_slice(&(length as u64).to_be_bytes()[8 - extended..]);
    start
}

/// A ping without a body.
pub(super) const PING_FRAME: [u8; 2] = [FINAL | PING, 0];

/// The answer to a ping.
pub(super) fn pong_frame(body: &[u8]) -> Vec<u8> {
    control_frame(PONG, body)
}

/// A Close frame.
pub(super) fn close_frame(body: &[u8]) -> Vec<u8> {
    control_frame(CLOSE, body)
}

fn control_frame(opcode: u8, body: &[u8]) -> Vec<u8> {
    [&[FINAL | opcode, body.len() as u8], body].concat()
}

/// Applies the mask and turns it to where the next bytes begin.
pub(super) fn unmask(bytes: &mut [u8], mask: &mut [u8; 4]) {
    let word = u64::from_ne_bytes([mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3]]);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for bytes in words {
        *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
    mask.rotate_left(rest.len() % 4);
}

/// Whether a Close frame may have this body: nothing, or a code that may be sent and a reason in UTF-8.
pub(super) fn is_close_body(body: &[u8]) -> bool {
    let Some((code, reason)) = body.split_first_chunk::<2>() else {
        return body.is_empty();
    };
    let sendable = matches!(u16::from_be_bytes(*code), 1000..=1003 | 1007..=1014 | 3000..=4999);
    sendable && std::str::from_utf8(reason).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_the_server_end_where_the_body_begins() {
        let mut buffer = [0; HEADER_SPACE];
        assert_eq!(write_binary_header(&mut buffer, 5), 8);
        assert_eq!(buffer[8..], [0x82, 5]);
        assert_eq!(write_binary_header(&mut buffer, 0x1234), 6);
        assert_eq!(buffer[6..], [0x82, 126, 0x12, 0x34]);
        assert_eq!(write_binary_header(&mut buffer, 0x1_0000), 0);
        assert_eq!(buffer, [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(pong_frame(b"hi"), [0x8a, 2, b'h', b'i']);
    }
}
