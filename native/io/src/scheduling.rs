//! How the system schedules a thread.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::Duration;

/// Lets sleeps of the calling thread end when they should, where the system would add 50 µs.
pub(crate) fn sleep_precisely() {
    let nanoseconds: libc::c_ulong = 1;
    // SAFETY: this command takes a plain integer. A kernel that refuses it only sleeps longer.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, nanoseconds) };
}

/// Lets the calling thread run before all ordinary ones, in turns with others of its kind and with the lowest such
/// priority, or as an ordinary one again.
///
/// # Errors
/// Without `CAP_SYS_NICE` or a limit (`RLIMIT_RTPRIO`) that permits it.
pub(crate) fn set_real_time(is_real_time: bool) -> io::Result<()> {
    let (policy, sched_priority) = if is_real_time { (libc::SCHED_RR, 1) } else { (libc::SCHED_OTHER, 0) };
    let parameters = libc::sched_param { sched_priority };
    // SAFETY: the pointer describes `parameters`, which the kernel only reads; 0 is the calling thread.
    let result = unsafe { libc::sched_setscheduler(0, policy | libc::SCHED_RESET_ON_FORK, &raw const parameters) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Whether the system lets threads of this process run in real time, tried on one that ends.
pub(crate) fn permits_real_time() -> bool {
    thread::spawn(|| set_real_time(true).is_ok()).join().unwrap_or(false)
}

/// How long a thread has waited for processors in all, and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waits {
    pub(crate) total: Duration,
    pub(crate) count: u64,
}

/// Tells the waits of the thread that made it.
pub(crate) struct WaitMeter(File);

impl WaitMeter {
    const LONGEST_LINE: usize = 80;

    /// # Errors
    /// When the system does not tell (`CONFIG_SCHED_INFO`).
    pub(crate) fn of_this_thread() -> io::Result<Self> {
        Ok(Self(File::open("/proc/thread-self/schedstat")?))
    }

    /// # Errors
    /// When the system does not tell any more.
    pub(crate) fn read(&self) -> io::Result<Waits> {
        let mut line = [0; Self::LONGEST_LINE];
        let length = self.0.read_at(&mut line, 0)?;
        parse_waits(&line[..length]).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
    }
}

/// Reads nanoseconds with a processor, nanoseconds of waiting for one, and how often it got one
/// (Linux, Documentation/scheduler/sched-stats.rst).
fn parse_waits(line: &[u8]) -> Option<Waits> {
    let mut fields = std::str::from_utf8(line).ok()?.split_ascii_whitespace().skip(1).map(str::parse);
    let (total, count) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(Waits { total: Duration::from_nanos(total), count })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_read_from_the_systems_line() {
        let waits = Waits { total: Duration::from_nanos(4567), count: 89 };
        assert_eq!(parse_waits(b"123 4567 89\n"), Some(waits));
        assert_eq!(parse_waits(b"123 4567\n"), None);
        assert_eq!(parse_waits(b"123 -1 89\n"), None);
    }

    #[test]
    fn a_thread_is_told_how_often_it_got_a_processor() {
        let meter = WaitMeter::of_this_thread().unwrap();
        let before = meter.read().unwrap();
        (0..3).for_each(|_| thread::sleep(Duration::from_millis(1)));
        let after = meter.read().unwrap();
        assert!(after.count >= before.count + 3 && after.total >= before.total, "{before:?} {after:?}");
    }
}
