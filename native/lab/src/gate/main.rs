//! A load on websockets that lead to a TCP port, and the plainest thing that can stand between the two. For benchmarks.
//!
//! - `golem-vpn-gate-load echo ADDRESS` gives each TCP connection back what it sends;
//! - `golem-vpn-gate-load proxy ADDRESS TARGET` joins each websocket to a TCP connection to the target, and no more;
//! - `golem-vpn-gate-load load URL CONNECTIONS BYTES SECONDS` sends binary messages of so many bytes over all connections,
//!   as fast as they are taken, and prints how many bytes per second came back.
//!
//! The first two print `ready` when they listen, and run until they are ended.

mod echo;
mod load;
mod proxy;

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use tokio::net::TcpListener;

use load::Load;

const USAGE: &str =
    "usage: golem-vpn-gate-load echo ADDRESS | proxy ADDRESS TARGET | load URL CONNECTIONS BYTES SECONDS";

#[tokio::main]
async fn main() -> ExitCode {
    match run(&env::args().skip(1).collect::<Vec<_>>()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &[String]) -> Result<(), Box<dyn Error + Send + Sync>> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["echo", address] => echo::serve(listen(address).await?).await?,
        ["proxy", address, target] => proxy::serve(listen(address).await?, target.to_owned()).await?,
        ["load", url, connections, bytes, seconds] => {
            let load = Load {
                connections: connections.parse()?,
                message_bytes: bytes.parse()?,
                duration: Duration::try_from_secs_f64(seconds.parse()?)?,
            };
            println!("{:.0}", load.run(url).await?);
        }
        _ => return Err(USAGE.into()),
    }
    Ok(())
}

async fn listen(address: &str) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    let mut output = io::stdout();
    writeln!(output, "ready")?;
    output.flush()?;
    Ok(listener)
}
