//! `heyan verify FILE`: a file's requests go through the stream endpoint in one long request, and the answers come back in order.
//! Both directions run at once and slow each other down: only what is under way is held, whatever the length of the file.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};
use tokio::sync::mpsc;

use super::{
    import::receipt_line,
    rejects::create_private,
    rows::{FileArgs, FileRow, OpenedFile, RowFault, RowFormat, RowGroups, RowPlan},
};
use crate::{
    catalogue::{DatasetShape, RowKind},
    client::{AnswerLines, HubArgs, HubClient},
    failure::{CommandFailure, remark},
    progress::ProgressLine,
    table::table,
    text::CliLanguage,
};
use heyan_api::{Purpose, StreamHeader};
use heyan_server::process::{ExitStatus, OutputAudience};

/// `heyan verify`. Exit code 0: all requests were answered `verified`; 1: at least one was not, or got a problem instead of an answer.
///
/// A request is `{"ref":…,"dataset":…,"subject":{…},"claims":{…}}`. An NDJSON file may begin with its own
/// `{"purpose":{…},"dataset":…}`, which takes precedence over the options.
#[derive(clap::Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    hub: HubArgs,
    /// File for the answers, one per line, in order; `-` is standard output, and the summary then goes to standard error
    #[arg(short = 'o', long = "out", value_name = "OUT")]
    out: Option<PathBuf>,
    /// Dataset of requests that do not name one
    #[arg(long, value_name = "NAME")]
    dataset: Option<String>,
    /// Purpose: code of the service item
    #[arg(long, env = "HEYAN_ITEM_CODE", value_name = "CODE", default_value = DEFAULT_ITEM_CODE)]
    item_code: String,
    /// Purpose: name of the service item
    #[arg(long, value_name = "TEXT")]
    item_name: Option<String>,
    /// Purpose: number of the application [default: `bulk-` and the file name without extension]
    #[arg(long, value_name = "NO")]
    application_no: Option<String>,
    /// Purpose: clerk who verifies [default: the login name, else `heyan-verify`]
    #[arg(long, env = "HEYAN_OPERATOR", value_name = "WHO")]
    operator: Option<String>,
    /// Purpose: reason
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// The item code of bulk verification that names none; a grant for `*` covers it, a grant for certain items does not.
pub(crate) const DEFAULT_ITEM_CODE: &str = "bulk-verification";
/// Requests whose answers are awaited; more than any hub answers at a time.
const UNDER_WAY_MAX: usize = 8_192;
const BLOCKS_WAITING_MAX: usize = 4;
/// The outcomes of CONTRACT §4 in the order of the summary.
const OUTCOMES: [(&str, &str); 5] = [
    ("verified", "cli.verified"),
    ("mismatched", "cli.mismatched"),
    ("review", "cli.review"),
    ("incomplete", "cli.incomplete"),
    ("not_found", "cli.not_found"),
];

/// Verifies a file and tells how many requests had which outcome.
pub(crate) async fn run(args: VerifyArgs, output: OutputAudience) -> ExitStatus {
    let lang = args.hub.lang();
    match verify(args, output).await {
        Ok(exit) => exit,
        Err(failure) => failure.tell(output, lang),
    }
}

async fn verify(args: VerifyArgs, output: OutputAudience) -> Result<ExitStatus, CommandFailure> {
    let lang = args.hub.lang();
    let mut source = OpenedFile::open(&args.file)?;
    let hub = HubClient::open(&args.hub, output)?;
    let own_header = if source.format == RowFormat::Ndjson {
        source.take_first_line(header_in)
    } else {
        None
    };
    let header = own_header.unwrap_or_else(|| header_of(&args));
    let shapes = match (source.format, &args.dataset) {
        (RowFormat::Ndjson, _) => Vec::new(),
        (RowFormat::Csv, _) => DatasetShape::all(&hub).await?,
    };
    let mut out = AnswerOutput::open(args.out.as_deref())?;
    let mut progress = ProgressLine::begin(Arc::clone(&source.read), source.length, "cli.problems", output, lang);
    let plan = RowPlan {
        kind: RowKind::Request,
        dataset: args.dataset.clone(),
        shapes,
    };
    let mut tally = OutcomeTally::default();
    let end = converse(
        &hub,
        source.rows(plan),
        &header,
        &mut out,
        &mut tally,
        &mut progress,
        lang,
    )
    .await;
    let end = out.flush().and(end);
    progress.end();
    // A person needs no table of nothing beside the reason.
    if end.is_ok() || tally.items > 0 || output == OutputAudience::Json {
        tally.tell(end.as_ref().err(), &args, &progress, output, lang);
    }
    end?;
    Ok(if tally.items == tally.of("verified") {
        ExitStatus::Done
    } else {
        ExitStatus::No
    })
}

