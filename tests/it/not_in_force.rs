//! What no longer lives, exists or holds is told to those who may know; and a due day that could not be counted is filled in.

use std::sync::Arc;

use heyan::{
    config::Config,
    domain::calendar::{china_date, china_midnight_us},
    ports::{outward::NoConnectors, time::Clock},
};
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::{
    common::{ShiftedClock, TestHub, person, purpose},
    licence_kit::{FILE, HOLDER, fields, licence_id, put, question, verify, with},
};

const DEAD: &str = "440524188001010014";
const FIRM: &str = "91340200MA2MQ218X8";

async fn findings(hub: &TestHub, client: &str, dataset: &str, subject: Value, claims: Value) -> Value {
    let body = json!({"dataset": dataset, "subject": subject, "claims": claims, "purpose": purpose()});
    let (status, answer) = hub.verify(client, &body).await;
    assert_eq!((status, &answer["outcome"]), (200, &json!("verified")), "{answer}");
    answer["findings"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_about_another_field_tells_that_the_subject_is_not_active_to_whoever_may_know() {
    let hub = TestHub::with_parties().await;
    hub.put(
        "natural-person",
        &json!({"subject": {"id_number": DEAD}, "fields": {"name": "李四光", "status": "死亡"}}),
    )
    .await;
    hub.put(
        "legal-entity",
        &json!({"subject": {"uscc": FIRM}, "fields": {"name": "芜湖长江隧道有限公司", "status": "吊销"}}),
    )
    .await;
    let id = licence_id("1200000001", "001");
    put(&hub, &id, &with(fields(), &json!({"status": "吊销"}))).await;
    let cases = [
        ("natural-person", json!({"id_number": DEAD}), json!({"name": "李四光"})),
        (
            "legal-entity",
            json!({"uscc": FIRM}),
            json!({"name": "芜湖长江隧道有限公司"}),
        ),
        (
            "e-licence",
            json!({"licence_id": id}),
            json!({"holder_name": "张三丰", "holder_id": HOLDER}),
        ),
    ];
    for (dataset, subject, claims) in &cases {
        let told = findings(&hub, "agency", dataset, subject.clone(), claims.clone()).await;
        assert_eq!(told, json!(["subject_not_active"]), "{dataset}");
    }
    // With no right to the status nothing is told; with a right to ask a condition on it, it is.
    hub.revoke_all_grants().await;
    for (dataset, subject, claims) in &cases {
        let fields: Vec<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
        hub.grant("agency", dataset, &fields, &["verify"]).await;
        let told = findings(&hub, "agency", dataset, subject.clone(), claims.clone()).await;
        assert_eq!(told, json!([]), "{dataset}");
        hub.grant("agency", dataset, &["status"], &["predicate"]).await;
        let told = findings(&hub, "agency", dataset, subject.clone(), claims.clone()).await;
        assert_eq!(told, json!(["subject_not_active"]), "{dataset}");
    }
    hub.stop().await;
}

/// A licence as its register has it, and how it stands on 2026-11-26.
fn states() -> Vec<(Value, &'static str)> {
    vec![
        (json!({}), "valid"),
        (json!({"status": "01"}), "valid"),
        (json!({"valid_until": "长期"}), "valid"),
        (json!({"valid_until": "2026-11-26"}), "valid"),
        (json!({"valid_until": "2026-11-25"}), "expired"),
        (json!({"status": "失效"}), "expired"),
        (json!({"valid_from": "2026-11-27"}), "not_yet_valid"),
        (json!({"status": "暂扣"}), "suspended"),
        (json!({"status": "撤销"}), "revoked"),
        (json!({"status": "吊销"}), "revoked"),
        (json!({"status": "注销"}), "cancelled"),
        (json!({"status": "办理转出"}), "transferred"),
        (json!({"status": "其他"}), "unknown"),
        // Its time is over, whatever the word is.
        (json!({"status": "其他", "valid_until": "2020-01-01"}), "expired"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn verified_never_stands_beside_a_state_that_does_not_hold() {
    let hub = TestHub::with_parties().await;
    let token = hub.token("agency");
    let mut seen = std::collections::BTreeSet::new();
    for (number, (change, state)) in states().into_iter().enumerate() {
        let (id, no) = (licence_id(&format!("13{number:08}"), "001"), format!("皖C{number:012}"));
        put(
            &hub,
            &id,
            &with(fields(), &with(change.clone(), &json!({"licence_no": no}))),
        )
        .await;
        let key = json!({"type_name": "食品经营许可证", "licence_no": no, "holder_id": HOLDER});
        let body = json!({"purpose": purpose(), "key": key, "on": "2026-11-26"});
        let (_, found) = hub.send("POST", "/v1/licences/query", Some(&token), Some(&body)).await;
        let (_, file) = verify(&hub, "agency", &question(&id), &[], FILE).await;
        let outcome = match state {
            "valid" | "unknown" => "verified",
            _ => "not_in_force",
        };
        for answer in [&found, &file] {
            let told = (answer["validity"]["state"].as_str(), answer["outcome"].as_str());
            assert_eq!(told, (Some(state), Some(outcome)), "{change}: {answer}");
        }
        seen.insert(state);
    }
    // A newer version has begun.
    let (old, new) = (licence_id("1400000001", "001"), licence_id("1400000001", "002"));
    put(&hub, &old, &fields()).await;
    put(
        &hub,
        &new,
        &with(fields(), &json!({"valid_from": "2026-11-01", "operation": "延续"})),
    )
    .await;
    let (_, answer) = verify(&hub, "agency", &question(&old), &[], FILE).await;
    let told = (answer["validity"]["state"].as_str(), answer["outcome"].as_str());
    assert_eq!(told, (Some("replaced"), Some("not_in_force")), "{answer}");
    seen.insert("replaced");
    let all = heyan::domain::licence::LicenceStanding::ALL.map(heyan::domain::licence::LicenceStanding::as_str);
    assert_eq!(seen, all.into_iter().collect(), "every state was tried");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_due_day_of_a_year_without_a_calendar_is_filled_in_and_becomes_overdue() {
    let clock = Arc::new(ShiftedClock::default());
    let open = async |folder: tempfile::TempDir, change: &dyn Fn(&mut Config)| {
        let clock: Arc<dyn Clock> = Arc::<ShiftedClock>::clone(&clock);
        Box::pin(TestHub::open_at(folder, Arc::new(NoConnectors), clock, change)).await
    };
    let hub = open(tempfile::tempdir().unwrap(), &|_| {}).await;
    let year = hub.hub.mismatches.calendar.load().years().next_back().unwrap() + 1;
    let march = china_midnight_us(Date::constant(year, 3, 1));
    clock.forward_s((march - clock.now_us()) / 1_000_000 + 3_600);
    hub.add_parties().await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    let ask = async |hub: &TestHub| {
        let body = json!({"dataset": "natural-person", "subject": {"id_number": "11010519491231002X"},
            "claims": {"name": "张三"}, "purpose": purpose()});
        let (status, answer) = hub.verify("agency", &body).await;
        assert_eq!((status, &answer["outcome"]), (200, &json!("mismatched")), "{answer}");
        answer["mismatch"].clone()
    };
    let opened = ask(&hub).await;
    assert_eq!(opened["due_on"], Value::Null, "the year is not known: {opened}");
    let folder = hub.stop().await;
    // The operator adds the year.
    let file = folder.path().join("years.csv");
    std::fs::write(
        &file,
        format!("date,name,kind\n{year}-01-01,元旦,off\n{year}-10-01,国庆节,off\n"),
    )
    .unwrap();
    let hub = open(folder, &|config| config.calendar.extra_file.clone_from(&file)).await;
    heyan::app::node::upkeep::sweep(&hub.hub, hub.hub.clock.now_us())
        .await
        .unwrap();
    let known = ask(&hub).await;
    assert_eq!(known["id"], opened["id"]);
    // Ten working days from 1 March, of which only week-ends are off; the first of March may be one.
    let due: Date = known["due_on"].as_str().unwrap().parse().unwrap();
    let start = china_date(clock.now_us());
    assert_eq!(
        due,
        hub.hub.mismatches.calendar.load().due(start, 10).unwrap(),
        "{known}"
    );
    let path = format!("/v1/mismatches/{}", opened["id"].as_str().unwrap());
    let (_, told) = hub.send("GET", &path, Some(&hub.token("agency")), None).await;
    assert_eq!(told["due_on"], due.to_string(), "{told}");
    // And its day passes as that of any other.
    let alerts = async |hub: &TestHub| {
        let (_, answer) = hub
            .send(
                "GET",
                "/v1/supervision/alerts?rule=mismatch_overdue",
                Some(&hub.token("auditor")),
                None,
            )
            .await;
        answer["alerts"].as_array().unwrap().len()
    };
    assert_eq!(alerts(&hub).await, 0);
    clock.forward_s(30 * 86_400);
    heyan::app::node::upkeep::sweep(&hub.hub, hub.hub.clock.now_us())
        .await
        .unwrap();
    assert_eq!(alerts(&hub).await, 1);
    hub.stop().await;
}
