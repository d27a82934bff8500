//! `heyan demo`: a synthetic city and a hub on it, with nothing else installed.
//! The city's records go in by the same path as an authority's: there is no second one.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::anyhow;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::inbox;
use crate::city::{City, Sizes};
use heyan_app::node::caller::Caller;
use heyan_app::records;
use heyan_app::{
    access::{
        admin::{self, NewAgency, NewGrant},
        token,
    },
    delivery::subscriptions::{self, NewSubscription},
    node::hub::Hub,
};
use heyan_config::Config;
use heyan_server::{
    boot,
    process::{OutputAudience, say},
};
use heyan_telemetry as telemetry;

/// `heyan demo`.
#[derive(clap::Args)]
pub struct DemoArgs {
    /// Number of persons; firms, licences and real estate follow from it; 0: an empty city, ready for `heyan import`
    #[arg(long, default_value_t = 100_000)]
    persons: u64,
    /// Address of the public listener; port 0 takes a free port
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: String,
    /// Address of the admin listener: metrics and health
    #[arg(long, default_value = "127.0.0.1:9090")]
    admin_listen: String,
    /// Folder for data and keys [default: a temporary folder, removed at the end]
    #[arg(long)]
    data: Option<PathBuf>,
    /// Seed of the city; the same seed makes the same city
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// City of the demo's people, which their addresses may leave out.
const HOME_CITY: &str = "芜湖市";

/// A demo's tokens outlive a day of trying things out.
const TOKEN_TTL_S: i64 = 86_400;

/// Credit codes of the demo's parties; synthetic, with right check characters.
const AGENCIES: [(&str, &str, &str, &str); 3] = [
    ("agency", "镜湖区政务服务中心（演示）", "113402000030150561", "agency"),
    ("agency2", "弋江区政务服务中心（演示）", "11340200003015064U", "agency"),
    (
        "authority",
        "市数据资源管理局（演示）",
        "11340200003015072N",
        "authority",
    ),
];

/// The item of the third line: a food business licence, of whose materials two are verified, one is not needed and two remain.
const CHECKED_ITEM: &str = "11340200003015021E3000102001000";

/// Firms among which the third line looks for one that is in business.
const FIRMS_LOOKED_AT: u64 = 100;

const USERS: [(&str, &str); 4] = [
    ("operator", "operator"),
    ("manager", "manager"),
    ("manager2", "manager"),
    ("auditor", "auditor"),
];

/// Makes the city, opens the hub, tells how to use it, and serves until told to stop.
pub async fn run(args: DemoArgs, output: OutputAudience) -> anyhow::Result<()> {
    let temporary = args.data.is_none();
    let folder = args
        .data
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("heyan-demo-{}", std::process::id())));
    let mut config = Config::load(None)?;
    config.http.listen.clone_from(&args.listen);
    config.http.admin_listen.clone_from(&args.admin_listen);
    config.node.data_dir = folder.join("data");
    config.node.root_key_file = folder.join("keys/root");
    if std::env::var_os("HEYAN__AUTH__TOKEN_TTL_S").is_none() {
        config.auth.token_ttl_s = TOKEN_TTL_S;
    }
    // Push targets of the demo are on this machine: loopback only, on any port.
    let loopback = || vec!["127.0.0.0/8".to_owned()];
    config.catalog.home_city = HOME_CITY.to_owned();
    config.push.networks = loopback();
    config.push.literal_networks = loopback();
    config.push.plain_http_networks = loopback();
    config.push.any_port_networks = loopback();
    let config = config.checked()?;
    telemetry::start_log(
        if output == OutputAudience::Json { "info" } else { "warn" },
        config.log.format,
    );
    let ledger_dir = config.node.data_dir.join("ledger");
    let node = boot::open(config).await?;
    let hub = Arc::clone(&node.hub);
    make_parties(&hub).await?;
    let city = Arc::new(City::new(args.seed, Sizes::for_persons(args.persons)));
    fill(&hub, &city, output).await?;
    let (pretend_agency, inbox_url) = inbox::start()?;
    subscribe(&hub, &inbox_url).await?;
    let (url, admin_url) = (node.url.clone(), node.admin_url.clone());
    let told = DemoSummary {
        hub,
        url,
        admin_url,
        inbox_url,
        ledger_dir,
    };
    node.serve(move || {
        match output {
            OutputAudience::Json => say(told.json()?),
            OutputAudience::Human => told.people(&city)?,
        }
        Ok(())
    })
    .await?;
    pretend_agency.stop(false).await;
    if temporary {
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

async fn make_parties(hub: &Hub) -> anyhow::Result<()> {
    let datasets: Vec<String> = hub.catalog.iter().map(|dataset| dataset.name.to_string()).collect();
    for (id, name, credit_code, role) in AGENCIES {
        if hub.access.table.load().agencies.contains_key(id) {
            continue;
        }
        let new = NewAgency {
            id: Some(id.to_owned()),
            name: name.to_owned(),
            credit_code: credit_code.to_owned(),
            role: role.to_owned(),
            authority_for: if role == "authority" {
                datasets.clone()
            } else {
                Vec::new()
            },
            networks: Vec::new(),
            public_key: None,
        };
        admin::add_agency(hub, None, new).await?;
    }
    for (id, role) in USERS {
        if !hub.access.table.load().clients.contains_key(id) {
            admin::add_user(hub, None, id, id, role, None).await?;
        }
    }
    let granted = |agency: &str, dataset: &str| {
        let access = hub.access.table.load();
        access
            .grants
            .values()
            .any(|grant| grant.agency == agency && grant.dataset == dataset)
    };
    for agency in ["agency", "agency2"] {
        for dataset in datasets.iter().filter(|dataset| !granted(agency, dataset)) {
            admin::add_grant(hub, None, grant_of(agency, dataset)).await?;
        }
    }
    Ok(())
}

/// The pretend agency system listens for `agency`.
async fn subscribe(hub: &Hub, inbox_url: &str) -> anyhow::Result<()> {
    let caller = caller_of(hub, "agency")?;
    // Its port is another one at each start.
    for old in subscriptions::list(hub, &caller) {
        if old.url.ends_with(inbox::PATH) {
            subscriptions::remove(hub, &caller, &old.id).await?;
        }
    }
    let new = NewSubscription {
        url: inbox_url.to_owned(),
        events: vec!["*".to_owned()],
        datasets: Vec::new(),
        until: None,
        supersedes: false,
    };
    subscriptions::add(hub, &caller, new).await?;
    Ok(())
}

fn grant_of(agency: &str, dataset: &str) -> NewGrant {
    let all = || vec!["*".to_owned()];
    NewGrant {
        agency: agency.to_owned(),
        dataset: dataset.to_owned(),
        fields: all(),
        operations: ["verify", "predicate", "existence"].map(str::to_owned).into(),
        item_codes: all(),
        valid_from: None,
        valid_until: None,
        daily_ceiling: None,
        networks: Vec::new(),
    }
}

/// One kind of records of the city: its dataset, how many, and the n-th as JSON.
struct RecordSeries {
    dataset: &'static str,
    count: u64,
    record: fn(&City, u64, &mut String, &mut String),
}

fn series(sizes: Sizes) -> [RecordSeries; 4] {
    [
        RecordSeries {
            dataset: "natural-person",
            count: sizes.persons,
            record: |city, n, subject, fields| {
                let person = city.person(n);
                person.subject_json(subject);
                person.fields_json(fields);
            },
        },
        RecordSeries {
            dataset: "legal-entity",
            count: sizes.firms,
            record: |city, n, subject, fields| {
                let firm = city.firm(n);
                firm.subject_json(subject);
                firm.fields_json(fields);
            },
        },
        RecordSeries {
            dataset: "e-licence",
            count: sizes.licences,
            record: |city, n, subject, fields| {
                let licence = city.licence(n);
                licence.subject_json(subject);
                licence.fields_json(fields);
            },
        },
        RecordSeries {
            dataset: "real-estate",
            count: sizes.estates,
            record: |city, n, subject, fields| {
                let estate = city.estate(n);
                estate.subject_json(subject);
                estate.fields_json(fields);
            },
        },
    ]
}

/// Loads what the store does not hold yet; a demo that was killed while loading goes on here.
async fn fill(hub: &Arc<Hub>, city: &Arc<City>, output: OutputAudience) -> anyhow::Result<()> {
    let caller = caller_of(hub, "authority")?;
    let counts = hub.store.record_counts().await?;
    let bar = progress(city.sizes().total(), output);
    for series in series(city.sizes()) {
        let held = counts
            .iter()
            .find(|(dataset, _)| dataset == series.dataset)
            .map_or(0, |(_, count)| *count);
        if held >= series.count {
            bar.inc(series.count);
            continue;
        }
        load(hub, &caller, city, &series, &bar).await?;
    }
    bar.finish_and_clear();
    Ok(())
}

/// Two chunks are under way: while one is being written, the next is made and checked.
async fn load(
    hub: &Arc<Hub>,
    caller: &Caller,
    city: &Arc<City>,
    series: &RecordSeries,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let dataset = hub
        .catalog
        .get(series.dataset)
        .ok_or_else(|| anyhow!("no dataset {}", series.dataset))?;
    let mut under_way = tokio::task::JoinSet::new();
    let step = u64::try_from(records::RECORDS_MAX)?;
    let mut first = 0;
    while first < series.count {
        let range = first..(first + step).min(series.count);
        first = range.end;
        let (hub, caller, city, dataset) = (Arc::clone(hub), caller.clone(), Arc::clone(city), Arc::clone(dataset));
        let record = series.record;
        under_way.spawn(async move {
            let count = range.end - range.start;
            let made = range.map(|n| Ok(record_of(&city, record, n))).collect();
            let options = records::IngestOptions::of(records::IntakeOrigin::Rest);
            let answer = records::ingest(&hub, &caller, &dataset, made, &options).await?;
            let bad = answer.results.iter().filter(|result| result.is_err()).count();
            anyhow::ensure!(bad == 0, "{bad} records of the city were refused");
            Ok(count)
        });
        if under_way.len() == 2
            && let Some(done) = under_way.join_next().await
        {
            bar.inc(done??);
        }
    }
    while let Some(done) = under_way.join_next().await {
        bar.inc(done??);
    }
    Ok(())
}

fn record_of(city: &City, record: fn(&City, u64, &mut String, &mut String), n: u64) -> Value {
    let (mut subject, mut fields) = (String::new(), String::new());
    record(city, n, &mut subject, &mut fields);
    let parse = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    json!({"subject": parse(&subject), "fields": parse(&fields)})
}

fn progress(total: u64, output: OutputAudience) -> ProgressBar {
    if !output.shows_progress() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    if let Ok(style) = ProgressStyle::with_template("making the city {bar:30} {pos}/{len} records {per_sec}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn caller_of(hub: &Hub, id: &str) -> anyhow::Result<Caller> {
    let access = hub.access.table.load();
    let client = access
        .clients
        .get(id)
        .ok_or_else(|| anyhow!("the demo has no client {id}"))?;
    Ok(Caller {
        client: Arc::clone(client),
        peer: std::net::IpAddr::from([127, 0, 0, 1]),
    })
}

/// What the demo tells when it is ready.
struct DemoSummary {
    hub: Arc<Hub>,
    url: String,
    admin_url: String,
    inbox_url: String,
    ledger_dir: PathBuf,
}

impl DemoSummary {
    fn token(&self, id: &str) -> anyhow::Result<String> {
        Ok(token::issue(&self.hub, &caller_of(&self.hub, id)?)?.access_token)
    }

    fn json(&self) -> anyhow::Result<Value> {
        let mut tokens = serde_json::Map::new();
        for id in AGENCIES
            .iter()
            .map(|(id, ..)| *id)
            .chain(USERS.iter().map(|(id, _)| *id))
        {
            tokens.insert(id.to_owned(), self.token(id)?.into());
        }
        Ok(json!({
            "url": self.url,
            "admin_url": self.admin_url,
            "inbox_url": self.inbox_url,
            "ledger_dir": self.ledger_dir,
            "ledger_key": self.hub.ledger.vkey(),
            "tokens": tokens,
        }))
    }

    fn people(&self, city: &City) -> anyhow::Result<()> {
        say(format_args!(
            "heyan 核验 demo: {} records, ready.\n",
            city.sizes().total()
        ));
        say(format_args!(
            "  public    {}        {}: {}/docs",
            self.url,
            in_both("demo.docs"),
            self.url
        ));
        say(format_args!(
            "  operators {}        metrics: {}/metrics",
            self.admin_url, self.admin_url
        ));
        say(format_args!("  inbox     {}", self.inbox_url));
        say(format_args!(
            "  ledger    {}\n  key       {}\n",
            self.ledger_dir.display(),
            self.hub.ledger.vkey()
        ));
        for id in AGENCIES
            .iter()
            .map(|(id, ..)| *id)
            .chain(USERS.iter().map(|(id, _)| *id))
        {
            say(format_args!("  token {id:<10} {}", self.token(id)?));
        }
        if city.sizes().persons > 0 {
            self.curl_lines(city)?;
        }
        say(format_args!("\nCtrl-C stops the demo."));
        Ok(())
    }

    fn curl_lines(&self, city: &City) -> anyhow::Result<()> {
        let token = self.token("agency")?;
        let purpose = json!({
            "item_code": "11340200003010677X3442199806003", "application_no": "DEMO-0001", "operator": "window-3",
        });
        let member = |json: fn(&City, &mut String), city: &City| {
            let mut text = String::new();
            json(city, &mut text);
            serde_json::from_str::<Value>(&text).unwrap_or(Value::Null)
        };
        let person = member(|city, out| city.person(0).subject_json(out), city);
        let fields = member(|city, out| city.person(0).fields_json(out), city);
        let ask = |claims: Value| json!({"dataset": "natural-person", "subject": person, "claims": claims, "purpose": purpose});
        let matching = ask(json!({"name": fields.get("name"), "birth_date": fields.get("birth_date")}));
        let differing = ask(json!({"name": "卜相合", "birth_date": fields.get("birth_date")}));
        let firms = 0..city.sizes().firms.min(FIRMS_LOOKED_AT);
        let firm = firms.map(|n| city.firm(n)).find(|firm| firm.status() == "存续");
        let check = json!({
            "purpose": {"item_code": CHECKED_ITEM, "application_no": "DEMO-0002", "operator": "window-3"},
            "applicant": {
                "name": firm.as_ref().map_or("", |firm| firm.name()),
                "uscc": firm.as_ref().map_or("", |firm| firm.uscc()),
            },
            "materials": {
                "legal_representative": {"name": fields.get("name"), "id_number": person.get("id_number")},
            },
            "facts": {"premises": "leased"},
        });
        for (key, path, body) in [
            ("demo.match", "/v1/verifications", matching),
            ("demo.mismatch", "/v1/verifications", differing),
            ("demo.check", "/v1/checks", check),
        ] {
            say(format_args!("\n# {}", in_both(key)));
            say(format_args!(
                "curl -s {}{path} -H 'authorization: Bearer {token}' -H 'content-type: application/json' -d '{body}'",
                self.url
            ));
        }
        Ok(())
    }
}

/// A heading in Chinese and English.
fn in_both(key: &str) -> String {
    let text = heyan_texts::text(key);
    format!("{} {}", text.zh, text.en)
}
