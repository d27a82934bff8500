//! Which version of an item counts, and which materials the report names.

use heyan_catalog::Catalog;
use serde_json::{Value, json};

use super::*;

fn item(value: Value) -> Arc<ServiceItem> {
    let catalog = Catalog::load(None).unwrap();
    Arc::new(item::compile(serde_json::from_value(value).unwrap(), &catalog).unwrap())
}

fn named(code: &str, version: u32, name: &str) -> Arc<ServiceItem> {
    item(json!({"code": code, "name": name, "version": version}))
}

fn words(items: &ItemRegister, put: Vec<Arc<ServiceItem>>) -> (Vec<(ItemRegistration, u32)>, usize) {
    let compiled: Vec<_> = put.into_iter().map(Ok).collect();
    let (decisions, changed) = decide(items, &compiled);
    let words = decisions.into_iter().map(|decided| decided.unwrap().unwrap()).collect();
    (words, changed.len())
}

#[test]
fn only_a_newer_version_counts_and_a_repeat_changes_nothing() {
    let mut items = ItemRegister::default();
    items.take(named("a", 3, "n"));
    let put = vec![
        named("a", 3, "n"),
        named("a", 3, "other"),
        named("a", 2, "n"),
        named("a", 4, "n"),
        named("a", 4, "n"),
        named("a", 3, "n"),
        named("b", 1, "n"),
    ];
    let (words, changed) = words(&items, put);
    use ItemRegistration::{Created, Ignored, Unchanged, Updated};
    let wanted = [
        (Unchanged, 3),
        (Ignored, 3),
        (Ignored, 3),
        (Updated, 4),
        (Unchanged, 4),
        (Ignored, 4),
        (Created, 1),
    ];
    assert_eq!(words, wanted);
    assert_eq!(changed, 2);
}

#[test]
fn of_a_shipped_and_a_registered_item_the_newer_counts_and_of_equal_ones_the_registered() {
    let catalog = Catalog::load(None).unwrap();
    let row = |code: &str, version: u32| ItemRow {
        code: code.to_owned(),
        version,
        body: json!({"code": code, "name": "registered", "version": version}).to_string(),
        updated_at: 0,
    };
    let shipped = [
        named("a", 2, "shipped"),
        named("b", 2, "shipped"),
        named("c", 2, "shipped"),
    ];
    let items = ItemRegister::of(
        &shipped,
        vec![row("a", 1), row("b", 2), row("c", 3), row("d", 1)],
        &catalog,
    );
    let names: Vec<&str> = items.iter().map(|item| item.spec.name.as_str()).collect();
    assert_eq!(names, ["shipped", "registered", "registered", "registered"]);
}

#[test]
fn an_item_whose_register_is_gone_keeps_its_name_and_its_materials_are_not_known() {
    let catalog = Catalog::load(None).unwrap();
    let body = json!({"code": "a", "name": "n", "materials": [{"id": "m", "name": "m", "dataset": "vehicle",
        "subject": {"plate": "$material.plate"}, "claims": {"owner": "$applicant.name"}}]});
    let row = ItemRow {
        code: "a".to_owned(),
        version: 1,
        body: body.to_string(),
        updated_at: 0,
    };
    let items = ItemRegister::of(&[], vec![row], &catalog);
    assert!(items.get("a").unwrap().materials.is_none());
}

#[test]
fn the_report_names_what_could_be_verified_and_is_demanded_on_paper() {
    let mapped = |paper: bool| {
        json!({"id": "licence", "name": "营业执照", "paper": paper, "dataset": "legal-entity",
            "subject": {"uscc": "$applicant.uscc"}, "claims": {"name": "$applicant.name"}})
    };
    let mut items = ItemRegister::default();
    items.take(item(json!({"code": "a", "name": "甲", "materials": [mapped(false)]})));
    items.take(item(json!({"code": "b", "name": "乙", "materials": [mapped(true)]})));
    items.take(item(json!({"code": "c", "name": "丙", "materials": [
        {"id": "copy", "name": "营业执照（副本）复印件"},
        {"id": "lease", "name": "租赁合同", "not_verifiable": {"zh": "无登记。", "en": "Not registered."}},
        {"id": "photo", "name": "照片"}]})));
    items.take(named("d", 1, "丁"));
    let report = report(&items);
    assert_eq!((report.items, report.known), (4, 3));
    let counts = (report.verifiable, report.not_verifiable, report.not_mapped);
    assert_eq!(counts, (2, 1, 2));
    let found: Vec<_> = report
        .demanded
        .iter()
        .map(|demand| {
            (
                demand.item.spec.code.as_str(),
                demand.material.as_str(),
                demand.why,
                demand.as_in.as_deref(),
            )
        })
        .collect();
    let wanted = [
        ("b", "licence", PaperWhy::StillDemanded, None),
        ("c", "copy", PaperWhy::ProvenElsewhere, Some("a")),
    ];
    assert_eq!(found, wanted);
}

#[test]
fn names_of_materials_are_compared_without_brackets_and_words_for_a_copy() {
    for same in [
        "营业执照",
        "《营业执照》",
        "营业执照（副本）",
        "营业执照 复印件",
        "营业执照副本复印件",
        "营业执照(三证合一)原件",
    ] {
        assert_eq!(folded(same), "营业执照", "{same}");
    }
    assert_eq!(folded("原件"), "原件");
}
