//! The one-time notice (一次性告知): what an applicant must still bring for a service item, and why, in Chinese and English.
//! It names materials and fields, never a value of a register, and nothing that the city already knows: `named ⊆ to be brought`
//! in its list, and those that the counter goes on with stand apart, as nothing to bring.

use super::label::Label;

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
            text: Label {
                zh: format!(
                    "“{}”所需的材料尚未在系统登记，无法判断您还需要提交什么，请以窗口按办事指南的告知为准。",
                    item.zh
                ),
                en: format!(
                    "What \"{}\" needs is not registered in the system, so it cannot tell what you must still bring. Go by what the counter tells you from the service guide.",
                    item.en
                ),
            },
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
    let mut text = match conclusion {
        Conclusion::ToBring => Label {
            zh: format!("办理“{}”，您还需要补充以下 {} 项：", item.zh, items.len()),
            en: format!("For \"{}\" you still need to bring ({}):", item.en, items.len()),
        },
        Conclusion::Pending | Conclusion::NotKnown => Label {
            zh: format!("办理“{}”，目前无需您提交任何材料。", item.zh),
            en: format!("For \"{}\" you need bring nothing for now.", item.en),
        },
        Conclusion::Complete => Label {
            zh: format!("办理“{}”所需的材料均已由本市核验，您无需再提交任何材料。", item.zh),
            en: format!(
                "Everything that \"{}\" needs has been verified by the city. You need bring nothing.",
                item.en
            ),
        },
    };
    for (number, (_, line)) in (1..).zip(items) {
        text.zh.push_str(&format!("\n{number}. {}", line.zh));
        text.en.push_str(&format!("\n{number}. {}", line.en));
    }
    if conclusion == Conclusion::ToBring {
        text.zh.push_str("\n未列出的材料无需您提交。");
        text.en.push_str("\nNothing else is needed of you.");
    }
    if !going_on.is_empty() {
        let Label { zh, en } = list(going_on);
        text.zh
            .push_str(&format!("\n以下材料由窗口继续核验，无需您提交：{zh}。"));
        text.en.push_str(&format!(
            "\nThe counter goes on verifying these; do not bring them: {en}."
        ));
    }
    text
}

/// Names one after another.
fn list(labels: &[&Label]) -> Label {
    let zh: Vec<&str> = labels.iter().map(|label| label.zh.as_str()).collect();
    let en: Vec<&str> = labels.iter().map(|label| label.en.as_str()).collect();
    Label {
        zh: zh.join("、"),
        en: en.join(", "),
    }
}

/// What must be brought of one material, and why.
fn why(line: &Line<'_>) -> Label {
    let name = line.name;
    let Label { zh, en } = reason(&line.standing);
    Label {
        zh: format!("{}：{zh}", name.zh),
        en: format!("{}: {en}", name.en),
    }
}

fn reason(standing: &Standing<'_>) -> Label {
    match standing {
        Standing::Mismatched { declared, demanded } => mismatched(declared, demanded),
        Standing::ValueMissing(labels) => {
            let Label { zh, en } = list(labels);
            say(
                format!("请提供{zh}，即可联网核验，无需提交纸质材料。"),
                format!("give {en}; it is then verified online, and no paper is needed."),
            )
        }
        Standing::FactMissing(question) => say(
            format!("请先说明：{}", question.zh),
            format!("please say first: {}", question.en),
        ),
        Standing::InvalidValue(labels) => {
            let Label { zh, en } = list(labels);
            say(
                format!("您提供的{zh}有误，请核对后重新提供。"),
                format!("{en} cannot be right as given; check it and give it again."),
            )
        }
        Standing::NotFound(labels) => {
            let Label { zh, en } = list(labels);
            say(
                format!("登记中没有查到您提供的{zh}，请核对；如无误，请携带原件。"),
                format!("the register knows of no such {en}; check it, and if it is right, bring the original."),
            )
        }
        Standing::Absent(labels) => {
            let Label { zh, en } = list(labels);
            say(
                format!("登记中没有{zh}，请提供能够证明的材料。"),
                format!("the register holds no {en}; bring something that proves it."),
            )
        }
        Standing::Withheld(basis) => say(
            format!("该数据依法不予共享（{basis}），请提供该材料。"),
            format!("the register is not shared by law ({basis}); bring the material."),
        ),
        Standing::NotVerifiable(reason) => say(
            format!("请提供该材料。不能联网核验的原因：{}", reason.zh),
            format!("bring it. It cannot be verified online: {}", reason.en),
        ),
        Standing::NotMapped => say(
            "请提供该材料；系统尚未登记它由哪个数据源核验。".to_owned(),
            "bring it; no register that proves it is known to the system yet.".to_owned(),
        ),
        Standing::Verified
        | Standing::NotNeeded
        | Standing::Review
        | Standing::Unavailable
        | Standing::NotGranted
        | Standing::CeilingReached => say("无需提交。".to_owned(), "nothing to bring.".to_owned()),
    }
}

fn mismatched(declared: &[&Label], demanded: &[&Label]) -> Label {
    let (said, wanted) = (list(declared), list(demanded));
    let of_said = say(
        format!(
            "您申报的{}与登记不一致，请核对；如申报无误，请携带原件，以便更正登记。",
            said.zh
        ),
        format!(
            "what you declared ({}) does not agree with the register. Check it; if it is right, bring the original, so that the register can be corrected.",
            said.en
        ),
    );
    let of_wanted = say(
        format!("登记的{}不符合本事项的要求，请提供符合要求的材料。", wanted.zh),
        format!(
            "what is registered ({}) does not meet what this item requires. Bring one that does.",
            wanted.en
        ),
    );
    match (declared.is_empty(), demanded.is_empty()) {
        (_, true) => of_said,
        (true, false) => of_wanted,
        (false, false) => say(
            format!("{}{}", of_said.zh, of_wanted.zh),
            format!("{} Also, {}", of_said.en, of_wanted.en),
        ),
    }
}

fn say(zh: String, en: String) -> Label {
    Label { zh, en }
}

#[cfg(test)]
mod tests;
