//! The story that every engine behind the `Store` port must tell alike, and what only the embedded one promises.
//! The story takes the port and nothing else: another engine runs it by handing over its own store, empty.

use heyan::ports::access::{AgencyRow, GrantRow};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{store_keys, store_kit::*};
use heyan::domain::mismatch::MismatchPhase;
use heyan::ports::access::GrantUsage;
use heyan::ports::commit::Commit;
use heyan::ports::deliveries::DeliveryPhase;
use heyan::ports::store::Store;
use heyan::ports::{error::StoreError, subject::RecordKey};
use heyan::store::{SqliteConfig, SqliteFile, SqliteStore};

pub(crate) async fn tell(store: Arc<dyn Store>) {
    store.ping().await.unwrap();
    records_keep_order_versions_and_history(&*store).await;
    a_conflict_applies_nothing(&*store).await;
    access_rows_come_back_as_written(&*store).await;
    a_taken_number_and_a_missing_agency_are_refused(&*store).await;
    usage_adds_up(&*store).await;
    store_keys::tell(&*store).await;
    the_outbox_is_first_in_first_out(&*store).await;
    a_mismatch_is_told_when_nothing_of_its_event_is_pending(&*store).await;
    writers_that_race_are_each_judged_alone(Arc::clone(&store)).await;
    a_caller_that_goes_away_leaves_a_whole_commit_or_none(Arc::clone(&store)).await;
}

fn is_conflict<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Conflict))
}

async fn version_of(store: &dyn Store, key: RecordKey) -> Option<u32> {
    let found = store.records(&[key]).await.unwrap();
    found[0].as_ref().map(|record| record.version)
}

async fn records_keep_order_versions_and_history(store: &dyn Store) {
    let (persons, firms): (Arc<str>, Arc<str>) = ("persons".into(), "firms".into());
    store.commit(Arc::new(first_load(&persons, 0..700))).await.unwrap();
    store.commit(Arc::new(first_load(&firms, 0..3))).await.unwrap();

    let keys = [
        key(&persons, 699),
        key(&firms, 2),
        key(&persons, 9_999),
        key(&firms, 3),
        key(&persons, 0),
        key(&persons, 699),
    ];
    let found = store.records(&keys).await.unwrap();
    assert_eq!(found.len(), keys.len());
    for (place, n) in [(0, 699), (1, 2), (4, 0), (5, 699)] {
        assert_same(found[place].as_ref().unwrap(), &record(n, 1));
    }
    assert!(found[2].is_none() && found[3].is_none());
    assert!(store.records(&[]).await.unwrap().is_empty());
    let newest = store.newest(&keys).await.unwrap();
    assert_eq!(newest.len(), keys.len());
    for (newest, whole) in newest.iter().zip(&found) {
        let newest = newest
            .as_ref()
            .map(|it| (it.version, it.received_at, it.fields.as_str()));
        let whole = whole
            .as_ref()
            .map(|it| (it.version, it.received_at, it.fields.as_str()));
        assert_eq!(newest, whole, "what a verification needs is what the record says");
    }
    assert!(store.newest(&[]).await.unwrap().is_empty());

    // Two versions of one record in one commit, among many new ones and replacements.
    let mut commit = first_load(&persons, 700..900);
    commit.push((0..300).map(|n| write(&persons, n, Some(1))).collect::<Vec<_>>());
    commit.push(write(&persons, 5, Some(2)));
    store.commit(Arc::new(commit)).await.unwrap();
    assert_eq!(version_of(store, key(&persons, 5)).await, Some(3));
    for version in 1..=3 {
        let past = store.record_version(&key(&persons, 5), version).await.unwrap();
        assert_same(&past.unwrap(), &record(5, version));
    }
    assert!(store.record_version(&key(&persons, 5), 4).await.unwrap().is_none());
    assert!(store.record_version(&key(&firms, 5), 1).await.unwrap().is_none());
    let counts = store.record_counts().await.unwrap();
    assert_eq!(counts, [("firms".to_owned(), 3), ("persons".to_owned(), 900)]);
}

