//! The handle of this daemon's control endpoint.

use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use golem_vpn_proto::NodeId;
use iroh::endpoint::{BindOpts, Builder, Connection, NetReportConfig, QuicTransportConfig, VarInt, presets};
use iroh::{EndpointId, RelayMap, RelayMode, SecretKey, Watcher};
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot};

use super::address::PeerAddress;
use super::authorization::Authorization;
use super::budget::Budget;
use super::connections::{ConnectionEvent, Connections};
use super::dials::Dials;
use super::error::{BindError, ControlError, Refusal};
use super::listener::{self, Request};
use super::paths::OutsideOverlays;
use super::relays::Relays;
use super::wire::{Kind, Purpose};
use crate::interfaces;
use crate::relay::{self, RelayAddress, Trust, packet_key};

const KEEP_ALIVE: Duration = Duration::from_secs(1);
const IDLE_TIMEOUT_MILLISECONDS: u32 = 4000;
const STREAMS_PER_CONNECTION: u32 = 32;
/// What a peer may have sent on a connection that nobody has read yet.
const RECEIVE_WINDOW: u32 = 256 << 10;
const SEND_WINDOW: u64 = 1 << 20;
const REQUEST_BACKLOG: usize = 256;

/// Who makes and loses sessions for packets: the data plane.
pub trait Sessions: Send + Sync {
    /// Answers a handshake message of a node; `binding` is known only to the two ends of its connection.
    fn handshake(&self, from: NodeId, message: Vec<u8>, binding: [u8; 32]) -> oneshot::Receiver<Vec<u8>>;
    /// The node does not know our sessions with it any more.
    fn reset(&self, from: NodeId);
}

/// The control endpoint; closes when dropped.
pub struct Endpoint {
    pub(super) shared: Arc<Shared>,
    incoming: tokio::sync::Mutex<mpsc::Receiver<Request>>,
    events: tokio::sync::Mutex<broadcast::Receiver<ConnectionEvent>>,
    packet_key: SecretKey,
    runtime: tokio::runtime::Handle,
}

/// What the tasks of an endpoint share.
pub(super) struct Shared {
    pub(super) iroh: iroh::Endpoint,
    pub(super) connections: Connections,
    pub(super) relays: Relays,
    pub(super) dials: Dials,
    pub(super) authorization: Authorization,
    pub(super) budget: Budget,
    pub(super) connecting: Arc<Semaphore>,
    pub(super) requests: mpsc::Sender<Request>,
    sessions: Mutex<Option<Arc<dyn Sessions>>>,
}

impl Endpoint {
    /// Listens at an address; `0.0.0.0` means every interface, with IPv6 where the machine has it.
    pub async fn bind(secret_key: [u8; 32], listen: SocketAddr) -> Result<Self, BindError> {
        Self::open(secret_key, Some(listen)).await
    }

    /// Listens nowhere: connections of either side go through relays alone. iroh tells each peer all addresses of the
    /// machine, as soon as there is a socket.
    pub async fn relayed_only(secret_key: [u8; 32]) -> Result<Self, BindError> {
        Self::open(secret_key, None).await
    }

    async fn open(secret_key: [u8; 32], listen: Option<SocketAddr>) -> Result<Self, BindError> {
        let refuse = |cause: String| BindError { address: listen, cause };
        let trust = Arc::new(Trust::default());
        let mut builder = builder(&secret_key, trust.clone());
        if let Some(listen) = listen {
            builder = bind_addresses(builder, listen).map_err(|error| refuse(format!("{error:#}")))?;
        }
        let iroh = builder.bind().await.map_err(|error| refuse(format!("{error:#}")))?;
        let (requests, incoming) = mpsc::channel(REQUEST_BACKLOG);
        let connections = Connections::new();
        let events = connections.subscribe();
        let shared = Arc::new(Shared {
            relays: Relays::start(iroh.clone(), trust),
            iroh,
            connections,
            dials: Dials::default(),
            authorization: Authorization::default(),
            budget: Budget::new(),
            connecting: Arc::new(Semaphore::new(listener::MAXIMUM_CONNECTING)),
            requests,
            sessions: Mutex::default(),
        });
        tokio::spawn(listener::listen(shared.clone()));
        let (packet_key, runtime) = (packet_key(&secret_key), tokio::runtime::Handle::current());
        Ok(Self { shared, incoming: incoming.into(), events: events.into(), packet_key, runtime })
    }

