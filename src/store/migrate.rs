//! Brings a database file to the schema of this program, forward only.
//! A migration that was applied is never edited: its checksum is kept, and a file that knows other migrations is refused.

use data_encoding::HEXLOWER;

use super::engine::{EngineName, StatementCall, StoreEngine};
use super::pool::{ConnectionLease, ConnectionPool};
use super::rows::column;
use super::sqlite::OpenError;
use crate::statement::{self, SqlStatement};
use heyan_auth::sha256;
use heyan_ports::error::StoreError;

/// One step of the schema: the same name for both engines.
struct SchemaMigration {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal) => {
        Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../../schemas/sql/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../schemas/sql/postgres/", $name, ".sql")),
        }
    };
}

/// Every step, in order; versions count from 1 without a gap.
const MIGRATIONS: [SchemaMigration; 15] = [
    migration!(1, "0001_init"),
    migration!(2, "0002_loop"),
    migration!(3, "0003_live"),
    migration!(4, "0004_told"),
    migration!(5, "0005_nodes"),
    migration!(6, "0006_bus"),
    migration!(7, "0007_items"),
    migration!(8, "0008_licences"),
    migration!(9, "0009_traces"),
    migration!(10, "0010_supervision"),
    migration!(11, "0011_watches"),
    migration!(12, "0012_quality"),
    migration!(13, "0013_joint"),
    migration!(14, "0014_guess_heads"),
    migration!(15, "0015_subject_keys"),
];

impl SchemaMigration {
    fn text<E: StoreEngine>(&self) -> &'static str {
        match E::ENGINE {
            EngineName::Sqlite => self.sqlite,
            EngineName::Postgres => self.postgres,
        }
    }
}

/// Applies what is missing, all in one transaction: a crash leaves the old schema or the new one.
pub(super) async fn migrate<E: StoreEngine>(pool: &ConnectionPool<E>) -> Result<(), StoreError> {
    let mut conn = pool.lend().await?;
    conn.begin().await?;
    if E::ENGINE == EngineName::Postgres {
        // Nodes that start together take turns.
        execute(&mut conn, statement::LOCK_MIGRATIONS).await?;
    }
    refuse_foreign_database(&mut conn).await?;
    execute(&mut conn, statement::CREATE_MIGRATIONS).await?;
    let applied = applied(&mut conn).await?;
    check::<E>(&applied)?;
    for migration in MIGRATIONS.iter().skip(applied.len()) {
        apply(&mut conn, migration).await?;
    }
    Ok(conn.commit().await?)
}

/// Refuses a database whose schema is not this program's, whole.
pub(super) async fn require<E: StoreEngine>(pool: &ConnectionPool<E>) -> Result<(), StoreError> {
    let mut conn = pool.lend().await?;
    let applied = applied::<E>(&mut conn).await?;
    check::<E>(&applied)?;
    match applied.len() == MIGRATIONS.len() {
        true => Ok(()),
        false => Err(OpenError::SchemaOlder {
            found: applied.len(),
            known: MIGRATIONS.len(),
        }
        .into()),
    }
}

/// Refuses steps that this program does not know.
fn check<E: StoreEngine>(applied: &[(i64, String)]) -> Result<(), StoreError> {
    for (nth, (version, checksum)) in applied.iter().enumerate() {
        match MIGRATIONS.get(nth) {
            Some(known) if known.version == *version && checksum_of(known.text::<E>()) == *checksum => {}
            Some(_) => return Err(OpenError::SchemaDiffers { version: *version }.into()),
            None => {
                return Err(OpenError::SchemaNewer {
                    found: *version,
                    known: MIGRATIONS.len(),
                }
                .into());
            }
        }
    }
    Ok(())
}

async fn execute<E: StoreEngine>(conn: &mut ConnectionLease<'_, E>, statement: SqlStatement) -> Result<(), StoreError> {
    conn.execute(statement.name, E::call(E::text(statement))).await?;
    Ok(())
}

async fn apply<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    migration: &SchemaMigration,
) -> Result<(), StoreError> {
    conn.script(migration.name, migration.text::<E>()).await?;
    let insert = statement::INSERT_MIGRATION;
    let call = E::call(E::text(insert))
        .bind(migration.version)
        .bind(migration.name)
        .bind(checksum_of(migration.text::<E>()));
    match conn.execute(insert.name, call).await? {
        1 => Ok(()),
        _ => Err(StoreError::Conflict),
    }
}

/// A database that has tables but none of ours belongs to another program.
async fn refuse_foreign_database<E: StoreEngine>(conn: &mut ConnectionLease<'_, E>) -> Result<(), StoreError> {
    let origin = statement::SELECT_ORIGIN;
    let rows = conn.rows(origin.name, E::call(E::text(origin))).await?;
    for row in &rows {
        let ours: i64 = column(row, 0, "schema_migrations", "ours")?;
        let tables: i64 = column(row, 1, "schema_migrations", "tables")?;
        if ours == 0 && tables > 0 {
            return Err(OpenError::NotOurs.into());
        }
    }
    Ok(())
}

async fn applied<E: StoreEngine>(conn: &mut ConnectionLease<'_, E>) -> Result<Vec<(i64, String)>, StoreError> {
    let select = statement::SELECT_MIGRATIONS;
    let rows = conn.rows(select.name, E::call(E::text(select))).await?;
    let pair = |row: &E::Row| {
        Ok((
            column(row, 0, "schema_migrations", "version")?,
            column(row, 1, "schema_migrations", "checksum")?,
        ))
    };
    rows.iter().map(pair).collect()
}

/// SHA-256 of the text, lower-case hexadecimal.
fn checksum_of(text: &str) -> String {
    HEXLOWER.encode(&sha256(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_from_one_without_a_gap_and_names_begin_with_them() {
        for (nth, migration) in (1i64..).zip(&MIGRATIONS) {
            assert_eq!(migration.version, nth);
            assert!(migration.name.starts_with(&format!("{nth:04}_")));
        }
    }
}
