//! Two engines and nothing else, to measure packets: no control plane, no Python.
//!
//! `pair 1 10.0.0.1:7000 10.0.0.2:7000` in one network namespace and `pair 2 10.0.0.2:7000 10.0.0.1:7000` in another
//! make a TUN `pair0` in each, 10.98.0.1 and 10.98.0.2. A third argument names the cipher, a fourth says
//! how many threads seal and open beside the packet thread. Handshakes go over a plain
//! TCP connection beside it, so that nobody knows who is at the other end: never use it for anything but measuring.

use std::env;
use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use golem_vpn_io::engine::{Command, Engine, Event};
use golem_vpn_io::features::Features;
use golem_vpn_io::tun::{self, Interface};
use golem_vpn_proto::{
    Attachment, Candidate, Cipher, Config, DeviceConfig, DeviceId, IpPrefix, Member, Network, NetworkId, NodeId, Source,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};

const NETWORK: NetworkId = NetworkId([1; 16]);
const BINDING: [u8; 32] = [0; 32];
const MTU: u16 = 1420;
const MESSAGE: u8 = 0;
const REPLY: u8 = 1;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [number, local, remote, rest @ ..] = arguments.as_slice() else {
        return Err("usage: pair 1|2 LOCAL REMOTE [CIPHER [WORKERS]]".into());
    };
    let (number, local, remote) = (number.parse::<u8>()?, local.parse::<SocketAddr>()?, remote.parse()?);
    let mut config = Config::new(node(number));
    if let Some(name) = rest.first() {
        config.ciphers = vec![Cipher::from_name(name).ok_or("no such cipher")?];
    }
    let workers = rest.get(1).map(|count| count.parse()).transpose()?;
    let (engine, outputs) = Engine::start(config, local, Features { workers, ..Features::default() })?;
    attach(&engine, number, remote).await?;
    let stream = if number == 1 { TcpListener::bind(local).await?.accept().await?.0 } else { connect(remote).await };
    carry_handshakes(&engine, outputs.events, stream, node(3 - number)).await
}

fn node(number: u8) -> NodeId {
    NodeId([number; 20])
}

fn address(number: u8) -> IpAddr {
    Ipv4Addr::new(10, 98, 0, number).into()
}

async fn attach(engine: &Engine, number: u8, remote: SocketAddr) -> Result<(), Box<dyn Error>> {
    let members = [1, 2].map(|number| Member { node: node(number), addresses: vec![address(number)] });
    let prefixes = vec![IpPrefix { address: address(0), length: 24 }];
    engine.apply(Command::SetNetwork(Network { id: NETWORK, prefixes, members: members.to_vec() }))?;
    let candidates = vec![Candidate { address: remote, source: Source::Configured }];
    engine.apply(Command::SetPeer { node: node(3 - number), candidates, relays: Vec::new() })?;
    let addresses = vec![(address(number), 24)];
    let tun = tun::create(&Interface { name: "pair0".to_owned(), addresses, mtu: MTU }, Features::default())?;
    let attachments = vec![Attachment { network: NETWORK, addresses: vec![address(number)] }];
    let config = DeviceConfig { attachments, mtu: MTU, offload: true, udp_offload: true, own_ports: Vec::new() };
    Ok(engine.add_tun(DeviceId(1), tun, "pair0".to_owned(), config).await??)
}

async fn connect(remote: SocketAddr) -> TcpStream {
    loop {
        match TcpStream::connect(remote).await {
            Ok(stream) => return stream,
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Carries handshakes and their replies until the connection ends.
async fn carry_handshakes(
    engine: &Engine,
    events: mpsc::Receiver<Event>,
    stream: TcpStream,
    peer: NodeId,
) -> Result<(), Box<dyn Error>> {
    let (reader, writer) = stream.into_split();
    let writer = Mutex::new(writer);
    tokio::try_join!(ask(events, &writer), answer(engine, reader, &writer, peer))?;
    Ok(())
}

async fn ask(mut events: mpsc::Receiver<Event>, writer: &Mutex<OwnedWriteHalf>) -> Result<(), Box<dyn Error>> {
    while let Some(event) = events.recv().await {
        if let Event::Node(golem_vpn_proto::Event::Handshake { message, .. }) = event {
            write_frame(writer, MESSAGE, &message).await?;
        }
    }
    Ok(())
}

async fn answer(
    engine: &Engine,
    mut reader: OwnedReadHalf,
    writer: &Mutex<OwnedWriteHalf>,
    peer: NodeId,
) -> Result<(), Box<dyn Error>> {
    loop {
        let (kind, message) = read_frame(&mut reader).await?;
        if kind == REPLY {
            engine.apply(Command::HandshakeReply { from: peer, message, binding: BINDING })?;
        } else {
            let reply = engine.handshake(peer, message, BINDING).await?;
            write_frame(writer, REPLY, &reply).await?;
        }
    }
}

async fn write_frame(writer: &Mutex<OwnedWriteHalf>, kind: u8, message: &[u8]) -> io::Result<()> {
    let mut writer = writer.lock().await;
    writer.write_u8(kind).await?;
    writer.write_u16(message.len() as u16).await?;
    writer.write_all(message).await
}

async fn read_frame(reader: &mut OwnedReadHalf) -> io::Result<(u8, Vec<u8>)> {
    let kind = reader.read_u8().await?;
    let mut message = vec![0; usize::from(reader.read_u16().await?)];
    reader.read_exact(&mut message).await?;
    Ok((kind, message))
}