    pub fn id(&self) -> EndpointId {
        self.shared.iroh.id()
    }

    /// Lists where others may reach this endpoint, as of now.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        interfaces::expand(&self.shared.iroh.bound_sockets())
    }

    /// The UDP ports that control connections take on this machine.
    pub fn bound_ports(&self) -> Vec<u16> {
        self.shared.iroh.bound_sockets().iter().map(SocketAddr::port).collect()
    }

    /// Replaces the relays that control connections may take; one of them is the *home relay*, which others find this
    /// endpoint at.
    pub fn set_relays(&self, relays: Vec<RelayAddress>) {
        self.shared.relays.set(relays);
    }

    /// Takes note that somebody else has found a relay dead or alive, so that a dead home relay is left at once.
    pub fn report_relay(&self, relay: &RelayAddress, is_alive: bool) {
        self.shared.relays.report(relay, is_alive);
    }

    /// The home relay, while it is connected.
    pub fn home_relay(&self) -> Option<RelayAddress> {
        let status = self.shared.iroh.home_relay_status().get();
        let home = status.iter().find(|relay| relay.is_connected())?;
        self.shared.relays.find(home.url())
    }

    /// The key by which relays know this node's packets.
    pub fn packet_key(&self) -> &SecretKey {
        &self.packet_key
    }

    /// Sends an application message and waits for the reply. Safe to drop while it waits.
    pub async fn request(
        &self,
        peer: EndpointId,
        addresses: &[PeerAddress],
        message: &[u8],
        timeout: Duration,
    ) -> Result<Vec<u8>, ControlError> {
        let answer = self.shared.ask(peer, addresses, Kind::Application, message, timeout).await?;
        Ok(answer.reply)
    }

    /// Ends the connection to a peer if nobody asked anything over it for so long; whether there is none then.
    pub fn disconnect_idle(&self, peer: EndpointId, time: Duration) -> bool {
        self.shared.connections.end_idle(peer, time)
    }

    /// Waits for the next application message of a peer.
    pub async fn accept(&self) -> Result<Request, ControlError> {
        tokio::select! {
            request = async { self.incoming.lock().await.recv().await } => request.ok_or(ControlError::Closed),
            () = self.shared.iroh.closed() => Err(ControlError::Closed),
        }
    }

    /// Waits for the next peer to come or go. Events that nobody fetches give way to newer ones.
    pub async fn next_event(&self) -> Result<ConnectionEvent, ControlError> {
        tokio::select! {
            event = async { self.next_of_backlog().await } => event,
            () = self.shared.iroh.closed() => Err(ControlError::Closed),
        }
    }

    async fn next_of_backlog(&self) -> Result<ConnectionEvent, ControlError> {
        let mut events = self.events.lock().await;
        loop {
            match events.recv().await {
                Ok(event) => return Ok(event),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return Err(ControlError::Closed),
            }
        }
    }

    /// Says that an endpoint has proved to speak for a node, and where that node is reached.
    pub fn authorize(&self, endpoint: EndpointId, node: NodeId, addresses: Vec<PeerAddress>) {
        self.shared.authorization.authorize(endpoint, node, addresses);
    }

    /// Makes an endpoint a stranger again.
    pub fn revoke(&self, endpoint: EndpointId) {
        self.shared.authorization.revoke(endpoint);
    }

    /// Names who answers session handshakes from now on.
    pub fn attach_sessions(&self, sessions: Arc<dyn Sessions>) {
        *self.shared.sessions.lock().unwrap_or_else(PoisonError::into_inner) = Some(sessions);
    }

    /// Lets nobody answer session handshakes any more.
    pub fn detach_sessions(&self) {
        *self.shared.sessions.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Offers a session to a node; gives its answer and the binding of the connection that carried both.
    pub async fn offer_session(
        &self,
        node: NodeId,
        message: &[u8],
        timeout: Duration,
    ) -> Result<(Vec<u8>, [u8; 32]), ControlError> {
        let contact = self.shared.authorization.contact(node).ok_or_else(unknown_node)?;
        let asked = self.shared.ask(contact.endpoint, &contact.addresses, Kind::Handshake, message, timeout).await?;
        let binding = session_binding(&asked.connection).ok_or(ControlError::Closed)?;
        Ok((asked.reply, binding))
    }

    /// Tells a node that this one does not know its sessions.
    pub async fn announce_reset(&self, node: NodeId, timeout: Duration) -> Result<(), ControlError> {
        let contact = self.shared.authorization.contact(node).ok_or_else(unknown_node)?;
        self.shared.ask(contact.endpoint, &contact.addresses, Kind::Reset, &[], timeout).await?;
        Ok(())
    }

    /// Says farewell to all peers and frees the port.
    pub async fn close(&self) {
        self.detach_sessions();
        self.shared.iroh.close().await;
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let iroh = self.shared.iroh.clone();
        self.runtime.spawn(async move { iroh.close().await });
    }
}

