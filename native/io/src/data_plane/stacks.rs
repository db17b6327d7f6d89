//! A TCP/IP stack as a device of the engine: the kernel's in a network namespace, or the one in user space.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use golem_vpn_proto::{Attachment, DeviceConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Handle;

use super::{DeviceFailure, InterfaceAddress, device_config, settle};
use crate::engine::Command;
use crate::kernel_stack::{KernelStack, KernelStream, Namespaces, Slot};
use crate::queue::queue_device;
use crate::stack::{ConnectError, Connection, Diversion, Pair, Stack, StackStream};

/// Packets that may wait between the engine and the stack in user space, each way.
const QUEUE_LENGTH: usize = 1024;
const NAME: &str = "stack";

/// A stack, attached until it is dropped.
pub struct StackDevice {
    slot: Slot,
    stack: AnyStack,
    mtu: u16,
    runtime: Handle,
}

/// A stack of either kind.
pub(crate) enum AnyStack {
    Kernel(KernelStack),
    UserSpace(Stack),
}

/// The bytes of a TCP connection of either stack, both ways. To shut it down ends the bytes to the remote end; to drop
/// it closes it, after what was written is delivered.
pub enum GateStream {
    Kernel(KernelStream),
    UserSpace(StackStream),
}

impl StackDevice {
    /// Attaches the kernel's stack where there are namespaces for it, else the one in user space.
    pub(super) fn attach(
        slot: Slot,
        runtime: &Handle,
        addresses: Vec<InterfaceAddress>,
        config: DeviceConfig,
        namespaces: Option<&Arc<Namespaces>>,
    ) -> Result<Self, DeviceFailure> {
        let mtu = config.mtu;
        let stack = if let Some(namespaces) = namespaces {
            let started = KernelStack::start(namespaces, slot.clone(), addresses, config);
            let (stack, attached) = runtime.block_on(started)?;
            settle(attached)?;
            AnyStack::Kernel(stack)
        } else {
            let (end, queue) = queue_device(QUEUE_LENGTH);
            settle(slot.engine.add_queue(slot.id, end, NAME.to_owned(), config))?;
            AnyStack::UserSpace(Stack::start(queue, addresses, mtu, runtime))
        };
        Ok(Self { slot, stack, mtu, runtime: runtime.clone() })
    }

    /// Replaces the addresses. Connections from addresses that stay go on.
    pub fn set_addresses(
        &self,
        attachments: Vec<Attachment>,
        addresses: Vec<InterfaceAddress>,
    ) -> Result<(), DeviceFailure> {
        let config = device_config(attachments, self.mtu);
        match &self.stack {
            AnyStack::Kernel(stack) => settle(self.runtime.block_on(stack.set_addresses(addresses, config))?),
            AnyStack::UserSpace(stack) => {
                settle(self.slot.engine.set_device(self.slot.id, config))?;
                stack.set_addresses(addresses);
                Ok(())
            }
        }
    }

    /// Opens a TCP connection from the first address of the destination's family.
    pub async fn connect(&self, to: SocketAddr, timeout: Duration) -> Result<GateStream, ConnectError> {
        self.stack.connect(to, timeout).await
    }

    /// Takes the packets of a pair of addresses past the stack.
    pub fn divert(&self, pair: Pair) -> Result<Diversion, ConnectError> {
        match &self.stack {
            AnyStack::Kernel(stack) => stack.divert(pair),
            AnyStack::UserSpace(stack) => stack.divert(pair),
        }
    }

    pub fn connections(&self) -> Vec<Connection> {
        match &self.stack {
            AnyStack::Kernel(stack) => stack.connections(),
            AnyStack::UserSpace(stack) => stack.connections(),
        }
    }
}

impl Drop for StackDevice {
    fn drop(&mut self) {
        // A stopped engine has no devices left.
        let _ = self.slot.engine.apply(Command::RemoveDevice(self.slot.id));
    }
}

impl AnyStack {
    pub(crate) async fn connect(&self, to: SocketAddr, timeout: Duration) -> Result<GateStream, ConnectError> {
        Ok(match self {
            Self::Kernel(stack) => GateStream::Kernel(stack.connect(to, timeout).await?),
            Self::UserSpace(stack) => GateStream::UserSpace(stack.connect(to, timeout).await?),
        })
    }
}

impl AsyncRead for GateStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Kernel(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::UserSpace(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for GateStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Kernel(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::UserSpace(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Kernel(stream) => Pin::new(stream).poll_flush(context),
            Self::UserSpace(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Kernel(stream) => Pin::new(stream).poll_shutdown(context),
            Self::UserSpace(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
