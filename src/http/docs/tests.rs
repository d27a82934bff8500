//! Tests of the API reference page against a small hand-written document and against hostile ones.
//! The document has every construct that the page knows; it is no part of the hub's contract.

use serde_json::{Value, json};

use super::*;
use crate::html::tests::assert_sound;

fn sample() -> Value {
    serde_json::from_str(include_str!("sample-openapi.json")).unwrap()
}

#[test]
fn every_operation_is_on_the_page_in_both_languages() {
    let spec = sample();
    for locale in Locale::ALL {
        let page = render(&spec, locale);
        assert_sound(&page);
        let mut count = 0;
        for (path, item) in spec["paths"].as_object().unwrap() {
            for method in ["get", "post", "put", "delete"] {
                let Some(operation) = item.get(method) else {
                    continue;
                };
                let id = operation["operationId"].as_str().unwrap();
                assert!(page.contains(&format!("id=\"op-{id}\"")), "{id}");
                assert!(page.contains(&format!("href=\"#op-{id}\"")), "{id}");
                assert!(page.contains(&format!("<code>{path}</code>")), "{path}");
                count += 1;
            }
        }
        assert!(count >= 5);
        assert_eq!(page.matches("class=\"operation\"").count(), count);
    }
}

#[test]
fn texts_follow_the_language_and_fall_back_to_english() {
    let chinese = render(&sample(), Locale::ZhCn);
    let english = render(&sample(), Locale::En);
    assert!(chinese.contains("逐字段核验一个对象") && !chinese.contains("Verify one subject"));
    assert!(english.contains("Verify one subject") && !english.contains("逐字段核验一个对象"));
    assert!(
        chinese.contains("Read a receipt"),
        "no Chinese text: the English one stands"
    );
    assert!(chinese.contains("必填") && english.contains("required"));
}

#[test]
fn references_become_rows_with_types_limits_and_descriptions() {
    let page = render(&sample(), Locale::En);
    assert!(page.contains("<span class=\"path-up\">purpose.</span>item_code"));
    assert!(page.contains("1–64 characters"));
    assert!(page.contains("no other members"));
    assert!(page.contains("string or null") && page.contains("≤ 200 characters"));
    assert!(page.contains("<span class=\"path-up\">items[].</span>ref"));
    assert!(page.contains("<span class=\"path-up\">claims.</span>*"));
    assert!(page.contains("&quot;match&quot;, &quot;review&quot;"));
}

#[test]
fn problem_codes_are_linked_by_name_or_by_status() {
    let page = render(&sample(), Locale::En);
    let link = "href=\"/problems/invalid_identifier\"";
    assert_eq!(page.matches(link).count(), 1);
    assert!(page.contains("href=\"/problems#status-404\""));
    assert!(!page.contains("no_such_code"));
}

#[test]
fn curl_lines_carry_method_credential_and_body() {
    let page = render(&sample(), Locale::En);
    assert!(page.contains("'http://127.0.0.1:8080/v1/verifications'"));
    assert!(page.contains("Authorization: Bearer $TOKEN"));
    assert!(page.contains("-u &quot;$CLIENT_ID:$CLIENT_SECRET&quot;"));
    assert!(page.contains("--data-urlencode"));
    assert!(page.contains("curl -sS -X PUT"));
    assert!(page.contains("If-Match: &quot;7&quot;"));
    assert!(page.contains("/v1/receipts/hub-1.heyan.local/1234"));
}

#[test]
fn a_hostile_document_cannot_leave_its_text() {
    let evil = "\"><script>alert(1)</script><img src=x onerror=alert(1)>";
    let spec = json!({
        "openapi": "3.1.0",
        "info": {"title": evil, "version": evil, "description": evil},
        "servers": [{"url": evil}],
        "tags": [{"name": evil, "description": evil}],
        "paths": {(evil): {"post": {
            "operationId": evil, "tags": [evil], "summary": evil, "description": evil, "x-roles": [evil],
            "security": [{(evil): [evil]}],
            "parameters": [{"name": evil, "in": evil, "description": evil, "schema": {"type": evil, "pattern": evil}}],
            "requestBody": {"description": evil, "content": {(evil): {
                "schema": {"properties": {(evil): {"type": "string", "enum": [evil]}}}, "example": {(evil): evil}}}},
            "responses": {(evil): {"description": evil, "headers": {(evil): {}}, "x-problem-codes": [evil]}}
        }}}
    });
    for locale in Locale::ALL {
        let page = render(&spec, locale);
        assert_sound(&page);
        assert!(!page.contains("<img") && page.contains("&lt;script&gt;"));
    }
}

#[test]
fn circular_and_broken_references_end() {
    let spec = json!({
        "openapi": "3.1.0", "info": {"title": "t", "version": "1"},
        "paths": {"/a": {"post": {
            "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tree"}}}},
            "responses": {"200": {"$ref": "#/components/responses/None"}, "default": {"$ref": "http://elsewhere/x"}}
        }}},
        "components": {"schemas": {
            "Tree": {"type": "object", "required": ["left"], "properties": {
                "left": {"$ref": "#/components/schemas/Tree"},
                "many": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
                "loop": {"$ref": "#/components/schemas/Loop"},
                "self": {"$ref": "#/components/schemas/Whole"}}},
            "Loop": {"$ref": "#/components/schemas/Loop"},
            "Whole": {"allOf": [{"$ref": "#/components/schemas/Whole"}, {"properties": {"x": {"type": "string"}}}]}
        }}
    });
    let page = render(&spec, Locale::En);
    assert_sound(&page);
    assert!(page.contains("(as above)"));
}

#[test]
fn documents_that_are_no_openapi_give_an_empty_page() {
    for spec in [
        json!(null),
        json!([]),
        json!("x"),
        json!({"paths": 3}),
        json!({"paths": {"/a": {"get": {}}}}),
    ] {
        assert_sound(&render(&spec, Locale::ZhCn));
    }
}
