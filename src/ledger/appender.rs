//! The one thread that writes the journal: it takes all that waits, gives indexes, writes once, syncs once, then answers
//! every caller of the group. Groups form by themselves: whatever arrives while one sync runs is the next group; a timer
//! would only add its own length to every answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};
use tokio::sync::oneshot;

use super::LedgerError;
use super::frame::{self, GROUP_FRAMES_MAX, HEADER};
use super::journal::{Position, Writer, Wrote};
use super::shared::Shared;
use super::tree::{Hash, TILE};

/// What the queue carries.
pub enum Message {
    /// Entries of one caller.
    Append(Job),
    /// Nothing comes after this: finish and end.
    Stop,
}

/// Entries of one caller, which become durable together.
pub struct Job {
    /// Entries with their leaf hashes, made by the caller's thread.
    pub entries: Entries,
    /// Hears the index of the first.
    pub done: Done,
    /// When the caller handed it over.
    pub queued: Instant,
}

/// The index of a job's first entry, or why there is none.
pub type Answer = Result<u64, LedgerError>;

/// Where a job's answer goes. A blocked thread must not wait on the task's channel: inside a tokio task that channel takes
/// part in the cooperative budget, says "not yet" once the budget is spent, and a thread that never yields asks for ever.
pub enum Done {
    /// To an asynchronous task.
    Task(oneshot::Sender<Answer>),
    /// To a thread that blocks.
    Thread(Sender<Answer>),
}

impl Done {
    fn send(self, answer: Answer) {
        // Nobody may listen any more; the entry is in the log all the same.
        match self {
            Self::Task(task) => drop(task.send(answer)),
            Self::Thread(thread) => drop(thread.try_send(answer)),
        }
    }
}

/// One entry without a second allocation, or several.
pub enum Entries {
    /// The common case.
    One([(Vec<u8>, Hash); 1]),
    /// A batch.
    Many(Vec<(Vec<u8>, Hash)>),
}

impl Entries {
    /// The entries in order.
    pub fn as_slice(&self) -> &[(Vec<u8>, Hash)] {
        match self {
            Self::One(one) => one,
            Self::Many(many) => many,
        }
    }

    /// Bytes that they take in the journal.
    pub fn framed_bytes(&self) -> usize {
        self.as_slice().iter().map(|(entry, _)| HEADER + entry.len()).sum()
    }
}

/// The appender's own state.
pub struct Appender {
    pub shared: Arc<Shared>,
    pub queue: Receiver<Message>,
    pub writer: Writer,
    pub next_index: u64,
    pub group_bytes_max: usize,
}

#[derive(Default)]
struct Group {
    jobs: Vec<Job>,
    bytes: Vec<u8>,
    leaves: Vec<Hash>,
    /// Offset within the group of each frame that opens a bundle.
    bundles: Vec<u64>,
}

impl Group {
    fn clear(&mut self) {
        self.jobs.clear();
        self.bytes.clear();
        self.leaves.clear();
        self.bundles.clear();
    }

    fn fits(&self, job: &Job, bytes_max: usize) -> bool {
        self.jobs.is_empty()
            || (self.bytes.len() + job.entries.framed_bytes() <= bytes_max
                && self.leaves.len() + job.entries.as_slice().len() <= GROUP_FRAMES_MAX)
    }

    fn add(&mut self, first: u64, job: Job) {
        for (entry, leaf) in job.entries.as_slice() {
            let index = first + self.leaves.len() as u64;
            if index.is_multiple_of(TILE) {
                self.bundles.push(self.bytes.len() as u64);
            }
            let in_group = u16::try_from(self.leaves.len()).unwrap_or(u16::MAX);
            frame::encode(&mut self.bytes, index, in_group, entry, leaf);
            self.leaves.push(*leaf);
        }
        self.jobs.push(job);
    }
}

impl Appender {
    /// Runs until `Stop`. After a failure it goes on only to refuse whoever still comes.
    pub fn run(mut self) {
        let mut group = Group::default();
        let mut carried = None;
        loop {
            let message = match carried.take() {
                Some(job) => Ok(Message::Append(job)),
                None => self.queue.recv(),
            };
            let Ok(Message::Append(job)) = message else {
                break;
            };
            if self.shared.failed.load(Ordering::Acquire) {
                job.done.send(Err(LedgerError::Failed));
                continue;
            }
            group.clear();
            group.add(self.next_index, job);
            let stop = self.gather(&mut group, &mut carried);
            self.commit(&mut group);
            if stop == Stop::Yes {
                break;
            }
        }
        // Whoever came too late loses its sender here and reads that as a closed ledger.
    }

    fn gather(&self, group: &mut Group, carried: &mut Option<Job>) -> Stop {
        while let Ok(message) = self.queue.try_recv() {
            match message {
                Message::Stop => return Stop::Yes,
                Message::Append(job) if group.fits(&job, self.group_bytes_max) => group.add(self.next_index, job),
                Message::Append(job) => {
                    *carried = Some(job);
                    break;
                }
            }
        }
        Stop::No
    }

    fn commit(&mut self, group: &mut Group) {
        let counters = &self.shared.counters;
        let (first, count) = (self.next_index, group.leaves.len() as u64);
        counters.appended.fetch_add(count, Ordering::Release);
        let started = Instant::now();
        // A crash up to the sync inside `append` leaves a torn tail that nobody was answered for; `open` zeroes it.
        let wrote = match self.writer.append(first, &group.bytes) {
            Ok(wrote) => wrote,
            Err(error) => {
                self.shared.fail(error);
                for job in group.jobs.drain(..) {
                    job.done.send(Err(LedgerError::Failed));
                }
                return;
            }
        };
        counters.sync_ns.fetch_add(nanos(started), Ordering::Relaxed);
        let (at, segment) = match wrote {
            Wrote::Here(at) => (at, None),
            Wrote::NewSegment(at) => (at, Some(at.segment)),
        };
        let place = |offset: &u64| Position {
            segment: at.segment,
            offset: at.offset + offset,
        };
        let positions: Vec<Position> = group.bundles.iter().map(place).collect();
        self.next_index += count;
        self.shared.made_durable(&group.leaves, &positions, segment);
        counters.groups.fetch_add(1, Ordering::Relaxed);
        counters.last_group.store(count, Ordering::Relaxed);
        // A crash from here on loses nothing: the entries are on disk, only the answers may be missing.
        let mut index = first;
        for job in group.jobs.drain(..) {
            let entries = job.entries.as_slice().len() as u64;
            counters
                .append_ns
                .fetch_add(nanos(job.queued) * entries, Ordering::Relaxed);
            job.done.send(Ok(index));
            index += entries;
        }
    }
}

#[derive(PartialEq, Eq)]
enum Stop {
    Yes,
    No,
}

fn nanos(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
