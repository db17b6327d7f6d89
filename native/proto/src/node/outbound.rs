//! From a device to a peer, or to another device.

use std::time::Instant;

use super::Node;
use super::outgoing::Outgoing;
use crate::link::Waiting;
use crate::links::LinkId;
use crate::packet::{Complaint, complain};
use crate::switch::Hop;
use crate::{DeviceId, DropReason, Offload, OffloadKind};

/// Where a packet of a device goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    Device(DeviceId),
    Link(LinkId),
}

impl Node {
    /// Takes one packet or super-packet from a device.
    pub fn handle_packet(&mut self, now: Instant, device: DeviceId, offload: Offload, packet: &[u8]) {
        let outcome = Outgoing::read(device, offload, packet).and_then(|outgoing| self.forward(now, &outgoing));
        if let Err(reason) = outcome {
            self.counters.count_drop(reason);
        }
    }

    /// Sends what has waited for a session.
    pub(super) fn flush(&mut self, now: Instant, id: LinkId) {
        let waiting = self.links.get_mut(id).map(|link| link.backlog.take());
        for Waiting { device, offload, packet, .. } in waiting.into_iter().flatten() {
            self.handle_packet(now, device, offload, &packet);
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
        if let Some(next) = self.routes_out.get(from, source, destination) {
            return Ok(next);
        }
        let next = match self.switch.outgoing(from, &packet.ip)? {
            Hop::Device(to) => Next::Device(to),
            Hop::Peer(network, peer) => Next::Link(self.links.find_or_add(network, peer)),
        };
        self.routes_out.remember(from, source, destination, next);
        Ok(next)
    }

    fn send(&mut self, now: Instant, id: LinkId, packet: &Outgoing<'_>) -> Result<(), DropReason> {
        if packet.length(0) > usize::from(self.config.mtu) {
            return self.refuse_length(now, packet, self.config.mtu);
        }
        let link = self.links.get_mut(id).ok_or(DropReason::LinkRemoved)?;
        let Some((session, to)) = link.sender(now) else {
            link.backlog.push(packet.waiting(now))?;
            self.seek_session(now, id);
            return Ok(());
        };
        let sealed = packet.seal(session, to, &mut self.trains);
        link.traffic.packets_out += sealed.packets;
        link.traffic.bytes_out += sealed.bytes;
        self.counters.packets_out += sealed.packets;
        self.counters.bytes_out += sealed.bytes;
        let due = link.schedule.sent(now, &self.config);
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
