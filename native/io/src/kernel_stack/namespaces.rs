//! The helper process as the daemon sees it.

use std::ffi::CString;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::messages::{BIRTH, Reply, Request, UNANSWERED};
use crate::sandbox::channel::{Channel, Packet};
use crate::sandbox::messages::InterfaceAddress;
use crate::tun;
use crate::udp::options;

/// The longest message is one with all the addresses of a network.
const SEND_BUFFER: libc::c_int = 512 << 10;
/// How long an answer may take; to make a namespace takes a busy kernel some tenths of a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no network namespace, or no socket in one.
#[derive(Debug, thiserror::Error)]
pub enum NamespaceError {
    #[error("{0}")]
    Refused(String),
    #[error("the process that holds the gate's network namespaces has ended")]
    Ended,
    #[error("the process that holds the gate's network namespaces does not answer: {0}")]
    Silent(&'static str),
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Network namespaces of the daemon's own, kept by a helper process that lives until this is dropped.
#[derive(Debug)]
pub struct Namespaces {
    /// Locked by whoever asks; the number of the last question.
    turn: Mutex<u32>,
    channel: AsyncFd<Channel>,
    node: CString,
    last_space: AtomicU32,
}

/// One network namespace, with an interface whose other end is a TUN. It lives as long as that and its sockets.
#[derive(Debug)]
pub(super) struct Space {
    namespaces: Arc<Namespaces>,
    number: u32,
}

impl Namespaces {
    /// Takes over the control socket of a helper and waits until it has found out whether it can do its work; `node` is
    /// the TUN device node. Must run in a tokio runtime.
    ///
    /// # Errors
    /// What the system refused to the helper.
    pub async fn start(control: OwnedFd, node: CString) -> Result<Arc<Self>, NamespaceError> {
        options::set(control.as_fd(), libc::SOL_SOCKET, libc::SO_SNDBUF, SEND_BUFFER)?;
        tun::set_nonblocking(control.as_fd())?;
        // SAFETY: a channel keeps the one descriptor that it has, open, as long as it lives.
        let channel = unsafe { AsyncFd::register(Channel::new(control)) }.map_err(io::Error::from)?;
        let namespaces = Self { turn: Mutex::new(BIRTH), channel, node, last_space: AtomicU32::new(0) };
        namespaces.answer(BIRTH).await?;
        Ok(Arc::new(namespaces))
    }

    /// Makes a network namespace, and gives the TUN of its interface.
    pub(super) async fn open(
        self: &Arc<Self>,
        addresses: &[(IpAddr, u8)],
        mtu: u16,
    ) -> Result<(Space, OwnedFd), NamespaceError> {
        let number = self.last_space.fetch_add(1, Ordering::Relaxed);
        let request =
            Request::Open { space: number, node: self.node.clone(), mtu, addresses: interface_addresses(addresses) };
        // From now on it is to be closed, even where nobody waits for the answer any more.
        let space = Space { namespaces: self.clone(), number };
        Ok((space, one(self.ask(&request).await?)?))
    }

    async fn ask(&self, request: &Request) -> Result<Vec<OwnedFd>, NamespaceError> {
        let mut last = self.turn.lock().await;
        *last = last.wrapping_add(1).max(BIRTH + 1);
        self.send(&request.encode(*last)).await?;
        self.answer(*last).await
    }

    async fn send(&self, message: &[u8]) -> Result<(), NamespaceError> {
        let sending = async {
            loop {
                let mut ready = self.channel.writable().await?;
                if let Ok(sent) = ready.try_io(|channel| channel.get_ref().send(message, &[])) {
                    return sent;
                }
            }
        };
        let sent = timeout(PATIENCE, sending).await.map_err(|_| NamespaceError::Silent("it takes no requests"))?;
        sent.map_err(|error| if is_end(&error) { NamespaceError::Ended } else { error.into() })
    }

    /// Waits for an answer, past those to questions that were given up.
    async fn answer(&self, number: u32) -> Result<Vec<OwnedFd>, NamespaceError> {
        let answering = async {
            loop {
                let Packet { bytes, descriptors } = self.receive().await?;
                let reply = Reply::decode(&bytes).map_err(io::Error::other)?;
                match reply.refusal {
                    _ if reply.number != number => {}
                    Some(cause) => return Err(NamespaceError::Refused(cause)),
                    None => return Ok(descriptors),
                }
            }
        };
        timeout(PATIENCE, answering).await.map_err(|_| NamespaceError::Silent("no answer came in time"))?
    }

    async fn receive(&self) -> Result<Packet, NamespaceError> {
        loop {
            let mut ready = self.channel.readable().await?;
            match ready.try_io(|channel| channel.get_ref().receive()) {
                Ok(Ok(packet)) => return packet.ok_or(NamespaceError::Ended),
                Ok(Err(error)) if is_end(&error) => return Err(NamespaceError::Ended),
                Ok(Err(error)) => return Err(error.into()),
                Err(_would_block) => {}
            }
        }
    }
}

impl Space {
    /// Replaces the addresses of the interface, and does not touch those that stay.
    pub async fn set_addresses(&self, addresses: &[(IpAddr, u8)]) -> Result<(), NamespaceError> {
        let addresses = interface_addresses(addresses);
        self.namespaces.ask(&Request::SetAddresses { space: self.number, addresses }).await?;
        Ok(())
    }

    /// Makes a TCP socket that does not block.
    pub async fn socket(&self, is_ipv6: bool) -> Result<OwnedFd, NamespaceError> {
        one(self.namespaces.ask(&Request::Socket { space: self.number, is_ipv6 }).await?)
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        let request = Request::Close { space: self.number }.encode(UNANSWERED);
        // A helper that takes no message is at its end, and the namespace with it.
        self.namespaces.channel.get_ref().send(&request, &[]).ok();
    }
}

fn interface_addresses(addresses: &[(IpAddr, u8)]) -> Vec<InterfaceAddress> {
    addresses.iter().map(|(address, prefix)| InterfaceAddress { address: *address, prefix: *prefix }).collect()
}

fn one(descriptors: Vec<OwnedFd>) -> Result<OwnedFd, NamespaceError> {
    descriptors.into_iter().next().ok_or(NamespaceError::Silent("an answer lacks its descriptor"))
}

fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}
