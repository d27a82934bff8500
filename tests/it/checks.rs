//! An item's materials are verified in one call, and the notice names exactly what is still to be brought.

use heyan::ledger::entry::{EntryBody, LedgerEntry};
use serde_json::{Map, Value, json};

use crate::common::{TestHub, person};

const FOOD: &str = "11340200003015021E3000102001000";
const PERSON: &str = "11010519491231002X";
const OTHER: &str = "440524188001010014";
const FIRM: &str = "91340200MA2MQ218X8";
const ADDRESS: &str = "安徽省芜湖市镜湖区北京中路2号3幢2单元501室";

fn purpose(item: &str) -> Value {
    json!({"item_code": item, "application_no": "A-1", "operator": "window-3"})
}

async fn check(hub: &TestHub, body: &Value) -> (u16, Value) {
    hub.send("POST", "/v1/checks", Some(&hub.token("agency")), Some(body))
        .await
}

async fn put(hub: &TestHub, dataset: &str, subject: Value, fields: Value) {
    let (status, answer) = hub.put(dataset, &json!({"subject": subject, "fields": fields})).await;
    assert_eq!(status, 200, "{answer}");
}

async fn put_parties(hub: &TestHub) {
    for (number, name) in [(PERSON, "张三丰"), (OTHER, "李四光")] {
        let fields = json!({"name": name, "birth_date": "1900-01-01", "domicile_address": ADDRESS, "status": "正常"});
        put(hub, "natural-person", json!({"id_number": number}), fields).await;
    }
    let fields = json!({"name": "芜湖长江隧道有限公司", "address": ADDRESS, "status": "存续"});
    put(hub, "legal-entity", json!({"uscc": FIRM}), fields).await;
}

fn applicant(item: &Value) -> Value {
    match item["applicant"].as_str() {
        Some("firm") => json!({"name": "芜湖长江隧道有限公司", "uscc": FIRM}),
        _ => json!({"name": "张三丰", "id_number": PERSON, "uscc": FIRM}),
    }
}

/// A value for `$material.x`.
fn own_value(name: &str, place: usize) -> String {
    match name {
        "id_number" => OTHER.to_owned(),
        "name" => "李四光".to_owned(),
        "owner_id" => PERSON.to_owned(),
        "licence_id" => format!("1.2.156.3005.2.11100000000013338W032.11220000013544541J.{place:07}.001.F"),
        "certificate_no" => format!("皖（2020）芜湖市不动产权第{place:07}号"),
        _ => ADDRESS.to_owned(),
    }
}

/// What a template or condition of an item stands for when it holds.
fn value_of(claim: &Value, applicant: &Value, own: &mut Map<String, Value>, place: usize) -> Value {
    let Some(text) = claim.as_str() else {
        return match claim["op"].as_str().unwrap() {
            "on_or_after" => "2099-12-31".into(),
            "on_or_before" => "1900-01-01".into(),
            other => panic!("{other}"),
        };
    };
    if let Some(name) = text.strip_prefix("$applicant.") {
        return applicant[name].clone();
    }
    match text.strip_prefix("$material.") {
        Some(name) => own.entry(name).or_insert_with(|| own_value(name, place).into()).clone(),
        None => text.into(),
    }
}

