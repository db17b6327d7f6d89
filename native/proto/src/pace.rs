//! When the line is free for more, where somebody has said how much it carries.
//!
//! A line that is slower than this machine has a queue of its own, where flows can't be told apart. Whoever sends a
//! little less than the line carries keeps that queue empty: packets wait here, in an order that is fair.

use std::time::{Duration, Instant};

/// What may be sent at once by a thread that wakes late: the time of the line that it may make up for.
const CREDIT: Duration = Duration::from_millis(4);
/// How far ahead of the line datagrams are sealed, where they keep their order.
const AHEAD: Duration = Duration::from_millis(1);

/// Without a limit the line is always free.
pub(crate) struct Pace {
    bytes_per_second: Option<u64>,
    /// When the line will have carried all that was sent.
    free_at: Option<Instant>,
    /// For what somebody waits.
    awaited: Option<Instant>,
}

impl Pace {
    pub fn new(bytes_per_second: Option<u64>) -> Self {
        Self { bytes_per_second: bytes_per_second.map(|rate| rate.max(1)), free_at: None, awaited: None }
    }

    pub fn is_limited(&self) -> bool {
        self.bytes_per_second.is_some()
    }

    /// Whether more may be sent.
    pub fn is_free(&self, now: Instant) -> bool {
        self.free_at.is_none_or(|at| at <= now)
    }

    /// Until how many bytes are sealed ahead another packet is; `most` without a limit.
    pub fn ahead(&self, most: usize) -> usize {
        let Some(rate) = self.bytes_per_second else { return most };
        most.min((rate as f64 * AHEAD.as_secs_f64()) as usize).max(1)
    }

    /// Notes what was sent.
    pub fn sent(&mut self, now: Instant, bytes: usize) {
        let Some(rate) = self.bytes_per_second else { return };
        let earliest = now.checked_sub(CREDIT).unwrap_or(now);
        let begin = self.free_at.map_or(earliest, |at| at.max(earliest));
        self.free_at = Some(begin + Duration::from_secs_f64(bytes as f64 / rate as f64));
    }

    /// Has [`Self::awaited`] tell when the line is free.
    pub fn wait(&mut self) {
        self.awaited = self.free_at;
    }

    /// When somebody waits for the line, and it is free.
    pub fn awaited(&self) -> Option<Instant> {
        self.awaited
    }

    /// Ends the waiting once the line is free.
    pub fn resume(&mut self, now: Instant) {
        self.awaited = self.awaited.filter(|at| *at > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u64 = 1_000_000;

    #[test]
    fn without_a_limit_the_line_is_always_free() {
        let (now, mut pace) = (Instant::now(), Pace::new(None));
        pace.sent(now, 1 << 40);
        assert!(pace.is_free(now) && !pace.is_limited());
        assert_eq!(pace.ahead(65_536), 65_536);
    }

    #[test]
    fn who_sends_when_the_line_is_free_sends_what_it_carries() {
        let begin = Instant::now();
        let (mut now, mut pace, mut sent) = (begin, Pace::new(Some(RATE)), 0);
        while now < begin + Duration::from_secs(1) {
            if pace.is_free(now) {
                pace.sent(now, 1500);
                sent += 1500;
            }
            now += Duration::from_micros(700);
        }
        let most = RATE as usize + (CREDIT.as_secs_f64() * RATE as f64) as usize + 1500;
        assert!((990_000..=most).contains(&sent), "{sent}");
    }

    #[test]
    fn idle_time_is_not_saved_up() {
        let (now, mut pace) = (Instant::now(), Pace::new(Some(RATE)));
        pace.sent(now, 1500);
        let later = now + Duration::from_secs(60);
        let mut burst = 0;
        while pace.is_free(later) {
            pace.sent(later, 500);
            burst += 500;
        }
        assert!(burst <= 4500, "{burst}");
    }

    #[test]
    fn who_waits_is_told_when_the_line_is_free() {
        let (now, mut pace) = (Instant::now(), Pace::new(Some(RATE)));
        pace.sent(now, 104_000);
        assert!(!pace.is_free(now));
        assert_eq!(pace.awaited(), None);
        pace.wait();
        let at = pace.awaited().unwrap();
        assert_eq!(at, now + Duration::from_millis(100));
        pace.resume(at - Duration::from_nanos(1));
        assert_eq!(pace.awaited(), Some(at));
        pace.resume(at);
        assert_eq!(pace.awaited(), None);
        assert!(pace.is_free(at));
    }

    #[test]
    fn slow_lines_have_less_sealed_ahead_but_a_packet_at_least() {
        let ahead = |rate| Pace::new(Some(rate)).ahead(65_536);
        assert_eq!([ahead(100), ahead(12_500_000), ahead(1 << 40)], [1, 12_500, 65_536]);
    }
}
