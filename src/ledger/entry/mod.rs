//! What a ledger entry says, as compact bytes: who asked, for what, about which pseudonym, and what was answered.
//! Never a value of a claim or of a record. What names a matter or a clerk is sealed; the rest is plain, so that
//! an entry explains itself to whoever may read the ledger.
//!
//! Layout (big-endian): version 1 · kind 1 · time µs 8 · agency 4 · body · sealed length 2 · sealed.

pub mod answered;
pub mod named;
pub(crate) mod reader;

use heyan_domain::verdict::{Outcome, Verdict};
use reader::{EntryHead, EntryReader};

/// Version of the layout; readers refuse what they do not know.
pub const VERSION: u8 = 1;

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// One verification.
    Verification,
    /// Many verifications with one purpose: a batch, or a chunk of a stream.
    Chunk,
    /// Any other answer to a known caller, refusals included.
    Call,
    /// Records that were contributed.
    Records,
    /// A change of agencies, clients, grants, subscriptions or service items.
    Access,
    /// A step in the life of a mismatch.
    Mismatch,
    /// The end of a delivery: confirmed, or given up.
    Delivery,
    /// That somebody was shown a record, or how it was asked about.
    Read,
}

impl EntryKind {
    const ALL: [Self; 8] = [
        Self::Verification,
        Self::Chunk,
        Self::Call,
        Self::Records,
        Self::Access,
        Self::Mismatch,
        Self::Delivery,
        Self::Read,
    ];

    const fn code(self) -> u8 {
        match self {
            Self::Verification => 1,
            Self::Chunk => 2,
            Self::Call => 3,
            Self::Records => 4,
            Self::Access => 5,
            Self::Mismatch => 6,
            Self::Delivery => 7,
            Self::Read => 9,
        }
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The word in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Chunk => "chunk",
            Self::Call => "call",
            Self::Records => "records",
            Self::Access => "access",
            Self::Mismatch => "mismatch",
            Self::Delivery => "delivery",
            Self::Read => "read",
        }
    }
}

/// One answered verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryItem {
    /// Dataset and revision, such as `natural-person@1`.
    pub rules: String,
    /// Keyed pseudonym of the subject.
    pub subject: [u8; 16],
    /// Version of the record that was answered from; 0: there was none.
    pub record_version: u32,
    /// The outcome as it was told.
    pub outcome: Outcome,
    /// Field numbers of that revision, with their verdicts.
    pub fields: Vec<(u8, Verdict)>,
}

impl EntryItem {
    fn read(reader: &mut EntryReader<'_>) -> Option<Self> {
        let item = reader.item()?;
        let (fields, _) = item.fields.as_chunks();
        let field = |[number, code]: &[u8; 2]| Some((*number, Verdict::from_code(*code)?));
        Some(Self {
            rules: String::from_utf8(item.rules.to_vec()).ok()?,
            subject: item.subject,
            record_version: item.record_version,
            outcome: item.outcome,
            fields: fields.iter().map(field).collect::<Option<_>>()?,
        })
    }
}

/// The body of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryBody {
    /// Verifications: exactly one, or those of a chunk.
    Items(Vec<EntryItem>),
    /// Any other answer: operation id, HTTP status, problem code (empty when none).
    Call {
        /// Operation id of the route.
        operation: String,
        /// HTTP status.
        status: u16,
        /// Problem code, or empty.
        problem: String,
    },
    /// Records: dataset, then pseudonym and new version of each.
    Records {
        /// Dataset and revision.
        rules: String,
        /// Pseudonym and version.
        records: Vec<([u8; 16], u32)>,
    },
    /// A change of access: what was done, and to which row.
    Access {
        /// Such as `grant.add`.
        action: String,
        /// Such as `grt_…`.
        target: String,
    },
    /// A step in the life of a mismatch.
    Mismatch {
        /// `mis_…`.
        id: String,
        /// What was done.
        action: String,
        /// Word of the state after it.
        state: String,
        /// Dataset name.
        dataset: String,
        /// Keyed pseudonym of the subject.
        subject: [u8; 16],
        /// Its number in the mismatch.
        step: u32,
    },
    /// The end of a delivery.
    Delivery {
        /// `dlv_…`.
        id: String,
        /// `evt_…`.
        event: String,
        /// A subscription's id, or `sink:` and a connector's name.
        target: String,
        /// `delivered` or `dead`.
        state: String,
        /// Attempts made.
        attempts: u32,
    },
    /// That somebody was shown something about a subject.
    Read {
        /// Operation id of the route.
        operation: String,
        /// Dataset and revision.
        rules: String,
        /// Keyed pseudonym of the subject.
        subject: [u8; 16],
        /// Version of the record that was shown; 0: none.
        record_version: u32,
        /// Field numbers of that revision whose values were shown.
        fields: Vec<u8>,
    },
}

