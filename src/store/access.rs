//! Agencies, clients, grants and their use in SQLite. The tables are small: they are read whole.

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row, Sqlite, SqlitePool, Transaction, sqlite::SqliteRow};

use super::sqlite::engine;
use crate::app::{
    commit::{AgencyRow, ClientRow, Commit, GrantRow, GrantUsage},
    ports::{AccessRows, StoreError},
};

pub(super) async fn all(pool: &SqlitePool) -> Result<AccessRows, StoreError> {
    // One transaction: agencies, clients and grants of the same moment.
    let mut work = pool.begin().await.map_err(engine("begin"))?;
    let rows = |sql: &'static str| sqlx::query(sql);
    let agencies = rows(include_str!("sql/agencies_all.sql"))
        .fetch_all(&mut *work)
        .await
        .map_err(engine("agencies_all"))?;
    let clients = rows(include_str!("sql/clients_all.sql"))
        .fetch_all(&mut *work)
        .await
        .map_err(engine("clients_all"))?;
    let grants = rows(include_str!("sql/grants_all.sql"))
        .fetch_all(&mut *work)
        .await
        .map_err(engine("grants_all"))?;
    let usage = rows(include_str!("sql/usage_recent.sql"))
        .fetch_all(&mut *work)
        .await
        .map_err(engine("usage_recent"))?;
    work.rollback().await.map_err(engine("rollback"))?;
    Ok(AccessRows {
        agencies: agencies.iter().map(agency_of).collect::<Result<_, _>>()?,
        clients: clients.iter().map(client_of).collect::<Result<_, _>>()?,
        grants: grants.iter().map(grant_of).collect::<Result<_, _>>()?,
        usage: usage.iter().map(usage_of).collect::<Result<_, _>>()?,
    })
}

fn column<'r, T>(row: &'r SqliteRow, name: &'static str) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
{
    row.try_get(name).map_err(engine(name))
}

fn list<T: DeserializeOwned>(row: &SqliteRow, table: &'static str, name: &'static str) -> Result<T, StoreError> {
    let text: String = column(row, name)?;
    serde_json::from_str(&text).map_err(|_no_list| StoreError::BadRow { table, column: name })
}

fn hash(row: &SqliteRow, name: &'static str) -> Result<Option<[u8; 32]>, StoreError> {
    let bytes: Option<Vec<u8>> = column(row, name)?;
    let bad = |_wrong_length| StoreError::BadRow {
        table: "clients",
        column: name,
    };
    bytes.map(|bytes| bytes.try_into().map_err(bad)).transpose()
}

fn unsigned<T: TryFrom<i64>>(row: &SqliteRow, table: &'static str, name: &'static str) -> Result<T, StoreError> {
    let number: i64 = column(row, name)?;
    T::try_from(number).map_err(|_negative| StoreError::BadRow { table, column: name })
}

fn agency_of(row: &SqliteRow) -> Result<AgencyRow, StoreError> {
    Ok(AgencyRow {
        id: column(row, "id")?,
        number: unsigned(row, "agencies", "number")?,
        name: column(row, "name")?,
        credit_code: column(row, "credit_code")?,
        authority_for: list(row, "agencies", "authority_for")?,
        networks: list(row, "agencies", "networks")?,
        disabled: column(row, "disabled")?,
        created_at: column(row, "created_at")?,
        updated_at: column(row, "updated_at")?,
    })
}

fn client_of(row: &SqliteRow) -> Result<ClientRow, StoreError> {
    let bad = StoreError::BadRow {
        table: "clients",
        column: "secret_hash",
    };
    Ok(ClientRow {
        id: column(row, "id")?,
        name: column(row, "name")?,
        role: column(row, "role")?,
        agency: column(row, "agency")?,
        secret_hash: hash(row, "secret_hash")?.ok_or(bad)?,
        previous_secret_hash: hash(row, "previous_secret_hash")?,
        previous_valid_until: column(row, "previous_valid_until")?,
        public_key: hash(row, "public_key")?,
        disabled: column(row, "disabled")?,
        created_at: column(row, "created_at")?,
        updated_at: column(row, "updated_at")?,
    })
}

