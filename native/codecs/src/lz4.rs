//! LZ4 blocks: literals and repetitions in turn, with literals at the end.

use crate::Damage;
use crate::input::Input;
use crate::output::Output;

const SHORTEST_MATCH: usize = 4;
/// A length in four bits that goes on in the following bytes.
const LONG: usize = 15;
const BYTE_GOES_ON: usize = 255;

/// Undoes the compression of one block.
///
/// # Errors
///
/// The block is damaged, or holds more than `limit` bytes.
pub fn decompress(block: &[u8], limit: usize) -> Result<Vec<u8>, Damage> {
    let mut input = Input(block);
    let mut output = Output::new(limit);
    loop {
        let token = input.byte()?;
        let literals = length(token >> 4, &mut input)?;
        output.append(input.take(literals)?)?;
        if input.is_empty() {
            return Ok(output.finish());
        }
        let distance = input.pair()?;
        let repeated = length(token & 15, &mut input)? + SHORTEST_MATCH;
        output.repeat(distance, repeated)?;
    }
}

fn length(short: usize, input: &mut Input<'_>) -> Result<usize, Damage> {
    let mut length = short;
    if short == LONG {
        loop {
            let more = input.byte()?;
            length += more;
            if more != BYTE_GOES_ON {
                break;
            }
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn literals_alone() {
        assert_eq!(decompress(b"\x50hello", 5), Ok(b"hello".to_vec()));
        assert_eq!(decompress(b"\x00", 0), Ok(Vec::new()));
    }

    #[test]
    fn a_repetition_of_what_it_writes() {
        assert_eq!(decompress(b"\x26ab\x02\x00\x10!", 100), Ok(b"abababababab!".to_vec()));
    }

    #[test]
    fn long_lengths() {
        let mut block = vec![0xf0, 255, 10];
        block.extend([b'x'; 280]);
        assert_eq!(decompress(&block, 280), Ok(vec![b'x'; 280]));
    }

    #[test]
    fn damage() {
        assert_eq!(decompress(b"", 9), Err(Damage::CutOff));
        assert_eq!(decompress(b"\x50hell", 9), Err(Damage::CutOff));
        assert_eq!(decompress(b"\x50hello", 4), Err(Damage::TooLarge));
        assert_eq!(decompress(b"\x10a\x02\x00\x00", 9), Err(Damage::BadDistance));
        assert_eq!(decompress(b"\x10a\x00\x00\x00", 9), Err(Damage::BadDistance));
    }

    proptest! {
        #[test]
        fn anything_is_decompressed_or_refused(block: Vec<u8>, limit in 0..5000usize) {
            if let Ok(data) = decompress(&block, limit) {
                prop_assert!(data.len() <= limit);
            }
        }
    }
}
