//! One request of an import, of records or of items, and its answers, repeated when it broke.
//! A repeat is safe: what is in already is answered `unchanged` or `ignored`.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use crate::{
    client::HubClient,
    failure::{CommandFailure, remark},
    text::CliLanguage,
};
use heyan_server::process::{ExitStatus, OutputAudience};

/// How a request is repeated.
pub(crate) struct RetryPlan {
    /// Further tries.
    pub times: u32,
    /// First pause.
    pub pause: Duration,
    /// For whom a repeat is told.
    pub output: OutputAudience,
    /// In which language.
    pub lang: CliLanguage,
}

/// What became of rows.
#[derive(Default)]
pub(crate) struct DecidedRows {
    /// New records.
    pub created: u64,
    /// New versions of records.
    pub updated: u64,
    /// The record says the same.
    pub unchanged: u64,
    /// An older or repeated source version.
    pub ignored: u64,
    /// A status that this client does not know.
    pub other: u64,
    /// Rows that did not go in, by place in the request, with the problem or `null`.
    pub bad: Vec<(usize, Value)>,
    /// The last receipt.
    pub receipt: Option<Value>,
}

/// Longest pause between tries, unless the hub asks for a longer one.
const PAUSE_MAX: Duration = Duration::from_secs(30);

impl DecidedRows {
    /// Adds the counts of a request; its bad rows are dealt with elsewhere.
    pub(crate) fn add(&mut self, more: Self) {
        self.created += more.created;
        self.updated += more.updated;
        self.unchanged += more.unchanged;
        self.ignored += more.ignored;
        self.other += more.other;
        self.receipt = more.receipt.or(self.receipt.take());
    }

    fn count(&mut self, status: &str) {
        *match status {
            "created" => &mut self.created,
            "updated" => &mut self.updated,
            "unchanged" => &mut self.unchanged,
            "ignored" => &mut self.ignored,
            _ => &mut self.other,
        } += 1;
    }
}

/// Puts `rows` lines to a path and takes their answers.
///
/// # Errors
/// The hub refuses the request, or it broke more often than `retry` allows.
pub(crate) async fn send(
    hub: &HubClient,
    path: &[&str],
    body: Bytes,
    rows: usize,
    retry: &RetryPlan,
) -> Result<DecidedRows, CommandFailure> {
    if rows == 0 {
        return Ok(DecidedRows::default());
    }
    let mut pause = retry.pause;
    let mut tries = 0;
    loop {
        let failure = match send_once(hub, path, body.clone(), rows, retry.lang).await {
            Ok(decided) => return Ok(decided),
            Err(failure) => failure,
        };
        tries += 1;
        if failure.exit() != ExitStatus::Unreachable || tries > retry.times {
            return Err(failure);
        }
        let wait = failure.retry_after().unwrap_or(pause);
        let (number, line, ms) = (
            tries.to_string(),
            failure.line(retry.lang),
            wait.as_millis().to_string(),
        );
        remark(retry.output, &retry.lang.say("cli.retrying", &[&number, &line, &ms]));
        tokio::time::sleep(wait).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

async fn send_once(
    hub: &HubClient,
    path: &[&str],
    body: Bytes,
    rows: usize,
    lang: CliLanguage,
) -> Result<DecidedRows, CommandFailure> {
    let mut lines = hub.put_lines(path, body).await?;
    let mut decided = DecidedRows::default();
    let mut answered = vec![false; rows];
    while let Some(line) = lines.next().await? {
        let odd = |_syntax| CommandFailure::unreachable("cli.odd_answer", ["NDJSON"]);
        let mut answer: Value = serde_json::from_slice(&line).map_err(odd)?;
        let place = answer
            .get("line")
            .and_then(Value::as_u64)
            .and_then(|line| usize::try_from(line).ok()?.checked_sub(1));
        if let Some(place) = place {
            match answered.get_mut(place) {
                Some(seen) if !*seen => *seen = true,
                _ => return Err(CommandFailure::unreachable("cli.odd_answer", ["line"])),
            }
            match answer.get("status").and_then(Value::as_str) {
                Some(status) => decided.count(status),
                None => decided.bad.push((place, taken(&mut answer, "problem"))),
            }
        } else if answer.get("summary").is_some() {
            decided.receipt = Some(taken(&mut answer, "receipt")).filter(|receipt| !receipt.is_null());
            let unanswered = answered.iter().enumerate().filter(|(_place, seen)| !**seen);
            decided.bad.extend(unanswered.map(|(place, _)| (place, Value::Null)));
            return Ok(decided);
        } else {
            return Err(lines.problem(taken(&mut answer, "problem"), lang));
        }
    }
    Err(CommandFailure::unreachable("cli.cut_off", []))
}

fn taken(value: &mut Value, name: &str) -> Value {
    value.get_mut(name).map(Value::take).unwrap_or_default()
}
