//! The TUN of a kernel's stack on the engine: directly, or, while there are diversions, through a queue whose packets
//! are looked at on their way.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use golem_vpn_proto::packet::{IpHeader, Split, complete_checksum};
use golem_vpn_proto::{DeviceConfig, DeviceId, Offload, OffloadKind, READ_LENGTH};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

use super::connections::Connections;
use crate::engine::{Attached, Engine};
use crate::features::Features;
use crate::queue::{PacketQueue, queue_device};
use crate::stack::diversion::Diversions;
use crate::stack::packet::Heading;
use crate::stack::table::lock;
use crate::tun::Tun;

/// Packets that may wait between the engine and the TUN, each way.
const QUEUE_LENGTH: usize = 1024;
const NAME: &str = "stack";

/// The place of a device on an engine.
#[derive(Clone)]
pub(crate) struct Slot {
    pub engine: Engine,
    pub id: DeviceId,
    pub features: Features,
}

/// Where a stack's packets come from and go to.
#[derive(Clone)]
pub(super) struct Packets {
    slot: Slot,
    tun: Arc<OwnedFd>,
    port: Arc<Mutex<Port>>,
    pub diversions: Arc<Diversions>,
    connections: Arc<Connections>,
}

struct Port {
    config: DeviceConfig,
    /// What the engine has in place of the TUN while there are diversions.
    queue: Option<Arc<PacketQueue>>,
}

impl Packets {
    /// Describes a TUN that is yet to be given to the engine.
    pub fn new(slot: Slot, tun: OwnedFd, config: DeviceConfig, connections: Arc<Connections>) -> Self {
        let port = Arc::new(Mutex::new(Port { config, queue: None }));
        Self { slot, tun: Arc::new(tun), port, diversions: Arc::default(), connections }
    }

    /// Gives the TUN to the engine.
    pub fn attach(&self) -> io::Result<Attached> {
        let (port, tun) = (lock(&self.port), self.duplicate()?);
        Ok(self.slot.engine.add_tun(self.slot.id, tun, NAME.to_owned(), port.config.clone()))
    }

    /// Changes which addresses of which networks the device has.
    pub fn set_config(&self, config: DeviceConfig) -> Attached {
        let mut port = lock(&self.port);
        port.config = config.clone();
        self.slot.engine.set_device(self.slot.id, config)
    }

    /// Sees to it that packets are looked at, and gives the queue through which others get to the engine. To be called
    /// when there is a diversion.
    pub fn look_at(&self, runtime: &Handle) -> io::Result<Arc<PacketQueue>> {
        let mut port = lock(&self.port);
        if let Some(queue) = &port.queue {
            return Ok(queue.clone());
        }
        let tun = self.duplicate()?;
        let (end, queue) = queue_device(QUEUE_LENGTH);
        let queue = Arc::new(queue);
        let attached = self.slot.engine.add_queue(self.slot.id, end, NAME.to_owned(), port.config.clone());
        port.queue = Some(queue.clone());
        let relay = Relay { packets: self.clone(), queue: queue.clone() };
        runtime.spawn(async move {
            if let Err(error) = relay.run(tun, attached).await {
                relay.packets.fail(&error);
            }
        });
        Ok(queue)
    }

    /// Ends the diversions, as their packets can't be looked at any more, and gives the TUN back.
    fn fail(&self, error: &io::Error) {
        tracing::warn!(%error, "packets of the gate can't be looked at any more");
        self.diversions.retain(|_| false);
        self.look_away();
    }

    /// Gives the TUN back to the engine, unless there are diversions again; whether that happened.
    fn look_away(&self) -> bool {
        let mut port = lock(&self.port);
        if !self.diversions.is_empty() {
            return false;
        }
        let tun = match self.duplicate() {
            Ok(tun) => tun,
            Err(error) => {
                tracing::warn!(%error, "packets of the gate go on being looked at");
                return false;
            }
        };
        port.queue = None;
        // Nobody waits for the outcome: an engine that does not want the TUN any more has lost the queue as well.
        drop(self.slot.engine.add_tun(self.slot.id, tun, NAME.to_owned(), port.config.clone()));
        true
    }

    fn duplicate(&self) -> io::Result<Tun> {
        Tun::from_fd(self.tun.try_clone()?, self.slot.features)
    }
}

/// Carries packets between the queue and the TUN.
struct Relay {
    packets: Packets,
    queue: Arc<PacketQueue>,
}

impl Relay {
    /// Runs until the engine has the TUN again.
    async fn run(&self, tun: Tun, attached: Attached) -> io::Result<()> {
        // SAFETY: this descriptor stays open and the same as long as the reference to it lives.
        let watch = unsafe { AsyncFd::register_with_interest(self.packets.tun.clone(), Interest::READABLE)? };
        attached.await.map_err(io::Error::other)?.map_err(io::Error::other)?;
        let mut buffer = vec![0; READ_LENGTH];
        let mut is_over = false;
        while !self.queue.is_closed() {
            tokio::select! {
                () = self.queue.readable() => self.deliver(&tun),
                ready = watch.readable(), if !is_over => {
                    let mut ready = ready?;
                    match tun.read(&mut buffer) {
                        Ok((offload, packet)) => self.forward(offload, packet).await,
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                        // Interrupted, or a packet that can't be read: the next one may be fine.
                        Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::InvalidData) => {}
                        Err(error) => return Err(error),
                    }
                }
                () = self.packets.diversions.emptied(), if !is_over => is_over = self.packets.look_away(),
            }
        }
        self.deliver(&tun);
        Ok(())
    }

    /// Hands out what came from the network.
    fn deliver(&self, tun: &Tun) {
        while let Some(packet) = self.queue.try_recv() {
            let heading = Heading::of(&packet);
            let connection = heading.and_then(|heading| heading.connection);
            let is_own = connection.is_some_and(|one| self.packets.connections.contains(&one));
            let diverted = heading.filter(|_| !is_own).and_then(|one| self.packets.diversions.find(&one.pair()));
            match diverted {
                Some(line) => line.offer(packet),
                None => {
                    if let Err(error) = tun.write(&Offload::default(), &packet) {
                        tracing::trace!(%error, "the gate's interface does not take a packet");
                    }
                }
            }
        }
    }

    /// Hands over what the kernel sends, as the ordinary packets that it stands for.
    async fn forward(&self, offload: Offload, packet: &[u8]) {
        for packet in ordinary_packets(&offload, packet) {
            let mut waiting = packet;
            while let Err(returned) = self.queue.try_send(waiting) {
                if self.queue.is_closed() {
                    return;
                }
                waiting = returned;
                self.queue.writable().await;
            }
        }
    }
}

/// The packets that a super-packet stands for, with full checksums; none where it is malformed.
fn ordinary_packets(offload: &Offload, packet: &[u8]) -> Vec<Vec<u8>> {
    let Ok(ip) = IpHeader::parse(packet) else { return Vec::new() };
    if offload.checksum.is_some_and(|partial| !partial.fits(packet)) {
        return Vec::new();
    }
    if offload.kind == OffloadKind::None {
        let mut whole = packet.to_vec();
        if let Some(partial) = offload.checksum {
            complete_checksum(&mut whole, partial);
        }
        return vec![whole];
    }
    let Ok(split) = Split::new(offload, &ip, packet) else { return Vec::new() };
    let write = |index| {
        let mut part = vec![0; split.length(index)];
        split.write(index, &mut part);
        part
    };
    (0..split.count()).map(write).collect()
}
