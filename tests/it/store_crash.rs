//! Kills a writing process at random and looks at what it left: every acknowledged commit, and none in part.
//! Killing keeps what the kernel holds, so this shows atomicity and order; syncs are shown by a system-call trace.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::store_kit::*;
use heyan::ports::subject::RecordKey;

const FOLDER: &str = "HEYAN_TEST_CRASH_FOLDER";
const FIRST: &str = "HEYAN_TEST_CRASH_FIRST";
const LANES: u64 = 4;

/// Commit `n` writes this many records, one agency and one ledger entry.
fn size_of(n: u64) -> u64 {
    if n.is_multiple_of(17) { 600 } else { 1 + n % 7 }
}

fn commit_of(n: u64) -> heyan::ports::commit::Commit {
    let dataset: Arc<str> = "crash".into();
    let mut commit = first_load(&dataset, n * 1_000..n * 1_000 + size_of(n));
    commit.push(agency(&format!("agency-{n}"), u32::try_from(n).unwrap()));
    commit.ledger_entries.push(n.to_le_bytes().to_vec());
    commit
}

/// The child: commits without end in several lanes, and says so on standard output after each answer.
#[test]
fn child_that_writes_until_it_is_killed() {
    let (Ok(folder), Ok(first)) = (std::env::var(FOLDER), std::env::var(FIRST)) else {
        return;
    };
    let first: u64 = first.parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async move {
        let folder = std::mem::ManuallyDrop::new(Folder(folder.into()));
        let store = Arc::new(open(&folder).await);
        let mut lanes = tokio::task::JoinSet::new();
        for lane in 0..LANES {
            let store = Arc::clone(&store);
            lanes.spawn(async move {
                for n in (first + lane..).step_by(usize::try_from(LANES).unwrap()) {
                    store.commit(Arc::new(commit_of(n))).await.unwrap();
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "ack {n}").unwrap();
                    out.flush().unwrap();
                }
            });
        }
        lanes.join_next().await.unwrap().unwrap();
    });
}

#[test]
fn no_acknowledged_commit_is_lost_and_none_is_left_in_part() {
    let folder = Folder::new("crash");
    let mut acknowledged = BTreeSet::new();
    let (mut first, mut applied_last) = (1, 0);
    for kill in 0..20u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "store_crash::child_that_writes_until_it_is_killed",
                "--nocapture",
            ])
            .env(FOLDER, &folder.0)
            .env(FIRST, first.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let acks = std::thread::spawn(move || {
            let lines = out.lines().map_while(Result::ok);
            let number = |line: String| line.rsplit_once("ack ")?.1.parse::<u64>().ok();
            lines.filter_map(number).collect::<Vec<_>>()
        });
        std::thread::sleep(Duration::from_micros(60_000 + subject(kill).0[0] as u64 * 1_500));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(acks.join().unwrap());
        let applied = check(&folder, &acknowledged, first + 100_000);
        applied_last = applied.len();
        first = applied.last().map_or(first, |n| n + 1);
    }
    println!(
        "20 kills: {} commits acknowledged, {applied_last} applied",
        acknowledged.len()
    );
    assert!(acknowledged.len() > 20);
}

/// Reopens after the kill; answers the commits that stand.
fn check(folder: &Folder, acknowledged: &BTreeSet<u64>, beyond: u64) -> BTreeSet<u64> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open(folder).await;
        let file = heyan::store::SqliteFile::at(folder.database());
        assert!(file.integrity_check().await.unwrap().is_empty());
        let entries = store.pending_entries(u32::MAX).await.unwrap();
        let number = |entry: &[u8]| u64::from_le_bytes(entry.try_into().unwrap());
        let applied: BTreeSet<u64> = entries.iter().map(|row| number(&row.entry)).collect();
        assert_eq!(applied.len(), entries.len());
        let lost: Vec<_> = acknowledged.difference(&applied).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        let agencies = store.access().await.unwrap().agencies;
        let agencies: BTreeSet<u64> = agencies.iter().map(|row| u64::from(row.number)).collect();
        assert_eq!(agencies, applied);
        let total: u64 = applied.iter().map(|n| size_of(*n)).sum();
        let counts = store.record_counts().await.unwrap();
        assert_eq!(counts.first().map_or(0, |count| count.1), total);
        let dataset: Arc<str> = "crash".into();
        let one_each = |n: &u64| {
            (0..size_of(*n))
                .map(|i| key(&dataset, n * 1_000 + i))
                .collect::<Vec<RecordKey>>()
        };
        let keys: Vec<RecordKey> = applied.iter().flat_map(one_each).collect();
        let found = store.records(&keys).await.unwrap();
        assert!(found.iter().all(Option::is_some));
        assert!(applied.last().is_none_or(|n| *n < beyond));
        store.close().await;
        applied
    })
}
