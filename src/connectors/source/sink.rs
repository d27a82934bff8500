//! A sink by HTTP, such as the city's sharing platform: told of one version of one record.
//! Told means: transport and business code both say so. What never came may have had its effect, so it is told again and
//! the platform tells repeats apart by the delivery, or by record and version.

use heyan_domain::delivery::Attempted;
use heyan_ports::outward::RecordChange;

use super::{
    answer::Outcome,
    config::{Connector, ConnectorError, HttpConfig},
    exchange::Surroundings,
    http::{Filling, Speaker},
    template::{Scope, Told},
    trouble::Trouble,
};

/// A sink by HTTP.
pub struct HttpSink {
    speaker: Speaker,
}

impl HttpSink {
    /// Compiles it; nothing is sent yet.
    ///
    /// # Errors
    /// Returns the key and what is wrong with it.
    pub fn new(
        connector: &Connector,
        http: &HttpConfig,
        scope: &Scope,
        around: &Surroundings,
    ) -> Result<Self, ConnectorError> {
        let speaker = Speaker::new(connector, http, scope, around)?;
        Ok(Self { speaker })
    }

    /// Exchanges, for a check of each step.
    pub(crate) fn speaker(&self) -> &Speaker {
        &self.speaker
    }

    /// Tells it of one change.
    pub async fn tell(&self, change: &RecordChange) -> Attempted {
        let speaker = &self.speaker;
        let make = || {
            speaker.make(&Filling {
                dataset: &change.dataset,
                subject: &change.subject,
                fields: &change.fields,
                change: Some(Told {
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
                Outcome::Success(_) => Ok(answer.status),
                // A sink that does not know the record has not taken the change.
                Outcome::NotFound => Err(Trouble::Code { status: answer.status }),
            });
        match told.await {
            Ok(status) => Attempted::Confirmed { status },
            Err(trouble) => trouble.attempted(),
        }
    }
}
