//! The data-quality ledger as people and programs read it: rows by day or week, and a week's report of one authority, as JSON and as
//! Markdown in both languages. An authority sees its own datasets, operator and auditor all.

use std::sync::Arc;

use jiff::{
    ToSpan,
    civil::{Date, ISOWeekDate, Weekday},
};

use super::{
    markdown::ReportPage,
    sums::{PeriodRows, PeriodSums, period},
};
use crate::node::caller::Caller;
use crate::{
    access::table::{AccessAgency, ClientRole},
    foundation::error::{AppError, MissingThing},
    node::hub::Hub,
};
use heyan_catalog::Dataset;
use heyan_domain::calendar::{china_day, china_midnight_us};
use heyan_texts::Locale;

/// Days of one request.
const DAYS_MAX: i32 = 366;

/// What a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportBy {
    /// A day of China.
    Day,
    /// An ISO 8601 week.
    Week,
}

/// Which rows are wanted.
pub struct ReportRequest {
    /// Of one dataset.
    pub dataset: Option<String>,
    /// Of the datasets of one authority, by agency id.
    pub authority: Option<String>,
    /// Asked by one agency.
    pub agency: Option<String>,
    /// First day.
    pub from: Date,
    /// Last day.
    pub until: Date,
    /// What a row stands for.
    pub by: ReportBy,
}

/// An ISO 8601 week: `2026-W47`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsoWeek(ISOWeekDate);

impl IsoWeek {
    /// Reads `2026-W47`.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, week) = text.split_once("-W")?;
        let plain = year.len() == 4 && week.len() == 2;
        let week = ISOWeekDate::new(year.parse().ok()?, week.parse().ok()?, Weekday::Monday).ok()?;
        plain.then_some(Self(week))
    }

    /// Its name, `2026-W47`.
    pub fn name(self) -> String {
        period(ReportBy::Week, self.first())
    }

    /// Its Monday.
    pub fn first(self) -> Date {
        self.0.date()
    }

    /// Its Sunday.
    pub fn last(self) -> Date {
        self.first().saturating_add(6.days())
    }
}

fn day_of(date: Date) -> i32 {
    china_day(china_midnight_us(date))
}

/// The agency of an id.
fn agency_of(hub: &Hub, id: &str) -> Result<Arc<AccessAgency>, AppError> {
    let found = hub.access.table.load().agencies.get(id).map(Arc::clone);
    found.ok_or(AppError::NotFound(MissingThing::Agency))
}

/// The datasets that a caller sees of those of `authority`.
fn visible(hub: &Hub, caller: &Caller, authority: Option<&str>) -> Result<Vec<Arc<Dataset>>, AppError> {
    let asked = authority.map(|id| agency_of(hub, id)).transpose()?;
    let own = match caller.role() {
        ClientRole::Authority => Some(Arc::clone(caller.agency()?)),
        _ => None,
    };
    if let (Some(asked), Some(own)) = (&asked, &own)
        && asked.row.id != own.row.id
    {
        return Err(AppError::NotOwner);
    }
    let owns = |dataset: &&Arc<Dataset>| asked.iter().chain(&own).all(|agency| agency.owns(dataset));
    Ok(hub.catalog.iter().filter(owns).map(Arc::clone).collect())
}

/// Rows of verdicts, of outcomes and of what became of mismatches.
///
/// # Errors
/// An agency or dataset that is not there or not the caller's, or too many days.
pub async fn rows(hub: &Hub, caller: &Caller, asked: &ReportRequest) -> Result<PeriodRows, AppError> {
    let mut datasets = visible(hub, caller, asked.authority.as_deref())?;
    if let Some(name) = &asked.dataset {
        hub.catalog.get(name).ok_or(AppError::NotFound(MissingThing::Dataset))?;
        datasets.retain(|dataset| *dataset.name == **name);
        if datasets.is_empty() {
            return Err(AppError::NotOwner);
        }
    }
    let days = (day_of(asked.from), day_of(asked.until));
    if days.1 < days.0 || days.1 - days.0 >= DAYS_MAX {
        return Err(AppError::TooManyItems);
    }
    let agency = asked.agency.as_deref().map(|id| agency_of(hub, id)).transpose()?;
    let verdicts = hub
        .store
        .verdict_tallies(days, agency.map(|agency| agency.row.number))
        .await?;
    let steps = hub.store.step_tallies(days).await?;
    Ok(PeriodSums::of(&datasets, asked.by, &verdicts, &steps).rows())
}

/// A week of one authority.
pub struct WeekReport {
    /// Name of the authority's agency.
    pub agency_name: String,
    /// Its datasets.
    pub datasets: Vec<String>,
    /// The week's rows.
    pub now: PeriodRows,
    /// Those of the week before.
    pub before: PeriodRows,
    /// As Markdown, Chinese.
    pub zh: String,
    /// As Markdown, English.
    pub en: String,
}

/// The report of an authority for a week.
///
/// # Errors
/// No such authority, or not the caller's own.
pub async fn report(hub: &Hub, caller: &Caller, authority: &str, week: IsoWeek) -> Result<WeekReport, AppError> {
    let datasets = visible(hub, caller, Some(authority))?;
    let agency = agency_of(hub, authority)?;
    let sums_of = async |first: Date, last: Date| -> Result<PeriodSums, AppError> {
        let days = (day_of(first), day_of(last));
        let verdicts = hub.store.verdict_tallies(days, None).await?;
        let steps = hub.store.step_tallies(days).await?;
        Ok(PeriodSums::of(&datasets, ReportBy::Week, &verdicts, &steps))
    };
    let now = sums_of(week.first(), week.last()).await?;
    let day = |days: i64| week.first().saturating_add(days.days());
    let before = sums_of(day(-7), day(-1)).await?;
    let name = week.name();
    let range = format!("{} – {}", week.first(), week.last());
    let page = ReportPage {
        agency: &agency.row.name,
        week: &name,
        range: &range,
        datasets: &datasets,
        now: &now,
        before: &before,
    };
    Ok(WeekReport {
        agency_name: agency.row.name.clone(),
        datasets: datasets.iter().map(|dataset| dataset.name.to_string()).collect(),
        now: now.rows(),
        before: before.rows(),
        zh: page.markdown(Locale::ZhCn),
        en: page.markdown(Locale::En),
    })
}
