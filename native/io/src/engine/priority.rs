//! Real-time priority of the packet thread: while it is wanted, and never for long without sleep.

use std::thread;
use std::time::{Duration, Instant};

use crate::scheduling;

/// How long the thread may be awake before all others, and how long it sleeps after that: they get a tenth of its
/// processor at least, however much there is to carry.
const STRETCH: Duration = Duration::from_millis(2);
const REST: Duration = Duration::from_micros(200);

pub(super) struct Priority {
    is_permitted: bool,
    is_real_time: bool,
    awake_since: Instant,
}

impl Priority {
    /// `is_permitted`: whether to ask the system at all.
    pub(super) fn new(is_permitted: bool, now: Instant) -> Self {
        Self { is_permitted, is_real_time: false, awake_since: now }
    }

    pub(super) fn is_real_time(&self) -> bool {
        self.is_real_time
    }

    /// Gives the calling thread the priority that is wanted, unless the system refuses.
    pub(super) fn set(&mut self, is_wanted: bool) {
        let is_due = is_wanted && self.is_permitted;
        if is_due == self.is_real_time {
            return;
        }
        match scheduling::set_real_time(is_due) {
            Ok(()) => self.is_real_time = is_due,
            Err(error) => {
                self.is_permitted = false;
                tracing::info!(%error, "the packet thread runs without real-time priority");
            }
        }
    }

    /// Takes note that the thread has slept until now.
    pub(super) fn slept(&mut self, now: Instant) {
        self.awake_since = now;
    }

    /// Lets others have the processor if the thread has kept it from them for long enough.
    pub(super) fn rest(&mut self, now: Instant) {
        if self.is_real_time && now.saturating_duration_since(self.awake_since) >= STRETCH {
            thread::sleep(REST);
            self.slept(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduling::permits_real_time;

    /// Whether the system says that the calling thread is one of real time.
    fn runs_in_real_time() -> bool {
        // SAFETY: 0 is the calling thread, and there are no pointers.
        let policy = unsafe { libc::sched_getscheduler(0) };
        policy & !libc::SCHED_RESET_ON_FORK == libc::SCHED_RR
    }

    #[test]
    fn it_lasts_while_it_is_wanted() {
        let mut priority = Priority::new(true, Instant::now());
        priority.set(true);
        assert_eq!((priority.is_real_time(), runs_in_real_time()), (permits_real_time(), permits_real_time()));
        priority.set(false);
        assert_eq!((priority.is_real_time(), runs_in_real_time()), (false, false));
    }

    #[test]
    fn nothing_is_asked_of_the_system_where_it_is_left_out() {
        let mut priority = Priority::new(false, Instant::now());
        priority.set(true);
        assert!(!priority.is_real_time() && !runs_in_real_time());
    }

    /// Whether it rests after it has been awake for a while.
    fn rests(priority: &mut Priority, awake: Duration) -> bool {
        let began = Instant::now();
        priority.slept(began);
        priority.rest(began + awake);
        let has_rested = priority.awake_since != began;
        assert!(!has_rested || priority.awake_since >= began + REST, "it begins anew after the rest");
        has_rested
    }

    #[test]
    fn who_runs_before_all_others_rests_in_between() {
        let mut priority = Priority::new(true, Instant::now());
        priority.set(true);
        assert_eq!(rests(&mut priority, STRETCH), permits_real_time());
        assert!(!rests(&mut priority, STRETCH / 2));
        priority.set(false);
        assert!(!rests(&mut priority, STRETCH), "the system sees to ordinary threads");
    }
}
