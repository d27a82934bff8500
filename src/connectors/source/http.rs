//! A source that is asked by HTTP: one subject, one exchange, one record or verdict.
//! Only success and what the file lists as "not found" are answers; everything else is a fault.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{
    answer::{AnswerReader, VerdictAnswer},
    config::{ConnectorError, ConnectorFile, HttpConfig},
    exchange::{HttpExchange, SharedSurroundings},
    request::{PreparedRequest, RequestTemplate},
    template::{PlaceScope, PlaceValues, UnmadeRequest},
    trouble::SourceTrouble,
};
use heyan_ports::outward::{FieldVerdict, SaidOfClaims, SourceRecord};

/// The three parts that every connector by HTTP has.
pub struct HttpSpeaker {
    /// Exchanges.
    pub exchange: HttpExchange,
    /// What is sent.
    pub request: RequestTemplate,
    /// How answers are read.
    pub reader: AnswerReader,
}

impl HttpSpeaker {
    /// Compiles a connector by HTTP; nothing is sent yet.
    ///
    /// # Errors
    /// The key and what is wrong with it.
    pub fn new(
        connector: &ConnectorFile,
        http: &HttpConfig,
        scope: &PlaceScope,
        around: &SharedSurroundings,
    ) -> Result<Self, ConnectorError> {
        let wrong = |(key, reason): (String, String)| ConnectorError::new(&connector.path, key, reason);
        let request = RequestTemplate::compile(&http.request, scope).map_err(wrong)?;
        let reader = AnswerReader::compile(&http.answer, scope).map_err(wrong)?;
        let exchange = HttpExchange::new(connector, http, around)?;
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
    pub fn make(&self, fill: &RequestFilling<'_>) -> Result<PreparedRequest, UnmadeRequest> {
        self.request.make(&PlaceValues {
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
pub struct RequestFilling<'a> {
    /// Dataset.
    pub dataset: &'a str,
    /// Identifiers.
    pub subject: &'a Map<String, Value>,
    /// Fields, or claims.
    pub fields: &'a Map<String, Value>,
    /// A change.
    pub change: Option<super::template::ToldChange<'a>>,
    /// A cursor.
    pub cursor: Option<&'a str>,
}

/// A source by HTTP.
pub struct HttpSource {
    speaker: HttpSpeaker,
    dataset: String,
    /// What it verifies; `None`: it gives records.
    claims: Option<SourceClaims>,
}

/// The claims that a source verifies.
struct SourceClaims {
    /// Those without which there is no request.
    needed: BTreeSet<String>,
    /// Those with a verdict of their own; `None`: one verdict is about all that is needed.
    own: Option<BTreeSet<String>>,
}

impl HttpSource {
    /// Compiles it; nothing is sent yet.
    ///
    /// # Errors
    /// The key and what is wrong with it.
    pub fn new(
        connector: &ConnectorFile,
        dataset: &str,
        http: &HttpConfig,
        scope: &PlaceScope,
        around: &SharedSurroundings,
    ) -> Result<Self, ConnectorError> {
        let mut source = Self {
            speaker: HttpSpeaker::new(connector, http, scope, around)?,
            dataset: dataset.to_owned(),
            claims: None,
        };
        if let Some(reader) = source.speaker.reader.verdict_reader() {
            let own = reader.own_fields().map(|names| names.cloned().collect());
            let needed = source.needed(scope);
            if own.is_none() && needed.is_empty() {
                let reason = "holds no {claim.NAME}: the one verdict would be about nothing";
                return Err(ConnectorError::new(&connector.path, "request", reason.to_owned()));
            }
            source.claims = Some(SourceClaims { needed, own });
        }
        Ok(source)
    }

    /// The claims without which no request can be made.
    fn needed(&self, scope: &PlaceScope) -> BTreeSet<String> {
        let sample = |names: &BTreeSet<String>| -> Map<String, Value> {
            names.iter().map(|name| (name.clone(), Value::from("x"))).collect()
        };
        let (subject, all) = (sample(&scope.subject), sample(&scope.fields));
        let is_needed = |name: &&String| {
            let mut without = all.clone();
            without.remove(*name);
            self.make(&subject, &without).is_err()
        };
        scope.fields.iter().filter(is_needed).cloned().collect()
    }

    fn make(
        &self,
        subject: &Map<String, Value>,
        fields: &Map<String, Value>,
    ) -> Result<PreparedRequest, UnmadeRequest> {
        self.speaker.make(&RequestFilling {
            dataset: &self.dataset,
            subject,
            fields,
            change: None,
            cursor: None,
        })
    }

    /// Whether it gives no records and only says whether claims are right.
    pub fn verifies(&self) -> bool {
        self.claims.is_some()
    }

    /// Exchanges, for a check of each step.
    pub(crate) fn speaker(&self) -> &HttpSpeaker {
        &self.speaker
    }

    /// Asks for the record of one subject; `None`: the source says that it has none.
    ///
    /// # Errors
    /// There is no answer that can be believed.
    pub async fn ask(&self, subject: &[(String, String)]) -> Result<Option<SourceRecord>, SourceTrouble> {
        let subject = object(subject);
        let speaker = &self.speaker;
        let make = || self.make(&subject, &Map::new());
        speaker
            .exchange
            .run(make, |answer| speaker.reader.record(answer, &subject))
            .await
    }

    /// Asks whether what is claimed of one subject is so (`mode = "verdict"`). Claims that it does not verify are not sent;
    /// where one that it needs is not made, it is not asked at all.
    ///
    /// # Errors
    /// There is no answer that can be believed.
    pub async fn verify(
        &self,
        subject: &[(String, String)],
        claims: &[(String, String)],
    ) -> Result<SaidOfClaims, SourceTrouble> {
        let verified = self
            .claims
            .as_ref()
            .ok_or(SourceTrouble::Unmade("the connector answers with records"))?;
        let mut fields = object(claims);
        fields.retain(|name, _| verified.asks(name));
        let asked: BTreeSet<String> = match &verified.own {
            Some(own) => fields.keys().filter(|name| own.contains(*name)).cloned().collect(),
            None => verified.needed.clone(),
        };
        if asked.is_empty() || !verified.needed.iter().all(|name| fields.contains_key(name)) {
            return Ok(SaidOfClaims {
                found: true,
                fields: BTreeMap::new(),
            });
        }
        let subject = object(subject);
        let speaker = &self.speaker;
        let answer = speaker
            .exchange
            .run(
                || self.make(&subject, &fields),
                |answer| speaker.reader.verdicts(answer, &subject, &asked),
            )
            .await?;
        Ok(verified.said(answer, asked))
    }
}

impl SourceClaims {
    fn asks(&self, name: &str) -> bool {
        self.needed.contains(name) || self.own.as_ref().is_some_and(|own| own.contains(name))
    }

    fn said(&self, answer: VerdictAnswer, asked: BTreeSet<String>) -> SaidOfClaims {
        let of_one = |agrees| {
            if agrees {
                FieldVerdict::Match
            } else {
                FieldVerdict::Mismatch
            }
        };
        let differs = match self.own {
            None if asked.len() > 1 => FieldVerdict::Undivided,
            _ => FieldVerdict::Mismatch,
        };
        let each = |verdict: FieldVerdict| asked.into_iter().map(|name| (name, verdict)).collect();
        let (found, fields) = match answer {
            VerdictAnswer::NotFound => (false, each(differs)),
            VerdictAnswer::Whole(true) => (true, each(FieldVerdict::Match)),
            VerdictAnswer::Whole(false) => (true, each(differs)),
            VerdictAnswer::Fields(fields) => {
                let told = fields.into_iter().map(|(name, agrees)| (name, of_one(agrees)));
                (true, told.collect())
            }
        };
        SaidOfClaims { found, fields }
    }
}

fn object(pairs: &[(String, String)]) -> Map<String, Value> {
    pairs
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect()
}
