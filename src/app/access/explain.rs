//! Whether something would be allowed now, and why not. Nothing is counted and nothing is looked up.

use std::net::IpAddr;

use super::table::AccessRefusal;
use crate::{
    foundation::error::{AppError, MissingThing},
    node::{caller::Caller, hub::Hub},
};
use heyan_domain::policy::{GrantOperation, RefusalClause};

/// What is asked.
pub struct AccessAsked<'a> {
    /// Agency id.
    pub agency: &'a str,
    /// Dataset name.
    pub dataset: &'a str,
    /// Service item code.
    pub item_code: &'a str,
    /// Operation word.
    pub operation: &'a str,
    /// Field names; none: any.
    pub fields: &'a [String],
    /// Where the call would come from.
    pub from: IpAddr,
}

/// What stands against it.
#[derive(Default)]
pub struct AccessAnswer {
    /// The nearest clause that is missing.
    pub missing_clause: Option<&'static str>,
    /// Why the dataset is withheld.
    pub legal_basis: Option<String>,
    /// Whether the agency is disabled.
    pub disabled: bool,
    /// Fields that the operation does not cover.
    pub fields_missing: Vec<String>,
}

/// Answers.
///
/// # Errors
/// `NotFound`: no such agency or dataset, or an agency asks about another one. A wrong operation or field.
pub fn explain(hub: &Hub, caller: &Caller, asked: &AccessAsked<'_>) -> Result<AccessAnswer, AppError> {
    let access = hub.access.table.load_full();
    let is_visible = caller.agency().map_or(true, |own| own.row.id == asked.agency);
    let agency = access.agencies.get(asked.agency).filter(|_| is_visible);
    let agency = agency.ok_or(AppError::NotFound(MissingThing::Agency))?;
    let dataset = hub.catalog.get(asked.dataset);
    let dataset = dataset.ok_or(AppError::NotFound(MissingThing::Dataset))?;
    let operation = GrantOperation::parse(asked.operation);
    let operation = operation.ok_or_else(|| AppError::fault("/operation", "invalid_value"))?;
    let mut numbers = Vec::with_capacity(asked.fields.len());
    for (place, name) in asked.fields.iter().enumerate() {
        let number = dataset.field_number(name);
        numbers.push(number.ok_or_else(|| AppError::fault(format!("/fields/{place}"), "unknown_field"))?);
    }
    let now_us = hub.clock.now_us();
    let permission = match agency.permission(dataset, asked.item_code, now_us, asked.from) {
        Ok(allowed) => allowed.permission,
        Err(AccessRefusal::Withheld { legal_basis }) => {
            return Ok(AccessAnswer {
                legal_basis: Some(legal_basis),
                ..AccessAnswer::default()
            });
        }
        Err(AccessRefusal::Disabled) => {
            return Ok(AccessAnswer {
                disabled: true,
                ..AccessAnswer::default()
            });
        }
        Err(AccessRefusal::NotGranted(clause)) => {
            return Ok(AccessAnswer {
                missing_clause: Some(clause.as_str()),
                ..AccessAnswer::default()
            });
        }
    };
    if !permission.has(operation) {
        return Ok(AccessAnswer {
            missing_clause: Some(RefusalClause::Operation.as_str()),
            ..AccessAnswer::default()
        });
    }
    let covered = permission.fields(operation);
    let missing = asked
        .fields
        .iter()
        .zip(numbers)
        .filter(|(_, number)| !covered.has(*number));
    Ok(AccessAnswer {
        fields_missing: missing.map(|(name, _)| name.clone()).collect(),
        ..AccessAnswer::default()
    })
}
