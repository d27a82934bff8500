//! One manager alone: no role but the second manager, no unlock, no seal. With two, each act is confirmed by the other, entered, and
//! told by an alert.

use heyan::{api, app::access::admin};
use serde_json::{Value, json};

use crate::{
    common::{TestHub, person},
    promise::CapabilityPromise,
    wire::same,
};

/// What is promised of administration.
pub(crate) const PROMISE: CapabilityPromise = CapabilityPromise {
    roles: &[
        ("add_user", &["manager"]),
        ("rotate_user_secret", &["manager"]),
        ("change_agency", &["manager"]),
        ("list_approvals", &["manager", "auditor"]),
        ("confirm_approval", &["manager"]),
        ("get_administration_log", &["auditor"]),
        (
            "explain_access",
            &["agency", "authority", "operator", "manager", "auditor"],
        ),
    ],
    answers: &[
        ("add_user", waits_or::<api::AddedUser>),
        ("rotate_user_secret", waits_or::<api::RotatedCredential>),
        ("change_agency", same::<api::Agency>),
        ("list_approvals", same::<api::Approvals>),
        ("confirm_approval", same::<api::ConfirmedApproval>),
        ("get_administration_log", same::<api::AdministrationLog>),
        ("explain_access", same::<api::AccessExplanation>),
    ],
    by_subject: &["contributions"],
    whole: &["administration_log", "approvals"],
};

/// An answer that waits for a second person, or one of a type.
fn waits_or<T: serde::Serialize + serde::de::DeserializeOwned>(operation: &str, text: &str) {
    match text.contains("\"approval\"") {
        true => same::<api::WaitingApproval>(operation, text),
        false => same::<T>(operation, text),
    }
}

async fn post(hub: &TestHub, client: &str, path: &str, body: &Value) -> (u16, Value) {
    hub.send("POST", path, Some(&hub.token(client)), Some(body)).await
}

fn user(id: &str, role: &str) -> Value {
    json!({"id": id, "name": id, "role": role})
}

