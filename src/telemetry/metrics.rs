//! Every metric of CONTRACT §9 that this version serves, declared once.
//! Those of the verification path are striped by thread and resolved at start: counting there is one addition that no other
//! core waits for.

use std::time::Duration;

use prometheus::{
    Encoder, Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder, core::Collector,
};

use super::striped::{DurationHistogram, LabelledFamily, StripedCounter, StripedMetric};
use heyan_domain::verdict::Outcome;

/// A metric could not be registered: two of one name.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be registered")]
pub struct MetricsError(#[from] prometheus::Error);

/// Everything that is counted.
pub struct HubMetrics {
    registry: Registry,
    verifications: Box<[Box<[StripedCounter]>]>,
    /// Time from the parsed request to the durable answer.
    pub verification_seconds: DurationHistogram,
    http_seconds: LabelledFamily<DurationHistogram>,
    /// Look-ups answered from memory.
    pub cache_hits: StripedCounter,
    /// Look-ups that asked the store.
    pub cache_misses: StripedCounter,
    /// Look-ups that asked the store because memory was not trusted.
    pub cache_bypasses: StripedCounter,
    /// Records in memory.
    pub cache_entries: IntGauge,
    /// Bytes of records in memory.
    pub cache_bytes: IntGauge,
    /// Time that callers waited for the ledger.
    pub ledger_append_seconds: DurationHistogram,
    /// Entries in the ledger.
    pub ledger_size: IntGauge,
    /// Age of the newest checkpoint, seconds.
    pub checkpoint_age_seconds: Gauge,
    /// The machine.
    pub machine: MachineMetrics,
    /// Calls refused because a part of the hub was not there.
    pub unavailable: UnavailableCounts,
    /// How far the ledger's index is behind it, seconds.
    pub index_lag_seconds: Gauge,
    /// Requests without valid credentials.
    pub unknown_callers: IntCounterVec,
    /// Requests turned away because the hub was busy.
    pub shed: IntCounter,
    /// Lines to other nodes that were lost.
    pub lines_lost: IntCounter,
    /// Records taken in.
    pub records_ingested: IntCounterVec,
    intake_findings: IntCounterVec,
    licence_issue_delay: HistogramVec,
    /// The loop: mismatches, deliveries, alerts.
    pub turn: LoopTurn,
    /// The bus.
    pub bus: BusMetrics,
    source_requests: IntCounterVec,
    source_seconds: LabelledFamily<DurationHistogram>,
}

/// What is counted of the loop.
pub struct LoopTurn {
    /// Attempts at deliveries, by the state after them.
    pub deliveries: IntCounterVec,
    /// Mismatches by state.
    pub mismatches: IntGaugeVec,
    /// Mismatches that are past their due date.
    pub mismatches_overdue: IntGauge,
    /// Age of the oldest delivery that is not over, seconds.
    pub delivery_oldest_seconds: Gauge,
    /// Deliveries that were given up.
    pub dead_letters: IntGauge,
    /// Deliveries that are not over.
    pub outbox_depth: IntGauge,
    /// Alerts raised, by rule.
    pub alerts: IntCounterVec,
}

impl LoopTurn {
    fn new(make: &MetricMaker<'_>) -> Result<Self, MetricsError> {
        Ok(Self {
            deliveries: make.counters(
                "heyan_deliveries_total",
                "Attempts at deliveries, by the state of the delivery after them.",
                &["result"],
            )?,
            mismatches: make.gauges("heyan_mismatches", "Mismatches by state.", &["state"])?,
            mismatches_overdue: make.gauge(
                "heyan_mismatches_overdue",
                "Mismatches that are not over and past their due date.",
            )?,
            delivery_oldest_seconds: make.seconds(
                "heyan_delivery_oldest_seconds",
                "Age of the oldest delivery that is not over; 0 when there is none.",
            )?,
            dead_letters: make.gauge("heyan_dead_letters", "Deliveries that were given up.")?,
            outbox_depth: make.gauge("heyan_outbox_depth", "Deliveries that are not over.")?,
            alerts: make.counters("heyan_supervision_alerts_total", "Alerts raised, by rule.", &["rule"])?,
        })
    }
}

/// What is measured of the machine that the node runs on.
pub struct MachineMetrics {
    /// How long the oldest entry waits for the disk, seconds.
    pub ledger_oldest_wait_seconds: Gauge,
    /// How long the database has not answered a writer, seconds.
    pub store_oldest_wait_seconds: Gauge,
    /// Free bytes of the disk of the data folder.
    pub disk_free_bytes: IntGauge,
    /// Bytes of SQLite's write-ahead log.
    pub sqlite_wal_bytes: IntGauge,
    /// Age of the last backup, or of the ledger before the first, seconds.
    pub backup_age_seconds: Gauge,
    /// Whether the clock is doubted.
    pub clock_unchecked: IntGauge,
    /// Log lines that were lost.
    pub log_lines_lost: IntGauge,
}

impl MachineMetrics {
    fn new(make: &MetricMaker<'_>) -> Result<Self, MetricsError> {
        Ok(Self {
            ledger_oldest_wait_seconds: make.seconds(
                "heyan_ledger_oldest_wait_seconds",
                "How long the oldest ledger entry waits for the disk; 0 when none waits.",
            )?,
            store_oldest_wait_seconds: make.seconds(
                "heyan_store_oldest_wait_seconds",
                "How long the database has not answered a writer; 0 when no call is under way.",
            )?,
            disk_free_bytes: make.gauge("heyan_disk_free_bytes", "Free bytes of the disk of the data folder.")?,
            sqlite_wal_bytes: make.gauge("heyan_sqlite_wal_bytes", "Bytes of the write-ahead log of SQLite.")?,
            backup_age_seconds: make.seconds(
                "heyan_backup_age_seconds",
                "Age of the last `heyan backup`; before the first one, age of the ledger.",
            )?,
            clock_unchecked: make.gauge(
                "heyan_clock_unchecked",
                "1 while the clock disagrees with the monotonic clock, the newest entry or the database; nothing is deleted by it then.",
            )?,
            log_lines_lost: make.gauge(
                "heyan_log_lines_lost",
                "Log lines since the start that were not written, because their reader did not keep up or is gone.",
            )?,
        })
    }
}

/// Calls that were refused because the ledger or the database could not be used.
pub struct UnavailableCounts(IntCounterVec);

impl UnavailableCounts {
    fn new(make: &MetricMaker<'_>) -> Result<Self, MetricsError> {
        Ok(Self(make.counters(
            "heyan_unavailable_total",
            "Calls refused because the ledger or the database could not be used, by part.",
            &["part"],
        )?))
    }

    /// Counts one; `part` is `ledger` or `store`.
    pub fn count(&self, part: &str) {
        if let Ok(counter) = self.0.get_metric_with_label_values(&[part]) {
            counter.inc();
        }
    }

    /// Those of the ledger so far.
    pub fn ledger(&self) -> u64 {
        self.of("ledger")
    }

    /// Those of the database so far.
    pub fn store(&self) -> u64 {
        self.of("store")
    }

    fn of(&self, part: &str) -> u64 {
        self.0
            .get_metric_with_label_values(&[part])
            .map_or(0, |counter| counter.get())
    }
}

/// What is counted of the bus.
pub struct BusMetrics {
    lag: IntGaugeVec,
    dead_letters: IntCounterVec,
    parked_keys: IntGauge,
}

impl BusMetrics {
    fn new(make: &MetricMaker<'_>) -> Result<Self, MetricsError> {
        Ok(Self {
            lag: make.gauges(
                "heyan_kafka_lag",
                "Messages of a topic that were not taken in yet, or rows and ledger entries that were not published on it yet.",
                &["topic"],
            )?,
            dead_letters: make.counters(
                "heyan_kafka_dead_letters_total",
                "Messages that could not be taken in and went to the dead-letter topic, by class.",
                &["class"],
            )?,
            parked_keys: make.gauge(
                "heyan_kafka_parked_keys",
                "Keys of the feed behind which records without a version go to the dead-letter topic.",
            )?,
        })
    }

    /// Sets how far behind a topic is.
    pub fn lag(&self, topic: &str, lag: i64) {
        if let Ok(gauge) = self.lag.get_metric_with_label_values(&[topic]) {
            gauge.set(lag);
        }
    }

    /// Counts a dead letter.
    pub fn dead_letter(&self, class: &str) {
        if let Ok(counter) = self.dead_letters.get_metric_with_label_values(&[class]) {
            counter.inc();
        }
    }

    /// Sets how many keys are parked.
    pub fn parked(&self, keys: i64) {
        self.parked_keys.set(keys);
    }
}

fn cache_lookups(make: &MetricMaker<'_>) -> Result<LabelledFamily<StripedCounter>, MetricsError> {
    make.family(
        "heyan_cache_lookups_total",
        "Look-ups of records by result.",
        &["result"],
    )
}

impl HubMetrics {
    /// Registers every metric; `datasets` are the names of the catalogue, in its order.
    ///
    /// # Errors
    /// Two metrics of one name.
    pub fn new(datasets: &[&str]) -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let make = MetricMaker(&registry);
        let lookups = cache_lookups(&make)?;
        make.build_info()?;
        make.process()?;
        Ok(Self {
            verifications: verifications(&make, datasets)?,
            verification_seconds: make.durations(
                "heyan_verification_duration_seconds",
                "Time from the parsed request to the durable answer.",
            )?,
            http_seconds: make.family(
                "heyan_http_request_duration_seconds",
                "Time to answer an HTTP request.",
                &["route", "method", "status_class"],
            )?,
            cache_hits: lookups.with(&["hit"]),
            cache_misses: lookups.with(&["miss"]),
            cache_bypasses: lookups.with(&["bypass"]),
            cache_entries: make.gauge("heyan_cache_entries", "Records in memory.")?,
            cache_bytes: make.gauge("heyan_cache_bytes", "Bytes of records in memory.")?,
            ledger_append_seconds: make.durations(
                "heyan_ledger_append_duration_seconds",
                "Time that an answer waited for its ledger entry to be on disk.",
            )?,
            ledger_size: make.gauge("heyan_ledger_size", "Entries in the ledger.")?,
            checkpoint_age_seconds: make.seconds(
                "heyan_checkpoint_age_seconds",
                "Age of the oldest entry that no checkpoint covers; 0 when all are covered.",
            )?,
            machine: MachineMetrics::new(&make)?,
            unavailable: UnavailableCounts::new(&make)?,
            index_lag_seconds: make.seconds(
                "heyan_index_lag_seconds",
                "Age of the newest entry that the ledger's index knows, while there are newer ones; 0 when there are none.",
            )?,
            unknown_callers: make.counters(
                "heyan_unknown_callers_total",
                "Requests without valid credentials, by reason; they are not entered in the ledger.",
                &["reason"],
            )?,
            shed: make.counter("heyan_shed_total", "Requests turned away while busy.")?,
            lines_lost: make.counter("heyan_node_lines_lost_total", "Times the line to the other nodes was lost.")?,
            licence_issue_delay: issue_delay(&make)?,
            turn: LoopTurn::new(&make)?,
            bus: BusMetrics::new(&make)?,
            records_ingested: make.counters(
                "heyan_records_ingested_total",
                "Records taken in, by result.",
                &["result"],
            )?,
            intake_findings: intake_findings(&make)?,
            source_requests: make.counters(
                "heyan_source_requests_total",
                "Questions to outside sources, by result.",
                &["source", "result"],
            )?,
            source_seconds: make.family(
                "heyan_source_duration_seconds",
                "Time that an outside source took for an answer.",
                &["source"],
            )?,
            registry,
        })
    }

    /// Counts one answer.
    pub fn verification(&self, dataset: u16, outcome: Outcome) {
        let counter = self
            .verifications
            .get(usize::from(dataset))
            .and_then(|counters| counters.get(usize::from(outcome.code())));
        if let Some(counter) = counter {
            counter.inc();
        }
    }

    /// Counts one question to the source of `dataset`; `result` is of a closed set.
    pub fn source(&self, dataset: &str, result: &str, took: Duration) {
        if let Ok(counter) = self.source_requests.get_metric_with_label_values(&[dataset, result]) {
            counter.inc();
        }
        self.source_seconds.with(&[dataset]).observe(took);
    }

    /// Counts one finding about a value that came in; all words are of closed sets.
    pub fn intake_finding(&self, dataset: &str, origin: &str, code: &str, result: &str) {
        let labels = [dataset, origin, code, result];
        if let Ok(counter) = self.intake_findings.get_metric_with_label_values(&labels) {
            counter.inc();
        }
    }

    /// Measures how long after its day of issue a licence came in.
    pub fn licence_issued(&self, dataset: &str, delay_s: i64) {
        if let Ok(histogram) = self.licence_issue_delay.get_metric_with_label_values(&[dataset]) {
            // Whole seconds of a few years: exact.
            histogram.observe(delay_s as f64);
        }
    }

    /// The durations of one route, method and class of answers, to be kept by the route.
    pub fn http_route(&self, route: &str, method: &str, status_class: &str) -> DurationHistogram {
        self.http_seconds.with(&[route, method, status_class])
    }

    /// The text format of Prometheus.
    ///
    /// # Errors
    /// A metric cannot be written.
    pub fn text(&self) -> Result<Vec<u8>, MetricsError> {
        let mut text = Vec::with_capacity(16_384);
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

fn issue_delay(make: &MetricMaker<'_>) -> Result<HistogramVec, MetricsError> {
    make.days(
        "heyan_licence_issue_delay_seconds",
        "Time from the end of a licence's day of issue until it first came in.",
        &["dataset"],
    )
}

fn intake_findings(make: &MetricMaker<'_>) -> Result<IntCounterVec, MetricsError> {
    make.counters(
        "heyan_intake_findings_total",
        "Findings about values of records that came in.",
        &["dataset", "origin", "code", "result"],
    )
}

/// A tally for each dataset and outcome, by their numbers.
fn verifications(make: &MetricMaker<'_>, datasets: &[&str]) -> Result<Box<[Box<[StripedCounter]>]>, MetricsError> {
    let totals: LabelledFamily<StripedCounter> = make.family(
        "heyan_verifications_total",
        "Verifications answered.",
        &["dataset", "outcome"],
    )?;
    let of_dataset = |dataset: &&str| {
        let of_outcome = |outcome: Outcome| totals.with(&[dataset, outcome.as_str()]);
        Outcome::ALL.into_iter().map(of_outcome).collect()
    };
    Ok(datasets.iter().map(of_dataset).collect())
}

/// Makes metrics and registers them.
struct MetricMaker<'a>(&'a Registry);

impl MetricMaker<'_> {
    fn register<C: Collector + Clone + 'static>(&self, metric: C) -> Result<C, MetricsError> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, MetricsError> {
        self.register(IntCounter::new(name, help)?)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, MetricsError> {
        self.register(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, MetricsError> {
        self.register(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, MetricsError> {
        self.register(IntGauge::new(name, help)?)
    }

    fn seconds(&self, name: &str, help: &str) -> Result<Gauge, MetricsError> {
        self.register(Gauge::new(name, help)?)
    }

    fn family<S: StripedMetric>(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<LabelledFamily<S>, MetricsError> {
        self.register(LabelledFamily::new(name, help, labels)?)
    }

    /// What takes hours to months.
    fn days(&self, name: &str, help: &str, labels: &[&str]) -> Result<HistogramVec, MetricsError> {
        const DAY_S: f64 = 86_400.0;
        let buckets = vec![
            0.0,
            DAY_S / 24.0,
            DAY_S / 4.0,
            DAY_S,
            2.0 * DAY_S,
            7.0 * DAY_S,
            30.0 * DAY_S,
        ];
        self.register(HistogramVec::new(
            HistogramOpts::new(name, help).buckets(buckets),
            labels,
        )?)
    }

    fn durations(&self, name: &str, help: &str) -> Result<DurationHistogram, MetricsError> {
        Ok(self.family(name, help, &[])?.with(&[]))
    }

    fn build_info(&self) -> Result<(), MetricsError> {
        let info = IntGaugeVec::new(
            Opts::new("heyan_build_info", "Version of this binary; always 1."),
            &["version"],
        )?;
        self.register(info)?
            .get_metric_with_label_values(&[env!("CARGO_PKG_VERSION")])?
            .set(1);
        Ok(())
    }

    #[cfg(target_os = "linux")]
    fn process(&self) -> Result<(), MetricsError> {
        Ok(self
            .0
            .register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?)
    }

    #[cfg(not(target_os = "linux"))]
    fn process(&self) -> Result<(), MetricsError> {
        Ok(())
    }
}
