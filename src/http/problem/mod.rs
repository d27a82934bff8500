//! Problem documents (RFC 9457): what the hub answers whenever it does not answer the question.
//! A document never holds a value from a register or from the request, only codes, names and fixed texts.

use std::{borrow::Cow, sync::Arc};

pub use self::catalog::{NextStep, ProblemCode};
pub use self::field::{FieldCode, IdentifierFault, JsonType, ProblemPointer};
use heyan_api as api;
use heyan_app::foundation::quota::QuotaReached;
use heyan_texts::Locale;

mod catalog;
mod field;
pub mod page;

/// Media type of a problem document.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// A sentence about one occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemDetail {
    /// One text for both languages.
    Same(Cow<'static, str>),
    /// A text for each.
    Both {
        /// Chinese.
        zh: Cow<'static, str>,
        /// English.
        en: Cow<'static, str>,
    },
}

impl<T: Into<Cow<'static, str>>> From<T> for ProblemDetail {
    fn from(text: T) -> Self {
        Self::Same(text.into())
    }
}

impl ProblemDetail {
    fn get(&self, locale: Locale) -> &str {
        match (self, locale) {
            (Self::Same(text), _) => text,
            (Self::Both { zh, .. }, Locale::ZhCn) => zh,
            (Self::Both { en, .. }, Locale::En) => en,
        }
    }
}

/// One place of the request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Where.
    pub pointer: ProblemPointer,
    /// Why.
    pub code: FieldCode,
    /// Said instead of the code's own sentence, when more is known.
    pub detail: Option<ProblemDetail>,
}

impl FieldError {
    /// With the code's own sentence.
    pub fn new(pointer: ProblemPointer, code: FieldCode) -> Self {
        Self {
            pointer,
            code,
            detail: None,
        }
    }

    fn document(&self, locale: Locale) -> api::FieldError {
        api::FieldError {
            pointer: self.pointer.as_str().to_owned(),
            code: self.code.as_str().into(),
            reason: self.code.reason().map(Into::into),
            detail: match &self.detail {
                Some(detail) => detail.get(locale).to_owned(),
                None => self.code.detail(locale).into_owned(),
            },
        }
    }
}

/// One refusal or failure on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemDocument {
    /// Which.
    pub code: ProblemCode,
    /// Said instead of the catalogue's meaning, when more is known.
    pub detail: Option<ProblemDetail>,
    /// Places of the request that are wrong, in the order of the request.
    pub errors: Vec<FieldError>,
    /// Seconds for `Retry-After`.
    pub retry_after_s: Option<u32>,
    /// Trace id of the request, under which the log has more.
    pub trace_id: Option<String>,
    /// Whether it is an answer of the token endpoint, which always has the members of RFC 6749.
    pub is_of_token_endpoint: bool,
    /// Clause of the grant that is missing.
    pub missing_clause: Option<&'static str>,
    /// Why the dataset is withheld.
    pub legal_basis: Option<String>,
    /// Why a push target is not allowed.
    pub reason: Option<&'static str>,
    /// The quota that is reached.
    pub quota: Option<Box<QuotaReached>>,
    /// Cause inside the hub, for the log only.
    pub cause: Option<String>,
    /// Name of the connector that failed, for the log only.
    pub connector: Option<Arc<str>>,
    /// HTTP status of that connector's answer, for the log only.
    pub source_status: Option<u16>,
}

impl ProblemDocument {
    /// A problem that the catalogue says everything about.
    pub fn new(code: ProblemCode) -> Self {
        Self {
            code,
            detail: None,
            errors: Vec::new(),
            retry_after_s: None,
            trace_id: None,
            is_of_token_endpoint: false,
            missing_clause: None,
            legal_basis: None,
            reason: None,
            quota: None,
            cause: None,
            connector: None,
            source_status: None,
        }
    }

    /// HTTP status.
    pub fn status(&self) -> u16 {
        self.code.status()
    }

