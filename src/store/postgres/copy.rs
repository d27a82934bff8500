//! Records that must not exist yet, by `COPY`: the server takes a stream of rows several times faster than statements of values.
//! A key that is taken after all ends the whole transaction, as everywhere: the caller decides anew.

use sqlx::postgres::PgConnection;

use crate::batch::{RecordRow, hex};
use crate::statement;

/// Fewer rows than this go in by a statement, which costs fewer messages.
const ROWS_MIN: usize = 64;

/// Bytes that are sent at once.
const PART_BYTES: usize = 256 * 1024;

/// Copies `rows`; `None` for so few that it does not pay.
pub(super) async fn records(conn: &mut PgConnection, rows: &[&RecordRow]) -> Result<Option<u64>, sqlx::Error> {
    if rows.len() < ROWS_MIN {
        return Ok(None);
    }
    let mut copy = conn.copy_in_raw(statement::COPY_RECORDS.postgres).await?;
    let mut part = String::with_capacity(PART_BYTES + 4_096);
    for row in rows {
        write_row(&mut part, row);
        if part.len() >= PART_BYTES {
            if let Err(error) = copy.send(part.as_bytes()).await {
                return refused(copy, error).await;
            }
            part.clear();
        }
    }
    match copy.send(part.as_bytes()).await {
        Ok(_) => copy.finish().await.map(Some),
        Err(error) => refused(copy, error).await,
    }
}

type CopyRows<'c> = sqlx::postgres::PgCopyIn<&'c mut PgConnection>;

async fn refused(copy: CopyRows<'_>, error: sqlx::Error) -> Result<Option<u64>, sqlx::Error> {
    // The first error is the one that says why; the copy must be ended all the same.
    let _ended = copy.abort("the rows could not be sent").await;
    Err(error)
}

/// One line of the text format of `COPY` (PostgreSQL manual, COPY, "Text Format").
fn write_row(out: &mut String, row: &RecordRow) {
    text(out, &row.dataset);
    out.push_str("\t\\\\x");
    out.push_str(&hex(row.subject));
    for number in [
        Some(i64::from(row.version)),
        row.source_version,
        row.effective_at,
        Some(row.received_at),
    ] {
        out.push('\t');
        match number {
            Some(number) => out.push_str(&number.to_string()),
            None => out.push_str("\\N"),
        }
    }
    out.push('\t');
    match &row.source {
        Some(source) => text(out, source),
        None => out.push_str("\\N"),
    }
    out.push('\t');
    text(out, &row.identifiers);
    out.push('\t');
    text(out, &row.fields);
    out.push('\n');
}

fn text(out: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heyan_ports::subject::SubjectKey;

    #[test]
    fn what_the_format_means_itself_is_escaped() {
        let row = RecordRow {
            dataset: "natural-person".into(),
            subject: SubjectKey([0xab; 16]),
            expected: None,
            version: 1,
            source_version: None,
            effective_at: Some(-5),
            received_at: 7,
            source: Some("a\tb".into()),
            identifiers: r#"{"id":"a\"b"}"#.into(),
            fields: "{\n}".into(),
        };
        let mut line = String::new();
        write_row(&mut line, &row);
        let subject = "ab".repeat(16);
        assert_eq!(
            line,
            format!("natural-person\t\\\\x{subject}\t1\t\\N\t-5\t7\ta\\tb\t{{\"id\":\"a\\\\\"b\"}}\t{{\\n}}\n")
        );
    }
}
