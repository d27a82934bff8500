//! What the client commands do when all is well, and when a person made a mistake.
//! Encodings and formats are proven by what the hub received, not by what the client said.

use serde_json::json;

use crate::{
    stub::Stub,
    tool::{Folder, heyan, heyan_bare},
};

const ID: &str = "34020719970530521X";

fn gb18030(text: &str) -> Vec<u8> {
    encoding_rs::GB18030.encode(text).0.into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn ndjson_goes_in_and_again_changes_nothing() {
    let (stub, folder) = (Stub::start().await, Folder::new());
    let rows: String = (0..12_345)
        .map(|n| format!("{{\"subject\":{{\"id_number\":\"{n:018}\"}},\"fields\":{{\"name\":\"王\"}}}}\n"))
        .collect();
    let file = folder.put("persons.ndjson", rows);
    let ran = heyan(
        &folder,
        &stub.url,
        &["import", "natural-person", &file, "--output", "json"],
    )
    .await;
    assert_eq!(ran.exit, 0, "{ran:?}");
    let told = ran.json();
    assert_eq!(
        (&told["rows"], &told["created"], &told["rejected"]),
        (&json!(12_345), &json!(12_345), &json!(0))
    );
    assert_eq!(
        (&told["complete"], &told["receipt"]["index"]),
        (&json!(true), &json!(7))
    );
    let again = heyan(
        &folder,
        &stub.url,
        &["import", "natural-person", &file, "--output", "json"],
    )
    .await;
    assert_eq!(again.json()["unchanged"], json!(12_345));
    assert_eq!(stub.seen.lock().unwrap().puts, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_of_every_encoding_and_header_gives_the_same_records() {
    let folder = Folder::new();
    let english =
        format!("id_number,name,domicile_address,source_version\n{ID},王小明,\"芜湖市,镜湖区\n北京中路2号\",7\n");
    let chinese =
        format!("公民身份号码;姓名;住址;来源版本\r\n\t{ID}; 王小明 ;\"芜湖市,镜湖区\n北京中路2号\";7\r\n\r\n");
    let utf16: Vec<u8> = std::iter::once(0xfeff)
        .chain(chinese.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let files = [
        ("a.csv", english.clone().into_bytes()),
        ("b.csv", gb18030(&english)),
        ("c.csv", format!("\u{feff}{chinese}").into_bytes()),
        ("d", gb18030(&chinese)),
        ("e.csv", utf16),
        (
            "f.txt",
            english.replace(',', "\t").replace("芜湖市\t", "芜湖市,").into_bytes(),
        ),
    ];
    for (name, bytes) in files {
        let stub = Stub::start().await;
        let file = folder.put(name, bytes);
        let ran = heyan(&folder, &stub.url, &["import", "natural-person", &file]).await;
        assert_eq!(ran.exit, 0, "{name}: {ran:?}");
        let record = json!({"source_version":7,"subject":{"id_number":ID},
            "fields":{"name":"王小明","domicile_address":"芜湖市,镜湖区\n北京中路2号"}});
        assert_eq!(stub.seen.lock().unwrap().records.get(ID), Some(&record), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_rows_go_beside_the_file_and_good_rows_go_in() {
    let (stub, folder) = (Stub::start().await, Folder::new());
    let mut csv =
        format!("id_number,name,source_version\n{ID},王小明,1\n12345,李,1\n{ID},张,x\n{ID},张,1,多\n").into_bytes();
    csv.extend_from_slice(b"340207199705305211,\xe7\x8e\xff,1\n,,\n340207199705305212,ok,2\n");
    let file = folder.put("p.csv", &csv);
    let ran = heyan(
        &folder,
        &stub.url,
        &[
            "import",
            "natural-person",
            &file,
            "--output",
            "json",
            "--encoding",
            "utf-8",
        ],
    )
    .await;
    assert_eq!(ran.exit, 1, "{ran:?}");
    let told = ran.json();
    assert_eq!(
        (&told["rows"], &told["created"], &told["rejected"]),
        (&json!(6), &json!(2), &json!(4))
    );
    let rejected = folder.rows("p.csv.rejected.ndjson");
    let codes: Vec<(u64, &str)> = rejected
        .iter()
        .map(|row| (row["line"].as_u64().unwrap(), row["code"].as_str().unwrap()))
        .collect();
    let expected = [
        (3, "invalid_identifier"),
        (4, "invalid_source_version"),
        (5, "wrong_column_count"),
        (6, "undecodable"),
    ];
    assert_eq!(codes, expected);
    assert_eq!(
        (&rejected[0]["raw"], &rejected[0]["problem"]["status"]),
        (&json!("12345,李,1"), &json!(422))
    );
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(folder.path("p.csv.rejected.ndjson"))
            .unwrap()
            .permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    folder.put("p.csv", format!("id_number,name\n{ID},王小明\n"));
    let ran = heyan(&folder, &stub.url, &["import", "natural-person", &file]).await;
    assert!(
        ran.exit == 0 && !folder.path("p.csv.rejected.ndjson").exists(),
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_lines_of_ndjson_are_rejected_as_they_stand() {
    let (stub, folder) = (Stub::start().await, Folder::new());
    let long = "x".repeat(1_100_000);
    let text =
        format!("{{oops\n\n{{\"subject\":{{\"id_number\":\"{ID}\"}},\"fields\":{{}}}}\n{{\"a\":\"{long}\"}}\n{{}}");
    let file = folder.put("p.ndjson", text);
    let ran = heyan(
        &folder,
        &stub.url,
        &["import", "natural-person", &file, "--output", "json"],
    )
    .await;
    assert_eq!((ran.exit, &ran.json()["created"]), (1, &json!(1)));
    let rejected = folder.rows("p.ndjson.rejected.ndjson");
    let codes: Vec<(u64, &str)> = rejected
        .iter()
        .map(|row| (row["line"].as_u64().unwrap(), row["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        codes,
        [(1, "invalid_json"), (4, "row_too_long"), (5, "invalid_identifier")]
    );
    assert_eq!(
        (&rejected[0]["raw"], rejected[1]["raw"].as_str().unwrap().len()),
        (&json!("{oops"), 4096)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_header_row_or_end_of_quote_shows_nobodys_data() {
    let (stub, folder) = (Stub::start().await, Folder::new());
    let file = folder.put("p.csv", format!("{ID},王小明\n"));
    let ran = heyan(&folder, &stub.url, &["import", "natural-person", &file]).await;
    assert_eq!(ran.exit, 2);
    assert!(
        ran.err.contains("column 1 of") && !format!("{ran:?}").contains(ID),
        "{ran:?}"
    );
    let file = folder.put(
        "q.csv",
        format!("id_number,name\n{ID},王\n{ID},\"{}", "x\n".repeat(900_000)),
    );
    let ran = heyan(
        &folder,
        &stub.url,
        &["import", "natural-person", &file, "--output", "json"],
    )
    .await;
    assert_eq!((ran.exit, &ran.json()["created"]), (1, &json!(1)));
    let rejected = folder.rows("q.csv.rejected.ndjson");
    assert_eq!(
        (&rejected[0]["code"], &rejected[0]["line"]),
        (&json!("unclosed_quote"), &json!(3))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_come_back_in_order_and_anything_but_verified_is_a_no() {
    let (stub, folder) = (Stub::start().await, Folder::new());
    let item = |n: u32, name: &str| {
        format!(
            "{{\"ref\":\"r{n}\",\"dataset\":\"natural-person\",\"subject\":{{\"id_number\":\"{ID}\"}},\"claims\":{{\"name\":\"{name}\"}}}}\n"
        )
    };
    let all_good: String = (0..30_000).map(|n| item(n, "王小明")).collect();
    let file = folder.put("good.ndjson", &all_good);
    let out = folder.path("out.ndjson").display().to_string();
    let ran = heyan(&folder, &stub.url, &["verify", &file, "-o", &out, "--output", "json"]).await;
    assert_eq!(
        (ran.exit, &ran.json()["verified"], &ran.json()["receipt"]["index"]),
        (0, &json!(30_000), &json!(9)),
        "{}",
        ran.err
    );
    let answers = folder.rows("out.ndjson");
    assert!(answers.len() == 30_000 && answers.iter().enumerate().all(|(n, row)| row["ref"] == format!("r{n}")));
    let header = stub.seen.lock().unwrap().header.clone().unwrap();
    let purpose = json!({"item_code":"bulk-verification","application_no":"bulk-good","operator":"tester"});
    assert_eq!(header, json!({"purpose": purpose}));
    let file = folder.put(
        "mixed.ndjson",
        format!("{}not json\n{}", item(0, "李"), item(1, "王小明")),
    );
    let ran = heyan(&folder, &stub.url, &["verify", &file, "-o", "-"]).await;
    assert!(ran.exit == 1 && ran.out.lines().count() == 3, "{ran:?}");
    for part in ["verified", "mismatched", "33.3%", "problems", "hub-1 #9"] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_csv_of_two_datasets_and_a_file_with_its_own_purpose_are_understood() {
    let (stub, folder) = (Stub::start().await, Folder::new());
    let csv = format!(
        "ref,数据资源,公民身份号码,统一社会信用代码,name,住址\nr1,natural-person,{ID},,王小明,\nr2,legal-entity,,9134,王小明,\nr3,legal-entity,,9134,x,路\nr4,none,,,,\n"
    );
    let file = folder.put("q.csv", gb18030(&csv));
    let out = folder.path("out").display().to_string();
    let arguments = [
        "verify",
        &file,
        "-o",
        &out,
        "--output",
        "json",
        "--item-code",
        "I",
        "--application-no",
        "A",
        "--operator",
        "O",
    ];
    let ran = heyan(&folder, &stub.url, &arguments).await;
    assert_eq!(
        (ran.exit, &ran.json()["verified"], &ran.json()["problems"]),
        (1, &json!(2), &json!(2)),
        "{}",
        ran.err
    );
    let rows = folder.rows("out");
    assert_eq!(
        (&rows[2]["problem"]["code"], &rows[2]["line"]),
        (&json!("unknown_column"), &json!(4))
    );
    assert_eq!(rows[3]["problem"]["code"], json!("unknown_dataset"));
    let own = "{\"purpose\":{\"item_code\":\"X\"},\"dataset\":\"natural-person\"}\n{\"ref\":\"1\",\"claims\":{\"name\":\"王小明\"}}\n".to_owned();
    let token = folder.path("token").display().to_string();
    let arguments = [
        "verify",
        "-",
        "--url",
        &stub.url,
        "--token-file",
        &token,
        "--output",
        "json",
    ];
    let ran = heyan_bare(&arguments, Some(own.into_bytes())).await;
    assert_eq!(
        (ran.exit, &ran.json()["items"], &ran.json()["last_line"]),
        (0, &json!(1), &json!(2)),
        "{}",
        ran.err
    );
    assert_eq!(
        stub.seen.lock().unwrap().header.clone().unwrap()["purpose"],
        json!({"item_code":"X"})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_printed_alone_and_long_work_fetches_its_own() {
    let (stub, folder) = (Stub::start().await, Folder::new());
    let secret = folder.put("secret", "a b:c/号\n");
    let arguments = [
        "token",
        "--client",
        "me:x",
        "--secret-file",
        &secret,
        "--url",
        &stub.url,
    ];
    let ran = heyan_bare(&arguments, None).await;
    assert_eq!((ran.exit, ran.out.as_str(), ran.err.as_str()), (0, "good\n", ""));
    use base64::Engine;
    let pair = base64::engine::general_purpose::STANDARD.encode("me%3Ax:a+b%3Ac%2F%E5%8F%B7");
    assert_eq!(
        stub.seen.lock().unwrap().basic.as_deref(),
        Some(format!("Basic {pair}").as_str())
    );
    let rows: String = (0..9)
        .map(|n| format!("{{\"subject\":{{\"id_number\":\"{n:018}\"}}}}\n"))
        .collect();
    let file = folder.put("p.ndjson", rows);
    let arguments = [
        "import",
        "natural-person",
        &file,
        "--batch-rows",
        "2",
        "--client",
        "me",
        "--secret-file",
        &secret,
        "--url",
        &stub.url,
    ];
    let ran = heyan_bare(&arguments, None).await;
    assert_eq!(
        (ran.exit, stub.tokens.load(std::sync::atomic::Ordering::SeqCst)),
        (0, 2),
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn administration_lists_every_page_and_tells_a_secret_once() {
    let (stub, folder) = (Stub::start().await, Folder::new());
    let ran = heyan(&folder, &stub.url, &["agency", "list"]).await;
    assert!(
        ran.exit == 0 && ran.out.contains("agencies-3") && ran.out.contains("10.0.0.0/8,::1/128"),
        "{ran:?}"
    );
    let ran = heyan(&folder, &stub.url, &["user", "list", "--output", "json"]).await;
    assert_eq!(ran.json()["users"].as_array().unwrap().len(), 3);
    let add = [
        "agency",
        "add",
        "区数据局",
        "--credit-code",
        "11340200003010677X",
        "--network",
        "10.0.0.0/8",
    ];
    let ran = heyan(&folder, &stub.url, &add).await;
    assert!(
        ran.exit == 0 && ran.out.matches("S3CRET").count() == 1 && ran.out.contains("shown only once"),
        "{ran:?}"
    );
    let body = json!({"name":"区数据局","credit_code":"11340200003010677X","role":"agency","authority_for":[],"networks":["10.0.0.0/8"]});
    assert_eq!(
        stub.seen.lock().unwrap().posts.last().unwrap(),
        &("/v1/agencies".to_owned(), body)
    );
    let secret = folder.path("s").display().to_string();
    let ran = heyan(
        &folder,
        &stub.url,
        &["agency", "rotate-secret", "a/b", "--secret-out", &secret],
    )
    .await;
    assert!(ran.exit == 0 && !ran.out.contains("S3CRET"), "{ran:?}");
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "S3CRET\n");
    assert_eq!(
        stub.seen.lock().unwrap().posts.last().unwrap().0,
        "/v1/agencies/a%2Fb/rotate-secret"
    );
    let ran = heyan(
        &folder,
        &stub.url,
        &["agency", "rotate-secret", "a", "--secret-out", &secret],
    )
    .await;
    assert_eq!((ran.exit, stub.seen.lock().unwrap().posts.len()), (3, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_and_users_are_sent_as_they_were_given() {
    let (stub, folder) = (Stub::start().await, Folder::new());
    let ran = heyan(
        &folder,
        &stub.url,
        &[
            "user", "add", "u1", "--name", "n", "--role", "auditor", "--output", "json",
        ],
    )
    .await;
    assert_eq!(ran.json()["client_secret"], json!("S3CRET"));
    let add = [
        "grant",
        "add",
        "--agency",
        "a",
        "--dataset",
        "natural-person",
        "--operation",
        "verify,stale_ok",
        "--daily-ceiling",
        "9",
    ];
    assert_eq!(heyan(&folder, &stub.url, &add).await.exit, 0);
    let body = json!({"agency":"a","dataset":"natural-person","fields":["*"],"operations":["verify","stale_ok"],
        "item_codes":["*"],"daily_ceiling":9,"networks":[]});
    assert_eq!(stub.seen.lock().unwrap().posts.last().unwrap().1, body);
    assert_eq!(
        heyan(&folder, &stub.url, &["grant", "revoke", "g1"]).await.out,
        "revoked: g1\n"
    );
    let ran = heyan(&folder, &stub.url, &["agency", "disable", "a", "--lang", "zh"]).await;
    assert_eq!((ran.exit, ran.out.as_str()), (0, "已停用：a\n"));
}
