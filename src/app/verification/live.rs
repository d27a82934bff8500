//! Live datasets: if the store has no copy that is recent enough, the outside source is asked, and its answer is written like a
//! contributed record before the caller is answered.
//! A source that gives no answer never means a mismatch or "no such record": callers with `stale_ok` get an older copy, marked as
//! stale; all others get `source_unavailable`.
//!
//! Order that keeps copies true: the time of the last fetch is read *before* the record, so a copy is never taken for newer than it
//! is; the source is asked, *then* the stored record is read again and compared and set; commit, *then* bump the stamp.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::{
    caches::FoundSlot,
    judgement::{AnswerFreshness, QuestionJudgement, agrees},
    record::{CachedRecord, cached, shared},
    source,
};
use crate::{
    foundation::error::AppError,
    licences,
    node::{hub::Hub, write::CommitAttempts},
    records,
};
use heyan_cache::{CachePolicy, LoadError, LoadedKey, RecordLoader, SourceFailure, WantedKey};
use heyan_catalog::Dataset;
use heyan_domain::{
    policy::{GrantOperation, UsePermission},
    verdict::{Outcome, Verdict},
};
use heyan_ports::{
    commit::Commit,
    error::StoreError,
    outward::{SourceFault, SourceRecord},
    records::{FetchWrite, LiveFetch, RecordWrite, StoredRecord},
    subject::RecordKey,
    trace,
};

/// How long "the source knows of none" is believed, microseconds.
const NONE_LIFE_US: i64 = 30_000_000;

/// Where a record came from, as its version says.
const SOURCE: &str = "live";

/// There is an older copy, which the caller may not be told.
const STALE: &str = "stale";

/// Reads records of one live dataset: from the store, else from the source.
pub struct LiveLoad {
    /// The hub owns the cache that owns this.
    hub: Weak<Hub>,
}

impl LiveLoad {
    /// A load for one cache of `hub`.
    pub fn new(hub: &Arc<Hub>) -> Self {
        Self {
            hub: Arc::downgrade(hub),
        }
    }
}

#[async_trait]
impl RecordLoader for LiveLoad {
    type Record = CachedRecord;

    async fn load(&self, wants: &[WantedKey], _now_us: i64) -> Vec<Result<LoadedKey<CachedRecord>, LoadError>> {
        let Some(hub) = self.hub.upgrade() else {
            return wants.iter().map(|_| Err(LoadError::Busy)).collect();
        };
        let mut found = Vec::with_capacity(wants.len());
        for want in wants {
            found.push(load_one(&hub, want).await);
        }
        found
    }
}

async fn load_one(hub: &Hub, want: &WantedKey) -> Result<LoadedKey<CachedRecord>, LoadError> {
    let (dataset, name) = hub.records.loader.name_of(&want.key)?;
    let fetch = hub.store.live_fetch(&name).await.map_err(shared)?;
    let copy = stored(hub, &name)
        .await?
        .and_then(|record| Some((copied_at(&record, fetch)?, record)));
    if let Some((at, record)) = &copy
        && *at >= want.oldest_us
    {
        return loaded(dataset, &name, record, *at, CachePolicy::Kept);
    }
    let asked_at = hub.clock.now_us();
    match trace::under(want.trace.clone(), ask(hub, dataset, &want.key)).await {
        Ok(answer) => settle(hub, dataset, &name, &want.key, answer, asked_at).await,
        Err(fault) => match &copy {
            Some((at, record)) => loaded(dataset, &name, record, *at, CachePolicy::Stale),
            None => Err(source::failure(hub, dataset, &fault)),
        },
    }
}

async fn stored(hub: &Hub, name: &RecordKey) -> Result<Option<StoredRecord>, LoadError> {
    let mut records = hub.store.records(std::slice::from_ref(name)).await.map_err(shared)?;
    Ok(records.pop().flatten())
}

/// When the stored record was last known to equal the source's; `None` if the source has since said that it has no such record.
fn copied_at(record: &StoredRecord, fetch: Option<LiveFetch>) -> Option<i64> {
    match fetch {
        Some(fetch) if fetch.at_us > record.received_at => fetch.found.then_some(fetch.at_us),
        _ => Some(record.received_at),
    }
}

fn loaded(
    dataset: &Dataset,
    name: &RecordKey,
    record: &StoredRecord,
    read_at: i64,
    keep: CachePolicy,
) -> Result<LoadedKey<CachedRecord>, LoadError> {
    Ok(LoadedKey {
        record: Some(cached(
            dataset,
            name,
            record.version,
            record.received_at,
            &record.fields,
        )?),
        read_at,
        keep,
    })
}

