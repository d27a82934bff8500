//! The comparators against vectors of their own: one table a kind, each row tried both ways round.
//! A row says the wire words, so a reader can hold it against the contract.

use serde_json::json;

use super::*;

pub(super) fn comparator(name: &str) -> FieldComparator {
    let options = match name {
        "amount" => {
            json!({"units": {"元": "1", "万元": "10000", "亿元": "100000000"}, "unit": "元", "ignore": ["人民币"]})
        }
        "unitless" => json!({"units": {"元": "1"}}),
        "status" => json!({
            "codes": {"1": ["存续（在营、开业、在册）"], "02": ["吊销"], "03": ["注销"], "0": ["未知"]},
            "between": {"吊销，已注销": ["02", "3"]},
            "unstated": ["0"],
        }),
        "area" => json!({
            "units": {"平方米": "1", "㎡": "1", "m²": "1", "亩": "2000/3", "公顷": "10000"},
            "unit": "平方米",
        }),
        "sex" => json!({"codes": {"1": ["男", "男性"], "2": ["女", "女性"]}}),
        "ethnicity" => json!({"table": "ethnicity"}),
        _ => Value::Null,
    };
    let name = match name {
        "area" | "unitless" => "amount",
        "sex" | "ethnicity" | "status" => "coded",
        other => other,
    };
    FieldComparator::from_options(name, &options).unwrap()
}

fn word(verdict: Verdict) -> &'static str {
    verdict.basis().or(verdict.reason()).unwrap_or_else(|| verdict.as_str())
}

pub(super) fn table(name: &str, rows: &[(&str, &str, &str)]) {
    let comparator = comparator(name);
    for (left, right, expected) in rows {
        assert_eq!(
            word(comparator.compare(left, &comparator.canonical(right))),
            *expected,
            "{name}: {left} | {right}"
        );
        let other_way = match *expected {
            "unreadable_record" => "unreadable_claim",
            "unreadable_claim" => "unreadable_record",
            same => same,
        };
        assert_eq!(
            word(comparator.compare(right, &comparator.canonical(left))),
            other_way,
            "{name}: {right} | {left}"
        );
        if !expected.starts_with("unreadable") {
            let same = word(comparator.compare(left, &comparator.canonical(left)));
            assert_eq!(same, "exact", "{name}: {left}");
        }
    }
}

#[test]
fn person_names_follow_the_ladder() {
    let dots = ["•", "・", "．", ".", "･", "‧", "∙", "⋅", "˙", "᛫", " · ", "\u{200B}·"];
    let rows: Vec<(String, &str, &str)> = dots
        .iter()
        .map(|dot| (format!("古丽{dot}艾合买提"), "古丽·艾合买提", "normalized"))
        .collect();
    let rows: Vec<(&str, &str, &str)> = rows.iter().map(|row| (row.0.as_str(), row.1, row.2)).collect();
    table("person_name", &rows);
    table(
        "person_name",
        &[
            ("古丽艾合买提", "古丽·艾合买提", "variant"),
            // As many words on both sides: an initial on either side is enough.
            ("Üß,ß", "Ü ß", "partial"),
            ("DOE JANE", "DOE J", "partial"),
            ("古丽。艾合买提", "古丽·艾合买提", "variant"),
            ("古丽-艾合买提", "古丽·艾合买提", "variant"),
            ("古·丽艾合买提", "古丽·艾合买提", "mismatch"),
            ("古丽艾合买提", "古麗·艾合买提", "variant"),
            ("周　明", "周明", "normalized"),
            (" 周明 ", "周明", "normalized"),
            ("周\u{E0100}明", "周明", "normalized"),
            ("周明\u{FEFF}", "周明", "normalized"),
            ("王\u{E863}", "王䶮", "normalized"),
            ("王\u{E831}", "王\u{215D7}", "normalized"),
            ("⻋某", "车某", "normalized"),
            ("李⽂", "李文", "normalized"),
            ("\u{F9F4}某", "林某", "normalized"),
            ("LI Ming", "li ming", "normalized"),
            ("LI  Ming", "LI Ming", "normalized"),
            ("LIMing", "LI Ming", "variant"),
            ("ＬＩ Ming", "LI Ming", "normalized"),
            ("A.B", "A·B", "variant"),
            ("古丽ꞏ艾合买提", "古丽·艾合买提", "normalized"),
            ("古丽﹒艾合买提", "古丽·艾合买提", "normalized"),
            ("古丽●艾合买提", "古丽·艾合买提", "variant"),
            ("古丽··艾合买提", "古丽·艾合买提", "variant"),
            ("·古丽·艾合买提", "古丽·艾合买提", "variant"),
            ("O’NEILL", "O'Neill", "normalized"),
            ("ONEILL", "O'Neill", "variant"),
            ("ANNE‐MARIE ROY", "Anne–Marie Roy", "normalized"),
            ("ANNE MARIE ROY", "Anne-Marie Roy", "variant"),
            ("ROY, ANNE", "Roy Anne", "variant"),
            ("ANNE ROY", "Roy Anne", "variant"),
            ("ROY", "Roy Anne", "mismatch"),
            ("ANNE ROY", "Roy Anne Marie", "partial"),
            ("GROEN JÜRGEN", "Grön Juergen", "variant"),
            ("ŁUKASZ MUÑOZ", "Lukasz Munoz", "variant"),
            ("WEISS", "Weiß", "variant"),
            ("ANNE ROY", "Anne Rey", "mismatch"),
            ("陈⿰木木", "陈林", "variant"),
            ("陈⿰木木", "陈木木", "mismatch"),
            ("陈⿰木木", "陈⿰木不", "mismatch"),
            ("陈涛（曾用名陈韬）", "陈涛", "partial"),
        ],
    );
}

