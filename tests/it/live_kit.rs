//! A source in this process, whose every answer a test decides, and which counts what it is asked.
//! It stands for any connector: what a real server does to one is tested with the connectors.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use heyan::ports::outward::{OutsideSystems, SourceFault, SourceRecord};
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

/// What the source says of a subject.
#[derive(Clone)]
pub(crate) enum Says {
    Record(Value, Option<i64>),
    Nothing,
    Fault(SourceFault),
    /// Says it only once a test lets it.
    Gated(Arc<Semaphore>, Box<Says>),
    /// Never says anything.
    Hangs,
}

#[derive(Default)]
pub(crate) struct FakeSource {
    datasets: HashSet<String>,
    says: Mutex<HashMap<String, Says>>,
    asked: Mutex<Vec<Vec<(String, String)>>>,
    under_way: AtomicUsize,
}

impl FakeSource {
    pub(crate) fn of(datasets: &[&str]) -> Arc<Self> {
        Arc::new(Self {
            datasets: datasets.iter().map(|name| (*name).to_owned()).collect(),
            ..Self::default()
        })
    }

    /// What it says of every subject of `dataset` from now on.
    pub(crate) fn says(&self, dataset: &str, what: Says) {
        self.says.lock().unwrap().insert(dataset.to_owned(), what);
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub(crate) fn last_asked(&self) -> Vec<(String, String)> {
        self.asked.lock().unwrap().last().unwrap().clone()
    }

    /// Waits until `count` questions are under way.
    pub(crate) async fn until_under_way(&self, count: usize) {
        while self.under_way.load(Ordering::SeqCst) < count {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
}

#[async_trait]
impl OutsideSystems for FakeSource {
    fn is_live(&self, dataset: &str) -> bool {
        self.datasets.contains(dataset)
    }

    async fn ask(&self, dataset: &str, subject: &[(String, String)]) -> Result<Option<SourceRecord>, SourceFault> {
        self.asked.lock().unwrap().push(subject.to_vec());
        let mut says = self.says.lock().unwrap()[dataset].clone();
        self.under_way.fetch_add(1, Ordering::SeqCst);
        if let Says::Gated(gate, then) = says {
            gate.acquire().await.unwrap().forget();
            says = *then;
        }
        let answer = match says {
            Says::Record(fields, source_version) => Ok(Some(SourceRecord {
                fields: fields.as_object().unwrap().clone(),
                source_version,
            })),
            Says::Nothing => Ok(None),
            Says::Fault(fault) => Err(fault),
            Says::Gated(..) | Says::Hangs => std::future::pending().await,
        };
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        answer
    }
}

/// The fields of a record of `person()`, with changes.
pub(crate) fn fields_with(changes: &Value) -> Value {
    let mut fields: Map<String, Value> = crate::common::person()["fields"].as_object().unwrap().clone();
    for (name, value) in changes.as_object().unwrap() {
        fields.insert(name.clone(), value.clone());
    }
    Value::Object(fields)
}
