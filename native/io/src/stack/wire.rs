//! The device that smoltcp sees: at most one packet to receive, and an outbox to send to.

use std::collections::VecDeque;

use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

/// How many packets may wait to be sent. Enough for the task to work in batches; more would only be a longer queue.
const OUTBOX_CAPACITY: usize = 256;

/// Packets that wait for room in the queue device.
#[derive(Debug, Default)]
pub(super) struct Outbox(VecDeque<Vec<u8>>);

impl Outbox {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.0.len() >= OUTBOX_CAPACITY
    }

    pub fn push(&mut self, packet: Vec<u8>) {
        self.0.push_back(packet);
    }

    /// Hands packets over until one is returned.
    pub fn flush(&mut self, mut send: impl FnMut(Vec<u8>) -> Result<(), Vec<u8>>) {
        while let Some(packet) = self.0.pop_front() {
            if let Err(packet) = send(packet) {
                return self.0.push_front(packet);
            }
        }
    }
}

/// A device for one call into smoltcp.
#[derive(Debug)]
pub(super) struct Wire<'a> {
    pub mtu: u16,
    pub received: Option<Vec<u8>>,
    pub outbox: &'a mut Outbox,
}

impl phy::Device for Wire<'_> {
    type RxToken<'a>
        = Received
    where
        Self: 'a;
    type TxToken<'a>
        = Room<'a>
    where
        Self: 'a;

    fn receive(&mut self, _: Instant) -> Option<(Received, Room<'_>)> {
        let packet = self.received.take()?;
        Some((Received(packet), Room(self.outbox)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Room<'_>> {
        (!self.outbox.is_full()).then_some(Room(self.outbox))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = usize::from(self.mtu);
        capabilities
    }
}

pub(super) struct Received(Vec<u8>);

impl phy::RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

pub(super) struct Room<'a>(&'a mut Outbox);

impl phy::TxToken for Room<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut packet = vec![0; length];
        let result = write(&mut packet);
        self.0.push(packet);
        result
    }
}
