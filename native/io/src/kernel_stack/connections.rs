//! The connections of a kernel's stack, shared by their streams, by what diverts packets, and by the stack's owner.

use std::collections::HashMap;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};

use tokio::net::TcpStream;

use super::socket;
use crate::stack::table::lock;
use crate::stack::{ConnectError, Connection};

/// More connections than this are refused: each may come to use all of its buffers.
const MOST_CONNECTIONS: usize = 16_384;

#[derive(Debug, Default)]
pub(super) struct Connections(Mutex<HashMap<Connection, Entry>>);

#[derive(Debug)]
struct Entry {
    stream: Arc<TcpStream>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Opening,
    Open,
    /// Without a user, but with bytes to deliver.
    Left,
}

/// A connection from when it begins to open until nothing is left of it.
#[derive(Debug)]
pub(super) struct Registered {
    connections: Arc<Connections>,
    pub connection: Connection,
    pub stream: Arc<TcpStream>,
}

impl Connections {
    /// Adds one that is about to open.
    pub fn register(self: &Arc<Self>, connection: Connection, stream: TcpStream) -> Result<Registered, ConnectError> {
        let mut entries = lock(&self.0);
        if entries.len() >= MOST_CONNECTIONS {
            return Err(ConnectError::TooMany);
        }
        let stream = Arc::new(stream);
        entries.insert(connection, Entry { stream: stream.clone(), phase: Phase::Opening });
        Ok(Registered { connections: self.clone(), connection, stream })
    }

    pub fn contains(&self, connection: &Connection) -> bool {
        lock(&self.0).contains_key(connection)
    }

    /// Lists those with a user, in order.
    pub fn open(&self) -> Vec<Connection> {
        let is_open = |entry: &Entry| entry.phase == Phase::Open && socket::is_active(entry.stream.as_fd());
        let mut open: Vec<Connection> =
            lock(&self.0).iter().filter(|(_, entry)| is_open(entry)).map(|(connection, _)| *connection).collect();
        open.sort_unstable();
        open
    }

    /// Breaks those from addresses that are not to be kept.
    pub fn retain(&self, is_kept: impl Fn(IpAddr) -> bool) {
        for (connection, entry) in lock(&self.0).iter().filter(|(connection, _)| !is_kept(connection.local.ip())) {
            if let Err(error) = socket::abort(entry.stream.as_fd()) {
                tracing::debug!(%error, ?connection, "a connection could not be broken");
            }
        }
    }

    fn enter(&self, connection: &Connection, phase: Phase) {
        if let Some(entry) = lock(&self.0).get_mut(connection) {
            entry.phase = phase;
        }
    }
}

impl Registered {
    pub fn opened(&self) {
        self.connections.enter(&self.connection, Phase::Open);
    }

    pub fn left(&self) {
        self.connections.enter(&self.connection, Phase::Left);
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut entries = lock(&self.connections.0);
        // Its port may have gone to another connection since.
        if entries.get(&self.connection).is_some_and(|entry| Arc::ptr_eq(&entry.stream, &self.stream)) {
            entries.remove(&self.connection);
        }
    }
}
