//! A wire between two network namespaces that does harm on purpose: it delays, loses, doubles, reorders and paces
//! packets, and swallows those that are too long. For tests and benchmarks, where the kernel has no netem.
//!
//! `golem-vpn-lab NAMESPACE:INTERFACE NAMESPACE:INTERFACE [SEED]` makes a TAP interface in each named namespace, prints
//! `ready` and then answers each line of its input with one line (see `command`). It ends when its input does.

mod bridge;
mod command;
mod frame;
mod impairment;
mod pipe;
mod random;
mod tap;
mod wait;

use std::env;
use std::error::Error;
use std::process::ExitCode;

use bridge::Bridge;
use tap::Tap;

const DEFAULT_SEED: u64 = 1;

fn main() -> ExitCode {
    match run(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let (ends, seed) = match arguments {
        [left, right] => ([left, right], DEFAULT_SEED),
        [left, right, seed] => ([left, right], seed.parse()?),
        _ => return Err("usage: golem-vpn-lab NAMESPACE:INTERFACE NAMESPACE:INTERFACE [SEED]".into()),
    };
    let [left, right] = ends.map(|end| open(end));
    Ok(Bridge::new([left?, right?], seed).run()?)
}

fn open(end: &str) -> Result<Tap, Box<dyn Error>> {
    let (namespace, interface) = end.split_once(':').ok_or("an end is NAMESPACE:INTERFACE")?;
    Tap::open(namespace, interface).map_err(|error| format!("{end}: {error}").into())
}
