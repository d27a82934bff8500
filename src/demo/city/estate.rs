//! The n-th real-estate registration: certificate, owner and dwelling.
//! The owner is a person or a firm of the same city, so name and number agree with the other datasets.

use super::Holder;
use super::address::Address;
use super::calendar::{push_ascii, push_digits};
use super::json::push_field;
use super::rng::Rng;
use super::tables::CityTables;

/// A record of `real-estate`.
pub struct Estate {
    pub(super) key: u64,
    pub(super) owner: Holder,
    pub(super) location: Address,
    pub(super) area: u32,
    pub(super) usage: &'static str,
    pub(super) mortgaged: &'static str,
}

/// Certificate numbers: seven digits in each of these years.
pub(super) const NUMBERS: u64 = 10_000_000 * YEARS;
const YEARS: u64 = 11;
const FIRST_YEAR: u64 = 2016;
/// Owners in a thousand that are firms.
pub(super) const FIRM_OWNERS: u32 = 80;

/// Every usage.
pub(super) const USAGES: [&str; 4] = ["住宅", "商业", "办公", "车库"];

impl Estate {
    pub(super) fn draw(rng: &mut Rng, tables: &CityTables, key: u64, owner: Holder, home: Option<Address>) -> Self {
        let usage = match (owner.is_firm(), rng.below(10)) {
            (true, 0..5) | (false, 7) => "商业",
            (true, _) => "办公",
            (false, 8..) => "车库",
            (false, _) => "住宅",
        };
        let (least, most) = match usage {
            "车库" => (1100, 4200),
            "住宅" => (4500, 26_000),
            _ => (2500, 180_000),
        };
        let any = Address::draw(rng, tables);
        let at_home = usage == "住宅" && rng.chance(600);
        Self {
            key,
            owner,
            location: home.filter(|_| at_home).unwrap_or(any),
            area: least + rng.below(most - least),
            usage,
            mortgaged: if rng.chance(350) { "有" } else { "无" },
        }
    }

    /// Certificate number, such as 皖(2021)芜湖市不动产权第0000001号.
    pub fn certificate_no(&self) -> String {
        let mut out = String::with_capacity(64);
        self.write_certificate_no(&mut out, "(", ")");
        out
    }

    pub(super) fn write_certificate_no(&self, out: &mut String, open: &str, close: &str) {
        out.push('皖');
        out.push_str(open);
        push_digits(out, FIRST_YEAR + self.key % YEARS, 4);
        out.push_str(close);
        out.push_str("芜湖市不动产权第");
        push_digits(out, self.key / YEARS, 7);
        out.push('号');
    }

    /// Year of the certificate.
    pub const fn year(&self) -> i32 {
        (FIRST_YEAR + self.key % YEARS) as i32
    }

    /// Owner.
    pub const fn owner(&self) -> &Holder {
        &self.owner
    }

    /// Where it is.
    pub const fn location(&self) -> &Address {
        &self.location
    }

    /// Floor area in hundredths of a square metre.
    pub(crate) const fn area_hundredths(&self) -> u32 {
        self.area
    }

    /// 住宅, 商业, 办公 or 车库.
    pub const fn usage(&self) -> &'static str {
        self.usage
    }

    /// 有 or 无.
    pub const fn mortgaged(&self) -> &'static str {
        self.mortgaged
    }

    pub(super) fn write_area(out: &mut String, area: u32) {
        push_digits(out, u64::from(area / 100), 1);
        out.push('.');
        push_digits(out, u64::from(area % 100), 2);
    }

    /// Appends `{"certificate_no":"…"}`.
    pub(crate) fn subject_json(&self, out: &mut String) {
        out.push_str("{\"certificate_no\":\"");
        self.write_certificate_no(out, "(", ")");
        out.push_str("\"}");
    }

    /// Appends the fields of the record as compact JSON.
    pub fn fields_json(&self, out: &mut String) {
        out.push('{');
        push_field(out, "owner_name", |out| out.push_str(self.owner.name()));
        push_field(out, "owner_id", |out| push_ascii(out, &self.owner.id));
        push_field(out, "location", |out| self.location.write(out));
        push_field(out, "area_m2", |out| Self::write_area(out, self.area));
        push_field(out, "usage", |out| out.push_str(self.usage));
        push_field(out, "mortgaged", |out| out.push_str(self.mortgaged));
        out.push('}');
    }
}