async fn a_conflict_applies_nothing(store: &dyn Store) {
    let dataset: Arc<str> = "persons".into();
    let already_there = write(&dataset, 5, None);
    let moved_on = write(&dataset, 5, Some(2));
    let never_was = write(&dataset, 77_777, Some(1));
    let mut backwards = write(&dataset, 5, Some(3));
    backwards.record.version = 3;
    let mut stale_but_newer = write(&dataset, 5, Some(2));
    stale_but_newer.record.version = 9;
    for bad in [already_there, moved_on, never_was, backwards, stale_but_newer] {
        let mut commit = first_load(&dataset, 50_000..50_300);
        commit.push(bad);
        commit.push(agency("conflicting", 900));
        commit.ledger_entries.push(vec![1]);
        assert!(is_conflict(&store.commit(Arc::new(commit)).await));
    }
    assert_eq!(version_of(store, key(&dataset, 5)).await, Some(3));
    assert_eq!(version_of(store, key(&dataset, 50_000)).await, None);
    assert!(store.access().await.unwrap().agencies.is_empty());
    assert!(store.pending_entries(10).await.unwrap().is_empty());
}

fn first<R: heyan::ports::commit::WrittenRow>(commit: &Commit) -> &R {
    commit.rows().next().unwrap()
}

async fn access_rows_come_back_as_written(store: &dyn Store) {
    let commit = Commit::default()
        .with(vec![agency("housing", 1), agency("police", 2)])
        .with(vec![
            client("housing-desk", Some("housing")),
            client("auditor-li", None),
        ])
        .with(vec![grant("grt_1", "housing")]);
    let commit = Arc::new(commit);
    assert!(store.commit(Arc::clone(&commit)).await.unwrap().is_empty());
    let changed = Commit::default()
        .with(vec![AgencyRow {
            disabled: true,
            updated_at: 5,
            ..agency("police", 2)
        }])
        .with(vec![GrantRow {
            revoked_at: Some(15),
            daily_ceiling: None,
            ..grant("grt_1", "housing")
        }]);
    let changed = Arc::new(changed);
    store.commit(Arc::clone(&changed)).await.unwrap();

    let rows = store.access().await.unwrap();
    let agencies = format!("{:?}", [first::<AgencyRow>(&commit), first(&changed)]);
    assert_eq!(format!("{:?}", rows.agencies), agencies);
    assert_eq!(
        format!("{:?}", rows.grants),
        format!("{:?}", changed.rows::<GrantRow>().collect::<Vec<_>>())
    );
    assert_eq!(rows.clients.len(), 2);
    let desk = rows.clients.iter().find(|client| client.id == "housing-desk").unwrap();
    assert_eq!(desk.agency.as_deref(), Some("housing"));
    assert_eq!((desk.secret_hash, desk.previous_secret_hash), ([7; 32], Some([8; 32])));
    assert_eq!((desk.previous_valid_until, desk.public_key), (Some(99), None));
    assert!(desk.disabled && desk.role == "agency" && desk.updated_at == 2);
}

async fn a_taken_number_and_a_missing_agency_are_refused(store: &dyn Store) {
    for (id, number) in [("housing", 7), ("newcomer", 1)] {
        let commit = Commit::default().with(vec![agency(id, number)]);
        assert!(is_conflict(&store.commit(Arc::new(commit)).await), "{id}");
    }
    let orphan = Commit::default().with(vec![grant("grt_2", "nobody")]).entry(vec![1]);
    let refused = store.commit(Arc::new(orphan)).await;
    assert!(matches!(refused, Err(StoreError::Engine { .. })));
    assert!(store.pending_entries(10).await.unwrap().is_empty());
}

async fn usage_adds_up(store: &dyn Store) {
    let usage = |day, used| GrantUsage {
        grant: "grt_1".to_owned(),
        day,
        used,
    };
    store.add_usage(&[]).await.unwrap();
    store.add_usage(&[usage(100, 3), usage(101, 4)]).await.unwrap();
    store.add_usage(&[usage(101, 5), usage(102, 6)]).await.unwrap();
    let rows = store.access().await.unwrap().usage;
    let days: Vec<(i32, u64)> = rows.iter().map(|row| (row.day, row.used)).collect();
    assert_eq!(days, [(101, 9), (102, 6)]);
}

