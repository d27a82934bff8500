//! What the public listener shows of itself when it speaks TLS.

use anyhow::Context;

use heyan_config::Config;

/// The certificate and key that the settings name; `None`: plain HTTP.
///
/// # Errors
/// A file cannot be read, or they do not fit.
pub(super) fn of(config: &Config) -> anyhow::Result<Option<rustls::ServerConfig>> {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let tls = &config.http.tls;
    if !tls.is_configured() {
        return Ok(None);
    }
    let chain = CertificateDer::pem_file_iter(&tls.certificate_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| {
            format!(
                "http.tls.certificate_file: cannot read certificates from {}",
                tls.certificate_file.display()
            )
        })?;
    let key = PrivateKeyDer::from_pem_file(&tls.key_file).with_context(|| {
        format!(
            "http.tls.key_file: cannot read a private key from {}",
            tls.key_file.display()
        )
    })?;
    Ok(Some(
        rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, key)?,
    ))
}