fn grant_of(row: &SqliteRow) -> Result<GrantRow, StoreError> {
    let ceiling: Option<i64> = column(row, "daily_ceiling")?;
    Ok(GrantRow {
        id: column(row, "id")?,
        agency: column(row, "agency")?,
        dataset: column(row, "dataset")?,
        fields: list(row, "grants", "fields")?,
        operations: list(row, "grants", "operations")?,
        item_codes: list(row, "grants", "item_codes")?,
        valid_from: column(row, "valid_from")?,
        valid_until: column(row, "valid_until")?,
        daily_ceiling: ceiling.map(|ceiling| u64::try_from(ceiling).unwrap_or_default()),
        networks: list(row, "grants", "networks")?,
        revoked_at: column(row, "revoked_at")?,
        created_at: column(row, "created_at")?,
    })
}

fn usage_of(row: &SqliteRow) -> Result<GrantUsage, StoreError> {
    Ok(GrantUsage {
        grant: column(row, "grant_id")?,
        day: column(row, "day")?,
        used: unsigned(row, "grant_usage", "used")?,
    })
}

pub(super) async fn write(work: &mut Transaction<'_, Sqlite>, commit: &Commit) -> Result<(), StoreError> {
    for agency in &commit.agencies {
        put_agency(work, agency).await?;
    }
    for client in &commit.clients {
        put_client(work, client).await?;
    }
    for grant in &commit.grants {
        put_grant(work, grant).await?;
    }
    Ok(())
}

fn json(list: &impl Serialize) -> String {
    serde_json::to_string(list).unwrap_or_default()
}

fn one_row(done: sqlx::sqlite::SqliteQueryResult) -> Result<(), StoreError> {
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(StoreError::Conflict)
    }
}

async fn put_agency(work: &mut Transaction<'_, Sqlite>, agency: &AgencyRow) -> Result<(), StoreError> {
    let query = sqlx::query(include_str!("sql/agency_put.sql"))
        .bind(&agency.id)
        .bind(agency.number)
        .bind(&agency.name)
        .bind(&agency.credit_code)
        .bind(json(&agency.authority_for))
        .bind(json(&agency.networks))
        .bind(agency.disabled)
        .bind(agency.created_at)
        .bind(agency.updated_at);
    one_row(query.execute(&mut **work).await.map_err(engine("agency_put"))?)
}

async fn put_client(work: &mut Transaction<'_, Sqlite>, client: &ClientRow) -> Result<(), StoreError> {
    let query = sqlx::query(include_str!("sql/client_put.sql"))
        .bind(&client.id)
        .bind(&client.name)
        .bind(&client.role)
        .bind(&client.agency)
        .bind(client.secret_hash.to_vec())
        .bind(client.previous_secret_hash.map(|hash| hash.to_vec()))
        .bind(client.previous_valid_until)
        .bind(client.public_key.map(|key| key.to_vec()))
        .bind(client.disabled)
        .bind(client.created_at)
        .bind(client.updated_at);
    one_row(query.execute(&mut **work).await.map_err(engine("client_put"))?)
}

async fn put_grant(work: &mut Transaction<'_, Sqlite>, grant: &GrantRow) -> Result<(), StoreError> {
    let query = sqlx::query(include_str!("sql/grant_put.sql"))
        .bind(&grant.id)
        .bind(&grant.agency)
        .bind(&grant.dataset)
        .bind(json(&grant.fields))
        .bind(json(&grant.operations))
        .bind(json(&grant.item_codes))
        .bind(grant.valid_from)
        .bind(grant.valid_until)
        .bind(
            grant
                .daily_ceiling
                .map(|ceiling| i64::try_from(ceiling).unwrap_or(i64::MAX)),
        )
        .bind(json(&grant.networks))
        .bind(grant.revoked_at)
        .bind(grant.created_at);
    one_row(query.execute(&mut **work).await.map_err(engine("grant_put"))?)
}
