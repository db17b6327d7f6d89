//! The plainest way from a websocket to a TCP port: no network in between, no keys, no rules.

use std::io;

use futures_util::{SinkExt, StreamExt, TryStreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_async};

const CHUNK_BYTES: usize = 64 << 10;

/// Serves websockets until the listener fails.
pub async fn serve(listener: TcpListener, target: String) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let target = target.clone();
        // A connection that breaks concerns its client, who sees it.
        tokio::spawn(async move { _ = join(stream, &target).await });
    }
}

async fn join(client: TcpStream, target: &str) -> Result<(), Error> {
    client.set_nodelay(true)?;
    let websocket = accept_async(client).await?;
    let stream = TcpStream::connect(target).await?;
    stream.set_nodelay(true)?;
    pump(websocket, stream).await
}

/// Carries both directions until one of them ends.
async fn pump(websocket: WebSocketStream<TcpStream>, stream: TcpStream) -> Result<(), Error> {
    let (mut answers, mut messages) = websocket.split();
    let (mut reader, mut writer) = stream.into_split();
    let up = async {
        while let Some(message) = messages.try_next().await? {
            if let Message::Binary(bytes) = message {
                writer.write_all(&bytes).await?;
            }
        }
        Ok(())
    };
    let down = async {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            match reader.read(&mut chunk).await? {
                0 => return answers.close().await,
                count => answers.send(Message::binary(chunk[..count].to_vec())).await?,
            }
        }
    };
    tokio::select! {
        ended = up => ended,
        ended = down => ended,
    }
}
