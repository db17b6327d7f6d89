//! `DataPlane`: the engine, and the sessions it makes over an endpoint.

use std::sync::{Arc, Mutex, PoisonError};

use golem_vpn_io::data_plane::{self, DeviceFailure};
use golem_vpn_io::descriptor;
use golem_vpn_io::engine::EngineStopped;
use golem_vpn_io::features::Features;
use golem_vpn_io::tun::Interface;
use golem_vpn_proto::{Config, DeviceId, Network};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::asynchronous::{awaitable, runtime};
use crate::convert::{self, Addressed};
use crate::endpoint::Endpoint;
use crate::errors::{self, Failure};
use crate::snapshot::Snapshot;
use crate::stack::{Namespaces, Stack};

/// Packets between devices of this node and the nodes of its networks.
#[pyclass(module = "golem_vpn._native", frozen)]
pub struct DataPlane {
    running: Mutex<Option<Arc<data_plane::DataPlane>>>,
}

#[pymethods]
impl DataPlane {
    /// Listens for packets at `IP:PORT`, makes sessions over the endpoint; `ciphers` are in order of preference. With
    /// `relayed_only` packets go through relays, whatever direct path there may be; with `low_latency`
    /// packets are passed on sooner, for more processor time; `workers` threads seal and open beside the packet thread,
    /// as many as suit the machine where nothing is said; no more than `bytes_per_second`
    /// are sent. To measure: `without` names features to leave out, sessions get a successor after `rekey_after`
    /// seconds.
    #[staticmethod]
    #[pyo3(signature = (node_id, listen, endpoint, ciphers=None, *, relayed_only=false, low_latency=false, workers=None, bytes_per_second=None, without=None, rekey_after=None))]
    #[expect(clippy::too_many_arguments, reason = "those at the end are keywords in Python")]
    fn start(
        py: Python<'_>,
        node_id: PyBackedBytes,
        listen: &str,
        endpoint: &Endpoint,
        ciphers: Option<Vec<String>>,
        relayed_only: bool,
        low_latency: bool,
        workers: Option<usize>,
        bytes_per_second: Option<u64>,
        without: Option<Vec<String>>,
        rekey_after: Option<f64>,
    ) -> PyResult<Self> {
        let mut config = Config { relayed_only, bytes_per_second, ..Config::new(convert::node_id(&node_id)?) };
        if let Some(names) = ciphers {
            config.ciphers = convert::ciphers(&names)?;
        }
        if let Some(seconds) = rekey_after {
            config = config.renewing_after(convert::age(seconds)?);
        }
        let features = Features { low_latency, workers, ..convert::features(&without.unwrap_or_default())? };
        let listen = convert::address(listen)?;
        let endpoint = endpoint.shared();
        let runtime = runtime().handle().clone();
        let started = py.detach(|| data_plane::DataPlane::start(config, features, listen, endpoint, runtime));
        let running = started.map_err(|error| errors::native(format!("cannot listen at {listen}: {error}")))?;
        Ok(Self { running: Mutex::new(Some(Arc::new(running))) })
    }

    /// Where others may send packets to, as of now; never an address of an overlay.
    #[getter]
    fn addresses(&self, py: Python<'_>) -> Result<Vec<String>, Failure> {
        let running = self.running()?;
        py.detach(|| running.addresses()).map(convert::texts).map_err(errors::native)
    }

    /// Asks the local router, by UPnP, PCP and NAT-PMP, for a port that leads to the socket for packets, or for none
    /// any more. Nobody is asked at first.
    fn set_port_mapping(&self, enabled: bool) -> Result<(), Failure> {
        self.running()?.set_port_mapping(enabled);
        Ok(())
    }

    /// Where a router leads from outside to the socket for packets, as of now.
    #[getter]
    fn mapped(&self) -> Result<Vec<String>, Failure> {
        Ok(convert::texts(self.running()?.mapped().into_iter().collect()))
    }

