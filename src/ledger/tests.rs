//! The ledger as its users meet it: groups, recovery, proofs, refusals. Files are real, in temporary directories.

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;

use tlog_tiles::{HashReader, tlog};

use super::disk::frame::HEADER;
use super::receipt::{verify as verify_receipt, verify_consistency};
use super::tree::naive;
use super::verify::{DiskDirectory, LedgerFiles, verify_dir, verify_files};
use super::*;

mod copying;
mod damage;
mod lanes;
mod trouble;

pub(crate) fn config(dir: &std::path::Path) -> LedgerConfig {
    LedgerConfig {
        dir: dir.to_path_buf(),
        origin: "hub-1.test".into(),
        segment_bytes: 16 * 1024,
        seal_interval_ms: 20,
        signing_seed: [42; 32],
        group_bytes_max: 8 * 1024,
        queue_max: 4_096,
        clock: Arc::new(|| 1_700_000_000_000_000),
    }
}

fn entry(i: u64) -> Vec<u8> {
    format!("entry {i} {}", "x".repeat(usize::try_from(i % 40).unwrap())).into_bytes()
}

/// Appends from a test's own thread, outside of any runtime.
pub(crate) trait Blocking {
    fn append_blocking(&self, entry: Vec<u8>) -> Result<AppendedEntry, LedgerError>;
    fn append_many_blocking(&self, entries: Vec<Vec<u8>>) -> Result<Vec<AppendedEntry>, LedgerError>;
}

impl Blocking for Ledger {
    fn append_blocking(&self, entry: Vec<u8>) -> Result<AppendedEntry, LedgerError> {
        block_on(self.append(entry))
    }

    fn append_many_blocking(&self, entries: Vec<Vec<u8>>) -> Result<Vec<AppendedEntry>, LedgerError> {
        block_on(self.append_many(entries))
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(future)
}

/// Copies a ledger in use, so that the copy verifies: the checkpoint first, then what it was made from, the journal last.
fn copy_dir(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir(to).unwrap();
    for name in ["checkpoint", "key.pub", "bundles.idx"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
    for folder in [levels::DIRECTORY, journal::DIRECTORY] {
        fs::create_dir(to.join(folder)).unwrap();
        for entry in fs::read_dir(from.join(folder)).unwrap() {
            let name = entry.unwrap().file_name();
            if folder == levels::DIRECTORY || journal::parse_name(name.to_str().unwrap()).is_some() {
                fs::copy(from.join(folder).join(&name), to.join(folder).join(&name)).unwrap();
            }
        }
    }
}

/// Whether the ledger in `dir` holds and extends `held`, a checkpoint that was kept elsewhere.
fn extends(dir: &std::path::Path, held: &str) -> bool {
    verify_files(&DiskDirectory(dir.to_path_buf()), None, Some(held.as_bytes())).is_ok()
}

fn fill(ledger: &Ledger, from: u64, to: u64) {
    for i in from..to {
        assert_eq!(ledger.append_blocking(entry(i)).unwrap().index, i);
    }
}

/// All files of a ledger by path.
fn load(dir: &std::path::Path) -> BTreeMap<String, Vec<u8>> {
    let disk = DiskDirectory(dir.to_path_buf());
    let mut files = BTreeMap::new();
    for name in ["checkpoint", "key.pub", "bundles.idx"] {
        files.insert(name.to_owned(), disk.read(name, 0, u64::MAX).unwrap().into_owned());
    }
    for folder in ["journal", "hashes"] {
        for (name, _) in disk.list(folder).unwrap() {
            let path = format!("{folder}/{name}");
            files.insert(path.clone(), disk.read(&path, 0, u64::MAX).unwrap().into_owned());
        }
    }
    files
}

fn store(files: &BTreeMap<String, Vec<u8>>, dir: &std::path::Path) {
    for folder in ["journal", "hashes"] {
        fs::create_dir_all(dir.join(folder)).unwrap();
    }
    for (name, bytes) in files {
        fs::write(dir.join(name), bytes).unwrap();
    }
}

/// A closed ledger of `count` entries, in memory, without the spare segment.
fn sample(count: u64) -> BTreeMap<String, Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(dir.path())).unwrap();
    fill(&ledger, 0, count);
    ledger.close().unwrap();
    let mut files = load(dir.path());
    files.remove("journal/spare");
    files
}

