//! Reads one segment frame by frame and says how it ends: recovery and the offline verifier share this judgement.
//! Bad bytes are a torn tail only in the last segment, only beyond what the checkpoint covers, and only when no later
//! group follows them; anywhere else they are damage, because what follows a synced group was itself acknowledged.

use super::frame::{self, FoundFrame, JournalFrame};

/// Something that the log's own rules exclude.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("ledger damaged{}: {what}", .first_bad_index.map(|i| format!(" at index {i}")).unwrap_or_default())]
pub struct LogDamage {
    /// First index that can no longer be trusted, where one can be named.
    pub first_bad_index: Option<u64>,
    /// What is wrong, without any content of entries.
    pub what: String,
}

impl LogDamage {
    /// Damage at one index.
    pub fn at(index: u64, what: impl Into<String>) -> Self {
        Self {
            first_bad_index: Some(index),
            what: what.into(),
        }
    }

    /// Damage that no index can be named for.
    pub fn of(what: impl Into<String>) -> Self {
        Self {
            first_bad_index: None,
            what: what.into(),
        }
    }
}

/// Which segment is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SegmentPlace {
    /// Others follow: it was cut to its real size and has no tail.
    Middle,
    /// The newest: zeros follow its last frame, or a torn write does.
    Last,
}

/// How a torn tail may look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TornTail {
    /// It must begin like the expected frame: all that a killed process can leave.
    Begun,
    /// Anything: after a power cut sectors reach the disk in any order.
    Anyhow,
}

/// What the reader of a segment has to know.
#[derive(Clone, Copy)]
pub(crate) struct ScanRules {
    /// Entries covered by the checkpoint: nothing torn is tolerated below.
    pub sealed: u64,
    /// First or last segment.
    pub place: SegmentPlace,
    /// Tolerated tails.
    pub torn: TornTail,
}

/// Where the frames of a segment end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentEnd {
    /// Offset behind the last whole frame.
    pub offset: usize,
    /// Index that the next frame will have.
    pub next_index: u64,
    /// Bytes of a torn write behind it, up to the last that is not zero.
    pub torn_bytes: usize,
}

/// Visits every frame of `segment` from `offset`, the first having index `index`.
///
/// # Errors
/// `LogDamage` of the segment, or whatever `visit` returns.
pub(crate) fn segment(
    segment: &[u8],
    (offset, index): (usize, u64),
    rules: ScanRules,
    mut visit: impl FnMut(u64, usize, &JournalFrame) -> Result<(), LogDamage>,
) -> Result<SegmentEnd, LogDamage> {
    let mut end = SegmentEnd {
        offset,
        next_index: index,
        torn_bytes: 0,
    };
    // A frame that opens the scan in the middle of a segment may stand anywhere in its group.
    let mut previous = if offset == 0 { Some(u16::MAX) } else { None };
    loop {
        match frame::decode(segment, end.offset, end.next_index, previous) {
            FoundFrame::Frame(frame) => {
                visit(end.next_index, end.offset, &frame)?;
                (previous, end.offset) = (Some(frame.in_group), frame.next);
                end.next_index += 1;
            }
            FoundFrame::Other => return tail(segment, end, rules),
        }
    }
}

fn tail(segment: &[u8], mut end: SegmentEnd, rules: ScanRules) -> Result<SegmentEnd, LogDamage> {
    let rest = segment.get(end.offset..).unwrap_or_default();
    if rest.is_empty() {
        return Ok(end);
    }
    let Some(last) = rest.iter().rposition(|b| *b != 0) else {
        return match rules.place {
            SegmentPlace::Last => Ok(end),
            SegmentPlace::Middle => Err(LogDamage::at(end.next_index, "a finished segment has a tail")),
        };
    };
    if end.next_index < rules.sealed {
        return Err(LogDamage::at(
            end.next_index,
            "an entry covered by the checkpoint is not whole",
        ));
    }
    if rules.place == SegmentPlace::Middle || frame::later_group(rest, 0, end.next_index) {
        return Err(LogDamage::at(
            end.next_index,
            "a durable entry is not whole: later entries follow it",
        ));
    }
    // Zeros behind the last other byte were never written, so the write is judged without them.
    let written = rest.get(..=last).unwrap_or_default();
    if rules.torn == TornTail::Begun && !frame::begins(written, end.next_index) {
        return Err(LogDamage::at(
            end.next_index,
            "bytes behind the last entry are not zero",
        ));
    }
    end.torn_bytes = last + 1;
    Ok(end)
}
