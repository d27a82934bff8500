//! `/v1/datasets/{dataset}/records`: takes in records, one as JSON or many as NDJSON, and reads them back masked.
//! Identifiers are in bodies only, never in a path, so that no proxy writes them into its log.

use std::sync::Arc;

use actix_web::{HttpResponse, http::header};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    call::{HandlerCall, locale_of, query as asked_by, state::WorkerState},
    extract::{self, MediaType},
    intake::{self, IntakeTally, LineIntake, LineResult},
    lines::LineBlock,
    problem::{FieldCode, ProblemCode, ProblemDocument},
    refuse,
    reply::{NO_STORE, json_line, ok},
    strict,
};
use heyan_api as api;
use heyan_app::node::{caller::Caller, hub::Hub};
use heyan_app::records::{
    self, IngestAnswer, IngestOptions, IngestResult, IngestedRecord, IntakeOrigin, KeptFields, RecordIngest,
};
use heyan_app::{
    foundation::{
        error::{AppError, MissingThing},
        purpose,
    },
    verification::question::{self, AskedPurposeElements, BoundedText, MemberList},
};
use heyan_catalog::{Dataset, IntakeFinding};
use heyan_ports::trace;
use heyan_texts::Locale;

/// `PUT /v1/datasets/{dataset}/records`.
#[utoipa::path(
    put, path = "/v1/datasets/{dataset}/records", operation_id = "put_records", tag = "catalogue",
    params(
        ("dataset" = String, Path), ("dry_run" = Option<bool>, Query), ("keep" = Option<String>, Query),
        ("If-Match" = Option<String>, Header), ("Accept-Language" = Option<String>, Header),
    ),
    request_body(content((api::Record = "application/json"), (String = "application/x-ndjson"))),
    responses((
        status = 200,
        content((api::RecordStored = "application/json"), (String = "application/x-ndjson")),
        headers(("ETag" = String))
    )),
)]
pub(crate) async fn put(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let dataset = dataset_of(&call)?;
    let intake = RecordsIntake::asked(&call, dataset)?;
    records::may_contribute(call.hub(), &call.caller, &intake.dataset)?;
    match extract::media_type(&call.request)? {
        MediaType::Json => put_one(&mut call, intake).await,
        MediaType::Ndjson => put_many(call, intake),
        MediaType::Form => Err(ProblemDocument::new(ProblemCode::UnsupportedMediaType)),
    }
}

/// What the query string asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IntakeQuery {
    #[serde(default)]
    dry_run: bool,
    keep: Option<String>,
}

/// How records of one dataset are taken in.
#[derive(Clone)]
struct RecordsIntake {
    dataset: Arc<Dataset>,
    options: IngestOptions,
}

impl RecordsIntake {
    fn asked(call: &HandlerCall, dataset: Arc<Dataset>) -> Result<Self, ProblemDocument> {
        let asked: IntakeQuery = asked_by(call)?;
        let mut options = IngestOptions::of(if asked.dry_run {
            IntakeOrigin::Trial
        } else {
            IntakeOrigin::Rest
        });
        options.kept = match asked.keep.as_deref() {
            None | Some("") => KeptFields::None,
            Some("*") => KeptFields::All,
            Some(names) if names.split(',').all(|name| dataset.field_number(name).is_some()) => {
                KeptFields::Named(names.split(',').map(Into::into).collect())
            }
            Some(_unknown) => return Err(ProblemDocument::new(ProblemCode::InvalidParameter)),
        };
        Ok(Self { dataset, options })
    }

    fn is_trial(&self) -> bool {
        self.options.origin == IntakeOrigin::Trial
    }

    /// Takes records in, or says what they would become.
    async fn ingest(
        &self,
        hub: &Hub,
        caller: &Caller,
        records: Vec<ParsedRecord>,
    ) -> Result<IngestionReport, AppError> {
        if self.is_trial() {
            let preview = records::preview(hub, &self.dataset, records, &self.options).await?;
            return Ok(IngestionReport {
                results: preview.results,
                erased: preview.erased,
                receipt: None,
            });
        }
        let answer = records::ingest(hub, caller, &self.dataset, records, &self.options).await?;
        let receipt = answer.index.is_some().then(|| receipt(hub, &answer));
        Ok(IngestionReport {
            results: answer.results,
            erased: Vec::new(),
            receipt,
        })
    }
}

type ParsedRecord = Result<Value, AppError>;

/// What became of records, or would.
struct IngestionReport {
    results: Vec<IngestResult>,
    /// By record; empty where nothing would be erased, or something was done.
    erased: Vec<Vec<Box<str>>>,
    receipt: Option<api::RecordsReceipt>,
}

