//! Proves a pack offline, with the pack and the ledgers' public keys alone: every file against the manifest, the manifest and
//! every receipt against a signed checkpoint, and every statement against the entry that it rests on.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{FORMAT, MADE, tar};
use crate::foundation::hex::hex;
use heyan_auth::sha256;
use heyan_ledger::{
    VerifierKey,
    entry::{EntryBody, EntryItem, LedgerEntry},
    receipt::{self, Receipt},
};

/// What a pack that holds was found to prove.
#[derive(Debug, PartialEq, Eq)]
pub struct PackProof {
    /// The application.
    pub application_no: String,
    /// Entries of verifications and readings.
    pub verifications: usize,
    /// Mismatches.
    pub mismatches: usize,
    /// Deliveries.
    pub deliveries: usize,
    /// Receipts.
    pub receipts: usize,
}

/// Why a pack does not hold.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {what}")]
pub struct PackFault {
    /// Where it was found.
    pub file: String,
    /// What is wrong.
    pub what: &'static str,
}

fn broken(file: &str, what: &'static str) -> PackFault {
    PackFault {
        file: shown(file),
        what,
    }
}

/// A text of a pack as a terminal may be shown it: its maker chose it.
pub fn shown(text: &str) -> String {
    let is_plain = |c: &char| {
        !c.is_control()
            && !matches!(*c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match is_plain(&c) {
            true => out.push(c),
            false => out.extend(c.escape_unicode()),
        }
    }
    out
}

const MANIFEST: &str = "manifest.json";
const PROOF: &str = "manifest.proof";

/// Proves a pack. `keys` are the verifier keys of the ledgers that may stand in it.
///
/// # Errors
/// The first thing that does not hold.
pub fn check(pack: &[u8], keys: &[String]) -> Result<PackProof, PackFault> {
    let files = tar::read(pack).ok_or_else(|| broken("pack", "is no archive of this form"))?;
    let mut by_name = BTreeMap::new();
    for file in &files {
        if by_name.insert(file.name.as_str(), file.bytes.as_slice()).is_some() {
            return Err(broken(&file.name, "stands there twice"));
        }
    }
    let manifest = by_name.remove(MANIFEST).ok_or_else(|| broken(MANIFEST, "is missing"))?;
    let proof = by_name.remove(PROOF).ok_or_else(|| broken(PROOF, "is missing"))?;
    let made = prove(PROOF, proof, keys)?;
    let is_of = |entry: &LedgerEntry| {
        matches!(&entry.body, EntryBody::Access { action, target }
            if action == MADE && *target == hex(&sha256(manifest)))
    };
    if !is_of(&made) {
        return Err(broken(MANIFEST, "is not the one that the ledger knows"));
    }
    let manifest = json(MANIFEST, manifest)?;
    if manifest.get("format").and_then(Value::as_str) != Some(FORMAT) {
        return Err(broken(MANIFEST, "is of another format"));
    }
    compare_hashes(&manifest, &by_name)?;
    let mut entries = BTreeMap::new();
    for (name, bytes) in by_name.iter().filter(|(name, _)| name.starts_with("receipts/")) {
        entries.insert((*name).to_owned(), prove(name, bytes, keys)?);
    }
    let proven = PackProof {
        application_no: text(&manifest, "application_no"),
        verifications: each("verifications.json", &by_name, &entries, verification_holds)?,
        mismatches: each("mismatches.json", &by_name, &entries, mismatch_holds)?,
        deliveries: each("deliveries.json", &by_name, &entries, delivery_holds)?,
        receipts: entries.len(),
    };
    Ok(proven)
}

/// The entry of a receipt that holds.
fn prove(name: &str, bytes: &[u8], keys: &[String]) -> Result<LedgerEntry, PackFault> {
    let stated = Receipt::parse(bytes).map_err(|_why| broken(name, "is no receipt"))?;
    let is_its = |key: &&String| VerifierKey::parse(key.trim()).is_ok_and(|key| key.origin() == stated.origin);
    let key = keys
        .iter()
        .find(is_its)
        .ok_or_else(|| broken(name, "is of a ledger whose key was not given"))?;
    let proven = receipt::verify(bytes, key.trim()).map_err(|_why| broken(name, "does not prove its entry"))?;
    let entry = proven.entry.as_deref().and_then(LedgerEntry::decode);
    entry.ok_or_else(|| broken(name, "holds no entry that is understood"))
}

/// The manifest names every file and no other, each by its hash.
fn compare_hashes(manifest: &Value, files: &BTreeMap<&str, &[u8]>) -> Result<(), PackFault> {
    let stated = manifest.get("files").and_then(Value::as_object);
    let stated = stated.ok_or_else(|| broken(MANIFEST, "names no files"))?;
    for (name, bytes) in files {
        if stated.get(*name).and_then(Value::as_str) != Some(&*hex(&sha256(bytes))) {
            return Err(broken(name, "is not the file that the manifest names"));
        }
    }
    match stated.keys().find(|name| !files.contains_key(name.as_str())) {
        Some(name) => Err(broken(name, "is missing")),
        None => Ok(()),
    }
}

type PackEntries = BTreeMap<String, LedgerEntry>;

/// Holds each statement of a file against its entries. Returns their number.
fn each(
    name: &str,
    files: &BTreeMap<&str, &[u8]>,
    entries: &PackEntries,
    holds: fn(&Value, &PackEntries) -> bool,
) -> Result<usize, PackFault> {
    let bytes = files.get(name).ok_or_else(|| broken(name, "is missing"))?;
    let Value::Array(statements) = json(name, bytes)? else {
        return Err(broken(name, "is no list"));
    };
    match statements.iter().all(|statement| holds(statement, entries)) {
        true => Ok(statements.len()),
        false => Err(broken(name, "says something else than the ledger")),
    }
}

fn json(name: &str, bytes: &[u8]) -> Result<Value, PackFault> {
    serde_json::from_slice(bytes).map_err(|_why| broken(name, "is no JSON"))
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn number(value: &Value, name: &str) -> Option<u64> {
    value.get(name).and_then(Value::as_u64)
}

fn entry_of<'e>(statement: &Value, entries: &'e PackEntries) -> Option<&'e LedgerEntry> {
    entries.get(statement.get("receipt")?.as_str()?)
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn verification_holds(statement: &Value, entries: &PackEntries) -> bool {
    let Some(entry) = entry_of(statement, entries) else {
        return false;
    };
    let told = list(statement, "items");
    let items = match &entry.body {
        EntryBody::Items(items) => items.as_slice(),
        EntryBody::Read { .. } => &[],
        _ => return false,
    };
    number(statement, "agency_number") == Some(entry.agency.into())
        && text(statement, "at") == heyan_ports::time::rfc3339(entry.at_us)
        && told.len() == items.len()
        && told.iter().zip(items).all(|(told, item)| item_holds(told, item))
}

fn item_holds(told: &Value, item: &EntryItem) -> bool {
    let fields = list(told, "fields");
    let field_holds = |(told, (field, verdict)): (&Value, &(u8, heyan_domain::verdict::Verdict))| {
        number(told, "number") == Some((*field).into())
            && text(told, "verdict") == verdict.as_str()
            && text(told, "basis") == verdict.basis().unwrap_or_default()
            && text(told, "why") == verdict.reason().unwrap_or_default()
    };
    text(told, "rules") == item.rules
        && text(told, "subject") == hex(&item.subject)
        && number(told, "record_version") == Some(item.record_version.into())
        && text(told, "outcome") == item.outcome.as_str()
        && fields.len() == item.fields.len()
        && fields.iter().zip(&item.fields).all(field_holds)
}

fn mismatch_holds(statement: &Value, entries: &PackEntries) -> bool {
    let id = text(statement, "id");
    let subject = text(statement, "subject");
    let history = list(statement, "history");
    let step_holds = |told: &Value| match entry_of(told, entries).map(|entry| &entry.body) {
        Some(EntryBody::Mismatch {
            id: of,
            action,
            state,
            subject: about,
            step,
            ..
        }) => {
            *of == id
                && *action == text(told, "action")
                && *state == text(told, "state")
                && hex(about) == subject
                && Some(u64::from(*step)) == number(told, "seq")
        }
        _ => false,
    };
    !history.is_empty() && history.iter().all(step_holds)
}

/// A delivery that is not over has no entry yet.
fn delivery_holds(statement: &Value, entries: &PackEntries) -> bool {
    if statement.get("receipt").is_some_and(Value::is_null) {
        return !matches!(text(statement, "state").as_str(), "delivered" | "dead");
    }
    match entry_of(statement, entries).map(|entry| &entry.body) {
        Some(EntryBody::Delivery {
            id,
            event,
            target,
            state,
            attempts,
        }) => {
            let again = text(statement, "state") == "pending";
            *id == text(statement, "webhook_id")
                && *event == text(statement, "event")
                && *target == text(statement, "target")
                && (again || *state == text(statement, "state"))
                && (again || Some(u64::from(*attempts)) == number(statement, "attempts"))
        }
        _ => false,
    }
}
