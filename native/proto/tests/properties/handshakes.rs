//! Sessions come out of handshakes only as both sides have agreed.

use std::net::IpAddr;
use std::time::Instant;

use golem_vpn_proto::{Cipher, Config, Event, NetworkId, Node, NodeId, Offload, Refusal};
use proptest::prelude::*;

use crate::packets::udp;
use crate::pair::{ALICE, BOB, DEVICE, NETWORK, Pair, device, interface, network, node};

const BINDING: [u8; 32] = [5; 32];

fn address(host: u8) -> IpAddr {
    IpAddr::from([192, 168, 0, host])
}

fn hello() -> Vec<u8> {
    udp(address(1), address(2), (1, 2), b"hello")
}

fn pair() -> Pair {
    Pair::new(true, &[address(1)], &[address(2)])
}

/// The handshake that Alice's first packet starts.
fn initiation(pair: &mut Pair) -> Vec<u8> {
    pair.send(Offload::default(), &hello());
    match pair.alice.poll_event() {
        Some(Event::Handshake { peer: BOB, message, .. }) => message,
        other => panic!("no handshake but {other:?}"),
    }
}

fn refusal(pair: &mut Pair, reply: &[u8]) -> Option<Refusal> {
    pair.alice.handle_handshake_reply(pair.now, BOB, reply, &BINDING);
    match pair.alice.poll_event() {
        Some(Event::HandshakeRefused { network: NETWORK, peer: BOB, reason }) => Some(reason),
        _ => None,
    }
}

#[test]
fn a_stranger_is_refused() {
    let mut pair = pair();
    let message = initiation(&mut pair);
    let reply = pair.bob.handle_handshake(pair.now, NodeId([3; 20]), &message, &BINDING);
    assert_eq!(refusal(&mut pair, &reply), Some(Refusal::NotMember));
}

#[test]
fn an_unknown_network_is_refused() {
    let mut pair = pair();
    let message = initiation(&mut pair);
    pair.bob.remove_network(NETWORK);
    let reply = pair.bob.handle_handshake(pair.now, ALICE, &message, &BINDING);
    assert_eq!(refusal(&mut pair, &reply), Some(Refusal::UnknownNetwork));
}

#[test]
fn another_version_is_refused() {
    let mut pair = pair();
    let mut message = initiation(&mut pair);
    message[0] = 2;
    let reply = pair.bob.handle_handshake(pair.now, ALICE, &message, &BINDING);
    assert_eq!(refusal(&mut pair, &reply), Some(Refusal::Version));
}

#[test]
fn a_public_key_that_everybody_shares_is_refused_by_both() {
    let mut one = pair();
    let mut message = initiation(&mut one);
    message[32..].fill(0);
    let reply = one.bob.handle_handshake(one.now, ALICE, &message, &BINDING);
    assert_eq!(refusal(&mut one, &reply), Some(Refusal::WeakKey));

    let mut other = pair();
    let message = initiation(&mut other);
    let mut reply = other.bob.handle_handshake(other.now, ALICE, &message, &BINDING);
    reply[32..].fill(0);
    other.alice.handle_handshake_reply(other.now, BOB, &reply, &BINDING);
    assert!(other.alice.poll_transmit(other.now).is_none());
}

#[test]
fn keys_are_bound_to_the_control_connection() {
    let mut pair = pair();
    let message = initiation(&mut pair);
    let reply = pair.bob.handle_handshake(pair.now, ALICE, &message, &[6; 32]);
    pair.alice.handle_handshake_reply(pair.now, BOB, &reply, &BINDING);
    pair.settle();
    assert!(pair.delivered().is_empty());
    assert!(pair.bob.counters().drops(golem_vpn_proto::DropReason::Forged) > 0);
}

#[test]
fn a_reply_is_taken_once_and_from_the_one_who_was_asked() {
    let mut pair = pair();
    let message = initiation(&mut pair);
    let reply = pair.bob.handle_handshake(pair.now, ALICE, &message, &BINDING);
    pair.alice.handle_handshake_reply(pair.now, NodeId([3; 20]), &reply, &BINDING);
    assert!(pair.alice.poll_transmit(pair.now).is_none());
    pair.alice.handle_handshake_reply(pair.now, BOB, &reply, &BINDING);
    assert!(pair.alice.poll_transmit(pair.now).is_some());
    pair.alice.handle_handshake_reply(pair.now, BOB, &reply, &BINDING);
    assert_eq!(pair.alice.counters().drops(golem_vpn_proto::DropReason::UnexpectedHandshakeReply), 2);
}

fn ciphers() -> impl Strategy<Value = Vec<Cipher>> {
    use Cipher::{Aes256Gcm, ChaCha20Poly1305};
    prop::sample::select(vec![
        vec![Aes256Gcm, ChaCha20Poly1305],
        vec![ChaCha20Poly1305, Aes256Gcm],
        vec![Aes256Gcm],
        vec![ChaCha20Poly1305],
    ])
}

fn with_ciphers(id: NodeId, ciphers: &[Cipher], peer: NodeId) -> Node {
    let mut seed = 0u8;
    let entropy = move |bytes: &mut [u8]| bytes.fill_with(|| (seed = seed.wrapping_add(73), seed).1);
    let mut node = Node::new(Config { ciphers: ciphers.to_vec(), ..Config::new(id) }, Box::new(entropy));
    let now = std::time::Instant::now();
    node.set_network(now, network(&[address(1)], &[address(2)]));
    let own = if id == ALICE { 1 } else { 2 };
    node.set_device(DEVICE, device(true, &[address(own)])).unwrap();
    node.set_peer(now, peer, vec![interface(3 - own)], Vec::new());
    node
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn the_cipher_suits_both(own in ciphers(), other in ciphers()) {
        let mut pair = pair();
        pair.alice = with_ciphers(ALICE, &own, BOB);
        pair.bob = with_ciphers(BOB, &other, ALICE);
        pair.send(Offload::default(), &hello());
        pair.settle();
        let session = pair.alice.peers(pair.now)[0].networks[0].session;
        let common: Vec<_> = own.iter().filter(|cipher| other.contains(cipher)).copied().collect();
        match session {
            None => prop_assert!(common.is_empty()),
            Some((cipher, _)) if own[0] == other[0] => prop_assert_eq!(cipher, own[0]),
            Some((cipher, _)) if common.len() == 2 => prop_assert_eq!(cipher, Cipher::ChaCha20Poly1305),
            Some((cipher, _)) => prop_assert_eq!(vec![cipher], common),
        }
        prop_assert_eq!(pair.delivered().len(), usize::from(session.is_some()));
    }

    #[test]
    fn a_handshake_names_a_network_that_was_asked_for(other in any::<[u8; 16]>()) {
        prop_assume!(NetworkId(other) != NETWORK);
        let mut pair = pair();
        let mut message = initiation(&mut pair);
        message[12..28].copy_from_slice(&other);
        let reply = pair.bob.handle_handshake(pair.now, ALICE, &message, &BINDING);
        prop_assert_eq!(refusal(&mut pair, &reply), None);
        prop_assert!(pair.alice.poll_transmit(pair.now).is_none());
    }
}

#[test]
fn a_node_alone_has_nothing_to_say() {
    let mut node = node(ALICE);
    assert!(
        node.poll_transmit(Instant::now()).is_none() && node.poll_delivery().is_none() && node.poll_event().is_none()
    );
    assert_eq!(node.poll_timeout(), None);
    assert!(node.peers(std::time::Instant::now()).is_empty());
}
