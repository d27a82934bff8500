//! Inputs made by the `openssl` command line (3.0 or later), and the same altered. Where there is no such command, the tests say so and end.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::{chain::SignerTrust, *};

/// A folder in which `openssl` works.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, line: &str) {
        let words = line.split_whitespace();
        let output = Command::new("openssl")
            .args(words)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let why = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {line}: {why}");
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn certificates(&self, names: &[&str]) -> Vec<Certificate> {
        let text: Vec<u8> = names
            .iter()
            .flat_map(|name| self.read(&format!("{name}.pem")))
            .collect();
        Certificate::read_all(&text).unwrap()
    }

    /// A key of a kind.
    fn key(&self, name: &str, kind: &str) {
        let options = match kind {
            "ed25519" => "-algorithm ED25519",
            "rsa" => "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
            "p256" => "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
            "sm2" => "-algorithm SM2",
            other => panic!("{other}"),
        };
        self.run(&format!("genpkey {options} -out {name}.key"));
    }

    /// How a certificate is signed by a key of a kind.
    fn hash(kind: &str) -> &'static str {
        match kind {
            "sm2" => "-sm3 -sigopt distid:1234567812345678",
            "ed25519" => "",
            _ => "-sha256",
        }
    }

    /// A self-signed certificate with extensions.
    fn root(&self, name: &str, kind: &str, extensions: &str) {
        self.key(name, kind);
        self.write(&format!("{name}.ext"), extensions.as_bytes());
        let hash = Self::hash(kind);
        self.run(&format!(
            "req -new -key {name}.key -subj /CN={name} {hash} -out {name}.csr"
        ));
        let verify = if kind == "sm2" {
            "-vfyopt distid:1234567812345678"
        } else {
            ""
        };
        self.run(&format!(
            "x509 -req -in {name}.csr -signkey {name}.key -days 3650 -extfile {name}.ext {hash} {verify} -out {name}.pem"
        ));
    }

    /// A certificate that `issuer` signs.
    fn issue(&self, name: &str, kind: &str, issuer: &str, issuer_kind: &str, days: i32, extensions: &str) {
        self.key(name, kind);
        self.write(&format!("{name}.ext"), extensions.as_bytes());
        self.run(&format!(
            "req -new -key {name}.key -subj /CN={name} {} -out {name}.csr",
            Self::hash(kind)
        ));
        let verify = if kind == "sm2" {
            "-vfyopt distid:1234567812345678"
        } else {
            ""
        };
        self.run(&format!(
            "x509 -req -in {name}.csr -CA {issuer}.pem -CAkey {issuer}.key -CAcreateserial -days {days} -extfile {name}.ext {} {verify} -out {name}.pem",
            Self::hash(issuer_kind)
        ));
    }

    /// A signature by a key over a file.
    fn sign(&self, key: &str, kind: &str, file: &str) -> Vec<u8> {
        match kind {
            "ed25519" => self.run(&format!(
                "pkeyutl -sign -inkey {key}.key -rawin -in {file} -out {file}.sig"
            )),
            "sm2" => self.run(&format!(
                "dgst -sm3 -sign {key}.key -sigopt distid:1234567812345678 -out {file}.sig {file}"
            )),
            _ => self.run(&format!("dgst -sha256 -sign {key}.key -out {file}.sig {file}")),
        }
        self.read(&format!("{file}.sig"))
    }
}

fn has_openssl() -> bool {
    let version = Command::new("openssl").arg("version").output();
    let found = version.is_ok_and(|output| output.stdout.starts_with(b"OpenSSL 3"));
    if !found {
        println!("no OpenSSL 3 here: nothing was tested");
    }
    found
}

const CA: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";
const SIGNER: &str = "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature,nonRepudiation\n";

fn kinds() -> &'static [&'static str] {
    match cfg!(feature = "gm") {
        true => &["ed25519", "rsa", "p256", "sm2"],
        false => &["ed25519", "rsa", "p256"],
    }
}

