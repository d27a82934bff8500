//! What is asked of one record, what it is judged to be, and what the answer brings. Pure: nothing is looked up or entered here.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    question::{AskedClaim, BoundedText, MemberList, PredicateBody},
    record::CachedRecord,
};
use crate::access::table::ChargedUse;
use crate::foundation::{error::AppError, purpose};
use crate::mismatch::pending::MismatchNote;
use heyan_cache::CacheLookup;
use heyan_catalog::{Dataset, ParsedSubject};
use heyan_domain::{
    budget::{AskerLimits, AskerTally},
    fault::{FaultCause, LengthLimit, MemberFault, pointer_segment},
    identifier::IdentifierFinding,
    policy::{FieldSet, GrantOperation, UsePermission},
    predicate::Predicate,
    verdict::{Outcome, ReviewReason, Verdict},
};
use heyan_ledger::entry;
use heyan_ports::{
    guesses::GuessRow,
    subject::{RecordKey, SubjectKey},
};

/// What is asked of one record.
pub struct RecordQuestion<'a> {
    /// Dataset name.
    pub dataset: &'a str,
    /// Identifiers of the subject.
    pub subject: &'a MemberList<'a, BoundedText<'a>>,
    /// Field → claim.
    pub claims: &'a MemberList<'a, AskedClaim<'a>>,
    /// Oldest copy that will do, seconds.
    pub max_age_s: Option<u64>,
}

/// What is known about one question once its record was compared, before it is entered.
pub struct QuestionJudgement<'a> {
    /// Dataset that was asked.
    pub dataset: &'a Dataset,
    /// The outcome as it is told.
    pub outcome: Outcome,
    /// Field name, number and verdict, in the order of the claims.
    pub fields: Vec<(&'a str, u8, Verdict)>,
    /// What was answered from; left out where it would tell that a record exists.
    pub record: Option<RecordNote>,
    /// What was noticed.
    pub findings: Vec<IdentifierFinding>,
    /// Fields that are said to be wrong, by number.
    pub disputed: FieldSet,
    /// The mismatch that this answer opened or belongs to.
    pub mismatch: Option<MismatchNote>,
    /// Boxed: few answers bring anything.
    pub(crate) consequence: Option<Box<AnswerConsequence>>,
    /// What it was counted with, until it is told.
    pub(crate) charged: ChargedUse,
    pub(crate) subject_key: [u8; 16],
    pub(crate) record_version: u32,
}

/// The record that an answer rests on.
pub struct RecordNote {
    /// Version.
    pub version: u32,
    /// When the hub received it, RFC 3339.
    pub as_of: Box<str>,
    /// How it came to be answered.
    pub freshness: AnswerFreshness,
}

/// How a record came to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerFreshness {
    /// From memory.
    Cached,
    /// Read from the system of record for this call.
    Fetched,
    /// An older copy, because the source could not be asked.
    Stale {
        /// Its age, seconds.
        age_s: u64,
    },
}

impl AnswerFreshness {
    /// The wire word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::Fetched => "fetched",
            Self::Stale { .. } => "stale",
        }
    }
}

/// What one judged question brings.
#[derive(Default)]
pub struct AnswerConsequence {
    /// Fields that differ, sorted, when the whole was answered as mismatched and no such mismatch is pending.
    pub(crate) opens: Option<MismatchOpening>,
    /// Mismatches whose fields all match now.
    pub(crate) settles: Vec<(SubjectKey, Arc<str>)>,
    /// Guesses that count.
    pub(crate) guesses: Vec<GuessRow>,
    /// Fields whose budget of guesses is used up.
    pub(crate) spent: Vec<(RecordKey, Box<str>)>,
    /// The agency that asked, when it is stopped and no alert has said so today.
    pub(crate) stopped: Option<StoppedAsker>,
}

/// An agency that was wrong about too many subjects.
#[derive(Clone)]
pub(crate) struct StoppedAsker {
    pub(crate) asker: Arc<AskerTally>,
    pub(crate) limits: AskerLimits,
}

impl AnswerConsequence {
    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.opens.is_none()
            && self.settles.is_empty()
            && self.guesses.is_empty()
            && self.spent.is_empty()
            && self.stopped.is_none()
    }
}