#[test]
fn entries_come_back_and_every_proof_agrees_with_the_naive_tree() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(dir.path())).unwrap();
    fill(&ledger, 0, 700);
    ledger.close().unwrap();
    let leaves: Vec<TreeHash> = (0..700).map(|i| leaf_hash(&entry(i))).collect();
    for i in (0..700).step_by(13) {
        assert_eq!(ledger.entry(i).unwrap(), Some(entry(i)));
        let receipt = ledger.inclusion_proof(i).unwrap();
        assert_eq!(receipt.proof, naive::path(&leaves, usize::try_from(i).unwrap()));
        let proven = verify_receipt(receipt.to_text().as_bytes(), ledger.vkey()).unwrap();
        assert_eq!((proven.index, proven.head.root), (i, naive::root(&leaves)));
    }
    assert_eq!(ledger.entry(700).unwrap(), None);
    assert!(matches!(ledger.inclusion_proof(700), Err(LedgerError::NotFound)));
    assert_eq!(
        ledger
            .entries(254, 4)
            .unwrap()
            .iter()
            .map(|(i, _)| *i)
            .collect::<Vec<_>>(),
        [254, 255, 256, 257]
    );
    let head = |n: usize| TreeHead {
        size: n as u64,
        root: naive::root(&leaves[..n]),
    };
    for (old, new) in [(1, 700), (255, 256), (256, 700), (257, 513), (512, 512), (699, 700)] {
        let proof = ledger.consistency_proof(old as u64, new as u64).unwrap();
        assert_eq!(verify_consistency(&head(old), &head(new), &proof), Ok(()));
        if old != new {
            assert!(
                verify_consistency(
                    &head(old),
                    &TreeHead {
                        root: [0; 32],
                        ..head(new)
                    },
                    &proof
                )
                .is_err()
            );
        }
    }
    assert!(matches!(ledger.append_blocking(vec![1]), Err(LedgerError::Closed)));
}

#[test]
fn tiles_and_bundles_are_what_the_specification_says() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(dir.path())).unwrap();
    fill(&ledger, 0, 600);
    ledger.close().unwrap();
    let leaves: Vec<TreeHash> = (0..600).map(|i| leaf_hash(&entry(i))).collect();
    assert_eq!(ledger.tile(0, 1, 256).unwrap(), leaves[256..512].concat());
    assert_eq!(ledger.tile(0, 2, 88).unwrap(), leaves[512..].concat());
    assert_eq!(
        ledger.tile(1, 0, 2).unwrap(),
        [naive::root(&leaves[..256]), naive::root(&leaves[256..512])].concat()
    );
    for (level, n, width) in [
        (0, 2, 89),
        (1, 0, 3),
        (2, 0, 1),
        (0, 0, 0),
        (0, u64::MAX, 1),
        (63, 0, 1),
        (0, 3, 1),
    ] {
        assert!(
            matches!(ledger.tile(level, n, width), Err(LedgerError::NotFound)),
            "{level} {n} {width}"
        );
    }
    let bundle = ledger.entry_bundle(2, 88).unwrap();
    let mut rest = bundle.as_slice();
    for i in 512..600 {
        let (length, tail) = rest.split_first_chunk::<2>().unwrap();
        let (found, tail) = tail.split_at(usize::from(u16::from_be_bytes(*length)));
        assert_eq!(found, entry(i));
        rest = tail;
    }
    assert!(rest.is_empty());
}

struct Memory(Vec<tlog_tiles::Hash>);

