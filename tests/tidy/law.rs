//! The laws by name, and those of them that do not hold yet.

/// Laws that are reported and do not fail the test run. Take a name off this list when its law holds; put none on it.
pub(crate) const PENDING: &[&str] = &[];

/// Every law that is checked by name.
pub(crate) const LAWS: &[&str] = &[
    "a Chinese document has the headings of its English twin",
    "a circle of imports is small and in one folder",
    "a folder holds few files",
    "a problem code is raised somewhere",
    "a public name is used somewhere",
    "a state or kind is an enum outside the store",
    "a type name is in few files",
    "a type name says whose it is",
    "a wire type is its own schema",
    "app has folders only",
    "an answer is a type",
    "Han text has full-width punctuation",
    "one file commits",
    "one loop retries a commit",
    "the hub has few parts",
    "the store has few methods of its own",
    "unreachable_pub is denied",
    "words are plain",
];

/// Ends the test with the faults of `law`, unless the law is pending: then only says how many there are.
pub(crate) fn hold(law: &str, faults: &[String]) {
    assert!(LAWS.contains(&law), "`{law}` is not in LAWS");
    match (PENDING.contains(&law), faults.is_empty()) {
        (false, clean) => assert!(clean, "{law} ({}):\n{}", faults.len(), faults.join("\n")),
        (true, true) => println!("law `{law}` holds: take it off PENDING"),
        (true, false) => println!(
            "law `{law}` is pending: {} faults\n  {}",
            faults.len(),
            faults.join("\n  ")
        ),
    }
}

#[test]
fn a_pending_law_is_a_law() {
    let unknown: Vec<_> = PENDING.iter().filter(|law| !LAWS.contains(law)).collect();
    assert!(unknown.is_empty(), "no such law: {unknown:?}");
}

#[test]
#[should_panic(expected = "app has folders only (1):\nsrc/app/x.rs")]
fn a_law_that_is_not_pending_fails_with_its_faults() {
    assert!(!PENDING.contains(&"app has folders only"));
    hold("app has folders only", &["src/app/x.rs".into()]);
}
