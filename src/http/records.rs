//! `/v1/datasets/{dataset}/records`: records come in, one as JSON or many as NDJSON, and are read back masked.
//! Identifiers stand in bodies only, never in a path, so that no proxy writes them into its log.

use std::sync::Arc;

use actix_web::{HttpResponse, http::header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    call::HandlerCall,
    extract::{self, MediaType},
    intake::{self, IntakeTally, LineIntake},
    lines::LineBlock,
    problem::{ProblemCode, ProblemDocument},
    reply::ok,
    state::WorkerState,
    strict,
    verifications::NO_STORE,
};
use heyan_api as api;
use heyan_app::node::caller::Caller;
use heyan_app::records::{self, IngestAnswer, RecordIngest};
use heyan_app::{
    foundation::{
        error::{AppError, MissingThing},
        purpose,
    },
    verification::question::{self, AskedPurposeElements, BoundedText, MemberList},
};
use heyan_catalog::Dataset;

/// `PUT /v1/datasets/{dataset}/records`.
#[utoipa::path(
    put, path = "/v1/datasets/{dataset}/records", operation_id = "put_records", tag = "catalogue",
    params(("dataset" = String, Path), ("If-Match" = Option<String>, Header), ("Accept-Language" = Option<String>, Header)),
    request_body(content((api::Record = "application/json"), (String = "application/x-ndjson"))),
    responses((
        status = 200,
        content((api::RecordStored = "application/json"), (String = "application/x-ndjson")),
        headers(("ETag" = String))
    )),
)]
pub(super) async fn put(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let dataset = dataset_of(&call)?;
    records::may_contribute(call.hub(), &call.caller, &dataset)?;
    match extract::media_type(&call.request)? {
        MediaType::Json => put_one(&mut call, &dataset).await,
        MediaType::Ndjson => put_many(call, dataset),
        MediaType::Form => Err(ProblemDocument::new(ProblemCode::UnsupportedMediaType)),
    }
}

pub(super) fn dataset_of(call: &HandlerCall) -> Result<Arc<Dataset>, ProblemDocument> {
    let dataset = call.hub().catalog.get(&call.path("dataset")).map(Arc::clone);
    Ok(dataset.ok_or(AppError::NotFound(MissingThing::Dataset))?)
}

async fn put_one(call: &mut HandlerCall, dataset: &Arc<Dataset>) -> Result<HttpResponse, ProblemDocument> {
    let if_match = if_match(call)?;
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let record = strict::parse(&bytes)?;
    let (state, caller, dataset) = (call.state.clone(), call.caller.clone(), Arc::clone(dataset));
    // On its own task: a caller that resets the connection cannot stop a change half-way.
    let work = actix_web::rt::spawn(async move {
        records::ingest(&state.hub, &caller, &dataset, vec![Ok(record)], if_match).await
    });
    let answer = work
        .await
        .map_err(|_panicked| ProblemDocument::new(ProblemCode::Internal))??;
    let receipt = receipt(&call.state, &answer);
    let result = answer
        .results
        .into_iter()
        .next()
        .ok_or(AppError::Internal("a record was left undecided"))?;
    let (ingested, version) = result?;
    call.entered();
    count(&call.state, ingested.as_str());
    let body = api::RecordStored {
        status: ingested.as_str().into(),
        version,
        receipt,
    };
    Ok(HttpResponse::Ok()
        .insert_header((header::ETAG, format!("\"{version}\"")))
        .insert_header(NO_STORE)
        .json(body))
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

fn receipt(state: &WorkerState, answer: &IngestAnswer) -> api::RecordsReceipt {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    api::RecordsReceipt {
        origin: state.hub.node.settings.origin.to_string(),
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

fn put_many(call: HandlerCall, dataset: Arc<Dataset>) -> Result<HttpResponse, ProblemDocument> {
    if call.request.headers().contains_key(header::IF_MATCH) {
        return Err(ProblemDocument::new(ProblemCode::InvalidHeader));
    }
    Ok(intake::begin(call, OfDataset(dataset)))
}

/// What a line turned out to be.
enum IncomingLine {
    Record,
    Unreadable(ProblemDocument),
    /// Counted, not answered.
    Blank,
}

/// Takes records of one dataset in.
struct OfDataset(Arc<Dataset>);

impl LineIntake for OfDataset {
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
            self.ingest(tally, state, caller, std::mem::replace(&mut parsed, rest), &mut out)
                .await?;
        }
        Ok(out)
    }
}

impl OfDataset {
    async fn ingest(
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
                Some(Err(problem)) => lines.push(IncomingLine::Unreadable(problem)),
                None => lines.push(IncomingLine::Blank),
            }
        }
        let answer = records::ingest(&state.hub, caller, &self.0, records, None).await?;
        if answer.index.is_some() {
            tally.receipt = json!(receipt(state, &answer));
        }
        let mut results = answer.results.into_iter();
        for line in lines {
            tally.line += 1;
            let result = match line {
                IncomingLine::Blank => continue,
                IncomingLine::Unreadable(problem) => Err(problem),
                IncomingLine::Record => match results.next() {
                    Some(result) => result.map_err(ProblemDocument::from),
                    None => Err(ProblemDocument::new(ProblemCode::Internal)),
                },
            };
            put_line(tally, state, result, out);
        }
        Ok(())
    }
}

fn put_line(
    tally: &mut IntakeTally,
    state: &WorkerState,
    result: Result<(RecordIngest, u32), ProblemDocument>,
    out: &mut Vec<u8>,
) {
    let (word, line) = match result {
        Ok((ingested, version)) => {
            let word = ingested.as_str();
            (
                word,
                format!(
                    "{{\"line\":{},\"status\":\"{word}\",\"version\":{version}}}\n",
                    tally.line
                ),
            )
        }
        Err(problem) => {
            let line = tally.problem_line(tally.line, &problem);
            ("rejected", format!("{line}\n"))
        }
    };
    count(state, word);
    tally.count(word);
    out.extend_from_slice(line.as_bytes());
}

/// `POST /v1/datasets/{dataset}/records/query`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueryBody<'a> {
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
pub(super) async fn query(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
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
