//! The engine's thread: waits, moves what is ready between devices, rules and socket, and waits again.
//!
//! Each round serves everything that is ready, but only so much of it, so that no device and no direction starves
//! another. While the socket is full, devices are not read: their senders wait, and nothing is dropped.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use golem_vpn_proto::{Cipher, Config, DeviceId, Node, Route};
use tokio::sync::mpsc;

use super::device::{Device, Read};
use super::messages::{Command, Event};
use super::relaying::{RelayedTrain, Relaying};
use super::unsent::Unsent;
use crate::entropy;
use crate::poll::{Bell, Interest, Poller, Readiness};
use crate::tun::READ_LENGTH;
use crate::udp::Datagrams;

/// What one device may pass in one round.
const PACKETS_PER_ROUND: usize = 64;
const BYTES_PER_ROUND: usize = 256 << 10;
/// Bytes read before they are sent: about what stays in the processor's cache.
const BYTES_PER_FLUSH: usize = 128 << 10;

const BELL: u64 = u64::MAX;
const SOCKET: u64 = u64::MAX - 1;

pub(super) struct Driver<S> {
    pub(super) node: Node,
    pub(super) ciphers: Vec<Cipher>,
    pub(super) socket: S,
    pub(super) devices: BTreeMap<DeviceId, Device>,
    pub(super) bell: Arc<Bell>,
    pub(super) dropped_events: u64,
    pub(super) relaying: Relaying,
    poller: Poller,
    commands: Receiver<Command>,
    events: mpsc::Sender<Event>,
    unsent: Unsent,
    /// Whether devices are not watched because the socket is full.
    held_back: bool,
    /// Whether a queue may hold packets that nobody announces any more.
    queues_waiting: bool,
    /// Whether relays may have brought trains that nobody announces any more.
    relays_waiting: bool,
    buffer: Vec<u8>,
}

/// Whether the thread goes on.
#[derive(PartialEq, Eq)]
pub(super) enum Outlook {
    Running,
    Over,
}

impl<S: Datagrams> Driver<S> {
    pub(super) fn new(
        config: Config,
        socket: S,
        bell: Arc<Bell>,
        commands: Receiver<Command>,
        events: mpsc::Sender<Event>,
        relaying: Relaying,
    ) -> io::Result<Self> {
        let poller = Poller::new()?;
        poller.add(bell.as_fd(), BELL, Interest::READ)?;
        poller.add(socket.as_fd(), SOCKET, Interest::READ)?;
        Ok(Self {
            ciphers: config.ciphers.clone(),
            node: Node::new(config, Box::new(entropy::fill)),
            socket,
            devices: BTreeMap::new(),
            bell,
            dropped_events: 0,
            relaying,
            poller,
            commands,
            events,
            unsent: Unsent::new(),
            held_back: false,
            queues_waiting: false,
            relays_waiting: false,
            buffer: vec![0; READ_LENGTH],
        })
    }

    /// Runs until no handle of the engine is left.
    pub(super) fn run(mut self) {
        let mut ready = Vec::new();
        loop {
            let timeout = self.patience();
            ready.clear();
            match self.poller.wait(timeout) {
                Ok(found) => ready.extend(found),
                Err(error) => return tracing::error!(%error, "the data plane can't wait for packets any more"),
            }
            if self.round(&ready) == Outlook::Over {
                return;
            }
        }
    }

    /// How long nothing has to be done, if nothing comes.
    fn patience(&self) -> Option<Duration> {
        if self.relays_waiting || (self.queues_waiting && !self.held_back) {
            return Some(Duration::ZERO);
        }
        self.node.poll_timeout().map(|due| due.saturating_duration_since(Instant::now()))
    }

    fn round(&mut self, ready: &[Readiness]) -> Outlook {
        let now = Instant::now();
        for readiness in ready {
            match readiness.token {
                BELL => {
                    self.bell.quiet();
                    self.queues_waiting = true;
                    self.relays_waiting = true;
                    if self.obey(now) == Outlook::Over {
                        return Outlook::Over;
                    }
                }
                SOCKET => self.serve_socket(now, readiness),
                token => {
                    self.serve_device(now, DeviceId(token as u32), readiness.failed);
                }
            }
        }
        if self.relays_waiting {
            self.serve_relays(now);
        }
        if self.queues_waiting && !self.held_back {
            self.serve_queues(now);
        }
        if self.node.poll_timeout().is_some_and(|due| due <= now) {
            self.node.handle_timeout(now);
        }
        self.flush();
        Outlook::Running
    }

    fn obey(&mut self, now: Instant) -> Outlook {
        loop {
            match self.commands.try_recv() {
                Ok(command) => self.carry_out(now, command),
                Err(std::sync::mpsc::TryRecvError::Empty) => return Outlook::Running,
                Err(std::sync::mpsc::TryRecvError::Disconnected) => return Outlook::Over,
            }
        }
    }

    fn serve_socket(&mut self, now: Instant, readiness: &Readiness) {
        if readiness.writable {
            self.flush();
        }
        if readiness.readable || readiness.failed {
            let Self { socket, node, .. } = self;
            socket.receive(|from, segment_size, train| node.handle_datagram(now, from.into(), segment_size, train));
            self.flush();
        }
    }

