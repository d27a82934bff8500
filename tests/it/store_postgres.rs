//! The store on PostgreSQL: the story that every engine tells, and what several nodes and a network bring.
//! Each test has a server of its own, because most of them hurt it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{
    postgres_kit::Postgres,
    proxy::Proxy,
    store_kit::*,
    store_story::{tell, writers_that_race_are_each_judged_alone},
};
use heyan::ports::commit::Commit;
use heyan::ports::error::StoreError;
use heyan::ports::store::Store;
use heyan::store::{MigratePolicy, PostgresConfig, open_postgres};

fn config(url: String) -> PostgresConfig {
    PostgresConfig {
        origin: "hub-1.test".to_owned(),
        readers: 3,
        writers: 1,
        connect_timeout_ms: 2_000,
        statement_timeout_ms: 500,
        ..PostgresConfig::new(url)
    }
}

/// Steps of the schema may take longer than the statements of these tests.
fn patient(url: String) -> PostgresConfig {
    PostgresConfig {
        statement_timeout_ms: 10_000,
        ..config(url)
    }
}

async fn open(url: String) -> Arc<dyn Store> {
    open_postgres(&patient(url.clone())).await.unwrap().close().await;
    open_postgres(&config(url)).await.unwrap()
}

/// What the store says, with the causes.
fn reason(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_tells_the_store_story() {
    let Some(server) = Postgres::start().await else { return };
    let config = patient(server.url());
    let store = open_postgres(&config).await.unwrap();
    tell(Arc::clone(&store)).await;
    store.close().await;
    let late = store.commit(Arc::new(Commit::default())).await;
    let closed = matches!(&late, Err(StoreError::Engine { statement, .. }) if *statement == "closed");
    assert!(closed);
    let again = open_postgres(&config).await.unwrap();
    let counts = again.record_counts().await.unwrap();
    assert!(counts.contains(&("firms".to_owned(), 3)), "{counts:?}");
    server.run("CREATE DATABASE of_the_bus").await;
    let of_the_bus = open(format!("{}/of_the_bus", server.url().strip_suffix("/heyan").unwrap())).await;
    crate::store_bus::tell(&*of_the_bus).await;
    server.run("CREATE DATABASE of_supervision").await;
    let of_supervision = open(format!(
        "{}/of_supervision",
        server.url().strip_suffix("/heyan").unwrap()
    ))
    .await;
    crate::store_supervision::tell(&*of_supervision).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_and_write_together_are_judged_as_one() {
    let Some(server) = Postgres::start().await else { return };
    let node = |origin: &str| PostgresConfig {
        origin: origin.to_owned(),
        writers: 3,
        statement_timeout_ms: 10_000,
        ..config(server.url())
    };
    let (first, second) = (node("hub-1.test"), node("hub-2.test"));
    let (first, second) = tokio::join!(open_postgres(&first), open_postgres(&second));
    let (first, second) = (first.unwrap(), second.unwrap());
    writers_that_race_are_each_judged_alone(Arc::clone(&first)).await;

    // The entries of one node are not the other's to append.
    let entries = |byte: u8| Commit::default().entry(vec![byte]);
    first.commit(Arc::new(entries(1))).await.unwrap();
    second.commit(Arc::new(entries(2))).await.unwrap();
    let pending = second.pending_entries(10).await.unwrap();
    assert_eq!(pending.iter().map(|row| row.entry.clone()).collect::<Vec<_>>(), [[2]]);

    // One record, and both nodes in turn: a decision made on an old version never stands.
    let dataset: Arc<str> = "persons".into();
    first.commit(Arc::new(first_load(&dataset, 1..2))).await.unwrap();
    for version in 1..20 {
        let commit = || Commit::default().with(vec![write(&dataset, 1, Some(version))]);
        let (one, other) = (commit(), commit());
        let (one, other) = tokio::join!(first.commit(Arc::new(one)), second.commit(Arc::new(other)));
        let lost = [&one, &other]
            .iter()
            .filter(|it| matches!(it, Err(StoreError::Conflict)))
            .count();
        assert_eq!((one.is_ok() || other.is_ok(), lost), (true, 1), "version {version}");
    }
    // What one node may do alone, and what may be used once.
    for (name, node) in [("relay", &first), ("closer", &second)] {
        assert!(
            node.lease(name, 60_000).await.unwrap() && node.lease(name, 60_000).await.unwrap(),
            "taken and renewed"
        );
    }
    assert!(!second.lease("relay", 60_000).await.unwrap() && !first.lease("closer", 60_000).await.unwrap());
    second.release("relay").await.unwrap();
    assert!(
        !second.lease("relay", 60_000).await.unwrap(),
        "nobody gives back what is another's"
    );
    first.release("relay").await.unwrap();
    assert!(second.lease("relay", 1).await.unwrap());
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(first.lease("relay", 60_000).await.unwrap(), "a lease ends by itself");
    let used = tokio::join!(first.use_once([7; 16], i64::MAX), second.use_once([7; 16], i64::MAX));
    assert!(used.0.unwrap() != used.1.unwrap(), "used once on all nodes");
    let settled = tokio::join!(first.settle("root", "a"), second.settle("root", "b"));
    assert_eq!(settled.0.unwrap(), settled.1.unwrap(), "a name stands for one thing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_two_deliveries_may_end_at_once_on_two_nodes() {
    let Some(server) = Postgres::start().await else { return };
    let first = open_postgres(&patient(server.url())).await.unwrap();
    let second = open_postgres(&patient(server.url())).await.unwrap();
    let access = Commit::default().with(vec![agency("housing", 1)]);
    first.commit(Arc::new(access)).await.unwrap();
    for n in 0..60 {
        let mut commit = Commit::default().with(vec![awaiting(n)]).with(vec![change(n)]);
        first.commit(Arc::new(commit)).await.unwrap();
        commit = fanned(&[n]);
        commit.push(vec![delivery(2 * n, n, "one"), delivery(2 * n + 1, n, "other")]);
        first.commit(Arc::new(commit)).await.unwrap();
        let ends = |delivery: u64| Commit::default().with(vec![ended(delivery, "delivered")]);
        let (one, other) = (ends(2 * n), ends(2 * n + 1));
        let (one, other) = tokio::join!(first.commit(Arc::new(one)), second.commit(Arc::new(other)));
        one.unwrap();
        other.unwrap();
    }
    assert_eq!(first.delivered_mismatches(100).await.unwrap().len(), 60);
}

/// A peer that is silently gone: calls end in time, and no place of the pool is lost (sqlx #4349).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_network_costs_time_and_nothing_else() {
    let Some(server) = Postgres::start().await else { return };
    let proxy = Proxy::to(server.port()).await;
    let through = server
        .url()
        .replace(&server.port().to_string(), &proxy.port.to_string());
    let store = open(through).await;
    let dataset: Arc<str> = "persons".into();
    store.commit(Arc::new(first_load(&dataset, 0..10))).await.unwrap();
    for round in 0..3 {
        proxy.fall_silent();
        let began = Instant::now();
        let mut calls = tokio::task::JoinSet::new();
        for n in 0..12 {
            let (store, dataset) = (Arc::clone(&store), Arc::clone(&dataset));
            calls.spawn(async move {
                match n % 3 {
                    0 => store
                        .commit(Arc::new(first_load(&dataset, 100 + n..101 + n)))
                        .await
                        .map(drop),
                    _ => store.records(&[key(&dataset, n)]).await.map(drop),
                }
            });
        }
        while let Some(done) = calls.join_next().await {
            assert!(done.unwrap().is_err(), "nothing answers through a silent network");
        }
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
        proxy.heal();
        // As many look-ups at once as there are places, several times over.
        let mut calls = tokio::task::JoinSet::new();
        for n in 0..12 {
            let (store, dataset) = (Arc::clone(&store), Arc::clone(&dataset));
            calls.spawn(async move {
                store
                    .records(&[key(&dataset, n % 10)])
                    .await
                    .map(|found| found[0].is_some())
            });
        }
        while let Some(found) = calls.join_next().await {
            assert!(found.unwrap().unwrap(), "round {round}");
        }
        store
            .commit(Arc::new(first_load(&dataset, 1_000 + round..1_001 + round)))
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_and_comes_back_has_every_acknowledged_commit() {
    let Some(mut server) = Postgres::start().await else {
        return;
    };
    let store = open(server.url()).await;
    let dataset: Arc<str> = "persons".into();
    let (mut acknowledged, mut next) = (Vec::new(), 0..);
    for _ in 0..3 {
        let numbers: Vec<u64> = next.by_ref().take(40).collect();
        let mut calls = tokio::task::JoinSet::new();
        for n in numbers {
            let (store, dataset) = (Arc::clone(&store), Arc::clone(&dataset));
            calls.spawn(async move {
                tokio::time::sleep(Duration::from_millis(n % 40)).await;
                (n, store.commit(Arc::new(first_load(&dataset, n..n + 1))).await.is_ok())
            });
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        server.kill();
        while let Some(done) = calls.join_next().await {
            let (n, stands) = done.unwrap();
            acknowledged.extend(stands.then_some(n));
        }
        server.resume().await;
        // The first call after it may find a dead connection; the second connects anew.
        let until = Instant::now() + Duration::from_secs(10);
        while store.ping().await.is_err() {
            assert!(Instant::now() < until, "the store did not come back");
        }
    }
    assert!(!acknowledged.is_empty());
    let keys: Vec<_> = acknowledged.iter().map(|n| key(&dataset, *n)).collect();
    let found = store.records(&keys).await.unwrap();
    assert!(found.iter().all(Option::is_some), "an acknowledged commit is gone");
}

#[tokio::test]
async fn a_server_that_must_not_be_used_is_refused() {
    let Some(server) = Postgres::start().await else { return };
    let refused = async |config: &PostgresConfig| reason(&open_postgres(config).await.err().unwrap());
    let strict = PostgresConfig {
        migrate: MigratePolicy::Refuse,
        ..config(server.url())
    };
    let said = refused(&strict).await;
    assert!(said.contains("schema_migrations") || said.contains("migrate"), "{said}");
    open(server.url()).await.close().await;
    open_postgres(&strict).await.unwrap();
    server
        .run("DELETE FROM schema_migrations WHERE version = (SELECT max(version) FROM schema_migrations)")
        .await;
    let said = refused(&strict).await;
    assert!(said.contains("heyan store migrate"), "{said}");
    server
        .run("INSERT INTO schema_migrations SELECT max(version) + 1, 'x', repeat('0', 64), 0 FROM schema_migrations")
        .await;
    assert!(refused(&strict).await.contains("schema version "));
    server.run("ALTER SYSTEM SET full_page_writes = off").await;
    server.run("SELECT pg_reload_conf()").await;
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        let said = refused(&config(server.url())).await;
        if said.contains("full_page_writes = off") {
            break;
        }
        assert!(Instant::now() < until, "{said}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let wrong = refused(&config("postgres://nobody:secret@[".to_owned())).await;
    assert!(!wrong.contains("secret"), "{wrong}");
}
