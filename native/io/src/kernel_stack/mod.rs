//! The kernel's TCP/IP stack in a network namespace of the daemon's own: how the gate reaches payloads where user
//! namespaces are allowed, without privileges.
//!
//! A *helper* process (`helper`) makes the network namespaces, each with a TUN whose other end is a device of the
//! engine, and sockets in them on request (`namespaces`). The sockets are handed over unconnected; all that follows
//! happens here. Packets go straight between the engine and the TUN; only while some of them are diverted to a raw gate
//! they are looked at on their way (`packets`).

mod connections;
mod helper;
mod messages;
mod namespaces;
mod packets;
mod socket;
mod stream;
#[cfg(test)]
pub(crate) mod tests;

pub use helper::main;
pub use namespaces::{NamespaceError, Namespaces};
pub(crate) use packets::Slot;
pub use stream::KernelStream;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use golem_vpn_proto::DeviceConfig;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use crate::engine::Attached;
use crate::stack::addresses::Addresses;
use crate::stack::table::lock;
use crate::stack::{ConnectError, Connection, Diversion, Pair};
use connections::Connections;
use namespaces::Space;
use packets::Packets;

/// How long to wait before an address is tried again that nobody has: a member may be about to get it.
const UNREACHABLE_PAUSE: Duration = Duration::from_millis(250);

/// A host with addresses of its own in a network namespace. Its end is the end of its connections.
pub struct KernelStack {
    space: Space,
    packets: Packets,
    connections: Arc<Connections>,
    addresses: Mutex<Addresses>,
    runtime: Handle,
}

/// Why an attempt to connect has failed.
enum Obstacle {
    /// Nobody has the destination's address, as of now.
    Unreachable,
    Final(ConnectError),
}

impl KernelStack {
    /// Makes a network namespace with these addresses, each with the length of its network's prefix. The engine has the
    /// device once `Attached` says so.
    ///
    /// # Errors
    /// What the system refused.
    pub(crate) async fn start(
        namespaces: &Arc<Namespaces>,
        slot: Slot,
        addresses: Vec<(IpAddr, u8)>,
        config: DeviceConfig,
    ) -> Result<(Self, Attached), NamespaceError> {
        let (space, tun) = namespaces.open(&addresses, config.mtu).await?;
        let connections = Arc::new(Connections::default());
        let packets = Packets::new(slot, tun, config, connections.clone());
        let attached = packets.attach()?;
        let addresses = Mutex::new(Addresses::new(addresses));
        Ok((Self { space, packets, connections, addresses, runtime: Handle::current() }, attached))
    }

    /// Opens a TCP connection from the stack's first address of the destination's family.
    ///
    /// # Errors
    /// Says why there is no connection.
    pub async fn connect(&self, to: SocketAddr, patience: Duration) -> Result<KernelStream, ConnectError> {
        let connected = async {
            loop {
                match self.attempt(to).await {
                    Ok(stream) => return Ok(stream),
                    Err(Obstacle::Final(error)) => return Err(error),
                    Err(Obstacle::Unreachable) => sleep(UNREACHABLE_PAUSE).await,
                }
            }
        };
        timeout(patience, connected).await.unwrap_or(Err(ConnectError::TimedOut))
    }

    /// Takes the packets of a pair of addresses past the stack, in place of an earlier diversion of the same pair, as soon
    /// as the engine has taken note of it.
    ///
    /// # Errors
    /// When the local address is none of the stack's, or there are too many diversions.
    pub fn divert(&self, pair: Pair) -> Result<Diversion, ConnectError> {
        let addresses = lock(&self.addresses);
        let network = addresses.find(pair.local).ok_or(ConnectError::NoRoute)?;
        let line = self.packets.diversions.open(pair)?;
        let queue = self.packets.look_at(&self.runtime).map_err(|error| {
            self.packets.diversions.retain(|other| *other != pair);
            lost(error)
        })?;
        Ok(Diversion::new(self.packets.diversions.clone(), queue, pair, network, line))
    }

    /// Replaces the addresses. Connections and diversions of addresses that stay go on, the others break.
    ///
    /// # Errors
    /// What the system refused; the engine has the new addresses all the same.
    pub(crate) async fn set_addresses(
        &self,
        addresses: Vec<(IpAddr, u8)>,
        config: DeviceConfig,
    ) -> Result<Attached, NamespaceError> {
        let attached = self.packets.set_config(config);
        self.space.set_addresses(&addresses).await?;
        let mut own = lock(&self.addresses);
        *own = Addresses::new(addresses);
        self.packets.diversions.retain(|pair| own.contains(pair.local));
        self.connections.retain(|address| own.contains(address));
        Ok(attached)
    }

    /// Lists the open connections.
    pub fn connections(&self) -> Vec<Connection> {
        self.connections.open()
    }

    async fn attempt(&self, to: SocketAddr) -> Result<KernelStream, Obstacle> {
        let source = self.source_for(to).ok_or(Obstacle::Final(ConnectError::NoRoute))?;
        let socket = self.space.socket(to.is_ipv6()).await.map_err(|error| Obstacle::Final(socket_failure(error)))?;
        let (local, stream) = begin(socket, source, to).map_err(|error| Obstacle::of(&error))?;
        let registered =
            self.connections.register(Connection { local, remote: to }, stream).map_err(Obstacle::Final)?;
        let opened = registered.stream.writable().await.and_then(|()| registered.stream.take_error());
        match opened {
            Ok(None) => Ok(KernelStream::new(registered)),
            Ok(Some(error)) | Err(error) => Err(Obstacle::of(&error)),
        }
    }

    fn source_for(&self, to: SocketAddr) -> Option<IpAddr> {
        lock(&self.addresses).source_for(to.ip()).filter(|_| to.port() != 0)
    }
}

impl Drop for KernelStack {
    fn drop(&mut self) {
        self.packets.diversions.retain(|_| false);
        self.connections.retain(|_| false);
    }
}

impl Obstacle {
    fn of(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EHOSTUNREACH | libc::ENETUNREACH) => Self::Unreachable,
            Some(libc::ECONNREFUSED) => Self::Final(ConnectError::Refused),
            Some(libc::ETIMEDOUT) => Self::Final(ConnectError::TimedOut),
            Some(libc::EADDRINUSE | libc::EAGAIN | libc::EMFILE | libc::ENFILE) => Self::Final(ConnectError::TooMany),
            _ => Self::Final(ConnectError::NoRoute),
        }
    }
}

/// Begins a connection from an address, and gives the end that it has here.
fn begin(socket: OwnedFd, source: IpAddr, to: SocketAddr) -> io::Result<(SocketAddr, TcpStream)> {
    socket::prepare(socket.as_fd())?;
    socket::bind(socket.as_fd(), SocketAddr::new(source, 0))?;
    socket::begin_connect(socket.as_fd(), to)?;
    let stream = TcpStream::from_std(socket.into())?;
    Ok((stream.local_addr()?, stream))
}

fn socket_failure(error: NamespaceError) -> ConnectError {
    match error {
        // What a helper that is alive lacks for a socket is room.
        NamespaceError::Refused(_) => ConnectError::TooMany,
        NamespaceError::Ended | NamespaceError::Silent(_) | NamespaceError::System(_) => lost(error),
    }
}

fn lost(error: impl std::fmt::Display) -> ConnectError {
    tracing::error!(%error, "the gate's network namespace is lost");
    ConnectError::Lost
}
