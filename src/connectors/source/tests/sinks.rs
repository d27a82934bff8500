//! Sinks are told of a change, and only a business code of success confirms it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    House, loopback, person,
    server::{Act, Server},
    source,
};
use crate::source::{SignedSink, check::StepFinding};
use heyan_domain::delivery::{AttemptFailure, AttemptOutcome, TargetFault};
use heyan_ports::outward::{OutsideSystems, RecordChange, WebhookTarget};

fn change() -> RecordChange {
    let object = |value: Value| value.as_object().cloned().unwrap_or_else(Map::new);
    RecordChange {
        delivery: "d\"1".to_owned(),
        event: "e1".to_owned(),
        dataset: "natural-person".to_owned(),
        record: "00".repeat(16),
        version: 4,
        at_us: 1_700_000_000_000_000,
        subject: object(json!({"id_number": "3402"})),
        fields: object(json!({"name": "王\"小\"明"})),
    }
}

fn sink(port: u16) -> String {
    format!(
        "role = \"sink\"\nkind = \"http\"\ndatasets = [\"natural-person\", \"legal-entity\"]\nsupersedes = true\n{}\
         [request]\nmethod = \"PUT\"\nurl = \"http://127.0.0.1:{port}/share/{{dataset}}\"\n\
         headers = {{ idempotency-key = \"{{delivery}}\" }}\n\
         body = '{{\"id\": \"{{delivery}}\", \"name\": \"{{field.name}}\", \"sex\": \"{{field.sex:or_empty}}\", \"v\": \"{{version:number}}\", \
         \"at\": \"{{at:yyyyMMddHHmmss}}\", \"key\": \"{{subject:object}}\", \"data\": \"{{fields:object}}\"}}'\n\
         [answer]\nmode = \"receipt\"\ncode_pointer = \"/code\"\nsuccess = [\"0\"]\nnot_found = [\"9\"]\n\
         [limits]\ntotal_timeout_ms = 400\nrequests_at_once = 3\n",
        loopback(port)
    )
}

async fn told(act: impl Fn() -> Act + Send + Sync + 'static) -> (AttemptOutcome, Server) {
    let server = Server::start(move |_, _| act()).await;
    let house = House::new();
    house.write("city.toml", &sink(server.port));
    let attempted = house.load().unwrap().tell("city", &change()).await;
    (attempted, server)
}

