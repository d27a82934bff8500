//! A watch looked at again: the same claims against the record as it is now, under the grants that hold now. What comes out otherwise
//! than it was last told is an answer to an agency: its entry is durable first, then row and event are one commit.
//!
//! A claim that was answered once was counted then, and is answered again for nothing; one that was over the budget stays so; one
//! that could not be answered before (there was no record, no value) is a guess like any other when it can be.

use std::sync::Arc;

use super::{KIND, ToldCodes, WatchFacts, days, ended, facts_place, notice_place, verdict_json};
use crate::{
    access::table::AccessAgency,
    foundation::{
        error::AppError,
        ids::{VerificationId, new_id},
        purpose,
    },
    node::hub::Hub,
    verification::{
        consequence::AnswerConsequence,
        guess,
        question::{AskedPurposeElements, BoundedText, MemberList},
        verify::{
            ParsedClaim, QuestionJudgement, compare, not_found, parse_claims, parse_subject,
            tell_only_what_is_permitted,
        },
    },
};
use heyan_cache::CacheLookup;
use heyan_catalog::Dataset;
use heyan_domain::{
    calendar::{china_date, china_midnight_us},
    policy::{GrantOperation, UsePermission},
    verdict::{Outcome, ReviewReason, Verdict},
};
use heyan_ledger::{
    AppendedEntry,
    entry::{self, EntryKind},
};
use heyan_ports::commit::Commit;
use heyan_ports::{deliveries::EventRow, error::StoreError, guesses::GuessRow, subject::SubjectKey, watches::WatchRow};
use serde_json::{Map, Value, json};

/// Watches that are looked at together.
const ROUND_MAX: u32 = 64;

/// When a watch whose record could not be asked for is looked at again, microseconds.
const POSTPONED_US: i64 = 15_000_000;

/// How often a record of a live dataset is asked for, microseconds: its source tells of no change.
const LIVE_US: i64 = 6 * 3_600_000_000;

/// Looks at the watches that are due; answers how many there were.
///
/// # Errors
/// The store could not be asked; the next call does it.
pub async fn look(hub: &Hub) -> Result<usize, AppError> {
    let now_us = hub.clock.now_us();
    let due = hub.store.due_watches(now_us, ROUND_MAX).await?;
    let count = due.len();
    // Together: their commits share a sync.
    let looks = due.into_iter().map(|row| look_at(hub, row, now_us));
    for looked in futures_util::future::join_all(looks).await {
        looked?;
    }
    Ok(count)
}

/// Looks at one; what cannot be looked at now must not keep the others waiting.
async fn look_at(hub: &Hub, row: WatchRow, now_us: i64) -> Result<(), AppError> {
    let done = match try_at(hub, row.clone(), now_us).await {
        Ok(()) | Err(AppError::Store(StoreError::Conflict)) => return Ok(()),
        Err(error) => {
            tracing::warn!(error = %error, "a watch could not be looked at; it is tried again");
            let next_at = now_us + POSTPONED_US;
            commit(hub, WatchRow { next_at, ..row }, Vec::new(), Vec::new()).await
        }
    };
    match done {
        // It was woken or withdrawn meanwhile: it is due again, or over.
        Err(AppError::Store(StoreError::Conflict)) => Ok(()),
        done => done,
    }
}

async fn try_at(hub: &Hub, row: WatchRow, now_us: i64) -> Result<(), AppError> {
    let facts: WatchFacts = hub.secrets.vault.open_json(facts_place(&row.id), &row.facts)?;
    if now_us >= row.until {
        return end(hub, row, facts, "until").await;
    }
    let access = hub.access.table.load_full();
    let (Some(agency), Some(dataset)) = (access.agencies.get(row.agency.as_str()), hub.catalog.get(&row.dataset))
    else {
        return end(hub, row, facts, "dataset").await;
    };
    let Ok(allowed) = agency.permission(dataset, &facts.item_code, now_us, facts.peer) else {
        return end(hub, row, facts, "grant").await;
    };
    let looked = WatchLook {
        hub,
        agency,
        dataset,
        permission: allowed.permission,
        now_us,
    };
    match looked.judge(&row, &facts).await {
        Ok(WatchSeen::Judged(seen)) => looked.settle(row, facts, *seen).await,
        Ok(WatchSeen::NotPermitted) => end(hub, row, facts, "grant").await,
        // What was asked is no question any more: the dataset has other fields.
        Err(AppError::Invalid(_)) => end(hub, row, facts, "dataset").await,
        Err(error) => Err(error),
    }
}

async fn end(hub: &Hub, row: WatchRow, facts: WatchFacts, why: &str) -> Result<(), AppError> {
    let commit = Commit::default().with(vec![ended(hub, row, facts, why)?]);
    hub.write(commit).await?;
    Ok(())
}

