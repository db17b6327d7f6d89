//! What people are told of the ways to a peer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::reason::Circumstances;
use super::{Nat, Outcome, Paths, Reason, Source};
use crate::{RelayId, Route};

/// The way that packets to a peer take, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct PathStatus {
    /// `None` while there is no way.
    pub route: Option<Route>,
    /// The relay's name, if packets go through one.
    pub relay: Option<String>,
    pub since: Option<Instant>,
    pub rtt: Option<Duration>,
    /// Packets lost lately, both ways; `None` when there were none to lose.
    pub loss_percent: Option<f64>,
    /// Longest inner packet that is known to pass.
    pub mtu: Option<u16>,
    /// Why packets don't go directly.
    pub reason: Option<Reason>,
    /// When direct addresses are tried next.
    pub next_try: Option<Instant>,
}

/// An address of a peer, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CandidateStatus {
    pub address: SocketAddr,
    pub source: Source,
    pub outcome: Outcome,
    pub rtt: Option<Duration>,
}

impl Paths {
    /// `seen` is where others see this node.
    pub fn status(&self, own_nat: Nat, seen: &[SocketAddr]) -> PathStatus {
        let path = self.chosen_path().filter(|path| path.outcome != Outcome::Failed);
        let is_direct = path.is_some_and(|path| !path.is_relayed());
        PathStatus {
            route: path.map(|path| path.route),
            relay: path.and_then(|path| path.relay.clone()),
            since: self.chosen.filter(|_| path.is_some()).map(|chosen| chosen.since),
            rtt: path.and_then(|path| path.rtt),
            loss_percent: self.loss.percent(),
            mtu: path.map(|path| path.mtu.limit()),
            reason: if is_direct { None } else { Some(self.reason(own_nat, seen)) },
            next_try: self.search.next().filter(|_| !is_direct),
        }
    }

    pub fn candidates(&self) -> Vec<CandidateStatus> {
        let status = |path: &super::Path| {
            let (address, source) = (path.route.address()?, path.source?);
            Some(CandidateStatus { address, source, outcome: path.outcome, rtt: path.rtt })
        };
        self.paths.iter().filter_map(status).collect()
    }

    /// Relays that packets could take.
    pub fn relays(&self) -> impl Iterator<Item = RelayId> {
        self.paths.iter().filter_map(|path| path.route.relay())
    }

    fn reason(&self, own_nat: Nat, seen: &[SocketAddr]) -> Reason {
        let mut addresses = self.paths.iter().filter_map(|path| path.route.address());
        let has_addresses = addresses.clone().next().is_some();
        // Who is seen nowhere has told nothing of its versions.
        let is_of_own_version = |address: SocketAddr| seen.iter().any(|own| own.is_ipv4() == address.is_ipv4());
        let has_common_version = seen.is_empty() || addresses.any(is_of_own_version);
        if !self.is_in_need() {
            let own = if self.relayed_only { Nat::RelayedOnly } else { own_nat };
            let (is_trying, fell_silent) = (self.search.is_bursting(), self.fell_silent);
            let peer = self.peer_nat;
            return Circumstances { own, peer, has_addresses, has_common_version, is_trying, fell_silent }.reason();
        }
        let is_untried = self.paths.iter().all(|path| path.outcome == Outcome::Untried);
        match (self.paths.is_empty(), is_untried) {
            (true, _) => Reason::Nowhere,
            (false, true) => Reason::Untried,
            (false, false) => Reason::NothingAnswers,
        }
    }
}
