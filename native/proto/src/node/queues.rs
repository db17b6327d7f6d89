//! Packets that can't go out yet: because they come faster than they are sent or than a relay takes them, or for want
//! of a session or of a way.

use std::time::Instant;

use super::Node;
use super::outgoing::Outgoing;
use crate::DropReason;
use crate::fair_queue::FairQueue;
use crate::link::Waiting;
use crate::links::LinkId;
use crate::packet::IpHeader;
use crate::relays::TURN_BYTES;
use crate::{DeviceId, Offload, RelayId, Route, SealedTrain, Train, Transmit};

/// Bytes of datagrams that are sealed ahead of the socket, about one train: more would wait where they can't be sorted any
/// more.
const SEALED_BYTES: usize = 64 << 10;

impl Node {
    /// The next train of datagrams to send; it is valid until the next call.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Transmit<'_>> {
        let train = self.poll_train(now)?;
        if let Some(sent) = self.sent.take() {
            self.give_back(sent);
        }
        Some(self.sent.insert(train.seal()).transmit())
    }

    /// The next train, for whoever has it sealed on another thread. Trains are to be sent in their order.
    pub fn poll_train(&mut self, now: Instant) -> Option<Train> {
        if self.trains.bytes() == 0 {
            self.serve_queue(now);
        }
        let train = self.trains.poll()?;
        self.pace.sent(now, train.length_on_the_line());
        Some(train)
    }

    /// Takes a train of [`Self::poll_train`] that was sent, to use its room again.
    pub fn give_back(&mut self, train: SealedTrain) {
        self.trains.give_back(train);
    }

    /// Whether there is something to send.
    pub fn has_transmits(&self) -> bool {
        self.trains.bytes() > 0 || (!self.queue.is_empty() && self.pace.awaited().is_none())
    }

    /// Whether another packet of a device finds room. Devices are not to be read while there is none.
    ///
    /// Where a line is waited for they are read on: their own queues, where flows wait behind each other, would be as slow.
    pub fn has_room(&self) -> bool {
        self.pace.is_limited() || self.queue.has_room()
    }

    /// Whether packets come faster than datagrams are fetched, or than the line carries them.
    pub(super) fn is_behind(&self, now: Instant) -> bool {
        self.trains.bytes() >= self.pace.ahead(SEALED_BYTES) || !self.queue.is_empty() || !self.pace.is_free(now)
    }

    /// Keeps a packet until it is its flow's turn.
    pub(super) fn queue(&mut self, now: Instant, device: DeviceId, offload: Offload, packet: Vec<u8>) {
        let ip = match IpHeader::parse(&packet) {
            Ok(ip) => ip,
            Err(reason) => {
                self.buffers.give_back(packet);
                return self.counters.count_drop(reason);
            }
        };
        let dropped = self.queue.push(&ip, Waiting { since: now, device, offload, packet });
        self.counters.count_drops(DropReason::SendQueueFull, dropped);
    }

    fn serve_queue(&mut self, now: Instant) {
        if self.queue.is_empty() {
            return;
        }
        if !self.pace.is_free(now) {
            return self.pace.wait();
        }
        while self.trains.bytes() < self.pace.ahead(SEALED_BYTES) {
            let next = self.queue.pop(now);
            self.counters.count_drops(DropReason::SendQueueLate, self.queue.take_late());
            let Some(Waiting { device, offload, packet, .. }) = next else { return };
            self.pass_on(now, device, offload, &packet);
            self.buffers.give_back(packet);
        }
    }

    /// Whether packets of a link have to wait for its relay, or behind others that do.
    pub(super) fn is_held(&self, id: LinkId, to: Route) -> bool {
        let Some(relay) = to.relay() else { return false };
        let has_waiting =
            self.links.get(id).and_then(|link| link.queue.as_ref()).is_some_and(|queue| !queue.is_empty());
        has_waiting || !self.relays.is_ready(relay)
    }

    /// Keeps a packet until it can go.
    pub(super) fn keep(&mut self, now: Instant, id: LinkId, packet: &Outgoing<'_>) -> Result<(), DropReason> {
        let link = self.links.get_mut(id).ok_or(DropReason::LinkRemoved)?;
        let relay = link.way.route.and_then(|route| route.relay());
        if let Some(relay) = relay.filter(|_| link.is_open(now)) {
            let queue = link.queue.get_or_insert_with(|| Box::new(FairQueue::new()));
            let dropped = queue.push(&packet.ip, packet.waiting(now));
            self.counters.count_drops(DropReason::RelayQueueFull, dropped);
            self.relays.wait(now, relay, id);
            return Ok(());
        }
        link.backlog.push(packet.waiting(now))?;
        self.seek_session(now, id);
        Ok(())
    }

    /// Sends what has waited for a session or a way.
    pub(super) fn flush(&mut self, now: Instant, id: LinkId) {
        let Some(link) = self.links.get_mut(id) else { return };
        if !link.is_open(now) {
            return;
        }
        self.requeue(now, id);
        let waiting = self.links.get_mut(id).map(|link| link.backlog.take());
        for Waiting { device, offload, packet, .. } in waiting.into_iter().flatten() {
            self.pass_on(now, device, offload, &packet);
        }
    }

    /// A link has got another way: what waits for the old one takes the new one.
    pub(super) fn change_way(&mut self, now: Instant, id: LinkId) {
        let Some(link) = self.links.get_mut(id) else { return };
        if link.way.route.is_none()
            && let Some(mut queue) = link.queue.take()
        {
            // Without a way they wait as those do that have none yet, for a limited time.
            while let Some(waiting) = queue.pop(now) {
                let refused = link.backlog.push(waiting).err();
                refused.into_iter().for_each(|reason| self.counters.count_drop(reason));
            }
            self.counters.count_drops(DropReason::RelayQueueLate, queue.take_late());
        }
        self.flush(now, id);
        self.wake(now, id);
    }

    /// Gives relays what waits for them.
    pub(super) fn step_relays(&mut self, now: Instant) {
        while let Some(relay) = self.relays.pop_due(now) {
            self.serve_relay(now, relay);
            self.relays.end_turn(relay);
        }
    }

    fn serve_relay(&mut self, now: Instant, relay: RelayId) {
        let mut bytes = 0;
        while bytes < TURN_BYTES {
            let Some(id) = self.relays.next_waiting(relay) else { return };
            let Some(link) = self.links.get(id) else { continue };
            if link.way.route.and_then(|route| route.relay()) == Some(relay) {
                bytes += self.send_waiting(now, id);
                self.requeue(now, id);
            }
        }
    }

    /// Sends the next packet that waits; says how long it was.
    fn send_waiting(&mut self, now: Instant, id: LinkId) -> usize {
        let Some(link) = self.links.get_mut(id) else { return 0 };
        if !link.is_open(now) {
            self.seek_session(now, id);
            return 0;
        }
        let Some(queue) = link.queue.as_mut() else { return 0 };
        let waiting = queue.pop(now);
        self.counters.count_drops(DropReason::RelayQueueLate, queue.take_late());
        let Some(Waiting { device, offload, packet, .. }) = waiting else { return 0 };
        let sent = Outgoing::read(device, offload, &packet).and_then(|outgoing| self.dispatch(now, id, &outgoing));
        sent.err().into_iter().for_each(|reason| self.counters.count_drop(reason));
        packet.len()
    }

    /// Puts a link with waiting packets in its place again: at a relay, or nowhere if they can go directly.
    fn requeue(&mut self, now: Instant, id: LinkId) {
        while let Some(link) = self.links.get_mut(id) {
            let has_waiting = link.queue.as_ref().is_some_and(|queue| !queue.is_empty());
            if !has_waiting || !link.is_open(now) {
                return;
            }
            if let Some(relay) = link.way.route.and_then(|route| route.relay()) {
                return self.relays.wait(now, relay, id);
            }
            self.send_waiting(now, id);
        }
    }
}
