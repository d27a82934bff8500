//! Addresses of the city, kept in parts so that they can be written in more than one way.
//! The written form of a record is always the full one, from the province to the room.

use super::calendar::push_digits;
use super::rng::Rng;
use super::tables::CityTables;

/// A dwelling or an office.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// District, county or county-level city.
    pub district: &'static str,
    /// Street, town or development zone.
    pub street: &'static str,
    /// Road.
    pub road: &'static str,
    /// House number on the road.
    pub number: u32,
    /// Building (幢).
    pub building: u32,
    /// Entrance (单元).
    pub unit: u32,
    /// Floor and flat as one number, such as 1203.
    pub room: u32,
}

impl Address {
    /// Any address.
    pub(crate) fn draw(rng: &mut Rng, tables: &CityTables) -> Self {
        let (district, street) = rng.pick(&tables.streets);
        Self {
            district,
            street,
            road: rng.pick(&tables.roads),
            number: 1 + rng.below(298),
            building: 1 + rng.below(42),
            unit: 1 + rng.below(6),
            room: (1 + rng.below(33)) * 100 + 1 + rng.below(8),
        }
    }

    /// Writes province to road.
    pub(crate) fn write_road(&self, out: &mut String) {
        out.push_str("安徽省芜湖市");
        self.write_road_elided(out);
    }

    /// Writes district to road.
    pub(crate) fn write_road_elided(&self, out: &mut String) {
        out.push_str(self.district);
        out.push_str(self.street);
        out.push_str(self.road);
    }

    /// Writes house number to room.
    pub(crate) fn write_house(&self, out: &mut String) {
        for (number, suffix) in [
            (self.number, "号"),
            (self.building, "幢"),
            (self.unit, "单元"),
            (self.room, "室"),
        ] {
            push_digits(out, number.into(), 1);
            out.push_str(suffix);
        }
    }

    /// Writes all of it, the form that records hold.
    pub fn write(&self, out: &mut String) {
        self.write_road(out);
        self.write_house(out);
    }
}
