//! A real Apache Kafka for the tests: started once a test binary by `tests/kafka/kafka.sh`, gone with it; topics have a prefix of
//! their own in each test. Where none can be had the library's mock cluster takes its place, with a loud line; under `CI=true`
//! that fails.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use heyan::config::Config;
use heyan::ports::bus::BusTopic;
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    message::{Header, Headers as _, OwnedHeaders},
    mocking::MockCluster,
    producer::{FutureProducer, FutureRecord, Producer as _},
};
use serde_json::Value;
use tokio::sync::OnceCell;

/// Longest wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const PARTITIONS: i32 = 4;

/// Brokers that run until their folder is dropped, or the test binary ends.
pub(crate) struct Brokers {
    pub addresses: String,
    folder: PathBuf,
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kafka/kafka.sh")
}

fn run(args: &[&str]) -> Result<String, String> {
    let done = Command::new("timeout")
        .arg("180")
        .arg(script())
        .args(args)
        .env("KAFKA_OWNER", std::process::id().to_string())
        .output()
        .map_err(|error| error.to_string())?;
    match done.status.success() {
        true => Ok(String::from_utf8(done.stdout).unwrap().trim().to_owned()),
        false => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
    }
}

impl Brokers {
    /// Brokers of a test's own, which it may stop.
    pub(crate) fn start(count: u32) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap().keep();
        let addresses = run(&["start", folder.to_str().unwrap(), &count.to_string()])?;
        Ok(Self { addresses, folder })
    }

    pub(crate) fn command(&self, word: &str) {
        run(&[word, self.folder.to_str().unwrap()]).unwrap();
    }
}

impl Drop for Brokers {
    fn drop(&mut self) {
        let _gone = run(&["kill", self.folder.to_str().unwrap()]);
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

enum Cluster {
    Real(Brokers),
    Mock(Mock),
}

/// The library's mock cluster, on a thread of its own: it may not leave it.
struct Mock {
    addresses: String,
    prefixes: std::sync::Mutex<std::sync::mpsc::SyncSender<(String, std::sync::mpsc::SyncSender<()>)>>,
}

impl Mock {
    fn start() -> Self {
        let (told, addresses) = std::sync::mpsc::sync_channel(1);
        let (prefixes, asked) = std::sync::mpsc::sync_channel::<(String, std::sync::mpsc::SyncSender<()>)>(1);
        std::thread::spawn(move || {
            let mock = MockCluster::new(1).unwrap();
            told.send(mock.bootstrap_servers()).unwrap();
            for (prefix, made) in asked {
                for topic in BusTopic::ALL {
                    mock.create_topic(&format!("{prefix}{}", topic.name()), PARTITIONS, 1)
                        .unwrap();
                }
                made.send(()).unwrap();
            }
        });
        Self {
            addresses: addresses.recv().unwrap(),
            prefixes: std::sync::Mutex::new(prefixes),
        }
    }

    fn make_topics(&self, prefix: &str) {
        let (made, done) = std::sync::mpsc::sync_channel(1);
        self.prefixes.lock().unwrap().send((prefix.to_owned(), made)).unwrap();
        done.recv().unwrap();
    }
}

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();

/// Topics of one test.
pub(crate) struct Kafka {
    pub brokers: String,
    pub prefix: String,
    is_real: bool,
}

impl Kafka {
    /// The common broker, and a prefix that nobody else has.
    pub(crate) async fn get() -> Self {
        let cluster = CLUSTER.get_or_init(|| async { start() }).await;
        let prefix = format!("t{}.", &uuid::Uuid::now_v7().simple().to_string()[8..]);
        match cluster {
            Cluster::Real(brokers) => Self {
                brokers: brokers.addresses.clone(),
                prefix,
                is_real: true,
            },
            Cluster::Mock(mock) => {
                mock.make_topics(&prefix);
                Self {
                    brokers: mock.addresses.clone(),
                    prefix,
                    is_real: false,
                }
            }
        }
    }

    /// Topics on brokers of a test's own.
    pub(crate) fn on(brokers: &Brokers) -> Self {
        Self {
            brokers: brokers.addresses.clone(),
            prefix: "own.".to_owned(),
            is_real: true,
        }
    }

    /// Lets a hub use it; the feed speaks as `authority`.
    pub(crate) fn configure(&self, config: &mut Config) {
        let kafka = &mut config.kafka;
        kafka.brokers = self.brokers.clone();
        kafka.topic_prefix = self.prefix.clone();
        kafka.group_id = format!("{}group", self.prefix);
        kafka.create_topics = self.is_real;
        (kafka.partitions, kafka.replicas, kafka.min_insync_replicas) = (PARTITIONS, 1, 1);
        kafka.message_timeout_ms = 5_000;
        kafka.feed.agency = "authority".to_owned();
        kafka.requests.enabled = true;
    }

    pub(crate) fn topic(&self, topic: BusTopic) -> String {
        format!("{}{}", self.prefix, topic.name())
    }

    fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.brokers)
            .set("topic.metadata.refresh.interval.ms", "500");
        client
    }

    pub(crate) fn sender(&self) -> Sender {
        Sender {
            producer: self.client().set("linger.ms", "5").create().unwrap(),
            prefix: self.prefix.clone(),
        }
    }

