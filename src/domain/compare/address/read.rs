//! Reads the part of an address behind its divisions: a number with its word is a part, the words between go to `text`.
//! A Chinese numeral is a number only directly before such a word; 九华山路 keeps its 九.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::number::{JoinedNumbers, NumberUnit, ROAD_ENDS, any_number_at, join, number_at, plain, unit_at};
use super::parts::{AddressParts, PartKind, PartSpelling};
use super::{fold, text};
use crate::division::DivisionChain;
use crate::numeral;

/// What a remark in brackets ends with: it says what the address lies at.
const REMARKS: [&str; 7] = ["附近", "旁边", "旁", "对面", "隔壁", "门口", "楼下"];
/// What makes a remark more than a remark.
const DIRECTIONS: [char; 6] = ['东', '南', '西', '北', '左', '右'];

/// The parts of `tail`; a division in brackets goes to the head.
pub(super) fn read(tail: &str, head: &mut DivisionChain) -> AddressParts {
    let mut reader = TailReader {
        parts: AddressParts::default(),
        head,
        text: tail,
        rest: tail,
        dashes: false,
    };
    reader.run();
    reader.parts
}

struct TailReader<'a, 'h> {
    parts: AddressParts,
    head: &'h mut DivisionChain,
    /// What is read as text reaches from here to `rest`.
    text: &'a str,
    rest: &'a str,
    /// Whether a dash stood where it can be no minus: then none of this address is.
    dashes: bool,
}

