//! One step of a feed: takes in what has arrived since the stored position as contributed records, then stores the new position.
//! `stored position ≤ taken in`: after a crash in between, the same records arrive again and are `unchanged`.

use std::{net::IpAddr, sync::Arc};

use crate::node::caller::Caller;
use crate::{
    foundation::error::{AppError, MissingThing},
    node::hub::Hub,
    records::{self, IngestOptions, IntakeOrigin, KeptFields},
};
use heyan_cache::{LoadError, SourceFailure};
use heyan_ports::{
    commit::Commit,
    outward::{FeedInfo, SourceFault},
    positions::ReadPosition,
};

/// Whether more waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedProgress {
    /// It does.
    More,
    /// It does not.
    All,
}

/// Takes in what the feed brings next.
///
/// # Errors
/// The feed, the store or the ledger cannot be asked, or the feed's agency may not contribute.
pub async fn take(hub: &Hub, info: &FeedInfo) -> Result<FeedProgress, AppError> {
    let name = format!("feed:{}", info.name);
    let stored = hub.store.position(&name).await?;
    let batch = hub
        .outward
        .connectors
        .poll(&info.name, stored.as_deref())
        .await
        .map_err(|fault| failed(info, &fault))?;
    let dataset = hub
        .catalog
        .get(&info.dataset)
        .map(Arc::clone)
        .ok_or(AppError::NotFound(MissingThing::Dataset))?;
    let (mut rejected, mut marked) = (0_usize, 0_usize);
    let mut good = Vec::with_capacity(batch.records.len());
    for record in batch.records {
        match record {
            Ok(record) => good.push(Ok(record)),
            Err(reject) => {
                rejected += 1;
                tracing::warn!(
                    feed = info.name,
                    place = reject.place,
                    row = reject.row,
                    code = reject.code,
                    "a row of a feed is not a record"
                );
            }
        }
    }
    if !good.is_empty() {
        let options = IngestOptions {
            kept: KeptFields::Named(batch.missing.iter().map(|name| name.as_str().into()).collect()),
            ..IngestOptions::of(IntakeOrigin::Feed)
        };
        let caller = caller_of(hub, &info.agency)?;
        records::may_contribute(hub, &caller, &dataset)?;
        for part in parts(good) {
            let answer = records::ingest(hub, &caller, &dataset, part, &options).await?;
            rejected += count(hub, &answer.results);
            marked += answer
                .results
                .iter()
                .flatten()
                .filter(|record| !record.findings.is_empty())
                .count();
        }
    }
    if rejected > 0 {
        tracing::warn!(feed = info.name, rejected, "rows of a feed were rejected");
    }
    if marked > 0 {
        tracing::warn!(feed = info.name, marked, "rows of a feed were taken in with findings");
    }
    if stored.as_deref() != Some(batch.position.as_str()) {
        let commit = Commit::at(hub.clock.now_us()).with(ReadPosition {
            name,
            value: batch.position.clone(),
        });
        hub.write(commit).await?;
        let told = hub.outward.connectors.acknowledge(&info.name, &batch.position).await;
        told.map_err(|fault| failed(info, &fault))?;
    }
    Ok(if batch.more {
        FeedProgress::More
    } else {
        FeedProgress::All
    })
}

type ParsedFeed = Result<serde_json::Value, AppError>;

/// In parts of one commit each.
fn parts(mut records: Vec<ParsedFeed>) -> Vec<Vec<ParsedFeed>> {
    let mut parts = Vec::new();
    while records.len() > records::RECORDS_MAX {
        let rest = records.split_off(records::RECORDS_MAX);
        parts.push(std::mem::replace(&mut records, rest));
    }
    parts.push(records);
    parts
}

/// Counts what became of the records. Returns how many were refused.
pub(crate) fn count(hub: &Hub, results: &[records::IngestResult]) -> usize {
    let mut refused = 0;
    for result in results {
        let word = match result {
            Ok(record) => record.ingested.as_str(),
            Err(_) => {
                refused += 1;
                "rejected"
            }
        };
        if let Ok(counter) = hub.node.metrics.records_ingested.get_metric_with_label_values(&[word]) {
            counter.inc();
        }
    }
    refused
}

/// A feed speaks as the client of its agency, from the hub's own machine.
pub(crate) fn caller_of(hub: &Hub, agency: &str) -> Result<Caller, AppError> {
    let access = hub.access.table.load();
    let client = access
        .clients
        .get(agency)
        .filter(|client| !client.row.disabled)
        .ok_or(AppError::NotFound(MissingThing::Agency))?;
    Ok(Caller {
        client: Arc::clone(client),
        peer: IpAddr::from([127, 0, 0, 1]),
    })
}

fn failed(info: &FeedInfo, fault: &SourceFault) -> AppError {
    AppError::Load(LoadError::Source(SourceFailure {
        word: fault.as_str(),
        connector: Some(info.name.as_str().into()),
        status: fault.status(),
    }))
}
