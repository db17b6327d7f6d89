//! What happens without a packet, because time has passed.

use std::time::Instant;

use super::Node;
use crate::DropReason;
use crate::link::ProbeStep;
use crate::links::LinkId;

impl Node {
    /// Does whatever is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(id) = self.links.pop_due(now) {
            self.expire(now, id);
            self.continue_announcing(now, id);
            self.notice_doubt(now, id);
            self.seek_session(now, id);
        }
        self.step_paths(now);
        self.step_relays(now);
        self.step_reflections(now);
        self.pace.resume(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let paths = self.peers.next_wake();
        let (relays, reflections, line) = (self.relays.next_wake(), self.reflections.deadline(), self.pace.awaited());
        [self.links.next_wake(), paths, relays, reflections, line].into_iter().flatten().min()
    }

    /// Sees to it that the link is woken when it next has to act.
    pub(super) fn wake(&mut self, now: Instant, id: LinkId) {
        let deadline = self.links.get_mut(id).and_then(|link| link.deadline(now, &self.config));
        if let Some(at) = deadline {
            self.links.wake(id, at);
        }
    }

    fn expire(&mut self, now: Instant, id: LinkId) {
        let Some(link) = self.links.get_mut(id) else { return };
        let expired = link.backlog.expire(now, self.config.wait_limit);
        self.counters.count_drops(DropReason::BacklogExpired, expired);
        let unanswered = link.pending.take_if(|pending| now >= pending.since + self.config.handshake_timeout);
        link.schedule.notice_silence(now);
        let ended = link.expire(now);
        self.links.release(ended);
        if let Some(pending) = unanswered {
            self.fail(now, id, pending.index);
        }
    }

    fn continue_announcing(&mut self, now: Instant, id: LinkId) {
        let Some(link) = self.links.get_mut(id) else { return };
        match link.schedule.take_probe(now) {
            Some(ProbeStep::Repeat) => self.announce(now, id),
            Some(ProbeStep::GiveUp) => {
                if let Some(index) = link.give_up() {
                    self.fail(now, id, index);
                }
            }
            None => {}
        }
    }

    fn notice_doubt(&mut self, now: Instant, id: LinkId) {
        if self.links.get_mut(id).is_some_and(|link| link.schedule.take_doubt(now)) {
            self.doubt(now, id);
        }
    }
}
