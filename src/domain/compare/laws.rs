//! What holds for every comparator and any text: symmetry, an equivalence on what can be read, and nothing on what cannot.
//! The generators stay near the forms that the comparators fold; wholly random text would almost always mismatch.

use proptest::prelude::*;

use super::tests::comparator;
use super::*;
use crate::predicate::Predicate;

const KINDS: [&str; 18] = [
    "person_name",
    "organization_name",
    "party_name",
    "resident_number",
    "credit_code",
    "licence_identifier",
    "party_identifier",
    "date",
    "amount",
    "area",
    "sex",
    "ethnicity",
    "address",
    "document_number",
    "digest",
    "text",
    "unitless",
    "status",
];

/// Cases of each law: short by default, a million where `HEYAN_LONG` is set.
fn config() -> ProptestConfig {
    let long = std::env::var_os("HEYAN_LONG").is_some();
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(if long { 1_000_000 } else { 1_500 })
    }
}

fn near() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9０-９年月日.长期/ -]{1,12}",
        "(二〇|20)[12][0-3][-年/.](0?[1-3]|一)([-月/.](0?[1-3]|二)日?)?([ T](0:00|23:59:59|10:0[01]:00)Z?)?",
        "[张張三王·．. \u{200B}於于钟锺鍾Ab]{1,5}",
        "(张三|張三|李四|王五·买买提|DOE, JANE|o'b|O’B)([、,;/](张三|李四|(共有)|JANE DOE)){0,2}",
        "[a-cÜüßéØ ,'-]{1,6}",
        "(安徽省)?(芜湖市)?(镜湖区|芜湖县|湾沚区)?[九9二三1]{0,2}(号|路|幢|栋|单元)?[1-3-]{0,5}室?",
        "[0-9]{1,3}(万|亿|万元3千)?(元|美元|亩|公顷|㎡)?(人民币)?",
        "[一二三十百千万亿零]{1,5}(元|元五角)?",
        "(3402021990010100[0-3][0-9X]|340202900101[09]9[6-9]|MA2MQ218-?X|91340200MA2MQ218X8)([、;]E1)?",
        "0{0,2}[0-39]|男|女|未知|汉族?|UG|维族|吊销(，已注销)?|存续（在营、开业、在册）",
        "\\PC{0,10}",
    ]
}

/// Signs that stand for a character that is not known.
const PLACEHOLDERS: [&str; 11] = [
    "?",
    "？",
    "*",
    "＊",
    "□",
    "〓",
    "\u{FFFD}",
    "\u{E5E5}",
    "\u{F0000}",
    "\u{0}",
    "\u{1A}",
];

/// Texts around such a sign.
const AROUND: [&str; 11] = [
    "{}",
    "王{}",
    "{}伟",
    "王{}伟",
    "2018-0{}-01",
    "3402{}",
    "{}万元",
    "芜湖市{}路2号",
    "男{}",
    "汉{}族",
    "{}{}",
];

/// Words and signs that say that there is no value, and what spreadsheets leave behind.
const NO_VALUES: [&str; 90] = [
    "#VALUE!",
    "#N/A",
    "#REF!",
    "#DIV/0!",
    "#NAME?",
    "#NUM!",
    "#NULL!",
    "####",
    "NULL",
    "null",
    "(null)",
    "N/A",
    "n/a",
    "NaN",
    "nan",
    "None",
    "nil",
    "undefined",
    "unknown",
    "不详",
    "不明",
    "未填",
    "未填写",
    "未登记",
    "未采集",
    "待定",
    "待补",
    "待补充",
    "待核实",
    "待查",
    "暂无",
    "暂缺",
    "缺失",
    "空",
    "空白",
    "空值",
    "-",
    "--",
    "—",
    "/",
    "//",
    "\\",
    "\\N",
    ".",
    "…",
    "……",
    "",
    " ",
    "\u{3000}",
    "\"\"",
    "''",
    "()",
    "（）",
    "、",
    "，",
    "。",
    "锟斤拷锟斤拷",
    "3.40202E+17",
    "1.0E+5",
    "2.9E-1",
    "ＮＵＬＬ",
    "Ｎ／Ａ",
    "＃ＲＥＦ！",
    "\t",
    "～",
    "<null>",
    "TBD",
    "empty",
    "王\u{FFFC}",
    "\u{200B}",
    "_",
    "+",
    "=",
    "|",
    "无记录",
    "无数据",
    "未录入",
    "待补录",
    "暂不详",
    "~",
    "%",
    "!",
    "&",
    "@",
    "^",
    "#Spill!",
    "#CALC!",
    "·",
    "“”",
    "《》",
];

/// Values that no comparator can read.
fn unreadable() -> Vec<String> {
    let around = |sign: &&str| AROUND.map(|text| text.replace("{}", sign));
    let mut values: Vec<String> = PLACEHOLDERS.iter().flat_map(around).collect();
    values.extend(NO_VALUES.map(str::to_owned));
    values
}

