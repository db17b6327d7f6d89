//! Whether the path in use is still alive, when nothing has come back over it for a while.

use std::time::{Duration, Instant};

const SHORTEST_SILENCE: Duration = Duration::from_millis(250);
/// Several probes rather than two, so that a wire that loses some datagrams is not taken for a dead one.
const PROBES: u32 = 4;
/// The probe with which relays are probed too: by then the first one should have been answered.
const RELAYS_AT: u32 = 3;
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
    Probe { first: bool, relays_too: bool },
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

    /// The peer seems to have given the path up: fewer probes decide, as its own were not answered either.
    pub fn shared(now: Instant) -> Self {
        Self { since: now, probes: RELAYS_AT - 1, next: now }
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
        Some(Step::Probe { first: self.probes == 1, relays_too: self.probes == RELAYS_AT })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the last sign of life to giving up.
    fn patience(rtt: Duration) -> Duration {
        let doubted = Instant::now();
        silence_limit(Some(rtt)) + time_until(Step::GiveUp, Doubt::now(doubted), doubted, rtt)
    }

    fn time_until(wanted: Step, mut doubt: Doubt, doubted: Instant, rtt: Duration) -> Duration {
        let mut now = doubted;
        while doubt.step(now, rtt).is_some_and(|step| step != wanted) {
            now = doubt.next();
        }
        now - doubted
    }

    #[test]
    fn a_silent_path_is_given_up_in_time() {
        assert_eq!(patience(Duration::from_millis(10)), Duration::from_millis(650));
        assert_eq!(patience(Duration::from_millis(60)), Duration::from_millis(650));
        assert_eq!(patience(Duration::from_millis(200)), Duration::from_millis(1200));
    }

    #[test]
    fn who_hears_of_the_doubt_ends_it_at_the_same_time() {
        for rtt in [10, 60, 200, 400].map(Duration::from_millis) {
            let now = Instant::now();
            let relays_too = Step::Probe { first: false, relays_too: true };
            let told = time_until(relays_too, Doubt::now(now), now, rtt);
            assert!(told >= rtt, "the first probe may still be answered");
            let shared = time_until(Step::GiveUp, Doubt::shared(now), now, rtt);
            assert_eq!(told + shared, time_until(Step::GiveUp, Doubt::now(now), now, rtt));
        }
    }

    #[test]
    fn an_answer_in_time_prevents_probes() {
        let now = Instant::now();
        let mut doubt = Doubt::unless_answered(now, None);
        assert_eq!(doubt.step(now, Duration::ZERO), None);
        assert!(doubt.is_older_than(now + Duration::from_millis(1)) && !doubt.is_older_than(now));
    }
}
