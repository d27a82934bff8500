//! Takes in a body of NDJSON block by block while its lines are answered; the last line is a summary. If the reader of the answers goes
//! away, the body is still taken in to its end.

use actix_web::HttpResponse;

use super::{
    call::{
        self, HandlerCall, locale_of,
        state::{OfWorker, WorkerState},
    },
    lines::{LineBlock, LineReader},
    outflow::ReaderOutflow,
    problem::ProblemDocument,
    reply::json_line,
};
use heyan_api as api;
use heyan_app::node::caller::Caller;
use heyan_ports::trace;
use heyan_texts::Locale;

/// How one kind of lines is taken in.
pub(super) trait LineIntake: 'static {
    /// Operation of the ledger entry of a body that changed nothing.
    const OPERATION: &'static str;

    /// Takes one block in. Returns the lines that answer it.
    async fn take(
        &mut self,
        tally: &mut IntakeTally,
        state: &WorkerState,
        caller: &Caller,
        block: LineBlock,
    ) -> Result<Vec<u8>, ProblemDocument>;
}

/// What became of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineResult {
    /// The first version.
    Created,
    /// A new version.
    Updated,
    /// The same values are current already.
    Unchanged,
    /// Not newer than what is stored.
    Ignored,
    /// Refused, with a problem.
    Rejected,
}

impl LineResult {
    /// The wire word.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Ignored => "ignored",
            Self::Rejected => "rejected",
        }
    }
}

/// Progress of a body.
pub(super) struct IntakeTally {
    /// Language of the answers.
    pub(super) locale: Locale,
    /// Lines so far.
    pub(super) line: u64,
    /// Position of the newest entry; `None` while nothing was entered.
    pub(super) receipt: Option<api::RecordsReceipt>,
    counts: api::RecordsSummary,
}

impl IntakeTally {
    /// Counts one line.
    pub(super) fn count(&mut self, result: LineResult) {
        let count = match result {
            LineResult::Created => &mut self.counts.created,
            LineResult::Updated => &mut self.counts.updated,
            LineResult::Unchanged => &mut self.counts.unchanged,
            LineResult::Ignored => &mut self.counts.ignored,
            LineResult::Rejected => &mut self.counts.rejected,
        };
        *count.get_or_insert(0) += 1;
    }

    /// Counts one line that was taken in with findings, besides its result.
    pub(super) fn count_marked(&mut self) {
        *self.counts.marked.get_or_insert(0) += 1;
    }

    /// The line that answers a refused one.
    pub(super) fn problem_line(&self, line: u64, problem: &ProblemDocument) -> Vec<u8> {
        let problem = problem.document(self.locale);
        json_line(&api::RecordLineProblem { line, problem })
    }

    async fn finish(mut self, state: &OfWorker, caller: &Caller, operation: &str) -> Result<Vec<u8>, ProblemDocument> {
        if self.receipt.is_none() {
            call::enter(&state.hub, &state.lane, caller, operation, 200, "").await?;
        }
        self.counts.lines = self.line;
        Ok(json_line(&api::RecordsEnd {
            summary: self.counts,
            receipt: self.receipt,
        }))
    }
}

/// Takes the body of `call` in. Every part that changes something makes its own ledger entry; a body that changes nothing is entered at
/// its end.
pub(super) fn begin(call: HandlerCall, intake: impl LineIntake) -> HttpResponse {
    call.entered();
    call.step_out();
    let (answers, response) = ReaderOutflow::open();
    actix_web::rt::spawn(trace::carried(run(intake, call, answers)));
    response
}

async fn run<I: LineIntake>(mut intake: I, call: HandlerCall, answers: ReaderOutflow) {
    let mut tally = IntakeTally {
        locale: locale_of(&call),
        line: 0,
        receipt: None,
        counts: api::RecordsSummary::default(),
    };
    let locale = tally.locale;
    let (state, caller) = (call.state, call.caller);
    let mut lines = LineReader::new(call.payload, state.limits.line_bytes_max, state.limits.body_deadline);
    let end = loop {
        let block = match lines.next().await {
            Ok(Some(block)) => block,
            Ok(None) => break tally.finish(&state, &caller, I::OPERATION).await,
            Err(problem) => break Err(problem),
        };
        match intake.take(&mut tally, &state, &caller, block).await {
            Ok(answer) => drop(answers.tell(answer).await),
            Err(problem) => break Err(problem),
        }
    };
    let last = end.unwrap_or_else(|problem| {
        let problem = problem.document(locale);
        json_line(&api::IntakeStopped { problem })
    });
    let _reader_gone = answers.tell(last).await;
}
