//! The ledger against a second implementation of its proofs in another language (`tests/second_ledger.py`).
//! Skipped with a note when `python3` with `cryptography` is not there.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use heyan::ledger::tile::TilePath;
use heyan::ledger::{Ledger, LedgerConfig};

/// Files of which the middle byte is changed, one at a time.
const TAMPERED: [&str; 11] = [
    "log/tile/entries/272",
    "log/tile/entries/273.p/112",
    "log/tile/0/007",
    "log/tile/0/273.p/112",
    "log/tile/1/000",
    "log/tile/1/001.p/17",
    "log/tile/2/000.p/1",
    "log/checkpoint",
    "first.tlog-proof",
    "last.json",
    "held",
];

fn open(dir: &Path) -> Ledger {
    Ledger::open(LedgerConfig {
        dir: dir.to_path_buf(),
        origin: "hub-1.test/log".into(),
        segment_bytes: 1 << 20,
        seal_interval_ms: 20,
        signing_seed: [8; 32],
        group_bytes_max: 1 << 20,
        queue_max: 64,
        clock: Arc::new(|| 0),
    })
    .unwrap()
}

/// Writes what a web server would serve below `/log/`.
fn serve(ledger: &Ledger, size: u64, to: &Path) {
    let write = |path: String, bytes: Vec<u8>| {
        let file = to.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    };
    write("checkpoint".into(), ledger.checkpoint().into_bytes());
    for level in 0..8u8 {
        let hashes = size >> (8 * level);
        for n in 0..hashes.div_ceil(256) {
            let width = u16::try_from((hashes - n * 256).min(256)).unwrap();
            write(
                TilePath::Hashes { level, n, width }.encode(),
                ledger.tile(level, n, width).unwrap(),
            );
            if level == 0 {
                write(
                    TilePath::Entries { n, width }.encode(),
                    ledger.entry_bundle(n, width).unwrap(),
                );
            }
        }
    }
}

fn python(arguments: &[&str]) -> Option<i32> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/second_ledger.py");
    let output = Command::new(interpreter())
        .arg(script)
        .args(arguments)
        .output()
        .unwrap();
    println!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output.status.code()
}

/// Changes the middle byte of `file`, expects exit code 1, and puts it back.
fn changed(file: &Path, arguments: &[&str]) {
    let good = fs::read(file).unwrap();
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    fs::write(file, bad).unwrap();
    assert_eq!(python(arguments), Some(1), "{}", file.display());
    fs::write(file, good).unwrap();
}

#[test]
fn a_second_implementation_agrees_and_sees_every_kind_of_change() {
    if !Command::new(interpreter())
        .args(["-c", "import cryptography"])
        .status()
        .is_ok_and(|s| s.success())
    {
        eprintln!("skipped: python3 with cryptography is not installed");
        return;
    }
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = |name: &str| out.path().join(name).to_str().unwrap().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ledger = open(dir.path());
    let entries = |from: u64, to: u64| {
        (from..to)
            .map(|i| format!("entry {i}").into_bytes())
            .collect::<Vec<_>>()
    };
    runtime.block_on(ledger.append_many(entries(0, 1_000))).unwrap();
    ledger.close().unwrap();
    fs::write(path("held"), ledger.checkpoint()).unwrap();
    fs::write(path("first.tlog-proof"), ledger.inclusion_proof(255).unwrap().to_text()).unwrap();
    drop(ledger);
    let ledger = open(dir.path());
    let size = 70_000;
    for from in (1_000..size).step_by(3_000) {
        let many = ledger.append_many(entries(from, from + 3_000));
        runtime.block_on(many).unwrap();
    }
    ledger.close().unwrap();
    serve(&ledger, size, &out.path().join("log"));
    fs::write(
        path("last.json"),
        ledger.inclusion_proof(size - 1).unwrap().to_json().to_string(),
    )
    .unwrap();
    fs::write(path("key.pub"), ledger.vkey()).unwrap();
    let (key, log, first, last) = (
        path("key.pub"),
        path("log"),
        path("first.tlog-proof"),
        path("last.json"),
    );
    let held = path("held");
    let whole = [
        "--key",
        &key,
        "--dir",
        &log,
        "--receipt",
        &first,
        "--receipt",
        &last,
        "--held",
        &held,
        "--save",
        &path("saved"),
    ];
    assert_eq!(python(&whole), Some(0));
    assert_eq!(fs::read_to_string(path("saved")).unwrap(), ledger.checkpoint());
    assert_eq!(python(&["--key", ledger.vkey(), "--receipt", &first]), Some(0));

    TAMPERED
        .into_iter()
        .for_each(|name| changed(&out.path().join(name), &whole));
    fs::remove_file(path("log/tile/0/007")).unwrap();
    assert_eq!(python(&whole), Some(3));
    assert_eq!(python(&["--key", &key]), Some(2));
}

/// The interpreter of `tests/run`, which has what the script needs; the system's otherwise.
fn interpreter() -> String {
    std::env::var("PYTHON").unwrap_or_else(|_unset| "python3".to_owned())
}
