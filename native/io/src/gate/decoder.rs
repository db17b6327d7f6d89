//! The frames of a client taken apart, without I/O. Received chunks are unmasked where they lie, so a frame of any size
//! passes without being held.

use std::ops::Range;

use super::frame::{
    BINARY, CLOSE, CONTINUATION, FINAL, LONGEST_CONTROL, MASKED, PING, PONG, RESERVED, TEXT, Violation, is_close_body,
    unmask,
};
use super::messages::{Kind, Messages};

/// What ends the frames of a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// A Close frame, with its body to be echoed.
    Close(Vec<u8>),
    Violation(Violation),
}

/// What one received chunk held beside messages.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    /// The newest ping.
    pub ping: Option<Vec<u8>>,
    /// The end; nothing behind it counts.
    pub ending: Option<Ending>,
}

/// Takes the frames of a client apart, across chunks.
#[derive(Debug)]
pub(super) struct Decoder {
    longest_message: u64,
    /// The bytes so far of the header being received.
    header: Vec<u8>,
    frame: Option<Frame>,
    /// The message being received, with its length so far.
    message: Option<(Kind, u64)>,
    /// The body so far of the control frame being received.
    control: Vec<u8>,
}

#[derive(Debug)]
struct Frame {
    opcode: u8,
    is_final: bool,
    mask: [u8; 4],
    remaining: u64,
}

impl Decoder {
    pub fn new(longest_message: u64) -> Self {
        Self { longest_message, header: Vec::new(), frame: None, message: None, control: Vec::new() }
    }

    /// Takes the next bytes of the client and unmasks them in place.
    pub fn decode(&mut self, buffer: &mut [u8], messages: &mut impl Messages) -> Chunk {
        let mut chunk = Chunk::default();
        let mut position = 0;
        while position < buffer.len() && chunk.ending.is_none() {
            position += match self.frame.take() {
                None => self.take_header(&buffer[position..], messages, &mut chunk),
                Some(frame) => {
                    let end = buffer.len().min(position.saturating_add(frame.room()));
                    self.take_payload(frame, buffer, position..end, messages, &mut chunk)
                }
            };
        }
        chunk
    }

    fn take_header(&mut self, bytes: &[u8], messages: &mut impl Messages, chunk: &mut Chunk) -> usize {
        let taken = (header_length(&self.header) - self.header.len()).min(bytes.len());
        self.header.extend_from_slice(&bytes[..taken]);
        if self.header.len() < header_length(&self.header) {
            return taken;
        }
        match self.open_frame() {
            Ok(frame) if frame.remaining == 0 => self.close_frame(&frame, messages, chunk),
            Ok(frame) => self.frame = Some(frame),
            Err(violation) => chunk.ending = Some(Ending::Violation(violation)),
        }
        self.header.clear();
        taken
    }

    fn open_frame(&mut self) -> Result<Frame, Violation> {
        let (first, second) = (self.header[0], self.header[1]);
        if first & RESERVED != 0 || second & MASKED == 0 {
            return Err(Violation::Protocol);
        }
        let (length, mask) = self.header[2..].split_at(self.header.len() - 6);
        let frame = Frame {
            opcode: first & 0x0f,
            is_final: first & FINAL != 0,
            mask: [mask[0], mask[1], mask[2], mask[3]],
            remaining: match length {
                [] => u64::from(second & !MASKED),
                extended => extended.iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
            },
        };
        match frame.opcode {
            CONTINUATION | TEXT | BINARY => self.continue_message(&frame)?,
            CLOSE | PING | PONG if frame.is_final && frame.remaining <= LONGEST_CONTROL => self.control.clear(),
            _ => return Err(Violation::Protocol),
        }
        Ok(frame)
    }

    fn continue_message(&mut self, frame: &Frame) -> Result<(), Violation> {
        let (kind, length) = match (frame.opcode, self.message) {
            (CONTINUATION, Some(message)) => message,
            (TEXT, None) => (Kind::Text, 0),
            (BINARY, None) => (Kind::Binary, 0),
            _ => return Err(Violation::Protocol),
        };
        let length = length.saturating_add(frame.remaining);
        if length > self.longest_message {
            return Err(Violation::TooBig);
        }
        self.message = Some((kind, length));
        Ok(())
    }

    fn take_payload(
        &mut self,
        mut frame: Frame,
        buffer: &mut [u8],
        range: Range<usize>,
        messages: &mut impl Messages,
        chunk: &mut Chunk,
    ) -> usize {
        let taken = range.len();
        unmask(&mut buffer[range.clone()], &mut frame.mask);
        match self.message.filter(|_| !frame.is_control()) {
            None => self.control.extend_from_slice(&buffer[range]),
            Some((kind, _)) => messages.append(kind, buffer, range),
        }
        frame.remaining -= taken as u64;
        match frame.remaining {
            0 => self.close_frame(&frame, messages, chunk),
            _ => self.frame = Some(frame),
        }
        taken
    }

    fn close_frame(&mut self, frame: &Frame, messages: &mut impl Messages, chunk: &mut Chunk) {
        match frame.opcode {
            PONG => {}
            PING => chunk.ping = Some(std::mem::take(&mut self.control)),
            CLOSE if is_close_body(&self.control) => {
                chunk.ending = Some(Ending::Close(std::mem::take(&mut self.control)))
            }
            CLOSE => chunk.ending = Some(Ending::Violation(Violation::Protocol)),
            _ if !frame.is_final => {}
            _ => {
                if let Some((kind, _)) = self.message.take() {
                    messages.finish(kind);
                }
            }
        }
    }
}

