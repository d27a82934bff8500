//! Counters and histograms that many threads feed at once. Each thread adds to a stripe of its own, so that no two cores want one
//! cache line; a scrape adds the stripes up. One number of the verification path, shared by two cores, costs as much as all of
//! these together.
//! Own code: on the hot path; the counters of `prometheus` are one cache line for all cores.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use prometheus::{
    core::{Collector, Desc},
    proto::{Bucket, Counter, Histogram, LabelPair, Metric, MetricFamily, MetricType},
};

/// Stripes; threads beyond them share one.
const STRIPES: usize = 16;

/// The stripe of the thread that asks.
fn stripe_of_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static STRIPE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES;
    }
    STRIPE.with(|stripe| *stripe)
}

/// What a [`Family`] collects.
pub(crate) trait StripedMetric: Clone + Default + Send + Sync + 'static {
    /// What it is to Prometheus.
    const KIND: MetricType;

    /// Its value with these labels.
    fn metric(&self, labels: Vec<LabelPair>) -> Metric;
}

/// Counts events.
#[derive(Clone, Default)]
pub struct StripedCounter(Arc<[CacheLine; STRIPES]>);

/// One number on a cache line of its own; 128 bytes, since neighbouring lines are fetched in pairs.
#[derive(Default)]
#[repr(align(128))]
struct CacheLine(AtomicU64);

impl StripedCounter {
    /// One more.
    pub fn inc(&self) {
        if let Some(CacheLine(count)) = self.0.get(stripe_of_thread()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// So many until now.
    pub fn get(&self) -> u64 {
        self.0
            .iter()
            .map(|CacheLine(count)| count.load(Ordering::Relaxed))
            .sum()
    }
}

impl StripedMetric for StripedCounter {
    const KIND: MetricType = MetricType::COUNTER;

    fn metric(&self, labels: Vec<LabelPair>) -> Metric {
        let mut counter = Counter::default();
        counter.set_value(as_float(self.get()));
        let mut metric = Metric::from_label(labels);
        metric.set_counter(counter);
        metric
    }
}

/// Upper bounds of durations, microseconds.
const BOUNDS_US: [u64; 14] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000,
];

/// Counts durations by their length.
#[derive(Clone, Default)]
pub struct DurationHistogram(Arc<[StripeLengths; STRIPES]>);

/// Counts of one stripe, the last of what is longer than every bound; and the sum.
#[derive(Default)]
#[repr(align(128))]
struct StripeLengths {
    counts: [AtomicU64; BOUNDS_US.len() + 1],
    sum_ns: AtomicU64,
}

impl DurationHistogram {
    /// One more, so long.
    pub fn observe(&self, took: Duration) {
        let Some(stripe) = self.0.get(stripe_of_thread()) else {
            return;
        };
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let place = BOUNDS_US.partition_point(|bound| bound * 1_000 < ns);
        if let Some(count) = stripe.counts.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        stripe.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }
}

impl StripedMetric for DurationHistogram {
    const KIND: MetricType = MetricType::HISTOGRAM;

    fn metric(&self, labels: Vec<LabelPair>) -> Metric {
        let all = |of: &dyn Fn(&StripeLengths) -> u64| self.0.iter().map(of).sum::<u64>();
        let of_place = |place: usize| {
            all(&|stripe| {
                stripe
                    .counts
                    .get(place)
                    .map_or(0, |count| count.load(Ordering::Relaxed))
            })
        };
        let (mut cumulative, mut buckets) = (0, Vec::with_capacity(BOUNDS_US.len()));
        for (place, bound) in BOUNDS_US.iter().enumerate() {
            cumulative += of_place(place);
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(Duration::from_micros(*bound).as_secs_f64());
            bucket.set_cumulative_count(cumulative);
            buckets.push(bucket);
        }
        let sum_ns = all(&|stripe| stripe.sum_ns.load(Ordering::Relaxed));
        let mut histogram = Histogram::default();
        histogram.set_sample_count(cumulative + of_place(BOUNDS_US.len()));
        histogram.set_sample_sum(Duration::from_nanos(sum_ns).as_secs_f64());
        histogram.set_bucket(buckets);
        let mut metric = Metric::from_label(labels);
        metric.set_histogram(histogram);
        metric
    }
}

/// The metrics of one name, by their labels.
#[derive(Clone)]
pub(crate) struct MetricFamily<S> {
    desc: Desc,
    members: Arc<Mutex<Vec<FamilyMember<S>>>>,
}

/// A metric with its labels.
type FamilyMember<S> = (Vec<LabelPair>, S);

impl<S: StripedMetric> MetricFamily<S> {
    /// A family without members.
    ///
    /// # Errors
    /// The name or a label is not of Prometheus' form.
    pub(crate) fn new(name: &str, help: &str, labels: &[&str]) -> Result<Self, prometheus::Error> {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        Ok(Self {
            desc: Desc::new(
                name.to_owned(),
                help.to_owned(),
                labels,
                std::collections::HashMap::new(),
            )?,
            members: Arc::default(),
        })
    }

    /// The member with these values of the labels, made when it is first asked for.
    pub(crate) fn with(&self, values: &[&str]) -> S {
        let mut labels: Vec<LabelPair> = self.desc.variable_labels.iter().zip(values).map(label).collect();
        labels.sort();
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = members.iter().find(|(known, _)| *known == labels) {
            return known.clone();
        }
        let member = S::default();
        members.push((labels, member.clone()));
        member
    }
}

impl<S: StripedMetric> Collector for MetricFamily<S> {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        let metrics = members.iter().map(|(labels, member)| member.metric(labels.clone()));
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(S::KIND);
        family.set_metric(metrics.collect());
        vec![family]
    }
}

fn label((name, value): (&String, &&str)) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.clone());
    pair.set_value((*value).to_owned());
    pair
}

/// Prometheus counts in floating point; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "Prometheus counts in floating point")]
fn as_float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_threads_count_is_added_up() {
        let (tally, durations) = (StripedCounter::default(), DurationHistogram::default());
        std::thread::scope(|scope| {
            for _ in 0..3 * STRIPES {
                scope.spawn(|| {
                    for us in [50, 100, 101, 9_000_000] {
                        tally.inc();
                        durations.observe(Duration::from_micros(us));
                    }
                });
            }
        });
        let threads = 3 * STRIPES as u64;
        assert_eq!(tally.get(), 4 * threads);
        let metric = durations.metric(vec![]);
        let histogram = metric.get_histogram();
        let of_bound = |place: usize| histogram.get_bucket()[place].cumulative_count();
        assert_eq!(
            (of_bound(0), of_bound(1)),
            (2 * threads, 3 * threads),
            "a bound belongs to its bucket"
        );
        assert_eq!((of_bound(13), histogram.get_sample_count()), (3 * threads, 4 * threads));
        let sum = Duration::from_micros(9_000_251).as_secs_f64() * threads as f64;
        assert!((histogram.get_sample_sum() - sum).abs() < 1e-6);
    }

    #[test]
    fn a_member_is_made_once() {
        let family = MetricFamily::<StripedCounter>::new("heyan_test_total", "Test.", &["b", "a"]).unwrap();
        family.with(&["1", "2"]).inc();
        family.with(&["1", "2"]).inc();
        family.with(&["2", "1"]).inc();
        let collected = family.collect();
        let values: Vec<f64> = collected[0]
            .get_metric()
            .iter()
            .map(|metric| metric.get_counter().get_value())
            .collect();
        assert_eq!(values, [2.0, 1.0]);
        assert_eq!(
            collected[0].get_metric()[0].get_label()[0].name(),
            "a",
            "labels are sorted"
        );
    }
}
