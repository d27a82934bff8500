//! A body of NDJSON that is taken in block by block while its lines are answered, with a summary as the last line. A reader that
//! goes away still has everything taken in: what was sent is not lost.

use actix_web::HttpResponse;
use serde_json::{Map, Value, json};

use super::{
    call::{self, HandlerCall},
    lines::{LineBlock, LineReader},
    outflow::ReaderOutflow,
    problem::ProblemDocument,
    state::{OfWorker, WorkerState},
    verifications::locale_of,
};
use heyan_app::node::caller::Caller;
use heyan_texts::Locale;

/// How one kind of lines is taken in.
pub(super) trait LineIntake: 'static {
    /// What the ledger calls a body that left no entry of its own.
    const OPERATION: &'static str;

    /// Takes one block in; answers the lines to be told.
    async fn take(
        &mut self,
        tally: &mut IntakeTally,
        state: &WorkerState,
        caller: &Caller,
        block: LineBlock,
    ) -> Result<Vec<u8>, ProblemDocument>;
}

/// How far a body has come.
pub(super) struct IntakeTally {
    /// Language of the answers.
    pub(super) locale: Locale,
    /// Lines so far.
    pub(super) line: u64,
    /// Where the newest entry stands; null: nothing was entered.
    pub(super) receipt: Value,
    counts: Map<String, Value>,
}

impl IntakeTally {
    /// Counts one line.
    pub(super) fn count(&mut self, word: &str) {
        let counted = self.counts.get(word).and_then(Value::as_u64).unwrap_or_default();
        self.counts.insert(word.to_owned(), Value::from(counted + 1));
    }

    /// The line that answers a refused one.
    pub(super) fn problem_line(&self, line: u64, problem: &ProblemDocument) -> Value {
        json!({"line": line, "problem": problem.to_value(self.locale)})
    }

    async fn finish(mut self, state: &OfWorker, caller: &Caller, operation: &str) -> Result<Value, ProblemDocument> {
        if self.receipt.is_null() {
            call::enter(&state.hub, &state.lane, caller, operation, 200, "").await?;
        }
        self.counts.insert("lines".to_owned(), Value::from(self.line));
        Ok(json!({"summary": self.counts, "receipt": self.receipt}))
    }
}

/// Takes the body of `call` in. Every part that changes something enters itself, and a body that changes nothing is entered at its end.
pub(super) fn begin(call: HandlerCall, intake: impl LineIntake) -> HttpResponse {
    call.entered();
    call.step_out();
    let (answers, response) = ReaderOutflow::open();
    actix_web::rt::spawn(run(intake, call, answers));
    response
}

async fn run<I: LineIntake>(mut intake: I, call: HandlerCall, answers: ReaderOutflow) {
    let mut tally = IntakeTally {
        locale: locale_of(&call),
        line: 0,
        receipt: Value::Null,
        counts: Map::new(),
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
    let last = end.unwrap_or_else(|problem| json!({"problem": problem.to_value(locale)}));
    let _reader_gone = answers.tell(format!("{last}\n").into_bytes()).await;
}
