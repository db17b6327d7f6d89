//! Whether what is waited for usually comes so soon that it pays to stay awake for it: to be woken takes longer then than
//! to wait. That is so between machines side by side whose programs ask and answer each other.

use std::time::Duration;

/// Something is soon if it takes no longer than this, the waking of sleepers at both ends included: that ends when both
/// stay awake, but they begin at different times.
pub(super) const SOON: Duration = Duration::from_micros(200);
/// Soon ones in a row after which others are expected to be.
const ENOUGH: i32 = 8;
/// Soon ones more that it takes after one was awaited in vain: a sixteenth of the time may be wasted, if all others come
/// when nobody stays awake for them.
const DOUBT: i32 = 24;
/// Soon ones in a row after which a late one is an exception, which a few more make up for: whoever was asked had
/// something else to do for once.
const MANY: u32 = 64;
const EXCEPTION: i32 = 2;

#[derive(Default)]
pub(super) struct Habit {
    confidence: i32,
    in_a_row: u32,
}

impl Habit {
    /// Takes note that it came after so long, and nobody stayed awake for it in vain.
    pub(super) fn came(&mut self, after: Duration) {
        if after <= SOON {
            self.confidence = (self.confidence + 1).min(ENOUGH);
            self.in_a_row = self.in_a_row.saturating_add(1);
        } else {
            self.was_broken(0);
        }
    }

    /// Takes note that something else came instead.
    pub(super) fn something_else_came(&mut self) {
        self.was_broken(0);
    }

    /// Takes note that it did not come while the thread stayed awake for it, as long as for any that is soon.
    pub(super) fn failed_to_come(&mut self) {
        self.was_broken(-DOUBT);
    }

    pub(super) fn is_soon(&self) -> bool {
        self.confidence >= ENOUGH
    }

    fn was_broken(&mut self, most_confidence: i32) {
        let most_confidence = if self.in_a_row >= MANY { ENOUGH - EXCEPTION } else { most_confidence };
        self.confidence = self.confidence.min(most_confidence);
        self.in_a_row = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many soon ones it takes until others are expected.
    fn takes(habit: &mut Habit) -> i32 {
        let mut count = 0;
        while !habit.is_soon() {
            habit.came(SOON);
            count += 1;
        }
        count
    }

    #[test]
    fn it_is_expected_when_it_came_soon_often_enough() {
        let mut habit = Habit::default();
        for late in [|habit: &mut Habit| habit.came(SOON + Duration::from_micros(1)), Habit::something_else_came] {
            assert_eq!(takes(&mut habit), ENOUGH);
            (0..MANY / 2).for_each(|_| habit.came(SOON));
            late(&mut habit);
            assert!(!habit.is_soon());
        }
        assert_eq!(takes(&mut habit), ENOUGH);
    }

    #[test]
    fn it_takes_longer_after_it_was_awaited_in_vain() {
        let mut habit = Habit::default();
        takes(&mut habit);
        habit.failed_to_come();
        assert_eq!(takes(&mut habit), DOUBT + ENOUGH);
    }

    #[test]
    fn after_many_one_is_an_exception_but_not_a_second() {
        let mut habit = Habit::default();
        for late in [Habit::failed_to_come, |habit: &mut Habit| habit.came(SOON * 2)] {
            (0..MANY).for_each(|_| habit.came(SOON));
            late(&mut habit);
            assert!(!habit.is_soon());
            assert_eq!(takes(&mut habit), EXCEPTION);
        }
        habit.failed_to_come();
        assert_eq!(takes(&mut habit), DOUBT + ENOUGH);
    }
}
