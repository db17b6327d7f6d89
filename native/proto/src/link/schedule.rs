//! When a link has to act without a packet: make its session known, notice silence, ask again.

use std::time::{Duration, Instant};

use crate::Config;

const FIRST_PROBE_AFTER: Duration = Duration::from_millis(250);
const MOST_PROBES: u32 = 5;

#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    probe_at: Option<Instant>,
    probes: u32,
    doubt_at: Option<Instant>,
    silent_at: Option<Instant>,
    silent: bool,
    retry_at: Option<Instant>,
    failures: u32,
}

/// What to do about a session the peer was not heard on yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProbeStep {
    Repeat,
    GiveUp,
}

impl Schedule {
    /// A session began that this node has to make known to the peer.
    pub fn session_began(&mut self, now: Instant) {
        self.end_silence();
        self.probes = 0;
        self.probe_at = Some(now + FIRST_PROBE_AFTER);
    }

    /// The peer proved that it has the session.
    pub fn session_confirmed(&mut self) {
        self.probe_at = None;
        self.forget_failures();
    }

    /// A handshake or its session came to nothing: the next one waits, longer each time.
    pub fn failed(&mut self, now: Instant, config: &Config) {
        let pause = config.retry_after * 2u32.saturating_pow(self.failures.min(16));
        self.failures += 1;
        self.probe_at = None;
        self.end_silence();
        self.retry_at = Some(now + pause.min(config.retry_limit));
    }

    /// What the failures came from may be over.
    pub fn forget_failures(&mut self) {
        self.retry_at = None;
        self.failures = 0;
    }

    /// The peer asked at the same time, so that its own handshake is under way.
    pub fn yielded(&mut self, now: Instant, config: &Config) {
        self.retry_at = Some(now + config.retry_after * 2);
    }

    /// A packet went to the peer, over a path that should not be silent for longer than `patience`. Says when the link
    /// has to be woken for it, if that is new.
    pub fn sent(&mut self, now: Instant, patience: Duration, config: &Config) -> Option<Instant> {
        let silent_at = set_if_none(&mut self.silent_at, now + config.silence_limit);
        set_if_none(&mut self.doubt_at, now + patience).or(silent_at)
    }

    /// An authentic datagram came from the peer, over the path that packets take or over another.
    pub fn received(&mut self, over_path: bool) {
        self.end_silence();
        if over_path {
            self.doubt_at = None;
        }
    }

    /// Before which time no handshake may begin.
    pub fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// The next time something is due, apart from handshakes.
    pub fn deadline(&self) -> Option<Instant> {
        [self.probe_at, self.doubt_at, self.silent_at].into_iter().flatten().min()
    }

    pub fn take_probe(&mut self, now: Instant) -> Option<ProbeStep> {
        self.probe_at.take_if(|at| now >= *at)?;
        self.probes += 1;
        if self.probes > MOST_PROBES {
            return Some(ProbeStep::GiveUp);
        }
        self.probe_at = Some(now + FIRST_PROBE_AFTER * 2u32.pow(self.probes));
        Some(ProbeStep::Repeat)
    }

    /// Whether nothing has come back over the path for too long.
    pub fn take_doubt(&mut self, now: Instant) -> bool {
        self.doubt_at.take_if(|at| now >= *at).is_some()
    }

    /// Notices that the peer is silent although packets went to it.
    pub fn notice_silence(&mut self, now: Instant) {
        self.silent |= self.silent_at.take_if(|at| now >= *at).is_some();
    }

    pub fn is_silent(&self) -> bool {
        self.silent
    }

    fn end_silence(&mut self) {
        self.silent = false;
        self.silent_at = None;
    }
}

fn set_if_none(time: &mut Option<Instant>, at: Instant) -> Option<Instant> {
    let is_new = time.is_none();
    is_new.then(|| *time.insert(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NodeId;

    fn config() -> Config {
        Config::new(NodeId([1; 20]))
    }

    #[test]
    fn pauses_grow_up_to_a_limit_and_end_with_a_session() {
        let (now, config, mut schedule) = (Instant::now(), config(), Schedule::default());
        let mut pause = || {
            schedule.failed(now, &config);
            schedule.retry_at().unwrap() - now
        };
        assert_eq!(pause(), config.retry_after);
        assert_eq!(pause(), config.retry_after * 2);
        for _ in 0..40 {
            pause();
        }
        assert_eq!(pause(), config.retry_limit);
        schedule.session_confirmed();
        assert_eq!(schedule.retry_at(), None);
    }

    #[test]
    fn probes_are_repeated_a_few_times() {
        let (mut now, mut schedule) = (Instant::now(), Schedule::default());
        schedule.session_began(now);
        assert_eq!(schedule.take_probe(now), None);
        let mut steps = Vec::new();
        while let Some(at) = schedule.deadline() {
            now = at;
            steps.extend(schedule.take_probe(now));
        }
        assert_eq!(steps.len() as u32, MOST_PROBES + 1);
        assert_eq!(steps.last(), Some(&ProbeStep::GiveUp));
    }

    #[test]
    fn an_answer_in_time_prevents_doubt_and_silence() {
        let (now, config, mut schedule) = (Instant::now(), config(), Schedule::default());
        let patience = Duration::from_millis(250);
        assert_eq!(schedule.sent(now, patience, &config), Some(now + patience));
        assert_eq!(schedule.sent(now + patience / 2, patience, &config), None);
        schedule.received(true);
        schedule.notice_silence(now + config.silence_limit);
        assert!(!schedule.take_doubt(now + patience) && !schedule.is_silent());
        assert_eq!(schedule.deadline(), None);
    }

    #[test]
    fn an_answer_over_another_path_leaves_the_path_in_doubt() {
        let (now, config, mut schedule) = (Instant::now(), config(), Schedule::default());
        schedule.sent(now, Duration::ZERO, &config);
        schedule.received(false);
        assert!(schedule.take_doubt(now) && !schedule.take_doubt(now));
    }
}
