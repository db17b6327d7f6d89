//! Keeping a connection to one relay.

mod connection;
mod outbox;
mod window;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use iroh::EndpointId;
use iroh_relay::client::{self as library, ClientBuilder};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::clients::{Context, RelayState};
use super::{RelayAddress, RelayIndex, Train, Trust, names, trust};
use crate::interfaces;
use connection::{Connection, Receiver};
use outbox::{Outbox, Untaken};

const CONNECT_TIME: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// A connection that lasted so long was a good one, so the next attempt comes at once again.
const GOOD: Duration = Duration::from_secs(5);
/// A round-trip time is told anew when it has changed by a quarter, and once in a second at most.
const TELLING_PAUSE: Duration = Duration::from_secs(1);

/// The client of one relay; disconnects when dropped.
pub(super) struct Client {
    link: Arc<Link>,
    task: AbortHandle,
}

struct Link {
    index: RelayIndex,
    address: RelayAddress,
    context: Arc<Context>,
    outbox: Outbox,
    standing: Mutex<Standing>,
}

/// How things stand with the relay. The user is told under its lock, so in the order in which it happens.
struct Standing {
    state: RelayState,
    /// The round-trip time that the user knows, and since when; nothing while not connected.
    told: Option<(Duration, Instant)>,
    is_over: bool,
}

impl Client {
    pub(super) fn start(index: RelayIndex, address: RelayAddress, context: Arc<Context>, runtime: &Handle) -> Self {
        let user = context.user.clone();
        let outbox = Outbox::new(move |is_ready| user.ready(index, is_ready));
        let standing = Standing { state: RelayState::Connecting, told: None, is_over: false };
        let link = Arc::new(Link { index, address, context, outbox, standing: standing.into() });
        let task = runtime.spawn(keep_connected(link.clone())).abort_handle();
        Self { link, task }
    }

    /// Hands a train over for sending; `false` when it was dropped and counted.
    pub(super) fn send(&self, to: EndpointId, train: Train) -> bool {
        let drops = &self.link.context.drops;
        match self.link.outbox.put(to, train) {
            Ok(()) => return true,
            Err(Untaken::Closed) => drops.unconnected.fetch_add(1, Ordering::Relaxed),
            Err(Untaken::Overfull) => drops.overfull.fetch_add(1, Ordering::Relaxed),
        };
        false
    }

    pub(super) fn address(&self) -> &RelayAddress {
        &self.link.address
    }

    pub(super) fn state(&self) -> RelayState {
        self.link.standing().state.clone()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
        self.link.disconnected("this node does not use it any more".to_owned());
        self.link.standing().is_over = true;
    }
}

async fn keep_connected(link: Arc<Link>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let attempt = timeout(CONNECT_TIME, link.connect()).await;
        let cause = match attempt.unwrap_or_else(|_| Err("it does not answer".to_owned())) {
            Ok(client) => {
                let start = Instant::now();
                let cause = link.carry(client).await;
                if start.elapsed() >= GOOD {
                    pause = FIRST_PAUSE;
                }
                cause
            }
            Err(cause) => cause,
        };
        tracing::debug!(relay = %link.address, cause, "not connected to a relay");
        link.disconnected(cause);
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

impl Link {
    async fn connect(&self) -> Result<library::Client, String> {
        let pinned = Arc::new(Trust::default());
        pinned.remember(&self.address);
        let mut builder = ClientBuilder::new(self.address.url(), self.context.key.clone(), names::resolver())
            .tls_client_config(trust::client_config(pinned));
        if let Some(pass) = self.address.pass() {
            builder = builder.auth_token(pass);
        }
        builder.connect().await.map_err(|error| format!("{error:#}"))
    }

    async fn carry(&self, client: library::Client) -> String {
        let (stream, sink) = client.split();
        if stream.local_addr().is_some_and(|address| interfaces::is_overlay(address.ip())) {
            return "the way to it leads through one of this node's own networks".to_owned();
        }
        Connection::new(Instant::now()).carry((stream, sink), &self.outbox, self).await
    }

    fn disconnected(&self, cause: String) {
        let waiting = self.outbox.close();
        self.context.drops.unconnected.fetch_add(waiting as u64, Ordering::Relaxed);
        let mut standing = self.standing();
        standing.state = RelayState::Failed { cause };
        if standing.told.take().is_some() {
            self.context.user.lost(self.index, &self.address);
        }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Receiver for Link {
    fn train(&self, from: EndpointId, train: Train) {
        self.context.receive(self.index, from, train);
    }

    fn round_trip(&self, time: Duration, now: Instant) {
        let mut standing = self.standing();
        if standing.is_over {
            return;
        }
        standing.state = RelayState::Connected { round_trip: time };
        let is_news = standing.told.is_none_or(|(told, at)| {
            now.saturating_duration_since(at) >= TELLING_PAUSE && told.abs_diff(time) > told / 4
        });
        if is_news {
            if standing.told.replace((time, now)).is_none() {
                self.outbox.open();
            }
            self.context.user.connected(self.index, &self.address, time);
        }
    }
}
