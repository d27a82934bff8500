//! Schema changes, forward only: each once, by name, with the digest of its text.
//! A database that a newer binary has changed is refused: this one would not know what its rows mean.

use sqlx::{Row, SqlitePool};

use super::sqlite::engine;
use crate::{app::ports::StoreError, auth::sha256};

/// Names are the same for every engine.
const MIGRATIONS: [(&str, &str); 1] = [("0001_init", include_str!("../../schemas/sql/sqlite/0001_init.sql"))];

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the database has migration {0}, which this version does not know: start the newer version")]
    Newer(String),
    #[error("migration {0} was changed after it was applied")]
    Changed(String),
}

pub(super) async fn migrate(pool: &SqlitePool) -> Result<(), StoreError> {
    let name = "migrate";
    let mut work = pool.begin_with("BEGIN IMMEDIATE").await.map_err(engine(name))?;
    sqlx::query(include_str!("sql/migrations_make.sql"))
        .execute(&mut *work)
        .await
        .map_err(engine(name))?;
    let rows = sqlx::query(include_str!("sql/migrations_all.sql"))
        .fetch_all(&mut *work)
        .await
        .map_err(engine(name))?;
    let mut applied = Vec::new();
    for row in rows {
        let migration: String = row.try_get(0).map_err(engine(name))?;
        let digest: Vec<u8> = row.try_get(1).map_err(engine(name))?;
        let Some((_, text)) = MIGRATIONS.iter().find(|(known, _)| **known == migration) else {
            return Err(engine(name)(Refused::Newer(migration)));
        };
        if digest != sha256(text.as_bytes()) {
            return Err(engine(name)(Refused::Changed(migration)));
        }
        applied.push(migration);
    }
    for (migration, text) in MIGRATIONS
        .iter()
        .filter(|(known, _)| !applied.iter().any(|done| done == known))
    {
        sqlx::raw_sql(*text).execute(&mut *work).await.map_err(engine(name))?;
        let digest = sha256(text.as_bytes());
        let query = sqlx::query(include_str!("sql/migration_put.sql"))
            .bind(*migration)
            .bind(digest.to_vec());
        query.execute(&mut *work).await.map_err(engine(name))?;
    }
    work.commit().await.map_err(engine(name))
}
