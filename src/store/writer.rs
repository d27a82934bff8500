//! A writer: a task that takes work in the order in which it arrived. SQLite has one, PostgreSQL a few.
//! A caller that goes away loses only the answer: work in the queue is carried out whole, or not at all.
//!
//! Group commit: whatever waits when the writer comes free goes into one transaction and so shares one sync. Each
//! piece of work still stands or falls by itself: the group is first tried merged, in few statements; if any piece
//! does not stand, that is rolled back and every piece is applied under its own savepoint.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::batch::CommitBatch;
use super::engine::{EngineName, StoreEngine};
use super::fault::StoreFault;
use super::pool::{ConnectionLease, ConnectionPool};
use super::progress::{CallProgress, GIVE_UP_AFTER, STALLED_AFTER};
use super::{apply, tables};
use crate::statement::{self, SqlStatement};
use heyan_ports::store::ForgetBefore;

/// Quiet time after which the write-ahead log is copied back into the database file.
const IDLE: Duration = Duration::from_millis(500);

/// Longest wait of a caller while the writer makes progress.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Between two looks of a waiting caller at the writer's progress.
const LOOK: Duration = Duration::from_millis(500);

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
    /// A hash, and until when it is remembered, Unix seconds. Its number is 1 when it was not known.
    UseOnce([u8; 16], i64),
    Ping,
}

/// What became of a piece of work: outbox ids, for a commit.
pub(super) type WorkOutcome = Result<Vec<i64>, StoreFault>;

