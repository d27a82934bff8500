//! A model of the mismatch loop: questions, steps of agency and authority, new versions of the record, repeats, and a process that is
//! killed and started again on its files, in any order. Beside the hub runs a reference of a few lines; after each step the two must
//! say the same, and what was acknowledged must still be there. With a step whose write is lost on purpose, the model must notice.

use std::{
    cell::RefCell,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner},
};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::{
    common::{purpose, with_check_character},
    process_kit::Process,
};

/// The agency is wrong about many people on purpose.
const SETTINGS: [(&str, &str); 2] = [
    ("HEYAN__GUESS__AGENCY_SUBJECTS_24_H_MAX", "1000000"),
    ("HEYAN__GUESS__AGENCY_SUBJECTS_30_DAYS_MAX", "1000000"),
];

/// People of one case.
const PEOPLE: usize = 3;
const NAMES: [&str; 4] = ["张一", "张二", "张三", "张四"];
const WRONG: &str = "卜相合";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Disputed,
    Upheld,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    AcceptRecord,
    Propose(usize),
    Approve,
    Reject,
    FalseClaim,
    Reopen,
    Close,
}

impl Act {
    /// The reference: `None` where the state does not allow it.
    fn leads(self, from: Phase) -> Option<Phase> {
        use Phase::{Closed, Disputed, Open, Upheld};
        match (self, from) {
            (Self::AcceptRecord | Self::FalseClaim, Open | Upheld) => Some(Closed),
            (Self::Propose(_), Open | Upheld) => Some(Disputed),
            (Self::Approve, Disputed) => Some(Closed),
            (Self::Reject, Disputed) => Some(Upheld),
            (Self::Reopen, Closed | Upheld) => Some(Open),
            (Self::Close, Open | Upheld | Disputed) => Some(Closed),
            _ => None,
        }
    }

    fn client(self) -> &'static str {
        match self {
            Self::Approve | Self::Reject => "authority",
            _ => "agency",
        }
    }

    fn body(self) -> Value {
        let reason = "核实";
        match self {
            Self::AcceptRecord => json!({"action": "accept_record"}),
            Self::Propose(name) => {
                json!({"action": "propose_correction", "fields": {"name": NAMES[name]}, "evidence": ["户口簿"]})
            }
            Self::Approve => json!({"action": "approve", "reason": reason}),
            Self::Reject => json!({"action": "reject", "reason": reason}),
            Self::FalseClaim => json!({"action": "report_false_claim", "reason": reason}),
            Self::Reopen => json!({"action": "reopen", "reason": reason}),
            Self::Close => json!({"action": "close", "reason": reason}),
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// The agency asks with a wrong name: a mismatch opens.
    AskWrong(usize),
    /// The agency asks with the name of the record: an open mismatch is settled.
    AskRight(usize),
    Act(usize, Act),
    /// The last step of a person is sent again under its key.
    Repeat(usize),
    /// The authority sends a new version.
    Change(usize, usize),
    /// The process is killed, and started again.
    Crash,
}

#[derive(Clone, Debug, Default)]
struct Person {
    version: u32,
    name: usize,
    mismatch: Option<Phase>,
    proposed: usize,
    acted: bool,
}

#[derive(Clone, Debug)]
struct City(Vec<Person>);

impl ReferenceStateMachine for City {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        let born = Person {
            version: 1,
            ..Person::default()
        };
        Just(Self(vec![born; PEOPLE])).boxed()
    }

    fn transitions(_state: &Self) -> BoxedStrategy<Step> {
        let acts = prop_oneof![
            2 => (0..NAMES.len()).prop_map(Act::Propose),
            2 => Just(Act::Approve),
            1 => Just(Act::Reject),
            1 => Just(Act::AcceptRecord),
            1 => Just(Act::FalseClaim),
            1 => Just(Act::Reopen),
            1 => Just(Act::Close),
        ];
        prop_oneof![
            4 => (0..PEOPLE).prop_map(Step::AskWrong),
            2 => (0..PEOPLE).prop_map(Step::AskRight),
            9 => (0..PEOPLE, acts).prop_map(|(person, act)| Step::Act(person, act)),
            2 => (0..PEOPLE).prop_map(Step::Repeat),
            1 => (0..PEOPLE, 0..NAMES.len()).prop_map(|(person, name)| Step::Change(person, name)),
            2 => Just(Step::Crash),
        ]
        .boxed()
    }

    fn preconditions(state: &Self, step: &Step) -> bool {
        match step {
            // A second wrong value of one person would be about the guess budget, which has models of its own.
            Step::AskWrong(person) => state.0[*person].mismatch.is_none(),
            Step::Act(person, Act::Propose(name)) => {
                state.0[*person].mismatch.is_some() && *name != state.0[*person].name
            }
            Step::Act(person, _) => state.0[*person].mismatch.is_some(),
            Step::Repeat(person) => state.0[*person].acted,
            // A correction to what the record says already would be no new version.
            Step::Change(person, name) => {
                let person = &state.0[*person];
                *name != person.name && !(person.mismatch == Some(Phase::Disputed) && *name == person.proposed)
            }
            Step::AskRight(_) | Step::Crash => true,
        }
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        match *step {
            Step::AskWrong(person) => state.0[person].mismatch = Some(Phase::Open),
            Step::AskRight(person) => {
                let phase = &mut state.0[person].mismatch;
                if *phase == Some(Phase::Open) {
                    *phase = Some(Phase::Closed);
                }
            }
            Step::Act(person, act) => {
                let person = &mut state.0[person];
                if let Some(next) = person.mismatch.and_then(|phase| act.leads(phase)) {
                    person.mismatch = Some(next);
                    person.acted = true;
                    match act {
                        Act::Propose(name) => person.proposed = name,
                        Act::Approve => (person.version, person.name) = (person.version + 1, person.proposed),
                        _ => {}
                    }
                }
            }
            Step::Change(person, name) => {
                let person = &mut state.0[person];
                (person.version, person.name) = (person.version + 1, name);
            }
            Step::Repeat(_) | Step::Crash => {}
        }
        state
    }
}

