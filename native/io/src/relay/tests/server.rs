//! Whom a relay takes, and how fast.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, Instant};

use super::fixture::{Node, PATIENCE, address, admit, certificate, relay, train};
use crate::relay::{Admitted, Relay, RelayAddress};

#[tokio::test(flavor = "multi_thread")]
async fn only_the_admitted_are_served_and_the_expelled_are_cut() {
    let relay = relay("127.0.0.1:0", None).await;
    let mut node = Node::new(1);
    node.clients.set_relays(&[address(&relay)]);
    let cause = node.failure().await;
    assert!(cause.contains("does not know the node"), "{cause}");
    admit(&relay, &[&node]);
    node.is_connected().await;
    let cut = Instant::now();
    admit(&relay, &[]);
    node.is_disconnected().await;
    assert!(cut.elapsed() < Duration::from_secs(2), "{:?}", cut.elapsed());
    assert!(relay.counters()["clients_refused"] >= 1);
    assert_eq!(relay.counters()["clients_accepted"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_comes_in_by_a_pass() {
    let relay = relay("127.0.0.1:0", None).await;
    relay.set_admitted(Admitted { keys: HashSet::new(), passes: BTreeSet::from(["abc".to_owned()]) });
    let (mut guest, stranger) = (Node::new(1), Node::new(2));
    let with_pass = |pass: &str| format!("{}&pass={pass}", address(&relay)).parse::<RelayAddress>().unwrap();
    stranger.clients.set_relays(&[with_pass("abd")]);
    guest.clients.set_relays(&[with_pass("abc")]);
    guest.is_connected().await;
    assert!(stranger.failure().await.contains("does not know the node"));
    relay.set_admitted(Admitted::default());
    guest.is_disconnected().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_certificate_is_refused() {
    let relay = relay("127.0.0.1:0", None).await;
    let node = Node::new(1);
    admit(&relay, &[&node]);
    let wrong = format!("https://{}#sha256={}", relay.address(), "00".repeat(32));
    node.clients.set_relays(&[wrong.parse().unwrap()]);
    let cause = node.failure().await;
    assert!(cause.contains("certificate"), "{cause}");
    assert_eq!(relay.counters()["clients_accepted"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_sends_no_faster_than_it_may() {
    const LIMIT: u32 = 1_000_000;
    let relay = relay("127.0.0.1:0", Some(LIMIT)).await;
    let (mut near, mut far) = (Node::new(1), Node::new(2));
    admit(&relay, &[&near, &far]);
    let relays = [address(&relay)];
    [&near, &far].iter().for_each(|node| node.clients.set_relays(&relays));
    let index = near.meet(&far, &relays)[0];
    far.meet(&near, &relays);
    near.is_connected().await;
    far.is_connected().await;
    let receiver = far.id;
    let sending = async {
        loop {
            while near.clients.send(index, receiver, train(1400, 42_000)) {}
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let measuring = async {
        let (start, mut bytes) = (Instant::now(), 0);
        while start.elapsed() < Duration::from_secs(3) {
            bytes += far.train().await.2.bytes.len();
        }
        bytes as f64 / start.elapsed().as_secs_f64()
    };
    let rate = tokio::select! { rate = measuring => rate, () = sending => unreachable!("it sends for ever") };
    let share = rate / f64::from(LIMIT);
    // A busy machine may carry less.
    assert!((0.2..1.15).contains(&share), "{rate} bytes per second of {LIMIT}");
    assert_eq!(relay.counters()["clients_rate_limited"], 1);
    assert!(relay.counters()["bytes_rate_limited"] > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named() {
    let first = relay("127.0.0.1:0", None).await;
    let second = Relay::start(first.address(), &certificate(), None).await;
    let error = second.err().expect("the port is taken").to_string();
    assert!(error.contains(&first.address().to_string()), "{error}");
    first.close().await;
    let free = async {
        while Relay::start(first.address(), &certificate(), None).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, free).await.expect("the port is free again");
}
