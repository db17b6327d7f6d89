//! From a device to a peer, or to another device.

use std::time::Instant;

use super::Node;
use super::outgoing::{Outgoing, Sealed};
use crate::links::LinkId;
use crate::packet::{Complaint, PROTOCOL_TCP, clamp_segment_size, complain};
use crate::session::Session;
use crate::switch::Hop;
use crate::trains::Trains;
use crate::{DeviceId, DropReason, Offload, OffloadKind, Route};

/// Where a packet of a device goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    Device(DeviceId),
    Link(LinkId),
}

impl Node {
    /// Takes one packet or super-packet from a device. It waits where sealed ones wait already, fairly between flows.
    pub fn handle_packet(&mut self, now: Instant, device: DeviceId, offload: Offload, packet: &[u8]) {
        if self.is_behind(now) {
            let mut copy = self.buffers.take(packet.len());
            copy.extend_from_slice(packet);
            self.queue(now, device, offload, copy);
        } else {
            self.pass_on(now, device, offload, packet);
        }
    }

    /// Takes one packet or super-packet of `length` bytes that was read into `buffer`. If it waits it may keep the buffer, which
    /// one of [`READ_LENGTH`](crate::READ_LENGTH) bytes replaces.
    pub fn handle_read(
        &mut self,
        now: Instant,
        device: DeviceId,
        offload: Offload,
        buffer: &mut Vec<u8>,
        length: usize,
    ) {
        if self.is_behind(now) {
            let packet = self.buffers.take_out(buffer, length);
            self.queue(now, device, offload, packet);
        } else {
            self.pass_on(now, device, offload, &buffer[..length]);
        }
    }

    /// Sends a packet or super-packet on its way.
    pub(super) fn pass_on(&mut self, now: Instant, device: DeviceId, offload: Offload, packet: &[u8]) {
        let outcome = Outgoing::read(device, offload, packet).and_then(|outgoing| self.forward(now, &outgoing));
        if let Err(reason) = outcome {
            self.counters.count_drop(reason);
        }
    }

    fn forward(&mut self, now: Instant, outgoing: &Outgoing<'_>) -> Result<(), DropReason> {
        match self.route(outgoing) {
            Ok(Next::Device(to)) => self.deliver_here(now, to, outgoing),
            Ok(Next::Link(id)) => self.send(now, id, outgoing),
            Err(DropReason::NoMember) => {
                self.answer(now, outgoing, Complaint::Unreachable);
                Err(DropReason::NoMember)
            }
            Err(reason) => Err(reason),
        }
    }

    fn route(&mut self, packet: &Outgoing<'_>) -> Result<Next, DropReason> {
        let (from, source, destination) = (packet.device, packet.ip.source, packet.ip.destination);
        if packet.udp_source().is_some_and(|port| self.switch.is_own_port(from, port)) {
            return Err(DropReason::OwnSocket);
        }
        if let Some(next) = self.routes_out.get(from, source, destination) {
            return Ok(next);
        }
        let next = match self.switch.outgoing(from, &packet.ip)? {
            Hop::Device(to) => Next::Device(to),
            Hop::Peer(network, peer) => Next::Link(self.link(network, peer)),
        };
        self.routes_out.remember(from, source, destination, next);
        Ok(next)
    }

    fn send(&mut self, now: Instant, id: LinkId, packet: &Outgoing<'_>) -> Result<(), DropReason> {
        let link = self.links.get_mut(id).ok_or(DropReason::LinkRemoved)?;
        match link.sender(now).map(|(_, to)| to) {
            Some(to) if !self.is_held(id, to) => self.dispatch(now, id, packet),
            None if self.never_fits(packet) => self.refuse_length(now, packet, self.config.mtu),
            _ => self.keep(now, id, packet),
        }
    }

    /// Sends a packet for which there are a session and a way, in a form that the way carries.
    pub(super) fn dispatch(&mut self, now: Instant, id: LinkId, packet: &Outgoing<'_>) -> Result<(), DropReason> {
        let link = self.links.get(id).ok_or(DropReason::LinkRemoved)?;
        let (way, longest) = (link.way, self.config.mtu);
        if packet.length(0) > usize::from(way.limit) {
            return self.dispatch_long(now, id, packet);
        }
        let lasting_limit = way.lasting_limit(longest);
        if lasting_limit < longest && packet.begins_connection() {
            let mut clamped = vec![0; packet.length(0)];
            packet.write(0, &mut clamped);
            clamp_segment_size(&packet.ip, &mut clamped, lasting_limit);
            let clamped = Outgoing::read(packet.device, Offload::default(), &clamped)?;
            return self.transmit(now, id, packet, |session, to, trains| clamped.seal(session, to, trains));
        }
        self.transmit(now, id, packet, |session, to, trains| packet.seal(session, to, trains))
    }

