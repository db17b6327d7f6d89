//! Whatever has happened, once the wires are well again everybody reaches everybody, and no packet came twice.

use std::net::SocketAddr;
use std::time::Duration;

use crate::random::Random;
use crate::traffic::{numbered, numbers};
use crate::wire::Wire;
use crate::world::{World, interface};

const HOSTS: usize = 4;
const STEPS: usize = 150;

#[test]
fn everything_heals() {
    for seed in 0..25 {
        let mut chaos = Chaos::new(seed);
        for _ in 0..STEPS {
            chaos.step();
        }
        chaos.calm();
        chaos.talk(Duration::from_secs(30));
        let before = chaos.next_number;
        chaos.talk(Duration::from_secs(2));
        chaos.world.run(Duration::from_secs(1));
        chaos.check(before);
    }
}

struct Chaos {
    seed: u64,
    world: World,
    random: Random,
    next_number: u32,
    moves: u8,
}

impl Chaos {
    fn new(seed: u64) -> Self {
        let often = |config: &mut golem_vpn_proto::Config| {
            config.rekey_after = Duration::from_secs(5);
            config.reject_after = Duration::from_secs(12);
        };
        let mut world = World::configured(HOSTS, seed, often);
        world.add_network(1, &[0, 1, 2, 3]);
        Self { seed, world, random: Random::new(seed), next_number: 0, moves: 0 }
    }

    fn step(&mut self) {
        let host = self.random.below(HOSTS as u64) as usize;
        match self.random.below(40) {
            0 => self.restart(host),
            1 => self.move_away(host),
            2 => self.world.control_up = !self.world.control_up,
            3 => self.change_wire(),
            4 => self.leave_and_return(host),
            5 => self.world.run(Duration::from_millis(self.random.below(15_000))),
            _ => self.talk_once(),
        }
        self.world.run(Duration::from_millis(self.random.below(300)));
    }

    fn restart(&mut self, host: usize) {
        let network = self.world.network(1, &[0, 1, 2, 3]);
        self.world.restart(host, &[network]);
    }

    /// The control plane of the others learns of it.
    fn move_away(&mut self, host: usize) {
        self.moves += 1;
        let address = SocketAddr::from(([172, 16, self.moves, 1], 7000));
        self.world.hosts[host].address = address;
        let (now, moved) = (self.world.now, self.world.hosts[host].id);
        for other in (0..HOSTS).filter(|other| *other != host) {
            self.world.hosts[other].node.set_peer(now, moved, vec![interface(address)], Vec::new());
        }
    }

    fn leave_and_return(&mut self, host: usize) {
        let all: Vec<_> = (0..HOSTS).collect();
        let others: Vec<_> = all.iter().copied().filter(|other| *other != host).collect();
        let (without, with) = (self.world.network(1, &others), self.world.network(1, &all));
        self.world.publish(&without, &all);
        self.talk_once();
        self.world.run(Duration::from_millis(100));
        self.world.publish(&with, &all);
    }

    fn change_wire(&mut self) {
        self.world.wire = Wire {
            latency: Duration::from_millis(self.random.below(100)),
            jitter: Duration::from_millis(self.random.below(50)),
            loss: self.random.below(1000),
            duplication: self.random.below(300),
            mtu: [1500, 1500, 1300, 700][self.random.below(4) as usize],
        };
        self.world.control_latency = Duration::from_millis(self.random.below(500));
    }

    fn calm(&mut self) {
        self.world.wire = Wire::clean();
        self.world.control_up = true;
        self.world.control_latency = Duration::from_millis(10);
    }

    fn talk(&mut self, duration: Duration) {
        let pause = Duration::from_millis(100);
        for _ in 0..duration.as_millis() / pause.as_millis() {
            self.talk_once();
            self.world.run(pause);
        }
    }

    /// Each host sends each other one packet with a number of its own.
    fn talk_once(&mut self) {
        for from in 0..HOSTS {
            for to in (0..HOSTS).filter(|to| *to != from) {
                self.world.send(from, &numbered(1, from, to, self.next_number));
            }
        }
        self.next_number += 1;
    }

    fn check(&self, healed_from: u32) {
        for from in 0..HOSTS {
            for to in (0..HOSTS).filter(|to| *to != from) {
                let mut received = numbers(&self.world, from, to);
                let count = received.len();
                received.sort_unstable();
                received.dedup();
                assert_eq!(received.len(), count, "seed {}: a packet from {from} came to {to} twice", self.seed);
                let healed = received.iter().filter(|number| **number >= healed_from).count();
                let expected = (self.next_number - healed_from) as usize;
                assert_eq!(healed, expected, "seed {}: packets from {from} to {to} after the calm", self.seed);
            }
        }
    }
}
