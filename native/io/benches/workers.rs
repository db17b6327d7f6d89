//! What threads beside the packet thread bring, for the way out: `cargo bench -p golem-vpn-io --bench workers`.
//!
//! The packet thread has a processor of its own, and the workers share the others. "Serial" is what the packet thread
//! spends on a packet while others seal, and so the limit however many processors there are; "limit" says it as a rate,
//! and how many workers reach it. Nothing is sent: what system calls take comes on top of the serial part.

#[path = "../../proto/benches/pair/mod.rs"]
#[allow(dead_code, reason = "the module serves other benches too")]
mod pair;

use std::iter;
use std::mem;
use std::thread;
use std::time::{Duration, Instant};

use golem_vpn_io::workers::{Lane, Workers};
use golem_vpn_proto::{Cipher, SealedTrain};
use pair::{BATCH, DEVICE, Pair, full_superpacket};

const MEASURE_FOR: Duration = Duration::from_secs(1);
const COUNTS: [usize; 4] = [0, 1, 2, 4];
const PACKET_BITS: f64 = 1420.0 * 8.0;

/// What a number of workers reached, in nanoseconds per packet.
struct Reached {
    all: f64,
    serial: f64,
}

fn main() {
    let processors = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    println!("{processors} processors, 64 KiB super-packets of TCP");
    println!("{:>20} {:>8} {:>8} {:>8} {:>8} {:>18}", "", "workers", "Gbit/s", "gain", "serial", "limit");
    for cipher in [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305] {
        let alone = run(cipher, 0, processors);
        for count in COUNTS {
            let Reached { all, serial } = run(cipher, count, processors);
            let limit = format!("{:.1} with {:.1}", PACKET_BITS / serial, (alone.all - serial).max(0.0) / serial);
            let limit = if count == 0 { String::new() } else { limit };
            let (rate, gain) = (PACKET_BITS / all, alone.all / all);
            println!("{:>20} {count:>8} {rate:>8.1} {gain:>8.2} {serial:>8.0} {limit:>18}", cipher.name());
        }
    }
}

fn run(cipher: Cipher, count: usize, processors: usize) -> Reached {
    pin(0);
    let mut pair = Pair::connected(cipher);
    let (offload, packet) = full_superpacket();
    let mut workers = pinned(count, processors);
    let mut lane: Lane<SealedTrain> = Lane::new(2 * count + 1, || {});
    let (mut packets, mut serial) = (0, Duration::ZERO);
    let began = Instant::now();
    while began.elapsed() < MEASURE_FOR {
        let start = Instant::now();
        let has_room = lane.has_room();
        if has_room {
            pair.sender.handle_packet(pair.now, DEVICE, offload, &packet);
            packets += BATCH;
            while let Some(train) = pair.sender.poll_train(pair.now) {
                lane.hand_over(&mut workers, move || train.seal());
            }
        }
        let sent: Vec<_> = iter::from_fn(|| lane.pop()).map(|train| pair.sender.give_back(train)).collect();
        if has_room || !sent.is_empty() {
            serial += start.elapsed();
        }
    }
    let per_packet = |spent: Duration| spent.as_nanos() as f64 / packets as f64;
    Reached { all: per_packet(began.elapsed()), serial: per_packet(serial) }
}

/// Workers that share the processors that the packet thread leaves.
fn pinned(count: usize, processors: usize) -> Workers {
    let mut workers = Workers::start(count).expect("threads are left");
    let mut lane = Lane::new(count, || {});
    for number in 0..count {
        lane.hand_over(&mut workers, move || pin(1 + number % (processors - 1).max(1)));
    }
    while !lane.is_empty() {
        lane.pop();
    }
    workers
}

/// Keeps the calling thread on one processor, if there is such a one.
fn pin(processor: usize) {
    // SAFETY: all-zero bytes are an empty set, CPU_SET ignores what is out of its range, and the kernel only reads it.
    unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        libc::CPU_SET(processor, &mut set);
        libc::sched_setaffinity(0, mem::size_of_val(&set), &raw const set);
    }
}