async fn the_outbox_is_first_in_first_out(store: &dyn Store) {
    let entries = |numbers: std::ops::Range<u8>| Commit::default().entries(numbers.map(|n| vec![n; 3]).collect());
    let first = store.commit(Arc::new(entries(0..40))).await.unwrap();
    let second = store.commit(Arc::new(entries(40..42))).await.unwrap();
    assert_eq!((first.len(), second.len()), (40, 2));
    assert!(first.iter().chain(&second).is_sorted_by(|a, b| a < b));
    let pending = store.pending_entries(41).await.unwrap();
    let ids: Vec<i64> = first.iter().chain(&second).copied().take(41).collect();
    assert_eq!(pending.iter().map(|row| row.id).collect::<Vec<_>>(), ids);
    for (n, row) in (0u8..).zip(&pending) {
        assert_eq!(row.entry, [n; 3]);
    }
    store.forget_entries(&[]).await.unwrap();
    store.forget_entries(&ids).await.unwrap();
    store.forget_entries(&ids).await.unwrap();
    assert_eq!(store.pending_entries(10).await.unwrap().len(), 1);
    store.forget_entries(&second).await.unwrap();
    let third = store.commit(Arc::new(entries(0..1))).await.unwrap();
    assert!(third[0] > second[1], "an id is never given twice");
    store.forget_entries(&third).await.unwrap();
}

async fn told(store: &dyn Store) -> Vec<String> {
    let rows = store.delivered_mismatches(100).await.unwrap();
    let mut ids: Vec<String> = rows.into_iter().map(|row| row.id).collect();
    ids.sort_unstable();
    ids
}

async fn a_mismatch_is_told_when_nothing_of_its_event_is_pending(store: &dyn Store) {
    let waiting = |n: u64| Commit::default().with(vec![awaiting(n)]).with(vec![change(n)]);
    for n in 0..3 {
        store.commit(Arc::new(waiting(n))).await.unwrap();
    }
    assert!(told(store).await.is_empty(), "no event has its deliveries yet");

    // Nobody listens to the first; two listen to the second, of whom one takes only the newest of a record.
    let mut commit = fanned(&[0]);
    store.commit(Arc::new(commit)).await.unwrap();
    assert_eq!(told(store).await, [id("mis_", 0)]);
    commit = fanned(&[1]);
    commit.push(vec![delivery(10, 1, "patient"), delivery(11, 1, "latest")]);
    store.commit(Arc::new(commit)).await.unwrap();
    let ends = |delivery: u64, state| Commit::default().with(vec![ended(delivery, state)]);
    store.commit(Arc::new(ends(10, DeliveryPhase::Pending))).await.unwrap();
    assert_eq!(told(store).await, [id("mis_", 0)], "it is tried again");
    store.commit(Arc::new(ends(10, DeliveryPhase::Dead))).await.unwrap();
    assert_eq!(told(store).await, [id("mis_", 0)], "the other is pending still");
    commit = fanned(&[2]);
    commit.push(vec![delivery(12, 2, "latest")]);
    store.commit(Arc::new(commit)).await.unwrap();
    let superseded = store.delivery(&id("dlv_", 11)).await.unwrap().unwrap();
    assert_eq!(superseded.state, DeliveryPhase::Superseded);
    assert_eq!(told(store).await, [id("mis_", 0), id("mis_", 1)]);

    // A step takes it out again, and one that is over does not come back.
    let mut closed = awaiting(1);
    closed.row.revision = 2;
    closed.step.seq = 2;
    closed.row.state = MismatchPhase::Closed;
    closed.row.is_final = true;
    closed.row.awaits = None;
    let commit = Commit::default().with(vec![closed]);
    store.commit(Arc::new(commit)).await.unwrap();
    assert_eq!(told(store).await, [id("mis_", 0)]);
    store
        .commit(Arc::new(ends(12, DeliveryPhase::Delivered)))
        .await
        .unwrap();
    assert_eq!(told(store).await, [id("mis_", 0), id("mis_", 2)]);

    // One that is opened as the first of its matter and fields is refused beside any other of them, also one that is over.
    let first = |n: u64, matter: u64| {
        let mut write = awaiting(n);
        write.row.matter = subject(matter).0;
        write.is_first = true;
        Commit::default().with(write)
    };
    let refused = store.commit(Arc::new(first(20, 1))).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    store.commit(Arc::new(first(21, 21))).await.unwrap();
}

