//! The one-time notice (一次性告知): what an applicant must still bring for a service item, which conditions are not met, and why, in
//! Chinese and English. It names materials, conditions and fields, never a value of a register, and nothing that the city already
//! knows. Each sentence holds for what was verified so far: that nothing else is needed is said only of an item whose list is complete.

use jiff::civil::Date;

use super::label::Label;
use heyan_texts::Locale;

/// What became of one material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing<'a> {
    /// The register agrees with everything.
    Verified,
    /// The condition does not hold, or it may be left out and was.
    NotNeeded,
    /// The register disagrees with what was declared.
    Mismatched {
        /// With what was declared of these.
        declared: Vec<&'a Label>,
        /// Conditions of the item that were not shown to hold.
        conditions: Vec<&'a Label>,
    },
    /// The register agrees with what was declared, and these conditions of the item are not met.
    ConditionNotMet(Vec<&'a Label>),
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
    /// No register can prove it, for this reason: the applicant brings it.
    NotVerifiable(&'a Label),
    /// No register can prove it, for this reason: the authority examines it.
    ByAuthority(&'a Label),
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
            Self::Mismatched { .. } | Self::ConditionNotMet(_) => "mismatched",
            Self::Review | Self::ByAuthority(_) => "review",
            Self::Unavailable | Self::NotGranted | Self::CeilingReached => "unavailable",
            _ => "ask_applicant",
        }
    }

    /// The reason on the wire, where the outcome alone does not say it.
    pub const fn reason(&self) -> Option<&'static str> {
        Some(match self {
            Self::Verified | Self::NotNeeded | Self::Mismatched { .. } | Self::Review => return None,
            Self::ConditionNotMet(_) => "condition_not_met",
            Self::ValueMissing(_) => "value_missing",
            Self::FactMissing(_) => "fact_missing",
            Self::InvalidValue(_) => "invalid_value",
            Self::NotFound(_) => "not_found",
            Self::Absent(_) => "absent",
            Self::Withheld(_) => "withheld",
            Self::NotVerifiable(_) | Self::ByAuthority(_) => "not_verifiable",
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
            Self::ConditionNotMet(_) => Turn::Condition,
            Self::ByAuthority(_) => Turn::Authority,
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
pub const REASONS: [&str; 12] = [
    "condition_not_met",
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
    /// Nothing that is brought changes it.
    Condition,
    /// The authority examines it in its own files.
    Authority,
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
    /// What else is told when it is asked for.
    pub note: Option<&'a Label>,
}

/// Whether a list of materials names everything that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListExtent {
    /// It does.
    Complete,
    /// Nobody has said so.
    Open,
}

/// What stands above a notice.
#[derive(Clone, Copy, Debug)]
pub struct NoticeHead<'a> {
    /// Name of the item.
    pub item: &'a Label,
    /// The agency that handles it.
    pub authority: Option<&'a Label>,
    /// Law or rule by which the item exists.
    pub legal_basis: &'a [Label],
    /// The applicant's matter at the agency.
    pub application_no: &'a str,
    /// The day of the check.
    pub date: Date,
    /// Whether its list names everything.
    pub list: ListExtent,
}

/// What the whole check comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// Everything on a complete list is verified.
    Complete,
    /// Everything that was asked is verified; the list is not said to be complete.
    VerifiedSoFar,
    /// The applicant must still bring something.
    ToBring,
    /// The applicant need bring nothing for now; the counter or the authority is not through.
    Pending,
    /// By what is registered, a condition of the item is not met.
    NotEligible,
    /// Nobody has registered what the item needs.
    NotKnown,
}

impl Conclusion {
    /// Every word.
    pub const ALL: [Self; 6] = [
        Self::Complete,
        Self::VerifiedSoFar,
        Self::ToBring,
        Self::Pending,
        Self::NotEligible,
        Self::NotKnown,
    ];

    /// The wire word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::VerifiedSoFar => "verified_so_far",
            Self::ToBring => "to_bring",
            Self::Pending => "pending",
            Self::NotEligible => "not_eligible",
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
    /// Conditions that are not met: key of the material that showed it, and which.
    pub conditions: Vec<(String, Label)>,
    /// What must be brought: key of the material, and why.
    pub items: Vec<(String, Label)>,
}

