//! A device as the driver sees it: packets in, packets out, and what has passed.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use golem_vpn_proto::{DeviceConfig, DeviceId, Offload};

use super::snapshot::{DeviceCounters, DeviceKind, DeviceStatus};
use crate::queue::{QueueEnd, Received};
use crate::tun::{Tun, TunOffloads};

pub(super) struct Device {
    name: String,
    port: Port,
    counters: DeviceCounters,
}

enum Port {
    Tun(Tun),
    Queue(QueueEnd),
}

/// What [`Device::read`] found.
pub(super) enum Read {
    /// A packet was handed over.
    Packet,
    Nothing,
    Lost(io::Error),
}

impl Device {
    pub(super) fn tun(name: String, tun: Tun) -> Self {
        Self { name, port: Port::Tun(tun), counters: DeviceCounters::default() }
    }

    pub(super) fn queue(name: String, end: QueueEnd) -> Self {
        Self { name, port: Port::Queue(end), counters: DeviceCounters::default() }
    }

    /// The descriptor to watch. A queue has none: it rings the engine's bell.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.port {
            Port::Tun(tun) => Some(tun.as_fd()),
            Port::Queue(_) => None,
        }
    }

    /// Says in `config` what the device takes as it is.
    pub(super) fn fit(&self, config: DeviceConfig) -> DeviceConfig {
        let TunOffloads { checksum, tcp, udp, .. } = self.offloads();
        DeviceConfig { offload: checksum && tcp, udp_offload: udp, ..config }
    }

    /// Reads one packet, into `buffer` or another one, and hands that with the packet's length to `take`.
    pub(super) fn read(&mut self, buffer: &mut Vec<u8>, take: impl FnOnce(Offload, &mut Vec<u8>, usize)) -> Read {
        let length = match &mut self.port {
            Port::Tun(tun) => match tun.read(buffer) {
                Ok((offload, packet)) => {
                    let length = packet.len();
                    take(offload, buffer, length);
                    length
                }
                Err(error) => return self.judge(error),
            },
            Port::Queue(end) => match end.receive() {
                Received::Packet(mut packet) => {
                    let length = packet.len();
                    take(Offload::default(), &mut packet, length);
                    length
                }
                Received::Nothing => return Read::Nothing,
                Received::Closed => return Read::Lost(io::Error::other("its user has closed it")),
            },
        };
        self.counters.packets_in += 1;
        self.counters.bytes_in += length as u64;
        Read::Packet
    }

    /// Writes one packet; one that the device does not take is dropped and counted.
    ///
    /// # Errors
    /// Only when the device is gone.
    pub(super) fn write(&mut self, offload: &Offload, packet: &[u8]) -> io::Result<()> {
        let outcome = match &self.port {
            Port::Tun(tun) => tun.write(offload, packet),
            Port::Queue(end) if end.send(packet.to_vec()) => Ok(()),
            Port::Queue(_) => Err(io::Error::from(io::ErrorKind::WouldBlock)),
        };
        match outcome {
            Ok(()) => {
                self.counters.packets_out += 1;
                self.counters.bytes_out += packet.len() as u64;
                Ok(())
            }
            Err(error) if is_gone(&error) => Err(error),
            Err(error) => {
                self.counters.dropped_out += 1;
                tracing::trace!(%error, device = self.name, "the device does not take a packet");
                Ok(())
            }
        }
    }

    pub(super) fn status(&self, id: DeviceId) -> DeviceStatus {
        let kind = match self.port {
            Port::Tun(_) => DeviceKind::Tun,
            Port::Queue(_) => DeviceKind::Queue,
        };
        DeviceStatus { id, name: self.name.clone(), kind, offloads: self.offloads(), counters: self.counters }
    }

    fn offloads(&self) -> TunOffloads {
        match &self.port {
            Port::Tun(tun) => tun.offloads(),
            Port::Queue(_) => TunOffloads::default(),
        }
    }

    /// Any unknown error counts as a loss: a device that can't be read, but is ready, would be tried for ever.
    fn judge(&mut self, error: io::Error) -> Read {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Read::Nothing,
            io::ErrorKind::InvalidData => {
                self.counters.dropped_in += 1;
                Read::Packet
            }
            _ => Read::Lost(error),
        }
    }
}

/// Whether the interface behind a TUN was deleted.
fn is_gone(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EBADFD)
}
