//! The one-time notice (一次性告知): what an applicant must still bring for a service item, and why, in Chinese and English.
//! It names materials and fields, never a value of a register, and nothing that the city already knows: `named ⊆ to be brought`
//! in its list, and those that the counter goes on with stand apart, as nothing to bring.

use super::label::BilingualLabel;
use heyan_texts::Locale;

/// What became of one material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MaterialStanding<'a> {
    /// The register agrees with everything.
    Verified,
    /// The condition does not hold, or it may be left out and was.
    NotNeeded,
    /// The register disagrees.
    Mismatched {
        /// With what was declared of these.
        declared: Vec<&'a BilingualLabel>,
        /// With what the item demands of these.
        demanded: Vec<&'a BilingualLabel>,
    },
    /// A person of the counter must look.
    Review,
    /// These values have to be given; the register can then be asked.
    ValueMissing(Vec<&'a BilingualLabel>),
    /// Whether it is needed hangs on this.
    FactMissing(&'a BilingualLabel),
    /// These values cannot be what they claim to be.
    InvalidValue(Vec<&'a BilingualLabel>),
    /// The register knows of no such thing; identified by these.
    NotFound(Vec<&'a BilingualLabel>),
    /// The register holds no value of these.
    Absent(Vec<&'a BilingualLabel>),
    /// The register is shared with nobody, for this reason.
    Withheld(String),
    /// No register can prove it, for this reason.
    NotVerifiable(&'a BilingualLabel),
    /// Nobody has said which register proves it.
    NotMapped,
    /// The register could not be asked now.
    Unavailable,
    /// The agency holds no grant for it.
    NotGranted,
    /// The agency's look-ups of the day are used up.
    CeilingReached,
}

impl MaterialStanding<'_> {
    /// The outcome on the wire.
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::NotNeeded => "not_needed",
            Self::Mismatched { .. } => "mismatched",
            Self::Review => "review",
            Self::Unavailable | Self::NotGranted | Self::CeilingReached => "unavailable",
            _ => "ask_applicant",
        }
    }

    /// The reason on the wire, where the outcome alone does not say it.
    pub const fn reason(&self) -> Option<&'static str> {
        Some(match self {
            Self::Verified | Self::NotNeeded | Self::Mismatched { .. } | Self::Review => return None,
            Self::ValueMissing(_) => "value_missing",
            Self::FactMissing(_) => "fact_missing",
            Self::InvalidValue(_) => "invalid_value",
            Self::NotFound(_) => "not_found",
            Self::Absent(_) => "absent",
            Self::Withheld(_) => "withheld",
            Self::NotVerifiable(_) => "not_verifiable",
            Self::NotMapped => "not_mapped",
            Self::Unavailable => "source_unavailable",
            Self::NotGranted => "not_granted",
            Self::CeilingReached => "ceiling_reached",
        })
    }

    /// Who has something to do.
    const fn turn(&self) -> SentenceTurn {
        match self {
            Self::Verified | Self::NotNeeded => SentenceTurn::Nobody,
            Self::Review | Self::Unavailable | Self::NotGranted | Self::CeilingReached => SentenceTurn::Counter,
            _ => SentenceTurn::Applicant,
        }
    }
}

/// Every outcome of a material, and every reason.
pub const OUTCOMES: [&str; 6] = [
    "verified",
    "mismatched",
    "review",
    "ask_applicant",
    "unavailable",
    "not_needed",
];
/// Every reason.
pub const REASONS: [&str; 11] = [
    "value_missing",
    "fact_missing",
    "invalid_value",
    "not_found",
    "absent",
    "withheld",
    "not_verifiable",
    "not_mapped",
    "source_unavailable",
    "not_granted",
    "ceiling_reached",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum SentenceTurn {
    Nobody,
    Applicant,
    Counter,
}

/// Whether a material may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaterialNecessity {
    /// It may not.
    Required,
    /// It may: then nothing is asked for it.
    Optional,
}

/// One material of the item that was checked.
#[derive(Clone, Debug)]
pub struct NoticeLine<'a> {
    /// Its key.
    pub id: &'a str,
    /// What people call it.
    pub name: &'a BilingualLabel,
    /// Whether it may be left out.
    pub necessity: MaterialNecessity,
    /// What became of it.
    pub standing: MaterialStanding<'a>,
}

/// What the whole check comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckConclusion {
    /// Nothing is left to do.
    Complete,
    /// The applicant must still bring something.
    ToBring,
    /// The applicant need bring nothing; the counter is not through.
    Pending,
    /// Nobody has registered what the item needs.
    NotKnown,
}

impl CheckConclusion {
    /// Every word.
    pub const ALL: [Self; 4] = [Self::Complete, Self::ToBring, Self::Pending, Self::NotKnown];

    /// The wire word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::ToBring => "to_bring",
            Self::Pending => "pending",
            Self::NotKnown => "not_known",
        }
    }
}

/// A notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What the check comes to.
    pub conclusion: CheckConclusion,
    /// The whole text.
    pub text: BilingualLabel,
    /// What must be brought: key of the material, and why.
    pub items: Vec<(String, BilingualLabel)>,
}