#[test]
fn nothing_holds_on_a_value_that_cannot_be_read() {
    let values = unreadable();
    assert!(values.len() >= 200, "{}", values.len());
    let readable = [
        "2018-08-29",
        "王伟",
        "50万元",
        "男",
        "汉族",
        "34020219900101001X",
        "芜湖市镜湖区甲路2号",
        "1",
    ];
    for kind in KINDS {
        let comparator = comparator(kind);
        for value in &values {
            let record = comparator.canonical(value);
            assert!(record.is_unreadable(), "{kind}: {value:?}");
            for claim in readable.iter().copied().chain([value.as_str()]) {
                assert_eq!(
                    comparator.compare(claim, &record),
                    UNREADABLE_RECORD,
                    "{kind}: {claim:?} {value:?}"
                );
                for op in Predicate::OPERATIONS {
                    let Ok(predicate) = Predicate::new(op, &[claim], &comparator) else {
                        continue;
                    };
                    assert_eq!(
                        predicate.evaluate(&record),
                        UNREADABLE_RECORD,
                        "{kind}: {op} {claim:?} {value:?}"
                    );
                }
            }
            for held in readable {
                let record = comparator.canonical(held);
                if record.is_unreadable() {
                    continue;
                }
                assert_eq!(
                    comparator.compare(value, &record),
                    UNREADABLE_CLAIM,
                    "{kind}: {value:?} {held:?}"
                );
                assert_eq!(
                    comparator.compare_with_none(value),
                    UNREADABLE_CLAIM,
                    "{kind}: {value:?}"
                );
                for op in ["eq", "ne", "one_of"] {
                    let predicate = Predicate::new(op, &[value], &comparator).unwrap();
                    assert_eq!(
                        predicate.evaluate(&record),
                        UNREADABLE_CLAIM,
                        "{kind}: {op} {value:?} {held:?}"
                    );
                    assert_eq!(predicate.evaluate_none(), UNREADABLE_CLAIM, "{kind}: {op} {value:?}");
                }
            }
        }
    }
}

/// The verdict with the two sides exchanged.
fn mirrored(verdict: Verdict) -> Verdict {
    match verdict {
        UNREADABLE_CLAIM => UNREADABLE_RECORD,
        UNREADABLE_RECORD => UNREADABLE_CLAIM,
        same => same,
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_comparator_is_symmetric_and_a_readable_value_equals_itself(kind in 0_usize..18, a in near(), b in near()) {
        let comparator = comparator(KINDS[kind]);
        let (left, right) = (comparator.canonical(&a), comparator.canonical(&b));
        let (forward, back) = (comparator.compare(&a, &right), comparator.compare(&b, &left));
        let both = left.is_unreadable() && right.is_unreadable();
        prop_assert!(both || forward == mirrored(back), "{} {:?} {:?}", KINDS[kind], a, b);
        let own = if left.is_unreadable() { UNREADABLE_RECORD } else { Verdict::Match(MatchBasis::Exact) };
        prop_assert_eq!(comparator.compare(&a, &left), own);
        prop_assert_eq!(comparator.is_readable(&a), !left.is_unreadable());
    }

    #[test]
    fn matching_is_transitive_on_readable_values(kind in 0_usize..18, a in near(), b in near(), c in near()) {
        let comparator = comparator(KINDS[kind]);
        let matches = |a: &str, b: &str| matches!(comparator.compare(a, &comparator.canonical(b)), Verdict::Match(_));
        // The three, and each in the form in which it is compared.
        let texts = [a.clone(), comparator.canonical(&a).text().to_owned(), b, c];
        for x in &texts {
            for y in &texts {
                for z in &texts {
                    let (xy, yz) = (matches(x, y), matches(y, z));
                    prop_assert!(!xy || !yz || matches(x, z), "{} {:?} {:?} {:?}", KINDS[kind], x, y, z);
                }
            }
        }
    }

    #[test]
    fn the_canonical_text_of_a_value_matches_the_value(kind in 0_usize..18, a in near()) {
        let comparator = comparator(KINDS[kind]);
        let canonical = comparator.canonical(&a);
        let folded = canonical.text().to_owned();
        let verdict = comparator.compare(&folded, &canonical);
        // The 18 digits of a number of 15 whose century is open say more than it.
        let says_more = verdict == REVIEW_PARTIAL && matches!(canonical.form(), ValueForm::Number(_, NumberDigits::Upgraded));
        prop_assert!(
            canonical.is_unreadable() || says_more || matches!(verdict, Verdict::Match(_)),
            "{} {:?} {:?}", KINDS[kind], a, folded
        );
        let again = comparator.canonical(&folded);
        prop_assert!(again.text() == folded, "{} {:?} {:?}", KINDS[kind], folded, again.text());
    }
}
