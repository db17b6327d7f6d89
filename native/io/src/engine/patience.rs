//! Waiting for packets: asleep; for a moment longer under a heavy load; or awake for a moment after something was sent,
//! where the answer comes soon or latency matters more than processor time.
//!
//! Under a heavy load the thread runs in real time where the system permits it: else it waits for a processor behind those
//! whose packets it carries, and every other packet with it. It leaves them the processor by sleeping, which also makes it
//! carry more at a time. Not in a flood: whoever carries it before all others carries more than its receiver finds time to
//! take.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::answers::{Answers, SOON};
use super::load::{Kind, Load, Passed};
use super::priority::Priority;
use crate::features::Features;
use crate::poll::{Poller, Readiness};
use crate::scheduling;

/// How long the thread stays awake for an answer that may take its time, where latency matters most: longer than a peer
/// nearby takes that stays awake too, and short enough that whoever waits for the processor does not notice.
const AWAKE_FOR: Duration = Duration::from_micros(50);
/// How long packets gather under a heavy load, as network cards let them. To be woken for each costs more than to carry
/// it, and takes the processor from whoever sends and receives them. An ordinary thread waits for a processor besides.
const GATHER_FOR: Duration = Duration::from_micros(50);
/// The same for a thread that gets a processor at once.
const GATHER_IN_REAL_TIME: Duration = Duration::from_micros(200);
/// The same in a flood, where only the number counts.
const GATHER_IN_FLOOD: Duration = Duration::from_micros(400);
/// A wait that took as long as this was sleep, from which others had something.
const SLEEP: Duration = Duration::from_micros(20);

pub(super) struct Patience {
    low_latency: bool,
    gathering: bool,
    /// Packets that were sent before the last wait.
    sent: u64,
    answers: Answers,
    load: Load,
    priority: Priority,
}

impl Patience {
    pub(super) fn new(Features { low_latency, gathering, priority, .. }: Features) -> Self {
        let now = Instant::now();
        let is_alone = thread::available_parallelism().is_ok_and(|processors| processors.get() == 1);
        Self {
            low_latency,
            gathering,
            sent: 0,
            answers: Answers::default(),
            load: Load::new(now),
            priority: Priority::new(priority && (low_latency || !is_alone), now),
        }
    }

    /// Prepares the thread that is going to wait.
    pub(super) fn settle_in(&self) {
        scheduling::sleep_precisely();
    }

    /// Waits until something is ready or the time is over (`None`: without end), and puts what is into `ready`.
    /// `passed` tells what has passed so far.
    pub(super) fn wait(
        &mut self,
        poller: &mut Poller,
        timeout: Option<Duration>,
        passed: Passed<'_>,
        ready: &mut Vec<Readiness>,
    ) -> io::Result<()> {
        ready.clear();
        let began = Instant::now();
        let load = self.load.kind(began, &passed);
        self.priority.set(self.low_latency || load == Kind::Heavy);
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            self.priority.rest(began);
            ready.extend(poller.wait(timeout)?);
            return Ok(());
        }
        let sent = passed.counters.packets_out;
        let has_sent = std::mem::replace(&mut self.sent, sent) != sent;
        let mut in_vain = false;
        if load != Kind::Light {
            self.gather(load, poller, timeout, ready)?;
        } else if has_sent && (self.low_latency || self.answers.are_soon()) {
            // After a packet for a device the processor is for whoever reads it.
            let are_soon = self.answers.are_soon();
            let awake_for = if are_soon { SOON } else { AWAKE_FOR };
            stay_awake(poller, awake_for.min(timeout.unwrap_or(awake_for)), began, ready)?;
            in_vain = are_soon && ready.is_empty();
        }
        if ready.is_empty() {
            self.sleep(poller, timeout, ready)?;
        }
        if in_vain {
            self.answers.failed_to_come();
        } else if has_sent {
            self.answers.came(began.elapsed());
        }
        Ok(())
    }

    /// Sleeps for a moment if nothing is ready, so that more comes together.
    fn gather(
        &mut self,
        load: Kind,
        poller: &mut Poller,
        timeout: Option<Duration>,
        ready: &mut Vec<Readiness>,
    ) -> io::Result<()> {
        if self.gathering {
            ready.extend(poller.wait(Some(Duration::ZERO))?);
            if ready.is_empty() {
                let moment = self.gathering_time(load);
                thread::sleep(moment.min(timeout.unwrap_or(moment)));
                self.priority.slept(Instant::now());
            }
        }
        Ok(())
    }

    fn sleep(&mut self, poller: &mut Poller, timeout: Option<Duration>, ready: &mut Vec<Readiness>) -> io::Result<()> {
        let began = Instant::now();
        ready.extend(poller.wait(timeout)?);
        let woke = Instant::now();
        if woke.saturating_duration_since(began) >= SLEEP {
            self.priority.slept(woke);
        }
        Ok(())
    }

    fn gathering_time(&self, load: Kind) -> Duration {
        if self.low_latency {
            GATHER_FOR
        } else if load == Kind::Flood {
            GATHER_IN_FLOOD
        } else if self.priority.is_real_time() {
            GATHER_IN_REAL_TIME
        } else {
            GATHER_FOR
        }
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
