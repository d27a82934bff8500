//! The `[request]`, `[answer]` and `[poll]` tables of a connector that speaks HTTP.
//! Transport status, business code and verdict code are three things with three keys: "0" is success to one platform and
//! 一致 to another.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::FieldMap;

/// HTTP method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// `GET`.
    Get,
    /// `POST`.
    #[default]
    Post,
    /// `PUT`.
    Put,
}

/// What a body is; decides how values are escaped in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyKind {
    /// JSON; places stand inside strings.
    #[default]
    Json,
    /// XML; places stand in text or in attribute values.
    Xml,
}

/// A request as it is made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestConfig {
    /// Method.
    #[serde(default)]
    pub method: HttpMethod,
    /// Absolute URL without a query; places may stand in the path.
    pub url: String,
    /// Parameters of the query.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    pub body: Option<String>,
    /// What the body is.
    #[serde(default)]
    pub body_kind: BodyKind,
    /// Instead of `body`: members of a form (`application/x-www-form-urlencoded`).
    #[serde(default)]
    pub form: BTreeMap<String, String>,
}

/// Characters of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum TextEncoding {
    /// UTF-8, the default.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// GB 18030, and so GBK and GB 2312.
    #[serde(rename = "gb18030")]
    Gb18030,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerFormat {
    /// JSON.
    #[default]
    Json,
    /// XML, read as objects: see `xml.rs`.
    Xml,
}

/// What an answer holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerMode {
    /// The fields of the record.
    #[default]
    Record,
    /// Yes or no for what was claimed.
    Verdict,
    /// Success or not, nothing else: a sink.
    Receipt,
}

/// What an answer without a business code is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeMissing {
    /// Unreadable.
    #[default]
    Unreadable,
    /// Success: the platform writes a code only with errors.
    Success,
}

/// What an answer that holds no record means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyAnswer {
    /// It cannot be read.
    #[default]
    Unreadable,
    /// 库中无此号: the source says so in this way.
    NotFound,
}

/// How an answer is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnswerConfig {
    /// How it is written.
    pub format: AnswerFormat,
    /// In which characters.
    pub encoding: TextEncoding,
    /// What it holds.
    pub mode: AnswerMode,
    /// Media types; none listed: `application/json` or `+json`, for XML `application/xml`, `text/xml` or `+xml`.
    pub content_types: Vec<String>,
    /// Transport status of success; none listed: any 2xx.
    pub statuses: Vec<u16>,
    /// Transport status that says 库中无此号; none by default.
    pub not_found_statuses: Vec<u16>,
    /// JSON pointer to the business code; none: the platform has none.
    pub code_pointer: Option<String>,
    /// Business codes of success.
    pub success: Vec<String>,
    /// Business codes that say 库中无此号.
    pub not_found: Vec<String>,
    /// Business codes that refuse who asks.
    pub refused: Vec<String>,
    /// What an answer without a code is.
    pub code_missing: CodeMissing,
    /// JSON pointer to the record, or to an array of records; empty: the whole answer.
    pub records_pointer: String,
    /// What an empty array or `null` there means.
    pub empty: EmptyAnswer,
    /// Our identifier, pointer in the record. Where given, an answer about another subject is unreadable; for a feed,
    /// whom the record is about.
    pub subject: FieldMap,
    /// Our field, pointer in the record.
    pub fields: FieldMap,
    /// Pointer in the record to the version counter of the source's own.
    pub version_pointer: Option<String>,
    /// Pointer in the record to the time since when it holds, RFC 3339 (feeds).
    pub effective_pointer: Option<String>,
    /// Verdict codes, for `mode = "verdict"`.
    pub verdicts: Option<VerdictConfig>,
}

impl AnswerConfig {
    /// The first key that does not go with the others, and why.
    pub(super) fn fault(&self) -> Option<(&'static str, &'static str)> {
        let codes = [&self.success, &self.not_found, &self.refused];
        if self.code_pointer.is_none() && codes.iter().any(|codes| !codes.is_empty()) {
            return Some(("code_pointer", "is missing: there are codes and no place for them"));
        }
        if self.code_pointer.is_some() && self.success.is_empty() {
            return Some(("success", "names no code of success"));
        }
        if twice(&codes) {
            return Some(("success", "a code stands in two of success, not_found and refused"));
        }
        match (self.mode, &self.verdicts) {
            (AnswerMode::Verdict, None) => Some(("verdicts", "is missing: mode verdict needs it")),
            (AnswerMode::Verdict, Some(verdicts)) => verdicts.fault(),
            (_, Some(_)) => Some(("verdicts", "goes with mode verdict alone")),
            (AnswerMode::Record, None) if self.fields.is_empty() => {
                Some(("fields", "names no field: the record would be empty"))
            }
            _ => None,
        }
    }
}

/// Whether a code stands in two lists, or twice in one.
fn twice(lists: &[&Vec<String>]) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    lists.iter().flat_map(|list| list.iter()).any(|code| !seen.insert(code))
}

impl VerdictConfig {
    fn fault(&self) -> Option<(&'static str, &'static str)> {
        if self.matched.is_empty() || self.mismatch.is_empty() {
            return Some(("verdicts.match", "match and mismatch each need a code"));
        }
        if twice(&[&self.matched, &self.mismatch, &self.not_found, &self.failed]) {
            return Some((
                "verdicts.match",
                "a code stands in two of match, mismatch, not_found and failed",
            ));
        }
        if self.whole_pointer.is_some() != self.fields.is_empty() {
            return Some(("verdicts.fields", "give whole_pointer or fields: one of both"));
        }
        None
    }
}

/// Verdict codes of a platform that only says yes or no.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VerdictConfig {
    /// Codes of 一致.
    #[serde(rename = "match")]
    pub matched: Vec<String>,
    /// Codes of 不一致.
    pub mismatch: Vec<String>,
    /// Codes of 库中无此号.
    pub not_found: Vec<String>,
    /// Codes by which the platform says that it could not tell.
    pub failed: Vec<String>,
    /// One code for all that was claimed together: pointer from the record.
    pub whole_pointer: Option<String>,
    /// One code a field: our field, pointer from the record.
    pub fields: BTreeMap<String, String>,
}

/// How a feed is paged.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PollConfig {
    /// Cursor of the very first request.
    #[serde(default)]
    pub first_cursor: String,
    /// Pointer in the answer to the cursor of the next request; missing, `null` or empty there: nothing more, ask again
    /// with the same cursor.
    pub next_pointer: String,
}
