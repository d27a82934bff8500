//! What the client commands do when the hub or the network fails, and how much memory they hold.
//! Silence, a broken connection, a refusal and an absent hub are four things with three exit codes.

use std::{io::Write, sync::atomic::Ordering::SeqCst};

use serde_json::json;

use crate::{
    stub::Stub,
    tool::{Folder, heyan},
};

fn items(count: u32) -> String {
    let item = |n: u32| {
        format!(
            "{{\"ref\":\"r{n}\",\"dataset\":\"natural-person\",\"subject\":{{\"id_number\":\"1\"}},\"claims\":{{\"name\":\"王小明\"}}}}\n"
        )
    };
    (0..count).map(item).collect()
}

fn records(count: u32) -> String {
    (0..count)
        .map(|n| format!("{{\"subject\":{{\"id_number\":\"{n:018}\"}},\"fields\":{{\"name\":\"王\"}}}}\n"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_broke_or_was_put_off_is_sent_again() {
    let (stub, folder) = (Stub::start().await, Folder::new());
    stub.faults.break_off.store(3, SeqCst);
    stub.faults.unavailable.store(2, SeqCst);
    let file = folder.put("p.ndjson", records(40));
    let arguments = [
        "import",
        "natural-person",
        &file,
        "--batch-rows",
        "10",
        "--retry-ms",
        "1",
        "--output",
        "json",
    ];
    let ran = heyan(&folder, &stub.url, &arguments).await;
    assert_eq!(ran.exit, 0, "{ran:?}");
    let told = ran.json();
    assert_eq!(
        told["created"].as_u64().unwrap() + told["unchanged"].as_u64().unwrap(),
        40
    );
    assert_eq!(
        (&told["rejected"], stub.seen.lock().unwrap().records.len()),
        (&json!(0), 40)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_keeps_breaking_ends_the_import_with_what_is_known() {
    let (stub, folder) = (Stub::start().await, Folder::new());
    stub.faults.break_off.store(1_000, SeqCst);
    let file = folder.put("p.ndjson", records(40));
    let arguments = [
        "import",
        "natural-person",
        &file,
        "--retries",
        "1",
        "--retry-ms",
        "1",
        "--output",
        "json",
    ];
    let ran = heyan(&folder, &stub.url, &arguments).await;
    assert_eq!(
        (ran.exit, &ran.json()["complete"], &ran.json()["rows"]),
        (3, &json!(false), &json!(0)),
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_later_row_about_a_subject_stays_the_later_one() {
    let (stub, folder) = (Stub::start().await, Folder::new());
    stub.faults.first_delay_ms.store(300, SeqCst);
    let row = |id: &str, name: u32| {
        format!("{{\"subject\":{{\"id_number\":\"{id}\"}},\"fields\":{{\"name\":\"{name}\"}}}}\n")
    };
    let id = "34020719970530521X";
    let text: String = (0..6)
        .map(|n| row(if n % 2 == 0 { id } else { "34020719970530521x" }, n))
        .collect();
    let file = folder.put("p.ndjson", text);
    let arguments = [
        "import",
        "natural-person",
        &file,
        "--batch-rows",
        "1",
        "--in-flight",
        "6",
    ];
    let ran = heyan(&folder, &stub.url, &arguments).await;
    assert_eq!(ran.exit, 0);
    assert_eq!(stub.seen.lock().unwrap().records[id]["fields"]["name"], json!("4"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_with_its_page_and_without_the_token() {
    let (stub, folder) = (Stub::start().await, Folder::new());
    folder.put("token", "S3CR3T-T0KEN");
    let file = folder.put("p.ndjson", items(200_000));
    let commands = [&["import", "natural-person"][..], &["verify"]];
    for (command, lost) in commands.into_iter().flat_map(|command| [(command, 0), (command, 1)]) {
        stub.faults.lost_refusals.store(lost, SeqCst);
        let mut arguments = command.to_vec();
        arguments.push(&file);
        let ran = heyan(&folder, &stub.url, &arguments).await;
        assert_eq!(ran.exit, 2, "{command:?} {ran:?}");
        let page = format!("{}/problems/unauthorized", stub.url);
        for part in [
            "No valid token (401 unauthorized)",
            "what is wrong",
            "#/x this one",
            &page,
            "trace: t-1",
        ] {
            assert!(ran.err.contains(part), "{part}: {}", ran.err);
        }
        assert!(!format!("{ran:?}").contains("S3CR3T"));
    }
    assert_eq!(stub.seen.lock().unwrap().language.as_deref(), Some("en"));
    let ran = heyan(
        &folder,
        &stub.url,
        &["agency", "list", "--output", "json", "--lang", "zh"],
    )
    .await;
    let told: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(
        (ran.exit, &told["problem"]["code"], ran.out.as_str()),
        (2, &json!("unauthorized"), "")
    );
    assert_eq!(stub.seen.lock().unwrap().language.as_deref(), Some("zh-CN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_not_there_or_a_file_that_is_not_there_is_a_three() {
    let folder = Folder::new();
    let file = folder.put("p.ndjson", items(1));
    let closed = "http://127.0.0.1:1";
    for arguments in [
        &["verify", &file][..],
        &["import", "natural-person", &file],
        &["user", "list"],
        &["verify", "/nowhere"],
    ] {
        let ran = heyan(&folder, closed, arguments).await;
        assert!(ran.exit == 3 && ran.err.starts_with("heyan: cannot re"), "{ran:?}");
    }
    assert_eq!(heyan(&folder, "ftp://x", &["user", "list"]).await.exit, 2);
    assert_eq!(heyan(&folder, "http://u:pw@127.0.0.1", &["user", "list"]).await.exit, 2);
    folder.put("token", "");
    assert_eq!(heyan(&folder, closed, &["user", "list"]).await.exit, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_keeps_its_answers_and_goes_on_where_it_stopped() {
    let (stub, folder) = (Stub::start().await, Folder::new());
    stub.faults.stream_cut_at.store(1_500, SeqCst);
    let file = folder.put("q.ndjson", items(5_000));
    let (first, rest) = (
        folder.path("1").display().to_string(),
        folder.path("2").display().to_string(),
    );
    let ran = heyan(&folder, &stub.url, &["verify", &file, "-o", &first]).await;
    // A broken connection may swallow what was on its way: what counts is that the line told goes on where OUT ends.
    let next = ran
        .err
        .split("--from-line ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap()
        .to_owned();
    let kept: usize = next.parse::<usize>().unwrap() - 1;
    assert!(ran.exit == 3 && kept <= 1_500, "{ran:?}");
    assert_eq!(folder.rows("1").len(), kept);
    stub.faults.stream_cut_at.store(0, SeqCst);
    let ran = heyan(
        &folder,
        &stub.url,
        &["verify", &file, "-o", &rest, "--from-line", &next],
    )
    .await;
    assert_eq!(ran.exit, 0, "{ran:?}");
    let answers = folder.rows("2");
    assert_eq!(
        (answers.len(), &answers[0]["ref"]),
        (5_000 - kept, &json!(format!("r{kept}")))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_hub_is_waited_for_and_a_silent_one_is_not() {
    let (stub, folder) = (Stub::start().await, Folder::new());
    stub.faults.answer_delay_ms.store(15, SeqCst);
    let file = folder.put("q.ndjson", items(120));
    let ran = heyan(&folder, &stub.url, &["verify", &file, "--timeout-s", "1"]).await;
    assert_eq!(ran.exit, 0, "{ran:?}");
    stub.faults.silent.store(1, SeqCst);
    let ran = heyan(&folder, &stub.url, &["verify", &file, "--timeout-s", "1"]).await;
    assert!(ran.exit == 3 && ran.err.contains("sent nothing for 1 s"), "{ran:?}");
}

/// 40 MB and more in, the same memory as for a small file: a small one of some thousand rows fills every buffer there is.
#[tokio::test(flavor = "multi_thread")]
async fn memory_does_not_grow_with_the_file() {
    let (stub, folder) = (Stub::start().await, Folder::new());
    let rows: u32 = std::env::var("HEYAN_TEST_ROWS")
        .ok()
        .and_then(|rows| rows.parse().ok())
        .unwrap_or(200_000);
    let small = peaks_kib(&stub, &folder, 10_000).await;
    let large = peaks_kib(&stub, &folder, rows).await;
    let grown = (large.0.saturating_sub(small.0), large.1.saturating_sub(small.1));
    assert!(grown.0 < 16_384 && grown.1 < 32_768, "{small:?} {large:?}");
}

/// Most memory of `heyan verify` and of `heyan import` on a file of so many rows, KiB.
async fn peaks_kib(stub: &Stub, folder: &Folder, rows: u32) -> (u64, u64) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(folder.path("rows.csv")).unwrap());
    writeln!(file, "id_number,name,住址").unwrap();
    for n in 0..rows {
        writeln!(
            file,
            "{:018},王小明,\"{}\"",
            n % 1_000,
            "安徽省芜湖市镜湖区北京中路2号3栋2单元501".repeat(3)
        )
        .unwrap();
    }
    file.flush().unwrap();
    let file = folder.path("rows.csv").display().to_string();
    let verify = [
        "verify",
        &file,
        "--dataset",
        "natural-person",
        "--output",
        "json",
        "-o",
        "/dev/null",
    ];
    let mut peaks = [0, 0];
    for (peak, (arguments, counted)) in peaks.iter_mut().zip([
        (&verify[..], "verified"),
        (&["import", "natural-person", &file, "--output", "json"][..], "rows"),
    ]) {
        let ran = heyan(folder, &stub.url, arguments).await;
        assert_eq!((ran.exit, &ran.json()[counted]), (0, &json!(rows)), "{}", ran.err);
        println!(
            "{} {rows} rows: {} KiB, {} rows/s",
            arguments[0],
            ran.peak_kib,
            ran.json()["rows_per_second"]
        );
        *peak = ran.peak_kib;
    }
    (peaks[0], peaks[1])
}
