//! The journal: `journal/<first index, 20 digits>.log`, segments filled with zeros beforehand, so that a sync of appended
//! entries touches data only. Writing real zeros matters: `fallocate` leaves unwritten extents, and turning those into
//! written ones puts a file-system transaction into every sync.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::frame::{self, ENTRY_BYTES_MAX, HEADER};
use super::scan::LogDamage;
use super::{UNFINISHED, create, patiently, sync_dir};

/// Directory of the segments.
pub(crate) const DIRECTORY: &str = "journal";
/// A segment of zeros kept ready, so that a full segment does not hold up an answer.
pub(crate) const SPARE: &str = "spare";
/// Bytes of the spare that are written between two syncs.
const SPARE_PIECE_BYTES: u64 = 1 << 20;
/// Bytes of one record of `bundles.idx`.
pub(crate) const POSITION_BYTES: usize = 16;

/// Where a frame begins: its segment and the offset there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FramePosition {
    /// First index of the segment, which is its name.
    pub segment: u64,
    /// Offset in bytes.
    pub offset: u64,
}

impl FramePosition {
    /// Little-endian segment, then offset: one record of `bundles.idx`.
    pub(crate) fn to_bytes(self) -> [u8; POSITION_BYTES] {
        (u128::from(self.segment) | (u128::from(self.offset) << 64)).to_le_bytes()
    }

    /// The inverse of `to_bytes`.
    pub(crate) fn from_bytes(bytes: [u8; POSITION_BYTES]) -> Self {
        let both = u128::from_le_bytes(bytes);
        let (low, high) = (both & u128::from(u64::MAX), both >> 64);
        Self {
            segment: u64::try_from(low).unwrap_or(u64::MAX),
            offset: u64::try_from(high).unwrap_or(u64::MAX),
        }
    }
}

/// File name of the segment that begins with `first`.
pub(crate) fn segment_name(first: u64) -> String {
    format!("{first:020}.log")
}

/// The first index in a segment's file name; `None` when it is no segment.
pub(crate) fn parse_name(name: &str) -> Option<u64> {
    let digits = name
        .strip_suffix(".log")
        .filter(|d| d.len() == 20 && d.bytes().all(|b| b.is_ascii_digit()))?;
    digits.parse().ok()
}

/// First indexes of all segments, ascending. Other files are passed over.
pub(crate) fn segments(journal: &Path) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(journal)? {
        found.extend(entry?.file_name().to_str().and_then(parse_name));
    }
    found.sort_unstable();
    Ok(found)
}

/// Makes the spare segment when there is none.
pub(crate) fn prepare_spare(journal: &Path, bytes: u64) -> io::Result<()> {
    let (spare, unfinished) = (journal.join(SPARE), journal.join(format!("{SPARE}{UNFINISHED}")));
    if fs::metadata(&spare).is_ok_and(|m| m.len() == bytes) {
        return Ok(());
    }
    let file = create(&unfinished)?;
    let mut at = 0;
    while at < bytes {
        // Synced in pieces: a whole segment in one flush would hold up the groups that are synced meanwhile.
        let to = bytes.min(at + SPARE_PIECE_BYTES);
        write_zeros(&file, at, to)?;
        file.sync_data()?;
        at = to;
    }
    fs::rename(unfinished, spare)
}

/// The end of the journal that is being written.
pub(crate) struct JournalWriter {
    journal: PathBuf,
    file: File,
    segment: u64,
    offset: u64,
    capacity: u64,
    segment_bytes: u64,
    unfinished: UnfinishedWrite,
}

/// What a write that failed before its sync has left to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UnfinishedWrite {
    Nothing,
    /// Bytes behind the end may be of a group for which no answer was sent.
    Tail(u64),
    /// The next segment could not be made.
    Segment,
}

/// Why a group is not on disk.
pub(crate) enum WriteFault {
    /// Nothing was synced: it can be tried again after `mend`.
    Retry(io::Error),
    /// A sync failed, or the journal is gone: nothing is known about the disk any more.
    Final(io::Error),
}

