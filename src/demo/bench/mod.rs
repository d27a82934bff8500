//! `heyan bench`: how fast this machine verifies. A hub on a synthetic city runs as a process of its own, the requests are the
//! city's real mix, and each round with the hub has one with a bare HTTP server beside it (`--floor`): only the ratio of two
//! neighbours means anything on a machine that does other things too.

mod floor;
mod load;

use std::{path::PathBuf, process::Stdio, time::Duration};

use anyhow::Context;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::city::{
    City, Sizes,
    requests::{KeyChoice, RequestSupply},
};
use heyan_server::process::{ExitStatus, OutputAudience};

pub use floor::{FloorArgs, run as serve_floor};
use load::{LoadRequests, LoadRound};

/// `heyan bench`.
#[derive(clap::Args)]
pub struct BenchArgs {
    /// Length of each round, seconds
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Number of rounds; the medians are printed
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=100))]
    rounds: u64,
    /// Number of connections
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    connections: u64,
    /// Requests a second, sent whether or not the answers keep up; latency counts from when each was due. Left out: each
    /// connection sends its next request with the answer
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    rate: Option<u64>,
    /// Also measure a bare HTTP server of the same build, alternating with the hub
    #[arg(long)]
    floor: bool,
    /// Number of persons; firms, licences and real estate follow from it
    #[arg(long, default_value_t = 20_000)]
    persons: u64,
    /// Ask about popular records more often (the k-th most popular in proportion to k^-0.99)
    #[arg(long)]
    zipf: bool,
    /// Number of different requests; they are sent in turn
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    requests: u64,
    /// Write the requests to this file, one per line, and stop; for other tools
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

/// Seed of the demo's city and of the requests.
const SEED: u64 = 1;

/// Longest time until the hub is ready.
const READY_MAX: Duration = Duration::from_secs(300);

/// A server that is measured; ended when dropped.
struct MeasuredServer {
    name: &'static str,
    child: Child,
    load: LoadRequests,
    rounds: Vec<LoadRound>,
}

/// Measures, and tells medians.
///
/// # Errors
/// A server does not start, or answers with errors.
pub async fn run(args: BenchArgs, output: OutputAudience) -> anyhow::Result<ExitStatus> {
    let bodies = bodies(&args);
    if let Some(file) = &args.write {
        let text: String = bodies.iter().flat_map(|body| [body.as_str(), "\n"]).collect();
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
        return Ok(ExitStatus::Done);
    }
    let folder = tempdir()?;
    let hub = hub(&args, bodies, &folder).await?;
    let warm = hub.load.each_once(args.connections).await?;
    let mut sides = Vec::new();
    if args.floor {
        sides.push(bare(&hub.load, warm.answer_bytes()).await?);
    }
    sides.push(hub);
    for number in 0..args.rounds {
        // Who goes first changes, so that neither always follows a rest.
        if number > 0 {
            sides.reverse();
        }
        for side in &mut sides {
            let used = cpu_seconds(&side.child)?;
            let mut round = side.load.run(args.connections, args.seconds, args.rate).await?;
            round.cpu_s = cpu_seconds(&side.child)? - used;
            if output == OutputAudience::Human {
                eprintln!("{} {}: {}", number + 1, side.name, round.line());
            }
            side.rounds.push(round);
        }
    }
    sides.sort_by_key(|side| side.name);
    let bad: u64 = sides.iter().flat_map(|side| &side.rounds).map(|round| round.bad).sum();
    tell(&args, &sides, output);
    drop(sides);
    std::fs::remove_dir_all(&folder)?;
    Ok(if bad == 0 { ExitStatus::Done } else { ExitStatus::No })
}

/// The requests as `POST /v1/verifications` takes them.
fn bodies(args: &BenchArgs) -> Vec<String> {
    let city = City::new(SEED, Sizes::for_persons(args.persons));
    let choice = match args.zipf {
        true => KeyChoice::Zipf { exponent: 0.99 },
        false => KeyChoice::Uniform,
    };
    let requests = RequestSupply::new(&city, SEED, choice);
    let body = |i: u64| {
        let request = requests.get(i);
        format!(
            "{{\"dataset\":\"{}\",\"subject\":{},\"claims\":{},\"purpose\":{{\"item_code\":\"11340200003010677X3442199806003\",\
             \"application_no\":\"BENCH-{:06}\",\"operator\":\"bench\"}}}}",
            request.dataset.as_str(),
            request.subject,
            request.claims,
            i % 1_000,
        )
    };
    (0..args.requests).map(body).collect()
}

