//! Runs `heyan` as a process, in a folder of its own, and gives back what a user sees.
//! The environment of the test run is not handed on: a story names everything that counts.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use serde_json::Value;

/// A folder that is removed with its holder.
pub(crate) struct Folder(PathBuf);

static FOLDERS: AtomicUsize = AtomicUsize::new(0);

impl Folder {
    pub(crate) fn new() -> Self {
        let number = FOLDERS.fetch_add(1, Ordering::SeqCst);
        let path = std::env::temp_dir().join(format!("heyan-cli-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("token"), "good\n").unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name).display().to_string()
    }

    pub(crate) fn rows(&self, name: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[derive(Debug)]
pub(crate) struct Ran {
    pub exit: i32,
    pub out: String,
    pub err: String,
    /// Most memory held, KiB.
    pub peak_kib: u64,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

/// Runs the command with a token against `url`.
pub(crate) async fn heyan(folder: &Folder, url: &str, arguments: &[&str]) -> Ran {
    let token = folder.path("token").display().to_string();
    let mut all = arguments.to_vec();
    all.extend(["--url", url, "--token-file", &token]);
    heyan_bare(&all, None).await
}

/// Runs the command as it stands.
pub(crate) async fn heyan_bare(arguments: &[&str], input: Option<Vec<u8>>) -> Ran {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    tokio::task::spawn_blocking(move || run(&arguments, input))
        .await
        .unwrap()
}

fn run(arguments: &[String], input: Option<Vec<u8>>) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heyan"));
    command
        .args(arguments)
        .env_clear()
        .env("LANG", "C.UTF-8")
        .env("USER", "tester");
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        std::thread::spawn(move || std::io::Write::write_all(&mut stdin, &input));
    }
    let (status, watched) = (
        format!("/proc/{}/status", child.id()),
        std::sync::Arc::new(AtomicUsize::new(0)),
    );
    let peak = std::sync::Arc::clone(&watched);
    let watcher = std::thread::spawn(move || {
        while let Ok(text) = std::fs::read_to_string(&status) {
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let Some(kib) = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()) else {
                break;
            };
            peak.fetch_max(kib, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let output = child.wait_with_output().unwrap();
    watcher.join().unwrap();
    Ran {
        exit: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
        peak_kib: watched.load(Ordering::SeqCst) as u64,
    }
}
