//! The two languages of the hub's texts and how a request chooses one of them.
//! Nothing asked, or nothing that we speak, means zh-CN; only an explicit wish gives English.

/// Language of texts for people. Codes and member names are never translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Locale {
    /// Simplified Chinese, the default.
    #[default]
    ZhCn,
    /// English.
    En,
}

/// Most language ranges of one header that are looked at.
const RANGES_MAX: usize = 32;

impl Locale {
    /// Both, the default first.
    pub const ALL: [Self; 2] = [Self::ZhCn, Self::En];

    /// Chooses by an `Accept-Language` value (RFC 9110 §12.5.4). Quality first, then order; every `zh-*` counts
    /// as Chinese and every `en-*` as English; ranges that cannot be read are passed over.
    pub fn negotiate(accept_language: Option<&str>) -> Self {
        let Some(header) = accept_language else {
            return Self::default();
        };
        let mut zh = LocaleWish::default();
        let mut en = LocaleWish::default();
        let mut any = LocaleWish::default();
        for (position, item) in header.split(',').take(RANGES_MAX).enumerate() {
            let Some((range, quality)) = parse_range(item) else {
                continue;
            };
            match primary_subtag(range).as_str() {
                "zh" => zh.add(quality, position),
                "en" => en.add(quality, position),
                "*" => any.add(quality, position),
                _ => {}
            }
        }
        if zh.rank_or(&any) >= en.rank_or(&any) {
            Self::ZhCn
        } else {
            Self::En
        }
    }

    /// Chooses by a `?lang=` value, such as `en`, `zh` or `zh-CN`; anything else is no wish.
    pub fn from_query(lang: &str) -> Option<Self> {
        match primary_subtag(lang.trim()).as_str() {
            "zh" => Some(Self::ZhCn),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// BCP 47 tag for `lang=` and `Content-Language`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::ZhCn => "zh-CN",
            Self::En => "en",
        }
    }

    /// The language's own name for itself.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::ZhCn => "中文",
            Self::En => "English",
        }
    }

    /// The language that this one is not.
    pub const fn other(self) -> Self {
        match self {
            Self::ZhCn => Self::En,
            Self::En => Self::ZhCn,
        }
    }
}

/// Best quality (thousandths) asked for one language, and where it stood in the header.
#[derive(Default)]
struct LocaleWish(Option<(u16, usize)>);

impl LocaleWish {
    fn add(&mut self, quality: u16, position: usize) {
        if self.0.is_none_or(|(best, _)| quality > best) {
            self.0 = Some((quality, position));
        }
    }

    /// Sort key, greatest wins: quality, then the earlier place. A language that is not named but falls under
    /// `*` comes after a named one of the same quality. Not wanted at all is the same as quality 0.
    fn rank_or(&self, any: &Self) -> (u16, std::cmp::Reverse<usize>) {
        let (quality, position) = match (self.0, any.0) {
            (Some(own), _) => own,
            (None, Some((quality, _))) => (quality, usize::MAX),
            (None, None) => return (0, std::cmp::Reverse(usize::MAX)),
        };
        if quality == 0 {
            // An explicit refusal (q=0) gives way to the language that nobody spoke of.
            return (0, std::cmp::Reverse(usize::MAX));
        }
        (quality, std::cmp::Reverse(position))
    }
}

fn parse_range(item: &str) -> Option<(&str, u16)> {
    let mut parts = item.split(';').map(str::trim);
    let range = parts.next().filter(|range| !range.is_empty())?;
    let mut quality = 1000;
    for parameter in parts {
        let (name, value) = parameter.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("q") {
            quality = parse_quality(value.trim())?;
        }
    }
    Some((range, quality))
}

/// `qvalue` of RFC 9110 §12.4.2 in thousandths.
fn parse_quality(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{fraction:0<3}").parse().ok()?;
    match (whole, thousandths) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

fn primary_subtag(range: &str) -> String {
    range.split('-').next().unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_follows_accept_language_and_defaults_to_chinese() {
        let cases = [
            (None, Locale::ZhCn),
            (Some(""), Locale::ZhCn),
            (Some("*"), Locale::ZhCn),
            (Some("fr"), Locale::ZhCn),
            (Some("en"), Locale::En),
            (Some("en-US,en;q=0.9"), Locale::En),
            (Some("EN-gb"), Locale::En),
            (Some("fr, en;q=0.3"), Locale::En),
            (Some("zh-CN,zh;q=0.9,en;q=0.8"), Locale::ZhCn),
            (Some("en;q=0.8, zh;q=0.9"), Locale::ZhCn),
            (Some("zh;q=0.5,en;q=0.501"), Locale::En),
            (Some("en, zh"), Locale::En),
            (Some("zh-TW"), Locale::ZhCn),
            (Some("zh-Hans-CN;q=0.2, *;q=0.1"), Locale::ZhCn),
            (Some("en, *"), Locale::En),
            (Some("en;q=0"), Locale::ZhCn),
            (Some("zh;q=0, en;q=0.001"), Locale::En),
            (Some("zh;q=0, *"), Locale::En),
            (Some("en;q=2, zh;q=0.1"), Locale::ZhCn),
            (Some("en;q=abc"), Locale::ZhCn),
            (Some("en ; q=1.000 , zh ; q=0.999"), Locale::En),
            (Some(";;;,,,=,q=1"), Locale::ZhCn),
        ];
        for (header, expected) in cases {
            assert_eq!(Locale::negotiate(header), expected, "{header:?}");
        }
    }

    #[test]
    fn a_query_chooses_only_a_language_that_exists() {
        assert_eq!(Locale::from_query("en"), Some(Locale::En));
        assert_eq!(Locale::from_query("zh-CN"), Some(Locale::ZhCn));
        assert_eq!(Locale::from_query("fr"), None);
        assert_eq!(Locale::from_query("<script>"), None);
    }
}