#[test]
fn variant_characters_of_person_names_are_for_review_and_distinct_ones_mismatch() {
    table(
        "person_name",
        &[
            ("呂某", "吕某", "variant"),
            ("黃某", "黄某", "variant"),
            ("傅某", "付某", "variant"),
            ("萧某", "肖某", "variant"),
            ("蕭某", "肖某", "variant"),
            ("阎某", "闫某", "variant"),
            ("锺某", "钟某", "variant"),
            ("鍾某", "钟某", "variant"),
            ("钱锺书", "钱钟书", "variant"),
            ("戴某", "代某", "variant"),
            ("蓝某", "兰某", "variant"),
            ("李蓝", "李兰", "mismatch"),
            ("于某", "於某", "mismatch"),
            ("李升", "李昇", "mismatch"),
            ("李坤", "李堃", "mismatch"),
            ("王哲", "王喆", "mismatch"),
            ("王祎", "王袆", "mismatch"),
            ("李己", "李已", "mismatch"),
            ("张三", "张三丰", "mismatch"),
            ("张三", "李三", "mismatch"),
            ("張三", "张三", "variant"),
            ("張三", "李三", "mismatch"),
        ],
    );
}

#[test]
fn organisation_and_party_names_follow_the_ladder() {
    for name in ["organization_name", "party_name"] {
        table(
            name,
            &[
                ("芜湖甲乙（集团）有限公司", "芜湖甲乙(集团)有限公司", "normalized"),
                ("芜湖甲乙〔集团〕有限公司", "芜湖甲乙(集团)有限公司", "normalized"),
                ("芜湖甲 乙有限公司", "芜湖甲乙有限公司", "normalized"),
                ("芜湖ＡＢ有限公司", "芜湖AB有限公司", "normalized"),
                ("芜湖ab有限公司", "芜湖AB有限公司", "normalized"),
                ("芜湖A B有限公司", "芜湖AB有限公司", "normalized"),
                ("芜湖市甲乙有限公司", "芜湖甲乙有限公司", "mismatch"),
                ("芜湖甲乙有限公司", "芜湖甲乙有限责任公司", "mismatch"),
                ("芜湖甲乙股份有限公司", "芜湖甲乙有限公司", "mismatch"),
                ("芜湖甲乙有限公司", "芜湖甲乙有限公司镜湖分公司", "mismatch"),
                ("甲乙（芜湖）科技有限公司", "芜湖甲乙科技有限公司", "mismatch"),
                ("蕪湖甲乙有限公司", "芜湖甲乙有限公司", "variant"),
                ("蓝天科技公司", "兰天科技公司", "mismatch"),
            ],
        );
    }
    table(
        "party_name",
        &[
            ("古丽.艾合买提", "古丽·艾合买提", "normalized"),
            ("傅某", "付某", "variant"),
            ("古丽艾合买提", "古丽·艾合买提", "variant"),
            ("钱一、孙二", "孙二，钱一", "normalized"),
            ("钱一;孙二", "孙二/钱一", "normalized"),
            ("钱一、孙二", "钱一", "partial"),
            ("錢一、孙二", "孙二、钱一", "variant"),
            ("钱一、孙二", "钱一、李三", "mismatch"),
            ("钱一、钱一", "钱一", "partial"),
            ("DOE, JANE", "JANE, DOE", "variant"),
            ("钱一（按份共有）、孙二", "孙二、钱一", "variant"),
        ],
    );
}

