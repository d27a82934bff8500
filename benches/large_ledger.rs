//! How a ledger opens when it is large: `large_ledger DIR ENTRIES` fills an empty folder and closes it as a stop does, or, where
//! DIR holds a ledger, opens it some times. `kill -9` while it fills, then open again, for an end that was never sealed.
//!
//! Told as one line of JSON: entries, seconds to fill, seconds of each opening (up to the checkpoint being there and an entry
//! taken), and the seconds of a first proof of the oldest entry.

#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench stops at the first surprise"
)]

use std::{path::Path, sync::Arc, time::Instant};

use heyan::ledger::{Ledger, LedgerConfig};

/// Bytes of an entry of one verification of three fields, about.
const ENTRY_BYTES: usize = 180;

/// Entries that one caller hands over at once.
const CALL: u64 = 500;

/// Threads that fill.
const THREADS: u64 = 4;

/// Openings.
const OPENINGS: usize = 5;

fn open(dir: &Path) -> Ledger {
    Ledger::open(LedgerConfig {
        dir: dir.to_path_buf(),
        origin: "large.test/log".into(),
        segment_bytes: 16 << 20,
        seal_interval_ms: 1_000,
        signing_seed: [8; 32],
        group_bytes_max: 1 << 20,
        queue_max: 4_096,
        clock: Arc::new(|| 1_795_000_000_000_000),
    })
    .expect("the ledger opens")
}

fn entry(number: u64) -> Vec<u8> {
    let mut bytes = vec![0xA5; ENTRY_BYTES];
    if let Some(head) = bytes.first_chunk_mut() {
        *head = number.to_be_bytes();
    }
    bytes
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
}

fn fill(ledger: &Ledger, entries: u64) {
    let each = entries / THREADS;
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                let runtime = runtime();
                let (mut number, end) = (thread * each, (thread + 1) * each);
                while number < end {
                    let count = CALL.min(end - number);
                    let call = (number..number + count).map(entry).collect();
                    let taken = runtime.block_on(ledger.append_many(call));
                    taken.expect("the ledger takes entries");
                    number += count;
                }
            });
        }
    });
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().expect("large_ledger DIR ENTRIES");
    let entries: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(0);
    let dir = Path::new(&dir);
    let mut began = Instant::now();
    let mut ledger = open(dir);
    if ledger.stats().durable == 0 && entries > 0 {
        began = Instant::now();
        fill(&ledger, entries);
        ledger.close().expect("the ledger closes");
        println!(
            "{{\"entries\":{entries},\"fill_s\":{:.1}}}",
            began.elapsed().as_secs_f64()
        );
        return;
    }
    let runtime = runtime();
    let (held, mut openings, mut proof_s) = (ledger.stats().durable, Vec::new(), None);
    loop {
        let taken = runtime.block_on(ledger.append(entry(0)));
        taken.expect("the ledger takes an entry");
        openings.push(began.elapsed().as_secs_f64());
        proof_s.get_or_insert_with(|| {
            let began = Instant::now();
            ledger.inclusion_proof(0).expect("the oldest entry has a proof");
            began.elapsed().as_secs_f64()
        });
        ledger.close().expect("the ledger closes");
        drop(ledger);
        if openings.len() == OPENINGS {
            break;
        }
        began = Instant::now();
        ledger = open(dir);
    }
    let proof_s = proof_s.unwrap_or_default();
    println!("{{\"entries\":{held},\"open_s\":{openings:.3?},\"proof_s\":{proof_s:.4}}}");
}