    /// Adds or replaces a network: its prefixes, and every member as its node id and addresses.
    fn set_network(
        &self,
        py: Python<'_>,
        id: PyBackedBytes,
        prefixes: Vec<String>,
        members: Vec<Addressed>,
    ) -> PyResult<()> {
        let network = Network {
            id: convert::network_id(&id)?,
            prefixes: convert::prefixes(&prefixes)?,
            members: convert::members(&members)?,
        };
        Ok(self.apply(py, |running| running.set_network(network))?)
    }

    /// Ends a network and its sessions.
    fn remove_network(&self, py: Python<'_>, id: PyBackedBytes) -> PyResult<()> {
        let id = convert::network_id(&id)?;
        Ok(self.apply(py, |running| running.remove_network(id))?)
    }

    /// Says where a node takes packets: addresses, each with its source ("interface", "reflected", "mapped" or
    /// "configured"), and relays (`https://HOST:PORT#sha256=HEX`), where it is known by its carrier id.
    fn set_peer(
        &self,
        py: Python<'_>,
        node_id: PyBackedBytes,
        candidates: Vec<(String, String)>,
        relays: Vec<String>,
        carrier_id: Option<PyBackedBytes>,
    ) -> PyResult<()> {
        let (node, candidates) = (convert::node_id(&node_id)?, convert::candidates(&candidates)?);
        let relays = convert::relays(&relays)?;
        let packet_key = carrier_id.map(|id| convert::endpoint_id(&id)).transpose()?;
        Ok(self.apply(py, |running| running.set_peer(node, candidates, &relays, packet_key))?)
    }

    /// Replaces the relays that this node keeps connections to for its packets.
    fn set_relays(&self, relays: Vec<String>) -> PyResult<()> {
        let relays = convert::relays(&relays)?;
        self.running()?.set_relays(&relays);
        Ok(())
    }

    /// Replaces the reflectors that tell where the socket for packets is seen: address, index and key of each.
    fn set_reflectors(&self, py: Python<'_>, reflectors: Vec<(String, u32, PyBackedBytes)>) -> PyResult<()> {
        let reflectors = convert::reflectors(&reflectors)?;
        Ok(self.apply(py, |running| running.set_reflectors(reflectors))?)
    }

    /// Answers the requests of one node, which has got this index and key, with where they come from.
    fn admit_reflection(&self, py: Python<'_>, index: u32, key: PyBackedBytes) -> PyResult<()> {
        let key = convert::reflection_key(&key)?;
        Ok(self.apply(py, |running| running.admit_reflection(index, key))?)
    }

    /// Answers a node's requests no more.
    fn dismiss_reflection(&self, py: Python<'_>, index: u32) -> PyResult<()> {
        Ok(self.apply(py, |running| running.dismiss_reflection(index))?)
    }

    /// Where others see the socket for packets, newest first.
    #[getter]
    fn reflected(&self) -> Result<Vec<String>, Failure> {
        Ok(convert::texts(self.running()?.reflected()))
    }

    /// Drops what is known of a node.
    fn forget_peer(&self, py: Python<'_>, node_id: PyBackedBytes) -> PyResult<()> {
        let node = convert::node_id(&node_id)?;
        Ok(self.apply(py, |running| running.forget_peer(node))?)
    }

    /// Drops the sessions with a node that restarted.
    fn reset_peer(&self, py: Python<'_>, node_id: PyBackedBytes) -> PyResult<()> {
        let node = convert::node_id(&node_id)?;
        Ok(self.apply(py, |running| running.reset_peer(node))?)
    }

    /// Attaches a TUN, through a duplicate of its descriptor, and gives the device's number.
    fn add_tun(&self, py: Python<'_>, fd: i32, name: String, attachments: Vec<Addressed>, mtu: u16) -> PyResult<u32> {
        let attachments = convert::attachments(&attachments)?;
        let descriptor = descriptor::duplicate(fd).map_err(errors::native)?;
        Ok(self.change(py, |running| running.add_tun(descriptor, name, attachments, mtu)).map(|id| id.0)?)
    }

