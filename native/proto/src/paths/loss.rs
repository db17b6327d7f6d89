//! Packets lost between two nodes, from the counts that probes and answers carry.

use std::time::{Duration, Instant};

/// Of two such spans, the one under way and the one before, the loss is told.
const SPAN: Duration = Duration::from_secs(15);

/// One direction's counts at one moment: of a session, what was sent and what had arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    pub session: u32,
    pub sent: u64,
    pub received: u64,
}

#[derive(Default)]
pub(super) struct Loss {
    outward: Option<Count>,
    inward: Option<Count>,
    began: Option<Instant>,
    present: Tally,
    before: Tally,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    sent: u64,
    lost: u64,
}

impl Loss {
    /// Takes what the peer has received of what was sent to it.
    pub fn count_outward(&mut self, now: Instant, count: Count) {
        let before = self.outward.replace(count);
        self.add(now, before, count);
    }

    /// Takes what was received of what the peer has sent.
    pub fn count_inward(&mut self, now: Instant, count: Count) {
        let before = self.inward.replace(count);
        self.add(now, before, count);
    }

    /// Percent of packets lost lately, in both directions together; `None` when there were none.
    pub fn percent(&self) -> Option<f64> {
        let (sent, lost) = (self.present.sent + self.before.sent, self.present.lost + self.before.lost);
        (sent > 0).then(|| 100.0 * lost as f64 / sent as f64)
    }

    fn add(&mut self, now: Instant, before: Option<Count>, count: Count) {
        let began = *self.began.get_or_insert(now);
        if now >= began + SPAN {
            self.before = if now >= began + 2 * SPAN { Tally::default() } else { self.present };
            self.present = Tally::default();
            self.began = Some(now);
        }
        let Some(before) = before.filter(|before| before.session == count.session) else { return };
        let sent = count.sent.saturating_sub(before.sent);
        self.present.sent += sent;
        self.present.lost += sent.saturating_sub(count.received.saturating_sub(before.received));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(session: u32, sent: u64, received: u64) -> Count {
        Count { session, sent, received }
    }

    #[test]
    fn loss_is_told_of_both_directions_and_forgotten() {
        let (now, mut loss) = (Instant::now(), Loss::default());
        assert_eq!(loss.percent(), None);
        loss.count_outward(now, count(1, 100, 50));
        assert_eq!(loss.percent(), None, "the first count is where counting begins");
        loss.count_outward(now, count(1, 200, 140));
        assert_eq!(loss.percent(), Some(10.0));
        loss.count_inward(now, count(1, 0, 0));
        loss.count_inward(now, count(1, 100, 100));
        assert_eq!(loss.percent(), Some(5.0));
        loss.count_outward(now + SPAN, count(1, 400, 340));
        assert_eq!(loss.percent(), Some(2.5));
        loss.count_outward(now + SPAN * 3, count(1, 500, 440));
        assert_eq!(loss.percent(), Some(0.0));
    }

    #[test]
    fn sessions_are_not_mixed() {
        let (now, mut loss) = (Instant::now(), Loss::default());
        loss.count_outward(now, count(1, 1000, 1000));
        loss.count_outward(now, count(2, 5000, 0));
        assert_eq!(loss.percent(), None);
    }
}
