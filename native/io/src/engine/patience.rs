//! Waiting for packets: asleep; for a moment longer under a heavy load; or awake for a moment after something was sent,
//! where the answer comes soon or latency matters more than processor time.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use golem_vpn_proto::Counters;

use super::answers::{Answers, SOON};
use super::load::Load;
use crate::features::Features;
use crate::poll::{Poller, Readiness};
use crate::scheduling;

/// How long the thread stays awake for any answer, where latency matters most: longer than a peer nearby takes that stays
/// awake too, and short enough that whoever waits for the processor does not notice.
const AWAKE_FOR: Duration = Duration::from_micros(50);
/// How long packets gather under a heavy load, as network cards let them. To be woken for each costs more than to carry
/// it, and takes the processor from whoever sends and receives them.
const GATHER_FOR: Duration = Duration::from_micros(50);

pub(super) struct Patience {
    low_latency: bool,
    gathering: bool,
    /// Packets that were sent before the last wait.
    sent: u64,
    answers: Answers,
    load: Load,
}

impl Patience {
    pub(super) fn new(Features { low_latency, gathering, .. }: Features) -> Self {
        let (answers, load) = (Answers::default(), Load::new(Instant::now()));
        Self { low_latency, gathering: gathering && !low_latency, sent: 0, answers, load }
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
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            ready.extend(poller.wait(timeout)?);
            return Ok(());
        }
        let began = Instant::now();
        let has_sent = std::mem::replace(&mut self.sent, counters.packets_out) != counters.packets_out;
        let is_heavy = self.load.is_heavy(began, counters);
        // After a packet for a device the processor is for whoever reads it.
        if has_sent && (self.low_latency || (self.answers.are_soon() && !is_heavy)) {
            let awake_for = if self.low_latency { AWAKE_FOR } else { SOON };
            stay_awake(poller, awake_for.min(timeout.unwrap_or(awake_for)), began, ready)?;
            if ready.is_empty() {
                self.answers.failed_to_come();
            }
        } else if is_heavy && self.gathering {
            ready.extend(poller.wait(Some(Duration::ZERO))?);
            if ready.is_empty() {
                thread::sleep(GATHER_FOR);
            }
        }
        if ready.is_empty() {
            ready.extend(poller.wait(timeout)?);
        }
        if has_sent {
            self.answers.came(began.elapsed());
        }
        Ok(())
    }
}

/// Looks for something that is ready until it is time to sleep. Whoever waits for the processor meanwhile gets it.
fn stay_awake(poller: &mut Poller, awake_for: Duration, since: Instant, ready: &mut Vec<Readiness>) -> io::Result<()> {
    while ready.is_empty() && since.elapsed() < awake_for {
        thread::yield_now();
        ready.extend(poller.wait(Some(Duration::ZERO))?);
    }
    Ok(())
}
