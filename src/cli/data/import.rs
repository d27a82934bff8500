//! `heyan import DATASET FILE`: a file's rows go to a hub as records, the good ones in, the bad ones into a file beside it.
//! Requests overlap, but two rows about one subject are never under way in two requests: the later row stays the later one.

use std::{
    collections::{HashSet, VecDeque},
    fs::File,
    hash::{DefaultHasher, Hash, Hasher},
    io::Write,
    ops::Range,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tokio::task::JoinHandle;

use super::{
    rejects::{MARKED, REJECTED, RejectFile, RejectedRow},
    report::{ColumnNames, WorstRows, erased_text, missing_text, reason_of},
    rows::{FileArgs, FileRow, OpenedFile, RowFault, RowFormat, RowPlan, SheetFacts},
    send::{DecidedRows, LineTarget, RetryPlan, send},
};
use crate::{
    catalogue::{DatasetShape, RowKind},
    client::{HubArgs, HubClient},
    failure::CommandFailure,
    progress::ProgressLine,
    table::table,
    text::CliLanguage,
};
use heyan_server::process::{ExitStatus, OutputAudience};

/// `heyan import`. Exit code 0: all rows were imported; 1: rows were rejected, see FILE.rejected.ndjson.
#[derive(clap::Args)]
pub(crate) struct ImportOptions {
    /// Name of the dataset, as in `GET /v1/datasets`
    dataset: String,
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    hub: HubArgs,
    /// Number of concurrent requests
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    in_flight: u8,
    /// Rows per request
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batch_rows: u32,
    /// Retries of a request that failed or was deferred; repeating a request changes nothing
    #[arg(long, value_name = "N", default_value_t = 5)]
    retries: u32,
    /// Pause before the first retry, doubled for each further retry
    #[arg(long, value_name = "MS", default_value_t = 500)]
    retry_ms: u64,
    /// Append the receipts of all requests to this file, one per line
    #[arg(long, value_name = "F")]
    receipts: Option<PathBuf>,
    /// Say what the file would change and which fields it would erase, and write nothing to the hub
    #[arg(long)]
    dry_run: bool,
    /// Erase stored values for which the file has no column, or a row of NDJSON no member [default: they stay]
    #[arg(long)]
    replace_missing: bool,
}

/// Bytes of one request, but for its last row.
const BATCH_BYTES: usize = 4 << 20;

/// Imports a file and tells how many rows became what.
pub(crate) async fn run(args: ImportOptions, output: OutputAudience) -> ExitStatus {
    let lang = args.hub.lang();
    match import(args, output).await {
        Ok(exit) => exit,
        Err(failure) => failure.tell(output, lang),
    }
}

async fn import(args: ImportOptions, output: OutputAudience) -> Result<ExitStatus, CommandFailure> {
    let lang = args.hub.lang();
    let source = OpenedFile::open(&args.file)?;
    let hub = Arc::new(HubClient::open(&args.hub, output)?);
    let shape = DatasetShape::of(&hub, &args.dataset).await?;
    let receipts = args.receipts.as_ref().map(append_to).transpose()?;
    let mut work = ImportWork {
        hub,
        output,
        lang,
        progress: ProgressLine::begin(Arc::clone(&source.read), source.length, "cli.rejected", output, lang),
        rejects: RejectFile::beside(&args.file.file, REJECTED)?,
        marked: RejectFile::beside(&args.file.file, MARKED)?,
        worst: WorstRows::default(),
        shapes: Arc::new(vec![shape]),
        facts: Arc::default(),
        format: source.format,
        under_way: VecDeque::new(),
        total: DecidedRows::default(),
        rows: 0,
        last_line: 0,
        receipts,
        args,
    };
    let plan = RowPlan {
        kind: RowKind::Record,
        dataset: Some(work.args.dataset.clone()),
        shapes: Arc::clone(&work.shapes),
        facts: Arc::clone(&work.facts),
    };
    let end = work.take_all(source, plan).await;
    work.progress.end();
    // A person needs no table of nothing beside the reason.
    if end.is_ok() || work.rows > 0 || output == OutputAudience::Json {
        work.tell(end.as_ref().err());
    }
    end?;
    Ok(if work.rejects.count == 0 {
        ExitStatus::Done
    } else {
        ExitStatus::No
    })
}

fn append_to(path: &PathBuf) -> Result<File, CommandFailure> {
    let file = File::options().append(true).create(true).open(path);
    file.map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &std::path::Path, error: &std::io::Error) -> CommandFailure {
    CommandFailure::unreachable("cli.cannot_write", [&path.display().to_string(), &error.to_string()])
}

/// Rows of one request.
#[derive(Default)]
struct ImportBatch {
    body: Vec<u8>,
    rows: Vec<SentRow>,
    faults: Vec<(u64, RowFault, Option<String>)>,
    fault_bytes: usize,
    subjects: HashSet<u64>,
    last_line: u64,
}

/// A row that was sent: its line, its place in the body, and its text in the file where that differs.
struct SentRow {
    line: u64,
    place: Range<usize>,
    raw: Option<String>,
}

struct UnderWay {
    batch: ImportBatch,
    body: Bytes,
    task: JoinHandle<Result<DecidedRows, CommandFailure>>,
}

impl ImportBatch {
    fn push(&mut self, row: FileRow, subject: Option<u64>) {
        self.last_line = row.line;
        match row.json {
            Ok(json) => {
                let begin = self.body.len();
                self.body.extend_from_slice(json.as_bytes());
                self.rows.push(SentRow {
                    line: row.line,
                    place: begin..self.body.len(),
                    raw: row.raw,
                });
                self.body.push(b'\n');
                self.subjects.extend(subject);
            }
            Err(fault) => {
                self.fault_bytes += row.raw.as_ref().map_or(0, String::len);
                self.faults.push((row.line, fault, row.raw));
            }
        }
    }

    fn is_full(&self, rows_max: usize) -> bool {
        self.rows.len() + self.faults.len() >= rows_max || self.body.len() + self.fault_bytes >= BATCH_BYTES
    }

    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.faults.is_empty()
    }
}

