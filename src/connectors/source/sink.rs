//! A sink by HTTP, such as the city's sharing platform: told of one version of one record.
//! Told means: transport and business code both say so. What never came may have had its effect, so it is told again and
//! the platform tells repeats apart by the delivery, or by record and version.

use heyan_domain::delivery::AttemptOutcome;
use heyan_ports::outward::RecordChange;

use super::{
    answer::AnswerOutcome,
    config::{ConnectorError, ConnectorFile, HttpConfig},
    exchange::SharedSurroundings,
    http::{HttpSpeaker, RequestFilling},
    template::{PlaceScope, ToldChange},
    trouble::SourceTrouble,
};

/// A sink by HTTP.
pub struct HttpSink {
    speaker: HttpSpeaker,
}

impl HttpSink {
    /// Compiles it; nothing is sent yet.
    ///
    /// # Errors
    /// The key and what is wrong with it.
    pub fn new(
        connector: &ConnectorFile,
        http: &HttpConfig,
        scope: &PlaceScope,
        around: &SharedSurroundings,
    ) -> Result<Self, ConnectorError> {
        let speaker = HttpSpeaker::new(connector, http, scope, around)?;
        Ok(Self { speaker })
    }

    /// Exchanges, for a check of each step.
    pub(crate) fn speaker(&self) -> &HttpSpeaker {
        &self.speaker
    }

    /// Tells it of one change.
    pub async fn tell(&self, change: &RecordChange) -> AttemptOutcome {
        let speaker = &self.speaker;
        let make = || {
            speaker.make(&RequestFilling {
                dataset: &change.dataset,
                subject: &change.subject,
                fields: &change.fields,
                change: Some(ToldChange {
                    delivery: &change.delivery,
                    event: &change.event,
                    version: change.version,
                    at_us: change.at_us,
                }),
                cursor: None,
            })
        };
        let told = speaker
            .exchange
            .run(make, |answer| match speaker.reader.outcome(answer)? {
                AnswerOutcome::Success(_) => Ok(answer.status),
                // A sink that does not know the record has not taken the change.
                AnswerOutcome::NotFound => Err(SourceTrouble::Code { status: answer.status }),
            });
        match told.await {
            Ok(status) => AttemptOutcome::Confirmed { status },
            Err(trouble) => trouble.attempted(),
        }
    }
}
