//! A licence's file against its register, and what is told of its validity.

use std::sync::Arc;

use heyan::ledger::entry::{EntryBody, LedgerEntry};
use heyan::ports::outward::SourceFault;
use serde_json::json;

use crate::{
    common::{TestHub, purpose},
    licence_kit::*,
    live_kit::{FakeSource, Says},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_registered_file_is_verified_and_an_altered_one_opens_a_mismatch() {
    let hub = TestHub::with_parties().await;
    let id = licence_id("1000000001", "001");
    put(&hub, &id, &fields()).await;
    let mut asked = question(&id);
    asked["claims"] = json!({"holder_name": "张三丰"});
    let before = hub.ledger_size();
    let (status, answer) = verify(&hub, "agency", &asked, &[], FILE).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["outcome"], "verified", "{answer}");
    assert_eq!(answer["fields"]["file_sha256"]["verdict"], "match");
    assert_eq!(answer["fields"]["holder_name"]["verdict"], "match");
    assert!(
        answer["fields"].get("file_sm3").is_none(),
        "the record holds no SM3: {answer}"
    );
    assert_eq!(answer["file"]["bytes"], FILE.len());
    assert_eq!(
        answer["file"]["sha256"],
        json!({"digest": sha256(FILE), "verdict": "match"})
    );
    assert_eq!(answer["file"]["sm3"], json!({"digest": sm3(FILE), "verdict": "absent"}));
    assert_eq!(answer["identifier"], json!({"findings": [], "place": "home"}));
    // The agency holds no `read`: the state is told, the dates are not.
    assert_eq!(answer["validity"], json!({"on": "2026-11-26", "state": "valid"}));
    assert!(answer.get("signature").is_none() && answer.get("mismatch").is_none());
    assert_eq!(answer["receipt"]["index"], before, "one entry: {answer}");
    assert_eq!(hub.ledger_size(), before + 1);
    let entry = hub.hub.ledger.entries(before, 1).unwrap().remove(0).1;
    let EntryBody::Items(items) = LedgerEntry::decode(&entry).unwrap().body else {
        panic!("no verification")
    };
    assert_eq!(items[0].rules, "e-licence@3");
    assert_eq!(items[0].fields.len(), 2);
    // One byte more.
    let altered = [FILE, b"!"].concat();
    let (status, answer) = verify(&hub, "agency", &asked, &[], &altered).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["outcome"], "mismatched");
    assert_eq!(answer["file"]["sha256"]["verdict"], "mismatch");
    assert_eq!(answer["file"]["sm3"]["verdict"], "mismatch");
    assert_eq!(
        answer["validity"]["state"], "valid",
        "another field agrees, so there is a record: {answer}"
    );
    let id = answer["mismatch"]["id"].as_str().unwrap();
    let (status, mismatch) = hub
        .send("GET", &format!("/v1/mismatches/{id}"), Some(&hub.token("agency")), None)
        .await;
    assert_eq!(status, 200);
    assert_eq!(mismatch["fields"], json!(["file_sha256"]), "{mismatch}");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn either_digest_will_do_and_both_are_compared() {
    let hub = TestHub::with_parties().await;
    let (only_sm3, both) = (licence_id("2000000001", "001"), licence_id("2000000002", "001"));
    let mut sm3_fields = with(
        fields(),
        &json!({"file_sm3": format!("SM3:{}", sm3(FILE).to_uppercase())}),
    );
    sm3_fields.as_object_mut().unwrap().remove("file_sha256");
    put(&hub, &only_sm3, &sm3_fields).await;
    put(&hub, &both, &with(fields(), &json!({"file_sm3": sm3(b"another")}))).await;
    let (_, answer) = verify(&hub, "agency", &question(&only_sm3), &[], FILE).await;
    assert_eq!(answer["outcome"], "verified", "{answer}");
    assert_eq!(answer["file"]["sm3"]["verdict"], "match");
    assert_eq!(answer["file"]["sha256"]["verdict"], "absent");
    let (_, answer) = verify(&hub, "agency", &question(&both), &[], FILE).await;
    assert_eq!(answer["outcome"], "mismatched", "{answer}");
    assert_eq!(answer["file"]["sha256"]["verdict"], "match");
    assert_eq!(answer["file"]["sm3"]["verdict"], "mismatch");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_existence_a_wrong_file_and_no_record_are_one_answer() {
    let hub = TestHub::with_parties().await;
    hub.revoke_all_grants().await;
    hub.grant("agency", "e-licence", &["*"], &["verify"]).await;
    let there = licence_id("3000000001", "001");
    put(&hub, &there, &fields()).await;
    let mut answers = Vec::new();
    for id in [&there, &licence_id("3000000002", "001")] {
        let (status, mut answer) = verify(&hub, "agency", &question(id), &[], b"another file").await;
        assert_eq!(status, 200, "{answer}");
        for own in ["id", "receipt", "mismatch"] {
            answer.as_object_mut().unwrap().remove(own);
        }
        answers.push(answer);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(
        answers[0]["validity"],
        json!({"on": "2026-11-26", "state": "unknown", "reason": "not_told"})
    );
    assert_eq!(answers[0]["outcome"], "mismatched");
    // With `existence`, that there is none is told.
    hub.grant("agency2", "e-licence", &["*"], &["verify", "existence"])
        .await;
    let (_, answer) = verify(&hub, "agency2", &question(&licence_id("3000000003", "001")), &[], FILE).await;
    assert_eq!(answer["outcome"], "not_found", "{answer}");
    assert!(answer["file"]["sha256"].get("verdict").is_none());
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn validity_is_told_by_the_grant() {
    let hub = TestHub::with_parties().await;
    hub.revoke_all_grants().await;
    let id = licence_id("4000000001", "001");
    put(&hub, &id, &fields()).await;
    hub.grant("agency", "e-licence", &["file_sha256", "file_sm3"], &["verify"])
        .await;
    let (_, answer) = verify(&hub, "agency", &question(&id), &[], FILE).await;
    assert_eq!(
        answer["validity"],
        json!({"on": "2026-11-26", "state": "unknown", "reason": "not_permitted"})
    );
    hub.grant(
        "agency",
        "e-licence",
        &["status", "valid_from", "valid_until"],
        &["predicate"],
    )
    .await;
    let (_, answer) = verify(&hub, "agency", &question(&id), &[], FILE).await;
    assert_eq!(answer["validity"], json!({"on": "2026-11-26", "state": "valid"}));
    hub.grant("agency", "e-licence", &["valid_until"], &["read"]).await;
    for (on, state) in [
        ("2019-12-31", "not_yet_valid"),
        ("2030年12月31日", "valid"),
        ("20310101", "expired"),
    ] {
        let outcome = if state == "valid" { "verified" } else { "not_in_force" };
        let mut asked = question(&id);
        asked["on"] = on.into();
        let (_, answer) = verify(&hub, "agency", &asked, &[], FILE).await;
        assert_eq!(answer["validity"]["state"], state, "{on}: {answer}");
        assert_eq!(answer["outcome"], outcome, "{on}: {answer}");
        assert_eq!(answer["validity"]["valid_until"], "2030-12-31");
        assert!(answer["validity"].get("valid_from").is_none());
    }
    // Without a grant nothing is received.
    let (status, answer) = verify(&hub, "agency2", &question(&id), &[], FILE).await;
    assert_eq!(
        (status, answer["code"].as_str()),
        (403, Some("not_granted")),
        "{answer}"
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_replaces_an_older_one_from_its_first_day() {
    let hub = TestHub::with_parties().await;
    let state = async |id: &str, on: &str| {
        let (_, answer) = verify(
            &hub,
            "agency",
            &json!({"subject": {"licence_id": id}, "on": on}),
            &[],
            FILE,
        )
        .await;
        answer["validity"]["state"].as_str().unwrap().to_owned()
    };
    // By the version in the identifier.
    let (first, second) = (licence_id("5000000001", "001"), licence_id("5000000001", "002"));
    put(&hub, &first, &fields()).await;
    assert_eq!(state(&first, "2026-11-26").await, "valid");
    put(
        &hub,
        &second,
        &with(fields(), &json!({"valid_from": "2026-12-01", "operation": "延续"})),
    )
    .await;
    assert_eq!(state(&first, "2026-11-30").await, "valid");
    assert_eq!(state(&first, "2026-12-01").await, "replaced");
    assert_eq!(state(&second, "2026-12-01").await, "valid");
    assert_eq!(state(&second, "2026-11-30").await, "not_yet_valid");
    // By the identifier that the newer names, written in another way.
    let (old, new) = (licence_id("5000000003", "001"), licence_id("5000000004", "001"));
    put(&hub, &old, &fields()).await;
    let change = json!({"previous_id": old.to_lowercase(), "operation": "09", "valid_from": "2026-11-26"});
    put(&hub, &new, &with(fields(), &change)).await;
    assert_eq!(state(&old, "2026-11-25").await, "valid");
    assert_eq!(state(&old, "2026-11-26").await, "replaced");
    // The newer one names it no longer: so its key is gone too.
    put(
        &hub,
        &new,
        &with(fields(), &json!({"operation": "09", "valid_from": "2026-11-26"})),
    )
    .await;
    assert_eq!(state(&old, "2026-11-26").await, "valid");
    // What the register says goes before.
    put(&hub, &first, &with(fields(), &json!({"status": "07"}))).await;
    assert_eq!(state(&first, "2026-12-01").await, "revoked");
    hub.stop().await;
}

/// Sends bodies of parts; each must be refused with a status and a code, at a place where one is named.
async fn refused(hub: &TestHub, cases: &[(&[Part<'_>], u16, &str, &str)]) {
    for (parts, status, code, pointer) in cases {
        let names: Vec<_> = parts.iter().map(|(name, _)| *name).collect();
        let (got, answer) = send(hub, "agency", body(parts)).await;
        assert_eq!(
            (got, answer["code"].as_str()),
            (*status, Some(*code)),
            "{names:?}: {answer}"
        );
        let at = answer["errors"][0]["pointer"].as_str().unwrap_or_default();
        assert!(pointer.is_empty() || at == *pointer, "{names:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_are_not_as_agreed_are_refused_at_their_place() {
    let hub = TestHub::start_with(|config| config.licences.file_bytes_max = 4_096).await;
    hub.add_parties().await;
    let id = licence_id("6000000001", "001");
    put(&hub, &id, &fields()).await;
    let (purpose, asked, large) = (purpose().to_string(), question(&id).to_string(), vec![b'x'; 4_097]);
    let (p, q, f): (Part<'_>, Part<'_>, Part<'_>) = (
        ("purpose", purpose.as_bytes()),
        ("question", asked.as_bytes()),
        ("file", FILE),
    );
    let (signature, certificate): (Part<'_>, Part<'_>) = (("signature", b"x"), ("certificate", b"x"));
    refused(
        &hub,
        &[
            (&[p, q], 422, "missing_member", "#/file"),
            (&[p, f], 422, "missing_member", "#/question"),
            (&[q, f], 422, "missing_member", "#/purpose"),
            (&[f, p, q], 422, "missing_member", "#/purpose"),
            (&[p, p, q, f], 400, "duplicate_member", "#/purpose"),
            (&[p, q, ("nick", b"x"), f], 422, "unknown_member", "#"),
            (&[p, q, f, f], 422, "unknown_member", "#"),
            (&[p, q, signature, f], 422, "missing_member", "#/certificate"),
            (&[p, q, certificate, f], 422, "missing_member", "#/signature"),
            (
                &[p, q, signature, certificate, f],
                422,
                "invalid_value",
                "#/certificate",
            ),
            (&[p, q, ("file", b"")], 422, "invalid_value", "#/file"),
            (&[p, q, ("file", large.as_slice())], 413, "body_too_large", ""),
        ],
    )
    .await;
    let broken = send(&hub, "agency", b"--frontier\r\nnothing".to_vec()).await;
    assert_eq!(
        (broken.0, broken.1["code"].as_str()),
        (400, Some("invalid_multipart")),
        "{}",
        broken.1
    );
    let token = hub.token("agency");
    let json = Some(&json!({}));
    let (status, answer) = hub.send("POST", "/v1/licences/verify-file", Some(&token), json).await;
    assert_eq!((status, answer["code"].as_str()), (415, Some("unsupported_media_type")));
    assert_eq!(send(&hub, "authority", body(&[p, q, f])).await.0, 403);
    assert_eq!(send(&hub, "agency", body(&[p, q, f])).await.0, 200);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_are_not_as_agreed_are_refused_at_their_place() {
    let hub = TestHub::with_parties().await;
    let id = licence_id("6000000002", "001");
    put(&hub, &id, &fields()).await;
    let (purpose, asked) = (purpose().to_string(), question(&id).to_string());
    let (p, f): (Part<'_>, Part<'_>) = (("purpose", purpose.as_bytes()), ("file", FILE));
    for (question, status, code, pointer) in [
        (
            json!({"subject": {"licence_id": id}, "claims": {"file_sha256": "00"}}),
            400,
            "duplicate_member",
            "#/question/claims/file_sha256",
        ),
        (
            json!({"subject": {"licence_id": id}, "on": "2026-02-30"}),
            422,
            "invalid_value",
            "#/question/on",
        ),
        (
            json!({"subject": {"licence_id": "1.2.3"}}),
            422,
            "invalid_identifier",
            "#/question/subject/licence_id",
        ),
        (
            json!({"subject": {"licence_id": id}, "nick": 1}),
            422,
            "unknown_member",
            "#/question/nick",
        ),
        (
            json!({"subject": {"licence_id": id}, "dataset": "natural-person"}),
            422,
            "invalid_value",
            "#/question/dataset",
        ),
    ] {
        let question = question.to_string();
        let parts: [Part<'_>; 3] = [p, ("question", question.as_bytes()), f];
        refused(&hub, &[(&parts, status, code, pointer)]).await;
    }
    let q: Part<'_> = ("question", asked.as_bytes());
    refused(
        &hub,
        &[
            (
                &[("purpose", b"{}, \"question\": {}"), q, f],
                400,
                "duplicate_member",
                "",
            ),
            (&[p, ("question", b""), f], 400, "invalid_json", ""),
        ],
    )
    .await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_from_elsewhere_is_asked_of_the_dataset_for_such() {
    let schemas = tempfile::tempdir().unwrap();
    let shipped = std::fs::read_to_string("schemas/datasets/e-licence.json").unwrap();
    let away = shipped.replace("\"dataset\": \"e-licence\"", "\"dataset\": \"licence-away\"");
    std::fs::write(schemas.path().join("licence-away.json"), away).unwrap();
    let folder = schemas.path().to_owned();
    let province = FakeSource::of(&["licence-away"]);
    let connectors: Arc<FakeSource> = Arc::clone(&province);
    let hub = TestHub::open_with(tempfile::tempdir().unwrap(), connectors, |config| {
        config.catalog.datasets_dir = folder;
        config.licences.away_dataset = "licence-away".to_owned();
    })
    .await;
    hub.add_parties().await;
    let id = "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U";
    province.says("licence-away", Says::Fault(SourceFault::Timeout));
    let (status, answer) = verify(&hub, "agency", &question(id), &[], FILE).await;
    assert_eq!(
        (status, answer["code"].as_str()),
        (503, Some("source_unavailable")),
        "{answer}"
    );
    province.says("licence-away", Says::Record(fields(), None));
    let (status, answer) = verify(&hub, "agency", &question(id), &[], FILE).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(province.last_asked(), [("licence_id".to_owned(), id.to_owned())]);
    assert_eq!(answer["record"]["freshness"], "fetched");
    assert_eq!(answer["validity"]["state"], "valid");
    assert_eq!(answer["outcome"], "verified", "{answer}");
    assert_eq!(
        (&answer["identifier"]["place"], &answer["rules"]),
        (&json!("away"), &json!("licence-away@3"))
    );
    // Whoever names the city's dataset asks there.
    let named = json!({"dataset": "e-licence", "subject": {"licence_id": id}});
    let (_, answer) = verify(&hub, "agency", &named, &[], FILE).await;
    assert_eq!(
        (&answer["outcome"], &answer["identifier"]["place"]),
        (&json!("not_found"), &json!("away"))
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_that_comes_in_late_is_measured_and_raises_one_alert() {
    let hub = TestHub::with_parties().await;
    let day = |days_ago: i32| {
        let today = heyan::domain::calendar::china_date(hub.hub.clock.now_us());
        today.checked_sub(jiff_days(days_ago)).unwrap().to_string()
    };
    for (serial, days_ago) in [("1100000001", 0), ("1100000002", 10), ("1100000003", 20)] {
        put(
            &hub,
            &licence_id(serial, "001"),
            &with(fields(), &json!({"issued_on": day(days_ago)})),
        )
        .await;
    }
    let text = String::from_utf8(hub.hub.node.metrics.text().unwrap()).unwrap();
    let line = |end: &str| {
        let name = format!("heyan_licence_issue_delay_seconds_{end}");
        text.lines()
            .find(|line| line.starts_with(&name))
            .unwrap_or_else(|| panic!("{name}"))
            .to_owned()
    };
    assert!(line("count{dataset=\"e-licence\"}").ends_with(" 3"));
    assert!(line("bucket{dataset=\"e-licence\",le=\"0\"}").ends_with(" 1"));
    let (status, alerts) = hub
        .send("GET", "/v1/supervision/alerts", Some(&hub.token("operator")), None)
        .await;
    assert_eq!(status, 200);
    let late: Vec<_> = alerts["alerts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["rule"] == "licence_issued_late")
        .collect();
    assert_eq!(late.len(), 1, "{alerts}");
    assert_eq!(late[0]["facts"], json!({"licences": 1, "longest_days": 9}), "{alerts}");
    hub.stop().await;
}

fn jiff_days(days: i32) -> jiff::Span {
    jiff::ToSpan::days(days)
}
