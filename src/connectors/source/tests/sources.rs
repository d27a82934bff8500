//! Sources that are down, slow, reset, garbage, endless or wrong: a fault each time, never "not found", never a record.

use std::time::{Duration, Instant};

use super::{
    House, loopback, person,
    server::{Act, Server},
    source,
};
use heyan_ports::outward::{OutsideSystems, SourceFault};

const RECORD: &str = r#"{"code":"0","data":{"xm":"王小明"}}"#;
const FAST: &str =
    "[limits]\ntotal_timeout_ms = 400\nconnect_timeout_ms = 200\nbreaker = { failures = 1000, pause_ms = 1000 }\n";

fn json(body: &str) -> Act {
    Act::Json(200, body.to_owned())
}

async fn fault_of(act: impl Fn() -> Act + Send + Sync + 'static) -> (SourceFault, Duration, u64) {
    let server = Server::start(move |_, _| act()).await;
    let house = House::new();
    house.write("population.toml", &source(server.port, FAST));
    let set = house.load().unwrap();
    let begun = Instant::now();
    let fault = match set.ask("natural-person", &person()).await {
        Err(fault) => fault,
        Ok(record) => panic!("believed: a record: {}", record.is_some()),
    };
    (
        fault,
        begun.elapsed(),
        server.sent_bytes.load(std::sync::atomic::Ordering::SeqCst),
    )
}

