//! Datasets whose register gives no records and only says whether claims are right, as most population registers do.
//! It is asked for each verification whose record the hub does not hold; its answer is told and not kept. What it cannot be
//! asked (predicates, fields that it does not verify) is `unavailable`; a register that gives no answer is `source_unavailable`.

use super::{
    judgement::{AnswerFreshness, ClaimTest, ParsedClaim, QuestionJudgement, RecordNote},
    source,
};
use crate::{foundation::error::AppError, node::hub::Hub};
use heyan_catalog::Dataset;
use heyan_domain::verdict::{MatchBasis, Outcome, ReviewReason, Verdict};
use heyan_ports::outward::{FieldVerdict, SaidOfClaims};
use heyan_ports::subject::SubjectKey;
use heyan_ports::time;

/// Asks the register of `dataset` about the claims on the subject of a cache key.
///
/// # Errors
/// Returns an error if its answer cannot be relied on.
pub(crate) async fn ask<'a>(
    hub: &Hub,
    dataset: &'a Dataset,
    (subject, key): (SubjectKey, &[u8]),
    claims: &[ParsedClaim<'a>],
    now_us: i64,
) -> Result<QuestionJudgement<'a>, AppError> {
    let literals: Vec<(String, String)> = claims
        .iter()
        .filter_map(|claim| match claim.test {
            ClaimTest::Literal(text) => Some((claim.name.to_owned(), text.to_owned())),
            _ => None,
        })
        .collect();
    let said = match literals.is_empty() {
        true => SaidOfClaims {
            found: true,
            fields: std::collections::BTreeMap::new(),
        },
        false => said(hub, dataset, key, &literals).await?,
    };
    let fields: Vec<_> = claims
        .iter()
        .map(|claim| (claim.name, claim.number, verdict(&said, claim)))
        .collect();
    let outcome = match said.found {
        true => Outcome::of(fields.iter().map(|(_, _, verdict)| *verdict)),
        false => Outcome::NotFound,
    };
    let note = (said.found && !said.fields.is_empty()).then(|| RecordNote {
        version: 0,
        as_of: time::rfc3339(now_us).into(),
        freshness: AnswerFreshness::Fetched,
    });
    Ok(QuestionJudgement::new(dataset, outcome, fields, note, subject))
}

async fn said(hub: &Hub, dataset: &Dataset, key: &[u8], claims: &[(String, String)]) -> Result<SaidOfClaims, AppError> {
    let subject = dataset.members_of(key);
    let question = hub.outward.connectors.verify(&dataset.name, &subject, claims);
    let word = |said: &SaidOfClaims| match (said.found, said.fields.is_empty()) {
        (true, false) => "found",
        (true, true) => "not_asked",
        (false, _) => "none",
    };
    let said = source::in_time(hub, dataset, question, word).await;
    Ok(said.map_err(|fault| source::failure(hub, dataset, &fault))?)
}

/// The claim was held against the register as it was written: a match is `exact`.
fn verdict(said: &SaidOfClaims, claim: &ParsedClaim<'_>) -> Verdict {
    if matches!(claim.test, ClaimTest::NotPermitted) {
        return Verdict::NotPermitted;
    }
    match said.fields.get(claim.name) {
        Some(FieldVerdict::Match) => Verdict::Match(MatchBasis::Exact),
        Some(FieldVerdict::Mismatch) => Verdict::Mismatch,
        Some(FieldVerdict::Undivided) => Verdict::Review(ReviewReason::Undivided),
        None => Verdict::Unavailable,
    }
}
