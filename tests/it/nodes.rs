//! Several nodes on one store: what one takes in, the others know; a line that is lost costs look-ups, never truth.
//! Two real hubs in this process, each with its own ledger, on one PostgreSQL.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use heyan::app::access::admin;
use heyan::config::Config;
use heyan::ports::outward::NoConnectors;
use heyan::ports::time::SystemClock;
use serde_json::{Value, json};

use crate::{
    common::{TestHub, person, question},
    postgres_kit::{self, Postgres},
    proxy::Proxy,
};

/// The promise for other nodes, in normal running.
const KNOWN_WITHIN: Duration = Duration::from_millis(1_000);

pub(crate) struct Cluster {
    pub server: Postgres,
    pub one: TestHub,
    pub two: TestHub,
    /// Between the second node and the store.
    pub proxy: Proxy,
}

fn node(config: &mut Config, number: u16, url_file: PathBuf, root: PathBuf) {
    config.node.id = number;
    config.node.origin = format!("hub-{number}.test");
    config.node.root_key_file = root;
    config.node.lease_ms = 2_000;
    config.store.postgres.url_file = url_file;
    config.store.postgres.statement_timeout_ms = 1_000;
    config.store.postgres.connect_timeout_ms = 1_000;
}

fn url_file(folder: &std::path::Path, url: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let file = folder.join("url");
    std::fs::write(&file, url).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    file
}

impl Cluster {
    pub(crate) async fn start() -> Option<Self> {
        let server = Postgres::start().await?;
        if let Some(parts) = postgres_kit::partitions() {
            postgres_kit::split(&server.url(), parts).await;
        }
        let proxy = Proxy::to(server.port()).await;
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = first.path().join("keys/root");
        let file = url_file(first.path(), &server.url());
        let own_root = root.clone();
        let one = TestHub::open_with(first, Arc::new(NoConnectors), |config| node(config, 1, file, own_root)).await;
        one.add_parties().await;
        let through = server
            .url()
            .replace(&server.port().to_string(), &proxy.port.to_string());
        let file = url_file(second.path(), &through);
        let two = TestHub::open_with(second, Arc::new(NoConnectors), |config| node(config, 2, file, root)).await;
        let cluster = Self {
            server,
            one,
            two,
            proxy,
        };
        cluster.settle().await;
        Some(cluster)
    }

