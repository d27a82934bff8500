//! Lists of both engines against the rows themselves: whatever a list is asked for, its pages hold each row that fits once, in order.

use std::sync::Arc;

use heyan::domain::mismatch::MismatchPhase;
use heyan::ports::{
    commit::Commit,
    deliveries::{DeliveryFilter, DeliveryPhase, DeliveryResult, DeliveryRow, EventRow},
    error::StoreError,
    mismatches::{DueWrite, MismatchFilter, MismatchRow, MismatchWrite},
    quotas::QuotaKind,
    store::{ForgetBefore, Store},
    subject::RowKey,
    watches::{WatchFilter, WatchPhase, WatchRow},
};
use heyan::store::{PostgresConfig, open_postgres};

use crate::{
    postgres_kit::Postgres,
    store_kit::{self, Folder, agency, awaiting, change, delivery, id, subject},
};

const AGENCIES: [&str; 3] = ["housing", "schools", "taxes"];
const DATASETS: [&str; 2] = ["companies", "persons"];
const DAYS: [Option<&str>; 4] = [Some("2026-12-01"), Some("2026-12-02"), Some("2026-12-09"), None];
/// The day of the tests.
const TODAY: &str = "2026-12-05";
const MISMATCHES: u64 = 90;
/// Fewer than most lists have, so that there are pages.
const PAGE: u32 = 7;

/// Mismatch `n`: every agency, dataset, state and day meets every other.
fn mismatch(n: u64) -> MismatchWrite {
    let nth = usize::try_from(n).unwrap();
    let mut write = awaiting(n);
    let state = MismatchPhase::ALL[nth / 3 % MismatchPhase::ALL.len()];
    let awaits = matches!(state, MismatchPhase::RecordAccepted | MismatchPhase::Corrected);
    write.row = MismatchRow {
        agency: AGENCIES[nth % 3].to_owned(),
        dataset: DATASETS[nth % 2].into(),
        subject: subject(n),
        state,
        is_final: state.is_final(),
        due_on: DAYS[nth / 2 % 4].filter(|_| !state.is_final()).map(str::to_owned),
        awaits: awaits.then(|| id("evt_", n)),
        ..write.row
    };
    write.step.state = state;
    write
}

fn fits(filter: &MismatchFilter, row: &MismatchRow) -> bool {
    let due = |before: &String| row.due_on.as_ref().is_some_and(|day| day < before) && !row.is_final;
    filter.agency.as_ref().is_none_or(|agency| *agency == row.agency)
        && filter
            .datasets
            .as_ref()
            .is_none_or(|names| names.iter().any(|name| **name == *row.dataset))
        && filter.state.is_none_or(|state| state == row.state)
        && filter.due_before.as_ref().is_none_or(due)
}

/// Every list that can be asked for.
fn filters() -> Vec<MismatchFilter> {
    let agencies = AGENCIES.iter().chain(&["nobody"]).map(|name| Some((*name).to_owned()));
    let mut datasets: Vec<Option<Vec<String>>> =
        vec![None, Some(Vec::new()), Some(DATASETS.map(str::to_owned).to_vec())];
    datasets.extend(["persons", "nothing"].map(|name| Some(vec![name.to_owned()])));
    let states = [MismatchPhase::Open, MismatchPhase::Disputed, MismatchPhase::Closed]
        .into_iter()
        .map(Some);
    let mut filters = Vec::new();
    for agency in agencies.chain([None]) {
        for datasets in &datasets {
            for state in states.clone().chain([None]) {
                for due_before in [None, Some("2026-12-09".to_owned())] {
                    filters.push(MismatchFilter {
                        agency: agency.clone(),
                        datasets: datasets.clone(),
                        state,
                        due_before,
                        after: None,
                        limit: PAGE,
                    });
                }
            }
        }
    }
    filters
}

