//! How long a packet one path carries, found by padded probes that nobody on the way may fragment (RFC 8899).
//!
//! A path begins with a length that every ordinary path carries. Once it is proven all greater lengths are tried at
//! once, and the greatest that is answered counts. While packets flow the length in use is tried again and again: when
//! that gets no answer, the path swallows what is as long, and the length is lowered at once.

use std::time::{Duration, Instant};

use super::frame::FRAME_LENGTH;
use crate::Route;
use crate::wire::OVERHEAD;

/// Outer IP packets that are tried, the shortest of which is assumed of any path.
const OUTER: [u16; 7] = [576, 800, 1060, 1280, 1400, 1440, 1480];
/// The outer IP packet that a path is assumed to carry until it shows.
const ASSUMED: usize = 3;
const UDP_AND_IPV4: u16 = 28;
const UDP_AND_IPV6: u16 = 48;
const MOST_ATTEMPTS: u32 = 3;
const SHORTEST_PATIENCE: Duration = Duration::from_millis(100);
const SEARCH_AGAIN_AFTER: Duration = Duration::from_secs(30);
const CHECK_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct PathMtu {
    /// Lengths of inner packets to choose from, growing.
    rungs: Vec<u16>,
    current: usize,
    /// Whether the current length was answered.
    confirmed: bool,
    /// Whether the first search is over, so that the length is known and no guess.
    settled: bool,
    trial: Option<Trial>,
    search_at: Option<Instant>,
    last_check: Option<Instant>,
}

/// Probes under way.
#[derive(Clone, Copy)]
struct Trial {
    kind: Kind,
    attempts: u32,
    due: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// All greater lengths.
    Search,
    /// The length in use.
    Check,
}

impl PathMtu {
    /// `longest` is the longest inner packet that is wanted.
    pub fn direct(route: &Route, longest: u16) -> Self {
        let around = match route {
            Route::Direct(address) if address.is_ipv4() => UDP_AND_IPV4,
            Route::Direct(_) | Route::Relayed { .. } => UDP_AND_IPV6,
        };
        let inner = OUTER.map(|outer| outer - around - OVERHEAD as u16);
        let mut rungs: Vec<u16> = inner.into_iter().filter(|inner| *inner < longest).collect();
        rungs.push(longest);
        let current = ASSUMED.min(rungs.len() - 1);
        Self { rungs, current, confirmed: false, settled: false, trial: None, search_at: None, last_check: None }
    }

    /// A relay says what it carries: nothing has to be tried.
    pub fn relayed(relay_mtu: u16, longest: u16) -> Self {
        let inner = relay_mtu.saturating_sub(OVERHEAD as u16).clamp(FRAME_LENGTH as u16, longest);
        let (current, confirmed, settled) = (0, true, true);
        Self { rungs: vec![inner], current, confirmed, settled, trial: None, search_at: None, last_check: None }
    }

    /// Longest inner packet that the path carries, as far as is known.
    pub fn limit(&self) -> u16 {
        self.rungs[self.current]
    }

    /// Whether [`limit`](Self::limit) was found and not only assumed.
    pub fn is_settled(&self) -> bool {
        self.settled
    }

    /// Begins to look for greater lengths; gives the lengths to try.
    pub fn search(&mut self, now: Instant, rtt: Duration) -> Vec<u16> {
        self.trial = Some(Trial { kind: Kind::Search, attempts: 1, due: now + patience(rtt) });
        self.search_at = None;
        self.wanted()
    }

    /// Tries the length in use, as packets flow; not too often. Gives the length to try.
    pub fn check(&mut self, now: Instant, rtt: Duration) -> Option<u16> {
        let too_soon = self.last_check.is_some_and(|last| now < last + CHECK_PAUSE);
        if self.trial.is_some() || too_soon || self.rungs.len() == 1 || self.current == 0 {
            return None;
        }
        self.last_check = Some(now);
        self.trial = Some(Trial { kind: Kind::Check, attempts: 1, due: now + patience(rtt) });
        Some(self.limit())
    }

    /// A probe of this length was answered.
    pub fn answered(&mut self, length: u16) {
        let Some(rung) = self.rungs.iter().position(|rung| *rung == length).filter(|rung| *rung >= self.current) else {
            return;
        };
        self.current = rung;
        self.confirmed = true;
        let complete = rung + 1 == self.rungs.len();
        self.settled |= complete;
        self.trial.take_if(|trial| trial.kind == Kind::Check || complete);
    }

    /// The path is not the one in use any more, or is silent.
    pub fn pause(&mut self) {
        self.trial = None;
        self.search_at = None;
        self.confirmed = self.rungs.len() == 1;
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.trial.map(|trial| trial.due).into_iter().chain(self.search_at).min()
    }

