//! How much may be on its way to a relay, and whether the relay still answers.
//!
//! What TCP has taken may wait for seconds in the kernel and at a relay that limits rates, unseen. So the sender puts
//! *marks* (pings) between what it sends: their answers tell what the relay has read, how fast, and how late. The window
//! is kept just large enough to be busy all the time; the rest waits where it can still be sorted and dropped.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The longest train has to fit, and another one while its answer is under way.
const SMALLEST: u64 = 128 << 10;
const LARGEST: u64 = 32 << 20;
/// The wait beyond the bare round trip that is taken for an idle link, and twice it for a full one.
const SLACK: Duration = Duration::from_millis(20);
/// How long the shortest round trip is believed.
const MEMORY: Duration = Duration::from_secs(30);
/// Marks per window, and the fewest bytes between two.
const MARKS: u64 = 8;
const MARK_BYTES: u64 = 32 << 10;
/// A mark follows the last bytes of a burst after this.
const MARK_DELAY: Duration = Duration::from_millis(100);
/// An idle connection is marked so often, which also keeps it alive in NATs.
const IDLE: Duration = Duration::from_secs(10);
/// A relay that is silent for longer with a mark unanswered is lost.
const SILENCE: Duration = Duration::from_millis(900);
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

pub(super) struct Window {
    sent: u64,
    answered: u64,
    limit: u64,
    /// Whether the limit has never been found too large, and so may double with each round trip.
    is_growing: bool,
    marks: VecDeque<Mark>,
    last_mark: Option<Mark>,
    heard: Instant,
    smoothed: Option<Duration>,
    shortest: Shortest,
}

#[derive(Clone, Copy)]
struct Mark {
    id: u64,
    at: Instant,
    sent: u64,
    /// What had been answered when it was sent.
    answered: u64,
    /// Whether the sender was held up by the window rather than short of things to send.
    is_full: bool,
}

/// The shortest round trip of this period and the one before.
struct Shortest {
    since: Instant,
    current: Option<Duration>,
    before: Option<Duration>,
}

impl Window {
    pub(super) fn new(now: Instant) -> Self {
        let shortest = Shortest { since: now, current: None, before: None };
        Self {
            sent: 0,
            answered: 0,
            limit: SMALLEST,
            is_growing: true,
            marks: VecDeque::new(),
            last_mark: None,
            heard: now,
            smoothed: None,
            shortest,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.sent - self.answered < self.limit
    }

    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }

    /// Gives the id of a mark that has to be sent now.
    pub(super) fn mark(&mut self, now: Instant) -> Option<u64> {
        if self.next_mark(now).is_none_or(|at| at > now) {
            return None;
        }
        let id = self.last_mark.map_or(0, |mark| mark.id + 1);
        let is_full = (self.sent - self.answered) * 2 >= self.limit;
        let mark = Mark { id, at: now, sent: self.sent, answered: self.answered, is_full };
        self.marks.push_back(mark);
        self.last_mark = Some(mark);
        Some(id)
    }

    /// Tells when a mark is due; never while one that covers everything is unanswered.
    pub(super) fn next_mark(&self, now: Instant) -> Option<Instant> {
        let Some(last) = self.last_mark else { return Some(now) };
        let unmarked = self.sent - last.sent;
        if unmarked >= (self.limit / MARKS).max(MARK_BYTES) || unmarked > 0 && !self.is_open() && self.marks.is_empty()
        {
            return Some(now);
        }
        if unmarked > 0 {
            return Some(last.at + MARK_DELAY);
        }
        self.marks.is_empty().then(|| self.heard.max(last.at) + IDLE)
    }

    /// Takes note that the relay has sent something.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// Takes the answer to a mark. The connection keeps the order, so it answers the earlier ones too.
    pub(super) fn answer(&mut self, id: u64, now: Instant) {
        let Some(position) = self.marks.iter().position(|mark| mark.id == id) else { return };
        let Some(mark) = self.marks.drain(..=position).next_back() else { return };
        let newly = mark.sent - self.answered;
        self.answered = mark.sent;
        let time = now.saturating_duration_since(mark.at);
        self.smoothed = Some(self.smoothed.map_or(time, |smoothed| (smoothed * 7 + time) / 8));
        if self.shortest.update(time, now) {
            // A queue that stands for long passes for distance; let it drain, and look again.
            self.limit = (self.limit / 2).max(SMALLEST);
        }
        self.adjust(mark, time, newly);
    }

    /// The smoothed round-trip time.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.smoothed
    }

    /// When the relay is to be given up, unless it is heard before. Nothing while it owes no answer.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let oldest = self.marks.front()?.at;
        let patience = self.smoothed.map_or(SILENCE, |time| (time * 3).clamp(SILENCE, LONGEST_SILENCE));
        Some(self.heard.max(oldest) + patience)
    }

    fn adjust(&mut self, mark: Mark, time: Duration, newly: u64) {
        let shortest = self.shortest.get().unwrap_or(time);
        if time <= shortest + SLACK {
            if mark.is_full {
                self.limit += if self.is_growing { newly } else { newly / 8 };
            }
        } else if time > shortest + 2 * SLACK {
            let rate = (mark.sent - mark.answered) as f64 / time.as_secs_f64();
            let carried = rate * (shortest + SLACK).as_secs_f64();
            self.limit = (carried as u64).max(self.limit / 2).min(self.limit);
            self.is_growing = false;
        }
        self.limit = self.limit.clamp(SMALLEST, LARGEST);
    }
}

