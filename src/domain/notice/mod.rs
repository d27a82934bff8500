//! The one-time notice (一次性告知): what an applicant must still bring for a service item, which conditions are not met, and why, in
//! Chinese and English. It names materials, conditions and fields, never a value of a register, and nothing that the city already
//! knows. Each sentence holds for what was verified so far: that nothing else is needed is said only of an item whose list is complete.

use jiff::civil::Date;

use super::label::BilingualLabel;
use heyan_texts::Locale;

/// What became of one material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MaterialStanding<'a> {
    /// The register agrees with everything.
    Verified,
    /// The condition does not hold, or it may be left out and was.
    NotNeeded,
    /// The register disagrees with what was declared.
    Mismatched {
        /// With what was declared of these.
        declared: Vec<&'a BilingualLabel>,
        /// Conditions of the item that were not shown to hold.
        conditions: Vec<&'a BilingualLabel>,
    },
    /// The register agrees with what was declared, and these conditions of the item are not met.
    ConditionNotMet(Vec<&'a BilingualLabel>),
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
    /// The register is not shared, for this reason.
    Withheld(String),
    /// No register can prove it, for this reason: the applicant brings it.
    NotVerifiable(&'a BilingualLabel),
    /// No register can prove it, for this reason: the authority examines it.
    ByAuthority(&'a BilingualLabel),
    /// It is not registered which register proves it.
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
    const fn turn(&self) -> SentenceTurn {
        match self {
            Self::Verified | Self::NotNeeded => SentenceTurn::Nobody,
            Self::ConditionNotMet(_) => SentenceTurn::Condition,
            Self::ByAuthority(_) => SentenceTurn::Authority,
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
enum SentenceTurn {
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
    /// Its result.
    pub standing: MaterialStanding<'a>,
    /// What else is told when it is asked for.
    pub note: Option<&'a BilingualLabel>,
}

/// Whether a list of materials names everything that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListExtent {
    /// It does.
    Complete,
    /// The item does not say so.
    Open,
}

/// What stands above a notice.
#[derive(Clone, Copy, Debug)]
pub struct NoticeHead<'a> {
    /// Name of the item.
    pub item: &'a BilingualLabel,
    /// The agency that handles it.
    pub authority: Option<&'a BilingualLabel>,
    /// Law or rule by which the item exists.
    pub legal_basis: &'a [BilingualLabel],
    /// The applicant's matter at the agency.
    pub application_no: &'a str,
    /// The day of the check.
    pub date: Date,
    /// Whether its list names everything.
    pub list: ListExtent,
}

/// What the whole check comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckConclusion {
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
    /// It is not registered what the item needs.
    NotKnown,
}

impl CheckConclusion {
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
    pub conclusion: CheckConclusion,
    /// The whole text.
    pub text: BilingualLabel,
    /// Conditions that are not met: key of the material that showed it, and which.
    pub conditions: Vec<(String, BilingualLabel)>,
    /// What must be brought: key of the material, and why.
    pub items: Vec<(String, BilingualLabel)>,
}

/// The notice of an item; `None`: what it needs is not known.
pub fn notice(head: &NoticeHead<'_>, lines: Option<&[NoticeLine<'_>]>) -> Notice {
    let body = match lines {
        Some(lines) => NoticeBody::of(lines),
        None => NoticeBody::default(),
    };
    let conclusion = match lines {
        Some(_) => body.conclusion(head.list),
        None => CheckConclusion::NotKnown,
    };
    let mut text = Paragraphs::default();
    put_head(&mut text, head);
    body.put(&mut text, head, conclusion);
    text.add(&BilingualLabel::told("notice.remedy", &[]));
    Notice {
        conclusion,
        text: text.0,
        conditions: body.conditions,
        items: body.items,
    }
}

/// Lines of a text in both languages.
#[derive(Default)]
struct Paragraphs(BilingualLabel);

impl Paragraphs {
    fn add(&mut self, line: &BilingualLabel) {
        for (text, line) in [(&mut self.0.zh, &line.zh), (&mut self.0.en, &line.en)] {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(line);
        }
    }

    fn add_numbered(&mut self, lines: &[(String, BilingualLabel)]) {
        for (number, (_, BilingualLabel { zh, en })) in (1..).zip(lines) {
            self.add(&BilingualLabel {
                zh: format!("{number}. {zh}"),
                en: format!("{number}. {en}"),
            });
        }
    }
}

fn put_head(text: &mut Paragraphs, head: &NoticeHead<'_>) {
    text.add(&BilingualLabel::told("notice.head.title", &[head.item]));
    if let Some(authority) = head.authority {
        text.add(&BilingualLabel::told("notice.head.authority", &[authority]));
    }
    let plain = |text: &str| BilingualLabel::of(text, None);
    text.add(&BilingualLabel::told(
        "notice.head.application",
        &[&plain(head.application_no)],
    ));
    text.add(&BilingualLabel::told(
        "notice.head.date",
        &[&plain(&head.date.to_string())],
    ));
    if !head.legal_basis.is_empty() {
        let all: Vec<&BilingualLabel> = head.legal_basis.iter().collect();
        text.add(&BilingualLabel::told("notice.head.legal_basis", &[&list(&all)]));
    }
}

/// What a notice says below its head.
#[derive(Default)]
struct NoticeBody<'a> {
    verified: usize,
    conditions: Vec<(String, BilingualLabel)>,
    items: Vec<(String, BilingualLabel)>,
    counter: Vec<&'a BilingualLabel>,
    authority: Vec<BilingualLabel>,
    /// Whether the item needs nothing.
    is_empty: bool,
}

