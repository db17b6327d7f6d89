//! Which way packets take.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use super::{Chosen, Outcome, Path, Paths, Source, silence_limit};
use crate::Route;

/// A path that was not heard for so long has to be proven again before packets move to it.
const FRESH_FOR: Duration = Duration::from_secs(5);
/// A path has to be that much quicker before packets leave another of its kind for it.
const NOTICEABLE: Duration = Duration::from_millis(5);
/// The path in use is silent, if its peer speaks from elsewhere for longer.
const ELSEWHERE_FOR: Duration = Duration::from_millis(100);

/// How good a way is; the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    Direct,
    Relay,
    /// The peer was heard from there.
    Guess,
}

impl Paths {
    /// The way of packets.
    pub fn route(&self) -> Option<Route> {
        self.chosen.map(|chosen| chosen.route)
    }

    /// Longest inner packet that the way carries, and whether that is known and not only assumed.
    pub fn limit(&self) -> (u16, bool) {
        self.chosen_path().map_or((self.longest, false), |path| (path.mtu.limit(), path.mtu.is_settled()))
    }

    pub fn round_trip(&self) -> Option<Duration> {
        self.chosen_path().and_then(|path| path.rtt)
    }

    /// Takes the best way there is now.
    pub(super) fn choose(&mut self, now: Instant) {
        let best = self.best(now);
        if self.chosen.map(|chosen| chosen.route) == best {
            return;
        }
        self.chosen_mut().into_iter().for_each(|path| path.mtu.pause());
        self.chosen = best.map(|route| Chosen { route, since: now });
        self.doubt = None;
        if self.is_direct() {
            self.fell_silent = false;
            self.search_mtu(now);
        } else if self.is_awake() && self.search.next().is_none() {
            self.search.begin(now);
        }
    }

    /// The path in use is in doubt, and the peer speaks from elsewhere.
    pub(super) fn demote_chosen(&mut self) {
        self.doubt = None;
        if let Some(path) = self.chosen_mut() {
            path.outcome = Outcome::Probing;
            path.first_heard = None;
        }
    }

    pub(super) fn is_chosen(&self, route: Route) -> bool {
        self.route() == Some(route)
    }

    /// Whether packets take a direct path that was proven.
    pub(super) fn is_direct(&self) -> bool {
        self.chosen_path().is_some_and(|path| path.is_proven() && !path.is_relayed())
    }

    pub(super) fn chosen_path(&self) -> Option<&Path> {
        let route = self.route()?;
        self.paths.iter().find(|path| path.route == route)
    }

    pub(super) fn chosen_mut(&mut self) -> Option<&mut Path> {
        let route = self.route()?;
        self.paths.iter_mut().find(|path| path.route == route)
    }

    fn best(&self, now: Instant) -> Option<Route> {
        // What has failed may still carry some packets, and is better than nothing.
        let last_resort = || self.chosen_path().filter(|path| path.outcome == Outcome::Failed).map(|path| path.route);
        self.best_alive(now).or_else(last_resort)
    }

    fn best_alive(&self, now: Instant) -> Option<Route> {
        let grade = |path: &Path| path.grade(self.is_chosen(path.route) || path.is_fresh(now));
        let graded = self.paths.iter().filter_map(|path| Some((grade(path)?, path)));
        let best_grade = graded.clone().map(|(grade, _)| grade).min()?;
        let rivals = graded.filter(|(grade, _)| *grade == best_grade).map(|(_, path)| path);
        let best = match best_grade {
            Grade::Direct | Grade::Relay => rivals.min_by_key(|path| path.round_trip()),
            Grade::Guess => rivals.max_by_key(|path| (path.last_heard, Reverse(path.route))),
        }?;
        let present = self.chosen_path().filter(|path| path.grade(true) == Some(best_grade));
        Some(present.map_or(best, |present| self.rival_of(present, best)).route)
    }

    /// The better of two paths of a kind. Packets stay where they are unless it is worth moving.
    fn rival_of<'a>(&'a self, present: &'a Path, best: &'a Path) -> &'a Path {
        if best.round_trip() + NOTICEABLE.max(present.round_trip() / 5) < present.round_trip() {
            return best;
        }
        let has_moved_to =
            |path: &&Path| path.is_proven() && path.source == Some(Source::Peer) && present.is_left_for(path);
        self.paths.iter().find(has_moved_to).unwrap_or(present)
    }
}

impl Path {
    /// Whether nothing came this way for so long that it is in doubt if packets go there.
    pub(super) fn is_silent(&self, now: Instant) -> bool {
        self.last_heard.is_none_or(|heard| now >= heard + silence_limit(self.rtt))
    }

    /// Whether it was heard lately.
    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        self.last_heard.is_some_and(|heard| now < heard + FRESH_FOR)
    }

    fn grade(&self, is_certain: bool) -> Option<Grade> {
        match (self.outcome, self.is_relayed()) {
            (Outcome::Failed, _) => None,
            (Outcome::Proven, false) if is_certain => Some(Grade::Direct),
            (_, true) => Some(Grade::Relay),
            (_, false) => self.first_heard.map(|_| Grade::Guess),
        }
    }

    /// Whether the peer was silent here since it was first heard there, so that it has moved.
    fn is_left_for(&self, other: &Self) -> bool {
        let silence = ELSEWHERE_FOR + self.round_trip() * 2;
        match (self.last_heard, other.first_heard) {
            (Some(here), Some(there)) => there > here + silence,
            _ => false,
        }
    }
}
