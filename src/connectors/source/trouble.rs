//! Why an exchange came to nothing, in more detail than the ports tell: whose fault it is decides the breaker.
//! A record that is odd is no reason to stop asking for others; a system that answers garbage is.

use heyan_domain::delivery::{AttemptFailure, AttemptOutcome, TargetFault};
use heyan_ports::outward::SourceFault;

/// Why there is no answer that can be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceTrouble {
    /// The breaker is open.
    Open,
    /// More requests wait than may.
    Busy,
    /// Not all of it came in time.
    Timeout,
    /// No connection, or it broke.
    Connect(AttemptFailure),
    /// The address is not allowed.
    Target(TargetFault),
    /// The credentials were refused.
    Auth(Option<u16>),
    /// A transport status other than success.
    Status {
        /// The status.
        status: u16,
        /// `Retry-After` of 429 or 503, seconds.
        retry_after_s: Option<u32>,
    },
    /// A business code other than success.
    Code {
        /// Transport status.
        status: u16,
    },
    /// The answer as a whole cannot be read.
    Garbage(&'static str),
    /// The answer can be read, what it says of this subject cannot.
    Odd(&'static str),
    /// The answer is too long.
    TooLarge,
    /// The request could not be made.
    Unmade(&'static str),
    /// What a source of another kind says.
    Fault(SourceFault),
}

/// What a result says of the system that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResultBlame {
    /// It works.
    Works,
    /// It fails.
    Fails,
    /// Nothing: it was not asked, or answered for this one request.
    Unknown,
}

impl SourceTrouble {
    /// What it says of the system.
    pub(crate) const fn blame(&self) -> ResultBlame {
        match self {
            Self::Odd(_) => ResultBlame::Works,
            Self::Open | Self::Busy | Self::Target(_) | Self::Code { .. } | Self::Unmade(_) => ResultBlame::Unknown,
            Self::Timeout
            | Self::Connect(_)
            | Self::Auth(_)
            | Self::Status { .. }
            | Self::Garbage(_)
            | Self::TooLarge => ResultBlame::Fails,
            Self::Fault(fault) => match fault {
                SourceFault::Timeout
                | SourceFault::Connect
                | SourceFault::Auth
                | SourceFault::Answer
                | SourceFault::Status(_) => ResultBlame::Fails,
                SourceFault::Unreadable(_) => ResultBlame::Works,
                _ => ResultBlame::Unknown,
            },
        }
    }

    /// As the port for sources tells it.
    pub fn source(&self) -> SourceFault {
        match self {
            Self::Open => SourceFault::Open,
            Self::Busy => SourceFault::Busy,
            Self::Timeout => SourceFault::Timeout,
            Self::Connect(_) => SourceFault::Connect,
            Self::Target(fault) => SourceFault::Target(*fault),
            Self::Auth(_) => SourceFault::Auth,
            Self::Status { status, .. } => SourceFault::Status(*status),
            Self::Code { .. } => SourceFault::Answer,
            Self::Garbage(what) | Self::Odd(what) => SourceFault::Unreadable(what),
            Self::TooLarge => SourceFault::Unreadable("too long"),
            Self::Unmade(what) => SourceFault::Setup(what),
            Self::Fault(fault) => fault.clone(),
        }
    }

    /// HTTP status of the answer, where there was one.
    pub(crate) const fn status(&self) -> Option<u16> {
        match self {
            Self::Auth(status) => *status,
            Self::Status { status, .. } | Self::Code { status } => Some(*status),
            _ => None,
        }
    }

    /// As the port for sinks tells it.
    pub(crate) fn attempted(&self) -> AttemptOutcome {
        let (failure, status, retry_after_s) = match self {
            Self::Target(fault) => return AttemptOutcome::Refused(*fault),
            Self::Open | Self::Busy => (AttemptFailure::Connect, None, None),
            Self::Timeout => (AttemptFailure::Timeout, None, None),
            Self::Connect(failure) => (*failure, None, None),
            Self::Auth(status) => (AttemptFailure::Answer, *status, None),
            Self::Status { status, retry_after_s } => (AttemptFailure::Answer, Some(*status), *retry_after_s),
            Self::Code { status } => (AttemptFailure::Answer, Some(*status), None),
            Self::Garbage(_) | Self::Odd(_) => (AttemptFailure::Answer, None, None),
            Self::TooLarge => (AttemptFailure::TooLarge, None, None),
            Self::Unmade(_) | Self::Fault(_) => (AttemptFailure::Unmade, None, None),
        };
        AttemptOutcome::Failed {
            failure,
            status,
            retry_after_s,
        }
    }
}
