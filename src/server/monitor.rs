//! Looks at the machine four times a second, on a thread of its own: does the ledger make progress, does the database, is there space,
//! is the clock right. Says once when something begins, once a minute while it lasts, and once when it is over.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use heyan_app::node::hub::Hub;
use heyan_config::Config;
use heyan_ledger::LedgerCondition;

use super::{backup::age, clock::ClockWatch, serving};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(250);

/// Between two lines about one trouble.
const REMINDER: Duration = Duration::from_secs(60);

/// Age of a call to the database from which on it is said to be stalled.
const STALLED_AFTER: Duration = Duration::from_secs(1);

/// File that takes up space until the disk is full: then it makes room for what was begun.
const RESERVE: &str = "reserve";

/// The thread, stopped when dropped.
pub(super) struct MachineMonitor {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl MachineMonitor {
    /// Starts looking.
    pub(super) fn start(hub: &Arc<Hub>, config: &Config) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut watch = MachineWatch::new(Arc::clone(hub), config);
        let told = Arc::clone(&stop);
        let run = move || {
            while !told.load(Ordering::Acquire) {
                watch.look();
                thread::park_timeout(LOOK);
            }
        };
        let thread = thread::Builder::new().name("heyan-monitor".to_owned()).spawn(run)?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for MachineMonitor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let until = Instant::now() + Duration::from_secs(1);
            // A disk that hangs may hold it: then it is left, and changes nothing.
            while !thread.is_finished() && Instant::now() < until {
                thread::park_timeout(Duration::from_millis(2));
            }
        }
    }
}

/// How much of a disk is free.
pub(super) struct DiskSpace {
    pub(super) free: u64,
    pub(super) total: u64,
}

impl DiskSpace {
    pub(super) fn of(folder: &Path) -> Option<Self> {
        let stat = rustix::fs::statvfs(folder).ok()?;
        Some(Self {
            free: stat.f_bavail.saturating_mul(stat.f_frsize),
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
        })
    }

    fn is_below(&self, percent: u64) -> bool {
        self.free / 100 < self.total / 10_000 * percent
    }
}

struct MachineWatch {
    hub: Arc<Hub>,
    data_dir: PathBuf,
    wal_file: PathBuf,
    free_percent_min: u64,
    reserve_bytes: u64,
    clock: ClockWatch,
    stalled: MachineTrouble,
    blocked: MachineTrouble,
    unsealed: MachineTrouble,
    store: MachineTrouble,
    space: MachineTrouble,
    time: MachineTrouble,
}

impl MachineWatch {
    fn new(hub: Arc<Hub>, config: &Config) -> Self {
        let data_dir = config.node.data_dir.clone();
        let clock = ClockWatch::start(&hub);
        Self {
            wal_file: serving::log_of(&data_dir),
            free_percent_min: u64::from(config.node.free_percent_min),
            reserve_bytes: config.node.reserve_bytes,
            clock,
            hub,
            data_dir,
            stalled: MachineTrouble::new(
                "ledger stalled: a write or sync does not return",
                "the ledger makes progress again",
            ),
            blocked: MachineTrouble::new("ledger blocked: a write failed", "the ledger can write again"),
            unsealed: MachineTrouble::new("no checkpoint can be written", "checkpoints are written again"),
            store: MachineTrouble::new("database stalled: a call does not return", "the database answers again"),
            space: MachineTrouble::new("little disk space: changes are refused", "there is disk space again"),
            time: MachineTrouble::new(
                "clock doubtful: nothing is deleted by it",
                "the clock is believed again",
            ),
        }
    }

    fn look(&mut self) {
        self.look_at_ledger();
        self.look_at_store();
        self.look_at_space();
        self.look_at_backup();
        let doubt = self.clock.look(Instant::now(), self.hub.clock.now_us());
        self.hub.node.health.set_clock_unchecked(doubt.is_some());
        let remedy = "set the clock, and keep it with NTP; it is believed after a day without a jump";
        self.time.tell(doubt, remedy, 0);
    }

    fn look_at_ledger(&mut self) {
        let ledger = &self.hub.ledger;
        let (refused, condition) = (self.hub.node.metrics.unavailable.ledger(), ledger.condition());
        let place = self.data_dir.join("ledger");
        let words = |cause: String| format!("{cause} ({})", place.display());
        let is = |wanted: LedgerCondition| condition == wanted;
        let waits = || {
            words(format!(
                "oldest entry waits for {:.1} s",
                ledger.oldest_wait().as_secs_f64()
            ))
        };
        let remedy = "look after the disk of the ledger; nothing else is needed, it goes on by itself";
        self.stalled
            .tell(is(LedgerCondition::Stalled).then(waits), remedy, refused);
        let failure = || words(ledger.failure().unwrap_or_default());
        let remedy = "free space or mend the disk; it is tried again each second, no restart is needed";
        self.blocked
            .tell(is(LedgerCondition::Blocked).then(failure), remedy, refused);
        self.unsealed.tell(ledger.sealing_failure().map(words), remedy, 0);
        if is(LedgerCondition::Failed) {
            let cause = failure();
            self.hub.node.health.end(format!(
                "a sync of the ledger failed: {cause}. What is on disk is not known until the ledger is opened again: mend the \
                 disk, then start the hub"
            ));
        } else if ledger.has_lost_a_thread() {
            self.hub.node.health.end("a thread of the ledger has ended".to_owned());
        }
    }

