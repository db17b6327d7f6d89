//! Endpoints that share nothing but relays: one speaks IPv4 only, the other IPv6 only.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use crate::control::{ConnectionEvent, Endpoint, PeerAddress};
use crate::relay::{Admitted, Relay, RelayAddress, make_certificate};

const PATIENCE: Duration = Duration::from_secs(20);
/// Left alone, iroh stays at a dead home relay for 20 s and more.
const MOVING: Duration = Duration::from_secs(10);

async fn endpoint(seed: u8, listen: &str) -> Arc<Endpoint> {
    let endpoint = Endpoint::bind([seed; 32], listen.parse().expect("an address")).await;
    Arc::new(endpoint.expect("the port is free"))
}

async fn endpoints() -> (Arc<Endpoint>, Arc<Endpoint>) {
    (endpoint(1, "127.0.0.1:0").await, endpoint(2, "[::1]:0").await)
}

async fn relay(endpoints: &[&Endpoint]) -> (Relay, RelayAddress) {
    relay_at("127.0.0.1:0", endpoints).await
}

async fn relay_at(listen: &str, endpoints: &[&Endpoint]) -> (Relay, RelayAddress) {
    let certificate = make_certificate(vec!["127.0.0.1".to_owned()]).expect("a name");
    let relay = Relay::start(listen.parse().unwrap(), &certificate, None).await.expect("it starts");
    let keys: HashSet<_> = endpoints.iter().map(|endpoint| endpoint.id()).collect();
    relay.set_admitted(Admitted { keys, ..Admitted::default() });
    let address = format!("https://{}#sha256={}", relay.address(), relay.pin());
    (relay, address.parse().expect("an address of a relay"))
}

async fn home(endpoint: &Endpoint) -> RelayAddress {
    let found = async {
        loop {
            if let Some(relay) = endpoint.home_relay() {
                return relay;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, found).await.expect("a home relay in time")
}

fn echo(endpoint: &Arc<Endpoint>) {
    let endpoint = endpoint.clone();
    tokio::spawn(async move {
        while let Ok(mut request) = endpoint.accept().await {
            let reply = std::mem::take(&mut request.message);
            request.respond(reply);
        }
    });
}

async fn ask(from: &Endpoint, to: &Endpoint, relays: &[RelayAddress]) -> bool {
    let addresses: Vec<_> = relays.iter().cloned().map(PeerAddress::Relay).collect();
    from.request(to.id(), &addresses, b"hello", Duration::from_secs(5)).await == Ok(b"hello".to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_through_a_relay_alone() {
    let (near, far) = endpoints().await;
    let (relay, address) = relay(&[&near, &far]).await;
    far.set_relays(vec![address.clone()]);
    assert_eq!(home(&far).await, address);
    let asking = tokio::spawn({
        let (near, id, through) = (near.clone(), far.id(), vec![PeerAddress::Relay(address)]);
        async move { near.request(id, &through, b"hello", PATIENCE).await }
    });
    let request = timeout(PATIENCE, far.accept()).await.expect("asked in time").unwrap();
    assert_eq!((request.endpoint, request.remote), (near.id(), None));
    request.respond(b"there".to_vec());
    assert_eq!(asking.await.unwrap(), Ok(b"there".to_vec()));
    assert_eq!(far.next_event().await, Ok(ConnectionEvent::Connected(near.id())));
    assert!(relay.counters()["trains_out"] > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_without_a_socket_asks_and_answers_through_relays_and_has_no_address_to_tell() {
    let (near, far) = (Endpoint::relayed_only([1; 32]).await.expect("it opens"), endpoint(2, "0.0.0.0:0").await);
    let near = Arc::new(near);
    let (_relay, address) = relay(&[&near, &far]).await;
    [&near, &far].iter().for_each(|endpoint| endpoint.set_relays(vec![address.clone()]));
    assert_eq!((home(&near).await, home(&far).await), (address.clone(), address.clone()));
    assert!(near.addresses().unwrap().is_empty() && near.bound_ports().is_empty());
    [&near, &far].iter().for_each(|endpoint| echo(endpoint));
    assert!(ask(&near, &far, std::slice::from_ref(&address)).await);
    assert!(ask(&far, &near, &[address]).await);
    let connection = near.shared.connections.newest(far.id()).expect("connected");
    sleep(Duration::from_millis(500)).await;
    assert!(connection.paths().iter().all(|path| path.remote_addr().is_relay()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_with_another_certificate_carries_nothing() {
    let (near, far) = endpoints().await;
    let (relay, address) = relay(&[&near, &far]).await;
    far.set_relays(vec![address]);
    home(&far).await;
    let wrong: RelayAddress = format!("https://{}#sha256={}", relay.address(), "00".repeat(32)).parse().unwrap();
    let through = [PeerAddress::Relay(wrong.clone())];
    assert!(near.request(far.id(), &through, b"hello", Duration::from_secs(2)).await.is_err());
    near.set_relays(vec![wrong]);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(near.home_relay(), None);
    assert_eq!(relay.counters()["clients"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_home_relay_is_left_for_another_one() {
    let (near, far) = endpoints().await;
    let (one, other) = (relay(&[&near, &far]).await, relay(&[&near, &far]).await);
    let both = [one.1.clone(), other.1.clone()];
    [&near, &far].iter().for_each(|endpoint| endpoint.set_relays(both.to_vec()));
    echo(&far);
    let first = home(&far).await;
    assert!(ask(&near, &far, &both).await);
    let (dead, alive) = if first == one.1 { (one, other) } else { (other, one) };
    let start = Instant::now();
    dead.0.close().await;
    while home(&far).await != alive.1 {
        assert!(start.elapsed() < PATIENCE);
        sleep(Duration::from_millis(5)).await;
    }
    let moved = start.elapsed();
    assert!(moved < MOVING, "{moved:?}");
    assert!(ask(&near, &far, &both).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_was_reported_dead_is_left_though_it_seems_alive() {
    let far = endpoint(2, "[::1]:0").await;
    let (one, other) = (relay(&[&far]).await, relay(&[&far]).await);
    far.set_relays(vec![one.1.clone(), other.1.clone()]);
    let first = home(&far).await;
    let start = Instant::now();
    far.report_relay(&first, false);
    let second = if first == one.1 { &other.1 } else { &one.1 };
    while home(&far).await != *second {
        assert!(start.elapsed() < PATIENCE);
        sleep(Duration::from_millis(5)).await;
    }
    assert!(start.elapsed() < MOVING, "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_told_its_address_once_it_has_a_home() {
    let near = endpoint(1, "127.0.0.1:0").await;
    let (relay, address) = relay(&[&near]).await;
    near.set_relays(vec![address]);
    let told = async {
        while relay.counters()["addresses_told"] == 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, told).await.expect("told in time");
    assert!(near.home_relay().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_relay_is_found_at_an_ipv6_address() {
    let near = endpoint(1, "127.0.0.1:0").await;
    let (_relay, address) = relay_at("[::1]:0", &[&near]).await;
    near.set_relays(vec![address.clone()]);
    assert_eq!(home(&near).await, address);
}
