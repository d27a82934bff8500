//! Which province, city and county an address begins with, and whether two such heads are one place.
//! A name is a set of codes over time: 弋江区 was 340203 and is 340209, 鼓楼区 exists in four cities.

use smallvec::{SmallVec, smallvec};

use super::reference;

mod head;

/// Codes that one name may mean; most mean one.
type Codes = SmallVec<[u32; 4]>;

/// The divisions that an address names at its head; what it leaves out is unknown, not absent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Chain {
    /// Two digits; 0 when not named.
    province: u32,
    /// Four-digit codes that the named city ever had; empty when not named.
    cities: Codes,
    /// The county's full name; empty when not named.
    county: &'static str,
    /// Six-digit codes that the county's name may mean here.
    counties: Codes,
}

/// How two heads relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The same place as far as both name it.
    Same,
    /// The same place today, under another name or code.
    Renamed,
    /// Two places, or one names a county and the other none.
    Different,
}

/// An area that a `within` predicate names.
#[derive(Clone, PartialEq, Eq)]
pub enum Area {
    /// Two digits.
    Province(u32),
    /// Four-digit codes.
    City(Vec<u32>),
    /// Six-digit codes of today.
    County(Vec<u32>),
}

/// Whether a place lies in an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// Certainly.
    Yes,
    /// Certainly not.
    No,
    /// The place is not named closely enough.
    Unknown,
}

impl Chain {
    /// Takes the divisions off the head of a folded address without spaces; returns them and the rest.
    ///
    /// A head that is written twice (raw delivery addresses do it) is taken off twice.
    pub fn take(text: &str) -> (Self, &str) {
        let (mut chain, mut rest) = head::take_once(text);
        for _ in 0..3 {
            let (again, shorter) = head::take_once(rest);
            if shorter.len() == rest.len() || !chain.repeated_by(&again) {
                break;
            }
            chain.merge(again);
            rest = shorter;
        }
        (chain, rest)
    }

