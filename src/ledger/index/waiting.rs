//! Rows that wait to become a run: sorted stretches of one list, each about entries later than the one before it. A stretch is merged
//! with its neighbour while both are short. The list keeps its memory when it is emptied: of lists that were joined into new ones again
//! and again, a busy hub spent a twentieth of its time on having fresh memory cleared.

use super::row::{IndexKey, IndexRow, LedgerPlace};

/// Rows of a stretch beyond which it is merged no more, until all of them become a run: half of it is what a merge allocates, and a
/// look-up searches every stretch.
const STRETCH_ROWS: usize = 4_096;

/// Rows whose memory is kept, 4 MiB: a backlog of large chunks may bring more at once.
const KEPT_ROWS: usize = 131_072;

/// The rows, oldest entries first.
#[derive(Default)]
pub(super) struct WaitingRows {
    rows: Vec<IndexRow>,
    /// Where each stretch begins.
    begins: Vec<usize>,
}

impl WaitingRows {
    /// Takes in the rows of entries that are later than all that wait.
    pub(super) fn push(&mut self, mut rows: Vec<IndexRow>) {
        if rows.is_empty() {
            return;
        }
        rows.sort_unstable();
        let mut begin = self.rows.len();
        self.rows.append(&mut rows);
        let end = self.rows.len();
        let is_joined =
            |before: usize, begin: usize| begin - before <= 2 * (end - begin) && end - before <= STRETCH_ROWS;
        while let Some(before) = self.begins.pop_if(|before| is_joined(*before, begin)) {
            begin = before;
        }
        self.begins.push(begin);
        // Stable sorting finds what is sorted already, and merges it.
        self.rows.get_mut(begin..).unwrap_or_default().sort();
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Drops them.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.rows.shrink_to(KEPT_ROWS);
        self.begins.clear();
    }

    /// All of them, in order.
    pub(super) fn sorted(&self) -> Vec<IndexRow> {
        let mut rows = self.rows.clone();
        rows.sort();
        rows
    }

    /// The rows of a key about what stands before `below`, newest first.
    pub(crate) fn newest_first(&self, key: IndexKey, below: LedgerPlace) -> impl Iterator<Item = &IndexRow> {
        let (first, end) = (IndexRow::from(key, LedgerPlace::FIRST), IndexRow::from(key, below));
        self.stretches().flat_map(move |rows| {
            let (from, to) = (
                rows.partition_point(|row| *row < first),
                rows.partition_point(|row| *row < end),
            );
            rows.get(from..to).unwrap_or_default().iter().rev()
        })
    }

    /// The stretches, newest first.
    fn stretches(&self) -> impl Iterator<Item = &[IndexRow]> {
        let ends = self.begins.iter().skip(1).copied().chain([self.rows.len()]);
        let spans = self.begins.iter().copied().zip(ends.collect::<Vec<_>>());
        spans
            .rev()
            .map(|(begin, end)| self.rows.get(begin..end).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_and_finds_what_a_sorted_set_does(batches in prop::collection::vec(prop::collection::vec((0_u8..4, 0_u32..3), 0..9), 0..40), below in 0_u64..200) {
            let (mut waiting, mut set, mut index) = (WaitingRows::default(), BTreeSet::new(), 0);
            for batch in batches {
                let rows: Vec<IndexRow> = batch
                    .into_iter()
                    .map(|(key, position)| {
                        index += 1;
                        IndexRow { key: [key; 16], place: LedgerPlace { index, position }, at_s: 7 }
                    })
                    .collect();
                set.extend(rows.iter().copied());
                waiting.push(rows);
            }
            prop_assert_eq!(waiting.len(), set.len());
            prop_assert_eq!(waiting.sorted(), set.iter().copied().collect::<Vec<_>>());
            prop_assert!(waiting.begins.len() <= 8);
            for key in 0..4 {
                let below = LedgerPlace::before(below);
                let found: Vec<IndexRow> = waiting.newest_first([key; 16], below).copied().collect();
                let wanted = set.range(IndexRow::from([key; 16], LedgerPlace::FIRST)..IndexRow::from([key; 16], below)).rev();
                prop_assert_eq!(found, wanted.copied().collect::<Vec<_>>());
            }
        }
    }
}
