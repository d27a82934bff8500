//! Counted guesses, their revision, and requests to forgive them.

use async_trait::async_trait;

use crate::{
    apply::{changed, run, send_rows},
    batch::{ApplyResult, CommitBatch, bytes, json_text, rows_of},
    engine::{RowColumns, StatementCall, StoreEngine},
    fault::StoreFault,
    pool::ConnectionLease,
    rows::{RowResult, bytes_16, column, fetch, fetch_one, flag, number},
    sql_store::SqlStore,
    statement::{self},
    writer::WriterWork,
};
use heyan_domain::budget::AgencyStanding;
use heyan_ports::{
    error::StoreError,
    guesses::{ForgivenSubject, GuessHead, GuessRow, GuessStore, RightSubjects, UnlockWrite},
    subject::SubjectKey,
};

#[async_trait]
impl<E: StoreEngine> GuessStore for SqlStore<E> {
    async fn guesses_since(&self, since: i64) -> Result<Vec<GuessRow>, StoreError> {
        fetch(
            &self.readers,
            statement::SELECT_GUESSES,
            |query| query.bind(since),
            read_guess,
        )
        .await
    }

    async fn guesses_about(&self, subject: SubjectKey) -> Result<Vec<GuessRow>, StoreError> {
        let bind = |query: E::Call| query.bind(subject.0.to_vec());
        fetch(&self.readers, statement::SELECT_GUESSES_ABOUT, bind, read_guess).await
    }

    async fn guess_head(&self, subject: SubjectKey) -> Result<i64, StoreError> {
        let bind = |query: E::Call| query.bind(subject.0.to_vec());
        let read = |row: &E::Row| column(row, 0, "guess_heads", "revision");
        let head = fetch_one(&self.readers, statement::SELECT_GUESS_HEAD, bind, read).await?;
        Ok(head.unwrap_or_default())
    }

    async fn unlock_request(&self, subject: SubjectKey) -> Result<Option<(String, i64)>, StoreError> {
        const TABLE: &str = "unlock_requests";
        let bind = |query: E::Call| query.bind(subject.0.to_vec());
        let read = |row: &E::Row| Ok((column(row, 0, TABLE, "client")?, column(row, 1, TABLE, "at")?));
        fetch_one(&self.readers, statement::SELECT_UNLOCK_REQUEST, bind, read).await
    }

    async fn add_right(&self, right: &[RightSubjects]) -> Result<(), StoreError> {
        if right.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = right.iter().map(|row| (row.agency, row.day, row.subjects)).collect();
        self.writer()
            .submit(WriterWork::AddUp(statement::ADD_RIGHT, json_text(&rows), rows.len()))
            .await?;
        Ok(())
    }

    async fn right_since(&self, day: i32) -> Result<Vec<RightSubjects>, StoreError> {
        let bind = |query: E::Call| query.bind(i64::from(day));
        fetch(&self.readers, statement::SELECT_RIGHT, bind, read_right).await
    }
}

/// Counts and forgives guesses, and writes requests to forgive them.
pub(super) fn apply<'a, E: StoreEngine>(
    conn: &'a mut ConnectionLease<'_, E>,
    batches: &'a [&'a CommitBatch],
) -> ApplyResult<'a> {
    Box::pin(async move {
        apply_guesses(conn, batches).await?;
        for unlock in rows_of(batches) {
            apply_unlock(conn, unlock).await?;
        }
        Ok(())
    })
}

fn read_guess<R: RowColumns>(row: &R) -> RowResult<GuessRow> {
    const TABLE: &str = "guesses";
    Ok(GuessRow {
        subject: SubjectKey(bytes_16(row, 0, TABLE, "subject")?),
        field: column(row, 1, TABLE, "field")?,
        value: bytes_16(row, 2, TABLE, "value")?,
        agency: number(row, 3, TABLE, "agency")?,
        standing: if flag(row, 4, TABLE, "is_known")? {
            AgencyStanding::OpenMatter
        } else {
            AgencyStanding::Stranger
        },
        units: number(row, 5, TABLE, "units")?,
        at: column(row, 6, TABLE, "at")?,
    })
}

fn read_right<R: RowColumns>(row: &R) -> RowResult<RightSubjects> {
    const TABLE: &str = "agency_right";
    Ok(RightSubjects {
        agency: number(row, 0, TABLE, "agency")?,
        day: number(row, 1, TABLE, "day")?,
        subjects: number(row, 2, TABLE, "subjects")?,
    })
}

/// Counts and forgives guesses, in the order of the commits: one that is counted after it was forgiven counts.
async fn apply_guesses<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    batches: &[&CommitBatch],
) -> Result<(), StoreFault> {
    for head in rows_of::<GuessHead>(batches) {
        let bind = |query: E::Call| query.bind(bytes(head.subject)).bind(head.revision).bind(head.expected);
        changed(conn, statement::SET_GUESS_HEAD, 1, bind).await?;
    }
    let mut counted: Vec<&GuessRow> = Vec::new();
    for batch in batches {
        counted.extend(batch.commit.rows::<GuessRow>());
        if !batch.commit.lacks::<ForgivenSubject>() {
            send_rows(conn, &statement::INSERT_GUESSES, &counted, bind_guess).await?;
            counted.clear();
        }
        for forgiven in batch.commit.rows::<ForgivenSubject>() {
            run(conn, statement::DELETE_GUESSES, |query| query.bind(bytes(forgiven.0))).await?;
        }
    }
    send_rows(conn, &statement::INSERT_GUESSES, &counted, bind_guess).await
}

async fn apply_unlock<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    unlock: &UnlockWrite,
) -> Result<(), StoreFault> {
    match unlock {
        UnlockWrite::Waits {
            subject,
            client,
            at,
            older_than,
        } => {
            let bind = |query: E::Call| {
                let query = query.bind(bytes(*subject)).bind(client.clone());
                query.bind(*at).bind(*older_than)
            };
            changed(conn, statement::UPSERT_UNLOCK_REQUEST, 1, bind).await
        }
        UnlockWrite::Seconded { subject, client } => {
            let bind = |query: E::Call| query.bind(bytes(*subject)).bind(client.clone());
            changed(conn, statement::DELETE_UNLOCK_REQUEST, 1, bind).await
        }
    }
}

fn bind_guess<Q: StatementCall>(query: Q, row: &GuessRow) -> Q {
    query
        .bind(bytes(row.subject))
        .bind(row.field.clone())
        .bind(row.value.to_vec())
        .bind(i64::from(row.agency))
        .bind(i64::from(row.standing == AgencyStanding::OpenMatter))
        .bind(i64::from(row.units))
        .bind(row.at)
}
