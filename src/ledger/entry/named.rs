//! Whom an entry is about, read in place: whoever indexes the log looks at every entry of it. Every kind that names a subject
//! is here; a new kind that names one and is not would be missing from every trace.

use data_encoding::HEXLOWER_PERMISSIVE;

use super::EntryKind;
use super::reader::{EntryHead, EntryReader};

/// What an entry says besides its subjects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryRest<'a> {
    /// What it is about.
    pub kind: EntryKind,
    /// When, Unix microseconds.
    pub at_us: i64,
    /// Number of the agency; 0: the bureau's own people.
    pub agency: u32,
    /// `dlv_…` of the end of a delivery, `mis_…` of a step of a mismatch; empty for others.
    pub id: &'a [u8],
    /// The sealed part.
    pub sealed: &'a [u8],
}

/// What the target of an `access` entry begins with, when it is about the guesses about a subject.
const ABOUT_SUBJECT: &[u8] = b"guess_budget.";

/// Visits each subject of an entry with its number among them; `None`: the bytes are no entry of this version, and what was
/// visited is all that they name.
pub fn visit<'a>(bytes: &'a [u8], mut visit: impl FnMut(&[u8; 16], u32)) -> Option<EntryRest<'a>> {
    let mut reader = EntryReader(bytes);
    let EntryHead { kind, at_us, agency } = reader.head()?;
    let mut id: &[u8] = &[];
    match kind {
        EntryKind::Verification => visit(&reader.item()?.subject, 0),
        EntryKind::Chunk => {
            for position in 0..u16::from_be_bytes(reader.array()?) {
                visit(&reader.item()?.subject, position.into());
            }
        }
        EntryKind::Call => {
            text(&mut reader)?;
            reader.take(2)?;
            text(&mut reader)?;
        }
        EntryKind::Records => {
            text(&mut reader)?;
            for position in 0..u16::from_be_bytes(reader.array()?) {
                visit(&reader.array()?, position.into());
                reader.take(4)?;
            }
        }
        EntryKind::Access => {
            let (action, target) = (text(&mut reader)?, text(&mut reader)?);
            if let Some(subject) = action.starts_with(ABOUT_SUBJECT).then(|| unhex(target)).flatten() {
                visit(&subject, 0);
            }
        }
        EntryKind::Mismatch => {
            id = text(&mut reader)?;
            for _action_state_dataset in 0..3 {
                text(&mut reader)?;
            }
            visit(&reader.array()?, 0);
            reader.take(4)?;
        }
        EntryKind::Delivery => {
            id = text(&mut reader)?;
            for _event_target_state in 0..3 {
                text(&mut reader)?;
            }
            reader.take(4)?;
        }
        EntryKind::Read => {
            for _operation_rules in 0..2 {
                text(&mut reader)?;
            }
            visit(&reader.array()?, 0);
            reader.take(4)?;
            text(&mut reader)?;
        }
    }
    let length = usize::from(u16::from_be_bytes(reader.array()?));
    let sealed = reader.take(length)?;
    Some(EntryRest {
        kind,
        at_us,
        agency,
        id,
        sealed,
    })
}

/// Bytes behind their length of one byte.
fn text<'a>(reader: &mut EntryReader<'a>) -> Option<&'a [u8]> {
    let length = usize::from(reader.u8()?);
    reader.take(length)
}

fn unhex(text: &[u8]) -> Option<[u8; 16]> {
    let mut out = [0; 16];
    if text.len() != 2 * out.len() {
        return None;
    }
    HEXLOWER_PERMISSIVE.decode_mut(text, &mut out).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests;