fn tempdir() -> anyhow::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("heyan-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

async fn hub(args: &BenchArgs, bodies: Vec<String>, folder: &std::path::Path) -> anyhow::Result<MeasuredServer> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([
        "demo",
        "--output",
        "json",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ]);
    command.args([
        "--seed",
        &SEED.to_string(),
        "--persons",
        &args.persons.to_string(),
        "--data",
    ]);
    command.arg(folder.join("hub"));
    let (child, line) = started(command).await.context("the hub does not start")?;
    let told: Value = serde_json::from_str(&line)?;
    let text = |pointer: &str| {
        let value = told.pointer(pointer).and_then(Value::as_str);
        value.context("an odd ready line")
    };
    let (url, token) = (text("/url")?, text("/tokens/agency")?);
    Ok(MeasuredServer {
        name: "hub",
        child,
        load: LoadRequests::new(url, token, bodies)?,
        rounds: Vec::new(),
    })
}

/// A bare server whose answers are `bytes` long, with the same requests.
async fn bare(load: &LoadRequests, bytes: usize) -> anyhow::Result<MeasuredServer> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["bench-floor", "--bytes", &bytes.to_string()]);
    let (child, line) = started(command).await.context("the bare server does not start")?;
    Ok(MeasuredServer {
        name: "floor",
        child,
        load: load.to(line.trim())?,
        rounds: Vec::new(),
    })
}

/// Starts a child and waits for its first line.
async fn started(mut command: Command) -> anyhow::Result<(Child, String)> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut child = command.spawn()?;
    let stdout = child.stdout.take().context("no output")?;
    let mut lines = BufReader::new(stdout).lines();
    let line = tokio::time::timeout(READY_MAX, lines.next_line()).await??;
    let line = line.context("it ended")?;
    // What it says later is read away, so that it never waits for a reader.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok((child, line))
}

/// User and system time of a process, seconds (proc(5)).
fn cpu_seconds(child: &Child) -> anyhow::Result<f64> {
    const TICKS_A_SECOND: f64 = 100.0;
    let pid = child.id().context("a server ended")?;
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let ticks = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|word| word.parse::<f64>().ok());
    Ok(ticks.sum::<f64>() / TICKS_A_SECOND)
}

fn tell(args: &BenchArgs, sides: &[MeasuredServer], output: OutputAudience) {
    let of = |side: &MeasuredServer| {
        json!({
            "requests_per_second": median(side, LoadRound::rate),
            "p50_us": median(side, |round| round.percentile(50.0)),
            "p99_us": median(side, |round| round.percentile(99.0)),
            "p999_us": median(side, |round| round.percentile(99.9)),
            "cpu_us_per_request": median(side, LoadRound::cpu_us),
            "bad": side.rounds.iter().map(|round| round.bad).sum::<u64>(),
        })
    };
    let mut told: serde_json::Map<String, Value> = sides.iter().map(|side| (side.name.to_owned(), of(side))).collect();
    let mut lines: Vec<String> = vec!["| side | req/s | p50 µs | p99 µs | p99.9 µs | CPU µs/request |".to_owned()];
    lines.push("|---|---|---|---|---|---|".to_owned());
    for side in sides {
        let figures = [
            median(side, LoadRound::rate),
            median(side, |round| round.percentile(50.0)),
            median(side, |round| round.percentile(99.0)),
            median(side, |round| round.percentile(99.9)),
        ];
        let figures: Vec<String> = figures.iter().map(|figure| format!("{figure:.0}")).collect();
        let cpu = median(side, LoadRound::cpu_us);
        lines.push(format!("| {} | {} | {cpu:.1} |", side.name, figures.join(" | ")));
    }
    if let [floor, hub] = sides {
        let pairs = hub.rounds.iter().zip(&floor.rounds);
        let ratios: Vec<f64> = pairs.map(|(hub, floor)| hub.rate() / floor.rate()).collect();
        let (low, middle, high) = spread(ratios);
        told.insert("ratio".to_owned(), json!({"median": middle, "min": low, "max": high}));
        lines.push(format!(
            "hub / floor: {middle:.3} ({low:.3} to {high:.3} in {} rounds)",
            args.rounds
        ));
    }
    output.tell(&Value::Object(told), &lines.join("\n"));
}

fn median(side: &MeasuredServer, figure: impl Fn(&LoadRound) -> f64) -> f64 {
    spread(side.rounds.iter().map(figure).collect()).1
}

/// Smallest, middle, largest.
fn spread(mut figures: Vec<f64>) -> (f64, f64, f64) {
    figures.sort_by(f64::total_cmp);
    let at = |position: usize| figures.get(position).copied().unwrap_or_default();
    (at(0), at(figures.len() / 2), at(figures.len().saturating_sub(1)))
}
