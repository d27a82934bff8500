//! The writer: a task that takes work in the order in which it arrived, until it is closed.
//!
//! Group commit: whatever waits when the writer comes free goes into one transaction and so shares one sync. Each
//! piece of work still stands or falls by itself: the group is first tried merged, in few statements; if any piece
//! does not stand, that is rolled back and every piece is applied under its own savepoint.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::batch::CommitBatch;
use super::engine::{EngineName, StatementCall, StoreEngine};
use super::fault::StoreFault;
use super::pool::{ConnectionLease, ConnectionPool};
use super::writer::{StoreWriter, WorkOutcome, WriterLimits, WriterMessage, WriterWork};
use super::{apply, tables};
use crate::statement::{self, SqlStatement};

/// Quiet time after which the write-ahead log is copied back into the database file.
const IDLE: Duration = Duration::from_millis(500);

/// Starts the task on the current runtime; it ends at `close`, or when the handle is dropped.
pub(super) fn start<E: StoreEngine>(pool: Arc<ConnectionPool<E>>, limits: WriterLimits) -> StoreWriter {
    let (queue, inbox) = mpsc::channel(limits.queue.max(1));
    let progress = pool.progress();
    tokio::spawn(run(pool, inbox, limits));
    StoreWriter::to(queue, progress)
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
    // The writer copies SQLite's log back into the database; PostgreSQL checkpoints by itself.
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
            WriterWork::TakeOver(origin, earlier) => tables::take_over(conn, origin, earlier).await?,
            WriterWork::AddUp(statement, rows, number) => {
                apply::changed(conn, *statement, *number, |query| query.bind(rows.clone())).await?;
            }
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
