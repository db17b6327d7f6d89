//! Nodes by number, and where they are.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use golem_vpn_proto::{Config, IpPrefix, Member, Network, NetworkId, Node, NodeId};

/// The node that is measured.
pub const OWN: usize = 0;

pub fn node(number: usize) -> Node {
    let mut state = number as u64;
    let entropy = move |bytes: &mut [u8]| {
        bytes.fill_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        });
    };
    Node::new(Config::new(node_id(number)), Box::new(entropy))
}

pub fn document(number: usize, links: &[(usize, usize)]) -> Network {
    let members = links.iter().filter(|(_, network)| *network == number).map(|(peer, _)| *peer);
    let member = |node| Member { node: node_id(node), addresses: vec![address(number, node).into()] };
    let prefixes = vec![IpPrefix { address: IpAddr::from([10, number as u8, 0, 0]), length: 16 }];
    Network { id: network_id(number), prefixes, members: [OWN].into_iter().chain(members).map(member).collect() }
}

pub fn node_id(number: usize) -> NodeId {
    let mut id = [7; 20];
    id[..2].copy_from_slice(&(number as u16).to_be_bytes());
    NodeId(id)
}

pub fn network_id(number: usize) -> NetworkId {
    NetworkId([number as u8; 16])
}

pub fn socket(number: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, (number >> 8) as u8, number as u8], 7000))
}

pub fn address(network: usize, number: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, network as u8, ((number + 1) >> 8) as u8, (number + 1) as u8)
}
