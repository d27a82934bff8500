//! Writes under which keyed hashes records are found besides their subjects. A later version of a record comes after the one before it,
//! also in one group of commits, so first versions may be sent together and the others follow one by one.

use std::sync::Arc;

use super::send::{run, send_rows};
use crate::batch::Turn;
use crate::engine::{Call, Engine};
use crate::fault::Fault;
use crate::pool::Lease;
use crate::statement;
use heyan_ports::commit::RecordKeys;

/// One row: dataset, hash, subject.
type Row<'b> = (&'b RecordKeys, [u8; 16]);

/// Writes the keys of all turns, in order.
pub(super) async fn apply_all<E: Engine>(conn: &mut Lease<'_, E>, turns: &[&Turn]) -> Result<(), Fault> {
    let all = || turns.iter().flat_map(|turn| &turn.record_keys);
    let first: Vec<Row<'_>> = all().filter(|keys| !keys.replaces).flat_map(rows).collect();
    insert(conn, &first).await?;
    for keys in all().filter(|keys| keys.replaces) {
        let bind = |query: E::Call| query.bind(Arc::clone(&keys.dataset)).bind(keys.subject.0.to_vec());
        run(conn, statement::DELETE_RECORD_KEYS, bind).await?;
        insert(conn, &rows(keys).collect::<Vec<_>>()).await?;
    }
    Ok(())
}

fn rows(keys: &RecordKeys) -> impl Iterator<Item = Row<'_>> {
    keys.hashes.iter().map(move |hash| (keys, *hash))
}

async fn insert<E: Engine>(conn: &mut Lease<'_, E>, rows: &[Row<'_>]) -> Result<(), Fault> {
    let rows: Vec<&Row<'_>> = rows.iter().collect();
    send_rows(conn, &statement::INSERT_RECORD_KEYS, &rows, |query, (keys, hash)| {
        query
            .bind(Arc::clone(&keys.dataset))
            .bind(hash.to_vec())
            .bind(keys.subject.0.to_vec())
    })
    .await
}
