//! The compressions of images that Python's standard library lacks; only undoing them, block by block.
//!
//! A block comes from somebody else: whatever is in it, no more than the limit is written, and nothing outside is read.
#![forbid(unsafe_code)]

mod input;
mod lz4;
mod lzo;
mod output;
mod zstd;

pub use lz4::decompress as decompress_lz4;
pub use lzo::decompress as decompress_lzo;
pub use zstd::decompress as decompress_zstd;

/// What is wrong with a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It ends in the middle.
    #[error("the block is cut off")]
    CutOff,
    /// It repeats what was never written.
    #[error("the block refers to what is not there")]
    BadDistance,
    /// It has more bytes than the caller allows.
    #[error("the block is larger than it may be")]
    TooLarge,
    /// It is no block of this compression.
    #[error("the block is malformed")]
    Malformed,
}
