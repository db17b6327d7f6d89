//! A packet of a device, read and checked once, ready to be sealed, delivered or kept.

use std::time::Instant;

use crate::link::Waiting;
use crate::packet::{Fragments, IpHeader, Split, begins_connection, complete_checksum, udp_source};
use crate::session::Session;
use crate::trains::Trains;
use crate::wire::{HEADER_LENGTH, OVERHEAD, TAG_LENGTH};
use crate::{DeviceId, DropReason, Ecn, Offload, OffloadKind, Route};

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

    /// The UDP port that it was sent from, if its first bytes say so.
    pub fn udp_source(&self) -> Option<u16> {
        udp_source(&self.ip, self.packet)
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
        let (mut sealed, ecn) = (Sealed::default(), Ecn::of(self.packet));
        for index in 0..self.count() {
            if !sealed.add(self.length(index), ecn, session, to, trains, |room| self.write(index, room)) {
                break;
            }
        }
        sealed
    }

    /// Whether it is the first of a TCP connection.
    pub fn begins_connection(&self) -> bool {
        self.split.is_none() && begins_connection(&self.ip, self.packet)
    }

    /// A TCP packet or super-packet as one whose segments are no longer than `limit`.
    pub fn narrowed(&self, limit: u16) -> Option<Self> {
        let full_checksum = self.split.is_none() && self.offload.checksum.is_none();
        let split = Split::tcp(&self.ip, self.packet, full_checksum, limit)?;
        Some(Self { split: Some(split), ..*self })
    }

    /// Whether routers may cut it into pieces.
    pub fn may_be_fragmented(&self) -> bool {
        Fragments::new(&self.ip, self.packet, u16::MAX).is_some()
    }

    /// Seals it, each ordinary packet in as many fragments as it takes.
    pub fn seal_fragments(&self, limit: u16, session: &mut Session, to: Route, trains: &mut Trains) -> Sealed {
        let (mut sealed, ecn) = (Sealed::default(), Ecn::of(self.packet));
        for index in 0..self.count() {
            let mut whole = vec![0; self.length(index)];
            self.write(index, &mut whole);
            let ip = IpHeader { total_length: whole.len(), ..self.ip };
            let Some(fragments) = Fragments::new(&ip, &whole, limit) else { break };
            for piece in 0..fragments.count() {
                sealed.add(fragments.length(piece), ecn, session, to, trains, |room| fragments.write(piece, room));
            }
        }
        sealed
    }

    /// A copy that can wait.
    pub fn waiting(&self, since: Instant) -> Waiting {
        Waiting { since, device: self.device, offload: self.offload, packet: self.packet.to_vec() }
    }
}

impl Sealed {
    /// Seals an ordinary packet of `length` bytes that `write` writes, in a datagram that says `ecn`; `false` when there is no room for it.
    fn add(
        &mut self,
        length: usize,
        ecn: Ecn,
        session: &mut Session,
        to: Route,
        trains: &mut Trains,
        write: impl FnOnce(&mut [u8]),
    ) -> bool {
        let Some(datagram) = trains.room(to, ecn, length + OVERHEAD, Some(session.seal_key())) else {
            self.cut = true;
            return false;
        };
        let end = datagram.len() - TAG_LENGTH;
        write(&mut datagram[HEADER_LENGTH..end]);
        session.begin(datagram);
        self.packets += 1;
        self.bytes += length as u64;
        true
    }
}
