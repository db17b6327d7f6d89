//! The task of a stack: takes packets from the queue device to their connections, and gives connections their turn to
//! send. It sleeps until there is a packet, room for packets, a wish of a stream, or an alarm.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use smoltcp::time::{Duration, Instant};

use super::connection::Connection;
use super::packet::Heading;
use super::responder::Responder;
use super::socket::{Socket, Turn};
use super::table::{Recipient, Table, lock};
use super::wire::Outbox;
use crate::queue::PacketQueue;

/// How many packets are taken before connections get their turn, so that one acknowledgement serves several.
const BATCH: usize = 128;
/// Keeps a connection that is wrong about its own deadline from keeping the task busy.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);

pub(super) struct Driver {
    queue: Arc<PacketQueue>,
    table: Arc<Table>,
    responder: Responder,
    outbox: Outbox,
    /// Connections that may have something to send, in the order of their turns.
    turns: VecDeque<Connection>,
    alarms: BTreeSet<(Instant, Connection)>,
}

impl Driver {
    pub fn new(queue: Arc<PacketQueue>, table: Arc<Table>) -> Self {
        let responder = Responder::new(table.mtu());
        let (outbox, turns, alarms) = (Outbox::default(), VecDeque::new(), BTreeSet::new());
        Self { queue, table, responder, outbox, turns, alarms }
    }

    pub async fn run(mut self) {
        while !self.table.is_stopped() && !self.queue.is_closed() {
            let now = self.table.now();
            self.wake_sleepers(now);
            let is_more_to_receive = self.receive(now);
            self.turns.extend(self.table.take_ready());
            self.give_turns(now);
            self.flush();
            let is_more_to_send = !self.turns.is_empty() && self.outbox.is_empty();
            if is_more_to_receive || is_more_to_send {
                tokio::task::yield_now().await;
            } else {
                self.sleep().await;
            }
        }
    }

    fn wake_sleepers(&mut self, now: Instant) {
        while self.alarms.first().is_some_and(|(alarm, _)| *alarm <= now) {
            let Some((_, connection)) = self.alarms.pop_first() else { return };
            if let Some(socket) = self.table.find(&connection) {
                let mut socket = lock(&socket);
                socket.alarm = None;
                self.queue_turn(connection, &mut socket);
            }
        }
    }

    /// Takes a batch of packets; whether there may be more.
    fn receive(&mut self, now: Instant) -> bool {
        for _ in 0..BATCH {
            if self.outbox.is_full() {
                return false;
            }
            let Some(packet) = self.queue.try_recv() else { return false };
            self.take(now, packet);
        }
        true
    }

    fn take(&mut self, now: Instant, packet: Vec<u8>) {
        let Some(heading) = Heading::of(&packet) else { return };
        match self.table.recipient(&heading) {
            Recipient::Connection(connection, socket) => {
                let mut socket = lock(&socket);
                socket.receive(now, packet, heading.is_reset, &mut self.outbox);
                self.queue_turn(connection, &mut socket);
            }
            Recipient::Diversion(line) => line.offer(packet),
            Recipient::Host => self.responder.answer(now, packet, &mut self.outbox),
            Recipient::Nobody => {}
        }
    }

    fn queue_turn(&mut self, connection: Connection, socket: &mut Socket) {
        if !std::mem::replace(&mut socket.is_queued, true) {
            self.turns.push_back(connection);
        }
    }

    fn give_turns(&mut self, now: Instant) {
        while !self.outbox.is_full() {
            let Some(connection) = self.turns.pop_front() else { return };
            let Some(socket) = self.table.find(&connection) else { continue };
            let mut socket = lock(&socket);
            if socket.transmit(now, &mut self.outbox) == Turn::Unfinished {
                self.turns.push_back(connection);
                continue;
            }
            socket.is_queued = false;
            if socket.is_gone() {
                if let Some(alarm) = socket.alarm {
                    self.alarms.remove(&(alarm, connection));
                }
                self.table.remove(&connection);
            } else {
                self.set_alarm(now, connection, &mut socket);
            }
        }
    }

    /// Sees to it that the connection is looked at when it wants to be. An alarm that is too early stays: most of them
    /// are put off by every packet, and go off once.
    fn set_alarm(&mut self, now: Instant, connection: Connection, socket: &mut Socket) {
        let Some(deadline) = socket.deadline(now) else { return };
        let deadline = deadline.max(now + SHORTEST_SLEEP);
        if socket.alarm.is_none_or(|alarm| deadline < alarm) {
            if let Some(alarm) = socket.alarm.replace(deadline) {
                self.alarms.remove(&(alarm, connection));
            }
            self.alarms.insert((deadline, connection));
        }
    }

    fn flush(&mut self) {
        self.outbox.flush(|packet| self.queue.try_send(packet));
    }

    async fn sleep(&self) {
        let alarm = self.alarms.first().map(|(instant, _)| self.table.moment(*instant).into());
        tokio::select! {
            () = self.table.rung() => {}
            () = self.queue.readable(), if !self.outbox.is_full() => {}
            () = self.queue.writable(), if !self.outbox.is_empty() => {}
            () = tokio::time::sleep_until(alarm.unwrap_or_else(tokio::time::Instant::now)), if alarm.is_some() => {}
        }
    }
}

impl Drop for Driver {
    /// Breaks the connections, so that no stream waits for a stack that is gone.
    fn drop(&mut self) {
        let now = self.table.now();
        for socket in self.table.close() {
            let mut socket = lock(&socket);
            socket.abort();
            socket.transmit(now, &mut self.outbox);
            self.flush();
        }
    }
}
