//! The notice held against a table that was written by hand: what each standing says in each language, and to whom.

use super::*;

fn label(zh: &str, en: &str) -> BilingualLabel {
    BilingualLabel::of(zh, Some(en))
}

/// Who has something to do, by the table.
#[derive(Clone, Copy, PartialEq)]
enum Whose {
    Nobody,
    Applicant,
    Counter,
    Authority,
    /// A condition is not met.
    Condition,
}

/// What a standing must say.
struct Row<'a> {
    standing: MaterialStanding<'a>,
    outcome: &'static str,
    reason: Option<&'static str>,
    /// Its line behind the material's name; `None`: it is not listed.
    line: Option<(&'static str, &'static str)>,
    whose: Whose,
}

fn bring<'a>(
    standing: MaterialStanding<'a>,
    outcome: &'static str,
    reason: Option<&'static str>,
    zh: &'static str,
    en: &'static str,
) -> Row<'a> {
    Row {
        standing,
        outcome,
        reason,
        line: Some((zh, en)),
        whose: Whose::Applicant,
    }
}

fn none<'a>(
    standing: MaterialStanding<'a>,
    outcome: &'static str,
    reason: Option<&'static str>,
    whose: Whose,
) -> Row<'a> {
    Row {
        line: None,
        whose,
        ..bring(standing, outcome, reason, "", "")
    }
}

struct Labels {
    name: BilingualLabel,
    number: BilingualLabel,
    until: BilingualLabel,
    why: BilingualLabel,
    question: BilingualLabel,
    adult: BilingualLabel,
}

fn labels() -> Labels {
    Labels {
        name: label("姓名", "Name"),
        number: label("证书编号", "Certificate number"),
        until: label("有效期截止", "Valid until"),
        why: label("合同由双方自行签订。", "The parties sign it between themselves."),
        question: label("经营场所是否租赁？", "Are the premises leased?"),
        adult: label("年满18周岁", "18 years old or older"),
    }
}

fn told_to_mend(l: &Labels) -> Vec<Row<'_>> {
    let mismatched = |declared, conditions| MaterialStanding::Mismatched { declared, conditions };
    vec![
        bring(
            mismatched(vec![&l.name], vec![]),
            "mismatched",
            None,
            "您申报的姓名与登记不一致，请核对；如申报无误，请携带能够证明的材料，以便更正登记。",
            "what you declared (Name) does not agree with the register. Check it; if it is right, bring something that proves it, so that the register can be corrected.",
        ),
        bring(
            mismatched(vec![&l.name, &l.number], vec![&l.adult]),
            "mismatched",
            None,
            "您申报的姓名、证书编号与登记不一致，请核对；如申报无误，请携带能够证明的材料，以便更正登记。本事项还要求：年满18周岁；按您申报的信息未能核实。",
            "what you declared (Name, Certificate number) does not agree with the register. Check it; if it is right, bring something that proves it, so that the register can be corrected. This item also requires: 18 years old or older; this could not be confirmed from what you declared.",
        ),
        bring(
            MaterialStanding::ValueMissing(vec![&l.number, &l.name]),
            "ask_applicant",
            Some("value_missing"),
            "请提供证书编号、姓名，以便联网核验；核验一致的，无需提交纸质件。",
            "give Certificate number, Name, so that it can be verified online; if the register agrees, no paper is needed.",
        ),
        bring(
            MaterialStanding::InvalidValue(vec![&l.number]),
            "ask_applicant",
            Some("invalid_value"),
            "您提供的证书编号有误，请核对后重新提供。",
            "Certificate number is not valid as given; check it and give it again.",
        ),
        bring(
            MaterialStanding::FactMissing(&l.question),
            "ask_applicant",
            Some("fact_missing"),
            "请先说明：经营场所是否租赁？",
            "please answer first: Are the premises leased?",
        ),
    ]
}

fn told_to_bring(l: &Labels) -> Vec<Row<'_>> {
    vec![
        bring(
            MaterialStanding::NotFound(vec![&l.number]),
            "ask_applicant",
            Some("not_found"),
            "登记中没有查到您提供的证书编号，请核对；如无误，请携带能够证明的材料。",
            "the register has no record of the Certificate number that you gave; check it, and if it is right, bring something that proves it.",
        ),
        bring(
            MaterialStanding::Absent(vec![&l.until]),
            "ask_applicant",
            Some("absent"),
            "登记中没有有效期截止，请提供能够证明的材料。",
            "the register has no value for Valid until; bring something that proves it.",
        ),
        bring(
            MaterialStanding::Withheld("《某法》第一条".to_owned()),
            "ask_applicant",
            Some("withheld"),
            "该数据依法不予共享（《某法》第一条），请提供该材料。",
            "by law the register is not shared (《某法》第一条); bring the material.",
        ),
        bring(
            MaterialStanding::NotVerifiable(&l.why),
            "ask_applicant",
            Some("not_verifiable"),
            "请提供该材料。不能联网核验的原因：合同由双方自行签订。",
            "bring it. It cannot be verified online: The parties sign it between themselves.",
        ),
        bring(
            MaterialStanding::NotMapped,
            "ask_applicant",
            Some("not_mapped"),
            "请提供该材料；系统尚未登记它由哪个数据源核验。",
            "bring it; the system does not know yet which register proves it.",
        ),
    ]
}

