//! File feeds: every row once in order, whatever dies between; nothing skipped, nothing told twice, nothing taken half.

use std::{
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use heyan::{
    connectors::source::{
        config::FileConfig,
        file::{ColumnNames, FileFeed, RecordShape, SETTLE_S},
    },
    ports::outward::FeedBatch,
};
use serde_json::{Value, json};

/// A folder whose time a test decides, seconds since 1970.
struct Folder {
    folder: tempfile::TempDir,
    now_us: Arc<AtomicI64>,
    config: Value,
}

const NOW_S: i64 = 1_000_000;

impl Folder {
    fn new(config: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config;
        config["folder"] = json!(folder.path());
        Self {
            folder,
            now_us: Arc::new(AtomicI64::new(NOW_S * 1_000_000)),
            config,
        }
    }

    fn feed(&self) -> FileFeed {
        self.feed_of(None)
    }

    fn feed_of(&self, shape: Option<RecordShape>) -> FileFeed {
        let now_us = Arc::clone(&self.now_us);
        let config: FileConfig = serde_json::from_value(self.config.clone()).unwrap();
        FileFeed::new(
            &config,
            shape,
            SETTLE_S,
            Arc::new(move || now_us.load(Ordering::SeqCst)),
        )
        .unwrap()
    }

    /// Writes a file that was changed last at `at_s`.
    fn put(&self, name: &str, bytes: &[u8], at_s: i64) -> PathBuf {
        let path = self.folder.path().join(name);
        let mut file = File::create(&path).unwrap();
        file.write_all(bytes).unwrap();
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(at_s.unsigned_abs());
        file.set_modified(at).unwrap();
        path
    }

    fn names(&self, below: &str) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join(below))
            .into_iter()
            .flatten()
            .flatten();
        let files = entries.filter(|entry| entry.path().is_file());
        let mut names: Vec<String> = files.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn rejected(&self, name: &str) -> Vec<(u64, String)> {
        let path = self.folder.path().join(format!("rejected/{name}.rejected.ndjson"));
        let text = fs::read_to_string(path).unwrap_or_default();
        let lines = text
            .lines()
            .skip(1)
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines
            .map(|line| (line["row"].as_u64().unwrap(), line["code"].as_str().unwrap().to_owned()))
            .collect()
    }
}

fn ndjson() -> Value {
    json!({"format": "ndjson", "batch_rows_max": 3})
}

fn line(n: u32) -> String {
    json!({"subject": {"id": n.to_string()}, "fields": {"name": format!("甲{n}")}}).to_string() + "\n"
}

fn lines(numbers: std::ops::Range<u32>) -> Vec<u8> {
    numbers.map(line).collect::<String>().into_bytes()
}

/// The numbers of the good rows, and code and row of the bad ones.
fn said(batch: &FeedBatch) -> Vec<String> {
    let records = batch.records.iter().map(|record| match record {
        Ok(record) => record["subject"]["id"].as_str().unwrap().to_owned(),
        Err(reject) => format!("{} {}", reject.row, reject.code),
    });
    records.collect()
}

/// Polls, commits and acknowledges until nothing comes.
async fn drain(feed: &FileFeed) -> Vec<String> {
    let (mut all, mut position) = (Vec::new(), None::<String>);
    loop {
        let batch = feed.poll(position.as_deref()).await.unwrap();
        if batch.records.is_empty() && Some(&batch.position) == position.as_ref() {
            return all;
        }
        if batch.records.is_empty() && position.is_none() && batch.position.is_empty() {
            return all;
        }
        all.extend(said(&batch));
        feed.acknowledge(&batch.position).await.unwrap();
        position = Some(batch.position);
    }
}

