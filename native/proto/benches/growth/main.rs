//! What a node costs as it knows more peers and networks: `cargo bench -p golem-vpn-proto --bench growth`. Prints a table,
//! and the same as JSON in the last line. Numbers after `--` choose the rows with so many peers.
//!
//! All peers have a session with the node that is measured. Time is virtual except for what is measured, and the peers are
//! real nodes, so each row costs as many handshakes as it has sessions.

mod crowd;
mod memory;
mod packets;
mod places;

use std::time::Instant;

use crowd::Crowd;

/// Peers, and networks. With one peer it is in all networks, else each peer is in one.
const ROWS: [(usize, usize); 11] =
    [(1, 1), (10, 1), (100, 1), (1000, 1), (1, 10), (1, 100), (10, 10), (100, 10), (1000, 10), (100, 100), (1000, 100)];

/// What is measured of each row.
struct Column {
    name: &'static str,
    /// Its name in JSON.
    key: &'static str,
    measure: fn(&mut Crowd) -> f64,
}

/// What is idle comes first, since traffic changes it.
const COLUMNS: [Column; 10] = [
    Column { name: "bytes", key: "bytesPerIdleLink", measure: Crowd::memory_per_link },
    Column { name: "datagrams", key: "datagramsPerIdleLinkAndMinute", measure: Crowd::idle_datagrams },
    Column { name: "step ns", key: "nsPerIdleStep", measure: Crowd::idle_step },
    Column { name: "document us", key: "usPerDocument", measure: Crowd::document },
    Column { name: "status us", key: "usPerStatus", measure: Crowd::status },
    Column { name: "out ns", key: "nsPerPacketOut", measure: |crowd| crowd.out(packets::SMALL) },
    Column { name: "in ns", key: "nsPerPacketIn", measure: |crowd| crowd.into(packets::SMALL) },
    Column { name: "bulk out ns", key: "nsPerBulkPacketOut", measure: |crowd| crowd.out(packets::BULK) },
    Column { name: "bulk in ns", key: "nsPerBulkPacketIn", measure: |crowd| crowd.into(packets::BULK) },
    Column { name: "to all ns", key: "nsPerPacketToAll", measure: Crowd::out_to_all },
];

fn main() {
    let wanted: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let cipher = memory::of_a_cipher();
    println!("{:>6} {:>8} {}", "peers", "networks", COLUMNS.map(|column| format!("{:>12}", column.name)).concat());
    let mut rows = Vec::new();
    for (peers, networks) in ROWS.into_iter().filter(|(peers, _)| wanted.is_empty() || wanted.contains(peers)) {
        let mut crowd = Crowd::connected(Instant::now(), peers, networks);
        let values = COLUMNS.map(|column| (column.measure)(&mut crowd));
        println!("{peers:>6} {networks:>8} {}", values.map(|value| format!("{:>12}", shown(value))).concat());
        let fields = COLUMNS.iter().zip(values).map(|(column, value)| format!("\"{}\":{}", column.key, json(value)));
        let fields = fields.collect::<Vec<_>>().join(",");
        rows.push(format!("{{\"peers\":{peers},\"networks\":{networks},{fields}}}"));
    }
    println!(
        "bytes: for each idle link, and {cipher} more for each of the two keys of its session, in the cipher itself"
    );
    println!("datagrams: sent in a minute for each idle link; step: asking what is due, and doing nothing");
    println!("document, status: a network's new document, the state of all; to all: each packet to another peer");
    println!("{{\"bytesPerKey\":{cipher},\"rows\":[{}]}}", rows.join(","));
}

fn shown(value: f64) -> String {
    if value.is_finite() { format!("{value:.0}") } else { "-".to_owned() }
}

fn json(value: f64) -> String {
    if value.is_finite() { format!("{value:.1}") } else { "null".to_owned() }
}