/// A check of an item with everything that it takes, after its licences and estates were put: the body, and what is to be brought.
async fn whole_check(hub: &TestHub, item: &Value, number: usize) -> (Value, Vec<String>) {
    let applicant = applicant(item);
    let (mut materials, mut facts, mut to_bring) = (Map::new(), Map::new(), Vec::new());
    for (nth, material) in item["materials"].as_array().unwrap().iter().enumerate() {
        let id = material["id"].as_str().unwrap();
        if let Some(fact) = material["when"]["fact"].as_str() {
            let first = material["when"]["is"][0].clone();
            if *facts.entry(fact).or_insert(first.clone()) != first {
                continue;
            }
        }
        let Some(dataset) = material["dataset"].as_str() else {
            to_bring.push(id.to_owned());
            continue;
        };
        let mut own = Map::new();
        let place = number * 100 + nth;
        let mut asked = |part: &str| -> Map<String, Value> {
            let members = material[part].as_object().unwrap().iter();
            let values = members.map(|(name, claim)| (name.clone(), value_of(claim, &applicant, &mut own, place)));
            values.collect()
        };
        let (subject, fields) = (asked("subject"), asked("claims"));
        if dataset == "e-licence" || dataset == "real-estate" {
            put(hub, dataset, subject.into(), fields.into()).await;
        }
        if !own.is_empty() {
            materials.insert(id.to_owned(), own.into());
        }
    }
    let body = json!({"purpose": purpose(item["code"].as_str().unwrap()), "applicant": applicant,
        "materials": materials, "facts": facts});
    (body, to_bring)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shipped_item_checks_an_applicant_in_one_call() {
    let hub = TestHub::with_parties().await;
    put_parties(&hub).await;
    let (token, mut checked) = (hub.token("agency"), 0);
    let (_, list) = hub.send("GET", "/v1/items?limit=1000", Some(&token), None).await;
    for (number, listed) in list["items"].as_array().unwrap().iter().enumerate() {
        let path = format!("/v1/items/{}", listed["code"].as_str().unwrap());
        let (status, item) = hub.send("GET", &path, Some(&token), None).await;
        assert_eq!(status, 200, "{item}");
        let (body, to_bring) = whole_check(&hub, &item, number).await;
        let before = hub.ledger_size();
        let (status, answer) = check(&hub, &body).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(hub.ledger_size(), before + 1, "one entry for all of them");
        let named: Vec<&str> = answer["notice"]["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["material"].as_str().unwrap())
            .collect();
        assert_eq!(named, to_bring, "{answer:#}");
        let wanted = if to_bring.is_empty() { "complete" } else { "to_bring" };
        assert_eq!(answer["outcome"], wanted, "{answer:#}");
        for (id, material) in answer["materials"].as_object().unwrap() {
            let expected: &[&str] = match to_bring.contains(id) {
                true => &["ask_applicant"],
                false => &["verified", "not_needed"],
            };
            assert!(
                expected.contains(&material["outcome"].as_str().unwrap()),
                "{id}: {answer:#}"
            );
        }
        assert!(answer["receipt"]["index"].is_u64() && answer["id"].as_str().unwrap().starts_with("ver_"));
        checked += 1;
    }
    assert!(checked >= 10, "{checked}");
    hub.stop().await;
}

fn food(name: &str, representative: Value, facts: Value) -> Value {
    json!({"purpose": purpose(FOOD), "applicant": {"name": name, "uscc": FIRM}, "materials": representative, "facts": facts})
}

#[tokio::test(flavor = "multi_thread")]
async fn each_material_gets_its_outcome_and_the_notice_tells_no_value_of_a_register() {
    let hub = TestHub::with_parties().await;
    put_parties(&hub).await;
    let owned = json!({"premises": "owned"});
    let materials = json!({"legal_representative": {"name": "李四光", "id_number": OTHER},
        "premises": {"certificate_no": "皖（2020）芜湖市不动产权第0000001号"}});
    let (status, answer) = check(&hub, &food("芜湖黄河隧道有限公司", materials, owned)).await;
    assert_eq!(status, 200, "{answer}");
    let material = |id: &str| answer["materials"][id].clone();
    let registration = material("registration");
    assert_eq!(registration["outcome"], "mismatched");
    assert_eq!(registration["fields"]["name"], json!({"verdict": "mismatch"}));
    assert_eq!(registration["fields"]["status"]["verdict"], "match");
    assert_eq!(material("legal_representative")["outcome"], "verified");
    let premises = material("premises");
    assert_eq!(
        (&premises["outcome"], &premises["reason"]),
        (&json!("ask_applicant"), &json!("not_found"))
    );
    assert_eq!(material("lease")["outcome"], "not_needed");
    assert_eq!(material("layout")["reason"], "not_verifiable");
    let text = answer.to_string();
    assert!(!text.contains("长江隧道"), "the register's name is nowhere: {text}");
    let (zh, en) = (
        answer["notice"]["zh"].as_str().unwrap(),
        answer["notice"]["en"].as_str().unwrap(),
    );
    assert!(zh.contains("营业执照登记信息：您申报的") && en.contains("Registration of the firm: what you declared"));
    assert!(
        !zh.contains("法定代表人身份信息") && !en.contains("legal representative"),
        "{zh} {en}"
    );
    // The mismatch stands as after a batch.
    let id = registration["mismatch"]["id"].as_str().unwrap();
    let (status, mismatch) = hub
        .send("GET", &format!("/v1/mismatches/{id}"), Some(&hub.token("agency")), None)
        .await;
    assert_eq!((status, &mismatch["fields"]), (200, &json!(["name"])), "{mismatch}");
    // And settles when the same application agrees.
    let materials = json!({"legal_representative": {"name": "李四光", "id_number": OTHER}});
    let leased = json!({"premises": "leased"});
    let (_, answer) = check(&hub, &food("芜湖长江隧道有限公司", materials, leased)).await;
    assert_eq!(answer["materials"]["registration"]["outcome"], "verified");
    let (_, mismatch) = hub
        .send("GET", &format!("/v1/mismatches/{id}"), Some(&hub.token("agency")), None)
        .await;
    assert_eq!(mismatch["state"], "closed", "{mismatch}");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_cannot_be_is_asked_for_and_what_is_unknown_is_refused() {
    let hub = TestHub::with_parties().await;
    put_parties(&hub).await;
    let nothing = json!({"purpose": purpose(FOOD), "applicant": {}, "materials": {}});
    let before = hub.ledger_size();
    let (status, answer) = check(&hub, &nothing).await;
    assert_eq!((status, hub.ledger_size()), (200, before + 1), "{answer}");
    let material = |answer: &Value, id: &str| answer["materials"][id].clone();
    let registration = material(&answer, "registration");
    assert_eq!(registration["reason"], "value_missing");
    assert_eq!(
        registration["pointers"],
        json!(["#/applicant/uscc", "#/applicant/name"])
    );
    let premises = material(&answer, "premises");
    assert_eq!(
        (&premises["reason"], &premises["pointers"]),
        (&json!("fact_missing"), &json!(["#/facts/premises"]))
    );
    let zh = answer["notice"]["zh"].as_str().unwrap();
    assert_eq!(
        zh.matches("经营场所为自有").count(),
        1,
        "one question is asked once: {zh}"
    );
    // Numbers that cannot be one, and a name that is none.
    let body = json!({"purpose": purpose(FOOD), "applicant": {"name": "  ", "uscc": "91340200713920435C"},
        "materials": {"legal_representative": {"name": "李四光", "id_number": "440524188001010015"}}});
    let (status, answer) = check(&hub, &body).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        material(&answer, "registration")["pointers"],
        json!(["#/applicant/name"])
    );
    let representative = material(&answer, "legal_representative");
    assert_eq!(representative["reason"], "invalid_value");
    assert_eq!(
        representative["pointers"],
        json!(["#/materials/legal_representative/id_number"])
    );
    assert_eq!(representative["problem"]["code"], "invalid_identifier");
    assert_eq!(
        representative["problem"]["errors"][0]["pointer"],
        "#/materials/legal_representative/id_number"
    );
    for (member, value, pointer) in [
        ("applicant", json!({"nick": "x"}), "#/applicant/nick"),
        ("materials", json!({"contract": {}}), "#/materials/contract"),
        (
            "materials",
            json!({"premises": {"name": "x"}}),
            "#/materials/premises/name",
        ),
        ("facts", json!({"married": "yes"}), "#/facts/married"),
    ] {
        let mut body = nothing.clone();
        body[member] = value;
        let (status, problem) = check(&hub, &body).await;
        assert_eq!((status, &problem["code"]), (422, &json!("unknown_member")), "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    let mut body = nothing.clone();
    body["purpose"]["item_code"] = "no-such-item".into();
    let (status, problem) = check(&hub, &body).await;
    assert_eq!((status, &problem["code"]), (404, &json!("item_not_found")));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_grant_covers_is_the_counters_and_never_the_applicants() {
    let hub = TestHub::with_parties().await;
    put_parties(&hub).await;
    hub.revoke_all_grants().await;
    hub.grant("agency", "natural-person", &["*"], &["verify", "existence"])
        .await;
    hub.grant("agency", "legal-entity", &["status"], &["verify", "existence"])
        .await;
    let materials = json!({"legal_representative": {"name": "李四光", "id_number": OTHER},
        "premises": {"certificate_no": "皖（2020）芜湖市不动产权第0000001号"}});
    let body = food("芜湖长江隧道有限公司", materials, json!({"premises": "owned"}));
    let (status, answer) = check(&hub, &body).await;
    assert_eq!(status, 200, "{answer}");
    for (id, field) in [("registration", Some("name")), ("premises", None)] {
        let material = &answer["materials"][id];
        assert_eq!(
            (&material["outcome"], &material["reason"]),
            (&json!("unavailable"), &json!("not_granted"))
        );
        match field {
            Some(field) => assert_eq!(material["fields"][field]["verdict"], "not_permitted"),
            None => assert_eq!(material["problem"]["code"], "not_granted"),
        }
    }
    let named: Vec<&Value> = answer["notice"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["material"])
        .collect();
    assert_eq!(named, [&json!("layout")]);
    assert!(
        answer["notice"]["zh"]
            .as_str()
            .unwrap()
            .contains("以下材料由窗口继续核验，无需您提交")
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_by_checks_count_as_guesses_by_verifications_do() {
    let hub = TestHub::with_parties().await;
    assert_eq!(hub.put("natural-person", &person()).await.0, 200);
    let mut outcomes = Vec::new();
    for n in 0..20 {
        let body = json!({"purpose": purpose("11340200003015064U3000705003000"),
            "applicant": {"name": format!("王{}", char::from_u32(0x4e00 + n).unwrap()), "id_number": PERSON}, "materials": {}});
        let (_, answer) = check(&hub, &body).await;
        outcomes.push(answer["materials"]["identity"]["outcome"].as_str().unwrap().to_owned());
    }
    assert_eq!(outcomes[0], "mismatched");
    assert_eq!(outcomes[19], "review", "{outcomes:?}");
    // Nor is the right name told then.
    let body = json!({"purpose": purpose("11340200003015064U3000705003000"),
        "applicant": {"name": "张三丰", "id_number": PERSON}, "materials": {}});
    let (_, answer) = check(&hub, &body).await;
    assert_eq!(
        answer["materials"]["identity"]["fields"]["name"],
        json!({"verdict": "review", "reason": "guess_budget"})
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_existence_no_record_and_all_wrong_are_one_answer() {
    let hub = TestHub::with_parties().await;
    put_parties(&hub).await;
    hub.revoke_all_grants().await;
    hub.grant("agency", "natural-person", &["*"], &["verify"]).await;
    let mut answers = Vec::new();
    for number in [OTHER, "360426199101010071"] {
        let body = json!({"purpose": purpose("11340200003015064U3000705003000"), "applicant": {},
            "materials": {"spouse": {"name": "王大锤", "id_number": number}}});
        let (_, mut answer) = check(&hub, &body).await;
        let spouse = answer["materials"]["spouse"].as_object_mut().unwrap();
        assert!(spouse.remove("id").is_some() && spouse.remove("mismatch").is_some());
        answers.push((Value::Object(spouse.clone()), answer["notice"].clone()));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].0["outcome"], "mismatched");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_entry_of_a_check_is_that_of_a_batch() {
    let hub = TestHub::with_parties().await;
    put_parties(&hub).await;
    let materials = json!({"legal_representative": {"name": "李四光", "id_number": OTHER}});
    let body = food("芜湖长江隧道有限公司", materials, json!({"premises": "leased"}));
    let (_, answer) = check(&hub, &body).await;
    let index = answer["receipt"]["index"].as_u64().unwrap();
    let entries = hub.hub.ledger.entries(index, 1).unwrap();
    let entry = LedgerEntry::decode(&entries[0].1).unwrap();
    let EntryBody::Items(items) = &entry.body else {
        panic!("not of verifications");
    };
    let rules: Vec<&str> = items.iter().map(|item| item.rules.as_str()).collect();
    assert_eq!(rules, ["legal-entity@2", "natural-person@2"]);
    hub.stop().await;
}
