//! `heyan connector check`: one connector, step by step, with what is wrong and what to do, in both languages.
//! A source is asked one question and a feed for one page; a sink is told nothing, for that would have an effect there.

use super::{
    config::ConnectorWork,
    http::HttpSpeaker,
    set::{ConnectorPart, ConnectorSet, ConnectorSystem},
    trouble::SourceTrouble,
};
use heyan_domain::{delivery::AttemptFailure, label::BilingualLabel};
use heyan_ports::outward::{FieldVerdict, SaidOfClaims, SourceFault};

/// Names with values, as the command line has them.
type NamedValues = [(String, String)];

/// What one step came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepFinding {
    /// It went well.
    Fine,
    /// It did not.
    Wrong,
    /// It was not tried.
    Skipped,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckStep {
    /// Word of the step: `names`, `connect`, `credentials`, `question`, `page`, `folder`, `target`.
    pub step: &'static str,
    /// Its result.
    pub found: StepFinding,
    /// What was found; no value of a record and no secret.
    pub text: BilingualLabel,
    /// What to do about it; empty when it went well.
    pub remedy: BilingualLabel,
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// The connector.
    pub name: String,
    /// Its steps, in order; it ends at the first that goes wrong.
    pub steps: Vec<CheckStep>,
}

impl CheckReport {
    /// Whether nothing went wrong.
    pub fn is_fine(&self) -> bool {
        self.steps.iter().all(|step| step.found != StepFinding::Wrong)
    }
}

impl ConnectorSet {
    /// Tries one connector; `None` if no connector has this name. A source is asked about `subject`. `claims` are for a source
    /// that only answers yes or no.
    pub async fn check(&self, name: &str, subject: &NamedValues, claims: &NamedValues) -> Option<CheckReport> {
        let part = self.part(name)?;
        let mut steps = CheckSteps(Vec::new());
        // What failed has said so itself.
        let _ = self.steps_of(part, (subject, claims), &mut steps).await;
        Some(CheckReport {
            name: name.to_owned(),
            steps: steps.0,
        })
    }

    async fn steps_of(
        &self,
        part: &ConnectorPart,
        (subject, claims): (&NamedValues, &NamedValues),
        steps: &mut CheckSteps,
    ) -> Result<(), CheckEnded> {
        match &part.system {
            ConnectorSystem::Http(source) => {
                steps.reach(source.speaker()).await?;
                if source.verifies() {
                    return steps.verdict(source.verify(subject, claims).await);
                }
                steps.answer(
                    source
                        .ask(subject)
                        .await
                        .map(|record| record.map(|found| found.fields.len())),
                )
            }
            ConnectorSystem::Sql(table) => {
                steps.end(
                    "credentials",
                    table.open().map(drop).map_err(SourceTrouble::Fault),
                    || BilingualLabel::told("connectors.fine.database_url", &[]),
                )?;
                steps.answer(
                    table
                        .ask(subject)
                        .await
                        .map(|record| record.map(|found| found.fields.len())),
                )
            }
            ConnectorSystem::Poll(feed) => {
                steps.reach(feed.speaker()).await?;
                steps.batch("page", feed.poll(None).await)
            }
            ConnectorSystem::File(watched) => {
                let feed = steps.end("folder", watched.open().map_err(SourceTrouble::Fault), || {
                    BilingualLabel::told("connectors.fine.folder", &[])
                })?;
                steps.batch("page", feed.poll(None).await.map_err(SourceTrouble::Fault))
            }
            ConnectorSystem::Sink(sink) => {
                steps.reach(sink.speaker()).await?;
                steps.skip("question", BilingualLabel::told("connectors.skipped.sink", &[]));
                Ok(())
            }
            ConnectorSystem::Webhook(webhook) => {
                steps.end(
                    "credentials",
                    webhook.target().map(drop).map_err(SourceTrouble::Fault),
                    || BilingualLabel::told("connectors.fine.secret", &[]),
                )?;
                steps.skip("question", BilingualLabel::told("connectors.skipped.sink", &[]));
                Ok(())
            }
        }
    }

    /// The dataset of a connector, for who makes up a subject.
    pub fn dataset_of(&self, name: &str) -> Option<&str> {
        match &self.part(name)?.connector.work {
            ConnectorWork::HttpSource { dataset, .. } | ConnectorWork::SqlSource { dataset, .. } => Some(dataset),
            _ => None,
        }
    }
}

/// A step went wrong: the rest is not tried.
struct CheckEnded;

struct CheckSteps(Vec<CheckStep>);

