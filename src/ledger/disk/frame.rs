//! How one entry lies in a journal segment: a 24-byte header, then the entry's bytes, nothing between frames.
//! `in_group` is not decoration: a frame with `in_group == 0` behind a bad frame proves that the bad one had been
//! synced (group n+1 is written only after group n is on disk), so that is damage and never a torn tail.
//!
//! Layout, little-endian: magic 4 | length u16 | in_group u16 | index u64 | check u64, where
//! `check = first 8 bytes of the leaf hash XOR in_group × MIX`. Magic and index are known beforehand, the length decides
//! what is hashed, and `check` covers the rest, so every bit of a header counts.

use crate::tree::{TreeHash, leaf_hash};

/// Bytes of a frame's header.
pub(crate) const HEADER: usize = 24;
/// Largest entry: C2SP tlog-tiles bundles carry a `uint16` length.
pub(crate) const ENTRY_BYTES_MAX: usize = 65_535;
/// First bytes of every frame. Not valid UTF-8, so that no textual entry can hold a picture of a frame.
const MAGIC: [u8; 4] = [0xf5, b'h', b'y', 0x01];
/// Odd constant that spreads `in_group` over the check (2^64 divided by the golden ratio).
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// What was found at one offset of a segment.
pub(crate) enum FoundFrame {
    /// A whole frame whose check holds.
    Frame(JournalFrame),
    /// Anything else: zeros, the end of the segment, or bytes that are not the frame that belongs here.
    Other,
}

/// One decoded frame.
pub(crate) struct JournalFrame {
    /// Its RFC 6962 leaf hash.
    pub leaf: TreeHash,
    /// Position within the group that one sync made durable.
    pub in_group: u16,
    /// Offset of the byte after the frame.
    pub next: usize,
}

/// A frame as it lies: its entry is not hashed, so its check says nothing yet.
pub(crate) struct UncheckedFrame<'a> {
    /// The entry.
    pub entry: &'a [u8],
    /// Position within the group.
    pub in_group: u16,
    /// Offset of the byte after the frame.
    pub next: usize,
    check: u64,
}

impl UncheckedFrame<'_> {
    /// The entry's leaf hash, if the check holds.
    pub(crate) fn leaf(&self) -> Option<TreeHash> {
        let leaf = leaf_hash(self.entry);
        (self.check == check(&leaf, self.in_group)).then_some(leaf)
    }
}

/// Appends one frame to `out`. The caller has checked that `entry` holds 1..=65535 bytes.
pub(crate) fn encode(out: &mut Vec<u8>, index: u64, in_group: u16, entry: &[u8], leaf: &TreeHash) {
    let length = u16::try_from(entry.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&in_group.to_le_bytes());
    out.extend_from_slice(&index.to_le_bytes());
    out.extend_from_slice(&check(leaf, in_group).to_le_bytes());
    out.extend_from_slice(entry);
}

/// Decodes what lies at `offset` of `segment`, where the frame of `index` belongs.
/// `previous` is `in_group` of the frame before, `None` where that is not known.
pub(crate) fn decode(segment: &[u8], offset: usize, index: u64, previous: Option<u16>) -> FoundFrame {
    let Some(frame) = unchecked(segment, offset, index, previous) else {
        return FoundFrame::Other;
    };
    match frame.leaf() {
        Some(leaf) => FoundFrame::Frame(JournalFrame {
            leaf,
            in_group: frame.in_group,
            next: frame.next,
        }),
        None => FoundFrame::Other,
    }
}

/// [`decode`] without the check that covers the entry's bytes.
pub(crate) fn unchecked(
    segment: &[u8],
    offset: usize,
    index: u64,
    previous: Option<u16>,
) -> Option<UncheckedFrame<'_>> {
    let (header, body) = segment.get(offset..)?.split_first_chunk::<HEADER>()?;
    if !begins(header, index) {
        return None;
    }
    let [_, _, _, _, l0, l1, g0, g1, ..] = *header;
    let (length, in_group) = (usize::from(u16::from_le_bytes([l0, l1])), u16::from_le_bytes([g0, g1]));
    let follows = match previous {
        _ if in_group == 0 => true,
        Some(p) => p.checked_add(1) == Some(in_group),
        None => true,
    };
    let entry = body.get(..length).filter(|entry| follows && !entry.is_empty())?;
    Some(UncheckedFrame {
        entry,
        in_group,
        next: offset + HEADER + length,
        check: u64::from_le_bytes(*header.last_chunk()?),
    })
}

/// Whether `bytes`, as far as they reach, carry the magic and the index of the frame that belongs here: a write cut short.
pub(crate) fn begins(bytes: &[u8], index: u64) -> bool {
    let magic = bytes.iter().zip(MAGIC).all(|(a, b)| *a == b);
    magic && bytes.iter().skip(8).zip(index.to_le_bytes()).all(|(a, b)| *a == b)
}

/// Whether a frame that opens a group, of an index after `index`, lies anywhere in `segment` from `offset` on.
pub(crate) fn later_group(segment: &[u8], offset: usize, index: u64) -> bool {
    let rest = segment.get(offset..).unwrap_or_default();
    rest.windows(HEADER).enumerate().any(|(at, header)| {
        if !header.starts_with(&MAGIC) {
            return false;
        }
        let found = header
            .get(8..16)
            .and_then(|b| b.try_into().ok())
            .map(u64::from_le_bytes);
        let Some(found) = found.filter(|i| *i > index) else {
            return false;
        };
        matches!(decode(rest, at, found, None), FoundFrame::Frame(frame) if frame.in_group == 0)
    })
}

/// Index that a group of `count` frames starting at `in_group` 0 can hold at most.
pub(crate) const GROUP_FRAMES_MAX: usize = u16::MAX as usize + 1;

fn check(leaf: &TreeHash, in_group: u16) -> u64 {
    let head = leaf.first_chunk::<8>().map_or(0, |b| u64::from_le_bytes(*b));
    head ^ u64::from(in_group).wrapping_mul(MIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_survives_encoding_and_every_flipped_bit_of_it_is_seen() {
        let mut bytes = Vec::new();
        encode(&mut bytes, 7, 3, b"entry", &leaf_hash(b"entry"));
        assert!(
            matches!(decode(&bytes, 0, 7, Some(2)), FoundFrame::Frame(f) if f.leaf == leaf_hash(b"entry") && f.next == bytes.len())
        );
        assert_eq!(unchecked(&bytes, 0, 7, Some(2)).unwrap().entry, b"entry");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(
                !matches!(decode(&flipped, 0, 7, None), FoundFrame::Frame(_)),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn a_later_group_is_found_behind_garbage() {
        let mut bytes = vec![9; 50];
        encode(&mut bytes, 12, 0, b"x", &leaf_hash(b"x"));
        assert!(later_group(&bytes, 0, 11));
        assert!(!later_group(&bytes, 0, 12));
    }
}
