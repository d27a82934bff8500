//! TLS to a server with a certificate of a private authority (`tests/tls`, made for these tests alone, good for 100 years).

use std::io::{Read, Write};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use crate::push::tests::*;

const AUTHORITY: &[u8] = include_bytes!("../../../../tests/tls/ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("../../../../tests/tls/server.pem");
const PRIVATE_KEY: &[u8] = include_bytes!("../../../../tests/tls/server.key");

/// Answers each connection over TLS as `good.example`, one after the other.
fn serve() -> SocketAddr {
    let chain = CertificateDer::pem_slice_iter(CERTIFICATE)
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_slice(PRIVATE_KEY).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind((GOOD, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut both = rustls::Stream::new(&mut tls, &mut stream);
            // A client that does not trust the certificate hangs up here.
            if both.read(&mut [0; 4096]).is_ok() {
                let _ = both.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        }
    });
    address
}

fn with_roots(port: u16, roots: &[u8]) -> Result<WebhookPush, PushError> {
    let lookup = Scripted::default();
    lookup.set("good.example", &[Some(&[GOOD])]);
    lookup.set("other.example", &[Some(&[GOOD])]);
    let config = PushConfig {
        extra_roots_pem: roots.to_vec(),
        ..config(&lists(&[port]))
    };
    WebhookPush::with_lookup(config, Arc::new(lookup))
}

#[tokio::test]
async fn a_private_authority_is_trusted_where_it_is_configured_and_for_its_name_alone() {
    let port = serve().port();
    let url = |host: &str| format!("https://{host}:{port}/hook");
    let trusting = with_roots(port, AUTHORITY).unwrap();
    let confirmed = AttemptOutcome::Confirmed { status: 200 };
    assert_eq!(send(&trusting, &url("good.example")).await, confirmed);
    assert_eq!(
        send(&trusting, &url("other.example")).await,
        no_answer(AttemptFailure::Tls)
    );
    assert_eq!(send(&trusting, &url(GOOD)).await, no_answer(AttemptFailure::Tls));
    let strange = with_roots(port, &[]).unwrap();
    assert_eq!(
        send(&strange, &url("good.example")).await,
        no_answer(AttemptFailure::Tls)
    );
    assert_eq!(send(&trusting, &url("good.example")).await, confirmed);
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_a_tls_failure_and_a_silent_one_no_connection() {
    let plain = Server::with(listen().await, |mut stream| async move {
        stream.read_buf(&mut Vec::new()).await?;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await
    });
    let push = with_roots(plain.address.port(), AUTHORITY).unwrap();
    let attempted = send(&push, &format!("https://good.example:{}/", plain.address.port())).await;
    assert_eq!(attempted, no_answer(AttemptFailure::Tls));

    let silent = Server::with(listen().await, |mut stream| async move {
        while stream.read_buf(&mut Vec::new()).await? > 0 {}
        Ok(())
    });
    let push = with_roots(silent.address.port(), AUTHORITY).unwrap();
    let attempted = send(&push, &format!("https://good.example:{}/", silent.address.port())).await;
    assert_eq!(attempted, no_answer(AttemptFailure::Connect));
}

#[test]
fn a_file_without_a_certificate_is_refused() {
    for pem in [
        &b"no certificate"[..],
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        PRIVATE_KEY,
    ] {
        assert!(matches!(with_roots(443, pem), Err(PushError(GuardError::Roots))));
    }
    assert!(WebhookPush::new(config(&TargetLists::default())).is_ok());
}

/// Tells the children that the last test starts what to expect.
const EXPECTED: &str = "HEYAN_TEST_PUSH_EXPECTED";

#[tokio::test]
async fn the_systems_authorities_decide_when_no_others_are_configured() {
    let address = serve();
    let expected = match std::env::var(EXPECTED).as_deref() {
        Ok("confirmed") => AttemptOutcome::Confirmed { status: 200 },
        // No system knows the authority of these tests.
        _ => no_answer(AttemptFailure::Tls),
    };
    let lookup = Scripted::default();
    lookup.set("good.example", &[Some(&[GOOD])]);
    let config = PushConfig {
        system_roots: SystemRoots::Trusted,
        ..config(&lists(&[address.port()]))
    };
    let push = WebhookPush::with_lookup(config, Arc::new(lookup)).unwrap();
    let attempted = send(&push, &format!("https://good.example:{}/", address.port())).await;
    assert_eq!(attempted, expected);
}

#[test]
fn a_system_with_other_authorities_or_none_is_taken_at_its_word() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tls");
    for (file, expected) in [("ca.pem", "confirmed"), ("server.key", "refused")] {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let test = "push::tests::tls::the_systems_authorities_decide_when_no_others_are_configured";
        let child = child.args(["--exact", test]).env_remove("SSL_CERT_DIR");
        let output = child
            .env("SSL_CERT_FILE", root.join(file))
            .env(EXPECTED, expected)
            .output();
        let output = output.unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && shown.contains("1 passed"), "{file}: {shown}");
    }
}
