//! The data plane of one daemon: the engine, and over the control connections what its sessions need.

mod carrier;
mod reflected;
mod relays;
mod resets;
mod stacks;
#[cfg(test)]
mod tests;
mod tuns;

pub use carrier::Wanted;
#[cfg(test)]
pub(crate) use stacks::AnyStack;
pub use stacks::{GateStream, StackDevice};

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use golem_vpn_proto::{
    Attachment, Candidate, Config, DeviceConfig, DeviceId, Network, NetworkId, NodeId, ReflectionKey, ReflectorAddress,
};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::control::{Endpoint, EndpointId};
use crate::engine::{AttachError, Attached, Command, Engine, EngineStopped, Outputs, Snapshot};
use crate::features::Features;
use crate::interfaces;
use crate::kernel_stack::{NamespaceError, Namespaces, Slot};
use crate::port_mapping::PortMapping;
use crate::relay::{RelayAddress, RelayDrops, RelayState};
use carrier::Carrier;
use reflected::Reflected;
use relays::Relaying;
use resets::Resets;
use tuns::TunTraits;

/// An address with the length of its network's prefix.
pub type InterfaceAddress = (IpAddr, u8);

/// Why a device was not added or changed.
#[derive(Debug, thiserror::Error)]
pub enum DeviceFailure {
    #[error(transparent)]
    Refused(#[from] AttachError),
    #[error(transparent)]
    System(#[from] io::Error),
    #[error(transparent)]
    Stopped(#[from] EngineStopped),
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
}

/// The engine with all that serves it. What it does stops when this and its stacks are dropped.
///
/// Methods that change devices wait for the engine and must not be called from a task.
pub struct DataPlane {
    engine: Engine,
    endpoint: Arc<Endpoint>,
    resets: Arc<Resets>,
    reflected: Arc<Reflected>,
    relaying: Relaying,
    carrier: AbortHandle,
    wanted: Wanted,
    port_mapping: PortMapping,
    features: Features,
    last_device: AtomicU32,
    /// What a change of its attachments leaves as it is, for each TUN.
    tuns: Mutex<HashMap<DeviceId, TunTraits>>,
    runtime: Handle,
}

impl DataPlane {
    /// Starts the engine on a socket at `listen`; `0.0.0.0` means every interface, with IPv6 where the machine has it.
    ///
    /// # Errors
    /// When the address can't be bound.
    pub fn start(
        config: Config,
        features: Features,
        listen: SocketAddr,
        endpoint: Arc<Endpoint>,
        runtime: Handle,
    ) -> io::Result<Self> {
        let (engine, outputs) = start_engine(config, features, listen)?;
        let resets = Arc::new(Resets::default());
        let reflected = Arc::new(Reflected::default());
        let (carrier, wanted) = Carrier::new(engine.clone(), endpoint.clone(), resets.clone(), reflected.clone());
        endpoint.attach_sessions(Arc::new(carrier.answers()));
        let carrier = runtime.spawn(carrier.run(outputs.events)).abort_handle();
        let relaying = Relaying::start(engine.clone(), endpoint.clone(), outputs.relayed, &runtime);
        let port_mapping = PortMapping::new(engine.local_address().port(), runtime.clone());
        let (last_device, tuns) = (AtomicU32::new(0), Mutex::default());
        Ok(Self {
            engine,
            endpoint,
            resets,
            reflected,
            relaying,
            carrier,
            wanted,
            port_mapping,
            features,
            last_device,
            tuns,
            runtime,
        })
    }

    /// Lists where others may send packets to, as of now.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        let bound = self.engine.local_address();
        let mut sockets = vec![bound];
        if bound.ip() == IpAddr::from(Ipv6Addr::UNSPECIFIED) {
            sockets.insert(0, SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), bound.port()));
        }
        interfaces::expand(&sockets)
    }

    /// Asks the local router for a port that leads to the socket for packets, or for none any more.
    pub fn set_port_mapping(&self, enabled: bool) {
        self.port_mapping.set_enabled(enabled);
    }

    /// The address at the local router that leads to the socket for packets, as of now.
    pub fn mapped(&self) -> Option<SocketAddr> {
        self.port_mapping.mapped()
    }

    pub fn set_network(&self, network: Network) -> Result<(), EngineStopped> {
        self.engine.apply(Command::SetNetwork(network))
    }

    pub fn remove_network(&self, id: NetworkId) -> Result<(), EngineStopped> {
        self.engine.apply(Command::RemoveNetwork(id))
    }

