//! A pool of connections: bounded, opened on demand, and closed when anything about one is doubtful.
//! sqlx's own pool never gives back the place of a connection whose peer is silently gone (sqlx #4349), and waits for an answer
//! without end; here the place is the lease's, and each call has a limit.
//!
//! `lent + idle ≤ places`. A lease that ends in the middle of a call or of a transaction takes its connection with it: the
//! engine rolls back what was open.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::{ConnectOptions, Connection};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    engine::{ErrorKind, StoreEngine},
    fault::StoreFault,
    progress::CallProgress,
    statement::{self, SqlStatement},
    tallies::{TallyChanges, TallyKind},
};

type PoolOptions<E> = <<E as sqlx::Database>::Connection as Connection>::Options;

/// How long things may take; `None`: as long as it takes, for an engine inside this process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PoolPatience {
    /// To connect, and to be given a connection.
    pub(super) connect: Option<Duration>,
    /// For the answer to one call.
    pub(super) answer: Option<Duration>,
}

/// The connections to one database.
pub(super) struct ConnectionPool<E: StoreEngine> {
    options: PoolOptions<E>,
    places: Semaphore,
    idle: Mutex<Vec<E::Connection>>,
    patience: PoolPatience,
    progress: Arc<CallProgress>,
    /// Whether it is a writer's, whose calls are timed; look-ups are not.
    is_timed: bool,
}

/// A connection for as long as somebody needs it.
pub(super) struct ConnectionLease<'p, E: StoreEngine> {
    pool: &'p ConnectionPool<E>,
    _place: SemaphorePermit<'p>,
    connection: Option<E::Connection>,
    state: ConnectionState,
    tallies: TallyChanges,
}

/// What is known of a lent connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ConnectionState {
    /// It waits for the next call.
    Ready,
    /// It is ready inside a transaction.
    InTransaction,
    /// A call has not ended, or failed in a way that says nothing of the connection.
    Doubtful,
}

impl<E: StoreEngine> ConnectionPool<E> {
    pub(super) fn new(options: PoolOptions<E>, places: u32, patience: PoolPatience) -> Self {
        Self {
            options,
            places: Semaphore::new(usize::try_from(places.max(1)).unwrap_or(usize::MAX)),
            idle: Mutex::default(),
            patience,
            progress: Arc::new(CallProgress::new()),
            is_timed: places == 1,
        }
    }

    /// The call under way, of a pool of one connection.
    pub(super) fn progress(&self) -> Arc<CallProgress> {
        Arc::clone(&self.progress)
    }

    fn begin(&self, grace: Duration) {
        if self.is_timed {
            self.progress.begin(grace);
        }
    }

    fn end(&self) {
        if self.is_timed {
            self.progress.end();
        }
    }

    /// Waits for a place, and connects when no connection is idle.
    pub(super) async fn lend(&self) -> Result<ConnectionLease<'_, E>, StoreFault> {
        let got = within(self.patience.connect, async {
            let place = self.places.acquire().await.map_err(|_closed| StoreFault::Closed)?;
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match idle {
                Some(connection) => connection,
                None => self
                    .options
                    .connect()
                    .await
                    .map_err(StoreFault::in_statement::<E>("connect"))?,
            };
            Ok((place, connection))
        });
        self.begin(Duration::ZERO);
        let got = got.await.unwrap_or(Err(StoreFault::late("connect")));
        self.end();
        let (place, connection) = got?;
        Ok(ConnectionLease {
            pool: self,
            _place: place,
            connection: Some(connection),
            state: ConnectionState::Ready,
            tallies: TallyChanges::default(),
        })
    }

    /// Gives out no connection any more and closes those that are idle; who has one keeps it until he is done.
    pub(super) async fn close(&self) {
        self.places.close();
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for connection in idle {
            // A peer that is gone cannot be told.
            let _told = within(self.patience.connect, connection.close()).await;
        }
    }
}

