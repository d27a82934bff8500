//! The keyed hashes under which licences are found are made of canonical texts. When a rule of folding changes, or a dataset gets
//! another revision, they are made anew in the background, page by page, while the hub serves: no migration stops it.

use std::sync::Arc;

use super::keys;
use crate::{foundation::error::AppError, node::hub::Hub};
use heyan_catalog::Dataset;
use heyan_ports::{
    commit::Commit,
    positions::ReadPosition,
    records::{RecordWrite, StoredRecord},
    subject::{RecordKey, SubjectKey},
};

/// Raised when a comparator gives another canonical text for what it read before.
const TEXTS_FORM: u32 = 1;

/// Records of one commit.
const PAGE_RECORDS: u32 = 500;

/// Pages of one call, so that the other duties of its worker are not kept waiting.
const PAGES_MAX: u32 = 40;

/// What a position says when all records are done.
const DONE: &str = "done";

/// Makes the keys of every register of licences anew, as far as they are of older rules.
///
/// # Errors
/// The store could not be asked; the next call goes on where this one ended.
pub(crate) async fn renew(hub: &Hub) -> Result<(), AppError> {
    for dataset in hub.catalog.iter().filter(|dataset| dataset.licence.is_some()) {
        renew_dataset(hub, dataset).await?;
    }
    Ok(())
}

async fn renew_dataset(hub: &Hub, dataset: &Arc<Dataset>) -> Result<(), AppError> {
    let name = format!("keys:{}", dataset.name);
    let form = format!("{TEXTS_FORM} {}", dataset.rules);
    let position = hub.store.position(&name).await?;
    let reached = position
        .as_deref()
        .and_then(|text| text.strip_prefix(&form))
        .map(str::trim);
    let mut after = match reached {
        Some(DONE) => return Ok(()),
        Some(subject) => subject_of(subject).unwrap_or(SubjectKey([0; 16])),
        None => SubjectKey([0; 16]),
    };
    for _ in 0..PAGES_MAX {
        let page = hub.store.records_after(&dataset.name, after, PAGE_RECORDS).await?;
        let last = page.last().map(|(subject, _)| *subject);
        let reached = last.map_or_else(
            || DONE.to_owned(),
            |SubjectKey(bytes)| format!("{:032x}", u128::from_be_bytes(bytes)),
        );
        write_page(hub, dataset, page).await?;
        let position = ReadPosition {
            name: name.clone(),
            value: format!("{form} {reached}"),
        };
        hub.write(Commit::at(hub.clock.now_us()).with(position)).await?;
        match last {
            Some(last) => after = last,
            None => {
                tracing::info!(dataset = &*dataset.name, "the keys of the register follow its rules");
                return Ok(());
            }
        }
    }
    Ok(())
}

fn subject_of(text: &str) -> Option<SubjectKey> {
    let number = u128::from_str_radix(text, 16).ok()?;
    Some(SubjectKey(number.to_be_bytes()))
}

/// Writes the keys of records. One that got a new version meanwhile has its own keys, which must not be those of the old one: it
/// is written again, until nothing changed while it was.
async fn write_page(hub: &Hub, dataset: &Dataset, mut page: Vec<(SubjectKey, StoredRecord)>) -> Result<(), AppError> {
    while !page.is_empty() {
        let writes: Vec<RecordWrite> = page
            .into_iter()
            .map(|(subject, record)| RecordWrite {
                dataset: Arc::clone(&dataset.name),
                subject,
                expected: Some(record.version),
                record,
            })
            .collect();
        let keys = keys::of(hub, &writes);
        hub.write(Commit::at(hub.clock.now_us()).with(keys)).await?;
        let names: Vec<RecordKey> = writes
            .iter()
            .map(|write| RecordKey {
                dataset: Arc::clone(&write.dataset),
                subject: write.subject,
            })
            .collect();
        let now = hub.store.records(&names).await?;
        let changed = |(write, now): (&RecordWrite, Option<StoredRecord>)| {
            now.filter(|now| now.version != write.record.version)
                .map(|now| (write.subject, now))
        };
        page = writes.iter().zip(now).filter_map(changed).collect();
    }
    Ok(())
}
