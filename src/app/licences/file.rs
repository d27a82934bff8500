//! `POST /v1/licences/verify-file`: a licence's file against its register. The digests of the file are two more claims of an ordinary
//! verification: the same grants, guess budget, ledger entry, receipt and mismatch. Beside it stand where the licence was issued, how it
//! stands on a day, and whose signature is over the file.

use std::{borrow::Cow, sync::Arc, time::Instant};

use jiff::civil::Date;
use serde::Deserialize;

use super::{
    StandingValidity, below, dataset_of, day_of,
    hashing::{HashedFile, SignatureOver},
    place_of, standing,
};
use crate::node::caller::Caller;
use crate::{
    foundation::{error::AppError, purpose},
    node::hub::Hub,
    verification::{
        judge::{self, QuestionContext},
        question::{self, AskedClaim, AskedPurposeElements, BoundedText, MemberList, SafeInteger},
        verify::{self, QuestionJudgement, RecordQuestion, VerificationAnswer, agrees},
    },
};
use heyan_auth::{
    file_digest::{FileDigests, hex},
    signature::{
        self, Certificate, SignatureAlgorithm, SignatureCheck, SignatureFault, SignatureVerifier, chain::SignerTrust,
    },
};
use heyan_catalog::{Dataset, LicenceFieldRole};
use heyan_domain::{
    fault::{MemberFault, pointer_segment},
    identifier::IdentifierFinding,
    licence::issuer::IssuerPlace,
    verdict::{Outcome, Verdict},
};
use heyan_ledger::AppendLane;

/// The parts `purpose` and `question` as one body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileBody<'a> {
    /// Why it is asked.
    #[serde(borrow, deserialize_with = "question::object")]
    pub purpose: AskedPurposeElements<'a>,
    /// Which licence it is said to be.
    #[serde(borrow, deserialize_with = "question::object")]
    pub question: FileQuestion<'a>,
}

/// Which licence a file is said to be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileQuestion<'a> {
    /// Dataset name; the one of licences when left out.
    #[serde(borrow, default)]
    pub dataset: Option<BoundedText<'a>>,
    /// Identifier of the licence.
    #[serde(borrow)]
    pub subject: MemberList<'a, BoundedText<'a>>,
    /// What else is claimed.
    #[serde(borrow, default)]
    pub claims: MemberList<'a, AskedClaim<'a>>,
    /// The day that is asked about; today in China when left out.
    #[serde(borrow, default)]
    pub on: Option<BoundedText<'a>>,
    /// Oldest copy that will do, seconds.
    #[serde(default)]
    pub max_age_s: Option<SafeInteger>,
    /// What the signature was made over.
    #[serde(default)]
    pub signature_over: SignatureOver,
}

/// A question that was understood before the file is received.
pub struct FilePlan<'h> {
    dataset: &'h Arc<Dataset>,
    place: IssuerPlace,
    on: Date,
    signer: Option<FileSigner>,
}

/// Whose signature is to be over the file.
struct FileSigner {
    over: SignatureOver,
    algorithm: Option<SignatureAlgorithm>,
    trust: SignerTrust,
    fingerprint: [u8; 32],
}

/// What is to be verified while the file comes.
pub type ToVerify = Option<(SignatureOver, Box<dyn SignatureVerifier>)>;

/// Understands a question, and refuses what would be refused anyway before the file is received.
///
/// # Errors
/// Wrong members, or a refusal.
pub fn plan<'h>(
    hub: &'h Hub,
    caller: &Caller,
    body: &FileBody<'_>,
    signed: Option<(&[u8], &[u8])>,
    now_us: i64,
) -> Result<(FilePlan<'h>, ToVerify), AppError> {
    purpose::check(&body.purpose)?;
    let question = &body.question;
    let planned = || {
        let named = question.dataset.as_deref();
        let dataset = dataset_of(hub, named, None)?;
        let place = place_of(hub, &verify::parse_subject(dataset, &question.subject)?);
        let dataset = dataset_of(hub, named, Some(place))?;
        verify::parse_subject(dataset, &question.subject)?;
        let digest = |name: &str| digests_of(dataset).any(|(_, field)| *field.1 == *name);
        let twice = question.claims.0.iter().filter(|(name, _)| digest(name));
        let faults: Vec<MemberFault> = twice
            .map(|(name, _)| MemberFault::new(format!("/claims/{}", pointer_segment(name)), "duplicate_member"))
            .collect();
        if !faults.is_empty() {
            return Err(AppError::Invalid(faults));
        }
        Ok((dataset, place, day_of(question.on.as_ref(), now_us)?))
    };
    let (dataset, place, on) = planned().map_err(|error| below("/question", error))?;
    let agency = caller.agency()?;
    agency.permission(dataset, &body.purpose.item_code, now_us, caller.peer)?;
    let (signer, verifier) = match signed {
        None => (None, None),
        Some((signature, certificate)) => {
            let (signer, verifier) = signer(hub, (signature, certificate), question.signature_over, now_us)?;
            (Some(signer), verifier)
        }
    };
    let plan = FilePlan {
        dataset,
        place,
        on,
        signer,
    };
    Ok((plan, verifier))
}