impl Frame {
    fn is_control(&self) -> bool {
        matches!(self.opcode, CLOSE | PING | PONG)
    }

    /// How many bytes of it can be in a buffer.
    fn room(&self) -> usize {
        usize::try_from(self.remaining).unwrap_or(usize::MAX)
    }
}

/// The length of the header that begins with these bytes, as far as they tell.
fn header_length(header: &[u8]) -> usize {
    match header.get(1) {
        None => 2,
        // Not a client's; what follows does not matter.
        Some(second) if second & MASKED == 0 => 2,
        Some(second) => 6 + [0, 2, 8][usize::from((second & !MASKED).saturating_sub(125))],
    }
}

#[cfg(test)]
mod tests {
    use super::super::messages::Joined;
    use super::*;

    const MASK: [u8; 4] = [0x11, 0x22, 0x33, 0x44];

    fn client_frame(first: u8, body: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match body.len() {
            0..=125 => frame.push(MASKED | body.len() as u8),
            126..=0xffff => frame.extend([&[MASKED | 126], &(body.len() as u16).to_be_bytes()[..]].concat()),
            _ => frame.extend([&[MASKED | 127], &(body.len() as u64).to_be_bytes()[..]].concat()),
        }
        frame.extend(MASK);
        frame.extend(body.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
        frame
    }

    /// The bytes, pings and ending of a stream cut into chunks of this size.
    fn decode(stream: &[u8], chunk_size: usize) -> (Vec<u8>, Vec<Vec<u8>>, Option<Ending>) {
        let mut decoder = Decoder::new(100_000);
        let (mut data, mut pings) = (Vec::new(), Vec::new());
        for bytes in stream.chunks(chunk_size) {
            let mut buffer = bytes.to_vec();
            let mut joined = Joined::default();
            let chunk = decoder.decode(&mut buffer, &mut joined);
            data.extend_from_slice(&buffer[joined.data]);
            pings.extend(chunk.ping);
            if chunk.ending.is_some() {
                return (data, pings, chunk.ending);
            }
        }
        (data, pings, None)
    }

    fn refused(stream: &[u8]) -> bool {
        decode(stream, stream.len()).2 == Some(Ending::Violation(Violation::Protocol))
    }

    #[test]
    fn frames_of_every_kind_and_length_pass_however_they_are_cut() {
        let long: Vec<u8> = (0..70_000u32).map(|number| (number * 7) as u8).collect();
        let stream = [
            client_frame(FINAL | BINARY, b"binary"),
            client_frame(FINAL | TEXT, b""),
            client_frame(TEXT, b"frag"),
            client_frame(FINAL | PING, b"are you there"),
            client_frame(CONTINUATION, b""),
            client_frame(FINAL | CONTINUATION, b"ments"),
            client_frame(FINAL | PONG, b""),
            client_frame(FINAL | BINARY, &long[..300]),
            client_frame(FINAL | BINARY, &long),
            client_frame(FINAL | CLOSE, &[0x0f, 0xa1, b'b', b'y', b'e']),
            client_frame(FINAL | BINARY, b"too late"),
        ]
        .concat();
        let expected = [b"binaryfragments", &long[..300], &long].concat();
        for chunk_size in [1, 2, 3, 7, 100, 65_536, stream.len()] {
            let (data, pings, ending) = decode(&stream, chunk_size);
            assert_eq!(data, expected, "in chunks of {chunk_size}");
            assert_eq!(pings, [b"are you there"]);
            assert_eq!(ending, Some(Ending::Close(b"\x0f\xa1bye".to_vec())));
        }
    }

    #[test]
    fn what_no_client_may_send_is_refused() {
        assert!(refused(&[FINAL | BINARY, 0]), "not masked");
        assert!(refused(&client_frame(FINAL | 0x40 | BINARY, b"")), "reserved bit");
        assert!(refused(&client_frame(FINAL | 0x3, b"")), "unknown kind");
        assert!(refused(&client_frame(FINAL | CONTINUATION, b"")), "nothing to continue");
        assert!(refused(&[client_frame(TEXT, b""), client_frame(FINAL | TEXT, b"")].concat()), "two messages at once");
        assert!(refused(&client_frame(PING, b"")), "control frame in fragments");
        assert!(refused(&client_frame(FINAL | PING, &[0; 126])), "long control frame");
        assert!(refused(&client_frame(FINAL | CLOSE, &[3])), "half a code");
        assert!(refused(&client_frame(FINAL | CLOSE, &[3, 237])), "code 1005 is not for the wire");
        assert!(refused(&client_frame(FINAL | CLOSE, &[3, 232, 0xff])), "reason is not text");
    }

    #[test]
    fn messages_over_the_limit_are_refused_before_their_bytes() {
        let too_big = Some(Ending::Violation(Violation::TooBig));
        let whole = client_frame(FINAL | BINARY, &[1; 100_001]);
        assert_eq!(decode(&whole[..14], 14), (vec![], vec![], too_big));
        let fragments = [client_frame(BINARY, &[1; 60_000]), client_frame(FINAL | CONTINUATION, &[1; 40_001])].concat();
        let (data, _, ending) = decode(&fragments, 1000);
        assert_eq!((data.len(), ending), (60_000, Some(Ending::Violation(Violation::TooBig))));
    }
}
