//! `POST /v1/verifications/stream`: NDJSON both ways, any length, answers in order as they are found.
//! Back-pressure goes from the reader of the answers to the sender of the questions: at most a few blocks are under way. Chunks
//! are answered on the hub's pool, so that one stream may use every core.

use std::{collections::VecDeque, rc::Rc, sync::Arc};

use actix_web::{HttpResponse, web};
use futures_util::{
    StreamExt,
    future::{Either, Ready, ready},
    stream::FuturesOrdered,
};
use serde::Deserialize;
use tokio::task::{JoinError, JoinHandle};

use super::verifications::{ReadItem, put_result, questions, read_item, reference};
use crate::{
    call::{HandlerCall, locale_of},
    extract::{self, MediaType},
    lines::{LineBlock, LineReader},
    outflow::{ReaderGone, ReaderOutflow},
    problem::{ProblemCode, ProblemDocument},
    reply::{entry_note, json_line},
};
use heyan_api as api;
use heyan_app::node::{caller::Caller, write::QueueAppender};
use heyan_app::{
    foundation::purpose,
    node::hub::Hub,
    verification::{
        chunk::{self, ChunkAnswer, ItemResult},
        question::{self, AskedPurposeElements, BoundedText},
        verify::EntryPosition,
    },
};
use heyan_domain::verdict::Outcome;
use heyan_ports::trace;
use heyan_texts::Locale;

/// The first line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamHead<'a> {
    #[serde(borrow, deserialize_with = "question::object")]
    purpose: AskedPurposeElements<'a>,
    #[serde(borrow, default)]
    dataset: Option<BoundedText<'a>>,
}

/// `POST /v1/verifications/stream`.
#[utoipa::path(
    post, path = "/v1/verifications/stream", operation_id = "verify_stream", tag = "verification",
    params(("Accept-Language" = Option<String>, Header)),
    request_body(content = String, content_type = "application/x-ndjson"),
    responses((status = 200, body = String, content_type = "application/x-ndjson")),
)]
pub(crate) async fn verify(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    extract::expect(&call.request, MediaType::Ndjson)?;
    let locale = locale_of(&call);
    let entered = call.entered_mark();
    call.step_out();
    let (state, caller) = (Rc::clone(&call.state), call.caller.as_ref().clone());
    let mut lines = LineReader::new(call.payload, state.limits.line_bytes_max, state.limits.body_deadline);
    let first = lines.first().await?;
    let header: StreamHead<'_> = extract::parse(&first)?;
    purpose::check(&header.purpose)?;
    let stream = AnswerStream {
        asks: Arc::new(StreamQuestion {
            hub: Arc::clone(&state.hub),
            caller,
            purpose: purpose::owned(&header.purpose),
            dataset: header.dataset.map(|name| name.to_string()),
            locale,
        }),
        counts: OutcomeCounts::default(),
        last: None,
    };
    // From here on every chunk of answers enters itself.
    entered.mark();
    let (answers, response) = ReaderOutflow::open();
    // On its own task: an append that was begun is finished although the reader goes away.
    actix_web::rt::spawn(trace::carried(stream.run(lines, answers)));
    Ok(response)
}

/// What all chunks of a stream have in common.
struct StreamQuestion {
    hub: Arc<Hub>,
    caller: Caller,
    purpose: AskedPurposeElements<'static>,
    dataset: Option<String>,
    locale: Locale,
}

struct AnswerStream {
    asks: Arc<StreamQuestion>,
    counts: OutcomeCounts,
    last: Option<EntryPosition>,
}

/// Answers by outcome.
#[derive(Default)]
struct OutcomeCounts {
    outcomes: [u64; 5],
    problems: u64,
}

impl OutcomeCounts {
    fn add(&mut self, others: &Self) {
        for (count, other) in self.outcomes.iter_mut().zip(others.outcomes) {
            *count += other;
        }
        self.problems += others.problems;
    }
}

/// The answers of one chunk.
struct ChunkAnswers {
    lines: Vec<u8>,
    counts: OutcomeCounts,
    entered: Option<EntryPosition>,
}

/// A chunk that is being answered, or what needs no answering.
type UnderWay = Either<
    JoinHandle<Result<ChunkAnswers, ProblemDocument>>,
    Ready<Result<Result<ChunkAnswers, ProblemDocument>, JoinError>>,
>;

impl AnswerStream {
    async fn run(mut self, mut lines: LineReader, answers: ReaderOutflow) {
        let end = match self.answer_all(&mut lines, &answers).await {
            Ok(()) => self.finish().await,
            Err(Some(problem)) => Err(problem),
            // The reader went away.
            Err(None) => return,
        };
        let line = end.unwrap_or_else(|problem| problem_line(None, problem, self.asks.locale));
        // A reader that went away needs no last line.
        let _reader_gone = answers.tell(line).await;
    }