impl Shortest {
    /// Takes a round trip in; `true` when a new period begins.
    fn update(&mut self, time: Duration, now: Instant) -> bool {
        let is_over = now.saturating_duration_since(self.since) >= MEMORY;
        if is_over {
            self.since = now;
            self.before = self.current.take();
        }
        self.current = Some(self.current.map_or(time, |current| current.min(time)));
        is_over
    }

    fn get(&self) -> Option<Duration> {
        self.current.into_iter().chain(self.before).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// A relay behind a link: reads so many bytes per second, of which it may take some at once.
    struct Relay {
        distance: Duration,
        rate: f64,
        burst: f64,
        period: Duration,
    }

    impl Relay {
        /// Sends trains as fast as the window allows; gives the rate of the second half and its longest wait.
        fn run(&self, lasting: Duration) -> (f64, Duration) {
            let start = Instant::now();
            let (mut now, mut window) = (start, Window::new(start));
            let mut arriving: VecDeque<(Instant, u64, Option<u64>)> = VecDeque::new();
            let mut answers: VecDeque<(Instant, u64)> = VecDeque::new();
            let (mut tokens, mut filled, mut read, mut longest) = (self.burst, start, 0, Duration::ZERO);
            while now < start + lasting {
                while window.is_open() {
                    window.sent(60_000);
                    arriving.push_back((now + self.distance / 2, 60_000, window.mark(now)));
                }
                if let Some(mark) = window.mark(now) {
                    arriving.push_back((now + self.distance / 2, 0, Some(mark)));
                }
                while now >= filled + self.period {
                    filled += self.period;
                    tokens = (tokens + self.rate * self.period.as_secs_f64()).min(self.burst);
                }
                while tokens > 0.0 && arriving.front().is_some_and(|(at, ..)| *at <= now) {
                    let Some((at, bytes, mark)) = arriving.pop_front() else { break };
                    tokens -= bytes as f64;
                    if now >= start + lasting / 2 {
                        read += bytes;
                        longest = longest.max(now - at);
                    }
                    answers.extend(mark.map(|mark| (now + self.distance / 2, mark)));
                }
                now += MILLISECOND;
                while answers.front().is_some_and(|(at, _)| *at <= now) {
                    let Some((_, mark)) = answers.pop_front() else { break };
                    window.heard(now);
                    window.answer(mark, now);
                }
                assert!(window.deadline().is_none_or(|deadline| deadline > now), "a false alarm");
            }
            (read as f64 / (lasting / 2).as_secs_f64(), longest)
        }
    }

    #[test]
    fn a_link_is_filled_and_its_queue_stays_short() {
        for distance in [1, 20, 80, 200].map(|time| time * MILLISECOND) {
            for rate in [2e6, 2e7, 1e8] {
                let relay = Relay { distance, rate, burst: rate / 100.0, period: MILLISECOND };
                let (reached, longest) = relay.run(Duration::from_secs(100));
                assert!(reached > 0.85 * rate, "{distance:?}, {rate}: {reached}");
                // The smallest window takes some time on a slow link.
                let most = 150 * MILLISECOND + distance / 2;
                assert!(longest < most, "{distance:?}, {rate}: {longest:?}");
            }
        }
    }

    #[test]
    fn a_rate_limit_that_is_filled_every_tenth_of_a_second_is_used_up() {
        for rate in [5e5, 2e6, 2e7] {
            let relay = Relay { distance: 20 * MILLISECOND, rate, burst: rate / 10.0, period: 100 * MILLISECOND };
            let (reached, longest) = relay.run(Duration::from_secs(100));
            assert!(reached > 0.8 * rate, "{rate}: {reached}");
            assert!(longest < 500 * MILLISECOND, "{rate}: {longest:?}");
        }
    }

    #[test]
    fn a_silent_relay_is_given_up_within_a_second_and_an_idle_one_is_not() {
        let start = Instant::now();
        let mut window = Window::new(start);
        let first = window.mark(start).unwrap();
        window.heard(start + 10 * MILLISECOND);
        window.answer(first, start + 10 * MILLISECOND);
        assert_eq!(window.deadline(), None);
        assert_eq!(window.next_mark(start), Some(start + 10 * MILLISECOND + IDLE));
        let later = start + Duration::from_secs(5);
        window.sent(100);
        let mark = window.mark(later).unwrap();
        assert_eq!(window.mark(later), None, "one mark covers it");
        assert_eq!(window.deadline(), Some(later + SILENCE));
        window.heard(later + 500 * MILLISECOND);
        assert_eq!(window.deadline(), Some(later + 500 * MILLISECOND + SILENCE));
        window.answer(mark, later + 600 * MILLISECOND);
        assert_eq!(window.deadline(), None);
    }

    #[test]
    fn an_answer_to_no_mark_changes_nothing() {
        let start = Instant::now();
        let mut window = Window::new(start);
        let mark = window.mark(start).unwrap();
        window.answer(mark + 1, start);
        assert!(window.deadline().is_some());
    }
}
