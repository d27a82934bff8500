//! The notice held against a table that was written by hand: what each standing says in each language, and to whom.

use super::*;

fn label(zh: &str, en: &str) -> BilingualLabel {
    BilingualLabel::of(zh, Some(en))
}

/// What a standing must say.
struct Row<'a> {
    standing: MaterialStanding<'a>,
    outcome: &'static str,
    reason: Option<&'static str>,
    /// Its line behind the material's name; `None`: nothing to bring.
    line: Option<(&'static str, &'static str)>,
    /// Whether the counter goes on with it.
    goes_on: bool,
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
        goes_on: false,
    }
}

fn none<'a>(
    standing: MaterialStanding<'a>,
    outcome: &'static str,
    reason: Option<&'static str>,
    goes_on: bool,
) -> Row<'a> {
    Row {
        standing,
        outcome,
        reason,
        line: None,
        goes_on,
    }
}

struct Labels {
    name: BilingualLabel,
    number: BilingualLabel,
    until: BilingualLabel,
    why: BilingualLabel,
    question: BilingualLabel,
}

fn labels() -> Labels {
    Labels {
        name: label("姓名", "Name"),
        number: label("证书编号", "Certificate number"),
        until: label("有效期截止", "Valid until"),
        why: label("合同由双方自行签订。", "The parties sign it between themselves."),
        question: label("经营场所是否租赁？", "Are the premises leased?"),
    }
}

