//! Schemes on the wire, secrets that are fetched once, and credentials that are renewed after a refusal.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use aes::{
    Aes256,
    cipher::{Block, BlockEncrypt, KeyInit},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    House, person,
    server::{Act, Seen, Server},
    source,
};
use crate::source::auth::sign::{gjgxjhpt_sign, tif_sign};
use heyan_ports::outward::{OutsideSystems, SourceFault};

const RECORD: &str = r#"{"code":"0","data":{"xm":"王小明"}}"#;
const APP_KEY: &str = "0123456789abcdef0123456789abcdef";

fn json(body: impl Into<String>) -> Act {
    Act::Json(200, body.into())
}

#[tokio::test]
async fn each_scheme_proves_who_asks_in_its_own_way() {
    let server = Server::start(|_, _| json(RECORD)).await;
    for (scheme, expected) in [
        ("scheme = \"none\"", None),
        (
            "scheme = \"bearer\"\ntoken_file = \"s\"",
            Some(("authorization", "Bearer t0ken")),
        ),
        (
            "scheme = \"basic\"\nuser = \"heyan\"\npassword_file = \"s\"",
            Some(("authorization", "Basic aGV5YW46dDBrZW4=")),
        ),
        (
            "scheme = \"api_key\"\nheader = \"X-Key\"\nkey_file = \"s\"",
            Some(("x-key", "t0ken")),
        ),
    ] {
        let house = House::new();
        house
            .secret("s", "t0ken\n")
            .write("p.toml", &source(server.port, &format!("[auth]\n{scheme}\n")));
        house.load().unwrap().ask("natural-person", &person()).await.unwrap();
        match expected {
            Some((name, value)) => assert_eq!(server.last().header(name).as_deref(), Some(value)),
            None => assert!(server.last().header("authorization").is_none()),
        }
    }
    let house = House::new();
    let scheme = "[auth]\nscheme = \"api_key\"\nquery = \"key\"\nkey_file = \"s\"\n";
    house.secret("s", "t&k=1").write("p.toml", &source(server.port, scheme));
    house.load().unwrap().ask("natural-person", &person()).await.unwrap();
    assert!(server.last().head.starts_with("POST /ask?key=t%26k%3D1 HTTP/1.1"));
}

#[tokio::test]
async fn the_signature_of_the_tif_gateway_is_on_the_wire() {
    let server = Server::start(|_, _| json(RECORD)).await;
    let house = House::new();
    let scheme = "[auth]\nscheme = \"tif\"\npaas_id = \"heyan\"\ntoken_file = \"s\"\n";
    house
        .secret("s", "TESTTOKEN0123456789")
        .write("p.toml", &source(server.port, scheme));
    house.load().unwrap().ask("natural-person", &person()).await.unwrap();
    let (seen, header) = (server.last(), |name: &str| server.last().header(name).unwrap());
    assert_eq!(
        (header("x-tif-paasid").as_str(), header("x-tif-timestamp").as_str()),
        ("heyan", "1700000000")
    );
    let signature = tif_sign("1700000000", "TESTTOKEN0123456789", &header("x-tif-nonce"));
    assert_eq!(seen.header("x-tif-signature"), Some(signature));
    assert_eq!(header("x-tif-nonce").len(), 32);
}

#[tokio::test]
async fn the_worked_example_of_the_national_platform_is_on_the_wire_byte_for_byte() {
    let server = Server::start(|_, _| json(RECORD)).await;
    let house = House::new();
    let scheme = "[auth]\nscheme = \"gjgxjhpt\"\nsecret_file = \"s\"\nsid = \"s_3402000000000_0001\"\n\
                  rid = \"00000000-0000-4000-8000-000000000001\"\n";
    house.secret("s", APP_KEY).write("p.toml", &source(server.port, scheme));
    house.load().unwrap().ask("natural-person", &person()).await.unwrap();
    let seen = server.last();
    for (name, value) in [
        ("gjgxjhpt_sid", "s_3402000000000_0001"),
        ("gjgxjhpt_rid", "00000000-0000-4000-8000-000000000001"),
        ("gjgxjhpt_rtime", "1700000000000"),
        ("gjgxjhpt_sign", "S+bwghe/MK7F9z+G+szhOrv14tvXiBcRvyb7QK0QE+0="),
    ] {
        assert_eq!(seen.header(name).as_deref(), Some(value));
    }
}

