//! The payloads of the bus: JSON Schema of each topic, compiled from `schemas/events/*.json`. What comes in is held against the
//! same file that describes it outwards.

use std::collections::HashMap;

use jsonschema::Validator;
use serde_json::Value;

use super::{CatalogError, compile, dataset};
use heyan_domain::fault::MemberFault;

macro_rules! shipped {
    ($($topic:literal),+ $(,)?) => {
        [$(($topic, include_str!(concat!("../../schemas/events/", $topic, ".json")))),+]
    };
}

/// Every topic with its schema.
static SHIPPED: [(&str, &str); 9] = shipped![
    "heyan.feed.v1",
    "heyan.verify.request.v1",
    "heyan.record.changed.v1",
    "heyan.verification.completed.v1",
    "heyan.verify.result.v1",
    "heyan.mismatch.v1",
    "heyan.supervision.v1",
    "heyan.checkpoint.v1",
    "heyan.dead-letter.v1",
];

/// Texts of the schemas, with their topics.
pub const fn schema_texts() -> &'static [(&'static str, &'static str)] {
    &SHIPPED
}

/// Compiled schemas by topic.
pub struct EventSchemas(HashMap<&'static str, Validator>);

impl EventSchemas {
    /// The schemas that ship.
    ///
    /// # Errors
    /// A file is no JSON Schema.
    pub fn shipped() -> Result<Self, CatalogError> {
        let compiled = SHIPPED.into_iter().map(|(topic, text)| {
            let (_, validator) = compile::validator(topic, text)?;
            Ok((topic, validator))
        });
        Ok(Self(compiled.collect::<Result<_, _>>()?))
    }

    /// What is wrong with a payload; a topic that is not known takes none.
    pub fn check(&self, topic: &str, payload: &Value) -> Vec<MemberFault> {
        match self.0.get(topic) {
            Some(validator) => dataset::faults(validator, payload),
            None => vec![MemberFault::new("", "unknown_topic")],
        }
    }
}
