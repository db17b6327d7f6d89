//! Telling iroh's endpoints from which address their QUIC packets come (QUIC address discovery): the relay's second
//! socket, UDP at the same port, under the same certificate.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use iroh_relay::quic::ALPN_QUIC_ADDR_DISC;
use noq::crypto::rustls::QuicServerConfig;
use noq::{Endpoint, Incoming, ServerConfig, VarInt};
use tokio::net::UdpSocket;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Whoever shakes hands is answered, so a flood takes no more than this.
const CONNECTIONS: usize = 1024;
const HANDSHAKES: usize = 256;
const BUFFER: u64 = 16 << 10;
const IDLE: Duration = Duration::from_secs(40);
const FREEING: Duration = Duration::from_millis(5);
const LONGEST_FREEING: Duration = Duration::from_secs(1);
const FINISHED: VarInt = VarInt::from_u32(1);

pub(super) struct Discovery {
    endpoint: Mutex<Option<Endpoint>>,
    answered: Arc<AtomicU64>,
}

impl Discovery {
    /// Answers at an address until closed.
    pub(super) fn start(listen: SocketAddr, tls: &rustls::ServerConfig) -> io::Result<Self> {
        let endpoint = Endpoint::server(server_config(tls)?, listen)?;
        let answered = Arc::new(AtomicU64::new(0));
        tokio::spawn(answer(endpoint.clone(), answered.clone()));
        Ok(Self { endpoint: Mutex::new(Some(endpoint)), answered })
    }

    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Ends all connections and frees the port.
    pub(super) async fn close(&self) {
        let Some(endpoint) = self.end() else { return };
        endpoint.wait_idle().await;
        let Ok(address) = endpoint.local_addr() else { return };
        drop(endpoint);
        // The library's own task closes the socket, a moment after the last handle is gone.
        let freed = async {
            while UdpSocket::bind(address).await.is_err() {
                tokio::time::sleep(FREEING).await;
            }
        };
        let _ = tokio::time::timeout(LONGEST_FREEING, freed).await;
    }

    fn end(&self) -> Option<Endpoint> {
        let endpoint = self.endpoint.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        endpoint.close(FINISHED, b"closing");
        Some(endpoint)
    }
}

impl Drop for Discovery {
    fn drop(&mut self) {
        self.end();
    }
}

fn server_config(tls: &rustls::ServerConfig) -> io::Result<ServerConfig> {
    let mut tls = tls.clone();
    tls.alpn_protocols = vec![ALPN_QUIC_ADDR_DISC.to_vec()];
    let mut config = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).map_err(io::Error::other)?));
    let mut transport = noq::TransportConfig::default();
    transport
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(Some(IDLE.try_into().map_err(io::Error::other)?))
        .send_observed_address_reports(true);
    config.transport_config(Arc::new(transport));
    config.max_incoming(HANDSHAKES).incoming_buffer_size(BUFFER).incoming_buffer_size_total(BUFFER * HANDSHAKES as u64);
    Ok(config)
}

async fn answer(endpoint: Endpoint, answered: Arc<AtomicU64>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    while let Some(incoming) = endpoint.accept().await {
        match places.clone().try_acquire_owned() {
            Ok(place) => drop(tokio::spawn(hold(incoming, place, answered.clone()))),
            Err(_) => incoming.ignore(),
        }
    }
}

/// Keeps a connection, over which the library reports the address by itself, until the client closes it.
async fn hold(incoming: Incoming, _place: OwnedSemaphorePermit, answered: Arc<AtomicU64>) {
    if !incoming.remote_address_validated() {
        // Costs a round trip, and nobody's memory for a forged address.
        let _ = incoming.retry();
        return;
    }
    if let Ok(connection) = incoming.await {
        answered.fetch_add(1, Ordering::Relaxed);
        connection.closed().await;
    }
}
