//! One question to an outside source: its deadline, its count, and how its failing is told.

use std::time::Duration;

use crate::node::hub::Hub;
use heyan_cache::{LoadError, SourceFailure};
use heyan_catalog::Dataset;
use heyan_ports::outward::SourceFault;

/// Longest time for one answer of a source, whatever its connector allows itself.
const DEADLINE: Duration = Duration::from_secs(10);

/// Lets a source answer in time, and counts what it says by a word of a closed set.
pub(crate) async fn in_time<T>(
    hub: &Hub,
    dataset: &Dataset,
    question: impl Future<Output = Result<T, SourceFault>>,
    word: impl Fn(&T) -> &'static str,
) -> Result<T, SourceFault> {
    let begun = std::time::Instant::now();
    let answer = tokio::time::timeout(DEADLINE, question).await;
    let answer = answer.unwrap_or(Err(SourceFault::Timeout));
    let word = answer.as_ref().map_or_else(SourceFault::as_str, word);
    hub.node.metrics.source(&dataset.name, word, begun.elapsed());
    answer
}

/// Why a call that needed a source fails: what its one line in the log says.
pub(crate) fn failure(hub: &Hub, dataset: &Dataset, fault: &SourceFault) -> LoadError {
    LoadError::Source(SourceFailure {
        word: fault.as_str(),
        connector: hub.outward.connectors.source_of(&dataset.name).map(Into::into),
        status: fault.status(),
    })
}
