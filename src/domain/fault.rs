//! One thing that is wrong with an input: where, and a closed code.
//! Never holds a value of the input: faults are shown, logged and entered.

/// A fault of one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberFault {
    /// JSON pointer, RFC 6901.
    pub pointer: String,
    /// Field error code of the problem catalogue.
    pub code: &'static str,
    /// Sub-reason, such as `check_character`.
    pub reason: Option<&'static str>,
    /// The limit that was exceeded, of `value_too_long` and `too_many_items`.
    pub limit: Option<LengthLimit>,
}

/// How long a value, or a list, may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LengthLimit {
    /// Characters of a text.
    Characters(usize),
    /// Bytes of a text in UTF-8.
    Bytes(usize),
    /// Members of an object or elements of a list.
    Items(usize),
}

/// What is wrong with a value, whatever its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultCause {
    /// A field error code.
    Code(&'static str),
    /// A limit was exceeded.
    Over(LengthLimit),
}

impl From<&'static str> for FaultCause {
    fn from(code: &'static str) -> Self {
        Self::Code(code)
    }
}

impl MemberFault {
    /// A fault without a sub-reason.
    pub fn new(pointer: impl Into<String>, code: &'static str) -> Self {
        Self {
            pointer: pointer.into(),
            code,
            reason: None,
            limit: None,
        }
    }

    /// The fault of the value at `pointer`.
    pub fn of(pointer: impl Into<String>, cause: FaultCause) -> Self {
        match cause {
            FaultCause::Code(code) => Self::new(pointer, code),
            FaultCause::Over(limit) => Self::over(pointer, limit),
        }
    }

    /// `value_too_long` or `too_many_items`, with the limit that was exceeded.
    pub fn over(pointer: impl Into<String>, limit: LengthLimit) -> Self {
        let code = match limit {
            LengthLimit::Characters(_) | LengthLimit::Bytes(_) => "value_too_long",
            LengthLimit::Items(_) => "too_many_items",
        };
        Self {
            limit: Some(limit),
            ..Self::new(pointer, code)
        }
    }
}

/// A member name as a JSON pointer segment, RFC 6901 §3; names longer than any of ours are cut.
pub fn pointer_segment(name: &str) -> String {
    name.chars()
        .take(64)
        .collect::<String>()
        .replace('~', "~0")
        .replace('/', "~1")
}
