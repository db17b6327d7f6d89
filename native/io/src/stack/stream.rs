//! A TCP connection as its user sees it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::ConnectError;
use super::connection::Connection;
use super::table::{SharedSocket, Table, lock};

/// The bytes of a TCP connection, both ways. To shut it down ends the bytes to the remote end; to drop it closes it,
/// after what was written is delivered.
pub struct StackStream {
    table: Arc<Table>,
    connection: Connection,
    socket: SharedSocket,
}

impl StackStream {
    pub(super) fn new(table: Arc<Table>, connection: Connection, socket: SharedSocket) -> Self {
        Self { table, connection, socket }
    }

    /// The two ends of the connection.
    pub fn connection(&self) -> Connection {
        self.connection
    }

    pub(super) async fn opened(&mut self) -> Result<(), ConnectError> {
        std::future::poll_fn(|context| lock(&self.socket).poll_open(context)).await
    }
}

impl AsyncRead for StackStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut socket = lock(&self.socket);
        let length = ready!(socket.poll_read(context, buffer.initialize_unfilled()))?;
        buffer.advance(length);
        // The remote end may be waiting to hear that there is room again.
        self.table.nudge(self.connection, &mut socket);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for StackStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut socket = lock(&self.socket);
        let length = ready!(socket.poll_write(context, bytes))?;
        self.table.nudge(self.connection, &mut socket);
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut socket = lock(&self.socket);
        socket.close();
        self.table.enqueue(self.connection, &mut socket);
        Poll::Ready(Ok(()))
    }
}

impl Drop for StackStream {
    fn drop(&mut self) {
        let mut socket = lock(&self.socket);
        socket.abandon(self.table.now());
        self.table.enqueue(self.connection, &mut socket);
    }
}
