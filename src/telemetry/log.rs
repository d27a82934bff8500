//! Structured logs on standard error: JSON for machines, lines for a terminal.
//! Panics log their place only: their text may hold a value.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt};

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

/// Starts logging; `RUST_LOG` overrides `level`. Called once; a second call changes nothing.
pub fn start(level: &str, format: LogFormat) {
    let filter = EnvFilter::try_from_default_env()
        .or_else(|_unset| EnvFilter::try_new(level))
        .unwrap_or_default();
    let builder = fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(true);
    let json = match format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    // A subscriber is there already only in tests, which then share it.
    let _already_started = if json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.try_init()
    };
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(|place| format!("{}:{}", place.file(), place.line()))
            .unwrap_or_default();
        tracing::error!(place, "a task panicked");
    }));
}
