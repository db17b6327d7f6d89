//! Sending trains of datagrams: one `sendmsg` with `UDP_SEGMENT`, or `sendmmsg` where there is no segmentation.

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use golem_vpn_proto::Ecn;

use super::address::RawAddress;
use super::control::{Control, Wishes};
use super::{DATAGRAMS_PER_TRAIN, LONGEST_TRAIN, SocketStatus};

pub(super) struct Sender {
    ipv6: bool,
}

/// A destination in the kernel's form, and what headers of datagrams to it say of congestion.
struct Destination {
    address: RawAddress,
    length: libc::socklen_t,
    ipv6: bool,
    ecn: Ecn,
}

impl Sender {
    pub(super) fn new(ipv6: bool) -> Self {
        Self { ipv6 }
    }

    /// See [`Datagrams::send`](super::Datagrams::send).
    pub(super) fn send(
        &mut self,
        socket: BorrowedFd<'_>,
        status: &mut SocketStatus,
        to: SocketAddr,
        ecn: Ecn,
        segment_size: usize,
        bytes: &[u8],
    ) -> usize {
        debug_assert!(bytes.len() <= LONGEST_TRAIN && bytes.len().div_ceil(segment_size) <= DATAGRAMS_PER_TRAIN);
        if to.is_ipv6() && !self.ipv6 {
            status.counters.dropped_unreachable += bytes.len().div_ceil(segment_size) as u64;
            return bytes.len();
        }
        let (address, length) = RawAddress::new(to, self.ipv6);
        let destination = Destination { address, length, ipv6: to.is_ipv6(), ecn };
        if bytes.len() > segment_size && !status.segmentation {
            return send_separately(socket, status, &destination, segment_size, bytes);
        }
        send_train(socket, status, &destination, segment_size, bytes)
    }
}

fn send_train(
    socket: BorrowedFd<'_>,
    status: &mut SocketStatus,
    destination: &Destination,
    segment_size: usize,
    bytes: &[u8],
) -> usize {
    let Err(error) = send_at_once(socket, destination, segment_size, bytes) else {
        status.counters.send_calls += 1;
        status.counters.datagrams_sent += bytes.len().div_ceil(segment_size) as u64;
        return bytes.len();
    };
    let is_segmented = bytes.len() > segment_size;
    if !is_segmented || !matches!(error.raw_os_error(), Some(libc::EIO | libc::EINVAL)) {
        return settle(status, &error, segment_size, bytes.len());
    }
    // The interface (EIO) or the kernel (EINVAL) can't segment; but older kernels say EINVAL for "too big" as well,
    // so segmentation is given up only if the same datagrams go out without it.
    let sent_before = status.counters.datagrams_sent;
    let done = send_separately(socket, status, destination, segment_size, bytes);
    if status.counters.datagrams_sent > sent_before {
        status.segmentation = false;
        tracing::warn!(%error, "UDP segmentation offload does not work here, sending datagrams one by one");
    }
    done
}

fn send_separately(
    socket: BorrowedFd<'_>,
    status: &mut SocketStatus,
    destination: &Destination,
    segment_size: usize,
    bytes: &[u8],
) -> usize {
    let mut done = 0;
    while done < bytes.len() {
        let rest = &bytes[done..];
        let advance = match send_many(socket, destination, segment_size, rest) {
            Ok(count) => {
                status.counters.send_calls += 1;
                status.counters.datagrams_sent += count as u64;
                rest.len().min(count * segment_size)
            }
            Err(error) => settle(status, &error, segment_size, segment_size.min(rest.len())),
        };
        if advance == 0 {
            break;
        }
        done += advance;
    }
    done
}

/// Decides what an error means for the `at_stake` bytes: they are dropped and counted, or kept (0) when the socket is full.
fn settle(status: &mut SocketStatus, error: &io::Error, segment_size: usize, at_stake: usize) -> usize {
    let counters = &mut status.counters;
    let dropped = match error.raw_os_error() {
        Some(libc::EAGAIN) => {
            counters.send_waits += 1;
            return 0;
        }
        Some(libc::EMSGSIZE) => &mut counters.dropped_too_big,
        Some(libc::ENETUNREACH | libc::EHOSTUNREACH | libc::EADDRNOTAVAIL | libc::EAFNOSUPPORT) => {
            &mut counters.dropped_unreachable
        }
        _ => &mut counters.dropped_send_failed,
    };
    *dropped += at_stake.div_ceil(segment_size) as u64;
    tracing::trace!(%error, bytes = at_stake, "datagrams dropped");
    at_stake
}

/// Sends a datagram, or a train that the kernel segments.
fn send_at_once(
    socket: BorrowedFd<'_>,
    destination: &Destination,
    segment_size: usize,
    bytes: &[u8],
) -> io::Result<()> {
    let (mut control, mut part) = (Control::new(), slice(bytes));
    let mut message = destination.message(&mut part);
    control.ask(destination.wishes((bytes.len() > segment_size).then_some(segment_size as u16)), &mut message);
    // SAFETY: `message` points to `destination`, `part` (and through it `bytes`) and `control`, all alive here.
    match unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, 0) } {
        ..0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Sends datagrams of one train without segmentation, and returns how many were sent, at least one.
fn send_many(
    socket: BorrowedFd<'_>,
    destination: &Destination,
    segment_size: usize,
    bytes: &[u8],
) -> io::Result<usize> {
    let mut parts = [slice(&[]); DATAGRAMS_PER_TRAIN];
    // SAFETY: all-zero bytes are a valid value of this C struct.
    let mut messages: [libc::mmsghdr; DATAGRAMS_PER_TRAIN] = unsafe { mem::zeroed() };
    let (mut count, mut control) = (0, Control::new());
    for ((datagram, part), message) in bytes.chunks(segment_size).zip(&mut parts).zip(&mut messages) {
        *part = slice(datagram);
        message.msg_hdr = destination.message(part);
        control.ask(destination.wishes(None), &mut message.msg_hdr);
        count += 1;
    }
    // SAFETY: the first `count` messages point to `destination`, `control` and `parts` (and through them `bytes`), all alive.
    let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), messages.as_mut_ptr(), count, 0) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

impl Destination {
    fn wishes(&self, segment_size: Option<u16>) -> Wishes {
        Wishes { segment_size, ecn: self.ecn, ipv6: self.ipv6 }
    }

    fn message(&self, part: &mut libc::iovec) -> libc::msghdr {
        // SAFETY: all-zero bytes are a valid value of this C struct.
        let mut message: libc::msghdr = unsafe { mem::zeroed() };
        message.msg_name = (&raw const self.address).cast_mut().cast();
        message.msg_namelen = self.length;
        message.msg_iov = part;
        message.msg_iovlen = 1;
        message
    }
}

/// What the kernel reads; it takes a mutable pointer only because receiving uses the same struct.
fn slice(bytes: &[u8]) -> libc::iovec {
    libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() }
}
