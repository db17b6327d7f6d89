//! Reading Python's values; what cannot be read is a `ValueError` that names it.

use std::net::SocketAddr;
use std::time::Duration;

use golem_vpn_io::control::EndpointId;
use golem_vpn_proto::NodeId;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

pub fn endpoint_id(bytes: &[u8]) -> PyResult<EndpointId> {
    EndpointId::from_bytes(&fixed(bytes, "an endpoint id")?)
        .map_err(|_| PyValueError::new_err("an endpoint id is an Ed25519 public key, these bytes are none"))
}

pub fn node_id(bytes: &[u8]) -> PyResult<NodeId> {
    fixed(bytes, "a node id").map(NodeId)
}

pub fn fixed<const N: usize>(bytes: &[u8], what: &str) -> PyResult<[u8; N]> {
    bytes.try_into().map_err(|_| PyValueError::new_err(format!("{what} has {N} bytes, got {}", bytes.len())))
}

pub fn addresses(texts: &[String]) -> PyResult<Vec<SocketAddr>> {
    texts.iter().map(|text| address(text)).collect()
}

pub fn address(text: &str) -> PyResult<SocketAddr> {
    text.parse().map_err(|_| PyValueError::new_err(format!("expected IP:PORT, got {text:?}")))
}

pub fn timeout(seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| PyValueError::new_err(format!("expected a timeout in seconds, got {seconds}")))
}

pub fn texts(addresses: Vec<SocketAddr>) -> Vec<String> {
    addresses.iter().map(SocketAddr::to_string).collect()
}
