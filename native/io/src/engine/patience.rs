//! Waiting for packets: asleep; for a moment longer under a heavy load; or awake for a moment after something has passed,
//! where the next comes soon or latency matters more than processor time.
//!
//! Under a heavy load the thread runs in real time where the system permits it: else it waits for a processor behind those
//! whose packets it carries, and every other packet with it. It leaves them the processor by sleeping, which also makes it
//! carry more at a time. Not in a flood: whoever carries it before all others carries more than its receiver finds time to
//! take.
//!
//! Where latency matters most it does so too while others want the processors, whatever there is to carry.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use super::alertness::Alertness;
use super::contention::Contention;
use super::load::{Kind, Load, Passed};
use super::priority::Priority;
use crate::features::Features;
use crate::poll::{Poller, Readiness};
use crate::scheduling::{self, WaitMeter};

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
    alertness: Alertness,
    contention: Contention,
    meter: Option<WaitMeter>,
    load: Load,
    priority: Priority,
}

/// What a wait has found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// What is ready, if anything.
    Readiness,
    /// Nothing, as nobody was asked: it is time to look for what may have come.
    Unknown,
}

impl Patience {
    pub(super) fn new(Features { low_latency, gathering, priority, .. }: Features) -> Self {
        let now = Instant::now();
        let is_alone = thread::available_parallelism().is_ok_and(|processors| processors.get() == 1);
        Self {
            low_latency,
            gathering,
            alertness: Alertness::new(low_latency),
            contention: Contention::new(now),
            meter: None,
            load: Load::new(now),
            priority: Priority::new(priority && (low_latency || !is_alone), now),
        }
    }

    /// Prepares the thread that is going to wait.
    pub(super) fn settle_in(&mut self) {
        scheduling::sleep_precisely();
        self.meter = WaitMeter::of_this_thread().ok();
    }

    /// Waits until something is ready or it is `due` (`None`: without end), and puts what is into `ready`.
    /// `passed` tells what has passed so far.
    pub(super) fn wait(
        &mut self,
        poller: &mut Poller,
        due: Option<Instant>,
        passed: Passed<'_>,
        ready: &mut Vec<Readiness>,
    ) -> io::Result<Found> {
        ready.clear();
        let now = Instant::now();
        let timeout = due.map(|due| due.saturating_duration_since(now));
        let load = self.load.kind(now, &passed);
        if load == Kind::Light {
            self.alertness.note(now, passed.counters.packets_in, passed.counters.packets_out);
            self.look_at_waits(now);
        } else {
            self.alertness.forget();
        }
        let is_contended = self.contention.is_high(now);
        self.priority.set(load == Kind::Heavy || (self.low_latency && is_contended));
        if timeout.is_some_and(|timeout| timeout.is_zero()) {
            self.priority.rest(now);
            ready.extend(poller.wait(Some(Duration::ZERO))?);
            return Ok(Found::Readiness);
        }
        if self.alertness.is_awake(now) && self.may_be_awake(is_contended) {
            thread::yield_now();
            return Ok(Found::Unknown);
        }
        if load != Kind::Light {
            self.gather(load, poller, timeout, ready)?;
        }
        if ready.is_empty() {
            self.sleep(poller, timeout, ready)?;
        }
        Ok(Found::Readiness)
    }

    /// Whether a packet should go on before others are looked for: somebody waits for it.
    pub(super) fn is_hasty(&self) -> bool {
        self.alertness.is_alert()
    }

    fn look_at_waits(&mut self, now: Instant) {
        if !(self.low_latency || self.alertness.is_alert()) || !self.contention.is_due(now) {
            return;
        }
        if let Some(Ok(waits)) = self.meter.as_ref().map(WaitMeter::read) {
            self.contention.note(now, waits);
        }
    }

    /// Who is awake gives way to others, who keep the processor for long where it is contended. Who runs in real time keeps
    /// it from them, but from the reader of a packet that came in as well.
    fn may_be_awake(&mut self, is_contended: bool) -> bool {
        let may_be = !is_contended || (self.priority.is_real_time() && self.alertness.awaits_answer());
        if !may_be {
            self.alertness.give_up();
        }
        may_be
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