/// The notice of an item; `None`: what it needs is not known.
pub fn notice(item: &BilingualLabel, lines: Option<&[NoticeLine<'_>]>) -> Notice {
    let Some(lines) = lines else {
        return Notice {
            conclusion: CheckConclusion::NotKnown,
            text: BilingualLabel::told("notice.not_known", &[item]),
            items: Vec::new(),
        };
    };
    let turn = |wanted: SentenceTurn| {
        let counts = move |line: &&NoticeLine<'_>| {
            line.standing.turn() == wanted && line.necessity == MaterialNecessity::Required
        };
        lines.iter().filter(counts)
    };
    // Several materials may hang on one question; it is asked once.
    let mut asked: Vec<&BilingualLabel> = Vec::new();
    let mut items: Vec<(String, BilingualLabel)> = Vec::new();
    for line in turn(SentenceTurn::Applicant) {
        if let MaterialStanding::FactMissing(question) = line.standing {
            if asked.contains(&question) {
                continue;
            }
            asked.push(question);
        }
        items.push((line.id.to_owned(), why(line)));
    }
    let going_on: Vec<&BilingualLabel> = turn(SentenceTurn::Counter).map(|line| line.name).collect();
    let conclusion = match (items.is_empty(), going_on.is_empty()) {
        (false, _) => CheckConclusion::ToBring,
        (true, false) => CheckConclusion::Pending,
        (true, true) => CheckConclusion::Complete,
    };
    Notice {
        conclusion,
        text: whole(item, conclusion, &items, &going_on),
        items,
    }
}

fn whole(
    item: &BilingualLabel,
    conclusion: CheckConclusion,
    items: &[(String, BilingualLabel)],
    going_on: &[&BilingualLabel],
) -> BilingualLabel {
    let count = BilingualLabel::of(&items.len().to_string(), None);
    let mut text = match conclusion {
        CheckConclusion::ToBring => BilingualLabel::told("notice.to_bring", &[item, &count]),
        CheckConclusion::Pending | CheckConclusion::NotKnown => BilingualLabel::told("notice.pending", &[item]),
        CheckConclusion::Complete => BilingualLabel::told("notice.complete", &[item]),
    };
    let mut add = |line: BilingualLabel| {
        text.zh.push_str(&format!("\n{}", line.zh));
        text.en.push_str(&format!("\n{}", line.en));
    };
    for (number, (_, BilingualLabel { zh, en })) in (1..).zip(items) {
        add(BilingualLabel {
            zh: format!("{number}. {zh}"),
            en: format!("{number}. {en}"),
        });
    }
    if conclusion == CheckConclusion::ToBring {
        add(BilingualLabel::told("notice.nothing_else", &[]));
    }
    if !going_on.is_empty() {
        add(BilingualLabel::told("notice.counter", &[&list(going_on)]));
    }
    text
}

/// Names one after another.
fn list(labels: &[&BilingualLabel]) -> BilingualLabel {
    let comma = BilingualLabel::told("notice.comma", &[]);
    let in_one = |locale| {
        let names: Vec<&str> = labels.iter().map(|label| label.get(locale)).collect();
        names.join(comma.get(locale))
    };
    BilingualLabel {
        zh: in_one(Locale::ZhCn),
        en: in_one(Locale::En),
    }
}

/// What must be brought of one material, and why.
fn why(line: &NoticeLine<'_>) -> BilingualLabel {
    BilingualLabel::told("notice.material", &[line.name, &reason(&line.standing)])
}

fn reason(standing: &MaterialStanding<'_>) -> BilingualLabel {
    match standing {
        MaterialStanding::Mismatched { declared, demanded } => mismatched(declared, demanded),
        MaterialStanding::ValueMissing(labels) => BilingualLabel::told("notice.reason.value_missing", &[&list(labels)]),
        MaterialStanding::FactMissing(question) => BilingualLabel::told("notice.reason.fact_missing", &[question]),
        MaterialStanding::InvalidValue(labels) => BilingualLabel::told("notice.reason.invalid_value", &[&list(labels)]),
        MaterialStanding::NotFound(labels) => BilingualLabel::told("notice.reason.not_found", &[&list(labels)]),
        MaterialStanding::Absent(labels) => BilingualLabel::told("notice.reason.absent", &[&list(labels)]),
        MaterialStanding::Withheld(basis) => {
            BilingualLabel::told("notice.reason.withheld", &[&BilingualLabel::of(basis, None)])
        }
        MaterialStanding::NotVerifiable(reason) => BilingualLabel::told("notice.reason.not_verifiable", &[reason]),
        MaterialStanding::NotMapped => BilingualLabel::told("notice.reason.not_mapped", &[]),
        MaterialStanding::Verified
        | MaterialStanding::NotNeeded
        | MaterialStanding::Review
        | MaterialStanding::Unavailable
        | MaterialStanding::NotGranted
        | MaterialStanding::CeilingReached => BilingualLabel::told("notice.reason.nothing", &[]),
    }
}

fn mismatched(declared: &[&BilingualLabel], demanded: &[&BilingualLabel]) -> BilingualLabel {
    let of_said = BilingualLabel::told("notice.reason.mismatched_declared", &[&list(declared)]);
    let of_wanted = BilingualLabel::told("notice.reason.mismatched_demanded", &[&list(demanded)]);
    match (declared.is_empty(), demanded.is_empty()) {
        (_, true) => of_said,
        (true, false) => of_wanted,
        (false, false) => BilingualLabel::told("notice.both", &[&of_said, &of_wanted]),
    }
}

#[cfg(test)]
mod tests;
