//! Whose address is it? Decides where a packet goes, and drops what is not its sender's own.

use std::collections::{BTreeMap, HashMap};
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
    members: Vec<NodeId>,
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
}

fn places(config: &DeviceConfig) -> impl Iterator<Item = (NetworkId, IpAddr)> {
    config.attachments.iter().flat_map(|place| place.addresses.iter().map(|address| (place.network, *address)))
}
