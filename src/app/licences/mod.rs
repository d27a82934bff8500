//! Electronic licences: a file held against its register, a licence found by who holds it, and how soon after its issue it came in.
//! There is no second way to a register: each question here becomes a verification, under the caller's own grants and guess budget.

pub mod file;
pub mod hashing;
mod issuing;
mod keys;
pub mod query;
mod standing;
pub mod state;

use std::sync::Arc;

use jiff::civil::Date;

pub(super) use self::{issuing::IssuedLicences, keys::of as keys_of};
pub use standing::StandingValidity;

use super::{
    foundation::error::AppError,
    node::hub::Hub,
    verification::question::{BoundedText, MemberList},
};
use heyan_catalog::{Dataset, ParsedSubject};
use heyan_domain::{
    calendar,
    fault::MemberFault,
    licence::{
        issuer::{self, IssuerPlace},
        validity,
    },
};

/// The dataset that a question means: the one it names, or, by where the licence was issued, this city's or the one for licences from
/// elsewhere.
fn dataset_of<'h>(hub: &'h Hub, named: Option<&str>, place: Option<IssuerPlace>) -> Result<&'h Arc<Dataset>, AppError> {
    let unknown = || AppError::fault("/dataset", "unknown_dataset");
    let away = hub.materials.licences.settings.away_dataset.as_deref();
    let named = named.or(away.filter(|_| place == Some(IssuerPlace::Away)));
    let dataset = match named {
        Some(name) => hub.catalog.get(name),
        None => hub.catalog.licences(),
    };
    dataset.filter(|dataset| dataset.licence.is_some()).ok_or_else(unknown)
}

/// Where the licence of a subject was issued.
fn place_of(hub: &Hub, subject: &ParsedSubject) -> IssuerPlace {
    let canonical = std::str::from_utf8(subject.canonical()).unwrap_or_default();
    issuer::place_of(canonical, &hub.materials.licences.settings.home_divisions)
}

/// The day that is asked about; today in China where none is.
fn day_of(on: Option<&BoundedText<'_>>, now_us: i64) -> Result<Date, AppError> {
    match on {
        None => Ok(calendar::china_date(now_us)),
        Some(text) => validity::day(text).ok_or_else(|| AppError::fault("/on", "invalid_value")),
    }
}

/// Members as they are owned by an answer.
fn owned(members: Vec<(String, String)>) -> MemberList<'static, BoundedText<'static>> {
    MemberList(
        members
            .into_iter()
            .map(|(name, value)| (name.into(), BoundedText(value.into())))
            .collect(),
    )
}

/// The same fault, its places below `part` of the body.
fn below(part: &str, error: AppError) -> AppError {
    let AppError::Invalid(faults) = error else {
        return error;
    };
    let placed = faults
        .into_iter()
        .map(|fault| match fault.pointer.starts_with("/purpose/") {
            true => fault,
            false => MemberFault {
                pointer: format!("{part}{}", fault.pointer),
                ..fault
            },
        });
    AppError::Invalid(placed.collect())
}
