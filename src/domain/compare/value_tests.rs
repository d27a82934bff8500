//! Amounts and codes against vectors of their own, in the form of the tables of `tests.rs`.

use serde_json::json;

use super::tests::table;
use super::*;

#[test]
fn amounts_and_areas_follow_the_ladder() {
    table(
        "amount",
        &[
            ("50万元人民币", "500000元", "normalized"),
            ("50.000000万人民币", "50万元", "normalized"),
            ("人民币50万元整", "500000", "normalized"),
            ("¥500,000.00", "50万元", "normalized"),
            ("伍拾万元整", "50万元", "normalized"),
            ("1.2亿元", "12000万元", "normalized"),
            ("０.５亿", "5000万元", "normalized"),
            ("500万元", "50万元", "mismatch"),
            ("50万美元", "50万元", "mismatch"),
            ("50万美元", "USD 500,000.00", "normalized"),
            ("港币50万元", "50万港币", "normalized"),
            ("玖仟陆佰陆拾伍圆壹角捌分", "9665.18元", "normalized"),
            ("3亿5000万元", "35000万元", "normalized"),
            ("2万3千元", "23000", "normalized"),
            ("50", "50万元", "partial"),
            ("51", "50万元", "mismatch"),
            ("50元", "50万元", "mismatch"),
            ("33.33万元", "333333元", "partial"),
            ("三万五", "35000元", "unreadable_claim"),
            ("约50万元", "50万元", "unreadable_claim"),
            ("50 万 元", "50万元", "normalized"),
            ("50万圆", "50万元", "normalized"),
            ("50万元（人民币）", "50万元", "normalized"),
            ("1,00", "100", "unreadable_claim"),
            ("五百万元", "500万元", "normalized"),
        ],
    );
    table(
        "area",
        &[
            ("165.03㎡", "165.03", "normalized"),
            ("221.20平方米", "221.2", "normalized"),
            ("88 m²", "88.00㎡", "normalized"),
            ("88m2", "88M²", "normalized"),
            ("88", "88.1", "mismatch"),
            ("15亩", "1公顷", "normalized"),
            ("15亩", "10000平方米", "normalized"),
            ("1亩", "666.67平方米", "partial"),
            ("1亩", "1平方米", "mismatch"),
        ],
    );
    table(
        "unitless",
        &[
            ("100", "100.0", "normalized"),
            ("100", "100元", "partial"),
            ("100", "101元", "mismatch"),
        ],
    );
}

#[test]
fn codes_and_labels_are_one() {
    table(
        "sex",
        &[
            ("男", "1", "normalized"),
            ("男性", "男", "normalized"),
            ("女", "1", "mismatch"),
            ("未知", "男", "unreadable_claim"),
            ("01", "男", "normalized"),
        ],
    );
    table(
        "ethnicity",
        &[
            ("维吾尔", "维吾尔族", "normalized"),
            ("汉", "01", "normalized"),
            ("1", "汉族", "normalized"),
            ("满族", "汉族", "mismatch"),
            ("漢族", "汉族", "variant"),
            ("其他", "97", "normalized"),
            ("穿青人", "汉族", "mismatch"),
            ("穿青人", "97", "partial"),
            ("UG", "维吾尔族", "normalized"),
            ("Uygur", "05", "normalized"),
            ("维族", "维吾尔族", "normalized"),
            ("火星族", "汉族", "unreadable_claim"),
            ("滿", "满族", "variant"),
        ],
    );
    table(
        "status",
        &[
            ("存续", "存续(在营、开业、在册)", "unreadable_claim"),
            ("存续(在营,开业,在册)", "1", "normalized"),
            ("2", "002", "normalized"),
            ("吊销,已注销", "吊销，已注销", "normalized"),
            ("吊销,已注销", "吊销", "partial"),
            ("吊销,已注销", "1", "mismatch"),
            ("0", "吊销", "partial"),
            ("00", "未知", "normalized"),
        ],
    );
    assert!(FieldComparator::from_options("coded", &json!({"codes": {"1": ["男"], "2": ["男"]}})).is_err());
}
