//! The one-time notice (一次性告知): what an applicant must still bring for a service item, and why, in Chinese and English.
//! It names materials and fields, never a value of a register, and nothing that the city already knows: `named ⊆ to be brought`
//! in its list, and those that the counter goes on with stand apart, as nothing to bring.

use super::label::Label;
use heyan_texts::Locale;

/// What became of one material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing<'a> {
    /// The register agrees with everything.
    Verified,
    /// The condition does not hold, or it may be left out and was.
    NotNeeded,
    /// The register disagrees.
    Mismatched {
        /// With what was declared of these.
        declared: Vec<&'a Label>,
        /// With what the item demands of these.
        demanded: Vec<&'a Label>,
    },
    /// A person of the counter must look.
    Review,
    /// These values have to be given; the register can then be asked.
    ValueMissing(Vec<&'a Label>),
    /// Whether it is needed hangs on this.
    FactMissing(&'a Label),
    /// These values cannot be what they claim to be.
    InvalidValue(Vec<&'a Label>),
    /// The register knows of no such thing; identified by these.
    NotFound(Vec<&'a Label>),
    /// The register holds no value of these.
    Absent(Vec<&'a Label>),
    /// The register is shared with nobody, for this reason.
    Withheld(String),
    /// No register can prove it, for this reason.
    NotVerifiable(&'a Label),
    /// Nobody has said which register proves it.
    NotMapped,
    /// The register could not be asked now.
    Unavailable,
    /// The agency holds no grant for it.
    NotGranted,
    /// The agency's look-ups of the day are used up.
    CeilingReached,
}

impl Standing<'_> {
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
    const fn turn(&self) -> Turn {
        match self {
            Self::Verified | Self::NotNeeded => Turn::Nobody,
            Self::Review | Self::Unavailable | Self::NotGranted | Self::CeilingReached => Turn::Counter,
            _ => Turn::Applicant,
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
enum Turn {
    Nobody,
    Applicant,
    Counter,
}

/// Whether a material may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Necessity {
    /// It may not.
    Required,
    /// It may: then nothing is asked for it.
    Optional,
}

/// One material of the item that was checked.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    /// Its key.
    pub id: &'a str,
    /// What people call it.
    pub name: &'a Label,
    /// Whether it may be left out.
    pub necessity: Necessity,
    /// What became of it.
    pub standing: Standing<'a>,
}

/// What the whole check comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// Nothing is left to do.
    Complete,
    /// The applicant must still bring something.
    ToBring,
    /// The applicant need bring nothing; the counter is not through.
    Pending,
    /// Nobody has registered what the item needs.
    NotKnown,
}

impl Conclusion {
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
    pub conclusion: Conclusion,
    /// The whole text.
    pub text: Label,
    /// What must be brought: key of the material, and why.
    pub items: Vec<(String, Label)>,
}

/// The notice of an item; `None`: what it needs is not known.
pub fn notice(item: &Label, lines: Option<&[Line<'_>]>) -> Notice {
    let Some(lines) = lines else {
        return Notice {
            conclusion: Conclusion::NotKnown,
            text: Label::told("notice.not_known", &[item]),
            items: Vec::new(),
        };
    };
    let turn = |wanted: Turn| {
        let counts = move |line: &&Line<'_>| line.standing.turn() == wanted && line.necessity == Necessity::Required;
        lines.iter().filter(counts)
    };
    // Several materials may hang on one question; it is asked once.
    let mut asked: Vec<&Label> = Vec::new();
    let mut items: Vec<(String, Label)> = Vec::new();
    for line in turn(Turn::Applicant) {
        if let Standing::FactMissing(question) = line.standing {
            if asked.contains(&question) {
                continue;
            }
            asked.push(question);
        }
        items.push((line.id.to_owned(), why(line)));
    }
    let going_on: Vec<&Label> = turn(Turn::Counter).map(|line| line.name).collect();
    let conclusion = match (items.is_empty(), going_on.is_empty()) {
        (false, _) => Conclusion::ToBring,
        (true, false) => Conclusion::Pending,
        (true, true) => Conclusion::Complete,
    };
    Notice {
        conclusion,
        text: whole(item, conclusion, &items, &going_on),
        items,
    }
}

fn whole(item: &Label, conclusion: Conclusion, items: &[(String, Label)], going_on: &[&Label]) -> Label {
    let count = Label::of(&items.len().to_string(), None);
    let mut text = match conclusion {
        Conclusion::ToBring => Label::told("notice.to_bring", &[item, &count]),
        Conclusion::Pending | Conclusion::NotKnown => Label::told("notice.pending", &[item]),
        Conclusion::Complete => Label::told("notice.complete", &[item]),
    };
    let mut add = |line: Label| {
        text.zh.push_str(&format!("\n{}", line.zh));
        text.en.push_str(&format!("\n{}", line.en));
    };
    for (number, (_, Label { zh, en })) in (1..).zip(items) {
        add(Label {
            zh: format!("{number}. {zh}"),
            en: format!("{number}. {en}"),
        });
    }
    if conclusion == Conclusion::ToBring {
        add(Label::told("notice.nothing_else", &[]));
    }
    if !going_on.is_empty() {
        add(Label::told("notice.counter", &[&list(going_on)]));
    }
    text
}

/// Names one after another.
fn list(labels: &[&Label]) -> Label {
    let comma = Label::told("notice.comma", &[]);
    let in_one = |locale| {
        let names: Vec<&str> = labels.iter().map(|label| label.get(locale)).collect();
        names.join(comma.get(locale))
    };
    Label {
        zh: in_one(Locale::ZhCn),
        en: in_one(Locale::En),
    }
}

/// What must be brought of one material, and why.
fn why(line: &Line<'_>) -> Label {
    Label::told("notice.material", &[line.name, &reason(&line.standing)])
}

fn reason(standing: &Standing<'_>) -> Label {
    match standing {
        Standing::Mismatched { declared, demanded } => mismatched(declared, demanded),
        Standing::ValueMissing(labels) => Label::told("notice.reason.value_missing", &[&list(labels)]),
        Standing::FactMissing(question) => Label::told("notice.reason.fact_missing", &[question]),
        Standing::InvalidValue(labels) => Label::told("notice.reason.invalid_value", &[&list(labels)]),
        Standing::NotFound(labels) => Label::told("notice.reason.not_found", &[&list(labels)]),
        Standing::Absent(labels) => Label::told("notice.reason.absent", &[&list(labels)]),
        Standing::Withheld(basis) => Label::told("notice.reason.withheld", &[&Label::of(basis, None)]),
        Standing::NotVerifiable(reason) => Label::told("notice.reason.not_verifiable", &[reason]),
        Standing::NotMapped => Label::told("notice.reason.not_mapped", &[]),
        Standing::Verified
        | Standing::NotNeeded
        | Standing::Review
        | Standing::Unavailable
        | Standing::NotGranted
        | Standing::CeilingReached => Label::told("notice.reason.nothing", &[]),
    }
}

fn mismatched(declared: &[&Label], demanded: &[&Label]) -> Label {
    let of_said = Label::told("notice.reason.mismatched_declared", &[&list(declared)]);
    let of_wanted = Label::told("notice.reason.mismatched_demanded", &[&list(demanded)]);
    match (declared.is_empty(), demanded.is_empty()) {
        (_, true) => of_said,
        (true, false) => of_wanted,
        (false, false) => Label::told("notice.both", &[&of_said, &of_wanted]),
    }
}

#[cfg(test)]
mod tests;
