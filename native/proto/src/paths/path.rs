//! One way to a peer, and what is known of it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::mtu::PathMtu;
use crate::{RelayState, Route};

/// What is assumed of a path whose round trip was not measured yet.
const UNKNOWN_RTT: Duration = Duration::from_millis(100);

/// Where an address of a peer is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An interface of the peer's machine has it.
    Interface,
    /// Others see the peer there.
    Reflected,
    /// A router forwards it to the peer.
    Mapped,
    /// The peer's operator says so.
    Configured,
    /// An authenticated datagram of the peer came from there.
    Peer,
}

/// An address where a peer's data socket may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub address: SocketAddr,
    pub source: Source,
}

/// What came of trying a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Untried,
    /// Probes are on their way.
    Probing,
    /// A probe was answered.
    Proven,
    /// Probes are not answered, or are no longer.
    Failed,
}

impl Source {
    const ALL: [Self; 5] = [Self::Interface, Self::Reflected, Self::Mapped, Self::Configured, Self::Peer];

    pub fn name(self) -> &'static str {
        match self {
            Self::Interface => "interface",
            Self::Reflected => "reflected",
            Self::Mapped => "mapped",
            Self::Configured => "configured",
            Self::Peer => "peer",
        }
    }

    /// The source of a [`name`](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Self::Untried => "untried",
            Self::Probing => "probing",
            Self::Proven => "proven",
            Self::Failed => "failed",
        }
    }
}

pub(super) struct Path {
    pub route: Route,
    /// `None` for a relay.
    pub source: Option<Source>,
    pub outcome: Outcome,
    pub rtt: Option<Duration>,
    pub mtu: PathMtu,
    pub first_heard: Option<Instant>,
    pub last_heard: Option<Instant>,
    pub last_probe: Option<Instant>,
    /// The relay's name.
    pub relay: Option<String>,
}

impl Path {
    pub fn direct(candidate: Candidate, longest: u16) -> Self {
        let route = Route::Direct(candidate.address);
        Self::new(route, Some(candidate.source), PathMtu::direct(&route, longest))
    }

    pub fn relayed(route: Route, state: &RelayState, longest: u16) -> Self {
        let mut path = Self::new(route, None, PathMtu::relayed(state.mtu, longest));
        path.relay = Some(state.name.clone());
        // Until a probe tells, the peer is taken to be as far from the relay as this node.
        path.rtt = Some(state.rtt * 2);
        path
    }

    fn new(route: Route, source: Option<Source>, mtu: PathMtu) -> Self {
        Self {
            route,
            source,
            outcome: Outcome::Untried,
            rtt: None,
            mtu,
            first_heard: None,
            last_heard: None,
            last_probe: None,
            relay: None,
        }
    }

    pub fn is_relayed(&self) -> bool {
        self.route.relay().is_some()
    }

    pub fn is_proven(&self) -> bool {
        self.outcome == Outcome::Proven
    }

    /// The round trip, or a guess.
    pub fn round_trip(&self) -> Duration {
        self.rtt.unwrap_or(UNKNOWN_RTT)
    }

    /// An authentic datagram of the peer came this way.
    pub fn heard(&mut self, at: Instant) {
        self.first_heard.get_or_insert(at);
        self.last_heard = self.last_heard.max(Some(at));
    }

    /// A probe is on its way.
    pub fn probed(&mut self, now: Instant) {
        self.last_probe = Some(now);
        if self.outcome == Outcome::Untried {
            self.outcome = Outcome::Probing;
        }
    }

    /// A probe was answered after `rtt`; whether that is news.
    pub fn prove(&mut self, now: Instant, rtt: Duration) -> bool {
        self.heard(now);
        let measured_before = self.rtt.filter(|_| self.is_proven());
        // The weight of RFC 6298.
        self.rtt = Some(measured_before.map_or(rtt, |smooth| (smooth * 7 + rtt) / 8));
        let is_news = !self.is_proven();
        self.outcome = Outcome::Proven;
        is_news
    }

    pub fn fail(&mut self) {
        self.outcome = Outcome::Failed;
        self.mtu.pause();
        self.first_heard = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> Path {
        Path::direct(Candidate { address: "192.0.2.1:7".parse().unwrap(), source: Source::Interface }, 1420)
    }

    #[test]
    fn the_round_trip_is_smoothed_and_begins_anew_after_a_failure() {
        let (now, mut path) = (Instant::now(), path());
        let milliseconds = Duration::from_millis;
        assert!(path.prove(now, milliseconds(80)));
        assert!(!path.prove(now, milliseconds(160)));
        assert_eq!(path.rtt, Some(milliseconds(90)));
        path.fail();
        assert!(path.prove(now, milliseconds(20)));
        assert_eq!(path.rtt, Some(milliseconds(20)));
    }

    #[test]
    fn a_probe_changes_only_what_was_untried() {
        let (now, mut path) = (Instant::now(), path());
        path.probed(now);
        assert_eq!(path.outcome, Outcome::Probing);
        path.fail();
        path.probed(now);
        assert_eq!(path.outcome, Outcome::Failed);
    }

    #[test]
    fn sources_read_back_by_name() {
        for source in Source::ALL {
            assert_eq!(Source::from_name(source.name()), Some(source));
        }
        assert_eq!(Source::from_name("rumour"), None);
    }
}
