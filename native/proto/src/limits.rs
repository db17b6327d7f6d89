//! Limits on how often this node speaks up because of what others send.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::Route;

const MOST_ADDRESSES: usize = 64;
const ADDRESS_PAUSE: Duration = Duration::from_secs(1);

/// Lets a burst pass, then a steady rate.
#[derive(Clone, Debug)]
pub(crate) struct TokenBucket {
    most: u32,
    every: Duration,
    spent: u32,
    since: Option<Instant>,
}

/// Lets each address pass once a second, and only so many addresses in that time.
#[derive(Clone, Debug, Default)]
pub(crate) struct PerAddress {
    recent: VecDeque<(Route, Instant)>,
}

impl TokenBucket {
    /// Lets `most` pass at once, and one more `every` so often.
    pub fn new(most: u32, every: Duration) -> Self {
        Self { most, every, spent: 0, since: None }
    }

    pub fn allows(&mut self, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        let earned = (now.saturating_duration_since(since).as_millis() / self.every.as_millis()) as u32;
        if earned > 0 {
            self.spent = self.spent.saturating_sub(earned);
            self.since = Some(now);
        }
        let allowed = self.spent < self.most;
        self.spent += u32::from(allowed);
        allowed
    }
}

impl PerAddress {
    pub fn allows(&mut self, now: Instant, address: Route) -> bool {
        while self.recent.front().is_some_and(|(_, at)| now >= *at + ADDRESS_PAUSE) {
            self.recent.pop_front();
        }
        if self.recent.len() >= MOST_ADDRESSES || self.recent.iter().any(|(other, _)| *other == address) {
            return false;
        }
        self.recent.push_back((address, now));
        true
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_a_steady_rate() {
        let every = Duration::from_millis(20);
        let (now, mut bucket) = (Instant::now(), TokenBucket::new(50, every));
        assert_eq!((0..100).filter(|_| bucket.allows(now)).count(), 50);
        assert_eq!((0..100).filter(|_| bucket.allows(now + every * 3)).count(), 3);
    }

    #[test]
    fn an_address_passes_once_a_second() {
        let (now, mut limit) = (Instant::now(), PerAddress::default());
        let address = |port| Route::from(SocketAddr::from(([127, 0, 0, 1], port)));
        assert!(limit.allows(now, address(1)));
        assert!(!limit.allows(now, address(1)));
        assert!(limit.allows(now, address(2)));
        assert!(limit.allows(now + ADDRESS_PAUSE, address(1)));
        assert_eq!(
            (0..1000).filter(|port| limit.allows(now + ADDRESS_PAUSE * 3, address(*port))).count(),
            MOST_ADDRESSES
        );
    }
}
