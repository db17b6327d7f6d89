//! A port of the local router that leads to the socket for packets, asked for by UPnP, PCP or NAT-PMP.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portmapper::Client;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// How often the router is asked while it has given nothing; a mapping is renewed by itself.
const RETRY: Duration = Duration::from_secs(60);
/// How long a router may take to hear that a mapping isn't needed any more.
const FAREWELL: Duration = Duration::from_secs(1);

/// Asks nobody until enabled; gives the mapping back when dropped.
pub(crate) struct PortMapping {
    port: u16,
    running: Mutex<Option<Running>>,
    runtime: Handle,
}

struct Running {
    client: Client,
    asking: AbortHandle,
}

impl PortMapping {
    pub(crate) fn new(port: u16, runtime: Handle) -> Self {
        Self { port, running: Mutex::default(), runtime }
    }

    pub(crate) fn set_enabled(&self, enabled: bool) {
        let mut running = self.running();
        if !enabled {
            running.take().into_iter().for_each(|running| self.give_back(running));
        } else if running.is_none() {
            *running = NonZeroU16::new(self.port).map(|port| self.start(port));
        }
    }

    /// The address outside that leads here, as of now.
    pub(crate) fn mapped(&self) -> Option<SocketAddr> {
        let running = self.running();
        let address = *running.as_ref()?.client.watch_external_address().borrow();
        address.map(SocketAddr::from)
    }

    fn start(&self, port: NonZeroU16) -> Running {
        let _runtime = self.runtime.enter();
        let client = Client::default();
        let asking = tokio::spawn(ask(client.clone(), port)).abort_handle();
        Running { client, asking }
    }

    fn give_back(&self, Running { client, asking }: Running) {
        asking.abort();
        client.deactivate();
        self.runtime.spawn(async move {
            tokio::time::sleep(FAREWELL).await;
            drop(client);
        });
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PortMapping {
    fn drop(&mut self) {
        self.set_enabled(false);
    }
}

/// Looks which protocols the router speaks, since the library tries those alone that it has seen, and asks.
async fn ask(client: Client, port: NonZeroU16) {
    loop {
        let mapped = *client.watch_external_address().borrow();
        if mapped.is_none() {
            // What is not answered is not spoken; the next attempt looks again.
            let _ = client.probe().await;
            // Told of a port that has no mapping, the client asks for one. A second call would abort what the first
            // one began, and a mapping that the router has made by then would never be given back.
            client.update_local_port(port);
        }
        tokio::time::sleep(RETRY).await;
    }
}
