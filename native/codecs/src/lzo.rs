//! LZO1X blocks: instructions of one byte and what follows it, each with up to three literals behind it.
//!
//! What a small instruction means depends on the literals before it, as the end of an instruction tells their number.

use crate::Damage;
use crate::input::Input;
use crate::output::Output;

/// How many literals came last, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    None,
    Few,
    Many,
}

const FIRST_BIAS: usize = 17;
const FAR: usize = 0x4000;
const NEAR_AFTER_MANY: usize = 0x801;
const MANY: usize = 4;

/// Undoes the compression of one block.
///
/// # Errors
///
/// The block is damaged, or holds more than `limit` bytes.
pub fn decompress(block: &[u8], limit: usize) -> Result<Vec<u8>, Damage> {
    let mut input = Input(block);
    let mut output = Output::new(limit);
    let mut before = first_literals(&mut input, &mut output)?;
    loop {
        let instruction = input.byte()?;
        let trailing = match instruction {
            0..16 if before == Before::None => {
                let count = 3 + length(instruction, 15, &mut input)?;
                output.append(input.take(count)?)?;
                before = Before::Many;
                continue;
            }
            0..16 => {
                let (base, count) = if before == Before::Few { (1, 2) } else { (NEAR_AFTER_MANY, 3) };
                output.repeat(base + (instruction >> 2) + (input.byte()? << 2), count)?;
                instruction
            }
            16..32 => {
                let count = 2 + length(instruction & 7, 7, &mut input)?;
                let place = input.pair()?;
                let distance = FAR + ((instruction & 8) << 11) + (place >> 2);
                if distance == FAR {
                    return if input.is_empty() { Ok(output.finish()) } else { Err(Damage::Malformed) };
                }
                output.repeat(distance, count)?;
                place
            }
            32..64 => {
                let count = 2 + length(instruction & 31, 31, &mut input)?;
                let place = input.pair()?;
                output.repeat(1 + (place >> 2), count)?;
                place
            }
            _ => {
                output.repeat(1 + ((instruction >> 2) & 7) + (input.byte()? << 3), 1 + (instruction >> 5))?;
                instruction
            }
        } & 3;
        output.append(input.take(trailing)?)?;
        before = if trailing == 0 { Before::None } else { Before::Few };
    }
}

/// Reads the literals that a block may begin with, in a form of their own.
fn first_literals(input: &mut Input<'_>, output: &mut Output) -> Result<Before, Damage> {
    let first = usize::from(*input.0.first().ok_or(Damage::CutOff)?);
    if first <= FIRST_BIAS {
        return Ok(Before::None);
    }
    let count = input.byte()? - FIRST_BIAS;
    output.append(input.take(count)?)?;
    Ok(if count < MANY { Before::Few } else { Before::Many })
}

/// Gives a length whose bits are in the instruction, or that goes on in the following bytes if they are all zero.
fn length(bits: usize, bias: usize, input: &mut Input<'_>) -> Result<usize, Damage> {
    if bits > 0 {
        return Ok(bits);
    }
    let mut length = bias;
    loop {
        match input.byte()? {
            0 => length += 255,
            last => return Ok(length + last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const END: [u8; 3] = [17, 0, 0];

    fn block(parts: &[&[u8]]) -> Vec<u8> {
        parts.iter().copied().chain([&END[..]]).flatten().copied().collect()
    }

    #[test]
    fn nothing() {
        assert_eq!(decompress(&END, 0), Ok(Vec::new()));
    }

    #[test]
    fn literals_at_the_beginning() {
        assert_eq!(decompress(&block(&[&[17 + 5], b"hello"]), 5), Ok(b"hello".to_vec()));
    }

    #[test]
    fn a_long_run_of_literals() {
        let literals = [b'x'; 3 + 15 + 255 + 7];
        assert_eq!(decompress(&block(&[&[0, 0, 7], &literals]), 1000), Ok(literals.to_vec()));
    }

    #[test]
    fn repetitions_near_and_far() {
        // Four literals, six bytes from two ago, then one literal and two bytes from one ago.
        let data = block(&[&[17 + 4], b"abcd", &[32 + 4, (1 << 2) | 1, 0], b"!", &[0, 0]]);
        assert_eq!(decompress(&data, 100), Ok(b"abcdcdcdcd!!!".to_vec()));
    }

    #[test]
    fn damage() {
        assert_eq!(decompress(&[], 9), Err(Damage::CutOff));
        assert_eq!(decompress(&[22, b'a'], 9), Err(Damage::CutOff));
        assert_eq!(decompress(&[0; 9], 9), Err(Damage::CutOff));
        assert_eq!(decompress(&block(&[&[22], b"hello"]), 4), Err(Damage::TooLarge));
        assert_eq!(decompress(&block(&[&[22], b"hello", &[64, 9]]), 99), Err(Damage::BadDistance));
        assert_eq!(decompress(&[17, 0, 0, 0], 9), Err(Damage::Malformed));
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
