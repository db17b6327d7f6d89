//! A user-space stack as a device of the engine.

use std::net::SocketAddr;
use std::time::Duration;

use golem_vpn_proto::{Attachment, DeviceId};
use tokio::runtime::Handle;

use super::{DeviceFailure, InterfaceAddress, device_config, settle};
use crate::engine::{Command, Engine};
use crate::queue::queue_device;
use crate::stack::{ConnectError, Connection, Diversion, Pair, Stack, StackStream};

/// Packets that may wait between the engine and the stack, each way.
const QUEUE_LENGTH: usize = 1024;

/// A stack, attached until it is dropped.
pub struct StackDevice {
    engine: Engine,
    id: DeviceId,
    stack: Stack,
    mtu: u16,
}

impl StackDevice {
    pub(super) fn attach(
        engine: Engine,
        id: DeviceId,
        runtime: &Handle,
        attachments: Vec<Attachment>,
        addresses: Vec<InterfaceAddress>,
        mtu: u16,
    ) -> Result<Self, DeviceFailure> {
        let (end, queue) = queue_device(QUEUE_LENGTH);
        settle(engine.add_queue(id, end, "stack".to_owned(), device_config(attachments, mtu)))?;
        let stack = Stack::start(queue, addresses, mtu, runtime);
        Ok(Self { engine, id, stack, mtu })
    }

    /// Replaces the addresses. Connections from addresses that stay go on.
    pub fn set_addresses(
        &self,
        attachments: Vec<Attachment>,
        addresses: Vec<InterfaceAddress>,
    ) -> Result<(), DeviceFailure> {
        settle(self.engine.set_device(self.id, device_config(attachments, self.mtu)))?;
        self.stack.set_addresses(addresses);
        Ok(())
    }

    /// Opens a TCP connection from the first address of the destination's family.
    pub async fn connect(&self, to: SocketAddr, timeout: Duration) -> Result<StackStream, ConnectError> {
        self.stack.connect(to, timeout).await
    }

    /// Takes the packets of a pair of addresses past the stack.
    pub fn divert(&self, pair: Pair) -> Result<Diversion, ConnectError> {
        self.stack.divert(pair)
    }

    pub fn connections(&self) -> Vec<Connection> {
        self.stack.connections()
    }
}

impl Drop for StackDevice {
    fn drop(&mut self) {
        // A stopped engine has no devices left.
        let _ = self.engine.apply(Command::RemoveDevice(self.id));
    }
}