/// The first line of the request, by the options.
fn header_of(args: &VerifyArgs) -> String {
    let stem = args
        .file
        .file
        .file_stem()
        .and_then(|stem| stem.to_str())
        .filter(|stem| *stem != "-")
        .unwrap_or("stdin");
    let stem: String = stem.chars().filter(|c| !c.is_control()).take(24).collect();
    let login = || {
        std::env::var("USER")
            .or_else(|_| std::env::var("LOGNAME"))
            .ok()
            .filter(|name| !name.is_empty())
    };
    let operator = args
        .operator
        .clone()
        .or_else(login)
        .unwrap_or_else(|| "heyan-verify".to_owned());
    let header = StreamHeader {
        purpose: Purpose {
            item_code: args.item_code.clone(),
            item_name: args.item_name.clone(),
            application_no: args.application_no.clone().unwrap_or_else(|| format!("bulk-{stem}")),
            operator,
            reason: args.reason.clone(),
        },
        dataset: args.dataset.clone(),
    };
    json!(header).to_string()
}

/// A first line that is a purpose and no request.
fn header_in(line: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let is_header =
        value.get("purpose")?.is_object() && value.get("subject").is_none() && value.get("claims").is_none();
    is_header.then(|| String::from_utf8_lossy(line.trim_ascii()).into_owned())
}

/// What the next line of the answers belongs to.
enum AwaitedLine {
    /// A request that was sent, by line.
    Sent(u64),
    /// A row that could not be sent.
    Fault(u64, RowFault),
}

/// Sends and receives until both ends are reached. The first rows are read before the hub is asked for anything: a file that
/// cannot be read leaves no trace there.
async fn converse(
    hub: &HubClient,
    mut rows: RowGroups,
    header: &str,
    out: &mut AnswerOutput,
    tally: &mut OutcomeTally,
    progress: &mut ProgressLine,
    lang: CliLanguage,
) -> Result<(), CommandFailure> {
    let first = rows.recv().await.transpose()?.unwrap_or_default();
    let (blocks, body) = mpsc::channel(BLOCKS_WAITING_MAX);
    let (awaited, mut expected) = mpsc::channel(UNDER_WAY_MAX);
    let head = Bytes::from(format!("{header}\n"));
    let feeder = tokio::spawn(feed(head, first, rows, blocks, awaited));
    let received = async {
        let mut lines = hub.stream_lines(&["v1", "verifications", "stream"], body).await?;
        receive(&mut lines, &mut expected, out, tally, progress, lang).await
    };
    let received = received.await;
    if received.is_err() {
        // It may wait for a slow file: nobody will take its rows.
        feeder.abort();
        return received;
    }
    feeder
        .await
        .unwrap_or_else(|error| Err(CommandFailure::unreachable("cli.no_client", [&error.to_string()])))
}

/// Sends blocks of lines, and tells of each line after it was sent: so there is always an answer to wait for, never a wait for
/// an answer to what is not sent yet. Ends quietly when the receiving side is gone, which knows why.
async fn feed(
    head: Bytes,
    first: Vec<FileRow>,
    mut rows: RowGroups,
    blocks: mpsc::Sender<Bytes>,
    awaited: mpsc::Sender<AwaitedLine>,
) -> Result<(), CommandFailure> {
    if blocks.send(head).await.is_err() {
        return Ok(());
    }
    let mut group = first;
    loop {
        let (mut block, mut told) = (Vec::new(), Vec::with_capacity(group.len()));
        for row in group {
            told.push(match row.json {
                Ok(json) => {
                    block.extend_from_slice(json.as_bytes());
                    block.push(b'\n');
                    AwaitedLine::Sent(row.line)
                }
                Err(fault) => AwaitedLine::Fault(row.line, fault),
            });
        }
        if !block.is_empty() && blocks.send(Bytes::from(block)).await.is_err() {
            return Ok(());
        }
        for one in told {
            if awaited.send(one).await.is_err() {
                return Ok(());
            }
        }
        match rows.recv().await {
            Some(next) => group = next?,
            None => return Ok(()),
        }
    }
}

