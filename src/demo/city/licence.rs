//! The n-th electronic licence: identifier, holder, validity and the digest of its file.
//! Some are past their last day and yet 有效: expiry is a date to compare, not a status that someone set.

use super::calendar::{AS_OF, Date, push_ascii, push_digits};
use super::estate::Estate;
use super::json::push_field;
use super::person::Person;
use super::rng::Rng;
use super::tables::{HolderKind, LicenceType, ValidityTerm};
use super::{City, Holder, check};

/// Serials: ten digits.
pub(super) const SERIALS: u64 = 10_000_000_000;

/// A record of `e-licence`.
pub struct Licence {
    pub(super) kind: &'static LicenceType,
    pub(super) serial: u64,
    pub(super) version: u32,
    pub(super) licence_no: String,
    pub(super) holder: Holder,
    pub(super) valid_from: Date,
    /// `None`: 长期.
    pub(super) valid_until: Option<Date>,
    pub(super) status: &'static str,
    pub(super) digest: [u64; 4],
}

/// Every status.
pub(super) const STATUSES: [&str; 4] = ["有效", "注销", "撤销", "暂扣"];

/// What everyone can hold, should the table have nothing.
static IDENTITY_CARD: LicenceType = LicenceType {
    name: "居民身份证",
    code: "11340200003015013K001",
    issuer: "11340200003015013K",
    holder: HolderKind::Person,
    validity: ValidityTerm::ByAge,
    prefix: "ID",
};

/// Whom a licence was given to, with what its dates and number depend on.
enum LicenceRecipient {
    Person(Person),
    Firm(Holder, Date),
    Estate(Estate),
}

impl Licence {
    pub(super) fn draw(rng: &mut Rng, city: &City, serial: u64) -> Self {
        let (kind, given) = give(rng, city);
        let earliest = match &given {
            LicenceRecipient::Person(person) => match kind.holder {
                HolderKind::Adult => person.born.plus_years(18),
                _ => person.born,
            },
            LicenceRecipient::Firm(_, established) => *established,
            LicenceRecipient::Estate(estate) => Date::new_year(estate.year()),
        };
        let valid_from = issued(rng, kind, &given, earliest);
        let valid_until = last_day(kind, &given, valid_from);
        let version = if rng.chance(120) { 2 + rng.below(2) } else { 1 };
        let (licence_no, holder) = face(rng, kind, given, valid_from);
        Self {
            kind,
            serial,
            version,
            licence_no,
            holder,
            valid_from,
            valid_until,
            status: match rng.below(100) {
                ..92 => "有效",
                92..96 => "注销",
                96..98 => "撤销",
                _ => "暂扣",
            },
            digest: [rng.next(), rng.next(), rng.next(), rng.next()],
        }
    }

    /// Identifier with root, dots and check character (GB/T 36904-2018).
    pub fn licence_id(&self) -> String {
        let mut out = String::with_capacity(80);
        self.write_id(&mut out);
        out
    }

    /// Type.
    pub const fn kind(&self) -> &'static LicenceType {
        self.kind
    }

    /// Number on its face.
    pub fn licence_no(&self) -> &str {
        &self.licence_no
    }

    /// Holder.
    pub const fn holder(&self) -> &Holder {
        &self.holder
    }

    /// First day.
    pub const fn valid_from(&self) -> Date {
        self.valid_from
    }

    /// Last day; `None`: 长期.
    pub const fn valid_until(&self) -> Option<Date> {
        self.valid_until
    }

    /// 有效, 注销, 撤销 or 暂扣.
    pub const fn status(&self) -> &'static str {
        self.status
    }

    /// SHA-256 of its file, made up; 64 lower-case hexadecimal digits.
    pub fn file_sha256(&self) -> String {
        let mut out = String::with_capacity(64);
        write_digest(&mut out, &self.digest);
        out
    }

    fn write_id(&self, out: &mut String) {
        out.push_str("1.2.156.3005.2.");
        let from = out.len();
        for part in [self.kind.code, self.kind.issuer] {
            out.push_str(part);
            out.push('.');
        }
        push_digits(out, self.serial, 10);
        out.push('.');
        push_digits(out, self.version.into(), 3);
        let covered = out.as_bytes().iter().skip(from).copied().filter(|c| *c != b'.');
        let check = check::licence(covered).unwrap_or(b'0');
        out.push('.');
        out.push(char::from(check));
    }

    pub(super) fn write_until(&self, out: &mut String) {
        match self.valid_until {
            Some(date) => date.write(out),
            None => out.push_str("长期"),
        }
    }

    /// Appends `{"licence_id":"…"}`.
    pub(crate) fn subject_json(&self, out: &mut String) {
        out.push_str("{\"licence_id\":\"");
        self.write_id(out);
        out.push_str("\"}");
    }

    /// Appends the fields of the record as compact JSON.
    pub fn fields_json(&self, out: &mut String) {
        out.push('{');
        push_field(out, "type_name", |out| out.push_str(self.kind.name));
        push_field(out, "licence_no", |out| out.push_str(&self.licence_no));
        push_field(out, "holder_name", |out| out.push_str(self.holder.name()));
        push_field(out, "holder_id", |out| push_ascii(out, &self.holder.id));
        push_field(out, "valid_from", |out| self.valid_from.write(out));
        push_field(out, "valid_until", |out| self.write_until(out));
        push_field(out, "status", |out| out.push_str(self.status));
        push_field(out, "file_sha256", |out| write_digest(out, &self.digest));
        out.push('}');
    }
}