    /// Makes a TUN with addresses in CIDR form on this machine and attaches it. Needs `CAP_NET_ADMIN`.
    fn create_tun(
        &self,
        py: Python<'_>,
        name: String,
        addresses: Vec<String>,
        attachments: Vec<Addressed>,
        mtu: u16,
    ) -> PyResult<u32> {
        let attachments = convert::attachments(&attachments)?;
        let interface = Interface { name, addresses: convert::interface_addresses(&addresses)?, mtu };
        Ok(self.change(py, |running| running.create_tun(&interface, attachments)).map(|id| id.0)?)
    }

    /// Changes which addresses of which networks a TUN has.
    fn set_attachments(&self, py: Python<'_>, device: u32, attachments: Vec<Addressed>) -> PyResult<()> {
        let attachments = convert::attachments(&attachments)?;
        Ok(self.change(py, |running| running.set_attachments(DeviceId(device), attachments))?)
    }

    /// Detaches a TUN.
    fn remove_device(&self, py: Python<'_>, device: u32) -> PyResult<()> {
        Ok(self.apply(py, |running| running.remove_device(DeviceId(device)))?)
    }

    /// Attaches a TCP/IP stack with addresses in CIDR form: the kernel's where there are namespaces for it, else one
    /// in user space.
    #[pyo3(signature = (attachments, addresses, mtu, namespaces=None))]
    fn add_stack(
        &self,
        py: Python<'_>,
        attachments: Vec<Addressed>,
        addresses: Vec<String>,
        mtu: u16,
        namespaces: Option<&Namespaces>,
    ) -> PyResult<Stack> {
        let attachments = convert::attachments(&attachments)?;
        let addresses = convert::interface_addresses(&addresses)?;
        let namespaces = namespaces.map(Namespaces::shared);
        Ok(self.change(py, |running| running.add_stack(attachments, addresses, mtu, namespaces)).map(Stack::new)?)
    }

    /// Tells the counters, drops by reason, peers, relays, devices, offloads and the preferred cipher.
    #[pyo3(signature = () -> "Future[dict[str, Any]]")]
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let running = self.running()?;
        awaitable(py, async move {
            let snapshot = running.snapshot().await.map_err(errors::native)?;
            let (relays, relay_drops) = running.relays();
            Ok(Snapshot::new(snapshot, relays, relay_drops))
        })
    }

    /// Waits for the next node that packets wait for and that cannot be reached; raises when the packets are stopped.
    #[pyo3(signature = () -> "Future[bytes]")]
    fn next_wanted<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let wanted = self.running()?.wanted();
        awaitable(
            py,
            async move { wanted.next().await.map(|node| node.0).ok_or_else(|| errors::native(EngineStopped)) },
        )
    }

    /// Stops all packets. A second call does nothing.
    fn close(&self, py: Python<'_>) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(|| drop(running));
    }
}

impl DataPlane {
    fn running(&self) -> Result<Arc<data_plane::DataPlane>, Failure> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.clone().ok_or_else(|| errors::native(EngineStopped))
    }

    fn apply(
        &self,
        py: Python<'_>,
        command: impl FnOnce(&data_plane::DataPlane) -> Result<(), EngineStopped> + Send,
    ) -> Result<(), Failure> {
        let running = self.running()?;
        py.detach(|| command(&running)).map_err(errors::native)
    }

    fn change<T: Send>(
        &self,
        py: Python<'_>,
        change: impl FnOnce(&data_plane::DataPlane) -> Result<T, DeviceFailure> + Send,
    ) -> Result<T, Failure> {
        let running = self.running()?;
        py.detach(|| change(&running)).map_err(errors::device)
    }
}