fn sealed(secret: &str) -> String {
    let padding = 16 - secret.len() % 16;
    let mut bytes = secret.as_bytes().to_vec();
    bytes.extend(std::iter::repeat_n(u8::try_from(padding).unwrap(), padding));
    let cipher = Aes256::new_from_slice(APP_KEY.as_bytes()).unwrap();
    for block in bytes.chunks_exact_mut(16) {
        cipher.encrypt_block(Block::<Aes256>::from_mut_slice(block));
    }
    STANDARD.encode(bytes)
}

fn signed_with(seen: &Seen, key: &str) -> bool {
    let header = |name: &str| seen.header(name).unwrap_or_default();
    let sign = gjgxjhpt_sign(
        key.as_bytes(),
        &header("gjgxjhpt_sid"),
        &header("gjgxjhpt_rid"),
        &header("gjgxjhpt_rtime"),
    );
    sign == header("gjgxjhpt_sign")
}

/// A platform that hands out `first`, and `second` once it is told to rotate.
async fn platform(rotated: Arc<AtomicBool>) -> Server {
    Server::start(move |seen, _| {
        let secret = if rotated.load(Ordering::SeqCst) {
            "second-secret"
        } else {
            "first-secret"
        };
        if seen.head.starts_with("POST /sysapi/auth/refreshappsecret ") {
            let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
            let text = |name: &str| body[name].as_str().unwrap().to_owned();
            let sign = gjgxjhpt_sign(
                APP_KEY.as_bytes(),
                &text("gjgxjhpt_sid"),
                &text("gjgxjhpt_rid"),
                &text("gjgxjhpt_rtime"),
            );
            return match text("gjgxjhpt_sign") == sign {
                true => json(format!(
                    r#"{{"code":"0","data":{{"secret":"{}","secretEndTime":"1700086400000"}}}}"#,
                    sealed(secret)
                )),
                false => json(r#"{"code":"-1"}"#),
            };
        }
        match signed_with(seen, secret) {
            true => json(RECORD),
            false => json(r#"{"code":"E-106"}"#),
        }
    })
    .await
}

fn national(port: u16) -> String {
    let scheme = format!(
        "[auth]\nscheme = \"gjgxjhpt\"\napp_key_file = \"k\"\nsid = \"s1\"\nrid = \"r1\"\n\
         refresh_url = \"http://127.0.0.1:{port}/sysapi/auth/refreshappsecret\"\n"
    );
    source(port, &scheme)
}

fn refreshes(server: &Server) -> usize {
    let seen = server.seen.lock().unwrap();
    seen.iter()
        .filter(|seen| seen.head.contains("refreshappsecret"))
        .count()
}

#[tokio::test]
async fn a_secret_is_fetched_once_for_many_and_again_after_a_refusal_and_at_its_end() {
    let rotated = Arc::new(AtomicBool::new(false));
    let server = platform(Arc::clone(&rotated)).await;
    let house = House::new();
    house.secret("k", APP_KEY).write("p.toml", &national(server.port));
    let (set, person) = (house.load().unwrap(), person());
    let asked = futures_util::future::join_all((0..12).map(|_| set.ask("natural-person", &person))).await;
    assert!(asked.iter().all(|asked| matches!(asked, Ok(Some(_)))));
    assert_eq!(refreshes(&server), 1, "one fetch for all");

    rotated.store(true, Ordering::SeqCst);
    house.pass_ms(60_000);
    let asked = futures_util::future::join_all((0..12).map(|_| set.ask("natural-person", &person))).await;
    assert!(
        asked.iter().all(|asked| matches!(asked, Ok(Some(_)))),
        "refused, fetched, asked again"
    );
    assert_eq!(refreshes(&server), 2);

    house.pass_ms(86_400_000 - 60_000 - 20_000);
    assert!(
        set.ask("natural-person", &person)
            .await
            .is_ok_and(|record| record.is_some())
    );
    assert_eq!(refreshes(&server), 3, "its end is near");
}

#[tokio::test]
async fn a_refusal_that_a_fresh_secret_does_not_cure_is_told_and_not_fetched_for_again_and_again() {
    let server = Server::start(|seen, _| match seen.head.contains("refreshappsecret") {
        true => json(format!(
            r#"{{"code":0,"data":{{"secret":"{}","secretEndTime":"2023-11-16 06:13:20"}}}}"#,
            sealed("x")
        )),
        false => Act::Json(401, "{}".to_owned()),
    })
    .await;
    let house = House::new();
    house.secret("k", APP_KEY).write("p.toml", &national(server.port));
    let (set, person) = (house.load().unwrap(), person());
    for _ in 0..4 {
        assert_eq!(set.ask("natural-person", &person).await.err(), Some(SourceFault::Auth));
    }
    assert_eq!(refreshes(&server), 1);
}

#[tokio::test]
async fn a_secret_that_cannot_be_had_is_a_fault_and_no_storm() {
    for (answer, expected) in [
        (r#"{"code":"-1"}"#, SourceFault::Auth),
        ("[]", SourceFault::Unreadable("no answer of secrets")),
        (
            r#"{"code":"0","data":{"secret":"AAAA","secretEndTime":"1700086400000"}}"#,
            SourceFault::Unreadable("a secret that the app key does not open"),
        ),
        (
            r#"{"code":"0","data":{"secret":"AAAA","secretEndTime":"1600000000000"}}"#,
            SourceFault::Unreadable("no answer of secrets"),
        ),
    ] {
        let server = Server::start(move |_, _| json(answer)).await;
        let house = House::new();
        house.secret("k", APP_KEY).write("p.toml", &national(server.port));
        let (set, person) = (house.load().unwrap(), person());
        let asked = futures_util::future::join_all((0..4).map(|_| set.ask("natural-person", &person))).await;
        assert!(
            asked.iter().all(|asked| asked.as_ref().err() == Some(&expected)),
            "{answer}"
        );
        assert_eq!(server.requests(), 1, "{answer}");
    }
}

#[tokio::test]
async fn a_token_that_was_changed_on_disk_is_read_after_a_refusal() {
    let server = Server::start(|seen, _| match seen.header("authorization").as_deref() {
        Some("Bearer new") => json(RECORD),
        _ => Act::Json(401, "{}".to_owned()),
    })
    .await;
    let house = House::new();
    let scheme = "[auth]\nscheme = \"bearer\"\ntoken_file = \"s\"\n";
    house.secret("s", "old").write("p.toml", &source(server.port, scheme));
    let (set, person) = (house.load().unwrap(), person());
    assert_eq!(set.ask("natural-person", &person).await.err(), Some(SourceFault::Auth));
    assert_eq!(server.requests(), 1, "the same secret is not tried twice");
    house.secret("s", "new");
    assert!(set.ask("natural-person", &person).await.unwrap().is_some());
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn a_secret_that_others_may_read_is_not_used() {
    let server = Server::start(|_, _| json(RECORD)).await;
    let house = House::new();
    house.write("s", "token").write(
        "p.toml",
        &source(server.port, "[auth]\nscheme = \"bearer\"\ntoken_file = \"s\"\n"),
    );
    let path = house.path().join("s");
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let set = house.load().unwrap();
    let fault = set.ask("natural-person", &person()).await.err().unwrap();
    assert!(
        matches!(fault, SourceFault::Setup(_)) && fault.to_string().contains("chmod 400"),
        "{fault}"
    );
    assert_eq!(server.requests(), 0);
    let report = set.check("p", &person(), &[]).await.unwrap();
    let last = report.steps.last().unwrap();
    assert_eq!((last.step, report.is_fine()), ("credentials", false));
}
