//! A bell (eventfd): any thread rings it, the engine's thread sees it in its epoll set.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug)]
pub(crate) struct Bell {
    descriptor: OwnedFd,
    ringing: AtomicBool,
}

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: eventfd takes no pointers, and the result is checked before it is owned.
        let descriptor = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and nobody else owns it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Self { descriptor, ringing: AtomicBool::new(false) })
    }

    /// Rings; costs a system call only when it is not ringing already.
    pub(crate) fn ring(&self) {
        if self.ringing.swap(true, Ordering::SeqCst) {
            return;
        }
        let one = 1_u64.to_ne_bytes();
        // SAFETY: the pointer and the length describe `one`. A failure means the counter is at its limit: it rings.
        unsafe { libc::write(self.descriptor.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Whether it rings, which costs no system call.
    pub(crate) fn is_ringing(&self) -> bool {
        self.ringing.load(Ordering::SeqCst)
    }

    /// Stops the ringing. What it announced has to be looked for afterwards, so that a ring in between is not lost.
    pub(crate) fn quiet(&self) {
        let mut count = [0_u8; 8];
        // SAFETY: the pointer and the length describe `count`. A failure means it was not ringing.
        unsafe { libc::read(self.descriptor.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
        self.ringing.store(false, Ordering::SeqCst);
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
