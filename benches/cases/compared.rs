//! What is compared: for each field the record's value and the claims about it, each with a word for its spelling.

/// Claims, each with a word for it.
pub(super) type Worded = &'static [(&'static str, &'static str)];

/// Dataset, field, value of the record, claims with the word for each.
pub(super) const COMPARED: [(&str, &str, &str, Worded); 14] = [
    (
        "natural-person",
        "name",
        "欧阳思远",
        &[
            ("exact", "欧阳思远"),
            ("folded", "欧阳 思远"),
            ("variant", "歐陽思遠"),
            ("other", "欧阳嘉怡"),
        ],
    ),
    (
        "natural-person",
        "birth_date",
        "1997-05-30",
        &[
            ("exact", "1997-05-30"),
            ("folded", "1997年5月30日"),
            ("numerals", "一九九七年五月三十日"),
            ("compact", "19970530"),
            ("other", "1997-05-31"),
        ],
    ),
    (
        "natural-person",
        "domicile_address",
        "安徽省芜湖市镜湖区中山路120号7幢1单元101室",
        &[
            ("exact", "安徽省芜湖市镜湖区中山路120号7幢1单元101室"),
            ("elided", "芜湖市镜湖区中山路120号7幢1单元101"),
            ("fullwidth", "安徽省芜湖市镜湖区中山路１２０号７幢１单元１０１室"),
            ("dashes", "安徽省芜湖市镜湖区中山路120号7-1-101"),
            ("numerals", "安徽省芜湖市镜湖区中山路120号七幢1单元101室"),
            ("other", "安徽省芜湖市鸠江区银湖路9号"),
        ],
    ),
    (
        "natural-person",
        "sex",
        "1",
        &[("exact", "1"), ("label", "男"), ("other", "2")],
    ),
    (
        "natural-person",
        "ethnicity",
        "01",
        &[("label", "汉族"), ("other", "维吾尔族")],
    ),
    (
        "legal-entity",
        "name",
        "芜湖思远智能科技（集团）有限公司",
        &[
            ("folded", "芜湖思远智能科技(集团)有限公司"),
            ("spaced", "芜湖思 远智能科技（集团）有限公司"),
            ("other", "芜湖嘉怡智能科技有限公司"),
        ],
    ),
    (
        "legal-entity",
        "registered_capital",
        "500万元",
        &[("folded", "500.000000万人民币"), ("unit", "5000000元")],
    ),
    ("real-estate", "owner_name", "欧阳思远", &[("folded", "欧阳 思远")]),
    (
        "real-estate",
        "owner_id",
        "11010519491231002X",
        &[("folded", "11010519491231002x"), ("credit", "91340200MA2MQ218X8")],
    ),
    (
        "real-estate",
        "area_m2",
        "88.50",
        &[("folded", "88.5平方米"), ("other", "89")],
    ),
    ("e-licence", "type_name", "营业执照", &[("folded", "营业 执照")]),
    (
        "e-licence",
        "licence_no",
        "皖〔2023〕芜湖市不动产权第9841864号",
        &[
            ("folded", "皖（2023）芜湖市不动产权第9841864号"),
            ("other", "皖〔2023〕芜湖市不动产权第9841846号"),
        ],
    ),
    ("e-licence", "status", "01", &[("label", "有效")]),
    (
        "e-licence",
        "file_sha256",
        "adf4e4948174915087bc2b9f508ff07ada173627818df80976c05765d6946478",
        &[(
            "upper",
            "ADF4E4948174915087BC2B9F508FF07ADA173627818DF80976C05765D6946478",
        )],
    ),
];

/// Kind, word for the spelling, identifier.
pub(super) const IDENTIFIERS: [(&str, &str, &str); 7] = [
    ("resident_number", "canonical", "340207199705305213"),
    ("resident_number", "folded", "34020719 97053 05213"),
    ("credit_code", "canonical", "91340200MA2MQ218X8"),
    ("credit_code", "folded", "91340200-ma2mq218x8"),
    (
        "licence_identifier",
        "canonical",
        "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
    ),
    (
        "licence_identifier",
        "folded",
        "1.2.156.3005.2.11100000000013338w011.11430000006122244l.20230000403.001.u",
    ),
    ("document_number", "canonical", "皖(2023)芜湖市不动产权第9841864号"),
];
