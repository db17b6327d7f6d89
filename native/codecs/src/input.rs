//! Reading a block from its beginning to its end.

use crate::Damage;

/// What of a block is still to be read.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    pub fn byte(&mut self) -> Result<usize, Damage> {
        let (first, rest) = self.0.split_first().ok_or(Damage::CutOff)?;
        self.0 = rest;
        Ok(usize::from(*first))
    }

    /// Two bytes, the lower one first.
    pub fn pair(&mut self) -> Result<usize, Damage> {
        Ok(self.byte()? | self.byte()? << 8)
    }

    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Damage> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Damage::CutOff)?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
