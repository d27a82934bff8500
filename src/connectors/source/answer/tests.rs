//! What answers are read as, and what they are not. The six platforms of the verdict tables number the same three verdicts
//! in six ways.

use serde_json::json;

use crate::source::answer::*;
use crate::source::{
    config::{ConnectorRole, VerdictConfig},
    template::tests::{object, scope},
};

fn reader(text: &str) -> AnswerReader {
    let config: AnswerConfig = toml::from_str(text).unwrap();
    AnswerReader::compile(&config, &scope(ConnectorRole::Source))
        .map_err(|(key, reason)| format!("{key}: {reason}"))
        .unwrap()
}

fn answer(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> WholeAnswer {
    WholeAnswer {
        status,
        content_type: Some(content_type.to_owned()),
        retry_after_s: Some(7),
        body: body.into(),
    }
}

fn ok(body: Value) -> WholeAnswer {
    answer(200, "application/json;charset=UTF-8", body.to_string())
}

const RECORD: &str = r#"
code_pointer = "/code"
success = ["0"]
not_found = ["E-404"]
refused = ["E-106"]
records_pointer = "/data/rows"
version_pointer = "/v"
subject = { id_number = "/sfzh" }
[fields]
name = { from = "/xm", codes = {} }
"#;

fn read(reader: &AnswerReader, answer: &WholeAnswer) -> Result<Option<SourceRecord>, SourceTrouble> {
    reader.record(answer, &object("id_number", "34020719970530521x"))
}

fn row(xm: Value) -> Value {
    json!({"code": 0, "data": {"rows": [{"sfzh": "34020719970530521X", "xm": xm, "v": "12"}]}})
}

#[test]
fn a_record_of_the_subject_is_read() {
    let record = read(&reader(RECORD), &ok(row(json!("王小明")))).unwrap().unwrap();
    assert_eq!(Value::Object(record.fields), json!({"name": "王小明"}));
    assert_eq!(record.source_version, Some(12));
    let single = json!({"code": "0", "data": {"rows": {"sfzh": "34020719970530521X", "xm": "王", "v": 0}}});
    assert!(read(&reader(RECORD), &ok(single)).unwrap().is_some());
}

#[test]
fn only_the_listed_code_is_not_found() {
    let reader = reader(RECORD);
    assert!(read(&reader, &ok(json!({"code": "E-404"}))).unwrap().is_none());
    for (body, expected) in [
        (json!({"code": "-1"}), SourceTrouble::Code { status: 200 }),
        (json!({"code": "E-106"}), SourceTrouble::Auth(Some(200))),
        (
            json!({"code": true}),
            SourceTrouble::Garbage("a business code of another type"),
        ),
        (
            json!({"code": 0.0}),
            SourceTrouble::Garbage("a business code of another type"),
        ),
        (json!({"code": null}), SourceTrouble::Garbage("no business code")),
        (json!({}), SourceTrouble::Garbage("no business code")),
        (json!([]), SourceTrouble::Garbage("no business code")),
        (
            json!({"code": "0"}),
            SourceTrouble::Garbage("no records where they belong"),
        ),
        (
            json!({"code": "0", "data": {"rows": "none"}}),
            SourceTrouble::Garbage("records of another type"),
        ),
        (
            json!({"code": "0", "data": {"rows": []}}),
            SourceTrouble::Odd("no record, and nothing that says that there is none"),
        ),
        (
            json!({"code": "0", "data": {"rows": null}}),
            SourceTrouble::Odd("no record, and nothing that says that there is none"),
        ),
        (
            json!({"code": "0", "data": {"rows": [{}, {}]}}),
            SourceTrouble::Odd("more than one record"),
        ),
        (
            json!({"code": "0", "data": {"rows": ["x"]}}),
            SourceTrouble::Odd("a field is missing"),
        ),
    ] {
        assert_eq!(read(&reader, &ok(body.clone())).err(), Some(expected), "{body}");
    }
}

#[test]
fn an_odd_record_is_a_fault_and_never_a_record() {
    let reader = reader(RECORD);
    for xm in [json!(null), json!(""), json!("  ")] {
        assert_eq!(
            read(&reader, &ok(row(xm))).err(),
            Some(SourceTrouble::Odd("a field is missing"))
        );
    }
    for xm in [json!(1), json!(true), json!(["王"]), json!({"a": 1})] {
        assert_eq!(
            read(&reader, &ok(row(xm))).err(),
            Some(SourceTrouble::Odd("a field of another type"))
        );
    }
    let mut other = row(json!("王"));
    other["data"]["rows"][0]["sfzh"] = json!("340207199705305213");
    assert_eq!(
        read(&reader, &ok(other)).err(),
        Some(SourceTrouble::Odd("a record of another subject"))
    );
    for version in [
        json!(-1),
        json!("1.5"),
        json!(1.5),
        json!(""),
        json!(null),
        json!(1_u64 << 53),
    ] {
        let mut odd = row(json!("王"));
        odd["data"]["rows"][0]["v"] = version;
        assert_eq!(
            read(&reader, &ok(odd)).err(),
            Some(SourceTrouble::Odd("no version where it belongs"))
        );
    }
}

#[test]
fn transport_comes_before_business() {
    let reader = reader(RECORD);
    let body = row(json!("王")).to_string();
    let status = |status, retry_after_s| Some(SourceTrouble::Status { status, retry_after_s });
    for (code, expected) in [
        (302, status(302, None)),
        (404, status(404, None)),
        (429, status(429, Some(7))),
        (500, status(500, None)),
        (503, status(503, Some(7))),
        (401, Some(SourceTrouble::Auth(Some(401)))),
        (403, Some(SourceTrouble::Auth(Some(403)))),
    ] {
        assert_eq!(
            read(&reader, &answer(code, "application/json", body.clone())).err(),
            expected
        );
    }
    let refused = answer(500, "application/json", r#"{"code":"E-106"}"#);
    assert_eq!(read(&reader, &refused).err(), Some(SourceTrouble::Auth(Some(500))));
    let absent = answer(500, "application/json", r#"{"code":"E-404"}"#);
    assert_eq!(
        read(&reader, &absent).err(),
        status(500, None),
        "a 500 never says not found"
    );
    for (content_type, body) in [
        ("text/html", body.as_bytes().to_vec()),
        ("", body.as_bytes().to_vec()),
        ("application/json", b"<html>".to_vec()),
        ("application/json", b"{\"code\":\"0\",\"code\":\"E-404\"}".to_vec()),
        ("application/json", vec![0xff, 0xfe]),
        ("application/json", Vec::new()),
    ] {
        assert!(matches!(
            read(&reader, &answer(200, content_type, body)),
            Err(SourceTrouble::Garbage(_))
        ));
    }
}

#[test]
fn what_the_file_opts_into_is_not_found_and_no_more() {
    let fields = "[fields]\nname = \"/xm\"\n";
    let by_status = reader(&format!("not_found_statuses = [404]\n{fields}"));
    assert!(read(&by_status, &answer(404, "text/html", "gone")).unwrap().is_none());
    assert!(read(&by_status, &answer(410, "text/html", "gone")).is_err());
    let with_code = format!(
        "not_found_statuses = [404]\ncode_pointer = \"/code\"\nsuccess = [\"0\"]\nnot_found = [\"1\"]\n{fields}"
    );
    let with_code = reader(&with_code);
    assert!(read(&with_code, &answer(404, "text/html", "some proxy")).is_err());
    assert!(
        read(
            &with_code,
            &answer(404, "application/json", r#"{"code":"0","xm":"王"}"#)
        )
        .is_err()
    );
    assert!(
        read(&with_code, &answer(404, "application/json", r#"{"code":1}"#))
            .unwrap()
            .is_none()
    );
    let empty = reader(&format!("records_pointer = \"/rows\"\nempty = \"not_found\"\n{fields}"));
    assert!(read(&empty, &ok(json!({"rows": []}))).unwrap().is_none());
    assert!(read(&empty, &ok(json!({"rows": null}))).unwrap().is_none());
    assert!(read(&empty, &ok(json!({"row": []}))).is_err());
}

#[test]
fn codes_and_numbers_become_ours_or_nothing() {
    let text = "[fields]\nname = { from = \"/xb\", codes = { \"1\" = \"男\", \"2\" = \"女\" } }\n";
    let read = |text: &str, xb: Value| {
        reader(text)
            .record(&ok(json!({"xb": xb})), &Map::new())
            .map(|record| record.unwrap().fields.get("name").cloned())
    };
    assert_eq!(read(text, json!("1")), Ok(Some(json!("男"))));
    assert_eq!(read(text, json!(2)), Ok(Some(json!("女"))));
    assert_eq!(read(text, json!("3")), Err(SourceTrouble::Odd("an unmapped code")));
    assert_eq!(read(text, json!(" 1")), Err(SourceTrouble::Odd("an unmapped code")));
    assert_eq!(
        read(text, json!(true)),
        Err(SourceTrouble::Odd("a field of another type"))
    );
    let text = "[fields]\nname = { from = \"/xb\", takes = \"number\", missing = \"absent\" }\n";
    assert_eq!(read(text, json!(15000000)), Ok(Some(json!("15000000"))));
    assert_eq!(
        read(text, json!("15")),
        Err(SourceTrouble::Odd("a field of another type"))
    );
    assert_eq!(read(text, json!(null)), Ok(None));
}

#[test]
fn characters_of_the_source_are_decoded_or_refused() {
    let text = "encoding = \"gb18030\"\ncontent_types = [\"text/plain\"]\n[fields]\nname = \"/xm\"\n";
    let (bytes, _, _) = encoding_rs::GB18030.encode("{\"xm\":\"王㐂𠮷\"}");
    let record = read(
        &reader(text),
        &answer(200, "Text/Plain; charset=gbk", bytes.into_owned()),
    )
    .unwrap()
    .unwrap();
    assert_eq!(record.fields["name"], "王㐂𠮷");
    assert!(
        read(
            &reader(text),
            &answer(200, "text/plain", b"{\"xm\":\"\xff\xff\"}".to_vec())
        )
        .is_err()
    );
}

/// (name, 一致, 不一致, 库中无此号, others), as published for six platforms.
const PLATFORMS: [Platform; 6] = [
    ("A", "0", "1", "2", &[]),
    ("B", "1", "2", "3", &[]),
    ("C", "3", "2", "1", &["4"]),
    ("D", "01", "02", "03", &["04"]),
    ("E", "1100", "1101", "1103", &["1104", "1105"]),
    ("F", "T", "F", "", &[]),
];

type Platform = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

/// What a reader of the platform makes of an answer.
fn verdict_of((_, matched, mismatch, absent, failed): Platform, answer: Value) -> Result<VerdictAnswer, SourceTrouble> {
    let list = |codes: &[&str]| {
        let given = codes.iter().filter(|code| !code.is_empty());
        given.map(|code| (*code).to_owned()).collect::<Vec<_>>()
    };
    let config = AnswerConfig {
        code_pointer: Some("/code".to_owned()),
        success: vec!["0".to_owned()],
        mode: crate::source::config::AnswerMode::Verdict,
        verdicts: Some(VerdictConfig {
            matched: list(&[matched]),
            mismatch: list(&[mismatch]),
            not_found: list(&[absent]),
            failed: list(failed),
            fields: [("name".to_owned(), "/result".to_owned())].into(),
            ..VerdictConfig::default()
        }),
        ..AnswerConfig::default()
    };
    let reader = AnswerReader::compile(&config, &scope(ConnectorRole::Source)).unwrap();
    reader.verdicts(&ok(answer), &Map::new(), &BTreeSet::from(["name".to_owned()]))
}

#[test]
fn each_platform_numbers_its_verdicts_in_its_own_way() {
    for platform in PLATFORMS {
        let (name, matched, mismatch, absent, failed) = platform;
        let read = |result: &str| verdict_of(platform, json!({"code": "0", "result": result}));
        let one = |verdict| Ok(VerdictAnswer::Fields([("name".to_owned(), verdict)].into()));
        assert_eq!(read(matched), one(true), "{name}");
        assert_eq!(read(mismatch), one(false), "{name}");
        if !absent.is_empty() {
            assert_eq!(read(absent), Ok(VerdictAnswer::NotFound), "{name}");
        }
        for code in failed {
            assert_eq!(
                read(code),
                Err(SourceTrouble::Odd("the source could not tell")),
                "{name}"
            );
        }
    }
}

#[test]
fn the_code_of_another_platform_another_type_or_nothing_is_never_a_verdict() {
    for platform in PLATFORMS {
        let (name, matched, mismatch, absent, failed) = platform;
        let read = |result: Value| verdict_of(platform, json!({"code": "0", "result": result}));
        let listed = [matched, mismatch, absent];
        for (_, a, b, c, others) in PLATFORMS {
            for code in [a, b, c].into_iter().chain(others.iter().copied()) {
                if !listed.contains(&code) && !failed.contains(&code) {
                    assert!(read(json!(code)).is_err(), "{name}: {code}");
                }
            }
        }
        for odd in [
            json!(null),
            json!(true),
            json!("一致"),
            json!(""),
            json!([matched]),
            json!(format!(" {matched}")),
        ] {
            assert!(read(odd).is_err(), "{name}");
        }
        // Success of the business is no verdict, and a verdict without it is none either.
        assert!(verdict_of(platform, json!({"code": "0"})).is_err());
        assert!(verdict_of(platform, json!({"code": "1", "result": matched})).is_err());
    }
}

const NCIIC: &str = r#"
format = "xml"
mode = "verdict"
code_pointer = "/ROWS/ROW/OUTPUT/ITEM/errormesage"
code_missing = "success"
success = ["-"]
not_found = ["服务结果:库中无此号，请到户籍所在地进行核实"]
records_pointer = "/ROWS/ROW/OUTPUT"
[verdicts]
match = ["一致"]
mismatch = ["不一致"]
fields = { name = "/ITEM/1/result_xm" }
"#;

#[test]
fn the_xml_of_the_identity_centre_is_read_field_by_field() {
    let reader = reader(NCIIC);
    let claimed = BTreeSet::from(["name".to_owned()]);
    let page = |output: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ROWS><ROW no=\"1\"><INPUT><gmsfhm>3402</gmsfhm><xm>王</xm></INPUT>\
             <OUTPUT>{output}</OUTPUT></ROW></ROWS>"
        )
    };
    let read = |output: &str| reader.verdicts(&answer(200, "text/xml", page(output)), &Map::new(), &claimed);
    let number = "<ITEM><result_gmsfhm>一致</result_gmsfhm></ITEM>";
    let name = |text: &str| format!("{number}<ITEM><result_xm>{text}</result_xm></ITEM>");
    let one = |verdict| VerdictAnswer::Fields([("name".to_owned(), verdict)].into());
    assert_eq!(read(&name("一致")), Ok(one(true)));
    assert_eq!(read(&name("不一致")), Ok(one(false)));
    assert!(read(&name("")).is_err() && read(&name("一致 ")).is_err() && read(number).is_err());
    let absent = "<ITEM><gmsfhm/><errormesage>服务结果:库中无此号，请到户籍所在地进行核实</errormesage></ITEM>";
    assert_eq!(read(absent), Ok(VerdictAnswer::NotFound));
    let error = "<ITEM><errormesage>系统忙</errormesage></ITEM>";
    assert_eq!(read(error), Err(SourceTrouble::Code { status: 200 }));
}

#[test]
fn a_wrong_table_is_refused_with_its_key() {
    for (text, key) in [
        ("[fields]\nnobody = \"/x\"", "answer.fields.nobody"),
        ("[fields]\nname = \"x\"", "answer.fields.name"),
        (
            "records_pointer = \"data\"\n[fields]\nname = \"/x\"",
            "answer.records_pointer",
        ),
        (
            "subject = { name = \"/x\" }\n[fields]\nname = \"/x\"",
            "answer.subject.name",
        ),
        (
            "content_types = [\"JSON\"]\n[fields]\nname = \"/x\"",
            "answer.content_types",
        ),
    ] {
        let config: AnswerConfig = toml::from_str(text).unwrap();
        let got = AnswerReader::compile(&config, &scope(ConnectorRole::Source)).err();
        assert_eq!(got.map(|(key, _)| key).as_deref(), Some(key), "{text}");
    }
}
