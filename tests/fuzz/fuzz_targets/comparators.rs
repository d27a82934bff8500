//! Every comparator on two arbitrary texts: no panic, the same text is an exact match, and the order does not matter.
//! The input is one byte that chooses the comparator, then the two texts with a line feed between them.

#![no_main]

use std::sync::LazyLock;

use heyan::domain::compare::FieldComparator;
use heyan::domain::verdict::{MatchBasis, Verdict};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

static COMPARATORS: LazyLock<Vec<(&str, FieldComparator)>> = LazyLock::new(|| {
    let made = FieldComparator::NAMES.into_iter().filter_map(|name| {
        // Those that need options get them from a dataset file in the hub; without, they may refuse to be made.
        let options = [Value::Null, json!({}), json!({"codes": {"1": "男", "2": "女"}})];
        options
            .iter()
            .find_map(|o| FieldComparator::from_options(name, o).ok())
            .map(|c| (name, c))
    });
    made.collect()
});

fuzz_target!(|input: (u8, &str)| {
    let (choice, text) = input;
    let (left, right) = text.split_once('\n').unwrap_or((text, text));
    let (name, comparator) = &COMPARATORS[usize::from(choice) % COMPARATORS.len()];
    let (l, r) = (comparator.canonical(left), comparator.canonical(right));
    assert_eq!(
        comparator.compare(left, &l),
        Verdict::Match(MatchBasis::Exact),
        "{name}: not equal to itself"
    );
    let (forth, back) = (comparator.compare(left, &r), comparator.compare(right, &l));
    assert_eq!(forth, back, "{name}: the order of the two matters");
});
