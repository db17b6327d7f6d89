//! What the ways to a peer ask for as time passes.

use std::time::{Duration, Instant};

use super::doubt::{Doubt, Step};
use super::{ACTIVE_FOR, FRAME_LENGTH, Outcome, PROBE_PAUSE, Path, Paths};
use crate::Route;

/// Pauses between probes of the path in use: while packets flow, and to keep NATs from forgetting it.
pub(super) const PULSE: Duration = Duration::from_secs(3);
const IDLE_PULSE: Duration = Duration::from_secs(15);

impl Paths {
    pub fn handle_timeout(&mut self, now: Instant) {
        self.pulse(now);
        self.step_doubt(now);
        self.step_search(now);
        self.step_mtu(now);
    }

    fn pulse(&mut self, now: Instant) {
        if self.pulse_at.take_if(|at| now >= *at).is_none() {
            return;
        }
        let flows = self.traffic.now != self.traffic.at_pulse;
        self.traffic.at_pulse = self.traffic.now;
        if flows {
            self.active_until = Some(now + ACTIVE_FOR);
        }
        if self.active_until.is_none_or(|until| now >= until) {
            return self.sleep();
        }
        self.pulse_at = Some(now + if flows { PULSE } else { IDLE_PULSE });
        let Some(path) = self.chosen_mut().filter(|path| flows || !path.is_relayed()) else { return };
        let (route, rtt) = (path.route, path.rtt);
        let length = path.mtu.check(now, path.round_trip()).unwrap_or(FRAME_LENGTH as u16);
        self.probe(now, route, length);
        if !self.is_in_need() {
            self.doubt.get_or_insert_with(|| Doubt::unless_answered(now, rtt));
        }
    }

    fn sleep(&mut self) {
        self.active_until = None;
        self.doubt = None;
        self.search.stop();
        self.chosen_mut().into_iter().for_each(|path| path.mtu.pause());
    }

    pub(super) fn begin_doubt(&mut self, now: Instant, doubt: Doubt) {
        let is_alive = self.chosen_path().is_some_and(|path| path.outcome != Outcome::Failed);
        if is_alive && !self.is_in_serious_doubt() {
            self.doubt = Some(doubt);
            self.handle_timeout(now);
        }
    }

    /// The peer speaks over another path than the one in use: it may have moved, or given that one up.
    pub(super) fn heard_beside_chosen(&mut self, now: Instant, route: Route, is_new: bool) {
        if route.relay().is_some() {
            if self.chosen_path().is_some_and(|path| path.is_silent(now)) {
                self.begin_doubt(now, Doubt::shared(now));
            }
        } else if is_new && self.is_in_serious_doubt() {
            self.demote_chosen();
        }
    }

    fn is_in_serious_doubt(&self) -> bool {
        self.doubt.as_ref().is_some_and(Doubt::is_serious)
    }

    fn step_doubt(&mut self, now: Instant) {
        let heard = self.chosen_path().and_then(|path| path.last_heard);
        self.doubt.take_if(|doubt| heard.is_some_and(|heard| doubt.is_older_than(heard)));
        let Some((route, rtt)) = self.chosen_path().map(|path| (path.route, path.round_trip())) else { return };
        match self.doubt.as_mut().and_then(|doubt| doubt.step(now, rtt)) {
            Some(Step::Probe { first, relays_too }) => {
                self.probe(now, route, FRAME_LENGTH as u16);
                let check = self.chosen_mut().filter(|_| first).and_then(|path| path.mtu.check(now, rtt));
                check.into_iter().for_each(|length| self.probe(now, route, length));
                if relays_too {
                    self.probe_relays(now, route);
                }
            }
            Some(Step::GiveUp) => self.give_up(now),
            None => {}
        }
    }

    /// Wakes the relays that packets may have to take soon, and lets the peer know that this path is in doubt.
    fn probe_relays(&mut self, now: Instant, doubted: Route) {
        let relays = self.paths.iter().filter(|path| path.is_relayed() && path.route != doubted);
        let routes: Vec<_> = relays.map(|path| path.route).collect();
        routes.into_iter().for_each(|route| self.probe(now, route, FRAME_LENGTH as u16));
    }

    fn step_search(&mut self, now: Instant) {
        if !self.search.take(now, self.is_in_need()) {
            return;
        }
        let is_over = !self.search.is_bursting();
        let mut routes = Vec::new();
        for path in self.paths.iter_mut().filter(|path| !path.is_proven()) {
            if is_over && path.outcome == Outcome::Probing && !path.is_relayed() {
                path.outcome = Outcome::Failed;
            }
            if path.last_probe.is_none_or(|last| now >= last + PROBE_PAUSE / 2) {
                routes.push(path.route);
            }
        }
        if is_over && self.is_direct() {
            return self.search.stop();
        }
        routes.into_iter().for_each(|route| self.probe(now, route, FRAME_LENGTH as u16));
        self.choose(now);
    }

    fn step_mtu(&mut self, now: Instant) {
        let Some(path) = self.chosen_mut() else { return };
        let (route, rtt) = (path.route, path.round_trip());
        let lengths = path.mtu.handle_timeout(now, rtt);
        lengths.into_iter().for_each(|length| self.probe(now, route, length));
    }

    /// Looks for the length that the path in use carries.
    pub(super) fn search_mtu(&mut self, now: Instant) {
        let Some(path) = self.chosen_mut().filter(|path| path.is_proven() && !path.is_relayed()) else { return };
        let (route, rtt) = (path.route, path.round_trip());
        let lengths = path.mtu.search(now, rtt);
        lengths.into_iter().for_each(|length| self.probe(now, route, length));
    }

    pub(super) fn give_up(&mut self, now: Instant) {
        let Some(path) = self.chosen_mut() else { return };
        path.fail();
        self.fell_silent |= !path.is_relayed();
        let is_stale = |path: &&mut Path| path.is_proven() && !path.is_fresh(now);
        self.paths.iter_mut().filter(is_stale).for_each(|path| {
            path.outcome = Outcome::Probing;
        });
        self.doubt = None;
        self.has_failed = true;
        self.search.begin(now);
        self.choose(now);
    }
}
