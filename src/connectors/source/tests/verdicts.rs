//! Sources that only answer yes or no: their codes mean what the file says, and nothing else is a verdict.

use super::{
    House, loopback, person,
    server::{Act, Server},
};
use heyan_ports::outward::{
    FieldVerdict::{Match, Mismatch, Undivided},
    OutsideSystems, SaidOfClaims, SourceFault,
};

/// `places` are the members of the request beside the number, `verdicts` the table of answers.
fn oracle(port: u16, places: &str, verdicts: &str) -> String {
    format!(
        "role = \"source\"\nkind = \"http\"\ndataset = \"natural-person\"\n{}\
         [request]\nurl = \"http://127.0.0.1:{port}/ask\"\nbody = '{{\"id\": \"{{subject.id_number}}\"{places}}}'\n\
         [answer]\nmode = \"verdict\"\ncode_pointer = \"/code\"\nsuccess = [\"0\"]\nnot_found = [\"9\"]\n\
         records_pointer = \"/data\"\n\
         [answer.verdicts]\nmatch = [\"1\"]\nmismatch = [\"2\"]\nnot_found = [\"3\"]\nfailed = [\"0\"]\n{verdicts}",
        loopback(port)
    )
}

const EACH: (&str, &str) = (
    r#", "xm": "{claim.name}", "xb": "{claim.sex:or_empty}""#,
    "fields = { name = \"/xm\", sex = \"/xb\" }\n",
);
const WHOLE: (&str, &str) = (
    r#", "xm": "{claim.name}", "xb": "{claim.sex}""#,
    "whole_pointer = \"/all\"\n",
);

fn claims(names: &[&str]) -> Vec<(String, String)> {
    names
        .iter()
        .map(|name| ((*name).to_owned(), format!("<{name}>")))
        .collect()
}

async fn said(table: (&str, &str), data: &'static str, names: &[&str]) -> (Result<SaidOfClaims, SourceFault>, String) {
    let server = Server::start(move |_, _| Act::Json(200, data.to_owned())).await;
    let house = House::new();
    house.write("register.toml", &oracle(server.port, table.0, table.1));
    let set = house.load().unwrap();
    assert!(set.verifies("natural-person") && !set.is_live("natural-person") && !set.verifies("legal-entity"));
    let said = set.verify("natural-person", &person(), &claims(names)).await;
    let asked = server.seen.lock().unwrap().last().map(|seen| seen.body.clone());
    (said, asked.unwrap_or_default())
}

fn of<const N: usize>(found: bool, fields: [(&str, heyan_ports::outward::FieldVerdict); N]) -> SaidOfClaims {
    SaidOfClaims {
        found,
        fields: fields
            .into_iter()
            .map(|(name, verdict)| (name.to_owned(), verdict))
            .collect(),
    }
}

#[tokio::test]
async fn each_field_has_its_verdict_and_what_was_not_claimed_has_none() {
    let both = r#"{"code":"0","data":{"xm":"1","xb":2}}"#;
    let (answer, asked) = said(EACH, both, &["name", "sex"]).await;
    assert_eq!(answer.unwrap(), of(true, [("name", Match), ("sex", Mismatch)]));
    assert_eq!(asked, r#"{"id":"34020719970530521X","xm":"<name>","xb":"<sex>"}"#);
    let (answer, asked) = said(EACH, both, &["name"]).await;
    assert_eq!(answer.unwrap(), of(true, [("name", Match)]));
    assert!(asked.ends_with(r#""xb":""}"#));
    // Without what the request needs there is no request.
    let (answer, asked) = said(EACH, both, &["sex"]).await;
    assert_eq!((answer.unwrap(), asked.as_str()), (of(true, []), ""));
}

#[tokio::test]
async fn not_found_is_told_as_such_and_as_if_none_agreed() {
    for data in [r#"{"code":"9"}"#, r#"{"code":"0","data":{"xm":"3","xb":"3"}}"#] {
        let (answer, _) = said(EACH, data, &["name", "sex"]).await;
        assert_eq!(answer.unwrap(), of(false, [("name", Mismatch), ("sex", Mismatch)]));
    }
    let (answer, _) = said(WHOLE, r#"{"code":"0","data":{"all":"3"}}"#, &["name", "sex"]).await;
    assert_eq!(answer.unwrap(), of(false, [("name", Undivided), ("sex", Undivided)]));
}

#[tokio::test]
async fn one_verdict_about_several_claims_does_not_say_which_differs() {
    let (answer, _) = said(WHOLE, r#"{"code":"0","data":{"all":"1"}}"#, &["name", "sex"]).await;
    assert_eq!(answer.unwrap(), of(true, [("name", Match), ("sex", Match)]));
    let (answer, _) = said(WHOLE, r#"{"code":"0","data":{"all":"2"}}"#, &["name", "sex"]).await;
    assert_eq!(answer.unwrap(), of(true, [("name", Undivided), ("sex", Undivided)]));
    let one = (r#", "xm": "{claim.name}""#, WHOLE.1);
    let (answer, asked) = said(one, r#"{"code":"0","data":{"all":"2"}}"#, &["name", "sex"]).await;
    assert_eq!(answer.unwrap(), of(true, [("name", Mismatch)]));
    assert!(!asked.contains("sex"));
}

#[tokio::test]
async fn what_is_no_listed_code_is_no_verdict() {
    for data in [
        r#"{"code":"0","data":{"xm":"4","xb":"1"}}"#,
        r#"{"code":"0","data":{"xm":"0","xb":"1"}}"#,
        r#"{"code":"0","data":{"xb":"1"}}"#,
        r#"{"code":"0","data":{"xm":"3","xb":"1"}}"#,
        r#"{"code":"0","data":{"xm":true,"xb":"1"}}"#,
        r#"{"code":"0","data":[]}"#,
        r#"{"code":"7","data":{"xm":"1","xb":"1"}}"#,
    ] {
        let (answer, _) = said(EACH, data, &["name", "sex"]).await;
        assert!(
            matches!(answer, Err(SourceFault::Unreadable(_) | SourceFault::Answer)),
            "{data}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_file_whose_one_verdict_is_about_nothing_and_two_sources_of_one_dataset_are_refused() {
    let house = House::new();
    house.write("register.toml", &oracle(1, "", WHOLE.1));
    let error = house.load().err().unwrap().to_string();
    assert!(error.contains("request") && error.contains("about nothing"), "{error}");
    house.write("register.toml", &oracle(1, EACH.0, EACH.1));
    house.write("second.toml", &super::source(1, ""));
    assert!(house.load().err().unwrap().to_string().contains("another source"));
}
