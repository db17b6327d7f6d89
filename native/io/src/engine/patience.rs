//! Waiting for packets: asleep; for a moment longer under a heavy load; or awake for a moment after each packet, where
//! latency matters more than processor time.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use golem_vpn_proto::Counters;

use super::load::Load;
use crate::poll::{Poller, Readiness};
use crate::scheduling;

/// How long the thread stays awake after the last packet: longer than a peer nearby takes to answer, and short enough
/// that whoever waits for the processor does not notice.
const AWAKE_FOR: Duration = Duration::from_micros(50);
/// How long packets gather under a heavy load, as network cards let them. To be woken for each costs more than to carry
/// it, and takes the processor from whoever sends and receives them.
const GATHER_FOR: Duration = Duration::from_micros(50);

pub(super) struct Patience {
    low_latency: bool,
    awake_until: Instant,
    load: Load,
}

impl Patience {
    pub(super) fn new(low_latency: bool) -> Self {
        let now = Instant::now();
        Self { low_latency, awake_until: now, load: Load::new(now) }
    }

    /// Prepares the thread that is going to wait.
    pub(super) fn settle_in(&self) {
        scheduling::sleep_precisely();
        if self.low_latency
            && let Err(error) = scheduling::become_real_time()
        {
            tracing::info!(%error, "the packet thread runs without real-time priority");
        }
    }

    /// Waits until something is ready or the time is over (`None`: without end), and puts what is into `ready`.
    /// `counters` tell what has passed so far.
    pub(super) fn wait(
        &mut self,
        poller: &mut Poller,
        timeout: Option<Duration>,
        counters: &Counters,
        ready: &mut Vec<Readiness>,
    ) -> io::Result<()> {
        ready.clear();
        if timeout.is_none_or(|timeout| !timeout.is_zero()) {
            if self.low_latency {
                return self.wait_awake(poller, timeout, ready);
            }
            if self.load.is_heavy(Instant::now(), counters) {
                thread::sleep(GATHER_FOR);
            }
        }
        ready.extend(poller.wait(timeout)?);
        Ok(())
    }

    fn wait_awake(
        &mut self,
        poller: &mut Poller,
        timeout: Option<Duration>,
        ready: &mut Vec<Readiness>,
    ) -> io::Result<()> {
        let due = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let until = due.map_or(self.awake_until, |due| due.min(self.awake_until));
        while ready.is_empty() && Instant::now() < until {
            ready.extend(poller.wait(Some(Duration::ZERO))?);
        }
        if ready.is_empty() {
            ready.extend(poller.wait(timeout)?);
        }
        if !ready.is_empty() {
            self.awake_until = Instant::now() + AWAKE_FOR;
        }
        Ok(())
    }
}
