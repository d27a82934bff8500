//! What an agency may not replace: a record of a register that is not its own, unless it brought the current version itself. The
//! operation `contribute` lets it bring records; what the authority or another agency brought stays theirs.

use std::{collections::HashSet, sync::Arc};

use super::IncomingRecord;
use crate::{
    foundation::error::AppError,
    node::{caller::Caller, hub::Hub},
};
use heyan_catalog::Dataset;
use heyan_ports::{
    approvals::ContributionRow,
    records::{RecordWrite, StoredRecord},
    subject::SubjectKey,
};

/// Whether the caller writes a register that is not its own.
fn is_guest(caller: &Caller, dataset: &Dataset) -> bool {
    caller.agency().is_ok_and(|agency| !agency.owns(dataset))
}

/// The stored records that the caller may not replace.
///
/// # Errors
/// Returns an error if the store cannot be reached.
pub(super) async fn records(
    hub: &Hub,
    caller: &Caller,
    incoming: &[IncomingRecord],
    stored: &[Option<StoredRecord>],
) -> Result<HashSet<SubjectKey>, AppError> {
    let mut foreign = HashSet::new();
    let mut datasets: Vec<&Arc<Dataset>> = incoming.iter().map(|record| &record.dataset).collect();
    datasets.dedup_by(|one, two| one.name == two.name);
    for dataset in datasets.into_iter().filter(|dataset| is_guest(caller, dataset)) {
        let known: Vec<(SubjectKey, u32)> = incoming
            .iter()
            .zip(stored)
            .filter(|(record, _)| record.dataset.name == dataset.name)
            .filter_map(|(record, stored)| Some((record.key.subject, stored.as_ref()?.version)))
            .collect();
        if known.is_empty() {
            continue;
        }
        let subjects: Vec<SubjectKey> = known.iter().map(|(subject, _)| *subject).collect();
        let brought = hub.store.contributions(&dataset.name, &subjects).await?;
        let is_own =
            |(subject, version): &(SubjectKey, u32)| brought.contains(&(*subject, caller.agency_number(), *version));
        foreign.extend(known.iter().filter(|one| !is_own(one)).map(|(subject, _)| *subject));
    }
    Ok(foreign)
}

/// That the caller brought these versions, where the register is not its own.
pub(super) fn contributed(
    caller: &Caller,
    incoming: &[IncomingRecord],
    writes: &[RecordWrite],
) -> Vec<ContributionRow> {
    let mut rows: Vec<ContributionRow> = Vec::new();
    for record in incoming.iter().filter(|record| is_guest(caller, &record.dataset)) {
        let is_of = |write: &&RecordWrite| write.dataset == record.key.dataset && write.subject == record.key.subject;
        let Some(newest) = writes.iter().filter(is_of).map(|write| write.record.version).max() else {
            continue;
        };
        if rows
            .iter()
            .all(|row| row.key.subject != record.key.subject || row.key.dataset != record.key.dataset)
        {
            rows.push(ContributionRow {
                key: record.key.clone(),
                agency: caller.agency_number(),
                version: newest,
            });
        }
    }
    rows
}
