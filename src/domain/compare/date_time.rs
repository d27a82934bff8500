//! What stands behind a day: a time, a zone, a weekday; and instants counted from 1970.
//! The zone is China's. Midnight is the day that begins, and the last second or 24时 the day that ends; any other second is more
//! than a day and stays, so that nothing is lost.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Weekday, date, time};

/// China Standard Time, UTC+8, in seconds.
const CHINA_OFFSET_S: i64 = 8 * 3600;
const DAY_S: i64 = 86_400;
/// The first second of the last minute of a day: 23:59 without seconds ends it too.
const LAST_MINUTE_S: i64 = DAY_S - 60;

/// A day, or a second of one, in China.
#[derive(Clone, Copy)]
pub(super) enum ChinaTime {
    Day(Date),
    Moment(DateTime),
}

/// A day and what stands behind it as a time; nothing when the text has no time.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    let at = text.find(['T', ' ']).or_else(|| {
        let day = text.find(['日', '号'])?;
        Some(day + '日'.len_utf8())
    })?;
    let (day, time) = text.split_at(at);
    let time = time.trim_start_matches(['T', ' ']);
    (!time.is_empty()).then_some((day, time))
}

/// The day or the second in China of a time on `day`: HH:MM:SS with a zone or without, 23时59分59秒, 24时.
pub(super) fn on(day: Date, text: &str) -> Option<ChinaTime> {
    let (clock, offset_s) = zone(text)?;
    let (clock, noon) = match () {
        () if clock.starts_with("上午") || clock.ends_with("AM") => (clock, Some(false)),
        () if clock.starts_with("下午") || clock.ends_with("PM") => (clock, Some(true)),
        () => (clock, None),
    };
    let clock = clock
        .trim_start_matches(['上', '下', '午', ' '])
        .trim_end_matches(['A', 'P', 'M', ' ']);
    let mut numbers = [0_i64; 3];
    let mut count = 0;
    for part in clock
        .split([':', '时', '点', '分', '秒'])
        .filter(|part| !part.is_empty())
    {
        let whole = part.split_once('.').map_or(part, |(whole, _)| whole);
        if whole.len() > 2 || !part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return None;
        }
        *numbers.get_mut(count)? = whole.parse().ok()?;
        count += 1;
    }
    let [hour, minute, second] = numbers;
    let hour = match noon {
        None => hour,
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(afternoon) => hour % 12 + if afternoon { 12 } else { 0 },
    };
    match offset_s {
        _ if count == 0 => None,
        None => at(day, hour, minute, second),
        Some(offset_s) => {
            let since_1970 = date(1970, 1, 1).until(day).ok()?.get_days();
            let clock = seconds(hour, minute, second)?;
            of_seconds(i64::from(since_1970) * DAY_S + clock - offset_s)
        }
    }
}

/// A time and the offset of its zone in seconds, if it names one.
fn zone(text: &str) -> Option<(&str, Option<i64>)> {
    if let Some(clock) = text.strip_suffix('Z') {
        return Some((clock, Some(0)));
    }
    let Some(at) = text.rfind(['+', '-']) else {
        return Some((text, None));
    };
    let (clock, offset) = text.split_at(at);
    let digits: String = offset.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = (
        digits.get(..2)?.parse::<i64>().ok()?,
        digits.get(2..).unwrap_or_default(),
    );
    let minutes = if minutes.is_empty() {
        0
    } else {
        minutes.parse::<i64>().ok()?
    };
    let seconds = hours * 3600 + minutes * 60;
    (seconds <= 14 * 3600).then_some((clock, Some(if offset.starts_with('-') { -seconds } else { seconds })))
}

fn seconds(hour: i64, minute: i64, second: i64) -> Option<i64> {
    let sound = (0..=59).contains(&minute) && (0..=59).contains(&second);
    let seconds = hour * 3600 + minute * 60 + second;
    (sound && (0..=DAY_S).contains(&seconds)).then_some(seconds)
}

/// A time of a day in China.
pub(super) fn at(day: Date, hour: i64, minute: i64, second: i64) -> Option<ChinaTime> {
    match seconds(hour, minute, second)? {
        0 | DAY_S => Some(ChinaTime::Day(day)),
        LAST_MINUTE_S => Some(ChinaTime::Day(day)),
        last if last == DAY_S - 1 => Some(ChinaTime::Day(day)),
        _ => {
            let (hour, minute, second) = (i8::try_from(hour), i8::try_from(minute), i8::try_from(second));
            let time = time(hour.ok()?, minute.ok()?, second.ok()?, 0);
            Some(ChinaTime::Moment(day.to_datetime(time)))
        }
    }
}

/// Seconds (up to 10 digits) or milliseconds since 1970.
///
/// Registers write the local midnight; other lengths than 10 and 13 are read only when they are one.
pub(super) fn epoch(text: &str, sign: i64) -> Option<ChinaTime> {
    let number = text.parse::<i64>().ok()?.checked_mul(sign)?;
    let seconds = match text.len() {
        ..=10 => number,
        11..=13 => number.div_euclid(1000),
        _ => return None,
    };
    let local = of_seconds(seconds)?;
    (matches!(local, ChinaTime::Day(_)) || matches!(text.len(), 10 | 13)).then_some(local)
}

/// Seconds since 1970 as a day in China, or a second of one.
fn of_seconds(seconds: i64) -> Option<ChinaTime> {
    let local = seconds.checked_add(CHINA_OFFSET_S)?;
    let (days, clock) = (local.div_euclid(DAY_S), local.rem_euclid(DAY_S));
    let day = |days: i64| date(1970, 1, 1).checked_add(i32::try_from(days).ok()?.days()).ok();
    let this = day(days)?;
    // Summer time: the midnight of a summer's day in these years was 23:00 of the day before in standard time.
    if clock == DAY_S - 3600 && matches!(this.year(), 1940..=1949 | 1986..=1991) {
        return day(days + 1).map(ChinaTime::Day);
    }
    // The midnight of UTC, where it is the same day: a date that was taken for an instant.
    if clock == CHINA_OFFSET_S {
        return Some(ChinaTime::Day(this));
    }
    at(this, clock / 3600, clock / 60 % 60, clock % 60)
}

/// The text without a weekday at its end, and which one it is.
pub(super) fn without_weekday(text: &str) -> (&str, Option<Weekday>) {
    let bare = text.trim_end_matches([')', ' ']);
    let mut from_end = bare.char_indices().rev();
    let Some((at, last)) = from_end.next() else {
        return (text, None);
    };
    let weekday = match last {
        '一' => Weekday::Monday,
        '二' => Weekday::Tuesday,
        '三' => Weekday::Wednesday,
        '四' => Weekday::Thursday,
        '五' => Weekday::Friday,
        '六' => Weekday::Saturday,
        '日' | '天' => Weekday::Sunday,
        _ => return (text, None),
    };
    let head = bare.get(..at).unwrap_or_default();
    let named = ["星期", "礼拜", "周"].iter().find_map(|word| head.strip_suffix(word));
    match named {
        Some(day) => (day.trim_end_matches(['(', ' ', ',']), Some(weekday)),
        None => (text, None),
    }
}
