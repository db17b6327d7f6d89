//! Control connections between daemons: QUIC by iroh, dialled by key, at addresses and through relays that are given.
//!
//! One request is one bidirectional stream: a kind byte, the length and the bytes of a message of at most 1 MiB
//! (`wire`), answered by the length and the bytes of the reply, or by a reset with a [`Refusal`]. `connections` knows
//! the live connections, `dials` makes one where there is none, `requests` asks over it, `listener` answers.
//!
//! Whoever holds some key may connect: a peer is a *stranger* until Python has verified its hello and called
//! [`Endpoint::authorize`]. Strangers are served application messages only, within a small budget of their own.

mod address;
mod authorization;
mod budget;
mod connections;
mod dials;
mod endpoint;
mod error;
mod listener;
mod paths;
mod relays;
mod requests;
#[cfg(test)]
mod tests;
mod usage;
mod wire;

pub use address::{PeerAddress, UnreadableAddress};
pub use connections::ConnectionEvent;
pub use endpoint::{Endpoint, Sessions};
pub use error::{BindError, ControlError, Refusal};
pub use iroh::EndpointId;
pub use listener::Request;
pub use wire::MESSAGE_LIMIT;
