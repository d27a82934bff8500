//! A real hub in a temporary folder, and a client of it.

use std::{path::Path, sync::Arc};

use heyan::app::node::caller::Caller;
use heyan::app::{
    access::{
        admin::{self, NewAgency, NewGrant},
        token,
    },
    node::hub::Hub,
};
use heyan::config::Config;
use heyan::ports::{
    outward::{NoConnectors, OutsideSystems},
    time::{Clock, SystemClock},
};
use serde_json::{Value, json};

use crate::postgres_kit;
use tokio::sync::oneshot;

pub(crate) struct TestHub {
    pub url: String,
    pub admin_url: String,
    pub hub: Arc<Hub>,
    pub client: reqwest::Client,
    pub folder: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    served: tokio::task::JoinHandle<anyhow::Result<()>>,
}

/// The machine's clock, set forward.
#[derive(Default)]
pub(crate) struct ShiftedClock(std::sync::atomic::AtomicI64);

impl ShiftedClock {
    pub(crate) fn forward_s(&self, seconds: i64) {
        self.0
            .fetch_add(seconds * 1_000_000, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for ShiftedClock {
    fn now_us(&self) -> i64 {
        SystemClock.now_us() + self.0.load(std::sync::atomic::Ordering::SeqCst)
    }
}

pub(crate) const ITEM: &str = "11340200003010677X3442199806003";

pub(crate) fn purpose() -> Value {
    json!({"item_code": ITEM, "application_no": "A-1", "operator": "window-3"})
}

/// Synthetic, with right check characters.
pub(crate) const CREDIT_CODES: [&str; 3] = ["113402000030150561", "11340200003015064U", "11340200003015072N"];

impl TestHub {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::open(tempfile::tempdir().unwrap(), change).await
    }

    pub(crate) async fn open(folder: tempfile::TempDir, change: impl FnOnce(&mut Config)) -> Self {
        Self::open_with(folder, Arc::new(NoConnectors), change).await
    }

    /// With the parties of the demo and the outside systems given.
    pub(crate) async fn with_connectors(connectors: Arc<dyn OutsideSystems>) -> Self {
        let hub = Self::open_with(tempfile::tempdir().unwrap(), connectors, |_| {}).await;
        hub.add_parties().await;
        hub
    }

    pub(crate) async fn open_with(
        folder: tempfile::TempDir,
        connectors: Arc<dyn OutsideSystems>,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        Box::pin(Self::open_at(folder, connectors, Arc::new(SystemClock), change)).await
    }

    pub(crate) async fn open_at(
        folder: tempfile::TempDir,
        connectors: Arc<dyn OutsideSystems>,
        clock: Arc<dyn Clock>,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let mut config = Config::load(None).unwrap();
        config.http.listen = "127.0.0.1:0".to_owned();
        config.http.admin_listen = "127.0.0.1:0".to_owned();
        config.node.data_dir = folder.path().join("data");
        config.node.root_key_file = folder.path().join("keys/root");
        if let Some(file) = postgres_kit::url_file(folder.path()).await {
            config.store.postgres.url_file = file;
        }
        change(&mut config);
        let node = Box::pin(heyan::server::boot::open_at(config, connectors, clock))
            .await
            .unwrap();
        let (url, admin_url) = (node.url.clone(), node.admin_url.clone());
        let hub = Arc::clone(&node.hub);
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(node.serve_until(async {
            let _ = stopped.await;
            Ok(())
        }));
        // A node that has not heard the line yet asks the store each time.
        while !hub.node.trust.holds() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            url,
            admin_url,
            hub,
            client,
            folder,
            stop: Some(stop),
            served,
        }
    }

    /// With the parties of the demo: `agency` and `agency2` granted everything, `authority` of every dataset, and one
    /// user of each role.
    pub(crate) async fn with_parties() -> Self {
        let hub = Self::start().await;
        hub.add_parties().await;
        hub
    }

    pub(crate) async fn add_parties(&self) {
        let datasets: Vec<String> = self
            .hub
            .catalog
            .iter()
            .map(|dataset| dataset.name.to_string())
            .collect();
        for (id, code) in ["agency", "agency2", "authority"].into_iter().zip(CREDIT_CODES) {
            let authority = id == "authority";
            let new = NewAgency {
                id: Some(id.to_owned()),
                name: id.to_owned(),
                credit_code: code.to_owned(),
                role: if authority { "authority" } else { "agency" }.to_owned(),
                authority_for: if authority { datasets.clone() } else { vec![] },
                networks: vec![],
                public_key: None,
            };
            admin::add_agency(&self.hub, None, new).await.unwrap();
        }
        for role in ["operator", "manager", "auditor"] {
            admin::add_user(&self.hub, None, role, role, role, None).await.unwrap();
        }
        for agency in ["agency", "agency2"] {
            for dataset in &datasets {
                self.grant(agency, dataset, &["*"], &["verify", "predicate", "existence"])
                    .await;
            }
        }
    }

    pub(crate) async fn grant(&self, agency: &str, dataset: &str, fields: &[&str], operations: &[&str]) -> String {
        let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let new = NewGrant {
            agency: agency.to_owned(),
            dataset: dataset.to_owned(),
            fields: own(fields),
            operations: own(operations),
            item_codes: vec!["*".to_owned()],
            valid_from: None,
            valid_until: None,
            daily_ceiling: None,
            networks: vec![],
        };
        admin::add_grant(&self.hub, None, new).await.unwrap().id
    }

    pub(crate) async fn revoke_all_grants(&self) {
        let ids: Vec<String> = self
            .hub
            .access
            .table
            .load()
            .grants
            .keys()
            .map(ToString::to_string)
            .collect();
        for id in ids {
            let path = format!("/v1/grants/{id}");
            assert_eq!(
                self.send("DELETE", &path, Some(&self.token("manager")), None).await.0,
                200
            );
        }
    }

    pub(crate) fn token(&self, client: &str) -> String {
        let client = Arc::clone(self.hub.access.table.load().clients.get(client).unwrap());
        let caller = Caller {
            client,
            peer: std::net::IpAddr::from([127, 0, 0, 1]),
        };
        token::issue(&self.hub, &caller).unwrap().access_token
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        crate::wire::check(method.as_str(), path, status, &text);
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) async fn put(&self, dataset: &str, record: &Value) -> (u16, Value) {
        let path = format!("/v1/datasets/{dataset}/records");
        self.send("PUT", &path, Some(&self.token("authority")), Some(record))
            .await
    }

    /// As `put`, of a caller that names its trace. Returns the status.
    pub(crate) async fn put_traced(&self, dataset: &str, record: &Value, traceparent: &str) -> u16 {
        let path = format!("{}/v1/datasets/{dataset}/records", self.url);
        let request = self.client.put(path).bearer_auth(self.token("authority"));
        let headed = request
            .header("content-type", "application/json")
            .header("traceparent", traceparent);
        headed.body(record.to_string()).send().await.unwrap().status().as_u16()
    }

    pub(crate) async fn verify(&self, client: &str, body: &Value) -> (u16, Value) {
        self.send("POST", "/v1/verifications", Some(&self.token(client)), Some(body))
            .await
    }

    pub(crate) fn ledger_size(&self) -> u64 {
        self.hub.ledger.stats().durable
    }

    /// Stops the hub and hands its folder back.
    pub(crate) async fn stop(mut self) -> tempfile::TempDir {
        let _ = self.stop.take().unwrap().send(());
        self.served.await.unwrap().unwrap();
        self.folder
    }

    pub(crate) fn ledger_dir(folder: &Path) -> std::path::PathBuf {
        folder.join("data/ledger")
    }
}

/// A synthetic person.
pub(crate) fn person() -> Value {
    json!({"subject": {"id_number": "11010519491231002X"},
           "fields": {"name": "张三丰", "sex": "1", "ethnicity": "汉族", "birth_date": "1949-12-31",
                      "domicile_address": "安徽省芜湖市镜湖区北京中路2号3幢2单元501室", "status": "正常"}})
}

pub(crate) fn question(claims: &Value) -> Value {
    json!({"dataset": "natural-person", "subject": {"id_number": "11010519491231002X"}, "claims": claims,
           "purpose": purpose()})
}

/// A resident number of 17 digits with its check character (GB 11643).
pub(crate) fn with_check_character(digits: &str) -> String {
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = digits
        .bytes()
        .zip(weights)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    format!("{digits}{}", char::from(b"10X98765432"[sum as usize % 11]))
}
