//! The one thread that writes the journal: it takes all that waits, gives indexes, writes once, syncs once, then answers
//! every caller of the group. Groups form by themselves: whatever arrives while one sync runs is the next group; a timer
//! would only add its own length to every answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::condition::LedgerCondition;
use super::intake::{AppendJob, QueueMessage};
use super::mailbox::{DoneParcel, EntryParcel, LaneMailbox};
use super::shared::SharedLedger;
use crate::LedgerError;
use crate::disk::frame::{self, GROUP_FRAMES_MAX, HEADER};
use crate::disk::journal::{FramePosition, JournalWriter, WriteFault, WroteGroup};
use crate::tree::{TILE, TreeHash};

/// Between two tries to write again after a write that failed.
const RETRY: Duration = Duration::from_secs(1);

/// A lane as the appender sees it.
pub(crate) struct ToLane {
    mailbox: Arc<LaneMailbox>,
    brought: Vec<DoneParcel>,
}

/// What a group is made of.
enum GroupPart {
    Job(AppendJob),
    Parcel(EntryParcel),
}

impl GroupPart {
    fn entries(&self) -> usize {
        match self {
            Self::Job(job) => job.entries.as_slice().len(),
            Self::Parcel(parcel) => parcel.entries.len(),
        }
    }

    /// When its first entry was handed over.
    fn queued(&self) -> Option<Instant> {
        match self {
            Self::Job(job) => Some(job.queued),
            Self::Parcel(parcel) => parcel.entries.first().map(|entry| entry.queued),
        }
    }

    /// Bytes that it takes in the journal.
    fn framed_bytes(&self) -> usize {
        match self {
            Self::Job(job) => job.entries.framed_bytes(),
            Self::Parcel(parcel) => parcel.bytes.len() + HEADER * parcel.entries.len(),
        }
    }
}

/// The appender's own state.
pub(crate) struct Appender {
    pub shared: Arc<SharedLedger>,
    pub queue: Receiver<QueueMessage>,
    pub writer: JournalWriter,
    pub next_index: u64,
    pub group_bytes_max: usize,
    /// By number; a lane is met with its first job.
    pub lanes: Vec<ToLane>,
    /// After a write that failed before its sync: when it is tried again.
    pub again_at: Option<Instant>,
}

#[derive(Default)]
struct WriteGroup {
    parts: Vec<GroupPart>,
    bytes: Vec<u8>,
    leaves: Vec<TreeHash>,
    /// Offset within the group of each frame that opens a bundle.
    bundles: Vec<u64>,
}

impl WriteGroup {
    fn clear(&mut self) {
        self.parts.clear();
        self.bytes.clear();
        self.leaves.clear();
        self.bundles.clear();
    }

    fn fits(&self, part: &GroupPart, bytes_max: usize) -> bool {
        self.parts.is_empty()
            || (self.bytes.len() + part.framed_bytes() <= bytes_max
                && self.leaves.len() + part.entries() <= GROUP_FRAMES_MAX)
    }

    fn add(&mut self, first: u64, part: GroupPart) {
        match &part {
            GroupPart::Job(job) => {
                for (entry, leaf) in job.entries.as_slice() {
                    self.add_entry(first, entry, leaf);
                }
            }
            GroupPart::Parcel(parcel) => {
                let mut begin = 0;
                for entry in &parcel.entries {
                    let bytes = parcel.bytes.get(begin..entry.end).unwrap_or_default();
                    self.add_entry(first, bytes, &entry.leaf);
                    begin = entry.end;
                }
            }
        }
        self.parts.push(part);
    }

    fn add_entry(&mut self, first: u64, entry: &[u8], leaf: &TreeHash) {
        let index = first + self.leaves.len() as u64;
        if index.is_multiple_of(TILE) {
            self.bundles.push(self.bytes.len() as u64);
        }
        let in_group = u16::try_from(self.leaves.len()).unwrap_or(u16::MAX);
        frame::encode(&mut self.bytes, index, in_group, entry, leaf);
        self.leaves.push(*leaf);
    }
}

impl Appender {
    /// Runs until `Stop`. After a failure it continues only to refuse further entries.
    pub(crate) fn run(mut self) {
        let mut group = WriteGroup::default();
        let mut carried = None;
        loop {
            let part = match carried.take() {
                Some(part) => Some(part),
                None => self.next(),
            };
            let Some(part) = part else { break };
            let refuses = [LedgerCondition::Failed, LedgerCondition::Blocked];
            if refuses.contains(&self.shared.condition()) {
                self.answer(part, None);
                self.deliver();
                continue;
            }
            group.clear();
            group.add(self.next_index, part);
            let stop = self.gather(&mut group, &mut carried);
            self.commit(&mut group);
            if stop == AppenderStop::Yes {
                break;
            }
        }
        // An entry that comes too late has its sender dropped here, which its caller reads as a closed ledger; lanes learn it by
        // `LanesClosed`.
    }