#[test]
fn what_openssl_signs_is_valid_and_what_was_altered_is_not() {
    if !has_openssl() {
        return;
    }
    for kind in kinds() {
        let bench = Bench::new();
        bench.root("signer", kind, SIGNER);
        let key = bench.certificates(&["signer"])[0].key().unwrap();
        let file: Vec<u8> = (0..10_000_u32).flat_map(u32::to_le_bytes).collect();
        bench.write("file", &file);
        let signature = bench.sign("signer", kind, "file");
        let check = |message: &[u8], signature: &[u8]| {
            // In pieces of odd sizes, as a file comes.
            let mut verifier = SoftwareProvider.begin(&key, signature)?;
            message.chunks(4_099).for_each(|piece| verifier.update(piece));
            Ok::<_, SignatureFault>(verifier.finish())
        };
        assert_eq!(check(&file, &signature), Ok(SignatureCheck::Valid), "{kind}");
        for place in [0, 1, file.len() / 2, file.len() - 1] {
            let mut altered = file.clone();
            altered[place] ^= 1;
            assert_eq!(
                check(&altered, &signature),
                Ok(SignatureCheck::Invalid),
                "{kind} at {place}"
            );
        }
        assert_eq!(check(&file[1..], &signature), Ok(SignatureCheck::Invalid), "{kind}");
        assert_eq!(check(&[], &signature), Ok(SignatureCheck::Invalid), "{kind}");
        for place in 0..signature.len() {
            let mut altered = signature.clone();
            altered[place] ^= 1;
            assert_ne!(
                check(&file, &altered),
                Ok(SignatureCheck::Valid),
                "{kind}: signature at {place}"
            );
        }
        for wrong in [
            &signature[1..],
            &[],
            &[0; 64],
            &[0xff; 256],
            &[signature.clone(), vec![0]].concat(),
        ] {
            assert_ne!(check(&file, wrong), Ok(SignatureCheck::Valid), "{kind}");
        }
        // Another key, of this kind and of every other.
        for other in kinds() {
            bench.root(&format!("other-{other}"), other, SIGNER);
            let key = bench.certificates(&[&format!("other-{other}")])[0].key().unwrap();
            let made = verify(&SoftwareProvider, &key, &file, &signature);
            assert_ne!(made, Ok(SignatureCheck::Valid), "{kind} by {other}");
        }
    }
}

#[test]
fn a_chain_ends_in_a_root_or_is_not_trusted() {
    if !has_openssl() {
        return;
    }
    for kind in kinds() {
        let bench = Bench::new();
        bench.root("root", kind, CA);
        bench.issue("middle", "p256", "root", kind, 1_000, CA);
        bench.issue("signer", kind, "middle", "p256", 100, SIGNER);
        bench.issue("direct", kind, "root", kind, 100, SIGNER);
        bench.root("stranger", kind, CA);
        let now = now_s();
        let roots = bench.certificates(&["root"]);
        let check = |names: &[&str], now| chain::trust(&SoftwareProvider, &roots, &bench.certificates(names), now);
        assert_eq!(check(&["signer", "middle"], now), SignerTrust::Trusted, "{kind}");
        assert_eq!(
            check(&["signer", "stranger", "middle"], now),
            SignerTrust::Trusted,
            "{kind}"
        );
        assert_eq!(check(&["direct"], now), SignerTrust::Trusted, "{kind}");
        assert_eq!(
            check(&["signer"], now),
            SignerTrust::Untrusted,
            "{kind}: the middle is missing"
        );
        assert_eq!(
            check(&["stranger"], now),
            SignerTrust::WrongUsage,
            "{kind}: an authority signs no file"
        );
        assert_eq!(
            check(&["signer", "middle"], now - 3_600),
            SignerTrust::NotYetValid,
            "{kind}"
        );
        assert_eq!(
            check(&["signer", "middle"], now + 101 * 86_400),
            SignerTrust::Expired,
            "{kind}"
        );
        let none = chain::trust(&SoftwareProvider, &[], &bench.certificates(&["direct"]), now);
        assert_eq!(none, SignerTrust::NoRoots);
        let others = bench.certificates(&["stranger"]);
        let other = chain::trust(
            &SoftwareProvider,
            &others,
            &bench.certificates(&["signer", "middle"]),
            now,
        );
        assert_eq!(other, SignerTrust::Untrusted, "{kind}");
    }
}

#[test]
fn a_certificate_is_used_for_what_it_is_for() {
    if !has_openssl() {
        return;
    }
    let bench = Bench::new();
    bench.root(
        "root",
        "p256",
        "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n",
    );
    bench.issue("middle", "p256", "root", "p256", 100, CA);
    bench.issue("deep", "p256", "middle", "p256", 100, SIGNER);
    bench.issue("plain", "p256", "root", "p256", 100, SIGNER);
    bench.issue("under-plain", "p256", "plain", "p256", 100, SIGNER);
    for (name, extensions) in [
        ("tls", "extendedKeyUsage=critical,serverAuth\n"),
        ("mail", "extendedKeyUsage=critical,serverAuth,emailProtection\n"),
        ("cipher", "keyUsage=critical,keyEncipherment\n"),
        ("strange", "1.2.3.4=critical,ASN1:UTF8String:x\n"),
        ("bare", "subjectKeyIdentifier=hash\n"),
    ] {
        bench.issue(name, "p256", "root", "p256", 100, extensions);
    }
    let roots = bench.certificates(&["root"]);
    let check = |names: &[&str]| chain::trust(&SoftwareProvider, &roots, &bench.certificates(names), now_s());
    assert_eq!(check(&["plain"]), SignerTrust::Trusted);
    assert_eq!(check(&["bare"]), SignerTrust::Trusted);
    assert_eq!(check(&["mail"]), SignerTrust::Trusted);
    assert_eq!(check(&["deep", "middle"]), SignerTrust::WrongUsage, "path length");
    assert_eq!(
        check(&["under-plain", "plain"]),
        SignerTrust::WrongUsage,
        "no authority"
    );
    assert_eq!(check(&["tls"]), SignerTrust::WrongUsage);
    assert_eq!(check(&["cipher"]), SignerTrust::WrongUsage);
    assert_eq!(check(&["strange"]), SignerTrust::Unsupported);
    // Altered: its issuer never signed that.
    let mut der = std::fs::read(der_of(&bench, "plain")).unwrap();
    let place = der.len() / 3;
    der[place] ^= 1;
    if let Ok(altered) = Certificate::read_all(&der) {
        assert_ne!(
            chain::trust(&SoftwareProvider, &roots, &altered, now_s()),
            SignerTrust::Trusted
        );
    }
}

