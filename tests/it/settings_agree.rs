//! Mistakes in settings, over all sections: `heyan config check` and `heyan serve` agree on each, end with 2, and name the key.

use std::process::{Command, Stdio};

/// Settings (`DIR` stands for a folder of the test's own), and the key that must be named.
pub(crate) const MISTAKES: &[(&str, &str)] = &[
    ("[node]\nidd = 1", "idd"),
    ("[nodes]\nid = 1", "nodes"),
    ("[node]\nid = \"one\"", "id"),
    ("[node]\norigin = \"a b\"", "node.origin"),
    ("[node]\ndata_dir = \"\"", "node.data_dir"),
    ("[node]\ndata_dir = \"DIR/file\"", "node.data_dir"),
    ("[node]\nroot_key_file = \"DIR/folder\"", "node.root_key_file"),
    ("[node]\nroot_key_file = \"DIR/file\"", "node.root_key_file"),
    ("[node]\npublic_url = \"hub.example\"", "node.public_url"),
    ("[node]\nlease_ms = 60000", "node.lease_ms"),
    ("[node]\nfree_percent_min = 90", "node.free_percent_min"),
    ("[http]\nlisten = \"localhost\"", "http.listen"),
    ("[http]\nlisten = \"0.0.0.0:8080\"", "http.listen"),
    (
        "[http]\nlisten = \"127.0.0.1:8080\"\nadmin_listen = \"127.0.0.1:8080\"",
        "http.admin_listen",
    ),
    ("[http]\ncalls_max = 0", "http.calls_max"),
    ("[http]\naddress_connections_max = 0", "http.address_connections_max"),
    ("[http]\ntrusted_proxies = [\"proxy\"]", "http.trusted_proxies"),
    ("[http]\nstranger_calls_s_max = 0", "http.stranger_calls_s_max"),
    ("[http]\ndrain_ms = 86400000", "http.drain_ms"),
    (
        "[http.tls]\ncertificate_file = \"DIR/none.pem\"\nkey_file = \"DIR/none.key\"",
        "http.tls.certificate_file",
    ),
    (
        "[http.tls]\ncertificate_file = \"DIR/file\"\nkey_file = \"DIR/file\"",
        "http.tls.certificate_file",
    ),
    (
        "[http.tls]\ncertificate_file = \"tests/tls/server.pem\"\nkey_file = \"DIR/file\"",
        "http.tls.key_file",
    ),
    (
        "[http.tls]\ncertificate_file = \"tests/tls/ca.pem\"\nkey_file = \"tests/tls/server.key\"",
        "http.tls.key_file",
    ),
    ("[auth]\nissuer = \"\"", "auth.issuer"),
    ("[auth]\nissuer = \"a b\"", "auth.issuer"),
    ("[auth]\nsealing_key_id = 0", "auth.sealing_key_id"),
    ("[catalog]\ndatasets_dir = \"DIR/none\"", "catalog.datasets_dir"),
    ("[catalog]\ndatasets_dir = \"DIR/bad\"", "catalog.datasets_dir"),
    ("[catalog]\nitems_dir = \"DIR/none\"", "catalog.items_dir"),
    ("[catalog]\nhome_city = \"Atlantis\"", "catalog.home_city"),
    ("[store]\nreaders = 0", "store.readers"),
    ("[store]\nbusy_timeout_ms = 0", "store.busy_timeout_ms"),
    ("[store.postgres]\nurl_file = \"DIR/none\"", "store.postgres.url_file"),
    ("[store.postgres]\nurl_file = \"DIR/secret\"", "store.postgres.url_file"),
    ("[store.postgres]\nwriters = 0", "store.postgres.writers"),
    ("[cache]\nttl_s = 0", "cache.ttl_s"),
    ("[ledger]\nsegment_bytes = 2147483648", "ledger.segment_bytes"),
    (
        "[ledger]\nsegment_bytes = 131072\ngroup_bytes_max = 4194304",
        "ledger.group_bytes_max",
    ),
    ("[ledger]\nqueue_entries_max = 5000000", "ledger.queue_entries_max"),
    ("[push]\nnetworks = [\"10.0.0.0/40\"]", "[push]"),
    ("[push]\nports = [0]", "push.ports"),
    ("[push]\nschedule_s = []", "push.schedule_s"),
    ("[push]\nextra_roots_file = \"DIR/none\"", "push.extra_roots_file"),
    ("[push]\nconnect_timeout_ms = 0", "push.connect_timeout_ms"),
    ("[kafka]\nbrokers = \"kafka.example:9092\"", "kafka.security"),
    ("[kafka]\npartitions = 0", "kafka.partitions"),
    ("[connectors]\nfolder = \"DIR/none\"", "connectors.folder"),
    ("[connectors]\nfolder = \"DIR/bad\"", "connectors.folder"),
    ("[licences]\nroots_dir = \"DIR/none\"", "licences.roots_dir"),
    ("[licences]\naway_dataset = \"none\"", "away_dataset"),
    ("[calendar]\nextra_file = \"DIR/none\"", "calendar.extra_file"),
    ("[calendar]\nextra_file = \"DIR/file\"", "calendar.extra_file"),
    ("[guess]\npredicate_units = 0", "guess.predicate_units"),
    ("[quotas]\nwatches_rows_max = 0", "quotas.watches_rows_max"),
    ("[quotas]\ntoken_requests_h_max = 0", "quotas.token_requests_h_max"),
    ("[cases]\nvalid_hours_max = 0", "cases.valid_hours_max"),
    ("[supervision]\nrules_file = \"DIR/file\"", "supervision.rules_file"),
    ("[supervision]\nrules_file = \"DIR/none\"", "supervision.rules_file"),
    ("[log]\nlevel = \"loud\"", "log.level"),
    ("[log]\nformat = \"xml\"", "format"),
];

