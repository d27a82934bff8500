//! Dates that move: `$today` in a claim of a watch is the day on which it is looked at, so a verdict can change while the record
//! stands still. On which day it does is found by trying the days that are left, one after another: there are few.
//!
//! Only a field whose value everyone may know takes such a date. Elsewhere the day of the notice would tell the value that the guess
//! budget keeps (the eighteenth birthday is a date of birth).

use std::borrow::Cow;

use jiff::civil::Date;

use super::{WatchClaims, WatchedClaim};
use crate::{
    foundation::error::AppError,
    verification::{
        question::{AskedClaim, BoundedText, MemberList, PredicateBody, PredicateOperands},
        record::CachedRecord,
    },
};
use heyan_catalog::{Dataset, GuessRule};
use heyan_domain::{
    fault::{MemberFault, pointer_segment},
    predicate::Predicate,
    template::ValueTemplate,
    verdict::Verdict,
};

/// Claims as they are kept.
///
/// # Errors
/// A date that moves where it may not.
pub(super) fn kept(dataset: &Dataset, claims: &MemberList<'_, AskedClaim<'_>>) -> Result<WatchClaims, AppError> {
    let (mut kept, mut faults) = (Vec::with_capacity(claims.0.len()), Vec::new());
    for (name, claim) in &claims.0 {
        let claim = match claim {
            AskedClaim::Literal(text) => WatchedClaim::Literal(text.to_string()),
            AskedClaim::Predicate(body) => WatchedClaim::Predicate {
                op: body.op.to_string(),
                value: body.value.0.iter().map(ToString::to_string).collect(),
            },
        };
        let field = dataset.field_number(name).and_then(|number| dataset.field(number));
        let may_move = field.is_some_and(|field| field.comparator.is_date() && field.guesses == GuessRule::Free);
        if claim.is_moving() && !may_move {
            faults.push(MemberFault::new(
                format!("/claims/{}", pointer_segment(name)),
                "invalid_predicate",
            ));
        }
        kept.push((name.to_string(), claim));
    }
    match faults.is_empty() {
        true => Ok(kept),
        false => Err(AppError::Invalid(faults)),
    }
}

/// Claims as they are on a day.
pub(super) fn on(claims: &WatchClaims, day: Date) -> MemberList<'_, AskedClaim<'_>> {
    let claims = claims.iter().map(|(name, claim)| {
        let claim = match claim {
            WatchedClaim::Literal(text) => AskedClaim::Literal(Cow::Borrowed(text.as_str())),
            WatchedClaim::Predicate { op, value } => AskedClaim::Predicate(PredicateBody {
                op: BoundedText(Cow::Borrowed(op)),
                value: PredicateOperands(value.iter().map(|operand| operand_on(operand, day)).collect()),
            }),
        };
        (Cow::Borrowed(name.as_str()), claim)
    });
    MemberList(claims.collect())
}

/// The first day after `today`, and before `end`, on which a date alone changes a verdict.
pub(super) fn next_change(
    dataset: &Dataset,
    record: &CachedRecord,
    claims: &WatchClaims,
    today: Date,
    end: Date,
) -> Option<Date> {
    let moving: Vec<_> = claims.iter().filter(|(_, claim)| claim.is_moving()).collect();
    if moving.is_empty() {
        return None;
    }
    let verdicts = |day: Date| -> Vec<Option<&'static str>> {
        let words = moving
            .iter()
            .map(|(name, claim)| verdict_on(dataset, record, name, claim, day));
        words.map(|verdict| verdict.map(Verdict::as_str)).collect()
    };
    let now = verdicts(today);
    let days = std::iter::successors(today.tomorrow().ok(), |day| day.tomorrow().ok());
    days.take_while(|day| *day < end).find(|day| verdicts(*day) != now)
}