/// Of 20 rounds of 16 racing writers, one a round wins each record; the losers, the sound commits between them and a
/// commit that breaks a rule of the schema do not touch each other.
pub(crate) async fn writers_that_race_are_each_judged_alone(store: Arc<dyn Store>) {
    let dataset: Arc<str> = "raced".into();
    for round in 0..20u32 {
        let mut tasks = tokio::task::JoinSet::new();
        for rival in 0..16u64 {
            let (rivals, other) = (Arc::clone(&store), Arc::clone(&store));
            let contested_in = Arc::clone(&dataset);
            tasks.spawn(async move {
                let mut commit = Commit::default();
                let contested = (round > 0).then_some(round);
                commit.push(write(&contested_in, 1, contested));
                commit.push(write(&contested_in, 1_000 + rival + 100 * u64::from(round), None));
                commit.ledger_entries.push(vec![1, u8::try_from(rival).unwrap()]);
                (rival, rivals.commit(Arc::new(commit)).await)
            });
            let sound_in: Arc<str> = "sound".into();
            tasks.spawn(async move {
                let n = rival + 100 * u64::from(round);
                let mut commit = first_load(&sound_in, n..n + 1);
                commit.ledger_entries = vec![vec![2], vec![3]];
                if rival == 7 {
                    commit.ledger_entries.push(Vec::new());
                }
                (100 + rival, other.commit(Arc::new(commit)).await)
            });
        }
        let (mut winners, mut ids) = (Vec::new(), Vec::new());
        while let Some(done) = tasks.join_next().await {
            match done.unwrap() {
                (107, outcome) => assert!(matches!(outcome, Err(StoreError::Engine { .. }))),
                (rival, Ok(mut given)) => {
                    assert_eq!(given.len(), if rival < 100 { 1 } else { 2 });
                    ids.append(&mut given);
                    if rival < 100 {
                        winners.push(rival);
                    }
                }
                (rival, outcome) => assert!(rival < 100 && is_conflict(&outcome)),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}");
        for rival in 0..16u64 {
            let own = key(&dataset, 1_000 + rival + 100 * u64::from(round));
            let won = version_of(&*store, own).await.is_some();
            assert_eq!(won, winners.contains(&rival), "round {round}");
        }
        ids.sort_unstable();
        let pending = store.pending_entries(1_000).await.unwrap();
        assert_eq!(pending.iter().map(|row| row.id).collect::<Vec<_>>(), ids);
        store.forget_entries(&ids).await.unwrap();
    }
    assert_eq!(version_of(&*store, key(&dataset, 1)).await, Some(20));
}

async fn a_caller_that_goes_away_leaves_a_whole_commit_or_none(store: Arc<dyn Store>) {
    let dataset: Arc<str> = "dropped".into();
    for round in 0..40u64 {
        let numbers = round * 1_000..round * 1_000 + 400;
        let commit = first_load(&dataset, numbers.clone());
        let patience = Duration::from_micros(round * 150);
        let _ = tokio::time::timeout(patience, store.commit(Arc::new(commit))).await;
        // A later write is carried out later, so the dropped one has ended by now.
        store.ping().await.unwrap();
        let keys: Vec<RecordKey> = numbers.map(|n| key(&dataset, n)).collect();
        let found = store.records(&keys).await.unwrap();
        let there = found.iter().flatten().count();
        assert!(there == 0 || there == keys.len(), "{there} of {}", keys.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_tells_the_store_story() {
    let folder = Folder::new("story");
    let store = Arc::new(open(&folder).await);
    tell(store.port()).await;
    assert!(
        SqliteFile::at(folder.database())
            .integrity_check()
            .await
            .unwrap()
            .is_empty()
    );
    store.close().await;
    let late = store.commit(Arc::new(Commit::default())).await;
    assert!(matches!(
        late,
        Err(StoreError::Engine {
            statement: "closed",
            ..
        })
    ));
    assert!(store.records(&[key(&"persons".into(), 0)]).await.is_err());
    assert!(
        !folder.0.join("hub.db-wal").exists(),
        "a closed store leaves no log behind"
    );
}

#[tokio::test]
async fn a_file_that_must_not_be_used_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let set_mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let reason = async |folder: &Folder| {
        let refused = SqliteStore::open(SqliteConfig::new(folder.database()))
            .await
            .err()
            .unwrap();
        std::error::Error::source(&refused).unwrap().to_string()
    };
    let folder = Folder::new("refused");
    let sqlite = |sql: &'static str| {
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(folder.database())
            .create_if_missing(true);
        async move {
            use sqlx::{ConnectOptions, Connection, Executor};
            let mut conn = options.connect().await.unwrap();
            conn.execute(sql).await.unwrap();
            conn.close().await.unwrap();
        }
    };
    set_mode(&folder.0, 0o750);
    assert!(reason(&folder).await.contains("must be 700"));
    set_mode(&folder.0, 0o700);
    open(&folder).await.close().await;
    set_mode(&folder.database(), 0o644);
    assert!(reason(&folder).await.contains("must be 600"));
    set_mode(&folder.database(), 0o600);
    open(&folder).await.close().await;
    sqlite("insert into schema_migrations values (99, '0099_future', hex(randomblob(32)), 1)").await;
    assert!(reason(&folder).await.contains("schema version 99, this program knows "));
    sqlite("delete from schema_migrations where version = 99").await;
    sqlite("update schema_migrations set checksum = hex(randomblob(32))").await;
    assert!(reason(&folder).await.contains("schema version 1 of the file"));
    std::fs::remove_file(folder.database()).unwrap();
    sqlite("create table other (a)").await;
    set_mode(&folder.database(), 0o600);
    assert!(reason(&folder).await.contains("another program"));
    std::fs::write(
        folder.database(),
        "not a database, but longer than the header of one: ".repeat(4),
    )
    .unwrap();
    assert!(reason(&folder).await.contains("not a database"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_never_wait_for_a_long_write() {
    let folder = Folder::new("readers");
    let store = Arc::new(open(&folder).await);
    let dataset: Arc<str> = "persons".into();
    store.commit(Arc::new(first_load(&dataset, 0..1_000))).await.unwrap();
    let load = first_load(&dataset, 10_000..50_000);
    let load = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            let started = Instant::now();
            store.commit(Arc::new(load)).await.unwrap();
            started.elapsed()
        }
    });
    let (mut longest, mut reads, mut halves) = (Duration::ZERO, 0, 0);
    let keys: Vec<RecordKey> = (0..64).map(|n| key(&dataset, n)).collect();
    let edge = [key(&dataset, 10_000), key(&dataset, 49_999)];
    while !load.is_finished() {
        let started = Instant::now();
        assert!(store.records(&keys).await.unwrap().iter().all(Option::is_some));
        longest = longest.max(started.elapsed());
        reads += 1;
        halves += usize::from(store.records(&edge).await.unwrap().iter().flatten().count() == 1);
    }
    let write = load.await.unwrap();
    println!("one write of 40,000 records took {write:?}; {reads} reads of 64 meanwhile, longest {longest:?}");
    assert_eq!(halves, 0, "a commit is seen whole or not at all");
    assert!(
        reads > 5 && longest < write / 2,
        "{reads} reads, longest {longest:?} of {write:?}"
    );
}
