//! `POST /v1/verifications/stream`: NDJSON both ways, any length, answers in order as they are found.
//! Back-pressure goes from the reader of the answers to the sender of the questions: at most a few blocks are under way.

use std::rc::Rc;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::{
    call::Call,
    extract::{self, MediaType},
    json,
    lines::{Block, Lines},
    locale::Locale,
    problem::{Problem, ProblemCode},
    state::{OfWorker, State},
    verifications::{NO_STORE, locale_of, put_result, reference_of},
};
use crate::app::{
    chunk::{self, ChunkAnswer, ItemResult},
    purpose,
    question::{self, ItemBody, Purpose, Text},
    verify::Entered,
};

/// The first line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header<'a> {
    #[serde(borrow, deserialize_with = "question::object")]
    purpose: Purpose<'a>,
    #[serde(borrow, default)]
    dataset: Option<Text<'a>>,
}

/// Blocks of answers that wait for the reader.
const BLOCKS_WAITING_MAX: usize = 4;

/// `POST /v1/verifications/stream`.
#[utoipa::path(
    post, path = "/v1/verifications/stream", operation_id = "verify_stream", tag = "verification",
    params(("Accept-Language" = Option<String>, Header)),
    request_body(content = String, content_type = "application/x-ndjson"),
    responses((status = 200, body = String, content_type = "application/x-ndjson")),
)]
pub(super) async fn verify(call: Call) -> Result<HttpResponse, Problem> {
    extract::expect(&call.request, MediaType::Ndjson)?;
    let locale = locale_of(&call);
    let entered = call.entered_mark();
    let (state, caller, own) = (call.state.clone(), call.caller.clone(), Rc::clone(&call.own));
    let mut lines = Lines::new(call.payload, state.limits.line_bytes_max, state.limits.body_deadline);
    let first = lines.first().await?;
    let header: Header<'_> = extract::parse(&first)?;
    purpose::check(&header.purpose)?;
    let stream = Stream {
        purpose: purpose::owned(&header.purpose),
        dataset: header.dataset.map(|name| name.to_string()),
        state,
        caller,
        own,
        locale,
        counts: Counts::default(),
        last: None,
    };
    // From here on every chunk of answers enters itself.
    entered.mark();
    let (answers, body) = mpsc::channel(BLOCKS_WAITING_MAX);
    // On its own task: an append that was begun is finished although the reader goes away.
    actix_web::rt::spawn(stream.run(lines, answers));
    let body = futures_util::stream::unfold(body, async |mut body| body.recv().await.map(|answer| (answer, body)));
    Ok(HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header(NO_STORE)
        .streaming(Box::pin(body)))
}

struct Stream {
    purpose: Purpose<'static>,
    dataset: Option<String>,
    state: web::Data<State>,
    caller: crate::app::hub::Caller,
    own: Rc<OfWorker>,
    locale: Locale,
    counts: Counts,
    last: Option<Entered>,
}

/// Answers by outcome.
#[derive(Default)]
struct Counts {
    outcomes: [u64; 5],
    problems: u64,
}

type Answers = mpsc::Sender<Result<web::Bytes, actix_web::Error>>;

impl Stream {
    async fn run(mut self, mut lines: Lines, answers: Answers) {
        let end = match self.answer_all(&mut lines, &answers).await {
            Ok(()) => self.finish().await,
            Err(Some(problem)) => Err(problem),
            // The reader went away.
            Err(None) => return,
        };
        let line = end.unwrap_or_else(|problem| problem_line(None, problem, self.locale));
        // A reader that went away needs no last line.
        let _ = answers.send(Ok(line.into())).await;
    }

    async fn answer_all(&mut self, lines: &mut Lines, answers: &Answers) -> Result<(), Option<Problem>> {
        while let Some(block) = lines.next().await.map_err(Some)? {
            match block {
                Block::Lines(block) => {
                    let mut items: Vec<&[u8]> = Vec::new();
                    for line in block.split(|byte| *byte == b'\n') {
                        let line = line.trim_ascii();
                        if !line.is_empty() {
                            items.push(line);
                        }
                    }
                    for chunk in items.chunks(self.state.hub.settings.chunk_items_max) {
                        let answer = self.answer(chunk).await.map_err(Some)?;
                        answers.send(Ok(answer.into())).await.map_err(|_gone| None)?;
                    }
                }
                Block::TooLong => {
                    self.counts.problems += 1;
                    let problem = Problem::new(ProblemCode::BodyTooLarge);
                    let line = problem_line(None, problem, self.locale);
                    answers.send(Ok(line.into())).await.map_err(|_gone| None)?;
                }
            }
        }
        Ok(())
    }

    async fn answer(&mut self, lines: &[&[u8]]) -> Result<Vec<u8>, Problem> {
        let parsed: Vec<Result<ItemBody<'_>, Problem>> = lines.iter().map(|line| extract::parse(line)).collect();
        let items = parsed.iter().map(|item| item.as_ref().map_err(Clone::clone)).collect();
        let hub = &self.state.hub;
        let ChunkAnswer { id, results, entered } = chunk::verify_chunk(
            hub,
            &self.own.lane,
            &self.caller,
            &self.purpose,
            self.dataset.as_deref(),
            items,
        )
        .await?;
        let mut out = Vec::with_capacity(lines.len() * 256);
        for ((result, item), line) in results.into_iter().zip(&parsed).zip(lines) {
            match &result {
                ItemResult::Answered { judgement, .. } => {
                    if let Some(count) = self.counts.outcomes.get_mut(usize::from(judgement.outcome.code())) {
                        *count += 1;
                    }
                }
                _ => self.counts.problems += 1,
            }
            let reference = match item {
                Ok(item) => Some(item.reference.to_string()),
                Err(_) => std::str::from_utf8(line).ok().and_then(reference_of),
            };
            put_result(&mut out, &id.text(), reference.as_deref(), result, self.locale);
            out.push(b'\n');
        }
        self.last = Some(entered);
        Ok(out)
    }

    /// The last line. A stream without an item is entered too.
    async fn finish(&mut self) -> Result<Vec<u8>, Problem> {
        if self.last.is_none() {
            let _no_answers = self.answer(&[]).await?;
        }
        let mut summary = Map::new();
        for outcome in crate::domain::verdict::Outcome::ALL {
            let count = self
                .counts
                .outcomes
                .get(usize::from(outcome.code()))
                .copied()
                .unwrap_or_default();
            summary.insert(outcome.as_str().to_owned(), Value::from(count));
        }
        summary.insert("problems".to_owned(), Value::from(self.counts.problems));
        let items = self.counts.outcomes.iter().sum::<u64>() + self.counts.problems;
        summary.insert("items".to_owned(), Value::from(items));
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(b"{\"summary\":");
        out.extend_from_slice(Value::Object(summary).to_string().as_bytes());
        out.push(b',');
        if let Some(entered) = &self.last {
            json::put_receipt(&mut out, &self.state.hub.settings.origin, entered);
        }
        out.extend_from_slice(b"}\n");
        Ok(out)
    }
}

/// A line that tells a problem.
pub(super) fn problem_line(reference: Option<&str>, problem: Problem, locale: Locale) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    put_result(&mut out, b"", reference, ItemResult::Unreadable(problem), locale);
    out.push(b'\n');
    out
}