impl HashReader for Memory {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog::Error> {
        Ok(indexes.iter().map(|i| self.0[usize::try_from(*i).unwrap()]).collect())
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
    #[test]
    fn stored_hashes_agree_with_tlog_tiles_for_any_size(size in 1u64..1_400, pick: u64, old: u64) {
        let dir = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(LedgerConfig { segment_bytes: 1 << 20, group_bytes_max: 1 << 20, ..config(dir.path()) }).unwrap();
        ledger.append_many_blocking((0..size).map(entry).collect()).unwrap();
        ledger.close().unwrap();
        let mut theirs = Memory(Vec::new());
        for i in 0..size {
            let more = tlog::stored_hashes(i, &entry(i), &theirs).unwrap();
            theirs.0.extend(more);
        }
        let (index, old) = (pick % size, old % size + 1);
        let receipt = ledger.inclusion_proof(index).unwrap();
        let proof = tlog::prove_record(size, index, &theirs).unwrap();
        proptest::prop_assert_eq!(receipt.proof, proof.iter().map(|h| h.0).collect::<Vec<_>>());
        let key = VerifierKey::parse(ledger.vkey()).unwrap();
        let head = key.open(ledger.checkpoint().as_bytes(), CosignatureRule::Refused).unwrap();
        proptest::prop_assert_eq!(head.root, tlog::tree_hash(size, &theirs).unwrap().0);
        let consistency = tlog::prove_tree(size, old, &theirs).unwrap();
        proptest::prop_assert_eq!(ledger.consistency_proof(old, size).unwrap(), consistency.iter().map(|h| h.0).collect::<Vec<_>>());
    }
}

#[test]
fn limits_are_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(dir.path())).unwrap();
    assert!(matches!(ledger.append_blocking(vec![]), Err(LedgerError::EntrySize)));
    assert!(matches!(
        ledger.append_blocking(vec![0; 65_536]),
        Err(LedgerError::EntrySize)
    ));
    assert!(matches!(
        ledger.append_many_blocking(vec![]),
        Err(LedgerError::EntrySize)
    ));
    assert!(matches!(
        ledger.append_many_blocking(vec![vec![0; 9_000]; 2]),
        Err(LedgerError::BatchSize)
    ));
    assert!(matches!(Ledger::open(config(dir.path())), Err(LedgerError::Locked)));
    drop(ledger);
    assert!(matches!(
        Ledger::open(LedgerConfig {
            signing_seed: [1; 32],
            ..config(dir.path())
        }),
        Err(LedgerError::KeyMismatch)
    ));
    assert!(matches!(
        Ledger::open(LedgerConfig {
            seal_interval_ms: 1_001,
            ..config(dir.path())
        }),
        Err(LedgerError::Config(_))
    ));
    assert_eq!(verify_dir(dir.path(), None).unwrap().entries, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_covers_an_entry_soon_and_a_wait_for_none_gives_up() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(dir.path())).unwrap();
    let many = ledger.append_many(vec![vec![1], vec![2], vec![3]]).await.unwrap();
    assert_eq!(many.iter().map(|a| a.index).collect::<Vec<_>>(), [0, 1, 2]);
    ledger.wait_sealed(2, Duration::from_secs(10)).await.unwrap();
    assert!(ledger.inclusion_proof(2).is_ok());
    assert!(matches!(
        ledger.wait_sealed(3, Duration::from_millis(5)).await,
        Err(LedgerError::NotSealed)
    ));
    let stats = ledger.stats();
    assert_eq!(
        (
            stats.appended,
            stats.durable,
            stats.sealed,
            stats.groups,
            stats.last_group
        ),
        (3, 3, 3, 1, 3)
    );
    assert_eq!(stats.checkpoint_at_us, 1_700_000_000_000_000);
    ledger.close().unwrap();
    assert!(matches!(
        ledger.wait_sealed(9, Duration::from_secs(9)).await,
        Err(LedgerError::Closed)
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_callers_get_every_index_once_and_the_live_directory_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Arc::new(Ledger::open(config(dir.path())).unwrap());
    let mut tasks = Vec::new();
    for t in 0..16u64 {
        let ledger = Arc::clone(&ledger);
        tasks.push(tokio::spawn(async move {
            let mut indexes = Vec::new();
            for i in 0..150 {
                indexes.push(ledger.append(entry(t * 1_000 + i)).await.unwrap().index);
            }
            indexes
        }));
    }
    let copies = tempfile::tempdir().unwrap();
    for n in 0..20 {
        let report = verify_dir(dir.path(), Some(ledger.vkey())).unwrap();
        assert!(report.sealed <= report.entries);
        let copy = copies.path().join(n.to_string());
        copy_dir(dir.path(), &copy);
        verify_dir(&copy, Some(ledger.vkey())).unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut indexes = Vec::new();
    for task in tasks {
        indexes.extend(task.await.unwrap());
    }
    indexes.sort_unstable();
    assert_eq!(indexes, (0..2_400).collect::<Vec<_>>());
    ledger.close().unwrap();
    assert_eq!(verify_dir(dir.path(), None).unwrap().sealed, 2_400);
}

#[test]
fn a_full_queue_says_busy_and_a_failed_disk_fails_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(LedgerConfig {
        queue_max: 1,
        ..config(dir.path())
    })
    .unwrap();
    let mut answers = Vec::new();
    let busy = (0..10_000u64).any(|i| {
        let leaf = leaf_hash(&entry(i));
        match ledger.submit(JobEntries::One([(entry(i), leaf)])) {
            Ok(answer) => answers.push(answer),
            Err(LedgerError::Busy) => return true,
            Err(e) => panic!("{e}"),
        }
        false
    });
    assert!(busy && ledger.stats().busy == 1);
    // The next segment's name is taken by a folder, so that the segment cannot be made.
    // The sealer may put its spare there between the emptying and the removing.
    let journal = dir.path().join("journal");
    let removed = (0..1_000).any(|_| fs::remove_dir_all(&journal).is_ok());
    assert!(removed);
    let failed = (0..10_000u64).any(|i| matches!(ledger.append_blocking(entry(i)), Err(LedgerError::Failed)));
    assert!(failed && ledger.failure().is_some());
    assert!(matches!(ledger.append_blocking(vec![1]), Err(LedgerError::Failed)));
    assert!(matches!(ledger.close(), Err(LedgerError::Failed)));
}