/// What the source says, once it was held against the dataset's schema.
struct SourceReply {
    subject: String,
    fields: Map<String, Value>,
    source_version: Option<i64>,
}

async fn ask(hub: &Hub, dataset: &Dataset, key: &[u8]) -> Result<Option<SourceReply>, SourceFault> {
    let subject = dataset.members_of(key);
    let question = async {
        let record = hub.outward.connectors.ask(&dataset.name, &subject).await?;
        record.map(|record| checked(hub, dataset, &subject, record)).transpose()
    };
    let word = |answer: &Option<SourceReply>| if answer.is_some() { "found" } else { "none" };
    source::in_time(hub, dataset, question, word).await
}

/// Nothing of what a source says is believed before its dataset's schema and comparators have read it.
fn checked(
    hub: &Hub,
    dataset: &Dataset,
    subject: &[(String, String)],
    record: SourceRecord,
) -> Result<SourceReply, SourceFault> {
    let members: Map<String, Value> = subject
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect();
    let subject = Value::Object(members.clone()).to_string();
    let body = json!({"subject": members, "fields": record.fields});
    if !dataset.check(&body).is_empty() {
        return Err(SourceFault::Unreadable("it breaks the dataset's schema"));
    }
    if let Ok(parsed) = dataset.parse_subject(|name| members.get(name).and_then(Value::as_str)) {
        let way = (records::IntakeOrigin::Live, hub.clock.now_us());
        records::noticed(hub, dataset, &parsed, &record.fields, way)
            .map_err(|_refused| SourceFault::Unreadable("it holds a value that the dataset refuses"))?;
    }
    Ok(SourceReply {
        subject,
        fields: record.fields,
        source_version: record.source_version.filter(|version| *version >= 0),
    })
}

/// What an answer of the source makes of what is stored.
enum LiveDecision {
    /// A new version.
    Write(Box<StoredRecord>),
    /// The stored record is what the source has, or newer.
    Confirm(StoredRecord),
    /// A record that the source no longer knows.
    Gone,
    /// The source has no such record, and none was stored.
    Nothing,
}

/// Pure. A record that came in while the source was asked stands, unless both state versions and the source's is newer:
/// which of the two is newer cannot be told otherwise, and what came in is younger than the question.
fn decide(now: Option<StoredRecord>, answer: Option<&SourceReply>, asked_at: i64) -> Result<LiveDecision, LoadError> {
    let Some(now) = now else {
        let Some(answer) = answer else {
            return Ok(LiveDecision::Nothing);
        };
        return Ok(LiveDecision::Write(Box::new(version_of(answer, 1, None, asked_at))));
    };
    let came_meanwhile = now.received_at >= asked_at;
    let Some(answer) = answer else {
        return Ok(match came_meanwhile {
            true => LiveDecision::Confirm(now),
            false => LiveDecision::Gone,
        });
    };
    let order = match (answer.source_version, now.source_version) {
        (Some(new), Some(old)) => Some(new.cmp(&old)),
        _ => None,
    };
    let stands = match order {
        Some(std::cmp::Ordering::Greater) => false,
        Some(std::cmp::Ordering::Less) => true,
        _ => came_meanwhile || same_fields(&now.fields, &answer.fields),
    };
    if stands {
        return Ok(LiveDecision::Confirm(now));
    }
    let next = now.version.checked_add(1).ok_or_else(|| shared(TooManyVersions))?;
    let record = version_of(answer, next, now.source_version, asked_at);
    Ok(LiveDecision::Write(Box::new(record)))
}

fn same_fields(stored: &str, fields: &Map<String, Value>) -> bool {
    serde_json::from_str::<Map<String, Value>>(stored).is_ok_and(|stored| stored == *fields)
}

