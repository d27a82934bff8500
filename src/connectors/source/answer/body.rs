//! An answer up to its business code: status, media type, characters, syntax, code, in this order.
//! `0` of the transport, of the business and of the verdict are three different things; here are the first two.

use encoding_rs::GB18030;
use serde_json::Value;

use super::{AnswerOutcome, TreePointer, Written, code_of};
use crate::source::{
    config::{AnswerConfig, CodeMissing, TextEncoding},
    tree,
    trouble::SourceTrouble,
    xml,
};

/// An answer as it came, whole. Holds values: no `Debug`.
pub struct WholeAnswer {
    /// Transport status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Retry-After` in seconds.
    pub retry_after_s: Option<u32>,
    /// Body.
    pub body: Vec<u8>,
}

/// How answers are read up to their code.
pub(super) struct BodyReader {
    written: Written,
    encoding: TextEncoding,
    content_types: Vec<String>,
    statuses: Vec<u16>,
    not_found_statuses: Vec<u16>,
    code: Option<TreePointer>,
    code_missing: CodeMissing,
    success: Vec<String>,
    not_found: Vec<String>,
    refused: Vec<String>,
}

enum AnswerCode {
    Success,
    NotFound,
    Refused,
    Other,
}

impl BodyReader {
    /// Compiles what the `[answer]` table says of it.
    ///
    /// # Errors
    /// What is wrong with the media types.
    pub(super) fn compile(config: &AnswerConfig, code: Option<TreePointer>) -> Result<Self, &'static str> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "/+-.".contains(c);
        if config
            .content_types
            .iter()
            .any(|text| !text.contains('/') || !text.chars().all(plain))
        {
            return Err("a media type is not like application/json, in lower case and without parameters");
        }
        Ok(Self {
            written: config.format,
            encoding: config.encoding,
            content_types: config.content_types.clone(),
            statuses: config.statuses.clone(),
            not_found_statuses: config.not_found_statuses.clone(),
            code,
            code_missing: config.code_missing,
            success: config.success.clone(),
            not_found: config.not_found.clone(),
            refused: config.refused.clone(),
        })
    }

    /// Reads an answer up to its code.
    ///
    /// # Errors
    /// It is no answer of success, and none that says "not found".
    pub(super) fn outcome(&self, answer: &WholeAnswer) -> Result<AnswerOutcome, SourceTrouble> {
        let status = answer.status;
        if matches!(status, 401 | 403) {
            return Err(SourceTrouble::Auth(Some(status)));
        }
        let absent = self.not_found_statuses.contains(&status);
        let fine = match self.statuses.as_slice() {
            [] => (200..300).contains(&status),
            listed => listed.contains(&status),
        };
        if !fine && !absent {
            // A platform may say in the body of a 500 that it does not know who asks.
            let refused = self.value(answer).and_then(|root| self.code_of(&root));
            return Err(match refused {
                Ok(AnswerCode::Refused) => SourceTrouble::Auth(Some(status)),
                _ => SourceTrouble::Status {
                    status,
                    retry_after_s: answer.retry_after_s.filter(|_| matches!(status, 429 | 503)),
                },
            });
        }
        // Without codes the status alone says it; with them a stray 404 of some proxy must not.
        if absent && self.code.is_none() {
            return Ok(AnswerOutcome::NotFound);
        }
        let root = self.value(answer)?;
        match self.code_of(&root)? {
            AnswerCode::NotFound => Ok(AnswerOutcome::NotFound),
            AnswerCode::Success if fine => Ok(AnswerOutcome::Success(root)),
            AnswerCode::Refused => Err(SourceTrouble::Auth(Some(status))),
            AnswerCode::Success | AnswerCode::Other => Err(SourceTrouble::Code { status }),
        }
    }

    fn value(&self, answer: &WholeAnswer) -> Result<Value, SourceTrouble> {
        self.check_type(answer.content_type.as_deref())?;
        let undecodable = SourceTrouble::Garbage("bytes that are no text of the encoding");
        let text = match self.encoding {
            TextEncoding::Utf8 => std::str::from_utf8(&answer.body).map_err(|_| undecodable)?.into(),
            TextEncoding::Gb18030 => GB18030
                .decode_without_bom_handling_and_without_replacement(&answer.body)
                .ok_or(undecodable)?,
        };
        match self.written {
            Written::Json => tree::parse_json(text.trim_start_matches('\u{feff}')),
            Written::Xml => xml::parse(&text),
        }
        .map_err(SourceTrouble::Garbage)
    }

    fn check_type(&self, content_type: Option<&str>) -> Result<(), SourceTrouble> {
        let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
        let essence = essence.trim().to_ascii_lowercase();
        let fine = match (self.content_types.as_slice(), self.written) {
            ([], Written::Json) => essence == "application/json" || essence.ends_with("+json"),
            ([], Written::Xml) => {
                ["application/xml", "text/xml"].contains(&essence.as_str()) || essence.ends_with("+xml")
            }
            (listed, _) => listed.contains(&essence),
        };
        if fine {
            Ok(())
        } else {
            Err(SourceTrouble::Garbage("another media type"))
        }
    }

    fn code_of(&self, root: &Value) -> Result<AnswerCode, SourceTrouble> {
        let Some(pointer) = &self.code else {
            return Ok(AnswerCode::Success);
        };
        let code = match (pointer.find(root, self.written), self.code_missing) {
            (Some(value), _) if !value.is_null() => {
                code_of(value).ok_or(SourceTrouble::Garbage("a business code of another type"))?
            }
            (_, CodeMissing::Success) => return Ok(AnswerCode::Success),
            (_, CodeMissing::Unreadable) => return Err(SourceTrouble::Garbage("no business code")),
        };
        let among = |list: &[String]| list.iter().any(|listed| *listed == code);
        Ok(if among(&self.success) {
            AnswerCode::Success
        } else if among(&self.not_found) {
            AnswerCode::NotFound
        } else if among(&self.refused) {
            AnswerCode::Refused
        } else {
            AnswerCode::Other
        })
    }
}