impl WriteFault {
    fn before_sync(error: io::Error) -> Self {
        match error.kind() {
            // A folder that was removed does not come back with its segments.
            io::ErrorKind::NotFound => Self::Final(error),
            _ => Self::Retry(error),
        }
    }
}

/// What one group's write did to the list of segments.
pub(crate) enum WroteGroup {
    /// It went into the current segment.
    Here(FramePosition),
    /// It opened a new segment.
    NewSegment(FramePosition),
}

impl JournalWriter {
    /// Goes on in `segment` behind `offset`; `segment` is created when it does not exist.
    pub(crate) fn open(journal: &Path, segment: u64, offset: u64, segment_bytes: u64) -> io::Result<Self> {
        let path = journal.join(segment_name(segment));
        if !path.exists() {
            create_segment(journal, segment, segment_bytes)?;
        }
        let file = File::options().read(true).write(true).open(path)?;
        let mut capacity = file.metadata()?.len();
        if capacity < segment_bytes {
            // A crash between cutting a full segment and creating the next leaves the newest one cut: fill it up again.
            write_zeros(&file, capacity, segment_bytes)?;
            file.sync_all()?;
            capacity = segment_bytes;
        }
        Ok(Self {
            journal: journal.to_path_buf(),
            file,
            segment,
            offset,
            capacity,
            segment_bytes,
            unfinished: UnfinishedWrite::Nothing,
        })
    }

    /// Overwrites `bytes` behind the end with zeros: what a torn write left.
    pub(crate) fn clear(&self, bytes: u64) -> io::Result<()> {
        write_zeros(&self.file, self.offset, self.offset + bytes)?;
        self.file.sync_data()
    }

    /// Writes one group whose first frame has `first` and makes it durable. The group never spans segments.
    ///
    /// # Errors
    /// After `Retry` the next call is `mend`. `Final` leaves the writer unusable: what a failed sync wrote cannot be known, so it must
    /// never be retried.
    pub(crate) fn append(&mut self, first: u64, group: &[u8]) -> Result<WroteGroup, WriteFault> {
        let length = group.len() as u64;
        let rolled = self.offset + length > self.capacity;
        if rolled {
            self.roll(first)?;
        }
        let at = FramePosition {
            segment: self.segment,
            offset: self.offset,
        };
        self.unfinished = UnfinishedWrite::Tail(length);
        self.file
            .write_all_at(group, self.offset)
            .map_err(WriteFault::before_sync)?;
        // A crash before this line loses only entries for which no answer was sent; after it, none can be lost.
        self.file.sync_data().map_err(WriteFault::Final)?;
        self.unfinished = UnfinishedWrite::Nothing;
        self.offset += length;
        Ok(if rolled {
            WroteGroup::NewSegment(at)
        } else {
            WroteGroup::Here(at)
        })
    }

    /// Removes what a failed write left, or shows that there is room for the next segment. Nothing of the group is written.
    ///
    /// # Errors
    /// As `append`.
    pub(crate) fn mend(&mut self) -> Result<(), WriteFault> {
        match self.unfinished {
            UnfinishedWrite::Nothing => {}
            UnfinishedWrite::Tail(bytes) => {
                write_zeros(&self.file, self.offset, self.offset + bytes).map_err(WriteFault::before_sync)?;
                self.file.sync_data().map_err(WriteFault::Final)?;
            }
            UnfinishedWrite::Segment => {
                prepare_spare(&self.journal, self.segment_bytes).map_err(WriteFault::before_sync)?;
            }
        }
        self.unfinished = UnfinishedWrite::Nothing;
        Ok(())
    }

    fn roll(&mut self, first: u64) -> Result<(), WriteFault> {
        self.unfinished = UnfinishedWrite::Segment;
        // 1. Cut the full segment. A crash after it leaves a newest segment without room, which `open` fills up.
        self.file.set_len(self.offset).map_err(WriteFault::before_sync)?;
        self.capacity = self.offset;
        self.file.sync_all().map_err(WriteFault::Final)?;
        // 2. Name the next one. A crash after it leaves a newest segment of zeros, which is an empty tail. Its sync is of zeros only.
        create_segment(&self.journal, first, self.segment_bytes).map_err(WriteFault::before_sync)?;
        let path = self.journal.join(segment_name(first));
        let opened = patiently(|| File::options().read(true).write(true).open(&path));
        self.file = opened.map_err(WriteFault::before_sync)?;
        (self.segment, self.offset, self.capacity) = (first, 0, self.segment_bytes);
        Ok(())
    }
}

