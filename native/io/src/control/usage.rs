//! When a connection was used last, and whether it is in use.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How much one connection is used, by requests of either side.
pub(super) struct Usage {
    state: Mutex<State>,
}

struct State {
    requests: usize,
    last: Instant,
}

/// A request under way; it counts until it is dropped.
pub(super) struct Use {
    usage: Arc<Usage>,
}

impl Usage {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { requests: 0, last: Instant::now() }) })
    }

    pub(super) fn begin(self: &Arc<Self>) -> Use {
        self.change(|state| state.requests += 1);
        Use { usage: self.clone() }
    }

    /// Whether there was no request for so long.
    pub(super) fn is_idle(&self, time: Duration) -> bool {
        self.change(|state| state.requests == 0 && state.last.elapsed() >= time)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        self.usage.change(|state| {
            state.requests -= 1;
            state.last = Instant::now();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_under_way_is_use_however_long_it_takes() {
        let usage = Usage::new();
        assert!(usage.is_idle(Duration::ZERO));
        let (one, other) = (usage.begin(), usage.begin());
        drop(one);
        assert!(!usage.is_idle(Duration::ZERO));
        drop(other);
        assert!(usage.is_idle(Duration::ZERO) && !usage.is_idle(Duration::from_secs(60)));
    }
}