/// Whom a row is about, hashed; `None` where the row does not say.
fn subject_of(json: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct AnswerPeek<'a> {
        #[serde(borrow)]
        subject: &'a RawValue,
    }
    let peek: AnswerPeek<'_> = serde_json::from_str(json).ok()?;
    let mut subject: Value = serde_json::from_str(peek.subject.get()).ok()?;
    subject.sort_all_objects();
    let mut hasher = DefaultHasher::new();
    subject.to_string().to_uppercase().hash(&mut hasher);
    Some(hasher.finish())
}

struct ImportWork {
    args: ImportOptions,
    hub: Arc<HubClient>,
    output: OutputAudience,
    lang: CliLanguage,
    progress: ProgressLine,
    rejects: RejectFile,
    marked: RejectFile,
    worst: WorstRows,
    /// The one dataset.
    shapes: Arc<Vec<DatasetShape>>,
    facts: Arc<OnceLock<SheetFacts>>,
    format: RowFormat,
    under_way: VecDeque<UnderWay>,
    total: DecidedRows,
    rows: u64,
    last_line: u64,
    receipts: Option<File>,
}

impl ImportWork {
    /// Sends every row; what was read before the file broke off is sent too.
    async fn take_all(&mut self, source: OpenedFile, plan: RowPlan) -> Result<(), CommandFailure> {
        let mut rows = source.rows(plan);
        let rows_max = usize::try_from(self.args.batch_rows).unwrap_or(usize::MAX);
        let mut batch = ImportBatch::default();
        let mut end = Ok(());
        while let Some(group) = rows.recv().await {
            let group = match group {
                Ok(group) => group,
                Err(failure) => {
                    end = Err(failure);
                    break;
                }
            };
            for row in group {
                let subject = row.json.as_deref().ok().and_then(subject_of);
                batch.push(row, subject);
                if batch.is_full(rows_max) {
                    self.begin(std::mem::take(&mut batch)).await?;
                }
            }
        }
        if !batch.is_empty() {
            self.begin(batch).await?;
        }
        while !self.under_way.is_empty() {
            self.settle_first().await?;
        }
        end
    }

