//! When all addresses of a peer are tried: in a quick burst, on both sides at once so that NATs are punched, and
//! then again and again with growing pauses.

use std::time::{Duration, Instant};

/// Milliseconds after the beginning at which all are tried; at the last, what never answered has failed.
const BURST: [u64; 6] = [0, 100, 250, 500, 1000, 2000];
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Longest pause while packets have no way to go at all.
const LONGEST_PAUSE_IN_NEED: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(super) struct Search {
    began: Option<Instant>,
    rounds: usize,
    next: Option<Instant>,
}

impl Search {
    pub fn begin(&mut self, now: Instant) {
        *self = Self { began: Some(now), rounds: 0, next: Some(now) };
    }

    pub fn stop(&mut self) {
        self.next = None;
    }

    pub fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Whether the burst is not over.
    pub fn is_bursting(&self) -> bool {
        self.next.is_some() && self.rounds < BURST.len()
    }

    /// Whether all are to be tried now; then the next round is planned.
    pub fn take(&mut self, now: Instant, in_need: bool) -> bool {
        let Some(began) = self.began.filter(|_| self.next.is_some_and(|next| now >= next)) else { return false };
        self.rounds += 1;
        let next = match BURST.get(self.rounds) {
            Some(after) => began + Duration::from_millis(*after),
            None => now + pause(self.rounds - BURST.len(), in_need),
        };
        self.next = Some(next);
        true
    }
}

fn pause(rounds: usize, in_need: bool) -> Duration {
    let longest = if in_need { LONGEST_PAUSE_IN_NEED } else { LONGEST_PAUSE };
    (FIRST_PAUSE * 2u32.saturating_pow(rounds.min(16) as u32)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds from the beginning at which a search that goes on for so many rounds tries.
    fn rounds(count: usize, in_need: bool) -> Vec<u128> {
        let (start, mut search) = (Instant::now(), Search::default());
        search.begin(start);
        let next_round = |search: &mut Search| {
            let at = search.next().unwrap();
            assert!(search.take(at, in_need) && !search.take(at, in_need));
            (at - start).as_millis()
        };
        (0..count).map(|_| next_round(&mut search)).collect()
    }

    #[test]
    fn a_burst_comes_first_and_pauses_grow_to_a_limit() {
        assert_eq!(rounds(11, false), [0, 100, 250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 62_000]);
        assert_eq!(rounds(9, true), [0, 100, 250, 500, 1000, 2000, 4000, 6000, 8000]);
    }

    #[test]
    fn a_search_that_was_stopped_is_silent() {
        let (now, mut search) = (Instant::now(), Search::default());
        search.begin(now);
        assert!(search.is_bursting());
        search.stop();
        assert!(!search.take(now, false) && !search.is_bursting());
    }
}
