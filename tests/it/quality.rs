//! The data-quality ledger is exact: some thousand verifications, told to a model by their own answers, with a restart in the middle.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use heyan::domain::calendar::china_date;
use serde_json::{Value, json};

use crate::{
    common::{TestHub, person, purpose},
    tool::{Folder, heyan},
};

/// (dataset, field, word of a verdict, basis or reason) and how often; a field of `*` counts outcomes.
type Model = BTreeMap<(String, String, String), u64>;

const BATCHES: u64 = 24;
const ITEMS: u64 = 100;

/// Small numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

fn item(dice: &mut Dice, number: u64) -> Value {
    let names = ["张三丰", "张 三 丰", "張三丰", "李四"];
    let dates = ["1949-12-31", "1949年12月31日", "1950-01-01"];
    let mut claims = json!({"name": names[dice.below(4)]});
    if dice.below(2) == 0 {
        claims["birth_date"] = dates[dice.below(3)].into();
    }
    if dice.below(3) == 0 {
        claims["sex"] = ["1", "男", "2"][dice.below(3)].into();
    }
    if dice.below(4) == 0 {
        claims["status"] = json!({"op": "ne", "value": "注销"});
    }
    // Every fourth is about somebody who is not there.
    let id = match dice.below(4) {
        0 => "340207199705305213",
        _ => "11010519491231002X",
    };
    json!({"ref": number.to_string(), "dataset": "natural-person", "subject": {"id_number": id}, "claims": claims})
}

fn learn(model: &mut Model, answer: &Value) {
    let mut add = |field: &str, word: &str| {
        let key = ("natural-person".to_owned(), field.to_owned(), word.to_owned());
        *model.entry(key).or_default() += 1;
    };
    add("*", answer["outcome"].as_str().unwrap());
    for (field, told) in answer["fields"].as_object().unwrap() {
        add(field, told["verdict"].as_str().unwrap());
        for rule in ["basis", "reason"] {
            if let Some(rule) = told[rule].as_str() {
                add(field, &format!("rule {rule}"));
            }
        }
    }
}

async fn verify(hub: &TestHub, dice: &mut Dice, batches: u64, model: &mut Model, of_first: &mut u64) {
    for batch in 0..batches {
        let client = ["agency", "agency2"][dice.below(2)];
        let items: Vec<Value> = (0..ITEMS).map(|number| item(dice, number)).collect();
        let body = json!({"purpose": purpose(), "items": items});
        let path = "/v1/verifications/batch";
        let (status, answer) = hub.send("POST", path, Some(&hub.token(client)), Some(&body)).await;
        assert_eq!(status, 200, "{batch}: {answer}");
        for result in answer["results"].as_array().unwrap() {
            learn(model, result);
            *of_first += u64::from(client == "agency");
        }
    }
}

