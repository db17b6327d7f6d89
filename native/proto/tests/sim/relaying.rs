//! A relay that is slower than packets come.

use std::time::Duration;

use golem_vpn_proto::{DropReason, RelayId};

use crate::internet::{internet, path, talk, words};
use crate::packets::udp;
use crate::site::Kind::Blocked;
use crate::traffic::{numbered, numbers};
use crate::world::{World, address};

const SECOND: Duration = Duration::from_secs(1);
const RELAY: RelayId = RelayId(0);

fn relayed() -> World {
    let mut world = internet([Blocked, Blocked], 1, 1);
    talk(&mut world, 0..50);
    assert_eq!(words(&path(&world, 0)).0, "relayed");
    world.hosts.iter_mut().for_each(|host| host.delivered.clear());
    world
}

fn set_ready(world: &mut World, ready: bool) {
    let now = world.now;
    world.hosts[0].node.set_relay_ready(now, RELAY, ready);
    world.run(Duration::ZERO);
}

fn bulk() -> Vec<u8> {
    udp(address(1, 0), address(1, 1), (9, 9), &[7; 1300])
}

#[test]
fn packets_wait_while_the_relay_takes_none() {
    let mut world = relayed();
    set_ready(&mut world, false);
    for number in 0..10 {
        world.send(0, &numbered(1, 0, 1, number));
    }
    world.run(Duration::from_millis(50));
    assert!(world.hosts[1].delivered.is_empty());
    set_ready(&mut world, true);
    world.run(SECOND);
    assert_eq!(numbers(&world, 0, 1), (0..10).collect::<Vec<_>>());
}

#[test]
fn a_bulk_flow_does_not_hold_up_others() {
    let mut world = relayed();
    for round in 0..500 {
        set_ready(&mut world, false);
        (0..100).for_each(|_| world.send(0, &bulk()));
        world.send(0, &numbered(1, 0, 1, round));
        world.run(Duration::from_millis(9));
        // The relay takes one turn, and is full again.
        set_ready(&mut world, true);
    }
    world.run(SECOND);
    let pings: Vec<_> = world.hosts[1].delivered.iter().filter(|packet| packet[20..22] == [0, 0]).cloned().collect();
    assert_eq!(pings.len(), 500, "no packet of the quiet flow is lost");
    assert!(world.drops(0, DropReason::RelayQueueLate) > 100);
    assert_eq!(world.drops(0, DropReason::TransmitQueueFull), 0);
}

#[test]
fn what_waits_takes_another_way_when_there_is_one() {
    let mut world = relayed();
    crate::internet::connect(&mut world, 0, 1);
    crate::internet::connect(&mut world, 1, 1);
    for host in [0, 1] {
        crate::internet::introduce(&mut world, host, 2);
    }
    set_ready(&mut world, false);
    (0..10).for_each(|number| world.send(0, &numbered(1, 0, 1, number)));
    let now = world.now;
    world.hosts[0].node.set_relay(now, RELAY, None);
    world.run(SECOND);
    assert_eq!(numbers(&world, 0, 1), (0..10).collect::<Vec<_>>());
}
