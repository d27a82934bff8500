//! The index against a model that keeps every row, through restarts, merges, and crashes at each step.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// A log in memory: an entry is `[key, key, …]`, made at second = its index / 3.
struct Log {
    name: &'static str,
    entries: RefCell<Vec<Vec<u8>>>,
}

impl Log {
    fn new() -> Self {
        Self {
            name: "hub-1.test",
            entries: RefCell::default(),
        }
    }

    fn append(&self, keys: &[u8]) {
        let mut entries = self.entries.borrow_mut();
        let mut entry = u64::try_from(entries.len()).unwrap().to_be_bytes().to_vec();
        entry.extend_from_slice(keys);
        entries.push(entry);
    }
}

impl EntrySource for Log {
    fn name(&self) -> &str {
        self.name
    }

    fn durable(&self) -> u64 {
        self.entries.borrow().len() as u64
    }

    fn visit(&self, first: u64, count: u64, visit: &mut dyn FnMut(u64, &[u8])) -> Result<(), LedgerError> {
        let entries = self.entries.borrow();
        let numbered = (0_u64..).zip(entries.iter());
        for (index, entry) in numbered.skip(first as usize).take(count as usize) {
            visit(index, entry);
        }
        Ok(())
    }
}

fn rows_of(bytes: &[u8], keys: &mut Vec<(IndexKey, u32)>) -> i64 {
    let (index, named) = bytes.split_first_chunk().unwrap();
    keys.extend(named.iter().zip(0..).map(|(key, position)| ([*key; 16], position)));
    i64::try_from(u64::from_be_bytes(*index) / 3).unwrap() * 1_000_000
}

fn config(dir: &Path) -> IndexConfig {
    IndexConfig {
        dir: dir.to_owned(),
        form: 1,
        waiting_rows_max: 150,
        waiting_entries_max: 90,
        runs_of_level: 3,
    }
}

fn open(dir: &Path, log: &Log) -> LedgerIndex {
    LedgerIndex::open(config(dir), log).unwrap()
}

