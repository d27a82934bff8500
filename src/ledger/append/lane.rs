//! A worker thread's own way into the ledger. What its tasks append in one turn of the thread goes to the appender in one
//! piece, and the answers of a group come back in one piece: a hand-over between threads costs a system call, and a group
//! has dozens of entries of one worker. The pieces travel in circles, so that handing over allocates nothing.
//!
//! Order: a caller takes a slot, *then* its entry leaves with the next parcel; the appender drops its queue, *then* closes the
//! mailboxes. So the callers of every parcel that got into the queue are answered, or told that the ledger is gone.

use std::{
    cell::RefCell,
    future::poll_fn,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use super::intake::{EntryIntake, QueueMessage, hash_checked};
use super::mailbox::{DoneParcel, EntryParcel, LaneMailbox, ParcelEntry};
use crate::{AppendedEntry, LedgerError, disk::frame::HEADER, tree::TreeHash};

/// Entries after which a parcel leaves in the middle of a turn, so that its sync runs while the others are answered.
const PARCEL_ENTRIES: usize = 32;

/// Parcels that are kept for the next time.
const SPARE_MAX: usize = 8;

/// One thread's way in; of tasks that run on that thread's `LocalSet`.
pub struct AppendLane {
    shared: Rc<LaneLocal>,
}

/// What the lane's callers and its own task share.
struct LaneLocal {
    number: usize,
    mailbox: Arc<LaneMailbox>,
    intake: Arc<EntryIntake>,
    slots: RefCell<CallerSlots>,
    outgoing: RefCell<OutgoingParcel>,
}

/// The parcel that is being filled.
#[derive(Default)]
struct OutgoingParcel {
    parcel: EntryParcel,
    spare: Vec<EntryParcel>,
    /// The lane's own task; `None` until it runs.
    task: Option<Waker>,
    served: bool,
}

impl AppendLane {
    pub(crate) fn new(number: usize, mailbox: Arc<LaneMailbox>, intake: Arc<EntryIntake>) -> Self {
        Self {
            shared: Rc::new(LaneLocal {
                number,
                mailbox,
                intake,
                slots: RefCell::default(),
                outgoing: RefCell::default(),
            }),
        }
    }

    /// Appends one entry to the ledger that the lane belongs to; returns once it is on disk.
    ///
    /// # Errors
    /// As [`crate::Ledger::append`]. Dropping the future does not take the entry back.
    pub async fn append(&self, entry: &[u8], queued: Instant) -> Result<AppendedEntry, LedgerError> {
        let leaf = hash_checked(entry)?;
        let local = &*self.shared;
        local.intake.open()?;
        // The ledger accepts again, so what the mailbox says of an earlier stall is not about this entry.
        let _of_earlier_stall = local.mailbox.gave_up();
        if entry.len() + HEADER > local.intake.segment_bytes {
            return Err(LedgerError::BatchSize);
        }
        self.serve();
        let slot = local.slots.borrow_mut().take(local.intake.queue_max);
        let place = CallerPlace {
            slots: &local.slots,
            slot: slot.ok_or_else(|| local.intake.busy())?,
        };
        local.put(entry, leaf, place.slot, queued);
        match poll_fn(|context| place.slots.borrow_mut().poll(place.slot, context.waker())).await {
            CallerTold::At(index) => Ok(AppendedEntry { index, leaf }),
            CallerTold::Busy => Err(LedgerError::Busy),
            CallerTold::Late => Err(LedgerError::Stalled),
            CallerTold::Gone => Err(local.intake.gone()),
        }
    }

    /// Starts the lane's own task, once: it sends what has gathered when the tasks that were ready have had their turn, and
    /// hands out what the appender brings.
    fn serve(&self) {
        if std::mem::replace(&mut self.shared.outgoing.borrow_mut().served, true) {
            return;
        }
        let (local, mut brought) = (Rc::clone(&self.shared), Vec::new());
        tokio::task::spawn_local(poll_fn(move |context| local.turn(context, &mut brought)));
    }
}

impl LaneLocal {
    fn put(&self, entry: &[u8], leaf: TreeHash, slot: u32, queued: Instant) {
        let mut outgoing = self.outgoing.borrow_mut();
        let gathered = &outgoing.parcel;
        let framed = gathered.bytes.len() + entry.len() + HEADER * (gathered.entries.len() + 1);
        if framed > self.intake.group_bytes_max {
            drop(outgoing);
            self.send();
            outgoing = self.outgoing.borrow_mut();
        }
        let parcel = &mut outgoing.parcel;
        parcel.bytes.extend_from_slice(entry);
        let end = parcel.bytes.len();
        parcel.entries.push(ParcelEntry {
            end,
            leaf,
            slot,
            queued,
        });
        let gathered = parcel.entries.len();
        if gathered >= PARCEL_ENTRIES {
            drop(outgoing);
            self.send();
        } else if gathered == 1
            && let Some(task) = &outgoing.task
        {
            task.wake_by_ref();
        }
    }

    fn turn(&self, context: &Context<'_>, brought: &mut Vec<DoneParcel>) -> Poll<()> {
        self.outgoing
            .borrow_mut()
            .task
            .get_or_insert_with(|| context.waker().clone());
        self.send();
        let closed = self.mailbox.take(context.waker(), brought);
        for DoneParcel { parcel, first } in brought.drain(..) {
            self.hand_out(parcel, first.map_or(CallerTold::Gone, CallerTold::At));
        }
        if closed {
            self.slots.borrow_mut().close();
            return Poll::Ready(());
        }
        if self.mailbox.gave_up() {
            self.slots.borrow_mut().give_up();
        }
        Poll::Pending
    }

    /// Sends the parcel that has gathered.
    fn send(&self) {
        let mut outgoing = self.outgoing.borrow_mut();
        if outgoing.parcel.entries.is_empty() {
            return;
        }
        let next = outgoing.spare.pop().unwrap_or_default();
        let mut parcel = std::mem::replace(&mut outgoing.parcel, next);
        drop(outgoing);
        parcel.lane = self.number;
        let Err(refused) = self.intake.queue.try_send(QueueMessage::Parcel(parcel)) else {
            return;
        };
        let told = match self.intake.refusal(&refused) {
            LedgerError::Busy => CallerTold::Busy,
            _ => CallerTold::Gone,
        };
        if let QueueMessage::Parcel(back) = refused.into_inner() {
            self.hand_out(back, told);
        }
    }

    /// Tells the callers of a parcel; `told` is for the first of them.
    fn hand_out(&self, mut parcel: EntryParcel, told: CallerTold) {
        let mut slots = self.slots.borrow_mut();
        for (offset, entry) in (0..).zip(parcel.entries.drain(..)) {
            slots.answer(entry.slot, told.after(offset));
        }
        parcel.bytes.clear();
        let spare = &mut self.outgoing.borrow_mut().spare;
        if spare.len() < SPARE_MAX {
            spare.push(parcel);
        }
    }
}

#[derive(Default)]
struct CallerSlots {
    all: Vec<CallerSlot>,
    free: Vec<u32>,
    gone: bool,
}

/// What a caller is told.
#[derive(Clone, Copy)]
enum CallerTold {
    /// His entry is on disk, with this index.
    At(u64),
    /// The queue was full.
    Busy,
    /// The disk does not answer; the entry may still get there.
    Late,
    /// The ledger takes nothing any more.
    Gone,
}

impl CallerTold {
    /// What the caller `offset` places further is told.
    fn after(self, offset: u64) -> Self {
        match self {
            Self::At(first) => Self::At(first + offset),
            refused => refused,
        }
    }
}

enum CallerSlot {
    Free,
    /// Queued; the caller's task, once it has asked.
    Waiting(Option<Waker>),
    Answered(CallerTold),
    /// Its caller is told not to wait any longer; the answer is still due.
    GivenUp,
    /// Its caller went away before the answer came.
    Abandoned,
}

/// A caller's slot, given back however the wait ends.
struct CallerPlace<'a> {
    slots: &'a RefCell<CallerSlots>,
    slot: u32,
}

