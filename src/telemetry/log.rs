//! Structured logs on standard error: JSON for machines, lines for a terminal.
//! Panics log their place only: their text may hold a value.
//!
//! Logging is best effort: lines go through a bounded queue to a thread of their own. A reader that is gone, has stopped, or whose disk
//! is full costs lines, which are counted, and never holds up or ends the process.

use std::{
    io::{self, IsTerminal, Write},
    panic::PanicHookInfo,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use tracing_subscriber::{
    EnvFilter,
    filter::{Directive, LevelFilter},
    fmt,
    fmt::MakeWriter,
};

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Lines on a terminal, JSON otherwise.
    Auto,
    /// JSON.
    Json,
    /// Lines.
    Text,
}

/// Lines that may wait for the reader of standard error.
const QUEUE_LINES: usize = 4_096;

/// Longest line; what is longer is cut.
const LINE_BYTES_MAX: usize = 16_384;

/// The way to the thread that writes, once there is one.
static QUEUE: OnceLock<SyncSender<Vec<u8>>> = OnceLock::new();
/// Lines handed over, lines dealt with, lines lost.
static HANDED: AtomicU64 = AtomicU64::new(0);
static DONE: AtomicU64 = AtomicU64::new(0);
static LOST: AtomicU64 = AtomicU64::new(0);

/// Lines that were not written, because the reader did not keep up or is gone.
pub fn lines_lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// Writes a line to standard error as the log does: it never blocks and never fails.
pub fn tell_operator(line: &str) {
    let mut bytes = line.as_bytes().to_vec();
    bytes.push(b'\n');
    hand_over(bytes);
}

/// Waits until what was handed over is written, for a moment at most.
pub fn flush_log() {
    let until = Instant::now() + Duration::from_millis(500);
    while DONE.load(Ordering::Acquire) < HANDED.load(Ordering::Acquire) && Instant::now() < until {
        thread::park_timeout(Duration::from_millis(2));
    }
}

fn hand_over(line: Vec<u8>) {
    let queue = QUEUE.get_or_init(start_thread);
    match queue.try_send(line) {
        Ok(()) => HANDED.fetch_add(1, Ordering::AcqRel),
        Err(_full_or_gone) => LOST.fetch_add(1, Ordering::Relaxed),
    };
}

fn start_thread() -> SyncSender<Vec<u8>> {
    let (queue, lines) = sync_channel(QUEUE_LINES);
    // Without the thread every line is lost and counted: the process goes on.
    let _started = thread::Builder::new()
        .name("heyan-log".to_owned())
        .spawn(move || write_lines(&lines));
    queue
}

fn write_lines(lines: &Receiver<Vec<u8>>) {
    while let Ok(line) = lines.recv() {
        if io::stderr().write_all(&line).is_err() {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
        DONE.fetch_add(1, Ordering::Release);
    }
}

/// One line under way: handed over whole when the formatter is done with it.
struct LogLine(Vec<u8>);

impl Write for LogLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = LINE_BYTES_MAX.saturating_sub(self.0.len()).min(bytes.len());
        self.0.extend_from_slice(bytes.get(..room).unwrap_or_default());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        let mut line = std::mem::take(&mut self.0);
        if line.is_empty() {
            return;
        }
        if line.last() != Some(&b'\n') {
            line.push(b'\n');
        }
        hand_over(line);
    }
}

struct LogLines;

impl MakeWriter<'_> for LogLines {
    type Writer = LogLine;

    fn make_writer(&self) -> LogLine {
        LogLine(Vec::with_capacity(256))
    }
}

/// Says what is wrong with a level: it must be a level, or a filter whose parts name one.
///
/// # Errors
/// The part that cannot be used.
pub fn check_level(level: &str) -> Result<(), String> {
    for part in level.split(',').map(str::trim) {
        let wrong = || Err(part.to_owned());
        // A word alone is read as the name of a module: a level that is mistyped would log nothing.
        let named = part.rsplit_once('=').map_or(part, |(_module, level)| level);
        if named.parse::<LevelFilter>().is_err() || part.parse::<Directive>().is_err() {
            return wrong();
        }
    }
    Ok(())
}

/// Starts logging; `RUST_LOG` overrides `level`. Called once; a second call changes nothing.
pub fn start(level: &str, format: LogFormat) {
    let filter = EnvFilter::try_from_default_env()
        .or_else(|_unset| EnvFilter::try_new(level))
        .unwrap_or_default();
    let builder = fmt()
        .with_env_filter(filter)
        .with_writer(LogLines)
        .log_internal_errors(false)
        .with_target(true);
    let json = match format {
        LogFormat::Auto => !io::stderr().is_terminal(),
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    // A subscriber is there already only in tests, which then share it.
    let _already_started = if json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.with_ansi(io::stderr().is_terminal()).try_init()
    };
    std::panic::set_hook(Box::new(move |panic| tell_panic(panic, json)));
}

/// Hands the place of a panic over, by nothing that could panic again.
fn tell_panic(panic: &PanicHookInfo<'_>, json: bool) {
    let place = panic.location();
    let (file, line) = place.map_or(("", 0), |place| (place.file(), place.line()));
    tell_operator(&match json {
        true => format!(r#"{{"level":"ERROR","message":"a task panicked","place":"{file}:{line}"}}"#),
        false => format!("ERROR a task panicked place=\"{file}:{line}\""),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_one_of_the_known_ones() {
        for good in [
            "info",
            "off",
            "info,actix_server=warn",
            "warn,heyan::http=debug",
            "ERROR",
        ] {
            assert_eq!(check_level(good), Ok(()), "{good}");
        }
        for bad in [
            "loud",
            "inf",
            "info,heyan",
            "heyan=loud",
            "",
            "info,,warn",
            "info=debug=x",
        ] {
            assert!(check_level(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_line_is_cut_and_never_refused() {
        let mut line = LogLine(Vec::new());
        assert_eq!(line.write(&vec![b'x'; 20_000]).unwrap(), 20_000);
        assert_eq!(line.0.len(), LINE_BYTES_MAX);
        line.0.clear();
    }
}
