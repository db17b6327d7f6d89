//! Trains through relays, and relays that come and go.

use std::time::{Duration, Instant};

use super::fixture::{Heard, Node, address, admit, relay, train};
use super::proxy::Proxy;
use crate::relay::{Relay, RelayAddress};

async fn connected_pair(relay: &Relay) -> (Node, Node) {
    let (mut near, mut far) = (Node::new(1), Node::new(2));
    admit(relay, &[&near, &far]);
    let relays = [address(relay)];
    for node in [&near, &far] {
        node.clients.set_relays(&relays);
    }
    near.meet(&far, &relays);
    far.meet(&near, &relays);
    near.is_connected().await;
    far.is_connected().await;
    (near, far)
}

#[tokio::test(flavor = "multi_thread")]
async fn trains_go_both_ways_as_they_are() {
    let relay = relay("127.0.0.1:0", None).await;
    let (mut near, mut far) = connected_pair(&relay).await;
    for (segment_size, length) in [(1452, 1452), (1452, 60), (1452, 43 * 1452 + 7), (9000, 63_000)] {
        assert!(near.clients.send(0, far.id, train(segment_size, length)));
        let (index, from, received) = far.train().await;
        assert_eq!((index, from), (0, near.id));
        assert_eq!(received.bytes, train(segment_size, length).bytes);
        assert_eq!(received.segment_size, segment_size.min(length));
        assert!(far.clients.send(0, near.id, received));
        assert_eq!(near.train().await.2.bytes, train(segment_size, length).bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_known_peers_are_heard_and_sent_to() {
    let relay = relay("127.0.0.1:0", None).await;
    let (near, mut far) = connected_pair(&relay).await;
    far.clients.forget_peer(near.id);
    assert!(near.clients.send(0, far.id, train(100, 100)));
    assert!(!far.clients.send(0, near.id, train(100, 100)));
    assert_eq!(far.clients.drops().unknown_receiver, 1);
    far.meet(&near, &[]);
    // Behind the first one, which had to be dropped before.
    assert!(near.clients.send(0, far.id, train(200, 200)));
    while far.train().await.2 != train(200, 200) {}
    assert!(far.clients.drops().unknown_sender <= 1);
    assert!(!near.clients.send(7, far.id, train(100, 100)));
    assert_eq!(near.clients.drops().unconnected, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_relay_is_given_up_within_a_second_of_traffic() {
    let relay = relay("127.0.0.1:0", None).await;
    let proxy = Proxy::start(relay.address()).await;
    let (mut near, far) = (Node::new(1), Node::new(2));
    admit(&relay, &[&near, &far]);
    let proxied: RelayAddress = format!("https://{}#sha256={}", proxy.address, relay.pin()).parse().unwrap();
    near.clients.set_relays(std::slice::from_ref(&proxied));
    near.meet(&far, &[proxied]);
    near.is_connected().await;
    proxy.fall_silent();
    let start = Instant::now();
    assert!(near.clients.send(0, far.id, train(100, 100)));
    near.is_disconnected().await;
    // The mark follows the train within 100 ms, and its answer is waited for 900 ms; a busy machine takes longer.
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert!(near.failure().await.contains("silent"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_comes_back_is_connected_again() {
    let certificate = super::fixture::certificate();
    let first = Relay::start("127.0.0.1:0".parse().unwrap(), &certificate, None).await.unwrap();
    let mut node = Node::new(1);
    admit(&first, &[&node]);
    node.clients.set_relays(&[address(&first)]);
    node.is_connected().await;
    let place = first.address();
    first.close().await;
    assert_eq!(node.is_disconnected().await, 0);
    let second = Relay::start(place, &certificate, None).await.expect("the port is free");
    admit(&second, &[&node]);
    assert_eq!(node.is_connected().await, 0, "by the same index");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_takes_no_more_says_so_until_it_does() {
    let relay = relay("127.0.0.1:0", Some(20_000_000)).await;
    let (mut near, far) = connected_pair(&relay).await;
    let put = std::iter::repeat_with(|| near.clients.send(0, far.id, train(1400, 42_000))).take(600);
    assert!(put.filter(|is_taken| !is_taken).count() > 0, "the outbox is bounded");
    assert!(near.clients.drops().overfull > 0);
    near.hears(|heard| (heard == Heard::Ready(0, false)).then_some(())).await;
    near.hears(|heard| (heard == Heard::Ready(0, true)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_without_a_common_relay_is_met_at_its_own() {
    let (here, there) = (relay("127.0.0.1:0", None).await, relay("127.0.0.1:0", None).await);
    let (mut near, mut far) = (Node::new(1), Node::new(2));
    admit(&here, &[&near, &far]);
    admit(&there, &[&near, &far]);
    near.clients.set_relays(&[address(&here)]);
    far.clients.set_relays(&[address(&there)]);
    let index = near.meet(&far, &[address(&there)])[0];
    far.meet(&near, &[address(&there)]);
    while near.is_connected().await != index {}
    far.is_connected().await;
    assert!(near.clients.send(index, far.id, train(100, 100)));
    assert_eq!(far.train().await.1, near.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_is_found_at_an_ipv6_address() {
    let relay = relay("[::1]:0", None).await;
    let mut node = Node::new(1);
    admit(&relay, &[&node]);
    node.clients.set_relays(&[address(&relay)]);
    node.is_connected().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_at_every_interface_is_found_by_both_versions_of_ip() {
    let relay = relay("0.0.0.0:0", None).await;
    for (seed, host) in [(1, "127.0.0.1"), (2, "[::1]")] {
        let mut node = Node::new(seed);
        admit(&relay, &[&node]);
        let text = format!("https://{host}:{}#sha256={}", relay.address().port(), relay.pin());
        node.clients.set_relays(&[text.parse().expect("an address of a relay")]);
        node.is_connected().await;
    }
}
