//! The n-th legal entity: credit code, name and the rest of its registration.
//! The division inside the code is the registering authority's and says nothing about the address.

use super::address::Address;
use super::calendar::{AS_OF, Date, push_ascii, push_digits};
use super::check;
use super::json::push_field;
use super::person::with_check;
use super::rng::Rng;
use super::tables::CityTables;

/// A record of `legal-entity`.
pub struct Firm {
    pub(super) uscc: [u8; 18],
    pub(super) name: String,
    pub(super) established: Date,
    pub(super) capital_wan: u32,
    pub(super) address: Address,
    pub(super) status: &'static str,
}

/// What makes the n-th firm unlike every other, already permuted.
pub(super) struct FirmKeys {
    /// Below 31⁶: the body of a code given out since October 2015.
    pub body: u64,
    /// Below 10⁸: the body of an older code.
    pub old_body: u64,
    /// Below [`names`]: the parts of the name.
    pub name: u64,
}

/// Bodies of the form MA + 6 characters.
pub(super) const BODIES: u64 = 31u64.pow(6);
/// Bodies of eight digits.
pub(super) const OLD_BODIES: u64 = 100_000_000;

const PREFIXES: [&str; 4] = ["芜湖", "芜湖市", "安徽", "中皖"];
const FORMS: [&str; 4] = ["有限公司", "有限责任公司", "股份有限公司", "（集团）有限公司"];
const AREAS: [&str; 4] = ["芜湖市镜湖区", "芜湖市鸠江区", "芜湖市弋江区", "无为市"];
const SHOP_FORMS: [&str; 4] = ["店", "经营部", "商行", "服务部"];
/// Unified codes replaced digit-only organisation codes for new firms.
const UNIFIED: Date = Date {
    year: 2015,
    month: 10,
    day: 1,
};

/// How many distinct names there are.
pub(super) fn names(tables: &CityTables) -> u64 {
    let characters = tables.trade.len() as u64;
    characters * characters * tables.industries.len() as u64 * 16
}

impl Firm {
    pub(super) fn draw(rng: &mut Rng, tables: &CityTables, keys: &FirmKeys) -> Self {
        let span = AS_OF.days() - Date::new_year(1993).days();
        // The larger of two draws: more young firms than old ones.
        let span = span.unsigned_abs();
        let age = rng.below(span).min(rng.below(span));
        let established = AS_OF.plus_days(-age.cast_signed());
        let kind = match rng.below(100) {
            ..10 => FirmKind::Shop,
            10..12 => FirmKind::Cooperative,
            _ => FirmKind::Company,
        };
        let capitals = match kind {
            FirmKind::Company => &[10, 50, 100, 200, 500, 1000, 3000, 5000, 12_000][..],
            FirmKind::Shop | FirmKind::Cooperative => &[1, 2, 3, 5, 8, 10, 20, 30][..],
        };
        Self {
            uscc: uscc(rng, keys, kind, established),
            name: name(rng, tables, keys.name, kind),
            established,
            capital_wan: rng.pick(capitals),
            address: Address::draw(rng, tables),
            status: match rng.below(100) {
                ..91 => "存续",
                91..97 => "注销",
                _ => "吊销",
            },
        }
    }

    /// Unified social credit code, 18 characters (GB 32100-2015).
    pub fn uscc(&self) -> &str {
        str::from_utf8(&self.uscc).unwrap_or_default()
    }

    /// Registered name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Day of establishment.
    pub const fn established_on(&self) -> Date {
        self.established
    }

    /// Registered capital in units of 10,000 yuan (万元).
    pub(crate) const fn capital_wan(&self) -> u32 {
        self.capital_wan
    }

