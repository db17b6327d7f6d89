//! Waiting for descriptors with the clock's full precision: milliseconds would send paced packets in lumps.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::time::Duration;

/// Waits until something can be read or the time is over (`None`: without end), and tells which are readable.
pub fn readable<const COUNT: usize>(
    descriptors: [BorrowedFd<'_>; COUNT],
    timeout: Option<Duration>,
) -> io::Result<[bool; COUNT]> {
    let mut polled =
        descriptors.map(|descriptor| libc::pollfd { fd: descriptor.as_raw_fd(), events: libc::POLLIN, revents: 0 });
    let timeout = timeout.map(|timeout| libc::timespec {
        tv_sec: timeout.as_secs() as libc::time_t,
        tv_nsec: libc::c_long::from(timeout.subsec_nanos() as i32),
    });
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the array has `COUNT` entries, and it and the timeout outlive the call.
    let result = unsafe { libc::ppoll(polled.as_mut_ptr(), COUNT as libc::nfds_t, timeout, ptr::null()) };
    if result < 0 {
        let error = io::Error::last_os_error();
        return if error.kind() == io::ErrorKind::Interrupted { Ok([false; COUNT]) } else { Err(error) };
    }
    Ok(polled.map(|polled| polled.revents != 0))
}