fn findings_of(record: &IngestedRecord, locale: Locale) -> Option<Vec<api::RecordFinding>> {
    let finding = |finding: &IntakeFinding| api::RecordFinding {
        pointer: refuse::pointer(&finding.pointer).as_str().to_owned(),
        field: finding.member.to_string(),
        code: finding.code.into(),
        detail: FieldCode::of_finding(finding.code)
            .map(|code| code.detail(locale).into_owned())
            .unwrap_or_default(),
    };
    (!record.findings.is_empty()).then(|| record.findings.iter().map(finding).collect())
}

fn erased_of(erased: &[Box<str>]) -> Option<Vec<String>> {
    (!erased.is_empty()).then(|| erased.iter().map(ToString::to_string).collect())
}

pub(super) fn dataset_of(call: &HandlerCall) -> Result<Arc<Dataset>, ProblemDocument> {
    let dataset = call.hub().catalog.get(&call.path("dataset")).map(Arc::clone);
    Ok(dataset.ok_or(AppError::NotFound(MissingThing::Dataset))?)
}

async fn put_one(call: &mut HandlerCall, mut intake: RecordsIntake) -> Result<HttpResponse, ProblemDocument> {
    intake.options.if_match = if_match(call)?;
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let record = strict::parse(&bytes)?;
    let (state, caller, is_trial) = (call.state.clone(), call.caller.clone(), intake.is_trial());
    // On its own task: a caller that resets the connection cannot stop a change half-way.
    let work = async move { intake.ingest(&state.hub, &caller, vec![Ok(record)]).await };
    let work = actix_web::rt::spawn(trace::carried(work));
    let answer = work
        .await
        .map_err(|_panicked| ProblemDocument::new(ProblemCode::Internal))??;
    let result = answer
        .results
        .into_iter()
        .next()
        .ok_or(AppError::Internal("a record was left undecided"))?;
    let record = result?;
    let none = || api::RecordsReceipt {
        origin: call.state.hub.node.settings.origin.to_string(),
        index: None,
        leaf: None,
    };
    let body = api::RecordStored {
        status: record.ingested.as_str().into(),
        version: record.version,
        receipt: answer.receipt.unwrap_or_else(none),
        findings: findings_of(&record, locale_of(call)),
        erased: answer.erased.first().and_then(|erased| erased_of(erased)),
    };
    let mut response = HttpResponse::Ok();
    response.insert_header(NO_STORE);
    if !is_trial {
        call.entered();
        count(&call.state, record.ingested.as_str());
        response.insert_header((header::ETAG, format!("\"{}\"", record.version)));
    }
    Ok(response.json(body))
}

fn if_match(call: &HandlerCall) -> Result<Option<u32>, ProblemDocument> {
    let Some(value) = call.request.headers().get(header::IF_MATCH) else {
        return Ok(None);
    };
    let version = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok());
    version
        .map(Some)
        .ok_or_else(|| ProblemDocument::new(ProblemCode::InvalidHeader))
}

fn receipt(hub: &Hub, answer: &IngestAnswer) -> api::RecordsReceipt {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    api::RecordsReceipt {
        origin: hub.node.settings.origin.to_string(),
        index: answer.index,
        leaf: answer.leaf.map(|leaf| STANDARD.encode(leaf)),
    }
}

fn count(state: &WorkerState, result: &str) {
    if let Ok(counter) = state
        .hub
        .node
        .metrics
        .records_ingested
        .get_metric_with_label_values(&[result])
    {
        counter.inc();
    }
}

fn put_many(call: HandlerCall, intake: RecordsIntake) -> Result<HttpResponse, ProblemDocument> {
    if call.request.headers().contains_key(header::IF_MATCH) {
        return Err(ProblemDocument::new(ProblemCode::InvalidHeader));
    }
    Ok(intake::begin(call, intake))
}

/// What a line turned out to be.
enum IncomingLine {
    Record,
    Unreadable(Box<ProblemDocument>),
    /// Counted, not answered.
    Blank,
}

impl LineIntake for RecordsIntake {
    const OPERATION: &'static str = "put_records";