    /// Deletes a topic; `false` where the cluster cannot.
    pub(crate) async fn delete(&self, topic: BusTopic) -> bool {
        let admin: AdminClient<DefaultClientContext> = self.client().create().unwrap();
        let name = self.topic(topic);
        if self.is_real {
            let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
            let deleted = admin.delete_topics(&[&name], &options).await.unwrap();
            assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
        }
        self.is_real
    }

    /// Waits until the hub has made the topics.
    pub(crate) async fn ready(&self) {
        let consumer: BaseConsumer = self.client().create().unwrap();
        wait_for("the topics", || {
            let known = consumer.fetch_metadata(None, Duration::from_secs(5)).unwrap();
            let names: Vec<&str> = known.topics().iter().map(|topic| topic.name()).collect();
            BusTopic::ALL
                .iter()
                .all(|topic| names.contains(&self.topic(*topic).as_str()))
                .then_some(())
        })
        .await;
    }

    /// Everything that stands in a topic now, each partition in its order.
    pub(crate) fn read(&self, topic: BusTopic) -> Vec<Read> {
        let name = self.topic(topic);
        let consumer: BaseConsumer = self.client().set("group.id", "reader").create().unwrap();
        let (mut list, mut ends) = (TopicPartitionList::new(), BTreeMap::new());
        for partition in 0..PARTITIONS {
            let (low, high) = watermarks(&consumer, &name, partition);
            if high > low {
                list.add_partition_offset(&name, partition, Offset::Beginning).unwrap();
                ends.insert(partition, high);
            }
        }
        let mut found = Vec::new();
        if ends.is_empty() {
            return found;
        }
        consumer.assign(&list).unwrap();
        while !ends.is_empty() {
            let Some(message) = consumer.poll(PATIENCE) else {
                panic!("{name} does not give all that stands in it");
            };
            let message = message.unwrap();
            if Some(&(message.offset() + 1)) == ends.get(&message.partition()) {
                ends.remove(&message.partition());
            }
            let headers = message.headers().unwrap();
            let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap_or_default().to_vec()).unwrap();
            found.push(Read {
                key: text(message.key()),
                headers: headers
                    .iter()
                    .map(|header| (header.key.to_owned(), text(header.value)))
                    .collect(),
                text: text(message.payload()),
            });
        }
        found
    }

    /// Waits until a topic holds so many messages.
    pub(crate) async fn wait(&self, topic: BusTopic, count: usize) -> Vec<Read> {
        wait_for(topic.name(), || {
            Some(self.read(topic)).filter(|found| found.len() >= count)
        })
        .await
    }
}

/// The ends of a partition; a leader that is not there yet is waited for.
fn watermarks(consumer: &BaseConsumer, topic: &str, partition: i32) -> (i64, i64) {
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        match consumer.fetch_watermarks(topic, partition, Duration::from_secs(2)) {
            Ok(ends) => return ends,
            Err(error) => assert!(std::time::Instant::now() < until, "{topic}: {error}"),
        }
    }
}

fn start() -> Cluster {
    match Brokers::start(1) {
        Ok(brokers) => Cluster::Real(brokers),
        Err(reason) => {
            assert_ne!(
                std::env::var("CI").as_deref(),
                Ok("true"),
                "Apache Kafka cannot be had: {reason}"
            );
            println!("NO KAFKA: the tests run on the library's mock cluster and prove less. {reason}");
            Cluster::Mock(Mock::start())
        }
    }
}

/// A message as it was read.
pub(crate) struct Read {
    pub key: String,
    pub headers: BTreeMap<String, String>,
    pub text: String,
}

impl Read {
    pub(crate) fn data(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

/// Sends to the inbound topics.
pub(crate) struct Sender {
    producer: FutureProducer,
    prefix: String,
}

/// A message to be sent.
pub(crate) struct Sent<'a> {
    pub topic: BusTopic,
    pub key: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    pub payload: &'a [u8],
}

impl Sender {
    pub(crate) async fn send(&self, sent: &Sent<'_>) {
        self.send_all(std::slice::from_ref(sent)).await;
    }

    pub(crate) async fn send_all(&self, all: &[Sent<'_>]) {
        let mut reports = Vec::new();
        for sent in all {
            let mut headers = OwnedHeaders::new();
            for (key, value) in sent.headers {
                headers = headers.insert(Header {
                    key,
                    value: Some(*value),
                });
            }
            let topic = format!("{}{}", self.prefix, sent.topic.name());
            let record = FutureRecord::to(&topic)
                .key(sent.key)
                .payload(sent.payload)
                .headers(headers);
            reports.push(self.producer.send_result(record).map_err(|(error, _)| error).unwrap());
        }
        self.producer.flush(PATIENCE).unwrap();
        for report in reports {
            report.await.unwrap().unwrap();
        }
    }

    /// An event in binary mode.
    pub(crate) async fn event(&self, topic: BusTopic, key: &str, id: &str, data: &Value) {
        let payload = data.to_string().into_bytes();
        let headers = [("ce_specversion", "1.0"), ("ce_type", topic.name()), ("ce_id", id)];
        self.send(&Sent {
            topic,
            key,
            headers: &headers,
            payload: &payload,
        })
        .await;
    }
}

/// Waits for something that comes by itself.
pub(crate) async fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(std::time::Instant::now() < until, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