    /// Waits for a free place, and for every request that has a row about one of these subjects.
    async fn begin(&mut self, mut batch: ImportBatch) -> Result<(), CommandFailure> {
        while self.under_way.len() >= usize::from(self.args.in_flight)
            || self
                .under_way
                .iter()
                .any(|other| !other.batch.subjects.is_disjoint(&batch.subjects))
        {
            self.settle_first().await?;
        }
        let body = Bytes::from(std::mem::take(&mut batch.body));
        let retry = RetryPlan {
            times: self.args.retries,
            pause: Duration::from_millis(self.args.retry_ms),
            output: self.output,
            lang: self.lang,
        };
        let (hub, dataset, rows) = (Arc::clone(&self.hub), self.args.dataset.clone(), batch.rows.len());
        let (sent, query) = (body.clone(), self.query());
        let task = tokio::spawn(async move {
            let path = ["v1", "datasets", &dataset, "records"];
            let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let target = LineTarget {
                path: &path,
                query: &query,
            };
            send(&hub, target, sent, rows, &retry).await
        });
        self.under_way.push_back(UnderWay { batch, body, task });
        Ok(())
    }

    /// Takes the answers of the oldest request; if it failed, the younger ones are given up.
    async fn settle_first(&mut self) -> Result<(), CommandFailure> {
        let Some(UnderWay { batch, body, task }) = self.under_way.pop_front() else {
            return Ok(());
        };
        let decided = task
            .await
            .unwrap_or_else(|error| Err(CommandFailure::unreachable("cli.no_client", [&error.to_string()])));
        let decided = decided.inspect_err(|_failure| self.under_way.drain(..).for_each(|other| other.task.abort()))?;
        let rows = batch.rows.len() + batch.faults.len();
        let rejected_before = self.rejects.count;
        self.last_line = batch.last_line;
        let receipt = decided.receipt.clone();
        self.reject(batch, &body, &decided)?;
        self.total.add(decided);
        self.rows += rows as u64;
        self.progress.add(rows as u64, self.rejects.count - rejected_before);
        if let (Some(file), Some(receipt)) = (&mut self.receipts, receipt) {
            let path = self.args.receipts.clone().unwrap_or_default();
            writeln!(file, "{receipt}").map_err(|error| cannot_write(&path, &error))?;
        }
        Ok(())
    }

    /// How the hub is to take the rows.
    fn query(&self) -> Vec<(&'static str, String)> {
        let kept = match (self.args.replace_missing, self.format) {
            (true, _) => String::new(),
            (false, RowFormat::Ndjson) => "*".to_owned(),
            (false, RowFormat::Csv) => self.missing().join(","),
        };
        let dry_run = self.args.dry_run.then(|| ("dry_run", "true".to_owned()));
        let kept = (!kept.is_empty()).then_some(("keep", kept));
        dry_run.into_iter().chain(kept).collect()
    }

    /// Fields for which the file has no column.
    fn missing(&self) -> &[String] {
        self.facts.get().map_or(&[], |facts| &facts.missing)
    }

    /// Writes what did not go in, and what went in with findings, in the order of the file.
    fn reject(&mut self, mut batch: ImportBatch, body: &[u8], decided: &DecidedRows) -> Result<(), CommandFailure> {
        let shapes = Arc::clone(&self.shapes);
        let facts = Arc::clone(&self.facts);
        let Some(shape) = shapes.first() else {
            return Ok(());
        };
        let names = ColumnNames {
            shape,
            facts: facts.get(),
            lang: self.lang,
        };
        let mut rejects: Vec<RejectedRow> = Vec::new();
        for (line, fault, raw) in batch.faults.drain(..) {
            let places = names.of_fault(fault);
            rejects.push(RejectedRow {
                line,
                code: fault.code().to_owned(),
                reason: reason_of(&places),
                problem: Value::Null,
                errors: places.iter().map(super::report::RowPlace::to_json).collect(),
                raw,
            });
            self.worst.add(false, line, places);
        }
        for (place, problem) in &decided.bad {
            let Some(kept) = batch.rows.get_mut(*place) else {
                continue;
            };
            let sent = || String::from_utf8_lossy(body.get(kept.place.clone()).unwrap_or_default()).into_owned();
            let raw = kept.raw.take().unwrap_or_else(sent);
            let places = names.of_problem(problem);
            let code = problem.get("code").and_then(Value::as_str);
            rejects.push(RejectedRow {
                line: kept.line,
                code: code.unwrap_or("unanswered").to_owned(),
                reason: reason_of(&places),
                problem: problem.clone(),
                errors: places.iter().map(super::report::RowPlace::to_json).collect(),
                raw: Some(raw),
            });
            self.worst.add(false, kept.line, places);
        }
        rejects.sort_by_key(|reject| reject.line);
        rejects.into_iter().try_for_each(|reject| self.rejects.add(reject))?;
        for (place, answer) in &decided.marked {
            let Some(kept) = batch.rows.get(*place) else {
                continue;
            };
            let places = names.of_findings(answer);
            let findings: Vec<Value> = places.iter().map(super::report::RowPlace::to_json).collect();
            let status = answer.get("status").cloned().unwrap_or_default();
            let row = json!({"line": kept.line, "status": status, "reason": reason_of(&places), "findings": findings});
            self.marked.add_row(&row)?;
            self.worst.add(true, kept.line, places);
        }
        self.marked.flush()?;
        self.rejects.flush()
    }