fn rows(l: &Labels) -> Vec<Row<'_>> {
    let mut rows = told_to_mend(l);
    rows.extend(told_to_bring(l));
    rows.push(Row {
        standing: MaterialStanding::ConditionNotMet(vec![&l.adult]),
        outcome: "mismatched",
        reason: Some("condition_not_met"),
        line: Some((
            "登记信息不符合以下办理条件：年满18周岁。",
            "what is registered does not meet this condition: 18 years old or older.",
        )),
        whose: Whose::Condition,
    });
    rows.extend([
        none(MaterialStanding::Verified, "verified", None, Whose::Nobody),
        none(MaterialStanding::NotNeeded, "not_needed", None, Whose::Nobody),
        none(MaterialStanding::Review, "review", None, Whose::Counter),
        none(
            MaterialStanding::ByAuthority(&l.why),
            "review",
            Some("not_verifiable"),
            Whose::Authority,
        ),
        none(
            MaterialStanding::Unavailable,
            "unavailable",
            Some("source_unavailable"),
            Whose::Counter,
        ),
        none(
            MaterialStanding::NotGranted,
            "unavailable",
            Some("not_granted"),
            Whose::Counter,
        ),
        none(
            MaterialStanding::CeilingReached,
            "unavailable",
            Some("ceiling_reached"),
            Whose::Counter,
        ),
    ]);
    rows
}

const HEAD_ZH: &str =
    "一次性告知：开办餐馆\n受理机关：市监局\n申请编号：A-1\n告知日期：2026-12-01\n设定依据：《某法》第一条\n";
const HEAD_EN: &str = "One-time notice: Open a restaurant\nAuthority: The bureau\nApplication number: A-1\nDate: 2026-12-01\nLegal basis: A law, Article 1\n";
const REMEDY_ZH: &str = "\n认为登记信息有误的，可以向受理机关提出，由数据源部门核实更正；对办理结果不服的，可以依法申请行政复议或者提起行政诉讼。";
const REMEDY_EN: &str = "\nIf you think that a register is wrong, tell the authority; the department that owns the data examines and corrects it. Against the decision on your application you may apply for administrative reconsideration or bring an administrative action as the law provides.";

struct HeadLabels {
    item: BilingualLabel,
    authority: BilingualLabel,
    basis: [BilingualLabel; 1],
}

fn head_labels() -> HeadLabels {
    HeadLabels {
        item: label("开办餐馆", "Open a restaurant"),
        authority: label("市监局", "The bureau"),
        basis: [label("《某法》第一条", "A law, Article 1")],
    }
}

fn head(labels: &HeadLabels, list: ListExtent) -> NoticeHead<'_> {
    NoticeHead {
        item: &labels.item,
        authority: Some(&labels.authority),
        legal_basis: &labels.basis,
        application_no: "A-1",
        date: jiff::civil::date(2026, 12, 1),
        list,
    }
}

/// The conclusion, and its sentence.
fn opening(
    (is_unmet, n, is_pending, verified): (bool, usize, bool, usize),
    list: ListExtent,
) -> (&'static str, String, String) {
    if is_unmet {
        (
            "not_eligible",
            "办理“开办餐馆”，按登记信息不符合办理条件：".to_owned(),
            "By what is registered, the conditions of \"Open a restaurant\" are not met:".to_owned(),
        )
    } else if n > 0 {
        (
            "to_bring",
            format!("办理“开办餐馆”，您还需要补充以下 {n} 项："),
            format!("For \"Open a restaurant\" you still need to bring ({n}):"),
        )
    } else if is_pending {
        (
            "pending",
            "办理“开办餐馆”，目前没有需要您补充的材料；核验尚未全部完成。".to_owned(),
            "For \"Open a restaurant\" you do not need to bring anything for now. The verification is not finished."
                .to_owned(),
        )
    } else if list == ListExtent::Complete {
        (
            "complete",
            "办理“开办餐馆”所需的材料均已由本市核验，您无需再提交任何材料。".to_owned(),
            "Everything that \"Open a restaurant\" needs has been verified by the city. You do not need to bring anything."
                .to_owned(),
        )
    } else {
        (
            "verified_so_far",
            format!("办理“开办餐馆”，截至目前已联网核验 {verified} 项，均与登记一致，目前没有需要您补充的材料。"),
            format!(
                "For \"Open a restaurant\" the registers agree with everything verified so far ({verified}). You do not need to bring anything for now."
            ),
        )
    }
}

