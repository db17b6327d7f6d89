//! Endpoints on loopback.

mod idle;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use golem_vpn_proto::NodeId;
use tokio::sync::oneshot;

use super::error::{ControlError, Refusal};
use super::{ConnectionEvent, Endpoint, MESSAGE_LIMIT, PeerAddress, Sessions};

const PATIENCE: Duration = Duration::from_secs(20);
const NODE_A: NodeId = NodeId([0xa; 20]);
const NODE_B: NodeId = NodeId([0xb; 20]);

fn run<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(3 * PATIENCE, test).await.expect("the test hangs") })
}

async fn endpoint(seed: u8) -> Arc<Endpoint> {
    endpoint_at(seed, "127.0.0.1:0".parse().unwrap()).await
}

async fn endpoint_at(seed: u8, listen: SocketAddr) -> Arc<Endpoint> {
    Arc::new(Endpoint::bind([seed; 32], listen).await.unwrap())
}

/// Replies to everything with the message reversed, until the endpoint is closed.
fn reverse_all(endpoint: &Arc<Endpoint>) {
    let endpoint = endpoint.clone();
    tokio::spawn(async move {
        while let Ok(mut request) = endpoint.accept().await {
            let mut reply = std::mem::take(&mut request.message);
            reply.reverse();
            request.respond(reply);
        }
    });
}

async fn ask(from: &Endpoint, to: &Endpoint, message: &[u8]) -> Result<Vec<u8>, ControlError> {
    from.request(to.id(), &addresses(to), message, PATIENCE).await
}

fn addresses(endpoint: &Endpoint) -> Vec<PeerAddress> {
    endpoint.addresses().unwrap().into_iter().map(Into::into).collect()
}

struct Echo;

impl Sessions for Echo {
    fn handshake(&self, from: NodeId, message: Vec<u8>, binding: [u8; 32]) -> oneshot::Receiver<Vec<u8>> {
        let (sender, receiver) = oneshot::channel();
        sender.send([&from.0[..], &message, &binding].concat()).unwrap();
        receiver
    }

    fn reset(&self, _from: NodeId) {}
}

#[test]
fn messages_of_every_size_are_answered() {
    run(async {
        let (a, b) = (endpoint(1).await, endpoint(2).await);
        reverse_all(&b);
        for length in [0, 1, 1000, MESSAGE_LIMIT] {
            let message: Vec<u8> = (0..length).map(|index| index as u8).collect();
            let expected: Vec<u8> = message.iter().rev().copied().collect();
            assert_eq!(ask(&a, &b, &message).await, Ok(expected));
        }
        let too_long = vec![0; MESSAGE_LIMIT + 1];
        assert_eq!(ask(&a, &b, &too_long).await, Err(ControlError::TooLong(MESSAGE_LIMIT + 1)));
    });
}

#[test]
fn a_peer_that_names_this_nodes_own_addresses_is_reached_at_its_other() {
    run(async {
        let a = endpoint_at(1, "0.0.0.0:0".parse().unwrap()).await;
        let port = a.addresses().unwrap()[0].port();
        let own = ["127.0.0.1", "::1"].map(|address| SocketAddr::new(address.parse().unwrap(), port).into());
        for seed in 2..12 {
            let b = endpoint(seed).await;
            reverse_all(&b);
            let named = [&own[..], &addresses(&b)].concat();
            assert_eq!(a.request(b.id(), &named, b"abc", PATIENCE).await, Ok(b"cba".to_vec()));
        }
        let nowhere = endpoint(12).await;
        let refused = a.request(nowhere.id(), &own, b"abc", PATIENCE).await;
        assert_eq!(refused, Err(ControlError::Unreachable("its only addresses are this node's own".to_owned())));
    });
}

#[test]
fn another_daemon_at_one_of_the_addresses_does_not_end_the_dial() {
    run(async {
        let (a, stranger) = (endpoint(1).await, endpoint(2).await);
        reverse_all(&stranger);
        for seed in 3..13 {
            let b = endpoint(seed).await;
            reverse_all(&b);
            let named = [addresses(&stranger), addresses(&b)].concat();
            assert_eq!(a.request(b.id(), &named, b"abc", PATIENCE).await, Ok(b"cba".to_vec()));
        }
    });
}

