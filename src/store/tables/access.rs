//! Agencies, clients, grants, usage.

use async_trait::async_trait;

use crate::{
    apply::changed,
    batch::{ApplyResult, CommitBatch, json_text, rows_of},
    engine::{RowColumns, StatementCall, StoreEngine},
    fault::StoreFault,
    pool::ConnectionLease,
    rows::{bytes_32, column, fetch, flag, list, narrow, number},
    sql_store::SqlStore,
    statement::{self, SqlStatement},
    writer::WriterWork,
};
use heyan_ports::{
    access::{AccessRows, AccessStore, AgencyRow, ClientRow, GrantRow, GrantUsage},
    error::StoreError,
};

#[async_trait]
impl<E: StoreEngine> AccessStore for SqlStore<E> {
    // Everything about access, as one moment saw it, so that no grant is seen without its agency.
    async fn access(&self) -> Result<AccessRows, StoreError> {
        let mut conn = self.readers.lend().await?;
        conn.begin_reading().await?;
        let mut rows = AccessRows::default();
        for row in all(&mut conn, statement::SELECT_AGENCIES).await? {
            rows.agencies.push(agency(&row)?);
        }
        for row in all(&mut conn, statement::SELECT_CLIENTS).await? {
            rows.clients.push(client(&row)?);
        }
        for row in all(&mut conn, statement::SELECT_GRANTS).await? {
            rows.grants.push(grant(&row)?);
        }
        for row in all(&mut conn, statement::SELECT_USAGE).await? {
            rows.usage.push(usage(&row)?);
        }
        conn.commit().await?;
        Ok(rows)
    }

    async fn add_usage(&self, usage: &[GrantUsage]) -> Result<(), StoreError> {
        if usage.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = usage
            .iter()
            .map(|usage| (&usage.grant, usage.day, i64::try_from(usage.used).unwrap_or(i64::MAX)))
            .collect();
        self.writer()
            .submit(WriterWork::AddUp(statement::ADD_USAGE, json_text(&rows), rows.len()))
            .await?;
        Ok(())
    }

    // The counters of grants, of the newest two days.
    async fn usage(&self) -> Result<Vec<GrantUsage>, StoreError> {
        fetch(&self.readers, statement::SELECT_USAGE, |query| query, usage).await
    }

    async fn use_once(&self, hash: [u8; 16], until_s: i64) -> Result<bool, StoreError> {
        let taken = self.writer().submit(WriterWork::UseOnce(hash, until_s)).await?;
        Ok(taken == [1])
    }
}

/// Writes agencies, clients and grants.
pub(super) fn apply<'a, E: StoreEngine>(
    conn: &'a mut ConnectionLease<'_, E>,
    batches: &'a [&'a CommitBatch],
) -> ApplyResult<'a> {
    Box::pin(async move {
        for row in rows_of(batches) {
            changed(conn, statement::UPSERT_AGENCY, 1, |query| bind_agency(query, row)).await?;
        }
        for row in rows_of(batches) {
            changed(conn, statement::UPSERT_CLIENT, 1, |query| bind_client(query, row)).await?;
        }
        for row in rows_of(batches) {
            changed(conn, statement::UPSERT_GRANT, 1, |query| bind_grant(query, row)).await?;
        }
        Ok(())
    })
}

async fn all<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    statement: SqlStatement,
) -> Result<Vec<E::Row>, StoreError> {
    Ok(conn.rows(statement.name, E::call(E::text(statement))).await?)
}

fn agency<R: RowColumns>(row: &R) -> Result<AgencyRow, StoreError> {
    const TABLE: &str = "agencies";
    Ok(AgencyRow {
        id: column(row, 0, TABLE, "id")?,
        number: number(row, 1, TABLE, "number")?,
        name: column(row, 2, TABLE, "name")?,
        credit_code: column(row, 3, TABLE, "credit_code")?,
        authority_for: list(row, 4, TABLE, "authority_for")?,
        networks: list(row, 5, TABLE, "networks")?,
        disabled: flag(row, 6, TABLE, "disabled")?,
        created_at: column(row, 7, TABLE, "created_at")?,
        updated_at: column(row, 8, TABLE, "updated_at")?,
    })
}