#[test]
fn numbers_follow_the_ladder() {
    for name in ["resident_number", "party_identifier"] {
        table(
            name,
            &[
                ("11010519491231002x", "11010519491231002X", "normalized"),
                ("110105491231002", "11010519491231002X", "upgraded"),
                ("１１０１０５491231002", "110105491231002", "normalized"),
                ("11010519491231002X", "110105194912310029", "mismatch"),
                ("110105194912310029", "110105 194912310029", "normalized"),
                ("110105********002X", "11010519491231002X", "unreadable_claim"),
                ("11010519491231002X", "1.10105E+17", "unreadable_record"),
                ("11010519491231002X", "110105194912310000", "unreadable_record"),
                ("不详", "11010519491231002X", "unreadable_claim"),
            ],
        );
    }
    // The century of order codes 996 to 999 is open.
    table(
        "resident_number",
        &[
            ("340203910124996", "340203199101249964", "partial"),
            ("340203910124996", "340203189101249965", "partial"),
            ("340203910124996", "34020391 0124996", "normalized"),
            ("340203199101249964", "340203189101249965", "mismatch"),
        ],
    );
    table(
        "party_identifier",
        &[
            ("91340200ma2mq218x8", "91340200MA2MQ218X8", "normalized"),
            ("e 1234567", "E1234567", "normalized"),
            ("E1234567", "E1234568", "mismatch"),
            ("MA2MQ218-X", "MA2MQ218X", "normalized"),
            ("MA2MQ218-X", "91340200MA2MQ218X8", "partial"),
            ("E1234567、G7654321", "G7654321;E1234567", "normalized"),
            ("E1234567、G7654321", "G7654321", "partial"),
            ("E1234567、G7654321", "G7654322", "mismatch"),
        ],
    );
    table(
        "credit_code",
        &[
            ("91340200-MA2MQ218X-8", "91340200MA2MQ218X8", "normalized"),
            ("91340200MA2MQ218X8", "91340200MAE14NKT2R", "mismatch"),
        ],
    );
    let licence = "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U";
    let lower = licence.to_lowercase();
    table(
        "licence_identifier",
        &[
            (&lower, licence, "normalized"),
            (&licence.replace("001.U", "002.U"), licence, "mismatch"),
        ],
    );
}

const DAY: &str = "2018-08-29";

/// Forms of [`DAY`].
const FORMS_OF_DAY: [&str; 37] = [
    "2018年8月29日",
    "2018年08月29日",
    "2018/8/29",
    "2018.8.29",
    "2018.08.29",
    "20180829",
    "二〇一八年八月二十九日",
    "二○一八年八月二十九日",
    "二零一八年八月廿九日",
    "２０１８－０８－２９",
    "2018 年 8 月 29 日",
    "2018年8月29号",
    "1535500800",
    "1535500800000",
    "1535472000",
    "1535472000000",
    "2018-08-29 00:00:00",
    "2018-08-29T00:00:00.000+08:00",
    "20180829000000",
    "2018—8—29",
    "2018年8月29",
    "二〇一八年8月29日",
    "二O一八年八月二十九日",
    "贰零壹捌年捌月贰拾玖日",
    "2018年8月29日 星期三",
    "2018-08-29(周三)",
    "至2018年8月29日",
    "2018年8月29日止",
    "2018-08-29 23:59:59",
    "2018年8月29日24时",
    "2018年8月29日0时0分",
    "2018/8/29 0:00",
    "2018-08-28T16:00:00.000Z",
    "2018-08-29T00:00:00Z",
    "20180829235959",
    "2018082924",
    "1535558399",
];

