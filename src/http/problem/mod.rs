//! Problem documents (RFC 9457): what the hub answers whenever it does not answer the question.
//! A document never holds a value from a register or from the request, only codes, names and fixed texts.

use std::borrow::Cow;

use serde_json::{Map, Value};

pub use self::catalog::{NextStep, ProblemCode};
pub use self::field::{FieldCode, IdentifierFault, JsonType, ProblemPointer};
use heyan_texts::Locale;

mod catalog;
mod field;
pub mod page;

/// Media type of a problem document.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// Member names that an extension may not take.
const RESERVED: [&str; 11] = [
    "type",
    "title",
    "status",
    "detail",
    "instance",
    "code",
    "errors",
    "retry_after_s",
    "trace_id",
    "error",
    "error_description",
];

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

    fn to_value(&self, locale: Locale) -> Value {
        let detail = match &self.detail {
            Some(detail) => detail.get(locale).to_owned(),
            None => self.code.detail(locale).into_owned(),
        };
        let mut member = Map::new();
        member.insert("pointer".to_owned(), self.pointer.as_str().into());
        member.insert("code".to_owned(), self.code.as_str().into());
        if let Some(reason) = self.code.reason() {
            member.insert("reason".to_owned(), reason.into());
        }
        member.insert("detail".to_owned(), detail.into());
        Value::Object(member)
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
    /// Extension members, such as `missing_clause`; names from RFC 9457 or of this type are passed over.
    pub extra: Vec<(&'static str, String)>,
    /// What failed inside, for the log alone.
    pub cause: Option<String>,
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
            extra: Vec::new(),
            cause: None,
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

    /// Says what failed inside: it is written to the log with the trace id, and told to nobody.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds an extension member.
    #[must_use]
    pub fn extra(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.extra.push((name, value.into()));
        self
    }

    /// The document as a JSON object, for answers that carry a problem inside (batch and stream items).
    pub fn to_value(&self, locale: Locale) -> Value {
        let detail = match &self.detail {
            Some(detail) => detail.get(locale),
            None => self.code.meaning().get(locale),
        };
        let mut document = Map::new();
        document.insert("type".to_owned(), self.code.type_uri().into());
        document.insert("title".to_owned(), self.code.title(locale).into());
        document.insert("status".to_owned(), self.status().into());
        document.insert("detail".to_owned(), detail.into());
        document.insert("code".to_owned(), self.code.as_str().into());
        if !self.errors.is_empty() {
            let errors = self.errors.iter().map(|error| error.to_value(locale));
            document.insert("errors".to_owned(), errors.collect());
        }
        if let Some(seconds) = self.retry_after_s {
            document.insert("retry_after_s".to_owned(), seconds.into());
        }
        let error = self.is_of_token_endpoint.then(|| self.code.token_error());
        if let Some(error) = error.or(self.code.oauth_error()) {
            // RFC 6749 §5.2 clients look for these two; the description is ASCII there, hence always English.
            document.insert("error".to_owned(), error.into());
            let description = self.code.title(Locale::En);
            document.insert("error_description".to_owned(), description.into());
        }
        for (name, value) in &self.extra {
            if !RESERVED.contains(name) {
                document.insert((*name).to_owned(), value.as_str().into());
            }
        }
        if let Some(trace_id) = &self.trace_id {
            document.insert("trace_id".to_owned(), trace_id.as_str().into());
        }
        Value::Object(document)
    }

    /// The document as compact JSON text, of media type [`CONTENT_TYPE`].
    pub fn to_json(&self, locale: Locale) -> String {
        self.to_value(locale).to_string()
    }
}

impl From<ProblemCode> for ProblemDocument {
    fn from(code: ProblemCode) -> Self {
        Self::new(code)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
            .extra("missing_clause", "fields");
        assert_eq!(parsed(&problem, Locale::ZhCn)["detail"], "授权未覆盖字段 name。");
        let english = parsed(&problem, Locale::En);
        assert_eq!(english["detail"], "The grant does not cover the field name.");
        assert_eq!(english["missing_clause"], "fields");
        let same = ProblemDocument::new(ProblemCode::InvalidJson).detail("line 3, column 9");
        assert_eq!(parsed(&same, Locale::ZhCn)["detail"], "line 3, column 9");
    }

    #[test]
    fn an_extension_never_overrides_a_standard_member() {
        let problem = ProblemDocument::new(ProblemCode::Internal)
            .extra("status", "200")
            .extra("type", "about:blank")
            .extra("trace_id", "forged");
        let document = parsed(&problem, Locale::En);
        assert_eq!(document["status"], 500);
        assert_eq!(document["type"], "/problems/internal");
        assert!(document.get("trace_id").is_none());
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
