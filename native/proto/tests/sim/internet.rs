//! Two hosts at sites of some kind, with two reflectors, and with relays that both are connected to.

use std::time::Duration;

use golem_vpn_proto::{
    Candidate, Config, PathStatus, Reason, ReflectionKey, ReflectorAddress, RelayId, RelayState, Source,
};

use crate::packets::udp_payload;
use crate::site::{Kind, Site};
use crate::traffic::{numbered, numbers};
use crate::world::{World, interface};

/// The two that talk; two more are reflectors.
pub const TALKERS: [usize; 2] = [0, 1];
const REFLECTORS: [usize; 2] = [2, 3];
const PAUSE: Duration = Duration::from_millis(20);

/// Two hosts that have asked the reflectors and told each other what they know, but have not sent a packet.
pub fn internet(kinds: [Kind; 2], relays: u16, seed: u64) -> World {
    configured(kinds, relays, seed, |_| {})
}

pub fn configured(kinds: [Kind; 2], relays: u16, seed: u64, configure: fn(&mut Config)) -> World {
    let mut world = World::configured(4, seed, configure);
    world.add_network(1, &TALKERS);
    for (host, kind) in TALKERS.into_iter().zip(kinds) {
        world.hosts[host].site = Site::new(kind, host as u8 + 1);
        (0..relays).for_each(|relay| connect(&mut world, host, relay));
        reflect(&mut world, host);
    }
    world.run(Duration::from_secs(3));
    TALKERS.into_iter().for_each(|host| introduce(&mut world, host, relays));
    world
}

/// Connects a host to a relay.
pub fn connect(world: &mut World, host: usize, relay: u16) {
    let rtt = Duration::from_millis(20 + 10 * u64::from(relay));
    let state = RelayState { name: format!("relay {relay}"), rtt, mtu: 1452 };
    let now = world.now;
    world.hosts[host].node.set_relay(now, RelayId(relay), Some(state));
    world.fetch(host);
}

/// Tells the other talker where a host is, as far as the host knows.
pub fn introduce(world: &mut World, host: usize, relays: u16) {
    let now = world.now;
    let (seen, _) = world.hosts[host].node.reflected(now);
    let reflected = seen.into_iter().map(|address| Candidate { address, source: Source::Reflected });
    let candidates = [interface(world.hosts[host].address)].into_iter().chain(reflected).collect();
    let id = world.hosts[host].id;
    world.hosts[1 - host].node.set_peer(now, id, candidates, (0..relays).map(RelayId).collect());
    world.fetch(1 - host);
}

/// Both send packets `numbers`, one each 20 ms.
pub fn talk(world: &mut World, numbers: std::ops::Range<u32>) {
    for number in numbers {
        world.send(0, &numbered(1, 0, 1, number));
        world.send(1, &numbered(1, 1, 0, number));
        world.run(PAUSE);
    }
}

/// How many of so many packets of [`talk`] a host did not get; none came twice.
pub fn missing(world: &World, at: usize, sent: u32) -> usize {
    let mut received = numbers(world, 1 - at, at);
    let count = received.len();
    received.sort_unstable();
    received.dedup();
    assert_eq!(received.len(), count, "a packet came twice");
    sent as usize - count
}

pub fn path(world: &World, host: usize) -> PathStatus {
    world.hosts[host].node.peers(world.now).into_iter().find(|peer| peer.node == world.hosts[1 - host].id).unwrap().path
}

/// The kind of path and the reason, in words.
pub fn words(path: &PathStatus) -> (&'static str, Option<&'static str>) {
    let kind = match path.route {
        None => "none",
        Some(route) if route.relay().is_some() => "relayed",
        Some(_) => "direct",
    };
    (kind, path.reason.map(Reason::words))
}

fn reflect(world: &mut World, host: usize) {
    let now = world.now;
    let mut reflectors = Vec::new();
    for reflector in REFLECTORS {
        let key = ReflectionKey([(host * 10 + reflector) as u8; 32]);
        world.hosts[reflector].node.admit_reflection(host as u32, key);
        reflectors.push(ReflectorAddress { address: world.hosts[reflector].address, index: host as u32, key });
    }
    world.hosts[host].node.set_reflectors(now, &reflectors);
    world.fetch(host);
}

/// The first sends a packet each 10 ms and the second answers each at once; gives the longest time without an answer.
pub fn echo(world: &mut World, numbers: std::ops::Range<u32>) -> Duration {
    let (mut answered, mut echoed) = (world.hosts[1].delivered.len(), world.hosts[0].delivered.len());
    let (mut last, mut longest) = (world.now, Duration::ZERO);
    for number in numbers {
        world.send(0, &numbered(1, 0, 1, number));
        for _ in 0..10 {
            world.run(Duration::from_millis(1));
            let number = |packet: &Vec<u8>| u32::from_be_bytes(udp_payload(packet).try_into().expect("four bytes"));
            let arrived: Vec<_> = world.hosts[1].delivered[answered..].iter().map(number).collect();
            for number in arrived {
                world.send(1, &numbered(1, 1, 0, number));
            }
            answered = world.hosts[1].delivered.len();
            longest = longest.max(world.now - last);
            if world.hosts[0].delivered.len() > echoed {
                (last, echoed) = (world.now, world.hosts[0].delivered.len());
            }
        }
    }
    longest
}
