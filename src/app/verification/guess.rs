//! The guess budget at work: what each claim of an answer costs, and what may no longer be told.
//! Comparing tells nobody anything: verdicts are made first, and those that the budget does not cover become `review`,
//! right ones too. Asking and charging happen under one lock, so a crowd of guesses is counted one by one.
//!
//! Nodes that share a store cannot share a lock. There a question that touches a budget is *contested*: it waits for the subject's
//! turn, and what it is charged is committed before it is answered, compared and set against what the other nodes committed
//! (`settle`). A question that touches none is answered at once, as it is on a node alone: the first right value about a subject of
//! which this node knows no guess. So k nodes tell at most k − 1 right values more than one.

use crate::node::write::CommitAttempts;
use std::sync::Arc;

use super::{
    consequence::AnswerConsequence,
    verify::{ClaimTest, ParsedClaim, QuestionJudgement},
};
use crate::{
    access::table::AccessAgency, foundation::error::AppError, mismatch::pending::PendingSubject, node::hub::Hub,
};
use heyan_catalog::{Dataset, Field, GuessRule};
use heyan_domain::{
    budget::{AgencyStanding, BudgetAllowance, BudgetQuestion, GuessCount},
    calendar,
    verdict::{Outcome, ReviewReason, Verdict},
};
use heyan_ports::commit::Commit;
use heyan_ports::{
    error::StoreError,
    guesses::{GuessHead, GuessRow},
    subject::{RecordKey, SubjectKey},
};

/// Whose answer it is, about what, and when.
pub(crate) struct GuessContext<'a> {
    pub(crate) caller: &'a AccessAgency,
    pub(crate) subject: SubjectKey,
    pub(crate) now_us: i64,
}

impl GuessContext<'_> {
    fn now_s(&self) -> i64 {
        self.now_us.div_euclid(1_000_000)
    }
}