/// What the authority examines and the counter goes on with.
fn put_unfinished(
    authority: &[(&Row<'_>, &BilingualLabel)],
    counter: &[(&Row<'_>, &BilingualLabel)],
    (zh, en): (&mut String, &mut String),
) {
    let names = |rows: &[(&Row<'_>, &BilingualLabel)], pick: fn(&BilingualLabel) -> &str| {
        rows.iter().map(|(_, name)| pick(name).to_owned()).collect::<Vec<_>>()
    };
    if !authority.is_empty() {
        let why_zh: Vec<String> = names(authority, |l| &l.zh)
            .iter()
            .map(|name| format!("{name}（合同由双方自行签订。）"))
            .collect();
        let why_en: Vec<String> = names(authority, |l| &l.en)
            .iter()
            .map(|name| format!("{name} (The parties sign it between themselves.)"))
            .collect();
        *zh += &format!(
            "\n以下事项没有登记可以直接证明，由受理机关查验：{}。",
            why_zh.join("、")
        );
        *en += &format!(
            "\nNo register proves these directly; the authority examines them: {}.",
            why_en.join(", ")
        );
    }
    if !counter.is_empty() {
        *zh += &format!(
            "\n以下内容由窗口继续核验，目前无需您提交：{}。",
            names(counter, |l| &l.zh).join("、")
        );
        *en += &format!(
            "\nThe counter continues to verify these; do not bring them for now: {}.",
            names(counter, |l| &l.en).join(", ")
        );
    }
}

/// The whole text that two materials must give, sentence by sentence.
fn expected(pair: [(&Row<'_>, &BilingualLabel); 2], list: ListExtent) -> (&'static str, BilingualLabel) {
    let of = |whose: Whose| {
        pair.into_iter()
            .filter(move |(row, _)| row.whose == whose)
            .collect::<Vec<_>>()
    };
    let (mut bring, conditions) = (of(Whose::Applicant), of(Whose::Condition));
    let (counter, authority) = (of(Whose::Counter), of(Whose::Authority));
    // One question that both hang on is asked once.
    if bring
        .iter()
        .filter(|(row, _)| row.reason == Some("fact_missing"))
        .count()
        == 2
    {
        bring.truncate(1);
    }
    let verified = pair.iter().filter(|(row, _)| row.outcome == "verified").count();
    let n = bring.len();
    let is_pending = !counter.is_empty() || !authority.is_empty();
    let (word, zh, en) = opening((!conditions.is_empty(), n, is_pending, verified), list);
    let (mut zh, mut en) = (HEAD_ZH.to_owned() + &zh, HEAD_EN.to_owned() + &en);
    let numbered = |rows: &[(&Row<'_>, &BilingualLabel)], zh: &mut String, en: &mut String| {
        for (n, (row, name)) in rows.iter().enumerate() {
            let (line_zh, line_en) = row.line.unwrap();
            *zh += &format!("\n{}. {}：{line_zh}", n + 1, name.zh);
            *en += &format!("\n{}. {}: {line_en}", n + 1, name.en);
        }
    };
    numbered(&conditions, &mut zh, &mut en);
    if !conditions.is_empty() && n > 0 {
        zh += &format!("\n如登记信息有误并已更正，您还需要补充以下 {n} 项：");
        en += &format!("\nIf the register is wrong and has been corrected, you still need to bring ({n}):");
    }
    numbered(&bring, &mut zh, &mut en);
    put_unfinished(&authority, &counter, (&mut zh, &mut en));
    if verified > 0 && !["complete", "verified_so_far"].contains(&word) {
        zh += &format!("\n截至目前，已有 {verified} 项经联网核验与登记一致。");
        en += &format!("\nVerified so far, in agreement with the registers: {verified}.");
    }
    if list == ListExtent::Open && word != "complete" {
        zh += "\n本告知只列系统已登记的材料和条件，其他要求以办事指南和窗口告知为准。";
        en += "\nThis notice lists only the materials and conditions that are registered in the system. For anything else, follow the service guide and the counter.";
    } else if word == "to_bring" && counter.is_empty() && authority.is_empty() {
        zh += "\n未列出的材料无需您提交。";
        en += "\nYou do not need to bring anything that is not listed.";
    }
    zh += REMEDY_ZH;
    en += REMEDY_EN;
    (word, BilingualLabel { zh, en })
}

fn line<'a>(id: &'a str, name: &'a BilingualLabel, row: &Row<'a>) -> NoticeLine<'a> {
    NoticeLine {
        id,
        name,
        necessity: MaterialNecessity::Required,
        standing: row.standing.clone(),
        note: None,
    }
}

#[test]
fn each_pair_of_outcomes_gives_exactly_its_notice_in_both_languages() {
    let (l, heads) = (labels(), head_labels());
    let rows = rows(&l);
    let (first, second) = (
        label("营业执照", "Business licence"),
        label("不动产权证书", "Title deed"),
    );
    let mut combinations = 0;
    for list in [ListExtent::Complete, ListExtent::Open] {
        for one in &rows {
            for two in &rows {
                let given = notice(
                    &head(&heads, list),
                    Some(&[line("a", &first, one), line("b", &second, two)]),
                );
                let (word, text) = expected([(one, &first), (two, &second)], list);
                assert_eq!((given.conclusion.as_str(), &given.text), (word, &text));
                check_named(&given, [("a", one, &first), ("b", two, &second)]);
                combinations += 1;
            }
        }
    }
    assert_eq!(combinations, 2 * 18 * 18);
}

/// What is listed is what the applicant must do, and nothing that the city already knows.
fn check_named(given: &Notice, pair: [(&str, &Row<'_>, &BilingualLabel); 2]) {
    let of = |whose: Whose| {
        pair.iter()
            .filter(move |(_, row, _)| row.whose == whose)
            .map(|(id, ..)| *id)
            .collect::<Vec<_>>()
    };
    let mut wanted = of(Whose::Applicant);
    if pair.iter().all(|(_, row, _)| row.reason == Some("fact_missing")) {
        wanted.truncate(1);
    }
    let named = |lines: &[(String, BilingualLabel)]| lines.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
    assert_eq!(named(&given.items), wanted);
    assert_eq!(named(&given.conditions), of(Whose::Condition));
    for (_, row, name) in pair {
        if row.whose == Whose::Nobody {
            assert!(!given.text.zh.contains(&name.zh) && !given.text.en.contains(&name.en));
        }
    }
}

#[test]
fn every_standing_has_its_word_and_reason_of_the_closed_lists() {
    let l = labels();
    for row in rows(&l) {
        assert_eq!(row.standing.outcome(), row.outcome);
        assert_eq!(row.standing.reason(), row.reason);
        assert!(OUTCOMES.contains(&row.outcome));
        assert!(row.reason.is_none_or(|reason| REASONS.contains(&reason)));
    }
}

#[test]
fn what_may_be_left_out_is_never_asked_for() {
    let (l, heads) = (labels(), head_labels());
    let name = label("不动产权证书", "Title deed");
    for row in rows(&l) {
        let lines = [NoticeLine {
            id: "deed",
            name: &name,
            necessity: MaterialNecessity::Optional,
            standing: row.standing,
            note: None,
        }];
        let given = notice(&head(&heads, ListExtent::Complete), Some(&lines));
        assert_eq!(given.conclusion, CheckConclusion::Complete);
        assert!(given.items.is_empty() && !given.text.zh.contains(&name.zh) && !given.text.en.contains(&name.en));
    }
}

#[test]
fn a_note_stands_behind_what_must_be_brought_only() {
    let (l, heads) = (labels(), head_labels());
    let (name, note) = (label("证书", "Certificate"), label("无需原件。", "Not the original."));
    for row in rows(&l) {
        let lines = [NoticeLine {
            note: Some(&note),
            ..line("a", &name, &row)
        }];
        let given = notice(&head(&heads, ListExtent::Open), Some(&lines));
        let is_told = given.text.zh.contains(&note.zh) && given.text.en.contains(&note.en);
        assert_eq!(is_told, row.whose == Whose::Applicant, "{:?}", row.standing);
    }
}

#[test]
fn an_authority_or_basis_that_is_not_known_has_no_line() {
    let heads = head_labels();
    let bare = NoticeHead {
        authority: None,
        legal_basis: &[],
        ..head(&heads, ListExtent::Open)
    };
    let given = notice(&bare, Some(&[]));
    assert!(
        given
            .text
            .zh
            .starts_with("一次性告知：开办餐馆\n申请编号：A-1\n告知日期：2026-12-01\n办理")
    );
    assert!(!given.text.en.contains("Authority:") && !given.text.en.contains("Legal basis:"));
}

#[test]
fn materials_that_are_not_known_are_said_to_be_not_known() {
    let heads = head_labels();
    let of = |lines| notice(&head(&heads, ListExtent::Open), lines);
    let given = of(None);
    assert_eq!(given.conclusion, CheckConclusion::NotKnown);
    assert!(given.text.zh.contains("尚未在系统登记") && given.text.en.contains("are not registered"));
    assert!(given.items.is_empty() && !given.text.zh.contains("无需"));
    assert_eq!(of(Some(&[])).conclusion, CheckConclusion::Complete);
}