/// Waits until all that is in the ledger now is tallied.
async fn tallied(hub: &TestHub) {
    let (size, deadline) = (hub.ledger_size(), Instant::now() + Duration::from_secs(30));
    loop {
        let position = hub.hub.store.position("quality:hub-1.heyan.local").await.unwrap();
        if position.is_some_and(|text| text.parse::<u64>().unwrap() >= size) {
            return;
        }
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn get(hub: &TestHub, client: &str, path: &str) -> (u16, Value) {
    hub.send("GET", path, Some(&hub.token(client)), None).await
}

fn read_back(answer: &Value) -> Model {
    let mut model = Model::new();
    let mut add = |row: &Value, field: &str, word: String, count: &Value| {
        let key = (row["dataset"].as_str().unwrap().to_owned(), field.to_owned(), word);
        *model.entry(key).or_default() += count.as_u64().unwrap();
    };
    for row in answer["fields"].as_array().unwrap() {
        for (word, count) in row["verdicts"].as_object().unwrap() {
            add(row, row["field"].as_str().unwrap(), word.clone(), count);
        }
        for (rule, count) in row["rules_applied"].as_object().unwrap() {
            add(row, row["field"].as_str().unwrap(), format!("rule {rule}"), count);
        }
    }
    for row in answer["answers"].as_array().unwrap() {
        for (word, count) in row["outcomes"].as_object().unwrap() {
            add(row, "*", word.clone(), count);
        }
    }
    model
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tally_is_that_of_the_answers_also_after_a_restart_in_the_middle() {
    let hub = TestHub::with_parties().await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    let (mut dice, mut model, mut of_first) = (Dice(7), Model::new(), 0);
    verify(&hub, &mut dice, BATCHES / 2, &mut model, &mut of_first).await;
    // Stopped wherever the tallying is.
    let hub = TestHub::open(hub.stop().await, |_| {}).await;
    verify(&hub, &mut dice, BATCHES / 2, &mut model, &mut of_first).await;
    tallied(&hub).await;
    for by in ["day", "week"] {
        let (status, answer) = get(&hub, "operator", &format!("/v1/quality?by={by}")).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(read_back(&answer), model, "{by}");
    }
    let total: u64 = model
        .iter()
        .filter(|(key, _)| key.1 == "*")
        .map(|(_, count)| count)
        .sum();
    assert_eq!(total, BATCHES * ITEMS);
    println!("{} tallies of {total} answers are exact", model.len());
    let (_, answer) = get(&hub, "auditor", "/v1/quality?agency=agency").await;
    let of_agency: u64 = answer["answers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["answers"].as_u64().unwrap())
        .sum();
    assert_eq!(of_agency, of_first);
    let day = china_date(hub.hub.clock.now_us());
    let past = format!("/v1/quality?until={}", day.yesterday().unwrap());
    let (_, answer) = get(&hub, "operator", &past).await;
    assert_eq!(answer["answers"], json!([]), "the entry's time decides the day");
    hub.stop().await;
}

async fn act(hub: &TestHub, client: &str, id: &str, key: &str, body: &Value) {
    let response = hub
        .client
        .post(format!("{}/v1/mismatches/{id}/actions", hub.url))
        .bearer_auth(hub.token(client))
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status().as_u16(), 200, "{}", response.text().await.unwrap());
}

/// One correction is approved, another rejected.
async fn decide_two(hub: &TestHub) {
    for (place, decision) in ["approve", "reject"].into_iter().enumerate() {
        let mut body = crate::common::question(&json!({"name": "张三", "birth_date": "1949-12-30"}));
        body["purpose"]["application_no"] = format!("A-{place}").into();
        body["claims"] = match place {
            0 => json!({"name": "张三"}),
            _ => json!({"birth_date": "1949-12-30"}),
        };
        let (_, answer) = hub.verify("agency", &body).await;
        let id = answer["mismatch"]["id"].as_str().unwrap().to_owned();
        let propose = json!({"action": "propose_correction", "fields": body["claims"], "evidence": ["户口簿"]});
        act(hub, "agency", &id, &format!("p{place}"), &propose).await;
        let decide = json!({"action": decision, "reason": "核实"});
        act(hub, "authority", &id, &format!("d{place}"), &decide).await;
    }
}

async fn assert_markdown(hub: &TestHub, path: &str) {
    for (language, title, row) in [
        ("zh-CN", "# 数据质量周报", "| 姓名 | 1 | 1 | 100.00 % | – | 0 | 0 |"),
        (
            "en",
            "# Weekly data quality report",
            "| Name | 1 | 1 | 100.00 % | – | 0 | 0 |",
        ),
    ] {
        let response = hub
            .client
            .get(format!("{}{path}", hub.url))
            .bearer_auth(hub.token("operator"))
            .header("accept", "text/markdown")
            .header("accept-language", language)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), 200);
        let text = response.text().await.unwrap();
        assert!(text.starts_with(title) && text.contains(row), "{text}");
        println!("{text}");
    }
}

async fn assert_refused(hub: &TestHub, path: &str) {
    for (client, path, status, code) in [
        ("authority", path.replace("=authority", "=agency"), 403, "not_owner"),
        (
            "operator",
            path.replace("=authority", "=nobody"),
            404,
            "agency_not_found",
        ),
        (
            "operator",
            "/v1/quality?dataset=none".to_owned(),
            404,
            "dataset_not_found",
        ),
        (
            "operator",
            "/v1/quality?from=2020-01-01".to_owned(),
            413,
            "too_many_items",
        ),
        ("operator", "/v1/quality?from=soon".to_owned(), 400, "invalid_parameter"),
        ("operator", "/v1/quality?by=year".to_owned(), 400, "invalid_parameter"),
    ] {
        let (found, answer) = get(hub, client, &path).await;
        assert_eq!((found, &answer["code"]), (status, &json!(code)), "{path} {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weekly_report_says_what_differed_and_which_corrections_stood() {
    let hub = TestHub::with_parties().await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    decide_two(&hub).await;
    tallied(&hub).await;
    let week = china_date(hub.hub.clock.now_us()).iso_week_date();
    let path = format!(
        "/v1/quality/report?authority=authority&week={:04}-W{:02}",
        week.year(),
        week.week()
    );
    let (status, report) = get(&hub, "authority", &path).await;
    assert_eq!(status, 200, "{report}");
    let of = |field: &str| {
        let rows = report["mismatches"].as_array().unwrap();
        rows.iter().find(|row| row["field"] == field).unwrap().clone()
    };
    let name = of("name");
    assert_eq!(
        (&name["opened"], &name["corrected"], &name["upheld"]),
        (&json!(1), &json!(1), &json!(0)),
        "{name}"
    );
    let date = of("birth_date");
    assert_eq!(
        (&date["proposed"], &date["corrected"], &date["upheld"]),
        (&json!(1), &json!(0), &json!(1)),
        "{date}"
    );
    assert_eq!(date["mean_days_to_decide"], json!(0.0));
    let rates: Vec<&Value> = report["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["mismatch_rate"])
        .collect();
    assert_eq!(rates, [&json!(1.0), &json!(1.0)]);
    assert_markdown(&hub, &path).await;
    let folder = Folder::new();
    folder.put("token", hub.token("operator"));
    let week = format!("{:04}-W{:02}", week.year(), week.week());
    let arguments = ["quality", "report", "--authority", "authority", "--week", &week];
    let ran = heyan(&folder, &hub.url, &arguments).await;
    assert!(
        ran.exit == 0 && ran.out.starts_with("# Weekly data quality report"),
        "{ran:?}"
    );
    let ran = heyan(&folder, &hub.url, &[&arguments[..], &["--output", "json"]].concat()).await;
    assert_eq!(ran.json()["week"], json!(week));
    assert_refused(&hub, &path).await;
    hub.stop().await;
}
