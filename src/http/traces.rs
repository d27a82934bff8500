//! `/v1/traces`: who looked at a subject, for auditors: a page as JSON, or an export as NDJSON or CSV.
//! The subject stands in the body, never in a path, and the cursor is sealed.

use actix_web::{HttpResponse, http::header};
use serde::Deserialize;
use serde_json::json;

use super::{
    call::HandlerCall,
    extract,
    problem::{ProblemCode, ProblemDocument},
    verifications::NO_STORE,
};
use heyan_api as api;
use heyan_app::traces::{
    self, TracePage, TraceRequest,
    row::{TraceRow, TracedField},
};
use heyan_app::{
    foundation::error::AppError,
    verification::question::{BoundedText, MemberList},
};
use heyan_ports::time;

/// Rows of a page when nothing is asked, and at most.
const LIMIT_DEFAULT: u64 = 100;
const LIMIT_MAX: u64 = 1_000;

/// Rows of an export, when nothing is asked and at most: it is made in memory.
const EXPORT_MAX: u64 = 10_000;

/// Columns of a CSV export.
const COLUMNS: [&str; 15] = [
    "at",
    "agency",
    "agency_name",
    "item_code",
    "item_name",
    "application_no",
    "operator",
    "reason",
    "operation",
    "outcome",
    "fields",
    "verification",
    "mismatch",
    "origin",
    "index",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TraceBody<'a> {
    #[serde(borrow)]
    dataset: BoundedText<'a>,
    #[serde(borrow)]
    subject: MemberList<'a, BoundedText<'a>>,
    #[serde(borrow)]
    reason: BoundedText<'a>,
    #[serde(borrow, default)]
    from: Option<BoundedText<'a>>,
    #[serde(borrow, default)]
    until: Option<BoundedText<'a>>,
    #[serde(borrow, default)]
    cursor: Option<BoundedText<'a>>,
    #[serde(default)]
    limit: Option<u64>,
}

/// How the rows are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RowForm {
    Json,
    Ndjson,
    Csv,
}

/// `POST /v1/traces/query`.
#[utoipa::path(
    post, path = "/v1/traces/query", operation_id = "query_trace", tag = "trace",
    request_body = api::TraceQuery,
    responses((
        status = 200,
        content((api::Trace = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"))
    )),
)]
pub(super) async fn query(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let form = form(&call)?;
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let body: TraceBody<'_> = extract::parse(&bytes)?;
    let most = if form == RowForm::Json { LIMIT_MAX } else { EXPORT_MAX };
    let limit = body
        .limit
        .unwrap_or(if form == RowForm::Json { LIMIT_DEFAULT } else { most });
    if !(1..=most).contains(&limit) {
        return Err(AppError::fault("/limit", "invalid_value").into());
    }
    let ask = TraceRequest {
        dataset: &body.dataset,
        subject: &body.subject,
        from_us: instant(body.from.as_ref(), "/from")?.unwrap_or(i64::MIN),
        until_us: instant(body.until.as_ref(), "/until")?.unwrap_or(i64::MAX),
        reason: &body.reason,
        cursor: body.cursor.as_deref(),
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
    };
    let trace = Box::pin(call.outside(traces::trace(call.hub(), &call.caller, &ask))).await?;
    call.entered();
    let mut response = HttpResponse::Ok();
    response.insert_header(NO_STORE);
    Ok(match form {
        RowForm::Json => response.json(page(&trace)),
        RowForm::Ndjson => response.content_type("application/x-ndjson").body(lines(&trace)),
        RowForm::Csv => response
            .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"trace.csv\""))
            .content_type("text/csv; charset=utf-8")
            .body(csv(&trace)?),
    })
}

