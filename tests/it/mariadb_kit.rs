//! A throw-away MariaDB on loopback, as `postgres_kit.rs` has one of PostgreSQL.
//! Its account `root` has no password: it listens on loopback and lives for one test.

use std::{
    path::{Path, PathBuf},
    process::Child,
    time::{Duration, Instant},
};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, MySqlConnection};

use crate::postgres_kit::{absent, free_port, humble};

pub(crate) struct MariaDb {
    /// Deleted with it.
    _folder: tempfile::TempDir,
    port: u16,
    server: Child,
}

fn program(name: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/usr/local/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.exists())
}

impl MariaDb {
    /// A running server with the empty database `heyan`, or none where its programs are missing.
    pub(crate) async fn start() -> Option<Self> {
        let (Some(server), Some(install)) = (program("mariadbd"), program("mariadb-install-db")) else {
            absent("MariaDB", "mariadb-server");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let data = format!("--datadir={}", folder.path().join("data").display());
        let made = humble(&install, folder.path())
            .args([
                "--no-defaults",
                &data,
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ])
            .status()
            .unwrap();
        assert!(made.success(), "mariadb-install-db");
        let port = free_port();
        let server = humble(&server, folder.path())
            .args([
                "--no-defaults",
                &data,
                "--bind-address=127.0.0.1",
                "--skip-name-resolve",
            ])
            .arg(format!("--port={port}"))
            .arg(format!("--socket={}", folder.path().join("socket").display()))
            .args(["--innodb-buffer-pool-size=8M", "--innodb-flush-log-at-trx-commit=0"])
            // Not every file system takes asynchronous writes.
            .arg("--innodb-use-native-aio=0")
            .spawn()
            .unwrap();
        let kit = Self {
            _folder: folder,
            port,
            server,
        };
        let until = Instant::now() + Duration::from_secs(60);
        let root = kit.url_of("mysql");
        let mut connection = loop {
            if let Ok(connection) = MySqlConnection::connect(&root).await {
                break connection;
            }
            assert!(Instant::now() < until, "MariaDB did not start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        connection
            .execute("CREATE DATABASE heyan CHARACTER SET utf8mb4")
            .await
            .unwrap();
        Some(kit)
    }

    pub(crate) fn url(&self) -> String {
        self.url_of("heyan")
    }

    fn url_of(&self, database: &str) -> String {
        format!("mysql://root@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs statements of a test's own.
    pub(crate) async fn run(&self, sql: &str) {
        let mut connection = MySqlConnection::connect(&self.url()).await.unwrap();
        connection
            .execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())))
            .await
            .unwrap();
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let _ended = self.server.kill();
        let _ended = self.server.wait();
    }
}