    /// The chain of a six-digit code, whether known to the table or not.
    pub fn of_code(code: u32) -> Self {
        let (province, city) = (code / 10_000, code / 100);
        let cities = if city.is_multiple_of(100) {
            Codes::new()
        } else {
            smallvec![city]
        };
        let counties = if code.is_multiple_of(100) {
            Codes::new()
        } else {
            smallvec![code]
        };
        Self {
            province,
            cities,
            county: "",
            counties,
        }
    }

    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.province == 0 && self.cities.is_empty() && self.counties.is_empty()
    }

    /// How this head and another relate; symmetric.
    pub(crate) fn relation(&self, other: &Self) -> Relation {
        if self.counties.is_empty() != other.counties.is_empty() {
            return Relation::Different;
        }
        if !self.counties.is_empty() {
            let shared = meet(&self.counties, &other.counties);
            if shared && self.county == other.county {
                return Relation::Same;
            }
            let today = |codes: &[u32]| -> Codes { codes.iter().map(|&code| reference::current_code(code)).collect() };
            if shared || meet(&today(&self.counties), &today(&other.counties)) {
                return Relation::Renamed;
            }
            return Relation::Different;
        }
        let cities_clash = !self.cities.is_empty() && !other.cities.is_empty() && !meet(&self.cities, &other.cities);
        let (mine, theirs) = (self.provinces(), other.provinces());
        let provinces_clash = !mine.is_empty() && !theirs.is_empty() && !meet(&mine, &theirs);
        if cities_clash || provinces_clash {
            Relation::Different
        } else {
            Relation::Same
        }
    }

    /// Whether this place lies in an area, renamed divisions and retired codes included.
    pub fn inside(&self, area: &Area) -> Inside {
        let counties: Codes = self
            .counties
            .iter()
            .map(|&code| reference::current_code(code))
            .collect();
        let count = |hits: usize, all: usize| match hits {
            0 => Inside::No,
            _ if hits == all => Inside::Yes,
            _ => Inside::Unknown,
        };
        let share = |codes: &[u32], held: &dyn Fn(u32) -> bool| {
            count(codes.iter().filter(|&&code| held(code)).count(), codes.len())
        };
        match area {
            Area::Province(wanted) => match self.provinces() {
                known if known.is_empty() => Inside::Unknown,
                known => share(&known, &|code| code == *wanted),
            },
            Area::City(wanted) if !counties.is_empty() => share(&counties, &|code| wanted.contains(&(code / 100))),
            Area::City(wanted) if !self.cities.is_empty() => {
                if meet(&self.cities, wanted) {
                    Inside::Yes
                } else {
                    Inside::No
                }
            }
            Area::County(wanted) if !counties.is_empty() => share(&counties, &|code| wanted.contains(&code)),
            Area::County(wanted) if !self.cities.is_empty() => {
                if wanted.iter().any(|code| self.cities.contains(&(code / 100))) {
                    Inside::Unknown
                } else {
                    Inside::No
                }
            }
            Area::City(wanted) => self.perhaps_in(wanted.iter().map(|code| code / 100).collect()),
            Area::County(wanted) => self.perhaps_in(wanted.iter().map(|code| code / 10_000).collect()),
        }
    }

    fn perhaps_in(&self, provinces: Vec<u32>) -> Inside {
        let clash = self.province != 0 && !provinces.contains(&self.province);
        if clash { Inside::No } else { Inside::Unknown }
    }

    fn provinces(&self) -> Codes {
        let mut all: Codes = if self.province != 0 {
            smallvec![self.province]
        } else if !self.cities.is_empty() {
            self.cities.iter().map(|code| code / 100).collect()
        } else {
            self.counties.iter().map(|code| code / 10_000).collect()
        };
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether `again`, found right behind this head, is the same head once more and not the name of a zone or street.
    fn repeated_by(&self, again: &Self) -> bool {
        if self.is_empty() || again.is_empty() || self.relation_of_known(again) {
            return false;
        }
        if again.county.is_empty() {
            // A province or city behind a county is part of a name such as 安徽省江北产业集中区.
            return self.county.is_empty()
                && (again.cities.is_empty() == self.cities.is_empty() || self.cities.is_empty());
        }
        self.county.is_empty() || self.county == again.county
    }

    /// Whether what both name clashes.
    fn relation_of_known(&self, other: &Self) -> bool {
        let clash = |a: &[u32], b: &[u32]| !a.is_empty() && !b.is_empty() && !meet(a, b);
        clash(&self.counties, &other.counties)
            || clash(&self.cities, &other.cities)
            || clash(&self.provinces(), &other.provinces())
    }

    fn merge(&mut self, again: Self) {
        if self.province == 0 {
            self.province = again.province;
        }
        if self.cities.is_empty() {
            self.cities = again.cities;
        }
        if self.counties.is_empty() {
            self.county = again.county;
            self.counties = again.counties;
        } else if !again.counties.is_empty() {
            self.counties.retain(|code| again.counties.contains(code));
        }
    }
}

impl Area {
    /// Reads a two-, four- or six-digit code (trailing zero pairs widen it) or a division's name.
    pub fn parse(operand: &str) -> Option<Self> {
        if !operand.is_empty() && operand.bytes().all(|b| b.is_ascii_digit()) {
            let padded = match operand.len() {
                2 => operand.parse::<u32>().ok()? * 10_000,
                4 => operand.parse::<u32>().ok()? * 100,
                6 => operand.parse::<u32>().ok()?,
                _ => return None,
            };
            return reference::division_known(padded).then(|| Self::of(&Chain::of_code(padded)))?;
        }
        let (chain, rest) = Chain::take(operand);
        if rest.is_empty() { Self::of(&chain) } else { None }
    }

    fn of(chain: &Chain) -> Option<Self> {
        if !chain.counties.is_empty() {
            let mut codes: Vec<u32> = chain
                .counties
                .iter()
                .map(|&code| reference::current_code(code))
                .collect();
            codes.sort_unstable();
            codes.dedup();
            Some(Self::County(codes))
        } else if !chain.cities.is_empty() {
            Some(Self::City(chain.cities.to_vec()))
        } else {
            (chain.province != 0).then_some(Self::Province(chain.province))
        }
    }
}