/// What the test remembers of a person besides the reference.
#[derive(Clone, Default)]
struct Known {
    number: String,
    application: String,
    mismatch: Option<String>,
    /// The last step: who, key, body, answer.
    last: Option<(&'static str, String, Value, String)>,
    /// Index, leaf and origin of each acknowledged answer.
    receipts: Vec<(u64, String, String)>,
}

/// The hub of a run: it outlives the cases, each of which has people of its own.
struct World {
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    process: Option<Process>,
    /// The fault: a kill loses the state that the last step wrote.
    loses_a_write: bool,
    last_changed: Option<String>,
    crashes: usize,
    steps: usize,
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

static NUMBERS: AtomicU32 = AtomicU32::new(1);

fn in_world<T>(work: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with(|world| work(world.borrow_mut().as_mut().unwrap()))
}

/// A made-up number with a right check character.
fn resident_number(n: u32) -> String {
    with_check_character(&format!("340202199{:01}0101{:03}", n / 999 % 10, n % 999 + 1))
}

impl World {
    fn open(loses_a_write: bool) -> Self {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let process = runtime.block_on(Process::start(folder.path(), &SETTINGS));
        Self {
            folder,
            runtime,
            process: Some(process),
            loses_a_write,
            last_changed: None,
            crashes: 0,
            steps: 0,
        }
    }

    fn crash(&mut self) {
        self.crashes += 1;
        drop(self.process.take());
        if let (true, Some(id)) = (self.loses_a_write, self.last_changed.take()) {
            let file = format!("sqlite://{}/data/data/heyan.sqlite", self.folder.path().display());
            self.runtime.block_on(async {
                let mut database = sqlx::SqliteConnection::connect(&file).await.unwrap();
                let lost =
                    sqlx::query("UPDATE mismatches SET state = 'open', is_final = 0 WHERE id = ? AND state <> 'open'");
                lost.bind(id).execute(&mut database).await.unwrap();
                database.close().await.unwrap();
            });
        }
        self.process = Some(self.runtime.block_on(Process::start(self.folder.path(), &SETTINGS)));
    }