    /// Waits until both nodes hear each other.
    pub(crate) async fn settle(&self) {
        let until = Instant::now() + Duration::from_secs(15);
        while !(self.one.hub.node.trust.holds() && self.two.hub.node.trust.holds()) {
            assert!(Instant::now() < until, "the nodes do not hear each other");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn stop(self) {
        self.proxy.heal();
        self.two.stop().await;
        self.one.stop().await;
    }
}

fn named(name: &str, version: i64) -> Value {
    let mut record = person();
    record["fields"]["name"] = name.into();
    record["source_version"] = version.into();
    record
}

/// The version that an answer rests on; the claim is always the same, which costs the budget of guesses once.
async fn told_version(hub: &TestHub) -> i64 {
    let (status, answer) = hub.verify("agency", &question(&json!({"name": "某"}))).await;
    assert_eq!(status, 200, "{answer}");
    answer["record"]["version"].as_i64().unwrap_or_default()
}

async fn outcome(hub: &TestHub, name: &str) -> Value {
    let (status, answer) = hub.verify("agency", &question(&json!({"name": name}))).await;
    assert_eq!(status, 200, "{answer}");
    answer["outcome"].clone()
}

/// How long it takes until `look` is true.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, look: impl Fn() -> F) -> Duration {
    let began = Instant::now();
    while !look().await {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_takes_in_the_others_answer_from() {
    let Some(cluster) = Cluster::start().await else { return };
    let (one, two) = (&cluster.one, &cluster.two);
    let mut longest = Duration::ZERO;
    for version in 1..40 {
        let (writer, reader) = if version % 2 == 0 { (one, two) } else { (two, one) };
        let record = named(&format!("张{version}"), version);
        assert_eq!(writer.put("natural-person", &record).await.0, 200);
        assert_eq!(told_version(writer).await, version, "read your writes");
        let known = until("the other node knows the record", || async {
            told_version(reader).await == version
        });
        longest = longest.max(known.await);
    }
    println!("longest until the other node knew: {longest:?}");
    assert!(longest < KNOWN_WITHIN, "{longest:?}");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_no_longer_be_done_is_refused_on_every_node() {
    let Some(cluster) = Cluster::start().await else { return };
    let (one, two) = (&cluster.one, &cluster.two);
    assert_eq!(one.put("natural-person", &person()).await.0, 200);
    until("the second node answers", || async {
        outcome(two, "张三丰").await == "verified"
    })
    .await;
    // A token of the first node is good on the second.
    let token = one.token("agency");
    let ask = || async {
        let body = question(&json!({"name": "张三丰"}));
        let (status, answer) = two.send("POST", "/v1/verifications", Some(&token), Some(&body)).await;
        (status, answer["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(ask().await.0, 200);
    one.revoke_all_grants().await;
    let known = until("the revoked grant is refused", || async { ask().await.0 == 403 }).await;
    assert!(known < KNOWN_WITHIN, "{known:?}");
    let (status, said) = one
        .send("POST", "/v1/agencies/agency/disable", Some(&one.token("manager")), None)
        .await;
    assert_eq!(status, 200, "{said}");
    let known = until("the disabled client is refused", || async {
        ask().await.1 == "agency_disabled"
    })
    .await;
    assert!(known < KNOWN_WITHIN, "{known:?}");

    // Changes of access on both nodes at once lose nothing of each other.
    let add = |hub: &'static str, node: &TestHub, nth: usize| {
        let (node, id) = (Arc::clone(&node.hub), format!("office-{hub}-{nth}"));
        tokio::spawn(async move { admin::add_user(&node, None, &id, &id, "auditor", None).await.is_ok() })
    };
    let mut calls = Vec::new();
    for nth in 0..5 {
        calls.push(add("one", one, nth));
        calls.push(add("two", two, nth));
    }
    for call in calls {
        assert!(call.await.unwrap());
    }
    for node in [one, two] {
        let known = || async {
            let access = node.hub.access.table.load();
            (0..5).all(|nth| {
                ["one", "two"]
                    .iter()
                    .all(|hub| access.clients.contains_key(format!("office-{hub}-{nth}").as_str()))
            })
        };
        until("every client is known", known).await;
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mismatch_and_its_replies_belong_to_all_nodes() {
    let Some(cluster) = Cluster::start().await else { return };
    let (one, two) = (&cluster.one, &cluster.two);
    assert_eq!(one.put("natural-person", &person()).await.0, 200);
    let wrong = question(&json!({"name": "李四"}));
    let (_, first) = one.verify("agency", &wrong).await;
    let id = first["mismatch"]["id"].as_str().unwrap().to_owned();
    let (_, again) = two.verify("agency", &wrong).await;
    assert_eq!(
        again["mismatch"]["id"], first["mismatch"]["id"],
        "once per record, matter and fields"
    );

    let path = format!("/v1/mismatches/{id}/actions");
    let body = json!({"action": "propose_correction", "fields": {"name": "李四"},
                      "evidence": ["identity card seen at the window"]});
    let act = |hub: &TestHub| {
        let request = hub
            .client
            .post(format!("{}{path}", hub.url))
            .bearer_auth(hub.token("agency"))
            .header("idempotency-key", "\"k-1\"")
            .json(&body);
        async move {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        }
    };
    let done = act(one).await;
    assert_eq!(done.0, 200, "{}", done.1);
    assert_eq!(
        act(two).await,
        done,
        "the first answer, byte for byte, from the other node"
    );
    let disputed = || async {
        let (_, answer) = two.verify("agency", &wrong).await;
        answer["findings"].to_string().contains("disputed") || answer.to_string().contains("disputed")
    };
    let known = until("the dispute is known to the second node", disputed).await;
    assert!(known < KNOWN_WITHIN, "{known:?}");

    // The authority decides on the second node; the first answers from the corrected record.
    let approve = json!({"action": "approve", "reason": "right"});
    let request = two
        .client
        .post(format!("{}{path}", two.url))
        .bearer_auth(two.token("authority"))
        .header("idempotency-key", "\"k-2\"")
        .json(&approve);
    let response = request.send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200, "{}", response.text().await.unwrap());
    let known = until("the corrected record is known", || async {
        outcome(one, "李四").await == "verified"
    })
    .await;
    assert!(known < KNOWN_WITHIN, "{known:?}");
    let closed = || async {
        let (_, said) = one
            .send("GET", &format!("/v1/mismatches/{id}"), Some(&one.token("agency")), None)
            .await;
        said["state"] == "closed"
    };
    until("the mismatch is closed by one of the nodes", closed).await;
    cluster.stop().await;
}

/// The server ends the line of the second node again and again while records change on the first: no answer of the second rests on
/// a version that was replaced longer ago than the promise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_is_cut_again_and_again_lets_no_old_answer_out() {
    let Some(cluster) = Cluster::start().await else { return };
    let (one, two) = (&cluster.one, &cluster.two);
    let began = Instant::now();
    let (mut version, mut cut, mut asked) = (0, 0, 0);
    let mut acknowledged: Vec<(i64, Instant)> = Vec::new();
    while began.elapsed() < Duration::from_secs(6) {
        version += 1;
        assert_eq!(
            one.put("natural-person", &named(&format!("张{version}"), version))
                .await
                .0,
            200
        );
        acknowledged.push((version, Instant::now()));
        if version % 5 == 0 {
            let ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";
            cut += cluster.server.number(ended).await;
        }
        for _ in 0..5 {
            let asked_at = Instant::now();
            let told = told_version(two).await;
            let due = acknowledged.iter().rev().find(|(_, at)| *at + KNOWN_WITHIN < asked_at);
            assert!(due.is_none_or(|(version, _)| told >= *version), "{told} of {version}");
            asked += 1;
        }
    }
    println!("{version} versions, {cut} lines cut, {asked} answers");
    assert!(cut >= 2);
    cluster.stop().await;
}

/// The network between the second node and the store falls silent: within the lease it may answer from memory, then it does not, and
/// it does not say what it does not know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_hears_nothing_says_nothing_old() {
    let Some(cluster) = Cluster::start().await else { return };
    let (one, two) = (&cluster.one, &cluster.two);
    assert_eq!(one.put("natural-person", &named("张1", 1)).await.0, 200);
    until("the second node has the record in memory", || async {
        outcome(two, "张1").await == "verified"
    })
    .await;
    cluster.proxy.fall_silent();
    assert_eq!(one.put("natural-person", &named("张2", 2)).await.0, 200);
    let replaced = Instant::now();
    let lease = Duration::from_millis(2_000);
    let token = two.token("agency");
    let body = question(&json!({"name": "张1"}));
    let (mut early, mut late) = (0, 0);
    while replaced.elapsed() < Duration::from_secs(5) {
        let asked = replaced.elapsed();
        let (status, answer) = two.send("POST", "/v1/verifications", Some(&token), Some(&body)).await;
        match status {
            200 if answer["outcome"] == "verified" => {
                assert!(
                    asked <= lease,
                    "an answer of {asked:?} after the change rests on the old record"
                );
                early += 1;
            }
            200 => assert_eq!(answer["outcome"], "mismatched"),
            _ => {
                assert_eq!(status, 503, "{answer}");
                late += 1;
            }
        }
    }
    println!("{early} answers within the lease, {late} refused after it");
    assert!(early > 0 && late > 0);
    cluster.proxy.heal();
    let known = until("the second node is back", || async {
        let (status, answer) = two.send("POST", "/v1/verifications", Some(&token), Some(&body)).await;
        status == 200 && answer["outcome"] == "mismatched"
    });
    println!("back after {:?}", known.await);
    cluster.settle().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_is_had_from_any_node_and_proves_the_ledger_of_one() {
    let Some(cluster) = Cluster::start().await else { return };
    let (one, two) = (&cluster.one, &cluster.two);
    assert_eq!(one.put("natural-person", &person()).await.0, 200);
    one.grant("agency", "natural-person", &["*"], &["read"]).await;
    let (_, answer) = one.verify("agency", &question(&json!({"name": "张三丰"}))).await;
    assert_eq!(answer["receipt"]["origin"], "hub-1.test");
    let path = format!("/v1/receipts/hub-1.test/{}", answer["receipt"]["index"]);
    let fetch = |hub: &TestHub, client: &str, accept: &str| {
        let request = hub
            .client
            .get(format!("{}{path}", hub.url))
            .bearer_auth(hub.token(client))
            .header("prefer", "wait=5")
            .header("accept", accept);
        async move {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        }
    };
    for accept in ["text/plain", "application/json"] {
        let (here, there) = (fetch(one, "agency", accept).await, fetch(two, "agency", accept).await);
        assert_eq!((here.0, there.0), (200, 200), "{} {}", here.1, there.1);
        heyan::ledger::receipt::verify(there.1.as_bytes(), one.hub.ledger.vkey()).unwrap();
    }
    // What is another agency's, or nobody's, is told apart on no node.
    assert_eq!(fetch(two, "agency2", "application/json").await.0, 404);
    let nobody = format!("/v1/receipts/hub-9.test/{}", answer["receipt"]["index"]);
    assert_eq!(two.send("GET", &nobody, Some(&two.token("agency")), None).await.0, 404);

    let path = format!("/v1/verifications/{}/explanation", answer["id"].as_str().unwrap());
    let explained = || async { two.send("GET", &path, Some(&two.token("agency")), None).await };
    until("the second node explains it", || async { explained().await.0 == 200 }).await;
    assert_eq!(explained().await.1["fields"]["name"]["verdict"], "match");

    // Once a second a node shows what its ledger holds: a copy that has less is told by that.
    let shown = || async {
        let nodes = two.hub.store.nodes().await.unwrap();
        let note = nodes
            .into_iter()
            .find(|node| node.number == 1)
            .and_then(|node| node.checkpoint);
        note.and_then(|note| note.lines().nth(1)?.parse::<u64>().ok()) > Some(1)
    };
    until("the first node has shown its ledger", shown).await;

    // A node that is gone is not waited for without end, and says so.
    let Cluster {
        server,
        one,
        two,
        proxy,
    } = cluster;
    let gone = one.stop().await;
    let began = Instant::now();
    let (status, said) = two.send("GET", &path, Some(&two.token("agency")), None).await;
    assert_eq!(
        (status, said["code"].as_str()),
        (503, Some("store_unavailable")),
        "{said}"
    );
    assert!(began.elapsed() < Duration::from_secs(5));

    refuses_a_double(&server, gone.path()).await;
    proxy.heal();
    two.stop().await;
}

/// The name and number of a node that is gone are kept for it: nobody else may take them, and not without its ledger.
async fn refuses_a_double(server: &Postgres, gone: &std::path::Path) {
    let root = gone.join("keys/root");
    let start = async |origin: &str, number: u16| {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::load(None).unwrap();
        config.http.listen = "127.0.0.1:0".to_owned();
        config.http.admin_listen = "127.0.0.1:0".to_owned();
        config.node.data_dir = folder.path().join("data");
        node(&mut config, number, url_file(gone, &server.url()), root.clone());
        config.node.origin = origin.to_owned();
        let refused = Box::pin(heyan::server::boot::open_at(
            config,
            Arc::new(NoConnectors),
            Arc::new(SystemClock),
        ))
        .await
        .err()
        .unwrap();
        format!("{refused:#}")
    };
    let said = start("hub-3.test", 1).await;
    assert!(said.contains("node.id 1 belongs to hub-1.test"), "{said}");
    let said = start("hub-1.test", 1).await;
    assert!(said.contains("the ledger's folder is lost or an old copy"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_node_countersigns_what_the_other_shows_of_its_ledger() {
    let Some(cluster) = Cluster::start().await else { return };
    let (one, two) = (&cluster.one, &cluster.two);
    assert_eq!(one.put("natural-person", &person()).await.0, 200);
    let sizes = || async {
        outcome(one, "张三丰").await;
        outcome(two, "张三丰").await;
        let mut sizes = std::collections::BTreeMap::new();
        for row in one.hub.store.cosigned().await.unwrap() {
            assert_ne!(row.origin, row.witness, "nobody is his own witness");
            let hub = if row.origin == "hub-1.test" { one } else { two };
            heyan::ledger::witness::verify_cosignature(&row.checkpoint, &row.witness_key).unwrap();
            let key = heyan::ledger::VerifierKey::parse(hub.hub.ledger.vkey()).unwrap();
            let head = key
                .open(row.checkpoint.as_bytes(), heyan::ledger::CosignatureRule::Allowed)
                .unwrap();
            sizes.insert(row.origin, head.size);
        }
        sizes
    };
    until("both are countersigned", || async { sizes().await.len() == 2 }).await;
    let before = sizes().await;
    let grown = || async { sizes().await.iter().all(|(origin, size)| *size > before[origin]) };
    until("and again when they have grown", grown).await;
    let told = || async {
        let (status, told) = two.send("GET", "/log/cosigned", None, None).await;
        assert_eq!(status, 200, "{told}");
        told
    };
    let both = || async { told().await["checkpoints"].as_array().unwrap().len() == 2 };
    until("everyone may read it", both).await;
    let told = told().await;
    let keys = [one.hub.ledger.vkey(), two.hub.ledger.vkey()];
    for row in told["checkpoints"].as_array().unwrap() {
        assert!(keys.contains(&row["key"].as_str().unwrap()), "{row}");
    }
    cluster.stop().await;
}
