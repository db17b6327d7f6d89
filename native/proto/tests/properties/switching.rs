//! Where packets go, against a plain reading of the rules.

use std::net::IpAddr;
use std::time::Instant;

use golem_vpn_proto::{
    Attachment, DeviceConfig, DeviceId, DropReason, Event, IpPrefix, Member, Network, NetworkId, Node, NodeId, Offload,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::packets::udp;
use crate::pair::{ALICE, DEVICE, Pair, device, interface, network, node};

/// What becomes of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    Delivered(DeviceId),
    Sent(NodeId),
    Dropped(DropReason),
}

/// Networks 0 and 1 share the addresses, so that only the attachment tells them apart.
#[derive(Clone, Debug)]
struct Scene {
    networks: Vec<Network>,
    devices: Vec<(DeviceId, DeviceConfig)>,
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        6 => (1..8u8).prop_map(|host| IpAddr::from([192, 168, 0, host])),
        3 => (1..4u16).prop_map(|host| IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, host])),
        1 => Just(IpAddr::from([10, 9, 9, 9])),
        1 => Just(IpAddr::from([224, 0, 0, 1])),
    ]
}

/// A source and a destination of the same family.
fn addresses() -> impl Strategy<Value = (IpAddr, IpAddr)> {
    (address(), address(), address()).prop_map(|(source, first, second)| {
        let alike = [first, second, source].into_iter().find(|other| other.is_ipv4() == source.is_ipv4());
        (source, alike.unwrap_or(source))
    })
}

fn scene() -> impl Strategy<Value = Scene> {
    let member = (1..4u8, vec(address(), 1..3));
    let networks = vec(vec(member, 0..5), 2);
    let devices = vec(vec((0..2u8, vec(address(), 1..3)), 1..3), 0..3);
    (networks, devices).prop_map(|(networks, devices)| Scene {
        networks: networks.into_iter().enumerate().map(|(id, members)| to_network(id as u8, members)).collect(),
        devices: devices.into_iter().enumerate().map(|(id, places)| to_device(id as u32, places)).collect(),
    })
}

fn to_network(id: u8, members: Vec<(u8, Vec<IpAddr>)>) -> Network {
    let member = |(node, addresses)| Member { node: NodeId([node; 20]), addresses };
    Network {
        id: NetworkId([id; 16]),
        prefixes: vec![IpPrefix { address: IpAddr::from([192, 168, 0, 0]), length: 24 }],
        members: members.into_iter().map(member).collect(),
    }
}

fn to_device(id: u32, places: Vec<(u8, Vec<IpAddr>)>) -> (DeviceId, DeviceConfig) {
    let attachment = |(network, addresses)| Attachment { network: NetworkId([network; 16]), addresses };
    let attachments = places.into_iter().map(attachment).collect();
    (DeviceId(id), DeviceConfig { attachments, mtu: 1420, offload: false, udp_offload: false, own_ports: Vec::new() })
}

impl Scene {
    /// A node that was told the scene, and the devices it has taken.
    fn build(&self) -> (Node, Vec<(DeviceId, DeviceConfig)>) {
        let now = Instant::now();
        let mut node = node(ALICE);
        self.networks.iter().for_each(|network| node.set_network(now, network.clone()));
        (1..4).for_each(|peer| node.set_peer(now, NodeId([peer; 20]), vec![interface(peer)], Vec::new()));
        let taken = self.devices.iter().filter(|(id, config)| node.set_device(*id, config.clone()).is_ok());
        let taken = taken.cloned().collect();
        (node, taken)
    }

    fn owner(&self, network: NetworkId, address: IpAddr) -> Option<NodeId> {
        let network = self.networks.iter().find(|candidate| candidate.id == network)?;
        network.members.iter().find(|member| member.addresses.contains(&address)).map(|member| member.node)
    }
}

fn fate(
    scene: &Scene,
    devices: &[(DeviceId, DeviceConfig)],
    from: DeviceId,
    source: IpAddr,
    destination: IpAddr,
) -> Fate {
    let Some((_, device)) = devices.iter().find(|(id, _)| *id == from) else {
        return Fate::Dropped(DropReason::UnknownDevice);
    };
    if destination.is_multicast() {
        return Fate::Dropped(DropReason::MulticastDestination);
    }
    let place = device.attachments.iter().find(|place| place.addresses.contains(&source));
    let Some(network) = place.map(|place| place.network).filter(|id| scene.owner(*id, source) == Some(ALICE)) else {
        return Fate::Dropped(DropReason::ForeignSource);
    };
    match scene.owner(network, destination) {
        Some(ALICE) => {
            let has = |place: &Attachment| place.network == network && place.addresses.contains(&destination);
            let device = devices.iter().find(|(_, config)| config.attachments.iter().any(has));
            device.map_or(Fate::Dropped(DropReason::NoDevice), |(id, _)| Fate::Delivered(*id))
        }
        Some(peer) => Fate::Sent(peer),
        None if scene.networks[0].prefixes[0].contains(destination) => Fate::Dropped(DropReason::NoMember),
        None => Fate::Dropped(DropReason::OutsideNetwork),
    }
}

fn observe(node: &mut Node) -> Vec<Fate> {
    let drops = DropReason::ALL.into_iter().filter(|reason| node.counters().drops(*reason) > 0).map(Fate::Dropped);
    let mut fates: Vec<_> = drops.collect();
    while let Some(event) = node.poll_event() {
        if let Event::Handshake { peer, .. } = event {
            fates.push(Fate::Sent(peer));
        }
    }
    while let Some(delivery) = node.poll_delivery() {
        let is_icmp =
            matches!((delivery.packet[0] >> 4, delivery.packet[9], delivery.packet[6]), (4, 1, _) | (6, _, 58));
        if !is_icmp {
            fates.push(Fate::Delivered(delivery.device));
        }
    }
    fates
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(800) })]

    #[test]
    fn each_packet_meets_the_fate_it_should(
        scene in scene(),
        device in 0..3u32,
        (source, destination) in addresses(),
    ) {
        let (mut node, devices) = scene.build();
        let packet = udp(source, destination, (1, 2), b"x");
        node.handle_packet(Instant::now(), DeviceId(device), Offload::default(), &packet);
        prop_assert_eq!(observe(&mut node), [fate(&scene, &devices, DeviceId(device), source, destination)]);
    }

    #[test]
    fn a_peer_that_sends_from_an_address_that_is_not_its_own_is_not_heard(
        own in vec(address(), 0..4),
        source in address(),
        destination in prop::sample::select(vec![2u8, 3]),
    ) {
        let destination = IpAddr::from([192, 168, 0, destination]);
        let bobs = [IpAddr::from([192, 168, 0, 2])];
        prop_assume!(source.is_ipv4() && source != destination);
        prop_assume!(!bobs.contains(&source) && !own.contains(&destination));
        let mut pair = Pair::new(false, &own, &bobs);
        // Alice's node was told, or tells itself, that every address is its own.
        pair.alice.set_network(pair.now, network(&[source], &[destination]));
        pair.alice.set_device(DEVICE, device(false, &[source])).unwrap();
        pair.send(Offload::default(), &udp(source, destination, (1, 2), b"x"));
        pair.settle();
        let honest = own.contains(&source);
        let delivered = pair.delivered().len();
        prop_assert_eq!(delivered, usize::from(honest && bobs.contains(&destination)));
        prop_assert_eq!(pair.bob.counters().drops(DropReason::SpoofedSource), u64::from(!honest));
    }
}
