//! Receiving trains of datagrams: `recvmmsg`, each message a train where `UDP_GRO` is on.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use super::address::RawAddress;
use super::control::{Control, Facts};
use super::{LONGEST_DATAGRAM, Received, SocketCounters};

/// Trains per system call. Behind an interface without receive offload a train is one datagram,
/// and only the batch lets packets be merged again.
const TRAINS: usize = 128;
/// Bytes per system call, roughly: whoever sent them waits until what answers them has gone out as well.
const BYTES: usize = 128 << 10;

/// Buffers and what describes them to the kernel, which is written once and mended where the kernel has written.
pub(super) struct Receiver {
    overflows: Overflows,
    buffers: Box<[Box<[u8]>]>,
    sources: Box<[RawAddress]>,
    controls: Box<[Control]>,
    parts: Box<[libc::iovec]>,
    messages: Box<[libc::mmsghdr]>,
    /// How many messages the kernel has written to since they were described.
    used: usize,
    /// How long the trains of the last call were, on average.
    usual_length: usize,
}

// SAFETY: the pointers in `parts` and `messages` lead to what the receiver itself owns, in boxes that stay where they
// are when it moves, and nobody else has them.
unsafe impl Send for Receiver {}

impl Receiver {
    /// Receives several trains in a system call, or one.
    pub(super) fn new(batch: bool) -> Self {
        let trains = if batch { TRAINS } else { 1 };
        let buffers = (0..trains).map(|_| vec![0; LONGEST_DATAGRAM].into_boxed_slice()).collect();
        Self {
            overflows: Overflows::default(),
            buffers,
            sources: vec![RawAddress::empty(); trains].into(),
            controls: vec![Control::new(); trains].into(),
            parts: vec![libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; trains].into(),
            // SAFETY: all-zero bytes are a valid value of this C struct.
            messages: vec![unsafe { mem::zeroed() }; trains].into(),
            used: trains,
            usual_length: 0,
        }
    }

    /// See [`Datagrams::receive`](super::Datagrams::receive).
    pub(super) fn receive(
        &mut self,
        socket: BorrowedFd<'_>,
        counters: &mut SocketCounters,
        mut take: impl FnMut(Received<'_>),
    ) -> bool {
        self.describe();
        let most = (BYTES / self.usual_length.max(1)).clamp(1, self.messages.len());
        self.used = match receive_many(socket, &mut self.messages[..most]) {
            Ok(count) => count,
            Err(error) => return tell(&error, counters),
        };
        counters.receive_calls += 1;
        let messages = self.messages[..self.used].iter();
        self.usual_length = messages.clone().map(|message| message.msg_len as usize).sum::<usize>() / self.used.max(1);
        for ((message, source), buffer) in messages.zip(&self.sources).zip(&mut self.buffers) {
            let length = message.msg_len as usize;
            let (Some(from), false) = (source.read(), length == 0) else {
                counters.dropped_empty += 1;
                continue;
            };
            let Facts { segment_size, ecn, overflows } = Facts::read(&message.msg_hdr);
            self.overflows.count(overflows, counters);
            let segment_size = segment_size.unwrap_or(length);
            counters.datagrams_received += length.div_ceil(segment_size) as u64;
            take(Received { from, ecn, segment_size, length, buffer });
        }
        self.used == most
    }

    /// Describes the buffers of messages that were used, as some were exchanged, and the kernel has written lengths.
    fn describe(&mut self) {
        for index in 0..mem::take(&mut self.used) {
            let buffer = &mut self.buffers[index];
            self.parts[index] = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
            let header = &mut self.messages[index].msg_hdr;
            header.msg_name = (&raw mut self.sources[index]).cast();
            header.msg_namelen = RawAddress::CAPACITY;
            header.msg_iov = &raw mut self.parts[index];
            header.msg_iovlen = 1;
            self.controls[index].lend(header);
        }
    }
}

/// The kernel's count of what it dropped, which wraps around.
#[derive(Default)]
struct Overflows {
    last: u32,
}

impl Overflows {
    fn count(&mut self, overflows: Option<u32>, counters: &mut SocketCounters) {
        let Some(overflows) = overflows else { return };
        counters.dropped_receive_full += u64::from(overflows.wrapping_sub(self.last));
        self.last = overflows;
    }
}

fn receive_many(socket: BorrowedFd<'_>, messages: &mut [libc::mmsghdr]) -> io::Result<usize> {
    let (pointer, length) = (messages.as_mut_ptr(), messages.len() as u32);
    // SAFETY: each message points to buffers of the caller's with the lengths it names, all alive during the call.
    let count = unsafe { libc::recvmmsg(socket.as_raw_fd(), pointer, length, 0, ptr::null_mut()) };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

/// Counts an error, which was about something sent earlier, so that reading goes on after it.
fn tell(error: &io::Error, counters: &mut SocketCounters) -> bool {
    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) {
        return false;
    }
    counters.receive_errors += 1;
    tracing::trace!(%error, "the socket reports an error");
    false
}
