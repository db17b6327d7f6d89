//! Another host at the far end of the queue device: smoltcp with listening sockets, and links that lose and reorder.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp;
use smoltcp::time::Instant;

use crate::poll::{Bell, Interest, Poller};
use crate::queue::{QueueEnd, Received};
use crate::stack::packet::Heading;
use crate::stack::responder::interface;
use crate::stack::wire::{Outbox, Wire};

/// The most that needs no scaled window: smoltcp's are rounded, which the stack must cope with, and this host could not.
const BUFFER: usize = 65_535;
const MTU: u16 = 1420;

/// What the remote host does with the connections to a port.
pub enum Service {
    /// Returns what comes, and ends when the other side has.
    Echo,
    /// Sends these bytes and ends; reads until the other side ends.
    Say(Vec<u8>),
    /// Takes everything, and ends when the other side has.
    Swallow,
    /// Reads nothing.
    Ignore,
    /// Resets the connection on its first byte.
    Reset,
}

/// How many of a thousand packets are lost and overtaken, in either direction.
#[derive(Default, Clone, Copy)]
pub struct Faults {
    pub lost: u64,
    pub overtaken: u64,
}

struct Port {
    interface: Interface,
    sockets: SocketSet<'static>,
    progress: BTreeMap<SocketHandle, usize>,
    service: Service,
    /// When it has to be looked at; a port of thousands of idle connections should not slow the others.
    alarm: Option<Instant>,
}

struct Remote {
    end: QueueEnd,
    ports: BTreeMap<u16, Port>,
    addresses: Vec<IpAddr>,
    to_remote: Link,
    from_remote: Link,
    outbox: Outbox,
}

/// Runs a host with these addresses and, per port, a service for so many connections, until the queue is closed.
pub fn run(end: QueueEnd, addresses: &[&str], services: Vec<(u16, usize, Service)>, faults: Faults) -> JoinHandle<()> {
    let ports = services.into_iter().map(|(port, count, service)| (port, Port::new(port, count, service))).collect();
    let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
    let (to_remote, from_remote) = (Link::new(faults, 1), Link::new(faults, 2));
    let remote = Remote { end, ports, addresses, to_remote, from_remote, outbox: Outbox::default() };
    std::thread::spawn(move || remote.run())
}

impl Remote {
    fn run(mut self) {
        let (bell, mut poller) = (Arc::new(Bell::new().unwrap()), Poller::new().unwrap());
        poller.add(bell.as_fd(), 0, Interest::READ).unwrap();
        self.end.announce_by(&bell);
        while self.receive(&bell) {
            let now = Instant::now();
            for port in self.ports.values_mut().filter(|port| port.alarm.is_some_and(|alarm| alarm <= now)) {
                port.work(now, &mut self.outbox);
            }
            let pause =
                self.ports.values().filter_map(|port| port.alarm).min().map(|alarm| alarm - Instant::now().min(alarm));
            self.outbox.flush(|packet| {
                let _dropped_when_full = self.from_remote.pass(packet).into_iter().all(|packet| self.end.send(packet));
                Ok(())
            });
            let pause = pause.map_or(Duration::from_millis(100), Duration::from);
            let _bell_or_time = poller.wait(Some(pause)).unwrap().count();
        }
    }

    /// Takes a batch of packets; whether the queue is still open.
    fn receive(&mut self, bell: &Bell) -> bool {
        bell.quiet();
        for _ in 0..128 {
            match self.end.receive() {
                Received::Packet(packet) => {
                    self.to_remote.pass(packet).into_iter().for_each(|packet| self.take(packet))
                }
                Received::Nothing => return true,
                Received::Closed => return false,
            }
        }
        bell.ring();
        true
    }

    fn take(&mut self, packet: Vec<u8>) {
        let Some(heading) = Heading::of(&packet).filter(|heading| self.addresses.contains(&heading.destination)) else {
            return;
        };
        let port = heading.connection.map_or(0, |connection| connection.local.port());
        let mut nobody = Port::new(0, 0, Service::Ignore);
        let port = self.ports.get_mut(&port).unwrap_or(&mut nobody);
        let mut wire = Wire { mtu: MTU, received: Some(packet), outbox: &mut self.outbox };
        port.interface.poll_ingress_single(Instant::now(), &mut wire, &mut port.sockets);
        port.alarm = Some(Instant::ZERO);
    }
}

impl Port {
    fn new(port: u16, connections: usize, service: Service) -> Self {
        let mut sockets = SocketSet::new(Vec::new());
        let mut progress = BTreeMap::new();
        for _ in 0..connections {
            let buffer = || tcp::SocketBuffer::new(vec![0; BUFFER]);
            let mut socket = tcp::Socket::new(buffer(), buffer());
            socket.set_nagle_enabled(false);
            socket.listen(port).unwrap();
            progress.insert(sockets.add(socket), 0);
        }
        Self { interface: interface(7, MTU), sockets, progress, service, alarm: None }
    }

    /// Serves the connections and sends.
    fn work(&mut self, now: Instant, outbox: &mut Outbox) {
        for (handle, progress) in &mut self.progress {
            serve(&self.service, self.sockets.get_mut(*handle), progress);
        }
        let mut wire = Wire { mtu: MTU, received: None, outbox };
        while !wire.outbox.is_full()
            && self.interface.poll_egress(now, &mut wire, &mut self.sockets) != smoltcp::iface::PollResult::None
        {
        }
        self.alarm = self.interface.poll_at(now, &self.sockets);
    }
}

fn serve(service: &Service, socket: &mut tcp::Socket<'static>, progress: &mut usize) {
    match service {
        Service::Echo => {
            while socket.can_recv() && socket.can_send() {
                let room = socket.send_capacity() - socket.send_queue();
                let bytes =
                    socket.recv(|bytes| (bytes.len().min(room), bytes[..bytes.len().min(room)].to_vec())).unwrap();
                assert_eq!(socket.send_slice(&bytes), Ok(bytes.len()));
            }
        }
        Service::Say(bytes) if socket.may_send() => {
            *progress += socket.send_slice(&bytes[*progress..]).unwrap();
            if *progress == bytes.len() {
                socket.close();
            }
            return;
        }
        Service::Reset if socket.can_recv() => socket.abort(),
        Service::Swallow | Service::Say(_) => {
            while socket.can_recv() && socket.recv(|bytes| (bytes.len(), ())).is_ok() {}
        }
        Service::Ignore | Service::Reset => return,
    }
    if socket.state() == tcp::State::CloseWait && !socket.can_recv() {
        socket.close();
    }
}

/// One direction of a link, with faults that are the same in every run.
struct Link {
    faults: Faults,
    random: u64,
    held: Vec<(u8, Vec<u8>)>,
}

impl Link {
    fn new(faults: Faults, seed: u64) -> Self {
        Self { faults, random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), held: Vec::new() }
    }

    /// The packets that come out when this one goes in.
    fn pass(&mut self, packet: Vec<u8>) -> Vec<Vec<u8>> {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let fate = (self.random >> 20) % 1000;
        let mut out = Vec::new();
        if fate >= self.faults.lost + self.faults.overtaken {
            out.push(packet);
        } else if fate >= self.faults.lost {
            self.held.push((3, packet));
        }
        for (count, _) in &mut self.held {
            *count -= 1;
        }
        out.extend(self.held.extract_if(.., |(count, _)| *count == 0).map(|(_, packet)| packet));
        out
    }
}
