//! Which descriptors the thread waits for.

use std::io;
use std::time::Duration;

use golem_vpn_proto::DeviceId;

use super::device::Device;
use super::driver::{BELL, Driver, SOCKET};
use super::messages::Event;
use crate::poll::{Interest, Readiness};
use crate::udp::Datagrams;

/// One look in so many asks the poller.
const LOOKS: u64 = 16;
/// Where there are more it is quicker to ask which of them has something.
const MOST_DEVICES: usize = 4;

/// What is watched at the moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Watched {
    /// Whether devices are read: not while there is no room for what they have.
    devices: bool,
    /// Whether the socket is read: not while enough of what it had waits to be opened.
    readable: bool,
    /// Whether the socket is to tell that it can be written again.
    writable: bool,
}

impl Default for Watched {
    fn default() -> Self {
        Self { devices: true, readable: true, writable: false }
    }
}

impl<S: Datagrams> Driver<S> {
    /// Watches devices and the socket while there is room, and the socket's own room while something waits for it.
    pub(super) fn watch_for_work(&mut self) {
        let (devices, readable) = (self.node.has_room(), self.crew.may_receive());
        let wanted = Watched { devices, readable, writable: !self.unsent.is_empty() };
        let before = std::mem::replace(&mut self.watched, wanted);
        if wanted.devices != before.devices {
            let interest = self.device_interest();
            for (id, device) in &self.devices {
                if let Some(Err(error)) = device.descriptor().map(|it| self.poller.change(it, id.0.into(), interest)) {
                    tracing::error!(%error, device = id.0, "can't change whether a device is watched");
                }
            }
        }
        if (wanted.readable, wanted.writable) != (before.readable, before.writable) {
            let interest = Interest { readable: wanted.readable, writable: wanted.writable };
            if let Err(error) = self.poller.change(self.socket.as_fd(), SOCKET, interest) {
                tracing::error!(%error, "can't change what the socket is watched for");
            }
        }
    }

    /// Looks for what may have come while nobody sleeps: to try is quicker than to ask first. The poller is asked now and
    /// then all the same, since it alone tells of failures. A command comes before packets that came after it.
    pub(super) fn look(&mut self, ready: &mut Vec<Readiness>) -> io::Result<()> {
        self.looks += 1;
        if self.looks.is_multiple_of(LOOKS) || self.devices.len() > MOST_DEVICES {
            ready.extend(self.poller.wait(Some(Duration::ZERO))?);
            return Ok(());
        }
        if self.bell.is_ringing() {
            ready.push(readable(BELL));
        }
        if self.watched.readable {
            ready.push(readable(SOCKET));
        }
        if self.watched.devices {
            let watched = self.devices.iter().filter(|(_, device)| device.descriptor().is_some());
            ready.extend(watched.map(|(id, _)| readable(id.0.into())));
        }
        Ok(())
    }

    fn device_interest(&self) -> Interest {
        Interest { readable: self.watched.devices, writable: false }
    }

    /// Begins to watch a device that is about to be inserted.
    pub(super) fn watch(&self, id: DeviceId, device: &Device) -> io::Result<()> {
        let interest = self.device_interest();
        device.descriptor().map_or(Ok(()), |descriptor| self.poller.add(descriptor, id.0.into(), interest))
    }

    /// Adds a device that is watched already; one of the same number is gone then.
    pub(super) fn insert(&mut self, id: DeviceId, device: Device) {
        if let Some(replaced) = self.devices.insert(id, device) {
            self.unwatch(&replaced);
        }
    }

    pub(super) fn remove(&mut self, id: DeviceId) -> bool {
        self.node.remove_device(id);
        let removed = self.devices.remove(&id);
        removed.iter().for_each(|device| self.unwatch(device));
        removed.is_some()
    }

    /// Closing would not end the watching where somebody else holds a duplicate of the descriptor.
    fn unwatch(&self, device: &Device) {
        if let Some(Err(error)) = device.descriptor().map(|descriptor| self.poller.remove(descriptor)) {
            tracing::error!(%error, "can't end the watching of a device");
        }
    }

    pub(super) fn lose(&mut self, id: DeviceId, cause: io::Error) {
        if self.remove(id) {
            tracing::info!(device = id.0, %cause, "device lost");
            self.tell(Event::DeviceLost { device: id, cause });
        }
    }
}

/// What may be said of a descriptor that has not been asked.
fn readable(token: u64) -> Readiness {
    Readiness { token, readable: true, writable: false, failed: false }
}
