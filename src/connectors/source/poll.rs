//! A feed by HTTP: pages of records, each with the cursor of the next.
//! The cursor that is handed on is that of the page just read; it is asked for again until the hub has committed it.

use serde_json::{Map, Value};

use super::{
    answer::{AnswerOutcome, WholeAnswer},
    config::{ConnectorError, ConnectorFile, FeedFacts, HttpConfig, PollConfig},
    exchange::SharedSurroundings,
    http::{HttpSpeaker, RequestFilling},
    template::PlaceScope,
    tree::{TreePointer, Written},
    trouble::SourceTrouble,
};
use heyan_ports::outward::{FeedBatch, FeedReject};

const CURSOR_BYTES_MAX: usize = 1024;

/// A feed by HTTP.
pub struct HttpFeed {
    speaker: HttpSpeaker,
    dataset: String,
    first: String,
    next: TreePointer,
    written: Written,
}

impl HttpFeed {
    /// Compiles it; nothing is sent yet.
    ///
    /// # Errors
    /// The key and what is wrong with it.
    pub fn new(
        connector: &ConnectorFile,
        feed: &FeedFacts,
        (http, poll): (&HttpConfig, &PollConfig),
        scope: &PlaceScope,
        around: &SharedSurroundings,
    ) -> Result<Self, ConnectorError> {
        let next = TreePointer::parse(&poll.next_pointer)
            .map_err(|reason| ConnectorError::new(&connector.path, "poll.next_pointer", reason))?;
        Ok(Self {
            speaker: HttpSpeaker::new(connector, http, scope, around)?,
            dataset: feed.dataset.clone(),
            first: poll.first_cursor.clone(),
            next,
            written: http.answer.format,
        })
    }

    /// Exchanges, for a check of each step.
    pub(crate) fn speaker(&self) -> &HttpSpeaker {
        &self.speaker
    }

    /// The page at `position`; the first one without.
    ///
    /// # Errors
    /// There is no page that can be read.
    pub async fn poll(&self, position: Option<&str>) -> Result<FeedBatch, SourceTrouble> {
        let cursor = position.unwrap_or(&self.first);
        let (subject, fields) = (Map::new(), Map::new());
        let speaker = &self.speaker;
        let make = || {
            speaker.make(&RequestFilling {
                dataset: &self.dataset,
                subject: &subject,
                fields: &fields,
                change: None,
                cursor: Some(cursor),
            })
        };
        speaker.exchange.run(make, |answer| self.read(answer, cursor)).await
    }

    fn read(&self, answer: &WholeAnswer, cursor: &str) -> Result<FeedBatch, SourceTrouble> {
        let root = match self.speaker.reader.outcome(answer)? {
            AnswerOutcome::Success(root) => root,
            AnswerOutcome::NotFound => {
                return Ok(FeedBatch {
                    records: Vec::new(),
                    position: cursor.to_owned(),
                    more: false,
                });
            }
        };
        let next = match self.next.find(&root, self.written) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.is_empty() => None,
            Some(Value::String(text)) if text.len() <= CURSOR_BYTES_MAX => Some(text.clone()),
            Some(Value::Number(number)) if !number.is_f64() => Some(number.to_string()),
            Some(_) => return Err(SourceTrouble::Garbage("a cursor of another type")),
        };
        let rows = self.speaker.reader.rows(&root)?.into_iter().zip(1_u64..);
        let records: Vec<_> = rows
            .map(|(record, row)| {
                record.map_err(|code| FeedReject {
                    place: "page".to_owned(),
                    row,
                    code,
                })
            })
            .collect();
        // The same cursor again, or a page without rows, would be asked for without a pause.
        let more = !records.is_empty() && next.as_deref().is_some_and(|next| next != cursor);
        Ok(FeedBatch {
            records,
            position: next.unwrap_or_else(|| cursor.to_owned()),
            more,
        })
    }
}
