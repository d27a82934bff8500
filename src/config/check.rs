//! What settings may not be, beyond their types: each finding names the key, what is wrong and the remedy.
//! A limit of zero is no limit at all in the code behind it, so zero is refused where a limit stands.

use std::net::SocketAddr;

use heyan_domain::{budget::VALUE_UNITS, division::HomeCity};

use super::{
    Config, GuessSettings,
    unsafe_setting::{UnsafeSetting, between},
};

/// Limits of the guess budget with which honest agencies would be told nothing.
fn guess_budget(guess: &GuessSettings, found: &mut Vec<UnsafeSetting>) {
    let mut refuse = |wrong: bool, key, remedy: &str| {
        if wrong {
            found.push(UnsafeSetting {
                key,
                remedy: remedy.to_owned(),
            });
        }
    };
    refuse(
        guess.units_24_h_max == 0 || guess.units_30_days_max == 0,
        "guess.units_24_h_max",
        "must not be 0, and guess.units_30_days_max must not be 0: one mistyped claim would need manual review",
    );
    refuse(
        guess.reserved_units_24_h >= guess.units_24_h_max.max(1)
            || guess.reserved_units_30_days >= guess.units_30_days_max.max(1),
        "guess.reserved_units_24_h",
        "must be less than units_24_h_max, and reserved_units_30_days less than units_30_days_max: otherwise only agencies with a confirmed matter are answered",
    );
    let least = [
        guess.agency_units_24_h_max,
        guess.agency_units_30_days_max,
        guess.code_units_max / 2,
        guess.agency_code_units_max,
    ];
    refuse(
        least.iter().any(|units| *units < u32::from(VALUE_UNITS)),
        "guess.agency_units_24_h_max",
        "must be 2 or more, and so must agency_units_30_days_max and agency_code_units_max, and code_units_max 4 or more: a wrong value counts 2",
    );
    let subjects = [
        guess.agency_subjects_24_h_max,
        guess.agency_subjects_30_days_max,
        guess.agency_locks_24_h_max,
    ];
    refuse(
        subjects.contains(&0),
        "guess.agency_subjects_24_h_max",
        "must not be 0, and neither must agency_subjects_30_days_max and agency_locks_24_h_max: no agency would be answered",
    );
}

pub(super) fn check(config: &Config) -> Vec<UnsafeSetting> {
    let mut found = Vec::new();
    listeners(config, &mut found);
    limits(config, &mut found);
    home_city(config, &mut found);
    guess_budget(&config.guess, &mut found);
    let mut refuse = |wrong: bool, key, remedy: &str| {
        if wrong {
            found.push(UnsafeSetting {
                key,
                remedy: remedy.to_owned(),
            });
        }
    };
    refuse(
        config.auth.sealing_key_id == 0,
        "auth.sealing_key_id",
        "must be 1 or more, and never lower than before: data sealed with a later key could not be decrypted",
    );
    refuse(
        config.push.target_attempts_max == 0 || config.push.attempts_max == 0,
        "push.target_attempts_max",
        "must not be 0, and push.attempts_max must not be 0: nothing would ever be sent",
    );
    let origin = &config.node.origin;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    refuse(
        origin.is_empty() || origin.len() > 128 || !origin.bytes().all(plain),
        "node.origin",
        "must be a name of letters, digits, dots and dashes, such as hub-1.example.gov.cn",
    );
    let inside = config.node.root_key_file.starts_with(&config.node.data_dir);
    refuse(
        inside,
        "node.root_key_file",
        "must not be inside node.data_dir, because a copy of the data would include the keys; name a file elsewhere",
    );
    refuse(
        !(1..=86_400).contains(&config.auth.token_ttl_s),
        "auth.token_ttl_s",
        "must be 1 to 86400; 600 is usual",
    );
    refuse(
        config.auth.rotation_overlap_s < 0,
        "auth.rotation_overlap_s",
        "must not be negative",
    );
    refuse(config.auth.issuer.is_empty(), "auth.issuer", "must not be empty");
    refuse(
        !(10..=1_000).contains(&config.ledger.seal_interval_ms),
        "ledger.seal_interval_ms",
        "must be 10 to 1000: receipts rely on a checkpoint at least once per second",
    );
    refuse(
        !(1_000..=5_000).contains(&config.node.lease_ms),
        "node.lease_ms",
        "must be 1000 to 5000: it bounds how long a verdict may rest on a version that another node has replaced",
    );
    let tls = &config.http.tls;
    refuse(
        tls.is_configured() == tls.key_file.as_os_str().is_empty(),
        "http.tls.key_file",
        "must be set together with http.tls.certificate_file",
    );
    found
}

