//! A progress bar over the bytes of a file, with rows and their rate.
//! It is drawn on standard error, and only where that is a terminal and the result is for people.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use super::text::CliLanguage;
use heyan_server::process::OutputAudience;

/// How far the work is.
pub(crate) struct ProgressLine {
    bar: ProgressBar,
    read: Arc<AtomicU64>,
    lang: CliLanguage,
    bad_word: &'static str,
    begun: Instant,
    rows: u64,
    bad: u64,
}

impl ProgressLine {
    /// Begins; `read` counts bytes up to `length`.
    pub(crate) fn begin(
        read: Arc<AtomicU64>,
        length: Option<u64>,
        bad_word: &'static str,
        output: OutputAudience,
        lang: CliLanguage,
    ) -> Self {
        let bar = match (output.shows_progress(), length) {
            (false, _) => ProgressBar::hidden(),
            (true, Some(length)) => styled(
                ProgressBar::new(length),
                "{bar:30} {percent:>3}% {msg} {elapsed} (-{eta})",
            ),
            (true, None) => styled(ProgressBar::new_spinner(), "{spinner} {msg} {elapsed}"),
        };
        Self {
            bar,
            read,
            lang,
            bad_word,
            begun: Instant::now(),
            rows: 0,
            bad: 0,
        }
    }

    /// Adds decided rows; `bad` of them with nothing good to say.
    pub(crate) fn add(&mut self, rows: u64, bad: u64) {
        self.rows += rows;
        self.bad += bad;
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_position(self.read.load(Ordering::Relaxed));
        let (rows, bad) = (self.lang.say("cli.rows", &[]), self.lang.say(self.bad_word, &[]));
        self.bar
            .set_message(format!("{} {rows} ({}/s), {} {bad}", self.rows, self.rate(), self.bad));
    }

    /// Rows a second so far, whole.
    pub(crate) fn rate(&self) -> u64 {
        let seconds = self.begun.elapsed().as_secs_f64().max(0.001);
        (self.rows as f64 / seconds).round() as u64
    }

    /// Seconds so far, to a thousandth.
    pub(crate) fn seconds(&self) -> f64 {
        (self.begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