const DATES: [(&str, &str, &str); 32] = [
    ("2018-08", "2018-08-01", "partial"),
    ("2018-08", "2018-09-01", "mismatch"),
    ("2018", "2018-08", "partial"),
    ("2018-08", "2018年8月", "normalized"),
    ("201808", "二〇一八年八月", "normalized"),
    ("2018", "2018年", "normalized"),
    ("2018", "2018-01-01", "partial"),
    ("2018", "2019-01-01", "mismatch"),
    ("2018-08-29", "2018-08-30", "mismatch"),
    ("2018-08-29 10:00:00", DAY, "partial"),
    ("2018-08-29 10:00:00", "2018-08-29 10:00:01", "mismatch"),
    ("2018-08-29 10:00:00", "2018年8月29日10时", "normalized"),
    ("2018-08-29 10:00:00", "2018-08-30", "mismatch"),
    ("2018年8月29日 星期四", DAY, "unreadable_claim"),
    ("2018-02-30", DAY, "unreadable_claim"),
    ("43341", DAY, "unreadable_claim"),
    ("#VALUE!", DAY, "unreadable_claim"),
    ("0001-01-01", DAY, "unreadable_claim"),
    ("农历2018年8月29日", DAY, "unreadable_claim"),
    ("1989-06-03T15:00:00Z", "1989-06-04", "normalized"),
    ("1988-07-01", "583686000000", "normalized"),
    ("1960-01-01", "-315648000000", "normalized"),
    ("1980-01-01", "315504000", "normalized"),
    ("长期", "永久", "normalized"),
    ("长期", "9999-12-31", "normalized"),
    ("99991231", "00000000", "normalized"),
    ("長期", "长期", "normalized"),
    ("长 期", "长期", "normalized"),
    ("长期", "2099-12-31", "sentinel"),
    ("9999年12月31日", "20991231", "sentinel"),
    ("长期", "2030-12-31", "mismatch"),
    ("长期", "不知道", "unreadable_record"),
];

#[test]
fn dates_follow_the_ladder() {
    let forms = FORMS_OF_DAY.map(|form| (form, DAY, "normalized"));
    table("date", &forms);
    table("date", &DATES);
}

#[test]
fn addresses_follow_the_ladder() {
    let full = "安徽省芜湖市镜湖区北京中路2号3幢2单元501室";
    let mut rows: Vec<(&str, &str, &str)> = [
        "芜湖市镜湖区北京中路2号3幢2单元501室",
        "镜湖区北京中路2号3幢2单元501室",
        "安徽省芜湖市镜湖区北京中路２号３幢２单元５０１室",
        "安徽省芜湖市镜湖区北京中路二号三幢二单元五〇一室",
        "芜湖市镜湖区北京中路2号3栋2单元501",
        "芜湖市镜湖区北京中路2号3号楼2单元501户",
        "芜湖市镜湖区北京中路2号3-2-501",
        "芜湖市镜湖区北京中路2号3—2—501室",
        "芜湖市镜湖区北京中路2号3幢2-501",
        "安徽芜湖镜湖区安徽省芜湖市镜湖区北京中路2号3幢2单元501房",
        "芜湖市镜湖区北京中路 2号 3幢 2单元 501室",
        "镜湖区北京中路2号3#楼2单元501室",
        "芜湖市镜湖区，北京中路2号，3幢2单元501室",
        "芜湖市镜湖区北京中路2号3幢-2单元-501",
        "芜湖市镜湖区北京中路2号3-2单元501",
    ]
    .into_iter()
    .map(|form| (form, full, "normalized"))
    .collect();
    rows.extend([
        ("芜湖市镜湖区北京中路2号3幢2单元501室（某某银行附近）", full, "partial"),
        ("芜湖市鸠江区北京中路2号3幢2单元501室", full, "mismatch"),
        ("芜湖市北京中路2号3幢2单元501室", full, "partial"),
        ("芜湖市镜湖区北京路2号3幢2单元501室", full, "mismatch"),
        ("芜湖市镜湖区北京中路2号13幢2单元501室", full, "mismatch"),
        ("芜湖市镜湖区北京中路2号3幢12单元501室", full, "mismatch"),
        ("芜湖市镜湖区北京中路2号3幢2单元502室", full, "mismatch"),
        ("蕪湖市鏡湖區北京中路2號3幢2單元501室", full, "variant"),
        ("镜湖区甲小区A座1203室", "镜湖区甲小区A栋1203", "normalized"),
        ("镜湖区甲小区A-1203", "镜湖区甲小区a座1203", "normalized"),
        ("镜湖区甲小区3座501", "镜湖区甲小区3幢501", "partial"),
        ("镜湖区九华山路8号", "镜湖区9华山路8号", "variant"),
        ("镜湖区二号路8号", "镜湖区2号路8号", "variant"),
        ("镜湖区四褐山8号", "镜湖区四褐山八号", "normalized"),
        ("镜湖区一环路十八弄3号", "镜湖区一环路18弄3号", "normalized"),
        ("镜湖区六郎镇五组", "镜湖区六郎镇5组", "normalized"),
        ("镜湖区甲路2号十二层", "镜湖区甲路2号12层", "normalized"),
        ("镜湖区甲路1 1幢", "镜湖区甲路11幢", "mismatch"),
        ("镜湖区甲小区1幢", "镜湖区甲小区11幢", "mismatch"),
        ("芜湖市芜湖县甲路2号", "芜湖市湾沚区甲路2号", "renamed"),
        ("芜湖市三山区甲路2号", "安徽省芜湖市弋江区甲路二号", "variant"),
        ("无为县甲路2号", "无为市甲路2号", "renamed"),
        ("巢湖市无为县甲路2号", "芜湖市无为市甲路2号", "renamed"),
        ("繁昌县甲路2号", "繁昌区甲路3号", "mismatch"),
        ("芜湖县九华山路2号", "湾沚区9华山路2号", "variant"),
        ("马塘区甲路2号", "弋江区甲路2号", "renamed"),
        ("北京朝阳区甲路1号", "北京市市辖区朝阳区甲路1号", "normalized"),
        ("鸠江区清水街道甲路1号(清水街道)", "鸠江区清水街道甲路1号", "normalized"),
        ("鸠江区甲路1号(3幢)", "鸠江区甲路1号", "partial"),
    ]);
    table("address", &rows);
}

