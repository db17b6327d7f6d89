//! A user-space TCP/IP stack on a queue device: how the gate reaches payloads without a TUN and without privileges.
//!
//! smoltcp does the protocol, but its interface looks at every socket for every packet. So each connection is an
//! interface with a single socket (`socket`), packets are matched to connections here (`table`), and one task
//! (`driver`) serves the connections that have something to do. Idle connections cost no time, and little memory,
//! because the system gives memory to their buffers only when bytes go through them.

pub(crate) mod addresses;
mod connection;
pub(crate) mod diversion;
mod driver;
pub(crate) mod packet;
mod recovery;
mod responder;
mod socket;
mod stream;
pub(crate) mod table;
#[cfg(test)]
mod tests;
mod wire;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::queue::PacketQueue;

pub use connection::Connection;
pub use diversion::{Diversion, DiversionEnd, Pair};
pub use stream::StackStream;

use driver::Driver;
use table::Table;

/// Why a connection or a diversion could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    #[error("the destination refused the connection")]
    Refused,
    #[error("the destination did not answer in time")]
    TimedOut,
    #[error("no address of the stack is in a network with the destination")]
    NoRoute,
    #[error("the stack has too many connections")]
    TooMany,
    /// Only a kernel's stack can be.
    #[error("the stack is lost; the daemon's log says why")]
    Lost,
}

/// A host with addresses of its own behind a queue device. Its end is the end of its connections.
pub struct Stack {
    table: Arc<Table>,
    queue: Arc<PacketQueue>,
}

impl Stack {
    /// Starts a stack with these addresses, each with the length of its network's prefix, on a task of `runtime`.
    pub fn start(queue: PacketQueue, addresses: Vec<(IpAddr, u8)>, mtu: u16, runtime: &Handle) -> Self {
        let (table, queue) = (Arc::new(Table::new(addresses, mtu)), Arc::new(queue));
        runtime.spawn(Driver::new(queue.clone(), table.clone()).run());
        Self { table, queue }
    }

    /// Opens a TCP connection from the stack's first address of the destination's family.
    ///
    /// # Errors
    /// Says why there is no connection.
    pub async fn connect(&self, to: SocketAddr, timeout: Duration) -> Result<StackStream, ConnectError> {
        let mut stream = self.table.open(to)?;
        match tokio::time::timeout(timeout, stream.opened()).await {
            Ok(opened) => opened.map(|()| stream),
            Err(_) => Err(ConnectError::TimedOut),
        }
    }

    /// Takes the packets of a pair of addresses past the stack, in place of an earlier diversion of the same pair.
    ///
    /// # Errors
    /// When the local address is none of the stack's, or there are too many diversions.
    pub fn divert(&self, pair: Pair) -> Result<Diversion, ConnectError> {
        let (network, line) = self.table.divert(pair)?;
        Ok(Diversion::new(self.table.diversions.clone(), self.queue.clone(), pair, network, line))
    }

    /// Replaces the addresses. Connections and diversions of addresses that stay go on, the others break.
    pub fn set_addresses(&self, addresses: Vec<(IpAddr, u8)>) {
        self.table.set_addresses(addresses);
    }

    /// Lists the open connections.
    pub fn connections(&self) -> Vec<Connection> {
        self.table.connections()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.table.stop();
    }
}
