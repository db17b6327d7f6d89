//! Socket options.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Bytes that wait to be sent. More would wait where flows are not told apart: behind a link of 100 Mbit/s, 40 ms.
const SEND_BUFFER: libc::c_int = 512 << 10;
/// Bytes that wait to be received while the thread waits for a processor: with a sixth of it, TCP had to send up to a
/// hundredth of its segments again, with two thirds a thousandth. More would only have packets wait for longer.
const RECEIVE_BUFFER: libc::c_int = 6 << 20;

pub(crate) fn set(socket: BorrowedFd<'_>, level: i32, name: i32, value: libc::c_int) -> io::Result<()> {
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the pointer and the length describe `value`, which the kernel only reads.
    let result = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), length) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

pub(super) fn read(socket: BorrowedFd<'_>, level: i32, name: i32) -> io::Result<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the pointers describe `value` and its length, which the kernel writes.
    let result = unsafe { libc::getsockopt(socket.as_raw_fd(), level, name, (&raw mut value).cast(), &raw mut length) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(value) }
}

/// Sets the sizes of both buffers, as far as allowed, and returns them, sending first.
pub(super) fn set_buffers(socket: BorrowedFd<'_>) -> io::Result<(usize, usize)> {
    let send = set_buffer(socket, SEND_BUFFER, libc::SO_SNDBUFFORCE, libc::SO_SNDBUF)?;
    let receive = set_buffer(socket, RECEIVE_BUFFER, libc::SO_RCVBUFFORCE, libc::SO_RCVBUF)?;
    Ok((send, receive))
}

/// Has received datagrams come with what their headers say of congestion, and with how many were dropped before them.
pub(super) fn tell_more(socket: BorrowedFd<'_>, ipv6: bool) -> io::Result<()> {
    set(socket, libc::SOL_SOCKET, libc::SO_RXQ_OVFL, 1)?;
    if ipv6 {
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVTCLASS, 1)?;
    }
    // As above: an IPv6 socket receives IPv4 too.
    set(socket, libc::IPPROTO_IP, libc::IP_RECVTOS, 1)
}

/// Never fragments outer packets, and doesn't believe "too big" messages, which anybody could send.
pub(super) fn forbid_fragments(socket: BorrowedFd<'_>, ipv6: bool) -> io::Result<()> {
    if ipv6 {
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_PROBE)?;
    }
    // An IPv6 socket sends IPv4 too, by mapped addresses.
    set(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE)
}

fn set_buffer(socket: BorrowedFd<'_>, size: libc::c_int, force: i32, ordinary: i32) -> io::Result<usize> {
    // The forced option ignores the system's limit but needs CAP_NET_ADMIN; the ordinary one is cut to the limit.
    if set(socket, libc::SOL_SOCKET, force, size).is_err() {
        set(socket, libc::SOL_SOCKET, ordinary, size)?;
    }
    let doubled = read(socket, libc::SOL_SOCKET, ordinary)?;
    Ok(usize::try_from(doubled).unwrap_or(0) / 2)
}
