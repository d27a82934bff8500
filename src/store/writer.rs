//! The way to the writer: a queue of work, taken in the order in which it arrived. SQLite has one writer, PostgreSQL a few.
//! A caller that goes away loses only the answer: work in the queue is carried out whole, or not at all (`writer_task`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::batch::CommitBatch;
use super::fault::StoreFault;
use super::progress::{CallProgress, GIVE_UP_AFTER, STALLED_AFTER};
use super::statement::SqlStatement;
use heyan_ports::store::ForgetBefore;

/// Longest wait of a caller while the writer makes progress.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Between two looks of a waiting caller at the writer's progress.
const LOOK: Duration = Duration::from_millis(500);

/// One piece of work for the writer.
pub(super) enum WriterWork {
    Commit(CommitBatch),
    /// JSON array of outbox ids.
    Forget(String),
    /// The origin of the ledger that begins, and that of the one that was set aside.
    TakeOver(Arc<str>, String),
    /// A statement that adds to counts, the JSON array of its rows, and their number.
    AddUp(SqlStatement, String, usize),
    ForgetOld(ForgetBefore),
    /// A name, and what it stands for unless that is settled already.
    Settle(String, String),
    /// A hash, and the end of the time for which it is remembered, Unix seconds. Its number is 1 when it was not known.
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
    progress: Arc<CallProgress>,
}

impl StoreWriter {
    /// The way to the task that takes from this queue.
    pub(super) const fn to(queue: mpsc::Sender<WriterMessage>, progress: Arc<CallProgress>) -> Self {
        Self { queue, progress }
    }

    /// Age of the engine's call under way; zero when there is none.
    pub(super) fn oldest_wait(&self) -> Duration {
        self.progress.age()
    }

    /// Whether the task has ended: it was closed, or it died.
    pub(super) fn has_ended(&self) -> bool {
        self.queue.is_closed()
    }

    /// Waits until the work is durable or refused. While the engine does not answer, no work is taken, and callers behind the call
    /// that hangs get [`StoreFault::Late`]: whether their work was done is unknown.
    pub(super) async fn submit(&self, work: WriterWork) -> WorkOutcome {
        const STALLED: &str = "stalled";
        if self.progress.age() >= STALLED_AFTER {
            return Err(StoreFault::late(STALLED));
        }
        let (begun, (reply, answer)) = (Instant::now(), oneshot::channel());
        let mut answered = std::pin::pin!(async {
            let sent = self.queue.send(WriterMessage::Work(work, reply)).await;
            sent.map_err(|_| StoreFault::Closed)?;
            answer.await.unwrap_or(Err(StoreFault::Closed))
        });
        loop {
            match tokio::time::timeout(LOOK, &mut answered).await {
                Ok(outcome) => return outcome,
                Err(_) if self.progress.age() >= GIVE_UP_AFTER || begun.elapsed() >= WAIT_MAX => {
                    return Err(StoreFault::late(STALLED));
                }
                Err(_) => {}
            }
        }
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