impl Drop for CallerPlace<'_> {
    fn drop(&mut self) {
        self.slots.borrow_mut().leave(self.slot);
    }
}

impl CallerSlots {
    /// A slot, unless `slots_max` wait already.
    fn take(&mut self, slots_max: usize) -> Option<u32> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.all.len() >= slots_max => return None,
            None => {
                self.all.push(CallerSlot::Free);
                u32::try_from(self.all.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.set(slot, CallerSlot::Waiting(None));
        Some(slot)
    }

    fn at(&mut self, slot: u32) -> Option<&mut CallerSlot> {
        self.all.get_mut(usize::try_from(slot).ok()?)
    }

    fn set(&mut self, slot: u32, to: CallerSlot) {
        if let Some(at) = self.at(slot) {
            *at = to;
        }
    }

    fn poll(&mut self, slot: u32, waker: &Waker) -> Poll<CallerTold> {
        let gone = self.gone;
        match self.at(slot) {
            Some(CallerSlot::Answered(told)) => Poll::Ready(*told),
            Some(CallerSlot::GivenUp) => Poll::Ready(CallerTold::Late),
            Some(CallerSlot::Waiting(waiting)) if !gone => {
                match waiting {
                    Some(known) => known.clone_from(waker),
                    None => *waiting = Some(waker.clone()),
                }
                Poll::Pending
            }
            _ => Poll::Ready(CallerTold::Gone),
        }
    }

    fn answer(&mut self, slot: u32, told: CallerTold) {
        match self.at(slot) {
            Some(CallerSlot::Waiting(waiting)) => {
                let waiting = waiting.take();
                self.set(slot, CallerSlot::Answered(told));
                if let Some(waker) = waiting {
                    waker.wake();
                }
            }
            Some(CallerSlot::GivenUp) => self.set(slot, CallerSlot::Answered(told)),
            Some(CallerSlot::Abandoned) => self.give_back(slot),
            _ => {}
        }
    }

    /// An answer may still be on its way to a slot that its caller left: only then is it free.
    fn leave(&mut self, slot: u32) {
        let gone = self.gone;
        match self.at(slot) {
            Some(CallerSlot::Waiting(_) | CallerSlot::GivenUp) if !gone => self.set(slot, CallerSlot::Abandoned),
            _ => self.give_back(slot),
        }
    }

    fn give_back(&mut self, slot: u32) {
        self.set(slot, CallerSlot::Free);
        self.free.push(slot);
    }

    /// Tells each waiting caller not to wait any longer.
    fn give_up(&mut self) {
        for slot in &mut self.all {
            if let CallerSlot::Waiting(waiting) = slot {
                let waiting = waiting.take();
                *slot = CallerSlot::GivenUp;
                if let Some(waker) = waiting {
                    waker.wake();
                }
            }
        }
    }

    /// Answers no further caller.
    fn close(&mut self) {
        self.gone = true;
        for slot in &mut self.all {
            if let CallerSlot::Waiting(Some(waker)) = slot {
                waker.wake_by_ref();
            }
        }
    }
}