    /// Repeats what was not answered, concludes from it, or searches again; gives the lengths to try.
    pub fn handle_timeout(&mut self, now: Instant, rtt: Duration) -> Vec<u16> {
        match self.trial.filter(|trial| now >= trial.due) {
            Some(trial) if trial.attempts < MOST_ATTEMPTS => {
                self.trial = Some(Trial { attempts: trial.attempts + 1, due: now + patience(rtt), ..trial });
                if trial.kind == Kind::Check { vec![self.limit()] } else { self.wanted() }
            }
            Some(trial) => self.conclude(now, rtt, trial.kind),
            None if self.search_at.is_some_and(|at| now >= at) => self.search(now, rtt),
            None => Vec::new(),
        }
    }

    fn conclude(&mut self, now: Instant, rtt: Duration, kind: Kind) -> Vec<u16> {
        self.trial = None;
        if kind == Kind::Search && self.confirmed || self.current == 0 {
            self.settled = true;
            self.search_at = Some(now + SEARCH_AGAIN_AFTER);
            return Vec::new();
        }
        self.current = if self.current > ASSUMED { ASSUMED } else { 0 };
        self.confirmed = false;
        self.search(now, rtt)
    }

    /// The lengths above the one in use, and that one while nothing shows that the path carries it.
    fn wanted(&self) -> Vec<u16> {
        let first = if self.confirmed || self.current == 0 { self.current + 1 } else { self.current };
        self.rungs[first..].to_vec()
    }
}

fn patience(rtt: Duration) -> Duration {
    SHORTEST_PATIENCE.max(rtt * 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(20);

    fn route() -> Route {
        Route::Direct("192.0.2.1:7".parse().unwrap())
    }

    /// Lets a path that carries `narrow` bytes answer until nothing is due within a second.
    fn settle(mtu: &mut PathMtu, now: &mut Instant, first: Vec<u16>, narrow: u16) {
        let (mut lengths, end) = (first, *now + Duration::from_secs(2));
        loop {
            lengths.iter().filter(|length| **length <= narrow).for_each(|length| mtu.answered(*length));
            let Some(due) = mtu.deadline().filter(|due| *due <= end) else { return };
            *now = due;
            lengths = mtu.handle_timeout(due, RTT);
        }
    }

    #[test]
    fn every_width_is_found() {
        let wide = [(1500, 1420), (1420, 1420), (1400, 1380), (1340, 1340), (1220, 1220)];
        let tight = [(1219, 1000), (1000, 1000), (999, 740), (740, 740), (600, 516)];
        for (narrow, expected) in wide.into_iter().chain(tight) {
            let (mut mtu, mut now) = (PathMtu::direct(&route(), 1420), Instant::now());
            assert_eq!((mtu.limit(), mtu.is_settled()), (1220, false));
            let first = mtu.search(now, RTT);
            settle(&mut mtu, &mut now, first, narrow);
            assert_eq!((mtu.limit(), mtu.is_settled()), (expected, true), "a path of {narrow}");
        }
    }

    #[test]
    fn a_path_that_narrows_is_noticed_and_one_that_widens_too() {
        let (mut mtu, mut now) = (PathMtu::direct(&route(), 1420), Instant::now());
        let first = mtu.search(now, RTT);
        settle(&mut mtu, &mut now, first, 1420);
        now += CHECK_PAUSE;
        let narrowed_at = now;
        let check = mtu.check(now, RTT).unwrap();
        settle(&mut mtu, &mut now, vec![check], 1350);
        assert_eq!(mtu.limit(), 1340);
        assert!(now < narrowed_at + Duration::from_secs(1));
        now += SEARCH_AGAIN_AFTER;
        let again = mtu.handle_timeout(now, RTT);
        settle(&mut mtu, &mut now, again, 1420);
        assert_eq!(mtu.limit(), 1420);
        assert_eq!(mtu.deadline(), None);
    }

    #[test]
    fn checks_are_not_too_frequent_and_end_with_an_answer() {
        let (mut mtu, now) = (PathMtu::direct(&route(), 1420), Instant::now());
        mtu.search(now, RTT);
        mtu.answered(1420);
        assert_eq!(mtu.check(now, RTT), Some(1420));
        mtu.answered(1420);
        assert_eq!((mtu.check(now, RTT), mtu.deadline()), (None, None));
        assert_eq!(mtu.check(now + CHECK_PAUSE, RTT), Some(1420));
    }

    #[test]
    fn a_relay_is_taken_at_its_word() {
        let mut mtu = PathMtu::relayed(1200, 1420);
        assert_eq!((mtu.limit(), mtu.is_settled()), (1168, true));
        assert_eq!(mtu.check(Instant::now(), RTT), None);
        assert_eq!(PathMtu::relayed(9000, 1420).limit(), 1420);
    }
}
