//! What arrives through the data plane is what arrives by the book.
//!
//! The *fast* path is two nodes with a real handshake between them: super-packets, trains, merging. The *book* (`book`)
//! is written for these tests only, shares no code with the data plane, and takes no short cut: it cuts by the
//! definition of segmentation offload, sums every checksum in full, finds owners by looking at each, and forwards one
//! packet at a time. Both get the same traffic; what the fast path delivers as super-packets the book cuts too, and then
//! all bytes are compared.

mod arrivals;
mod book;
mod clean;
mod ledger;
#[path = "../properties/pair.rs"]
#[expect(dead_code, reason = "shared with the properties, which use more of it")]
mod pair;
#[path = "../sim/random.rs"]
mod random;
mod recorded;
mod rough;
mod sender;
mod steps;
mod wire;