impl CheckSteps {
    fn end<T>(
        &mut self,
        step: &'static str,
        result: Result<T, SourceTrouble>,
        text: impl FnOnce() -> BilingualLabel,
    ) -> Result<T, CheckEnded> {
        let (found, text, remedy) = match &result {
            Ok(_) => (StepFinding::Fine, text(), BilingualLabel::of("", None)),
            Err(trouble) => {
                let (text, remedy) = explain(trouble);
                (StepFinding::Wrong, text, remedy)
            }
        };
        self.0.push(CheckStep {
            step,
            found,
            text,
            remedy,
        });
        result.map_err(|_| CheckEnded)
    }

    fn skip(&mut self, step: &'static str, text: BilingualLabel) {
        self.0.push(CheckStep {
            step,
            found: StepFinding::Skipped,
            text,
            remedy: BilingualLabel::of("", None),
        });
    }

    /// Names, connection and credentials of what speaks HTTP.
    async fn reach(&mut self, speaker: &HttpSpeaker) -> Result<(), CheckEnded> {
        let exchange = &speaker.exchange;
        let addresses = exchange.addresses(&speaker.request.sample_url()).await;
        let count = addresses.as_ref().map_or(0, Vec::len);
        let addresses = self.end("names", addresses, || {
            BilingualLabel::told("connectors.fine.names", &[&number(count)])
        })?;
        self.end("connect", exchange.connect(&addresses).await, || {
            BilingualLabel::told("connectors.fine.connect", &[])
        })?;
        self.end("credentials", exchange.try_credentials().await, || {
            BilingualLabel::told("connectors.fine.credentials", &[])
        })
    }

    fn answer(&mut self, answer: Result<Option<usize>, SourceTrouble>) -> Result<(), CheckEnded> {
        let text = match &answer {
            Ok(Some(fields)) => BilingualLabel::told("connectors.fine.record", &[&number(*fields)]),
            _ => BilingualLabel::told("connectors.fine.not_found", &[]),
        };
        self.end("question", answer, || text).map(drop)
    }

    fn verdict(&mut self, said: Result<SaidOfClaims, SourceTrouble>) -> Result<(), CheckEnded> {
        let fields = said.as_ref().map(|said| said.fields.clone()).unwrap_or_default();
        if said.is_ok() && fields.is_empty() {
            self.skip("question", BilingualLabel::told("connectors.skipped.claims", &[]));
            return Ok(());
        }
        let agree = fields
            .values()
            .filter(|verdict| **verdict == FieldVerdict::Match)
            .count();
        let text = match &said {
            Ok(said) if said.found => {
                BilingualLabel::told("connectors.fine.verdicts", &[&number(fields.len()), &number(agree)])
            }
            _ => BilingualLabel::told("connectors.fine.not_found", &[]),
        };
        self.end("question", said, || text).map(drop)
    }

    fn batch(
        &mut self,
        step: &'static str,
        batch: Result<heyan_ports::outward::FeedBatch, SourceTrouble>,
    ) -> Result<(), CheckEnded> {
        let (rows, rejected) = batch.as_ref().map_or((0, 0), |batch| {
            let rejected = batch.records.iter().filter(|row| row.is_err()).count();
            (batch.records.len(), rejected)
        });
        self.end(step, batch, || {
            BilingualLabel::told("connectors.fine.rows", &[&number(rows), &number(rejected)])
        })
        .map(drop)
    }
}

fn number(count: usize) -> BilingualLabel {
    BilingualLabel::of(&count.to_string(), None)
}

/// What a trouble means, and what to do about it.
fn explain(trouble: &SourceTrouble) -> (BilingualLabel, BilingualLabel) {
    let (kind, part) = match trouble {
        SourceTrouble::Status { status, .. } => ("status", status.to_string()),
        SourceTrouble::Code { .. } => ("code", String::new()),
        SourceTrouble::Connect(AttemptFailure::Tls) => ("tls", String::new()),
        SourceTrouble::Garbage(what) | SourceTrouble::Odd(what) => ("unreadable", what.to_string()),
        SourceTrouble::Unmade(what) => ("request", what.to_string()),
        other => {
            let fault = other.source();
            (kind_of_fault(&fault), fault.to_string())
        }
    };
    let text = BilingualLabel::told(
        &format!("connectors.trouble.{kind}.text"),
        &[&BilingualLabel::of(&part, None)],
    );
    (
        text,
        BilingualLabel::told(&format!("connectors.trouble.{kind}.remedy"), &[]),
    )
}

const fn kind_of_fault(fault: &SourceFault) -> &'static str {
    match fault {
        SourceFault::Open => "open",
        SourceFault::Busy => "busy",
        SourceFault::Timeout => "timeout",
        SourceFault::Connect => "connect",
        SourceFault::Target(_) => "target",
        SourceFault::Auth => "auth",
        SourceFault::Answer | SourceFault::Status(_) => "answer",
        SourceFault::Unreadable(_) => "answer_form",
        SourceFault::Setup(_) => "setup",
        SourceFault::Unknown => "unknown",
    }
}