impl<'a> NoticeBody<'a> {
    fn of(lines: &[NoticeLine<'a>]) -> Self {
        let mut body = Self {
            is_empty: lines.is_empty(),
            ..Self::default()
        };
        // Several materials may hang on one question; it is asked once.
        let mut asked: Vec<&BilingualLabel> = Vec::new();
        for line in lines {
            let is_required = line.necessity == MaterialNecessity::Required;
            match line.standing.turn() {
                SentenceTurn::Nobody => body.verified += usize::from(line.standing == MaterialStanding::Verified),
                _ if !is_required => {}
                SentenceTurn::Counter => body.counter.push(line.name),
                SentenceTurn::Authority => body.authority.push(examined(line)),
                SentenceTurn::Condition => body.conditions.push((line.id.to_owned(), why(line))),
                SentenceTurn::Applicant => {
                    if let MaterialStanding::FactMissing(question) = line.standing {
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

    fn conclusion(&self, list: ListExtent) -> CheckConclusion {
        if !self.conditions.is_empty() {
            CheckConclusion::NotEligible
        } else if !self.items.is_empty() {
            CheckConclusion::ToBring
        } else if !self.counter.is_empty() || !self.authority.is_empty() {
            CheckConclusion::Pending
        } else if list == ListExtent::Complete || self.is_empty {
            CheckConclusion::Complete
        } else {
            CheckConclusion::VerifiedSoFar
        }
    }

    fn put(&self, text: &mut Paragraphs, head: &NoticeHead<'_>, conclusion: CheckConclusion) {
        let number = |count: usize| BilingualLabel::of(&count.to_string(), None);
        let (to_bring, verified) = (number(self.items.len()), number(self.verified));
        text.add(&match conclusion {
            CheckConclusion::NotKnown => BilingualLabel::told("notice.not_known", &[head.item]),
            CheckConclusion::Complete => BilingualLabel::told("notice.complete", &[head.item]),
            CheckConclusion::VerifiedSoFar => BilingualLabel::told("notice.verified_so_far", &[head.item, &verified]),
            CheckConclusion::Pending => BilingualLabel::told("notice.pending", &[head.item]),
            CheckConclusion::ToBring => BilingualLabel::told("notice.to_bring", &[head.item, &to_bring]),
            CheckConclusion::NotEligible => BilingualLabel::told("notice.not_eligible", &[head.item]),
        });
        text.add_numbered(&self.conditions);
        if conclusion == CheckConclusion::NotEligible && !self.items.is_empty() {
            text.add(&BilingualLabel::told("notice.besides", &[&to_bring]));
        }
        text.add_numbered(&self.items);
        if !self.authority.is_empty() {
            text.add(&BilingualLabel::told(
                "notice.by_authority",
                &[&list(&self.authority.iter().collect::<Vec<_>>())],
            ));
        }
        if !self.counter.is_empty() {
            text.add(&BilingualLabel::told("notice.counter", &[&list(&self.counter)]));
        }
        if matches!(conclusion, CheckConclusion::NotKnown | CheckConclusion::Complete) {
            return;
        }
        if self.verified > 0 && conclusion != CheckConclusion::VerifiedSoFar {
            text.add(&BilingualLabel::told("notice.so_far", &[&verified]));
        }
        let is_last_word =
            conclusion == CheckConclusion::ToBring && self.counter.is_empty() && self.authority.is_empty();
        match head.list {
            ListExtent::Open => text.add(&BilingualLabel::told("notice.list_open", &[])),
            ListExtent::Complete if is_last_word => text.add(&BilingualLabel::told("notice.nothing_else", &[])),
            ListExtent::Complete => {}
        }
    }
}

/// What the authority examines, and why no register proves it.
fn examined(line: &NoticeLine<'_>) -> BilingualLabel {
    match &line.standing {
        MaterialStanding::ByAuthority(reason) => BilingualLabel::told("notice.examined", &[line.name, reason]),
        _ => line.name.clone(),
    }
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

/// What must be brought of one material, or which condition it shows not to be met, and why.
fn why(line: &NoticeLine<'_>) -> BilingualLabel {
    let reason = reason(&line.standing);
    let told = match line.note.filter(|_| line.standing.turn() == SentenceTurn::Applicant) {
        Some(note) => BilingualLabel::told("notice.both", &[&reason, note]),
        None => reason,
    };
    BilingualLabel::told("notice.material", &[line.name, &told])
}

fn reason(standing: &MaterialStanding<'_>) -> BilingualLabel {
    let of = |key: &str, labels: &[&BilingualLabel]| BilingualLabel::told(key, &[&list(labels)]);
    match standing {
        MaterialStanding::Mismatched { declared, conditions } => mismatched(declared, conditions),
        MaterialStanding::ConditionNotMet(conditions) => of("notice.reason.condition_not_met", conditions),
        MaterialStanding::ValueMissing(labels) => of("notice.reason.value_missing", labels),
        MaterialStanding::FactMissing(question) => BilingualLabel::told("notice.reason.fact_missing", &[question]),
        MaterialStanding::InvalidValue(labels) => of("notice.reason.invalid_value", labels),
        MaterialStanding::NotFound(labels) => of("notice.reason.not_found", labels),
        MaterialStanding::Absent(labels) => of("notice.reason.absent", labels),
        MaterialStanding::Withheld(basis) => {
            BilingualLabel::told("notice.reason.withheld", &[&BilingualLabel::of(basis, None)])
        }
        MaterialStanding::NotVerifiable(reason) => BilingualLabel::told("notice.reason.not_verifiable", &[reason]),
        MaterialStanding::NotMapped => BilingualLabel::told("notice.reason.not_mapped", &[]),
        MaterialStanding::Verified
        | MaterialStanding::NotNeeded
        | MaterialStanding::ByAuthority(_)
        | MaterialStanding::Review
        | MaterialStanding::Unavailable
        | MaterialStanding::NotGranted
        | MaterialStanding::CeilingReached => BilingualLabel::told("notice.reason.nothing", &[]),
    }
}

/// With what was declared wrong, the conditions may have been held against somebody else's record: they are only named.
fn mismatched(declared: &[&BilingualLabel], conditions: &[&BilingualLabel]) -> BilingualLabel {
    let of_declared = BilingualLabel::told("notice.reason.mismatched", &[&list(declared)]);
    if conditions.is_empty() {
        return of_declared;
    }
    let also = BilingualLabel::told("notice.reason.also_required", &[&list(conditions)]);
    BilingualLabel::told("notice.both", &[&of_declared, &also])
}

#[cfg(test)]
mod tests;
