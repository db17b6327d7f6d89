//! A relay: carries datagrams between nodes that can't reach each other, over TLS.
//!
//! The relay protocol is iroh-relay's. Around it stand what it leaves to its user: one listening socket with bounds on
//! who may wait there, the set of admitted keys, and a stop for those who leave that set.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::{HeaderMap, Method};
use iroh_relay::KeyCache;
use iroh_relay::http::RELAY_PROBE_PATH;
use iroh_relay::server::http_server::{Handlers, RelayService, TlsConfig};
use iroh_relay::server::{ClientRateLimit, Metrics};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::address::Pin;
use super::admission::{Admission, Admitted};
use super::certificate::{self, CertificateError, Pem};
use super::discovery::Discovery;
use super::sockets;
use crate::interfaces;

/// Connections that have not shown an admitted key yet.
const STRANGERS: usize = 512;
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
const KEYS_CACHED: usize = 4096;
/// Ports tried where the system chooses one, as TCP and UDP have to agree on it.
const PORT_ATTEMPTS: usize = 16;
/// The wait after the system had no descriptor for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// One who is shaking hands when the admitted change is cut right after.
const CUT_PAUSE: Duration = Duration::from_millis(50);
/// How often guests are looked after.
const ROUNDS: Duration = Duration::from_secs(5);

/// Why a relay did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the relay cannot listen at {address}: {cause}")]
    Bind { address: SocketAddr, cause: io::Error },
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

/// A running relay; closes when dropped.
pub struct Relay {
    address: SocketAddr,
    pin: Pin,
    service: RelayService,
    admission: Arc<Admission>,
    metrics: Arc<Metrics>,
    discovery: Discovery,
    turned_away: Arc<AtomicU64>,
    tasks: Mutex<JoinSet<()>>,
    runtime: Handle,
}

impl Relay {
    /// Serves at a TCP port, and address discovery at the UDP port of the same number. Nobody is admitted at first.
    /// `0.0.0.0` means every interface, with IPv6 where the machine has it.
    ///
    /// `bytes_per_second` limits what each client sends; what exceeds it waits at the client.
    pub async fn start(
        listen: SocketAddr,
        certificate: &Pem,
        bytes_per_second: Option<NonZeroU32>,
    ) -> Result<Self, StartError> {
        let identity = certificate::read(certificate)?;
        let refuse = |cause| StartError::Bind { address: listen, cause };
        let (listener, discovery) = bind(listen, &identity.tls).await.map_err(refuse)?;
        let address = SocketAddr::new(listen.ip(), listener.local_addr().map_err(refuse)?.port());
        let (admission, metrics) = (Arc::new(Admission::default()), Arc::new(Metrics::default()));
        let service = RelayService::new(
            handlers(),
            HeaderMap::new(),
            bytes_per_second.map(ClientRateLimit::new),
            KeyCache::new(KEYS_CACHED),
            admission.clone(),
            metrics.clone(),
        );
        let turned_away = Arc::new(AtomicU64::new(0));
        let accepting = accept(listener, service.clone(), TlsConfig::new(identity.tls), turned_away.clone());
        let rounds = make_rounds(admission.clone(), service.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(accepting);
        tasks.spawn(rounds);
        let (pin, tasks, runtime) = (identity.pin, Mutex::new(tasks), Handle::current());
        Ok(Self { address, pin, service, admission, metrics, discovery, turned_away, tasks, runtime })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What its clients know it by.
    pub fn pin(&self) -> Pin {
        self.pin
    }

    /// Replaces who may connect. Whoever is connected and may not is cut at once.
    pub fn set_admitted(&self, admitted: Admitted) {
        self.admission.replace(admitted);
        let (admission, service) = (self.admission.clone(), self.service.clone());
        self.runtime.spawn(async move { cut_unwanted(&admission, &service).await });
    }

    /// Counts what it did, by the names of metrics.
    pub fn counters(&self) -> BTreeMap<&'static str, u64> {
        let metrics = &self.metrics;
        BTreeMap::from([
            ("clients", self.admission.connected() as u64),
            ("clients_accepted", metrics.accepts.get()),
            ("clients_refused", self.admission.refused()),
            ("connections_turned_away", self.turned_away.load(Ordering::Relaxed)),
            ("bytes_in", metrics.bytes_recv.get()),
            ("bytes_out", metrics.bytes_sent.get()),
            ("trains_in", metrics.send_packets_recv.get()),
            ("trains_out", metrics.send_packets_sent.get()),
            ("trains_dropped", metrics.send_packets_dropped.get()),
            ("bytes_rate_limited", metrics.bytes_rx_ratelimited_total.get()),
            ("clients_rate_limited", metrics.conns_rx_ratelimited_total.get()),
            ("addresses_told", self.discovery.answered()),
        ])
    }

    /// Cuts all clients and frees the ports.
    pub async fn close(&self) {
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
        self.service.shutdown().await;
        self.discovery.close().await;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let service = self.service.clone();
        self.runtime.spawn(async move { service.shutdown().await });
    }
}

/// Binds both ports; `0.0.0.0` stands for IPv6 too, where the machine has it.
async fn bind(listen: SocketAddr, tls: &rustls::ServerConfig) -> io::Result<(TcpListener, Discovery)> {
    if listen.ip() != IpAddr::from(Ipv4Addr::UNSPECIFIED) {
        return bind_at(listen, tls).await;
    }
    match bind_at(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), listen.port()), tls).await {
        Err(error) if interfaces::is_without_ipv6(&error) => bind_at(listen, tls).await,
        bound => bound,
    }
}

