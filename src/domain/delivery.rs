//! What one attempt to push something to an outside system came to, and why a target may not be reached at all.
//! Only `Confirmed` ends a delivery well: an answer that never came may still have had its effect, so it is tried again
//! and the receiver tells repeats apart by `webhook-id`.

/// What one attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// 2xx: the receiver has it.
    Confirmed {
        /// HTTP status.
        status: u16,
    },
    /// 410: the receiver wants nothing more; the target is disabled.
    Gone,
    /// The target may not be reached; nothing was sent.
    Refused(TargetFault),
    /// It did not go well this time.
    Failed {
        /// How.
        failure: AttemptFailure,
        /// HTTP status, when there was one.
        status: Option<u16>,
        /// `Retry-After` of a 429 or 503, seconds.
        retry_after_s: Option<u32>,
    },
}

crate::words! {
    /// How an attempt failed.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum AttemptFailure {
        /// Another status than 2xx or 410, or a business code that is none of success.
        Answer = "answer",
        /// No whole answer in time.
        Timeout = "timeout",
        /// No connection, in time or at all: name, network, refused, or a handshake that never ended. Nothing was sent.
        Connect = "connect",
        /// The connection broke, or what came over it is no HTTP.
        Broken = "broken",
        /// TLS: certificate or handshake.
        Tls = "tls",
        /// The answer was longer than it may be.
        TooLarge = "too_large",
        /// The message could not be made (a template or a map lacks something).
        Unmade = "unmade",
    }
}

crate::words! {
    /// Why a target may not be reached (PROMISES I-20).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum TargetFault {
        /// No URL.
        Malformed = "malformed",
        /// Neither `https` nor a scheme that the settings allow.
        Scheme = "scheme",
        /// User name or password in the URL.
        Userinfo = "userinfo",
        /// A fragment in the URL.
        Fragment = "fragment",
        /// A literal address that is not listed.
        Address = "address",
        /// A host that is not listed.
        Host = "host",
        /// A port that is not listed.
        Port = "port",
        /// The name resolves to an address outside the listed networks.
        Network = "network",
    }
}
