//! How a command tells its result: for people, or as JSON for programs.
//! Progress bars are for a terminal only.

use std::io::IsTerminal;

use clap::ValueEnum;
use serde_json::Value;

/// For whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// People.
    Human,
    /// Programs: one JSON document on standard output.
    Json,
}

impl Output {
    /// Tells a result in the form asked for.
    pub fn tell(self, json: &Value, text: &str) {
        match self {
            Self::Human => println!("{text}"),
            Self::Json => println!("{json}"),
        }
    }

    /// Whether a progress bar is of use.
    pub fn shows_progress(self) -> bool {
        self == Self::Human && std::io::stderr().is_terminal()
    }
}