fn meet(a: &[u32], b: &[u32]) -> bool {
    a.iter().any(|code| b.contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(text: &str) -> &str {
        Chain::take(text).1
    }

    fn relation(a: &str, b: &str) -> Relation {
        let (a, b) = (Chain::take(a).0, Chain::take(b).0);
        assert_eq!(a.relation(&b), b.relation(&a), "symmetric");
        a.relation(&b)
    }

    #[test]
    fn heads_come_off_in_every_spelling() {
        for head in [
            "安徽省芜湖市镜湖区",
            "芜湖市镜湖区",
            "镜湖区",
            "安徽芜湖镜湖区",
            "安徽芜湖市镜湖区",
            "中国安徽省芜湖市镜湖区",
            "安徽省镜湖区",
            "芜湖镜湖区",
            "安徽省芜湖市安徽省芜湖市镜湖区",
            "镜湖区中国安徽芜湖镜湖区",
            "安徽芜湖镜湖区芜湖市镜湖区",
            "芜湖市市辖区镜湖区",
        ] {
            assert_eq!(rest(&format!("{head}北京中路2号")), "北京中路2号", "{head}");
            assert_eq!(relation(head, "安徽省芜湖市镜湖区"), Relation::Same, "{head}");
        }
    }

    #[test]
    fn roads_and_zones_that_begin_like_a_division_stay() {
        assert_eq!(rest("北京中路2号"), "北京中路2号");
        assert_eq!(rest("镜湖区芜湖路1号"), "芜湖路1号");
        assert_eq!(rest("安徽省芜湖市鸠江区安徽省江北产业集中区"), "安徽省江北产业集中区");
        assert_eq!(rest("安徽省芜湖市南陵县安徽南陵工业园区"), "安徽南陵工业园区");
        assert_eq!(rest("安徽省芜湖市湾沚区湾沚镇"), "湾沚镇");
        assert_eq!(rest("芜湖市北京中路2号"), "北京中路2号");
    }

    #[test]
    fn renamed_divisions_are_one_place_and_others_are_not() {
        for (old, new) in [
            ("芜湖市芜湖县", "芜湖市湾沚区"),
            ("芜湖市三山区", "芜湖市弋江区"),
            ("芜湖市马塘区", "芜湖市弋江区"),
            ("繁昌县", "安徽省芜湖市繁昌区"),
            ("无为县", "芜湖市无为市"),
            ("巢湖市无为县", "无为市"),
            ("巢湖地区无为县", "芜湖市无为县"),
            ("新芜区", "镜湖区"),
        ] {
            assert_eq!(relation(old, new), Relation::Renamed, "{old} {new}");
        }
        assert_eq!(relation("镜湖区", "鸠江区"), Relation::Different);
        assert_eq!(relation("南京市鼓楼区", "徐州市鼓楼区"), Relation::Different);
        assert_eq!(relation("鼓楼区", "徐州市鼓楼区"), Relation::Same);
        assert_eq!(relation("芜湖市", "芜湖市镜湖区"), Relation::Different);
        assert_eq!(relation("芜湖市", "合肥市"), Relation::Different);
        assert_eq!(relation("芜湖市", "江苏省"), Relation::Different);
        assert_eq!(relation("合肥市巢湖市", "安徽省巢湖市"), Relation::Same);
    }

    #[test]
    fn areas_hold_what_lies_in_them_by_code_and_by_name() {
        let inside = |place: &str, area: &str| Area::parse(area).map(|area| Chain::take(place).0.inside(&area));
        for area in [
            "340202",
            "3402",
            "340200",
            "34",
            "340000",
            "镜湖区",
            "芜湖市镜湖区",
            "芜湖市",
            "安徽省",
        ] {
            assert_eq!(inside("安徽省芜湖市镜湖区", area), Some(Inside::Yes), "{area}");
        }
        assert_eq!(inside("芜湖县", "340210"), Some(Inside::Yes));
        assert_eq!(inside("无为县", "芜湖市"), Some(Inside::Yes));
        assert_eq!(inside("三山区", "弋江区"), Some(Inside::Yes));
        assert_eq!(inside("镜湖区", "340207"), Some(Inside::No));
        assert_eq!(inside("芜湖市", "镜湖区"), Some(Inside::Unknown));
        assert_eq!(inside("鼓楼区", "南京市"), Some(Inside::Unknown));
        assert_eq!(inside("", "南京市"), Some(Inside::Unknown));
        assert!(Area::parse("349999").is_none() && Area::parse("北京中路").is_none() && Area::parse("").is_none());
    }

    #[test]
    fn codes_of_living_people_lie_in_the_divisions_of_today() {
        let area = Area::parse("湾沚区").unwrap();
        assert_eq!(Chain::of_code(340_221).inside(&area), Inside::Yes);
        assert_eq!(Chain::of_code(340_202).inside(&area), Inside::No);
    }
}