/// Alerts of administration: what was done.
async fn alerts(hub: &TestHub) -> Vec<String> {
    let path = "/v1/supervision/alerts?rule=administration";
    let (status, list) = hub.send("GET", path, Some(&hub.token("auditor")), None).await;
    assert_eq!(status, 200, "{list}");
    let facts = |alert: &Value| alert["facts"]["action"].as_str().unwrap_or_default().to_owned();
    list["alerts"].as_array().unwrap().iter().map(facts).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_manager_appoints_one_more_and_nothing_else() {
    let hub = TestHub::with_parties().await;
    let (status, waits) = post(&hub, "manager", "/v1/users", &user("my-auditor", "auditor")).await;
    assert_eq!(status, 202, "{waits}");
    let approval = waits["approval"].as_str().unwrap().to_owned();
    let confirm = format!("/v1/approvals/{approval}/confirm");
    assert_eq!(
        post(&hub, "manager", &confirm, &json!({})).await.1["code"],
        "role_not_allowed"
    );
    assert_eq!(
        post(&hub, "manager", "/v1/users/auditor/rotate-secret", &json!({}))
            .await
            .0,
        202
    );
    assert_eq!(
        post(
            &hub,
            "manager",
            "/v1/users/manager/rotate-secret",
            &json!({"now": true})
        )
        .await
        .0,
        200,
        "one's own"
    );
    assert!(!hub.hub.access.table.load().clients.contains_key("my-auditor"));

    let (status, second) = post(&hub, "manager", "/v1/users", &user("second", "manager")).await;
    assert_eq!((status, &second["role"]), (201, &json!("manager")), "{second}");
    assert_eq!(
        post(&hub, "manager", "/v1/users", &user("third", "manager")).await.0,
        202
    );
    let (_, list) = hub.send("GET", "/v1/approvals", Some(&hub.token("second")), None).await;
    assert_eq!(list["approvals"].as_array().unwrap().len(), 3, "{list}");

    let (status, done) = post(&hub, "second", &confirm, &json!({})).await;
    assert_eq!((status, &done["user"]["role"]), (200, &json!("auditor")), "{done}");
    assert!(done["client_secret"].as_str().unwrap().len() > 40);
    assert_eq!(post(&hub, "second", &confirm, &json!({})).await.0, 404, "done once");
    let told = alerts(&hub).await;
    for action in ["user.add", "user.ask_approval"] {
        assert!(told.iter().any(|one| one == action), "{action} in {told:?}");
    }
    let (_, log) = hub
        .send(
            "GET",
            "/v1/administration/log?limit=2",
            Some(&hub.token("auditor")),
            None,
        )
        .await;
    assert_eq!(
        (&log["acts"][0]["action"], &log["acts"][0]["by"]),
        (&json!("user.add"), &json!("second")),
        "{log}"
    );
    assert!(log["next_cursor"].is_string());
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_is_not_unlocked_and_no_trace_sealed_by_somebody_and_his_appointee() {
    let hub = TestHub::with_parties().await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    admin::add_user(&hub.hub, None, "second", "second", "manager", None)
        .await
        .unwrap();
    for (id, role) in [("op-a", "operator"), ("aud-a", "auditor"), ("aud-b", "auditor")] {
        let (_, waits) = post(&hub, "manager", "/v1/users", &user(id, role)).await;
        let confirm = format!("/v1/approvals/{}/confirm", waits["approval"].as_str().unwrap());
        assert_eq!(post(&hub, "second", &confirm, &json!({})).await.0, 200);
    }
    let unlock = json!({"dataset": "natural-person", "subject": person()["subject"], "reason": "核实身份"});
    let path = "/v1/supervision/guess-budgets/unlock";
    for (who, state) in [
        ("manager", "requested"),
        // Appointed by both managers.
        ("op-a", "requested"),
        ("manager", "requested"),
        ("operator", "unlocked"),
    ] {
        let (status, answer) = post(&hub, who, path, &unlock).await;
        assert!(matches!(status, 200 | 202), "{who} {answer}");
        assert_eq!(answer["state"], state, "{who} {answer}");
    }
    assert!(alerts(&hub).await.iter().any(|one| one == "guess_budget.unlocked"));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_is_changed_and_its_secret_cut_at_once() {
    let hub = TestHub::with_parties().await;
    let ask = async |secret: &str| {
        let form = format!("grant_type=client_credentials&client_id=agency&client_secret={secret}");
        let asked = hub.client.post(format!("{}/oauth/token", hub.url)).body(form);
        let asked = asked.header("content-type", "application/x-www-form-urlencoded");
        asked.send().await.unwrap().status().as_u16()
    };
    let rotate = "/v1/agencies/agency/rotate-secret";
    let (status, first) = post(&hub, "manager", rotate, &json!({})).await;
    assert_eq!(status, 200, "{first}");
    let (_, second) = post(&hub, "manager", rotate, &json!({"now": false})).await;
    let secret = |answer: &Value| answer["client_secret"].as_str().unwrap().to_owned();
    assert_eq!(
        (ask(&secret(&first)).await, ask(&secret(&second)).await),
        (200, 200),
        "both in the overlap"
    );
    let (_, third) = post(&hub, "manager", rotate, &json!({"now": true})).await;
    assert_eq!((ask(&secret(&second)).await, ask(&secret(&third)).await), (401, 200));

    let token = hub.token("manager");
    let path = "/v1/agencies/agency";
    let change = json!({"name": "新名称", "networks": ["10.9.0.0/16"]});
    let (status, changed) = hub.send("PATCH", path, Some(&token), Some(&change)).await;
    assert_eq!(
        (status, &changed["name"], &changed["networks"]),
        (200, &json!("新名称"), &json!(["10.9.0.0/16"])),
        "{changed}"
    );
    assert_eq!(ask(&secret(&third)).await, 403, "from another network");
    let (status, wrong) = hub
        .send("PATCH", path, Some(&token), Some(&json!({"networks": ["10.9.0.1/16"]})))
        .await;
    assert_eq!((status, &wrong["code"]), (422, &json!("invalid_value")));
    let back = json!({"networks": [], "public_key": ""});
    assert_eq!(hub.send("PATCH", path, Some(&token), Some(&back)).await.0, 200);
    assert_eq!(ask(&secret(&third)).await, 200);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn access_is_explained_by_the_clause_that_is_missing() {
    let hub = TestHub::with_parties().await;
    let ask = |operation: &str, fields: Value| json!({"agency": "agency", "dataset": "natural-person", "item_code": "x", "operation": operation, "fields": fields});
    let path = "/v1/access/explain";
    let (status, told) = post(&hub, "manager", path, &ask("verify", json!(["name"]))).await;
    assert_eq!((status, &told["allowed"]), (200, &json!(true)), "{told}");
    let (_, told) = post(&hub, "agency", path, &ask("read", json!([]))).await;
    assert_eq!(
        (&told["allowed"], &told["missing_clause"]),
        (&json!(false), &json!("operations")),
        "{told}"
    );
    assert_eq!(
        post(&hub, "agency2", path, &ask("verify", json!([]))).await.0,
        404,
        "of itself only"
    );
    hub.revoke_all_grants().await;
    let (_, told) = post(&hub, "auditor", path, &ask("verify", json!([]))).await;
    assert_eq!(
        (&told["allowed"], &told["missing_clause"]),
        (&json!(false), &json!("dataset")),
        "{told}"
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credit_code_makes_no_authority_and_a_contributor_replaces_only_its_own() {
    let hub = TestHub::with_parties().await;
    let dataset = hub.hub.catalog.get("natural-person").unwrap();
    let code = dataset.authority.credit_code.to_string();
    let body = json!({"id": "shadow", "name": "shadow", "credit_code": code, "role": "agency"});
    let (status, answer) = post(&hub, "manager", "/v1/agencies", &body).await;
    assert_eq!(status, 201, "{answer}");
    let path = "/v1/datasets/natural-person/records";
    let put = async |client: &str, record: &Value| hub.send("PUT", path, Some(&hub.token(client)), Some(record)).await;
    assert_eq!(
        put("shadow", &person()).await.1["code"],
        "not_owner",
        "the code alone makes no authority"
    );
    let body = json!({"id": "twin", "name": "twin", "credit_code": code, "role": "authority"});
    assert_eq!(
        post(&hub, "manager", "/v1/agencies", &body).await.0,
        409,
        "a code belongs to one agency"
    );

    assert_eq!(put("authority", &person()).await.0, 200);
    hub.grant("agency", "natural-person", &["*"], &["contribute"]).await;
    hub.grant("agency2", "natural-person", &["*"], &["contribute"]).await;
    let mut changed = person();
    changed["fields"]["name"] = json!("李四");
    assert_eq!(
        put("agency", &changed).await.1["code"],
        "not_owner",
        "the authority's record stays"
    );
    let mut own = person();
    own["subject"]["id_number"] = json!("440524188001010014");
    own["fields"]["birth_date"] = json!("1880-01-01");
    assert_eq!(put("agency", &own).await.0, 200);
    own["fields"]["name"] = json!("王五");
    assert_eq!(put("agency", &own).await.0, 200, "what it contributed it may replace");
    assert_eq!(put("agency2", &own).await.1["code"], "not_owner");
    own["fields"]["name"] = json!("赵六");
    assert_eq!(put("authority", &own).await.0, 200);
    own["fields"]["name"] = json!("王五");
    assert_eq!(
        put("agency", &own).await.1["code"],
        "not_owner",
        "now it is the authority's"
    );
    hub.stop().await;
}
