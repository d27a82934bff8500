//! What is counted of an agency over all subjects: how many it was wrong about, or asked about numbers that no record has. Over its
//! ceiling the agency is told nothing about another subject, right or wrong, and an alert names the agency.
//!
//! Counting is in memory, one tally an agency. The rows of counted guesses say the same, so that a start and the other nodes know it.

use std::sync::Arc;

use super::{
    consequence::stopped_alert,
    guess::{GuessContext, PREDICATE_MARK, charge, is_counted, settle_with, standing},
    judgement::{AnswerConsequence, ClaimTest, ParsedClaim, QuestionJudgement, StoppedAsker},
};
use crate::{
    foundation::error::AppError,
    mismatch::pending::PendingSubject,
    node::{hub::Hub, raise::raise},
};
use heyan_domain::{
    budget::{AgencyStanding, BudgetAllowance, BudgetQuestion, CountedSubject, GuessCount, VALUE_UNITS},
    calendar,
    verdict::{Outcome, ReviewReason, Verdict},
};
use heyan_ports::{guesses::GuessRow, subject::SubjectKey};

/// In the place of a field in a row that only says which agency was wrong about the subject.
pub(super) const ASKER_FIELD: &str = "*";

/// In the place of a field in a row of somebody who named another subject than the one that is meant.
const SUBJECT_FIELD: &str = "#";

/// What an answer is to the agency that asked.
#[derive(Clone, Copy, Default)]
struct AnswerSort {
    /// Whether a field is claimed that has a budget.
    is_counted: bool,
    /// Whether a value is told to be wrong.
    is_wrong: bool,
    /// Whether a value is told to be right that only somebody who knows the subject has.
    is_right: bool,
}