    /// Sends a packet that is longer than what surely passes.
    fn dispatch_long(&mut self, now: Instant, id: LinkId, packet: &Outgoing<'_>) -> Result<(), DropReason> {
        let way = self.links.get(id).ok_or(DropReason::LinkRemoved)?.way;
        let is_short_enough = packet.length(0) <= usize::from(self.config.mtu);
        if let Some(narrowed) = packet.narrowed(way.limit) {
            if way.is_settled && packet.ip.dont_fragment {
                self.answer(now, packet, Complaint::TooBig { mtu: way.limit });
            }
            return self.transmit(now, id, packet, |session, to, trains| narrowed.seal(session, to, trains));
        }
        if is_short_enough && !way.is_settled {
            return self.transmit(now, id, packet, |session, to, trains| packet.seal(session, to, trains));
        }
        let limit = way.lasting_limit(self.config.mtu);
        if !packet.may_be_fragmented() {
            return self.refuse_length(now, packet, limit);
        }
        self.transmit(now, id, packet, |session, to, trains| packet.seal_fragments(limit, session, to, trains))
    }

    /// Whether a packet is too long for any way, and can't be cut.
    fn never_fits(&self, packet: &Outgoing<'_>) -> bool {
        let longest = self.config.mtu;
        packet.length(0) > usize::from(longest) && packet.narrowed(longest).is_none() && !packet.may_be_fragmented()
    }

    fn transmit(
        &mut self,
        now: Instant,
        id: LinkId,
        packet: &Outgoing<'_>,
        seal: impl FnOnce(&mut Session, Route, &mut Trains) -> Sealed,
    ) -> Result<(), DropReason> {
        let link = self.links.get_mut(id).ok_or(DropReason::LinkRemoved)?;
        let Some((session, to)) = link.sender(now) else { return Err(DropReason::LinkRemoved) };
        let sealed = seal(session, to, &mut self.trains);
        session.packets_sent += sealed.packets;
        link.traffic.packets_out += sealed.packets;
        link.traffic.bytes_out += sealed.bytes;
        self.counters.packets_out += sealed.packets;
        self.counters.bytes_out += sealed.bytes;
        if packet.ip.protocol != PROTOCOL_TCP {
            self.counters.connectionless_out += sealed.packets;
        }
        let due = link.schedule.sent(now, link.way.patience, &self.config);
        if link.is_rekey_due(now) {
            self.seek_session(now, id);
        }
        if let Some(at) = due {
            self.links.wake(id, at);
        }
        if sealed.cut { Err(DropReason::TransmitQueueFull) } else { Ok(()) }
    }

    /// Hands a packet to another device of this node, as it is where that device takes it so.
    fn deliver_here(&mut self, now: Instant, to: DeviceId, packet: &Outgoing<'_>) -> Result<(), DropReason> {
        let device = self.switch.device(to).ok_or(DropReason::NoDevice)?;
        let as_it_is = match packet.offload.kind {
            OffloadKind::None => packet.offload.checksum.is_none() || device.offload,
            OffloadKind::TcpV4 | OffloadKind::TcpV6 => device.offload,
            OffloadKind::Udp => device.offload && device.udp_offload,
        };
        if packet.length(0) > usize::from(device.mtu) {
            return self.refuse_length(now, packet, device.mtu);
        }
        if as_it_is {
            self.deliveries.push(to, packet.offload, packet.packet)?;
        } else {
            for index in 0..packet.count() {
                let length = packet.length(index);
                self.deliveries.push_with(to, length, |room| packet.write(index, room))?;
            }
        }
        self.counters.packets_local += 1;
        self.counters.bytes_local += packet.packet.len() as u64;
        Ok(())
    }

    fn refuse_length(&mut self, now: Instant, packet: &Outgoing<'_>, mtu: u16) -> Result<(), DropReason> {
        if packet.ip.dont_fragment {
            self.answer(now, packet, Complaint::TooBig { mtu });
        }
        Err(DropReason::PacketTooBig)
    }

    /// Answers a device whose packet goes nowhere, not too often. An answer that finds no room is not missed.
    fn answer(&mut self, now: Instant, packet: &Outgoing<'_>, complaint: Complaint) {
        if self.complaints.allows(now) && complain(complaint, &packet.ip, packet.packet, &mut self.answer) {
            self.deliveries.push(packet.device, Offload::default(), &self.answer).ok();
        }
    }
}