    fn tell(&self, failure: Option<&CommandFailure>) {
        let DecidedRows {
            created,
            updated,
            unchanged,
            ignored,
            other,
            receipt,
            ..
        } = &self.total;
        let file = self.rejects.path();
        let mut json = json!({
            "dataset": self.args.dataset, "complete": failure.is_none(), "rows": self.rows, "created": created,
            "updated": updated, "unchanged": unchanged, "ignored": ignored, "other": other,
            "rejected": self.rejects.count, "rejected_file": file, "last_line": self.last_line,
            "seconds": self.progress.seconds(), "rows_per_second": self.progress.rate(), "receipt": receipt,
            "marked": self.marked.count, "marked_file": self.marked.path(), "missing_columns": self.missing(),
            "worst": self.worst.to_json(),
        });
        if let Some(members) = json.as_object_mut().filter(|_| self.args.dry_run) {
            members.insert("dry_run".to_owned(), true.into());
            members.insert("erased".to_owned(), json!(self.total.erased));
        }
        self.output.tell(&json, &self.text(file, failure.is_some()));
    }

    fn text(&self, file: Option<String>, stopped: bool) -> String {
        let say = |key: &'static str, parts: &[&str]| self.lang.say(key, parts);
        let counts = [
            ("cli.created", self.total.created),
            ("cli.updated", self.total.updated),
            ("cli.unchanged", self.total.unchanged),
            ("cli.ignored", self.total.ignored),
            ("cli.marked", self.marked.count),
            ("cli.rejected", self.rejects.count),
        ];
        let rows: Vec<Vec<String>> = counts
            .iter()
            .map(|(key, n)| vec![say(key, &[]), n.to_string()])
            .collect();
        let mut lines = vec![table(&[&self.args.dataset, &say("cli.count", &[])], &rows)];
        let (rows, rate) = (self.rows.to_string(), self.progress.rate().to_string());
        lines.push(say("cli.took", &[&rows, &self.progress.seconds().to_string(), &rate]));
        lines.extend(
            self.total
                .receipt
                .as_ref()
                .and_then(|receipt| receipt_line(receipt, self.lang)),
        );
        if self.args.dry_run {
            lines.insert(0, say("cli.dry_run", &[]));
        }
        if let Some(shape) = self.shapes.first() {
            let names = ColumnNames {
                shape,
                facts: self.facts.get(),
                lang: self.lang,
            };
            lines.extend(missing_text(self.missing(), self.args.replace_missing, &names));
            lines.extend(erased_text(&self.total.erased, &names));
        }
        lines.extend(self.worst.text(self.lang));
        lines.extend(self.marked.path().map(|file| say("cli.marked_in", &[&file])));
        lines.extend(file.map(|file| say("cli.rejected_in", &[&file])));
        if stopped {
            lines.push(say("cli.import_stopped", &[&self.last_line.to_string()]));
        }
        lines.join("\n")
    }
}

/// A receipt for people.
pub(crate) fn receipt_line(receipt: &Value, lang: CliLanguage) -> Option<String> {
    let origin = receipt.get("origin").and_then(Value::as_str)?;
    let index = receipt.get("index").and_then(Value::as_u64)?;
    Some(lang.say("cli.receipt", &[origin, &index.to_string()]))
}