    /// Registered address.
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// 存续, 注销 or 吊销.
    pub const fn status(&self) -> &'static str {
        self.status
    }

    /// Appends `{"uscc":"…"}`.
    pub(crate) fn subject_json(&self, out: &mut String) {
        out.push_str("{\"uscc\":\"");
        push_ascii(out, &self.uscc);
        out.push_str("\"}");
    }

    /// Appends the fields of the record as compact JSON.
    pub fn fields_json(&self, out: &mut String) {
        out.push('{');
        push_field(out, "name", |out| out.push_str(&self.name));
        push_field(out, "established_on", |out| self.established.write(out));
        push_field(out, "registered_capital", |out| {
            push_digits(out, self.capital_wan.into(), 1);
            out.push_str("万元人民币");
        });
        push_field(out, "address", |out| self.address.write(out));
        push_field(out, "status", |out| out.push_str(self.status));
        out.push('}');
    }
}

#[derive(Clone, Copy)]
enum FirmKind {
    Company,
    Shop,
    Cooperative,
}

fn uscc(rng: &mut Rng, keys: &FirmKeys, kind: FirmKind, established: Date) -> [u8; 18] {
    let current = [
        *b"340200", *b"340202", *b"340207", *b"340209", *b"340210", *b"340212", *b"340223", *b"340281",
    ];
    let former = [
        *b"340200", *b"340202", *b"340203", *b"340207", *b"340221", *b"340222", *b"340223", *b"340225",
    ];
    let [p, q, r, s, t, u] = rng.pick(if established.year >= 2021 { &current } else { &former });
    let body = if established < UNIFIED {
        old_body(keys.old_body)
    } else {
        body(keys.body)
    };
    let [b1, b2, b3, b4, b5, b6, b7, b8] = body;
    let second = match kind {
        FirmKind::Company => b'1',
        FirmKind::Shop => b'2',
        FirmKind::Cooperative => b'3',
    };
    let organisation = check::organisation(&body).unwrap_or(b'0');
    let first = [
        b'9',
        second,
        p,
        q,
        r,
        s,
        t,
        u,
        b1,
        b2,
        b3,
        b4,
        b5,
        b6,
        b7,
        b8,
        organisation,
    ];
    with_check(first, check::credit_code(&first))
}

fn body(mut key: u64) -> [u8; 8] {
    let mut body = *b"MA000000";
    for slot in body.iter_mut().skip(2) {
        *slot = check::credit_code_alphabet()
            .get((key % 31) as usize)
            .copied()
            .unwrap_or(b'0');
        key /= 31;
    }
    body
}

fn old_body(mut key: u64) -> [u8; 8] {
    [0; 8].map(|_: u8| {
        let digit = b'0' + (key % 10) as u8;
        key /= 10;
        digit
    })
}

/// The mixed-radix digits of `key` are the parts of the name, so different keys give different names; a third
/// character after the first two, in three companies of ten, cannot make two names equal.
fn name(rng: &mut Rng, tables: &CityTables, mut key: u64, kind: FirmKind) -> String {
    let mut digit = |radix: usize| {
        let radix = radix.max(1) as u64;
        let value = (key % radix) as usize;
        key /= radix;
        value
    };
    let (place, form) = (digit(4), digit(4));
    let industry = digit(tables.industries.len());
    let (first, second) = (digit(tables.trade.len()), digit(tables.trade.len()));
    let word = |list: &[&'static str], index: usize| list.get(index).copied().unwrap_or_default();
    let [industry, shop, produce] = tables.industries.get(industry).copied().unwrap_or_default();
    let mut name = String::with_capacity(64);
    name.push_str(word(
        if matches!(kind, FirmKind::Shop) {
            &AREAS
        } else {
            &PREFIXES
        },
        place,
    ));
    name.push_str(word(&tables.trade, first));
    name.push_str(word(&tables.trade, second));
    match kind {
        FirmKind::Company => {
            if rng.chance(300) {
                name.push_str(rng.pick(&tables.trade));
            }
            name.push_str(industry);
            name.push_str(word(&FORMS, form));
        }
        FirmKind::Shop => {
            name.push_str(shop);
            name.push_str(word(&SHOP_FORMS, form));
        }
        FirmKind::Cooperative => {
            name.push_str(produce);
            name.push_str(word(&["产销", "农业", "生态", "联合"], form));
            name.push_str("专业合作社");
        }
    }
    name
}
