//! Whose address is it? Decides where a packet goes, and drops what is not its sender's own.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use crate::packet::IpHeader;
use crate::{DeviceConfig, DeviceId, DropReason, IpPrefix, Network, NetworkId, NodeId};

/// A device that can't be attached as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    #[error("the device would use {0} in two networks, so that nobody knows which one its packets are meant for")]
    AmbiguousAddress(IpAddr),
    #[error("another device uses {address} in network {network} already")]
    AddressInUse { network: NetworkId, address: IpAddr },
}

/// Where a packet goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hop {
    Device(DeviceId),
    Peer(NetworkId, NodeId),
}

/// The networks and the devices of this node.
pub(crate) struct Switch {
    node: NodeId,
    networks: BTreeMap<NetworkId, Table>,
    devices: BTreeMap<DeviceId, Device>,
    attached: HashMap<(NetworkId, IpAddr), DeviceId>,
}

/// A network as the switch needs it.
struct Table {
    prefixes: Vec<IpPrefix>,
    owners: HashMap<IpAddr, NodeId>,
    members: HashSet<NodeId>,
}

struct Device {
    config: DeviceConfig,
    networks: HashMap<IpAddr, NetworkId>,
}

impl Switch {
    pub fn new(node: NodeId) -> Self {
        Self { node, networks: BTreeMap::new(), devices: BTreeMap::new(), attached: HashMap::new() }
    }

    /// Adds or replaces a network. Where two nodes claim one address, it is the first one's.
    pub fn set_network(&mut self, network: &Network) {
        let mut owners = HashMap::new();
        for member in &network.members {
            for address in &member.addresses {
                owners.entry(*address).or_insert(member.node);
            }
        }
        let members = network.members.iter().map(|member| member.node).collect();
        self.networks.insert(network.id, Table { prefixes: network.prefixes.clone(), owners, members });
    }

    pub fn remove_network(&mut self, id: NetworkId) {
        self.networks.remove(&id);
    }

    pub fn knows_network(&self, id: NetworkId) -> bool {
        self.networks.contains_key(&id)
    }

    /// Whether both this node and `peer` are members of the network.
    pub fn are_members(&self, id: NetworkId, peer: NodeId) -> bool {
        self.networks.get(&id).is_some_and(|table| table.members.contains(&self.node) && table.members.contains(&peer))
    }

    /// Adds or replaces a device.
    pub fn set_device(&mut self, id: DeviceId, config: DeviceConfig) -> Result<(), DeviceError> {
        let mut networks = HashMap::new();
        for (network, address) in places(&config) {
            if networks.insert(address, network).is_some_and(|other| other != network) {
                return Err(DeviceError::AmbiguousAddress(address));
            }
            if self.attached.get(&(network, address)).is_some_and(|other| *other != id) {
                return Err(DeviceError::AddressInUse { network, address });
            }
        }
        self.remove_device(id);
        self.attached.extend(places(&config).map(|place| (place, id)));
        self.devices.insert(id, Device { config, networks });
        Ok(())
    }

    pub fn remove_device(&mut self, id: DeviceId) {
        self.devices.remove(&id);
        self.attached.retain(|_, device| *device != id);
    }

    pub fn device(&self, id: DeviceId) -> Option<&DeviceConfig> {
        self.devices.get(&id).map(|device| &device.config)
    }

    /// Whether what comes from this port of a device was sent by the node's own sockets.
    pub fn is_own_port(&self, device: DeviceId, port: u16) -> bool {
        self.devices.get(&device).is_some_and(|device| device.config.own_ports.contains(&port))
    }

    /// Decides about a packet that a device of this node sent.
    pub fn outgoing(&self, device: DeviceId, ip: &IpHeader) -> Result<Hop, DropReason> {
        let device = self.devices.get(&device).ok_or(DropReason::UnknownDevice)?;
        if ip.is_multicast() {
            return Err(DropReason::MulticastDestination);
        }
        let network = *device.networks.get(&ip.source).ok_or(DropReason::ForeignSource)?;
        let table = self.networks.get(&network).ok_or(DropReason::ForeignSource)?;
        if table.owners.get(&ip.source) != Some(&self.node) {
            return Err(DropReason::ForeignSource);
        }
        match table.owners.get(&ip.destination) {
            Some(node) if *node == self.node => self.local(network, ip.destination).map(Hop::Device),
            Some(node) => Ok(Hop::Peer(network, *node)),
            None if table.is_broadcast(ip.destination) => Err(DropReason::MulticastDestination),
            None if table.contains(ip.destination) => Err(DropReason::NoMember),
            None => Err(DropReason::OutsideNetwork),
        }
    }

    /// Decides about a packet that a session with `peer` in `network` brought.
    pub fn incoming(&self, network: NetworkId, peer: NodeId, ip: &IpHeader) -> Result<DeviceId, DropReason> {
        let table = self.networks.get(&network).ok_or(DropReason::SpoofedSource)?;
        if table.owners.get(&ip.source) != Some(&peer) {
            return Err(DropReason::SpoofedSource);
        }
        if ip.is_multicast() {
            return Err(DropReason::MulticastDestination);
        }
        if table.owners.get(&ip.destination) != Some(&self.node) {
            return Err(DropReason::NoDevice);
        }
        self.local(network, ip.destination)
    }

