//! A relay that means ill: it reads, repeats, changes, and lies about who sent what. That it swallows packets is no
//! different from one that fails (`moving`).

use std::time::Duration;

use golem_vpn_proto::{DropReason, Ecn, NodeId, RelayId, Route};

use crate::internet::{internet, path, talk, words};
use crate::site::Kind::Blocked;
use crate::traffic::{numbered, numbers};
use crate::world::World;

const RELAY: RelayId = RelayId(0);
const HEADER_LENGTH: usize = 16;
const SENT: u32 = 50;

/// Two hosts whose packets all take the relay.
fn relayed() -> World {
    let mut world = internet([Blocked, Blocked], 1, 1);
    talk(&mut world, 0..SENT);
    world.run(Duration::from_secs(1));
    assert_eq!(words(&path(&world, 0)).0, "relayed");
    world
}

/// What the first host gave the relay for the second.
fn carried(world: &World) -> Vec<Vec<u8>> {
    let relayed = world.recorded.iter().filter(|(sender, to, _)| *sender == 0 && to.relay() == Some(RELAY));
    relayed.map(|(_, _, datagram)| datagram.clone()).collect()
}

/// Lets the relay hand a datagram to the second host.
fn hand(world: &mut World, sender: NodeId, mut datagram: Vec<u8>) {
    let (now, length) = (world.now, datagram.len());
    let from = Route::Relayed { relay: RELAY, peer: sender };
    world.hosts[1].node.handle_datagram(now, from, Ecn::NotCapable, length, &mut datagram);
    world.fetch(1);
}

/// A datagram that the relay has kept to itself.
fn withheld(world: &mut World) -> Vec<u8> {
    world.relays_up[0] = false;
    world.send(0, &numbered(1, 0, 1, SENT));
    world.run(Duration::from_millis(50));
    world.relays_up[0] = true;
    carried(world).pop().unwrap()
}

#[test]
fn it_reads_neither_packets_nor_their_addresses() {
    let world = relayed();
    let packet = numbered(1, 0, 1, 7);
    let addresses = &packet[12..20];
    let datagrams = carried(&world);
    assert!(datagrams.len() >= SENT as usize);
    assert!(datagrams.iter().all(|datagram| !datagram.windows(addresses.len()).any(|bytes| bytes == addresses)));
}

#[test]
fn what_it_repeats_is_dropped() {
    let mut world = relayed();
    let (sender, datagrams, received) = (world.hosts[0].id, carried(&world), numbers(&world, 0, 1));
    let repeated = datagrams.len() as u64;
    datagrams.into_iter().for_each(|datagram| hand(&mut world, sender, datagram));
    assert_eq!(world.drops(1, DropReason::Replayed), repeated);
    assert_eq!(numbers(&world, 0, 1), received);
}

#[test]
fn what_it_changes_is_dropped_and_the_true_one_still_taken() {
    let mut world = relayed();
    let (sender, datagram) = (world.hosts[0].id, withheld(&mut world));
    for at in HEADER_LENGTH..datagram.len() {
        let mut forged = datagram.clone();
        forged[at] ^= 1;
        hand(&mut world, sender, forged);
    }
    assert_eq!(world.drops(1, DropReason::Forged), (datagram.len() - HEADER_LENGTH) as u64);
    assert!(!numbers(&world, 0, 1).contains(&SENT));
    hand(&mut world, sender, datagram);
    assert!(numbers(&world, 0, 1).contains(&SENT));
}

#[test]
fn who_sent_a_datagram_is_not_for_it_to_say() {
    let mut world = relayed();
    let (another, datagram) = (world.hosts[2].id, withheld(&mut world));
    hand(&mut world, another, datagram);
    assert_eq!(world.drops(1, DropReason::ForeignRelay), 1);
    assert!(!numbers(&world, 0, 1).contains(&SENT));
    talk(&mut world, SENT + 1..SENT + 10);
    world.run(Duration::from_secs(1));
    assert!(numbers(&world, 0, 1).contains(&(SENT + 9)));
}
