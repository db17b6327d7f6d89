//! What the system calls are that a connection needs beside those of tokio.

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::sandbox::failure::checked;
use crate::udp::address::RawAddress;
use crate::udp::options::set;

/// Seconds without a word after which the remote end is asked whether it is there, and between two such questions.
const KEEP_ALIVE: libc::c_int = 30;
/// How long the remote end may be silent while it has something to say or to acknowledge.
const USER_TIMEOUT_MILLISECONDS: libc::c_int = 120_000;
/// How many questions go unanswered in that time.
const KEEP_ALIVE_PROBES: libc::c_int = 3;
/// Where in `tcp_info` the state is: its first byte.
const STATE: usize = 0;

/// Prepares a socket as the gate wants its connections.
pub(super) fn prepare(socket: BorrowedFd<'_>) -> io::Result<()> {
    set(socket, libc::IPPROTO_TCP, libc::TCP_NODELAY, 1)?;
    set(socket, libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1)?;
    set(socket, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, KEEP_ALIVE)?;
    set(socket, libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, KEEP_ALIVE)?;
    set(socket, libc::IPPROTO_TCP, libc::TCP_KEEPCNT, KEEP_ALIVE_PROBES)?;
    set(socket, libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT, USER_TIMEOUT_MILLISECONDS)?;
    // The port is chosen when the destination is known, so connections to others don't use it up.
    set(socket, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, 1)
}

/// Gives the socket its own address.
pub(super) fn bind(socket: BorrowedFd<'_>, address: SocketAddr) -> io::Result<()> {
    let (address, length) = RawAddress::new(address, false);
    // SAFETY: the pointer and the length describe `address`, which the kernel only reads.
    checked(unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) })?;
    Ok(())
}

/// Begins to connect a socket that does not block.
pub(super) fn begin_connect(socket: BorrowedFd<'_>, to: SocketAddr) -> io::Result<()> {
    let (address, length) = RawAddress::new(to, false);
    // SAFETY: the pointer and the length describe `address`, which the kernel only reads.
    match checked(unsafe { libc::connect(socket.as_raw_fd(), (&raw const address).cast(), length) }) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(()),
    }
}

/// Ends the bytes to the remote end, behind those already written.
pub(super) fn shutdown(socket: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: shutdown takes numbers.
    checked(unsafe { libc::shutdown(socket.as_raw_fd(), libc::SHUT_WR) })?;
    Ok(())
}

/// Breaks a connection: both its ends see an error from now on.
pub(super) fn abort(socket: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: all-zero bytes are a valid value of this C struct.
    let mut nowhere: libc::sockaddr = unsafe { mem::zeroed() };
    nowhere.sa_family = libc::AF_UNSPEC as libc::sa_family_t;
    let length = mem::size_of_val(&nowhere) as libc::socklen_t;
    // SAFETY: the pointer and the length describe `nowhere`, which the kernel only reads.
    checked(unsafe { libc::connect(socket.as_raw_fd(), &raw const nowhere, length) })?;
    Ok(())
}

/// Whether the remote end has acknowledged all that was written, and the end behind it if that was.
pub(super) fn is_delivered(socket: BorrowedFd<'_>) -> bool {
    let mut waiting: libc::c_int = 0;
    // SAFETY: TIOCOUTQ writes an int, which is what the pointer refers to.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut waiting) };
    result < 0 || waiting == 0
}

/// Whether neither end has broken the connection, nor both ended it.
pub(super) fn is_active(socket: BorrowedFd<'_>) -> bool {
    const CLOSED_STATES: [u8; 2] = [6, 7]; // TIME_WAIT and CLOSE, in the kernel's include/net/tcp_states.h
    let mut info = [0_u8; 8];
    let mut length = info.len() as libc::socklen_t;
    // SAFETY: the pointers describe `info` and its length; the kernel writes no more than that.
    let result = unsafe {
        let value = info.as_mut_ptr().cast();
        libc::getsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, value, &raw mut length)
    };
    result == 0 && !CLOSED_STATES.contains(&info[STATE])
}