/// The notice of an item; `None`: what it needs is not known.
pub fn notice(head: &NoticeHead<'_>, lines: Option<&[Line<'_>]>) -> Notice {
    let body = match lines {
        Some(lines) => NoticeBody::of(lines),
        None => NoticeBody::default(),
    };
    let conclusion = match lines {
        Some(_) => body.conclusion(head.list),
        None => Conclusion::NotKnown,
    };
    let mut text = Paragraphs::default();
    put_head(&mut text, head);
    body.put(&mut text, head, conclusion);
    text.add(&Label::told("notice.remedy", &[]));
    Notice {
        conclusion,
        text: text.0,
        conditions: body.conditions,
        items: body.items,
    }
}

/// Lines of a text in both languages.
#[derive(Default)]
struct Paragraphs(Label);

impl Paragraphs {
    fn add(&mut self, line: &Label) {
        for (text, line) in [(&mut self.0.zh, &line.zh), (&mut self.0.en, &line.en)] {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(line);
        }
    }

    fn add_numbered(&mut self, lines: &[(String, Label)]) {
        for (number, (_, Label { zh, en })) in (1..).zip(lines) {
            self.add(&Label {
                zh: format!("{number}. {zh}"),
                en: format!("{number}. {en}"),
            });
        }
    }
}

fn put_head(text: &mut Paragraphs, head: &NoticeHead<'_>) {
    text.add(&Label::told("notice.head.title", &[head.item]));
    if let Some(authority) = head.authority {
        text.add(&Label::told("notice.head.authority", &[authority]));
    }
    let plain = |text: &str| Label::of(text, None);
    text.add(&Label::told("notice.head.application", &[&plain(head.application_no)]));
    text.add(&Label::told("notice.head.date", &[&plain(&head.date.to_string())]));
    if !head.legal_basis.is_empty() {
        let all: Vec<&Label> = head.legal_basis.iter().collect();
        text.add(&Label::told("notice.head.legal_basis", &[&list(&all)]));
    }
}

/// What a notice says below its head.
#[derive(Default)]
struct NoticeBody<'a> {
    verified: usize,
    conditions: Vec<(String, Label)>,
    items: Vec<(String, Label)>,
    counter: Vec<&'a Label>,
    authority: Vec<Label>,
    /// Whether the item needs nothing.
    is_empty: bool,
}

