//! What the daemon and the helper process tell each other, one message a packet. Requests carry a number, and so does
//! the answer to each.

use std::ffi::CString;

use crate::sandbox::failure::Failure;
use crate::sandbox::messages::InterfaceAddress;
use crate::sandbox::messages::decode::interface_address;
use crate::sandbox::wire::{Malformed, Reader, Writer};

/// The number of what the helper says unasked, when it has come to life.
pub(super) const BIRTH: u32 = 0;
/// The number of requests whose answer nobody waits for.
pub(super) const UNANSWERED: u32 = 0;

/// What the daemon asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// A network namespace with an interface, whose descriptor comes with the answer.
    Open {
        space: u32,
        /// Where the host's TUN device node is.
        node: CString,
        mtu: u16,
        addresses: Vec<InterfaceAddress>,
    },
    SetAddresses {
        space: u32,
        addresses: Vec<InterfaceAddress>,
    },
    /// A TCP socket, which comes with the answer.
    Socket {
        space: u32,
        is_ipv6: bool,
    },
    /// The end of a network namespace, as far as the helper has a part in it.
    Close {
        space: u32,
    },
}

/// What comes of a request, beside descriptors.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub number: u32,
    /// Why nothing came of it.
    pub refusal: Option<String>,
}

impl Request {
    pub fn encode(&self, number: u32) -> Vec<u8> {
        let writer = Writer::default().number(number);
        match self {
            Self::Open { space, node, mtu, addresses } => {
                let writer = writer.byte(0).number(*space).text(&node.to_string_lossy()).number((*mtu).into());
                write_addresses(writer, addresses)
            }
            Self::SetAddresses { space, addresses } => write_addresses(writer.byte(1).number(*space), addresses),
            Self::Socket { space, is_ipv6 } => writer.byte(2).number(*space).byte((*is_ipv6).into()),
            Self::Close { space } => writer.byte(3).number(*space),
        }
        .finish()
    }

    pub fn decode(bytes: &[u8]) -> Result<(u32, Self), Malformed> {
        let mut reader = Reader::new(bytes);
        let number = reader.number()?;
        let (kind, space) = (reader.byte()?, reader.number()?);
        let request = match kind {
            0 => Self::Open {
                space,
                node: reader.path()?,
                mtu: u16::try_from(reader.number()?).map_err(|_| Malformed("no such MTU"))?,
                addresses: reader.list(interface_address)?,
            },
            1 => Self::SetAddresses { space, addresses: reader.list(interface_address)? },
            2 => Self::Socket { space, is_ipv6: reader.byte()? != 0 },
            3 => Self::Close { space },
            _ => return Err(Malformed("no such request")),
        };
        reader.end()?;
        Ok((number, request))
    }
}

impl Reply {
    pub fn new(number: u32, failure: Option<&Failure>) -> Self {
        Self { number, refusal: failure.map(ToString::to_string) }
    }

    pub fn encode(&self) -> Vec<u8> {
        let writer = Writer::default().number(self.number).byte(self.refusal.is_some().into());
        match &self.refusal {
            Some(cause) => writer.text(cause),
            None => writer,
        }
        .finish()
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let number = reader.number()?;
        let refusal = if reader.byte()? == 0 { None } else { Some(reader.text()?) };
        reader.end()?;
        Ok(Self { number, refusal })
    }
}

fn write_addresses(writer: Writer, addresses: &[InterfaceAddress]) -> Writer {
    let writer = writer.number(u32::try_from(addresses.len()).unwrap_or(u32::MAX));
    addresses.iter().fold(writer, |writer, own| writer.text(&format!("{}/{}", own.address, own.prefix)))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::sandbox::failure::Part;

    #[test]
    fn requests_read_back() {
        let address = |text: &str, prefix| InterfaceAddress { address: text.parse().expect("an address"), prefix };
        let addresses = vec![address("10.0.0.1", 24), address("fd00::1", 64)];
        for request in [
            Request::Open { space: 7, node: c"/dev/net/tun".to_owned(), mtu: 1420, addresses: addresses.clone() },
            Request::SetAddresses { space: 8, addresses },
            Request::Socket { space: 9, is_ipv6: true },
            Request::Close { space: 1 },
        ] {
            assert_eq!(Request::decode(&request.encode(3)).as_ref(), Ok(&(3, request)));
        }
        assert!(Request::decode(&[1, 0, 0, 0, 9, 0, 0, 0, 0]).is_err());
        assert!(Request::decode(&[1, 0]).is_err());
    }

    #[test]
    fn replies_read_back() {
        let cause = io::Error::from_raw_os_error(libc::EPERM);
        let failure = Failure { part: Part::Namespaces, action: "make a network namespace".to_owned(), cause };
        let refused = Reply::new(5, Some(&failure));
        assert!(refused.refusal.as_ref().is_some_and(|text| text.starts_with("make a network namespace: ")));
        for reply in [refused, Reply::new(BIRTH, None)] {
            assert_eq!(Reply::decode(&reply.encode()).as_ref(), Ok(&reply));
        }
    }
}