    /// The next part; while the disk refuses writes, tries to write again each second. `None`: stop.
    fn next(&mut self) -> Option<GroupPart> {
        loop {
            let Some(again_at) = self.again_at else {
                return self.queue.recv().ok().and_then(QueueMessage::part);
            };
            match self.queue.recv_deadline(again_at) {
                Ok(message) if Instant::now() < again_at => return message.part(),
                Ok(message) => {
                    self.mend();
                    return message.part();
                }
                Err(RecvTimeoutError::Timeout) => self.mend(),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Removes what a failed write left; on success entries are accepted again.
    fn mend(&mut self) {
        match self.writer.mend() {
            Ok(()) => {
                self.again_at = None;
                self.shared.unblock();
            }
            Err(fault) => self.refuse(fault),
        }
    }

    fn refuse(&mut self, fault: WriteFault) {
        match fault {
            WriteFault::Retry(error) => {
                self.again_at = Some(Instant::now() + RETRY);
                self.shared.block(error);
            }
            WriteFault::Final(error) => {
                self.again_at = None;
                self.shared.fail(error);
            }
        }
    }

    /// Answers a part whose first entry has the index `first`; `None`: the ledger failed. Lanes hear of it with `deliver`.
    fn answer(&mut self, part: GroupPart, first: Option<u64>) {
        let parcel = match part {
            // The caller may be gone; the entry is in the log all the same.
            GroupPart::Job(job) => return drop(job.done.send(first.ok_or(self.refusal()))),
            GroupPart::Parcel(parcel) => parcel,
        };
        let known = self.lanes.len();
        if parcel.lane >= known {
            let new = self.shared.lanes().into_iter().skip(known);
            self.lanes.extend(new.map(|mailbox| ToLane {
                mailbox,
                brought: Vec::new(),
            }));
        }
        if let Some(to) = self.lanes.get_mut(parcel.lane) {
            to.brought.push(DoneParcel { parcel, first });
        }
    }

    fn refusal(&self) -> LedgerError {
        match self.shared.condition() {
            LedgerCondition::Blocked => LedgerError::Blocked,
            _ => LedgerError::Failed,
        }
    }

    /// Brings each lane what it waits for.
    fn deliver(&mut self) {
        for to in &mut self.lanes {
            if !to.brought.is_empty() {
                to.mailbox.bring(&mut to.brought);
            }
        }
    }

    fn gather(&self, group: &mut WriteGroup, carried: &mut Option<GroupPart>) -> AppenderStop {
        while let Ok(message) = self.queue.try_recv() {
            match message.part() {
                None => return AppenderStop::Yes,
                Some(part) if group.fits(&part, self.group_bytes_max) => group.add(self.next_index, part),
                Some(part) => {
                    *carried = Some(part);
                    break;
                }
            }
        }
        AppenderStop::No
    }

    fn commit(&mut self, group: &mut WriteGroup) {
        let shared = Arc::clone(&self.shared);
        let counters = &shared.counters;
        let (first, count) = (self.next_index, group.leaves.len() as u64);
        let started = Instant::now();
        let oldest = group.parts.first().and_then(GroupPart::queued);
        shared.begin_group(oldest.unwrap_or(started));
        // A crash up to the sync inside `append` leaves a torn tail; no answer was sent for its entries, and `open` zeroes it.
        let wrote = self.writer.append(first, &group.bytes);
        shared.end_group();
        let wrote = match wrote {
            Ok(wrote) => wrote,
            Err(fault) => {
                self.refuse(fault);
                for part in group.parts.drain(..) {
                    self.answer(part, None);
                }
                self.deliver();
                return;
            }
        };
        counters.sync_ns.fetch_add(nanos(started.elapsed()), Ordering::Relaxed);
        let (at, segment) = match wrote {
            WroteGroup::Here(at) => (at, None),
            WroteGroup::NewSegment(at) => (at, Some(at.segment)),
        };
        let place = |offset: &u64| FramePosition {
            segment: at.segment,
            offset: at.offset + offset,
        };
        let positions: Vec<FramePosition> = group.bundles.iter().map(place).collect();
        self.next_index += count;
        counters.appended.fetch_add(count, Ordering::Release);
        self.shared.made_durable(&group.leaves, &positions, segment);
        counters.groups.fetch_add(1, Ordering::Relaxed);
        counters.last_group.store(count, Ordering::Relaxed);
        // A crash from here on loses nothing: the entries are on disk, only the answers may be missing.
        let (mut index, mut waited_ns, now) = (first, 0, Instant::now());
        let mut waited =
            |since: Instant, entries: u64| waited_ns += nanos(now.saturating_duration_since(since)) * entries;
        for part in group.parts.drain(..) {
            let entries = part.entries() as u64;
            match &part {
                GroupPart::Job(job) => waited(job.queued, entries),
                GroupPart::Parcel(parcel) => parcel.entries.iter().for_each(|entry| waited(entry.queued, 1)),
            }
            self.answer(part, Some(index));
            index += entries;
        }
        counters.append_ns.fetch_add(waited_ns, Ordering::Relaxed);
        self.deliver();
    }
}

impl QueueMessage {
    /// What is to be appended; `None`: stop.
    fn part(self) -> Option<GroupPart> {
        match self {
            Self::Append(job) => Some(GroupPart::Job(job)),
            Self::Parcel(parcel) => Some(GroupPart::Parcel(parcel)),
            Self::Stop => None,
        }
    }
}

#[derive(PartialEq, Eq)]
enum AppenderStop {
    Yes,
    No,
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
