//! What the TCP connections of relays are told.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::udp::options;

/// What the kernel takes before the network has; more would only wait there, unseen.
const UNSENT: libc::c_int = 128 << 10;
/// A client whose acknowledgements stay away for so long is gone.
const SILENCE: Duration = Duration::from_secs(5);
const KEEP_ALIVE_SECONDS: libc::c_int = 15;

/// Keeps the queue short, and finds out about a dead client.
pub(super) fn prepare(stream: &TcpStream) -> io::Result<()> {
    let socket = stream.as_fd();
    stream.set_nodelay(true)?;
    options::set(socket, libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT, UNSENT)?;
    options::set(socket, libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT, SILENCE.as_millis() as libc::c_int)?;
    options::set(socket, libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1)?;
    options::set(socket, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, KEEP_ALIVE_SECONDS)
}
