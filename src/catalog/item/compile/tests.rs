//! Items that must not compile, each with its place.

use serde_json::{Value, json};

use super::*;

fn compiled(item: Value) -> Result<ServiceItem, Vec<MemberFault>> {
    let catalog = Catalog::load(None).unwrap();
    compile(serde_json::from_value(item).unwrap(), &catalog)
}

fn item(material: Value) -> Value {
    json!({"code": "c", "name": "事项", "materials": [material]})
}

fn identity() -> Value {
    json!({"id": "identity", "name": "身份", "dataset": "natural-person",
        "subject": {"id_number": "$applicant.id_number"}, "claims": {"name": "$applicant.name"}})
}

/// The material with one member replaced, or taken out with `null`.
fn with(name: &str, value: Value) -> Value {
    let mut material = identity();
    let members = material.as_object_mut().unwrap();
    match value {
        Value::Null => drop(members.remove(name)),
        value => drop(members.insert(name.to_owned(), value)),
    }
    item(material)
}

#[test]
fn a_whole_item_compiles_and_one_of_the_citys_list_too() {
    let whole = compiled(item(identity())).unwrap();
    assert_eq!(whole.materials.unwrap().len(), 1);
    let listed = compiled(
        json!({"item_code": "511Z07", "item_name": "备案", "item_type": "其他行政权力",
        "agency_code": "083372204", "agency_name": "区教科体局"}),
    );
    let listed = listed.unwrap();
    assert!(listed.materials.is_none());
    assert_eq!(
        (listed.spec.version, listed.spec.kind.as_deref()),
        (1, Some("其他行政权力"))
    );
    assert_eq!(
        compiled(json!({"code": "c", "name": "n", "materials": []}))
            .unwrap()
            .materials
            .unwrap()
            .len(),
        0
    );
}

fn assert_refused(wrong: Value, pointer: &str, code: &str) {
    let shown = wrong.to_string().chars().take(200).collect::<String>();
    let faults = compiled(wrong).err().unwrap_or_else(|| panic!("{shown} compiled"));
    let found = faults
        .iter()
        .any(|fault| fault.pointer == pointer && fault.code == code);
    assert!(found, "{shown}: {faults:?}");
}

#[test]
fn a_material_that_names_what_is_not_there_is_refused_with_its_place() {
    let label = json!({"zh": "因为", "en": "because"});
    let both = json!({"id_number": "$applicant.x", "uscc": "$applicant.y"});
    for (member, value, place, code) in [
        ("id", json!("A b"), "id", "invalid_value"),
        ("name", json!(" "), "name", "invalid_value"),
        ("dataset", json!("vehicle"), "dataset", "unknown_dataset"),
        ("dataset", Value::Null, "dataset", "missing_member"),
        ("subject", json!({}), "subject/id_number", "missing_member"),
        ("subject", both, "subject/uscc", "unknown_member"),
        (
            "subject",
            json!({"id_number": "1101"}),
            "subject/id_number",
            "invalid_value",
        ),
        (
            "subject",
            json!({"id_number": "$today"}),
            "subject/id_number",
            "invalid_value",
        ),
        ("claims", json!({}), "claims", "missing_member"),
        ("claims", json!({"nick": "x"}), "claims/nick", "unknown_field"),
        ("not_verifiable", label.clone(), "not_verifiable", "invalid_value"),
        (
            "when",
            json!({"fact": "x", "is": [], "question": label}),
            "when/is",
            "invalid_value",
        ),
    ] {
        assert_refused(with(member, value), &format!("/materials/0/{place}"), code);
    }
}

#[test]
fn a_claim_without_a_meaning_for_its_field_is_refused_with_its_place() {
    let on_or_before = |value: Value| json!({"op": "on_or_before", "value": value});
    for (field, claim, code) in [
        ("name", json!(""), "invalid_claim"),
        ("name", json!("王".repeat(2_000)), "value_too_long"),
        ("name", json!("$today"), "invalid_claim"),
        ("name", json!("$who"), "invalid_value"),
        ("name", on_or_before(json!("$today")), "invalid_predicate"),
        (
            "birth_date",
            json!({"op": "before", "value": "$today"}),
            "invalid_predicate",
        ),
        ("birth_date", on_or_before(json!([])), "invalid_predicate"),
        ("birth_date", on_or_before(json!("soon")), "invalid_predicate"),
        ("birth_date", on_or_before(json!("$yesterday")), "invalid_value"),
    ] {
        let claims = json!({field: claim});
        assert_refused(with("claims", claims), &format!("/materials/0/claims/{field}"), code);
    }
    assert!(
        compiled(with(
            "claims",
            json!({"birth_date": on_or_before(json!("$material.day"))})
        ))
        .is_ok()
    );
}

#[test]
fn limits_of_an_item_hold() {
    let of = |materials: Vec<Value>| json!({"code": "c", "name": "n", "materials": materials});
    for (wrong, pointer, code) in [
        (json!({"code": "report", "name": "n"}), "/code", "invalid_value"),
        (json!({"code": "a/b", "name": "n"}), "/code", "invalid_value"),
        (json!({"code": "c".repeat(129), "name": "n"}), "/code", "value_too_long"),
        (
            json!({"code": "c", "name": "n".repeat(1_025)}),
            "/name",
            "value_too_long",
        ),
        (
            json!({"code": "c", "name": "n", "version": 0}),
            "/version",
            "invalid_value",
        ),
        (of(vec![identity(), identity()]), "/materials/1/id", "duplicate_member"),
        (of(vec![identity(); MATERIALS_MAX + 1]), "/materials", "too_many_items"),
    ] {
        assert_refused(wrong, pointer, code);
    }
}
