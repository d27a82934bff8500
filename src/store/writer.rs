//! The way to the writer: a queue of work, taken in the order in which it arrived. SQLite has one writer, PostgreSQL a few.
//! A caller that goes away loses only the answer: work in the queue is carried out whole, or not at all (`writer_task`).

use tokio::sync::{mpsc, oneshot};

use super::batch::CommitBatch;
use super::fault::StoreFault;
use heyan_ports::store::ForgetBefore;

/// One piece of work for the writer.
pub(super) enum WriterWork {
    Commit(CommitBatch),
    /// JSON array of outbox ids.
    Forget(String),
    /// JSON array of `[grant, day, used]`, and its length.
    Usage(String, usize),
    ForgetOld(ForgetBefore),
    /// A name, and what it stands for unless that is settled already.
    Settle(String, String),
    /// A hash, and the end of the time for which it is remembered, Unix seconds. Its number is 1 if the hash was not known.
    UseOnce([u8; 16], i64),
    Ping,
}

/// What became of a piece of work: outbox ids, for a commit.
pub(super) type WorkOutcome = Result<Vec<i64>, StoreFault>;

pub(super) enum WriterMessage {
    Work(WriterWork, oneshot::Sender<WorkOutcome>),
    Close(oneshot::Sender<()>),
}

/// Bounds of the queue and of one group.
#[derive(Clone, Copy)]
pub(super) struct WriterLimits {
    /// Pieces of work that may wait; further callers wait to be let in, first come first served.
    pub(super) queue: usize,
    /// Pieces of work of one transaction.
    pub(super) group_jobs: usize,
    /// Rows of one transaction after which no further piece joins.
    pub(super) group_rows: usize,
}

/// Hands work to the writer task.
pub(super) struct StoreWriter {
    queue: mpsc::Sender<WriterMessage>,
}

impl StoreWriter {
    /// The way to the task that takes from this queue.
    pub(super) fn to(queue: mpsc::Sender<WriterMessage>) -> Self {
        Self { queue }
    }

    /// Waits until the work is durable or refused.
    pub(super) async fn submit(&self, work: WriterWork) -> WorkOutcome {
        let (reply, answer) = oneshot::channel();
        self.queue
            .send(WriterMessage::Work(work, reply))
            .await
            .map_err(|_| StoreFault::Closed)?;
        answer.await.unwrap_or(Err(StoreFault::Closed))
    }

    /// Finishes the work that already waits, checkpoints and closes the connection.
    pub(super) async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.queue.send(WriterMessage::Close(reply)).await.is_ok() {
            // An error here means that the task ended before it could say so: closed all the same.
            let _ = answer.await;
        }
    }
}