impl<'a> TailReader<'a, '_> {
    fn run(&mut self) {
        while let Some(c) = self.rest.chars().next() {
            let read = match c {
                '(' => self.bracket(),
                '-' => self.dash(),
                '附' => self.annex(),
                '负' | '地' => self.below_ground(),
                '第' => self.ordinal(),
                ' ' | ',' | '、' | '/' | '.' => self.separator(c),
                _ => self.number(),
            };
            if !read {
                self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
        self.flush();
    }

    /// Pushes the text before `rest`.
    fn flush(&mut self) {
        let length = self.text.len() - self.rest.len();
        text::push(&mut self.parts, self.text.get(..length).unwrap_or_default());
        self.text = self.rest;
    }

    /// Goes on behind what was read.
    fn go_on(&mut self, behind: &'a str) {
        self.rest = behind;
        self.text = behind;
    }

    fn last_kind(&self) -> Option<PartKind> {
        self.parts.last().map(|(kind, _)| kind)
    }

    /// Whether the last part is inside a building.
    fn is_inside(&self) -> bool {
        matches!(
            self.last_kind(),
            Some(
                PartKind::Building
                    | PartKind::Entrance
                    | PartKind::Storey
                    | PartKind::Room
                    | PartKind::BuildingOrStorey
            )
        )
    }

    fn separator(&mut self, c: char) -> bool {
        let behind = self.rest.get(c.len_utf8()..).unwrap_or_default();
        if c != '/' && !behind.starts_with(|next: char| next.is_ascii_alphanumeric()) {
            return false;
        }
        self.flush();
        self.go_on(behind);
        true
    }

    /// 第3幢 is 3幢.
    fn ordinal(&mut self) -> bool {
        let behind = self.rest.get('第'.len_utf8()..).unwrap_or_default();
        let counted = number_at(behind).is_some_and(|(number, rest)| unit_at(&number, rest).is_some());
        if counted {
            self.flush();
            self.go_on(behind);
        }
        counted
    }

    /// 附3号, 附3.
    fn annex(&mut self) -> bool {
        let behind = self.rest.get('附'.len_utf8()..).unwrap_or_default();
        let Some((number, rest)) = any_number_at(behind) else {
            return false;
        };
        self.flush();
        self.parts.push(PartKind::Annex, PartSpelling::Plain, &[plain(&number)]);
        self.go_on(rest.strip_prefix('号').unwrap_or(rest));
        true
    }

    /// 负一层, 负101室, 地下一层.
    fn below_ground(&mut self) -> bool {
        let (sign, behind) = match (self.rest.strip_prefix('负'), self.rest.strip_prefix("地下")) {
            (Some(behind), _) => ("-", behind),
            (None, Some(behind)) => ("地下", behind),
            _ => return false,
        };
        let Some((number, rest)) = number_at(behind) else {
            return false;
        };
        let (kind, rest) = match unit_at(&number, rest) {
            Some((NumberUnit::Storey | NumberUnit::BuildingOrStorey, rest)) => (PartKind::Storey, rest),
            Some((NumberUnit::Room, rest)) if sign == "-" => (PartKind::Room, rest),
            _ => return false,
        };
        self.flush();
        self.parts.push(kind, PartSpelling::Plain, &[sign, plain(&number)]);
        self.go_on(rest);
        true
    }

    /// A dash that stands before a number and not between two: a minus, or a mere separator.
    fn dash(&mut self) -> bool {
        let behind = self.rest.get(1..).unwrap_or_default();
        let in_text = self.text.len() != self.rest.len();
        let Some((number, rest)) = any_number_at(behind) else {
            // A dash behind a part says nothing: 3幢-东户.
            if !in_text {
                self.go_on(behind);
            }
            return !in_text;
        };
        let unit = unit_at(&number, rest);
        let joined = rest.starts_with(['-', '/']) && rest.get(1..).is_some_and(|next| any_number_at(next).is_some());
        let (kind, spelling, rest) = match unit {
            _ if joined => return self.skip_dash(behind),
            Some((NumberUnit::Storey | NumberUnit::BuildingOrStorey, rest)) => {
                (PartKind::Storey, PartSpelling::Plain, rest)
            }
            Some((NumberUnit::Room, _)) | None if self.dashes => return self.skip_dash(behind),
            Some((NumberUnit::Room, rest)) => (PartKind::Room, PartSpelling::Plain, rest),
            None if self.last_kind() == Some(PartKind::Number) && !in_text && number.len() <= 2 => {
                (PartKind::Annex, PartSpelling::Dash, rest)
            }
            None if self.last_kind() == Some(PartKind::Road) => return self.skip_dash(behind),
            None => (PartKind::Room, PartSpelling::Plain, rest),
            Some(_) => {
                self.dashes = true;
                return self.skip_dash(behind);
            }
        };
        self.flush();
        let sign = if kind == PartKind::Annex { "" } else { "-" };
        self.parts.push(kind, spelling, &[sign, plain(&number)]);
        if unit.is_none() {
            self.parts.soften();
        }
        self.go_on(rest);
        true
    }

    fn skip_dash(&mut self, behind: &'a str) -> bool {
        self.flush();
        self.go_on(behind);
        true
    }

    /// A number, or several that are joined, with the word behind them.
    fn number(&mut self) -> bool {
        let Some((first, behind)) = number_at(self.rest) else {
            return self.skip_word();
        };
        let joined = join(first, behind);
        if joined.unit.is_none() && joined.behind.starts_with(ROAD_ENDS) {
            // 铁山1村: the number is part of a name.
            self.rest = joined.behind;
            return true;
        }
        self.flush();
        let begins_name = matches!(
            self.last_kind(),
            None | Some(PartKind::Town | PartKind::Village | PartKind::Zone)
        ) && joined.unit.is_none()
            && joined
                .behind
                .starts_with(|c: char| crate::fold::is_han(c) && !matches!(c, '附' | '之'));
        if begins_name {
            // 9华山路.
            self.rest = joined.behind;
            return true;
        }
        match joined.numbers.as_slice() {
            [number] => self.push_number(number, joined.unit, joined.behind),
            numbers => self.push_joined(numbers, &joined),
        }
        let behind = self.range_or_annex(joined.unit, joined.behind);
        self.go_on(behind);
        true
    }

    /// Skips a run of letters, digits or numerals that is no number here.
    fn skip_word(&mut self) -> bool {
        let end = |holds: fn(char) -> bool| self.rest.find(|c| !holds(c)).unwrap_or(self.rest.len());
        let length = end(|c| c.is_ascii_alphanumeric()).max(end(numeral::is_everyday));
        self.rest = self.rest.get(length..).unwrap_or_default();
        length > 0
    }

    /// Reads on behind a number with 号: 至6号, 之3.
    fn range_or_annex(&mut self, unit: Option<NumberUnit>, behind: &'a str) -> &'a str {
        if !matches!(self.last_kind(), Some(PartKind::Number)) {
            return behind;
        }
        let until = ["至", "到", "-"]
            .iter()
            .find_map(|word| behind.strip_prefix(word))
            .and_then(any_number_at);
        if let Some((number, rest)) = until
            && unit == Some(NumberUnit::Number)
            && let Some((NumberUnit::Number, rest)) = unit_at(&number, rest)
        {
            self.parts.extend_range(plain(&number));
            return rest;
        }
        if let Some((number, rest)) = behind.strip_prefix('之').and_then(any_number_at) {
            self.parts.push(PartKind::Annex, PartSpelling::Other, &[plain(&number)]);
            return rest.strip_prefix('号').unwrap_or(rest);
        }
        behind
    }

    fn push_number(&mut self, number: &str, unit: Option<NumberUnit>, behind: &str) {
        let lettered = number.bytes().any(|b| b.is_ascii_alphabetic());
        let (kind, spelling) = match unit {
            Some(NumberUnit::Building) => (PartKind::Building, PartSpelling::Plain),
            Some(NumberUnit::Seat) if lettered => (PartKind::Building, PartSpelling::Plain),
            Some(NumberUnit::Seat) => (PartKind::Building, PartSpelling::Other),
            Some(NumberUnit::Entrance) => (PartKind::Entrance, PartSpelling::Plain),
            Some(NumberUnit::Door) => (PartKind::Entrance, PartSpelling::Other),
            Some(NumberUnit::Storey) => (PartKind::Storey, PartSpelling::Plain),
            Some(NumberUnit::BuildingOrStorey) if self.is_inside() || self.is_behind_house() => {
                (PartKind::Storey, PartSpelling::Plain)
            }
            Some(NumberUnit::BuildingOrStorey) => (PartKind::BuildingOrStorey, PartSpelling::Plain),
            Some(NumberUnit::Room) => (PartKind::Room, PartSpelling::Plain),
            Some(NumberUnit::Number) if self.is_inside() => (PartKind::Room, PartSpelling::Other),
            Some(NumberUnit::Number) => (PartKind::Number, PartSpelling::Plain),
            Some(NumberUnit::Hash) => self.hashed(behind),
            Some(NumberUnit::Lane) => (PartKind::Lane, PartSpelling::Plain),
            Some(NumberUnit::Phase) => (PartKind::Phase, PartSpelling::Plain),
            Some(NumberUnit::Section) => (PartKind::Section, PartSpelling::Plain),
            Some(NumberUnit::Row) => (PartKind::Row, PartSpelling::Plain),
            Some(unit @ (NumberUnit::Group | NumberUnit::Team | NumberUnit::Society)) => {
                self.parts
                    .push(PartKind::Group, PartSpelling::Plain, &[plain(number), group_word(unit)]);
                return;
            }
            None => self.bare(number, behind),
        };
        self.parts.push(kind, spelling, &[plain(number)]);
    }

    /// What a number with # is: 3# of an estate is a building, 501# in a building a room, 2# at a road a number.
    fn hashed(&self, behind: &str) -> (PartKind, PartSpelling) {
        let numbered = [PartKind::Number, PartKind::Name, PartKind::Zone]
            .iter()
            .any(|kind| self.parts.has(*kind));
        let goes_on = behind.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-' || c == '/');
        match self.last_kind() {
            Some(PartKind::Building | PartKind::Entrance) => (PartKind::Room, PartSpelling::Plain),
            _ if numbered || goes_on => (PartKind::Building, PartSpelling::Plain),
            _ => (PartKind::Number, PartSpelling::Other),
        }
    }

    /// What a number without a word is.
    fn bare(&self, number: &str, behind: &str) -> (PartKind, PartSpelling) {
        let has_annex = behind.starts_with(['附', '之']);
        match self.last_kind() {
            _ if has_annex && !self.is_inside() => (PartKind::Number, PartSpelling::Bare),
            Some(PartKind::Road | PartKind::Lane | PartKind::Village | PartKind::Group) => {
                (PartKind::Number, PartSpelling::Bare)
            }
            Some(PartKind::Number | PartKind::Annex | PartKind::Dashed) => (PartKind::Room, PartSpelling::Plain),
            _ if self.is_inside() || number.len() > 2 => (PartKind::Room, PartSpelling::Plain),
            _ => (PartKind::Room, PartSpelling::Bare),
        }
    }

    /// Whether the last name is that of one house: what follows with 楼 is a storey.
    fn is_behind_house(&self) -> bool {
        let house = |name: &str| {
            ["大厦", "大楼", "中心", "商场", "广场", "宾馆", "酒店"]
                .iter()
                .any(|end| name.ends_with(end))
        };
        self.parts
            .last()
            .is_some_and(|(kind, name)| kind == PartKind::Name && house(name))
    }

    /// 3-2-501 is 3幢2单元501, 3-501 is 3幢501; at a road, or of two long numbers, it is a range.
    fn push_joined(&mut self, numbers: &[Cow<'_, str>], joined: &JoinedNumbers<'_>) {
        let at_road = matches!(self.last_kind(), Some(PartKind::Road | PartKind::Lane));
        let in_building = self.last_kind() == Some(PartKind::Building);
        let is_room = matches!(joined.unit, None | Some(NumberUnit::Room));
        let (inside, apart) = (self.is_inside(), !joined.listed);
        let mut push = |kind, number: &str| self.parts.push(kind, PartSpelling::Plain, &[plain(number)]);
        match numbers {
            [building, entrance, room] if is_room && apart && !at_road && !inside => {
                push(PartKind::Building, building);
                push(PartKind::Entrance, entrance);
                push(PartKind::Room, room);
            }
            [building, entrance] if joined.unit == Some(NumberUnit::Entrance) && apart => {
                push(PartKind::Building, building);
                push(PartKind::Entrance, entrance);
            }
            [entrance, room] if is_room && apart && in_building => {
                push(PartKind::Entrance, entrance);
                push(PartKind::Room, room);
            }
            // A last number of three digits or more is a room; 2-3 may be a number and one below it.
            [building, room] if is_room && apart && !at_road && !inside && building.len() <= 2 && room.len() > 2 => {
                push(PartKind::Building, building);
                push(PartKind::Room, room);
            }
            _ => self.push_range(numbers, joined, at_road),
        }
    }

    fn push_range(&mut self, numbers: &[Cow<'_, str>], joined: &JoinedNumbers<'_>, at_road: bool) {
        let inside = self.is_inside();
        let (kind, spelling) = match (joined.unit, numbers.len()) {
            (Some(NumberUnit::Number), 2) | (Some(NumberUnit::Number), _) if joined.listed || numbers.len() == 2 => {
                if inside {
                    (PartKind::Room, PartSpelling::Other)
                } else {
                    (PartKind::Number, PartSpelling::Plain)
                }
            }
            (Some(NumberUnit::Building | NumberUnit::Seat | NumberUnit::Hash), 2) => {
                (PartKind::Building, PartSpelling::Plain)
            }
            (Some(NumberUnit::Storey), 2) => (PartKind::Storey, PartSpelling::Plain),
            (Some(NumberUnit::BuildingOrStorey), 2) => (PartKind::BuildingOrStorey, PartSpelling::Plain),
            (None, 2) if at_road => (PartKind::Number, PartSpelling::Bare),
            (None | Some(NumberUnit::Room), _) if joined.listed => (PartKind::Room, PartSpelling::Plain),
            (None | Some(NumberUnit::Room), 2) if numbers.iter().all(|number| number.len() > 2) => {
                (PartKind::Room, PartSpelling::Plain)
            }
            (None, _) => (PartKind::Dashed, PartSpelling::Plain),
            (Some(NumberUnit::Room), _) => (PartKind::Dashed, PartSpelling::Bare),
            _ => (PartKind::Dashed, PartSpelling::Other),
        };
        let separator = if joined.listed { "、" } else { "-" };
        let mut pieces: SmallVec<[&str; 8]> = SmallVec::new();
        for number in numbers {
            if !pieces.is_empty() {
                pieces.push(separator);
            }
            pieces.push(plain(number));
        }
        self.parts.push(kind, spelling, &pieces);
    }

    /// What stands in brackets: a division, a remark, or a part of the address.
    fn bracket(&mut self) -> bool {
        let inside = self.rest.get(1..).unwrap_or_default();
        let Some((inner, behind)) = inside.split_once(')') else {
            return false;
        };
        self.flush();
        self.go_on(behind);
        let code = ["邮政编码", "邮编"]
            .iter()
            .find_map(|word| inner.strip_prefix(word))
            .unwrap_or(inner);
        if inner.is_empty() || fold::is_postcode(code, self.head) {
            return true;
        }
        if is_remark(inner) {
            self.parts.push(PartKind::Remark, PartSpelling::Bracketed, &[inner]);
            return true;
        }
        let (named, rest) = DivisionChain::take(inner);
        if rest.is_empty() && !named.is_empty() {
            if !self.head.take_over(named) {
                self.parts.push(PartKind::Bracket, PartSpelling::Bracketed, &[inner]);
            }
        } else if inner.starts_with('原') {
            self.parts.push(PartKind::Former, PartSpelling::Bracketed, &[inner]);
        } else if let Some((number, "")) = any_number_at(inner) {
            self.parts
                .push(PartKind::BracketNumber, PartSpelling::Bracketed, &[plain(&number)]);
        } else {
            self.push_bracketed(inner);
        }
        true
    }

    fn push_bracketed(&mut self, inner: &str) {
        let parts = read(inner, &mut DivisionChain::default());
        let is_place = |kind| {
            matches!(
                kind,
                PartKind::Town | PartKind::Village | PartKind::Road | PartKind::Zone
            )
        };
        if parts
            .iter()
            .all(|(kind, value)| is_place(kind) && self.parts.holds(kind, value))
        {
            // Said before: 清水街道…(清水街道).
            return;
        }
        for (kind, value) in parts.iter() {
            let kind = if is_place(kind) || kind == PartKind::Name {
                PartKind::Bracket
            } else {
                kind
            };
            self.parts.push(kind, PartSpelling::Bracketed, &[value]);
        }
    }
}

/// Whether what stands in brackets only says where the address lies, without a number or direction.
fn is_remark(inner: &str) -> bool {
    let plain = |c: char| !c.is_ascii_digit() && !numeral::is_everyday(c) && !DIRECTIONS.contains(&c);
    REMARKS.iter().any(|end| inner.ends_with(end)) && inner.chars().all(plain)
}

const fn group_word(unit: NumberUnit) -> &'static str {
    match unit {
        NumberUnit::Team => "队",
        NumberUnit::Society => "社",
        _ => "组",
    }
}
