//! The relays that control connections may take.
//!
//! iroh stays connected to one of them, its home relay, and measures which is nearest. Two things are arranged around
//! that. A relay that was lost is taken from its choice for a while, else it would wait for the same one. And address
//! discovery, by UDP, is offered only once there is a home: where UDP is blocked, iroh waits three seconds for it
//! before it looks at anything else.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use iroh::endpoint::RelayStatus;
use iroh::{RelayConfig, RelayUrl, Watcher};
use iroh_relay::RelayQuicConfig;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use crate::relay::{RelayAddress, Trust};

/// How long a lost relay is left alone, unless somebody finds it alive before.
const LEFT_ALONE: Duration = Duration::from_secs(10);
const NEWS: usize = 64;
const HTTPS: u16 = 443;

/// The handle of those relays.
pub(super) struct Relays {
    trust: Arc<Trust>,
    wanted: watch::Sender<Vec<RelayAddress>>,
    news: mpsc::Sender<News>,
}

/// What others have found out about a relay.
enum News {
    Lost(RelayUrl),
    Found(RelayUrl),
}

impl Relays {
    /// Looks after the relays of an endpoint until that is closed.
    pub(super) fn start(iroh: iroh::Endpoint, trust: Arc<Trust>) -> Self {
        let (wanted, wishes) = watch::channel(Vec::new());
        let (news, received) = mpsc::channel(NEWS);
        let keeper = Keeper { iroh, wanted: Vec::new(), lost: HashMap::new(), placed: BTreeMap::new(), is_home: false };
        tokio::spawn(keeper.run(wishes, received));
        Self { trust, wanted, news }
    }

    pub(super) fn set(&self, relays: Vec<RelayAddress>) {
        self.trust.set_own(relays.clone());
        self.wanted.send_replace(relays);
    }

    /// Takes note of a relay that is about to be dialled.
    pub(super) fn remember(&self, relay: &RelayAddress) {
        self.trust.remember(relay);
    }

    /// Takes note that a relay is dead or alive. Without a place for the news iroh finds out by itself, later.
    pub(super) fn report(&self, relay: &RelayAddress, is_alive: bool) {
        let url = relay.url();
        let _ = self.news.try_send(if is_alive { News::Found(url) } else { News::Lost(url) });
    }

    /// Finds the relay that was given with this URL.
    pub(super) fn find(&self, url: &RelayUrl) -> Option<RelayAddress> {
        self.wanted.borrow().iter().find(|relay| relay.url() == *url).cloned()
    }
}

struct Keeper {
    iroh: iroh::Endpoint,
    wanted: Vec<RelayAddress>,
    /// The relays to be left alone, and until when.
    lost: HashMap<RelayUrl, Instant>,
    /// What iroh knows: its relays, each with or without address discovery.
    placed: BTreeMap<RelayUrl, bool>,
    /// Whether a home relay was connected since the last one was lost.
    is_home: bool,
}

impl Keeper {
    async fn run(mut self, mut wishes: watch::Receiver<Vec<RelayAddress>>, mut news: mpsc::Receiver<News>) {
        let mut home = self.iroh.home_relay_status();
        let closed = self.iroh.clone();
        loop {
            let retry = self.lost.values().min().copied();
            let retried = async {
                match retry {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = closed.closed() => return,
                changed = wishes.changed() => match changed {
                    Ok(()) => self.wanted = wishes.borrow_and_update().clone(),
                    Err(_) => return,
                },
                heard = news.recv() => match heard {
                    Some(News::Lost(url)) => self.lose(url, &home.get()),
                    Some(News::Found(url)) => drop(self.lost.remove(&url)),
                    None => return,
                },
                status = home.updated() => match status {
                    Ok(status) => self.look_at_home(&status),
                    Err(_) => return,
                },
                () = retried => {}
            }
            let now = Instant::now();
            self.lost.retain(|_, until| *until > now);
            self.place().await;
        }
    }

    fn look_at_home(&mut self, status: &[RelayStatus]) {
        let Some(home) = status.first() else { return };
        if home.is_connected() {
            self.is_home = true;
            self.lost.remove(home.url());
        } else if let Some(error) = home.last_error() {
            tracing::debug!(relay = %home.url(), error = format!("{error:#}"), "no home relay");
            self.lose(home.url().clone(), status);
        }
    }

    fn lose(&mut self, url: RelayUrl, status: &[RelayStatus]) {
        if status.first().is_none_or(|home| *home.url() == url) {
            self.is_home = false;
        }
        self.lost.insert(url, Instant::now() + LEFT_ALONE);
    }

    /// Makes what iroh knows what it shall know. It looks for a new home whenever that changes.
    async fn place(&mut self) {
        let wanted: Vec<_> = self.wanted.iter().map(|relay| (relay.url(), relay)).collect();
        let is_usable = |url: &RelayUrl| !self.lost.contains_key(url);
        // With all of them lost there is nothing better to wait for.
        let none_is_usable = !wanted.iter().any(|(url, _)| is_usable(url));
        let usable: BTreeMap<_, _> = wanted.into_iter().filter(|(url, _)| none_is_usable || is_usable(url)).collect();
        let gone: Vec<_> = self.placed.keys().filter(|url| !usable.contains_key(*url)).cloned().collect();
        for url in gone {
            self.placed.remove(&url);
            self.iroh.remove_relay(&url).await;
        }
        for (url, relay) in usable {
            if self.placed.insert(url.clone(), self.is_home) != Some(self.is_home) {
                self.iroh.insert_relay(url, Arc::new(configuration(relay, self.is_home))).await;
            }
        }
    }
}

fn configuration(relay: &RelayAddress, with_discovery: bool) -> RelayConfig {
    let url = relay.url();
    let port = url.port().unwrap_or(HTTPS);
    let config = RelayConfig::new(url, with_discovery.then(|| RelayQuicConfig::new(port)));
    match relay.pass() {
        Some(pass) => config.with_auth_token(pass),
        None => config,
    }
}
