//! Buffers for packets, to be used again, so that in steady state nothing is allocated.

/// Room of a buffer for one packet; a super-packet gets a large one.
const SMALL: usize = 2048;
const LARGE: usize = 65_536;
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
        spare.pop().unwrap_or_else(|| Vec::with_capacity(capacity))
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
    pub fn give_back(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
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