    /// Answers chunk by chunk, as many at once as there are cores, in the order of the lines. What is done is told at once,
    /// whether or not more lines come.
    async fn answer_all(
        &mut self,
        lines: &mut LineReader,
        answers: &ReaderOutflow,
    ) -> Result<(), Option<ProblemDocument>> {
        let at_once = std::thread::available_parallelism().map_or(1, usize::from);
        let (mut chunks, mut under_way) = (VecDeque::new(), FuturesOrdered::new());
        let mut end = None;
        loop {
            while under_way.len() < at_once {
                let Some(chunk) = chunks.pop_front() else { break };
                under_way.push_back(self.begin(chunk));
            }
            let reads = end.is_none() && chunks.is_empty() && under_way.len() < at_once;
            tokio::select! {
                biased;
                Some(done) = under_way.next() => {
                    let lost = |_panicked| ProblemDocument::new(ProblemCode::Internal);
                    let done = done.map_err(lost).and_then(|done| done).map_err(Some)?;
                    self.counts.add(&done.counts);
                    self.last = done.entered.or(self.last.take());
                    answers.tell(done.lines).await.map_err(|ReaderGone| None)?;
                }
                block = lines.next(), if reads => match block {
                    Ok(Some(LineBlock::Lines(block))) => {
                        chunks.extend(chunks_of(block, self.asks.hub.node.settings.chunk_items_max));
                    }
                    Ok(Some(LineBlock::TooLong)) => under_way.push_back(self.too_long()),
                    Ok(None) => end = Some(Ok(())),
                    Err(problem) => end = Some(Err(Some(problem))),
                },
                else => return end.unwrap_or(Ok(())),
            }
        }
    }

    fn begin(&self, chunk: web::Bytes) -> UnderWay {
        let asks = Arc::clone(&self.asks);
        Either::Left(self.asks.hub.node.pool.spawn(async move { asks.answer(&chunk).await }))
    }

    fn too_long(&self) -> UnderWay {
        let done = ChunkAnswers {
            lines: problem_line(None, ProblemDocument::new(ProblemCode::BodyTooLarge), self.asks.locale),
            counts: OutcomeCounts {
                problems: 1,
                ..OutcomeCounts::default()
            },
            entered: None,
        };
        Either::Right(ready(Ok(Ok(done))))
    }

    /// Makes the last line. A stream without an item is entered in the ledger too.
    async fn finish(&mut self) -> Result<Vec<u8>, ProblemDocument> {
        if self.last.is_none() {
            self.last = self.asks.answer(&web::Bytes::new()).await?.entered;
        }
        let of = |outcome: Outcome| {
            let count = self.counts.outcomes.get(usize::from(outcome.code()));
            count.copied().unwrap_or_default()
        };
        // An item is not asked about a day, so no outcome is `not_in_force`.
        let summary = api::StreamSummary {
            verified: of(Outcome::Verified),
            mismatched: of(Outcome::Mismatched),
            review: of(Outcome::Review),
            incomplete: of(Outcome::Incomplete),
            not_found: of(Outcome::NotFound),
            problems: self.counts.problems,
            items: self.counts.outcomes.iter().sum::<u64>() + self.counts.problems,
        };
        let Some(entered) = &self.last else {
            return Err(ProblemDocument::new(ProblemCode::Internal));
        };
        let receipt = entry_note(&self.asks.hub, entered.index, &entered.leaf);
        Ok(json_line(&api::StreamEnd { summary, receipt }))
    }
}

impl StreamQuestion {
    /// Answers the lines of one chunk, under one ledger entry.
    async fn answer(&self, chunk: &web::Bytes) -> Result<ChunkAnswers, ProblemDocument> {
        let items: Vec<ReadItem<'_>> = lines_of(chunk).map(read_item).collect();
        let (questions, dataset) = (questions(&items), self.dataset.as_deref());
        let answer = chunk::verify_chunk(
            &self.hub,
            &QueueAppender,
            &self.caller,
            &self.purpose,
            dataset,
            questions,
        )
        .await?;
        let ChunkAnswer { id, results, entered } = answer;
        let (mut out, mut counts) = (Vec::with_capacity(items.len() * 512), OutcomeCounts::default());
        let id = id.text();
        for (result, item) in results.into_iter().zip(&items) {
            match &result {
                ItemResult::Answered { judgement, .. } => {
                    if let Some(count) = counts.outcomes.get_mut(usize::from(judgement.outcome.code())) {
                        *count += 1;
                    }
                }
                _ => counts.problems += 1,
            }
            put_result(&mut out, &id, reference(item), result, self.locale);
            out.push(b'\n');
        }
        Ok(ChunkAnswers {
            lines: out,
            counts,
            entered: Some(entered),
        })
    }
}

/// Lines that are not blank.
fn lines_of(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = block.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.filter(|line| !line.is_empty())
}

/// Cuts a block into chunks of at most so many lines.
fn chunks_of(mut block: web::Bytes, lines_max: usize) -> impl Iterator<Item = web::Bytes> {
    std::iter::from_fn(move || {
        let mut ends = block.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let chunk = match ends.nth(lines_max.saturating_sub(1)) {
            Some((end, _)) => block.split_to(end + 1),
            None => std::mem::take(&mut block),
        };
        (!chunk.is_empty()).then_some(chunk)
    })
    .filter(|chunk| lines_of(chunk).next().is_some())
}

/// A line that tells a problem.
pub(crate) fn problem_line(reference: Option<&str>, problem: ProblemDocument, locale: Locale) -> Vec<u8> {
    crate::refuse::tell_failure(&problem, None);
    let mut out = Vec::with_capacity(256);
    put_result(&mut out, b"", reference, ItemResult::Unreadable(problem), locale);
    out.push(b'\n');
    out
}
