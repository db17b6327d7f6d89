//! An epoll set. It tells states, not changes (level-triggered), so a budgeted reader may leave the rest for the next round.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

const EVENTS_PER_WAIT: usize = 64;

/// What a descriptor is watched for. Errors and hang-ups are always told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interest {
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

/// What was found out about the descriptor that was added under `token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Readiness {
    pub(crate) token: u64,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    pub(crate) failed: bool,
}

pub(crate) struct Poller {
    descriptor: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Interest {
    pub(crate) const READ: Self = Self { readable: true, writable: false };

    fn bits(self) -> u32 {
        let readable = if self.readable { libc::EPOLLIN } else { 0 };
        let writable = if self.writable { libc::EPOLLOUT } else { 0 };
        (readable | writable) as u32
    }
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: epoll_create1 takes no pointers, and the result is checked before it is owned.
        let descriptor = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and nobody else owns it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Self { descriptor, events: Vec::with_capacity(EVENTS_PER_WAIT) })
    }

    pub(crate) fn add(&self, descriptor: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, descriptor, token, interest)
    }

    pub(crate) fn change(&self, descriptor: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, descriptor, token, interest)
    }

    pub(crate) fn remove(&self, descriptor: BorrowedFd<'_>) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, descriptor, 0, Interest::READ)
    }

    /// Waits until something is ready or the time is over (`None`: without end), and tells what is.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<impl Iterator<Item = Readiness>> {
        self.events.clear();
        let (descriptor, timeout) = (self.descriptor.as_raw_fd(), milliseconds(timeout));
        let capacity = EVENTS_PER_WAIT as libc::c_int;
        // SAFETY: the vector has room for EVENTS_PER_WAIT events; the kernel writes at most that many.
        let count = unsafe { libc::epoll_wait(descriptor, self.events.as_mut_ptr(), capacity, timeout) };
        match usize::try_from(count) {
            // SAFETY: the kernel has written `count` events.
            Ok(count) => unsafe { self.events.set_len(count) },
            Err(_) => interrupted_is_nothing(io::Error::last_os_error())?,
        }
        Ok(self.events.iter().map(readiness))
    }

    fn control(&self, action: i32, descriptor: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        let mut event = libc::epoll_event { events: interest.bits(), u64: token };
        // SAFETY: both descriptors are open for the duration of the call and `event` outlives it.
        let result = unsafe {
            libc::epoll_ctl(self.descriptor.as_raw_fd(), action, descriptor.as_fd().as_raw_fd(), &raw mut event)
        };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

fn readiness(event: &libc::epoll_event) -> Readiness {
    let (bits, token) = (event.events, event.u64);
    let any = |wanted: libc::c_int| bits & wanted as u32 != 0;
    let failed = any(libc::EPOLLERR | libc::EPOLLHUP);
    Readiness { token, readable: any(libc::EPOLLIN), writable: any(libc::EPOLLOUT), failed }
}

/// Rounds up: a wait that ends a little early would be repeated until the time has come.
fn milliseconds(timeout: Option<Duration>) -> libc::c_int {
    timeout
        .map_or(-1, |timeout| libc::c_int::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(libc::c_int::MAX))
}

fn interrupted_is_nothing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poll::Bell;

    #[test]
    fn a_bell_rings_until_it_is_quieted() {
        let mut poller = Poller::new().unwrap();
        let bell = Bell::new().unwrap();
        poller.add(bell.as_fd(), 7, Interest::READ).unwrap();
        assert_eq!(poller.wait(Some(Duration::ZERO)).unwrap().count(), 0);
        assert!(!bell.is_ringing());
        bell.ring();
        bell.ring();
        for _ in 0..2 {
            let seen: Vec<Readiness> = poller.wait(None).unwrap().collect();
            assert_eq!(seen, [Readiness { token: 7, readable: true, writable: false, failed: false }]);
        }
        assert!(bell.is_ringing());
        bell.quiet();
        assert!(!bell.is_ringing());
        assert_eq!(poller.wait(Some(Duration::ZERO)).unwrap().count(), 0);
        bell.ring();
        assert_eq!(poller.wait(None).unwrap().count(), 1);
    }

    #[test]
    fn a_wait_is_rounded_up() {
        assert_eq!(milliseconds(None), -1);
        assert_eq!(milliseconds(Some(Duration::ZERO)), 0);
        assert_eq!(milliseconds(Some(Duration::from_nanos(1))), 1);
        assert_eq!(milliseconds(Some(Duration::MAX)), libc::c_int::MAX);
    }
}