async fn receive(
    lines: &mut AnswerLines,
    expected: &mut mpsc::Receiver<AwaitedLine>,
    out: &mut AnswerOutput,
    tally: &mut OutcomeTally,
    progress: &mut ProgressLine,
    lang: CliLanguage,
) -> Result<(), CommandFailure> {
    let mut unnamed_problem = None;
    while let Some(next) = expected.recv().await {
        let problems = tally.problems;
        let line = match next {
            AwaitedLine::Sent(line) => {
                let answer = match lines.ready() {
                    Some(answer) => Some(answer),
                    None => {
                        out.flush()?;
                        lines.next().await?
                    }
                };
                let answer = answer.ok_or_else(|| cut_off(lines, unnamed_problem.take(), lang))?;
                unnamed_problem = tally.count(&answer)?;
                out.write(&answer)?;
                line
            }
            AwaitedLine::Fault(line, fault) => {
                tally.problem();
                let problem = json!({"title": fault.say(lang), "status": 422, "code": fault.code()});
                out.write(json!({"line": line, "problem": problem}).to_string().as_bytes())?;
                line
            }
        };
        tally.last_line = line;
        progress.add(1, tally.problems - problems);
    }
    let last = lines
        .next()
        .await?
        .ok_or_else(|| cut_off(lines, unnamed_problem.take(), lang))?;
    let last: Value =
        serde_json::from_slice(&last).map_err(|_| CommandFailure::unreachable("cli.odd_answer", ["NDJSON"]))?;
    if last.get("summary").is_none() {
        let problem = last.get("problem").cloned();
        return Err(problem.map_or_else(
            || CommandFailure::unreachable("cli.odd_answer", ["summary"]),
            |p| lines.problem(p, lang),
        ));
    }
    tally.receipt = last.get("receipt").cloned().unwrap_or_default();
    Ok(())
}

/// A stream that ends early may have said why in its last line, which then was no answer to a request.
fn cut_off(lines: &AnswerLines, problem: Option<Value>, lang: CliLanguage) -> CommandFailure {
    problem.map_or_else(
        || CommandFailure::unreachable("cli.cut_off", []),
        |problem| lines.problem(problem, lang),
    )
}

/// Where answers go.
enum AnswerOutput {
    Nowhere,
    Stdout(BufWriter<std::io::Stdout>),
    File(BufWriter<File>, String),
}

impl AnswerOutput {
    fn open(path: Option<&Path>) -> Result<Self, CommandFailure> {
        let Some(path) = path else { return Ok(Self::Nowhere) };
        if path.as_os_str() == "-" {
            return Ok(Self::Stdout(BufWriter::new(std::io::stdout())));
        }
        let name = path.display().to_string();
        match create_private(path, OpenOptions::new().create(true).truncate(true)) {
            Ok(file) => Ok(Self::File(BufWriter::new(file), name)),
            Err(error) => Err(CommandFailure::unreachable(
                "cli.cannot_write",
                [&name, &error.to_string()],
            )),
        }
    }

    fn write(&mut self, line: &[u8]) -> Result<(), CommandFailure> {
        self.with(|writer| writer.write_all(line).and_then(|()| writer.write_all(b"\n")))
    }

    fn flush(&mut self) -> Result<(), CommandFailure> {
        self.with(|writer| writer.flush())
    }

    fn with(&mut self, act: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), CommandFailure> {
        let (done, name) = match self {
            Self::Nowhere => return Ok(()),
            Self::Stdout(writer) => (act(writer), "-"),
            Self::File(writer, name) => (act(writer), name.as_str()),
        };
        done.map_err(|error| CommandFailure::unreachable("cli.cannot_write", [name, &error.to_string()]))
    }
}

/// Answers by outcome.
#[derive(Default)]
struct OutcomeTally {
    outcomes: BTreeMap<String, u64>,
    problems: u64,
    items: u64,
    last_line: u64,
    receipt: Value,
}

/// An answer, as far as it is counted.
#[derive(Deserialize)]
struct CountedAnswer<'a> {
    outcome: Option<String>,
    #[serde(borrow)]
    problem: Option<&'a RawValue>,
    #[serde(borrow, rename = "ref")]
    reference: Option<&'a RawValue>,
}