#[tokio::test]
async fn files_come_in_the_order_of_their_age_in_batches_and_go_to_done() {
    let folder = Folder::new(ndjson());
    folder.put("b.ndjson", &lines(5..9), 100);
    folder.put("c.jsonl", &lines(9..10), 200);
    folder.put("a.ndjson", &lines(1..5), 100);
    for ignored in ["d.ndjson.part", ".e.ndjson", "f.tmp", "g.csv", "h"] {
        folder.put(ignored, &lines(90..91), 1);
    }
    let first = folder.feed().poll(None).await.unwrap();
    assert_eq!(
        (said(&first), first.more),
        (vec!["1".to_owned(), "2".into(), "3".into()], true)
    );
    assert_eq!(first.records[0].as_ref().unwrap()["fields"]["name"], "甲1");
    let all: Vec<String> = (1..10).map(|n| n.to_string()).collect();
    assert_eq!(drain(&folder.feed()).await, all);
    assert_eq!(folder.names("done"), ["a.ndjson", "b.ndjson", "c.jsonl"]);
    assert_eq!(folder.names("").len(), 5);
    // A file of a name that was there before is another file.
    folder.put("a.ndjson", &lines(20..21), 300);
    assert_eq!(drain(&folder.feed()).await, ["20"]);
    assert_eq!(folder.names("done"), ["a.ndjson", "a.ndjson.1", "b.ndjson", "c.jsonl"]);
}

#[tokio::test]
async fn a_file_is_taken_only_when_nothing_has_changed_it_for_a_while() {
    let folder = Folder::new(ndjson());
    folder.put("a.ndjson", &lines(1..2), NOW_S - 4);
    let feed = folder.feed();
    let none = feed.poll(None).await.unwrap();
    assert!(none.records.is_empty() && !none.more && none.position.is_empty());
    folder.now_us.fetch_add(1_000_000, Ordering::SeqCst);
    assert_eq!(said(&feed.poll(None).await.unwrap()), ["1"]);
}

#[tokio::test]
async fn polling_from_any_older_position_gives_the_same_rows_again_without_telling_a_reject_twice() {
    let folder = Folder::new(ndjson());
    let mut bytes = lines(1..5);
    bytes.extend_from_slice(b"\nno json\n");
    bytes.extend_from_slice(&lines(5..8));
    bytes.extend_from_slice(b"{\"subject\":{},\"subject\":{}}\n[1]\n\xff\xfe\n");
    bytes.extend_from_slice(line(8).trim_end().as_bytes());
    folder.put("a.ndjson", &bytes, 100);
    folder.put("b.ndjson", b"", 200);
    let expected = [
        "1",
        "2",
        "3",
        "4",
        "6 invalid_json",
        "5",
        "6",
        "7",
        "10 duplicate_member",
        "11 invalid_json",
        "12 undecodable",
        "8",
    ];
    // Every (position, rows) on the way, then each position again, in a process that knows nothing of the others.
    let (mut seen, mut position): (Vec<(Option<String>, Vec<String>)>, _) = (Vec::new(), None::<String>);
    loop {
        let batch = folder.feed().poll(position.as_deref()).await.unwrap();
        if Some(&batch.position) == position.as_ref() {
            break;
        }
        seen.push((position.clone(), said(&batch)));
        position = Some(batch.position);
    }
    let all: Vec<String> = seen.iter().flat_map(|(_, rows)| rows.clone()).collect();
    assert_eq!(all, expected);
    for (position, rows) in seen.iter().rev() {
        // The older ones find the file in `done`, from where the same rows come.
        if position.is_some() {
            assert_eq!(
                said(&folder.feed().poll(position.as_deref()).await.unwrap()),
                *rows,
                "{position:?}"
            );
        }
    }
    let rejected = folder.rejected("a.ndjson");
    let rows: Vec<u64> = rejected.iter().map(|(row, _)| *row).collect();
    assert_eq!(rows, [6, 10, 11, 12]);
}

