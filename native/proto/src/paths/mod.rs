//! The ways between this node and one other, shared by the links of all networks between the two.
//!
//! Packets take the best way at any moment: a direct path that was proven by a probe, else a relay, else the address
//! that the peer was heard from. All addresses are probed when a session begins or addresses change, and while packets
//! are relayed ([`search`]). A path that is silent although packets flow is probed and given up ([`doubt`]).

mod choice;
mod doubt;
mod frame;
mod loss;
mod mtu;
mod nat;
mod path;
mod probes;
mod reason;
mod search;
mod status;
mod steps;

use std::time::{Duration, Instant};

pub(crate) use doubt::silence_limit;
pub(crate) use frame::{FRAME_LENGTH, Frame, read_address, write_address};
pub(crate) use loss::Count;
pub use nat::Nat;
pub use path::{Candidate, Outcome, Source};
pub(crate) use probes::Order;
pub use reason::Reason;
pub use status::{CandidateStatus, PathStatus};

use crate::{Config, RelayState, Route};
use doubt::Doubt;
use loss::Loss;
use path::Path;
use probes::Probes;
use search::Search;
use steps::PULSE;

/// Most addresses of one peer.
const MOST_ADDRESSES: usize = 16;
/// An address that speaks is probed at once, but not for each datagram.
const PROBE_PAUSE: Duration = Duration::from_millis(100);
/// How long after the last packet a path is kept alive.
const ACTIVE_FOR: Duration = Duration::from_secs(120);

pub(crate) struct Paths {
    /// Longest inner packet that is wanted.
    longest: u16,
    relayed_only: bool,
    peer_nat: Nat,
    paths: Vec<Path>,
    chosen: Option<Chosen>,
    search: Search,
    doubt: Option<Doubt>,
    probes: Probes,
    loss: Loss,
    active_until: Option<Instant>,
    pulse_at: Option<Instant>,
    traffic: Traffic,
    /// Whether the last direct path died and none was found since.
    fell_silent: bool,
    /// Whether a path was given up since the last question.
    has_failed: bool,
}

#[derive(Clone, Copy)]
struct Chosen {
    route: Route,
    since: Instant,
}

/// Packets of all networks, both ways: now, and at the last pulse.
#[derive(Clone, Copy, Default)]
struct Traffic {
    now: u64,
    at_pulse: u64,
}

impl Paths {
    pub fn new(config: &Config) -> Self {
        Self {
            longest: config.mtu,
            relayed_only: config.relayed_only,
            peer_nat: Nat::Unknown,
            paths: Vec::new(),
            chosen: None,
            search: Search::default(),
            doubt: None,
            probes: Probes::default(),
            loss: Loss::default(),
            active_until: None,
            pulse_at: None,
            traffic: Traffic::default(),
            fell_silent: false,
            has_failed: false,
        }
    }

    /// Replaces the addresses that the control plane knows; whether there is a new one. One that has proved itself stays
    /// until it fails.
    pub fn set_candidates(&mut self, now: Instant, candidates: &[Candidate]) -> bool {
        let named = |route: Route| candidates.iter().find(|candidate| Route::Direct(candidate.address) == route);
        self.paths.retain_mut(|path| match (named(path.route), path.source) {
            (Some(candidate), _) => {
                path.source = Some(candidate.source);
                true
            }
            (None, Some(source)) if path.is_proven() || source == Source::Peer => {
                path.source = Some(Source::Peer);
                true
            }
            (None, source) => source.is_none(),
        });
        let mut is_new = false;
        for candidate in candidates.iter().filter(|candidate| candidate.address.port() != 0) {
            is_new |= self.add(*candidate);
        }
        if is_new && self.is_awake() {
            self.search.begin(now);
        }
        self.choose(now);
        is_new
    }

    /// Replaces the relays that both sides are connected to.
    pub fn set_relays(&mut self, now: Instant, relays: &[(Route, RelayState)]) {
        self.paths.retain(|path| !path.is_relayed() || relays.iter().any(|(route, _)| *route == path.route));
        for (route, state) in relays {
            self.add_relay(*route, state);
        }
        self.choose(now);
    }

    /// A session with the peer began: addresses are tried unless a direct path is proven.
    pub fn session_began(&mut self, now: Instant) {
        self.active_until = Some(now + ACTIVE_FOR);
        self.pulse_at.get_or_insert(now + PULSE);
        if self.is_in_need() {
            self.paths.iter_mut().filter(|path| path.outcome == Outcome::Failed).for_each(|path| {
                path.outcome = Outcome::Untried;
            });
        }
        self.choose(now);
        if !self.is_direct() && !self.search.is_bursting() {
            self.search.begin(now);
        }
    }

    /// The peer has lost its sessions, and may be elsewhere now.
    pub fn reset(&mut self, now: Instant) {
        for path in &mut self.paths {
            path.outcome = Outcome::Untried;
            path.first_heard = None;
            path.mtu.pause();
        }
        self.search.stop();
        self.probes.forget_orders();
        self.doubt = None;
        self.choose(now);
    }

