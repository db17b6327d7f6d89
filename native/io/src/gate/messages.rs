//! The messages of a client, as they come out of its frames.

use std::ops::Range;

/// What messages hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Binary,
}

/// Takes the messages of a client.
pub(super) trait Messages {
    /// Takes the next bytes of the present message, which lie unmasked in the buffer.
    fn append(&mut self, kind: Kind, buffer: &mut [u8], range: Range<usize>);
    /// Hears that the present message is whole.
    fn finish(&mut self, kind: Kind);
}

/// Forgets the borders of messages, and moves their bytes together.
#[derive(Debug, Default)]
pub(super) struct Joined {
    /// Where in the buffer the bytes lie, without gaps.
    pub data: Range<usize>,
}

impl Messages for Joined {
    fn append(&mut self, _: Kind, buffer: &mut [u8], range: Range<usize>) {
        if self.data.is_empty() {
            self.data = range;
        } else {
            let end = self.data.end + range.len();
            if self.data.end != range.start {
                buffer.copy_within(range, self.data.end);
            }
            self.data.end = end;
        }
    }

    fn finish(&mut self, _: Kind) {}
}
