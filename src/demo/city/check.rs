//! Check characters of the city's identifiers.
//! They are computed here, never verified: what an applicant typed is judged by `domain`.

const BASE31: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
const BASE36: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

fn value36(character: u8) -> Option<u32> {
    char::from(character).to_digit(36)
}

/// Check character of a resident number (GB 11643-1999, ISO 7064 MOD 11-2) from its 17 digits; `None`: not digits.
pub(super) fn resident(digits: &[u8; 17]) -> Option<u8> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let mut sum = 0;
    for (digit, weight) in digits.iter().zip(WEIGHTS) {
        sum += char::from(*digit).to_digit(10)? * weight;
    }
    b"10X98765432".get(sum as usize % 11).copied()
}

/// Check character of an organisation code (GB 11714-1997) from its 8 body characters.
pub(crate) fn organisation(body: &[u8; 8]) -> Option<u8> {
    const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    let mut sum = 0;
    for (character, weight) in body.iter().zip(WEIGHTS) {
        sum += value36(*character)? * weight;
    }
    // 11 - (sum mod 11): 11 is written 0 and 10 is written X.
    b"0X987654321".get(sum as usize % 11).copied()
}

/// Check character of a unified social credit code (GB 32100-2015) from its first 17 characters.
pub(super) fn credit_code(first: &[u8; 17]) -> Option<u8> {
    let (mut sum, mut weight) = (0, 1);
    for character in first {
        sum += BASE31.iter().position(|c| c == character)? * weight;
        weight = weight * 3 % 31;
    }
    BASE31.get((31 - sum % 31) % 31).copied()
}

/// Check character of a licence identifier (GB/T 36904-2018, ISO 7064 MOD 37,36) over type, issuer, serial and version
/// without dots and without the root.
pub(super) fn licence(parts: impl Iterator<Item = u8>) -> Option<u8> {
    let mut product = 36;
    for character in parts {
        let sum = (product + value36(character)?) % 36;
        product = if sum == 0 { 72 } else { 2 * sum } % 37;
    }
    BASE36.get((37 - product as usize) % 36).copied()
}

/// The 31 characters that a credit code is written in.
pub(crate) const fn credit_code_alphabet() -> &'static [u8; 31] {
    BASE31
}

#[cfg(test)]
mod tests {
    use crate::city::check::*;

    fn split<const N: usize>(code: &str) -> ([u8; N], u8) {
        let (first, last) = code.as_bytes().split_at(N);
        (first.try_into().unwrap(), last[0])
    }

    #[test]
    fn published_numbers_have_the_check_characters_that_are_computed() {
        for number in ["11010519491231002X", "440524188001010014", "932682198501010017"] {
            let (first, last) = split::<17>(number);
            assert_eq!(resident(&first), Some(last), "{number}");
        }
        for code in [
            "91110000600037341L",
            "91350100M000100Y43",
            "91440300L83341734R",
            "11100000000013338W",
            "91110108551385082Q",
        ] {
            let (first, last) = split::<17>(code);
            assert_eq!(credit_code(&first), Some(last), "{code}");
            let (body, last) = split::<8>(&code[8..17]);
            assert_eq!(organisation(&body), Some(last), "{code}");
        }
        for identifier in [
            "11100000000013338W01111430000006122244L20230000403001U",
            "11100000000013338W00911330105002500287C20250522010020",
            "11100000000013338W03211220000013544541J2430599001F",
        ] {
            let (body, last) = identifier.split_at(identifier.len() - 1);
            assert_eq!(licence(body.bytes()), last.bytes().next(), "{identifier}");
        }
    }

    #[test]
    fn a_character_outside_the_alphabet_has_no_check() {
        assert_eq!(resident(b"3402020000000000A"), None);
        assert_eq!(credit_code(b"9134020OMA0000000"), None);
        assert_eq!(organisation(b"MA00000-"), None);
    }
}
