//! Other ways to find a licence than by its identifier, as keyed hashes: who holds it (type, number on its face and holder together), and
//! which version it came after. They are written in the commit that writes the record, by `Hub::commit` alone, so no record is without its own.

use serde_json::{Map, Value};

use crate::node::hub::Hub;
use heyan_catalog::{Dataset, LicenceFieldRole, LicenceRules};
use heyan_ports::records::{RecordKeys, RecordWrite};

/// Part of a key: all of it, or only who holds it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyPart {
    /// Type, number on the face and holder.
    Whole,
    /// The holder alone: never a key of the table, only whose guesses are counted.
    Holder,
}

/// The key of a licence by its holder; `None` when one of the values is missing.
pub(super) fn by_holder<'v>(
    hub: &Hub,
    dataset: &Dataset,
    licence: &LicenceRules,
    part: KeyPart,
    value_of: impl Fn(&str) -> Option<&'v str>,
) -> Option<[u8; 16]> {
    let (fields, name): (&[u8], &[u8]) = match part {
        KeyPart::Whole => (&*licence.key, &b"holder"[..]),
        KeyPart::Holder => (
            licence.key.last().map(std::slice::from_ref).unwrap_or_default(),
            &b"guesses"[..],
        ),
    };
    let mut texts = Vec::with_capacity(fields.len());
    for number in fields {
        let field = dataset.field(*number)?;
        let value = value_of(&field.name).filter(|value| !value.trim().is_empty())?;
        texts.push(field.comparator.claim_text(value));
    }
    let parts: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    Some(hub.secrets.vault.record_key(&dataset.name, name, &parts))
}

/// The key of the versions that came after the licence of a canonical identifier.
pub(super) fn after(hub: &Hub, dataset: &Dataset, canonical: &str) -> [u8; 16] {
    hub.secrets
        .vault
        .record_key(&dataset.name, b"previous", &[canonical.as_bytes()])
}

/// The keys of records that are to be written.
pub(crate) fn of(hub: &Hub, writes: &[RecordWrite]) -> Vec<RecordKeys> {
    writes.iter().filter_map(|write| of_write(hub, write)).collect()
}

fn of_write(hub: &Hub, write: &RecordWrite) -> Option<RecordKeys> {
    let dataset = hub.catalog.get(&write.dataset)?;
    let licence = dataset.licence.as_ref()?;
    let values: Map<String, Value> = serde_json::from_str(&write.record.fields).unwrap_or_default();
    let value_of = |name: &str| values.get(name).and_then(Value::as_str);
    let holder = by_holder(hub, dataset, licence, KeyPart::Whole, value_of);
    let previous = licence
        .field(LicenceFieldRole::Previous)
        .and_then(|number| dataset.field(number))
        .and_then(|field| Some(field.comparator.claim_text(value_of(&field.name)?)))
        .map(|canonical| after(hub, dataset, &canonical));
    Some(RecordKeys {
        dataset: write.dataset.clone(),
        subject: write.subject,
        replaces: write.expected.is_some(),
        hashes: holder.into_iter().chain(previous).collect(),
    })
}
