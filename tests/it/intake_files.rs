//! Files as offices send them, imported by the command line into a hub: what is read, what is refused and named as what it is.

use serde_json::{Value, json};

use crate::{
    common::{TestHub, purpose},
    tool::{Folder, Ran, heyan},
};

const IDS: [&str; 3] = ["11010519491231002X", "440524188001010014", "340207199705305213"];

fn gb18030(text: &str) -> Vec<u8> {
    encoding_rs::GB18030.encode(text).0.into_owned()
}

struct Office {
    hub: TestHub,
    folder: Folder,
}

impl Office {
    async fn open() -> Self {
        let (hub, folder) = (TestHub::with_parties().await, Folder::new());
        folder.put("token", hub.token("authority"));
        Self { hub, folder }
    }

    async fn import(&self, name: &str, bytes: impl AsRef<[u8]>, more: &[&str]) -> Ran {
        let file = self.folder.put(name, bytes);
        let mut arguments = vec!["import", "natural-person", &file];
        arguments.extend(more);
        heyan(&self.folder, &self.hub.url, &arguments).await
    }

    /// What a right claim of the name of a person gets.
    async fn name_is(&self, id: &str, name: &str) -> String {
        let body = json!({"dataset": "natural-person", "subject": {"id_number": id}, "claims": {"name": name}, "purpose": purpose()});
        let (_, answer) = self.hub.verify("agency", &body).await;
        answer["outcome"].as_str().unwrap_or_default().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_forms_and_spreadsheets_put_around_values_is_read() {
    let office = Office::open().await;
    let [id, other, _] = IDS;
    let utf16: Vec<u8> = format!("公民身份号码,姓名\r\n{id},张三\r\n")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let files: Vec<(&str, Vec<u8>)> = vec![
        (
            "marks.csv",
            format!("公民身份号码,姓名\n\"=\"\"{id}\"\"\",=\"张三\"\n").into(),
        ),
        ("apostrophe.csv", format!("公民身份号码,姓名\n'{id},'张三\n").into()),
        ("sep.csv", format!("sep=;\r\n公民身份号码;姓名\r\n{id};张三\r\n").into()),
        (
            "title.csv",
            format!("芜湖市人口信息登记表,,\n\n公民身份号码,姓名\n{id},张三\n").into(),
        ),
        (
            "star.csv",
            format!("*公民身份号码,*姓 名（必填）,出生日期(yyyy-mm-dd)\n{id},张三,\n").into(),
        ),
        ("wide.csv", format!("公民身份号码，姓名\n{id}，张三\n").into()),
        ("pipe.csv", gb18030(&format!("公民身份号码|姓名\n{id}|张三\n"))),
        ("quotes.csv", format!("公民身份号码,姓名\n“{id}”,“张三”\n").into()),
        ("short.csv", format!("公民身份号码,姓名,性别,民族\n{id},张三\n").into()),
        ("trailing.csv", format!("公民身份号码,姓名\n{id},张三,\n").into()),
        ("end.csv", format!("公民身份号码,姓名\r\n{id},张三\r\n\u{1a}").into()),
        ("cr.csv", format!("公民身份号码,姓名\r{id},张三\r").into()),
        ("utf16.csv", utf16),
    ];
    for (name, bytes) in files {
        let ran = office
            .import(name, bytes, &["--output", "json", "--replace-missing"])
            .await;
        assert_eq!((ran.exit, &ran.json()["rows"]), (0, &json!(1)), "{name}: {ran:?}");
        assert_eq!(office.name_is(id, "张三").await, "verified", "{name}");
        let reset = office
            .import("reset.csv", format!("id_number,name\n{id},李四\n{other},李四\n"), &[])
            .await;
        assert_eq!(reset.exit, 0, "{reset:?}");
    }
    office.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_csv_is_named_as_what_it_is_in_both_languages() {
    let office = Office::open().await;
    let files: [(&str, &[u8], &str, &str); 4] = [
        (
            "book.csv",
            b"PK\x03\x04\x14\x00\x06\x00",
            "Excel workbook",
            "Excel 工作簿",
        ),
        (
            "old.csv",
            b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
            "old Excel workbook",
            "旧版 Excel",
        ),
        (
            "table.xls",
            b"<html><meta charset=gbk><table><tr><td>\xB9\xAB",
            "web page",
            "网页",
        ),
        ("page.csv", b"%PDF-1.7\n", "PDF", "PDF"),
    ];
    for (name, bytes, english, chinese) in files {
        for (lang, word) in [("en", english), ("zh", chinese)] {
            let ran = office.import(name, bytes, &["--lang", lang]).await;
            assert_eq!(ran.exit, 2, "{name}: {ran:?}");
            assert!(
                ran.err.contains(word) && ran.err.contains("CSV UTF-8"),
                "{name}: {ran:?}"
            );
        }
    }
    office.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_fit_two_encodings_are_not_guessed() {
    let office = Office::open().await;
    let [id, ..] = IDS;
    let bytes = gb18030(&format!("id_number,name\n{id},薛小英\n"));
    for (lang, word) in [("en", "gb18030 for a file"), ("zh", "请用 --encoding 指明")] {
        let ran = office.import("x.csv", &bytes, &["--lang", lang]).await;
        assert!(ran.exit == 2 && ran.err.contains(word), "{ran:?}");
    }
    let ran = office.import("x.csv", &bytes, &["--encoding", "gb18030"]).await;
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert_eq!(office.name_is(id, "薛小英").await, "verified");
    // In a file of UTF-8 such a row alone is refused.
    let mixed = [
        format!("公民身份号码,姓名\n{},张三\n", IDS[1]).into_bytes(),
        gb18030(&format!("{id},薛小英\n")),
    ]
    .concat();
    let ran = office.import("y.csv", mixed, &["--output", "json"]).await;
    assert_eq!((ran.exit, &ran.json()["rejected"]), (1, &json!(1)), "{ran:?}");
    assert_eq!(
        office.folder.rows("y.csv.rejected.ndjson")[0]["code"],
        "doubtful_encoding"
    );
    office.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_row_is_told_by_its_line_whatever_ends_lines() {
    let office = Office::open().await;
    let [id, other, third] = IDS;
    let long = "字".repeat(500_000);
    let rows = [
        "公民身份号码,姓名,出生日期".to_owned(),
        format!("{id},张三,1949-12-31"),
        "BAD1,李四,1980/1/2".to_owned(),
        String::new(),
        format!("{other},\"王五,NULL"),
        format!("{other},\"王五\",NULL"),
        format!("{other},{long},"),
        format!("{other},=A1,"),
        format!("{other},甲,,丁"),
        format!("{third},\"张三\"丰,"),
        format!("{third},张三,1997-05-30"),
    ];
    for end in ["\n", "\r\n", "\r"] {
        let ran = office
            .import("lines.csv", rows.join(end) + end, &["--output", "json"])
            .await;
        assert_eq!(ran.exit, 1, "{ran:?}");
        let rejected = office.folder.rows("lines.csv.rejected.ndjson");
        let told: Vec<(u64, &str)> = rejected
            .iter()
            .map(|row| (row["line"].as_u64().unwrap(), row["code"].as_str().unwrap()))
            .collect();
        assert_eq!(
            told,
            [
                (3, "invalid_identifier"),
                (5, "stray_quote"),
                (6, "invalid_value"),
                (7, "row_too_long"),
                (8, "formula"),
                (9, "wrong_column_count"),
                (10, "stray_quote"),
            ],
            "{end:?}"
        );
        assert_eq!(
            rejected[2]["errors"][0]["column"], "Date of birth (birth_date)",
            "{:?}",
            rejected[2]
        );
        assert_eq!(rejected[4]["errors"][0]["column"], "姓名", "{:?}", rejected[4]);
        let ran = office
            .import("lines.csv", rows.join(end), &["--output", "json", "--from-line", "10"])
            .await;
        assert_eq!(
            (&ran.json()["rows"], &ran.json()["unchanged"]),
            (&json!(2), &json!(1)),
            "{ran:?}"
        );
    }
    office.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_the_worst_rows_and_what_would_be_erased() {
    let office = Office::open().await;
    let [id, other, third] = IDS;
    let full = format!("id_number,name,sex,birth_date\n{id},张三,1,1949-12-31\n{other},李四,2,1880-01-01\n");
    assert_eq!(office.import("full.csv", full, &[]).await.exit, 0);
    let later =
        format!("id_number,name,birth_date\n{id},张三丰,1949-12-31\n{other},李?,1880-01-01\n{third},王五,未知\n");
    let ran = office
        .import(
            "later.csv",
            &later,
            &["--dry-run", "--replace-missing", "--output", "json"],
        )
        .await;
    let told = ran.json();
    assert_eq!(ran.exit, 1, "{ran:?}");
    let counts = ["created", "updated", "unchanged", "marked", "rejected"].map(|word| told[word].as_u64().unwrap());
    assert_eq!(counts, [0, 2, 0, 1, 1], "{told}");
    assert_eq!(
        (&told["dry_run"], &told["erased"]),
        (&json!(true), &json!({"sex": 2})),
        "{told}"
    );
    let worst: Vec<(u64, &str)> = told["worst"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["line"].as_u64().unwrap(), row["column"].as_str().unwrap()))
        .collect();
    assert_eq!(worst, [(4, "Date of birth (birth_date)"), (3, "Name (name)")], "{told}");
    assert_eq!(office.name_is(id, "张三丰").await, "mismatched", "the dry run wrote");
    let ran = office.import("later.csv", &later, &["--dry-run", "--lang", "zh"]).await;
    for word in ["试运行", "性别 (sex)", "出生日期 (birth_date)", "无法识读", "保留"] {
        assert!(ran.out.contains(word), "{word}: {ran:?}");
    }
    // The import itself erases nothing that it says nothing of.
    assert_eq!(
        office.import("later.csv", &later, &["--output", "json"]).await.json()["updated"],
        json!(2)
    );
    let body = json!({"dataset": "natural-person", "subject": {"id_number": id}, "claims": {"name": "张三丰", "sex": "男"}, "purpose": purpose()});
    let (_, answer) = office.hub.verify("agency", &body).await;
    assert_eq!(answer["outcome"], "verified", "{answer}");
    let marked = office.folder.rows("later.csv.marked.ndjson");
    assert_eq!(
        (&marked[0]["line"], &marked[0]["findings"][0]["column"]),
        (&json!(3), &json!("Name (name)"))
    );
    assert!(
        !Value::from(marked).to_string().contains('李'),
        "a finding shows no value"
    );
    let ran = office.import("later.csv", &later, &["--replace-missing"]).await;
    assert_eq!(ran.exit, 1, "{ran:?}");
    let (_, answer) = office.hub.verify("agency", &body).await;
    assert_eq!(answer["fields"]["sex"]["verdict"], "absent", "{answer}");
    office.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_does_not_fit_lists_the_columns_in_both_languages() {
    let office = Office::open().await;
    let ran = office.import("h.csv", "号码,姓名\n1,张三\n", &["--lang", "zh"]).await;
    assert_eq!(ran.exit, 2);
    for word in [
        "id_number",
        "公民身份号码",
        "Resident identity number",
        "birth_date",
        "出生日期",
    ] {
        assert!(ran.err.contains(word), "{word}: {ran:?}");
    }
    office.hub.stop().await;
}
