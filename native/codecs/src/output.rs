//! Writing what a block holds, up to a limit.

use crate::Damage;

/// What has been written so far.
pub struct Output {
    data: Vec<u8>,
    limit: usize,
}

impl Output {
    pub fn new(limit: usize) -> Self {
        Self { data: Vec::with_capacity(limit), limit }
    }

    pub fn append(&mut self, literals: &[u8]) -> Result<(), Damage> {
        self.check_room(literals.len())?;
        self.data.extend_from_slice(literals);
        Ok(())
    }

    /// Writes again what was written a distance ago; it may be repeated many times over.
    pub fn repeat(&mut self, distance: usize, length: usize) -> Result<(), Damage> {
        self.check_room(length)?;
        let start = self.data.len().checked_sub(distance).ok_or(Damage::BadDistance)?;
        if distance == 0 {
            return Err(Damage::BadDistance);
        }
        let mut left = length;
        while left > 0 {
            // What is copied grows with each round, so even a run of one byte takes few of them.
            let count = left.min(self.data.len() - start);
            self.data.extend_from_within(start..start + count);
            left -= count;
        }
        Ok(())
    }

    pub fn finish(self) -> Vec<u8> {
        self.data
    }

    fn check_room(&self, wanted: usize) -> Result<(), Damage> {
        if self.limit - self.data.len() < wanted { Err(Damage::TooLarge) } else { Ok(()) }
    }
}