    /// Says where a node takes packets: at addresses, and through relays, where it is known by its packet key.
    pub fn set_peer(
        &self,
        node: NodeId,
        candidates: Vec<Candidate>,
        relays: &[RelayAddress],
        packet_key: Option<EndpointId>,
    ) -> Result<(), EngineStopped> {
        self.resets.set_addresses(node, candidates.iter().map(|candidate| candidate.address).collect());
        let relays = self.relaying.set_peer(node, packet_key, relays);
        self.engine.apply(Command::SetPeer { node, candidates, relays })
    }

    /// Replaces the relays that this node keeps connections to for its packets.
    pub fn set_relays(&self, relays: &[RelayAddress]) {
        self.relaying.set_relays(relays);
    }

    /// Lists the relays in use, own ones first, and what their clients dropped.
    pub fn relays(&self) -> (Vec<(RelayAddress, RelayState)>, RelayDrops) {
        self.relaying.status()
    }

    /// Replaces the reflectors that this node asks where it is seen.
    pub fn set_reflectors(&self, reflectors: Vec<ReflectorAddress>) -> Result<(), EngineStopped> {
        self.engine.apply(Command::SetReflectors(reflectors))
    }

    /// Tells a node from now on where its requests come from.
    pub fn admit_reflection(&self, index: u32, key: ReflectionKey) -> Result<(), EngineStopped> {
        self.engine.apply(Command::AdmitReflection { index, key })
    }

    pub fn dismiss_reflection(&self, index: u32) -> Result<(), EngineStopped> {
        self.engine.apply(Command::DismissReflection(index))
    }

    /// Lists where others see this node's socket for packets, newest first.
    pub fn reflected(&self) -> Vec<SocketAddr> {
        self.reflected.addresses()
    }

    pub fn forget_peer(&self, node: NodeId) -> Result<(), EngineStopped> {
        self.resets.forget(node);
        self.relaying.forget_peer(node);
        self.engine.apply(Command::ForgetPeer(node))
    }

    /// Drops the sessions with a node; the next packet starts a new one.
    pub fn reset_peer(&self, node: NodeId) -> Result<(), EngineStopped> {
        self.engine.apply(Command::ResetPeer(node))
    }

    pub fn remove_device(&self, id: DeviceId) -> Result<(), EngineStopped> {
        self.tuns().remove(&id);
        self.engine.apply(Command::RemoveDevice(id))
    }

    /// Attaches a TCP/IP stack: the kernel's where there are namespaces for it, else one in user space.
    pub fn add_stack(
        &self,
        attachments: Vec<Attachment>,
        addresses: Vec<InterfaceAddress>,
        mtu: u16,
        namespaces: Option<&Arc<Namespaces>>,
    ) -> Result<StackDevice, DeviceFailure> {
        let slot = Slot { engine: self.engine.clone(), id: self.next_device(), features: self.features };
        let config = device_config(attachments, mtu);
        StackDevice::attach(slot, &self.runtime, addresses, config, namespaces)
    }

    /// The nodes that the control plane has to look for; what waits for them does not keep the data plane running.
    pub fn wanted(&self) -> Wanted {
        self.wanted.clone()
    }

    pub async fn snapshot(&self) -> Result<Snapshot, EngineStopped> {
        self.engine.snapshot().await.map_err(|_| EngineStopped)
    }

    fn next_device(&self) -> DeviceId {
        DeviceId(self.last_device.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl Drop for DataPlane {
    fn drop(&mut self) {
        self.endpoint.detach_sessions();
        self.carrier.abort();
    }
}

/// The place of a device that makes no use of offloads; those of a TUN are known from the TUN.
fn device_config(attachments: Vec<Attachment>, mtu: u16) -> DeviceConfig {
    DeviceConfig { attachments, mtu, offload: false, udp_offload: false, own_ports: Vec::new() }
}

fn start_engine(config: Config, features: Features, listen: SocketAddr) -> io::Result<(Engine, Outputs)> {
    if listen.ip() != IpAddr::from(Ipv4Addr::UNSPECIFIED) {
        return Engine::start(config, listen, features);
    }
    let both_families = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), listen.port());
    match Engine::start(config.clone(), both_families, features) {
        Err(error) if interfaces::is_without_ipv6(&error) => Engine::start(config, listen, features),
        started => started,
    }
}

/// Waits for the engine's word on a device.
fn settle(attached: Attached) -> Result<(), DeviceFailure> {
    Ok(attached.blocking_recv().map_err(|_| EngineStopped)??)
}
