//! Packets on their way to devices, merged into super-packets where the device takes them.

use std::collections::VecDeque;

use crate::buffers::Buffers;
use crate::packet::{Flow, IpHeader, PROTOCOL_TCP, Segment, Superpacket};
use crate::{Delivery, DeviceConfig, DeviceId, DropReason, Offload};

/// Most packets and super-packets that wait.
const MOST_PARCELS: usize = 2048;
/// Most flows that grow at the same time.
const MOST_OPEN: usize = 16;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::checksum;

    const DEVICE: DeviceId = DeviceId(1);

    fn config(offload: bool) -> DeviceConfig {
        DeviceConfig { attachments: Vec::new(), mtu: 1420, offload, udp_offload: offload, own_ports: Vec::new() }
    }

    fn udp(port: u8, fill: u8) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 128, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend_from_slice(&[0, port, 0, 2, 0, 108, 0, 0]);
        packet.resize(128, fill);
        let sum = checksum::pseudo_header([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), 17, 108);
        let checksum = sum.with(&packet[20..]).checksum();
        packet[26..28].copy_from_slice(&checksum.to_be_bytes());
        packet
    }

    fn add(deliveries: &mut Deliveries, offload: bool, packet: &[u8]) {
        deliveries.add(DEVICE, &config(offload), &IpHeader::parse(packet).unwrap(), packet).unwrap();
    }

    fn drain(deliveries: &mut Deliveries) -> Vec<(u8, usize)> {
        let mut drained = Vec::new();
        while let Some(delivery) = deliveries.poll() {
            drained.push((delivery.packet[21], delivery.packet.len()));
        }
        drained
    }

    #[test]
    fn flows_grow_side_by_side_until_they_are_fetched() {
        let mut deliveries = Deliveries::default();
        for round in 0..3 {
            add(&mut deliveries, true, &udp(1, round));
            add(&mut deliveries, true, &udp(2, round));
        }
        assert_eq!(drain(&mut deliveries), [(1, 328), (2, 328)]);
        add(&mut deliveries, true, &udp(1, 9));
        assert_eq!(drain(&mut deliveries), [(1, 128)]);
    }

    #[test]
    fn a_device_without_offload_gets_packets() {
        let mut deliveries = Deliveries::default();
        add(&mut deliveries, false, &udp(1, 0));
        add(&mut deliveries, false, &udp(1, 1));
        assert_eq!(drain(&mut deliveries), [(1, 128), (1, 128)]);
    }

    #[test]
    fn a_fragment_is_not_overtaken() {
        let mut deliveries = Deliveries::default();
        let mut fragment = udp(3, 0);
        fragment[6] = 0x20;
        add(&mut deliveries, true, &udp(1, 0));
        add(&mut deliveries, true, &fragment);
        add(&mut deliveries, true, &udp(1, 1));
        assert_eq!(drain(&mut deliveries), [(1, 128), (3, 128), (1, 128)]);
    }

    #[test]
    fn more_flows_than_can_grow_are_delivered_too() {
        let mut deliveries = Deliveries::default();
        for port in (0..2 * MOST_OPEN as u8).chain(0..2 * MOST_OPEN as u8) {
            add(&mut deliveries, true, &udp(port, port));
        }
        assert_eq!(drain(&mut deliveries).iter().map(|(_, length)| (length - 28) / 100).sum::<usize>(), 4 * MOST_OPEN);
    }

    #[test]
    fn the_queue_is_bounded_and_empties_when_the_device_goes() {
        let mut deliveries = Deliveries::default();
        let packet = udp(1, 0);
        (0..MOST_PARCELS).for_each(|_| add(&mut deliveries, false, &packet));
        assert_eq!(deliveries.push(DEVICE, Offload::default(), &packet), Err(DropReason::DeliveryQueueFull));
        deliveries.remove_device(DEVICE);
        assert!(deliveries.poll().is_none());
    }
}