/// A mismatch to be opened.
#[derive(Clone)]
pub(crate) struct MismatchOpening {
    pub(crate) key: RecordKey,
    pub(crate) fields: Vec<String>,
    /// Version that was answered from; 0: there was none.
    pub(crate) record_version: u32,
    /// Whether the answer told the version.
    pub(crate) version_told: bool,
    /// Identifiers, as they were asked.
    pub(crate) subject: BTreeMap<String, String>,
}

pub(crate) fn parse_subject(
    dataset: &Dataset,
    members: &MemberList<'_, BoundedText<'_>>,
) -> Result<ParsedSubject, AppError> {
    let known = |name: &str| dataset.subject.iter().any(|member| *member.name == *name);
    let unknown = members.0.iter().filter(|(name, _)| !known(name));
    let faults: Vec<MemberFault> = unknown
        .map(|(name, _)| MemberFault::new(format!("/subject/{}", pointer_segment(name)), "unknown_member"))
        .collect();
    if !faults.is_empty() {
        return Err(AppError::Invalid(faults));
    }
    dataset
        .parse_subject(|name| members.get(name).map(|text| &**text))
        .map_err(AppError::Invalid)
}

/// A claim that was understood.
pub(crate) enum ClaimTest<'a> {
    Literal(&'a str),
    Predicate(Predicate, &'a PredicateBody<'a>),
    NotPermitted,
}

pub(crate) struct ParsedClaim<'a> {
    pub(crate) name: &'a str,
    pub(crate) number: u8,
    pub(crate) test: ClaimTest<'a>,
}

pub(crate) fn parse_claims<'a>(
    dataset: &Dataset,
    claims: &'a MemberList<'a, AskedClaim<'a>>,
    permission: UsePermission,
) -> Result<Vec<ParsedClaim<'a>>, AppError> {
    if claims.0.is_empty() {
        return Err(AppError::fault("/claims", "missing_member"));
    }
    let mut parsed = Vec::with_capacity(claims.0.len());
    let mut faults = Vec::new();
    for (name, claim) in &claims.0 {
        match parse_claim(dataset, name, claim, permission) {
            Ok(claim) => parsed.push(claim),
            Err(cause) => faults.push(MemberFault::of(format!("/claims/{}", pointer_segment(name)), cause)),
        }
    }
    if faults.is_empty() {
        Ok(parsed)
    } else {
        Err(AppError::Invalid(faults))
    }
}

fn parse_claim<'a>(
    dataset: &Dataset,
    name: &'a str,
    claim: &'a AskedClaim<'a>,
    permission: UsePermission,
) -> Result<ParsedClaim<'a>, FaultCause> {
    let number = dataset.field_number(name).ok_or("unknown_field")?;
    let field = dataset.field(number).ok_or("unknown_field")?;
    let has = |operation| permission.permits(operation, number);
    let test = match claim {
        AskedClaim::Literal(text) if purpose::is_blank(text) => return Err("invalid_claim".into()),
        AskedClaim::Literal(text) if is_longer(text, field.characters_max) => {
            return Err(FaultCause::Over(LengthLimit::Characters(field.characters_max)));
        }
        AskedClaim::Literal(text) if has(GrantOperation::Verify) => ClaimTest::Literal(text),
        AskedClaim::Predicate(body) => {
            let operands: Vec<&str> = body.value.0.iter().map(|text| &**text).collect();
            let predicate =
                Predicate::new(&body.op, &operands, &field.comparator).map_err(|_invalid| "invalid_predicate")?;
            if has(GrantOperation::Predicate) {
                ClaimTest::Predicate(predicate, body)
            } else {
                ClaimTest::NotPermitted
            }
        }
        AskedClaim::Literal(_) => ClaimTest::NotPermitted,
    };
    Ok(ParsedClaim { name, number, test })
}

/// Whether a text has more characters than `characters_max`; a short one is not counted.
fn is_longer(text: &str, characters_max: usize) -> bool {
    text.len() > characters_max && text.chars().count() > characters_max
}

pub(crate) fn compare<'a>(
    dataset: &'a Dataset,
    record: &CachedRecord,
    claims: &[ParsedClaim<'a>],
    lookup: CacheLookup,
) -> QuestionJudgement<'a> {
    let fields: Vec<_> = claims
        .iter()
        .map(|claim| (claim.name, claim.number, verdict(dataset, record, claim)))
        .collect();
    let freshness = match lookup {
        CacheLookup::Hit => AnswerFreshness::Cached,
        CacheLookup::Miss | CacheLookup::Bypass => AnswerFreshness::Fetched,
    };
    let note = RecordNote {
        version: record.version,
        as_of: record.as_of.clone(),
        freshness,
    };
    let outcome = Outcome::of(fields.iter().map(|(_, _, verdict)| *verdict));
    QuestionJudgement::new(dataset, outcome, fields, Some(note), record.subject)
}

