//! Reuse of a check by a co-handler: the lead's verdicts, reduced to what the co-handler's own grant allows for its own item, as long
//! as the record still has the version that was answered from.

use serde::Deserialize;

use super::{CaseStatus, CaseView, CheckFacts, get};
use crate::node::caller::Caller;
use crate::{
    foundation::{
        error::{AppError, MissingThing},
        ids::VerificationId,
        purpose, usage,
    },
    node::hub::Hub,
    verification::{
        asker, guess, judge,
        judgement::{AnswerFreshness, QuestionJudgement, RecordNote, parse_subject, tell_only_what_is_permitted},
        question::{self, AskedPurposeElements, BoundedText, MemberList},
        verify::{EntryPosition, VerificationAnswer},
    },
};
use heyan_catalog::Dataset;
use heyan_domain::{
    policy::{GrantOperation, UsePermission},
    verdict::{Outcome, Verdict},
};
use heyan_ledger::{
    AppendLane,
    entry::{self, EntryKind},
};
use heyan_ports::cases::CaseCheckRow;

/// `POST /v1/cases/{id}/checks/{number}/reuse`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReuseBody<'a> {
    /// Why it is asked; `item_code` is the one that the case names for the agency.
    #[serde(borrow, deserialize_with = "question::object")]
    pub purpose: AskedPurposeElements<'a>,
    /// Identifiers of the subject.
    #[serde(borrow)]
    pub subject: MemberList<'a, BoundedText<'a>>,
}

/// Uses a check again.
///
/// # Errors
/// Returns an error if there is no such check for this agency, item and subject; if the case is closed or has expired; if the grant
/// does not allow it; if the record has a newer version; or if the ledger is not accepting entries: then nothing may be answered.
pub async fn reuse<'h>(
    hub: &'h Hub,
    lane: &AppendLane,
    caller: &Caller,
    (case, number): (&str, u32),
    body: &ReuseBody<'_>,
    names: &'h mut Vec<String>,
) -> Result<VerificationAnswer<'h>, AppError> {
    purpose::check(&body.purpose)?;
    let (view, now_us) = (get(hub, caller, case).await?, hub.clock.now_us());
    let agency = caller.agency()?;
    let (row, check) = found(&view, &agency.row.id, &body.purpose.item_code, number)?;
    if view.state(now_us) != CaseStatus::Open {
        return Err(AppError::NotNow);
    }
    let dataset = hub
        .catalog
        .get(&row.dataset)
        .ok_or(AppError::NotFound(MissingThing::Dataset))?;
    let allowed = agency.permission(dataset, &body.purpose.item_code, now_us, caller.peer)?;
    let subject = parse_subject(dataset, &body.subject)?;
    let of = |key: &[u8]| hub.records.loader.subject_key(dataset, key);
    let is_the_one = |key: &[u8]| of(key) == row.subject;
    let mut keys = [Some(&subject.key), subject.alternative.as_ref()].into_iter().flatten();
    let key = keys.find(|key| is_the_one(key));
    let mut charged = allowed.charge(usage::day_of(now_us))?;
    let asked = guess::GuessContext {
        caller: agency,
        subject: row.subject,
        now_us,
        may_know: false,
    };
    // A try at whose check it is counts like any other: the number could be found by trying.
    let named = key.map_or_else(|| of(&subject.key), |_| row.subject);
    let is_told = asker::name_subject(hub, &asked, named, &caller.client.row.id).await?;
    // Who names somebody else learns nothing, not even that.
    let key = key.filter(|_| is_told).ok_or(AppError::NotFound(MissingThing::Case))?;
    let wanted = hub.records.caches.wanted(dataset, Some(0), now_us);
    let found = hub.records.caches.get(key, wanted).await;
    let (slot, _) = found.inspect_err(|_untold| charged.give_back())?;
    let current = slot.record.as_ref().map_or(0, |record| record.version);
    // Version 0 tells no version, so nothing says that it is still the one.
    if slot.is_stale() || row.record_version == 0 || current != row.record_version || *dataset.rules != *check.rules {
        return Err(AppError::Superseded);
    }
    *names = check.fields.iter().map(|field| field.name.clone()).collect();
    let mut judgement = narrowed(dataset, row, check, allowed.permission, names);
    let about = hub.mismatches.pending.about(row.subject);
    if let Some(about) = about.as_deref() {
        judgement.disputed = judge::disputed(dataset, about, &judgement);
    }
    let entered = enter(hub, lane, caller, &body.purpose, &row.verification, &judgement, now_us).await;
    let entered = entered.inspect_err(|_untold| charged.give_back())?;
    hub.node.metrics.verification(dataset.number, judgement.outcome);
    Ok(VerificationAnswer {
        id: VerificationId {
            at_ms: now_us / 1_000,
            node: hub.node.settings.node,
            index: entered.index,
        },
        judgement,
        entered,
    })
}

