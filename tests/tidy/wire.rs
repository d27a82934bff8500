//! The API is said once: a wire type is its own schema, an answer is a type, a problem code can be raised.

use super::law::hold;
use super::source::{Source, idents, line_of, sources, under};

/// Where JSON is made by hand: documents about the API, which have no type of their own.
const JSON_BY_HAND: &[&str] = &["http/openapi", "http/docs"];

/// The catalogue of problems, without extension.
const PROBLEMS: &str = "http/problem/catalog";

/// (line, derives a schema, derives serde) of each `#[derive(…)]`.
fn derives(source: &Source) -> Vec<(usize, bool, bool)> {
    let mut found = Vec::new();
    for (at, _) in source.live.match_indices("derive(") {
        let list = source.live[at..].split(')').next().unwrap_or_default();
        let has = |name: &str| idents(list).any(|word| word == name);
        found.push((
            line_of(&source.live, at),
            has("ToSchema"),
            has("Serialize") || has("Deserialize"),
        ));
    }
    found
}

/// How many derived schemas there are, and how many of them are only schemas.
pub(crate) fn schemas(sources: &[Source]) -> (usize, usize) {
    let all = sources.iter().flat_map(derives).filter(|(_, schema, _)| *schema);
    all.fold((0, 0), |(all, bare), (_, _, serde)| {
        (all + 1, bare + usize::from(!serde))
    })
}

fn schema_faults(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        for (line, _, _) in derives(source)
            .into_iter()
            .filter(|(_, schema, serde)| *schema && !serde)
        {
            faults.push(format!(
                "{}:{line}: `ToSchema` without Serialize or Deserialize",
                source.shown()
            ));
        }
    }
    faults
}

/// Files of `http` outside the list that make JSON by hand, each with how often.
pub(crate) fn json_by_hand(sources: &[Source]) -> Vec<(String, usize)> {
    let http = sources.iter().filter(|s| s.layer == "http");
    http.filter(|s| !JSON_BY_HAND.iter().any(|home| under(&s.place(), home, "/")))
        .map(|s| {
            (
                s.shown(),
                s.live.matches("json!(").count() + s.live.matches("json!{").count(),
            )
        })
        .filter(|(_, n)| *n > 0)
        .collect()
}

fn json_faults(sources: &[Source]) -> Vec<String> {
    let files = json_by_hand(sources).into_iter();
    files
        .map(|(file, n)| format!("{file}: `json!` {n} times; answer with a type"))
        .collect()
}

/// (line, variant, code) of each row of the catalogue: a variant, its code in quotes and its status.
fn codes(catalogue: &Source) -> Vec<(usize, String, String)> {
    let mut found = Vec::new();
    for (at, line) in catalogue.raw.lines().enumerate() {
        let mut words = line.split_whitespace();
        let (Some(variant), Some(code), Some(status)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let named = variant.starts_with(|c: char| c.is_ascii_uppercase()) && variant.chars().all(char::is_alphanumeric);
        if named && code.starts_with('"') && code.ends_with('"') && status.parse::<u16>().is_ok() {
            found.push((at + 1, variant.to_owned(), code.trim_matches('"').to_owned()));
        }
    }
    found
}

fn code_faults(sources: &[Source]) -> Vec<String> {
    let Some(catalogue) = sources.iter().find(|s| s.place() == PROBLEMS) else {
        return vec![format!(
            "src/{PROBLEMS}.rs was not found: mend this law with the catalogue"
        )];
    };
    let codes = codes(catalogue);
    if codes.is_empty() {
        return vec![format!(
            "{}: no row was read: mend this law with the catalogue",
            catalogue.shown()
        )];
    }
    let raised = |variant: &str| {
        let path = format!("::{variant}");
        let others = sources.iter().filter(|s| s.place() != PROBLEMS);
        others
            .flat_map(|s| s.live.match_indices(&path).map(|(at, _)| &s.live[at + path.len()..]))
            .any(|after| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
    };
    // A fault, and a thing that is missing, name their code as text.
    let said = |code: &str| {
        let others = sources.iter().filter(|s| s.place() != PROBLEMS);
        others.flat_map(|s| &s.strings).any(|(_, text)| text == code)
    };
    let silent = codes
        .iter()
        .filter(|(_, variant, code)| !raised(variant) && !said(code));
    silent
        .map(|(line, variant, _)| format!("{}:{line}: nothing raises `{variant}`", catalogue.shown()))
        .collect()
}

#[test]
fn a_wire_type_is_its_own_schema() {
    hold("a wire type is its own schema", &schema_faults(sources()));
}

#[test]
fn an_answer_is_a_type() {
    hold("an answer is a type", &json_faults(sources()));
}

#[test]
fn a_problem_code_is_raised_somewhere() {
    hold("a problem code is raised somewhere", &code_faults(sources()));
}

#[test]
fn the_laws_of_the_wire_see_what_they_should() {
    let types = "#[derive(Debug, ToSchema)]\nstruct A;\n#[derive(Serialize, utoipa::ToSchema)]\nstruct B;\n#[derive(\n    Clone,\n    ToSchema,\n)]\nstruct C;\n";
    let house = [Source::example("src/api/a.rs", types)];
    assert_eq!(schemas(&house), (3, 2));
    assert_eq!(schema_faults(&house).len(), 2);

    let by_hand = "fn f() { json!({}); }\n#[cfg(test)]\nmod tests { fn g() { json!(1); } }";
    let house = [
        Source::example("src/http/cases.rs", by_hand),
        Source::example("src/http/openapi/words.rs", by_hand),
        Source::example("src/app/x.rs", by_hand),
    ];
    assert_eq!(
        json_faults(&house),
        ["src/http/cases.rs: `json!` 1 times; answer with a type"]
    );

    let rows = "catalogue! {\n//  variant code\n    Late \"late\" 400 Mend\n    LateAgain \"late_again\" 409 Mend\n}\nfn f() { Self::LateAgain; }\n";
    let house = [
        Source::example("src/http/problem/catalog.rs", rows),
        Source::example(
            "src/http/cases.rs",
            "fn f() { ProblemCode::Late } fn g() { Code::LateAgainX }",
        ),
    ];
    assert_eq!(
        code_faults(&house),
        ["src/http/problem/catalog.rs:4: nothing raises `LateAgain`"]
    );
    assert_eq!(code_faults(&[]).len(), 1);
}