fn signer(
    hub: &Hub,
    (signature, certificate): (&[u8], &[u8]),
    over: SignatureOver,
    now_us: i64,
) -> Result<(FileSigner, ToVerify), AppError> {
    let wrong = |part| AppError::fault(part, "invalid_value");
    let chain = Certificate::read_all(certificate).map_err(|_fault| wrong("/certificate"))?;
    let first = chain.first().ok_or_else(|| wrong("/certificate"))?;
    let licences = &hub.materials.licences;
    let trust = signature::chain::trust(
        &*licences.provider,
        &licences.roots,
        &chain,
        now_us.div_euclid(1_000_000),
    );
    let key = first.key();
    let begun = match &key {
        Some(key) => licences.provider.begin(key, &signature::decode(signature)),
        None => Err(SignatureFault::Unsupported),
    };
    let verifier = match begun {
        Ok(verifier) => Some((over, verifier)),
        Err(SignatureFault::Unsupported) => None,
        Err(SignatureFault::Key) => return Err(wrong("/certificate")),
        Err(SignatureFault::Signature) => return Err(wrong("/signature")),
    };
    let signer = FileSigner {
        over,
        algorithm: key.map(|key| key.algorithm),
        trust,
        fingerprint: first.fingerprint(),
    };
    Ok((signer, verifier))
}

/// The fields of a register that hold digests, with the digest that belongs there.
fn digests_of(dataset: &Dataset) -> impl Iterator<Item = (LicenceFieldRole, (u8, &str))> {
    let licence = dataset.licence.as_ref();
    [LicenceFieldRole::FileSha256, LicenceFieldRole::FileSm3]
        .into_iter()
        .filter_map(move |role| {
            let number = licence?.field(role)?;
            Some((role, (number, &*dataset.field(number)?.name)))
        })
}

impl<'h> FilePlan<'h> {
    /// Dataset that is asked.
    pub fn dataset(&self) -> &'h Arc<Dataset> {
        self.dataset
    }

    /// What is claimed in all: the digests of the file, then what the caller claims.
    pub fn claims<'a>(
        &self,
        given: MemberList<'a, AskedClaim<'a>>,
        digests: &FileDigests,
    ) -> MemberList<'a, AskedClaim<'a>>
    where
        'h: 'a,
    {
        let digests = digests_of(self.dataset).map(|(role, (_, name))| {
            let digest = match role {
                LicenceFieldRole::FileSm3 => hex(&digests.sm3),
                _ => hex(&digests.sha256),
            };
            (Cow::Borrowed(name), AskedClaim::Literal(Cow::Owned(digest)))
        });
        MemberList(digests.chain(given.0).collect())
    }
}

/// A whole answer.
pub struct FileAnswer<'a> {
    /// The verification.
    pub answer: VerificationAnswer<'a>,
    /// Length and digests of the file, each digest with its verdict; none where the register has no place for it.
    pub digests: FileDigests,
    /// SHA-256.
    pub sha256: Option<Verdict>,
    /// SM3.
    pub sm3: Option<Verdict>,
    /// What is doubtful about the identifier.
    pub findings: Vec<IdentifierFinding>,
    /// Where the licence was issued.
    pub place: IssuerPlace,
    /// How it stands.
    pub validity: StandingValidity,
    /// Whose signature is over the file.
    pub signature: Option<SignatureNote>,
}

/// What was found of a signature.
pub struct SignatureNote {
    /// `valid`, `invalid` or `unsupported`.
    pub verdict: &'static str,
    /// The key's algorithm.
    pub algorithm: Option<SignatureAlgorithm>,
    /// What it was made over.
    pub over: SignatureOver,
    /// Whether a root stands behind the signer.
    pub trust: SignerTrust,
    /// SHA-256 of the signer's certificate.
    pub fingerprint: [u8; 32],
}

