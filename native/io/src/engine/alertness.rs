//! For how long the packet thread stays awake after what has passed, with a view to what comes next.
//!
//! Where two machines ask and answer each other, each waits for the other in turns: after a packet for a peer comes one
//! from it, and the other way round. Streams are no such turns: many packets go one way for one that comes back.

use std::mem;
use std::time::{Duration, Instant};

use super::habit::{Habit, SOON};

/// How long the thread stays awake where latency matters most, whatever comes: longer than a peer nearby takes that stays
/// awake too, and short enough that whoever waits for the processor does not notice.
const AWAKE_FOR: Duration = Duration::from_micros(50);

/// Which way a packet went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Out,
    In,
}

/// The last that passed, and how long to be awake for what follows.
struct Turn {
    way: Way,
    at: Instant,
    awake_until: Option<Instant>,
}

pub(super) struct Alertness {
    low_latency: bool,
    packets_out: u64,
    packets_in: u64,
    /// What follows a packet that went out, and what follows one that came in.
    answers: Habit,
    requests: Habit,
    turn: Option<Turn>,
}

impl Alertness {
    /// `low_latency`: whether to stay awake for a moment in any case.
    pub(super) fn new(low_latency: bool) -> Self {
        Self {
            low_latency,
            packets_out: 0,
            packets_in: 0,
            answers: Habit::default(),
            requests: Habit::default(),
            turn: None,
        }
    }

    /// Takes note of how many packets have passed until now, in all.
    pub(super) fn note(&mut self, now: Instant, packets_in: u64, packets_out: u64) {
        // What comes in is served first in each round.
        if mem::replace(&mut self.packets_in, packets_in) != packets_in {
            self.passed(now, Way::In);
        }
        if mem::replace(&mut self.packets_out, packets_out) != packets_out {
            self.passed(now, Way::Out);
        }
    }

    /// Begins anew after a load in which nobody waits for single packets.
    pub(super) fn forget(&mut self) {
        self.turn = None;
    }

    /// Whether to be awake still, which may end with what should have come.
    pub(super) fn is_awake(&mut self, now: Instant) -> bool {
        let Some(turn) = &mut self.turn else { return false };
        let Some(until) = turn.awake_until else { return false };
        if now < until {
            return true;
        }
        turn.awake_until = None;
        let way = turn.way;
        let habit = self.habit(way);
        if habit.is_soon() {
            habit.failed_to_come();
            self.turn = None;
        }
        false
    }

    /// Whether it is awake for what follows a packet that went out.
    pub(super) fn awaits_answer(&self) -> bool {
        self.turn.as_ref().is_some_and(|turn| turn.way == Way::Out)
    }

    /// Whether it is awake as yet for something that usually follows, or stays awake in any case.
    pub(super) fn is_alert(&self) -> bool {
        self.turn.as_ref().is_some_and(|turn| turn.awake_until.is_some())
    }

    /// Goes to sleep all the same.
    pub(super) fn give_up(&mut self) {
        if let Some(turn) = &mut self.turn {
            turn.awake_until = None;
        }
    }

    fn passed(&mut self, now: Instant, way: Way) {
        if let Some(last) = self.turn.take() {
            let habit = self.habit(last.way);
            if last.way != way {
                habit.came(now.saturating_duration_since(last.at));
            } else if habit.is_soon() && last.awake_until.is_some() {
                habit.failed_to_come();
            } else {
                habit.something_else_came();
            }
        }
        let awake_for = if self.habit(way).is_soon() {
            Some(SOON)
        } else if self.low_latency {
            Some(AWAKE_FOR)
        } else {
            None
        };
        self.turn = Some(Turn { way, at: now, awake_until: awake_for.map(|awake_for| now + awake_for) });
    }

    /// What usually follows a packet that went this way.
    fn habit(&mut self, way: Way) -> &mut Habit {
        match way {
            Way::Out => &mut self.answers,
            Way::In => &mut self.requests,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_micros(20);

    struct Passing {
        alertness: Alertness,
        now: Instant,
        totals: (u64, u64),
    }

    impl Passing {
        fn new(low_latency: bool) -> Self {
            Self { alertness: Alertness::new(low_latency), now: Instant::now(), totals: (0, 0) }
        }

        /// Lets so many packets pass each way after a while.
        fn pass(&mut self, after: Duration, packets_in: u64, packets_out: u64) {
            self.now += after;
            self.totals.0 += packets_in;
            self.totals.1 += packets_out;
            self.alertness.note(self.now, self.totals.0, self.totals.1);
        }

        /// How long it stays awake if nothing comes.
        fn awake_for(&mut self) -> Duration {
            let began = self.now;
            while self.alertness.is_awake(self.now) {
                self.now += Duration::from_micros(1);
            }
            self.now - began
        }

        fn turns(&mut self) {
            for _ in 0..10 {
                self.pass(MOMENT, 0, 1);
                self.pass(MOMENT, 1, 0);
            }
        }
    }

    #[test]
    fn it_stays_awake_for_the_next_of_many_turns_whoever_s_it_is() {
        let mut passing = Passing::new(false);
        passing.pass(MOMENT, 0, 1);
        assert_eq!(passing.awake_for(), Duration::ZERO);
        passing.turns();
        assert!(passing.alertness.is_alert() && !passing.alertness.awaits_answer());
        passing.pass(MOMENT, 0, 1);
        assert!(passing.alertness.awaits_answer());
        passing.pass(MOMENT, 1, 0);
        assert_eq!(passing.awake_for(), SOON);
        passing.pass(MOMENT, 0, 1);
        assert_eq!(passing.awake_for(), SOON, "answers have not failed to come");
        passing.pass(MOMENT, 1, 0);
        assert_eq!(passing.awake_for(), Duration::ZERO, "but requests have");
    }

    #[test]
    fn a_request_may_follow_an_answer_within_a_round() {
        let mut passing = Passing::new(false);
        (0..10).for_each(|_| passing.pass(MOMENT, 1, 1));
        assert_eq!(passing.awake_for(), SOON);
    }

    #[test]
    fn who_receives_a_stream_has_nobody_to_wait_for() {
        let mut passing = Passing::new(false);
        for _ in 0..100 {
            for _ in 0..2 {
                passing.pass(MOMENT, 1, 0);
                assert_eq!(passing.awake_for(), Duration::ZERO);
            }
            passing.pass(MOMENT, 0, 1);
        }
    }

    #[test]
    fn turns_that_take_long_are_not_awaited() {
        let mut passing = Passing::new(false);
        passing.turns();
        passing.pass(2 * SOON, 0, 1);
        passing.pass(2 * SOON, 1, 0);
        assert_eq!(passing.awake_for(), Duration::ZERO);
    }

    #[test]
    fn where_latency_matters_most_it_stays_awake_in_any_case() {
        let mut passing = Passing::new(true);
        assert_eq!(passing.awake_for(), Duration::ZERO);
        for _ in 0..3 {
            passing.pass(MOMENT, 0, 1);
            assert_eq!(passing.awake_for(), AWAKE_FOR);
        }
        passing.pass(MOMENT, 1, 0);
        assert_eq!(passing.awake_for(), AWAKE_FOR);
    }

    #[test]
    fn it_goes_to_sleep_when_told_to() {
        let mut passing = Passing::new(true);
        passing.pass(MOMENT, 0, 1);
        passing.alertness.give_up();
        assert_eq!(passing.awake_for(), Duration::ZERO);
        passing.pass(MOMENT, 0, 1);
        passing.alertness.forget();
        assert!(!passing.alertness.is_alert() && passing.awake_for() == Duration::ZERO);
    }
}
