//! A buffer for reads that is small while its connection idles: a daemon holds thousands of open gates.

const SMALL: usize = 2 << 10;
const LARGE: usize = 60 << 10;
/// So many short reads in a row make it small again. A few come between long ones where messages are long: their rests.
const SHORT_READS: u8 = 8;

/// Space for the next read behind a fixed head, grown by reads that fill it and shrunk by many that don't.
#[derive(Debug)]
pub(super) struct ElasticBuffer {
    head: usize,
    bytes: Vec<u8>,
    short_reads: u8,
}

impl ElasticBuffer {
    /// Makes a small buffer with `head` bytes that no read touches.
    pub fn new(head: usize) -> Self {
        Self { head, bytes: vec![0; head + SMALL], short_reads: 0 }
    }

    /// Where the next read goes.
    pub fn space(&mut self) -> &mut [u8] {
        &mut self.bytes[self.head..]
    }

    /// The head and what was read behind it.
    pub fn filled(&mut self, length: usize) -> &mut [u8] {
        &mut self.bytes[..self.head + length]
    }

    /// Chooses the size for the next read by the length of the last one.
    pub fn adapt(&mut self, length: usize) {
        let size = self.bytes.len() - self.head;
        self.short_reads = if length < size / 16 { self.short_reads + 1 } else { 0 };
        if length == size && size < LARGE {
            self.bytes = vec![0; self.head + LARGE.min(4 * size)];
        } else if self.short_reads == SHORT_READS {
            self.shrink();
        }
    }

    /// Makes the buffer small again.
    pub fn shrink(&mut self) {
        self.short_reads = 0;
        if self.bytes.len() > self.head + SMALL {
            *self = Self::new(self.head);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_with_full_reads_and_shrinks_with_many_short_ones() {
        let mut buffer = ElasticBuffer::new(10);
        for size in [SMALL, SMALL * 4, SMALL * 16, LARGE, LARGE] {
            assert_eq!(buffer.space().len(), size);
            buffer.adapt(size);
        }
        buffer.adapt(LARGE / 2);
        assert_eq!(buffer.space().len(), LARGE);
        (1..SHORT_READS).for_each(|_| buffer.adapt(6));
        buffer.adapt(LARGE / 2);
        (1..SHORT_READS).for_each(|_| buffer.adapt(6));
        assert_eq!(buffer.space().len(), LARGE);
        buffer.adapt(6);
        assert_eq!(buffer.space().len(), SMALL);
        assert_eq!(buffer.filled(6).len(), 16);
    }
}