/// Reads entries `[first, end)`, the frame of `first` lying at `start`. Those from `checked_from` on are hashed and held against
/// their frames' checks; those before it are only stepped over, or were written a moment ago by this process.
///
/// # Errors
/// `LogDamage` when a frame that must be there is not whole; its index is named.
pub(crate) fn read(
    journal: &Path,
    segments: &[u64],
    start: FramePosition,
    (first, end): (u64, u64),
    checked_from: u64,
    mut visit: impl FnMut(u64, &[u8]),
) -> io::Result<Result<(), LogDamage>> {
    let (mut at, mut index, mut previous) = (start, first, None);
    let mut file = File::open(journal.join(segment_name(at.segment)))?;
    let (mut buffer, mut cursor) = (Vec::new(), 0);
    while index < end {
        if index != at.segment && segments.binary_search(&index).is_ok() {
            at = FramePosition {
                segment: index,
                offset: 0,
            };
            file = File::open(journal.join(segment_name(index)))?;
            (cursor, previous) = (0, None);
            buffer.clear();
        }
        if buffer.len() - cursor < HEADER + ENTRY_BYTES_MAX {
            buffer.drain(..cursor);
            cursor = 0;
            at.offset += fill(&file, at.offset, &mut buffer)?;
        }
        let lies = frame::unchecked(&buffer, cursor, index, previous);
        let Some(frame) = lies.filter(|frame| index < checked_from || frame.leaf().is_some()) else {
            return Ok(Err(LogDamage::at(index, "the journal does not hold this entry")));
        };
        visit(index, frame.entry);
        (cursor, previous) = (frame.next, Some(frame.in_group));
        index += 1;
    }
    Ok(Ok(()))
}

/// Appends up to two largest frames' worth of bytes from `offset`. Returns their number.
fn fill(file: &File, offset: u64, buffer: &mut Vec<u8>) -> io::Result<u64> {
    let held = buffer.len();
    buffer.resize(held + 2 * (HEADER + ENTRY_BYTES_MAX), 0);
    let mut filled = held;
    while let Some(room) = buffer.get_mut(filled..).filter(|r| !r.is_empty()) {
        match file.read_at(room, offset + (filled - held) as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    buffer.truncate(filled);
    Ok((filled - held) as u64)
}

fn create_segment(journal: &Path, first: u64, bytes: u64) -> io::Result<()> {
    let (spare, name) = (journal.join(SPARE), journal.join(segment_name(first)));
    if fs::metadata(&spare).is_ok_and(|m| m.len() == bytes) {
        fs::rename(spare, name)?;
    } else {
        let unfinished = journal.join(format!("next{UNFINISHED}"));
        zeros(&unfinished, bytes)?;
        fs::rename(unfinished, name)?;
    }
    sync_dir(journal)
}

fn zeros(path: &Path, bytes: u64) -> io::Result<()> {
    let file = patiently(|| create(path))?;
    write_zeros(&file, 0, bytes)?;
    file.sync_all()
}

fn write_zeros(file: &File, from: u64, to: u64) -> io::Result<()> {
    let block = vec![0; 256 * 1024];
    let mut at = from;
    while at < to {
        let length = usize::try_from(to - at).unwrap_or(usize::MAX).min(block.len());
        file.write_all_at(block.get(..length).unwrap_or_default(), at)?;
        at += length as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_positions_round_trip_and_foreign_names_are_passed_over() {
        assert_eq!(parse_name(&segment_name(1_234)), Some(1_234));
        assert_eq!(parse_name("1.log"), None);
        assert_eq!(parse_name("+0000000000000000001.log"), None);
        let position = FramePosition {
            segment: u64::MAX - 1,
            offset: 77,
        };
        assert_eq!(FramePosition::from_bytes(position.to_bytes()), position);
    }
}
