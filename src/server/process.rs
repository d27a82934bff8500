//! How a command tells its result: for people, or as JSON for programs.
//! Progress bars are for a terminal only.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use clap::ValueEnum;
use serde_json::Value;

/// Writes a line to standard output. A reader that went away (`| head`) is no error of what was done.
pub fn say(line: impl std::fmt::Display) {
    let _reader_gone = writeln!(std::io::stdout(), "{line}");
}

/// For whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputAudience {
    /// Text for people.
    Human,
    /// One JSON document on standard output, for programs.
    Json,
}

impl OutputAudience {
    /// Tells a result in the form asked for.
    pub fn tell(self, json: &Value, text: &str) {
        match self {
            Self::Human => say(text),
            Self::Json => say(json),
        }
    }

    /// Whether a progress bar is of use.
    pub fn shows_progress(self) -> bool {
        self == Self::Human && std::io::stderr().is_terminal()
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// Done.
    Done,
    /// The answer is "no", or rows were rejected.
    No,
    /// Usage or configuration.
    Usage,
    /// Could not reach or open something.
    Unreachable,
    /// A failure that only a restart can mend.
    Restart,
}

/// A failure of a serving hub that only a restart can mend.
#[derive(Debug)]
pub struct RestartNeeded(pub String);

impl std::fmt::Display for RestartNeeded {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for RestartNeeded {}

impl From<ExitStatus> for ExitCode {
    fn from(exit: ExitStatus) -> Self {
        Self::from(match exit {
            ExitStatus::Done => 0,
            ExitStatus::No => 1,
            ExitStatus::Usage => 2,
            ExitStatus::Unreachable => 3,
            ExitStatus::Restart => 5,
        })
    }
}
