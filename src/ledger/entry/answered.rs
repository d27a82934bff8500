//! What an entry says about who was answered from which record, read in place: whoever tails the log looks at every entry of
//! it, and needs a few bytes of each.

use super::EntryKind;
use super::reader::{EntryHead, EntryReader};
use heyan_domain::verdict::Outcome;

/// One answer of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryAnswer<'a> {
    /// When, Unix microseconds.
    pub at_us: i64,
    /// Number of the agency.
    pub agency: u32,
    /// Its place in a chunk; `None`: the entry is of this verification alone.
    pub position: Option<u16>,
    /// Dataset and revision.
    pub rules: &'a str,
    /// Keyed pseudonym of the subject.
    pub subject: [u8; 16],
    /// Version of the record that was answered from; 0: there was none.
    pub record_version: u32,
    /// The outcome as it was told.
    pub outcome: Outcome,
    /// Field numbers of that revision, each with the ledger code of its verdict.
    pub fields: &'a [[u8; 2]],
}

/// The answers of an entry, where they lie.
pub struct EntryAnswers<'a> {
    /// When, Unix microseconds.
    pub at_us: i64,
    /// Number of the agency.
    pub agency: u32,
    /// The purpose, sealed.
    pub sealed: &'a [u8],
    /// Of a chunk; `None`: the entry is of one verification alone.
    count: Option<u16>,
    items: EntryReader<'a>,
}

impl<'a> EntryAnswers<'a> {
    /// `None`: an entry of another kind, of another version of the layout, or cut short.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = EntryReader(bytes);
        let EntryHead { kind, at_us, agency } = reader.head()?;
        let count = match kind {
            EntryKind::Verification => None,
            EntryKind::Chunk => Some(u16::from_be_bytes(reader.array()?)),
            _ => return None,
        };
        let items = EntryReader(reader.0);
        for _ in 0..count.unwrap_or(1) {
            reader.item()?;
        }
        let length = usize::from(u16::from_be_bytes(reader.array()?));
        Some(Self {
            at_us,
            agency,
            sealed: reader.take(length)?,
            count,
            items,
        })
    }

    /// Visits each; `None` ended the reading early.
    pub fn visit(self, mut visit: impl FnMut(EntryAnswer<'a>)) -> Option<()> {
        let mut reader = self.items;
        for position in 0..self.count.unwrap_or(1) {
            let item = reader.item()?;
            visit(EntryAnswer {
                at_us: self.at_us,
                agency: self.agency,
                position: self.count.map(|_| position),
                rules: std::str::from_utf8(item.rules).ok()?,
                subject: item.subject,
                record_version: item.record_version,
                outcome: item.outcome,
                fields: item.fields.as_chunks().0,
            });
        }
        Some(())
    }
}

/// Visits the answers of an entry; one of another kind, of another version of the layout, or cut short has none.
pub fn visit(bytes: &[u8], visit: impl FnMut(EntryAnswer<'_>)) {
    // `None` ends the reading early, and nothing else.
    let _read = EntryAnswers::read(bytes).and_then(|answers| answers.visit(visit));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{EntryBody, EntryItem, LedgerEntry, VERSION};
    use heyan_domain::verdict::Verdict;

    #[test]
    fn it_reads_what_the_whole_entry_says() {
        let item = |subject, version| EntryItem {
            rules: "natural-person@1".to_owned(),
            subject: [subject; 16],
            record_version: version,
            outcome: Outcome::Mismatched,
            fields: vec![(0, Verdict::Mismatch), (3, Verdict::Absent)],
        };
        for (kind, items) in [
            (EntryKind::Verification, vec![item(1, 7)]),
            (EntryKind::Chunk, vec![item(2, 8), item(3, 0)]),
            (EntryKind::Chunk, vec![]),
        ] {
            let entry = LedgerEntry {
                kind,
                at_us: 5,
                agency: 9,
                body: EntryBody::Items(items.clone()),
                sealed: vec![1, 2],
            };
            let bytes = entry.encode();
            let answers = EntryAnswers::read(&bytes).unwrap();
            assert_eq!((answers.at_us, answers.agency, answers.sealed), (5, 9, &[1, 2][..]));
            let mut read = Vec::new();
            answers.visit(|answered| read.push(answered)).unwrap();
            let fields = [[0, Verdict::Mismatch.code()], [3, Verdict::Absent.code()]];
            let wanted = items.iter().zip(0..).map(|(item, position)| EntryAnswer {
                at_us: 5,
                agency: 9,
                position: (kind == EntryKind::Chunk).then_some(position),
                rules: &item.rules,
                subject: item.subject,
                record_version: item.record_version,
                outcome: item.outcome,
                fields: &fields,
            });
            assert_eq!(read, wanted.collect::<Vec<_>>());
            assert!(
                (0..bytes.len()).all(|cut| EntryAnswers::read(&bytes[..cut]).is_none()),
                "cut short"
            );
        }
    }

    #[test]
    fn what_is_no_answer_has_none() {
        let call = LedgerEntry {
            kind: EntryKind::Call,
            at_us: 5,
            agency: 9,
            body: EntryBody::Call {
                operation: "verify".to_owned(),
                status: 403,
                problem: "not_granted".to_owned(),
            },
            sealed: vec![],
        };
        for bytes in [call.encode(), vec![], vec![VERSION], vec![9, 1, 0, 0]] {
            visit(&bytes, |_| panic!("an answer of {bytes:?}"));
        }
    }
}