    /// Says more than the catalogue, the same in both languages: a code, a name, a position. Never a value.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(ProblemDetail::Same(detail.into()));
        self
    }

    /// Says more than the catalogue, in each language. Never a value.
    #[must_use]
    pub fn detail_both(mut self, zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(ProblemDetail::Both {
            zh: zh.into(),
            en: en.into(),
        });
        self
    }

    /// Adds a place that is wrong.
    #[must_use]
    pub fn error(mut self, pointer: ProblemPointer, code: FieldCode) -> Self {
        self.errors.push(FieldError::new(pointer, code));
        self
    }

    /// Adds many places that are wrong.
    #[must_use]
    pub fn errors(mut self, errors: impl IntoIterator<Item = FieldError>) -> Self {
        self.errors.extend(errors);
        self
    }

    /// Seconds after which the same request may succeed.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Trace id of the request.
    #[must_use]
    pub fn trace_id(mut self, trace_id: impl Into<String>) -> Self {
        self.trace_id = Some(trace_id.into());
        self
    }

    /// Says what failed inside. It is written to the log with the trace id, and is not part of the answer.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Says which connector failed, and the HTTP status of its answer: for the log, as the cause is.
    #[must_use]
    pub fn source(mut self, connector: Option<Arc<str>>, status: Option<u16>) -> Self {
        (self.connector, self.source_status) = (connector, status);
        self
    }

    /// Clause of the grant that is missing.
    #[must_use]
    pub fn missing_clause(mut self, clause: &'static str) -> Self {
        self.missing_clause = Some(clause);
        self
    }

    /// Why the dataset is withheld.
    #[must_use]
    pub fn legal_basis(mut self, legal_basis: impl Into<String>) -> Self {
        self.legal_basis = Some(legal_basis.into());
        self
    }

    /// Why a push target is not allowed.
    #[must_use]
    pub fn reason(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }

    /// The document in the language of the answer.
    pub fn document(&self, locale: Locale) -> api::Problem {
        let detail = match &self.detail {
            Some(detail) => detail.get(locale),
            None => self.code.meaning().get(locale),
        };
        let errors: Vec<_> = self.errors.iter().map(|error| error.document(locale)).collect();
        // RFC 6749 §5.2 clients look for these two; the description is ASCII there, hence always English.
        let error = self.is_of_token_endpoint.then(|| self.code.token_error());
        let error = error.or(self.code.oauth_error());
        api::Problem {
            kind: self.code.type_uri(),
            title: self.code.title(locale).to_owned(),
            status: self.status(),
            detail: detail.to_owned(),
            code: self.code.as_str().into(),
            errors: (!errors.is_empty()).then_some(errors),
            retry_after_s: self.retry_after_s,
            error: error.map(ToOwned::to_owned),
            error_description: error.map(|_| self.code.title(Locale::En).to_owned()),
            missing_clause: self.missing_clause.map(Into::into),
            legal_basis: self.legal_basis.clone(),
            reason: self.reason.map(ToOwned::to_owned),
            quota: self.quota.as_ref().map(|quota| quota.kind.as_str().to_owned()),
            quota_limit: self.quota.as_ref().map(|quota| quota.limit),
            trace_id: self.trace_id.clone(),
        }
    }

    /// The document as compact JSON text, of media type [`CONTENT_TYPE`].
    pub fn to_json(&self, locale: Locale) -> String {
        serde_json::to_string(&self.document(locale)).unwrap_or_default()
    }
}

