//! Whether the path in use is still alive, when nothing has come back over it for a while.

use std::time::{Duration, Instant};

const SHORTEST_SILENCE: Duration = Duration::from_millis(250);
/// Several probes rather than two, so that a wire that loses some datagrams is not taken for a dead one.
const PROBES: u32 = 4;
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Doubt {
    /// Whatever came back after this ends the doubt.
    since: Instant,
    probes: u32,
    next: Instant,
}

/// What to do about the path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Probe { first: bool },
    GiveUp,
}

/// How long a path in use may be silent before it is probed.
pub(crate) fn silence_limit(rtt: Option<Duration>) -> Duration {
    SHORTEST_SILENCE.max(rtt.unwrap_or_default() * 3)
}

impl Doubt {
    /// Nothing came back for too long.
    pub fn now(now: Instant) -> Self {
        Self { since: now, probes: 0, next: now }
    }

    /// A probe went out that is to be answered in time.
    pub fn unless_answered(now: Instant, rtt: Option<Duration>) -> Self {
        Self { since: now, probes: 0, next: now + silence_limit(rtt) }
    }

    pub fn is_older_than(&self, heard: Instant) -> bool {
        heard > self.since
    }

    /// Whether probes of its own are under way.
    pub fn is_serious(&self) -> bool {
        self.probes > 0
    }

    pub fn next(&self) -> Instant {
        self.next
    }

    pub fn step(&mut self, now: Instant, rtt: Duration) -> Option<Step> {
        if now < self.next {
            return None;
        }
        if self.probes == PROBES {
            return Some(Step::GiveUp);
        }
        self.probes += 1;
        let pause = if self.probes < PROBES { rtt / 2 } else { rtt * 3 / 2 };
        self.next = now + pause.max(SHORTEST_PAUSE);
        Some(Step::Probe { first: self.probes == 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the last sign of life to giving up.
    fn patience(rtt: Duration) -> Duration {
        let heard = Instant::now();
        let mut now = heard + silence_limit(Some(rtt));
        let mut doubt = Doubt::now(now);
        loop {
            match doubt.step(now, rtt) {
                Some(Step::GiveUp) => return now - heard,
                _ => now = doubt.next(),
            }
        }
    }

    #[test]
    fn a_silent_path_is_given_up_in_time() {
        assert_eq!(patience(Duration::from_millis(10)), Duration::from_millis(650));
        assert_eq!(patience(Duration::from_millis(60)), Duration::from_millis(650));
        assert_eq!(patience(Duration::from_millis(200)), Duration::from_millis(1200));
    }

    #[test]
    fn an_answer_in_time_prevents_probes() {
        let now = Instant::now();
        let mut doubt = Doubt::unless_answered(now, None);
        assert_eq!(doubt.step(now, Duration::ZERO), None);
        assert!(doubt.is_older_than(now + Duration::from_millis(1)) && !doubt.is_older_than(now));
    }
}
