//! Which fields of a stored record a reader sees.

use serde_json::Value;

use heyan_catalog::Dataset;
use heyan_ports::records::StoredRecord;

/// The fields of a stored record that `may_see`, masked unless the reader is the owner.
pub(crate) fn shown(
    dataset: &Dataset,
    stored: &StoredRecord,
    may_see: impl Fn(u8) -> bool,
    owner: bool,
) -> Vec<(Box<str>, String)> {
    let Ok(Value::Object(values)) = serde_json::from_str::<Value>(&stored.fields) else {
        return Vec::new();
    };
    let numbered = dataset.fields.iter().zip(0_u8..);
    let visible = numbered
        .filter(|(_, number)| may_see(*number))
        .filter_map(|(field, _)| {
            let value = values.get(&*field.name)?.as_str()?;
            let text = if owner {
                value.to_owned()
            } else {
                field.mask.apply(value)
            };
            Some((field.name.clone(), text))
        });
    visible.collect()
}