    /// An authentic datagram of the peer came this way. `state` is of the relay it came through.
    pub fn heard(&mut self, now: Instant, route: Route, state: Option<&RelayState>) {
        match (route, state) {
            (Route::Direct(_), _) if self.relayed_only => return,
            (Route::Direct(address), _) => {
                self.add(Candidate { address, source: Source::Peer });
            }
            (Route::Relayed { .. }, Some(state)) => self.add_relay(route, state),
            (Route::Relayed { .. }, None) => return,
        }
        let Some(path) = self.paths.iter_mut().find(|path| path.route == route) else { return };
        let is_new = path.first_heard.is_none();
        path.heard(now);
        if path.outcome == Outcome::Failed {
            path.outcome = Outcome::Probing;
        }
        if !path.is_proven() && path.last_probe.is_none_or(|last| now >= last + PROBE_PAUSE) {
            self.probe(now, route, FRAME_LENGTH as u16);
        }
        if !self.is_chosen(route) {
            self.heard_beside_chosen(now, route, is_new);
        }
        self.choose(now);
    }

    /// Something came over a path that is known.
    pub fn note_heard(&mut self, route: Route, at: Instant) {
        self.find(route).into_iter().for_each(|path| path.heard(at));
    }

    /// Notes how many packets have passed in all networks, both ways.
    pub fn note_traffic(&mut self, packets: u64) {
        self.traffic.now = packets;
    }

    /// A probe of the peer tells what it knows.
    pub fn probe_received(&mut self, now: Instant, nat: Nat, count: Count) {
        self.peer_nat = nat;
        self.loss.count_inward(now, count);
    }

    /// A probe was answered.
    pub fn answered(&mut self, now: Instant, from: Route, id: u64, nat: Nat, received: u64) {
        self.peer_nat = nat;
        let Some(probe) = self.probes.take(id).filter(|probe| probe.order.route == from) else { return };
        self.loss.count_outward(now, probe.count(received));
        let is_chosen = self.is_chosen(from);
        let Some(path) = self.paths.iter_mut().find(|path| path.route == from) else { return };
        let is_news = path.prove(now, now.saturating_duration_since(probe.sent_at));
        path.mtu.answered(probe.order.length);
        if is_chosen {
            self.doubt = None;
            if is_news {
                self.search_mtu(now);
            }
        }
        self.choose(now);
    }

    /// Nothing has come back over the path in use for too long.
    pub fn doubt(&mut self, now: Instant) {
        self.begin_doubt(now, Doubt::now(now));
    }

    /// The system knows no way over this path.
    pub fn refused(&mut self, now: Instant, route: Route) {
        if self.is_chosen(route) {
            self.give_up(now);
        }
    }

    /// Whether a path was given up since the last question: this node may be elsewhere now.
    pub fn take_failure(&mut self) -> bool {
        std::mem::take(&mut self.has_failed)
    }

    /// Tries everything that is not proven, and what is in use.
    pub fn probe_all(&mut self, now: Instant) {
        if !self.is_awake() {
            self.session_began(now);
        }
        let chosen = self.chosen.map(|chosen| chosen.route);
        let wanted = |path: &&Path| !path.is_proven() || Some(path.route) == chosen;
        let routes: Vec<_> = self.paths.iter().filter(wanted).map(|path| path.route).collect();
        routes.into_iter().for_each(|route| self.probe(now, route, FRAME_LENGTH as u16));
    }

    /// The next probe to send.
    pub fn next_order(&mut self) -> Option<Order> {
        self.probes.next_order()
    }

    /// A probe went out in a session, after so many packets.
    pub fn sent(&mut self, now: Instant, order: Order, session: u32, sent: u64) {
        self.find(order.route).into_iter().for_each(|path| path.probed(now));
        self.probes.sent(now, order, session, sent);
    }

    pub fn deadline(&self) -> Option<Instant> {
        let doubt = self.doubt.as_ref().map(Doubt::next);
        let mtu = self.chosen_path().and_then(|path| path.mtu.deadline());
        [self.search.next(), doubt, mtu, self.pulse_at].into_iter().flatten().min()
    }

    fn probe(&mut self, now: Instant, route: Route, length: u16) {
        if let Some(path) = self.find(route) {
            path.probed(now);
            self.probes.order(route, length);
        }
    }

    /// Adds an address, unless it is known or there are too many; whether it was added.
    fn add(&mut self, candidate: Candidate) -> bool {
        let known = self.paths.iter().any(|path| path.route == Route::Direct(candidate.address));
        if self.relayed_only || known || !self.make_room(candidate.source) {
            return false;
        }
        self.paths.push(Path::direct(candidate, self.longest));
        true
    }

    /// What was learned from the peer's datagrams gives way where it is of no use.
    fn make_room(&mut self, source: Source) -> bool {
        if self.paths.iter().filter(|path| !path.is_relayed()).count() < MOST_ADDRESSES {
            return true;
        }
        let is_useless =
            |path: &Path| path.source == Some(Source::Peer) && !path.is_proven() && !self.is_chosen(path.route);
        let useless = self.paths.iter().position(is_useless).or_else(|| {
            let failed = |path: &Path| path.outcome == Outcome::Failed && !path.is_relayed();
            self.paths.iter().position(failed).filter(|_| source == Source::Peer)
        });
        useless.map(|index| self.paths.remove(index)).is_some()
    }

    fn add_relay(&mut self, route: Route, state: &RelayState) {
        if self.find(route).is_none() {
            self.paths.push(Path::relayed(route, state, self.longest));
        }
    }

    fn find(&mut self, route: Route) -> Option<&mut Path> {
        self.paths.iter_mut().find(|path| path.route == route)
    }

    /// Whether nothing is known to carry packets.
    fn is_in_need(&self) -> bool {
        self.chosen_path().is_none_or(|path| path.outcome == Outcome::Failed)
    }

    fn is_awake(&self) -> bool {
        self.active_until.is_some()
    }
}