fn run(command: &[&str], settings: &std::path::Path) -> (Option<i32>, String) {
    // One that serves is ended, with 124.
    let done = Command::new("timeout")
        .args(["20", env!("CARGO_BIN_EXE_heyan")])
        .args(command)
        .arg("--config")
        .arg(settings)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn check_and_serve_agree_on_every_mistake() {
    use std::os::unix::fs::PermissionsExt;
    assert!(MISTAKES.len() >= 30);
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let write = |name: &str, text: &str| {
        let file = dir.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    write("file", "nonsense\n");
    write("secret", "mysql://nobody@nowhere/x\n");
    write("bad/bad.toml", "nonsense = [\n");
    write("bad/bad.json", "{\n");
    std::fs::create_dir(dir.join("folder")).unwrap();
    let one = |nth: usize, (settings, key): &(&str, &str)| {
        let mut wrong = Vec::new();
        let file = dir.join(format!("{nth}.toml"));
        let settings = settings.replace("DIR", dir.to_str().unwrap());
        // Nothing may be left in the folder that the tests run in.
        let mut text = settings.clone();
        for (name, value) in [("data_dir", "data"), ("root_key_file", "keys/root")] {
            if !text.contains(name) {
                let line = format!("{name} = \"{}/{value}\"\n", dir.display());
                text = match text.contains("[node]\n") {
                    true => text.replace("[node]\n", &format!("[node]\n{line}")),
                    false => format!("{text}\n[node]\n{line}"),
                };
            }
        }
        std::fs::write(&file, text).unwrap();
        for command in [["config", "check"].as_slice(), &["serve"]] {
            let (code, said) = run(command, &file);
            if code != Some(2) || !said.contains(key) {
                wrong.push(format!("{command:?} {settings:?}: {code:?}, {said}"));
            }
        }
        wrong
    };
    let all: Vec<_> = MISTAKES.iter().enumerate().collect();
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let parts = all.chunks(all.len().div_ceil(4));
        let part =
            |part: &[(usize, &(&str, &str))]| part.iter().flat_map(|(nth, case)| one(*nth, case)).collect::<Vec<_>>();
        let threads: Vec<_> = parts.map(|cases| scope.spawn(move || part(cases))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        !dir.join("data").exists(),
        "nothing is made by settings that are refused"
    );
}
