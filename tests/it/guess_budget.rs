//! The guess budget from both sides: what is told to whoever guesses, and what is still told to everybody else.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::{ITEM, TestHub, person, purpose, question, with_check_character};

/// How soon an alert must name an agency.
const NAMED_WITHIN: Duration = Duration::from_secs(5);

async fn hub_with_a_person() -> TestHub {
    let hub = TestHub::with_parties().await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    hub
}

/// The verdict on one field.
async fn told(hub: &TestHub, client: &str, field: &str, claim: Value) -> Value {
    let claims = json!({ field: claim });
    let (status, answer) = hub.verify(client, &question(&claims)).await;
    assert_eq!(status, 200, "{answer}");
    answer["fields"][field]["verdict"].clone()
}

/// A resident number of 1 January 1990 that nobody has.
fn number(n: u32) -> String {
    with_check_character(&format!("34022119900101{n:03}"))
}

fn about(number: &str, claims: &Value) -> Value {
    let mut body = question(claims);
    body["subject"]["id_number"] = number.into();
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn one_agency_cannot_lock_a_field_for_the_others() {
    let hub = hub_with_a_person().await;
    let mut wrong = 0;
    for n in 0..12_u32 {
        // Another value that agrees opens no larger budget: colluding agencies know it, and a date stands in the number.
        let name = format!("王{}", char::from_u32(0x4e00 + n).unwrap());
        let claims = json!({"name": name, "birth_date": "1949-12-31"});
        let (_, answer) = hub.verify("agency", &question(&claims)).await;
        wrong += usize::from(answer["fields"]["name"]["verdict"] == "mismatch");
    }
    assert_eq!(wrong, 3);
    assert_eq!(told(&hub, "agency", "name", json!("张三丰")).await, "review");
    assert_eq!(told(&hub, "agency2", "name", json!("张三丰")).await, "match");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_value_is_told_whatever_conditions_said() {
    let hub = hub_with_a_person().await;
    let mut verdicts = Vec::new();
    for year in 1940..1960 {
        let claim = json!({"op": "on_or_before", "value": format!("{year}-12-31")});
        verdicts.push(told(&hub, "agency", "birth_date", claim).await);
    }
    assert_eq!(
        verdicts.iter().filter(|verdict| **verdict != "review").count(),
        2,
        "{verdicts:?}"
    );
    assert_eq!(told(&hub, "agency", "birth_date", json!("1949-12-31")).await, "match");
    let wrong = json!("1949-12-30");
    assert_eq!(told(&hub, "agency", "birth_date", wrong).await, "mismatch");
    // The pools are apart after a start too: what was told is told again, no third condition is, and a value is.
    let hub = TestHub::open(hub.stop().await, |_| {}).await;
    let on_or_before = |year: u32| json!({"op": "on_or_before", "value": format!("{year}-12-31")});
    assert_eq!(
        told(&hub, "agency", "birth_date", on_or_before(1940)).await,
        verdicts[0]
    );
    assert_eq!(told(&hub, "agency", "birth_date", on_or_before(1970)).await, "review");
    assert_eq!(told(&hub, "agency", "birth_date", json!("1949-12-31")).await, "match");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coded_list_is_no_exemption_and_what_cannot_be_read_costs_nothing() {
    let hub = hub_with_a_person().await;
    for n in 0..12 {
        assert_eq!(
            told(&hub, "agency", "ethnicity", json!(format!("王?{n}"))).await,
            "review"
        );
    }
    let (mut values, mut others) = (Vec::new(), Vec::new());
    for group in ["回族", "满族", "藏族", "苗族", "彝族", "壮族", "侗族", "瑶族"] {
        values.push(told(&hub, "agency", "ethnicity", json!(group)).await);
        others.push(told(&hub, "agency2", "ethnicity", json!({"op": "ne", "value": group})).await);
    }
    let of = |verdicts: &[Value]| verdicts.iter().filter(|verdict| **verdict != "review").count();
    assert_eq!((of(&values), of(&others)), (3, 2), "{values:?} {others:?}");
    assert_eq!(told(&hub, "agency2", "ethnicity", json!("汉族")).await, "match");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_something_out_pays_next_to_nothing_and_who_walks_the_counties_pays() {
    let hub = hub_with_a_person().await;
    let address = |claim: &str| json!(claim);
    let whole = person()["fields"]["domicile_address"].as_str().unwrap().to_owned();
    let mut verdicts = Vec::new();
    for county in ["弋江区", "鸠江区", "湾沚区", "繁昌区", "南陵县", "无为市", "镜湖区"] {
        verdicts.push(
            told(
                &hub,
                "agency",
                "domicile_address",
                address(&format!("安徽省芜湖市{county}")),
            )
            .await,
        );
    }
    assert_eq!(
        verdicts.iter().filter(|verdict| **verdict == "mismatch").count(),
        2,
        "{verdicts:?}"
    );
    assert_eq!(told(&hub, "agency", "domicile_address", address(&whole)).await, "match");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_that_is_wrong_about_too_many_is_told_nothing_and_is_named() {
    let hub = TestHub::start_with(|config| {
        config.guess.agency_subjects_24_h_max = 5;
        config.guess.agency_subjects_percent = 0;
    })
    .await;
    hub.add_parties().await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    let name = json!({"name": "张三丰"});
    for n in 1..=5 {
        let (_, answer) = hub.verify("agency", &about(&number(n), &name)).await;
        assert_eq!(answer["outcome"], "not_found", "{answer}");
    }
    let began = Instant::now();
    let part = |answer: &Value| {
        ["outcome", "fields", "record", "findings", "mismatch"].map(|member| answer.get(member).cloned())
    };
    // Right or wrong, there or not: one answer.
    let (_, nobody) = hub.verify("agency", &about(&number(6), &name)).await;
    let (_, right) = hub.verify("agency", &question(&name)).await;
    let (_, wrong) = hub.verify("agency", &question(&json!({"name": "王一"}))).await;
    assert_eq!(
        nobody["fields"]["name"],
        json!({"verdict": "review", "reason": "guess_budget"}),
        "{nobody}"
    );
    assert_eq!(part(&nobody), part(&right));
    assert_eq!(part(&nobody), part(&wrong));
    // Who was counted is answered still, and another agency is not concerned.
    assert_eq!(
        hub.verify("agency", &about(&number(3), &name)).await.1["outcome"],
        "not_found"
    );
    assert_eq!(hub.verify("agency2", &question(&name)).await.1["outcome"], "verified");
    loop {
        let path = "/v1/supervision/alerts?rule=agency_guessing";
        let (_, alerts) = hub.send("GET", path, Some(&hub.token("auditor")), None).await;
        if let Some(alert) = alerts["alerts"].get(0) {
            assert_eq!(alert["agency"], "agency", "{alerts}");
            assert_eq!(alerts["alerts"].as_array().unwrap().len(), 1, "{alerts}");
            break;
        }
        assert!(began.elapsed() < NAMED_WITHIN);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // A start forgets nothing.
    let folder = hub.stop().await;
    let hub = TestHub::open(folder, |config| {
        config.guess.agency_subjects_24_h_max = 5;
        config.guess.agency_subjects_percent = 0;
    })
    .await;
    let mut found = 0;
    for n in 10..30 {
        let (_, answer) = hub.verify("agency", &about(&number(n), &name)).await;
        found += usize::from(answer["outcome"] == "not_found");
    }
    assert_eq!(found, 0);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_right_about_many_may_be_wrong_about_as_many_more() {
    let hub = TestHub::start_with(|config| config.guess.agency_subjects_24_h_max = 2).await;
    hub.add_parties().await;
    for n in 1..=3 {
        let mut record = person();
        record["subject"]["id_number"] = number(500 + n).into();
        record["fields"]["birth_date"] = "1990-01-01".into();
        let (status, answer) = hub.put("natural-person", &record).await;
        assert_eq!(status, 200, "{answer}");
    }
    // A date that stands in the number, and a code, show no knowledge.
    for n in 1..=3 {
        let claims = json!({"birth_date": "1990-01-01", "ethnicity": "汉族"});
        hub.verify("agency", &about(&number(500 + n), &claims)).await;
    }
    let unfound = async |from: u32| {
        let mut found = 0;
        for n in from..from + 9 {
            let (_, answer) = hub
                .verify("agency", &about(&number(n), &json!({"name": "张三丰"})))
                .await;
            found += usize::from(answer["outcome"] == "not_found");
        }
        found
    };
    assert_eq!(unfound(100).await, 2);
    hub.stop().await;
    let hub = TestHub::start_with(|config| config.guess.agency_subjects_24_h_max = 2).await;
    hub.add_parties().await;
    for n in 1..=3 {
        let mut record = person();
        record["subject"]["id_number"] = number(500 + n).into();
        record["fields"]["birth_date"] = "1990-01-01".into();
        assert_eq!(hub.put("natural-person", &record).await.0, 200);
        for _ in 0..3 {
            let (_, answer) = hub
                .verify("agency", &about(&number(500 + n), &json!({"name": "张三丰"})))
                .await;
            assert_eq!(answer["outcome"], "verified");
        }
    }
    // A start forgets neither those that were right nor those that were not found.
    let folder = hub.stop().await;
    let hub = TestHub::open(folder, |config| config.guess.agency_subjects_24_h_max = 2).await;
    let mut found = 0;
    for n in 100..120 {
        let (_, answer) = hub
            .verify("agency", &about(&number(n), &json!({"name": "张三丰"})))
            .await;
        found += usize::from(answer["outcome"] == "not_found");
    }
    assert_eq!(found, 5, "two, and one for each subject that was right");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_co_handlers_tries_at_whose_check_it_is_are_counted() {
    let hub = hub_with_a_person().await;
    let co_handler = json!({"agency": "agency2", "item_code": ITEM});
    let body = json!({"purpose": purpose(), "co_handlers": [co_handler], "valid_hours": 24});
    let (_, case) = hub
        .send("POST", "/v1/cases", Some(&hub.token("agency")), Some(&body))
        .await;
    let case = case["id"].as_str().unwrap();
    let check =
        json!({"ref": "r", "dataset": "natural-person", "subject": person()["subject"], "claims": {"name": "张三丰"}});
    let path = format!("/v1/cases/{case}/checks");
    assert_eq!(
        hub.send("POST", &path, Some(&hub.token("agency")), Some(&check))
            .await
            .0,
        201
    );
    let path = format!("/v1/cases/{case}/checks/1/reuse");
    let reuse = async |number: &str| {
        let body = json!({"purpose": purpose(), "subject": {"id_number": number}});
        hub.send("POST", &path, Some(&hub.token("agency2")), Some(&body)).await
    };
    let right = person()["subject"]["id_number"].as_str().unwrap().to_owned();
    assert_eq!(reuse(&right).await.0, 200);
    for n in 1..=3 {
        assert_eq!(reuse(&number(n)).await.0, 404);
    }
    let (status, answer) = reuse(&right).await;
    assert_eq!((status, &answer["code"]), (404, &json!("case_not_found")), "{answer}");
    hub.stop().await;
}