    async fn take(
        &mut self,
        tally: &mut IntakeTally,
        state: &WorkerState,
        caller: &Caller,
        block: LineBlock,
    ) -> Result<Vec<u8>, ProblemDocument> {
        let mut parsed: Vec<Option<Result<Value, ProblemDocument>>> = Vec::new();
        match &block {
            LineBlock::Lines(block) => {
                parsed.extend(block.split(|byte| *byte == b'\n').map(|line| {
                    let line = line.trim_ascii();
                    (!line.is_empty()).then(|| strict::parse(line))
                }));
            }
            LineBlock::TooLong => parsed.push(Some(Err(ProblemDocument::new(ProblemCode::BodyTooLarge)))),
        }
        let mut out = Vec::with_capacity(parsed.len() * 48);
        while !parsed.is_empty() {
            let rest = parsed.split_off(parsed.len().min(records::RECORDS_MAX));
            self.ingest_lines(tally, state, caller, std::mem::replace(&mut parsed, rest), &mut out)
                .await?;
        }
        Ok(out)
    }
}

impl RecordsIntake {
    async fn ingest_lines(
        &self,
        tally: &mut IntakeTally,
        state: &WorkerState,
        caller: &Caller,
        parsed: Vec<Option<Result<Value, ProblemDocument>>>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProblemDocument> {
        let (mut lines, mut records) = (Vec::with_capacity(parsed.len()), Vec::with_capacity(parsed.len()));
        for record in parsed {
            match record {
                Some(Ok(record)) => {
                    lines.push(IncomingLine::Record);
                    records.push(Ok(record));
                }
                Some(Err(problem)) => lines.push(IncomingLine::Unreadable(Box::new(problem))),
                None => lines.push(IncomingLine::Blank),
            }
        }
        let answer = self.ingest(&state.hub, caller, records).await?;
        if let Some(receipt) = answer.receipt {
            tally.receipt = Some(receipt);
        }
        let erased = answer.erased.into_iter().map(Some).chain(std::iter::repeat(None));
        let mut results = answer.results.into_iter().zip(erased);
        for line in lines {
            tally.line += 1;
            let (result, erased) = match line {
                IncomingLine::Blank => continue,
                IncomingLine::Unreadable(problem) => (Err(*problem), None),
                IncomingLine::Record => match results.next() {
                    Some((result, erased)) => (result.map_err(ProblemDocument::from), erased),
                    None => (Err(ProblemDocument::new(ProblemCode::Internal)), None),
                },
            };
            let result = put_line(tally, result, &erased.unwrap_or_default(), out);
            if !self.is_trial() {
                count(state, result.as_str());
            }
        }
        Ok(())
    }
}

/// Writes the answer to a line. Returns its result.
fn put_line(
    tally: &mut IntakeTally,
    result: Result<IngestedRecord, ProblemDocument>,
    erased: &[Box<str>],
    out: &mut Vec<u8>,
) -> LineResult {
    let (result, line) = match result {
        Ok(record) => {
            let findings = findings_of(&record, tally.locale);
            if findings.is_some() {
                tally.count_marked();
            }
            let answer = api::RecordLine {
                line: tally.line,
                status: record.ingested.as_str().into(),
                version: record.version,
                findings,
                erased: erased_of(erased),
            };
            (record.ingested.into(), json_line(&answer))
        }
        Err(problem) => (LineResult::Rejected, tally.problem_line(tally.line, &problem)),
    };
    tally.count(result);
    out.extend_from_slice(&line);
    result
}

impl From<RecordIngest> for LineResult {
    fn from(ingested: RecordIngest) -> Self {
        match ingested {
            RecordIngest::Created => Self::Created,
            RecordIngest::Updated => Self::Updated,
            RecordIngest::Unchanged => Self::Unchanged,
            RecordIngest::Ignored => Self::Ignored,
        }
    }
}

/// `POST /v1/datasets/{dataset}/records/query`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueryBody<'a> {
    #[serde(borrow)]
    subject: MemberList<'a, BoundedText<'a>>,
    #[serde(borrow, deserialize_with = "question::object")]
    purpose: AskedPurposeElements<'a>,
}

/// `POST /v1/datasets/{dataset}/records/query`.
#[utoipa::path(
    post, path = "/v1/datasets/{dataset}/records/query", operation_id = "query_record", tag = "catalogue",
    params(("dataset" = String, Path)),
    request_body = api::RecordQuery,
    responses((status = 200, body = api::RecordRead)),
)]
pub(crate) async fn query(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let dataset = dataset_of(&call)?;
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let body: QueryBody<'_> = extract::parse(&bytes)?;
    purpose::check(&body.purpose)?;
    let record = records::read(call.hub(), &call.caller, &dataset, &body.subject, &body.purpose).await?;
    call.entered();
    let record = record.ok_or(AppError::NotFound(MissingThing::Record))?;
    Ok(ok(&api::RecordRead {
        record: api::RecordVersion {
            version: record.version,
            as_of: record.as_of.to_string(),
        },
        fields: record.fields.into_iter().collect(),
        rules: dataset.rules.to_string(),
    }))
}
