//! The only mapping from errors to problem documents, and from problem documents to responses.
//! No value of a request or a record passes through here: faults hold places and codes.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
};

use super::problem::{FieldCode, FieldError, IdentifierFault, JsonType, ProblemCode, ProblemDocument, ProblemPointer};
use heyan_app::{
    access::{table::AccessRefusal, token::UnknownCaller},
    foundation::{error::AppError, quota::QuotaReached},
};
use heyan_domain::{fault::MemberFault, policy::RefusalClause};
use heyan_ledger::LedgerError;
use heyan_ports::error::StoreError;
use heyan_telemetry::{LineGate, causes};
use heyan_texts::Locale;

/// Path of the token endpoint.
const TOKEN_PATH: &str = "/oauth/token";

/// Seconds after which a busy or failed part may be asked again.
const RETRY_AFTER_S: u32 = 1;

/// Seconds after which a source that failed may be asked again.
const SOURCE_RETRY_AFTER_S: u32 = 5;

/// Seconds after which an agency at a quota may try again.
const QUOTA_RETRY_AFTER_S: u32 = 60;

impl From<AppError> for ProblemDocument {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Invalid(faults) => invalid(&faults),
            AppError::Refused(refusal) => refused(refusal),
            AppError::RoleNotAllowed => Self::new(ProblemCode::RoleNotAllowed),
            AppError::NotOwner => Self::new(ProblemCode::NotOwner),
            AppError::NotFound(thing) => {
                Self::new(ProblemCode::parse(thing.not_found()).unwrap_or(ProblemCode::Internal))
            }
            AppError::AlreadyExists => Self::new(ProblemCode::AlreadyExists),
            AppError::PreconditionFailed => Self::new(ProblemCode::PreconditionFailed),
            AppError::NotNow => Self::new(ProblemCode::NotInThisState),
            AppError::Superseded => Self::new(ProblemCode::CheckSuperseded),
            AppError::KeyReused => Self::new(ProblemCode::IdempotencyKeyReused),
            AppError::InProgress => busy(ProblemCode::IdempotencyInProgress),
            AppError::Target(fault) => Self::new(ProblemCode::TargetNotAllowed).reason(fault.as_str()),
            AppError::TooManyItems => Self::new(ProblemCode::TooManyItems),
            AppError::Store(StoreError::Busy) => busy(ProblemCode::Overloaded),
            AppError::QuotaReached(reached) => quota_reached(reached),
            AppError::Store(error) => busy(ProblemCode::StoreUnavailable).cause(causes(&error)),
            error @ (AppError::NodeSilent | AppError::SpaceLow) => {
                busy(ProblemCode::StoreUnavailable).cause(error.to_string())
            }
            AppError::Load(error) if error.is_busy() => busy(ProblemCode::Overloaded),
            AppError::Load(error) => match error.source_failure() {
                Some(failure) => Self::new(ProblemCode::SourceUnavailable)
                    .retry_after_s(SOURCE_RETRY_AFTER_S)
                    .cause(causes(&error))
                    .source(failure.connector.clone(), failure.status),
                None => busy(ProblemCode::StoreUnavailable).cause(causes(&error)),
            },
            AppError::Ledger(LedgerError::Busy) => busy(ProblemCode::Overloaded),
            AppError::Ledger(error) => busy(ProblemCode::LedgerUnavailable).cause(causes(&error)),
            AppError::Internal(what) => Self::new(ProblemCode::Internal).cause(what),
        }
    }
}

/// A refusal for now.
pub(super) fn busy(code: ProblemCode) -> ProblemDocument {
    ProblemDocument::new(code).retry_after_s(RETRY_AFTER_S)
}

fn quota_reached(reached: QuotaReached) -> ProblemDocument {
    let mut problem = ProblemDocument::new(ProblemCode::QuotaReached).retry_after_s(QUOTA_RETRY_AFTER_S);
    problem.quota = Some(Box::new(reached));
    problem
}

fn refused(refusal: AccessRefusal) -> ProblemDocument {
    match refusal {
        AccessRefusal::Withheld { legal_basis } => {
            ProblemDocument::new(ProblemCode::DatasetWithheld).legal_basis(legal_basis)
        }
        AccessRefusal::Disabled => ProblemDocument::new(ProblemCode::AgencyDisabled),
        AccessRefusal::NotGranted(RefusalClause::DailyCeiling) => {
            // The ceiling is for a day; an hour is soon enough to try again.
            ProblemDocument::new(ProblemCode::CeilingReached)
                .retry_after_s(3_600)
                .missing_clause("daily_ceiling")
        }
        AccessRefusal::NotGranted(RefusalClause::Network) => {
            ProblemDocument::new(ProblemCode::NetworkNotAllowed).missing_clause(RefusalClause::Network.as_str())
        }
        AccessRefusal::NotGranted(clause) => {
            ProblemDocument::new(ProblemCode::NotGranted).missing_clause(clause.as_str())
        }
    }
}

impl From<UnknownCaller> for ProblemDocument {
    fn from(unknown: UnknownCaller) -> Self {
        Self::new(match unknown {
            UnknownCaller::Missing => ProblemCode::Unauthenticated,
            UnknownCaller::Invalid => ProblemCode::InvalidToken,
            UnknownCaller::Expired => ProblemCode::TokenExpired,
            UnknownCaller::Disabled => ProblemCode::AgencyDisabled,
            UnknownCaller::Network => ProblemCode::NetworkNotAllowed,
            UnknownCaller::Client => ProblemCode::InvalidClient,
        })
    }
}