enum WriterMessage {
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
    /// Starts the task on the current runtime; it ends at `close`, or when the handle is dropped.
    pub(super) fn start<E: StoreEngine>(pool: Arc<ConnectionPool<E>>, limits: WriterLimits) -> Self {
        let (queue, inbox) = mpsc::channel(limits.queue.max(1));
        let progress = pool.progress();
        tokio::spawn(run(pool, inbox, limits));
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

    /// Waits until the work is durable or refused. While the engine does not answer, nothing is taken, and whoever waits behind the
    /// call that hangs is told so: what becomes of his work is unknown.
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

struct CommitGroup {
    works: Vec<WriterWork>,
    replies: Vec<oneshot::Sender<WorkOutcome>>,
    rows: usize,
    close: Option<oneshot::Sender<()>>,
}

impl CommitGroup {
    fn new() -> Self {
        Self {
            works: Vec::new(),
            replies: Vec::new(),
            rows: 0,
            close: None,
        }
    }

    fn push(&mut self, message: WriterMessage) {
        match message {
            WriterMessage::Work(work, reply) => {
                self.rows += match &work {
                    WriterWork::Commit(batch) => batch.weight(),
                    _ => 1,
                };
                self.works.push(work);
                self.replies.push(reply);
            }
            WriterMessage::Close(reply) => self.close = Some(reply),
        }
    }

    fn has_room(&self, limits: WriterLimits) -> bool {
        self.close.is_none() && self.works.len() < limits.group_jobs && self.rows < limits.group_rows
    }
}

async fn run<E: StoreEngine>(
    pool: Arc<ConnectionPool<E>>,
    mut inbox: mpsc::Receiver<WriterMessage>,
    limits: WriterLimits,
) {
    // The log of SQLite is copied back by whoever writes; PostgreSQL does it by itself.
    let checkpoints = E::ENGINE == EngineName::Sqlite;
    let mut dirty = false;
    loop {
        let first = if dirty {
            tokio::time::timeout(IDLE, inbox.recv()).await
        } else {
            Ok(inbox.recv().await)
        };
        let message = match first {
            Ok(Some(message)) => message,
            Ok(None) => break,
            Err(_) => {
                checkpoint(&pool, statement::CHECKPOINT_PASSIVE).await;
                dirty = false;
                continue;
            }
        };
        let mut group = CommitGroup::new();
        group.push(message);
        while group.has_room(limits) {
            match inbox.try_recv() {
                Ok(message) => group.push(message),
                Err(_) => break,
            }
        }
        let close = group.close.take();
        if !group.works.is_empty() {
            carry_out(&pool, group).await;
            dirty = checkpoints;
        }
        if let Some(reply) = close {
            inbox.close();
            shut(&pool).await;
            let _ = reply.send(());
            return;
        }
    }
    shut(&pool).await;
}

async fn shut<E: StoreEngine>(pool: &ConnectionPool<E>) {
    if E::ENGINE == EngineName::Sqlite {
        checkpoint(pool, statement::CHECKPOINT_TRUNCATE).await;
    }
    pool.close().await;
}

/// Failing to checkpoint loses nothing: the log stays, and the next one tries again.
async fn checkpoint<E: StoreEngine>(pool: &ConnectionPool<E>, statement: SqlStatement) {
    let done = async {
        let mut conn = pool.lend().await?;
        conn.rows(statement.name, E::call(E::text(statement))).await
    };
    if let Err(fault) = done.await {
        let error = heyan_ports::error::StoreError::from(fault);
        tracing::warn!(statement = statement.name, %error, "checkpoint failed");
    }
}

async fn carry_out<E: StoreEngine>(pool: &ConnectionPool<E>, group: CommitGroup) {
    let CommitGroup { works, replies, .. } = group;
    let outcomes = match merged(pool, &works).await {
        Ok(ids) => ids.into_iter().map(Ok).collect(),
        Err(fault) if works.len() > 1 && fault.is_of_one_commit() => match one_by_one(pool, &works).await {
            Ok(outcomes) => outcomes,
            Err(fault) => vec![Err(fault); works.len()],
        },
        Err(fault) => vec![Err(fault); works.len()],
    };
    for (reply, outcome) in replies.into_iter().zip(outcomes) {
        // A caller that no longer listens is not an error: its work is done.
        let _ = reply.send(outcome);
    }
}

/// Applies all of `works` in one transaction or nothing.
async fn merged<E: StoreEngine>(pool: &ConnectionPool<E>, works: &[WriterWork]) -> Result<Vec<Vec<i64>>, StoreFault> {
    let mut conn = pool.lend().await?;
    conn.begin().await?;
    match apply_works(&mut conn, &works.iter().collect::<Vec<_>>()).await {
        Ok(ids) => conn.commit().await.map(|()| ids),
        Err(fault) => {
            conn.roll_back().await;
            Err(fault)
        }
    }
}

/// Applies each of `works` under its own savepoint; a fault of one leaves the others standing. An error of this
/// function means that the transaction as a whole is lost.
async fn one_by_one<E: StoreEngine>(
    pool: &ConnectionPool<E>,
    works: &[WriterWork],
) -> Result<Vec<WorkOutcome>, StoreFault> {
    let mut conn = pool.lend().await?;
    conn.begin().await?;
    let mut outcomes = Vec::with_capacity(works.len());
    for work in works {
        conn.set_savepoint().await?;
        match apply_works(&mut conn, &[work]).await {
            Ok(ids) => {
                conn.release_savepoint().await?;
                outcomes.push(Ok(ids.into_iter().flatten().collect()));
            }
            Err(fault) if fault.is_of_one_commit() => {
                conn.undo_to_savepoint().await?;
                outcomes.push(Err(fault));
            }
            Err(fault) => {
                conn.roll_back().await;
                return Err(fault);
            }
        }
    }
    conn.commit().await.map(|()| outcomes)
}

async fn apply_works<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    works: &[&WriterWork],
) -> Result<Vec<Vec<i64>>, StoreFault> {
    let none = CommitBatch::none();
    let batches: Vec<&CommitBatch> = works
        .iter()
        .map(|work| match work {
            WriterWork::Commit(batch) => batch,
            _ => &none,
        })
        .collect();
    let mut ids = tables::apply_all(conn, &batches).await?;
    for (work, numbers) in works.iter().zip(&mut ids) {
        match work {
            WriterWork::Commit(_) => {}
            WriterWork::Forget(ids) => tables::forget_entries(conn, ids).await?,
            WriterWork::Usage(usage, rows) => tables::add_usage(conn, usage, *rows).await?,
            WriterWork::ForgetOld(before) => tables::forget_old(conn, *before).await?,
            WriterWork::Settle(name, value) => tables::settle(conn, name, value).await?,
            WriterWork::UseOnce(hash, until_s) => {
                let taken = tables::use_once(conn, *hash, *until_s).await?;
                numbers.push(i64::try_from(taken).unwrap_or_default());
            }
            WriterWork::Ping => apply::ping(conn).await?,
        }
    }
    Ok(ids)
}
