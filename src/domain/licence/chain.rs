//! Versions of one licence: 延续, 变更 and 转入 make a new one, and the older one is replaced from the day on which the newer begins.
//! The newer is found in two ways: by the identifier, whose version counts up (GB/T 36904-2018), and by the identifier that it names as
//! the one before it.

use jiff::civil::Date;

use super::{LicenceStanding, status::VersionOperation, validity::ValidityBound};
use crate::identifier::licence::{ROOT, check_character};

/// What is known of a version that may stand in the place of another.
#[derive(Clone, Copy, Debug)]
pub struct SuccessorVersion {
    /// The day from which it holds.
    pub begins: ValidityBound,
    /// What its register says of it.
    pub register: Option<LicenceStanding>,
    /// What was done to make it.
    pub operation: Option<VersionOperation>,
}

/// The identifier of the next version: the same type, issuer and serial, the version one higher, its own check character.
///
/// `None` when the version is no number of three digits, or the last one.
pub fn next_version(canonical: &str) -> Option<String> {
    let rest = canonical.strip_prefix(ROOT)?.strip_prefix('.')?;
    let mut parts = rest.split('.');
    let (kind, issuer, serial, version) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if version.len() != 3 || !version.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let next = version
        .parse::<u16>()
        .ok()?
        .checked_add(1)
        .filter(|next| *next <= 999)?;
    let next = format!("{next:03}");
    let check = check_character(kind, issuer, serial, &next)?;
    Some(format!("{ROOT}.{kind}.{issuer}.{serial}.{next}.{check}"))
}

/// Whether one of `successors` replaces an older version on the day `on`.
///
/// A successor that was revoked replaces nothing. Neither does one that only notes what became of the older version (暂扣, 注销 …).
pub fn is_replaced(successors: &[SuccessorVersion], on: Date) -> bool {
    successors.iter().any(|successor| {
        let takes_over = !matches!(
            successor.operation,
            Some(
                VersionOperation::Suspend
                    | VersionOperation::Expire
                    | VersionOperation::Cancel
                    | VersionOperation::Restore
            )
        );
        takes_over && successor.register != Some(LicenceStanding::Revoked) && successor.begins.has_begun(on)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identifier::licence;

    #[test]
    fn the_next_version_has_its_own_check_character() {
        let first = "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U";
        let next = next_version(first).unwrap();
        assert!(next.contains(".20230000403.002."));
        assert!(licence::parse(&next).is_ok_and(|id| id.canonical == next && id.findings.is_empty()));
        assert!(next_version(&first.replace(".001.", ".999.")).is_none());
        assert!(next_version(&first.replace(".001.", ".V01.")).is_none());
        assert!(next_version("1.2.3").is_none());
        assert!(next_version(&next).unwrap().contains(".003."));
    }

    #[test]
    fn a_newer_version_takes_over_on_the_day_on_which_it_begins() {
        let on = jiff::civil::date(2024, 5, 1);
        let newer = |begins: &str, word: Option<LicenceStanding>, operation| SuccessorVersion {
            begins: ValidityBound::first(Some(begins)),
            register: word,
            operation,
        };
        let valid = Some(LicenceStanding::Valid);
        let renewed = Some(VersionOperation::Renew);
        for (successor, replaced) in [
            (newer("2024-05-01", valid, renewed), true),
            (newer("2024-05-02", valid, renewed), false),
            (newer("2024-04-30", valid, Some(VersionOperation::Change)), true),
            (newer("2024-04-30", valid, Some(VersionOperation::Transfer)), true),
            (newer("2024-04-30", valid, None), true),
            (newer("", None, None), true),
            (newer("2024-04-30", Some(LicenceStanding::Revoked), renewed), false),
            (newer("2024-04-30", Some(LicenceStanding::Cancelled), renewed), true),
            (
                newer(
                    "2024-04-30",
                    Some(LicenceStanding::Suspended),
                    Some(VersionOperation::Suspend),
                ),
                false,
            ),
        ] {
            assert_eq!(is_replaced(&[successor], on), replaced, "{successor:?}");
        }
        assert!(!is_replaced(&[], on));
    }
}