fn sort_of(claims: &[ParsedClaim<'_>], judgement: &QuestionJudgement<'_>) -> AnswerSort {
    let mut sort = AnswerSort::default();
    for (claim, (_, _, verdict)) in claims.iter().zip(&judgement.fields) {
        let field = judgement
            .dataset
            .field(claim.number)
            .filter(|field| is_counted(field, claim));
        let Some(field) = field else { continue };
        sort.is_counted = true;
        match (&claim.test, verdict) {
            (ClaimTest::Literal(_), Verdict::Match(_)) => {
                // A date may stand in the identifier, and a code is soon guessed: neither shows that the subject is known.
                sort.is_right |= !field.comparator.is_coded() && !field.comparator.is_date();
            }
            (ClaimTest::Literal(_), Verdict::Mismatch) => sort.is_wrong = true,
            (ClaimTest::Predicate(_, body), Verdict::Mismatch) => sort.is_wrong |= *body.op == *"eq",
            _ => {}
        }
    }
    sort
}

/// Counts an answer for the agency that asked. `false`: no field of it has a budget, or the agency may be told nothing about another
/// subject, and is told nothing.
pub(super) fn admits(
    hub: &Hub,
    asked: &GuessContext<'_>,
    claims: &[ParsedClaim<'_>],
    judgement: &mut QuestionJudgement<'_>,
    consequence: &mut AnswerConsequence,
) -> bool {
    let sort = sort_of(claims, judgement);
    if !sort.is_counted {
        return false;
    }
    let (limits, asker) = (&hub.mismatches.guess_limits.asker, &asked.caller.asker);
    let (subject, day) = (key_of(asked.subject), asked.day());
    let is_wrong = sort.is_wrong || asked.tells_none(judgement);
    let is_told = match (asker.admits(limits, subject, day), is_wrong) {
        (true, true) => match asker.count_wrong(limits, subject, day) {
            CountedSubject::New if asked.tells_none(judgement) => {
                consequence.guesses.push(row_of(hub, asked));
                true
            }
            counted => counted != CountedSubject::Refused,
        },
        (true, false) => {
            if sort.is_right {
                asker.count_right(subject, day);
            }
            true
        }
        (false, _) => false,
    };
    if !is_told {
        tell_nothing(judgement);
    }
    if !is_told || is_wrong {
        consequence.stopped = stopped(hub, asked);
    }
    is_told
}

/// Takes back all that a judgement says, also whether there is a record.
fn tell_nothing(judgement: &mut QuestionJudgement<'_>) {
    for (_, _, verdict) in &mut judgement.fields {
        if *verdict != Verdict::NotPermitted {
            *verdict = Verdict::Review(ReviewReason::GuessBudget);
        }
    }
    judgement.outcome = Outcome::Review;
    judgement.record = None;
    judgement.record_version = 0;
}

/// The agency, if it is stopped and no alert has named it today.
pub(super) fn stopped(hub: &Hub, asked: &GuessContext<'_>) -> Option<StoppedAsker> {
    let (limits, asker) = (&hub.mismatches.guess_limits.asker, &asked.caller.asker);
    asker.is_news(limits, asked.day()).then(|| StoppedAsker {
        asker: Arc::clone(asker),
        limits: *limits,
    })
}

/// A subject as tallies know it; pseudonyms are random already.
pub(super) fn key_of(subject: SubjectKey) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = subject.0;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// Says in the store that an agency asked about a number that no record has.
fn row_of(hub: &Hub, asked: &GuessContext<'_>) -> GuessRow {
    let number = asked.caller.row.number;
    GuessRow {
        subject: asked.subject,
        field: ASKER_FIELD.to_owned(),
        // One row an agency.
        value: hub.secrets.vault.claim(ASKER_FIELD, &number.to_be_bytes()),
        agency: number,
        standing: AgencyStanding::Stranger,
        units: VALUE_UNITS,
        at: asked.now_us,
    }
}

/// Counts that a subject was named where another one is meant, whose key only its parties know; answers whether the caller may be told
/// that it is the one, or that it is not.
///
/// # Errors
/// Returns an error if the store cannot be reached: then nothing may be answered.
pub(crate) async fn name_subject(
    hub: &Hub,
    asked: &GuessContext<'_>,
    named: SubjectKey,
    client: &str,
) -> Result<bool, AppError> {
    let is_right = named == asked.subject;
    let (limits, asker) = (&hub.mismatches.guess_limits, &asked.caller.asker);
    let question = BudgetQuestion::Value;
    let decide = |about: Option<&PendingSubject>| {
        let guess = GuessCount {
            value: hub.secrets.vault.claim(SUBJECT_FIELD, &named.0),
            agency: asked.caller.row.number,
            standing: standing(asked, about),
            pool: question.pool(),
            units: question.units(limits),
        };
        let admits = asker.admits(&limits.asker, key_of(named), asked.day());
        let is_refused = || asker.count_wrong(&limits.asker, key_of(named), asked.day()) == CountedSubject::Refused;
        if !admits || (!is_right && is_refused()) {
            return (false, Vec::new());
        }
        let units = if is_right { 0 } else { guess.units };
        match charge(hub, asked, SUBJECT_FIELD, (question, &guess), units) {
            Some(BudgetAllowance::Charged) if units > 0 => {
                let row = GuessRow {
                    subject: asked.subject,
                    field: SUBJECT_FIELD.to_owned(),
                    value: guess.value,
                    agency: guess.agency,
                    standing: guess.standing,
                    units,
                    at: asked.now_us,
                };
                (true, vec![row])
            }
            allowance => (allowance != Some(BudgetAllowance::Review), Vec::new()),
        }
    };
    let is_told = settle_with(hub, asked, decide).await?;
    if let Some(stopped) = stopped(hub, asked) {
        let alert = stopped_alert(hub, &asked.caller.row.id, client, &stopped, asked.now_us)?;
        raise(hub, vec![alert]).await?;
        stopped.asker.alerted(asked.day());
    }
    Ok(is_told)
}

/// Takes over that an agency was wrong about a subject.
pub(crate) fn restore_asker(hub: &Hub, row: &GuessRow) {
    let is_wrong = row.units == VALUE_UNITS && !row.field.ends_with(PREDICATE_MARK) && row.field != SUBJECT_FIELD;
    if is_wrong {
        let asker = hub.access.counters.asker(row.agency);
        let today = calendar::china_day(hub.clock.now_us());
        asker.restore(key_of(row.subject), calendar::china_day(row.at), today);
    }
}
