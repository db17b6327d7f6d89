//! When a packet that has waited is dropped, so that queues stay short (RFC 8289).

use std::time::{Duration, Instant};

const TARGET: Duration = Duration::from_millis(5);
const INTERVAL: Duration = Duration::from_millis(100);

/// Judges the packets of one queue as they leave it.
#[derive(Default)]
pub(super) struct Codel {
    /// When packets will have waited too long for a whole interval.
    above_at: Option<Instant>,
    dropping: Option<Dropping>,
    /// Of the last time that packets were dropped.
    last: Option<Dropping>,
}

#[derive(Clone, Copy)]
struct Dropping {
    count: u32,
    next: Instant,
}

impl Codel {
    /// Whether a packet that waited for `sojourn` is one too many. The last of a queue never is.
    pub fn is_one_too_many(&mut self, now: Instant, sojourn: Duration, is_last: bool) -> bool {
        if !self.is_above(now, sojourn, is_last) {
            self.last = self.dropping.take().or(self.last);
            return false;
        }
        match &mut self.dropping {
            Some(dropping) if now < dropping.next => false,
            Some(dropping) => {
                dropping.count += 1;
                dropping.next += pause(dropping.count);
                true
            }
            None => {
                // A queue that was too long a moment ago is dropped from as quickly as then.
                let recent = self.last.filter(|last| now < last.next + 16 * INTERVAL);
                let count = recent.map_or(1, |last| last.count.saturating_sub(2).max(1));
                self.dropping = Some(Dropping { count, next: now + pause(count) });
                true
            }
        }
    }

    fn is_above(&mut self, now: Instant, sojourn: Duration, is_last: bool) -> bool {
        if sojourn < TARGET || is_last {
            self.above_at = None;
            return false;
        }
        now >= *self.above_at.get_or_insert(now + INTERVAL)
    }
}

fn pause(count: u32) -> Duration {
    INTERVAL.div_f64(f64::from(count).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAITED: Duration = Duration::from_millis(50);
    const MILLISECOND: Duration = Duration::from_millis(1);

    /// Milliseconds at which packets are dropped of a queue that is always too long.
    fn drops(codel: &mut Codel, start: Instant, milliseconds: u32) -> Vec<u32> {
        let too_many = |at: &u32| codel.is_one_too_many(start + MILLISECOND * *at, WAITED, false);
        (0..milliseconds).filter(too_many).collect()
    }

    #[test]
    fn drops_begin_after_an_interval_and_grow_more_frequent() {
        let dropped = drops(&mut Codel::default(), Instant::now(), 500);
        assert_eq!(dropped, [100, 200, 271, 329, 379, 424, 464]);
    }

    #[test]
    fn a_queue_that_empties_is_left_alone() {
        let (start, mut codel) = (Instant::now(), Codel::default());
        for at in 0..500 {
            assert!(!codel.is_one_too_many(start + MILLISECOND * at, WAITED, at % 90 == 0));
            assert!(!Codel::default().is_one_too_many(start, MILLISECOND, false));
        }
    }

    #[test]
    fn a_queue_that_grows_again_is_dropped_from_as_quickly() {
        let (start, mut codel) = (Instant::now(), Codel::default());
        drops(&mut codel, start, 450);
        codel.is_one_too_many(start + MILLISECOND * 450, MILLISECOND, false);
        let dropped = drops(&mut codel, start + MILLISECOND * 451, 200);
        assert!(dropped.len() >= 3, "{dropped:?}");
    }
}
