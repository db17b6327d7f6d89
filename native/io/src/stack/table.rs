//! The connections of a stack, shared by its task, its streams and its owner.
//!
//! A connection's lock may be taken while none is held, or before that of `ready`; never while the table is locked.
//! Diversions may be locked at any time, as nothing else is locked meanwhile.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time;

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpCidr;
use tokio::sync::Notify;

use super::ConnectError;
use super::addresses::Addresses;
use super::connection::Connection;
use super::diversion::{Diversions, Line, Pair};
use super::packet::Heading;
use super::socket::Socket;
use super::stream::StackStream;
use crate::entropy;

/// More connections than this are refused: each may come to use all of its buffers.
const MOST_CONNECTIONS: usize = 16_384;
/// Every IPv4 host takes packets of this size; smoltcp takes it for granted that headers fit.
const SMALLEST_MTU: u16 = 576;
const FIRST_LOCAL_PORT: u16 = 32_768;
const PORTS_TRIED: usize = 64;

pub(super) type SharedSocket = Arc<Mutex<Socket>>;

pub(super) struct Table {
    state: Mutex<State>,
    pub diversions: Arc<Diversions>,
    /// Connections whose streams gave them something to do.
    ready: Mutex<Vec<Connection>>,
    bell: Notify,
    mtu: u16,
    started: time::Instant,
}

struct State {
    addresses: Addresses,
    sockets: HashMap<Connection, SharedSocket>,
    is_stopped: bool,
}

/// Who a received packet is for.
pub(super) enum Recipient {
    Connection(Connection, SharedSocket),
    Diversion(Arc<Line>),
    /// The stack, but none of its connections.
    Host,
    Nobody,
}

impl Table {
    pub fn new(addresses: Vec<(IpAddr, u8)>, mtu: u16) -> Self {
        let state = State { addresses: Addresses::new(addresses), sockets: HashMap::new(), is_stopped: false };
        Self {
            state: Mutex::new(state),
            diversions: Arc::default(),
            ready: Mutex::default(),
            bell: Notify::new(),
            mtu: mtu.max(SMALLEST_MTU),
            started: time::Instant::now(),
        }
    }

    pub fn mtu(&self) -> u16 {
        self.mtu
    }

    /// The time as smoltcp counts it.
    pub fn now(&self) -> Instant {
        Instant::ZERO + Duration::from(self.started.elapsed())
    }

    /// The same moment as the system counts it.
    pub fn moment(&self, instant: Instant) -> time::Instant {
        self.started + time::Duration::from(instant - Instant::ZERO)
    }

    /// Adds a connection that is about to open.
    pub fn open(self: &Arc<Self>, remote: SocketAddr) -> Result<StackStream, ConnectError> {
        let mut state = lock(&self.state);
        let address = state.addresses.source_for(remote.ip()).ok_or(ConnectError::NoRoute)?;
        if state.sockets.len() >= MOST_CONNECTIONS {
            return Err(ConnectError::TooMany);
        }
        let connection =
            std::iter::repeat_with(|| Connection { local: SocketAddr::new(address, random_port()), remote })
                .take(PORTS_TRIED)
                .find(|connection| !state.sockets.contains_key(connection))
                .ok_or(ConnectError::TooMany)?;
        let socket = Socket::connect(connection, self.mtu, random()).ok_or(ConnectError::NoRoute)?;
        let socket = Arc::new(Mutex::new(socket));
        state.sockets.insert(connection, socket.clone());
        drop(state);
        self.enqueue(connection, &mut lock(&socket));
        Ok(StackStream::new(self.clone(), connection, socket))
    }

    /// Adds a diversion, and gives the network of its local address.
    pub fn divert(&self, pair: Pair) -> Result<(IpCidr, Arc<Line>), ConnectError> {
        let state = lock(&self.state);
        let network = state.addresses.find(pair.local).ok_or(ConnectError::NoRoute)?;
        Ok((network, self.diversions.open(pair)?))
    }

    pub fn set_addresses(&self, addresses: Vec<(IpAddr, u8)>) {
        let lost: Vec<SharedSocket> = {
            let mut state = lock(&self.state);
            let State { addresses: own, sockets, .. } = &mut *state;
            *own = Addresses::new(addresses);
            self.diversions.retain(|pair| own.contains(pair.local));
            sockets.extract_if(|connection, _| !own.contains(connection.local.ip())).map(|(_, socket)| socket).collect()
        };
        for socket in lost {
            lock(&socket).abort();
        }
    }

    /// The open connections, in order.
    pub fn connections(&self) -> Vec<Connection> {
        let all: Vec<_> =
            lock(&self.state).sockets.iter().map(|(connection, socket)| (*connection, socket.clone())).collect();
        let is_open = |(_, socket): &(Connection, SharedSocket)| lock(socket).is_open();
        let mut open: Vec<Connection> = all.into_iter().filter(is_open).map(|(connection, _)| connection).collect();
        open.sort_unstable();
        open
    }

    /// Asks the task of the stack to end.
    pub fn stop(&self) {
        lock(&self.state).is_stopped = true;
        self.bell.notify_one();
    }

    pub fn is_stopped(&self) -> bool {
        lock(&self.state).is_stopped
    }

    /// Lets no more connections open, and gives up those there are and all diversions.
    pub fn close(&self) -> Vec<SharedSocket> {
        let mut state = lock(&self.state);
        state.is_stopped = true;
        state.addresses = Addresses::new(Vec::new());
        self.diversions.retain(|_| false);
        state.sockets.drain().map(|(_, socket)| socket).collect()
    }

    pub fn recipient(&self, heading: &Heading) -> Recipient {
        let state = lock(&self.state);
        if !state.addresses.contains(heading.destination) {
            return Recipient::Nobody;
        }
        if let Some((connection, socket)) = heading.connection.and_then(|one| state.sockets.get_key_value(&one)) {
            return Recipient::Connection(*connection, socket.clone());
        }
        match self.diversions.find(&heading.pair()) {
            Some(line) => Recipient::Diversion(line),
            None if heading.is_useful => Recipient::Host,
            None => Recipient::Nobody,
        }
    }

    pub fn find(&self, connection: &Connection) -> Option<SharedSocket> {
        lock(&self.state).sockets.get(connection).cloned()
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        lock(&self.state).sockets.is_empty()
    }

    pub fn remove(&self, connection: &Connection) {
        lock(&self.state).sockets.remove(connection);
    }

    /// Gives a connection its turn if it has something to send.
    pub fn nudge(&self, connection: Connection, socket: &mut Socket) {
        let now = self.now();
        if socket.deadline(now).is_some_and(|deadline| deadline <= now) {
            self.enqueue(connection, socket);
        }
    }

    pub fn enqueue(&self, connection: Connection, socket: &mut Socket) {
        if !std::mem::replace(&mut socket.is_queued, true) {
            lock(&self.ready).push(connection);
            self.bell.notify_one();
        }
    }

    /// Takes the connections that were given something to do.
    pub fn take_ready(&self) -> Vec<Connection> {
        std::mem::take(&mut *lock(&self.ready))
    }

    /// Waits until there is something to take, or the stack is to stop.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }
}

/// Locks; what a panic left behind is still the best there is.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn random_port() -> u16 {
    FIRST_LOCAL_PORT | random() as u16
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    entropy::fill(&mut bytes);
    u64::from_ne_bytes(bytes)
}