#[tokio::test]
async fn a_record_and_a_listed_not_found_are_the_only_answers() {
    let server = Server::start(|seen, _| match seen.body.contains("34020719970530521X") {
        true => json(RECORD),
        false => json(r#"{"code":1}"#),
    })
    .await;
    let house = House::new();
    house.write("population.toml", &source(server.port, ""));
    let set = house.load().unwrap();
    assert!(set.is_live("natural-person") && !set.is_live("legal-entity"));
    let record = set.ask("natural-person", &person()).await.unwrap().unwrap();
    assert_eq!(record.fields["name"], "王小明");
    let nobody = [("id_number".to_owned(), "\",\"x\":\"".to_owned())];
    assert!(set.ask("natural-person", &nobody).await.unwrap().is_none());
    assert_eq!(server.last().body, r#"{"id":"\",\"x\":\""}"#);
    assert_eq!(
        set.ask("legal-entity", &person()).await.err(),
        Some(SourceFault::Unknown)
    );
}

#[tokio::test]
async fn a_source_that_is_down_cannot_be_reached() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let house = House::new();
    house.write("population.toml", &source(port, FAST));
    let fault = house.load().unwrap().ask("natural-person", &person()).await.err();
    assert_eq!(fault, Some(SourceFault::Connect));
}

#[tokio::test]
async fn a_slow_source_is_given_up_in_time_even_while_it_drips() {
    for drip in [true, false] {
        let act = move || if drip { Act::Drip } else { Act::Hang };
        let (fault, took, _) = fault_of(act).await;
        assert_eq!(fault, SourceFault::Timeout);
        assert!(
            took >= Duration::from_millis(350) && took < Duration::from_secs(3),
            "{took:?}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_answer_is_no_answer() {
    assert_eq!(fault_of(|| Act::Reset).await.0, SourceFault::Connect);
    let cut = || {
        Act::Raw(
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{RECORD}").into(),
        )
    };
    assert_eq!(fault_of(cut).await.0, SourceFault::Connect);
}

#[tokio::test]
async fn an_answer_without_end_is_cut_at_its_limit() {
    let declared = || {
        Act::Raw(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 10000000000\r\n\r\n{".to_vec())
    };
    assert_eq!(fault_of(declared).await.0, SourceFault::Unreadable("too long"));
    let (fault, _, sent_bytes) = fault_of(|| Act::Endless).await;
    assert_eq!(fault, SourceFault::Unreadable("too long"));
    assert!(sent_bytes < 64 << 20, "{sent_bytes} bytes: the connection was read on");
}

#[tokio::test]
async fn garbage_and_wrong_types_are_unreadable_and_wrong_codes_are_errors() {
    let raw = |text: &str| {
        let bytes = text.as_bytes().to_vec();
        move || Act::Raw(bytes.clone())
    };
    let body = |content_type: &str, body: &str| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    for text in [
        body("application/json", "\u{1}\u{2}\u{3}"),
        body("application/json", "<html>login</html>"),
        body("text/html", RECORD),
        body("application/json", r#"{"code":"0","data":{"xm":5}}"#),
        body("application/json", r#"{"code":"0","data":[]}"#),
        body("application/json", r#"{"code":"0"}"#),
        body("application/json", r#"{"ok":true}"#),
    ] {
        assert!(
            matches!(fault_of(raw(&text)).await.0, SourceFault::Unreadable(_)),
            "{text}"
        );
    }
    assert_eq!(fault_of(raw("not http at all\r\n\r\n")).await.0, SourceFault::Connect);
    assert_eq!(
        fault_of(raw(&body("application/json", r#"{"code":"-1"}"#))).await.0,
        SourceFault::Answer
    );
    for status in [301, 302, 307, 400, 404, 500, 503] {
        let text = format!(
            "HTTP/1.1 {status} X\r\nlocation: http://127.0.0.1:1/\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{RECORD}",
            RECORD.len()
        );
        assert_eq!(fault_of(raw(&text)).await.0, SourceFault::Status(status), "{status}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Server::start(|_, _| json(RECORD)).await;
    let to = other.port;
    let (fault, ..) = fault_of(move || {
        Act::Raw(format!("HTTP/1.1 302 X\r\nlocation: http://127.0.0.1:{to}/ask\r\ncontent-length: 0\r\n\r\n").into())
    })
    .await;
    assert_eq!(fault, SourceFault::Status(302));
    assert_eq!(other.requests(), 0);
}

#[tokio::test]
async fn the_breaker_opens_and_closes_and_other_connectors_do_not_notice() {
    let sick = Server::start(|_, number| match number {
        1..=4 => Act::Json(500, "{}".to_owned()),
        _ => json(RECORD),
    })
    .await;
    let well = Server::start(|_, _| json(r#"{"code":"0","data":{"n":"厂"}}"#)).await;
    let house = House::new();
    house
        .write(
            "population.toml",
            &source(sick.port, "[limits]\nbreaker = { failures = 3, pause_ms = 1000 }\n"),
        )
        .write(
            "firms.toml",
            &source(well.port, "")
                .replace("natural-person", "legal-entity")
                .replace("subject.id_number", "subject.uscc")
                .replace("/xm", "/n"),
        );
    let set = house.load().unwrap();
    let ask = || set.ask("natural-person", &[]);
    let person = person();
    let firm = [("uscc".to_owned(), "91340200MA0000000M".to_owned())];
    assert!(
        matches!(ask().await, Err(SourceFault::Setup(_))),
        "a value is missing: nothing is sent"
    );
    for _ in 0..3 {
        assert_eq!(
            set.ask("natural-person", &person).await.err(),
            Some(SourceFault::Status(500))
        );
    }
    for _ in 0..20 {
        assert_eq!(set.ask("natural-person", &person).await.err(), Some(SourceFault::Open));
        assert!(set.ask("legal-entity", &firm).await.unwrap().is_some());
    }
    assert_eq!(sick.requests(), 3, "an open breaker sends nothing");
    house.pass_ms(1_001);
    assert_eq!(
        set.ask("natural-person", &person).await.err(),
        Some(SourceFault::Status(500)),
        "the probe"
    );
    assert_eq!(set.ask("natural-person", &person).await.err(), Some(SourceFault::Open));
    house.pass_ms(2_001);
    assert!(
        set.ask("natural-person", &person).await.unwrap().is_some(),
        "the second probe"
    );
    assert!(set.ask("natural-person", &person).await.unwrap().is_some());
}

#[tokio::test]
async fn an_odd_record_or_a_business_error_opens_no_breaker() {
    let server = Server::start(|_, number| match number % 2 {
        0 => json(r#"{"code":"-1"}"#),
        _ => json(r#"{"code":"0","data":{"xm":null}}"#),
    })
    .await;
    let house = House::new();
    house.write(
        "population.toml",
        &source(server.port, "[limits]\nbreaker = { failures = 1, pause_ms = 1000 }\n"),
    );
    let set = house.load().unwrap();
    for _ in 0..6 {
        let fault = set.ask("natural-person", &person()).await.err().unwrap();
        assert!(
            matches!(fault, SourceFault::Unreadable(_) | SourceFault::Answer),
            "{fault}"
        );
    }
    assert_eq!(server.requests(), 6);
}

#[tokio::test]
async fn more_questions_than_may_wait_are_turned_away_at_once() {
    let server = Server::start(|_, _| Act::Hang).await;
    let limits = "[limits]\ntotal_timeout_ms = 500\nrequests_at_once = 2\nwaiting_requests_max = 3\n\
                  breaker = { failures = 1000, pause_ms = 1 }\n";
    let house = House::new();
    house.write("population.toml", &source(server.port, limits));
    let (set, person) = (house.load().unwrap(), person());
    let begun = Instant::now();
    let asked = futures_util::future::join_all((0..50).map(|_| set.ask("natural-person", &person))).await;
    assert!(begun.elapsed() < Duration::from_secs(4), "waiting counts into the time");
    let busy = asked
        .iter()
        .filter(|asked| asked.as_ref().err() == Some(&SourceFault::Busy))
        .count();
    let late = asked
        .iter()
        .filter(|asked| asked.as_ref().err() == Some(&SourceFault::Timeout))
        .count();
    assert_eq!((busy, late), (45, 5));
    assert!(server.at_once_max.load(std::sync::atomic::Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn a_question_that_its_caller_gives_up_keeps_no_slot_and_no_probe() {
    let server = Server::start(|_, number| match number {
        1 => Act::Json(500, "{}".to_owned()),
        2 | 3 => Act::Hang,
        _ => json(RECORD),
    })
    .await;
    let limits =
        "[limits]\ntotal_timeout_ms = 60000\nrequests_at_once = 1\nbreaker = { failures = 1, pause_ms = 1000 }\n";
    let house = House::new();
    house.write("population.toml", &source(server.port, limits));
    let (set, person) = (house.load().unwrap(), person());
    assert_eq!(
        set.ask("natural-person", &person).await.err(),
        Some(SourceFault::Status(500))
    );
    house.pass_ms(1_001);
    for _ in 0..2 {
        let given_up = tokio::time::timeout(Duration::from_millis(200), set.ask("natural-person", &person)).await;
        assert!(given_up.is_err());
    }
    assert!(set.ask("natural-person", &person).await.unwrap().is_some());
}

#[tokio::test]
async fn an_address_outside_the_targets_is_never_connected_to() {
    let server = Server::start(|_, _| json(RECORD)).await;
    let house = House::new();
    // `localhost` is admitted as a name, what it resolves to is not.
    let text = source(server.port, FAST)
        .replace(
            "networks = [\"127.0.0.0/8\"]\nliteral",
            "hosts = [\"localhost\"]\nnetworks = [\"10.0.0.0/8\"]\nliteral",
        )
        .replace("http://127.0.0.1:", "http://localhost:");
    house.write("population.toml", &text);
    let fault = house
        .load()
        .unwrap()
        .ask("natural-person", &person())
        .await
        .err()
        .unwrap();
    assert!(matches!(fault, SourceFault::Target(_)), "{fault}");
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn pages_of_a_feed_carry_the_cursor_of_the_next() {
    let server = Server::start(|seen, _| match seen.head.split(' ').nth(1) {
        Some("/changes?since=0") => json(
            r#"{"code":0,"next":"a/b","rows":[{"id":"1","xm":"王","v":1,"t":"2026-01-02T03:04:05+08:00"},{"id":"2","xm":"李"}]}"#,
        ),
        Some("/changes?since=a%2Fb") => json(r#"{"code":0,"next":null,"rows":[{"id":"3","xm":"赵","v":2,"t":"2026-01-02T03:04:05Z"}]}"#),
        _ => Act::Json(400, "{}".to_owned()),
    })
    .await;
    let house = House::new();
    let text = format!(
        "role = \"feed\"\nkind = \"http\"\ndataset = \"natural-person\"\nagency = \"police\"\ninterval_s = 7\n{}\
         [request]\nmethod = \"GET\"\nurl = \"http://127.0.0.1:{}/changes\"\nquery = {{ since = \"{{cursor}}\" }}\n\
         [poll]\nfirst_cursor = \"0\"\nnext_pointer = \"/next\"\n\
         [answer]\ncode_pointer = \"/code\"\nsuccess = [\"0\"]\nrecords_pointer = \"/rows\"\nversion_pointer = \"/v\"\n\
         effective_pointer = \"/t\"\nsubject = {{ id_number = \"/id\" }}\nfields = {{ name = \"/xm\" }}\n",
        loopback(server.port),
        server.port
    );
    house.write("police.toml", &text);
    let set = house.load().unwrap();
    assert_eq!(
        (set.feeds()[0].agency.as_str(), set.feeds()[0].interval_s),
        ("police", 7)
    );
    let first = set.poll("police", None).await.unwrap();
    assert_eq!(
        (first.position.as_str(), first.more, first.records.len()),
        ("a/b", true, 2)
    );
    assert_eq!(
        first.records[0].as_ref().unwrap(),
        &serde_json::json!({"subject":{"id_number":"1"},"fields":{"name":"王"},"source_version":1,
            "effective_at":"2026-01-02T03:04:05+08:00"})
    );
    let reject = first.records[1].as_ref().unwrap_err();
    assert_eq!((reject.row, reject.code), (2, "version"));
    set.acknowledge("police", &first.position).await.unwrap();
    let second = set.poll("police", Some("a/b")).await.unwrap();
    assert_eq!(
        (second.position.as_str(), second.more, second.records.len()),
        ("a/b", false, 1)
    );
    assert_eq!(
        set.poll("police", Some("zz")).await.err(),
        Some(SourceFault::Status(400))
    );
}
