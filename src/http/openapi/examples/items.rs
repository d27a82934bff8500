//! Examples of `/v1/checks` and `/v1/items`.

use serde_json::{Value, json};

use super::{Example, JSON, NDJSON, example, lines, purpose};
use heyan_texts::text;

/// Code of the item that the examples are about; one that ships.
pub(super) const CODE: &str = "11340200003015064U3000505001000";

/// Requests of an operation.
pub(super) fn requests(operation: &str) -> Vec<Example> {
    match operation {
        "check_item" => vec![example(
            JSON,
            "check",
            text("openapi.example.materials"),
            json!({
                "purpose": of_the_item(),
                "applicant": {"name": "王小明", "id_number": "340207199705305213"},
                "materials": {},
            }),
        )],
        "put_items" => vec![
            example(JSON, "item", text("openapi.example.item"), item()),
            example(NDJSON, "items", text("openapi.example.items"), lines(&[item()])),
        ],
        _ => super::watches::requests(operation),
    }
}

fn of_the_item() -> Value {
    let mut purpose = purpose();
    if let Some(members) = purpose.as_object_mut() {
        members.insert("item_code".to_owned(), CODE.into());
        members.insert("item_name".to_owned(), "高龄津贴申领".into());
    }
    purpose
}

fn item() -> Value {
    json!({
        "code": CODE,
        "name": "高龄津贴申领",
        "kind": "行政给付",
        "agency_name": "芜湖市民政局",
        "version": 2,
        "materials": [
            {
                "id": "identity",
                "name": "申请人身份信息",
                "name_en": "Identity of the applicant",
                "dataset": "natural-person",
                "subject": {"id_number": "$applicant.id_number"},
                "claims": {"name": "$applicant.name", "birth_date": {"op": "on_or_before", "value": "$today-80y"}},
            },
            {
                "id": "photo",
                "name": "近期照片",
                "name_en": "A recent photo",
                "not_verifiable": {"zh": "登记中没有近期照片。", "en": "No register holds a recent photo."},
            },
        ],
    })
}

/// The answer to a check.
pub(super) fn checked(receipt: Value) -> Value {
    json!({
        "id": "ver_01KB2Q0000000000000000002A",
        "item": {"code": CODE, "name": {"zh": "高龄津贴申领", "en": "Old-age allowance (80 and older)"}, "version": 2},
        "outcome": "to_bring",
        "materials": {
            "identity": {
                "name": {"zh": "申请人身份信息", "en": "Identity of the applicant"},
                "outcome": "verified",
                "id": "ver_01KB2Q0000000000000000002A-0",
                "fields": {
                    "birth_date": {"verdict": "match", "basis": "predicate"},
                    "name": {"verdict": "match", "basis": "exact"},
                },
                "record": {"version": 7, "as_of": "2026-11-20T08:00:00Z", "freshness": "cached"},
                "findings": [],
                "rules": "natural-person@1",
            },
            "photo": {
                "name": {"zh": "近期照片", "en": "A recent photo"},
                "outcome": "ask_applicant",
                "reason": "not_verifiable",
            },
        },
        "notice": {
            "zh": "办理“高龄津贴申领”，您还需要补充以下 1 项：\n1. 近期照片：请提供该材料。不能联网核验的原因：登记中没有近期照片。\n未列出的材料无需您提交。",
            "en": "For \"Old-age allowance (80 and older)\" you still need to bring (1):\n1. A recent photo: bring it. It cannot be verified online: No register holds a recent photo.\nYou do not need to bring anything that is not listed.",
            "items": [{
                "material": "photo",
                "zh": "近期照片：请提供该材料。不能联网核验的原因：登记中没有近期照片。",
                "en": "A recent photo: bring it. It cannot be verified online: No register holds a recent photo.",
            }],
        },
        "receipt": receipt,
    })
}
