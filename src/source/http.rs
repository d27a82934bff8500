//! A source that is asked by HTTP: one subject, one exchange, one record or verdict.
//! Only success and what the file lists as "not found" are answers; everything else is a fault.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    answer::{AnswerReader, VerdictAnswer},
    config::{AnswerMode, Connector, ConnectorError, HttpConfig},
    exchange::{Exchange, Surroundings},
    request::{Made, RequestTemplate},
    template::{Scope, Unmade, Values},
    trouble::Trouble,
};
use crate::app::outward::SourceRecord;

/// The three parts that every connector by HTTP has.
pub struct Speaker {
    /// Exchanges.
    pub exchange: Exchange,
    /// What is sent.
    pub request: RequestTemplate,
    /// How answers are read.
    pub reader: AnswerReader,
}

impl Speaker {
    /// Compiles a connector by HTTP; nothing is sent yet.
    ///
    /// # Errors
    /// The key and what is wrong with it.
    pub fn new(
        connector: &Connector,
        http: &HttpConfig,
        scope: &Scope,
        around: &Surroundings,
    ) -> Result<Self, ConnectorError> {
        let wrong = |(key, reason): (String, String)| ConnectorError::new(&connector.path, key, reason);
        let request = RequestTemplate::compile(&http.request, scope).map_err(wrong)?;
        let reader = AnswerReader::compile(&http.answer, scope).map_err(wrong)?;
        let exchange = Exchange::new(connector, http, around)?;
        exchange
            .may_reach(&request.sample_url())
            .map_err(|reason| wrong(("request.url".to_owned(), reason)))?;
        Ok(Self {
            exchange,
            request,
            reader,
        })
    }

    /// Makes one request of values, with an id and the time of its own.
    ///
    /// # Errors
    /// A value is missing or cannot stand in its place.
    pub fn make(&self, fill: &Filling<'_>) -> Result<Made, Unmade> {
        self.request.make(&Values {
            now_us: self.exchange.now_us(),
            uuid: self.exchange.uuid()?,
            dataset: fill.dataset,
            subject: fill.subject,
            fields: fill.fields,
            change: fill.change,
            cursor: fill.cursor,
        })
    }
}

/// What fills the places of a request, but for the time and its id.
pub struct Filling<'a> {
    /// Dataset.
    pub dataset: &'a str,
    /// Identifiers.
    pub subject: &'a Map<String, Value>,
    /// Fields, or claims.
    pub fields: &'a Map<String, Value>,
    /// A change.
    pub change: Option<super::template::Told<'a>>,
    /// A cursor.
    pub cursor: Option<&'a str>,
}

/// A source by HTTP.
pub struct HttpSource {
    speaker: Speaker,
    dataset: String,
    mode: AnswerMode,
}

impl HttpSource {
    /// Compiles it; nothing is sent yet.
    ///
    /// # Errors
    /// The key and what is wrong with it.
    pub fn new(
        connector: &Connector,
        dataset: &str,
        http: &HttpConfig,
        scope: &Scope,
        around: &Surroundings,
    ) -> Result<Self, ConnectorError> {
        Ok(Self {
            speaker: Speaker::new(connector, http, scope, around)?,
            dataset: dataset.to_owned(),
            mode: http.answer.mode,
        })
    }

    /// What it answers with.
    pub fn mode(&self) -> AnswerMode {
        self.mode
    }

    /// Exchanges, for a check of each step.
    pub fn speaker(&self) -> &Speaker {
        &self.speaker
    }

    /// Asks for the record of one subject; `None`: the source says that it has none.
    ///
    /// # Errors
    /// There is no answer that can be believed.
    pub async fn ask(&self, subject: &[(String, String)]) -> Result<Option<SourceRecord>, Trouble> {
        let (subject, fields) = (object(subject), Map::new());
        let speaker = &self.speaker;
        let make = || {
            speaker.make(&Filling {
                dataset: &self.dataset,
                subject: &subject,
                fields: &fields,
                change: None,
                cursor: None,
            })
        };
        speaker
            .exchange
            .run(make, |answer| speaker.reader.record(answer, &subject))
            .await
    }

    /// Asks whether what is claimed of one subject is so (`mode = "verdict"`).
    ///
    /// # Errors
    /// There is no answer that can be believed.
    pub async fn verify(
        &self,
        subject: &[(String, String)],
        claims: &[(String, String)],
    ) -> Result<VerdictAnswer, Trouble> {
        let (subject, fields) = (object(subject), object(claims));
        let claimed: BTreeSet<String> = claims.iter().map(|(name, _)| name.clone()).collect();
        let speaker = &self.speaker;
        let make = || {
            speaker.make(&Filling {
                dataset: &self.dataset,
                subject: &subject,
                fields: &fields,
                change: None,
                cursor: None,
            })
        };
        speaker
            .exchange
            .run(make, |answer| speaker.reader.verdicts(answer, &subject, &claimed))
            .await
    }
}

fn object(pairs: &[(String, String)]) -> Map<String, Value> {
    pairs
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect()
}