/// How long what an agency asks for may last.
fn home_city(config: &Config, found: &mut Vec<UnsafeSetting>) {
    let home = &config.catalog.home_city;
    if !home.is_empty() && HomeCity::parse(home).is_none() {
        found.push(UnsafeSetting {
            key: "catalog.home_city",
            remedy: "must be the code or the full name of a city, such as 340200 or 芜湖市; empty if addresses always \
                     name theirs"
                .to_owned(),
        });
    }
}

fn spans(config: &Config, found: &mut Vec<UnsafeSetting>) {
    if !(1..=3_660).contains(&config.watches.until_days_max) {
        found.push(UnsafeSetting {
            key: "watches.until_days_max",
            remedy: "must be 1 to 3660; 366 is usual".to_owned(),
        });
    }
    if !(1..=87_840).contains(&config.cases.valid_hours_max) {
        found.push(UnsafeSetting {
            key: "cases.valid_hours_max",
            remedy: "must be 1 to 87840; 720 is usual".to_owned(),
        });
    }
}

fn listeners(config: &Config, found: &mut Vec<UnsafeSetting>) {
    let mut address = |key, text: &str| {
        let address = text.parse::<SocketAddr>().ok();
        if address.is_none() {
            found.push(UnsafeSetting {
                key,
                remedy: "must be an address and a port, such as 127.0.0.1:8080".to_owned(),
            });
        }
        address
    };
    let public = address("http.listen", &config.http.listen);
    let admin = address("http.admin_listen", &config.http.admin_listen);
    let plain = !config.http.insecure_plain_http;
    if public.is_some_and(|address| !address.ip().is_loopback()) && plain && !config.http.tls.is_configured() {
        found.push(UnsafeSetting {
            key: "http.listen",
            remedy: "plain HTTP beyond loopback: set [http.tls], or put a TLS proxy before the hub and set \
                     http.insecure_plain_http = true on purpose"
                .to_owned(),
        });
    }
    if admin.is_some_and(|address| !address.ip().is_loopback()) && plain {
        found.push(UnsafeSetting {
            key: "http.admin_listen",
            remedy: "metrics and health belong on loopback or an operators' network: set 127.0.0.1, or \
                     http.insecure_plain_http = true on purpose"
                .to_owned(),
        });
    }
}

