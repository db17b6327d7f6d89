//! `Relay`: a relay for nodes that can't reach each other.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use golem_vpn_io::relay::{self, Admitted, Pem, make_certificate};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use crate::asynchronous::awaitable;
use crate::errors::Failure;
use crate::{convert, errors};

/// Carries sealed datagrams between nodes that can't reach each other, over TLS.
#[pyclass(module = "golem_vpn._native", frozen)]
pub struct Relay {
    relay: Arc<relay::Relay>,
}

#[pymethods]
impl Relay {
    /// Listens at `IP:PORT`, TCP, and at the same UDP port for address discovery. Certificate and key are PEM; without
    /// them one is made that lasts as long as the relay. Nobody is admitted at first.
    #[staticmethod]
    #[pyo3(signature = (listen, certificate=None, key=None, *, bytes_per_second=None) -> "Future[Relay]")]
    fn start(
        py: Python<'_>,
        listen: String,
        certificate: Option<PyBackedBytes>,
        key: Option<PyBackedBytes>,
        bytes_per_second: Option<u32>,
    ) -> PyResult<Bound<'_, PyAny>> {
        let listen = convert::address(&listen)?;
        let nothing = || PyValueError::new_err("a relay that carries 0 bytes per second is of no use");
        let limit = bytes_per_second.map(|limit| NonZeroU32::new(limit).ok_or_else(nothing)).transpose()?;
        let pem = match (certificate, key) {
            (Some(certificate), Some(key)) => Pem { certificate: certificate.to_vec(), key: key.to_vec() },
            (None, None) => make_certificate(vec![listen.ip().to_string()]).map_err(errors::native)?,
            _ => return Err(PyValueError::new_err("a certificate and its key come together")),
        };
        awaitable(py, async move {
            let relay = relay::Relay::start(listen, &pem, limit).await.map_err(errors::native)?;
            Ok(Self { relay: Arc::new(relay) })
        })
    }

    /// Makes a self-signed certificate for host names and IP addresses, and its key; both PEM.
    #[staticmethod]
    #[pyo3(signature = (names) -> "tuple[bytes, bytes]")]
    fn make_certificate(
        py: Python<'_>,
        names: Vec<String>,
    ) -> Result<(Bound<'_, PyBytes>, Bound<'_, PyBytes>), Failure> {
        let made = make_certificate(names).map_err(errors::native)?;
        Ok((PyBytes::new(py, &made.certificate), PyBytes::new(py, &made.key)))
    }

    /// The `IP:PORT` it listens at.
    #[getter]
    fn address(&self) -> String {
        self.relay.address().to_string()
    }

    /// The SHA-256 of its certificate's DER, in hexadecimal digits.
    #[getter]
    fn pin(&self) -> String {
        self.relay.pin().to_string()
    }

    /// Replaces who may connect: endpoint ids and carrier ids, and the passes that let a guest in for a minute. Whoever
    /// is connected and may not is cut.
    #[pyo3(signature = (endpoint_ids, passes=Vec::new()))]
    fn set_admitted(&self, endpoint_ids: Vec<PyBackedBytes>, passes: Vec<String>) -> PyResult<()> {
        let keys: HashSet<_> = endpoint_ids.iter().map(|id| convert::endpoint_id(id)).collect::<PyResult<_>>()?;
        self.relay.set_admitted(Admitted { keys, passes: passes.into_iter().collect() });
        Ok(())
    }

    /// What it did, by the names of metrics.
    fn counters(&self) -> BTreeMap<&'static str, u64> {
        self.relay.counters()
    }

    /// Cuts all clients and frees the ports.
    #[pyo3(signature = () -> "Future[None]")]
    fn close<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let relay = self.relay.clone();
        awaitable(py, async move {
            relay.close().await;
            Ok(())
        })
    }
}
