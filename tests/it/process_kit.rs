//! A hub in a process of its own: for what only a process has, such as a log, signals, and an end without a stop.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// The `traceparent` of every call.
pub(crate) const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A hub in a process of its own, as operators run it; ended as `kill -9` ends one.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
    url: String,
    tokens: Value,
    client: reqwest::Client,
}

impl Process {
    /// With its files in `folder`, and with these settings of the environment.
    pub(crate) async fn start(folder: &Path, settings: &[(&str, &str)]) -> Self {
        let (log, out) = (folder.join("log"), folder.join("out"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_heyan"));
        let data = folder.join("data");
        command
            .args(["demo", "--output", "json", "--persons", "2", "--seed", "1"])
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .current_dir(folder)
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(60);
        let ready = loop {
            let text = std::fs::read_to_string(&out).unwrap();
            let line = text.lines().find(|line| line.contains("\"admin_url\""));
            if let Some(ready) = line.and_then(|line| serde_json::from_str::<Value>(line).ok()) {
                break ready;
            }
            let ended = child.try_wait().unwrap();
            let told = std::fs::read_to_string(&log).unwrap();
            assert!(ended.is_none() && Instant::now() < end, "{ended:?} {told}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        Self {
            child,
            log,
            url: ready["url"].as_str().unwrap().to_owned(),
            tokens: ready["tokens"].clone(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// One call, with `TRACE`; status and text of the answer.
    pub(crate) async fn send_text(
        &self,
        method: &str,
        path: &str,
        client: &str,
        key: Option<&str>,
        body: &Value,
    ) -> (u16, String) {
        let name = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(name, format!("{}{path}", self.url));
        let mut request = request
            .bearer_auth(self.tokens[client].as_str().unwrap())
            .header("traceparent", TRACE);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if method != "GET" {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// As `send_text`, with the answer as JSON.
    pub(crate) async fn send(&self, method: &str, path: &str, client: &str, body: &Value) -> (u16, Value) {
        let (status, text) = self.send_text(method, path, client, None, body).await;
        (status, serde_json::from_str(&text).unwrap())
    }

    /// Lines of the log whose message contains `text`.
    pub(crate) fn lines(&self, text: &str) -> Vec<Value> {
        let log = std::fs::read_to_string(&self.log).unwrap();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let has = |line: &Value| line["message"].as_str().is_some_and(|message| message.contains(text));
        lines.filter(has).collect()
    }

    /// Waits until there are so many of them.
    pub(crate) async fn until_told(&self, text: &str, count: usize) -> Vec<Value> {
        let end = Instant::now() + Duration::from_secs(20);
        while self.lines(text).len() < count {
            let log = std::fs::read_to_string(&self.log).unwrap();
            assert!(Instant::now() < end, "{count} × {text}: {log}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.lines(text)
    }

    pub(crate) fn hang_up(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