/// Writes a watch one revision later.
async fn commit(hub: &Hub, row: WatchRow, events: Vec<EventRow>, guesses: Vec<GuessRow>) -> Result<(), AppError> {
    let commit = Commit::default()
        .with(vec![WatchRow {
            revision: row.revision + 1,
            updated_at: hub.clock.now_us(),
            ..row
        }])
        .with(events)
        .with(guesses);
    hub.write(commit).await?;
    Ok(())
}

/// Under what a watch is looked at.
struct WatchLook<'h> {
    hub: &'h Hub,
    agency: &'h AccessAgency,
    dataset: &'h Arc<Dataset>,
    permission: UsePermission,
    now_us: i64,
}

/// What came of a look.
enum WatchSeen {
    Judged(Box<WatchJudgement>),
    /// A field that was answered may not be asked about any more.
    NotPermitted,
}

struct WatchJudgement {
    told: ToldCodes,
    item: Vec<u8>,
    number: u16,
    outcome: Outcome,
    guesses: Vec<GuessRow>,
    next_at: i64,
}

impl WatchLook<'_> {
    async fn judge(&self, row: &WatchRow, facts: &WatchFacts) -> Result<WatchSeen, AppError> {
        let (hub, dataset) = (self.hub, &**self.dataset);
        let today = china_date(self.now_us);
        let subject = facts.subject.iter();
        let members = MemberList(
            subject
                .map(|(name, value)| (name.as_str().into(), BoundedText(value.as_str().into())))
                .collect(),
        );
        let claims = days::on(&facts.claims, today);
        let subject = parse_subject(dataset, &members)?;
        let parsed = parse_claims(dataset, &claims, self.permission)?;
        // As it is in the store, or at the source: what is in memory may be a moment older.
        let wanted = hub.records.caches.wanted(dataset, Some(0), self.now_us);
        let (mut slot, _) = hub.records.caches.get(&subject.key, wanted).await?;
        if let (Some(other), None) = (&subject.alternative, &slot.record) {
            (slot, _) = hub.records.caches.get(other, wanted).await?;
        }
        if slot.is_stale() {
            return Err(AppError::Internal("the source of a watched record gave no answer"));
        }
        let mut judgement = match &slot.record {
            Some(record) => compare(dataset, record, &parsed, CacheLookup::Miss),
            None => not_found(dataset, row.subject, &parsed),
        };
        let answered = |name: &str| facts.answered.iter().any(|known| known == name);
        let lost = |(name, _, verdict): &(&str, u8, Verdict)| *verdict == Verdict::NotPermitted && answered(name);
        if judgement.fields.iter().any(lost) {
            return Ok(WatchSeen::NotPermitted);
        }
        let guesses = self.count_guesses(facts, parsed, &mut judgement).await?;
        tell_only_what_is_permitted(&mut judgement, self.permission);
        let mut item = Vec::with_capacity(64);
        judgement.put(&mut item);
        let changes = slot.record.as_ref().and_then(|record| {
            let end = china_date(row.until);
            days::next_change(dataset, record, &facts.claims, today, end)
        });
        let next_at = changes.map_or(row.until, china_midnight_us);
        let next_at = match hub.records.caches.is_live(dataset) {
            true => next_at.min(self.now_us + LIVE_US),
            false => next_at,
        };
        Ok(WatchSeen::Judged(Box::new(WatchJudgement {
            told: ToldCodes::of(&judgement, String::new(), self.now_us),
            item,
            number: dataset.number,
            outcome: judgement.outcome,
            guesses,
            next_at,
        })))
    }

    /// Keeps back what was kept back, and counts what was never answered; answers the guesses that count.
    ///
    /// # Errors
    /// The store could not be asked about a budget that other nodes count too.
    async fn count_guesses(
        &self,
        facts: &WatchFacts,
        parsed: Vec<ParsedClaim<'_>>,
        judgement: &mut QuestionJudgement<'_>,
    ) -> Result<Vec<GuessRow>, AppError> {
        let among = |list: &[String], name: &str| list.iter().any(|known| known == name);
        let mut consequence = AnswerConsequence::default();
        if judgement.outcome != Outcome::NotFound || !self.permission.has(GrantOperation::Existence) {
            let is_new = |name: &str| !among(&facts.answered, name) && !among(&facts.held, name);
            let new: Vec<ParsedClaim<'_>> = parsed.into_iter().filter(|claim| is_new(claim.name)).collect();
            let of_new = judgement
                .fields
                .iter()
                .filter(|(name, ..)| is_new(name))
                .copied()
                .collect();
            let subject = SubjectKey(judgement.subject_key);
            let mut part = QuestionJudgement::new(judgement.dataset, judgement.outcome, of_new, None, subject);
            let asked = guess::GuessContext {
                caller: self.agency,
                subject,
                now_us: self.now_us,
            };
            consequence = guess::weigh(self.hub, &asked, &new, &mut part).await?;
            for (name, _, verdict) in &mut judgement.fields {
                let counted = part.fields.iter().find(|(other, ..)| other == name);
                if let Some((_, _, counted)) = counted {
                    *verdict = *counted;
                }
                if among(&facts.held, name) {
                    *verdict = Verdict::Review(ReviewReason::GuessBudget);
                }
            }
            if judgement.outcome != Outcome::NotFound {
                judgement.outcome = Outcome::of(judgement.fields.iter().map(|(_, _, verdict)| *verdict));
            }
        }
        Ok(consequence.guesses)
    }

    /// Tells what came out otherwise, and says when to look again.
    async fn settle(&self, row: WatchRow, mut facts: WatchFacts, seen: WatchJudgement) -> Result<(), AppError> {
        let hub = self.hub;
        let WatchJudgement {
            told, next_at, guesses, ..
        } = &seen;
        facts.note(told);
        let mut row = WatchRow {
            next_at: *next_at,
            ..row
        };
        let mut events = Vec::new();
        if !told.says_the_same(&facts.told) {
            let appended = self.enter(&facts, &seen).await?;
            let id = VerificationId {
                at_ms: self.now_us / 1_000,
                node: hub.node.settings.node,
                index: appended.index,
            };
            let told = ToldCodes {
                verification: id.to_string(),
                ..told.clone()
            };
            let cause = match told.version == facts.told.version {
                true => "date",
                false => "record",
            };
            events.push(self.event(&row, &facts, &told, &appended, cause)?);
            let back = told.says_the_same(&facts.first);
            row.state = if back { "unchanged" } else { "changed" }.to_owned();
            facts.notices += 1;
            facts.told = told;
        }
        row.facts = hub.secrets.vault.seal_json(facts_place(&row.id), &facts)?;
        let news = !events.is_empty();
        commit(hub, row, events, guesses.clone()).await?;
        if news {
            hub.wake_relay();
        }
        Ok(())
    }

    /// Enters the answer. A crash before the commit enters it a second time, with the notice.
    async fn enter(&self, facts: &WatchFacts, seen: &WatchJudgement) -> Result<AppendedEntry, AppError> {
        let hub = self.hub;
        let mut bytes = Vec::with_capacity(256);
        entry::begin(&mut bytes, EntryKind::Verification, self.now_us, self.agency.row.number);
        bytes.extend_from_slice(&seen.item);
        let text = |text: &str| BoundedText(text.to_owned().into());
        let purpose = AskedPurposeElements {
            item_code: text(&facts.item_code),
            item_name: None,
            application_no: text(&facts.application_no),
            operator: text(&facts.operator),
            reason: Some(text("watch")),
        };
        purpose::seal_into(hub, &purpose, &mut bytes)?;
        let appended = hub.append(bytes).await?;
        hub.node.metrics.verification(seen.number, seen.outcome);
        Ok(appended)
    }

    fn event(
        &self,
        row: &WatchRow,
        facts: &WatchFacts,
        told: &ToldCodes,
        appended: &AppendedEntry,
        cause: &str,
    ) -> Result<EventRow, AppError> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let hub = self.hub;
        let id = new_id(b"evt_", self.now_us, hub.node.settings.node)?;
        let mut fields = Map::new();
        let names = facts.told.fields.iter().chain(&told.fields).map(|(name, _)| name);
        for name in names {
            let (before, after) = (facts.told.verdict(name), told.verdict(name));
            if before.map(Verdict::as_str) != after.map(Verdict::as_str) {
                let change = json!({"before": verdict_json(before), "after": verdict_json(after)});
                fields.insert(name.clone(), change);
            }
        }
        let data: Value = json!({
            "watch": row.id,
            "verification": facts.first.verification,
            "id": told.verification,
            "dataset": &*row.dataset,
            "cause": cause,
            "outcome": {"before": facts.told.outcome(), "after": told.outcome()},
            "fields": fields,
            "version": told.version,
            "receipt": {
                "origin": hub.node.settings.origin,
                "index": appended.index,
                "leaf": STANDARD.encode(appended.leaf),
            },
            "rules": &*self.dataset.rules,
        });
        Ok(EventRow {
            kind: KIND,
            dataset: Some(Arc::clone(&row.dataset)),
            subject: Some(row.subject),
            version: told.version,
            mismatch: None,
            agency: Some(row.agency.clone()),
            facts: Some(hub.secrets.vault.seal_json(notice_place(&id), &data)?),
            at: self.now_us,
            is_fanned: false,
            // It is for one agency alone.
            is_published: true,
            id,
        })
    }
}