async fn mismatches_are_listed_as_asked(store: &dyn Store, rows: &[MismatchRow]) {
    for filter in filters() {
        let mut wanted: Vec<&MismatchRow> = rows.iter().filter(|row| fits(&filter, row)).collect();
        if filter.due_before.is_some() {
            wanted.sort_by_key(|row| (&row.due_on, &row.id));
        }
        let mut asked = filter.clone();
        let mut listed = Vec::new();
        loop {
            let page = store.mismatches(&asked).await.unwrap();
            assert!(page.len() <= PAGE as usize);
            let Some(last) = page.last() else { break };
            asked.after = Some(asked.place(last));
            listed.extend(page);
        }
        let ids = |rows: &mut dyn Iterator<Item = &MismatchRow>| rows.map(|row| row.id.clone()).collect::<Vec<_>>();
        let what = (&filter.agency, &filter.datasets, filter.state, &filter.due_before);
        assert_eq!(ids(&mut listed.iter()), ids(&mut wanted.into_iter()), "{what:?}");
    }
    // A cursor that was given out before lists by due day had one of their own.
    let due = MismatchFilter {
        due_before: Some("2027-01-01".to_owned()),
        limit: PAGE,
        ..MismatchFilter::default()
    };
    let first = store.mismatches(&due).await.unwrap();
    let after = |after: String| MismatchFilter {
        after: Some(after),
        ..due.clone()
    };
    let (old, new) = (after(first[6].id.clone()), after(due.place(&first[6])));
    let (old, new) = (
        store.mismatches(&old).await.unwrap(),
        store.mismatches(&new).await.unwrap(),
    );
    assert_eq!(old[0].id, new[0].id);
}

async fn deliveries_are_listed_as_asked(store: &dyn Store) {
    let events: Vec<EventRow> = (1..=30)
        .map(|n| EventRow {
            mismatch: None,
            ..change(n)
        })
        .collect();
    store.commit(Arc::new(Commit::default().with(events))).await.unwrap();
    let rows: Vec<DeliveryRow> = (1..=30)
        .map(|n| DeliveryRow {
            agency: (n % 3 > 0).then(|| AGENCIES[usize::try_from(n % 3).unwrap()].to_owned()),
            created_at: i64::try_from(n).unwrap(),
            ..delivery(n, n, if n % 3 > 0 { "sub_a" } else { "sink:b" })
        })
        .collect();
    store.commit(Arc::new(Commit::default().with(rows))).await.unwrap();
    let dead = |n: u64| DeliveryResult {
        key: RowKey {
            subject: subject(1),
            id: id("dlv_", n),
        },
        ..store_kit::ended(n, DeliveryPhase::Dead)
    };
    let results: Vec<DeliveryResult> = (1..=30).filter(|n| n % 2 == 0).map(dead).collect();
    store.commit(Arc::new(Commit::default().with(results))).await.unwrap();
    let pages = async |filter: DeliveryFilter| -> Vec<String> {
        let mut asked = DeliveryFilter { limit: PAGE, ..filter };
        let mut listed = Vec::new();
        loop {
            let page = store.deliveries(&asked).await.unwrap();
            let Some(last) = page.last() else { return listed };
            asked.after = Some(last.seq);
            listed.extend(page.into_iter().map(|row| row.id));
        }
    };
    let of = |fits: fn(u64) -> bool| (1..=30).filter(|n| fits(*n)).map(|n| id("dlv_", n)).collect::<Vec<_>>();
    let all = DeliveryFilter::default;
    assert_eq!(pages(all()).await, of(|_| true));
    let state = Some(DeliveryPhase::Dead);
    assert_eq!(pages(DeliveryFilter { state, ..all() }).await, of(|n| n % 2 == 0));
    let agency = Some("schools".to_owned());
    assert_eq!(
        pages(DeliveryFilter {
            agency: agency.clone(),
            ..all()
        })
        .await,
        of(|n| n % 3 == 1)
    );
    assert_eq!(
        pages(DeliveryFilter { agency, state, ..all() }).await,
        of(|n| n % 6 == 4)
    );
    let target = Some("sink:b".to_owned());
    assert_eq!(pages(DeliveryFilter { target, ..all() }).await, of(|n| n % 3 == 0));
    let agency = Some("nobody".to_owned());
    assert!(pages(DeliveryFilter { agency, ..all() }).await.is_empty());
    let dead = async |target: Option<&str>, range: (i64, i64)| -> Vec<String> {
        let rows = store.dead_deliveries(target, range, 100).await.unwrap();
        rows.into_iter().map(|row| row.id).collect()
    };
    assert_eq!(dead(None, (4, 20)).await, of(|n| n % 2 == 0 && (4..20).contains(&n)));
    assert_eq!(dead(Some("sink:b"), (i64::MIN, i64::MAX)).await, of(|n| n % 6 == 0));
    let pending = store.pending_targets().await.unwrap();
    assert!(pending.iter().map(|(target, _)| &**target).eq(["sink:b", "sub_a"]));
}

