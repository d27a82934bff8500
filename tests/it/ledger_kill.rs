//! Kills a writing process at random moments and checks that no acknowledged entry is lost and that the log verifies.
//! The child acknowledges over its standard output, a pipe: what this process has read was acknowledged before the kill.
//! `HEYAN_KILLS` sets the number of kills (12 when unset).

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use heyan::ledger::verify::verify_dir;
use heyan::ledger::{Ledger, LedgerConfig};

const CHILD: &str = "HEYAN_LEDGER_CHILD";

fn open(dir: &Path) -> Ledger {
    Ledger::open(LedgerConfig {
        dir: dir.to_path_buf(),
        origin: "hub-1.test".into(),
        segment_bytes: 128 * 1024,
        seal_interval_ms: 15,
        signing_seed: [3; 32],
        group_bytes_max: 32 * 1024,
        queue_max: 1_024,
        clock: Arc::new(|| 0),
    })
    .unwrap()
}

/// Not a test of its own: the body of the killed process.
#[test]
fn child() {
    let Ok(dir) = std::env::var(CHILD) else {
        return;
    };
    let ledger = Arc::new(open(Path::new(&dir)));
    let writer = |t: u32| {
        let ledger = Arc::clone(&ledger);
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            for i in 0u64.. {
                let entry = format!("{t} {i} {}", "y".repeat(usize::try_from(i % 300).unwrap()));
                let appended = runtime.block_on(ledger.append(entry.clone().into_bytes())).unwrap();
                // One write: a line is either whole in the pipe or was never acknowledged.
                std::io::stdout()
                    .write_all(format!("ack {} {entry}\n", appended.index).as_bytes())
                    .unwrap();
            }
        }
    };
    let threads: Vec<_> = (0..8).map(|t| thread::spawn(writer(t))).collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Index and entry of an acknowledgement.
fn parsed(ack: &str) -> (u64, &str) {
    let (index, entry) = ack.split_once(' ').unwrap();
    (index.parse().unwrap(), entry)
}

#[test]
fn no_acknowledged_entry_is_lost_when_the_process_is_killed_at_any_moment() {
    let kills: u64 = std::env::var("HEYAN_KILLS")
        .ok()
        .and_then(|k| k.parse().ok())
        .unwrap_or(12);
    let dir = tempfile::tempdir().unwrap();
    let (mut acknowledged, mut torn, mut unsealed, mut slowest) = (0u64, 0u64, 0u64, Duration::ZERO);
    let mut random = 0x1234_5678_9abc_def1u64;
    for kill in 0..kills {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "ledger_kill::child", "--nocapture", "--test-threads", "1"])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pipe = BufReader::new(child.stdout.take().unwrap());
        let reader = thread::spawn(move || {
            let lines = pipe.lines().map_while(Result::ok);
            let acks = lines.filter_map(|l| l.split_once("ack ").map(|(_, ack)| ack.to_owned()));
            acks.collect::<Vec<_>>()
        });
        thread::sleep(Duration::from_micros(20_000 + random % 180_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let acks = reader.join().unwrap();
        let report = verify_dir(dir.path(), None);
        let Ok(report) = report else {
            // Killed before the very first checkpoint was written: nothing was acknowledged either.
            assert!(acks.is_empty() && kill == 0, "{report:?}");
            continue;
        };
        (torn, unsealed) = (torn + u64::from(report.torn_tail_bytes > 0), unsealed + report.unsealed);
        let started = Instant::now();
        let ledger = open(dir.path());
        slowest = slowest.max(started.elapsed());
        let acks: BTreeMap<u64, &str> = acks.iter().map(|ack| parsed(ack)).collect();
        let mut held = BTreeMap::new();
        if let (Some((first, _)), Some((last, _))) = (acks.first_key_value(), acks.last_key_value()) {
            let mut next = *first;
            while next <= *last {
                let page = ledger.entries(next, 65_536).unwrap();
                assert!(
                    !page.is_empty(),
                    "kill {kill}: nothing from {next} on, {last} was acknowledged"
                );
                next += page.len() as u64;
                held.extend(page);
            }
        }
        for (index, entry) in &acks {
            let found = held.get(index).map(Vec::as_slice);
            assert_eq!(found, Some(entry.as_bytes()), "kill {kill}: lost {index}");
        }
        acknowledged += acks.len() as u64;
        ledger.close().unwrap();
    }
    let report = verify_dir(dir.path(), None).unwrap();
    println!(
        "kills {kills}, acknowledged {acknowledged}, lost 0, entries {}, torn tails {torn}, unsealed at kill {unsealed}, slowest open {slowest:?}",
        report.entries
    );
    assert!(report.entries >= acknowledged && report.unsealed == 0);
}
