//! A node that comes back without its sessions gets new ones; what was recorded of the old ones is worthless.

use std::time::Duration;

use golem_vpn_proto::{DropReason, Event};

use crate::traffic::{numbered, numbers, stream};
use crate::world::World;

const SECOND: Duration = Duration::from_secs(1);

fn connected() -> World {
    let mut world = World::new(2, 1);
    world.add_network(1, &[0, 1]);
    stream(&mut world, 1, 0, 1, 0..10, Duration::from_millis(20));
    assert_eq!(numbers(&world, 0, 1), (0..10).collect::<Vec<_>>());
    world.hosts[1].delivered.clear();
    world
}

#[test]
fn a_restarted_node_says_that_it_does_not_know_the_session() {
    let mut world = connected();
    let network = world.network(1, &[0, 1]);
    world.restart(1, &[network]);
    stream(&mut world, 1, 0, 1, 10..13, Duration::from_millis(20));
    let sender = world.hosts[0].address;
    let told =
        world.hosts[1].events.iter().filter(|event| **event == Event::UnknownSession { from: sender.into() }).count();
    assert_eq!(told, 1);
    assert_eq!(world.drops(1, DropReason::UnknownSession), 3);

    let (now, restarted) = (world.now, world.hosts[1].id);
    world.hosts[0].node.reset_peer(now, restarted);
    stream(&mut world, 1, 0, 1, 13..20, Duration::from_millis(20));
    world.run(SECOND);
    assert_eq!(numbers(&world, 0, 1), (13..20).collect::<Vec<_>>());
}

#[test]
fn a_restarted_node_that_nobody_tells_of_is_noticed_by_its_silence() {
    let mut world = connected();
    let network = world.network(1, &[0, 1]);
    world.restart(1, &[network]);
    stream(&mut world, 1, 0, 1, 10..1010, Duration::from_millis(20));
    let received = numbers(&world, 0, 1);
    assert_eq!(received.last(), Some(&1009));
    assert!(received.len() > 600, "{} of 1000 packets came", received.len());
}

#[test]
fn a_restarted_node_may_speak_first() {
    let mut world = connected();
    let network = world.network(1, &[0, 1]);
    world.restart(1, &[network]);
    stream(&mut world, 1, 1, 0, 0..10, Duration::from_millis(20));
    world.run(SECOND);
    assert_eq!(numbers(&world, 1, 0), (0..10).collect::<Vec<_>>());
    stream(&mut world, 1, 0, 1, 10..20, Duration::from_millis(20));
    assert_eq!(numbers(&world, 0, 1), (10..20).collect::<Vec<_>>());
}

#[test]
fn replayed_datagrams_are_counted_and_not_delivered() {
    let mut world = connected();
    let target = world.hosts[1].address.into();
    let recorded: Vec<_> = world.recorded.iter().filter(|(_, to, _)| *to == target).cloned().collect();
    let attacker = std::net::SocketAddr::from(([6, 6, 6, 6], 666));
    for (_, _, bytes) in &recorded {
        world.inject(1, attacker, bytes.clone());
    }
    assert!(recorded.len() > 10);
    assert_eq!(world.drops(1, DropReason::Replayed), recorded.len() as u64);
    assert!(world.hosts[1].delivered.is_empty());
    let path = world.hosts[1].node.peers(world.now)[0].networks[0].address;
    assert_eq!(path, Some(world.hosts[0].address), "who replays does not become the path");
}

#[test]
fn datagrams_of_an_earlier_life_are_worthless() {
    let mut world = connected();
    let recorded = world.recorded.clone();
    let network = world.network(1, &[0, 1]);
    world.restart(1, &[network]);
    world.send(1, &numbered(1, 1, 0, 1));
    world.run(SECOND);
    let target = world.hosts[1].address.into();
    for (_, _, bytes) in recorded.into_iter().filter(|(_, to, _)| *to == target) {
        world.inject(1, world.hosts[0].address, bytes);
    }
    assert!(world.hosts[1].delivered.is_empty());
}
