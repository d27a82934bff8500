//! `heyan connector check`: one connector, step by step, with what is wrong and what to do, in both languages.
//! A source is asked one question and a feed for one page; a sink is told nothing, for that would have an effect there.

use super::{
    config::Work,
    http::Speaker,
    set::{ConnectorSet, Part, System},
    trouble::Trouble,
};
use heyan_domain::{delivery::Failure, label::Label};
use heyan_ports::outward::{FieldVerdict, SaidOfClaims, SourceFault};

/// Names with values, as the command line has them.
type Pairs = [(String, String)];

/// What one step came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It went well.
    Fine,
    /// It did not.
    Wrong,
    /// It was not tried.
    Skipped,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Word of the step: `names`, `connect`, `credentials`, `question`, `page`, `folder`, `target`.
    pub step: &'static str,
    /// Its result.
    pub found: Found,
    /// What was found; no value of a record and no secret.
    pub text: Label,
    /// What to do about it; empty when it went well.
    pub remedy: Label,
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The connector.
    pub name: String,
    /// Its steps, in order; it ends at the first that goes wrong.
    pub steps: Vec<Step>,
}

impl Report {
    /// Whether nothing went wrong.
    pub fn is_fine(&self) -> bool {
        self.steps.iter().all(|step| step.found != Found::Wrong)
    }
}

impl ConnectorSet {
    /// Tries one connector; `None` if no connector has this name. A source is asked about `subject`. `claims` are for a source
    /// that only answers yes or no.
    pub async fn check(&self, name: &str, subject: &Pairs, claims: &Pairs) -> Option<Report> {
        let part = self.part(name)?;
        let mut steps = Steps(Vec::new());
        // What failed has said so itself.
        let _ = self.steps_of(part, (subject, claims), &mut steps).await;
        Some(Report {
            name: name.to_owned(),
            steps: steps.0,
        })
    }

    async fn steps_of(&self, part: &Part, (subject, claims): (&Pairs, &Pairs), steps: &mut Steps) -> Result<(), Ended> {
        match &part.system {
            System::Http(source) => {
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
            System::Sql(table) => {
                steps.end("credentials", table.open().map(drop).map_err(Trouble::Fault), || {
                    Label::told("connectors.fine.database_url", &[])
                })?;
                steps.answer(
                    table
                        .ask(subject)
                        .await
                        .map(|record| record.map(|found| found.fields.len())),
                )
            }
            System::Poll(feed) => {
                steps.reach(feed.speaker()).await?;
                steps.batch("page", feed.poll(None).await)
            }
            System::File(watched) => {
                let feed = steps.end("folder", watched.open().map_err(Trouble::Fault), || {
                    Label::told("connectors.fine.folder", &[])
                })?;
                steps.batch("page", feed.poll(None).await.map_err(Trouble::Fault))
            }
            System::Sink(sink) => {
                steps.reach(sink.speaker()).await?;
                steps.skip("question", Label::told("connectors.skipped.sink", &[]));
                Ok(())
            }
            System::Webhook(webhook) => {
                steps.end(
                    "credentials",
                    webhook.target().map(drop).map_err(Trouble::Fault),
                    || Label::told("connectors.fine.secret", &[]),
                )?;
                steps.skip("question", Label::told("connectors.skipped.sink", &[]));
                Ok(())
            }
        }
    }

    /// The dataset of a connector, for who makes up a subject.
    pub fn dataset_of(&self, name: &str) -> Option<&str> {
        match &self.part(name)?.connector.work {
            Work::HttpSource { dataset, .. } | Work::SqlSource { dataset, .. } => Some(dataset),
            _ => None,
        }
    }
}

/// A step went wrong: the rest is not tried.
struct Ended;

struct Steps(Vec<Step>);

impl Steps {
    fn end<T>(
        &mut self,
        step: &'static str,
        result: Result<T, Trouble>,
        text: impl FnOnce() -> Label,
    ) -> Result<T, Ended> {
        let (found, text, remedy) = match &result {
            Ok(_) => (Found::Fine, text(), Label::of("", None)),
            Err(trouble) => {
                let (text, remedy) = explain(trouble);
                (Found::Wrong, text, remedy)
            }
        };
        self.0.push(Step {
            step,
            found,
            text,
            remedy,
        });
        result.map_err(|_| Ended)
    }

