//! From a signer's certificate to a configured root (RFC 5280 §6.1): names, signatures, validity, CA flag, key usage, path length.
//! What is not understood is not trusted: an unknown critical extension, name constraints and other algorithms end the path.
//! Revocation is not looked at: the hub asks nobody while it answers.

use x509_cert::{
    der::{Encode, asn1::ObjectIdentifier},
    ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage},
};

use super::{Certificate, SignatureCheck, SignatureProvider, verify};

/// Longest path, certificates.
const PATH_MAX: usize = 6;

heyan_domain::words! {
    /// Why a signer is not trusted, or that it is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum SignerTrust {
        /// A root stands behind the signer.
        Trusted = "trusted",
        /// No roots are configured.
        NoRoots = "no_roots",
        /// No path leads to a root.
        Untrusted = "untrusted",
        /// A certificate of the path is not valid yet.
        NotYetValid = "not_yet_valid",
        /// A certificate of the path is no longer valid.
        Expired = "expired",
        /// The signer's key is not for signatures, or a certificate of the path is of no authority.
        WrongUsage = "wrong_usage",
        /// A certificate of the path cannot be understood.
        Unsupported = "unsupported",
    }
}

/// Whether one of `roots` stands behind the first certificate of `chain` at `now_s`, Unix seconds. The others may be missing, more than
/// needed, and in any order.
pub fn trust(
    provider: &dyn SignatureProvider,
    roots: &[Certificate],
    chain: &[Certificate],
    now_s: i64,
) -> SignerTrust {
    let Some((signer, above)) = chain.split_first() else {
        return SignerTrust::Untrusted;
    };
    if roots.is_empty() {
        return SignerTrust::NoRoots;
    }
    let walked = usable(signer, now_s).and_then(|()| signs(signer)).and_then(|()| {
        let (mut current, mut authorities_below) = (signer, 0);
        for _ in 0..PATH_MAX {
            if roots.iter().any(|root| root.is_same(current)) {
                return Ok(());
            }
            let issuer = issuer_of(provider, current, roots.iter().chain(above)).ok_or(SignerTrust::Untrusted)?;
            usable(issuer, now_s)?;
            issues(issuer, authorities_below)?;
            authorities_below += 1;
            current = issuer;
        }
        Err(SignerTrust::Untrusted)
    });
    walked.err().unwrap_or(SignerTrust::Trusted)
}

/// The certificate among `candidates` whose name and key made `certificate`; roots come first.
fn issuer_of<'c>(
    provider: &dyn SignatureProvider,
    certificate: &Certificate,
    mut candidates: impl Iterator<Item = &'c Certificate>,
) -> Option<&'c Certificate> {
    let wanted = certificate.inner.tbs_certificate.issuer.to_der().ok()?;
    let algorithm = certificate.signed_with()?;
    let signature = certificate.inner.signature.as_bytes()?;
    candidates.find(|candidate| {
        let named = candidate.inner.tbs_certificate.subject.to_der();
        let key = candidate.key().filter(|key| key.algorithm == algorithm);
        let made = |key| verify(provider, &key, &certificate.signed, signature) == Ok(SignatureCheck::Valid);
        named.is_ok_and(|name| name == wanted) && key.is_some_and(made)
    })
}

/// Extensions that are understood, or that change nothing here: subject and authority key ids, alternative names, policies.
const KNOWN: [&str; 7] = [
    "2.5.29.14",
    "2.5.29.15",
    "2.5.29.17",
    "2.5.29.19",
    "2.5.29.32",
    "2.5.29.35",
    "2.5.29.37",
];

/// Whether a certificate holds at `now_s`, and nothing critical in it is beyond us.
fn usable(certificate: &Certificate, now_s: i64) -> Result<(), SignerTrust> {
    let parts = &certificate.inner.tbs_certificate;
    let seconds = |time: x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    if now_s < seconds(parts.validity.not_before) {
        return Err(SignerTrust::NotYetValid);
    }
    if now_s > seconds(parts.validity.not_after) {
        return Err(SignerTrust::Expired);
    }
    let known = |id: &ObjectIdentifier| KNOWN.iter().any(|known| id.to_string() == *known);
    let mut extensions = parts.extensions.iter().flatten();
    match extensions.any(|extension| extension.critical && !known(&extension.extn_id)) {
        true => Err(SignerTrust::Unsupported),
        false => Ok(()),
    }
}

/// Purposes of a key that a signature over a document fits: any, protection of mail, signing of documents (RFC 9336).
const SIGNING_PURPOSES: [&str; 3] = ["2.5.29.37.0", "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36"];

/// Whether a signer's key is for signatures.
fn signs(certificate: &Certificate) -> Result<(), SignerTrust> {
    let parts = &certificate.inner.tbs_certificate;
    let usage = parts.get::<KeyUsage>().map_err(|_| SignerTrust::Unsupported)?;
    if usage.is_some_and(|(_, usage)| !usage.digital_signature() && !usage.non_repudiation()) {
        return Err(SignerTrust::WrongUsage);
    }
    let purposes = parts.get::<ExtendedKeyUsage>().map_err(|_| SignerTrust::Unsupported)?;
    let fits = |id: &ObjectIdentifier| SIGNING_PURPOSES.iter().any(|fit| id.to_string() == *fit);
    match purposes {
        Some((true, purposes)) if !purposes.0.iter().any(fits) => Err(SignerTrust::WrongUsage),
        _ => Ok(()),
    }
}

/// Whether a certificate is of an authority that may stand above so many other authorities.
fn issues(certificate: &Certificate, authorities_below: usize) -> Result<(), SignerTrust> {
    let parts = &certificate.inner.tbs_certificate;
    let constraints = parts.get::<BasicConstraints>().map_err(|_| SignerTrust::Unsupported)?;
    let Some((_, constraints)) = constraints.filter(|(_, constraints)| constraints.ca) else {
        return Err(SignerTrust::WrongUsage);
    };
    let too_long = constraints
        .path_len_constraint
        .is_some_and(|length| authorities_below > usize::from(length));
    let usage = parts.get::<KeyUsage>().map_err(|_| SignerTrust::Unsupported)?;
    let signs_certificates = usage.is_none_or(|(_, usage)| usage.key_cert_sign());
    match too_long || !signs_certificates {
        true => Err(SignerTrust::WrongUsage),
        false => Ok(()),
    }
}
