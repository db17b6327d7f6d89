//! Socket options.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Bytes that wait in a socket while the engine is busy: 7 MiB took wireguard-go from 4.1 to 5.3 Gbit/s.
const BUFFER: libc::c_int = 7 << 20;

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

/// Makes both buffers as big as allowed and returns their sizes, sending first.
pub(super) fn enlarge_buffers(socket: BorrowedFd<'_>) -> io::Result<(usize, usize)> {
    let send = enlarge(socket, libc::SO_SNDBUFFORCE, libc::SO_SNDBUF)?;
    let receive = enlarge(socket, libc::SO_RCVBUFFORCE, libc::SO_RCVBUF)?;
    Ok((send, receive))
}

/// Never fragments outer packets, and doesn't believe "too big" messages, which anybody could send.
pub(super) fn forbid_fragments(socket: BorrowedFd<'_>, ipv6: bool) -> io::Result<()> {
    if ipv6 {
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_PROBE)?;
    }
    // An IPv6 socket sends IPv4 too, by mapped addresses.
    set(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE)
}

fn enlarge(socket: BorrowedFd<'_>, force: i32, ordinary: i32) -> io::Result<usize> {
    // The forced option ignores the system's limit but needs CAP_NET_ADMIN; the ordinary one is cut to the limit.
    if set(socket, libc::SOL_SOCKET, force, BUFFER).is_err() {
        set(socket, libc::SOL_SOCKET, ordinary, BUFFER)?;
    }
    let doubled = read(socket, libc::SOL_SOCKET, ordinary)?;
    Ok(usize::try_from(doubled).unwrap_or(0) / 2)
}
