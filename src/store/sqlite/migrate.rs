//! Brings a database file to the schema of this program, forward only.
//! A migration that was applied is never edited: its checksum is kept, and a file that knows other migrations is refused.

use sqlx::sqlite::SqlitePool;
use sqlx::{Row, Sqlite, Transaction};

use super::OpenError;
use super::fault::engine;
use crate::app::ports::StoreError;
use crate::auth::sha256;
use crate::store::statement;

/// One step of the schema.
struct Migration {
    version: i64,
    name: &'static str,
    text: &'static str,
}

/// Every step, in order; versions count from 1 without a gap.
const MIGRATIONS: [Migration; 5] = [
    Migration {
        version: 1,
        name: "0001_init",
        text: include_str!("../../../schemas/sql/sqlite/0001_init.sql"),
    },
    Migration {
        version: 2,
        name: "0002_loop",
        text: include_str!("../../../schemas/sql/sqlite/0002_loop.sql"),
    },
    Migration {
        version: 3,
        name: "0003_live",
        text: include_str!("../../../schemas/sql/sqlite/0003_live.sql"),
    },
    Migration {
        version: 4,
        name: "0004_told",
        text: include_str!("../../../schemas/sql/sqlite/0004_told.sql"),
    },
    Migration {
        version: 5,
        name: "0005_bus",
        text: include_str!("../../../schemas/sql/sqlite/0005_bus.sql"),
    },
];

/// Applies what is missing, all in one transaction: a crash leaves the old schema or the new one.
pub(super) async fn migrate(writer: &SqlitePool) -> Result<(), StoreError> {
    let begin = statement::BEGIN;
    let mut tx = writer.begin_with(begin.text).await.map_err(engine(begin.name))?;
    refuse_foreign_file(&mut tx).await?;
    let create = statement::CREATE_MIGRATIONS;
    sqlx::query(create.text)
        .execute(&mut *tx)
        .await
        .map_err(engine(create.name))?;
    let applied = applied(&mut tx).await?;
    for (nth, (version, checksum)) in applied.iter().enumerate() {
        match MIGRATIONS.get(nth) {
            Some(known) if known.version == *version && checksum_of(known.text) == *checksum => {}
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
    for migration in MIGRATIONS.iter().skip(applied.len()) {
        apply(&mut tx, migration).await?;
    }
    tx.commit().await.map_err(engine("commit"))
}

async fn apply(tx: &mut Transaction<'_, Sqlite>, migration: &Migration) -> Result<(), StoreError> {
    sqlx::raw_sql(migration.text)
        .execute(&mut **tx)
        .await
        .map_err(engine(migration.name))?;
    let insert = statement::INSERT_MIGRATION;
    let done = sqlx::query(insert.text)
        .bind(migration.version)
        .bind(migration.name)
        .bind(checksum_of(migration.text))
        .execute(&mut **tx)
        .await
        .map_err(engine(insert.name))?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(StoreError::Conflict)
    }
}

/// A file that has tables but none of ours belongs to another program.
async fn refuse_foreign_file(tx: &mut Transaction<'_, Sqlite>) -> Result<(), StoreError> {
    let origin = statement::SELECT_ORIGIN;
    let row = sqlx::query(origin.text)
        .fetch_one(&mut **tx)
        .await
        .map_err(engine(origin.name))?;
    let ours: i64 = row.try_get(0).map_err(engine(origin.name))?;
    let tables: i64 = row.try_get(1).map_err(engine(origin.name))?;
    if ours == 0 && tables > 0 {
        return Err(OpenError::NotOurs.into());
    }
    Ok(())
}

async fn applied(tx: &mut Transaction<'_, Sqlite>) -> Result<Vec<(i64, String)>, StoreError> {
    let select = statement::SELECT_MIGRATIONS;
    let rows = sqlx::query(select.text)
        .fetch_all(&mut **tx)
        .await
        .map_err(engine(select.name))?;
    let pair = |row: &sqlx::sqlite::SqliteRow| Ok((row.try_get(0)?, row.try_get(1)?));
    rows.iter()
        .map(pair)
        .collect::<Result<_, sqlx::Error>>()
        .map_err(engine(select.name))
}

/// SHA-256 of the text, lower-case hexadecimal.
fn checksum_of(text: &str) -> String {
    sha256(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
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
