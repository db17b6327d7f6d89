//! Whether what was sent is answered so soon that it pays to stay awake for the answer: to be woken takes longer then
//! than to wait. That is so between machines side by side whose programs ask and answer each other.

use std::time::Duration;

/// An answer is soon if it takes no longer than this, the waking of sleepers at both ends included: that ends when both
/// stay awake, but they begin at different times.
pub(super) const SOON: Duration = Duration::from_micros(200);
/// Soon answers in a row after which others are expected to be.
const ENOUGH: i32 = 8;
/// Soon answers more that it takes after one was awaited in vain: a sixteenth of the time may be wasted, if all others come
/// when nobody stays awake for them.
const DOUBT: i32 = 24;

#[derive(Default)]
pub(super) struct Answers {
    confidence: i32,
}

impl Answers {
    /// Takes note that something came so long after something was sent.
    pub(super) fn came(&mut self, after: Duration) {
        self.confidence = if after <= SOON { (self.confidence + 1).min(ENOUGH) } else { self.confidence.min(0) };
    }

    /// Takes note that nothing came while the thread stayed awake for it.
    pub(super) fn failed_to_come(&mut self) {
        self.confidence = -DOUBT;
    }

    pub(super) fn are_soon(&self) -> bool {
        self.confidence >= ENOUGH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many soon answers it takes until others are expected.
    fn takes(answers: &mut Answers) -> i32 {
        let mut count = 0;
        while !answers.are_soon() {
            answers.came(SOON);
            count += 1;
        }
        count
    }

    #[test]
    fn answers_are_expected_when_enough_came_soon() {
        let mut answers = Answers::default();
        assert_eq!(takes(&mut answers), ENOUGH);
        (0..1000).for_each(|_| answers.came(SOON));
        answers.came(SOON + Duration::from_micros(1));
        assert!(!answers.are_soon());
        assert_eq!(takes(&mut answers), ENOUGH);
    }

    #[test]
    fn it_takes_longer_after_one_was_awaited_in_vain() {
        let mut answers = Answers::default();
        takes(&mut answers);
        answers.failed_to_come();
        answers.came(SOON * 2);
        assert_eq!(takes(&mut answers), DOUBT + ENOUGH);
    }
}