async fn watches_are_listed_as_asked(store: &dyn Store) {
    let rows: Vec<WatchRow> = (1..=24)
        .map(|n| WatchRow {
            id: id("wat_", n),
            agency: AGENCIES[usize::try_from(n % 2).unwrap()].to_owned(),
            dataset: "persons".into(),
            subject: subject(n),
            state: WatchPhase::ALL[usize::try_from(n / 2 % 3).unwrap()],
            until: 9,
            next_at: 9,
            revision: 1,
            facts: vec![1],
            created_at: 1,
            updated_at: 1,
        })
        .collect();
    let of = |agency: &str, state: Option<WatchPhase>| {
        let fits = |row: &&WatchRow| row.agency == agency && state.is_none_or(|state| state == row.state);
        rows.iter().filter(fits).map(|row| row.id.clone()).collect::<Vec<_>>()
    };
    store
        .commit(Arc::new(Commit::default().with(rows.clone())))
        .await
        .unwrap();
    for agency in ["housing", "schools", "nobody"] {
        for state in WatchPhase::ALL.into_iter().map(Some).chain([None]) {
            let mut asked = WatchFilter {
                agency: agency.to_owned(),
                state,
                after: None,
                limit: 4,
            };
            let mut listed = Vec::new();
            while let Some(last) = {
                let page = store.watches(&asked).await.unwrap();
                listed.extend(page.iter().map(|row| row.id.clone()));
                page.last().map(|row| row.id.clone())
            } {
                asked.after = Some(last);
            }
            assert_eq!(listed, of(agency, state), "{agency} {state:?}");
        }
    }
    assert_eq!(store.rows_held("housing", QuotaKind::Watches).await.unwrap(), 8);
}

/// What the tallies say is what a count of all rows says, whatever was done to them.
async fn tallies_say_what_is_there(store: &dyn Store, today: &str) {
    let mut rows = Vec::new();
    let mut all = MismatchFilter {
        limit: 1_000,
        ..MismatchFilter::default()
    };
    loop {
        let page = store.mismatches(&all).await.unwrap();
        let Some(last) = page.last() else { break };
        all.after = Some(last.id.clone());
        rows.extend(page);
    }
    let deliveries = DeliveryFilter {
        limit: 1_000,
        ..DeliveryFilter::default()
    };
    let deliveries = store.deliveries(&deliveries).await.unwrap();
    let counts = store.loop_counts(today).await.unwrap();
    let told = |list: &[(String, u64)], word: &str| {
        list.iter()
            .find(|(known, _)| known == word)
            .map_or(0, |(_, rows)| *rows)
    };
    for state in MismatchPhase::ALL {
        let there = rows.iter().filter(|row| row.state == state).count();
        assert_eq!(told(&counts.mismatches, state.as_str()), there as u64, "{state:?}");
    }
    let due = |row: &&MismatchRow| !row.is_final && row.due_on.as_deref().is_some_and(|day| day < today);
    assert_eq!(counts.overdue, rows.iter().filter(due).count() as u64);
    for state in [DeliveryPhase::Pending, DeliveryPhase::Dead] {
        let there = deliveries.iter().filter(|row| row.state == state).count();
        assert_eq!(told(&counts.deliveries, state.as_str()), there as u64, "{state:?}");
    }
    let oldest = deliveries
        .iter()
        .find(|row| row.state == DeliveryPhase::Pending)
        .map(|row| row.created_at);
    assert_eq!(counts.oldest_pending_at, oldest);
}

