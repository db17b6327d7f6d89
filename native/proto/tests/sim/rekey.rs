//! Sessions follow each other without a lost packet.

use std::time::Duration;

use golem_vpn_proto::{Config, DropReason, Event};

use crate::traffic::{numbered, numbers, stream};
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);
const FAST: Duration = Duration::from_millis(10);

fn often(config: &mut Config) {
    config.rekey_after = Duration::from_secs(2);
    config.reject_after = Duration::from_secs(4);
}

fn after_500_packets(config: &mut Config) {
    config.rekey_after_packets = 500;
}

fn sessions(world: &World, host: usize) -> usize {
    world.hosts[host].events.iter().filter(|event| matches!(event, Event::SessionStarted { .. })).count()
}

/// Two hosts of a network, with a session between them.
fn connected(seed: u64, control_latency: Duration, configure: fn(&mut Config)) -> World {
    let mut world = World::configured(2, seed, configure);
    world.control_latency = control_latency;
    world.add_network(1, &[0, 1]);
    stream(&mut world, 1, 0, 1, 0..1, SECOND * 2);
    world.hosts[1].delivered.clear();
    world
}

/// Both send at once, one packet each millisecond.
fn talk(world: &mut World, packets: u32) {
    for number in 0..packets {
        world.send(0, &numbered(1, 0, 1, number));
        world.send(1, &numbered(1, 1, 0, number));
        world.run(Duration::from_millis(1));
    }
    world.run(SECOND);
}

fn assert_complete(world: &World, packets: u32) {
    for (from, to) in [(0, 1), (1, 0)] {
        let received = numbers(world, from, to);
        let misplaced = (0..packets).zip(&received).find(|(expected, number)| expected != *number);
        assert_eq!((misplaced, received.len()), (None, packets as usize));
        let early = world.drops(to, DropReason::EarlyDatagram);
        assert_eq!(world.hosts[to].node.counters().total_drops(), early, "probes alone may come before a reply");
    }
}

#[test]
fn no_packet_is_lost_when_sessions_grow_old() {
    let mut world = connected(1, FAST, often);
    talk(&mut world, 20_000);
    assert_complete(&world, 20_000);
    assert!((8..=12).contains(&sessions(&world, 0)), "{} sessions in 20 s", sessions(&world, 0));
}

#[test]
fn no_packet_is_lost_when_sessions_are_used_up() {
    let mut world = connected(2, FAST, after_500_packets);
    talk(&mut world, 10_000);
    assert_complete(&world, 10_000);
    assert!(sessions(&world, 0) >= 15, "{} sessions in 10,000 packets", sessions(&world, 0));
}

#[test]
fn no_packet_is_lost_when_the_control_link_is_slower_than_the_wire() {
    for (latency, seed) in [(1, 3), (40, 4), (200, 5), (500, 6)] {
        let mut world = connected(seed, Duration::from_millis(latency), often);
        talk(&mut world, 8000);
        assert_complete(&world, 8000);
    }
}

#[test]
fn one_direction_is_enough_to_renew_a_session() {
    for (from, to) in [(0, 1), (1, 0)] {
        let mut world = connected(7, FAST, often);
        stream(&mut world, 1, from, to, 0..1000, Duration::from_millis(20));
        world.run(SECOND);
        assert_eq!(numbers(&world, from, to), (0..1000).collect::<Vec<_>>());
        assert!(sessions(&world, 0) >= 8);
    }
}

#[test]
fn two_that_ask_at_once_get_one_session() {
    let mut world = World::new(2, 8);
    world.add_network(1, &[0, 1]);
    world.send(0, &numbered(1, 0, 1, 5));
    world.send(1, &numbered(1, 1, 0, 6));
    world.run(SECOND * 3);
    assert_eq!((numbers(&world, 0, 1), numbers(&world, 1, 0)), (vec![5], vec![6]));
    assert_eq!((sessions(&world, 0), sessions(&world, 1)), (1, 1));
}

#[test]
fn two_that_ask_nearly_at_once_lose_nothing() {
    for offset in 0..30 {
        let mut world = World::new(2, 9);
        world.add_network(1, &[0, 1]);
        world.send(1, &numbered(1, 1, 0, 0));
        world.run(Duration::from_millis(offset));
        world.send(0, &numbered(1, 0, 1, 0));
        world.run(SECOND);
        stream(&mut world, 1, 0, 1, 1..10, Duration::from_millis(3));
        stream(&mut world, 1, 1, 0, 1..10, Duration::from_millis(3));
        world.run(SECOND);
        assert_complete(&world, 10);
    }
}

#[test]
fn many_peers_renew_at_the_same_time() {
    let mut world = World::configured(8, 10, often);
    world.add_network(1, &[0, 1, 2, 3, 4, 5, 6, 7]);
    for number in 0..500 {
        for from in 0..8 {
            for to in (0..8).filter(|to| *to != from) {
                world.send(from, &numbered(1, from, to, number));
            }
        }
        world.run(Duration::from_millis(20));
    }
    world.run(SECOND);
    for from in 0..8 {
        for to in (0..8).filter(|to| *to != from) {
            assert_eq!(numbers(&world, from, to), (0..500).collect::<Vec<_>>());
        }
    }
}
