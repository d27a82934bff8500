//! A register that gives no records and only says whether claims are right.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use heyan::ports::outward::{
    FieldVerdict::{self, Match, Mismatch, Undivided},
    OutsideSystems, SaidOfClaims, SourceFault,
};
use serde_json::{Value, json};

use crate::common::{TestHub, person, question};

const PERSON: &str = "natural-person";

/// Verifies name and sex, and says what a test decides.
struct Register(Mutex<(Result<SaidOfClaims, SourceFault>, usize)>);

impl Register {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new((Err(SourceFault::Connect), 0))))
    }

    fn says<const N: usize>(&self, found: bool, fields: [(&str, FieldVerdict); N]) {
        let fields: BTreeMap<String, FieldVerdict> = fields
            .into_iter()
            .map(|(name, verdict)| (name.to_owned(), verdict))
            .collect();
        self.0.lock().unwrap().0 = Ok(SaidOfClaims { found, fields });
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

#[async_trait]
impl OutsideSystems for Register {
    fn verifies(&self, dataset: &str) -> bool {
        dataset == PERSON
    }

    async fn verify(
        &self,
        _dataset: &str,
        subject: &[(String, String)],
        claims: &[(String, String)],
    ) -> Result<SaidOfClaims, SourceFault> {
        assert_eq!(subject, [("id_number".to_owned(), "11010519491231002X".to_owned())]);
        let mut held = self.0.lock().unwrap();
        held.1 += 1;
        let mut said = held.0.clone()?;
        said.fields
            .retain(|name, _| claims.iter().any(|(claimed, _)| claimed == name));
        Ok(said)
    }
}

async fn hub_of(register: &Arc<Register>) -> TestHub {
    let connectors: Arc<Register> = Arc::clone(register);
    TestHub::with_connectors(connectors).await
}

fn both() -> Value {
    question(&json!({"name": "张三丰", "sex": "1"}))
}

#[tokio::test(flavor = "multi_thread")]
async fn its_words_are_the_verdicts_and_a_difference_is_worked_like_any_other() {
    let register = Register::new();
    let hub = hub_of(&register).await;
    register.says(true, [("name", Match), ("sex", Match)]);
    let (status, answer) = hub.verify("agency", &both()).await;
    assert_eq!((status, &answer["outcome"]), (200, &json!("verified")), "{answer}");
    assert_eq!(answer["fields"]["name"], json!({"verdict": "match", "basis": "exact"}));
    assert_eq!(
        (&answer["record"]["version"], &answer["record"]["freshness"]),
        (&json!(0), &json!("fetched"))
    );
    // Nothing is kept: each verification asks.
    hub.verify("agency", &both()).await;
    assert_eq!(register.asked(), 2);
    register.says(true, [("name", Match), ("sex", Mismatch)]);
    let (_, answer) = hub.verify("agency", &both()).await;
    assert_eq!(answer["outcome"], "mismatched");
    assert!(
        answer["mismatch"]["id"].as_str().unwrap().starts_with("mis_"),
        "{answer}"
    );
    // What it does not verify, and conditions, it cannot be asked.
    let more = json!({"name": "张三丰", "birth_date": "1949-12-31", "sex": {"op": "eq", "value": "1"}});
    let (_, answer) = hub.verify("agency", &question(&more)).await;
    assert_eq!(answer["outcome"], "incomplete", "{answer}");
    assert_eq!(answer["fields"]["birth_date"], json!({"verdict": "unavailable"}));
    assert_eq!(answer["fields"]["sex"], json!({"verdict": "unavailable"}));
    register.says(true, [("name", Undivided), ("sex", Undivided)]);
    let (_, answer) = hub.verify("agency", &both()).await;
    assert_eq!(answer["outcome"], "review");
    assert_eq!(
        answer["fields"]["name"],
        json!({"verdict": "review", "reason": "undivided"})
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_503_and_a_record_that_the_hub_holds_is_answered_from() {
    let register = Register::new();
    let hub = hub_of(&register).await;
    let (status, problem) = hub.verify("agency", &both()).await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("source_unavailable")));
    register.says(false, [("name", Mismatch), ("sex", Mismatch)]);
    let (_, answer) = hub.verify("agency", &both()).await;
    assert_eq!((&answer["outcome"], answer.get("record")), (&json!("not_found"), None));
    let asked = register.asked();
    hub.put(PERSON, &person()).await;
    let (_, answer) = hub.verify("agency", &both()).await;
    assert_eq!((&answer["outcome"], register.asked()), (&json!("verified"), asked));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_existence_nobody_and_all_wrong_are_one_answer() {
    let register = Register::new();
    let hub = hub_of(&register).await;
    hub.revoke_all_grants().await;
    hub.grant("agency", PERSON, &["*"], &["verify"]).await;
    for differs in [Mismatch, Undivided] {
        let mut told = Vec::new();
        for found in [true, false] {
            register.says(found, [("name", differs), ("sex", differs)]);
            let (status, answer) = hub.verify("agency", &both()).await;
            told.push((
                status,
                answer["outcome"].clone(),
                answer["fields"].clone(),
                answer.get("record").cloned(),
            ));
        }
        assert_eq!(told[0], told[1]);
        assert_eq!(told[0].3, None);
    }
    hub.stop().await;
}
