//! Frames put together from the pieces in which messages come.

use std::ops::Range;

use golem_vpn_proto::packet::ethernet::LONGEST_FRAME;

use super::drops::{Drops, FrameDrop};
use crate::gate::messages::{Kind, Messages};

/// The message at hand, held as far as a frame goes, and the frames that are whole.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    message: Vec<u8>,
    frames: Vec<Vec<u8>>,
}

/// An assembly for one chunk of the client's bytes.
pub(super) struct Assembling<'a> {
    pub assembly: &'a mut Assembly,
    pub drops: &'a Drops,
}

impl Assembly {
    /// Takes the frames that are whole.
    pub fn take(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.frames)
    }
}

impl Messages for Assembling<'_> {
    fn append(&mut self, kind: Kind, buffer: &mut [u8], range: Range<usize>) {
        if kind == Kind::Binary {
            // One byte more shows that it is too long.
            let room = LONGEST_FRAME + 1 - self.assembly.message.len();
            let bytes = &buffer[range];
            self.assembly.message.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    fn finish(&mut self, kind: Kind) {
        let length = self.assembly.message.len();
        match kind {
            Kind::Text => self.drops.count(FrameDrop::TextMessage),
            Kind::Binary if length > LONGEST_FRAME => {
                self.drops.count(FrameDrop::TooLong);
                self.assembly.message.clear();
            }
            Kind::Binary if length == 0 => self.drops.count(FrameDrop::TooShort),
            Kind::Binary => self.assembly.frames.push(std::mem::take(&mut self.assembly.message)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_in_pieces_is_one_frame_and_one_that_is_too_long_is_none() {
        let (mut assembly, drops) = (Assembly::default(), Drops::default());
        let mut assembling = Assembling { assembly: &mut assembly, drops: &drops };
        let mut buffer = vec![7; 2000];
        assembling.append(Kind::Binary, &mut buffer, 0..1000);
        assembling.append(Kind::Binary, &mut buffer, 0..LONGEST_FRAME - 1000);
        assembling.finish(Kind::Binary);
        for _ in 0..1000 {
            assembling.append(Kind::Binary, &mut buffer, 0..2000);
        }
        assembling.finish(Kind::Binary);
        assembling.append(Kind::Text, &mut buffer, 0..100);
        assembling.finish(Kind::Text);
        assembling.finish(Kind::Binary);
        assembling.append(Kind::Binary, &mut buffer, 0..20);
        assembling.finish(Kind::Binary);
        assert_eq!(assembly.take(), [vec![7; LONGEST_FRAME], vec![7; 20]]);
        for reason in [FrameDrop::TooLong, FrameDrop::TextMessage, FrameDrop::TooShort] {
            assert_eq!(drops.of(reason), 1, "{reason:?}");
        }
    }
}