#[test]
fn concurrent_requests_share_one_connection() {
    run(async {
        let (a, b) = (endpoint(1).await, endpoint(2).await);
        reverse_all(&b);
        let requests: Vec<_> = (0..100_u8)
            .map(|number| {
                let (a, b) = (a.clone(), b.clone());
                tokio::spawn(async move { (number, ask(&a, &b, &[number, 7]).await) })
            })
            .collect();
        for request in requests {
            let (number, reply) = request.await.unwrap();
            assert_eq!(reply, Ok(vec![7, number]));
        }
        assert_eq!(b.next_event().await, Ok(ConnectionEvent::Connected(a.id())));
        a.close().await;
        assert_eq!(b.next_event().await, Ok(ConnectionEvent::Disconnected(a.id())));
    });
}

#[test]
fn a_message_too_long_for_the_limit_is_refused_by_the_receiver() {
    run(async {
        let (a, b) = (endpoint(1).await, endpoint(2).await);
        reverse_all(&b);
        ask(&a, &b, b"hello").await.unwrap();
        let connection = a.shared.connections.newest(b.id()).unwrap();
        let (mut send, mut receive) = connection.open_bi().await.unwrap();
        send.write_all(&[0, 1, 0, 16, 0]).await.unwrap();
        let answer = receive.read_to_end(10).await.unwrap_err();
        assert!(matches!(
            answer,
            iroh::endpoint::ReadToEndError::Read(iroh::endpoint::ReadError::Reset(code)) if code == Refusal::TooLong.code()
        ));
    });
}

#[test]
fn garbage_on_a_stream_is_refused_and_hurts_nobody() {
    run(async {
        let (a, b) = (endpoint(1).await, endpoint(2).await);
        reverse_all(&b);
        ask(&a, &b, b"hello").await.unwrap();
        let connection = a.shared.connections.newest(b.id()).unwrap();
        for garbage in [&[9, 0, 0, 0, 0][..], &[0, 2, 0, 0, 0, 1], &[0, 1, 0, 0, 0, 1, 1], &[0, 0], &[]] {
            let (mut send, mut receive) = connection.open_bi().await.unwrap();
            send.write_all(garbage).await.unwrap();
            send.finish().unwrap();
            assert!(receive.read_to_end(10).await.is_err());
        }
        assert_eq!(ask(&a, &b, b"ab").await, Ok(b"ba".to_vec()));
    });
}

#[test]
fn garbage_on_the_port_is_ignored() {
    run(async {
        let (a, b) = (endpoint(1).await, endpoint(2).await);
        reverse_all(&b);
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let target = b.addresses().unwrap()[0];
        for length in (0..1500).step_by(7) {
            let bytes: Vec<u8> = (0..length).map(|index| (index * 31 + length) as u8).collect();
            socket.send_to(&bytes, target).await.unwrap();
        }
        assert_eq!(ask(&a, &b, b"ab").await, Ok(b"ba".to_vec()));
    });
}

#[test]
fn an_unanswered_request_fails_when_it_is_dropped_or_late() {
    run(async {
        let (a, b) = (endpoint(1).await, endpoint(2).await);
        let (reply, ()) = tokio::join!(ask(&a, &b, b"hello"), async { drop(b.accept().await.unwrap()) });
        assert_eq!(reply, Err(ControlError::Refused(Refusal::Unanswered)));
        let late = a.request(b.id(), &addresses(&b), b"hello", Duration::from_millis(50)).await;
        assert_eq!(late, Err(ControlError::TimedOut));
    });
}

#[test]
fn a_flood_of_unanswered_requests_is_refused_beyond_the_budget() {
    run(async {
        let (a, b) = (endpoint(1).await, endpoint(2).await);
        let message = vec![0; MESSAGE_LIMIT];
        let mut requests = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (a, b, message) = (a.clone(), b.clone(), message.clone());
            requests.spawn(async move { ask(&a, &b, &message).await });
        }
        let mut held = Vec::new();
        for _ in 0..8 {
            held.push(b.accept().await.unwrap());
        }
        for _ in 0..12 {
            let reply = requests.join_next().await.unwrap().unwrap();
            assert_eq!(reply, Err(ControlError::Refused(Refusal::Busy)));
        }
        drop(held);
        while let Some(reply) = requests.join_next().await {
            assert_eq!(reply.unwrap(), Err(ControlError::Refused(Refusal::Unanswered)));
        }
    });
}

