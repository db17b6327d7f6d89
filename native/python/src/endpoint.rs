//! `Endpoint` and `Request`: control connections.

use std::sync::{Arc, Mutex, PoisonError};

use golem_vpn_io::control::{self, BindError, ConnectionEvent};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::asynchronous::awaitable;
use crate::errors::Failure;
use crate::{convert, errors};

/// Control connections to the daemons of other nodes, dialled by key.
#[pyclass(module = "golem_vpn._native", frozen)]
pub struct Endpoint {
    endpoint: Arc<control::Endpoint>,
}

#[pymethods]
impl Endpoint {
    /// Listens at `IP:PORT`; `0.0.0.0` means every interface, with IPv6 where the machine has it.
    #[staticmethod]
    #[pyo3(signature = (secret_key, listen) -> "Future[Endpoint]")]
    fn bind(py: Python<'_>, secret_key: PyBackedBytes, listen: String) -> PyResult<Bound<'_, PyAny>> {
        let secret_key = convert::fixed(&secret_key, "a secret key")?;
        let listen = convert::address(&listen)?;
        awaitable(py, async move { Self::opened(control::Endpoint::bind(secret_key, listen).await) })
    }

    /// Listens nowhere: connections of either side go through relays alone.
    #[staticmethod]
    #[pyo3(signature = (secret_key) -> "Future[Endpoint]")]
    fn relayed_only(py: Python<'_>, secret_key: PyBackedBytes) -> PyResult<Bound<'_, PyAny>> {
        let secret_key = convert::fixed(&secret_key, "a secret key")?;
        awaitable(py, async move { Self::opened(control::Endpoint::relayed_only(secret_key).await) })
    }

    /// The public key that others dial.
    #[getter]
    fn endpoint_id(&self) -> [u8; 32] {
        *self.endpoint.id().as_bytes()
    }

    /// Where others may reach this endpoint, as of now; never an address of an overlay.
    #[getter]
    fn addresses(&self, py: Python<'_>) -> Result<Vec<String>, Failure> {
        py.detach(|| self.endpoint.addresses()).map(convert::texts).map_err(errors::native)
    }

    /// Replaces the relays that control connections may take, `https://HOST:PORT#sha256=HEX` each: the pin is the
    /// SHA-256 of the relay's certificate. Without one the certificate has to be of a public authority.
    fn set_relays(&self, relays: Vec<String>) -> PyResult<()> {
        self.endpoint.set_relays(convert::relays(&relays)?);
        Ok(())
    }

    /// The relay that others find this endpoint at, while it is connected.
    #[getter]
    fn home_relay(&self) -> Option<String> {
        self.endpoint.home_relay().map(|relay| relay.to_string())
    }

    /// The public key by which relays know this node's packets.
    #[getter]
    fn carrier_id(&self) -> [u8; 32] {
        *self.endpoint.packet_key().public().as_bytes()
    }

    /// Sends a message of at most 1 MiB and waits for the reply. An address is `IP:PORT` or a relay, as of
    /// `set_relays`.
    #[pyo3(signature = (endpoint_id, addresses, message, timeout) -> "Future[bytes]")]
    fn request<'py>(
        &self,
        py: Python<'py>,
        endpoint_id: PyBackedBytes,
        addresses: Vec<String>,
        message: PyBackedBytes,
        timeout: f64,
    ) -> PyResult<Bound<'py, PyAny>> {
        let peer = convert::endpoint_id(&endpoint_id)?;
        let addresses = convert::peer_addresses(&addresses)?;
        let timeout = convert::timeout(timeout)?;
        let endpoint = self.endpoint.clone();
        awaitable(
            py,
            async move { endpoint.request(peer, &addresses, &message, timeout).await.map_err(Failure::Control) },
        )
    }