/// The check of a number, if the agency may use it for the item.
fn found<'v>(
    view: &'v CaseView,
    agency: &str,
    item_code: &str,
    number: u32,
) -> Result<(&'v CaseCheckRow, &'v CheckFacts), AppError> {
    let check = view.checks.iter().find(|(row, _)| row.number == number);
    let (row, check) = check.ok_or(AppError::NotFound(MissingThing::Case))?;
    let mut of_agency = view.facts.co_handlers.iter().filter(|one| one.agency == agency);
    let may = of_agency.any(|one| one.item_code == item_code && one.covers(&check.reference));
    match may {
        true => Ok((row, check)),
        false => Err(AppError::NotFound(MissingThing::Case)),
    }
}

/// The lead's verdicts, as far as the grant goes.
fn narrowed<'h>(
    dataset: &'h Dataset,
    row: &CaseCheckRow,
    check: &CheckFacts,
    permission: UsePermission,
    names: &'h [String],
) -> QuestionJudgement<'h> {
    let fields = check.fields.iter().zip(names).filter_map(|(field, name)| {
        let number = dataset.field_number(name)?;
        let operation = match field.predicate {
            true => GrantOperation::Predicate,
            false => GrantOperation::Verify,
        };
        let told = Verdict::from_code(field.verdict).filter(|_| permission.permits(operation, number));
        Some((name.as_str(), number, told.unwrap_or(Verdict::NotPermitted)))
    });
    let fields: Vec<_> = fields.collect();
    let outcome = Outcome::of(fields.iter().map(|(_, _, verdict)| *verdict));
    let note = RecordNote {
        version: row.record_version,
        as_of: check.as_of.as_deref().unwrap_or_default().into(),
        freshness: AnswerFreshness::Fetched,
    };
    let mut judgement = QuestionJudgement::new(dataset, outcome, fields, Some(note), row.subject);
    tell_only_what_is_permitted(&mut judgement, permission);
    judgement
}

/// Enters the use, with the lead's verification named in its sealed reason.
async fn enter(
    hub: &Hub,
    lane: &AppendLane,
    caller: &Caller,
    stated: &AskedPurposeElements<'_>,
    verification: &str,
    judgement: &QuestionJudgement<'_>,
    now_us: i64,
) -> Result<EntryPosition, AppError> {
    let mut bytes = Vec::with_capacity(256);
    entry::begin(&mut bytes, EntryKind::Verification, now_us, caller.agency_number());
    judgement.put(&mut bytes);
    let reason = stated.reason.as_deref().unwrap_or_default();
    let purpose = AskedPurposeElements {
        reason: Some(BoundedText(
            format!("reuse of {verification} {reason}").trim_end().to_owned().into(),
        )),
        ..purpose::owned(stated)
    };
    purpose::seal_into(hub, &purpose, &mut bytes)?;
    let appended = hub.append_on(lane, bytes).await?;
    Ok(EntryPosition {
        index: appended.index,
        leaf: appended.leaf,
    })
}