fn form(call: &HandlerCall) -> Result<RowForm, ProblemDocument> {
    let accept = call.request.headers().get(header::ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    for range in accept.split(',') {
        match range.split(';').next().unwrap_or_default().trim() {
            "application/x-ndjson" => return Ok(RowForm::Ndjson),
            "text/csv" | "text/*" => return Ok(RowForm::Csv),
            "application/json" | "application/*" | "*/*" | "" => return Ok(RowForm::Json),
            _ => {}
        }
    }
    Err(ProblemDocument::new(ProblemCode::NotAcceptable))
}

pub(super) fn instant(text: Option<&BoundedText<'_>>, pointer: &str) -> Result<Option<i64>, AppError> {
    let invalid = || AppError::fault(pointer, "invalid_value");
    text.map(|text| time::parse_rfc3339(text).ok_or_else(invalid))
        .transpose()
}

fn incomplete(trace: &TracePage) -> Vec<api::TraceLack> {
    let lacks = trace.incomplete.iter();
    lacks
        .map(|(origin, lack)| api::TraceLack {
            origin: origin.to_string(),
            why: lack.as_str().into(),
        })
        .collect()
}

fn row(row: &TraceRow) -> api::TraceRow {
    let field = |field: &TracedField| api::TracedField {
        name: field.name.clone(),
        verdict: field.verdict.map(Into::into),
    };
    api::TraceRow {
        at: row.at.clone(),
        agency: row.agency.clone(),
        agency_name: row.agency_name.clone(),
        item_code: row.item_code.clone(),
        item_name: row.item_name.clone(),
        application_no: row.application_no.clone(),
        operator: row.operator.clone(),
        reason: row.reason.clone(),
        operation: row.operation.clone(),
        outcome: row.outcome.clone(),
        fields: row.fields.iter().map(field).collect(),
        verification: row.verification.clone(),
        mismatch: row.mismatch.clone(),
        receipt: api::TracedReceipt {
            origin: row.receipt.origin.clone(),
            index: row.receipt.index,
        },
    }
}

fn page(trace: &TracePage) -> api::Trace {
    api::Trace {
        rows: trace.rows.iter().map(row).collect(),
        next_cursor: trace.next_cursor.clone(),
        incomplete: incomplete(trace),
    }
}

/// A row a line; the last line says whether that is all.
fn lines(trace: &TracePage) -> String {
    let mut out = String::with_capacity(trace.rows.len() * 512);
    for one in &trace.rows {
        out.push_str(&json!(row(one)).to_string());
        out.push('\n');
    }
    let end = api::TraceEnd {
        summary: api::TraceSummary {
            rows: u64::try_from(trace.rows.len()).unwrap_or(u64::MAX),
        },
        next_cursor: trace.next_cursor.clone(),
        incomplete: incomplete(trace),
    };
    out.push_str(&json!(end).to_string());
    out.push('\n');
    out
}

/// For spreadsheets: with a byte order mark, and no cell that one would run as a formula. What is not there is told in the last
/// rows, under `operation`.
fn csv(trace: &TracePage) -> Result<Vec<u8>, ProblemDocument> {
    let unwritten = |_never| ProblemDocument::new(ProblemCode::Internal);
    let mut writer = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    writer.write_record(COLUMNS).map_err(unwritten)?;
    for row in &trace.rows {
        writer.write_record(cells(row)).map_err(unwritten)?;
    }
    let mut told = |operation: &str, outcome: &str, verification: &str, origin: &str| {
        let cell = |column: &str| match column {
            "operation" => operation.to_owned(),
            "outcome" => outcome.to_owned(),
            "verification" => verification.to_owned(),
            "origin" => origin.to_owned(),
            _ => String::new(),
        };
        writer.write_record(COLUMNS.map(cell)).map_err(unwritten)
    };
    for (origin, lack) in &trace.incomplete {
        told("incomplete", lack.as_str(), "", origin)?;
    }
    if let Some(cursor) = &trace.next_cursor {
        told("next_cursor", "", cursor, "")?;
    }
    writer
        .into_inner()
        .map_err(|_never| ProblemDocument::new(ProblemCode::Internal))
}

fn cells(row: &TraceRow) -> [String; COLUMNS.len()] {
    let fields: Vec<String> = row
        .fields
        .iter()
        .map(|field| format!("{}={}", field.name, field.verdict.unwrap_or("shown")))
        .collect();
    let text = |text: &Option<String>| tame(text.as_deref().unwrap_or_default());
    [
        row.at.clone(),
        text(&row.agency),
        text(&row.agency_name),
        text(&row.item_code),
        text(&row.item_name),
        text(&row.application_no),
        text(&row.operator),
        text(&row.reason),
        tame(&row.operation),
        text(&row.outcome),
        tame(&fields.join("; ")),
        text(&row.verification),
        text(&row.mismatch),
        tame(&row.receipt.origin),
        row.receipt.index.to_string(),
    ]
}

/// An apostrophe before what a spreadsheet would take for a formula (OWASP, CSV injection).
fn tame(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@x", "\t=1", "＝1"] {
            assert_eq!(tame(text), format!("'{text}"));
        }
        assert_eq!(tame("A-1"), "A-1");
    }
}