    fn send(&self, method: &str, path: &str, client: &str, key: Option<&str>, body: &Value) -> (u16, String) {
        let process = self.process.as_ref().unwrap();
        self.runtime
            .block_on(process.send_text(method, path, client, key, body))
    }

    fn json(&self, method: &str, path: &str, client: &str, body: &Value) -> (u16, Value) {
        let (status, text) = self.send(method, path, client, None, body);
        (status, serde_json::from_str(&text).unwrap())
    }

    fn ask(&self, client: &str, known: &Known, name: &str) -> Value {
        let mut purpose = purpose();
        purpose["application_no"] = json!(known.application);
        let body = json!({"dataset": "natural-person", "subject": {"id_number": known.number},
                          "claims": {"name": name}, "purpose": purpose});
        let (status, answer) = self.json("POST", "/v1/verifications", client, &body);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    fn put(&self, known: &mut Known, name: usize) -> u64 {
        let record = json!({"subject": {"id_number": known.number}, "fields": {"name": NAMES[name], "sex": "1",
            "ethnicity": "汉族", "birth_date": "1990-01-01", "status": "正常",
            "domicile_address": "安徽省芜湖市镜湖区北京中路2号3幢2单元501室"}});
        let (status, answer) = self.json("PUT", "/v1/datasets/natural-person/records", "authority", &record);
        assert!(matches!(status, 200 | 201), "{status} {answer}");
        known.keep(&answer);
        answer["version"].as_u64().unwrap()
    }

    /// The reference and the hub say the same of a person.
    fn agrees(&self, person: &Person, known: &Known) {
        let answer = self.ask("agency2", known, NAMES[person.name]);
        let got = (
            answer["outcome"].as_str().unwrap(),
            answer["record"]["version"].as_u64(),
        );
        // What another agency disputes is told to this one as such; the version is told all the same.
        let outcome = if person.mismatch == Some(Phase::Disputed) {
            got.0
        } else {
            "verified"
        };
        assert_eq!(got, (outcome, Some(u64::from(person.version))), "{answer}");
        let (Some(phase), Some(id)) = (person.mismatch, &known.mismatch) else {
            return;
        };
        let wanted = match phase {
            Phase::Open => "open",
            Phase::Disputed => "disputed",
            Phase::Upheld => "upheld",
            Phase::Closed => "closed",
        };
        // What is on its way to nobody arrives at once, by a worker.
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let (status, found) = self.json("GET", &format!("/v1/mismatches/{id}"), "agency", &json!(null));
            let state = found["state"].as_str().unwrap_or_default();
            if state == wanted {
                return;
            }
            let passing = phase == Phase::Closed && matches!(state, "record_accepted" | "corrected");
            assert!(passing && Instant::now() < end, "{status}: {wanted} expected, {found}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn kept(&self, known: &Known) {
        for (index, leaf, origin) in known.receipts.iter().rev().take(3) {
            let path = format!("/v1/receipts/{origin}/{index}");
            let found = ["agency", "authority"].into_iter().find_map(|client| {
                let (status, receipt) = self.json("GET", &path, client, &json!(null));
                (status == 200).then_some(receipt)
            });
            let found = found.unwrap_or_else(|| panic!("the receipt of entry {index} is gone"));
            assert!(
                found.to_string().contains(leaf.as_str()),
                "another entry is at {index}: {found}"
            );
        }
    }
}

impl Known {
    fn keep(&mut self, answer: &Value) {
        let receipt = &answer["receipt"];
        let text = |name: &str| receipt[name].as_str().map(str::to_owned);
        if let (Some(index), Some(leaf), Some(origin)) = (receipt["index"].as_u64(), text("leaf"), text("origin")) {
            self.receipts.push((index, leaf, origin));
        }
    }
}

struct Hub;

impl StateMachineTest for Hub {
    type SystemUnderTest = Vec<Known>;
    type Reference = City;

    fn init_test(reference: &City) -> Vec<Known> {
        let people = reference.0.iter().map(|person| {
            let n = NUMBERS.fetch_add(1, Ordering::SeqCst);
            let mut known = Known {
                number: resident_number(n),
                application: format!("M-{n}"),
                ..Known::default()
            };
            in_world(|world| assert_eq!(world.put(&mut known, person.name), 1));
            known
        });
        people.collect()
    }

    fn apply(mut people: Vec<Known>, city: &City, step: Step) -> Vec<Known> {
        in_world(|world| {
            world.steps += 1;
            match step {
                Step::AskWrong(at) => {
                    let answer = world.ask("agency", &people[at], WRONG);
                    assert_eq!(answer["outcome"], "mismatched", "{answer}");
                    people[at].mismatch = answer["mismatch"]["id"].as_str().map(str::to_owned);
                    people[at].keep(&answer);
                }
                Step::AskRight(at) => {
                    let answer = world.ask("agency", &people[at], NAMES[city.0[at].name]);
                    people[at].keep(&answer);
                }
                Step::Act(at, act) => {
                    let key = format!("key-{}-{}", people[at].application, world.steps);
                    let path = format!("/v1/mismatches/{}/actions", people[at].mismatch.as_ref().unwrap());
                    let (status, answer) = world.send("POST", &path, act.client(), Some(&key), &act.body());
                    match status {
                        200 => {
                            world.last_changed.clone_from(&people[at].mismatch);
                            people[at].last = Some((act.client(), key, act.body(), answer));
                        }
                        409 => {}
                        _ => panic!("{act:?}: {status} {answer}"),
                    }
                }
                Step::Repeat(at) => {
                    let (client, key, body, first) = people[at].last.clone().unwrap();
                    let path = format!("/v1/mismatches/{}/actions", people[at].mismatch.as_ref().unwrap());
                    let (status, again) = world.send("POST", &path, client, Some(&key), &body);
                    assert_eq!((status, again), (200, first), "the first answer again");
                }
                Step::Change(at, name) => {
                    let version = world.put(&mut people[at], name);
                    assert_eq!(version, u64::from(city.0[at].version));
                }
                Step::Crash => {
                    world.crash();
                    for (person, known) in city.0.iter().zip(&people) {
                        world.agrees(person, known);
                        world.kept(known);
                    }
                }
            }
            if let Step::AskWrong(at) | Step::AskRight(at) | Step::Act(at, _) | Step::Repeat(at) | Step::Change(at, _) =
                step
            {
                world.agrees(&city.0[at], &people[at]);
            }
        });
        people
    }
}

/// Runs cases of the model on one hub; how many kills and steps there were.
fn run(cases: u32, steps: usize, loses_a_write: bool) -> Result<(usize, usize), String> {
    WORLD.with(|world| *world.borrow_mut() = Some(World::open(loses_a_write)));
    let config = Config {
        cases,
        // One at least: the strategy forgets what it counted when it shrinks, and cannot report a failure before.
        max_shrink_iters: 2,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config.clone(), rng);
    let ran = runner.run(
        &City::sequential_strategy(steps..steps + 1),
        |(initial, steps, seen)| {
            Hub::test_sequential(config.clone(), initial, steps, seen);
            Ok(())
        },
    );
    let world = WORLD.with(|world| world.borrow_mut().take()).unwrap();
    match ran {
        Ok(()) => Ok((world.crashes, world.steps)),
        Err(TestError::Fail(why, _)) => Err(why.to_string()),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn the_loop_is_what_its_reference_says_through_kills() {
    let (cases, steps) = if std::env::var_os("HEYAN_LONG").is_some() {
        (60, 40)
    } else {
        (3, 16)
    };
    let begun = Instant::now();
    let (crashes, done) = run(cases, steps, false).unwrap();
    println!(
        "{cases} cases, {done} steps, {crashes} kills in {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    assert!(crashes >= 3, "the model must kill: {crashes}");
}

#[test]
fn the_model_finds_a_write_that_a_kill_loses() {
    let found = run(20, 16, true).expect_err("a lost write must be noticed");
    assert!(found.contains("expected"), "{found}");
}