#[test]
fn an_impostor_at_the_right_address_is_not_asked() {
    run(async {
        let (a, b, impostor) = (endpoint(1).await, endpoint(2).await, endpoint(3).await);
        reverse_all(&impostor);
        let answer = a.request(b.id(), &addresses(&impostor), b"secret", PATIENCE).await;
        assert!(matches!(answer, Err(ControlError::Unreachable(_))), "{answer:?}");
    });
}

#[test]
fn a_peer_that_restarts_is_reached_again() {
    run(async {
        let a = endpoint(1).await;
        let b = endpoint(2).await;
        let listen = b.addresses().unwrap()[0];
        reverse_all(&b);
        ask(&a, &b, b"ab").await.unwrap();
        b.close().await;
        drop(b);
        for listen in [listen, "127.0.0.1:0".parse().unwrap()] {
            let b = bind_when_free(2, listen).await;
            reverse_all(&b);
            assert_eq!(ask(&a, &b, b"ab").await, Ok(b"ba".to_vec()));
            b.close().await;
        }
    });
}

async fn bind_when_free(seed: u8, listen: SocketAddr) -> Arc<Endpoint> {
    loop {
        match Endpoint::bind([seed; 32], listen).await {
            Ok(endpoint) => return Arc::new(endpoint),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

#[test]
fn a_connection_that_broke_silently_is_replaced() {
    run(async {
        let (a, b) = (endpoint(1).await, endpoint(2).await);
        let wire = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let through = wire.local_addr().unwrap();
        let relay = tokio::spawn(relay(wire, b.addresses().unwrap()[0]));
        reverse_all(&b);
        a.request(b.id(), &[through.into()], b"ab", PATIENCE).await.unwrap();
        relay.abort();
        let reply = a.request(b.id(), &addresses(&b), b"ab", PATIENCE).await;
        assert_eq!(reply, Ok(b"ba".to_vec()));
    });
}

/// Carries datagrams between its first client and the target.
async fn relay(wire: tokio::net::UdpSocket, target: SocketAddr) {
    let mut buffer = vec![0; 1 << 16];
    let mut client = target;
    while let Ok((length, from)) = wire.recv_from(&mut buffer).await {
        let to = if from == target { client } else { target };
        if from != target {
            client = from;
        }
        wire.send_to(&buffer[..length], to).await.unwrap();
    }
}

#[test]
fn session_handshakes_are_for_authorized_endpoints_only() {
    run(async {
        let (a, b) = (endpoint(1).await, endpoint(2).await);
        a.authorize(b.id(), NODE_B, addresses(&b));
        b.attach_sessions(Arc::new(Echo));
        let refused = a.offer_session(NODE_B, b"offer", PATIENCE).await;
        assert_eq!(refused, Err(ControlError::Refused(Refusal::Unauthorized)));
        assert_eq!(a.announce_reset(NODE_B, PATIENCE).await, Err(ControlError::Refused(Refusal::Unauthorized)));

        b.authorize(a.id(), NODE_A, vec![]);
        let (reply, binding) = a.offer_session(NODE_B, b"offer", PATIENCE).await.unwrap();
        assert_eq!(reply, [&NODE_A.0[..], b"offer", &binding].concat());
        assert_eq!(a.announce_reset(NODE_B, PATIENCE).await, Ok(()));

        b.revoke(a.id());
        let refused = a.offer_session(NODE_B, b"offer", PATIENCE).await;
        assert_eq!(refused, Err(ControlError::Refused(Refusal::Unauthorized)));
    });
}

#[test]
fn a_closed_endpoint_says_so() {
    run(async {
        let (a, b) = (endpoint(1).await, endpoint(2).await);
        let (accepted, ()) = tokio::join!(b.accept(), b.close());
        assert_eq!(accepted.err(), Some(ControlError::Closed));
        assert_eq!(ask(&b, &a, b"").await, Err(ControlError::Closed));
        assert_eq!(b.next_event().await, Err(ControlError::Closed));
    });
}
