//! Rows that wait to become a run: a few sorted lists, each about entries later than the one before it. A list is joined to its
//! neighbour once it is about as long, so there are few, and a row is moved a few times in all.

use super::row::{Key, Place, Row};

/// The rows, oldest entries first.
#[derive(Default)]
pub struct Waiting {
    lists: Vec<Vec<Row>>,
}

impl Waiting {
    /// Takes in the rows of entries that are later than all that wait.
    pub fn push(&mut self, mut rows: Vec<Row>) {
        if rows.is_empty() {
            return;
        }
        rows.sort_unstable();
        while let Some(before) = self.lists.pop_if(|before| before.len() <= 2 * rows.len()) {
            rows = joined(&[before, rows]);
        }
        self.lists.push(rows);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lists.iter().map(Vec::len).sum()
    }

    /// Drops them.
    pub fn clear(&mut self) {
        self.lists.clear();
    }

    /// All of them, in order.
    pub fn sorted(&self) -> Vec<Row> {
        joined(&self.lists)
    }

    /// The rows of a key about what stands before `below`, newest first.
    pub fn newest_first(&self, key: Key, below: Place) -> impl Iterator<Item = &Row> {
        let (first, end) = (Row::from(key, Place::FIRST), Row::from(key, below));
        self.lists.iter().rev().flat_map(move |rows| {
            let (from, to) = (
                rows.partition_point(|row| *row < first),
                rows.partition_point(|row| *row < end),
            );
            rows.get(from..to).unwrap_or_default().iter().rev()
        })
    }
}

/// One sorted list of several.
fn joined(lists: &[Vec<Row>]) -> Vec<Row> {
    let mut rows = lists.concat();
    // Stable sorting finds what is sorted already, and merges it.
    rows.sort();
    rows
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_and_finds_what_a_sorted_set_does(batches in prop::collection::vec(prop::collection::vec((0_u8..4, 0_u32..3), 0..9), 0..40), below in 0_u64..200) {
            let (mut waiting, mut set, mut index) = (Waiting::default(), BTreeSet::new(), 0);
            for batch in batches {
                let rows: Vec<Row> = batch
                    .into_iter()
                    .map(|(key, position)| {
                        index += 1;
                        Row { key: [key; 16], place: Place { index, position }, at_s: 7 }
                    })
                    .collect();
                set.extend(rows.iter().copied());
                waiting.push(rows);
            }
            prop_assert_eq!(waiting.len(), set.len());
            prop_assert_eq!(waiting.sorted(), set.iter().copied().collect::<Vec<_>>());
            prop_assert!(waiting.lists.len() <= 8);
            for key in 0..4 {
                let below = Place::before(below);
                let found: Vec<Row> = waiting.newest_first([key; 16], below).copied().collect();
                let wanted = set.range(Row::from([key; 16], Place::FIRST)..Row::from([key; 16], below)).rev();
                prop_assert_eq!(found, wanted.copied().collect::<Vec<_>>());
            }
        }
    }
}
