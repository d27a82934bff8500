//! What the hub answers about one field and about the whole verification.
//! There is no score and no distance: a field either agrees, needs a person, disagrees, or could not be judged.

/// The answer about one claimed field (CONTRACT §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The record agrees.
    Match(MatchBasis),
    /// A person must look.
    Review(ReviewReason),
    /// The record disagrees; never says by how much.
    Mismatch,
    /// The record holds no value here.
    Absent,
    /// The grant does not cover the field.
    NotPermitted,
    /// The source could not be asked; never read as a mismatch.
    Unavailable,
}

/// Why a field is a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchBasis {
    /// Equal bytes.
    Exact,
    /// Equal after a lossless fold.
    Normalized,
    /// A 15-digit resident number against its 18-digit form.
    Upgraded,
    /// A division was renamed or merged; the rest is equal.
    Renamed,
    /// A predicate that discloses no value holds.
    Predicate,
}

/// Why a person must look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReviewReason {
    /// Traditional or variant characters, a dropped interpunct, a numeral inside a road name.
    Variant,
    /// An open-ended sentinel (长期) stands against a far date.
    Sentinel,
    /// Too many different values were claimed of this field lately: nothing is told until a person has looked.
    GuessBudget,
    /// The register said that what was claimed does not all agree, and not which part.
    Undivided,
    /// One side says less than the other, and nothing contradicts.
    Partial,
    /// The record's value cannot be read by its comparator.
    UnreadableRecord,
    /// The claimed value cannot be read by its comparator.
    UnreadableClaim,
}

/// The answer about the whole verification (CONTRACT §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Every claimed field matches.
    Verified,
    /// At least one field mismatches.
    Mismatched,
    /// No mismatch, at least one review.
    Review,
    /// Otherwise, at least one absent, not permitted or unavailable field.
    Incomplete,
    /// No such record, and the grant has `existence`.
    NotFound,
    /// Every claimed field matches, and the licence does not hold on the day that was asked about.
    NotInForce,
}

impl Outcome {
    /// Derives the outcome of a verification whose record exists from its field verdicts.
    pub fn of(verdicts: impl IntoIterator<Item = Verdict>) -> Self {
        let (mut review, mut incomplete) = (false, false);
        for verdict in verdicts {
            match verdict {
                Verdict::Mismatch => return Self::Mismatched,
                Verdict::Review(_) => review = true,
                Verdict::Absent | Verdict::NotPermitted | Verdict::Unavailable => incomplete = true,
                Verdict::Match(_) => {}
            }
        }
        match (review, incomplete) {
            (true, _) => Self::Review,
            (false, true) => Self::Incomplete,
            (false, false) => Self::Verified,
        }
    }

    /// The wire word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Mismatched => "mismatched",
            Self::Review => "review",
            Self::Incomplete => "incomplete",
            Self::NotFound => "not_found",
            Self::NotInForce => "not_in_force",
        }
    }

    /// Every outcome, in the order of its ledger code.
    pub const ALL: [Self; 6] = [
        Self::Verified,
        Self::Mismatched,
        Self::Review,
        Self::Incomplete,
        Self::NotFound,
        Self::NotInForce,
    ];

    /// The one-byte code in a ledger entry; never reused for another meaning.
    pub const fn code(self) -> u8 {
        match self {
            Self::Verified => 0,
            Self::Mismatched => 1,
            Self::Review => 2,
            Self::Incomplete => 3,
            Self::NotFound => 4,
            Self::NotInForce => 5,
        }
    }

    /// The outcome of a ledger code.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Verified,
            1 => Self::Mismatched,
            2 => Self::Review,
            3 => Self::Incomplete,
            4 => Self::NotFound,
            5 => Self::NotInForce,
            _ => return None,
        })
    }
}

impl Verdict {
    /// Whether a side could not be read: nothing was compared, so nothing was told of a value.
    pub const fn is_unreadable(self) -> bool {
        matches!(
            self,
            Self::Review(ReviewReason::UnreadableRecord | ReviewReason::UnreadableClaim)
        )
    }

    /// The wire word of the verdict.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Match(_) => "match",
            Self::Review(_) => "review",
            Self::Mismatch => "mismatch",
            Self::Absent => "absent",
            Self::NotPermitted => "not_permitted",
            Self::Unavailable => "unavailable",
        }
    }

    /// The wire word of `basis`, for a match.
    pub const fn basis(self) -> Option<&'static str> {
        match self {
            Self::Match(MatchBasis::Exact) => Some("exact"),
            Self::Match(MatchBasis::Normalized) => Some("normalized"),
            Self::Match(MatchBasis::Upgraded) => Some("upgraded"),
            Self::Match(MatchBasis::Renamed) => Some("renamed"),
            Self::Match(MatchBasis::Predicate) => Some("predicate"),
            _ => None,
        }
    }

    /// The wire word of `reason`, for a review.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Review(ReviewReason::Variant) => Some("variant"),
            Self::Review(ReviewReason::Sentinel) => Some("sentinel"),
            Self::Review(ReviewReason::GuessBudget) => Some("guess_budget"),
            Self::Review(ReviewReason::Undivided) => Some("undivided"),
            Self::Review(ReviewReason::Partial) => Some("partial"),
            Self::Review(ReviewReason::UnreadableRecord) => Some("unreadable_record"),
            Self::Review(ReviewReason::UnreadableClaim) => Some("unreadable_claim"),
            _ => None,
        }
    }

    /// The one-byte code in a ledger entry; never reused for another meaning.
    pub const fn code(self) -> u8 {
        match self {
            Self::Match(MatchBasis::Exact) => 0x10,
            Self::Match(MatchBasis::Normalized) => 0x11,
            Self::Match(MatchBasis::Upgraded) => 0x12,
            Self::Match(MatchBasis::Renamed) => 0x13,
            Self::Match(MatchBasis::Predicate) => 0x14,
            Self::Review(ReviewReason::Variant) => 0x20,
            Self::Review(ReviewReason::Sentinel) => 0x21,
            Self::Review(ReviewReason::GuessBudget) => 0x22,
            Self::Review(ReviewReason::Undivided) => 0x23,
            Self::Review(ReviewReason::Partial) => 0x24,
            Self::Review(ReviewReason::UnreadableRecord) => 0x25,
            Self::Review(ReviewReason::UnreadableClaim) => 0x26,
            Self::Mismatch => 0x30,
            Self::Absent => 0x40,
            Self::NotPermitted => 0x50,
            Self::Unavailable => 0x60,
        }
    }

    /// The verdict of a ledger code.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0x10 => Self::Match(MatchBasis::Exact),
            0x11 => Self::Match(MatchBasis::Normalized),
            0x12 => Self::Match(MatchBasis::Upgraded),
            0x13 => Self::Match(MatchBasis::Renamed),
            0x14 => Self::Match(MatchBasis::Predicate),
            0x20 => Self::Review(ReviewReason::Variant),
            0x21 => Self::Review(ReviewReason::Sentinel),
            0x22 => Self::Review(ReviewReason::GuessBudget),
            0x23 => Self::Review(ReviewReason::Undivided),
            0x24 => Self::Review(ReviewReason::Partial),
            0x25 => Self::Review(ReviewReason::UnreadableRecord),
            0x26 => Self::Review(ReviewReason::UnreadableClaim),
            0x30 => Self::Mismatch,
            0x40 => Self::Absent,
            0x50 => Self::NotPermitted,
            0x60 => Self::Unavailable,
            _ => return None,
        })
    }
}
