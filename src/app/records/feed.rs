//! One step of a feed: what has come since the stored position goes in as contributed records, then the position is stored.
//! `stored position ≤ taken in`: what was taken in and not noted comes again, and is unchanged then.

use std::{net::IpAddr, sync::Arc};

use crate::node::caller::Caller;
use crate::{
    foundation::error::{AppError, MissingThing},
    node::hub::Hub,
    records,
};
use heyan_ports::{
    commit::{Commit, ReadPosition},
    outward::{FeedInfo, SourceFault},
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
    let mut rejected = 0_usize;
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
                    "a row of a feed is no record"
                );
            }
        }
    }
    if !good.is_empty() {
        let caller = caller_of(hub, &info.agency)?;
        records::may_contribute(hub, &caller, &dataset)?;
        for part in parts(good) {
            let answer = records::ingest(hub, &caller, &dataset, part, None).await?;
            rejected += count(hub, &answer.results);
        }
    }
    if rejected > 0 {
        tracing::warn!(feed = info.name, rejected, "rows of a feed were rejected");
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

/// Counts what became of the records; answers how many were refused.
pub(crate) fn count(hub: &Hub, results: &[records::IngestResult]) -> usize {
    let mut refused = 0;
    for result in results {
        let word = match result {
            Ok((ingested, _)) => ingested.as_str(),
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
    tracing::warn!(feed = info.name, fault = fault.as_str(), "a feed could not be read");
    AppError::Internal("a feed could not be read")
}
