//! A hash for session indices. They are random numbers that this node has chosen, so nobody can have them collide, and
//! one multiplication spreads them.

use std::hash::{BuildHasherDefault, Hasher};

/// The part of 2^64 that the golden ratio cuts off: its multiples spread evenly (Knuth, TAOCP 6.4).
pub(crate) const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

pub(crate) type IndexHash = BuildHasherDefault<IndexHasher>;

#[derive(Default)]
pub(crate) struct IndexHasher(u64);

impl Hasher for IndexHasher {
    fn write_u32(&mut self, index: u32) {
        self.0 = u64::from(index).wrapping_mul(MIX).rotate_left(u32::BITS);
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(self.0 as u32 ^ u32::from(*byte)));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
