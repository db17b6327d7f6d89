//! Relays, for nodes that can't reach each other: the server, and the clients that carry packets through it.
//!
//! A relay is known by its address and the *pin* of its certificate, and takes datagrams only of keys that it was told
//! to admit. It sees who talks to whom and how much, never what: what it carries is sealed before.

mod address;
mod admission;
mod certificate;
mod client;
mod clients;
mod discovery;
mod key;
mod names;
mod server;
mod sockets;
#[cfg(test)]
mod tests;
mod trust;

pub use address::{Pin, RelayAddress, UnreadableRelay};
pub use admission::Admitted;
pub use certificate::{CertificateError, Pem, make as make_certificate};
pub use clients::{RelayClients, RelayDrops, RelayIndex, RelayState, RelayUser, Train};
pub use server::{Relay, StartError};

pub(crate) use key::packet_key;
pub(crate) use names::resolver;
pub(crate) use trust::{Trust, authorities, provider};
