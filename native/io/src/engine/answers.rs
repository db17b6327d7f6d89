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
/// Soon answers in a row after which a late one is an exception, which a few more make up for: whoever was asked had
/// something else to do for once.
const MANY: u32 = 256;
const EXCEPTION: i32 = 2;

#[derive(Default)]
pub(super) struct Answers {
    confidence: i32,
    in_a_row: u32,
}

impl Answers {
    /// Takes note that something came so long after something was sent, and nobody stayed awake for it in vain.
    pub(super) fn came(&mut self, after: Duration) {
        if after <= SOON {
            self.confidence = (self.confidence + 1).min(ENOUGH);
            self.in_a_row = self.in_a_row.saturating_add(1);
        } else {
            self.was_late(0);
        }
    }

    /// Takes note that nothing came while the thread stayed awake for it, as long as for any that is soon.
    pub(super) fn failed_to_come(&mut self) {
        self.was_late(-DOUBT);
    }

    fn was_late(&mut self, most_confidence: i32) {
        let most_confidence = if self.in_a_row >= MANY { ENOUGH - EXCEPTION } else { most_confidence };
        self.confidence = self.confidence.min(most_confidence);
        self.in_a_row = 0;
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
        (0..MANY / 2).for_each(|_| answers.came(SOON));
        answers.came(SOON + Duration::from_micros(1));
        assert!(!answers.are_soon());
        assert_eq!(takes(&mut answers), ENOUGH);
    }

    #[test]
    fn it_takes_longer_after_one_was_awaited_in_vain() {
        let mut answers = Answers::default();
        takes(&mut answers);
        answers.failed_to_come();
        assert_eq!(takes(&mut answers), DOUBT + ENOUGH);
    }

    #[test]
    fn after_many_one_is_an_exception_but_not_a_second() {
        let mut answers = Answers::default();
        for late in [Answers::failed_to_come, |answers: &mut Answers| answers.came(SOON * 2)] {
            (0..MANY).for_each(|_| answers.came(SOON));
            late(&mut answers);
            assert!(!answers.are_soon());
            assert_eq!(takes(&mut answers), EXCEPTION);
        }
        answers.failed_to_come();
        assert_eq!(takes(&mut answers), DOUBT + ENOUGH);
    }
}