    fn local(&self, network: NetworkId, address: IpAddr) -> Result<DeviceId, DropReason> {
        self.attached.get(&(network, address)).copied().ok_or(DropReason::NoDevice)
    }
}

impl Table {
    fn contains(&self, address: IpAddr) -> bool {
        self.prefixes.iter().any(|prefix| prefix.contains(address))
    }

    fn is_broadcast(&self, address: IpAddr) -> bool {
        self.prefixes.iter().any(|prefix| prefix.is_broadcast(address))
    }
}

fn places(config: &DeviceConfig) -> impl Iterator<Item = (NetworkId, IpAddr)> {
    config.attachments.iter().flat_map(|place| place.addresses.iter().map(|address| (place.network, *address)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attachment, Member};

    const OWN: NodeId = NodeId([1; 20]);
    const PEER: NodeId = NodeId([2; 20]);
    const NETWORK: NetworkId = NetworkId([1; 16]);

    fn address(host: u8) -> IpAddr {
        IpAddr::from([192, 168, 0, host])
    }

    fn device(places: &[(NetworkId, u8)]) -> DeviceConfig {
        let attachment =
            |(network, host): &(NetworkId, u8)| Attachment { network: *network, addresses: vec![address(*host)] };
        let attachments = places.iter().map(attachment).collect();
        DeviceConfig { attachments, mtu: 1420, offload: true, udp_offload: true, own_ports: Vec::new() }
    }

    fn switch() -> Switch {
        let mut switch = Switch::new(OWN);
        let member = |node, host| Member { node, addresses: vec![address(host)] };
        let members = vec![member(OWN, 1), member(OWN, 2), member(PEER, 3), member(PEER, 1)];
        let prefixes = vec![IpPrefix { address: address(0), length: 24 }];
        switch.set_network(&Network { id: NETWORK, prefixes, members });
        switch.set_device(DeviceId(1), device(&[(NETWORK, 1)])).unwrap();
        switch
    }

    fn header(source: u8, destination: u8) -> IpHeader {
        let mut packet = vec![0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0];
        packet.extend_from_slice(&[192, 168, 0, source, 192, 168, 0, destination]);
        IpHeader::parse(&packet).unwrap()
    }

    #[test]
    fn packets_go_to_the_owner_of_the_address() {
        let switch = switch();
        let outgoing = |source, destination| switch.outgoing(DeviceId(1), &header(source, destination));
        assert_eq!(outgoing(1, 3), Ok(Hop::Peer(NETWORK, PEER)));
        assert_eq!(outgoing(1, 1), Ok(Hop::Device(DeviceId(1))), "the first owner of an address is the owner");
        assert_eq!(outgoing(1, 2), Err(DropReason::NoDevice));
        assert_eq!(outgoing(2, 3), Err(DropReason::ForeignSource), "own, but of another device");
        assert_eq!(outgoing(1, 9), Err(DropReason::NoMember));
        assert_eq!(outgoing(1, 255), Err(DropReason::MulticastDestination));
        assert_eq!(switch.outgoing(DeviceId(2), &header(1, 3)), Err(DropReason::UnknownDevice));
    }

    #[test]
    fn peers_speak_for_their_own_addresses_to_attached_ones() {
        let switch = switch();
        let incoming = |source, destination| switch.incoming(NETWORK, PEER, &header(source, destination));
        assert_eq!(incoming(3, 1), Ok(DeviceId(1)));
        assert_eq!(incoming(1, 1), Err(DropReason::SpoofedSource));
        assert_eq!(incoming(3, 2), Err(DropReason::NoDevice));
        assert_eq!(incoming(3, 3), Err(DropReason::NoDevice));
        assert_eq!(switch.incoming(NetworkId([9; 16]), PEER, &header(3, 1)), Err(DropReason::SpoofedSource));
    }

    #[test]
    fn a_device_that_would_be_ambiguous_is_refused_and_nothing_changes() {
        let mut switch = switch();
        let other = NetworkId([2; 16]);
        let refused = switch.set_device(DeviceId(2), device(&[(NETWORK, 1)]));
        assert_eq!(refused, Err(DeviceError::AddressInUse { network: NETWORK, address: address(1) }));
        let refused = switch.set_device(DeviceId(1), device(&[(NETWORK, 5), (other, 5)]));
        assert_eq!(refused, Err(DeviceError::AmbiguousAddress(address(5))));
        assert_eq!(switch.device(DeviceId(1)), Some(&device(&[(NETWORK, 1)])));
        assert_eq!(switch.device(DeviceId(2)), None);
        assert_eq!(switch.set_device(DeviceId(2), device(&[(other, 1)])), Ok(()));
    }

    #[test]
    fn a_replaced_device_gives_its_addresses_back() {
        let mut switch = switch();
        switch.set_device(DeviceId(1), device(&[(NETWORK, 2)])).unwrap();
        assert_eq!(switch.set_device(DeviceId(2), device(&[(NETWORK, 1)])), Ok(()));
        switch.remove_device(DeviceId(2));
        assert_eq!(switch.incoming(NETWORK, PEER, &header(3, 1)), Err(DropReason::NoDevice));
    }
}