fn verdict_on(
    dataset: &Dataset,
    record: &CachedRecord,
    name: &str,
    claim: &WatchedClaim,
    day: Date,
) -> Option<Verdict> {
    let WatchedClaim::Predicate { op, value } = claim else {
        return None;
    };
    let number = dataset.field_number(name)?;
    let operands: Vec<Cow<'_, str>> = value.iter().map(|operand| operand_on(operand, day)).collect();
    let operands: Vec<&str> = operands.iter().map(|operand| &**operand).collect();
    let predicate = Predicate::new(op, &operands, &dataset.field(number)?.comparator).ok()?;
    Some(predicate.evaluate(record.field(number)?))
}

/// A moving date, if the text is one.
fn moving(text: &str) -> Option<ValueTemplate> {
    let template = text.starts_with('$').then(|| ValueTemplate::parse(text).ok()).flatten();
    template.filter(|template| matches!(template, ValueTemplate::Today(_)))
}

fn operand_on(text: &str, day: Date) -> Cow<'_, str> {
    match moving(text).and_then(|template| template.own_value(day).map(Cow::into_owned)) {
        Some(date) => Cow::Owned(date),
        None => Cow::Borrowed(text),
    }
}

impl WatchedClaim {
    fn is_moving(&self) -> bool {
        match self {
            Self::Literal(_) => false,
            Self::Predicate { value, .. } => value.iter().any(|operand| moving(operand).is_some()),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use heyan_catalog::Catalog;
    use heyan_ports::subject::SubjectKey;

    fn claims(op: &str, operand: &str) -> WatchClaims {
        let claim = WatchedClaim::Predicate {
            op: op.to_owned(),
            value: vec![operand.to_owned()],
        };
        vec![("valid_until".to_owned(), claim)]
    }

    #[test]
    fn the_next_change_is_the_first_day_on_which_the_verdict_differs() {
        let catalog = Catalog::load(None).unwrap();
        let dataset = catalog.get("e-licence").unwrap();
        let record = |until: &str| {
            let fields = format!(r#"{{"valid_until":"{until}"}}"#);
            CachedRecord::new(dataset, SubjectKey([1; 16]), 1, 0, &fields).unwrap()
        };
        let (today, end) = (date(2026, 11, 26), date(2027, 11, 28));
        let next = |until: &str, op: &str, operand: &str| {
            next_change(dataset, &record(until), &claims(op, operand), today, end)
        };
        assert_eq!(next("2026-12-31", "on_or_after", "$today"), Some(date(2027, 1, 1)));
        assert_eq!(next("2026-11-26", "on_or_after", "$today"), Some(date(2026, 11, 27)));
        assert_eq!(next("2026-11-25", "on_or_after", "$today"), None, "it is over already");
        assert_eq!(next("2026-12-31", "on_or_before", "$today"), Some(date(2026, 12, 31)));
        assert_eq!(next("2027-11-27", "on_or_after", "$today"), None, "beyond the end");
        assert_eq!(next("2027-02-28", "on_or_after", "$today+1y"), None);
        assert_eq!(next("长期", "on_or_after", "$today"), None);
        assert_eq!(
            next("2026-12-31", "on_or_after", "2026-01-01"),
            None,
            "it does not move"
        );
    }

    #[test]
    fn a_date_moves_only_where_everyone_may_know_it() {
        let catalog = Catalog::load(None).unwrap();
        let members = |name: &'static str, text: &'static str| {
            let body = PredicateBody {
                op: BoundedText("on_or_before".into()),
                value: PredicateOperands(vec![text.into()]),
            };
            MemberList(vec![(name.into(), AskedClaim::Predicate(body))])
        };
        let person = catalog.get("natural-person").unwrap();
        assert!(kept(person, &members("birth_date", "2008-11-22")).is_ok());
        let Err(AppError::Invalid(faults)) = kept(person, &members("birth_date", "$today-18y")) else {
            panic!("it is no date that may move")
        };
        assert_eq!(faults[0].pointer, "/claims/birth_date");
        let licence = catalog.get("e-licence").unwrap();
        let claims = kept(licence, &members("valid_until", "$today+1y")).unwrap();
        let on = on(&claims, date(2027, 2, 28));
        assert!(matches!(&on.0[0].1, AskedClaim::Predicate(body) if body.value.0 == ["2028-02-28"]));
    }
}