    /// Ends the connection to a peer if nobody asked anything over it for so many seconds; whether there is none then.
    fn disconnect_idle(&self, endpoint_id: PyBackedBytes, seconds: f64) -> PyResult<bool> {
        Ok(self.endpoint.disconnect_idle(convert::endpoint_id(&endpoint_id)?, convert::timeout(seconds)?))
    }

    /// Waits for the next request of a peer; raises when the endpoint is closed.
    #[pyo3(signature = () -> "Future[Request]")]
    fn accept<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let endpoint = self.endpoint.clone();
        awaitable(py, async move { endpoint.accept().await.map(Request::new).map_err(Failure::Control) })
    }

    /// Says that an endpoint has proved to speak for a node, and where to reach it. Sessions for packets need it.
    fn authorize(&self, endpoint_id: PyBackedBytes, node_id: PyBackedBytes, addresses: Vec<String>) -> PyResult<()> {
        let peer = convert::endpoint_id(&endpoint_id)?;
        self.endpoint.authorize(peer, convert::node_id(&node_id)?, convert::peer_addresses(&addresses)?);
        Ok(())
    }

    /// Makes an endpoint a stranger again.
    fn revoke(&self, endpoint_id: PyBackedBytes) -> PyResult<()> {
        self.endpoint.revoke(convert::endpoint_id(&endpoint_id)?);
        Ok(())
    }

    /// Waits for a peer to come ("connected") or go ("disconnected"), with its endpoint id.
    #[pyo3(signature = () -> "Future[tuple[Literal['connected', 'disconnected'], bytes]]")]
    fn next_event<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let endpoint = self.endpoint.clone();
        awaitable(py, async move {
            let (name, peer) = match endpoint.next_event().await.map_err(Failure::Control)? {
                ConnectionEvent::Connected(peer) => ("connected", peer),
                ConnectionEvent::Disconnected(peer) => ("disconnected", peer),
            };
            Ok((name, *peer.as_bytes()))
        })
    }

    /// Says farewell to all peers and frees the port.
    #[pyo3(signature = () -> "Future[None]")]
    fn close<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let endpoint = self.endpoint.clone();
        awaitable(py, async move {
            endpoint.close().await;
            Ok(())
        })
    }
}

impl Endpoint {
    fn opened(endpoint: Result<control::Endpoint, BindError>) -> Result<Self, Failure> {
        Ok(Self { endpoint: Arc::new(endpoint.map_err(errors::native)?) })
    }

    pub fn shared(&self) -> Arc<control::Endpoint> {
        self.endpoint.clone()
    }
}

/// A message of a peer that waits for its reply; dropped unanswered, the peer is refused.
#[pyclass(module = "golem_vpn._native", frozen)]
pub struct Request {
    endpoint_id: [u8; 32],
    remote: String,
    waiting: Mutex<Option<control::Request>>,
    message: Vec<u8>,
}

#[pymethods]
impl Request {
    /// The key that the peer has proved to hold.
    #[getter]
    fn endpoint_id(&self) -> [u8; 32] {
        self.endpoint_id
    }

    /// The `IP:PORT` that the peer's packets come from; empty if they come some other way.
    #[getter]
    fn remote(&self) -> &str {
        &self.remote
    }

    #[getter]
    fn message(&self) -> &[u8] {
        &self.message
    }

    /// Sends the reply; a second one is an error.
    fn respond(&self, message: PyBackedBytes) -> Result<(), Failure> {
        if message.len() > control::MESSAGE_LIMIT {
            return Err(Failure::Control(control::ControlError::TooLong(message.len())));
        }
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        waiting.ok_or_else(|| errors::native("the request is answered already"))?.respond(message.to_vec());
        Ok(())
    }
}

impl Request {
    fn new(mut request: control::Request) -> Self {
        Self {
            endpoint_id: *request.endpoint.as_bytes(),
            remote: request.remote.map(|address| address.to_string()).unwrap_or_default(),
            message: std::mem::take(&mut request.message),
            waiting: Mutex::new(Some(request)),
        }
    }
}