#[test]
fn document_numbers_digests_and_text_follow_the_ladder() {
    table(
        "document_number",
        &[
            ("皖政办秘〔2017〕314号", "皖政办秘（２０１７）３１４号", "normalized"),
            ("皖政办秘〔2017〕314号", "皖政办秘[2017]314号", "normalized"),
            ("皖政办秘〔2017〕314号", "皖政办秘〔2017〕341号", "mismatch"),
            ("皖a 042012", "皖A042012", "normalized"),
            ("皖A—1", "皖A-1", "normalized"),
        ],
    );
    let digest = "adf4e4948174915087bc2b9f508ff07ada173627818df80976c05765d6946478";
    let upper = digest.to_uppercase();
    let named = format!("sha256:{digest}");
    let other = format!("sm3:{digest}");
    table(
        "digest",
        &[
            (&upper, digest, "normalized"),
            (&named, digest, "normalized"),
            (&named, &upper, "normalized"),
            (&other, digest, "unreadable_claim"),
            (&digest.replace('a', "b"), digest, "mismatch"),
        ],
    );
    table(
        "text",
        &[
            ("住 宅", "住宅", "normalized"),
            ("食品經營許可證", "食品经营许可证", "variant"),
            ("住宅", "车库", "mismatch"),
            ("《住宅》", "〝住宅〞", "normalized"),
            ("无", " 无 ", "normalized"),
            ("住宅", "#N/A", "unreadable_record"),
        ],
    );
}

#[test]
fn bad_names_and_options_are_refused() {
    assert!(matches!(
        FieldComparator::from_options("soundex", &Value::Null),
        Err(ComparatorError::UnknownName(_))
    ));
    assert!(matches!(
        FieldComparator::from_options("date", &json!({"zone": "x"})),
        Err(ComparatorError::UnknownOption { .. })
    ));
    assert!(matches!(
        FieldComparator::from_options("amount", &json!({"units": {"元": "x"}})),
        Err(ComparatorError::BadOption { .. })
    ));
    assert!(FieldComparator::from_options("coded", &Value::Null).is_err());
    for name in FieldComparator::NAMES {
        let options = if name == "coded" {
            json!({"table": "ethnicity"})
        } else {
            Value::Null
        };
        assert!(FieldComparator::from_options(name, &options).is_ok(), "{name}");
    }
}
