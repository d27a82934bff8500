//! Applies the guess budget: what each claim of an answer costs, and which verdicts may no longer be disclosed.
//! All verdicts are computed first; those that the budget does not cover become `review`, correct ones too. The budget is read
//! and charged under one lock, so that concurrent guesses are counted one by one.
//!
//! Nodes that share a store cannot share a lock. There a question that touches a budget is *contested*: it takes the lock of the
//! subject, and its charge is committed before the answer, by compare and set against the commits of other nodes (`settle`). A question
//! that touches no budget is answered at once, as on a single node: the first correct value about a subject without known guesses.
//! So k nodes disclose at most k − 1 correct values more than one node.

use crate::node::write::CommitAttempts;
use std::sync::Arc;

use super::{
    asker::{self, ASKER_FIELD},
    judgement::{AnswerConsequence, ClaimTest, ParsedClaim, QuestionJudgement},
};
use crate::{
    access::table::AccessAgency, foundation::error::AppError, mismatch::pending::PendingSubject, node::hub::Hub,
};
use heyan_catalog::{Dataset, Field, GuessRule};
use heyan_domain::{
    budget::{AgencyStanding, BudgetAllowance, BudgetQuestion, GuessCount, GuessPool, VALUE_UNITS},
    calendar,
    verdict::{Outcome, ReviewReason, Verdict},
};
use heyan_ports::commit::Commit;
use heyan_ports::{
    error::StoreError,
    guesses::{GuessHead, GuessRow},
    subject::{RecordKey, SubjectKey},
};

/// Behind the name of a field in a row that counts a predicate.
pub(super) const PREDICATE_MARK: char = '?';

/// Whose answer it is, about what, and when.
pub(crate) struct GuessContext<'a> {
    pub(crate) caller: &'a AccessAgency,
    pub(crate) subject: SubjectKey,
    pub(crate) now_us: i64,
    /// Whether the caller may know that there is no record.
    pub(crate) may_know: bool,
}

impl GuessContext<'_> {
    pub(super) fn now_s(&self) -> i64 {
        self.now_us.div_euclid(1_000_000)
    }

    pub(super) fn day(&self) -> i32 {
        calendar::china_day(self.now_us)
    }

    /// Whether nothing but that there is no record is told.
    pub(super) fn tells_none(&self, judgement: &QuestionJudgement<'_>) -> bool {
        self.may_know && judgement.outcome == Outcome::NotFound
    }
}

/// Holds a judgement against the budgets of its fields, wherever they are counted. Returns the consequences of the answer.
///
/// # Errors
/// Returns an error if the store cannot be reached: then nothing may be answered.
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
    if !hub.node.trust.is_among_others() || asked.tells_none(judgement) {
        return false;
    }
    let about = hub.mismatches.pending.about(asked.subject);
    claims.iter().zip(&judgement.fields).any(|(claim, (_, _, verdict))| {
        if verdict.is_unreadable() {
            return false;
        }
        let field = judgement
            .dataset
            .field(claim.number)
            .filter(|field| is_counted(field, claim));
        let Some(field) = field else { return false };
        let before = about.as_deref().and_then(|about| about.guessed(claim.name));
        match before {
            Some(before) => !before.guesses.knows(&value_of(hub, field, &claim.test), asked.now_s()),
            None if is_right_literal(claim, *verdict) => false,
            None => question_of(field, &claim.test).charged(*verdict, &hub.mismatches.guess_limits) > 0,
        }
    })
}