/// A whole entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// What it is about.
    pub kind: EntryKind,
    /// When, Unix microseconds.
    pub at_us: i64,
    /// Number of the agency; 0: the bureau's own people.
    pub agency: u32,
    /// What was answered.
    pub body: EntryBody,
    /// Purpose or client, sealed by the node's purpose key.
    pub sealed: Vec<u8>,
}

/// When an entry was made, Unix microseconds; `None` when its bytes are none of a known version.
pub fn time_of(bytes: &[u8]) -> Option<i64> {
    Some(EntryReader(bytes).head()?.at_us)
}

/// What an entry is about; `None` when its bytes are none of a known version.
pub fn kind_of(bytes: &[u8]) -> Option<EntryKind> {
    Some(EntryReader(bytes).head()?.kind)
}

/// Begins an entry in `out`.
pub fn begin(out: &mut Vec<u8>, kind: EntryKind, at_us: i64, agency: u32) {
    out.push(VERSION);
    out.push(kind.code());
    out.extend_from_slice(&at_us.to_be_bytes());
    out.extend_from_slice(&agency.to_be_bytes());
}

/// Writes one verification. `fields` are field numbers of the revision in `rules`.
pub fn put_item(
    out: &mut Vec<u8>,
    rules: &str,
    subject: &[u8; 16],
    record_version: u32,
    outcome: Outcome,
    fields: impl ExactSizeIterator<Item = (u8, Verdict)>,
) {
    put_text(out, rules);
    out.extend_from_slice(subject);
    out.extend_from_slice(&record_version.to_be_bytes());
    out.push(outcome.code());
    out.push(u8::try_from(fields.len()).unwrap_or(u8::MAX));
    for (number, verdict) in fields.take(usize::from(u8::MAX)) {
        out.extend_from_slice(&[number, verdict.code()]);
    }
}

/// Writes the number of items of a chunk, before them.
pub fn put_count(out: &mut Vec<u8>, items: u16) {
    out.extend_from_slice(&items.to_be_bytes());
}

/// Writes a step of a mismatch: its id, action, state and dataset, its subject, and its number.
pub fn put_step(out: &mut Vec<u8>, texts: [&str; 4], subject: &[u8; 16], step: u32) {
    for text in texts {
        put_text(out, text);
    }
    out.extend_from_slice(subject);
    out.extend_from_slice(&step.to_be_bytes());
}

/// Writes the end of a delivery: its id, event, target and state, and the attempts made.
pub fn put_delivery(out: &mut Vec<u8>, texts: [&str; 4], attempts: u32) {
    for text in texts {
        put_text(out, text);
    }
    out.extend_from_slice(&attempts.to_be_bytes());
}