    fn serve_relays(&mut self, now: Instant) {
        let Self { relaying, node, .. } = self;
        self.relays_waiting = relaying.receive(|RelayedTrain { relay, peer, segment_size, mut bytes }| {
            node.handle_datagram(now, Route::Relayed { relay, peer }, segment_size, &mut bytes);
        });
    }

    fn serve_queues(&mut self, now: Instant) {
        self.queues_waiting = false;
        let queues = self.devices.iter().filter(|(_, device)| device.descriptor().is_none());
        let queues: Vec<DeviceId> = queues.map(|(id, _)| *id).collect();
        for id in queues {
            self.queues_waiting |= self.serve_device(now, id, false);
        }
    }

    /// Passes on what a device has, within its share of the round; whether there may be more.
    fn serve_device(&mut self, now: Instant, id: DeviceId, failed: bool) -> bool {
        let (mut bytes, mut unflushed) = (0, 0);
        for _ in 0..PACKETS_PER_ROUND {
            if self.held_back || bytes >= BYTES_PER_ROUND {
                return true;
            }
            let Some(device) = self.devices.get_mut(&id) else { return false };
            let node = &mut self.node;
            match device.read(&mut self.buffer, |offload, packet| node.handle_packet(now, id, offload, packet)) {
                Read::Packet(length) => {
                    bytes += length;
                    unflushed += length;
                }
                Read::Nothing if failed => {
                    self.lose(id, io::Error::other("its interface is gone"));
                    return false;
                }
                Read::Nothing => return false,
                Read::Lost(cause) => {
                    self.lose(id, cause);
                    return false;
                }
            }
            if unflushed >= BYTES_PER_FLUSH {
                self.flush();
                unflushed = 0;
            }
        }
        true
    }

    /// Hands out everything that the rules have produced.
    fn flush(&mut self) {
        self.deliver();
        self.transmit();
        while let Some(event) = self.node.poll_event() {
            self.tell(Event::Node(event));
        }
    }

    fn deliver(&mut self) {
        let mut lost = None;
        while let Some(delivery) = self.node.poll_delivery() {
            let Some(device) = self.devices.get_mut(&delivery.device) else { continue };
            if let Err(cause) = device.write(&delivery.offload, delivery.packet) {
                lost = Some((delivery.device, cause));
            }
        }
        if let Some((id, cause)) = lost {
            self.lose(id, cause);
        }
    }

    fn transmit(&mut self) {
        self.unsent.send(&mut self.socket);
        while self.unsent.is_empty() {
            let Some(train) = self.node.poll_transmit() else { break };
            match train.to {
                Route::Relayed { relay, peer } => self.relaying.send(relay, peer, train.segment_size, train.bytes),
                Route::Direct(to) => {
                    let unreachable = self.socket.status().counters.dropped_unreachable;
                    let done = self.socket.send(to, train.segment_size, train.bytes);
                    if done < train.bytes.len() {
                        self.unsent.keep(to, train.segment_size, &train.bytes[done..]);
                    }
                    if self.socket.status().counters.dropped_unreachable > unreachable {
                        self.node.handle_unreachable(Instant::now(), to);
                    }
                }
            }
        }
        self.hold_back(!self.unsent.is_empty());
    }

    /// Stops watching devices, or goes on with it.
    fn hold_back(&mut self, hold_back: bool) {
        if self.held_back == hold_back {
            return;
        }
        self.held_back = hold_back;
        let unwatched = Interest { readable: false, writable: false };
        let (device_interest, socket_interest) = if hold_back {
            (unwatched, Interest { readable: true, writable: true })
        } else {
            (Interest::READ, Interest::READ)
        };
        let watched = self.devices.iter().filter_map(|(id, device)| Some((device.descriptor()?, u64::from(id.0))));
        let changes = watched.map(|(descriptor, token)| (descriptor, token, device_interest));
        for (descriptor, token, interest) in changes.chain([(self.socket.as_fd(), SOCKET, socket_interest)]) {
            if let Err(error) = self.poller.change(descriptor, token, interest) {
                tracing::error!(%error, token, "can't change what is watched");
            }
        }
    }

    /// Begins to watch a device that is about to be inserted.
    pub(super) fn watch(&self, id: DeviceId, device: &Device) -> io::Result<()> {
        let interest = Interest { readable: !self.held_back, writable: false };
        device.descriptor().map_or(Ok(()), |descriptor| self.poller.add(descriptor, u64::from(id.0), interest))
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

    fn lose(&mut self, id: DeviceId, cause: io::Error) {
        if self.remove(id) {
            tracing::info!(device = id.0, %cause, "device lost");
            self.tell(Event::DeviceLost { device: id, cause });
        }
    }

    fn tell(&mut self, event: Event) {
        let Err(refused) = self.events.try_send(event) else { return };
        self.dropped_events += 1;
        if let Event::Node(golem_vpn_proto::Event::Handshake { peer, id, .. }) = refused.into_inner() {
            self.node.handle_handshake_failure(Instant::now(), peer, id);
        }
    }
}
