//! Data planes in one process, over real sockets on loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use golem_vpn_proto::{Attachment, Candidate, Config, IpPrefix, Member, Network, NetworkId, NodeId, Source};
use tokio::runtime::Runtime;

use super::{DataPlane, StackDevice};
use crate::control::Endpoint;
use crate::features::Features;
use crate::stack::ConnectError;

const NETWORK: NetworkId = NetworkId([7; 16]);
const PATIENCE: Duration = Duration::from_secs(20);
const LOOPBACK: &str = "127.0.0.1:0";

struct Daemon {
    node: NodeId,
    endpoint: Arc<Endpoint>,
    data_plane: DataPlane,
}

impl Daemon {
    fn start(runtime: &Runtime, seed: u8, packets: SocketAddr) -> Self {
        let node = NodeId([seed; 20]);
        let bound = runtime.block_on(Endpoint::bind([seed; 32], LOOPBACK.parse().unwrap())).unwrap();
        let endpoint = Arc::new(bound);
        let config = Config::new(node);
        let data_plane =
            DataPlane::start(config, Features::default(), packets, endpoint.clone(), runtime.handle().clone()).unwrap();
        data_plane.set_network(network()).unwrap();
        Self { node, endpoint, data_plane }
    }

    fn meet(&self, other: &Self) {
        let addresses = other.endpoint.addresses().unwrap().into_iter().map(Into::into).collect();
        self.endpoint.authorize(other.endpoint.id(), other.node, addresses);
        let interface = |address| Candidate { address, source: Source::Interface };
        let candidates = other.data_plane.addresses().unwrap().into_iter().map(interface).collect();
        self.data_plane.set_peer(other.node, candidates, &[], None).unwrap();
    }

    fn stack(&self) -> StackDevice {
        let address = format!("10.1.0.{}", self.node.0[0]).parse().unwrap();
        let attachment = Attachment { network: NETWORK, addresses: vec![address] };
        self.data_plane.add_stack(vec![attachment], vec![(address, 24)], 1420, None).unwrap()
    }
}

fn network() -> Network {
    let member =
        |seed: u8| Member { node: NodeId([seed; 20]), addresses: vec![format!("10.1.0.{seed}").parse().unwrap()] };
    let prefix = IpPrefix { address: "10.1.0.0".parse().unwrap(), length: 24 };
    Network { id: NETWORK, prefixes: vec![prefix], members: vec![member(1), member(2)] }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn connect(runtime: &Runtime, stack: &StackDevice, to: &str, timeout: Duration) -> Option<ConnectError> {
    runtime.block_on(stack.connect(to.parse().unwrap(), timeout)).err()
}

#[test]
fn two_stacks_reach_each_other_through_a_session() {
    let runtime = runtime();
    let (a, b) =
        (Daemon::start(&runtime, 1, LOOPBACK.parse().unwrap()), Daemon::start(&runtime, 2, LOOPBACK.parse().unwrap()));
    a.meet(&b);
    b.meet(&a);
    let (stack, _other) = (a.stack(), b.stack());
    assert_eq!(connect(&runtime, &stack, "10.1.0.2:80", PATIENCE), Some(ConnectError::Refused));
    let snapshot = runtime.block_on(a.data_plane.snapshot()).unwrap();
    assert!(snapshot.peers[0].networks[0].session.is_some());
    assert!(snapshot.counters.packets_out > 0 && snapshot.counters.packets_in > 0);
}

#[test]
fn a_stranger_gets_no_session() {
    let runtime = runtime();
    let (a, b) =
        (Daemon::start(&runtime, 1, LOOPBACK.parse().unwrap()), Daemon::start(&runtime, 2, LOOPBACK.parse().unwrap()));
    a.meet(&b);
    let (stack, _other) = (a.stack(), b.stack());
    let failure = connect(&runtime, &stack, "10.1.0.2:80", Duration::from_secs(2));
    assert_eq!(failure, Some(ConnectError::TimedOut));
}

#[test]
fn a_peer_that_lost_its_sessions_gets_new_ones() {
    let runtime = runtime();
    let a = Daemon::start(&runtime, 1, LOOPBACK.parse().unwrap());
    let mut b = Daemon::start(&runtime, 2, LOOPBACK.parse().unwrap());
    a.meet(&b);
    b.meet(&a);
    let stack = a.stack();
    let other = b.stack();
    assert_eq!(connect(&runtime, &stack, "10.1.0.2:80", PATIENCE), Some(ConnectError::Refused));

    let packets = b.data_plane.addresses().unwrap()[0];
    drop((other, b));
    b = restart(&runtime, 2, packets);
    a.meet(&b);
    b.meet(&a);
    let _other = b.stack();
    assert_eq!(connect(&runtime, &stack, "10.1.0.2:80", PATIENCE), Some(ConnectError::Refused));
}

fn restart(runtime: &Runtime, seed: u8, packets: SocketAddr) -> Daemon {
    let is_free = || std::net::UdpSocket::bind(packets).is_ok();
    while !is_free() {
        std::thread::sleep(Duration::from_millis(20));
    }
    Daemon::start(runtime, seed, packets)
}

#[test]
fn a_node_that_packets_wait_for_is_wanted_and_reached_as_soon_as_it_is_known() {
    let runtime = runtime();
    let (a, b) =
        (Daemon::start(&runtime, 1, LOOPBACK.parse().unwrap()), Daemon::start(&runtime, 2, LOOPBACK.parse().unwrap()));
    let (stack, _other) = (a.stack(), b.stack());
    let wanted = a.data_plane.wanted();
    let dialling = std::thread::scope(|scope| {
        let dialling = scope.spawn(|| connect(&runtime, &stack, "10.1.0.2:80", PATIENCE));
        let next = runtime.block_on(async { tokio::time::timeout(PATIENCE, wanted.next()).await });
        assert_eq!(next, Ok(Some(b.node)));
        b.meet(&a);
        a.meet(&b);
        dialling.join().unwrap()
    });
    assert_eq!(dialling, Some(ConnectError::Refused));
}

#[test]
fn who_waits_for_wanted_nodes_learns_that_there_will_be_no_more() {
    let runtime = runtime();
    let a = Daemon::start(&runtime, 1, LOOPBACK.parse().unwrap());
    let wanted = a.data_plane.wanted();
    drop(a);
    assert_eq!(runtime.block_on(async { tokio::time::timeout(PATIENCE, wanted.next()).await }), Ok(None));
}
