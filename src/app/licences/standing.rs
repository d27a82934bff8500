//! How a licence stands on a day, for who may know: read from the very version that was answered from, so the two cannot disagree.
//! It is told only where the answer tells that there is a record, and where the grant covers status and dates.

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::keys;
use crate::{foundation::error::AppError, node::hub::Hub, verification::verify::QuestionJudgement};
use heyan_catalog::{Dataset, LicenceFieldRole, LicenceRules};
use heyan_domain::{
    licence::{
        LicenceStanding,
        chain::{self, SuccessorVersion},
        validity::{self, ValidityBound},
    },
    policy::{GrantOperation, UsePermission},
    verdict::Outcome,
};
use heyan_ports::{
    records::StoredRecord,
    subject::{RecordKey, SubjectKey},
};

/// How a licence stands.
pub struct StandingValidity {
    /// The day.
    pub on: Date,
    /// How it stands then.
    pub state: LicenceStanding,
    /// Why nothing is known, or nothing is told: `not_told`, `not_permitted`.
    pub reason: Option<&'static str>,
    /// As its register writes it, for who may read it.
    pub valid_from: Option<String>,
    /// The same.
    pub valid_until: Option<String>,
}

impl StandingValidity {
    const fn unknown(on: Date, reason: &'static str) -> Self {
        Self {
            on,
            state: LicenceStanding::Unknown,
            reason: Some(reason),
            valid_from: None,
            valid_until: None,
        }
    }
}

/// An answer never says `verified` beside a state in which the licence does not hold.
pub(super) fn narrow(judgement: &mut QuestionJudgement<'_>, validity: &StandingValidity) {
    let holds = matches!(validity.state, LicenceStanding::Valid | LicenceStanding::Unknown);
    if judgement.outcome == Outcome::Verified && !holds {
        judgement.outcome = Outcome::NotInForce;
    }
}

/// The version that a judgement rests on; `None` where it tells of none, or the hub holds no copy.
pub(super) async fn version_of(hub: &Hub, judgement: &QuestionJudgement<'_>) -> Result<Option<StoredRecord>, AppError> {
    if judgement.record.is_none() || judgement.record_version == 0 {
        return Ok(None);
    }
    let key = RecordKey {
        dataset: judgement.dataset.name.clone(),
        subject: SubjectKey(judgement.subject_key),
    };
    Ok(hub.store.record_version(&key, judgement.record_version).await?)
}

/// How the licence of `stored` stands on the day `on`.
pub(super) async fn of(
    hub: &Hub,
    dataset: &Dataset,
    permission: UsePermission,
    stored: Option<&StoredRecord>,
    on: Date,
) -> Result<StandingValidity, AppError> {
    let (Some(licence), Some(stored)) = (&dataset.licence, stored) else {
        return Ok(StandingValidity::unknown(on, "not_told"));
    };
    let rests_on = [
        LicenceFieldRole::Status,
        LicenceFieldRole::ValidFrom,
        LicenceFieldRole::ValidUntil,
    ];
    let mut numbers = rests_on.into_iter().filter_map(|role| licence.field(role));
    let may_ask = |number| {
        permission.permits(GrantOperation::Verify, number) || permission.permits(GrantOperation::Predicate, number)
    };
    if !numbers.all(may_ask) {
        return Ok(StandingValidity::unknown(on, "not_permitted"));
    }
    let values = RoleValues::of(dataset, licence, stored);
    let replaced = chain::is_replaced(&successors(hub, dataset, licence, stored).await?, on);
    let bounds = (
        ValidityBound::first(values.get(LicenceFieldRole::ValidFrom)),
        ValidityBound::last(values.get(LicenceFieldRole::ValidUntil)),
    );
    let told = |role| {
        let number = licence
            .field(role)
            .filter(|number| permission.permits(GrantOperation::Read, *number))?;
        Some(dataset.field(number)?.mask.apply(values.get(role)?))
    };
    Ok(StandingValidity {
        on,
        state: validity::state_on(values.state(), bounds, replaced, on),
        reason: None,
        valid_from: told(LicenceFieldRole::ValidFrom),
        valid_until: told(LicenceFieldRole::ValidUntil),
    })
}

/// The values of one record, by role.
struct RoleValues<'d> {
    dataset: &'d Dataset,
    licence: &'d LicenceRules,
    fields: Map<String, Value>,
}

impl<'d> RoleValues<'d> {
    fn of(dataset: &'d Dataset, licence: &'d LicenceRules, stored: &StoredRecord) -> Self {
        Self {
            dataset,
            licence,
            fields: serde_json::from_str(&stored.fields).unwrap_or_default(),
        }
    }

    fn get(&self, role: LicenceFieldRole) -> Option<&str> {
        let field = self.dataset.field(self.licence.field(role)?)?;
        self.fields.get(&*field.name)?.as_str()
    }

    fn state(&self) -> Option<LicenceStanding> {
        self.licence.vocabulary.state(self.get(LicenceFieldRole::Status)?)
    }

    fn successor(&self) -> SuccessorVersion {
        let begins = match ValidityBound::first(self.get(LicenceFieldRole::ValidFrom)) {
            ValidityBound::Unstated => ValidityBound::first(self.get(LicenceFieldRole::IssuedOn)),
            stated => stated,
        };
        SuccessorVersion {
            begins,
            register: self.state(),
            operation: self
                .get(LicenceFieldRole::Operation)
                .and_then(|raw| self.licence.vocabulary.operation(raw)),
        }
    }
}

/// The versions that the register has behind that of `stored`.
async fn successors(
    hub: &Hub,
    dataset: &Dataset,
    licence: &LicenceRules,
    stored: &StoredRecord,
) -> Result<Vec<SuccessorVersion>, AppError> {
    let Some(canonical) = canonical(dataset, stored) else {
        return Ok(Vec::new());
    };
    let key = |subject| RecordKey {
        dataset: dataset.name.clone(),
        subject,
    };
    let mut wanted: Vec<RecordKey> = hub
        .store
        .subjects_of_key(&dataset.name, keys::after(hub, dataset, &canonical))
        .await?
        .into_iter()
        .map(key)
        .collect();
    let next = chain::next_version(&canonical);
    if let Some(subject) = next.and_then(|next| dataset.parse_subject(|_only| Some(&next)).ok()) {
        wanted.push(key(hub.records.loader.subject_key(dataset, &subject.key)));
    }
    let records = hub.store.records(&wanted).await?;
    let found = records.iter().flatten();
    Ok(found
        .map(|record| RoleValues::of(dataset, licence, record).successor())
        .collect())
}

/// The canonical identifier of a stored licence.
pub(super) fn canonical(dataset: &Dataset, stored: &StoredRecord) -> Option<String> {
    let members: Map<String, Value> = serde_json::from_str(&stored.subject).ok()?;
    let subject = dataset
        .parse_subject(|name| members.get(name).and_then(Value::as_str))
        .ok()?;
    String::from_utf8(subject.canonical().to_vec()).ok()
}