/// Holds a judgement against the budgets of its fields, wherever they are counted; answers what it brings.
///
/// # Errors
/// The store could not be asked: then nothing may be told.
pub(crate) async fn weigh(
    hub: &Hub,
    asked: &GuessContext<'_>,
    claims: &[ParsedClaim<'_>],
    judgement: &mut QuestionJudgement<'_>,
) -> Result<AnswerConsequence, AppError> {
    if is_contested(hub, asked, claims, judgement) {
        return settle(hub, asked, claims, judgement).await;
    }
    let (about, mut consequence) = (
        hub.mismatches.pending.about(asked.subject),
        AnswerConsequence::default(),
    );
    apply(hub, asked, about.as_deref(), claims, judgement, &mut consequence);
    Ok(consequence)
}

/// Whether a judgement touches a budget that other nodes count too.
pub(crate) fn is_contested(
    hub: &Hub,
    asked: &GuessContext<'_>,
    claims: &[ParsedClaim<'_>],
    judgement: &QuestionJudgement<'_>,
) -> bool {
    if !hub.node.trust.is_among_others() {
        return false;
    }
    let about = hub.mismatches.pending.about(asked.subject);
    claims.iter().zip(&judgement.fields).any(|(claim, (_, _, verdict))| {
        if verdict.is_unreadable() {
            return false;
        }
        let field = judgement.dataset.field(claim.number);
        let Some((field, question)) = field.and_then(|field| Some((field, question_of(field, &claim.test)?))) else {
            return false;
        };
        let before = about.as_deref().and_then(|about| about.guessed(claim.name));
        match before {
            Some(before) => !before.guesses.knows(&value_of(hub, field, &claim.test), asked.now_s()),
            None => question.charged(*verdict, &hub.mismatches.guess_limits) > 0,
        }
    })
}

/// Narrows the verdicts of a contested judgement, and commits what it counts before anybody is told.
///
/// # Errors
/// The store could not be asked: then nothing may be told.
async fn settle(
    hub: &Hub,
    asked: &GuessContext<'_>,
    claims: &[ParsedClaim<'_>],
    judgement: &mut QuestionJudgement<'_>,
) -> Result<AnswerConsequence, AppError> {
    let subject = asked.subject;
    let (fields, outcome) = (judgement.fields.clone(), judgement.outcome);
    let _turn = hub.mismatches.pending.turn([subject].into_iter()).await;
    let mut attempts = CommitAttempts::none();
    loop {
        let about = hub.mismatches.pending.about(subject);
        let expected = about.as_deref().map_or(0, |about| about.guess_head);
        let mut consequence = AnswerConsequence::default();
        apply(hub, asked, about.as_deref(), claims, judgement, &mut consequence);
        let guesses = std::mem::take(&mut consequence.guesses);
        match stands(hub, subject, expected, guesses, asked.now_us).await {
            Ok(()) => return Ok(consequence),
            Err(error) if attempts.again(&error) => {}
            Err(error) => {
                // Nothing is told of it, so nothing of it is known: told again it would be free.
                let before = about.map_or_else(Vec::new, |about| about.guessed.clone());
                hub.mismatches.pending.change(subject, |about| about.guessed = before);
                return Err(error);
            }
        }
        hub.read_guesses(subject).await?;
        judgement.fields.clone_from(&fields);
        judgement.outcome = outcome;
    }
}

/// Commits guesses if what was known before them is all that there is; without any, looks whether it is.
///
/// # Errors
/// A conflict if there is more.
async fn stands(
    hub: &Hub,
    subject: SubjectKey,
    expected: i64,
    guesses: Vec<GuessRow>,
    now_us: i64,
) -> Result<(), AppError> {
    if guesses.is_empty() {
        return match hub.store.guess_head(subject).await? == expected {
            true => Ok(()),
            false => Err(AppError::Store(StoreError::Conflict)),
        };
    }
    let head = GuessHead {
        subject,
        expected,
        revision: now_us.max(expected + 1),
    };
    let commit = Commit::at(now_us).with(guesses).with(head);
    hub.write(commit).await?;
    Ok(())
}

/// Narrows the verdicts of a judgement to what the budget covers, and counts what it tells.
pub(crate) fn apply(
    hub: &Hub,
    asked: &GuessContext<'_>,
    about: Option<&PendingSubject>,
    claims: &[ParsedClaim<'_>],
    judgement: &mut QuestionJudgement<'_>,
    consequence: &mut AnswerConsequence,
) {
    let limits = &hub.mismatches.guess_limits;
    // The verdicts before any was narrowed; most answers ask for no such copy.
    let mut told: Option<Vec<Verdict>> = None;
    let mut narrowed = false;
    for (position, claim) in claims.iter().enumerate() {
        let verdict = judgement.fields.get(position).map(|(_, _, verdict)| *verdict);
        // What could not be read told nothing.
        let verdict = verdict.filter(|verdict| !verdict.is_unreadable());
        let (Some(field), Some(verdict)) = (judgement.dataset.field(claim.number), verdict) else {
            continue;
        };
        let Some(question) = question_of(field, &claim.test) else {
            continue;
        };
        let units = question.charged(verdict, limits);
        let before = about.and_then(|about| about.guessed(claim.name));
        if units == 0 && before.is_none() {
            continue;
        }
        let value = value_of(hub, field, &claim.test);
        if before.is_some_and(|before| before.guesses.knows(&value, asked.now_s())) {
            continue;
        }
        let told: &[Verdict] =
            told.get_or_insert_with(|| judgement.fields.iter().map(|(_, _, verdict)| *verdict).collect());
        let guess = GuessCount {
            value,
            agency: asked.caller.row.number,
            standing: standing(asked, judgement.dataset, about, claims, told, position),
            units: question.units(limits),
        };
        match charge(hub, asked, claim.name, &guess, units) {
            Some(BudgetAllowance::Review) => {
                if let Some((_, _, verdict)) = judgement.fields.get_mut(position) {
                    *verdict = Verdict::Review(ReviewReason::GuessBudget);
                }
                narrowed = true;
                let today = Some(calendar::china_day(asked.now_us));
                if before.is_none_or(|before| before.alerted_on != today) {
                    let key = RecordKey {
                        dataset: Arc::clone(&judgement.dataset.name),
                        subject: asked.subject,
                    };
                    consequence.spent.push((key, claim.name.into()));
                }
            }
            Some(BudgetAllowance::Charged) if units > 0 => consequence.guesses.push(GuessRow {
                subject: asked.subject,
                field: claim.name.to_owned(),
                value: guess.value,
                agency: guess.agency,
                standing: guess.standing,
                units,
                at: asked.now_us,
            }),
            _ => {}
        }
    }
    if narrowed && judgement.outcome != Outcome::NotFound {
        judgement.outcome = Outcome::of(judgement.fields.iter().map(|(_, _, verdict)| *verdict));
    }
}

/// Asks whether a guess may be told, and counts it as so many units if so, in one step.
fn charge(hub: &Hub, asked: &GuessContext<'_>, field: &str, guess: &GuessCount, units: u8) -> Option<BudgetAllowance> {
    let now_s = asked.now_s();
    hub.mismatches.pending.change(asked.subject, |about| {
        let guesses = &mut about.guessed_mut(field).guesses;
        let allowance = guesses.allows(&hub.mismatches.guess_limits, guess, now_s);
        if allowance == BudgetAllowance::Charged {
            guesses.charge(&GuessCount { units, ..*guess }, now_s);
        }
        allowance
    })
}

/// Takes over a guess that an earlier run counted.
pub(crate) fn restore(about: &mut PendingSubject, row: &GuessRow) {
    let guess = GuessCount {
        value: row.value,
        agency: row.agency,
        standing: row.standing,
        units: row.units,
    };
    let guesses = &mut about.guessed_mut(&row.field).guesses;
    guesses.charge(&guess, row.at.div_euclid(1_000_000));
}

/// What a claim asks, where its field has a budget.
fn question_of(field: &Field, test: &ClaimTest<'_>) -> Option<BudgetQuestion> {
    if field.guesses == GuessRule::Free {
        return None;
    }
    match test {
        ClaimTest::NotPermitted => None,
        ClaimTest::Literal(_) => Some(BudgetQuestion::Value),
        // A table of codes is so small that a list of some of them is no better than one.
        ClaimTest::Predicate(..) if field.comparator.is_coded() => Some(BudgetQuestion::Value),
        ClaimTest::Predicate(predicate, _) if predicate.is_coarse() => Some(BudgetQuestion::Coarse),
        ClaimTest::Predicate(_, body) => Some(BudgetQuestion::of_predicate(&body.op, body.value.0.len())),
    }
}

/// A keyed hash by which the same question is known again.
fn value_of(hub: &Hub, field: &Field, test: &ClaimTest<'_>) -> [u8; 16] {
    let mut text = String::new();
    match test {
        ClaimTest::Literal(claim) => text.push_str(&field.comparator.claim_text(claim)),
        ClaimTest::Predicate(_, body) => {
            let mut operands: Vec<String> = body
                .value
                .0
                .iter()
                .map(|operand| field.comparator.claim_text(operand))
                .collect();
            operands.sort_unstable();
            if &*body.op != "eq" {
                text.push_str(&body.op);
                text.push('\u{0}');
            }
            text.push_str(&operands.join("\u{0}"));
        }
        ClaimTest::NotPermitted => {}
    }
    hub.secrets.vault.claim(&field.name, text.as_bytes())
}

/// An agency has an open matter with a subject when it works a mismatch of it, or when another literal claim of this very
/// answer agrees: it knows more of the person than the number. A code that anyone may guess (a sex) is no such knowledge.
fn standing(
    asked: &GuessContext<'_>,
    dataset: &Dataset,
    about: Option<&PendingSubject>,
    claims: &[ParsedClaim<'_>],
    told: &[Verdict],
    position: usize,
) -> AgencyStanding {
    let agrees = |(other, (claim, verdict)): (usize, (&ParsedClaim<'_>, &Verdict))| {
        let telling = dataset
            .field(claim.number)
            .is_some_and(|field| !field.comparator.is_coded());
        other != position
            && telling
            && matches!(claim.test, ClaimTest::Literal(_))
            && matches!(verdict, Verdict::Match(_))
    };
    let known = claims.iter().zip(told).enumerate().any(agrees);
    if known || about.is_some_and(|about| about.is_worked_by(&asked.caller.row.id)) {
        AgencyStanding::OpenMatter
    } else {
        AgencyStanding::Stranger
    }
}
