//! The engine's thread: waits, moves what is ready between devices, rules and socket, and waits again.
//!
//! Each round serves everything that is ready, but only so much of it, so that no device and no direction starves
//! another. Devices are read ahead of the socket, so that the rules can put flows in order; while they have no room,
//! devices are not read: their senders wait, and nothing is dropped.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use golem_vpn_proto::{Cipher, Config, DeviceId, Ecn, Node, READ_LENGTH, Route};
use tokio::sync::mpsc;

use super::crew::Crew;
use super::device::{Device, Read};
use super::load::Passed;
use super::messages::{Command, Event};
use super::outlet::deliver;
use super::patience::{Found, Patience};
use super::relaying::{RelayedTrain, Relaying};
use super::unsent::Unsent;
use super::watching::Watched;
use crate::entropy;
use crate::features::Features;
use crate::poll::{Bell, Interest, Poller, Readiness};
use crate::udp::Datagrams;

/// What one device may pass in one round: more than is sent in it, so that flows can be put in order, but not so much that
/// it has left the processor's cache when it is sent.
const PACKETS_PER_ROUND: usize = 64;
const BYTES_PER_ROUND: usize = 256 << 10;
/// Bytes received before they are delivered: enough to make super-packets of, and still in the processor's cache.
const BYTES_PER_DELIVERY: usize = 32 << 10;

pub(super) const BELL: u64 = u64::MAX;
pub(super) const SOCKET: u64 = u64::MAX - 1;

pub(super) struct Driver<S> {
    pub(super) node: Node,
    pub(super) ciphers: Vec<Cipher>,
    pub(super) socket: S,
    pub(super) devices: BTreeMap<DeviceId, Device>,
    pub(super) bell: Arc<Bell>,
    /// Devices that turned out to be gone, and why, until they are removed.
    pub(super) lost: Vec<(DeviceId, io::Error)>,
    pub(super) dropped_events: u64,
    pub(super) relaying: Relaying,
    pub(super) crew: Crew,
    pub(super) poller: Poller,
    pub(super) watched: Watched,
    /// How often it was looked for what may have come.
    pub(super) looks: u64,
    commands: Receiver<Command>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) unsent: Unsent,
    patience: Patience,
    /// Whether a queue may hold packets that nobody announces any more.
    queues_waiting: bool,
    /// Whether relays may have brought trains that nobody announces any more.
    relays_waiting: bool,
    /// Whether a device has had its share of the last round, and may have more.
    devices_waiting: bool,
    /// Whether the socket has.
    socket_waiting: bool,
    buffer: Vec<u8>,
}

/// What ties the thread to everybody else.
pub(super) struct Ends {
    pub(super) bell: Arc<Bell>,
    pub(super) commands: Receiver<Command>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) relaying: Relaying,
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
        features: Features,
        Ends { bell, commands, events, relaying }: Ends,
    ) -> io::Result<Self> {
        let poller = Poller::new()?;
        poller.add(bell.as_fd(), BELL, Interest::READ)?;
        poller.add(socket.as_fd(), SOCKET, Interest::READ)?;
        Ok(Self {
            ciphers: config.ciphers.clone(),
            node: Node::new(config, Box::new(entropy::fill)),
            socket,
            devices: BTreeMap::new(),
            crew: Crew::new(features, &bell)?,
            bell,
            lost: Vec::new(),
            dropped_events: 0,
            relaying,
            poller,
            commands,
            events,
            unsent: Unsent::new(),
            patience: Patience::new(features),
            watched: Watched::default(),
            looks: 0,
            queues_waiting: false,
            relays_waiting: false,
            devices_waiting: false,
            socket_waiting: false,
            buffer: vec![0; READ_LENGTH],
        })
    }

    /// Runs until no handle of the engine is left.
    pub(super) fn run(mut self) {
        let mut ready = Vec::new();
        self.patience.settle_in();
        loop {
            if let Err(error) = self.wait(&mut ready) {
                return tracing::error!(%error, "the data plane can't wait for packets any more");
            }
            if self.round(&ready) == Outlook::Over {
                return;
            }
        }
    }

    fn wait(&mut self, ready: &mut Vec<Readiness>) -> io::Result<()> {
        let due = self.due();
        let passed = Passed { counters: self.node.counters(), relayed_bytes: self.relaying.bytes() };
        if self.patience.wait(&mut self.poller, due, passed, ready)? == Found::Unknown {
            self.look(ready)?;
        }
        Ok(())
    }

    /// When something has to be done, if nothing comes.
    fn due(&mut self) -> Option<Instant> {
        let has_transmits = self.unsent.is_empty() && self.crew.has_transmits(&self.node);
        let devices_wait = (self.queues_waiting || self.devices_waiting) && self.node.has_room();
        if has_transmits || devices_wait || self.socket_waiting || self.relays_waiting || self.crew.has_arrivals() {
            return Some(Instant::now());
        }
        self.node.poll_timeout()
    }

    fn round(&mut self, ready: &[Readiness]) -> Outlook {
        let now = Instant::now();
        self.devices_waiting = false;
        self.socket_waiting = false;
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
                    self.devices_waiting |= self.serve_device(now, DeviceId(token as u32), readiness.failed);
                }
            }
        }
        self.serve_arrivals(now);
        if self.relays_waiting {
            self.serve_relays(now);
        }
        if self.queues_waiting {
            self.serve_queues(now);
        }
        if self.node.poll_timeout().is_some_and(|due| due <= now) {
            self.node.handle_timeout(now);
        }
        self.flush(now);
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
        if readiness.readable || readiness.failed {
            let Self { socket, node, devices, lost, crew, .. } = self;
            let mut bytes = 0;
            self.socket_waiting = socket.receive(|train| {
                bytes += train.length;
                crew.receive(now, node, train);
                if bytes >= BYTES_PER_DELIVERY {
                    bytes = 0;
                    deliver(node, devices, lost);
                }
            });
            self.flush(now);
        }
    }

    /// Passes on what was opened on other threads.
    fn serve_arrivals(&mut self, now: Instant) {
        let mut bytes = 0;
        while let Some(length) = self.crew.handle_arrival(now, &mut self.node) {
            bytes += length;
            if bytes >= BYTES_PER_DELIVERY {
                bytes = 0;
                deliver(&mut self.node, &mut self.devices, &mut self.lost);
            }
        }
    }

    fn serve_relays(&mut self, now: Instant) {
        let Self { relaying, node, .. } = self;
        self.relays_waiting = relaying.receive(|RelayedTrain { relay, peer, segment_size, mut bytes }| {
            node.handle_datagram(now, Route::Relayed { relay, peer }, Ecn::NotCapable, segment_size, &mut bytes);
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
        let mut bytes = 0;
        for _ in 0..PACKETS_PER_ROUND {
            if bytes >= BYTES_PER_ROUND || !self.node.has_room() {
                return true;
            }
            let Some(device) = self.devices.get_mut(&id) else { return false };
            let node = &mut self.node;
            let read = device.read(&mut self.buffer, |offload, buffer, length| {
                bytes += length;
                node.handle_read(now, id, offload, buffer, length);
            });
            match read {
                Read::Packet if self.patience.is_hasty() => self.flush(now),
                Read::Packet => {}
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
        }
        true
    }
}