/// Narrows the verdicts of a contested judgement, and commits what it counts before anybody is told.
///
/// # Errors
/// Returns an error if the store cannot be reached: then nothing may be answered.
async fn settle(
    hub: &Hub,
    asked: &GuessContext<'_>,
    claims: &[ParsedClaim<'_>],
    judgement: &mut QuestionJudgement<'_>,
) -> Result<AnswerConsequence, AppError> {
    let (fields, outcome) = (judgement.fields.clone(), judgement.outcome);
    let decide = |about: Option<&PendingSubject>| {
        judgement.fields.clone_from(&fields);
        judgement.outcome = outcome;
        let mut consequence = AnswerConsequence::default();
        apply(hub, asked, about, claims, judgement, &mut consequence);
        let guesses = std::mem::take(&mut consequence.guesses);
        (consequence, guesses)
    };
    settle_with(hub, asked, decide).await
}

/// Decides on what is known about a subject, and commits what that counts; decides again as long as another node was first.
///
/// # Errors
/// Returns an error if the store cannot be reached: then nothing may be answered.
pub(super) async fn settle_with<T>(
    hub: &Hub,
    asked: &GuessContext<'_>,
    mut decide: impl FnMut(Option<&PendingSubject>) -> (T, Vec<GuessRow>),
) -> Result<T, AppError> {
    let subject = asked.subject;
    let _turn = hub.mismatches.pending.turn([subject].into_iter()).await;
    let mut attempts = CommitAttempts::none();
    loop {
        let about = hub.mismatches.pending.about(subject);
        let expected = about.as_deref().map_or(0, |about| about.guess_head);
        let (decided, guesses) = decide(about.as_deref());
        match stands(hub, subject, expected, guesses, asked.now_us).await {
            Ok(()) => return Ok(decided),
            Err(error) if attempts.again(&error) => {}
            Err(error) => {
                // Nothing is told of it, so nothing of it is known: told again it would be free.
                let before = about.map_or_else(Vec::new, |about| about.guessed.clone());
                hub.mismatches.pending.change(subject, |about| about.guessed = before);
                return Err(error);
            }
        }
        hub.read_guesses(subject).await?;
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
    if !asker::admits(hub, asked, claims, judgement, consequence) || asked.tells_none(judgement) {
        return;
    }
    let mut is_narrowed = false;
    for (position, claim) in claims.iter().enumerate() {
        let verdict = judgement.fields.get(position).map(|(_, _, verdict)| *verdict);
        // What could not be read told nothing.
        let verdict = verdict.filter(|verdict| !verdict.is_unreadable());
        let field = judgement
            .dataset
            .field(claim.number)
            .filter(|field| is_counted(field, claim));
        let (Some(field), Some(verdict)) = (field, verdict) else {
            continue;
        };
        let before = about.and_then(|about| about.guessed(claim.name));
        if before.is_none() && is_right_literal(claim, verdict) {
            continue;
        }
        let is_told = match tell(hub, asked, about, (claim, field), verdict) {
            ToldClaim::Counted(row) => {
                consequence.guesses.push(row);
                true
            }
            ToldClaim::Free => true,
            ToldClaim::Held => false,
        };
        if is_told {
            continue;
        }
        is_narrowed = true;
        if let Some((_, _, verdict)) = judgement.fields.get_mut(position) {
            *verdict = Verdict::Review(ReviewReason::GuessBudget);
        }
        if before.is_none_or(|before| before.alerted_on != Some(asked.day())) {
            let key = RecordKey {
                dataset: Arc::clone(&judgement.dataset.name),
                subject: asked.subject,
            };
            consequence.spent.push((key, claim.name.into()));
        }
    }
    if is_narrowed && judgement.outcome != Outcome::NotFound {
        judgement.outcome = Outcome::of(judgement.fields.iter().map(|(_, _, verdict)| *verdict));
    }
    if !consequence.guesses.is_empty() {
        consequence.stopped = asker::stopped(hub, asked);
    }
}

/// What becomes of one claim.
enum ToldClaim {
    /// It is told, and costs nothing.
    Free,
    /// It is told, and counted.
    Counted(GuessRow),
    /// A person must look.
    Held,
}

fn tell(
    hub: &Hub,
    asked: &GuessContext<'_>,
    about: Option<&PendingSubject>,
    (claim, field): (&ParsedClaim<'_>, &Field),
    verdict: Verdict,
) -> ToldClaim {
    let limits = &hub.mismatches.guess_limits;
    let before = about.and_then(|about| about.guessed(claim.name));
    let question = question_of(field, &claim.test);
    let units = question.charged(verdict, limits);
    if units == 0 && before.is_none() {
        return ToldClaim::Free;
    }
    let value = value_of(hub, field, &claim.test);
    if before.is_some_and(|before| before.guesses.knows(&value, asked.now_s())) {
        return ToldClaim::Free;
    }
    let guess = GuessCount {
        value,
        agency: asked.caller.row.number,
        standing: standing(asked, about),
        pool: question.pool(),
        units: question.units(limits),
    };
    match charge(hub, asked, claim.name, (question, &guess), units) {
        Some(BudgetAllowance::Review) => ToldClaim::Held,
        Some(BudgetAllowance::Charged) if units > 0 => ToldClaim::Counted(GuessRow {
            subject: asked.subject,
            field: row_field(claim.name, guess.pool),
            value: guess.value,
            agency: guess.agency,
            standing: guess.standing,
            units,
            at: asked.now_us,
        }),
        _ => ToldClaim::Free,
    }
}

/// Asks whether a guess may be told, and counts it as so many units if so, in one step.
pub(super) fn charge(
    hub: &Hub,
    asked: &GuessContext<'_>,
    field: &str,
    (question, guess): (BudgetQuestion, &GuessCount),
    units: u8,
) -> Option<BudgetAllowance> {
    let now_s = asked.now_s();
    let windows = question.windows(&hub.mismatches.guess_limits);
    let charged = hub.mismatches.pending.change(asked.subject, |about| {
        let guesses = &mut about.guessed_mut(field).guesses;
        let allowance = guesses.allows(windows, guess, now_s);
        if allowance == BudgetAllowance::Charged {
            guesses.charge(&GuessCount { units, ..*guess }, now_s);
        }
        let locks = units > 0 && guess.pool == GuessPool::Values && guesses.locks_values(windows, now_s);
        (allowance, locks && allowance == BudgetAllowance::Charged)
    });
    charged.map(|(allowance, locks)| {
        if locks {
            let asker = &asked.caller.asker;
            asker.count_locked(asker::key_of(asked.subject), asked.day());
        }
        allowance
    })
}

/// Whether a question about these claims would be answered `review` by the budget whatever the truth, so that nothing need be looked up.
pub(crate) fn is_spent(hub: &Hub, asked: &GuessContext<'_>, dataset: &Dataset, claims: &[ParsedClaim<'_>]) -> bool {
    let limits = &hub.mismatches.guess_limits;
    let about = hub.mismatches.pending.about(asked.subject);
    let mut counted = claims.iter().filter_map(|claim| {
        let field = dataset.field(claim.number).filter(|field| is_counted(field, claim))?;
        Some((claim, field))
    });
    counted.any(|(claim, field)| {
        let guesses = about.as_deref().and_then(|about| about.guessed(claim.name));
        let question = question_of(field, &claim.test);
        let guess = GuessCount {
            value: value_of(hub, field, &claim.test),
            agency: asked.caller.row.number,
            standing: standing(asked, about.as_deref()),
            pool: question.pool(),
            units: question.units(limits),
        };
        let is_over = guesses.is_some_and(|guessed| {
            guessed.guesses.allows(question.windows(limits), &guess, asked.now_s()) == BudgetAllowance::Review
        });
        let asker = &asked.caller.asker;
        is_over || !asker.admits(&limits.asker, asker::key_of(asked.subject), asked.day())
    })
}

/// Takes over a guess that an earlier run or another node counted.
pub(crate) fn restore(about: &mut PendingSubject, row: &GuessRow) {
    if row.field == ASKER_FIELD {
        return;
    }
    let name = row.field.trim_end_matches(PREDICATE_MARK);
    // Rows of before the pools were counted apart: only values cost so little.
    let is_predicate = name.len() < row.field.len() || row.units > VALUE_UNITS;
    let guess = GuessCount {
        value: row.value,
        agency: row.agency,
        standing: row.standing,
        pool: if is_predicate {
            GuessPool::Predicates
        } else {
            GuessPool::Values
        },
        units: row.units,
    };
    let guesses = &mut about.guessed_mut(name).guesses;
    guesses.charge(&guess, row.at.div_euclid(1_000_000));
}

fn row_field(name: &str, pool: GuessPool) -> String {
    match pool {
        GuessPool::Values => name.to_owned(),
        GuessPool::Predicates => format!("{name}{PREDICATE_MARK}"),
    }
}

/// Whether a claim is counted against the budget of its field.
pub(super) fn is_counted(field: &Field, claim: &ParsedClaim<'_>) -> bool {
    field.guesses == GuessRule::Counted && !matches!(claim.test, ClaimTest::NotPermitted)
}

/// Whether a literal claim is right, which costs nothing whatever it names.
fn is_right_literal(claim: &ParsedClaim<'_>, verdict: Verdict) -> bool {
    matches!(claim.test, ClaimTest::Literal(_)) && matches!(verdict, Verdict::Match(_))
}

/// What a claim asks.
fn question_of(field: &Field, test: &ClaimTest<'_>) -> BudgetQuestion {
    let comparator = &field.comparator;
    match (test, comparator.codes()) {
        (ClaimTest::Literal(_) | ClaimTest::NotPermitted, Some(_)) => BudgetQuestion::Code,
        (ClaimTest::Literal(claim), None) => BudgetQuestion::of_literal(comparator.reach(claim)),
        (ClaimTest::NotPermitted, None) => BudgetQuestion::Value,
        (ClaimTest::Predicate(_, body), Some(codes)) => BudgetQuestion::of_codes(&body.op, body.value.0.len(), codes),
        (ClaimTest::Predicate(predicate, _), None) if predicate.is_coarse() => BudgetQuestion::Period,
        (ClaimTest::Predicate(_, body), None) => match (&*body.op, body.value.0.first()) {
            ("eq", Some(operand)) => BudgetQuestion::of_literal(comparator.reach(operand)),
            (op, _) => BudgetQuestion::of_predicate(op, body.value.0.len()),
        },
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

/// An agency has standing where its matter about the subject was confirmed by the authority: an agency cannot give it to itself. Other values that
/// are right are no standing: colluding agencies know them, and a date stands in the number.
pub(super) fn standing(asked: &GuessContext<'_>, about: Option<&PendingSubject>) -> AgencyStanding {
    match about.is_some_and(|about| about.is_confirmed_for(&asked.caller.row.id)) {
        true => AgencyStanding::OpenMatter,
        false => AgencyStanding::Stranger,
    }
}
