//! What is told where a value cannot be read, and of subjects that a register spells wrongly or no longer has.

use serde_json::json;

use crate::common::{TestHub, person, purpose, question};

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_cannot_be_read_is_for_review_opens_nothing_and_costs_nothing() {
    let hub = TestHub::with_parties().await;
    let mut record = person();
    record["fields"]["domicile_address"] = "#VALUE!".into();
    record["fields"]["name"] = "张?丰".into();
    hub.put("natural-person", &record).await;
    for day in 1..=12 {
        let claims = json!({
            "domicile_address": format!("芜湖市镜湖区北京中路{day}号"),
            "name": {"op": "ne", "value": format!("张{day}丰")},
        });
        let (_, answer) = hub.verify("agency", &question(&claims)).await;
        let unreadable = json!({"verdict": "review", "reason": "unreadable_record"});
        assert_eq!(answer["outcome"], "review", "{answer}");
        assert_eq!(answer["fields"]["domicile_address"], unreadable, "{answer}");
        assert_eq!(answer["fields"]["name"], unreadable, "{answer}");
        assert!(answer.get("mismatch").is_none(), "{answer}");
    }
    hub.put("natural-person", &person()).await;
    let (_, answer) = hub
        .verify(
            "agency",
            &question(&json!({"domicile_address": "安徽省芜湖市镜湖区北京中路2号3幢2单元501室", "name": "张*丰"})),
        )
        .await;
    assert_eq!(
        answer["fields"]["domicile_address"]["verdict"], "match",
        "nothing was counted: {answer}"
    );
    assert_eq!(answer["fields"]["name"]["reason"], "unreadable_claim", "{answer}");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_cannot_be_read_tells_nobody_whether_there_is_a_record() {
    let hub = TestHub::with_parties().await;
    hub.put("natural-person", &person()).await;
    hub.revoke_all_grants().await;
    hub.grant("agency", "natural-person", &["name"], &["verify"]).await;
    let there = question(&json!({"name": "张?丰"}));
    let mut missing = there.clone();
    missing["subject"]["id_number"] = json!("440524188001010014");
    let (_, there) = hub.verify("agency", &there).await;
    let (_, missing) = hub.verify("agency", &missing).await;
    for member in ["outcome", "fields", "record", "findings"] {
        assert_eq!(there.get(member), missing.get(member), "{member}");
    }
    assert_eq!(missing["outcome"], "review", "{missing}");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credit_code_with_a_wrong_check_character_is_found_or_refused() {
    let hub = TestHub::with_parties().await;
    let asked = |code: &str| {
        json!({"dataset": "legal-entity", "subject": {"uscc": code}, "claims": {"name": "芜湖甲乙有限公司"},
               "purpose": purpose()})
    };
    // The check character of this code would be 8.
    let wrong = "91340200MA2MQ218X7";
    let (status, answer) = hub.verify("agency", &asked(wrong)).await;
    assert_eq!(status, 422, "{answer}");
    assert_eq!(answer["errors"][0]["code"], "invalid_identifier", "{answer}");
    assert_eq!(answer["errors"][0]["reason"], "check_character", "{answer}");
    hub.put(
        "legal-entity",
        &json!({"subject": {"uscc": wrong}, "fields": {"name": "芜湖甲乙有限公司", "status": "注销"}}),
    )
    .await;
    let (status, answer) = hub.verify("agency", &asked(wrong)).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["outcome"], "verified", "{answer}");
    assert_eq!(
        answer["findings"],
        json!(["credit_code_check_character", "subject_not_active"]),
        "{answer}"
    );
    hub.stop().await;
}
