//! Names of nodes, networks and devices.

use std::fmt;
use std::str::FromStr;

/// An identifier that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, got {given:?}")]
pub struct ParseIdError {
    expected: &'static str,
    given: String,
}

/// The Ethereum-style address of a node's secp256k1 key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub [u8; 20]);

/// The random name of a virtual network.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NetworkId(pub [u8; 16]);

/// A device of this node, numbered by whoever adds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceId(pub u32);

impl fmt::Display for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("0x")?;
        write_hex(&self.0, formatter)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for NodeId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix("0x")
            .and_then(read_hex)
            .map(Self)
            .ok_or_else(|| ParseIdError { expected: "a node id: 0x and 40 hexadecimal digits", given: text.to_owned() })
    }
}

impl fmt::Display for NetworkId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, formatter)
    }
}

impl fmt::Debug for NetworkId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for NetworkId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read_hex(text)
            .map(Self)
            .ok_or_else(|| ParseIdError { expected: "a network id: 32 hexadecimal digits", given: text.to_owned() })
    }
}

fn write_hex(bytes: &[u8], formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
}

fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |symbol: u8| char::from(symbol).to_digit(16);
        *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_id_reads_back() {
        let text = "0x00112233445566778899aabbccddeeff00112233";
        assert_eq!(text.parse::<NodeId>().unwrap().to_string(), text);
        assert_eq!(text.to_uppercase().replace("0X", "0x").parse::<NodeId>().unwrap().to_string(), text);
    }

    #[test]
    fn malformed_ids_are_refused() {
        for text in [
            "",
            "0x",
            "0x0011",
            "00112233445566778899aabbccddeeff00112233",
            "0x+0112233445566778899aabbccddeeff0011223",
        ] {
            assert!(text.parse::<NodeId>().is_err(), "{text}");
        }
        assert!("é0112233445566778899aabbccddeef".parse::<NetworkId>().is_err());
    }
}