async fn bind_at(listen: SocketAddr, tls: &rustls::ServerConfig) -> io::Result<(TcpListener, Discovery)> {
    let mut attempts = if listen.port() == 0 { PORT_ATTEMPTS } else { 1 };
    loop {
        let listener = TcpListener::bind(listen).await?;
        attempts -= 1;
        match Discovery::start(listener.local_addr()?, tls) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempts > 0 => {}
            discovery => return Ok((listener, discovery?)),
        }
    }
}

async fn accept(listener: TcpListener, service: RelayService, tls: TlsConfig, turned_away: Arc<AtomicU64>) {
    let places = Arc::new(Semaphore::new(STRANGERS));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the relay could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            turned_away.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        let (service, tls) = (service.clone(), tls.clone());
        tokio::spawn(async move {
            serve(stream, service, tls).await;
            drop(place);
        });
    }
}

/// Shakes hands; an admitted client goes on by itself from there.
async fn serve(stream: TcpStream, service: RelayService, tls: TlsConfig) {
    if let Err(error) = sockets::prepare(&stream) {
        tracing::debug!(%error, "the socket of a relay's client could not be prepared");
    }
    service.handle_connection(stream, Some(tls), HANDSHAKE_TIME).await;
}

async fn make_rounds(admission: Arc<Admission>, service: RelayService) {
    loop {
        tokio::time::sleep(ROUNDS).await;
        cut_unwanted(&admission, &service).await;
    }
}

async fn cut_unwanted(admission: &Admission, service: &RelayService) {
    let handshakes_end = Instant::now() + HANDSHAKE_TIME;
    loop {
        let now = Instant::now();
        let unwanted = admission.unwanted(now);
        if unwanted.is_empty() || now > handshakes_end {
            return;
        }
        for (connection, client) in unwanted {
            service.clients().disconnect(client, Some(connection));
        }
        tokio::time::sleep(CUT_PAUSE).await;
    }
}

/// Beside the relaying, it answers what iroh's endpoints measure their distance by.
fn handlers() -> Handlers {
    let mut handlers = Handlers::default();
    handlers.insert(
        (Method::GET, RELAY_PROBE_PATH),
        Box::new(|_, response| Ok(response.body(Box::new(http_body_util::Empty::new()) as _)?)),
    );
    handlers
}
