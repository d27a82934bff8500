//! What a register says of an electronic licence (电子证照), and what follows from it on one day.
//! A state is told of a day, never of "now": whoever asks names the day, and days are those of Asia/Shanghai.

pub mod chain;
pub mod issuer;
pub mod status;
pub mod validity;

/// How a licence stands on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It holds.
    Valid,
    /// Its first day is still to come.
    NotYetValid,
    /// Its last day is over, or its register says so (失效).
    Expired,
    /// Held back for a while (暂扣).
    Suspended,
    /// Taken away (吊销, 撤销).
    Revoked,
    /// Given up or struck off (注销).
    Cancelled,
    /// Handed over to another register (转出).
    Transferred,
    /// A newer version stands in its place.
    Replaced,
    /// The register does not say enough.
    Unknown,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Valid,
        Self::NotYetValid,
        Self::Expired,
        Self::Suspended,
        Self::Revoked,
        Self::Cancelled,
        Self::Transferred,
        Self::Replaced,
        Self::Unknown,
    ];

    /// The wire word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Cancelled => "cancelled",
            Self::Transferred => "transferred",
            Self::Replaced => "replaced",
            Self::Unknown => "unknown",
        }
    }

    /// The state of a wire word.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}