/// One problem for many faults: the code of the first, and every place.
pub(super) fn invalid(faults: &[MemberFault]) -> ProblemDocument {
    let code = faults
        .first()
        .map_or(ProblemCode::InvalidRequest, |fault| problem_code(fault.code));
    let errors = faults.iter().filter_map(|fault| {
        let pointer = pointer(&fault.pointer);
        Some(FieldError::new(pointer, field_code(fault)?))
    });
    ProblemDocument::new(code).errors(errors)
}

/// The pointer of a fault, whose segments are escaped already.
pub(super) fn pointer(text: &str) -> ProblemPointer {
    let segments: Vec<String> = text
        .split('/')
        .skip(1)
        .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
        .collect();
    ProblemPointer::of(segments.iter().map(String::as_str))
}

fn problem_code(fault: &str) -> ProblemCode {
    match fault {
        "unknown_dataset" | "unknown_agency" => ProblemCode::InvalidValue,
        code if FieldCode::of_finding(code).is_some() => ProblemCode::InvalidValue,
        other => ProblemCode::parse(other).unwrap_or(ProblemCode::InvalidRequest),
    }
}

fn field_code(fault: &MemberFault) -> Option<FieldCode> {
    Some(match fault.code {
        "missing_member" => FieldCode::MissingMember,
        "unknown_member" => FieldCode::UnknownMember,
        "duplicate_member" => FieldCode::DuplicateMember,
        "invalid_type" => FieldCode::InvalidType(JsonType::String),
        "invalid_identifier" => FieldCode::InvalidIdentifier(identifier_fault(fault.reason)),
        "unknown_field" => FieldCode::UnknownField,
        "unknown_dataset" => FieldCode::UnknownDataset,
        "invalid_claim" => FieldCode::InvalidClaim,
        "invalid_predicate" => FieldCode::InvalidPredicate,
        "invalid_purpose" => FieldCode::Empty,
        "unsafe_number" => FieldCode::UnsafeNumber,
        "value_too_long" | "too_many_items" => FieldCode::Over(fault.limit?),
        "nesting_too_deep" | "invalid_json" => return None,
        code => FieldCode::of_finding(code).unwrap_or(FieldCode::InvalidValue),
    })
}

fn identifier_fault(reason: Option<&str>) -> IdentifierFault {
    IdentifierFault::ALL
        .into_iter()
        .find(|fault| Some(fault.as_str()) == reason)
        .unwrap_or(IdentifierFault::Form)
}

/// The response of a problem, in the language that the request prefers. At the token endpoint it has the members of RFC 6749 too.
pub(super) fn respond(request: &HttpRequest, mut problem: ProblemDocument) -> HttpResponse {
    problem.is_of_token_endpoint = request.path() == TOKEN_PATH;
    let text = |name: header::HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let locale = Locale::negotiate(text(header::ACCEPT_LANGUAGE));
    let problem = if problem.trace_id.is_some() {
        problem
    } else {
        problem.trace_id(trace_id(request))
    };
    tell_failure(&problem, Some(request.path()));
    let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.content_type("application/problem+json");
    response.insert_header((header::CONTENT_LANGUAGE, locale.tag()));
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    if let Some(seconds) = problem.retry_after_s {
        response.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    if let Some(&QuotaReached { kind, limit }) = problem.quota.as_deref() {
        let name = kind.as_str();
        response.insert_header(("ratelimit-policy", format!("\"{name}\";q={limit}")));
        response.insert_header(("ratelimit", format!("\"{name}\";r=0;t={QUOTA_RETRY_AFTER_S}")));
    }
    if let Some(challenge) = problem.code.challenge() {
        response.insert_header((header::WWW_AUTHENTICATE, challenge));
    }
    response.body(problem.to_json(locale))
}

/// Writes the one line of a call that failed inside the hub. While a part is away, its lines are counted instead.
pub(super) fn tell_failure(problem: &ProblemDocument, path: Option<&str>) {
    static LEDGER: LineGate = LineGate::of(1);
    static STORE: LineGate = LineGate::of(1);
    static OTHERS: LineGate = LineGate::of(60);
    let Some(cause) = &problem.cause else { return };
    let gate = match problem.code {
        ProblemCode::LedgerUnavailable => &LEDGER,
        ProblemCode::StoreUnavailable => &STORE,
        _ => &OTHERS,
    };
    let Some(held_back) = gate.pass() else { return };
    let (code, trace_id) = (problem.code.as_str(), problem.trace_id.as_deref().unwrap_or_default());
    let status = problem.status();
    let (connector, source_status) = (problem.connector.as_deref(), problem.source_status);
    tracing::error!(
        code,
        status,
        trace_id,
        path,
        connector,
        source_status,
        cause,
        held_back,
        "call failed"
    );
}

/// The trace id of `traceparent` (W3C Trace Context) or a new one.
pub(super) fn trace_id(request: &HttpRequest) -> String {
    let parent = request
        .headers()
        .get("traceparent")
        .and_then(|value| value.to_str().ok());
    let given = parent.and_then(|parent| parent.split('-').nth(1));
    let is_trace_id = |id: &&str| {
        id.len() == 32
            && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            && id.bytes().any(|b| b != b'0')
    };
    given
        .filter(is_trace_id)
        .map_or_else(|| uuid::Uuid::now_v7().simple().to_string(), str::to_owned)
}
