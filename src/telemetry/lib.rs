//! What the hub counts and logs: every metric declared once with its help text, every log field named once.
//! Labels come from closed sets only: never a subject, a claim, a request id or an error text.

#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::disallowed_methods,
        reason = "a test stops at the first surprise"
    )
)]

mod gate;
mod log;
mod metrics;
mod striped;

pub use gate::{LineGate, causes};
pub use log::{LogFormat, check_level, flush_log, lines_lost, start as start_log, tell_operator};
pub use metrics::{HubMetrics, MachineMetrics, MetricsError, UnavailableCounts};
pub use striped::DurationHistogram;
