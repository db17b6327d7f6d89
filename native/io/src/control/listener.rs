//! Answering peers: connections, their streams, and the queue of application messages that Python takes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use golem_vpn_proto::NodeId;
use iroh::endpoint::{Connection, Incoming, RecvStream, SendStream};
use iroh::{EndpointId, TransportAddr};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::endpoint::{Shared, session_binding};
use super::error::Refusal;
use super::wire::{self, Kind, Purpose, StreamFailure};

pub(super) const MAXIMUM_CONNECTING: usize = 128;
const CONNECT_TIME: Duration = Duration::from_secs(5);
const TRANSFER_TIME: Duration = Duration::from_secs(10);

/// An application message of a peer, waiting for its reply. Dropped unanswered, it is refused.
pub struct Request {
    pub endpoint: EndpointId,
    /// Where the peer's packets come from, if directly.
    pub remote: Option<SocketAddr>,
    pub message: Vec<u8>,
    reply: oneshot::Sender<Vec<u8>>,
    _memory: OwnedSemaphorePermit,
}

impl Request {
    /// Sends the reply; a peer that has gone does not get it.
    pub fn respond(self, reply: Vec<u8>) {
        let _ = self.reply.send(reply);
    }
}

/// Accepts connections until the endpoint is closed.
pub(super) async fn listen(shared: Arc<Shared>) {
    while let Some(incoming) = shared.iroh.accept().await {
        match shared.connecting.clone().try_acquire_owned() {
            Ok(permit) => drop(tokio::spawn(welcome(shared.clone(), incoming, permit))),
            Err(_) => incoming.ignore(),
        }
    }
}

async fn welcome(shared: Arc<Shared>, incoming: Incoming, _permit: OwnedSemaphorePermit) {
    if is_meant_for_another(&incoming, shared.iroh.id()) {
        return incoming.ignore();
    }
    // Under load a peer has to prove its address first, so that forged ones take no place.
    if shared.connecting.available_permits() < MAXIMUM_CONNECTING / 2 && !incoming.remote_addr_validated() {
        let _ = incoming.retry();
        return;
    }
    if let Ok(Ok(connection)) = tokio::time::timeout(CONNECT_TIME, incoming.into_future()).await
        && let Err(refusal) = shared.adopt(&connection)
    {
        connection.close(refusal.code(), b"");
    }
}

/// Whether the peer dials another endpoint, which has an address like this one's elsewhere. What can't be read goes on
/// to the handshake, which refuses it aloud.
fn is_meant_for_another(incoming: &Incoming, own: EndpointId) -> bool {
    let wanted = incoming.decrypt().and_then(|initial| initial.alpns()?.collect::<Result<Vec<_>, _>>().ok());
    let ours = Purpose::ALL.map(|purpose| purpose.alpn(own));
    wanted.is_some_and(|wanted| !wanted.iter().any(|alpn| ours.iter().any(|own| alpn[..] == own[..])))
}

/// Answers the streams of one connection until it is closed.
pub(super) async fn serve(shared: Arc<Shared>, connection: Connection) {
    while let Ok((send, receive)) = connection.accept_bi().await {
        tokio::spawn(answer(shared.clone(), connection.clone(), send, receive));
    }
    shared.connections.remove(&connection);
}

async fn answer(shared: Arc<Shared>, connection: Connection, mut send: SendStream, mut receive: RecvStream) {
    let _use = shared.connections.begin_use(&connection);
    let answered = tokio::select! {
        reply = reply_to(&shared, &connection, &mut receive) => reply,
        // The peer has given up waiting.
        _ = send.stopped() => return,
    };
    let refusal = match answered {
        Ok(reply) => match tokio::time::timeout(TRANSFER_TIME, wire::write_reply(&mut send, &reply)).await {
            Ok(_) => return,
            Err(_) => Refusal::Busy,
        },
        Err(refusal) => refusal,
    };
    // Both fail only where the stream is over already.
    let _ = receive.stop(refusal.code());
    let _ = send.reset(refusal.code());
}

async fn reply_to(shared: &Shared, connection: &Connection, receive: &mut RecvStream) -> Result<Vec<u8>, Refusal> {
    let endpoint = connection.remote_id();
    let node = shared.authorization.node(endpoint);
    let read = read_request(shared, receive, node.is_some());
    let (kind, message, memory) = tokio::time::timeout(TRANSFER_TIME, read).await.map_err(|_| Refusal::Busy)??;
    let reply = match kind {
        Kind::Application => {
            let (reply, answered) = oneshot::channel();
            let request = Request { endpoint, remote: remote_address(connection), message, reply, _memory: memory };
            shared.requests.try_send(request).map_err(|_| Refusal::Busy)?;
            answered
        }
        Kind::Handshake => {
            let (node, sessions) = shared.session_partner(node)?;
            let binding = session_binding(connection).ok_or(Refusal::Closing)?;
            sessions.handshake(node, message, binding)
        }
        Kind::Reset => {
            let (node, sessions) = shared.session_partner(node)?;
            sessions.reset(node);
            return Ok(Vec::new());
        }
    };
    reply.await.map_err(|_| Refusal::Unanswered)
}

async fn read_request(
    shared: &Shared,
    receive: &mut RecvStream,
    authorized: bool,
) -> Result<(Kind, Vec<u8>, OwnedSemaphorePermit), Refusal> {
    let (kind, length) = wire::read_request_head(receive).await?;
    if kind != Kind::Application && !authorized {
        return Err(Refusal::Unauthorized);
    }
    let memory = shared.budget.reserve(authorized, length).ok_or(Refusal::Busy)?;
    let message = wire::read_bytes(receive, length).await?;
    Ok((kind, message, memory))
}

impl Shared {
    fn session_partner(&self, node: Option<NodeId>) -> Result<(NodeId, Arc<dyn super::Sessions>), Refusal> {
        let node = node.ok_or(Refusal::Unauthorized)?;
        Ok((node, self.sessions().ok_or(Refusal::Unanswered)?))
    }
}

impl From<StreamFailure> for Refusal {
    fn from(failure: StreamFailure) -> Self {
        match failure {
            StreamFailure::TooLong => Self::TooLong,
            StreamFailure::Malformed => Self::Malformed,
            StreamFailure::Refused(refusal) => refusal,
            StreamFailure::Lost(_) => Self::Closing,
        }
    }
}

fn remote_address(connection: &Connection) -> Option<SocketAddr> {
    let paths = connection.paths();
    let path = paths.iter().find(|path| path.is_selected()).or_else(|| paths.iter().next())?;
    match path.remote_addr() {
        TransportAddr::Ip(address) => Some(*address),
        _ => None,
    }
}
