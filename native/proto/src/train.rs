//! A train: datagrams for one place that one system call sends. Whoever has it seals it, on whatever thread.

use std::sync::Arc;

use crate::session::SealKey;
use crate::{Ecn, Route, Transmit};

/// Most datagrams that Linux segments out of one call.
const MOST_SEGMENTS: usize = 64;
/// Most bytes of one UDP call.
const LONGEST: usize = 65_507;

/// Datagrams for one place, not sealed yet: nobody sees them before they are.
pub struct Train {
    to: Route,
    ecn: Ecn,
    segment_size: usize,
    segments: usize,
    /// Whether another datagram may join.
    open: bool,
    length: usize,
    bytes: Box<[u8]>,
    runs: Vec<Run>,
}

/// A train that can be sent.
pub struct SealedTrain(Train);

/// Datagrams in a row that one key seals, or none, as they say nothing secret and are authenticated already.
struct Run {
    key: Option<Arc<SealKey>>,
    datagrams: usize,
}

impl Train {
    /// An empty train of datagrams of `segment_size` bytes; `spare` is one that was sent, whose room is used again.
    pub(crate) fn new(to: Route, ecn: Ecn, segment_size: usize, spare: Option<SealedTrain>) -> Self {
        let (bytes, runs) = match spare {
            Some(SealedTrain(Self { bytes, runs, .. })) => (bytes, runs),
            None => (vec![0; LONGEST].into_boxed_slice(), Vec::new()),
        };
        Self { to, ecn, segment_size, segments: 0, open: true, length: 0, bytes, runs }
    }

    pub fn to(&self) -> Route {
        self.to
    }

    /// Bytes of all its datagrams.
    pub fn length(&self) -> usize {
        self.length
    }

    /// What it takes on the line to its place, or to the relay.
    pub(crate) fn length_on_the_line(&self) -> usize {
        self.length + self.segments * self.to.header_length()
    }

    /// Whether a datagram may join.
    pub(crate) fn takes(&self, ecn: Ecn, length: usize) -> bool {
        self.open
            && ecn == self.ecn
            && length <= self.segment_size
            && self.segments < MOST_SEGMENTS
            && self.length + length <= self.bytes.len()
    }

    /// Room for a datagram that joins, not cleared, and is to be sealed with `key`.
    pub(crate) fn add(&mut self, length: usize, key: Option<&Arc<SealKey>>) -> &mut [u8] {
        match self.runs.last_mut().filter(|run| run.key.as_ref().map(Arc::as_ptr) == key.map(Arc::as_ptr)) {
            Some(run) => run.datagrams += 1,
            None => self.runs.push(Run { key: key.cloned(), datagrams: 1 }),
        }
        self.open = length == self.segment_size;
        self.segments += 1;
        let start = self.length;
        self.length += length;
        &mut self.bytes[start..self.length]
    }

    /// Seals each datagram.
    #[must_use]
    pub fn seal(mut self) -> SealedTrain {
        let mut datagrams = self.bytes[..self.length].chunks_mut(self.segment_size);
        for Run { key, datagrams: count } in self.runs.drain(..) {
            for datagram in datagrams.by_ref().take(count) {
                key.iter().for_each(|key| key.seal(datagram));
            }
        }
        SealedTrain(self)
    }
}

impl SealedTrain {
    /// What is to be sent.
    pub fn transmit(&self) -> Transmit<'_> {
        let Train { to, ecn, segment_size, length, ref bytes, .. } = self.0;
        Transmit { to, ecn, segment_size, bytes: &bytes[..length] }
    }
}
