//! Applications that an agency reports: which application numbers became applications. Optional; supervision holds look-ups against
//! them, and judges no agency that never reports any. Nothing is kept but the ledger's entry with a keyed hash of the number.

use super::facts::short;
use crate::node::caller::Caller;
use crate::{
    delivery::message,
    foundation::{error::AppError, purpose},
    node::hub::Hub,
};
use heyan_domain::fault::LengthLimit;
use heyan_ledger::{
    AppendedEntry,
    entry::{self, EntryKind},
};

/// How the entry of a report is named.
pub const ACTION: &str = "application.report";

/// Longest code or number, bytes.
const CODE_BYTES_MAX: usize = 128;

/// Enters that an application was accepted; a report that is made twice says nothing new.
///
/// # Errors
/// A number or code is empty, too long or holds control characters, or the ledger takes no entry.
pub async fn report(
    hub: &Hub,
    caller: &Caller,
    application_no: &str,
    item_code: &str,
    accepted_at: &str,
) -> Result<AppendedEntry, AppError> {
    for (pointer, text) in [("/application_no", application_no), ("/item_code", item_code)] {
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            return Err(AppError::fault(pointer, "invalid_value"));
        }
        if text.len() > CODE_BYTES_MAX {
            return Err(AppError::over(pointer, LengthLimit::Bytes(CODE_BYTES_MAX)));
        }
    }
    if heyan_ports::time::parse_rfc3339(accepted_at).is_none() {
        return Err(AppError::fault("/accepted_at", "invalid_value"));
    }
    let agency = caller.agency()?;
    let matter = hub.secrets.vault.matter(&agency.row.id, application_no);
    let mut bytes = Vec::with_capacity(256);
    entry::begin(
        &mut bytes,
        EntryKind::Access,
        hub.clock.now_us(),
        caller.agency_number(),
    );
    entry::put_text(&mut bytes, ACTION);
    entry::put_text(&mut bytes, &message::hex(&matter));
    let parts = [caller.client.row.id.as_str(), application_no, item_code, accepted_at];
    purpose::seal_parts(hub, &parts, &mut bytes)?;
    hub.append(bytes).await
}

/// The keyed hash of an entry's target, as supervision compares it.
pub fn matter_of(target: &str) -> Option<u64> {
    let hash = u128::from_str_radix(target, 16).ok()?;
    Some(short(&hash.to_be_bytes()))
}