fn verdict(dataset: &Dataset, record: &CachedRecord, claim: &ParsedClaim<'_>) -> Verdict {
    let (Some(field), false) = (
        dataset.field(claim.number),
        matches!(claim.test, ClaimTest::NotPermitted),
    ) else {
        return Verdict::NotPermitted;
    };
    let Some(value) = record.field(claim.number) else {
        return Verdict::Absent;
    };
    match &claim.test {
        ClaimTest::Literal(text) => field.comparator.compare(text, value),
        ClaimTest::Predicate(predicate, _) => predicate.evaluate(value),
        ClaimTest::NotPermitted => Verdict::NotPermitted,
    }
}

pub(crate) fn not_found<'a>(
    dataset: &'a Dataset,
    subject: SubjectKey,
    claims: &[ParsedClaim<'a>],
) -> QuestionJudgement<'a> {
    // As where every value differs: what cannot be read is not different there either.
    let verdict = |claim: &ParsedClaim<'_>| match (&claim.test, dataset.field(claim.number)) {
        (ClaimTest::NotPermitted, _) => Verdict::NotPermitted,
        (ClaimTest::Literal(text), Some(field)) => field.comparator.compare_with_none(text),
        (ClaimTest::Predicate(predicate, _), _) => predicate.evaluate_none(),
        (ClaimTest::Literal(_), None) => Verdict::Mismatch,
    };
    let fields = claims
        .iter()
        .map(|claim| (claim.name, claim.number, verdict(claim)))
        .collect();
    QuestionJudgement::new(dataset, Outcome::NotFound, fields, None, subject)
}

/// Without `existence`, "no such record" and "every field differs" are one answer (PROMISES I-15): the outcome, the
/// verdicts and the absence of `record` are the same.
pub(crate) fn tell_only_what_is_permitted(judgement: &mut QuestionJudgement<'_>, permission: UsePermission) {
    if permission.has(GrantOperation::Existence) {
        if judgement.outcome == Outcome::NotFound {
            judgement.fields.clear();
        }
        return;
    }
    if judgement.outcome == Outcome::NotFound {
        judgement.outcome = Outcome::of(judgement.fields.iter().map(|(_, _, verdict)| *verdict));
    }
    if !judgement.fields.iter().any(|(_, _, verdict)| agrees(*verdict)) {
        // The entry goes out with the receipt: what the answer keeps back must not stand there.
        judgement.record = None;
        judgement.record_version = 0;
    }
}

/// Whether a verdict tells that a record exists.
pub(crate) fn agrees(verdict: Verdict) -> bool {
    !matches!(
        verdict,
        Verdict::Mismatch
            | Verdict::NotPermitted
            | Verdict::Unavailable
            | Verdict::Review(ReviewReason::GuessBudget | ReviewReason::Undivided | ReviewReason::UnreadableClaim)
    )
}

impl<'a> QuestionJudgement<'a> {
    /// What was found, before anything is kept back.
    pub(crate) fn new(
        dataset: &'a Dataset,
        outcome: Outcome,
        fields: Vec<(&'a str, u8, Verdict)>,
        record: Option<RecordNote>,
        subject: SubjectKey,
    ) -> Self {
        Self {
            dataset,
            outcome,
            fields,
            findings: Vec::new(),
            disputed: FieldSet::default(),
            mismatch: None,
            consequence: None,
            charged: ChargedUse::default(),
            subject_key: subject.0,
            record_version: record.as_ref().map_or(0, |note| note.version),
            record,
        }
    }

    /// Writes the item of a ledger entry.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let fields = self.fields.iter().map(|(_, number, verdict)| (*number, *verdict));
        entry::put_item(
            out,
            &self.dataset.rules,
            &self.subject_key,
            self.record_version,
            self.outcome,
            fields,
        );
    }

    /// Bytes of its item in a ledger entry, at most.
    pub(crate) fn item_bytes(&self) -> usize {
        self.dataset.rules.len() + 2 * self.fields.len() + 24
    }
}
