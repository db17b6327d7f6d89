//! The live connections to each peer, newest last.
//!
//! There may be several for a moment: both ends dialled at once, or the peer restarted and the old connection has
//! not timed out yet. The newest is asked, the others are still answered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use iroh::EndpointId;
use iroh::endpoint::{Connection, Side};
use tokio::sync::broadcast;

use super::error::Refusal;
use super::usage::{Usage, Use};

const MAXIMUM_PER_PEER: usize = 4;
const MAXIMUM_OF_STRANGERS: usize = 256;
const MAXIMUM: usize = 4096;
/// Events that Python has not asked for yet; the oldest give way.
const EVENT_BACKLOG: usize = 1024;

/// A peer came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionEvent {
    Connected(EndpointId),
    Disconnected(EndpointId),
}

pub(super) struct Connections {
    live: Mutex<HashMap<EndpointId, Vec<Live>>>,
    events: broadcast::Sender<ConnectionEvent>,
}

struct Live {
    connection: Connection,
    usage: Arc<Usage>,
}

impl Connections {
    pub(super) fn new() -> Self {
        Self { live: Mutex::default(), events: broadcast::Sender::new(EVENT_BACKLOG) }
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<ConnectionEvent> {
        self.events.subscribe()
    }

    /// Gives the connection to ask this peer over, if there is one that has not been closed.
    pub(super) fn newest(&self, peer: EndpointId) -> Option<Connection> {
        let live = self.live();
        let mut connections = live.get(&peer)?.iter().rev().map(|live| &live.connection);
        connections.find(|connection| connection.close_reason().is_none()).cloned()
    }

    /// Notes a request over a connection, until what this gives is dropped.
    pub(super) fn begin_use(&self, connection: &Connection) -> Option<Use> {
        let live = self.live();
        let of_peer = live.get(&connection.remote_id())?;
        of_peer.iter().find(|live| live.is(connection)).map(|live| live.usage.begin())
    }

    /// Ends the connections to a peer if none of them was used for so long; whether there is none then.
    ///
    /// Nothing is lost: what the peer asks just now was not seen here, and is asked again over a new connection.
    pub(super) fn end_idle(&self, peer: EndpointId, time: Duration) -> bool {
        let live = self.live();
        let Some(connections) = live.get(&peer) else { return true };
        let is_idle = connections.iter().all(|live| live.usage.is_idle(time));
        for live in connections.iter().filter(|_| is_idle) {
            live.connection.close(Refusal::Idle.code(), b"idle");
        }
        is_idle
    }

    /// Takes a connection in, unless that would exceed a limit.
    ///
    /// `is_authorized` tells members from strangers among those who came by themselves.
    pub(super) fn add(
        &self,
        connection: &Connection,
        is_authorized: impl Fn(EndpointId) -> bool,
    ) -> Result<(), Refusal> {
        let peer = connection.remote_id();
        let mut live = self.live();
        if connection.side() == Side::Server && !is_authorized(peer) {
            let came_in = |live: &Vec<Live>| live.iter().any(|one| one.connection.side() == Side::Server);
            let strangers = live.iter().filter(|(id, connections)| came_in(connections) && !is_authorized(**id));
            if strangers.count() >= MAXIMUM_OF_STRANGERS {
                return Err(Refusal::Busy);
            }
        }
        if live.len() >= MAXIMUM {
            return Err(Refusal::Busy);
        }
        let connections = live.entry(peer).or_default();
        if connections.is_empty() {
            // Nobody listens when Python has closed the endpoint.
            let _ = self.events.send(ConnectionEvent::Connected(peer));
        }
        if connections.len() == MAXIMUM_PER_PEER {
            connections.remove(0).connection.close(Refusal::Busy.code(), b"superseded");
        }
        connections.push(Live { connection: connection.clone(), usage: Usage::new() });
        Ok(())
    }

    pub(super) fn remove(&self, connection: &Connection) {
        let peer = connection.remote_id();
        let mut live = self.live();
        let Some(connections) = live.get_mut(&peer) else { return };
        connections.retain(|live| !live.is(connection));
        if connections.is_empty() {
            live.remove(&peer);
            let _ = self.events.send(ConnectionEvent::Disconnected(peer));
        }
    }

    fn live(&self) -> MutexGuard<'_, HashMap<EndpointId, Vec<Live>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    fn is(&self, connection: &Connection) -> bool {
        self.connection.stable_id() == connection.stable_id()
    }
}
