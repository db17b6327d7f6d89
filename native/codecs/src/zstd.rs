//! Zstandard frames.

use std::io::Read;

use ruzstd::decoding::StreamingDecoder;

use crate::Damage;

/// Undoes the compression of one block.
///
/// # Errors
///
/// The block is damaged, or holds more than `limit` bytes.
pub fn decompress(block: &[u8], limit: usize) -> Result<Vec<u8>, Damage> {
    let decoder = StreamingDecoder::new(block).map_err(|_| Damage::Malformed)?;
    let mut data = Vec::with_capacity(limit);
    decoder.take(limit as u64 + 1).read_to_end(&mut data).map_err(|_| Damage::Malformed)?;
    if data.len() > limit { Err(Damage::TooLarge) } else { Ok(data) }
}