fn told_to_mend(l: &Labels) -> Vec<Row<'_>> {
    let mismatched = |declared, demanded| MaterialStanding::Mismatched { declared, demanded };
    vec![
        bring(
            mismatched(vec![&l.name], vec![]),
            "mismatched",
            None,
            "您申报的姓名与登记不一致，请核对；如申报无误，请携带原件，以便更正登记。",
            "what you declared (Name) does not agree with the register. Check it; if it is right, bring the original, so that the register can be corrected.",
        ),
        bring(
            mismatched(vec![], vec![&l.until]),
            "mismatched",
            None,
            "登记的有效期截止不符合本事项的要求，请提供符合要求的材料。",
            "what is registered (Valid until) does not meet the requirements of this item. Bring one that does.",
        ),
        bring(
            mismatched(vec![&l.name, &l.number], vec![&l.until]),
            "mismatched",
            None,
            "您申报的姓名、证书编号与登记不一致，请核对；如申报无误，请携带原件，以便更正登记。登记的有效期截止不符合本事项的要求，请提供符合要求的材料。",
            "what you declared (Name, Certificate number) does not agree with the register. Check it; if it is right, bring the original, so that the register can be corrected. Also, what is registered (Valid until) does not meet the requirements of this item. Bring one that does.",
        ),
        bring(
            MaterialStanding::ValueMissing(vec![&l.number, &l.name]),
            "ask_applicant",
            Some("value_missing"),
            "请提供证书编号、姓名，即可联网核验，无需提交纸质材料。",
            "give Certificate number, Name; it is then verified online, and no paper is needed.",
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
            "登记中没有查到您提供的证书编号，请核对；如无误，请携带原件。",
            "the register has no record of the Certificate number that you gave; check it, and if it is right, bring the original.",
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
    rows.extend([
        none(MaterialStanding::Verified, "verified", None, false),
        none(MaterialStanding::NotNeeded, "not_needed", None, false),
        none(MaterialStanding::Review, "review", None, true),
        none(
            MaterialStanding::Unavailable,
            "unavailable",
            Some("source_unavailable"),
            true,
        ),
        none(MaterialStanding::NotGranted, "unavailable", Some("not_granted"), true),
        none(
            MaterialStanding::CeilingReached,
            "unavailable",
            Some("ceiling_reached"),
            true,
        ),
    ]);
    rows
}

/// The whole text that two materials must give.
fn expected(pair: [(&Row<'_>, &BilingualLabel); 2]) -> (&'static str, BilingualLabel) {
    let mut bring: Vec<(&Row<'_>, &BilingualLabel)> = pair.into_iter().filter(|(row, _)| row.line.is_some()).collect();
    // One question that both hang on is asked once.
    if bring
        .iter()
        .filter(|(row, _)| row.reason == Some("fact_missing"))
        .count()
        == 2
    {
        bring.truncate(1);
    }
    let going: Vec<&BilingualLabel> = pair
        .iter()
        .filter(|(row, _)| row.goes_on)
        .map(|(_, name)| *name)
        .collect();
    let (mut zh, mut en, word) = if !bring.is_empty() {
        let n = bring.len();
        (
            format!("办理“开办餐馆”，您还需要补充以下 {n} 项："),
            format!("For \"Open a restaurant\" you still need to bring ({n}):"),
            "to_bring",
        )
    } else if !going.is_empty() {
        (
            "办理“开办餐馆”，目前无需您提交任何材料。".to_owned(),
            "For \"Open a restaurant\" you do not need to bring anything for now.".to_owned(),
            "pending",
        )
    } else {
        (
            "办理“开办餐馆”所需的材料均已由本市核验，您无需再提交任何材料。".to_owned(),
            "Everything that \"Open a restaurant\" needs has been verified by the city. You do not need to bring anything."
                .to_owned(),
            "complete",
        )
    };
    for (n, (row, name)) in bring.iter().enumerate() {
        let (line_zh, line_en) = row.line.unwrap();
        zh += &format!("\n{}. {}：{line_zh}", n + 1, name.zh);
        en += &format!("\n{}. {}: {line_en}", n + 1, name.en);
    }
    if !bring.is_empty() {
        zh += "\n未列出的材料无需您提交。";
        en += "\nYou do not need to bring anything that is not listed.";
    }
    if !going.is_empty() {
        let names = |pick: fn(&BilingualLabel) -> &str| going.iter().map(|name| pick(name)).collect::<Vec<_>>();
        zh += &format!(
            "\n以下材料由窗口继续核验，无需您提交：{}。",
            names(|l| &l.zh).join("、")
        );
        en += &format!(
            "\nThe counter continues to verify these; do not bring them: {}.",
            names(|l| &l.en).join(", ")
        );
    }
    (word, BilingualLabel { zh, en })
}

fn line<'a>(id: &'a str, name: &'a BilingualLabel, row: &Row<'a>) -> NoticeLine<'a> {
    NoticeLine {
        id,
        name,
        necessity: MaterialNecessity::Required,
        standing: row.standing.clone(),
    }
}

#[test]
fn each_pair_of_outcomes_gives_exactly_its_notice_in_both_languages() {
    let l = labels();
    let rows = rows(&l);
    let item = label("开办餐馆", "Open a restaurant");
    let (first, second) = (
        label("营业执照", "Business licence"),
        label("不动产权证书", "Title deed"),
    );
    let mut combinations = 0;
    for one in &rows {
        for two in &rows {
            let given = notice(&item, Some(&[line("a", &first, one), line("b", &second, two)]));
            let (word, text) = expected([(one, &first), (two, &second)]);
            assert_eq!((given.conclusion.as_str(), &given.text), (word, &text));
            let named: Vec<&str> = given.items.iter().map(|(id, _)| id.as_str()).collect();
            let mut wanted: Vec<&str> = [("a", one), ("b", two)]
                .into_iter()
                .filter(|(_, row)| row.line.is_some())
                .map(|(id, _)| id)
                .collect();
            if one.reason == Some("fact_missing") && two.reason == Some("fact_missing") {
                wanted.truncate(1);
            }
            assert_eq!(named, wanted);
            // What the city already knows is named in neither language.
            for (row, name) in [(one, &first), (two, &second)] {
                if matches!(row.standing, MaterialStanding::Verified | MaterialStanding::NotNeeded) {
                    assert!(!given.text.zh.contains(&name.zh) && !given.text.en.contains(&name.en));
                }
            }
            combinations += 1;
        }
    }
    assert_eq!(combinations, 17 * 17);
}

#[test]
fn every_standing_has_its_word_and_reason_of_the_closed_lists() {
    let l = labels();
    for row in rows(&l) {
        assert_eq!(
            (row.standing.outcome(), row.standing.reason()),
            (row.outcome, row.reason)
        );
        assert!(OUTCOMES.contains(&row.outcome));
        assert!(row.reason.is_none_or(|reason| REASONS.contains(&reason)));
    }
}

#[test]
fn what_may_be_left_out_is_never_asked_for() {
    let l = labels();
    let (item, name) = (label("落户", "Registration"), label("不动产权证书", "Title deed"));
    for row in rows(&l) {
        let lines = [NoticeLine {
            id: "deed",
            name: &name,
            necessity: MaterialNecessity::Optional,
            standing: row.standing,
        }];
        let given = notice(&item, Some(&lines));
        assert_eq!(given.conclusion, CheckConclusion::Complete);
        assert!(given.items.is_empty() && !given.text.zh.contains(&name.zh) && !given.text.en.contains(&name.en));
    }
}

#[test]
fn materials_that_are_not_known_are_said_to_be_not_known() {
    let given = notice(&label("备案", "Filing"), None);
    assert_eq!(given.conclusion, CheckConclusion::NotKnown);
    assert!(given.text.zh.contains("尚未在系统登记") && given.text.en.contains("are not registered"));
    assert!(given.items.is_empty());
    assert_eq!(
        notice(&label("备案", "Filing"), Some(&[])).conclusion,
        CheckConclusion::Complete
    );
}