fn catch_up(index: &LedgerIndex, log: &Log) {
    loop {
        match index.catch_up(log, &mut rows_of) {
            Ok(0) => break,
            Ok(_) | Err(IndexError::Rebuilding) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn wanted(key: u8) -> IndexQuery {
    IndexQuery {
        key: [key; 16],
        below: LedgerPlace::before(u64::MAX),
        from_s: 0,
        until_s: u32::MAX,
        limit: usize::MAX,
    }
}

/// Every place of a key, newest first, as the log itself says.
fn model(log: &Log, key: u8) -> Vec<LedgerPlace> {
    let mut places = Vec::new();
    for (index, entry) in (0..).zip(log.entries.borrow().iter()) {
        for (position, named) in (0..).zip(&entry[8..]) {
            if *named == key {
                places.push(LedgerPlace { index, position });
            }
        }
    }
    places.reverse();
    places
}

fn places(found: &IndexHits) -> Vec<LedgerPlace> {
    found.rows.iter().map(|row| row.place).collect()
}

fn assert_is_the_model(index: &LedgerIndex, log: &Log) {
    for key in 0..12 {
        let found = index.look_up(&wanted(key)).unwrap();
        assert_eq!(found.covered, log.durable());
        assert_eq!(places(&found), model(log, key), "key {key}");
    }
}

fn filled(count: usize) -> Log {
    let log = Log::new();
    for number in 0..count {
        let keys: Vec<u8> = (0..number % 5).map(|n| ((number * 7 + n * n) % 11) as u8).collect();
        log.append(&keys);
    }
    log
}

/// Fills and merges in small steps, so that runs of several levels are there.
fn built(dir: &Path, log: &Log) -> LedgerIndex {
    let index = open(dir, log);
    let all = std::mem::take(&mut *log.entries.borrow_mut());
    for some in all.chunks(40) {
        log.entries.borrow_mut().extend_from_slice(some);
        catch_up(&index, log);
        while index.merge().unwrap() {}
    }
    index
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let name = |entry: &fs::DirEntry| entry.file_name().into_string().unwrap();
    let all = fs::read_dir(dir).unwrap().map(Result::unwrap);
    all.map(|entry| (name(&entry), fs::read(entry.path()).unwrap()))
        .collect()
}

#[test]
fn runs_of_several_levels_answer_as_the_log_does_after_a_restart_too() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(2_000);
    let index = built(dir.path(), &log);
    let levels: BTreeSet<u8> = index.read_state(|state| state.runs.iter().map(|run| run.span.level).collect());
    assert!(levels.len() >= 3, "{levels:?}");
    assert_is_the_model(&index, &log);
    let listed = index.read_state(IndexState::listed);
    drop(index);
    let index = open(dir.path(), &log);
    assert_eq!(index.covered(), listed, "what is listed is not read again");
    catch_up(&index, &log);
    assert_is_the_model(&index, &log);
}

#[test]
fn a_look_up_goes_on_below_a_place_and_within_times() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(1_000);
    let index = built(dir.path(), &log);
    let all = model(&log, 4);
    let (mut below, mut paged) = (LedgerPlace::before(u64::MAX), Vec::new());
    loop {
        let page = index
            .look_up(&IndexQuery {
                below,
                limit: 7,
                ..wanted(4)
            })
            .unwrap();
        let Some(last) = page.rows.last() else { break };
        below = last.place;
        paged.extend(places(&page));
    }
    assert_eq!(paged, all);
    let some = IndexQuery {
        from_s: 100,
        until_s: 110,
        ..wanted(4)
    };
    let inside: Vec<LedgerPlace> = all.into_iter().filter(|p| (300..333).contains(&p.index)).collect();
    assert_eq!(places(&index.look_up(&some).unwrap()), inside);
}

#[test]
fn an_index_of_another_ledger_form_or_length_is_built_again() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(600);
    drop(built(dir.path(), &log));
    let other = filled(600);
    other.entries.borrow_mut().iter_mut().for_each(|entry| entry.push(3));
    let index = open(dir.path(), &other);
    assert_eq!(index.covered(), 0, "another ledger of the same name");
    catch_up(&index, &other);
    assert_is_the_model(&index, &other);
    drop(index);
    other.entries.borrow_mut().truncate(100);
    assert_eq!(
        open(dir.path(), &other).covered(),
        0,
        "a ledger that is shorter than its index"
    );
    drop(built(dir.path(), &log));
    let changed = IndexConfig {
        form: 2,
        ..config(dir.path())
    };
    assert_eq!(LedgerIndex::open(changed, &log).unwrap().covered(), 0);
    let renamed = Log {
        name: "hub-2.test",
        entries: log.entries.clone(),
    };
    assert_eq!(open(dir.path(), &renamed).covered(), 0);
}

#[test]
fn a_manifest_cut_or_changed_anywhere_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(700);
    drop(built(dir.path(), &log));
    let whole = files(dir.path());
    let manifest = whole.get(manifest::MANIFEST).unwrap();
    let mut changed: Vec<Vec<u8>> = (0..manifest.len()).step_by(7).map(|n| manifest[..n].to_vec()).collect();
    changed.extend((0..manifest.len()).step_by(5).map(|n| {
        let mut bytes = manifest.clone();
        bytes[n] ^= 1;
        bytes
    }));
    for bytes in changed {
        for (name, bytes) in &whole {
            fs::write(dir.path().join(name), bytes).unwrap();
        }
        fs::write(dir.path().join(manifest::MANIFEST), bytes).unwrap();
        let index = open(dir.path(), &log);
        assert_eq!(index.covered(), 0);
        catch_up(&index, &log);
        assert_is_the_model(&index, &log);
    }
}

#[test]
fn a_damaged_or_lost_run_is_built_again_and_never_answers_short() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(1_500);
    drop(built(dir.path(), &log));
    let whole = files(dir.path());
    let runs: Vec<&String> = whole.keys().filter(|name| name.ends_with(".run")).collect();
    assert!(runs.len() >= 2);
    for (number, name) in runs.iter().flat_map(|name| [name, name, name]).enumerate() {
        for (name, bytes) in &whole {
            fs::write(dir.path().join(name), bytes).unwrap();
        }
        let path = dir.path().join(name);
        let mut bytes = whole[name.as_str()].clone();
        match number % 3 {
            0 => fs::remove_file(&path).unwrap(),
            1 => fs::write(&path, &bytes[..bytes.len() / 2]).unwrap(),
            _ => {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 4;
                fs::write(&path, bytes).unwrap();
            }
        }
        let index = open(dir.path(), &log);
        catch_up(&index, &log);
        for key in 0..12 {
            let found = match index.look_up(&wanted(key)) {
                Ok(found) => found,
                Err(IndexError::Rebuilding) => {
                    assert!(index.covered() < log.durable());
                    catch_up(&index, &log);
                    index.look_up(&wanted(key)).unwrap()
                }
                Err(error) => panic!("{error}"),
            };
            assert_eq!(places(&found), model(&log, key), "{name} key {key}");
        }
    }
}