#[tokio::test]
async fn whatever_dies_between_poll_commit_and_acknowledge_no_row_is_lost() {
    // Each number decides, bit by bit, where a process dies: after the poll, or after the commit.
    for deaths in 0_u64..256 {
        let folder = Folder::new(ndjson());
        folder.put("a.ndjson", &lines(1..8), 100);
        folder.put("b.ndjson", &lines(8..12), 200);
        let (mut committed, mut all) = (None::<String>, Vec::new());
        for step in 0..64 {
            let feed = folder.feed();
            let batch = feed.poll(committed.as_deref()).await.unwrap();
            if batch.records.is_empty() && Some(&batch.position) == committed.as_ref() {
                break;
            }
            match (deaths >> (2 * (step % 4))) & 3 {
                1 if step < 40 => continue,
                2 => {
                    all.extend(said(&batch));
                    committed = Some(batch.position);
                }
                _ => {
                    all.extend(said(&batch));
                    feed.acknowledge(&batch.position).await.unwrap();
                    committed = Some(batch.position);
                }
            }
        }
        let expected: Vec<String> = (1..12).map(|n| n.to_string()).collect();
        assert_eq!(all, expected, "{deaths:b}");
        assert_eq!(folder.names("done"), ["a.ndjson", "b.ndjson"], "{deaths:b}");
    }
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_begun_anew() {
    let folder = Folder::new(ndjson());
    folder.put("a.ndjson", &lines(1..6), 100);
    let feed = folder.feed();
    let first = feed.poll(None).await.unwrap();
    assert_eq!(said(&first), ["1", "2", "3"]);
    folder.put("a.ndjson", &lines(10..16), 150);
    let mut position = first.position;
    let mut all = Vec::new();
    for _ in 0..3 {
        let batch = feed.poll(Some(&position)).await.unwrap();
        all.extend(said(&batch));
        feed.acknowledge(&batch.position).await.unwrap();
        position = batch.position;
    }
    assert_eq!(all, ["10", "11", "12", "13", "14", "15"]);
    // What is acknowledged as it was is not moved as it is.
    folder.put("b.ndjson", &lines(20..21), 200);
    let batch = feed.poll(Some(&position)).await.unwrap();
    folder.put("b.ndjson", &lines(20..22), 300);
    feed.acknowledge(&batch.position).await.unwrap();
    assert_eq!(folder.names("done"), ["a.ndjson"]);
    assert_eq!(said(&feed.poll(Some(&batch.position)).await.unwrap()), ["20", "21"]);
}

fn register() -> Value {
    json!({"format": "csv", "encoding": "gb18030", "batch_rows_max": 2, "row_bytes_max": 4096,
        "subject": {"id": "证件号码"},
        "columns": {"name": "姓名", "sex": {"from": "性别", "codes": {"1": "男", "2": "女"}},
            "address": {"from": "住址", "missing": "absent"}},
        "version_column": "版本", "effective_column": "生效"})
}

const SHEET: &str = "证件号码,姓名,性别,住址,版本,生效,别的\r\n\
    1,王小明,1,\"芜湖市,镜湖区\n北京中路\"\"2\"\"号\",7,2026-01-01T00:00:00Z,x\r\n\
    2,𠮷田,2,,8,,\r\n\
    \r\n\
    3,李,9,,9,,\r\n\
    4,,1,,9,,\r\n\
    5,李,1,,v9,,\r\n\
    6,李,1,,9\r\n\
    7,张,1,,10,,\r\n";

#[tokio::test]
async fn a_sheet_in_gb18030_is_read_by_its_maps_and_codes() {
    let folder = Folder::new(register());
    folder.put("a.csv", &encoding_rs::GB18030.encode(SHEET).0, 100);
    let batch = folder.feed().poll(None).await.unwrap();
    let first = json!({"source_version": 7, "effective_at": "2026-01-01T00:00:00Z", "subject": {"id": "1"},
        "fields": {"name": "王小明", "sex": "男", "address": "芜湖市,镜湖区\n北京中路\"2\"号"}});
    let second = json!({"source_version": 8, "subject": {"id": "2"}, "fields": {"name": "𠮷田", "sex": "女"}});
    let records: Vec<&Value> = batch.records.iter().map(|record| record.as_ref().unwrap()).collect();
    assert_eq!(records, [&first, &second]);
    let expected = [
        "1",
        "2",
        "4 unmapped_code",
        "5 missing_field",
        "6 invalid_source_version",
        "6",
        "7",
    ];
    assert_eq!(drain(&folder.feed()).await, expected);
    assert_eq!(folder.rejected("a.csv").len(), 3);
    // A byte order mark says more than the configuration.
    folder.put("b.csv", format!("\u{feff}{SHEET}").as_bytes(), 200);
    folder.put(
        "c.csv",
        &encoding_rs::GB18030.encode(&format!("\u{feff}{SHEET}")).0,
        300,
    );
    let twice: Vec<&str> = expected.iter().chain(&expected).copied().collect();
    assert_eq!(drain(&folder.feed()).await, twice);
}

#[tokio::test]
async fn a_sheet_of_an_office_is_read_and_a_file_that_is_none_is_named() {
    let folder = Folder::new(register());
    let sheet = "人口登记表,,\r证件号码 ,*姓名,性别（必填）,住址,版本,生效\r='1',x,1,,7\r'1,=\"王小明\",1,,7,,,\r2,李,1,,8,,,多\r";
    folder.put("a.csv", &encoding_rs::GB18030.encode(sheet).0, 100);
    folder.put("b.csv", b"PK\x03\x04\x14\x00", 200);
    folder.put("c.csv", b"<html><table><tr><td>1</td></tr></table>", 300);
    folder.put("d.csv", b"\xff\xfe1\x00,\x00", 400);
    let told = drain(&folder.feed()).await;
    assert_eq!(
        told,
        [
            "2 formula",
            "1",
            "4 wrong_column_count",
            "1 workbook",
            "1 html_table",
            "1 utf16_file"
        ]
    );
    let path = folder.folder.path().join("rejected/a.csv.rejected.ndjson");
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains("{\"row\":2,\"line\":3,\"code\":\"formula\"}"), "{text}");
}

