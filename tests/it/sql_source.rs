//! SQL sources against real servers: what they answer, and that whatever a server does a question ends in time, says
//! nothing false, and costs the next one nothing.

use std::{
    os::unix::fs::PermissionsExt as _,
    sync::Arc,
    time::{Duration, Instant},
};

use heyan::{
    connectors::source::{
        config::{ConnectorLimits, SqlConfig},
        sql::SqlSource,
    },
    ports::outward::{SourceFault, SourceRecord},
};
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Executor as _};

use crate::{mariadb_kit::MariaDb, postgres_kit::Postgres, proxy::Proxy};

const QUERY: &str = "SELECT * FROM person WHERE id = {subject.id}";

fn config(query: &str, columns: &Value) -> SqlConfig {
    serde_json::from_value(json!({"engine_url_file": "unused", "query": query, "columns": columns,
        "version_column": "v"}))
    .unwrap()
}

fn limits() -> ConnectorLimits {
    ConnectorLimits {
        connect_timeout_ms: 1_000,
        total_timeout_ms: 1_500,
        requests_at_once: 4,
        waiting_requests_max: 100,
        ..ConnectorLimits::default()
    }
}

fn columns() -> Value {
    json!({"name": "name", "sex": {"from": "sex", "codes": {"1": "男", "2": "女"}}, "birth_date": "born",
        "share": "share", "alive": "alive", "note": {"from": "note", "missing": "absent"}})
}

fn source(url: &str, query: &str, columns: &Value) -> SqlSource {
    SqlSource::new(url, &config(query, columns), &limits()).unwrap()
}

fn subject(id: &str) -> Vec<(String, String)> {
    vec![("id".to_owned(), id.to_owned())]
}

type Asked = Result<Option<SourceRecord>, SourceFault>;

/// Only whether it answered.
async fn asked(source: &SqlSource, id: &str) -> Result<(), SourceFault> {
    source.ask(&subject(id)).await.map(drop)
}

fn fault(asked: Asked) -> SourceFault {
    asked.err().expect("a fault, not an answer")
}

fn name(asked: Asked) -> String {
    let record = asked.unwrap().unwrap();
    record.fields["name"].as_str().unwrap().to_owned()
}

/// What every engine must make of the same table.
async fn story(url: &str, alive: [&str; 2]) {
    let source = source(url, QUERY, &columns());
    let record = source.ask(&subject("A1")).await.unwrap().unwrap();
    let expected = json!({"name": "王小明𠮷", "sex": "男", "birth_date": "1949-12-31", "share": "12345.670",
        "alive": alive[0]});
    assert_eq!(
        (Value::Object(record.fields), record.source_version),
        (expected, Some(7))
    );
    let record = source.ask(&subject("A2")).await.unwrap().unwrap();
    let expected = json!({"name": "李", "sex": "女", "birth_date": "2008-02-29", "share": "-0.050", "alive": alive[1],
        "note": "n"});
    assert_eq!(Value::Object(record.fields), expected);
    for nobody in ["none", "", "' OR '1'='1", "A1' --", "{subject.id}", "%"] {
        assert!(source.ask(&subject(nobody)).await.unwrap().is_none(), "{nobody}");
    }
    for (id, what) in [
        ("twice", "several rows"),
        ("code", "an unmapped code"),
        ("null", "a field is missing"),
    ] {
        assert_eq!(
            fault(source.ask(&subject(id)).await),
            SourceFault::Unreadable(what),
            "{id}"
        );
    }
    let odd = self::source(url, QUERY, &json!({"name": "odd"}));
    assert_eq!(
        fault(odd.ask(&subject("A1")).await),
        SourceFault::Unreadable("a column's type")
    );
    let no_column = self::source(url, QUERY, &json!({"name": "no_such"}));
    assert_eq!(
        fault(no_column.ask(&subject("A1")).await),
        SourceFault::Unreadable("a field is missing")
    );
    let no_table = self::source(url, "SELECT * FROM no_such WHERE id = {subject.id}", &columns());
    assert!(matches!(
        fault(no_table.ask(&subject("A1")).await),
        SourceFault::Setup(_)
    ));
    let other = vec![("other".to_owned(), "A1".to_owned())];
    assert!(matches!(fault(source.ask(&other).await), SourceFault::Setup(_)));
    let mut tight = limits();
    tight.answer_bytes_max = 10;
    let tight = SqlSource::new(url, &config(QUERY, &columns()), &tight).unwrap();
    assert_eq!(
        fault(tight.ask(&subject("A1")).await),
        SourceFault::Unreadable("too long")
    );
    // After all these faults it answers as before.
    assert_eq!(name(source.ask(&subject("A1")).await), "王小明𠮷");
}

