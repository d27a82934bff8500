//! Limits that are one on all nodes of a store.

use std::{collections::HashMap, time::Duration};

use serde_json::json;

use crate::{
    common::{TestHub, person, question},
    nodes::{Cluster, until},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daily_ceiling_is_one_ceiling_on_all_nodes() {
    let Some(cluster) = Cluster::start().await else { return };
    let (one, two) = (&cluster.one, &cluster.two);
    assert_eq!(one.put("natural-person", &person()).await.0, 200);
    one.revoke_all_grants().await;
    let new = heyan::app::access::admin::NewGrant {
        agency: "agency".to_owned(),
        dataset: "natural-person".to_owned(),
        fields: vec!["*".to_owned()],
        operations: vec!["verify".to_owned()],
        item_codes: vec!["*".to_owned()],
        valid_from: None,
        valid_until: None,
        daily_ceiling: Some(40),
        networks: vec![],
    };
    let grant = heyan::app::access::admin::add_grant(&one.hub, None, new)
        .await
        .unwrap()
        .id;
    let known = || async { two.hub.access.table.load().grants.contains_key(grant.as_str()) };
    until("the second node knows the grant", known).await;
    let body = question(&json!({"name": "张三丰"}));
    let ask = async |hub: &TestHub| hub.verify("agency", &body).await.0;
    for _ in 0..30 {
        assert_eq!(ask(one).await, 200);
    }
    // Two seconds at most until the second node counts them too.
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    let mut more = 0;
    while ask(two).await == 200 {
        more += 1;
        assert!(more <= 40, "the second node counts alone");
    }
    assert_eq!(more, 10, "what the first node left");
    let refused = || async { ask(one).await != 200 };
    let within = until("the first node refuses too", refused).await;
    assert!(within < Duration::from_millis(2_200), "{within:?}");
    cluster.stop().await;
}

/// Asks for the birth dates at both nodes in one moment; how often each verdict was told.
async fn guess_at_once(cluster: &Cluster, dates: &[String]) -> HashMap<String, usize> {
    let ask = |(at, date): (usize, &String)| {
        let hub = if at % 2 == 0 { &cluster.one } else { &cluster.two };
        let body = question(&json!({"name": "张三丰", "birth_date": date}));
        async move { hub.verify("agency", &body).await }
    };
    let answers = futures_util::future::join_all(dates.iter().enumerate().map(ask)).await;
    let mut told = HashMap::new();
    for (status, answer) in answers {
        assert_eq!(status, 200, "{answer}");
        let verdict = answer["fields"]["birth_date"]["verdict"].as_str().unwrap();
        *told.entry(verdict.to_owned()).or_default() += 1;
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_guesses_at_two_nodes_spends_one_budget() {
    let Some(cluster) = Cluster::start().await else { return };
    assert_eq!(cluster.one.put("natural-person", &person()).await.0, 200);
    let mut dates: Vec<String> = (1..=28).map(|day| format!("1950-01-{day:02}")).collect();
    let told = guess_at_once(&cluster, &dates).await;
    assert_eq!(told["mismatch"], 3, "what one agency is told: {told:?}");
    assert_eq!(told["review"], 25, "{told:?}");
    // Neither node tells the right one now, whatever it has heard of the other.
    dates = vec!["1949-12-31".to_owned(); 4];
    assert_eq!(guess_at_once(&cluster, &dates).await["review"], 4);
    // What was told is told again, at both.
    let known = || async {
        let one = question(&json!({"name": "张三丰", "birth_date": "1950-02-01"}));
        cluster.two.verify("agency", &one).await.1["fields"]["birth_date"]["verdict"] == "review"
    };
    until("the second node knows of the budget", known).await;
    // Two persons forgive it, each at another node.
    let unlock =
        json!({"dataset": "natural-person", "subject": {"id_number": "11010519491231002X"}, "reason": "到窗口核实"});
    for (hub, user, state) in [
        (&cluster.one, "operator", "requested"),
        (&cluster.two, "operator", "requested"),
        (&cluster.two, "manager", "unlocked"),
    ] {
        let path = "/v1/supervision/guess-budgets/unlock";
        let (_, told) = hub.send("POST", path, Some(&hub.token(user)), Some(&unlock)).await;
        assert_eq!(told["state"], state, "{told}");
    }
    let right = question(&json!({"name": "张三丰", "birth_date": "1949-12-31"}));
    let forgiven = || async { cluster.one.verify("agency", &right).await.1["outcome"] == "verified" };
    until("the first node knows that it is forgiven", forgiven).await;
    cluster.stop().await;
}

/// What could not be committed was told to nobody: asked again it must be counted, not be free because this node remembers it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guess_that_could_not_be_counted_is_not_known() {
    let Some(cluster) = Cluster::start().await else { return };
    let (one, two) = (&cluster.one, &cluster.two);
    assert_eq!(one.put("natural-person", &person()).await.0, 200);
    let right = question(&json!({"name": "张三丰"}));
    let in_memory = || async { two.verify("agency", &right).await.1["outcome"] == "verified" };
    until("the second node has the record in memory", in_memory).await;
    cluster.proxy.fall_silent();
    let wrong = question(&json!({"name": "张三丰", "birth_date": "1950-01-01"}));
    let (status, answer) = two.verify("agency", &wrong).await;
    assert_eq!(status, 503, "{answer}");
    let known = |hub: &TestHub| hub.hub.mismatches.pending.subjects().len();
    assert_eq!(known(two), 0);
    cluster.proxy.heal();
    let told = || async { two.verify("agency", &wrong).await.1["outcome"] == "mismatched" };
    until("it is told once it can be counted", told).await;
    until("the first node knows of it", || async { known(one) == 1 }).await;
    cluster.stop().await;
}