#[tokio::test]
async fn a_sheet_without_a_map_has_our_names_or_labels() {
    let mut config = json!({"format": "csv"});
    config["row_bytes_max"] = json!(4096);
    let folder = Folder::new(config);
    let named = |name: &str, label: &str| ColumnNames {
        name: name.to_owned(),
        labels: vec![label.to_owned()],
    };
    let shape = RecordShape {
        subject: vec![named("id", "证件号码")],
        fields: vec![named("name", "姓名")],
    };
    folder.put(
        "a.csv",
        "ID;姓名;source_version;source\n1;王;3;户籍\n2;;;\n".as_bytes(),
        100,
    );
    folder.put("b.csv", "姓名,别的\n王,1\n".as_bytes(), 200);
    folder.put("c.csv", b"", 300);
    let feed = folder.feed_of(Some(shape));
    let batch = feed.poll(None).await.unwrap();
    let expected = [
        json!({"source_version": 3, "source": "户籍", "subject": {"id": "1"}, "fields": {"name": "王"}}),
        json!({"subject": {"id": "2"}, "fields": {}}),
    ];
    let records: Vec<&Value> = batch.records.iter().map(|record| record.as_ref().unwrap()).collect();
    assert_eq!(records, [&expected[0], &expected[1]]);
    assert_eq!(drain(&feed).await, ["1", "2", "1 unknown_header", "1 no_header"]);
    assert_eq!(folder.names("done"), ["a.csv", "b.csv", "c.csv"]);
}

#[tokio::test]
async fn rows_that_are_too_long_or_without_end_cost_no_memory_and_make_no_rows_of_a_cells_inside() {
    let folder = Folder::new(json!({"format": "ndjson", "row_bytes_max": 1000}));
    let path = folder.put("a.ndjson", &lines(1..2), 100);
    // A hole of a gigabyte, as one line.
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(1 << 30).unwrap();
    let mut file = File::options().append(true).open(&path).unwrap();
    file.write_all(b"\n").unwrap();
    file.write_all(&lines(2..3)).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(100))
        .unwrap();
    assert_eq!(drain(&folder.feed()).await, ["1", "2 row_too_long", "2"]);

    let folder = Folder::new(register());
    let head = "证件号码,姓名,性别,住址,版本,生效,别的\n1,王,1,,7,,\n";
    let inside = "666,假,1,,7,,\n".repeat(3_000);
    folder.put(
        "a.csv",
        &encoding_rs::GB18030
            .encode(&format!("{head}2,\"{inside}\",1,,8,,\n3,李,1,,9,,\n"))
            .0,
        100,
    );
    folder.put(
        "b.csv",
        &encoding_rs::GB18030.encode(&format!("{head}2,\"{inside}")).0,
        200,
    );
    assert_eq!(
        drain(&folder.feed()).await,
        ["1", "3 row_without_end", "1", "3 row_without_end"]
    );
}

#[tokio::test]
async fn a_batch_is_bounded_in_bytes() {
    let folder = Folder::new(json!({"format": "ndjson", "batch_rows_max": 1000}));
    let long = json!({"subject": {"id": "1"}, "fields": {"name": "x".repeat(60_000)}}).to_string() + "\n";
    folder.put("a.ndjson", long.repeat(200).as_bytes(), 100);
    let batch = folder.feed().poll(None).await.unwrap();
    assert!(
        batch.more && (60..80).contains(&batch.records.len()),
        "{}",
        batch.records.len()
    );
    assert_eq!(drain(&folder.feed()).await.len(), 200);
}