    fn skip(&mut self, step: &'static str, text: Label) {
        self.0.push(Step {
            step,
            found: Found::Skipped,
            text,
            remedy: Label::of("", None),
        });
    }

    /// Names, connection and credentials of what speaks HTTP.
    async fn reach(&mut self, speaker: &Speaker) -> Result<(), Ended> {
        let exchange = &speaker.exchange;
        let addresses = exchange.addresses(&speaker.request.sample_url()).await;
        let count = addresses.as_ref().map_or(0, Vec::len);
        let addresses = self.end("names", addresses, || {
            Label::told("connectors.fine.names", &[&number(count)])
        })?;
        self.end("connect", exchange.connect(&addresses).await, || {
            Label::told("connectors.fine.connect", &[])
        })?;
        self.end("credentials", exchange.try_credentials().await, || {
            Label::told("connectors.fine.credentials", &[])
        })
    }

    fn answer(&mut self, answer: Result<Option<usize>, Trouble>) -> Result<(), Ended> {
        let text = match &answer {
            Ok(Some(fields)) => Label::told("connectors.fine.record", &[&number(*fields)]),
            _ => Label::told("connectors.fine.not_found", &[]),
        };
        self.end("question", answer, || text).map(drop)
    }

    fn verdict(&mut self, said: Result<SaidOfClaims, Trouble>) -> Result<(), Ended> {
        let fields = said.as_ref().map(|said| said.fields.clone()).unwrap_or_default();
        if said.is_ok() && fields.is_empty() {
            self.skip("question", Label::told("connectors.skipped.claims", &[]));
            return Ok(());
        }
        let agree = fields
            .values()
            .filter(|verdict| **verdict == FieldVerdict::Match)
            .count();
        let text = match &said {
            Ok(said) if said.found => Label::told("connectors.fine.verdicts", &[&number(fields.len()), &number(agree)]),
            _ => Label::told("connectors.fine.not_found", &[]),
        };
        self.end("question", said, || text).map(drop)
    }

    fn batch(
        &mut self,
        step: &'static str,
        batch: Result<heyan_ports::outward::FeedBatch, Trouble>,
    ) -> Result<(), Ended> {
        let (rows, rejected) = batch.as_ref().map_or((0, 0), |batch| {
            let rejected = batch.records.iter().filter(|row| row.is_err()).count();
            (batch.records.len(), rejected)
        });
        self.end(step, batch, || {
            Label::told("connectors.fine.rows", &[&number(rows), &number(rejected)])
        })
        .map(drop)
    }
}

fn number(count: usize) -> Label {
    Label::of(&count.to_string(), None)
}

/// What a trouble means, and what to do about it.
fn explain(trouble: &Trouble) -> (Label, Label) {
    let (kind, part) = match trouble {
        Trouble::Status { status, .. } => ("status", status.to_string()),
        Trouble::Code { .. } => ("code", String::new()),
        Trouble::Connect(Failure::Tls) => ("tls", String::new()),
        Trouble::Garbage(what) | Trouble::Odd(what) => ("unreadable", what.to_string()),
        Trouble::Unmade(what) => ("request", what.to_string()),
        other => {
            let fault = other.source();
            (kind_of_fault(&fault), fault.to_string())
        }
    };
    let text = Label::told(&format!("connectors.trouble.{kind}.text"), &[&Label::of(&part, None)]);
    (text, Label::told(&format!("connectors.trouble.{kind}.remedy"), &[]))
}

const fn kind_of_fault(fault: &SourceFault) -> &'static str {
    match fault {
        SourceFault::Open => "open",
        SourceFault::Busy => "busy",
        SourceFault::Timeout => "timeout",
        SourceFault::Connect => "connect",
        SourceFault::Target(_) => "target",
        SourceFault::Auth => "auth",
        SourceFault::Answer => "answer",
        SourceFault::Unreadable(_) => "answer_form",
        SourceFault::Setup(_) => "setup",
        SourceFault::Unknown => "unknown",
    }
}
