//! Grants bound what is answered, from the moment they change.

use serde_json::json;

use crate::common::{ITEM, TestHub, person, question};

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_the_missing_clause_and_a_ceiling_counts() {
    let hub = TestHub::with_parties().await;
    hub.put("natural-person", &person()).await;
    let manager = hub.token("manager");
    hub.revoke_all_grants().await;
    let asked = question(&json!({"name": "张三丰"}));
    let base = json!({"agency": "agency", "dataset": "natural-person", "fields": ["*"], "operations": ["verify"],
        "item_codes": ["*"]});
    let with = |member: &str, value: serde_json::Value| {
        let mut grant = base.clone();
        grant[member] = value;
        grant
    };
    for (grant, status, clause) in [
        (with("item_codes", json!(["other"])), 403, json!("item_codes")),
        (with("valid_until", json!("2020-01-01T00:00:00Z")), 422, json!(null)),
        (
            with("valid_from", json!("2999-01-01T00:00:00Z")),
            403,
            json!("validity"),
        ),
        (with("networks", json!(["10.0.0.0/8"])), 403, json!("networks")),
    ] {
        let (made, body) = hub.send("POST", "/v1/grants", Some(&manager), Some(&grant)).await;
        if status == 422 {
            assert_eq!(made, 422, "{body}");
            continue;
        }
        assert_eq!(made, 201, "{body}");
        let (got, refusal) = hub.verify("agency", &asked).await;
        assert_eq!((got, &refusal["missing_clause"]), (status, &clause), "{refusal}");
        let path = format!("/v1/grants/{}", body["id"].as_str().unwrap());
        assert_eq!(hub.send("DELETE", &path, Some(&manager), None).await.0, 200);
    }
    let mut ceiling = with("daily_ceiling", json!(3));
    ceiling["item_codes"] = json!([ITEM]);
    assert_eq!(
        hub.send("POST", "/v1/grants", Some(&manager), Some(&ceiling)).await.0,
        201
    );
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(hub.verify("agency", &asked).await.0);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ceiling_holds_over_a_restart() {
    let hub = TestHub::with_parties().await;
    hub.put("natural-person", &person()).await;
    hub.revoke_all_grants().await;
    let grant = json!({"agency": "agency", "dataset": "natural-person", "fields": ["*"], "operations": ["verify"],
        "item_codes": ["*"], "daily_ceiling": 1});
    assert_eq!(
        hub.send("POST", "/v1/grants", Some(&hub.token("manager")), Some(&grant))
            .await
            .0,
        201
    );
    let asked = question(&json!({"name": "张三丰"}));
    assert_eq!(hub.verify("agency", &asked).await.0, 200);
    let hub = TestHub::open(hub.stop().await, |_| {}).await;
    assert_eq!(hub.verify("agency", &asked).await.0, 429);
    hub.stop().await;
}
