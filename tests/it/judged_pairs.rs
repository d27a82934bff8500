//! `tests/vectors/judged_pairs.csv`: pairs of a register's value and a claim, judged by hand before anything ran.

use heyan::catalog::Catalog;

use crate::shared_vectors::{Tally, cells, comparator_of};

const PAIRS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/judged_pairs.csv"));

#[test]
fn every_judged_pair_comes_out_right() {
    let catalog = Catalog::load(None).unwrap();
    let mut tally = Tally::default();
    for row in cells(PAIRS).into_iter().skip(1) {
        assert_eq!(row.len(), 5, "{row:?}");
        tally.judge(&comparator_of(&catalog, &row[0]), &row, &row[3]);
    }
    assert!(tally.pairs >= 250, "{}", tally.pairs);
    assert!(tally.wrong.is_empty(), "{:#?}", tally.wrong);
    assert_eq!(
        (tally.right, tally.false_matches, tally.false_mismatches),
        (tally.pairs, 0, 0)
    );
}
