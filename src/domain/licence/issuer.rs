//! Where a licence comes from: the body that issued it stands in its identifier, and that body's division in its credit code.
//! A division is that of the registering authority (GB 32100-2015, positions 3 to 8); it says whose register to ask, nothing of the holder.

use crate::identifier::licence::ROOT;

crate::words! {
    /// Whose register a licence is in.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum IssuerPlace {
        /// Issued in this city.
        Home = "home",
        /// Issued elsewhere.
        Away = "away",
        /// The identifier does not say.
        Unknown = "unknown",
    }
}

/// Where the licence of a canonical identifier was issued; `home` are the first digits of this city's division codes.
pub fn place_of(canonical: &str, home: &[String]) -> IssuerPlace {
    match division(canonical) {
        Some(division) if home.iter().any(|prefix| division.starts_with(prefix.as_str())) => IssuerPlace::Home,
        Some(_) if !home.is_empty() => IssuerPlace::Away,
        _ => IssuerPlace::Unknown,
    }
}

/// The six digits of the issuer's division; local data writes them in the place of the issuer.
fn division(canonical: &str) -> Option<&str> {
    let issuer = canonical.strip_prefix(ROOT)?.strip_prefix('.')?.split('.').nth(1)?;
    let division = match issuer.len() {
        18 => issuer.get(2..8)?,
        6 => issuer,
        _ => return None,
    };
    division.bytes().all(|byte| byte.is_ascii_digit()).then_some(division)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuers_division_says_whose_register_it_is() {
        let home = ["3402".to_owned()];
        for (issuer, place) in [
            ("113402000030106774", IssuerPlace::Home),
            ("11340225000000000X", IssuerPlace::Home),
            ("113401000030106774", IssuerPlace::Away),
            ("11100000000013338W", IssuerPlace::Away),
            ("340203", IssuerPlace::Home),
            ("340100", IssuerPlace::Away),
            ("ISSUER", IssuerPlace::Unknown),
            ("1134", IssuerPlace::Unknown),
        ] {
            let id = format!("{ROOT}.11100000000013338W011.{issuer}.1.001.0");
            assert_eq!(place_of(&id, &home), place, "{issuer}");
        }
        let id = format!("{ROOT}.11100000000013338W011.113402000030106774.1.001.0");
        assert_eq!(place_of(&id, &[]), IssuerPlace::Unknown);
        assert_eq!(place_of("", &home), IssuerPlace::Unknown);
    }
}