fn limits(config: &Config, found: &mut Vec<UnsafeSetting>) {
    spans(config, found);
    let http = &config.http;
    let as_u64 = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let rows: [(&'static str, u64, u64, u64); 23] = [
        ("node.free_percent_min", config.node.free_percent_min.into(), 0, 50),
        ("node.reserve_bytes", config.node.reserve_bytes, 0, 1 << 34),
        ("http.connections_max", as_u64(http.connections_max), 1, 1_000_000),
        (
            "http.address_connections_max",
            as_u64(http.address_connections_max),
            1,
            1_000_000,
        ),
        (
            "http.stranger_calls_s_max",
            http.stranger_calls_s_max.into(),
            1,
            1_000_000,
        ),
        ("http.calls_max", as_u64(http.calls_max), 4, 1_000_000),
        ("http.workers", as_u64(http.workers), 0, 1_024),
        ("http.head_timeout_ms", http.head_timeout_ms, 100, 600_000),
        ("http.body_timeout_ms", http.body_timeout_ms, 100, 600_000),
        ("http.keep_alive_ms", http.keep_alive_ms, 1, 3_600_000),
        ("http.body_bytes_max", as_u64(http.body_bytes_max), 1_024, 1 << 30),
        ("http.batch_bytes_max", as_u64(http.batch_bytes_max), 1_024, 1 << 30),
        ("http.line_bytes_max", as_u64(http.line_bytes_max), 1_024, 1 << 24),
        ("http.batch_items_max", as_u64(http.batch_items_max), 1, 1_000),
        ("http.chunk_items_max", as_u64(http.chunk_items_max), 1, 1_000),
        ("store.readers", config.store.readers.into(), 1, 64),
        ("cache.batch_keys_max", as_u64(config.cache.batch_keys_max), 1, 10_000),
        ("cache.loads_max", as_u64(config.cache.loads_max), 1, 64),
        (
            "cache.waiting_keys_max",
            as_u64(config.cache.waiting_keys_max),
            // A whole batch waits together.
            1_000,
            10_000_000,
        ),
        ("cache.load_timeout_ms", config.cache.load_timeout_ms, 10, 600_000),
        ("ledger.segment_bytes", config.ledger.segment_bytes, 131_072, 1 << 30),
        (
            "ledger.queue_entries_max",
            as_u64(config.ledger.queue_entries_max),
            1,
            1 << 20,
        ),
        (
            "ledger.group_bytes_max",
            as_u64(config.ledger.group_bytes_max),
            65_536,
            1 << 30,
        ),
    ];
    between(found, &rows);
    further_limits(config, found);
    super::quotas::check(&config.quotas, found);
    combinations(config, found);
    super::licences::check(&config.licences, found);
    super::kafka::check(&config.kafka, found);
    spans(config, found);
}

fn further_limits(config: &Config, found: &mut Vec<UnsafeSetting>) {
    let as_u64 = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let (store, push) = (&config.store, &config.push);
    let postgres = &store.postgres;
    between(
        found,
        &[
            ("http.stop_timeout_ms", config.http.stop_timeout_ms, 0, 600_000),
            ("http.drain_ms", config.http.drain_ms, 0, 600_000),
            ("store.busy_timeout_ms", store.busy_timeout_ms, 1, 600_000),
            ("store.writer_cache_kib", store.writer_cache_kib.into(), 64, 1 << 26),
            ("store.reader_cache_kib", store.reader_cache_kib.into(), 64, 1 << 26),
            ("store.postgres.readers", postgres.readers.into(), 1, 1_000),
            ("store.postgres.writers", postgres.writers.into(), 1, 1_000),
            (
                "store.postgres.connect_timeout_ms",
                postgres.connect_timeout_ms,
                10,
                600_000,
            ),
            (
                "store.postgres.statement_timeout_ms",
                postgres.statement_timeout_ms,
                10,
                600_000,
            ),
            ("cache.capacity_bytes", config.cache.capacity_bytes, 1 << 16, 1 << 44),
            ("cache.ttl_s", config.cache.ttl_s, 1, 31_536_000),
            ("push.connect_timeout_ms", push.connect_timeout_ms, 1, 600_000),
            ("push.attempt_timeout_ms", push.attempt_timeout_ms, 1, 600_000),
            ("push.answer_bytes_max", as_u64(push.answer_bytes_max), 1, 1 << 24),
            ("push.answer_timeout_ms", push.answer_timeout_ms, 1, 600_000),
            ("push.attempts_max", as_u64(push.attempts_max), 1, 100_000),
            (
                "guess.agency_units_24_h_max",
                config.guess.agency_units_24_h_max.into(),
                1,
                1_000_000,
            ),
            ("guess.predicate_units", config.guess.predicate_units.into(), 1, 255),
        ],
    );
}

/// Values that do not go together.
fn combinations(config: &Config, found: &mut Vec<UnsafeSetting>) {
    let mut refuse = |wrong: bool, key, remedy: &str| {
        if wrong {
            found.push(UnsafeSetting {
                key,
                remedy: remedy.to_owned(),
            });
        }
    };
    let http = &config.http;
    let same = http.listen == http.admin_listen && !http.listen.ends_with(":0");
    refuse(
        same,
        "http.admin_listen",
        "must be another address or port than http.listen",
    );
    let url = &config.node.public_url;
    let is_web = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
    refuse(
        !url.is_empty() && (!is_web || url.contains(char::is_whitespace)),
        "node.public_url",
        "must begin with https:// or http://, such as https://hub.example.gov.cn, or be empty",
    );
    refuse(
        config.ledger.group_bytes_max as u64 > config.ledger.segment_bytes,
        "ledger.group_bytes_max",
        "must not be greater than ledger.segment_bytes: a group lies in one journal file",
    );
    refuse(config.push.ports.contains(&0), "push.ports", "must not contain 0");
    refuse(
        config.push.schedule_s.is_empty(),
        "push.schedule_s",
        "must name at least one attempt, such as [0, 5, 300]",
    );
    refuse(
        config.node.data_dir.as_os_str().is_empty(),
        "node.data_dir",
        "must name a folder",
    );
    refuse(
        config.node.root_key_file.as_os_str().is_empty(),
        "node.root_key_file",
        "must name a file",
    );
    if let Err(part) = heyan_telemetry::check_level(&config.log.level) {
        let remedy = format!(
            "{part:?} is no level: must be error, warn, info, debug, trace or off, or a filter such as info,heyan::http=debug"
        );
        refuse(true, "log.level", &remedy);
    }
    let issuer = &config.auth.issuer;
    refuse(
        issuer.chars().any(char::is_whitespace) || issuer.len() > 255,
        "auth.issuer",
        "must be a name or URL without white space, at most 255 bytes",
    );
}