async fn tallies_follow_every_change(store: &dyn Store) {
    tallies_say_what_is_there(store, TODAY).await;
    // A step, a step to an end, and a due day that is given later.
    let step = |n: u64, state: MismatchPhase, due_on: Option<&str>| {
        let mut write = mismatch(n);
        write.row = MismatchRow {
            state,
            is_final: state.is_final(),
            due_on: due_on.map(str::to_owned),
            awaits: None,
            revision: 2,
            ..write.row
        };
        (write.step.seq, write.step.state) = (2, state);
        Commit::default().with(vec![write])
    };
    let (disputed, closed) = (MismatchPhase::Disputed, MismatchPhase::Closed);
    for commit in [
        step(1, disputed, Some("2026-12-02")),
        step(2, closed, None),
        step(3, disputed, None),
    ] {
        store.commit(Arc::new(commit)).await.unwrap();
    }
    let due = DueWrite {
        mismatch: RowKey {
            subject: subject(3),
            id: id("mis_", 3),
        },
        revision: 2,
        due_on: "2026-12-01".to_owned(),
    };
    for _ in 0..2 {
        store
            .commit(Arc::new(Commit::default().with(due.clone())))
            .await
            .unwrap();
    }
    let refused = store.commit(Arc::new(step(1, closed, None))).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict)),
        "a step that was taken is not taken again"
    );
    tallies_say_what_is_there(store, TODAY).await;
    // Retried, confirmed, replayed; and what comes too late.
    let results = [
        (1, DeliveryPhase::Pending),
        (3, DeliveryPhase::Delivered),
        (2, DeliveryPhase::Pending),
        (4, DeliveryPhase::Delivered),
    ];
    for (n, state) in results {
        store
            .commit(Arc::new(Commit::default().with(vec![store_kit::ended(n, state)])))
            .await
            .unwrap();
        tallies_say_what_is_there(store, TODAY).await;
    }
}

/// However many expire at once, all of them go, and the others stay.
async fn all_that_expired_goes(store: &dyn Store) {
    let mut writes: Vec<MismatchWrite> = (10_001..=12_500).map(mismatch).collect();
    for write in &mut writes {
        write.row.expires_at = Some(5);
    }
    store.commit(Arc::new(Commit::default().with(writes))).await.unwrap();
    tallies_say_what_is_there(store, TODAY).await;
    let before = ForgetBefore {
        replies_us: 0,
        guesses_us: 0,
        unlocks_us: 0,
        watches_us: 0,
        asks_us: 0,
        cases_us: 0,
        subscriptions_us: 0,
        tests_us: 0,
        approvals_us: 0,
        expired_us: 6,
        used_s: 0,
    };
    store.forget_old(before).await.unwrap();
    tallies_say_what_is_there(store, TODAY).await;
    let filter = MismatchFilter {
        limit: 10_000,
        ..MismatchFilter::default()
    };
    let left = store.mismatches(&filter).await.unwrap();
    assert_eq!(left.len(), usize::try_from(MISMATCHES).unwrap());
}

async fn tell(store: &dyn Store) {
    let agencies = AGENCIES.iter().zip(1..).map(|(name, number)| agency(name, number));
    store
        .commit(Arc::new(Commit::default().with(agencies.collect::<Vec<_>>())))
        .await
        .unwrap();
    let writes: Vec<MismatchWrite> = (1..=MISMATCHES).map(mismatch).collect();
    let rows: Vec<MismatchRow> = writes.iter().map(|write| write.row.clone()).collect();
    store.commit(Arc::new(Commit::default().with(writes))).await.unwrap();
    mismatches_are_listed_as_asked(store, &rows).await;
    deliveries_are_listed_as_asked(store).await;
    watches_are_listed_as_asked(store).await;
    tallies_follow_every_change(store).await;
    all_that_expired_goes(store).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_lists_what_is_asked() {
    let folder = Folder::new("lists");
    tell(&*store_kit::open(&folder).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_lists_what_is_asked() {
    let Some(server) = Postgres::start().await else { return };
    tell(&*open_postgres(&PostgresConfig::new(server.url())).await.unwrap()).await;
}