/// Answers a question about a file that was received and hashed; `claims` are those of [`Plan::claims`].
///
/// # Errors
/// Wrong members, a refusal, or a part that cannot be asked.
pub async fn verify<'a>(
    hub: &'a Arc<Hub>,
    (lane, caller): (&AppendLane, &Caller),
    body: (
        &'a AskedPurposeElements<'a>,
        &'a MemberList<'a, BoundedText<'a>>,
        Option<SafeInteger>,
    ),
    claims: &'a MemberList<'a, AskedClaim<'a>>,
    plan: FilePlan<'a>,
    hashed: HashedFile,
) -> Result<FileAnswer<'a>, AppError> {
    let (started, now_us) = (Instant::now(), hub.clock.now_us());
    let (purpose, subject, max_age_s) = body;
    let question = RecordQuestion {
        dataset: &plan.dataset.name,
        subject,
        claims,
        max_age_s: max_age_s.map(|seconds| seconds.0),
    };
    let asking = QuestionContext::new(caller, purpose, now_us);
    let judged = judge::judge(hub, &asking, question).await;
    let mut judgement = judged.map_err(|error| below("/question", error))?;
    let allowed = caller
        .agency()?
        .permission(plan.dataset, &purpose.item_code, now_us, caller.peer)?;
    let verdict_of = |judgement: &QuestionJudgement<'_>, role: LicenceFieldRole| {
        let (_, (number, _)) = digests_of(plan.dataset).find(|(known, _)| *known == role)?;
        let told = judgement.fields.iter().find(|(_, claimed, _)| *claimed == number);
        // What a register does not hold is not claimed of it any more.
        Some(told.map_or(Verdict::Absent, |(_, _, verdict)| *verdict))
    };
    let is_told = judgement.outcome != Outcome::NotFound || !judgement.fields.is_empty();
    if is_told {
        follow(&mut judgement, plan.dataset);
        verify::tell_only_what_is_permitted(&mut judgement, allowed.permission);
    }
    let (sha256, sm3) = match is_told {
        true => (
            verdict_of(&judgement, LicenceFieldRole::FileSha256),
            verdict_of(&judgement, LicenceFieldRole::FileSm3),
        ),
        false => (None, None),
    };
    let stored = standing::version_of(hub, &judgement).await?;
    let validity = standing::of(hub, plan.dataset, allowed.permission, stored.as_ref(), plan.on).await?;
    standing::narrow(&mut judgement, &validity);
    let findings = judgement.findings.clone();
    let answer = verify::enter(hub, lane, caller, purpose, judgement, (now_us, started)).await?;
    Ok(FileAnswer {
        answer,
        sha256,
        sm3,
        findings,
        place: plan.place,
        validity,
        signature: plan.signer.map(|signer| note_of(signer, hashed.signature)),
        digests: hashed.digests,
    })
}

fn note_of(signer: FileSigner, verified: Option<SignatureCheck>) -> SignatureNote {
    SignatureNote {
        verdict: match verified {
            Some(SignatureCheck::Valid) => "valid",
            Some(SignatureCheck::Invalid) => "invalid",
            None => "unsupported",
        },
        algorithm: signer.algorithm,
        over: signer.over,
        trust: signer.trust,
        fingerprint: signer.fingerprint,
    }
}

/// Registers hold one digest of a file or both. One that a record lacks says nothing of the file, so it follows the other: it is left out
/// where that agrees, and is told like it where it does not. So a wrong file gets one answer whatever the record holds, and whether or not
/// there is one.
fn follow(judgement: &mut QuestionJudgement<'_>, dataset: &Dataset) {
    let numbers: Vec<u8> = digests_of(dataset).map(|(_, (number, _))| number).collect();
    let digests = judgement
        .fields
        .iter()
        .filter(|(_, number, _)| numbers.contains(number));
    let held = digests
        .map(|(_, _, verdict)| *verdict)
        .find(|verdict| *verdict != Verdict::Absent);
    let Some(held) = held else { return };
    let lacks = |number: u8, verdict: Verdict| numbers.contains(&number) && verdict == Verdict::Absent;
    match agrees(held) {
        true => judgement
            .fields
            .retain(|(_, number, verdict)| !lacks(*number, *verdict)),
        false => {
            for (_, number, verdict) in &mut judgement.fields {
                if lacks(*number, *verdict) {
                    *verdict = held;
                }
            }
        }
    }
    if judgement.outcome != Outcome::NotFound {
        judgement.outcome = Outcome::of(judgement.fields.iter().map(|(_, _, verdict)| *verdict));
    }
}
