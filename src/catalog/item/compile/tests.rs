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

/// A licence found by its holder.
fn licence(subject: Value) -> Value {
    json!({"id": "licence", "name": "证书", "dataset": "e-licence", "subject": subject, "claims": {"status": "有效"}})
}

fn key() -> Value {
    json!({"type_name": "残疾人证", "licence_no": "$material.licence_no", "holder_id": "$applicant.id_number"})
}

fn changed(mut value: Value, name: &str, to: Value) -> Value {
    let members = value.as_object_mut().unwrap();
    match to {
        Value::Null => drop(members.remove(name)),
        to => drop(members.insert(name.to_owned(), to)),
    }
    value
}

#[test]
fn a_licence_is_found_by_type_number_and_holder_all_three() {
    let whole = compiled(item(licence(key()))).unwrap();
    let materials = whole.materials.unwrap();
    let MaterialProof::Register(register) = &materials[0].proof else {
        panic!("not by a register");
    };
    assert_eq!(register.found_by, FoundBy::Holder);
    let parts: Vec<&str> = register.subject.iter().map(|asked| &*asked.name).collect();
    assert_eq!(
        parts,
        ["type_name", "licence_no", "holder_id"],
        "in the order of the dataset"
    );
    for (subject, place, code) in [
        (changed(key(), "holder_id", Value::Null), "holder_id", "missing_member"),
        (
            changed(key(), "licence_id", json!("$material.x")),
            "licence_id",
            "unknown_member",
        ),
        (
            changed(key(), "holder_id", json!("11010519491231002X")),
            "holder_id",
            "invalid_value",
        ),
        (
            changed(key(), "licence_no", json!("$today")),
            "licence_no",
            "invalid_claim",
        ),
        (changed(key(), "type_name", json!(" ")), "type_name", "invalid_claim"),
    ] {
        assert_refused(item(licence(subject)), &format!("/materials/0/subject/{place}"), code);
    }
    // The key is claimed, so nothing else has to be.
    assert!(compiled(item(changed(licence(key()), "claims", Value::Null))).is_ok());
}

#[test]
fn conditions_have_words_and_what_is_declared_has_none() {
    let label = json!({"zh": "年满18周岁", "en": "18 years old or older"});
    let adult = json!({"op": "on_or_before", "value": "$today-18y"});
    let material = changed(
        identity(),
        "claims",
        json!({"name": "$applicant.name", "birth_date": adult, "status": "正常"}),
    );
    let whole = compiled(item(changed(material, "conditions", json!({"birth_date": label})))).unwrap();
    let materials = whole.materials.unwrap();
    let MaterialProof::Register(register) = &materials[0].proof else {
        panic!("not by a register");
    };
    let words = |name: &str| {
        let asked = register.claims.iter().find(|asked| *asked.name == *name).unwrap();
        asked.condition.as_ref().map(|words| words.zh.as_str())
    };
    assert_eq!(words("birth_date"), Some("年满18周岁"));
    assert_eq!(
        words("status"),
        Some("人员状态符合本事项的要求"),
        "in general, where the item has no words"
    );
    assert_eq!(words("name"), None);
    assert!(register.in_force.is_some());
    let of_name = changed(identity(), "conditions", json!({"name": label}));
    assert_refused(item(of_name), "/materials/0/conditions/name", "invalid_value");
    let empty = changed(identity(), "conditions", json!({"status": {"zh": "", "en": "x"}}));
    assert_refused(item(empty), "/materials/0/conditions/status/zh", "invalid_value");
}

#[test]
fn what_no_register_proves_is_the_applicants_or_the_authoritys() {
    let label = json!({"zh": "没有登记。", "en": "No register."});
    let bare = json!({"id": "relation", "name": "关系", "not_verifiable": label});
    let proof = |value: Value| {
        compiled(item(value))
            .unwrap()
            .materials
            .unwrap()
            .into_vec()
            .remove(0)
            .proof
    };
    assert!(matches!(proof(bare.clone()), MaterialProof::NotVerifiable(_)));
    assert!(matches!(
        proof(changed(bare.clone(), "by_authority", json!(true))),
        MaterialProof::ByAuthority(_)
    ));
    let alone = changed(identity(), "by_authority", json!(true));
    assert_refused(item(alone), "/materials/0/by_authority", "invalid_value");
    let inactive = changed(bare, "inactive_ok", json!(true));
    assert_refused(item(inactive), "/materials/0/dataset", "missing_member");
}

#[test]
fn a_value_of_another_material_is_of_one_that_the_item_has() {
    let of = |template: &str| {
        let second = changed(
            changed(identity(), "id", json!("other")),
            "claims",
            json!({"name": template}),
        );
        json!({"code": "c", "name": "n", "materials": [identity(), second]})
    };
    assert!(compiled(of("$materials.identity.name")).is_ok());
    assert_refused(of("$materials.seller.name"), "/materials/1/claims", "invalid_value");
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
        (
            json!({"code": "c", "name": "n", "legal_basis": [{"zh": "《法》", "en": " "}]}),
            "/legal_basis/0/en",
            "invalid_value",
        ),
        (of(vec![identity(), identity()]), "/materials/1/id", "duplicate_member"),
        (of(vec![identity(); MATERIALS_MAX + 1]), "/materials", "too_many_items"),
    ] {
        assert_refused(wrong, pointer, code);
    }
}
