//! Signatures of the platforms, as pure functions of what they sign; and the cipher that one of them wraps secrets in.
//! None of them covers the body, and ECB hides no pattern: they are the platforms' choice, and TLS carries them.

use aes::{
    Aes128, Aes192, Aes256,
    cipher::{Block, BlockDecrypt, KeyInit},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use data_encoding::HEXUPPER;
use ring::{digest, hmac};
use zeroize::Zeroizing;

const BLOCK: usize = 16;

/// National exchange platform: `base64(HMAC-SHA256(secret, sid ‖ rid ‖ rtime))`; `rtime` is Unix milliseconds as text.
pub(crate) fn gjgxjhpt_sign(secret: &[u8], sid: &str, rid: &str, rtime: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    STANDARD.encode(hmac::sign(&key, format!("{sid}{rid}{rtime}").as_bytes()))
}

/// Tencent TIF: upper-case hexadecimal `SHA-256(timestamp ‖ token ‖ nonce ‖ timestamp)`; seconds as text.
pub(crate) fn tif_sign(timestamp: &str, token: &str, nonce: &str) -> String {
    let text = Zeroizing::new(format!("{timestamp}{token}{nonce}{timestamp}"));
    HEXUPPER.encode(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

/// AES in ECB mode with PKCS #7 padding; the length of the key chooses AES-128, -192 or -256.
pub(crate) fn aes_ecb_decrypt(key: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut open = Zeroizing::new(sealed.to_vec());
    match key.len() {
        16 => decrypt(&Aes128::new_from_slice(key).ok()?, &mut open)?,
        24 => decrypt(&Aes192::new_from_slice(key).ok()?, &mut open)?,
        32 => decrypt(&Aes256::new_from_slice(key).ok()?, &mut open)?,
        _ => return None,
    }
    let padding = *open.last()?;
    let length = open.len().checked_sub(usize::from(padding))?;
    let padded = (1..=BLOCK).contains(&usize::from(padding)) && open.iter().skip(length).all(|byte| *byte == padding);
    if !padded {
        return None;
    }
    open.truncate(length);
    Some(open)
}

fn decrypt<C: BlockDecrypt>(cipher: &C, bytes: &mut [u8]) -> Option<()> {
    if bytes.is_empty() || !bytes.len().is_multiple_of(BLOCK) {
        return None;
    }
    for block in bytes.chunks_exact_mut(BLOCK) {
        cipher.decrypt_block(Block::<C>::from_mut_slice(block));
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use crate::source::auth::sign::*;
    use aes::cipher::BlockEncrypt;
    use data_encoding::HEXLOWER;

    fn unhex(text: &str) -> Vec<u8> {
        HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    pub(crate) fn aes_ecb_encrypt(key: &[u8; 32], open: &[u8]) -> Vec<u8> {
        let padding = BLOCK - open.len() % BLOCK;
        let mut bytes = open.to_vec();
        bytes.extend(std::iter::repeat_n(u8::try_from(padding).unwrap(), padding));
        let cipher = Aes256::new_from_slice(key).unwrap();
        for block in bytes.chunks_exact_mut(BLOCK) {
            cipher.encrypt_block(Block::<Aes256>::from_mut_slice(block));
        }
        bytes
    }

    #[test]
    fn the_worked_examples_of_both_platforms_come_out_byte_for_byte() {
        let sign = gjgxjhpt_sign(
            b"0123456789abcdef0123456789abcdef",
            "s_3402000000000_0001",
            "00000000-0000-4000-8000-000000000001",
            "1700000000000",
        );
        assert_eq!(sign, "S+bwghe/MK7F9z+G+szhOrv14tvXiBcRvyb7QK0QE+0=");
        assert_eq!(
            tif_sign("1700000000", "TESTTOKEN0123456789", "abcdef0123456789"),
            "92A95887E6BFB443FAA91BB075AA725B9E8EBF7A37C1F925FAF551DD1FC3F228"
        );
    }

    #[test]
    fn aes_in_ecb_opens_the_vectors_of_fips_197_and_nothing_that_is_broken() {
        // FIPS 197 appendix C.1 and C.3: one block each, without padding.
        let plain = unhex("00112233445566778899aabbccddeeff");
        for (key, sealed) in [
            ("000102030405060708090a0b0c0d0e0f", "69c4e0d86a7b0430d8cdb78070b4c55a"),
            (
                "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                "8ea2b7ca516745bfeafc49904b496089",
            ),
        ] {
            let (key, mut block) = (unhex(key), unhex(sealed));
            assert!(aes_ecb_decrypt(&key, &block).is_none(), "no padding in it");
            let opened = match key.len() {
                16 => decrypt(&Aes128::new_from_slice(&key).unwrap(), &mut block),
                _ => decrypt(&Aes256::new_from_slice(&key).unwrap(), &mut block),
            };
            assert!(opened.is_some());
            assert_eq!(block, plain);
        }
        let key = *b"0123456789abcdef0123456789abcdef";
        for secret in [
            "",
            "s",
            "fifteen bytes..",
            "sixteen bytes...",
            "0123456789abcdef0123456789abcdef",
        ] {
            let sealed = aes_ecb_encrypt(&key, secret.as_bytes());
            assert_eq!(aes_ecb_decrypt(&key, &sealed).unwrap().as_slice(), secret.as_bytes());
            assert!(aes_ecb_decrypt(&key, &sealed[1..]).is_none());
            assert!(aes_ecb_decrypt(&key[1..], &sealed).is_none());
        }
        assert!(aes_ecb_decrypt(&key, b"").is_none());
    }
}
