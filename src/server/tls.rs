//! What the public listener shows of itself when it speaks TLS. The certificate can be read again while the node serves.

use std::sync::Arc;

use anyhow::Context;
use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use heyan_config::Config;

/// The certificate in force.
#[derive(Clone)]
pub(super) struct CertificateSlot(Arc<ServedCertificate>);

struct ServedCertificate(ArcSwap<CertifiedKey>);

impl std::fmt::Debug for ServedCertificate {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("ServedCertificate")
    }
}

impl ResolvesServerCert for ServedCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl CertificateSlot {
    /// How the listener speaks TLS.
    pub(super) fn server_config(&self) -> ServerConfig {
        let certificates = Arc::clone(&self.0);
        ServerConfig::builder()
            .with_no_client_auth()
            .with_cert_resolver(certificates)
    }

    /// Reads the files again; new connections see what they hold.
    ///
    /// # Errors
    /// A file cannot be read, or they do not fit: the old certificate stays.
    pub(super) fn reload(&self, config: &Config) -> anyhow::Result<()> {
        self.0.0.store(Arc::new(read(config)?));
        Ok(())
    }
}

/// The certificate and key that the settings name; `None`: plain HTTP.
///
/// # Errors
/// A file cannot be read, or they do not fit.
pub(super) fn of(config: &Config) -> anyhow::Result<Option<CertificateSlot>> {
    if !config.http.tls.is_configured() {
        return Ok(None);
    }
    let certificate = ServedCertificate(ArcSwap::from_pointee(read(config)?));
    Ok(Some(CertificateSlot(Arc::new(certificate))))
}

fn read(config: &Config) -> anyhow::Result<CertifiedKey> {
    let tls = &config.http.tls;
    let cannot_read = || {
        format!(
            "http.tls.certificate_file: cannot read certificates from {}",
            tls.certificate_file.display()
        )
    };
    let chain = CertificateDer::pem_file_iter(&tls.certificate_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(cannot_read)?;
    anyhow::ensure!(!chain.is_empty(), cannot_read());
    let key = PrivateKeyDer::from_pem_file(&tls.key_file).with_context(|| {
        format!(
            "http.tls.key_file: cannot read a private key from {}",
            tls.key_file.display()
        )
    })?;
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::from_der(chain, key, &provider)
        .context("http.tls.key_file: the key does not belong to the certificate of http.tls.certificate_file")
}