#[tokio::test]
async fn a_change_is_told_whole_and_confirmed_by_the_business_code() {
    let (attempted, server) = told(|| Act::Json(200, r#"{"code":0}"#.to_owned())).await;
    assert_eq!(attempted, AttemptOutcome::Confirmed { status: 200 });
    let seen = server.last();
    assert!(seen.head.starts_with("PUT /share/natural-person HTTP/1.1"));
    assert_eq!(seen.header("idempotency-key").as_deref(), Some("d\"1"));
    let body: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(
        body,
        json!({"id": "d\"1", "name": "王\"小\"明", "sex": "", "v": 4, "at": "20231115061320",
            "key": {"id_number": "3402"}, "data": {"name": "王\"小\"明"}})
    );
}

#[tokio::test]
async fn whatever_else_comes_back_is_no_confirmation() {
    let failed = |failure, status, retry_after_s| AttemptOutcome::Failed {
        failure,
        status,
        retry_after_s,
    };
    for (body, expected) in [
        (r#"{"code":"-1"}"#, failed(AttemptFailure::Answer, Some(200), None)),
        (r#"{"code":"9"}"#, failed(AttemptFailure::Answer, Some(200), None)),
        ("{}", failed(AttemptFailure::Answer, None, None)),
        ("ok", failed(AttemptFailure::Answer, None, None)),
    ] {
        assert_eq!(told(|| Act::Json(200, body.to_owned())).await.0, expected, "{body}");
    }
    let later = || Act::Raw(b"HTTP/1.1 503 X\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n".to_vec());
    assert_eq!(told(later).await.0, failed(AttemptFailure::Answer, Some(503), Some(30)));
    assert_eq!(
        told(|| Act::Json(410, "{}".to_owned())).await.0,
        failed(AttemptFailure::Answer, Some(410), None)
    );
    assert_eq!(told(|| Act::Drip).await.0, failed(AttemptFailure::Timeout, None, None));
    assert_eq!(told(|| Act::Reset).await.0, failed(AttemptFailure::Broken, None, None));
    assert_eq!(
        told(|| Act::Endless).await.0,
        failed(AttemptFailure::TooLarge, None, None)
    );
}

#[tokio::test]
async fn a_change_that_lacks_what_the_template_needs_is_not_sent() {
    let server = Server::start(|_, _| Act::Json(200, r#"{"code":0}"#.to_owned())).await;
    let house = House::new();
    house.write("city.toml", &sink(server.port));
    let set = house.load().unwrap();
    let info = &set.sinks()[0];
    assert_eq!((info.attempts_max, info.supersedes, info.datasets.len()), (3, true, 2));
    let mut change = change();
    change.fields.clear();
    let unmade = AttemptOutcome::Failed {
        failure: AttemptFailure::Unmade,
        status: None,
        retry_after_s: None,
    };
    assert_eq!(set.tell("city", &change).await, unmade);
    assert_eq!(
        set.tell("nobody", &change).await,
        AttemptOutcome::Refused(TargetFault::Host)
    );
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn every_attempt_at_a_sink_that_fails_is_sent() {
    let server = Server::start(|_, _| Act::Json(500, "{}".to_owned())).await;
    let house = House::new();
    house.write("city.toml", &sink(server.port));
    let set = house.load().unwrap();
    for _ in 0..8 {
        assert!(matches!(
            set.tell("city", &change()).await,
            AttemptOutcome::Failed { status: Some(500), .. }
        ));
    }
    assert_eq!(server.requests(), 8);
    house.write(
        "city.toml",
        &format!("{}breaker = {{ failures = 1 }}\n", sink(server.port)),
    );
    assert_eq!(house.load().err().unwrap().key, "limits.breaker");
}

#[tokio::test]
async fn a_check_goes_step_by_step_and_tells_a_sink_nothing() {
    let server = Server::start(|seen, _| match seen.body.contains("34020719970530521X") {
        true => Act::Json(200, r#"{"code":"0","data":{"xm":"王小明"}}"#.to_owned()),
        false => Act::Json(200, r#"{"code":"77"}"#.to_owned()),
    })
    .await;
    let house = House::new();
    house
        .write("city.toml", &sink(server.port))
        .write("people.toml", &source(server.port, ""));
    let set = house.load().unwrap();
    let sink = set.check("city", &[], &[]).await.unwrap();
    let words: Vec<_> = sink.steps.iter().map(|step| (step.step, step.found.clone())).collect();
    assert_eq!(
        words,
        [
            ("names", StepFinding::Fine),
            ("connect", StepFinding::Fine),
            ("credentials", StepFinding::Fine),
            ("question", StepFinding::Skipped)
        ]
    );
    assert_eq!(server.requests(), 0);
    let fine = set.check("people", &person(), &[]).await.unwrap();
    assert!(fine.is_fine() && fine.steps[3].text.en.contains("1 fields"));
    assert!(!format!("{fine:?}").contains("王小明"), "a check tells no values");
    let wrong = set
        .check("people", &[("id_number".to_owned(), "1".to_owned())], &[])
        .await
        .unwrap();
    let last = wrong.steps.last().unwrap();
    assert!(!wrong.is_fine() && last.remedy.en.contains("code_pointer") && last.remedy.zh.contains("错误码表"));
}

/// Confirms with the number of secrets as the status.
struct Counting;

#[async_trait::async_trait]
impl SignedSink for Counting {
    fn check(&self, url: &str) -> Result<(), TargetFault> {
        if url.starts_with("https://h.example/") {
            Ok(())
        } else {
            Err(TargetFault::Host)
        }
    }

    async fn tell(&self, target: &WebhookTarget, change: &RecordChange) -> AttemptOutcome {
        assert_eq!((target.url.as_str(), change.version), ("https://h.example/hook", 4));
        AttemptOutcome::Confirmed {
            status: 200 + u16::try_from(target.secrets.len()).unwrap(),
        }
    }
}

#[tokio::test]
async fn a_webhook_of_a_file_is_told_by_the_push_module_with_both_secrets_of_a_rotation() {
    let house = House::new();
    let text = "role = \"sink\"\nkind = \"webhook\"\ndatasets = [\"natural-person\"]\ntitle = { zh = \"厅\", en = \"Hall\" }\n\
                [webhook]\nurl = \"https://h.example/hook\"\nsecret_file = \"new\"\nprevious_secret_file = \"old\"\n";
    house.write("hall.toml", text);
    let set = house.load_with(Some(Arc::new(Counting))).unwrap();
    let told = async || set.tell("hall", &change()).await;
    assert!(matches!(
        told().await,
        AttemptOutcome::Failed {
            failure: AttemptFailure::Unmade,
            ..
        }
    ));
    house
        .secret("new", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        .secret("old", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=");
    assert_eq!(told().await, AttemptOutcome::Confirmed { status: 202 });
    house.secret("old", "short");
    assert!(matches!(
        told().await,
        AttemptOutcome::Failed {
            failure: AttemptFailure::Unmade,
            ..
        }
    ));
    house.write("hall.toml", &text.replace("h.example", "other.example"));
    let error = house.load_with(Some(Arc::new(Counting))).err().unwrap();
    assert_eq!(error.key, "webhook.url");
}
