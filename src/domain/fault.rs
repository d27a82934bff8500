//! One thing that is wrong with an input: where, and a closed code.
//! Never holds a value of the input: faults are shown, logged and entered.

/// A fault of one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer, RFC 6901.
    pub pointer: String,
    /// Field error code of the problem catalogue.
    pub code: &'static str,
    /// Sub-reason, such as `check_character`.
    pub reason: Option<&'static str>,
}

impl Fault {
    /// A fault without a sub-reason.
    pub fn new(pointer: impl Into<String>, code: &'static str) -> Self {
        Self {
            pointer: pointer.into(),
            code,
            reason: None,
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