impl Shared {
    /// Keeps a new connection and answers its streams.
    pub(super) fn adopt(self: &Arc<Self>, connection: &Connection) -> Result<(), Refusal> {
        self.connections.add(connection, |peer| self.authorization.node(peer).is_some())?;
        tokio::spawn(listener::serve(self.clone(), connection.clone()));
        Ok(())
    }

    pub(super) fn sessions(&self) -> Option<Arc<dyn Sessions>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Derives a secret that only the two ends of this connection know.
pub(super) fn session_binding(connection: &Connection) -> Option<[u8; 32]> {
    let mut binding = [0; 32];
    connection.export_keying_material(&mut binding, b"golem-vpn session", b"").ok()?;
    Some(binding)
}

fn builder(secret_key: &[u8; 32], trust: Arc<Trust>) -> Builder {
    let secret_key = SecretKey::from_bytes(secret_key);
    let own = secret_key.public();
    iroh::Endpoint::builder(presets::Minimal)
        .crypto_provider(relay::provider())
        .ca_tls_config(relay::authorities(trust))
        .dns_resolver(relay::resolver())
        .relay_mode(RelayMode::Custom(RelayMap::empty()))
        .net_report_config(net_report_config())
        .alpns(vec![Purpose::Messages.alpn(own)])
        .secret_key(secret_key)
        .transport_config(transport_config())
        .path_selector(Arc::new(OutsideOverlays))
        .clear_ip_transports()
}

fn bind_addresses(builder: Builder, listen: SocketAddr) -> Result<Builder, iroh::endpoint::InvalidSocketAddr> {
    if listen.is_ipv4() && listen.ip().is_unspecified() {
        let six = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), listen.port());
        builder.bind_addr(listen)?.bind_addr_with_opts(six, BindOpts::default().set_is_required(false))
    } else {
        builder.bind_addr(listen)
    }
}

/// Asks relays for their distance only: a look for captive portals would go to another port, in the open.
fn net_report_config() -> NetReportConfig {
    let mut config = NetReportConfig::default();
    config.captive_portal_check = false;
    config
}

fn transport_config() -> QuicTransportConfig {
    QuicTransportConfig::builder()
        .keep_alive_interval(KEEP_ALIVE)
        .default_path_keep_alive_interval(KEEP_ALIVE)
        .max_idle_timeout(Some(VarInt::from_u32(IDLE_TIMEOUT_MILLISECONDS).into()))
        .default_path_max_idle_timeout(Duration::from_millis(IDLE_TIMEOUT_MILLISECONDS.into()))
        .max_concurrent_bidi_streams(STREAMS_PER_CONNECTION.into())
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(RECEIVE_WINDOW.into())
        .receive_window(RECEIVE_WINDOW.into())
        .send_window(SEND_WINDOW)
        .build()
}

fn unknown_node() -> ControlError {
    ControlError::Unreachable("its endpoint is not known yet".to_owned())
}
