//! Waiting for packets: asleep, or awake for a moment after each packet where latency matters more than processor time.

use std::io;
use std::time::{Duration, Instant};

use crate::poll::{Poller, Readiness};
use crate::scheduling;

/// How long the thread stays awake after the last packet: longer than a peer nearby takes to answer, and short enough
/// that whoever waits for the processor does not notice.
const AWAKE_FOR: Duration = Duration::from_micros(50);

pub(super) struct Patience {
    low_latency: bool,
    awake_until: Instant,
}

impl Patience {
    pub(super) fn new(low_latency: bool) -> Self {
        Self { low_latency, awake_until: Instant::now() }
    }

    /// Prepares the thread that is going to wait.
    pub(super) fn settle_in(&self) {
        if self.low_latency
            && let Err(error) = scheduling::become_real_time()
        {
            tracing::info!(%error, "the packet thread runs without real-time priority");
        }
    }

    /// Waits until something is ready or the time is over (`None`: without end), and adds what is to `ready`.
    pub(super) fn wait(
        &mut self,
        poller: &mut Poller,
        timeout: Option<Duration>,
        ready: &mut Vec<Readiness>,
    ) -> io::Result<()> {
        ready.clear();
        if self.low_latency {
            let due = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
            let until = due.map_or(self.awake_until, |due| due.min(self.awake_until));
            loop {
                ready.extend(poller.wait(Some(Duration::ZERO))?);
                let now = Instant::now();
                if !ready.is_empty() {
                    self.awake_until = now + AWAKE_FOR;
                    return Ok(());
                }
                if now >= until {
                    break;
                }
                std::hint::spin_loop();
            }
        }
        ready.extend(poller.wait(timeout)?);
        if !ready.is_empty() {
            self.awake_until = Instant::now() + AWAKE_FOR;
        }
        Ok(())
    }
}