/// Writes 256 bits as lower-case hexadecimal digits.
pub(super) fn write_digest(out: &mut String, words: &[u64; 4]) {
    for byte in words.iter().flat_map(|word| word.to_be_bytes()) {
        for nibble in [byte >> 4, byte & 15] {
            out.push(char::from_digit(nibble.into(), 16).unwrap_or('0'));
        }
    }
}

/// Chooses the type and then a holder who can hold it; who cannot be found in eight tries holds an identity card.
fn give(rng: &mut Rng, city: &City) -> (&'static LicenceType, LicenceRecipient) {
    let kind = city.tables.licences.pick(rng).unwrap_or(&IDENTITY_CARD);
    let fits = |born: Date| match kind.holder {
        HolderKind::Adult => born.years_to(AS_OF) >= 19,
        HolderKind::Child => born.years_to(AS_OF) < 18,
        _ => true,
    };
    match kind.holder {
        HolderKind::Firm => {
            let firm = city.firm(rng.below_u64(city.sizes.firms.max(1)));
            let established = firm.established;
            return (kind, LicenceRecipient::Firm(Holder::of_firm(firm), established));
        }
        HolderKind::Estate => {
            let estate = city.estate(rng.below_u64(city.sizes.estates.max(1)));
            return (kind, LicenceRecipient::Estate(estate));
        }
        HolderKind::Person | HolderKind::Adult | HolderKind::Child => {}
    }
    let mut person = 0;
    for _ in 0..8 {
        person = rng.below_u64(city.sizes.persons.max(1));
        if city.slot(person).is_some_and(|slot| fits(slot.born)) {
            return (kind, LicenceRecipient::Person(city.person(person)));
        }
    }
    let mut types = city.tables.licences.values().iter();
    let anyone = types.find(|kind| kind.holder == HolderKind::Person);
    (
        anyone.unwrap_or(&IDENTITY_CARD),
        LicenceRecipient::Person(city.person(person)),
    )
}

/// The first day: recent enough that about one licence in six has run out.
fn issued(rng: &mut Rng, kind: &LicenceType, given: &LicenceRecipient, earliest: Date) -> Date {
    if kind.holder == HolderKind::Child {
        return earliest.plus_days(rng.below(40).cast_signed()).min(AS_OF);
    }
    let span = match (kind.validity, given) {
        (ValidityTerm::Years(years), _) => years * 438,
        (ValidityTerm::ByAge, LicenceRecipient::Person(person)) => years_by_age(person, AS_OF).unwrap_or(22) * 420,
        (_, LicenceRecipient::Estate(estate)) => AS_OF.days() - Date::new_year(estate.year()).days(),
        _ => 8_000,
    };
    let first = AS_OF.plus_days(-span).max(earliest).max(Date::new_year(2004));
    let days = (AS_OF.days() - first.days()).max(0).unsigned_abs() + 1;
    let last = match given {
        // A certificate is dated in the year of its number.
        LicenceRecipient::Estate(estate) => days.min(Date::new_year(estate.year() + 1).days().abs_diff(first.days())),
        _ => days,
    };
    first.plus_days(rng.below(last).cast_signed())
}

/// Years that an identity card issued on `day` is good for; `None`: open-ended (居民身份证法 §5).
fn years_by_age(person: &Person, day: Date) -> Option<i32> {
    match person.born.years_to(day) {
        ..=15 => Some(5),
        16..=25 => Some(10),
        26..=45 => Some(20),
        _ => None,
    }
}

fn last_day(kind: &LicenceType, given: &LicenceRecipient, from: Date) -> Option<Date> {
    let years = match (kind.validity, given) {
        (ValidityTerm::Years(years), _) => Some(years),
        (ValidityTerm::ByAge, LicenceRecipient::Person(person)) => years_by_age(person, from),
        _ => None,
    };
    years.map(|years| from.plus_years(years).plus_days(-1))
}

fn face(rng: &mut Rng, kind: &LicenceType, given: LicenceRecipient, from: Date) -> (String, Holder) {
    let own = match (&given, kind.prefix) {
        (LicenceRecipient::Estate(estate), _) => Some(estate.certificate_no()),
        (LicenceRecipient::Person(person), "ID") => Some(person.id_number().to_owned()),
        (LicenceRecipient::Firm(holder, _), "YY") => Some(holder.id().to_owned()),
        _ => None,
    };
    let number = own.unwrap_or_else(|| {
        let mut out = String::with_capacity(24);
        out.push_str(kind.prefix);
        out.push_str("3402");
        push_digits(&mut out, from.year.unsigned_abs().into(), 4);
        push_digits(&mut out, rng.below(100_000_000).into(), 8);
        out
    });
    let holder = match given {
        LicenceRecipient::Person(person) => Holder::of_person(person),
        LicenceRecipient::Firm(holder, _) => holder,
        LicenceRecipient::Estate(estate) => estate.owner,
    };
    (number, holder)
}