fn der_of(bench: &Bench, name: &str) -> impl AsRef<Path> {
    bench.run(&format!("x509 -in {name}.pem -outform DER -out {name}.der"));
    bench.path(&format!("{name}.der"))
}

fn now_s() -> i64 {
    #[allow(clippy::disallowed_methods, reason = "openssl makes certificates by the real clock")]
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i64::try_from(now.as_secs()).unwrap() + 1
}

#[test]
fn what_is_no_certificate_is_refused() {
    for bytes in [
        &b""[..],
        b"x",
        b"-----BEGIN CERTIFICATE-----",
        &[0x30, 0x03, 0x02, 0x01, 0x01],
    ] {
        assert!(Certificate::read_all(bytes).is_err());
    }
    let one = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    assert_eq!(
        Certificate::read_all(one.as_bytes()).err(),
        Some(CertificateFault::Malformed)
    );
    assert_eq!(
        Certificate::read_all(one.repeat(9).as_bytes()).err(),
        Some(CertificateFault::Count)
    );
}

#[test]
fn weak_keys_are_refused() {
    let mut small_order = [0; 32];
    small_order[0] = 1;
    assert_eq!(edwards::begin(&small_order, &[0; 64]).err(), Some(SignatureFault::Key));
    // RSA with e = 3, and with 1,024 bits.
    let rsa = |bits: usize, exponent: &[u8]| {
        let modulus = [vec![0, 0xff], vec![0x55; bits / 8 - 1]].concat();
        let integer = |bytes: &[u8]| {
            let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
            [&[0x02, 0x82][..], &length, bytes].concat()
        };
        let short = [&[0x02, u8::try_from(exponent.len()).unwrap()][..], exponent].concat();
        let body = [integer(&modulus), short].concat();
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&[0x30, 0x82][..], &length, &body].concat()
    };
    let begin = |key: &[u8], bytes: usize| rsa::begin(key, &vec![1; bytes]).err();
    assert_eq!(begin(&rsa(2_048, &[1, 0, 1]), 256), None);
    assert_eq!(begin(&rsa(2_048, &[3]), 256), Some(SignatureFault::Key));
    assert_eq!(begin(&rsa(1_024, &[1, 0, 1]), 128), Some(SignatureFault::Key));
    assert_eq!(begin(&rsa(2_048, &[1, 0, 1]), 255), Some(SignatureFault::Signature));
}

#[cfg(feature = "gm")]
#[test]
fn the_signature_of_the_standards_annex_verifies() {
    // GM/T 0003.5 annex A.
    let hex = |text: &str| -> Vec<u8> {
        let digits = text.as_bytes().chunks(2);
        digits
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    };
    let secret = sm2_secret("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8");
    let r = hex("F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3");
    let s = hex("B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA");
    let integer = |bytes: Vec<u8>| [vec![0x02, 0x21, 0x00], bytes].concat();
    let body = [integer(r), integer(s)].concat();
    let der = [vec![0x30, u8::try_from(body.len()).unwrap()], body].concat();
    let key = PublicKey {
        algorithm: SignatureAlgorithm::Sm2,
        bytes: secret.into(),
    };
    assert_eq!(
        verify(&SoftwareProvider, &key, b"message digest", &der),
        Ok(SignatureCheck::Valid)
    );
    assert_eq!(
        verify(&SoftwareProvider, &key, b"message digesT", &der),
        Ok(SignatureCheck::Invalid)
    );
}

/// The public point of a private key, uncompressed.
#[cfg(feature = "gm")]
fn sm2_secret(hex: &str) -> Vec<u8> {
    use ::sm2::{SecretKey, elliptic_curve::sec1::ToEncodedPoint};
    let bytes: Vec<u8> = (0..32)
        .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let secret = SecretKey::from_slice(&bytes).unwrap();
    secret.public_key().to_encoded_point(false).as_bytes().to_vec()
}

#[test]
fn a_signature_may_be_text() {
    assert_eq!(decode(b"AQID\n"), [1, 2, 3]);
    assert_eq!(decode(&[0x30, 0x45, 0x02]), [0x30, 0x45, 0x02]);
    assert_eq!(decode(b"AQI"), b"AQI");
}
