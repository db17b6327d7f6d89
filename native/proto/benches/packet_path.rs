//! What a packet costs on one core, in nanoseconds, with each cipher: `cargo bench -p golem-vpn-proto --bench
//! packet_path`. Words after `--` choose the lines that contain them all.
//!
//! "Out" is from a device to the train of datagrams, "in" from the train to the device of the peer.

mod pair;

use std::time::{Duration, Instant};

use aws_lc_rs::aead as aws_lc;
use golem_vpn_proto::{Cipher, Ecn, Offload};
use pair::{BATCH, DEVICE, Pair, address, full_superpacket, udp_packet};
use ring::aead as ring;

const MEASURE_FOR: Duration = Duration::from_secs(1);

/// Measures a library's cipher; both have the same interface, and types of their own.
macro_rules! alone {
    ($library:ident) => {
        |cipher| {
            let algorithm = match cipher {
                Cipher::Aes256Gcm => &$library::AES_256_GCM,
                Cipher::ChaCha20Poly1305 => &$library::CHACHA20_POLY1305,
            };
            let key = $library::UnboundKey::new(algorithm, &[1; 32]).expect("a key of 32 bytes");
            let key = $library::LessSafeKey::new(key);
            let nonce = || $library::Nonce::assume_unique_for_key([0; 12]);
            let header = || $library::Aad::from([0; 16]);
            cipher_alone(
                |packet| key.seal_in_place_append_tag(nonce(), header(), packet).expect("a short packet"),
                |packet| _ = key.open_in_place(nonce(), header(), packet).expect("a genuine packet"),
            )
        }
    };
}

fn main() {
    let wanted: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    println!("{:>44} {:>8} {:>8}  ns per packet", "", "out", "in");
    for cipher in [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305] {
        for (library, alone) in [("aws-lc", alone!(aws_lc) as fn(Cipher) -> (f64, f64)), ("ring", alone!(ring))] {
            let line = format!("{} alone, {library}, 1420 bytes", cipher.name());
            if wanted.iter().all(|word| line.contains(word)) {
                let (seal, open) = alone(cipher);
                println!("{line:>44} {seal:>8.0} {open:>8.0}");
            }
        }
        for load in loads() {
            let line = format!("{} {}", cipher.name(), load.name);
            if wanted.iter().all(|word| line.contains(word)) {
                let (out, into) = measure(&mut Pair::connected(cipher), &load);
                println!("{line:>44} {out:>8.0} {into:>8.0}");
            }
        }
    }
}

/// What sealing and opening cost without anything around them: the floor for the other lines.
fn cipher_alone(seal: impl Fn(&mut Vec<u8>), open: impl Fn(&mut Vec<u8>)) -> (f64, f64) {
    let (mut sealing, mut opening) = (Vec::new(), Vec::new());
    let mut packets = vec![vec![0u8; 1420]; BATCH];
    let end = Instant::now() + MEASURE_FOR;
    while Instant::now() < end {
        packets.iter_mut().for_each(|packet| packet.truncate(1420));
        let start = Instant::now();
        packets.iter_mut().for_each(&seal);
        sealing.push(start.elapsed().as_nanos() as f64 / BATCH as f64);
        let start = Instant::now();
        packets.iter_mut().for_each(&open);
        opening.push(start.elapsed().as_nanos() as f64 / BATCH as f64);
    }
    (low_decile(sealing), low_decile(opening))
}

/// Packets that a device hands over between two looks at the outgoing queue.
struct Load {
    name: &'static str,
    offload: Offload,
    packet: Vec<u8>,
    repeat: usize,
}

fn loads() -> Vec<Load> {
    let (offload, packet) = full_superpacket();
    vec![
        Load { name: "64 KiB TCP super-packet", offload, packet, repeat: 1 },
        Load { name: "64 x 1420 bytes UDP", offload: Offload::default(), packet: udp_packet(1420), repeat: 64 },
        Load { name: "64 x 92 bytes UDP", offload: Offload::default(), packet: udp_packet(92), repeat: 64 },
        Load { name: "one packet of 92 bytes", offload: Offload::default(), packet: udp_packet(92), repeat: 1 },
    ]
}

/// Nanoseconds per ordinary packet, on the way out and on the way in: of many rounds the one that a tenth
/// was faster than, as other programs only ever make it slower.
fn measure(pair: &mut Pair, load: &Load) -> (f64, f64) {
    let (mut out, mut into) = (Vec::new(), Vec::new());
    let mut trains = Vec::new();
    let end = Instant::now() + MEASURE_FOR;
    while Instant::now() < end {
        let before = pair.receiver.counters().packets_in;
        let sending = send(pair, load, &mut trains);
        let receiving = receive(pair, &mut trains);
        let packets = (pair.receiver.counters().packets_in - before) as f64;
        out.push(sending.as_nanos() as f64 / packets);
        into.push(receiving.as_nanos() as f64 / packets);
    }
    assert_eq!(pair.receiver.counters().total_drops() + pair.sender.counters().total_drops(), 0);
    (low_decile(out), low_decile(into))
}

/// Fetches what the load makes into `trains`; the time without the copies, which stand for system calls.
fn send(pair: &mut Pair, load: &Load, trains: &mut Vec<(usize, Vec<u8>)>) -> Duration {
    trains.clear();
    let start = Instant::now();
    for _ in 0..load.repeat {
        pair.sender.handle_packet(pair.now, DEVICE, load.offload, &load.packet);
    }
    let mut spent = start.elapsed();
    loop {
        let start = Instant::now();
        let train = pair.sender.poll_transmit(pair.now);
        spent += start.elapsed();
        let Some(train) = train else { return spent };
        trains.push((train.segment_size, train.bytes.to_vec()));
    }
}

fn receive(pair: &mut Pair, trains: &mut [(usize, Vec<u8>)]) -> Duration {
    let start = Instant::now();
    for (segment_size, bytes) in trains {
        pair.receiver.handle_datagram(pair.now, address(1).into(), Ecn::NotCapable, *segment_size, bytes);
    }
    while pair.receiver.poll_delivery().is_some() {}
    start.elapsed()
}

fn low_decile(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 10]
}