fn version_of(answer: &SourceReply, version: u32, source_version: Option<i64>, asked_at: i64) -> StoredRecord {
    StoredRecord {
        version,
        // An answer that states no version of the source's own leaves the order it has reached as it is.
        source_version: answer.source_version.or(source_version),
        effective_at: None,
        received_at: asked_at,
        source: Some(SOURCE.to_owned()),
        subject: answer.subject.clone(),
        fields: Value::Object(answer.fields.clone()).to_string(),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a record has too many versions")]
struct TooManyVersions;

/// Writes the record that the source answered, and returns it.
async fn settle(
    hub: &Hub,
    dataset: &Arc<Dataset>,
    name: &RecordKey,
    key: &[u8],
    answer: Option<SourceReply>,
    asked_at: i64,
) -> Result<LoadedKey<CachedRecord>, LoadError> {
    let none = LoadedKey {
        record: None,
        read_at: asked_at,
        keep: CachePolicy::Until(asked_at.saturating_add(NONE_LIFE_US)),
    };
    let mut attempts = CommitAttempts::none();
    loop {
        let record = match decide(stored(hub, name).await?, answer.as_ref(), asked_at)? {
            // Nothing is written for a number that the source does not know: guesses must not fill the store.
            LiveDecision::Nothing => return Ok(none),
            LiveDecision::Gone => {
                note(hub, name, asked_at, LiveRecord::No).await?;
                return Ok(none);
            }
            LiveDecision::Confirm(record) => {
                note(hub, name, asked_at, LiveRecord::Yes).await?;
                return loaded(dataset, name, &record, asked_at, CachePolicy::Kept);
            }
            LiveDecision::Write(mut record) => {
                record.version = hub.node.changes.raise(record.version);
                record
            }
        };
        match write(hub, dataset, name, key, &record).await {
            Err(error) if attempts.again(&error) => {}
            written => {
                written.map_err(unwritten)?;
                return loaded(dataset, name, &record, asked_at, CachePolicy::Kept);
            }
        }
    }
}

/// Why a record was not written, for the callers that wait for it.
fn unwritten(error: AppError) -> LoadError {
    match error {
        AppError::Store(StoreError::Conflict) => LoadError::Unstable,
        error => shared(error),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LiveRecord {
    Yes,
    No,
}

fn fetch_of(name: &RecordKey, at_us: i64, found: LiveRecord) -> FetchWrite {
    let found = found == LiveRecord::Yes;
    FetchWrite {
        key: name.clone(),
        fetch: LiveFetch { at_us, found },
    }
}

/// Notes when the source was asked. No version changes, so the ledger gets no entry.
async fn note(hub: &Hub, name: &RecordKey, at_us: i64, found: LiveRecord) -> Result<(), LoadError> {
    let commit = Commit::default().with(fetch_of(name, at_us, found));
    hub.write(commit).await.map(drop).map_err(shared)
}

/// Commits a new version with its ledger entry, and marks the cached record stale: callers that wait for this load look again
/// and find the record in the store.
async fn write(
    hub: &Hub,
    dataset: &Dataset,
    name: &RecordKey,
    key: &[u8],
    record: &StoredRecord,
) -> Result<(), AppError> {
    let writes = vec![RecordWrite {
        dataset: Arc::clone(&name.dataset),
        subject: name.subject,
        expected: record.version.checked_sub(1).filter(|version| *version > 0),
        record: record.clone(),
    }];
    // Agency 0: the hub itself asked, on behalf of the first caller.
    let entry = records::entry_by(hub, 0, &[SOURCE], dataset, &writes, record.received_at)?;
    let commit = Commit::at(record.received_at)
        .with(records::changes(hub, &writes, record.received_at)?)
        .with(licences::keys_of(hub, &writes))
        .with(writes)
        .stamps(vec![hub.records.caches.bucket_of(key)])
        .with(fetch_of(name, record.received_at, LiveRecord::Yes))
        .entry(entry);
    hub.write(commit).await?;
    Ok(())
}

/// Narrows a judgement that rests on a stale copy to what the grant's `stale_ok` covers; the other fields become
/// `unavailable`.
///
/// # Errors
/// Nothing would be left to tell. So it is without `existence` where no field agrees: `source_unavailable` is also the
/// answer when there is no copy, and the two must not be told apart.
pub(crate) fn narrow_to_stale(
    judgement: &mut QuestionJudgement<'_>,
    permission: UsePermission,
    read_at: i64,
    now_us: i64,
) -> Result<(), AppError> {
    let covered = permission.fields(GrantOperation::StaleOk);
    for (_, number, verdict) in &mut judgement.fields {
        if *verdict != Verdict::NotPermitted && !covered.has(*number) {
            *verdict = Verdict::Unavailable;
        }
    }
    judgement.outcome = Outcome::of(judgement.fields.iter().map(|(_, _, verdict)| *verdict));
    let told = |verdict: Verdict| !matches!(verdict, Verdict::NotPermitted | Verdict::Unavailable);
    let any_told = judgement.fields.iter().any(|(_, _, verdict)| told(*verdict));
    let any_agrees = judgement.fields.iter().any(|(_, _, verdict)| agrees(*verdict));
    if !any_told || !(any_agrees || permission.has(GrantOperation::Existence)) {
        return Err(LoadError::Source(SourceFailure::of(STALE)).into());
    }
    if let Some(record) = &mut judgement.record {
        let age_us = now_us.saturating_sub(read_at).max(0);
        record.freshness = AnswerFreshness::Stale {
            age_s: (age_us / 1_000_000).unsigned_abs(),
        };
    }
    Ok(())
}

/// Brings the stored copy of a live dataset's record up to date for one who reads it; `None`: the dataset is no live one.
///
/// # Errors
/// The source could not be asked. A reader gets no stale copy: nothing in what he reads would say so.
pub(crate) async fn bring(hub: &Hub, dataset: &Dataset, key: &[u8]) -> Result<Option<FoundSlot>, AppError> {
    if !hub.records.caches.is_live(dataset) {
        return Ok(None);
    }
    let wanted = hub.records.caches.wanted(dataset, None, hub.clock.now_us());
    let (slot, _) = hub.records.caches.get(key, wanted).await?;
    if slot.is_stale() {
        return Err(LoadError::Source(SourceFailure::of(STALE)).into());
    }
    Ok(Some(slot))
}

#[cfg(test)]
mod tests {
    use crate::verification::live::*;

    fn record(version: u32, source_version: Option<i64>, received_at: i64, name: &str) -> StoredRecord {
        StoredRecord {
            version,
            source_version,
            effective_at: None,
            received_at,
            source: None,
            subject: "{}".to_owned(),
            fields: json!({"name": name, "sex": "1"}).to_string(),
        }
    }

    fn answer(source_version: Option<i64>, name: &str) -> SourceReply {
        let Value::Object(fields) = json!({"sex": "1", "name": name}) else {
            panic!("an object")
        };
        SourceReply {
            subject: "{}".to_owned(),
            fields,
            source_version,
        }
    }

    fn word(now: Option<StoredRecord>, answer: Option<SourceReply>) -> String {
        match decide(now, answer.as_ref(), 100).unwrap() {
            LiveDecision::Write(record) => format!("write {} {:?}", record.version, record.source_version),
            LiveDecision::Confirm(record) => format!("confirm {}", record.version),
            LiveDecision::Gone => "gone".to_owned(),
            LiveDecision::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn an_answer_is_decided_against_what_is_stored() {
        assert_eq!(word(None, None), "nothing");
        assert_eq!(word(None, Some(answer(Some(7), "a"))), "write 1 Some(7)");
        assert_eq!(word(Some(record(3, None, 50, "a")), None), "gone");
        // The order of members is no difference, and a repeated version with other fields is.
        let same = word(Some(record(3, None, 50, "a")), Some(answer(None, "a")));
        assert_eq!(same, "confirm 3");
        for repeated in [None, Some(7)] {
            let told = word(Some(record(3, Some(7), 50, "a")), Some(answer(repeated, "b")));
            assert_eq!(told, "write 4 Some(7)", "{repeated:?}");
        }
        // A newer version with the same fields is written, so that a late feed row between the two is not taken.
        assert_eq!(
            word(Some(record(3, Some(7), 50, "a")), Some(answer(Some(9), "a"))),
            "write 4 Some(9)"
        );
        let older = word(Some(record(3, Some(7), 50, "a")), Some(answer(Some(6), "b")));
        assert_eq!(older, "confirm 3");
    }

    #[test]
    fn what_came_in_while_the_source_was_asked_stands_unless_the_source_is_newer() {
        for reply in [Some(answer(None, "b")), None] {
            assert_eq!(word(Some(record(3, None, 100, "a")), reply), "confirm 3");
        }
        assert_eq!(
            word(Some(record(3, Some(7), 100, "a")), Some(answer(Some(8), "b"))),
            "write 4 Some(8)"
        );
    }

    #[test]
    fn a_copy_is_as_old_as_what_last_confirmed_it_and_void_once_the_source_denied_it() {
        let at = |fetch: Option<(i64, bool)>| {
            copied_at(
                &record(1, None, 50, "a"),
                fetch.map(|(at_us, found)| LiveFetch { at_us, found }),
            )
        };
        assert_eq!(at(None), Some(50));
        assert_eq!(at(Some((80, true))), Some(80));
        assert_eq!(at(Some((80, false))), None);
        assert_eq!(
            at(Some((40, false))),
            Some(50),
            "contributed after the source denied it"
        );
    }
}