/// Outcomes that are counted apart, against a hub that invents new ones without end.
const OUTCOMES_MAX: usize = 32;

impl OutcomeTally {
    /// Counts an answer; gives back its problem if that names no request.
    fn count(&mut self, line: &[u8]) -> Result<Option<Value>, CommandFailure> {
        let odd = |what: &str| CommandFailure::unreachable("cli.odd_answer", [what]);
        let answer: CountedAnswer<'_> = serde_json::from_slice(line).map_err(|_syntax| odd("NDJSON"))?;
        match (answer.outcome, answer.problem) {
            (Some(outcome), _) => {
                let known = self.outcomes.len() < OUTCOMES_MAX || self.outcomes.contains_key(&outcome);
                *self
                    .outcomes
                    .entry(if known { outcome } else { "other".to_owned() })
                    .or_default() += 1;
                self.items += 1;
                Ok(None)
            }
            (None, Some(problem)) => {
                self.problem();
                let unnamed = answer.reference.is_none_or(|reference| reference.get() == "null");
                Ok(if unnamed {
                    serde_json::from_str(problem.get()).ok()
                } else {
                    None
                })
            }
            (None, None) => Err(odd("outcome")),
        }
    }

    fn problem(&mut self) {
        self.problems += 1;
        self.items += 1;
    }

    fn of(&self, outcome: &str) -> u64 {
        self.outcomes.get(outcome).copied().unwrap_or_default()
    }

    fn tell(
        &self,
        failure: Option<&CommandFailure>,
        args: &VerifyArgs,
        progress: &ProgressLine,
        output: OutputAudience,
        lang: CliLanguage,
    ) {
        let out = args.out.as_ref().map(|path| path.display().to_string());
        let mut json = Map::new();
        json.insert("complete".to_owned(), failure.is_none().into());
        json.insert("items".to_owned(), self.items.into());
        json.extend(
            OUTCOMES
                .iter()
                .map(|(outcome, _key)| ((*outcome).to_owned(), self.of(outcome).into())),
        );
        for (outcome, count) in &self.outcomes {
            json.entry(outcome.clone()).or_insert_with(|| (*count).into());
        }
        let rest = json!({"problems": self.problems, "out": out, "last_line": self.last_line,
            "seconds": progress.seconds(), "rows_per_second": progress.rate(), "receipt": self.receipt});
        json.extend(rest.as_object().cloned().unwrap_or_default());
        let json = Value::Object(json);
        let text = self.text(out.as_deref(), progress, lang);
        if out.as_deref() == Some("-") {
            match output {
                OutputAudience::Human => eprintln!("{text}"),
                OutputAudience::Json => eprintln!("{json}"),
            }
        } else {
            output.tell(&json, &text);
        }
        if failure.is_some() {
            let (last, next) = (self.last_line.to_string(), (self.last_line + 1).to_string());
            remark(output, &lang.say("cli.verify_stopped", &[&last, &next]));
        }
    }

    fn text(&self, out: Option<&str>, progress: &ProgressLine, lang: CliLanguage) -> String {
        let say = |key: &'static str, parts: &[&str]| lang.say(key, parts);
        let share = |count: u64| format!("{:.1}%", 100.0 * count as f64 / self.items.max(1) as f64);
        let mut rows: Vec<Vec<String>> = Vec::new();
        for (outcome, key) in OUTCOMES {
            rows.push(vec![
                say(key, &[]),
                self.of(outcome).to_string(),
                share(self.of(outcome)),
            ]);
        }
        for (outcome, count) in &self.outcomes {
            if !OUTCOMES.iter().any(|(known, _key)| known == outcome) {
                rows.push(vec![outcome.clone(), count.to_string(), share(*count)]);
            }
        }
        rows.push(vec![
            say("cli.problems", &[]),
            self.problems.to_string(),
            share(self.problems),
        ]);
        let mut lines = vec![table(
            &[&say("cli.outcome", &[]), &say("cli.count", &[]), &say("cli.share", &[])],
            &rows,
        )];
        let (items, rate) = (self.items.to_string(), progress.rate().to_string());
        lines.push(say("cli.took", &[&items, &progress.seconds().to_string(), &rate]));
        lines.extend(receipt_line(&self.receipt, lang));
        lines.push(match out {
            Some(out) => say("cli.answers_in", &[out]),
            None => say("cli.answers_dropped", &[]),
        });
        lines.join("\n")
    }
}
