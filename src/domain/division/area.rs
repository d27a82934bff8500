//! Whether a place lies in an area that a `within` predicate names.
//! Divisions are counted as they lie today; a predecessor that was merged or split is never certain.

use smallvec::SmallVec;

use super::DivisionChain;
use super::table::{DivisionRow, RowId, RowIds, divisions};

/// An area that a `within` predicate names.
#[derive(Clone, PartialEq, Eq)]
pub enum NamedArea {
    /// Two digits.
    Province(u32),
    /// Four-digit codes.
    City(Vec<u32>),
    /// Rows of the table that the county's name or code may mean.
    County(DivisionRows),
}

/// Rows of the table of divisions.
#[derive(Clone, PartialEq, Eq)]
pub struct DivisionRows(RowIds);

/// Whether a place lies in an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AreaRelation {
    /// Certainly.
    Yes,
    /// Certainly not.
    No,
    /// The place is not named closely enough, or was merged or split.
    Unknown,
}

impl NamedArea {
    /// Reads a two-, four- or six-digit code (trailing zero pairs widen it) or a division's name.
    pub fn parse(operand: &str) -> Option<Self> {
        if !operand.is_empty() && operand.bytes().all(|b| b.is_ascii_digit()) {
            let padded = match operand.len() {
                2 => operand.parse::<u32>().ok()? * 10_000,
                4 => operand.parse::<u32>().ok()? * 100,
                6 => operand.parse::<u32>().ok()?,
                _ => return None,
            };
            return super::is_known(padded).then(|| Self::of(&DivisionChain::of_code(padded)))?;
        }
        let (chain, rest) = DivisionChain::take(operand);
        if rest.is_empty() && !chain.clash {
            Self::of(&chain)
        } else {
            None
        }
    }

    fn of(chain: &DivisionChain) -> Option<Self> {
        if !chain.rows.is_empty() {
            Some(Self::County(DivisionRows(chain.rows.clone())))
        } else if !chain.cities.is_empty() {
            Some(Self::City(
                divisions().rows(&chain.cities).map(DivisionRow::city).collect(),
            ))
        } else {
            (chain.province != 0).then_some(Self::Province(chain.province))
        }
    }
}

impl DivisionChain {
    /// Whether this place lies in an area, renamed divisions and retired codes included.
    pub fn inside(&self, area: &NamedArea) -> AreaRelation {
        if self.clash || self.loose {
            return AreaRelation::Unknown;
        }
        match area {
            NamedArea::Province(wanted) => share(&self.provinces(), |code| code == *wanted),
            NamedArea::City(wanted) if !self.rows.is_empty() => {
                share(&self.rows, |id| lies_today(id, |row| wanted.contains(&row.city())))
            }
            NamedArea::City(wanted) if !self.cities.is_empty() => {
                if divisions().rows(&self.cities).any(|city| wanted.contains(&city.city())) {
                    AreaRelation::Yes
                } else {
                    AreaRelation::No
                }
            }
            NamedArea::City(wanted) => self.perhaps_in(|province| wanted.iter().any(|code| code / 100 == province)),
            NamedArea::County(wanted) if !self.rows.is_empty() => self.inside_county(&wanted.0),
            NamedArea::County(wanted) if !self.cities.is_empty() => {
                let table = divisions();
                let in_city = |row: &DivisionRow| table.rows(&self.cities).any(|city| row.lies_in(city));
                if table
                    .rows(&wanted.0)
                    .any(|row| table.rows_of_unit(row.unit).any(in_city))
                {
                    AreaRelation::Unknown
                } else {
                    AreaRelation::No
                }
            }
            NamedArea::County(wanted) => {
                self.perhaps_in(|province| divisions().rows(&wanted.0).any(|row| row.province() == province))
            }
        }
    }

    fn inside_county(&self, wanted: &[RowId]) -> AreaRelation {
        let table = divisions();
        let units: SmallVec<[RowId; 4]> = table.rows(wanted).map(|row| row.unit).collect();
        let by_unit = share(&self.rows, |id| {
            table.row(id).is_some_and(|row| units.contains(&row.unit))
        });
        if by_unit != AreaRelation::No {
            return by_unit;
        }
        // Merged into the area as a whole: certain. Split, or the area is what was merged: not.
        match share(&self.rows, |id| lies_today(id, |row| units.contains(&row.unit))) {
            AreaRelation::No if table.are_linked(&self.rows, wanted) => AreaRelation::Unknown,
            inside => inside,
        }
    }

    fn perhaps_in(&self, holds: impl Fn(u32) -> bool) -> AreaRelation {
        let clash = self.province != 0 && !holds(self.province);
        if clash { AreaRelation::No } else { AreaRelation::Unknown }
    }
}

/// Whether all that a row is today is in the area; a row that nothing is known of stands for itself.
fn lies_today(id: RowId, holds: impl Fn(&DivisionRow) -> bool) -> bool {
    let table = divisions();
    let today = table.today(id);
    let rows = if today.is_empty() { &[id][..] } else { &today };
    table.rows(rows).all(holds)
}

/// Yes when it holds of all, no when of none.
fn share<T: Copy>(all: &[T], holds: impl Fn(T) -> bool) -> AreaRelation {
    let hits = all.iter().filter(|&&one| holds(one)).count();
    match hits {
        _ if all.is_empty() => AreaRelation::Unknown,
        0 => AreaRelation::No,
        _ if hits == all.len() => AreaRelation::Yes,
        _ => AreaRelation::Unknown,
    }
}
