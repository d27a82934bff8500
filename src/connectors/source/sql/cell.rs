//! A value of a row as text, the same for all engines: text as it is, whole numbers in decimal, `true` and `false`, dates
//! as ISO 8601, exact decimals with the digits that they have. Any other type is unreadable: a float or a time zone would
//! need a rule that nobody has stated; the operator casts it in the query.

use jiff::{Span, civil::Date};
use sqlx::{
    ColumnIndex, Database, Decode, MySql, Row, Sqlite, TypeInfo as _, ValueRef as _,
    mysql::MySqlRow,
    postgres::{PgRow, PgValueFormat},
    sqlite::SqliteRow,
};

use heyan_ports::outward::SourceFault;

type CellText = Result<Option<String>, SourceFault>;

const TYPE: SourceFault = SourceFault::Unreadable("a column's type");
const VALUE: SourceFault = SourceFault::Unreadable("a column's value");

/// A row of any engine.
pub(super) trait RowCells {
    /// The value of a column; `None`: null, or no such column.
    fn text(&self, column: &str) -> CellText;
}

/// The value of a column as the engine sent it; `None`: null, or no such column.
fn raw<'r, R: Row>(row: &'r R, column: &str) -> Option<<R::Database as Database>::ValueRef<'r>>
where
    for<'c> &'c str: ColumnIndex<R>,
{
    row.try_get_raw(column).ok().filter(|raw| !raw.is_null())
}

impl RowCells for PgRow {
    fn text(&self, column: &str) -> CellText {
        let Some(raw) = raw(self, column) else {
            return Ok(None);
        };
        let bytes = raw.as_bytes().map_err(|_why| VALUE)?;
        let name = raw.type_info().name().to_owned();
        if raw.format() == PgValueFormat::Text {
            return utf8(bytes).map(Some);
        }
        let text = match &*name {
            "TEXT" | "VARCHAR" | "NAME" | "UNKNOWN" | "\"CHAR\"" => utf8(bytes)?,
            // `char(n)` is padded with blanks that mean nothing.
            "CHAR" => utf8(bytes)?.trim_end_matches(' ').to_owned(),
            "INT2" | "INT4" | "INT8" => pg_integer(bytes).ok_or(VALUE)?.to_string(),
            "BOOL" => match bytes {
                [0] => "false".to_owned(),
                [1] => "true".to_owned(),
                _ => return Err(VALUE),
            },
            "DATE" => pg_date(bytes).ok_or(VALUE)?,
            "NUMERIC" => pg_numeric(bytes).ok_or(VALUE)?,
            _ => return Err(TYPE),
        };
        Ok(Some(text))
    }
}

impl RowCells for MySqlRow {
    fn text(&self, column: &str) -> CellText {
        let Some(raw) = raw(self, column) else {
            return Ok(None);
        };
        let name = raw.type_info().name().to_owned();
        let bytes = <&[u8] as Decode<MySql>>::decode(raw.clone()).map_err(|_why| VALUE)?;
        let text = match &*name {
            // A decimal is sent as its digits.
            "CHAR" | "VARCHAR" | "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" | "ENUM" | "DECIMAL" => utf8(bytes)?,
            // `boolean` is a whole number there: 1 or 0.
            "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" => {
                <i64 as Decode<MySql>>::decode(raw).map_err(|_why| VALUE)?.to_string()
            }
            "TINYINT UNSIGNED" | "SMALLINT UNSIGNED" | "MEDIUMINT UNSIGNED" | "INT UNSIGNED" | "BIGINT UNSIGNED" => {
                <u64 as Decode<MySql>>::decode(raw).map_err(|_why| VALUE)?.to_string()
            }
            "DATE" => mysql_date(bytes).ok_or(VALUE)?,
            _ => return Err(TYPE),
        };
        Ok(Some(text))
    }
}

impl RowCells for SqliteRow {
    fn text(&self, column: &str) -> CellText {
        let Some(raw) = raw(self, column) else {
            return Ok(None);
        };
        // The value's own type: that of the column is only a wish.
        let name = raw.type_info().name().to_owned();
        match &*name {
            "TEXT" => <&str as Decode<Sqlite>>::decode(raw)
                .map(|text| Some(text.to_owned()))
                .map_err(|_why| VALUE),
            "INTEGER" => <i64 as Decode<Sqlite>>::decode(raw)
                .map(|number| Some(number.to_string()))
                .map_err(|_why| VALUE),
            _ => Err(TYPE),
        }
    }
}

fn utf8(bytes: &[u8]) -> Result<String, SourceFault> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_why| VALUE)
}

