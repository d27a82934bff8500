//! A live dataset on a real PostgreSQL, end to end: whatever happens to the register, nobody is told a wrong verdict, and
//! other datasets are answered as before.

use std::sync::Arc;

use async_trait::async_trait;
use heyan::{
    connectors::source::{config::ConnectorLimits, sql::SqlSource},
    ports::outward::{OutsideSystems, SourceFault, SourceRecord},
};
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::{
    common::{CREDIT_CODES, TestHub, person, purpose, question},
    postgres_kit::Postgres,
};

const DATASET: &str = "legal-entity";

/// The firm register, and nothing else.
struct Register(SqlSource);

#[async_trait]
impl OutsideSystems for Register {
    fn is_live(&self, dataset: &str) -> bool {
        dataset == DATASET
    }

    async fn ask(&self, _dataset: &str, subject: &[(String, String)]) -> Result<Option<SourceRecord>, SourceFault> {
        self.0.ask(subject).await
    }
}

fn register(url: &str) -> Arc<Register> {
    let config = json!({"engine_url_file": "unused", "query": "SELECT * FROM firm WHERE code = {subject.uscc}",
        "columns": {"name": "name", "established_on": "founded",
            "status": {"from": "state", "codes": {"1": "存续", "2": "注销"}}}, "version_column": "v"});
    let limits = ConnectorLimits {
        connect_timeout_ms: 500,
        total_timeout_ms: 1_000,
        ..ConnectorLimits::default()
    };
    let config = serde_json::from_value(config).unwrap();
    Arc::new(Register(SqlSource::new(url, &config, &limits).unwrap()))
}

fn firm(code: &str) -> Value {
    json!({"dataset": DATASET, "subject": {"uscc": code}, "max_age_s": 0, "purpose": purpose(),
        "claims": {"name": "芜湖某某商贸有限公司", "established_on": "2019年3月4日", "status": "存续"}})
}

async fn outcome(hub: &TestHub, client: &str) -> (u16, String) {
    let (status, answer) = hub.verify(client, &firm(CREDIT_CODES[0])).await;
    let word = answer["outcome"].as_str().or(answer["code"].as_str()).unwrap();
    (status, word.to_owned())
}

/// What may happen to a table, and what undoes it.
const HARMS: [(&str, &str); 5] = [
    ("UPDATE firm SET state = 9", "UPDATE firm SET state = 1"),
    (
        "INSERT INTO firm SELECT * FROM firm",
        "DELETE FROM firm WHERE ctid NOT IN (SELECT min(ctid) FROM firm)",
    ),
    (
        "ALTER TABLE firm RENAME name TO title",
        "ALTER TABLE firm RENAME title TO name",
    ),
    (
        "ALTER TABLE firm ALTER founded TYPE timestamp",
        "ALTER TABLE firm ALTER founded TYPE date",
    ),
    ("ALTER TABLE firm RENAME TO firms", "ALTER TABLE firms RENAME TO firm"),
];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_the_register_nobody_is_told_a_wrong_verdict() {
    let Some(mut server) = Postgres::start().await else {
        return;
    };
    server
        .run(&format!(
            "CREATE TABLE firm (code text, name text, founded date, state int, v int);
             INSERT INTO firm VALUES ('{}', '芜湖某某商贸有限公司', '2019-03-04', 1, 1)",
            CREDIT_CODES[0]
        ))
        .await;
    let hub = TestHub::with_connectors(register(&server.url())).await;
    hub.put("natural-person", &person()).await;
    hub.grant("agency2", DATASET, &["*"], &["stale_ok"]).await;
    let (verified, down) = ((200, "verified".to_owned()), (503, "source_unavailable".to_owned()));
    let other = async || {
        let (status, answer) = hub.verify("agency", &question(&json!({"name": "张三丰"}))).await;
        assert_eq!((status, answer["outcome"].as_str()), (200, Some("verified")));
    };
    assert_eq!(outcome(&hub, "agency").await, verified);
    let (_, nobody) = hub.verify("agency", &firm(CREDIT_CODES[1])).await;
    assert_eq!(nobody["outcome"], "not_found");
    // A code that no map has, a second row, a column that is gone: each is a fault, and each heals.
    for (harm, heal) in HARMS {
        server.run(harm).await;
        assert_eq!(outcome(&hub, "agency").await, down, "{harm}");
        other().await;
        server.run(heal).await;
        // A connection that prepared its query before the table changed shape is dropped with its first fault.
        let healed = [outcome(&hub, "agency").await, outcome(&hub, "agency").await];
        assert!(healed.contains(&verified), "{heal}: {healed:?}");
    }
    // Slow: somebody holds the table.
    let mut holder = PgConnection::connect(&server.url()).await.unwrap();
    holder
        .execute("BEGIN; LOCK TABLE firm IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    assert_eq!(outcome(&hub, "agency").await, down);
    other().await;
    holder.execute("ROLLBACK").await.unwrap();
    assert_eq!(outcome(&hub, "agency").await, verified);
    // Killed.
    server.kill();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while outcome(&hub, "agency").await == verified {
        assert!(std::time::Instant::now() < until, "it goes on to answer");
    }
    assert_eq!(outcome(&hub, "agency").await, down);
    other().await;
    let (status, stale) = hub.verify("agency2", &firm(CREDIT_CODES[0])).await;
    assert_eq!(
        (status, &stale["record"]["freshness"], &stale["outcome"]),
        (200, &json!("stale"), &json!("verified"))
    );
    server.resume().await;
    // The values changed meanwhile: the next answer knows.
    server.run("UPDATE firm SET state = 2, v = 2").await;
    let (_, answer) = hub.verify("agency", &firm(CREDIT_CODES[0])).await;
    assert_eq!(
        (&answer["outcome"], &answer["record"]["version"]),
        (&json!("mismatched"), &json!(2))
    );
    assert_eq!(answer["fields"]["status"]["verdict"], "mismatch");
    assert_eq!(answer["fields"]["name"]["verdict"], "match");
    hub.stop().await;
}
