//! One verification: authorise, look the record up once, compare the granted fields, enter the answer, answer.
//! The ledger entry is durable before the answer exists: a `VerificationAnswer` can only be made from an `AppendedEntry`.

use std::{sync::Arc, time::Instant};

use super::{
    consequence,
    judge::{self, QuestionContext},
    judgement::{QuestionJudgement, RecordQuestion},
    question::{AskedPurposeElements, VerificationBody},
};
use crate::node::caller::Caller;
use crate::{
    foundation::{error::AppError, ids::VerificationId, purpose},
    node::hub::Hub,
};
use heyan_catalog::Dataset;
use heyan_ledger::{
    AppendLane, AppendedEntry,
    entry::{self, EntryKind},
};

/// Where the entry of an answer stands.
pub struct EntryPosition {
    /// Index in this node's ledger.
    pub index: u64,
    /// Leaf hash, RFC 6962 §2.1.
    pub leaf: [u8; 32],
}

/// A whole answer.
pub struct VerificationAnswer<'a> {
    /// Identifier of the verification.
    pub id: VerificationId,
    /// What was found.
    pub judgement: QuestionJudgement<'a>,
    /// Where its entry stands.
    pub entered: EntryPosition,
}

/// Answers one verification that is asked at `now_us`.
///
/// # Errors
/// Returns an error if a member is wrong, the request is refused, or a part of the hub cannot be reached: then nothing is disclosed.
pub async fn verify<'a>(
    hub: &'a Arc<Hub>,
    lane: &AppendLane,
    caller: &Caller,
    body: &'a VerificationBody<'a>,
    now_us: i64,
) -> Result<VerificationAnswer<'a>, AppError> {
    let started = Instant::now();
    purpose::check(&body.purpose)?;
    let question = RecordQuestion {
        dataset: &body.dataset,
        subject: &body.subject,
        claims: &body.claims,
        max_age_s: body.max_age_s.map(|seconds| seconds.0),
    };
    let asking = QuestionContext::new(caller, &body.purpose, now_us);
    let judgement = judge::judge(hub, &asking, question).await?;
    enter(hub, lane, caller, &body.purpose, judgement, (now_us, started)).await
}

/// Enters a judgement with what it brings, and makes the answer of it.
///
/// # Errors
/// Returns an error if the ledger is not accepting entries or the store cannot be reached: then nothing may be answered.
pub(crate) async fn enter<'a>(
    hub: &Arc<Hub>,
    lane: &AppendLane,
    caller: &Caller,
    purpose: &AskedPurposeElements<'_>,
    mut judgement: QuestionJudgement<'a>,
    (now_us, started): (i64, Instant),
) -> Result<VerificationAnswer<'a>, AppError> {
    let entered = enter_judged(hub, lane, caller, purpose, &mut judgement, now_us).await;
    let appended = entered.inspect_err(|_untold| judgement.charged.give_back())?;
    hub.node
        .metrics
        .verification(judgement.dataset.number, judgement.outcome);
    hub.node.metrics.verification_seconds.observe(started.elapsed());
    Ok(VerificationAnswer {
        id: VerificationId {
            at_ms: now_us / 1_000,
            node: hub.node.settings.node,
            index: appended.index,
        },
        judgement,
        entered: EntryPosition {
            index: appended.index,
            leaf: appended.leaf,
        },
    })
}

/// Enters a judgement with what it brings.
async fn enter_judged(
    hub: &Arc<Hub>,
    lane: &AppendLane,
    caller: &Caller,
    purpose: &AskedPurposeElements<'_>,
    judgement: &mut QuestionJudgement<'_>,
    now_us: i64,
) -> Result<AppendedEntry, AppError> {
    let mut bytes = Vec::with_capacity(256);
    entry::begin(&mut bytes, EntryKind::Verification, now_us, caller.agency_number());
    judgement.put(&mut bytes);
    purpose::seal_into(hub, purpose, &mut bytes)?;
    match judgement.consequence.take() {
        None => hub.append_on(lane, bytes).await,
        Some(consequence) => {
            let all = vec![Some(*consequence)];
            let (appended, notes) = consequence::enter(hub, caller, purpose, now_us, all, bytes).await?;
            judgement.mismatch = notes.into_iter().next().flatten().or(judgement.mismatch.take());
            Ok(appended)
        }
    }
}

/// Whether an answer about `dataset` may have to wait for an outside source.
pub fn asks_outside(hub: &Hub, dataset: &str) -> bool {
    let asks =
        |dataset: &Arc<Dataset>| hub.records.caches.is_live(dataset) || hub.outward.connectors.verifies(&dataset.name);
    hub.catalog.get(dataset).is_some_and(asks)
}
