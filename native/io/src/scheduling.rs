//! How the system schedules a thread.

use std::io;
use std::thread;

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
