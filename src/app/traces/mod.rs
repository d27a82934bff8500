//! Who looked: every look at a subject that the ledgers hold, for an auditor who says why, newest first. The question is an
//! entry too, and stands in the next trace. What is under seal for an investigation is left out, and nothing says so.

pub mod index;
pub mod look;
pub mod row;
pub mod seals;

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use self::{
    look::{Lack, LedgerMarks, TraceLook},
    row::{AgencyNames, TraceRow},
    seals::WithheldEntries,
};
use super::node::caller::Caller;
use super::{
    delivery::message,
    foundation::{
        error::{AppError, MissingThing},
        purpose,
        vault::SealPlace,
    },
    node::hub::Hub,
    verification::{
        question::{BoundedText, MemberList},
        verify::parse_subject,
    },
};
use heyan_catalog::Dataset;
use heyan_domain::fault::LengthLimit;
use heyan_ledger::entry::{self, EntryKind};

/// Longest reason, bytes.
pub const REASON_BYTES_MAX: usize = 1_024;

/// What an auditor asks.
pub struct TraceRequest<'a> {
    /// Dataset name.
    pub dataset: &'a str,
    /// Identifiers of the subject.
    pub subject: &'a MemberList<'a, BoundedText<'a>>,
    /// Looks at this moment or later, Unix microseconds.
    pub from_us: i64,
    /// Looks before this moment, Unix microseconds.
    pub until_us: i64,
    /// Why the auditor asks.
    pub reason: &'a str,
    /// Where the page before ended.
    pub cursor: Option<&'a str>,
    /// Rows at most.
    pub limit: usize,
}

/// One page of a trace.
pub struct TracePage {
    /// Newest first.
    pub rows: Vec<TraceRow>,
    /// For the next page; `None`: this is the last.
    pub next_cursor: Option<String>,
    /// Ledgers whose entries are missing or not all there, and why.
    pub incomplete: Vec<(Arc<str>, Lack)>,
}

/// Tells who looked at a subject. The entry of the question is on disk before it answers.
///
/// # Errors
/// No such dataset, a wrong subject, reason or cursor, or the ledger or store cannot be asked.
pub async fn trace(hub: &Arc<Hub>, caller: &Caller, ask: &TraceRequest<'_>) -> Result<TracePage, AppError> {
    let dataset = hub
        .catalog
        .get(ask.dataset)
        .ok_or(AppError::NotFound(MissingThing::Dataset))?;
    let parsed = parse_subject(dataset, ask.subject)?;
    check_reason(ask.reason)?;
    let subject = hub.records.loader.subject_key(dataset, &parsed.key).0;
    let marks = ask
        .cursor
        .map(|cursor| open_cursor(hub, &subject, cursor))
        .transpose()?;
    // One more than is told says whether there is another page.
    let rows_max = ask.limit.saturating_add(1);
    let mut look = TraceLook::new(hub, subject, seconds(ask), &marks.unwrap_or_default(), rows_max).await?;
    let (agencies, withheld) = (AgencyNames::of(hub), WithheldEntries::from(hub, caller).await?);
    let (mut rows, mut next) = (Vec::new(), None);
    loop {
        let before = look.marks();
        let Some(seen) = look.next().await? else { break };
        let is_asked = (ask.from_us..ask.until_us).contains(&seen.entry.at_us);
        if !is_asked || withheld.hides(hub, &seen).await? {
            continue;
        }
        if rows.len() == ask.limit {
            // There is one more to tell: only then is there another page, so that an empty one never hints at what is withheld.
            next = Some(before);
            break;
        }
        rows.push(row::row(hub, &agencies, &seen));
    }
    let next_cursor = next.map(|marks| seal_cursor(hub, &subject, &marks)).transpose()?;
    enter(hub, caller, dataset, &subject, ask.reason).await?;
    Ok(TracePage {
        rows,
        next_cursor,
        incomplete: look.lacks,
    })
}

/// A reason is stated, and short enough for its entry.
///
/// # Errors
/// It is blank or too long.
pub fn check_reason(reason: &str) -> Result<(), AppError> {
    if purpose::is_blank(reason) {
        return Err(AppError::fault("/reason", "invalid_value"));
    }
    match reason.len() > REASON_BYTES_MAX {
        true => Err(AppError::over("/reason", LengthLimit::Bytes(REASON_BYTES_MAX))),
        false => Ok(()),
    }
}

/// The seconds that the index is asked for: a little more than what is asked, which is cut exactly afterwards.
fn seconds(ask: &TraceRequest<'_>) -> (u32, u32) {
    let second = |us: i64| u32::try_from(us.div_euclid(1_000_000).max(0)).unwrap_or(u32::MAX);
    (second(ask.from_us), second(ask.until_us))
}

/// Enters that a trace was asked for.
async fn enter(
    hub: &Hub,
    caller: &Caller,
    dataset: &Dataset,
    subject: &[u8; 16],
    reason: &str,
) -> Result<(), AppError> {
    let mut bytes = Vec::with_capacity(256);
    entry::begin(&mut bytes, EntryKind::Read, hub.clock.now_us(), caller.agency_number());
    entry::put_read(&mut bytes, ["query_trace", &dataset.rules], subject, 0, &[]);
    purpose::seal_parts(hub, &[&caller.client.row.id, reason], &mut bytes)?;
    hub.append(bytes).await?;
    Ok(())
}

/// A cursor is sealed and bound to its subject: where others' entries stand is nobody's to read or to change.
fn seal_cursor(hub: &Hub, subject: &[u8; 16], marks: &LedgerMarks) -> Result<String, AppError> {
    let sealed = hub
        .secrets
        .vault
        .seal_json(cursor_place(&message::hex(subject)), marks)?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

fn open_cursor(hub: &Hub, subject: &[u8; 16], cursor: &str) -> Result<LedgerMarks, AppError> {
    let invalid = || AppError::fault("/cursor", "invalid_value");
    let sealed = URL_SAFE_NO_PAD.decode(cursor).map_err(|_no_base64| invalid())?;
    let opened = hub
        .secrets
        .vault
        .open_json(cursor_place(&message::hex(subject)), &sealed);
    opened.map_err(|_not_ours| invalid())
}

fn cursor_place(subject: &str) -> SealPlace<'_> {
    SealPlace {
        table: "traces",
        column: "cursor",
        row: subject,
    }
}