const ROWS: &str = "INSERT INTO person (id, name, sex, born, share, alive, note, v, odd) VALUES
    ('A1', '王小明𠮷', 1, '1949-12-31', 12345.670, true, NULL, 7, 1.5),
    ('A2', '李', 2, '2008-02-29', -0.05, false, 'n', 8, 1.5),
    ('twice', '甲', 1, '2000-01-01', 1, true, NULL, 1, 1.5), ('twice', '乙', 1, '2000-01-01', 1, true, NULL, 1, 1.5),
    ('code', '丙', 9, '2000-01-01', 1, true, NULL, 1, 1.5),
    ('null', NULL, 1, '2000-01-01', 1, true, NULL, 1, 1.5)";

async fn postgres() -> Option<Postgres> {
    let server = Postgres::start().await?;
    let table = "CREATE TABLE person (id text, name varchar(40), sex smallint, born date, share numeric(12, 3),
        alive boolean, note text, v bigint, odd double precision);";
    server.run(&format!("{table} {ROWS}")).await;
    Some(server)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_in_postgresql_is_read_as_its_columns_say() {
    let Some(server) = postgres().await else { return };
    story(&server.url(), ["true", "false"]).await;
    let writing = "WITH gone AS (DELETE FROM person RETURNING id) SELECT id AS name, 1::int AS v FROM gone
        WHERE id = {subject.id}";
    let writing = source(&server.url(), writing, &json!({"name": "name"}));
    assert!(matches!(
        fault(writing.ask(&subject("A1")).await),
        SourceFault::Setup(_)
    ));
    assert_eq!(server.number("SELECT count(*) FROM person").await, 6);
    let stranger = server.url().replace("heyan@", "nobody_here@");
    let stranger = source(&stranger, QUERY, &columns());
    assert_eq!(fault(stranger.ask(&subject("A1")).await), SourceFault::Auth);
    let fixed = "SELECT 'a'::char(5) AS name, 1::int AS v WHERE {subject.id} = 'x'";
    let fixed = source(&server.url(), fixed, &json!({"name": "name"}));
    assert_eq!(name(fixed.ask(&subject("x")).await), "a");
    for value in [
        "'infinity'::date",
        "'0044-03-15 BC'::date",
        "'NaN'::numeric",
        "now()",
        "'{1}'::int[]",
        "'x'::bytea",
    ] {
        let odd = format!("SELECT {} AS name, 1 AS v WHERE {{subject.id}} = 'x'", value);
        let odd = source(&server.url(), &odd, &json!({"name": "name"}));
        assert!(
            matches!(fault(odd.ask(&subject("x")).await), SourceFault::Unreadable(_)),
            "{value}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_in_mariadb_is_read_as_its_columns_say() {
    let Some(server) = MariaDb::start().await else { return };
    let table = "CREATE TABLE person (id varchar(40), name varchar(40), sex smallint, born date, share decimal(12, 3),
        alive boolean, note text, v bigint unsigned, odd double);";
    server.run(&format!("{table} {ROWS}")).await;
    story(&server.url(), ["1", "0"]).await;
    let slow = "SELECT name, v FROM person WHERE id = {subject.id} AND sleep(60) = 0";
    let slow = source(&server.url(), slow, &json!({"name": "name"}));
    let begun = Instant::now();
    assert_eq!(fault(slow.ask(&subject("A1")).await), SourceFault::Timeout);
    assert!(
        begun.elapsed() < Duration::from_millis(1_400),
        "the server gave up first: {:?}",
        begun.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_in_sqlite_is_read_as_its_columns_say() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("register.sqlite");
    let url = format!("sqlite://{}", path.display());
    // A URL holds a password: a file that others may read is refused.
    let mut config = config(QUERY, &columns());
    config.engine_url_file = folder.path().join("url");
    std::fs::write(&config.engine_url_file, format!("{url}\n")).unwrap();
    for (mode, fine) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
        std::fs::set_permissions(&config.engine_url_file, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(SqlSource::open(&config, &limits()).is_ok(), fine, "{mode:o}");
    }
    // The database is never made by the one who only reads.
    assert_eq!(
        fault(source(&url, QUERY, &columns()).ask(&subject("A1")).await),
        SourceFault::Connect
    );
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true);
    let mut writer = options.connect().await.unwrap();
    let table = "CREATE TABLE person (id text, name text, sex integer, born text, share text, alive integer,
        note text, v integer, odd real);";
    let rows = ROWS.replace("12345.670", "'12345.670'").replace("-0.05", "'-0.050'");
    writer
        .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(format!("{table} {rows}"))))
        .await
        .unwrap();
    story(&url, ["1", "0"]).await;
    let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
        SELECT 'x' AS name, 1 AS v FROM n WHERE i < 0 AND {subject.id} = 'x'";
    let endless = source(&url, endless, &json!({"name": "name"}));
    assert_eq!(fault(endless.ask(&subject("x")).await), SourceFault::Timeout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_answer_is_a_timeout_that_the_server_gives_up_too() {
    let Some(server) = postgres().await else { return };
    let query = "SELECT p.name, p.v FROM person p, pg_sleep(60) WHERE p.id = {subject.id}";
    let slow = source(&server.url(), query, &json!({"name": "name"}));
    let begun = Instant::now();
    assert_eq!(fault(slow.ask(&subject("A1")).await), SourceFault::Timeout);
    assert!(
        begun.elapsed() < Duration::from_millis(1_400),
        "the server gave up first: {:?}",
        begun.elapsed()
    );
    let active = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND application_name = 'heyan'";
    assert_eq!(server.number(active).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_go_away_leave_neither_a_connection_nor_a_turn_behind() {
    let Some(server) = postgres().await else { return };
    let query = "SELECT p.name, p.v FROM person p, pg_sleep(0.2) WHERE p.id = {subject.id}";
    let source = Arc::new(source(&server.url(), query, &json!({"name": "name"})));
    for _ in 0..5 {
        let asking: Vec<_> = (0..20)
            .map(|_| {
                let source = Arc::clone(&source);
                tokio::spawn(async move { source.ask(&subject("A1")).await.map(drop) })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        for call in asking {
            call.abort();
        }
        let ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'heyan'";
        assert!(
            server.number(ours).await <= 4,
            "at most as many connections as questions at once"
        );
    }
    // What was begun ends by itself; then there is room for all at once.
    let until = Instant::now() + Duration::from_secs(10);
    while source.ask(&subject("A1")).await.is_err() {
        assert!(Instant::now() < until, "no room came back");
    }
    let asking = (0..4).map(|_| asked(&source, "A1"));
    for answer in futures_util::future::join_all(asking).await {
        assert_eq!(answer, Ok(()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_ended_in_the_middle_is_a_broken_connection_and_the_next_question_is_answered() {
    let Some(server) = postgres().await else { return };
    let query = "SELECT p.name, p.v FROM person p, pg_sleep(60) WHERE p.id = {subject.id}";
    let slow = Arc::new(source(&server.url(), query, &json!({"name": "name"})));
    let asking = tokio::spawn({
        let slow = Arc::clone(&slow);
        async move { fault(slow.ask(&subject("A1")).await) }
    });
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%'
        AND pid <> pg_backend_pid() AND application_name = 'heyan'";
    while server.number(end).await == 0 {}
    assert_eq!(asking.await.unwrap(), SourceFault::Connect);
    // An idle connection that the server ended meanwhile costs nothing.
    let quick = source(&server.url(), QUERY, &json!({"name": "name"}));
    assert_eq!(name(quick.ask(&subject("A2")).await), "李");
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'heyan'
        AND pid <> pg_backend_pid()";
    server.number(end).await;
    assert_eq!(name(quick.ask(&subject("A2")).await), "李");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_is_unreachable_until_it_is_back() {
    let Some(mut server) = postgres().await else { return };
    let source = source(&server.url(), QUERY, &json!({"name": "name"}));
    assert_eq!(name(source.ask(&subject("A2")).await), "李");
    server.kill();
    // The process behind an idle connection lives a moment longer, and what it answers is true.
    let until = Instant::now() + Duration::from_secs(10);
    while source.ask(&subject("A2")).await.is_ok() {
        assert!(Instant::now() < until, "it goes on to answer");
    }
    for _ in 0..3 {
        assert_eq!(fault(source.ask(&subject("A2")).await), SourceFault::Connect);
    }
    server.resume().await;
    assert_eq!(name(source.ask(&subject("A2")).await), "李");
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_that_die_silently_take_no_turn_with_them() {
    let Some(server) = postgres().await else { return };
    let proxy = Proxy::to(server.port()).await;
    let url = server
        .url()
        .replace(&server.port().to_string(), &proxy.port.to_string());
    let source = Arc::new(source(&url, QUERY, &json!({"name": "name"})));
    for round in 0..3 {
        // Idle connections that will be dead, and questions that are under way when they die.
        let asking = (0..4).map(|_| asked(&source, "A2"));
        assert!(
            futures_util::future::join_all(asking).await.iter().all(Result::is_ok),
            "round {round}"
        );
        proxy.fall_silent();
        let begun = Instant::now();
        let asking = (0..12).map(|_| asked(&source, "A2"));
        let answers = futures_util::future::join_all(asking).await;
        assert!(
            answers.iter().all(|answer| *answer == Err(SourceFault::Timeout)),
            "{answers:?}"
        );
        assert!(begun.elapsed() < Duration::from_millis(2_500), "{:?}", begun.elapsed());
        proxy.heal();
    }
    let begun = Instant::now();
    let asking = (0..40).map(|_| asked(&source, "A2"));
    let answers = futures_util::future::join_all(asking).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    println!("40 questions after three silences: {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn more_questions_than_may_wait_are_turned_away_at_once() {
    let Some(server) = postgres().await else { return };
    let query = "SELECT p.name, p.v FROM person p, pg_sleep(0.5) WHERE p.id = {subject.id}";
    let few = ConnectorLimits {
        requests_at_once: 2,
        waiting_requests_max: 2,
        ..limits()
    };
    let source = SqlSource::new(&server.url(), &config(query, &json!({"name": "name"})), &few).unwrap();
    let asking = (0..10).map(|_| asked(&source, "A2"));
    let answers = futures_util::future::join_all(asking).await;
    let count = |wanted: &Result<(), SourceFault>| answers.iter().filter(|answer| *answer == wanted).count();
    assert_eq!((count(&Ok(())), count(&Err(SourceFault::Busy))), (4, 6), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_database_at_all_is_a_fault_in_time() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let talking = tokio::spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut heard = [0; 64];
                let _any = peer.read(&mut heard).await;
                let garbage = b"HTTP/1.1 200 OK\r\n\r\n{}".repeat(1_000);
                while peer.write_all(&garbage).await.is_ok() {}
            });
        }
    });
    for scheme in ["postgres", "mysql"] {
        let source = source(&format!("{scheme}://heyan@127.0.0.1:{port}/heyan"), QUERY, &columns());
        let begun = Instant::now();
        let fault = fault(source.ask(&subject("A1")).await);
        let expected = [
            SourceFault::Connect,
            SourceFault::Timeout,
            SourceFault::Unreadable("the server's protocol"),
        ];
        assert!(expected.contains(&fault), "{scheme}: {fault:?}");
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
    talking.abort();
    let _ended = talking.await;
    // Nobody listens there now.
    let source = source(&format!("postgres://heyan@127.0.0.1:{port}/heyan"), QUERY, &columns());
    assert_eq!(fault(source.ask(&subject("A1")).await), SourceFault::Connect);
}
