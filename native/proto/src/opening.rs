//! Opening datagrams away from the node, on whatever thread. The node says with which keys, and judges what came of it:
//! replays, sources and all that follows stay with it.

use std::sync::Arc;

use crate::session::{OpenKey, Seal};
use crate::wire::Header;

/// The keys of a train.
#[derive(Default)]
pub struct Opening {
    keys: Vec<(u32, Arc<OpenKey>)>,
    /// The last index for which there is no key.
    unknown: Option<u32>,
}

/// A train whose datagrams were opened in place.
pub struct Opened {
    keys: Vec<(u32, Arc<OpenKey>)>,
    verdicts: Vec<Verdict>,
}

#[derive(Clone, Copy)]
enum Verdict {
    /// There was no key for it, and it is as it came.
    Left,
    /// It was opened with the key at this place.
    Authentic(usize),
    Forged,
}

impl Opening {
    /// Has `find` look for the key of a session, unless it is known.
    pub(crate) fn add(&mut self, index: u32, find: impl FnOnce(u32) -> Option<Arc<OpenKey>>) {
        if self.unknown == Some(index) || self.keys.iter().any(|(known, _)| *known == index) {
            return;
        }
        match find(index) {
            Some(key) => self.keys.push((index, key)),
            None => self.unknown = Some(index),
        }
    }

    /// Opens the datagrams that there are keys for.
    #[must_use]
    pub fn open(self, segment_size: usize, bytes: &mut [u8]) -> Opened {
        let verdicts = bytes.chunks_mut(segment_size.max(1)).map(|datagram| self.open_one(datagram)).collect();
        Opened { keys: self.keys, verdicts }
    }

    fn open_one(&self, datagram: &mut [u8]) -> Verdict {
        let Some(header) = Header::parse(datagram) else { return Verdict::Left };
        let Some(at) = self.keys.iter().position(|(index, _)| *index == header.receiver) else { return Verdict::Left };
        if self.keys[at].1.open(datagram) { Verdict::Authentic(at) } else { Verdict::Forged }
    }
}

impl Opened {
    /// What became of a datagram.
    pub(crate) fn seal(&self, number: usize) -> Seal<'_> {
        match self.verdicts.get(number) {
            Some(Verdict::Authentic(at)) => Seal::Opened(&self.keys[*at].1),
            Some(Verdict::Forged) => Seal::Forged,
            Some(Verdict::Left) | None => Seal::Whole,
        }
    }
}
