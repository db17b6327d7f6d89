//! Reading Python's values; what cannot be read is a `ValueError` that names it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use golem_vpn_io::control::{EndpointId, PeerAddress};
use golem_vpn_io::data_plane::InterfaceAddress;
use golem_vpn_io::features::Features;
use golem_vpn_io::relay::RelayAddress;
use golem_vpn_proto::{
    Attachment, Candidate, Cipher, IpPrefix, Member, NetworkId, NodeId, ReflectionKey, ReflectorAddress, Source,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

/// The addresses that something has, named by its id.
pub type Addressed = (PyBackedBytes, Vec<String>);

pub fn endpoint_id(bytes: &[u8]) -> PyResult<EndpointId> {
    EndpointId::from_bytes(&fixed(bytes, "an endpoint id")?)
        .map_err(|_| PyValueError::new_err("an endpoint id is an Ed25519 public key, these bytes are none"))
}

pub fn node_id(bytes: &[u8]) -> PyResult<NodeId> {
    fixed(bytes, "a node id").map(NodeId)
}

pub fn network_id(bytes: &[u8]) -> PyResult<NetworkId> {
    fixed(bytes, "a network id").map(NetworkId)
}

pub fn fixed<const N: usize>(bytes: &[u8], what: &str) -> PyResult<[u8; N]> {
    bytes.try_into().map_err(|_| PyValueError::new_err(format!("{what} has {N} bytes, got {}", bytes.len())))
}

/// Reads addresses with their sources.
pub fn candidates(candidates: &[(String, String)]) -> PyResult<Vec<Candidate>> {
    let candidate = |(text, source): &(String, String)| {
        // What the peer's datagrams tell, the data plane learns by itself.
        let known = Source::from_name(source).filter(|source| *source != Source::Peer);
        let source = known.ok_or_else(|| unreadable("the source of an address", source))?;
        Ok(Candidate { address: address(text)?, source })
    };
    candidates.iter().map(candidate).collect()
}

/// Reads addresses, indices and keys of reflectors.
pub fn reflectors(reflectors: &[(String, u32, PyBackedBytes)]) -> PyResult<Vec<ReflectorAddress>> {
    let reflector = |(text, index, key): &(String, u32, PyBackedBytes)| {
        Ok(ReflectorAddress { address: address(text)?, index: *index, key: reflection_key(key)? })
    };
    reflectors.iter().map(reflector).collect()
}

pub fn reflection_key(bytes: &[u8]) -> PyResult<ReflectionKey> {
    fixed(bytes, "the key of a reflection").map(ReflectionKey)
}

/// Reads socket addresses and relays.
pub fn peer_addresses(texts: &[String]) -> PyResult<Vec<PeerAddress>> {
    let address = |text: &String| text.parse().map_err(|error| PyValueError::new_err(format!("{error}")));
    texts.iter().map(address).collect()
}

pub fn relays(texts: &[String]) -> PyResult<Vec<RelayAddress>> {
    let relay = |text: &String| text.parse().map_err(|error| PyValueError::new_err(format!("{error}")));
    texts.iter().map(relay).collect()
}

pub fn address(text: &str) -> PyResult<SocketAddr> {
    text.parse().map_err(|_| unreadable("IP:PORT", text))
}

pub fn ip(text: &str) -> PyResult<IpAddr> {
    text.parse().map_err(|_| unreadable("an IP address", text))
}

pub fn interface_addresses(texts: &[String]) -> PyResult<Vec<InterfaceAddress>> {
    texts.iter().map(|text| cidr(text)).collect()
}

pub fn prefixes(texts: &[String]) -> PyResult<Vec<IpPrefix>> {
    let prefix = |text: &String| cidr(text).map(|(address, length)| IpPrefix { address, length });
    texts.iter().map(prefix).collect()
}

pub fn members(members: &[Addressed]) -> PyResult<Vec<Member>> {
    let member = |(node, addresses): &Addressed| Ok(Member { node: node_id(node)?, addresses: ips(addresses)? });
    members.iter().map(member).collect()
}

pub fn attachments(attachments: &[Addressed]) -> PyResult<Vec<Attachment>> {
    let attachment =
        |(network, addresses): &Addressed| Ok(Attachment { network: network_id(network)?, addresses: ips(addresses)? });
    attachments.iter().map(attachment).collect()
}

pub fn ciphers(names: &[String]) -> PyResult<Vec<Cipher>> {
    let cipher = |name: &String| Cipher::from_name(name).ok_or_else(|| unreadable("the name of a cipher", name));
    names.iter().map(cipher).collect()
}

/// Reads the names of features to leave out.
pub fn features(without: &[String]) -> PyResult<Features> {
    Features::without(without).map_err(|unknown| PyValueError::new_err(unknown.to_string()))
}

/// Reads an age of at least a second.
pub fn age(seconds: f64) -> PyResult<Duration> {
    let age = Duration::try_from_secs_f64(seconds).ok().filter(|age| *age >= Duration::from_secs(1));
    age.ok_or_else(|| PyValueError::new_err(format!("expected an age of a second or more, got {seconds}")))
}

pub fn timeout(seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| PyValueError::new_err(format!("expected a timeout in seconds, got {seconds}")))
}

pub fn texts(addresses: Vec<SocketAddr>) -> Vec<String> {
    addresses.iter().map(SocketAddr::to_string).collect()
}

fn ips(texts: &[String]) -> PyResult<Vec<IpAddr>> {
    texts.iter().map(|text| ip(text)).collect()
}

fn cidr(text: &str) -> PyResult<(IpAddr, u8)> {
    let read = || {
        let (address, length) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let length = length.parse().ok().filter(|length| *length <= if address.is_ipv4() { 32 } else { 128 })?;
        Some((address, length))
    };
    read().ok_or_else(|| unreadable("ADDRESS/PREFIX-LENGTH", text))
}

fn unreadable(expected: &str, text: &str) -> PyErr {
    PyValueError::new_err(format!("expected {expected}, got {text:?}"))
}