/// Writes that something about a subject was shown: operation and rules, the subject, the version, and the fields shown.
pub fn put_read(out: &mut Vec<u8>, texts: [&str; 2], subject: &[u8; 16], record_version: u32, fields: &[u8]) {
    for text in texts {
        put_text(out, text);
    }
    out.extend_from_slice(subject);
    out.extend_from_slice(&record_version.to_be_bytes());
    let fields = fields.get(..usize::from(u8::MAX)).unwrap_or(fields);
    out.push(u8::try_from(fields.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(fields);
}

/// Ends an entry with its sealed part.
pub fn end(out: &mut Vec<u8>, sealed: &[u8]) {
    out.extend_from_slice(&u16::try_from(sealed.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(sealed);
}

/// Writes a text of at most 255 bytes; a longer one is cut at a character.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    let cut = text.floor_char_boundary(text.len().min(usize::from(u8::MAX)));
    let text = text.get(..cut).unwrap_or_default();
    out.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(text.as_bytes());
}

impl LedgerEntry {
    /// The bytes of the entry.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        begin(&mut out, self.kind, self.at_us, self.agency);
        match &self.body {
            EntryBody::Items(items) => {
                if self.kind == EntryKind::Chunk {
                    put_count(&mut out, u16::try_from(items.len()).unwrap_or(u16::MAX));
                }
                for item in items {
                    let fields = item.fields.iter().copied();
                    put_item(
                        &mut out,
                        &item.rules,
                        &item.subject,
                        item.record_version,
                        item.outcome,
                        fields,
                    );
                }
            }
            EntryBody::Call {
                operation,
                status,
                problem,
            } => {
                put_text(&mut out, operation);
                out.extend_from_slice(&status.to_be_bytes());
                put_text(&mut out, problem);
            }
            EntryBody::Records { rules, records } => {
                put_text(&mut out, rules);
                put_count(&mut out, u16::try_from(records.len()).unwrap_or(u16::MAX));
                for (subject, version) in records {
                    out.extend_from_slice(subject);
                    out.extend_from_slice(&version.to_be_bytes());
                }
            }
            EntryBody::Access { action, target } => {
                put_text(&mut out, action);
                put_text(&mut out, target);
            }
            EntryBody::Mismatch {
                id,
                action,
                state,
                dataset,
                subject,
                step,
            } => put_step(&mut out, [id, action, state, dataset], subject, *step),
            EntryBody::Delivery {
                id,
                event,
                target,
                state,
                attempts,
            } => put_delivery(&mut out, [id, event, target, state], *attempts),
            EntryBody::Read {
                operation,
                rules,
                subject,
                record_version,
                fields,
            } => put_read(&mut out, [operation, rules], subject, *record_version, fields),
        }
        end(&mut out, &self.sealed);
        out
    }

    /// The entry of `bytes`; `None` when they are no whole entry of a known version.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = EntryReader(bytes);
        let EntryHead { kind, at_us, agency } = reader.head()?;
        let body = match kind {
            EntryKind::Verification => EntryBody::Items(vec![EntryItem::read(&mut reader)?]),
            EntryKind::Chunk => {
                let count = u16::from_be_bytes(reader.array()?);
                EntryBody::Items(
                    (0..count)
                        .map(|_| EntryItem::read(&mut reader))
                        .collect::<Option<_>>()?,
                )
            }
            EntryKind::Call => EntryBody::Call {
                operation: reader.text()?,
                status: u16::from_be_bytes(reader.array()?),
                problem: reader.text()?,
            },
            EntryKind::Records => {
                let rules = reader.text()?;
                let count = u16::from_be_bytes(reader.array()?);
                let record = |_| Some((reader.array()?, u32::from_be_bytes(reader.array()?)));
                EntryBody::Records {
                    rules,
                    records: (0..count).map(record).collect::<Option<_>>()?,
                }
            }
            EntryKind::Access => EntryBody::Access {
                action: reader.text()?,
                target: reader.text()?,
            },
            EntryKind::Mismatch => EntryBody::Mismatch {
                id: reader.text()?,
                action: reader.text()?,
                state: reader.text()?,
                dataset: reader.text()?,
                subject: reader.array()?,
                step: u32::from_be_bytes(reader.array()?),
            },
            EntryKind::Delivery => EntryBody::Delivery {
                id: reader.text()?,
                event: reader.text()?,
                target: reader.text()?,
                state: reader.text()?,
                attempts: u32::from_be_bytes(reader.array()?),
            },
            EntryKind::Read => EntryBody::Read {
                operation: reader.text()?,
                rules: reader.text()?,
                subject: reader.array()?,
                record_version: u32::from_be_bytes(reader.array()?),
                fields: {
                    let count = usize::from(reader.u8()?);
                    reader.take(count)?.to_vec()
                },
            },
        };
        let length = usize::from(u16::from_be_bytes(reader.array()?));
        let sealed = reader.take(length)?.to_vec();
        reader.0.is_empty().then_some(Self {
            kind,
            at_us,
            agency,
            body,
            sealed,
        })
    }
}

#[cfg(test)]
mod tests;