    fn look_at_store(&mut self) {
        let store = &self.hub.store;
        let (refused, age) = (self.hub.node.metrics.unavailable.store(), store.oldest_wait());
        let words = || format!("a call waits for {:.1} s", age.as_secs_f64());
        let remedy = "look after the disk of the database, or the PostgreSQL server; it goes on by itself";
        self.store.tell((age >= STALLED_AFTER).then(words), remedy, refused);
        if store.has_lost_a_writer() {
            self.hub
                .node
                .health
                .end("a writer of the database has ended".to_owned());
        }
    }

    fn look_at_space(&mut self) {
        let metrics = &self.hub.node.metrics;
        let wal = fs::metadata(&self.wal_file).map_or(0, |file| file.len());
        metrics
            .machine
            .sqlite_wal_bytes
            .set(i64::try_from(wal).unwrap_or(i64::MAX));
        let Some(space) = DiskSpace::of(&self.data_dir) else {
            return;
        };
        metrics
            .machine
            .disk_free_bytes
            .set(i64::try_from(space.free).unwrap_or(i64::MAX));
        let low = space.is_below(self.free_percent_min);
        self.hub.node.health.set_space_low(low);
        let words = || {
            format!(
                "{} of {} bytes are free in {}",
                space.free,
                space.total,
                self.data_dir.display()
            )
        };
        let remedy = "free space, or enlarge the disk; changes are accepted again by themselves";
        self.space.tell(low.then(words), remedy, metrics.unavailable.store());
        self.keep_reserve(low, &space);
    }

    fn look_at_backup(&self) {
        if let Some(made_us) = age::last_made_us(&self.data_dir) {
            let age_us = self.hub.clock.now_us().saturating_sub(made_us).max(0);
            let age = Duration::from_micros(age_us.unsigned_abs()).as_secs_f64();
            self.hub.node.metrics.machine.backup_age_seconds.set(age);
        }
    }

    /// The reserve makes room when the ledger cannot write, and is made again when there is plenty.
    fn keep_reserve(&self, low: bool, space: &DiskSpace) {
        let file = self.data_dir.join(RESERVE);
        let is_there = file.exists();
        if is_there && self.hub.ledger.condition() == LedgerCondition::Blocked {
            // One that cannot be removed makes no room: that is told above.
            let _removed = fs::remove_file(&file);
        } else if !is_there && !low && self.reserve_bytes > 0 && space.free / 16 > self.reserve_bytes {
            let made = File::create(&file).and_then(|made| {
                let whole = rustix::fs::FallocateFlags::empty();
                Ok(rustix::fs::fallocate(&made, whole, 0, self.reserve_bytes)?)
            });
            if made.is_err() {
                let _removed = fs::remove_file(&file);
            }
        }
    }
}

/// Something that is told once when it begins, once a minute while it lasts, and once when it is over.
struct MachineTrouble {
    began: &'static str,
    over: &'static str,
    since: Option<Instant>,
    next: Instant,
    refused: u64,
}

impl MachineTrouble {
    fn new(began: &'static str, over: &'static str) -> Self {
        Self {
            began,
            over,
            since: None,
            next: Instant::now(),
            refused: 0,
        }
    }

    /// Takes in what was found; `refused` counts the calls that were refused so far.
    fn tell(&mut self, found: Option<String>, remedy: &str, refused: u64) {
        let now = Instant::now();
        match (found, self.since) {
            (Some(cause), None) => {
                tracing::warn!(cause, remedy, "{}", self.began);
                (self.since, self.next, self.refused) = (Some(now), now + REMINDER, refused);
            }
            (Some(cause), Some(since)) if now >= self.next => {
                let (refused_now, lasts_s) = (refused.saturating_sub(self.refused), (now - since).as_secs());
                tracing::warn!(cause, remedy, lasts_s, refused = refused_now, "{}", self.began);
                (self.next, self.refused) = (now + REMINDER, refused);
            }
            (None, Some(since)) => {
                let lasted_s = (now - since).as_secs_f64();
                tracing::info!(
                    lasted_s,
                    refused = refused.saturating_sub(self.refused),
                    "{}",
                    self.over
                );
                self.since = None;
            }
            _ => {}
        }
    }
}
