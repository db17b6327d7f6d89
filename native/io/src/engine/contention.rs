//! Whether others want the processors that the packet thread needs.
//!
//! Where a processor is free, an ordinary thread is woken as soon as one in real time, or sooner: it may run where the
//! packet was made, while the other is tied to a processor that has halted. And it may stay awake, as it gives way to who
//! has a moment's work. But who has work without end keeps a processor for milliseconds, in which packets wait.

use std::time::{Duration, Instant};

use crate::scheduling::Waits;

/// Waits are looked at so often at most.
const PACE: Duration = Duration::from_millis(1);
/// A wait that shows that somebody keeps the processor.
const LONG: Duration = Duration::from_millis(1);
/// Of so many waits one may be long.
const RARE: f64 = 200.0;
/// Long waits, above those rare ones, that show that others want the processor.
const ENOUGH: f64 = 9.5;
/// How long they are believed to want it at first, and how long at most, where it turns out again that they do.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(16);

pub(super) struct Contention {
    seen: Waits,
    next_look: Instant,
    long_waits: f64,
    period: Duration,
    over_at: Option<Instant>,
}

impl Contention {
    pub(super) fn new(now: Instant) -> Self {
        Self { seen: Waits::default(), next_look: now, long_waits: 0.0, period: SHORTEST, over_at: None }
    }

    /// Whether it is time to look at the waits again.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.next_look
    }

    /// Takes note of how long the thread has waited for processors so far.
    pub(super) fn note(&mut self, now: Instant, waits: Waits) {
        let before = std::mem::replace(&mut self.seen, waits);
        self.next_look = now + PACE;
        self.long_waits = (self.long_waits - (waits.count - before.count) as f64 / RARE).max(0.0);
        if waits.total - before.total >= LONG {
            self.long_waits += 1.0;
        }
        if self.long_waits >= ENOUGH {
            // One more long wait tells that nothing has changed.
            self.long_waits = ENOUGH - 0.5;
            let has_just_ended = self.over_at.is_some_and(|over_at| now < over_at + self.period);
            self.period = if has_just_ended { (2 * self.period).min(LONGEST) } else { SHORTEST };
            self.over_at = Some(now + self.period);
        }
    }

    /// Whether others want the processor.
    pub(super) fn is_high(&self, now: Instant) -> bool {
        self.over_at.is_some_and(|over_at| now < over_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits as often as each `pace` for five seconds, each `every`-th time for `long`.
    fn is_high_after(pace: Duration, every: u64, long: Duration) -> bool {
        let began = Instant::now();
        let (mut now, mut waits) = (began, Waits::default());
        let mut contention = Contention::new(now);
        while now < began + Duration::from_secs(5) {
            let wait = if waits.count % every == every - 1 { long } else { Duration::from_micros(5) };
            now += pace + wait;
            waits = Waits { total: waits.total + wait, count: waits.count + 1 };
            if contention.is_due(now) {
                contention.note(now, waits);
            }
        }
        contention.is_high(now)
    }

    #[test]
    fn who_keeps_the_processor_wants_it() {
        assert!(is_high_after(Duration::from_micros(20), 1, Duration::from_millis(4)));
        assert!(is_high_after(Duration::from_micros(20), 50, Duration::from_millis(4)));
        assert!(is_high_after(Duration::from_millis(8), 25, Duration::from_millis(4)), "few packets wait as well");
    }

    #[test]
    fn who_has_a_moments_work_does_not() {
        assert!(!is_high_after(Duration::from_micros(20), 2, Duration::from_micros(50)));
        assert!(!is_high_after(Duration::from_micros(20), 1000, Duration::from_millis(4)));
        assert!(!is_high_after(Duration::from_millis(16), 300, Duration::from_millis(4)));
    }

    #[test]
    fn it_may_be_over_and_is_believed_for_longer_each_time_that_it_is_not() {
        let mut now = Instant::now();
        let mut contention = Contention::new(now);
        let mut waits = Waits::default();
        let mut wait_long = |contention: &mut Contention, now: Instant| {
            waits = Waits { total: waits.total + LONG, count: waits.count + 1 };
            contention.note(now, waits);
        };
        (0..9).for_each(|_| wait_long(&mut contention, now));
        assert!(!contention.is_high(now));
        wait_long(&mut contention, now);
        for seconds in [1, 2, 4, 8, 16, 16] {
            assert!(contention.is_high(now + Duration::from_secs(seconds) - LONG));
            now += Duration::from_secs(seconds);
            assert!(!contention.is_high(now));
            wait_long(&mut contention, now);
        }
        now += 2 * LONGEST + Duration::from_secs(1);
        wait_long(&mut contention, now);
        assert!(!contention.is_high(now + SHORTEST), "that was another time");
    }
}
