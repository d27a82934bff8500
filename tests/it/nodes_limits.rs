//! Limits that are one on all nodes of a store.

use std::time::Duration;

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
    let new = heyan::app::admin::NewGrant {
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
    let grant = heyan::app::admin::add_grant(&one.hub, None, new).await.unwrap().id;
    let known = || async { two.hub.access.load().grants.contains_key(grant.as_str()) };
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
