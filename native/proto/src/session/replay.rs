//! The sliding window of RFC 6479: a ring of words, so that moving on clears whole words and shifts nothing.

const WORDS: usize = 128;
const WORD_BITS: u64 = u64::BITS as u64;

/// Remembers which counters were received.
#[derive(Clone, Debug)]
pub struct ReplayWindow {
    words: [u64; WORDS],
    /// One more than the highest counter received.
    end: u64,
}

impl ReplayWindow {
    /// How far behind the highest counter a counter may come and still be taken.
    pub const SIZE: u64 = (WORDS as u64 - 1) * WORD_BITS;

    /// A window that has received nothing.
    pub fn new() -> Self {
        Self { words: [0; WORDS], end: 0 }
    }

    /// Whether `counter` is the highest so far.
    pub fn is_newest(&self, counter: u64) -> bool {
        counter >= self.end
    }

    /// Whether `counter` was not received before, and is not too old to tell.
    pub fn is_fresh(&self, counter: u64) -> bool {
        if counter >= self.end {
            return counter != u64::MAX;
        }
        self.end - counter <= Self::SIZE && self.words[word(counter)] & bit(counter) == 0
    }

    /// Marks a fresh counter as received.
    pub fn mark(&mut self, counter: u64) {
        if counter >= self.end {
            self.advance(counter);
        }
        self.words[word(counter)] |= bit(counter);
    }

    fn advance(&mut self, counter: u64) {
        let newest = self.end.saturating_sub(1) / WORD_BITS;
        let steps = (counter / WORD_BITS - newest).min(WORDS as u64);
        for step in 1..=steps {
            self.words[((newest + step) % WORDS as u64) as usize] = 0;
        }
        self.end = counter + 1;
    }
}

impl Default for ReplayWindow {
    fn default() -> Self {
        Self::new()
    }
}

fn word(counter: u64) -> usize {
    (counter / WORD_BITS % WORDS as u64) as usize
}

fn bit(counter: u64) -> u64 {
    1 << (counter % WORD_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(window: &mut ReplayWindow, counter: u64) -> bool {
        let fresh = window.is_fresh(counter);
        if fresh {
            window.mark(counter);
        }
        fresh
    }

    #[test]
    fn each_counter_is_taken_once() {
        let mut window = ReplayWindow::new();
        for counter in [0, 1, 5, 3, 64, 63, 2] {
            assert!(receive(&mut window, counter));
            assert!(!receive(&mut window, counter));
        }
    }

    #[test]
    fn old_counters_are_refused() {
        let mut window = ReplayWindow::new();
        assert!(receive(&mut window, 10_000));
        assert!(receive(&mut window, 10_001 - ReplayWindow::SIZE));
        assert!(!receive(&mut window, 10_000 - ReplayWindow::SIZE));
        assert!(receive(&mut window, 1 << 60));
        assert!(!receive(&mut window, 10_002));
    }

    #[test]
    fn the_last_counter_of_all_is_never_taken() {
        let mut window = ReplayWindow::new();
        assert!(!receive(&mut window, u64::MAX));
        assert!(receive(&mut window, u64::MAX - 1));
    }
}