fn client<R: RowColumns>(row: &R) -> Result<ClientRow, StoreError> {
    const TABLE: &str = "clients";
    let secret_hash = bytes_32(row, 4, TABLE, "secret_hash")?;
    Ok(ClientRow {
        id: column(row, 0, TABLE, "id")?,
        name: column(row, 1, TABLE, "name")?,
        role: column(row, 2, TABLE, "role")?,
        agency: column(row, 3, TABLE, "agency")?,
        secret_hash: secret_hash.ok_or(StoreError::BadRow {
            table: TABLE,
            column: "secret_hash",
        })?,
        previous_secret_hash: bytes_32(row, 5, TABLE, "previous_secret_hash")?,
        previous_valid_until: column(row, 6, TABLE, "previous_valid_until")?,
        public_key: bytes_32(row, 7, TABLE, "public_key")?,
        disabled: flag(row, 8, TABLE, "disabled")?,
        created_at: column(row, 9, TABLE, "created_at")?,
        updated_at: column(row, 10, TABLE, "updated_at")?,
        appointed_by: column(row, 11, TABLE, "appointed_by")?,
    })
}

fn grant<R: RowColumns>(row: &R) -> Result<GrantRow, StoreError> {
    const TABLE: &str = "grants";
    let ceiling: Option<i64> = column(row, 8, TABLE, "daily_ceiling")?;
    Ok(GrantRow {
        id: column(row, 0, TABLE, "id")?,
        agency: column(row, 1, TABLE, "agency")?,
        dataset: column(row, 2, TABLE, "dataset")?,
        fields: list(row, 3, TABLE, "fields")?,
        operations: list(row, 4, TABLE, "operations")?,
        item_codes: list(row, 5, TABLE, "item_codes")?,
        valid_from: column(row, 6, TABLE, "valid_from")?,
        valid_until: column(row, 7, TABLE, "valid_until")?,
        daily_ceiling: ceiling
            .map(|ceiling| narrow(ceiling, TABLE, "daily_ceiling"))
            .transpose()?,
        networks: list(row, 9, TABLE, "networks")?,
        revoked_at: column(row, 10, TABLE, "revoked_at")?,
        created_at: column(row, 11, TABLE, "created_at")?,
    })
}

fn usage<R: RowColumns>(row: &R) -> Result<GrantUsage, StoreError> {
    const TABLE: &str = "grant_usage";
    Ok(GrantUsage {
        grant: column(row, 0, TABLE, "grant_id")?,
        day: number(row, 1, TABLE, "day")?,
        used: number(row, 2, TABLE, "used")?,
    })
}

fn bind_agency<Q: StatementCall>(query: Q, row: &AgencyRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(i64::from(row.number))
        .bind(row.name.clone())
        .bind(row.credit_code.clone())
        .bind(json_text(&row.authority_for))
        .bind(json_text(&row.networks))
        .bind(i64::from(row.disabled))
        .bind(row.created_at)
        .bind(row.updated_at)
}

fn bind_client<Q: StatementCall>(query: Q, row: &ClientRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.name.clone())
        .bind(row.role.clone())
        .bind(row.agency.clone())
        .bind(row.secret_hash.to_vec())
        .bind(row.previous_secret_hash.map(|hash| hash.to_vec()))
        .bind(row.previous_valid_until)
        .bind(row.public_key.map(|key| key.to_vec()))
        .bind(i64::from(row.disabled))
        .bind(row.created_at)
        .bind(row.updated_at)
        .bind(row.appointed_by.clone())
}

fn bind_grant<Q: StatementCall>(query: Q, row: &GrantRow) -> Q {
    query
        .bind(row.id.clone())
        .bind(row.agency.clone())
        .bind(row.dataset.clone())
        .bind(json_text(&row.fields))
        .bind(json_text(&row.operations))
        .bind(json_text(&row.item_codes))
        .bind(row.valid_from)
        .bind(row.valid_until)
        .bind(
            row.daily_ceiling
                .map(|ceiling| i64::try_from(ceiling).unwrap_or(i64::MAX)),
        )
        .bind(json_text(&row.networks))
        .bind(row.revoked_at)
        .bind(row.created_at)
}

/// Takes in what may be used once. Returns the number of rows.
pub(crate) async fn use_once<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    hash: [u8; 16],
    until_s: i64,
) -> Result<u64, StoreFault> {
    let statement = statement::INSERT_USED_ONCE;
    let call = E::call(E::text(statement)).bind(hash.to_vec()).bind(until_s);
    conn.execute(statement.name, call).await
}