#[test]
fn a_merge_of_a_damaged_run_drops_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(300);
    let index = open(dir.path(), &log);
    let all = std::mem::take(&mut *log.entries.borrow_mut());
    for some in all.chunks(95) {
        log.entries.borrow_mut().extend_from_slice(some);
        catch_up(&index, &log);
    }
    let second = index.read_state(|state| state.runs[1].span);
    let path = dir.path().join(second.name());
    let mut bytes = fs::read(&path).unwrap();
    bytes[40] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(matches!(index.merge(), Err(IndexError::Rebuilding)));
    assert_eq!(index.covered(), second.first);
    catch_up(&index, &log);
    assert_is_the_model(&index, &log);
}

/// What a crash leaves: some of the files of a later moment beside the manifest of an earlier one, and a write cut short.
#[test]
fn a_crash_at_each_step_of_a_run_or_a_merge_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(900);
    let index = open(dir.path(), &log);
    let all = std::mem::take(&mut *log.entries.borrow_mut());
    let mut moments = vec![(0, files(dir.path()))];
    for some in all.chunks(50) {
        log.entries.borrow_mut().extend_from_slice(some);
        catch_up(&index, &log);
        moments.push((log.entries.borrow().len(), files(dir.path())));
        while index.merge().unwrap() {
            moments.push((log.entries.borrow().len(), files(dir.path())));
        }
    }
    drop(index);
    for pair in moments.windows(2) {
        let ((_, before), (length, after)) = (&pair[0], &pair[1]);
        let new = after.iter().filter(|(name, _)| !before.contains_key(*name));
        let mut crashes = vec![before.clone()];
        for (name, bytes) in new {
            for cut in [0, bytes.len() / 3, bytes.len()] {
                // Half written under its other name, or whole, synced and named, but listed nowhere.
                let name = if cut < bytes.len() {
                    format!("{name}.tmp")
                } else {
                    name.clone()
                };
                let mut crash = before.clone();
                crash.insert(name, bytes[..cut].to_vec());
                crashes.push(crash);
            }
        }
        // Listed, and the files that it replaces not deleted yet.
        let mut crash = before.clone();
        crash.extend(after.clone());
        crashes.push(crash);
        let cut = log.entries.borrow()[..*length].to_vec();
        let log = Log {
            name: log.name,
            entries: RefCell::new(cut),
        };
        for crash in crashes {
            let dir = tempfile::tempdir().unwrap();
            for (name, bytes) in &crash {
                fs::write(dir.path().join(name), bytes).unwrap();
            }
            let index = open(dir.path(), &log);
            assert!(files(dir.path()).keys().all(|name| !name.ends_with(".tmp")));
            catch_up(&index, &log);
            while index.merge().unwrap() {}
            assert_is_the_model(&index, &log);
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Vec<u8>>),
    CatchUp,
    Merge,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let entries = prop::collection::vec(prop::collection::vec(0_u8..12, 0..6), 1..80);
    prop_oneof![
        4 => entries.prop_map(Step::Append),
        4 => Just(Step::CatchUp),
        2 => Just(Step::Merge),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn whatever_happens_in_whatever_order_it_answers_as_the_log_does(steps in prop::collection::vec(step(), 1..40)) {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::new();
        let mut index = open(dir.path(), &log);
        for step in steps {
            match step {
                Step::Append(entries) => entries.iter().for_each(|keys| log.append(keys)),
                Step::CatchUp => catch_up(&index, &log),
                Step::Merge => while index.merge().unwrap() {},
                Step::Reopen => {
                    drop(index);
                    index = open(dir.path(), &log);
                }
            }
            let found = index.look_up(&wanted(3)).unwrap();
            let known: Vec<LedgerPlace> = model(&log, 3).into_iter().filter(|place| place.index < found.covered).collect();
            prop_assert_eq!(places(&found), known);
        }
        catch_up(&index, &log);
        assert_is_the_model(&index, &log);
    }
}
