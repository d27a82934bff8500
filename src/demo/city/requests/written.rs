//! The same value as people type it: other widths, spaces, date forms, labels for codes, addresses without the province.
//! Every form here must be a `match` for a right hub; forms that need a person belong to `claims`.

use crate::city::Firm;
use crate::city::address::Address;
use crate::city::calendar::{Date, push_digits};
use crate::city::rng::Rng;

/// A person's name, padded, spaced or with another dot for the interpunct.
pub(super) fn person_name(rng: &mut Rng, name: &str) -> String {
    if name.contains('\u{b7}') {
        let dot = rng.pick(&["•", "・", "．", ".", "‧", "･", " · "]);
        return name.replace('\u{b7}', dot);
    }
    if name.contains('䶮') && rng.chance(500) {
        // Where GBK of the nineties kept it.
        return name.replace('䶮', "\u{e863}");
    }
    if name.chars().count() == 2 {
        let space = rng.pick(&["\u{3000}", " "]);
        let mut characters = name.chars();
        let first = characters.next().map(String::from).unwrap_or_default();
        return [&first, space, characters.as_str()].concat();
    }
    [" ", name, rng.pick(&["", " ", "\u{3000}"])].concat()
}

/// A firm's name with a space inside or brackets of the other width.
pub(crate) fn firm_name(rng: &mut Rng, name: &str) -> String {
    if name.contains('（') && rng.chance(700) {
        return name.replace('（', "(").replace('）', ")");
    }
    let middle = 2 + rng.below(3) as usize;
    let mut out = String::with_capacity(name.len() + 1);
    for (index, character) in name.chars().enumerate() {
        if index == middle {
            out.push(' ');
        }
        out.push(character);
    }
    out
}

/// A date, in one of six forms.
pub(super) fn date(rng: &mut Rng, date: Date) -> String {
    let mut out = String::with_capacity(40);
    match rng.below(6) {
        0 => date.write_with(&mut out, ""),
        1 => date.write_with(&mut out, "/"),
        2 => plain_date(&mut out, date, ["/", "/", ""]),
        3 => plain_date(&mut out, date, [".", ".", ""]),
        4 => plain_date(&mut out, date, ["年", "月", "日"]),
        _ => {
            let mut year = String::new();
            push_digits(&mut year, date.year.unsigned_abs().into(), 4);
            out.extend(year.chars().map(han_digit));
            out.push('年');
            han_number(&mut out, date.month);
            out.push('月');
            han_number(&mut out, date.day);
            out.push('日');
        }
    }
    out
}

fn plain_date(out: &mut String, date: Date, [after_year, after_month, after_day]: [&str; 3]) {
    for (number, suffix) in [
        (date.year.unsigned_abs(), after_year),
        (date.month, after_month),
        (date.day, after_day),
    ] {
        push_digits(out, number.into(), 1);
        out.push_str(suffix);
    }
}

fn han_digit(digit: char) -> char {
    let digits = ['〇', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
    let value = digit.to_digit(10).unwrap_or_default();
    digits.get(value as usize).copied().unwrap_or('〇')
}

/// Writes 1 to 99 in Chinese numerals.
fn han_number(out: &mut String, number: u32) {
    let digit = |value: u32| han_digit(char::from_digit(value % 10, 10).unwrap_or('0'));
    if number >= 20 {
        out.push(digit(number / 10));
    }
    if number >= 10 {
        out.push('十');
    }
    if !number.is_multiple_of(10) {
        out.push(digit(number));
    }
}

/// An address: province elided, 栋 or 号楼 for 幢, no 室, dash form, full-width house number, Chinese numeral of the building.
pub(super) fn address(rng: &mut Rng, address: &Address) -> String {
    let mut out = String::with_capacity(128);
    let form = rng.below(7);
    match form {
        0 => out.push_str("芜湖市"),
        _ => out.push_str("安徽省芜湖市"),
    }
    address.write_road_elided(&mut out);
    let mut number = String::new();
    push_digits(&mut number, address.number.into(), 1);
    match form {
        1 => out.extend(number.chars().map(full_width)),
        _ => out.push_str(&number),
    }
    out.push('号');
    if form == 2 {
        for (part, suffix) in [(address.building, "-"), (address.unit, "-"), (address.room, "")] {
            push_digits(&mut out, part.into(), 1);
            out.push_str(suffix);
        }
        return out;
    }
    match form {
        3 => han_number(&mut out, address.building),
        _ => push_digits(&mut out, address.building.into(), 1),
    }
    out.push_str(match form {
        4 => "栋",
        5 => "号楼",
        _ => "幢",
    });
    push_digits(&mut out, address.unit.into(), 1);
    out.push_str("单元");
    push_digits(&mut out, address.room.into(), 1);
    if form != 6 {
        out.push('室');
    }
    out
}

/// ASCII characters in their full-width forms (U+FF01 to U+FF5E).
fn full_width(character: char) -> char {
    match character {
        '!'..='~' => char::from_u32(u32::from(character) + 0xfee0).unwrap_or(character),
        _ => character,
    }
}

/// Registered capital in another unit or precision.
pub(super) fn capital(rng: &mut Rng, firm: &Firm) -> String {
    let mut out = String::with_capacity(40);
    match rng.below(3) {
        0 => {
            push_digits(&mut out, u64::from(firm.capital_wan()) * 10_000, 1);
            out.push('元');
        }
        1 => {
            push_digits(&mut out, firm.capital_wan().into(), 1);
            out.push_str(".000000万人民币");
        }
        _ => {
            push_digits(&mut out, firm.capital_wan().into(), 1);
            out.push_str("万元");
        }
    }
    out
}

/// A resident number or credit code with a small x, or as it is.
pub(super) fn identifier(id: &str) -> String {
    let resident = id.as_bytes().iter().take(17).all(u8::is_ascii_digit) && !id.starts_with('9');
    if resident { id.replace('X', "x") } else { id.to_owned() }
}
