//! No value leaves its place, whatever it is. What is read back is read by other code than what wrote it: a parser of URLs,
//! of forms, of JSON and of XML.

use proptest::prelude::*;
use serde_json::json;

use crate::source::request::*;
use crate::source::{
    config::ConnectorRole,
    template::tests::{object, scope},
    tree, xml,
};

fn config(text: &str) -> RequestConfig {
    toml::from_str(text).unwrap()
}

fn values<'a>(subject: &'a Map<String, Value>, fields: &'a Map<String, Value>) -> PlaceValues<'a> {
    PlaceValues {
        now_us: 1_700_000_000_000_000,
        uuid: uuid::Uuid::from_bytes([7; 16]),
        dataset: "natural-person",
        subject,
        fields,
        change: None,
        cursor: None,
    }
}

fn made(text: &str, value: &str) -> Result<PreparedRequest, UnmadeRequest> {
    let template = RequestTemplate::compile(&config(text), &scope(ConnectorRole::Source)).unwrap();
    template.make(&values(&object("id_number", value), &object("name", "王")))
}

const JSON: &str = r#"
url = "https://h.example/a/{subject.id_number}/b"
query = { q = "<{subject.id_number}>", other = "1" }
headers = { x-id = "id={subject.id_number}" }
body = '{"id": "{subject.id_number}", "deep": [{"n": "a{subject.id_number}b"}], "at": "{now_ms:number}", "all": "{subject:object}"}'
"#;

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[\"'<>&%?#/\\\\{}:=;., \r\n\t\0a-c]{0,24}",
        Just("..".to_owned()),
        Just("%2e%2E".to_owned()),
        Just("]]>".to_owned()),
        Just("\",\"admin\":\"1".to_owned()),
        Just("x\r\nHost: evil".to_owned()),
        Just("</id><id>".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_value_stays_in_its_path_segment_parameter_header_and_string(value in hostile()) {
        let Ok(made) = made(JSON, &value) else {
            // Refused: nothing is sent at all. Only what no header or path can hold is.
            let header = value.bytes().all(|byte| (0x20..0x7f).contains(&byte));
            prop_assert!(!header || ["", ".", ".."].contains(&value.as_str()));
            return Ok(());
        };
        let url = reqwest::Url::parse(&made.url).unwrap();
        prop_assert_eq!(url.host_str(), Some("h.example"));
        prop_assert_eq!(url.path_segments().unwrap().count(), 3);
        prop_assert!(url.fragment().is_none());
        let pairs: Vec<_> = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        prop_assert_eq!(pairs, vec![
            ("other".to_owned(), "1".to_owned()),
            ("q".to_owned(), format!("<{value}>")),
        ]);
        prop_assert_eq!(made.headers.len(), 2);
        let header = format!("id={value}");
        prop_assert_eq!(made.headers[0].1.as_bytes(), header.as_bytes());
        let body = tree::parse_json(std::str::from_utf8(&made.body.unwrap()).unwrap()).unwrap();
        prop_assert_eq!(body, json!({
            "id": value, "deep": [{"n": format!("a{value}b")}], "at": 1_700_000_000_000_i64, "all": {"id_number": value},
        }));
    }

    #[test]
    fn a_value_stays_in_its_text_and_attribute(value in hostile()) {
        let text = "url = \"https://h.example/\"\nbody_kind = \"xml\"\n\
                    body = '''<?xml version=\"1.0\"?><r a=\"{subject.id_number}\"><id>{subject.id_number}</id><n>1</n></r>'''";
        let Ok(made) = made(text, &value) else {
            let refused = |c: char| c < ' ' || c == '\u{fffe}' || c == '\u{ffff}';
            prop_assert!(value.contains(refused));
            return Ok(());
        };
        let body = xml::parse(std::str::from_utf8(&made.body.unwrap()).unwrap()).unwrap();
        prop_assert_eq!(body, json!({"r": [{"id": [value], "n": ["1"]}]}));
    }

    #[test]
    fn a_value_stays_in_its_member_of_a_form(value in hostile()) {
        let text = "url = \"https://h.example/\"\nform = { id = \"{subject.id_number}\", z = \"1\" }";
        let made = made(text, &value).unwrap();
        let body = String::from_utf8(made.body.unwrap()).unwrap();
        // A form reads like a query.
        let url = reqwest::Url::parse(&format!("https://h.example/?{body}")).unwrap();
        let pairs: Vec<_> = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        prop_assert_eq!(pairs, vec![("id".to_owned(), value), ("z".to_owned(), "1".to_owned())]);
    }
}

#[test]
fn a_wrong_template_is_refused_with_its_key() {
    for (text, key) in [
        ("url = 'https://{subject.id_number}/x'", "request.url"),
        ("url = 'https://h.example'", "request.url"),
        ("url = 'https://h.example/?a=1'", "request.url"),
        ("url = 'https://h.example/x#y'", "request.url"),
        ("url = 'https://h.example/{nobody}'", "request.url"),
        (
            "url = 'https://h.example/'\nquery = { a = '{field.name}' }",
            "request.query.a",
        ),
        (
            "url = 'https://h.example/'\nheaders = { host = 'x' }",
            "request.headers.host",
        ),
        (
            "url = 'https://h.example/'\nheaders = { 'a b' = 'x' }",
            "request.headers.a b",
        ),
        (
            "url = 'https://h.example/'\nbody = '{\"id\": {subject.id_number}}'",
            "request.body",
        ),
        ("url = 'https://h.example/'\nbody = '{\"{uuid}\": 1}'", "request.body"),
        (
            "url = 'https://h.example/'\nbody = '{\"v\": \"{version:number}\"}'",
            "request.body",
        ),
        (
            "url = 'https://h.example/'\nbody_kind = 'xml'\nbody = '<a {uuid}/>'",
            "request.body",
        ),
        (
            "url = 'https://h.example/'\nbody_kind = 'xml'\nbody = '<{uuid}/>'",
            "request.body",
        ),
        (
            "url = 'https://h.example/'\nbody_kind = 'xml'\nbody = '<a><![CDATA[{uuid}]]></a>'",
            "request.body",
        ),
        (
            "url = 'https://h.example/'\nbody_kind = 'xml'\nbody = '<a><!-- {uuid} --></a>'",
            "request.body",
        ),
    ] {
        let got = RequestTemplate::compile(&config(text), &scope(ConnectorRole::Source)).err();
        assert_eq!(got.map(|(key, _)| key).as_deref(), Some(key), "{text}");
    }
}

#[test]
fn a_missing_value_makes_no_request() {
    let text = "url = \"https://h.example/{subject.id_number}\"";
    let template = RequestTemplate::compile(&config(text), &scope(ConnectorRole::Source)).unwrap();
    assert!(template.make(&values(&Map::new(), &Map::new())).is_err());
}
