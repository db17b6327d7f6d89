//! Packets on their way to devices, merged into super-packets where the device takes them.

use std::collections::VecDeque;

use crate::packet::{Flow, IpHeader, PROTOCOL_TCP, Segment, Superpacket};
use crate::{Delivery, DeviceConfig, DeviceId, DropReason, Offload};

/// Most packets and super-packets that wait.
const MOST_PARCELS: usize = 2048;
/// Most flows that grow at the same time.
const MOST_OPEN: usize = 16;
/// Room of a buffer for one packet; a super-packet gets a large one.
const SMALL: usize = 2048;
const LARGE: usize = 65_536;
const MOST_SPARE_SMALL: usize = 512;
const MOST_SPARE_LARGE: usize = 64;

/// Parcels in the order of their first packets.
#[derive(Default)]
pub(crate) struct Deliveries {
    ready: VecDeque<Parcel>,
    /// How many parcels were fetched before the first of `ready`: what a number in `open` counts from.
    fetched: u64,
    open: Vec<OpenFlow>,
    buffers: Buffers,
    taken: Option<Parcel>,
}

struct Parcel {
    device: DeviceId,
    offload: Offload,
    superpacket: Option<Superpacket>,
    packet: Vec<u8>,
}

/// A flow whose newest parcel may still grow.
struct OpenFlow {
    device: DeviceId,
    flow: Flow,
    parcel: u64,
}

impl Deliveries {
    /// Adds a whole packet of a peer.
    pub fn add(&mut self, id: DeviceId, device: &DeviceConfig, ip: &IpHeader, packet: &[u8]) -> Result<(), DropReason> {
        let segment = if device.offload { Segment::parse(ip, packet)? } else { None };
        let Some(segment) = segment else {
            self.close_between(id, ip);
            return self.push(id, Offload::default(), &packet[..ip.total_length]);
        };
        let open = self.open.iter().position(|open| open.flow == segment.flow && open.device == id);
        if open.is_some_and(|open| self.grow(open, &segment)) {
            return Ok(());
        }
        self.push(id, Offload::default(), &packet[..ip.total_length])?;
        let mergeable = device.udp_offload || segment.flow.protocol == PROTOCOL_TCP;
        if let Some(superpacket) = Superpacket::start(&segment).filter(|_| mergeable) {
            self.open(id, superpacket);
        }
        Ok(())
    }

    /// Adds a packet or super-packet as it is.
    pub fn push(&mut self, device: DeviceId, offload: Offload, packet: &[u8]) -> Result<(), DropReason> {
        let mut buffer = self.buffer(packet.len())?;
        buffer.extend_from_slice(packet);
        self.ready.push_back(Parcel { device, offload, superpacket: None, packet: buffer });
        Ok(())
    }

    /// Adds an ordinary packet of `length` bytes that `write` writes.
    pub fn push_with(&mut self, id: DeviceId, length: usize, write: impl FnOnce(&mut [u8])) -> Result<(), DropReason> {
        let mut packet = self.buffer(length)?;
        packet.resize(length, 0);
        write(&mut packet);
        self.ready.push_back(Parcel { device: id, offload: Offload::default(), superpacket: None, packet });
        Ok(())
    }

    fn buffer(&mut self, length: usize) -> Result<Vec<u8>, DropReason> {
        if self.ready.len() >= MOST_PARCELS {
            return Err(DropReason::DeliveryQueueFull);
        }
        Ok(self.buffers.take(length))
    }

    /// The oldest parcel; it is valid until the next call.
    pub fn poll(&mut self) -> Option<Delivery<'_>> {
        if let Some(parcel) = self.taken.take() {
            self.buffers.give_back(parcel.packet);
        }
        let mut parcel = self.ready.pop_front()?;
        let number = self.fetched;
        self.fetched += 1;
        if let Some(superpacket) = parcel.superpacket.take() {
            self.open.retain(|open| open.parcel != number);
            parcel.offload = superpacket.finish(&mut parcel.packet);
        }
        let parcel = self.taken.insert(parcel);
        Some(Delivery { device: parcel.device, offload: parcel.offload, packet: &parcel.packet })
    }

    /// Drops what waits for a device that is gone.
    pub fn remove_device(&mut self, id: DeviceId) {
        self.open.clear();
        self.ready.retain(|parcel| parcel.device != id);
    }

    /// Adds a packet to the parcel of its flow, if it goes on there; else the parcel is complete.
    fn grow(&mut self, open: usize, segment: &Segment<'_>) -> bool {
        let index = (self.open[open].parcel - self.fetched) as usize;
        let parcel = &mut self.ready[index];
        let accepted = match &mut parcel.superpacket {
            Some(superpacket) if superpacket.accepts(&parcel.packet, segment) => {
                self.buffers.enlarge(&mut parcel.packet);
                Some(superpacket.append(&mut parcel.packet, segment))
            }
            _ => None,
        };
        if accepted != Some(true) {
            self.open.swap_remove(open);
        }
        accepted.is_some()
    }

    /// Lets the newest parcel grow.
    fn open(&mut self, device: DeviceId, superpacket: Superpacket) {
        if self.open.len() == MOST_OPEN {
            self.open.remove(0);
        }
        let parcel = self.fetched + self.ready.len() as u64 - 1;
        self.open.push(OpenFlow { device, flow: superpacket.flow, parcel });
        if let Some(newest) = self.ready.back_mut() {
            newest.superpacket = Some(superpacket);
        }
    }

    /// Completes the parcels between two addresses: a packet whose flow is not known must not be overtaken.
    fn close_between(&mut self, device: DeviceId, ip: &IpHeader) {
        self.open.retain(|open| {
            open.device != device || open.flow.source != ip.source || open.flow.destination != ip.destination
        });
    }
}

/// Buffers to be used again, so that in steady state nothing is allocated.
#[derive(Default)]
struct Buffers {
    small: Vec<Vec<u8>>,
    large: Vec<Vec<u8>>,
}

impl Buffers {
    fn take(&mut self, length: usize) -> Vec<u8> {
        let (spare, capacity) = if length <= SMALL { (&mut self.small, SMALL) } else { (&mut self.large, LARGE) };
        spare.pop().unwrap_or_else(|| Vec::with_capacity(capacity))
    }

    /// Moves what is in a small buffer to a large one.
    fn enlarge(&mut self, packet: &mut Vec<u8>) {
        if packet.capacity() < LARGE {
            let mut large = self.take(LARGE);
            large.extend_from_slice(packet);
            let small = std::mem::replace(packet, large);
            self.give_back(small);
        }
    }

    fn give_back(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        let (spare, most) = if buffer.capacity() < LARGE {
            (&mut self.small, MOST_SPARE_SMALL)
        } else {
            (&mut self.large, MOST_SPARE_LARGE)
        };
        if spare.len() < most {
            spare.push(buffer);
        }
    }
}