impl From<ProblemCode> for ProblemDocument {
    fn from(code: ProblemCode) -> Self {
        Self::new(code)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parsed(problem: &ProblemDocument, locale: Locale) -> Value {
        serde_json::from_str(&problem.to_json(locale)).unwrap()
    }

    #[test]
    fn a_bare_problem_says_what_the_catalogue_says() {
        let problem = ProblemDocument::new(ProblemCode::UnsupportedMediaType).trace_id("4bf92f3577b34da6");
        let expected = json!({
            "type": "/problems/unsupported_media_type",
            "title": "Unsupported media type",
            "status": 415,
            "detail": "The Content-Type of the request is not supported.",
            "code": "unsupported_media_type",
            "trace_id": "4bf92f3577b34da6",
        });
        assert_eq!(parsed(&problem, Locale::En), expected);
        assert_eq!(parsed(&problem, Locale::ZhCn)["title"], "不支持的内容类型");
    }

    #[test]
    fn field_errors_carry_pointer_code_reason_and_a_localised_detail() {
        let fault = FieldCode::InvalidIdentifier(IdentifierFault::CheckCharacter);
        let problem = ProblemDocument::new(ProblemCode::InvalidIdentifier)
            .error(ProblemPointer::of(["subject", "id_number"]), fault)
            .error(ProblemPointer::of(["claims"]), FieldCode::MissingMember);
        let document = parsed(&problem, Locale::En);
        let expected = json!([
            {"pointer": "#/subject/id_number", "code": "invalid_identifier", "reason": "check_character",
             "detail": "The check character does not fit: at least one character is wrong."},
            {"pointer": "#/claims", "code": "missing_member", "detail": "This member is required."},
        ]);
        assert_eq!(document["errors"], expected);
        let chinese = parsed(&problem, Locale::ZhCn);
        assert_eq!(chinese["errors"][1]["detail"], "缺少该成员。");
    }

    #[test]
    fn every_code_makes_a_well_formed_document_in_both_languages() {
        for code in ProblemCode::ALL {
            for locale in Locale::ALL {
                let document = parsed(&ProblemDocument::new(*code), locale);
                assert_eq!(document["status"], code.status());
                assert_eq!(document["type"], format!("/problems/{}", code.as_str()));
                assert!(document["detail"].as_str().is_some_and(|text| !text.is_empty()));
                assert!(document.get("errors").is_none() && document.get("trace_id").is_none());
            }
        }
    }

    #[test]
    fn a_detail_of_its_own_replaces_the_catalogue_in_each_language() {
        let problem = ProblemDocument::new(ProblemCode::NotGranted)
            .detail_both("授权未覆盖字段 name。", "The grant does not cover the field name.")
            .missing_clause("fields");
        assert_eq!(parsed(&problem, Locale::ZhCn)["detail"], "授权未覆盖字段 name。");
        let english = parsed(&problem, Locale::En);
        assert_eq!(english["detail"], "The grant does not cover the field name.");
        assert_eq!(english["missing_clause"], "fields");
        let same = ProblemDocument::new(ProblemCode::InvalidJson).detail("line 3, column 9");
        assert_eq!(parsed(&same, Locale::ZhCn)["detail"], "line 3, column 9");
    }

    #[test]
    fn members_of_a_document_keep_their_order() {
        let problem = ProblemDocument::new(ProblemCode::NotGranted)
            .trace_id("t")
            .reason("host")
            .legal_basis("law")
            .missing_clause("fields")
            .retry_after_s(1)
            .error(ProblemPointer::root(), FieldCode::MissingMember);
        let document = parsed(&problem, Locale::En);
        let names: Vec<_> = document.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "type",
                "title",
                "status",
                "detail",
                "code",
                "errors",
                "retry_after_s",
                "missing_clause",
                "legal_basis",
                "reason",
                "trace_id"
            ]
        );
    }

    #[test]
    fn the_token_endpoint_also_speaks_rfc_6749() {
        let document = parsed(&ProblemDocument::new(ProblemCode::InvalidOauthRequest), Locale::ZhCn);
        assert_eq!(document["error"], "invalid_request");
        assert_eq!(document["code"], "invalid_oauth_request");
        assert!(document["error_description"].as_str().is_some_and(str::is_ascii));
        let other = parsed(&ProblemDocument::new(ProblemCode::InvalidToken), Locale::ZhCn);
        assert!(other.get("error").is_none());
    }

    #[test]
    fn quotes_and_control_characters_stay_inside_their_string() {
        let problem = ProblemDocument::new(ProblemCode::InvalidHeader).detail("a\"b\\c\u{0}\n</script>");
        assert_eq!(parsed(&problem, Locale::En)["detail"], "a\"b\\c\u{0}\n</script>");
    }

    #[test]
    fn a_wait_is_told_in_the_document() {
        let problem = ProblemDocument::new(ProblemCode::RateLimited).retry_after_s(7);
        assert_eq!(parsed(&problem, Locale::En)["retry_after_s"], 7);
    }
}