impl<E: StoreEngine> ConnectionLease<'_, E> {
    /// How many rows the call changed.
    pub(super) async fn execute(&mut self, statement: &'static str, call: E::Call) -> Result<u64, StoreFault> {
        let (connection, limit, before) = self.begin_call(statement)?;
        let done = within(limit, E::execute(connection, call)).await;
        self.end_call(before, statement, done)
    }

    /// The rows of the call.
    pub(super) async fn rows(&mut self, statement: &'static str, call: E::Call) -> Result<Vec<E::Row>, StoreFault> {
        let (connection, limit, before) = self.begin_call(statement)?;
        let done = within(limit, E::rows(connection, call)).await;
        self.end_call(before, statement, done)
    }

    /// As [`StoreEngine::numbered`].
    pub(super) async fn numbered(
        &mut self,
        statement: &'static str,
        call: E::Call,
        rows: usize,
    ) -> Result<Vec<i64>, StoreFault> {
        let (connection, limit, before) = self.begin_call(statement)?;
        let done = within(limit, E::numbered(connection, call, rows)).await;
        self.end_call(before, statement, done)
    }

    /// As [`StoreEngine::copy_records`].
    pub(super) async fn copy_records(&mut self, rows: &[&super::batch::RecordRow]) -> Result<Option<u64>, StoreFault> {
        const NAME: &str = "copy_records";
        let (connection, limit, before) = self.begin_call(NAME)?;
        let done = within(limit, E::copy_records(connection, rows)).await;
        self.end_call(before, NAME, done)
    }

    /// Runs a text of several statements, as long as it takes.
    pub(super) async fn script(&mut self, name: &'static str, text: &'static str) -> Result<(), StoreFault> {
        let (connection, _limit, before) = self.begin_call(name)?;
        let done = E::script(connection, text).await;
        self.end_call(before, name, Some(done))
    }

    /// One of the few statements that begin and end a transaction.
    async fn control(&mut self, statement: SqlStatement) -> Result<(), StoreFault> {
        self.execute(statement.name, E::call(E::text(statement)))
            .await
            .map(drop)
    }

    pub(super) async fn begin(&mut self) -> Result<(), StoreFault> {
        self.control(statement::BEGIN).await?;
        self.state = ConnectionState::InTransaction;
        Ok(())
    }

    /// Begins a transaction that only reads, all of it as one moment saw it.
    pub(super) async fn begin_reading(&mut self) -> Result<(), StoreFault> {
        self.control(statement::BEGIN_READING).await?;
        self.state = ConnectionState::InTransaction;
        Ok(())
    }

    /// After an error here the outcome is unknown until the database is asked again: the caller is told of a failure and never
    /// of a success. It is not tried again, for a sync that failed once may seem to succeed.
    pub(super) async fn commit(&mut self) -> Result<(), StoreFault> {
        let ended = self.control(statement::COMMIT).await;
        self.state = match ended {
            Ok(()) => ConnectionState::Ready,
            Err(_) => ConnectionState::Doubtful,
        };
        ended
    }

    /// The engine may have rolled back already (disk full does); that is as good.
    pub(super) async fn roll_back(&mut self) {
        self.state = match self.control(statement::ROLLBACK).await {
            Ok(()) => ConnectionState::Ready,
            Err(_) => ConnectionState::Doubtful,
        };
    }

    /// Marks a point to which one piece of work can be rolled back.
    pub(super) async fn set_savepoint(&mut self) -> Result<(), StoreFault> {
        self.control(statement::SAVEPOINT).await
    }

    pub(super) async fn release_savepoint(&mut self) -> Result<(), StoreFault> {
        self.control(statement::RELEASE).await
    }

    /// Undoes what came after the savepoint, and leaves it.
    pub(super) async fn undo_to_savepoint(&mut self) -> Result<(), StoreFault> {
        self.control(statement::ROLLBACK_TO).await?;
        self.control(statement::RELEASE).await
    }

    /// Adds to the count of rows with a word; written by `tallies::flush`.
    pub(super) fn count(&mut self, kind: TallyKind, word: &str, rows: i64) {
        self.tallies.add(kind, word, rows);
    }

    /// What was counted since the last call.
    pub(super) fn take_tallies(&mut self) -> TallyChanges {
        std::mem::take(&mut self.tallies)
    }

    /// The connection for one call, its limit, and what was known before it. Until the call has ended nothing is known.
    fn begin_call(
        &mut self,
        statement: &'static str,
    ) -> Result<(&mut E::Connection, Option<Duration>, ConnectionState), StoreFault> {
        let before = std::mem::replace(&mut self.state, ConnectionState::Doubtful);
        if before == ConnectionState::Doubtful {
            return Err(StoreFault::late(statement));
        }
        let connection = self.connection.as_mut().ok_or(StoreFault::Closed)?;
        self.pool.begin(grace_of(statement));
        Ok((connection, self.pool.patience.answer, before))
    }

    fn end_call<T>(
        &mut self,
        before: ConnectionState,
        statement: &'static str,
        done: Option<Result<T, sqlx::Error>>,
    ) -> Result<T, StoreFault> {
        self.pool.end();
        match done {
            Some(Ok(value)) => {
                self.state = before;
                Ok(value)
            }
            Some(Err(error)) => {
                // What the engine itself refused says that the connection works.
                if error.as_database_error().is_some() && E::kind(&error) != ErrorKind::Engine {
                    self.state = before;
                }
                Err(StoreFault::in_statement::<E>(statement)(error))
            }
            None => Err(StoreFault::late(statement)),
        }
    }
}

impl<E: StoreEngine> Drop for ConnectionLease<'_, E> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        // Any other is dropped: its socket or file closes at once, without a word to a peer that may not listen.
        if self.state == ConnectionState::Ready && !self.pool.places.is_closed() {
            self.pool
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
        }
    }
}

/// Copying the write-ahead log back takes as long as the log is large.
fn grace_of(statement: &str) -> Duration {
    const CHECKPOINT: Duration = Duration::from_secs(4);
    match statement.starts_with("checkpoint") {
        true => CHECKPOINT,
        false => Duration::ZERO,
    }
}

/// `None`: it took longer than `limit`.
async fn within<T>(limit: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, work).await.ok(),
        None => Some(work.await),
    }
}
