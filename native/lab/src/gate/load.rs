//! Websockets on each of which a window of bytes is under way, out and back: so queues stay short, however many there are.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt, TryStreamExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

type Socket = WebSocketStream<TcpStream>;
type Failure = Box<dyn Error + Send + Sync>;

const WINDOW_BYTES: usize = 512 << 10;
/// Until every connection is in full swing.
const WARM_UP: Duration = Duration::from_millis(200);

/// What is sent, and for how long.
pub struct Load {
    pub connections: usize,
    pub message_bytes: usize,
    pub duration: Duration,
}

impl Load {
    /// Opens all connections, then sends over all of them at once; gives the bytes per second that came back.
    ///
    /// # Errors
    /// A connection could not be made, or ended before its time; or messages are empty, or longer than the window.
    pub async fn run(&self, url: &str) -> Result<f64, Failure> {
        if !(1..=WINDOW_BYTES).contains(&self.message_bytes) {
            return Err(format!("a message has 1 to {WINDOW_BYTES} bytes").into());
        }
        let mut sockets = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            sockets.push(connect(url).await?);
        }
        let message = Message::binary(vec![0x5a; self.message_bytes]);
        let returned = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        for socket in sockets {
            let (sink, stream) = socket.split();
            let window = Arc::new(Semaphore::new(WINDOW_BYTES));
            tasks.spawn(send(sink, message.clone(), window.clone()));
            tasks.spawn(count(stream, returned.clone(), window));
        }
        tokio::select! {
            rate = self.rate(&returned) => Ok(rate),
            Some(ended) = tasks.join_next() => Err(reason_of(ended?)),
        }
    }

    async fn rate(&self, returned: &AtomicU64) -> f64 {
        sleep(WARM_UP).await;
        let (began, before) = (Instant::now(), returned.load(Ordering::Relaxed));
        sleep(self.duration).await;
        (returned.load(Ordering::Relaxed) - before) as f64 / began.elapsed().as_secs_f64()
    }
}

async fn connect(url: &str) -> Result<Socket, Failure> {
    let uri: Uri = url.parse()?;
    let authority = uri.authority().ok_or("the URL names no host")?;
    let stream = TcpStream::connect(authority.as_str()).await?;
    stream.set_nodelay(true)?;
    Ok(client_async(url, stream).await?.0)
}

/// Sends the message whenever the window has room for it; several small ones share a system call.
async fn send(
    mut sink: SplitSink<Socket, Message>,
    message: Message,
    window: Arc<Semaphore>,
) -> tungstenite::Result<()> {
    let room = u32::try_from(message.len()).unwrap_or(u32::MAX);
    loop {
        if window.available_permits() < message.len() {
            sink.flush().await?;
        }
        window.acquire_many(room).await.expect("nobody closes the window").forget();
        sink.feed(message.clone()).await?;
    }
}

async fn count(
    mut stream: SplitStream<Socket>,
    returned: Arc<AtomicU64>,
    window: Arc<Semaphore>,
) -> tungstenite::Result<()> {
    while let Some(message) = stream.try_next().await? {
        returned.fetch_add(message.len() as u64, Ordering::Relaxed);
        window.add_permits(message.len());
    }
    Ok(())
}

fn reason_of(ended: tungstenite::Result<()>) -> Failure {
    match ended {
        Ok(()) => io::Error::from(io::ErrorKind::UnexpectedEof).into(),
        Err(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{echo, proxy};
    use tokio::net::TcpListener;

    const LOAD: Load = Load { connections: 3, message_bytes: 1400, duration: Duration::from_millis(300) };

    async fn listener() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        (listener, address)
    }

    #[tokio::test]
    async fn bytes_come_back_through_the_proxy() {
        let (target, target_address) = listener().await;
        let (front, front_address) = listener().await;
        tokio::spawn(echo::serve(target));
        tokio::spawn(proxy::serve(front, target_address));
        let rate = LOAD.run(&format!("ws://{front_address}/")).await.unwrap();
        assert!(rate >= 1400.0, "{rate}");
    }

    #[tokio::test]
    async fn a_target_that_refuses_is_an_error() {
        let (unused, target_address) = listener().await;
        drop(unused);
        let (front, front_address) = listener().await;
        tokio::spawn(proxy::serve(front, target_address));
        assert!(LOAD.run(&format!("ws://{front_address}/")).await.is_err());
    }

    #[tokio::test]
    async fn an_address_without_a_host_is_an_error() {
        assert!(LOAD.run("/path").await.is_err());
    }
}
