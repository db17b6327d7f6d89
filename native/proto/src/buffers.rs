//! Buffers for packets, to be used again, so that in steady state nothing is allocated.

/// Bytes of a buffer that packets and super-packets are read into.
pub const READ_LENGTH: usize = 1 << 16;

/// Room of a buffer for one packet; a super-packet gets a large one.
const SMALL: usize = 2048;
const LARGE: usize = READ_LENGTH;
const MOST_SPARE_SMALL: usize = 512;
const MOST_SPARE_LARGE: usize = 64;

#[derive(Default)]
pub(crate) struct Buffers {
    small: Vec<Vec<u8>>,
    large: Vec<Vec<u8>>,
}

impl Buffers {
    /// An empty buffer with room for `length` bytes.
    pub fn take(&mut self, length: usize) -> Vec<u8> {
        let (spare, capacity) = if length <= SMALL { (&mut self.small, SMALL) } else { (&mut self.large, LARGE) };
        let mut buffer = spare.pop().unwrap_or_else(|| Vec::with_capacity(capacity));
        buffer.clear();
        buffer
    }

    /// Takes the first `length` bytes out of a buffer: few are copied, many keep it, and one of [`LARGE`] bytes replaces it.
    pub fn take_out(&mut self, buffer: &mut Vec<u8>, length: usize) -> Vec<u8> {
        if length <= SMALL {
            let mut taken = self.take(length);
            taken.extend_from_slice(&buffer[..length]);
            return taken;
        }
        let mut other = self.large.pop().unwrap_or_default();
        // What was in it stays: only what is missing at its end is written.
        other.resize(LARGE, 0);
        let mut taken = std::mem::replace(buffer, other);
        taken.truncate(length);
        taken
    }

    /// Moves what is in a small buffer to a large one.
    pub fn enlarge(&mut self, packet: &mut Vec<u8>) {
        if packet.capacity() < LARGE {
            let mut large = self.take(LARGE);
            large.extend_from_slice(packet);
            let small = std::mem::replace(packet, large);
            self.give_back(small);
        }
    }

    /// Takes a buffer that is done with.
    pub fn give_back(&mut self, buffer: Vec<u8>) {
        let (spare, most) = if buffer.capacity() < LARGE {
            (&mut self.small, MOST_SPARE_SMALL)
        } else {
            (&mut self.large, MOST_SPARE_LARGE)
        };
        if spare.len() < most {
            spare.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_has_as_much_room_after_something_was_taken_out() {
        let (mut buffers, mut buffer) = (Buffers::default(), vec![7; LARGE]);
        for length in [1, SMALL, SMALL + 1, LARGE, 5000, SMALL] {
            buffer[..length].fill(length as u8);
            let taken = buffers.take_out(&mut buffer, length);
            assert_eq!((taken.len(), buffer.len()), (length, LARGE));
            assert!(taken.iter().all(|byte| *byte == length as u8));
            buffers.give_back(taken);
        }
        assert!(buffers.take(LARGE).is_empty() && buffers.take(1).is_empty());
    }
}
