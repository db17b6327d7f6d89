//! A packet of a device, read and checked once, ready to be sealed, delivered or kept.

use std::time::Instant;

use crate::link::Waiting;
use crate::packet::{IpHeader, Split, complete_checksum};
use crate::session::Session;
use crate::trains::Trains;
use crate::wire::{HEADER_LENGTH, OVERHEAD, TAG_LENGTH};
use crate::{DeviceId, DropReason, Offload, OffloadKind, Route};

pub(super) struct Outgoing<'a> {
    pub device: DeviceId,
    pub offload: Offload,
    pub ip: IpHeader,
    pub packet: &'a [u8],
    /// How it is split, if it is a super-packet.
    split: Option<Split<'a>>,
}

/// How much of a packet went out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sealed {
    pub packets: u64,
    pub bytes: u64,
    /// Whether there was no room for the rest.
    pub cut: bool,
}

impl<'a> Outgoing<'a> {
    pub fn read(device: DeviceId, offload: Offload, packet: &'a [u8]) -> Result<Self, DropReason> {
        let ip = IpHeader::parse(packet)?;
        let packet = &packet[..ip.total_length];
        if offload.checksum.is_some_and(|partial| !partial.fits(packet)) {
            return Err(DropReason::MalformedOffload);
        }
        let split = match offload.kind {
            OffloadKind::None => None,
            OffloadKind::TcpV4 | OffloadKind::TcpV6 | OffloadKind::Udp => Some(Split::new(&offload, &ip, packet)?),
        };
        Ok(Self { device, offload, ip, packet, split })
    }

    /// How many ordinary packets it stands for.
    pub fn count(&self) -> usize {
        self.split.map_or(1, |split| split.count())
    }

    /// Bytes of ordinary packet `index`; the first is the longest.
    pub fn length(&self, index: usize) -> usize {
        self.split.map_or(self.packet.len(), |split| split.length(index))
    }

    /// Writes ordinary packet `index`, with full checksums, to `room` of its length.
    pub fn write(&self, index: usize, room: &mut [u8]) {
        if let Some(split) = self.split {
            return split.write(index, room);
        }
        room.copy_from_slice(self.packet);
        if let Some(partial) = self.offload.checksum {
            complete_checksum(room, partial);
        }
    }

    /// Seals it, each ordinary packet in a datagram of its own.
    pub fn seal(&self, session: &mut Session, to: Route, trains: &mut Trains) -> Sealed {
        let mut sealed = Sealed::default();
        for index in 0..self.count() {
            let length = self.length(index);
            let Some(datagram) = trains.room(to, length + OVERHEAD) else {
                sealed.cut = true;
                break;
            };
            let end = datagram.len() - TAG_LENGTH;
            self.write(index, &mut datagram[HEADER_LENGTH..end]);
            session.seal(datagram);
            sealed.packets += 1;
            sealed.bytes += length as u64;
        }
        sealed
    }

    /// A copy that can wait.
    pub fn waiting(&self, since: Instant) -> Waiting {
        Waiting { since, device: self.device, offload: self.offload, packet: self.packet.to_vec() }
    }
}