fn pg_integer(bytes: &[u8]) -> Option<i64> {
    match bytes.len() {
        2 => bytes.first_chunk().map(|b| i64::from(i16::from_be_bytes(*b))),
        4 => bytes.first_chunk().map(|b| i64::from(i32::from_be_bytes(*b))),
        8 => bytes.first_chunk().map(|b| i64::from_be_bytes(*b)),
        _ => None,
    }
}

/// Days since 2000-01-01. `infinity` is no date.
fn pg_date(bytes: &[u8]) -> Option<String> {
    let days = i32::from_be_bytes(*bytes.first_chunk()?);
    // `infinity` is far beyond what a span may hold.
    let span = Span::new().try_days(days).ok()?;
    let date = Date::constant(2000, 1, 1).checked_add(span).ok()?;
    iso(date)
}

/// Length, year little-endian, month, day. `0000-00-00` is no date.
fn mysql_date(bytes: &[u8]) -> Option<String> {
    let [_length, low, high, month, day, ..] = bytes else {
        return None;
    };
    let number = |byte: &u8| i8::try_from(*byte).ok();
    let year = i16::from_le_bytes([*low, *high]);
    iso(Date::new(year, number(month)?, number(day)?).ok()?)
}

fn iso(date: Date) -> Option<String> {
    (date.year() >= 1).then(|| date.to_string())
}

/// Sign, and digits of base 10,000 of which the first stands for 10,000^weight; `scale` decimal places are shown.
fn pg_numeric(bytes: &[u8]) -> Option<String> {
    let mut words = bytes.chunks_exact(2).filter_map(|pair| pair.first_chunk().copied());
    let mut word = || words.next();
    let (count, weight) = (u16::from_be_bytes(word()?), i16::from_be_bytes(word()?));
    let (sign, scale) = (u16::from_be_bytes(word()?), u16::from_be_bytes(word()?));
    let mut digits = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        digits.push(i16::from_be_bytes(word()?));
    }
    let sign = match sign {
        0x0000 => "",
        0x4000 => "-",
        _ => return None,
    };
    let digit = |place: i32| {
        let index = usize::try_from(i32::from(weight) - place).ok();
        index.and_then(|index| digits.get(index)).copied().unwrap_or(0)
    };
    let mut whole = String::new();
    for place in (0..=i32::from(weight).max(0)).rev() {
        whole.push_str(&format!("{:04}", digit(place)));
    }
    let mut part = String::new();
    for place in 1..=i32::from(scale.div_ceil(4)) {
        part.push_str(&format!("{:04}", digit(-place)));
    }
    part.truncate(usize::from(scale));
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if scale == 0 { "" } else { "." };
    Some(format!("{sign}{whole}{point}{part}"))
}

#[cfg(test)]
mod tests {
    use crate::source::sql::cell::*;

    fn numeric(weight: i16, sign: u16, scale: u16, digits: &[i16]) -> Option<String> {
        let count = u16::try_from(digits.len()).unwrap();
        let head = [
            count.to_be_bytes(),
            weight.to_be_bytes(),
            sign.to_be_bytes(),
            scale.to_be_bytes(),
        ];
        let tail = digits.iter().map(|digit| digit.to_be_bytes());
        let bytes: Vec<u8> = head.into_iter().chain(tail).flatten().collect();
        pg_numeric(&bytes)
    }

    #[test]
    fn exact_decimals_keep_the_digits_that_they_have() {
        assert_eq!(numeric(0, 0, 0, &[]).unwrap(), "0");
        assert_eq!(numeric(0, 0, 2, &[]).unwrap(), "0.00");
        assert_eq!(numeric(1, 0, 2, &[1, 2345, 6700]).unwrap(), "12345.67");
        assert_eq!(numeric(2, 0x4000, 0, &[1]).unwrap(), "-100000000");
        assert_eq!(numeric(-1, 0, 6, &[12, 3400]).unwrap(), "0.001234");
        assert_eq!(numeric(-2, 0, 8, &[5]).unwrap(), "0.00000005");
        assert_eq!(numeric(0, 0xc000, 0, &[]), None, "not a number");
    }

    #[test]
    fn days_and_octets_are_dates_and_infinity_is_none() {
        assert_eq!(pg_date(&0_i32.to_be_bytes()).unwrap(), "2000-01-01");
        assert_eq!(pg_date(&(-18_263_i32).to_be_bytes()).unwrap(), "1949-12-31");
        assert_eq!(pg_date(&i32::MAX.to_be_bytes()), None);
        assert_eq!(mysql_date(&[4, 0x9d, 0x07, 12, 31]).unwrap(), "1949-12-31");
        assert_eq!(mysql_date(&[0]), None);
        assert_eq!(mysql_date(&[4, 0, 0, 0, 0]), None);
    }
}
