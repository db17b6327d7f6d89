//! The engine: one thread that carries packets between devices and the socket. Whatever is decided is decided by
//! [`golem_vpn_proto::Node`]; the thread itself holds no rules, and nothing on a packet's way takes a lock.

mod alertness;
mod commands;
mod contention;
mod crew;
mod device;
mod driver;
mod habit;
mod load;
mod messages;
mod outlet;
mod patience;
mod priority;
mod relaying;
mod snapshot;
#[cfg(test)]
mod tests;
mod unsent;
mod watching;

pub use messages::{AttachError, Command, EngineStopped, Event, Outputs};
pub use relaying::{RelayedDrops, RelayedTrain};
pub use snapshot::{DeviceCounters, DeviceKind, DeviceStatus, Snapshot};

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use golem_vpn_proto::{Config, DeviceConfig, DeviceId, NodeId, RelayId};
use tokio::sync::{mpsc, oneshot};

use crate::features::Features;
use crate::poll::Bell;
use crate::queue::QueueEnd;
use crate::tun::Tun;
use crate::udp::{Datagrams, Socket};
use driver::{Driver, Ends};
use relaying::{RelayIn, Relaying};

const COMMANDS: usize = 256;
const EVENTS: usize = 1024;
const THREAD_NAME: &str = "golem-vpn-data";

/// A handle of the engine. The engine stops when the last one is dropped, and frees its port before the drop returns.
#[derive(Clone)]
pub struct Engine {
    running: Arc<Running>,
}

struct Running {
    local_address: SocketAddr,
    bell: Arc<Bell>,
    commands: Option<SyncSender<Command>>,
    relay_in: RelayIn,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Binds the socket for packets and starts the thread.
    ///
    /// # Errors
    /// When the address can't be bound, or the process is out of descriptors or threads.
    pub fn start(config: Config, listen: SocketAddr, features: Features) -> io::Result<(Self, Outputs)> {
        Self::start_with(config, Socket::bind(listen, features)?, features)
    }

    fn start_with<S>(config: Config, socket: S, features: Features) -> io::Result<(Self, Outputs)>
    where
        S: Datagrams + Send + 'static,
    {
        let local_address = socket.local_address();
        let bell = Arc::new(Bell::new()?);
        let (commands, received_commands) = sync_channel(COMMANDS);
        let (events, received_events) = mpsc::channel(EVENTS);
        let (relaying, relay_in, relayed) = Relaying::new();
        let ends = Ends { bell: bell.clone(), commands: received_commands, events, relaying };
        let driver = Driver::new(config, socket, features, ends)?;
        let thread = thread::Builder::new().name(THREAD_NAME.to_owned()).spawn(|| driver.run())?;
        let running = Running { local_address, bell, commands: Some(commands), relay_in, thread: Some(thread) };
        Ok((Self { running: Arc::new(running) }, Outputs { events: received_events, relayed }))
    }

    /// The address of the socket for packets.
    pub fn local_address(&self) -> SocketAddr {
        self.running.local_address
    }

    /// Has a command carried out, in the order given; waits only while too many others are before it.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub fn apply(&self, command: Command) -> Result<(), EngineStopped> {
        let commands = self.running.commands.as_ref().ok_or(EngineStopped)?;
        commands.send(command).map_err(|_| EngineStopped)?;
        self.running.bell.ring();
        Ok(())
    }

    /// Takes a train that came from a peer through a relay; `false` when it was dropped and counted.
    pub fn relay_in(&self, relay: RelayId, peer: NodeId, segment_size: usize, bytes: Vec<u8>) -> bool {
        let taken = self.running.relay_in.put(RelayedTrain { relay, peer, segment_size, bytes });
        self.running.bell.ring();
        taken
    }

    /// Adds or replaces a TUN. Nothing comes back when the engine has stopped; so with all that follow.
    pub fn add_tun(&self, id: DeviceId, tun: Tun, name: String, config: DeviceConfig) -> Attached {
        self.ask(|reply| Command::AddTun { id, tun, name, config, reply })
    }

    /// Adds or replaces a queue.
    pub fn add_queue(&self, id: DeviceId, end: QueueEnd, name: String, config: DeviceConfig) -> Attached {
        self.ask(|reply| Command::AddQueue { id, end, name, config, reply })
    }

    /// Changes the attachments of a device.
    pub fn set_device(&self, id: DeviceId, config: DeviceConfig) -> Attached {
        self.ask(|reply| Command::SetDevice { id, config, reply })
    }

    /// Answers a peer's handshake message; `binding` is known only to the two ends of its control connection.
    pub fn handshake(&self, from: NodeId, message: Vec<u8>, binding: [u8; 32]) -> oneshot::Receiver<Vec<u8>> {
        self.ask(|reply| Command::Handshake { from, message, binding, reply })
    }

    /// Tells the state of everything.
    pub fn snapshot(&self) -> oneshot::Receiver<Snapshot> {
        self.ask(Command::Snapshot)
    }

    fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> oneshot::Receiver<T> {
        let (reply, answer) = oneshot::channel();
        // A stopped engine drops the command and with it `reply`, which the answer's receiver sees.
        self.apply(command(reply)).ok();
        answer
    }
}

/// What comes of attaching a device.
pub type Attached = oneshot::Receiver<Result<(), AttachError>>;

impl Drop for Running {
    fn drop(&mut self) {
        self.commands = None;
        self.bell.ring();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was told when it happened.
            thread.join().ok();
        }
    }
}