impl<'a> NoticeBody<'a> {
    fn of(lines: &[Line<'a>]) -> Self {
        let mut body = Self {
            is_empty: lines.is_empty(),
            ..Self::default()
        };
        // Several materials may hang on one question; it is asked once.
        let mut asked: Vec<&Label> = Vec::new();
        for line in lines {
            let is_required = line.necessity == Necessity::Required;
            match line.standing.turn() {
                Turn::Nobody => body.verified += usize::from(line.standing == Standing::Verified),
                _ if !is_required => {}
                Turn::Counter => body.counter.push(line.name),
                Turn::Authority => body.authority.push(examined(line)),
                Turn::Condition => body.conditions.push((line.id.to_owned(), why(line))),
                Turn::Applicant => {
                    if let Standing::FactMissing(question) = line.standing {
                        if asked.contains(&question) {
                            continue;
                        }
                        asked.push(question);
                    }
                    body.items.push((line.id.to_owned(), why(line)));
                }
            }
        }
        body
    }

    fn conclusion(&self, list: ListExtent) -> Conclusion {
        if !self.conditions.is_empty() {
            Conclusion::NotEligible
        } else if !self.items.is_empty() {
            Conclusion::ToBring
        } else if !self.counter.is_empty() || !self.authority.is_empty() {
            Conclusion::Pending
        } else if list == ListExtent::Complete || self.is_empty {
            Conclusion::Complete
        } else {
            Conclusion::VerifiedSoFar
        }
    }

    fn put(&self, text: &mut Paragraphs, head: &NoticeHead<'_>, conclusion: Conclusion) {
        let number = |count: usize| Label::of(&count.to_string(), None);
        let (to_bring, verified) = (number(self.items.len()), number(self.verified));
        text.add(&match conclusion {
            Conclusion::NotKnown => Label::told("notice.not_known", &[head.item]),
            Conclusion::Complete => Label::told("notice.complete", &[head.item]),
            Conclusion::VerifiedSoFar => Label::told("notice.verified_so_far", &[head.item, &verified]),
            Conclusion::Pending => Label::told("notice.pending", &[head.item]),
            Conclusion::ToBring => Label::told("notice.to_bring", &[head.item, &to_bring]),
            Conclusion::NotEligible => Label::told("notice.not_eligible", &[head.item]),
        });
        text.add_numbered(&self.conditions);
        if conclusion == Conclusion::NotEligible && !self.items.is_empty() {
            text.add(&Label::told("notice.besides", &[&to_bring]));
        }
        text.add_numbered(&self.items);
        if !self.authority.is_empty() {
            text.add(&Label::told(
                "notice.by_authority",
                &[&list(&self.authority.iter().collect::<Vec<_>>())],
            ));
        }
        if !self.counter.is_empty() {
            text.add(&Label::told("notice.counter", &[&list(&self.counter)]));
        }
        if matches!(conclusion, Conclusion::NotKnown | Conclusion::Complete) {
            return;
        }
        if self.verified > 0 && conclusion != Conclusion::VerifiedSoFar {
            text.add(&Label::told("notice.so_far", &[&verified]));
        }
        let is_last_word = conclusion == Conclusion::ToBring && self.counter.is_empty() && self.authority.is_empty();
        match head.list {
            ListExtent::Open => text.add(&Label::told("notice.list_open", &[])),
            ListExtent::Complete if is_last_word => text.add(&Label::told("notice.nothing_else", &[])),
            ListExtent::Complete => {}
        }
    }
}

/// What the authority examines, and why no register proves it.
fn examined(line: &Line<'_>) -> Label {
    match &line.standing {
        Standing::ByAuthority(reason) => Label::told("notice.examined", &[line.name, reason]),
        _ => line.name.clone(),
    }
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

/// What must be brought of one material, or which condition it shows not to be met, and why.
fn why(line: &Line<'_>) -> Label {
    let reason = reason(&line.standing);
    let told = match line.note.filter(|_| line.standing.turn() == Turn::Applicant) {
        Some(note) => Label::told("notice.both", &[&reason, note]),
        None => reason,
    };
    Label::told("notice.material", &[line.name, &told])
}

fn reason(standing: &Standing<'_>) -> Label {
    let of = |key: &str, labels: &[&Label]| Label::told(key, &[&list(labels)]);
    match standing {
        Standing::Mismatched { declared, conditions } => mismatched(declared, conditions),
        Standing::ConditionNotMet(conditions) => of("notice.reason.condition_not_met", conditions),
        Standing::ValueMissing(labels) => of("notice.reason.value_missing", labels),
        Standing::FactMissing(question) => Label::told("notice.reason.fact_missing", &[question]),
        Standing::InvalidValue(labels) => of("notice.reason.invalid_value", labels),
        Standing::NotFound(labels) => of("notice.reason.not_found", labels),
        Standing::Absent(labels) => of("notice.reason.absent", labels),
        Standing::Withheld(basis) => Label::told("notice.reason.withheld", &[&Label::of(basis, None)]),
        Standing::NotVerifiable(reason) => Label::told("notice.reason.not_verifiable", &[reason]),
        Standing::NotMapped => Label::told("notice.reason.not_mapped", &[]),
        Standing::Verified
        | Standing::NotNeeded
        | Standing::ByAuthority(_)
        | Standing::Review
        | Standing::Unavailable
        | Standing::NotGranted
        | Standing::CeilingReached => Label::told("notice.reason.nothing", &[]),
    }
}

/// With what was declared wrong, the conditions may have been held against somebody else's record: they are only named.
fn mismatched(declared: &[&Label], conditions: &[&Label]) -> Label {
    let of_declared = Label::told("notice.reason.mismatched", &[&list(declared)]);
    if conditions.is_empty() {
        return of_declared;
    }
    let also = Label::told("notice.reason.also_required", &[&list(conditions)]);
    Label::told("notice.both", &[&of_declared, &also])
}

#[cfg(test)]
mod tests;
