//! Detached signatures over a licence's file, made by `openssl`, and the same altered.

use std::{path::Path, process::Command};

use crate::{
    common::TestHub,
    licence_kit::{FILE, fields, licence_id, put, question, verify},
};

/// What `openssl` says to a line of words, in a folder.
fn openssl(folder: &Path, line: &str) {
    let output = Command::new("openssl")
        .args(line.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "openssl {line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn has_openssl() -> bool {
    let version = Command::new("openssl").arg("version").output();
    version.is_ok_and(|output| output.stdout.starts_with(b"OpenSSL 3"))
}

const SM2_ID: &str = "distid:1234567812345678";

/// Kind of key, how `openssl` makes one, how it signs with it, and how the hub calls that.
fn kinds() -> Vec<(&'static str, &'static str, String, &'static str)> {
    let mut kinds = vec![
        ("ed25519", "-algorithm ED25519", String::new(), "ed25519"),
        (
            "rsa",
            "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
            "-sha256".to_owned(),
            "rsa-pkcs1-sha256",
        ),
        (
            "p256",
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
            "-sha256".to_owned(),
            "ecdsa-p256-sha256",
        ),
        ("sm2", "-algorithm SM2", format!("-sm3 -sigopt {SM2_ID}"), "sm2-sm3"),
    ];
    if !cfg!(feature = "gm") {
        kinds.pop();
    }
    kinds
}

/// For each kind of key a certificate and the signatures over the file and over its SHA-256. All but the RSA one are roots.
fn sign_all(at: &Path) {
    std::fs::create_dir(at.join("roots")).unwrap();
    std::fs::write(at.join("file"), FILE).unwrap();
    std::fs::write(at.join("digest"), heyan::auth::sha256(FILE)).unwrap();
    for (kind, options, hash, _) in &kinds() {
        openssl(at, &format!("genpkey {options} -out {kind}.key"));
        let certificate = format!("{kind}.pem");
        openssl(
            at,
            &format!("req -x509 -new -key {kind}.key -subj /CN={kind} -days 30 {hash} -out {certificate}"),
        );
        if *kind != "rsa" {
            std::fs::copy(at.join(&certificate), at.join("roots").join(&certificate)).unwrap();
        }
        for message in ["file", "digest"] {
            match *kind {
                "ed25519" => openssl(
                    at,
                    &format!("pkeyutl -sign -inkey {kind}.key -rawin -in {message} -out {kind}.{message}"),
                ),
                _ => openssl(
                    at,
                    &format!("dgst {hash} -sign {kind}.key -out {kind}.{message} {message}"),
                ),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_of_openssl_are_accepted_and_altered_ones_are_not() {
    if !has_openssl() {
        println!("no OpenSSL 3 here: nothing was tested");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    sign_all(at);
    let roots = at.join("roots");
    let hub = TestHub::start_with(|config| config.licences.roots_dir = roots).await;
    hub.add_parties().await;
    let id = licence_id("7000000001", "001");
    put(&hub, &id, &fields()).await;
    for (kind, _, _, algorithm) in &kinds() {
        let read = |name: &str| std::fs::read(at.join(format!("{kind}.{name}"))).unwrap();
        let (certificate, over_file, over_digest) = (read("pem"), read("file"), read("digest"));
        let mut altered = over_file.clone();
        *altered.last_mut().unwrap() ^= 1;
        for (signature, over, file, verdict) in [
            (&over_file, "file", FILE, "valid"),
            (&over_digest, "sha256", FILE, "valid"),
            (&over_digest, "file", FILE, "invalid"),
            (&over_file, "sha256", FILE, "invalid"),
            (&over_digest, "sm3", FILE, "invalid"),
            (&altered, "file", FILE, "invalid"),
            (&over_file, "file", &b"another file"[..], "invalid"),
        ] {
            let mut asked = question(&id);
            asked["signature_over"] = over.into();
            let parts = [
                ("signature", signature.as_slice()),
                ("certificate", certificate.as_slice()),
            ];
            let (status, answer) = verify(&hub, "agency", &asked, &parts, file).await;
            // A number of RSA that is not below the modulus is no signature at all.
            if status == 422 {
                assert_eq!(answer["errors"][0]["pointer"], "#/signature", "{answer}");
                assert_eq!(verdict, "invalid");
                continue;
            }
            assert_eq!(status, 200, "{kind}: {answer}");
            let told = &answer["signature"];
            assert_eq!(told["verdict"], verdict, "{kind} over {over}: {answer}");
            assert_eq!(told["algorithm"], *algorithm);
            let trust = if *kind == "rsa" { "untrusted" } else { "trusted" };
            assert_eq!(told["certificate"]["trust"], trust, "{kind}: {answer}");
        }
    }
    hub.stop().await;
}
