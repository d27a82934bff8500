//! A throw-away PostgreSQL on loopback: made in a temporary folder, run as a user who may do nothing else, gone at the end.
//! Without the programs of PostgreSQL a test that needs them passes with a loud line; under `CI=true` it fails.

use std::{
    net::TcpListener,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use heyan::store::{PostgresConfig, open_postgres};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

/// `nobody`: PostgreSQL does not run as root.
const NOBODY: u32 = 65_534;

const READY: Duration = Duration::from_secs(60);

pub(crate) struct Postgres {
    bin: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    server: Option<Child>,
}

/// Whether a test goes on without `what`: it does not under `CI=true`.
pub(crate) fn absent(what: &str, package: &str) {
    assert_ne!(
        std::env::var("CI").as_deref(),
        Ok("true"),
        "{what} is missing: install {package}"
    );
    println!("SKIPPED: {what} is missing, so this test proved nothing. Install {package}.");
}

/// `program` as one who may do nothing else, when the test itself may do everything.
pub(crate) fn humble(program: &Path, folder: &Path) -> Command {
    let root = std::fs::metadata("/proc/self").is_ok_and(|about| about.uid() == 0);
    let mut command = if root {
        chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
        let mut command = Command::new("setpriv");
        let who = NOBODY.to_string();
        command
            .args(["--reuid", &who, "--regid", &who, "--clear-groups"])
            .arg(program);
        command
    } else {
        Command::new(program)
    };
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
        .collect();
    found.sort();
    found.pop()
}

impl Postgres {
    /// A running server with the empty database `heyan`, or none where its programs are missing.
    pub(crate) async fn start() -> Option<Self> {
        let Some(bin) = programs() else {
            absent("PostgreSQL", "postgresql");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let made = humble(&bin.join("initdb"), folder.path())
            .args([
                "-D",
                "data",
                "-U",
                "heyan",
                "--auth=trust",
                "--no-sync",
                "-E",
                "UTF8",
                "--locale=C",
            ])
            .status()
            .unwrap();
        assert!(made.success(), "initdb");
        let mut server = Self {
            bin,
            folder,
            port: free_port(),
            server: None,
        };
        server.resume().await;
        let mut connection = PgConnection::connect(&server.url_of("postgres")).await.unwrap();
        connection.execute("CREATE DATABASE heyan").await.unwrap();
        Some(server)
    }

    /// Starts the server again, on the same port.
    pub(crate) async fn resume(&mut self) {
        let until = Instant::now() + READY;
        while PgConnection::connect(&self.url_of("postgres")).await.is_err() {
            assert!(Instant::now() < until, "PostgreSQL did not start");
            // Processes of a killed server may live a moment longer, and the new one ends at once while they do.
            let running = matches!(self.server.as_mut().map(Child::try_wait), Some(Ok(None)));
            if !running {
                self.server = Some(self.spawn());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn spawn(&self) -> Child {
        humble(&self.bin.join("postgres"), self.folder.path())
            .args(["-D", "data", "-p", &self.port.to_string(), "-h", "127.0.0.1"])
            .args(["-c", "unix_socket_directories=", "-c", "max_connections=50"])
            .spawn()
            .unwrap()
    }

    /// `kill -9`. Its own processes see that their parent is gone and end too.
    pub(crate) fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        self.url_of("heyan")
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgres://heyan@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs statements of a test's own.
    pub(crate) async fn run(&self, sql: &str) {
        let mut connection = PgConnection::connect(&self.url()).await.unwrap();
        connection
            .execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())))
            .await
            .unwrap();
        connection.close().await.unwrap();
    }

    /// The one number that a query gives.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let mut connection = PgConnection::connect(&self.url()).await.unwrap();
        let row = connection.fetch_one(AssertSqlSafe(sql.to_owned())).await.unwrap();
        let number = row.get(0);
        connection.close().await.unwrap();
        number
    }
}

/// Where the tests of hubs keep their data instead of in SQLite: a server's URL, without a database.
const SERVER: &str = "HEYAN_TEST_POSTGRES";

/// A file with the URL of a database for the hub of this folder, where `HEYAN_TEST_POSTGRES` names a server.
pub(crate) async fn url_file(folder: &Path) -> Option<PathBuf> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let server = std::env::var(SERVER).ok().filter(|server| !server.is_empty())?;
    let file = folder.join("postgres-url");
    if !file.exists() {
        let nth = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let database = format!("t_{}_{nth}", std::process::id());
        let mut connection = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
        let create = match partitions() {
            Some(parts) => format!("CREATE DATABASE {database} TEMPLATE {}", template(&server, parts).await),
            None => format!("CREATE DATABASE {database}"),
        };
        connection.execute(sqlx::raw_sql(AssertSqlSafe(create))).await.unwrap();
        let mut out = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&file)
            .unwrap();
        writeln!(out, "{server}/{database}").unwrap();
    }
    Some(file)
}

/// In how many parts the tables of these stores are split, where `HEYAN_TEST_PARTITIONS` says it.
pub(crate) fn partitions() -> Option<u32> {
    let parts = std::env::var("HEYAN_TEST_PARTITIONS").ok()?;
    (!parts.is_empty()).then(|| parts.parse().unwrap())
}

/// Brings an empty database to the schema, and splits its tables as an operator would.
pub(crate) async fn split(url: &str, parts: u32) {
    let store = open_postgres(&PostgresConfig::new(url)).await.unwrap();
    store.close().await;
    split_tables(url, parts).await;
}

/// Runs `deploy/postgres/partition.sql`.
pub(crate) async fn split_tables(url: &str, parts: u32) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let set = format!("SET heyan.partitions = {parts}");
    connection.execute(sqlx::raw_sql(AssertSqlSafe(set))).await.unwrap();
    let script = sqlx::raw_sql(include_str!("../../deploy/postgres/partition.sql"));
    connection.execute(script).await.unwrap();
    connection.close().await.unwrap();
}

/// The database that others are copied from: making its tables once is enough.
async fn template(server: &str, parts: u32) -> &'static str {
    static MADE: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
    let make = async || {
        let name = format!("t_{}_split", std::process::id());
        let mut connection = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
        let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        connection.execute(sqlx::raw_sql(create)).await.unwrap();
        split(&format!("{server}/{name}"), parts).await;
        name
    };
    MADE.get_or_init(make).await
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}
