//! A TCP connection of a kernel's stack as its user sees it.

use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use super::connections::Registered;
use super::socket;
use crate::stack::Connection;

/// How long a connection without a stream may take to deliver its last bytes.
const LINGER: Duration = Duration::from_secs(120);
/// How often is looked whether they are delivered, as nothing tells it.
const LOOK: Duration = Duration::from_millis(50);
const SCRATCH: usize = 16 << 10;

/// The bytes of a TCP connection, both ways. To shut it down ends the bytes to the remote end; to drop it closes it,
/// after what was written is delivered.
#[derive(Debug)]
pub struct KernelStream {
    /// There until it is dropped.
    registered: Option<Registered>,
    connection: Connection,
    runtime: Handle,
}

impl KernelStream {
    pub(super) fn new(registered: Registered) -> Self {
        registered.opened();
        let connection = registered.connection;
        Self { registered: Some(registered), connection, runtime: Handle::current() }
    }

    /// The two ends of the connection.
    pub fn connection(&self) -> Connection {
        self.connection
    }

    fn tcp(&self) -> io::Result<&TcpStream> {
        self.registered.as_ref().map(|one| &*one.stream).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl AsyncRead for KernelStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let tcp = self.tcp()?;
        loop {
            ready!(tcp.poll_read_ready(context))?;
            match tcp.try_read(buffer.initialize_unfilled()) {
                Ok(length) => {
                    buffer.advance(length);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for KernelStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let tcp = self.tcp()?;
        loop {
            ready!(tcp.poll_write_ready(context))?;
            match tcp.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(socket::shutdown(self.tcp()?.as_fd()))
    }
}

impl Drop for KernelStream {
    fn drop(&mut self) {
        if let Some(registered) = self.registered.take() {
            registered.left();
            self.runtime.spawn(linger(registered));
        }
    }
}

/// Delivers what was written. Bytes that nobody will read are read all the same: to close a socket with them resets the
/// connection, which could cost the remote end bytes that are still on their way. Once it has all, the kernel answers
/// further ones with a reset.
async fn linger(registered: Registered) {
    let tcp = &registered.stream;
    if socket::shutdown(tcp.as_fd()).is_err() {
        return;
    }
    let mut scratch = [0; SCRATCH];
    let deadline = Instant::now() + LINGER;
    while Instant::now() < deadline && !socket::is_delivered(tcp.as_fd()) {
        let look = (Instant::now() + LOOK).min(deadline);
        let Ok(readable) = timeout_at(look, tcp.readable()).await else { continue };
        match readable.and_then(|()| tcp.try_read(&mut scratch)) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}
