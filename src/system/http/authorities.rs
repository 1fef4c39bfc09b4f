//! The certificates of authorities beside the operating system's: `ca_bundle`.

use std::fs;

use reqwest::Certificate;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::failure::{Flaw, HttpError};
use super::network::{Authorities, Network};
use crate::domain::{Hint, autocom, printable, quoted};

/// Those of a bundle that can be used, and what is wrong with it.
#[derive(Default)]
pub(super) struct Bundle {
    pub certificates: Vec<Certificate>,
    pub flaw: Option<Flaw>,
}

impl Bundle {
    /// # Errors
    /// Of a bundle without any certificate that can be used.
    pub(super) fn read(authorities: &Authorities) -> Result<Bundle, HttpError> {
        let bytes = fs::read(&authorities.path)
            .map_err(|error| unusable(authorities, &format!("cannot be read: {error}"), None))?;
        let convert = |from: &str| {
            let mut pem = authorities.path.with_extension("pem");
            if pem.exists() {
                pem.set_extension("converted.pem");
            }
            let (path, quoted_pem) = (quoted(&authorities.path), quoted(&pem));
            autocom("config set ca_bundle")
                .value(pem.display())
                .after(format!("{from} {path} > {quoted_pem}; "))
        };
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Err(unusable(
                authorities,
                "is UTF-16 text, not PEM",
                Some(convert("iconv -f UTF-16 -t UTF-8")),
            ));
        }
        // A sequence, whose length follows in more than one byte.
        if bytes.first() == Some(&0x30) && bytes.get(1).is_some_and(|length| length & 0x80 != 0) {
            return Err(unusable(
                authorities,
                "is DER, not PEM",
                Some(convert("openssl x509 -inform der -in")),
            ));
        }
        let mut bundle = Bundle::default();
        for (at, der) in CertificateDer::pem_slice_iter(&bytes).enumerate() {
            let is_sound =
                |der: &CertificateDer<'_>| RootCertStore::empty().add(der.clone().into_owned()).is_ok();
            let certificate = der.ok().filter(is_sound).and_then(|der| Certificate::from_der(&der).ok());
            match certificate {
                Some(certificate) => bundle.certificates.push(certificate),
                None if bundle.flaw.is_none() => {
                    let path = printable(&authorities.path.display().to_string(), 300);
                    bundle.flaw = Some(Flaw {
                        what: format!(
                            "certificate {} of the `ca_bundle` {path} is invalid and not used",
                            at + 1
                        ),
                        hint: format!("replace certificate {} of {}", at + 1, quoted(&authorities.path))
                            .into(),
                    });
                }
                None => {}
            }
        }
        match (bundle.certificates.is_empty(), &bundle.flaw) {
            (false, _) => Ok(bundle),
            (true, None) => Err(unusable(authorities, "contains no PEM certificate", None)),
            (true, Some(_)) => Err(unusable(authorities, "contains no valid certificate", None)),
        }
    }
}

/// `SSL_CERT_FILE` that names no file: then the operating system's authorities are not known.
pub(super) fn missing_system_bundle(network: &Network) -> Option<Flaw> {
    let path = network.ssl_cert_file.as_ref().filter(|path| !path.is_file())?;
    let shown = printable(&path.display().to_string(), 300);
    Some(Flaw {
        what: format!("SSL_CERT_FILE names {shown}, which is not a file"),
        hint: "unset SSL_CERT_FILE, or set it to a PEM file".into(),
    })
}

fn unusable(Authorities { path, origin }: &Authorities, why: &str, hint: Option<Hint>) -> HttpError {
    let path = printable(&path.display().to_string(), 300);
    HttpError::Misconfigured { message: format!("the `ca_bundle` {path} {why} (from {origin})"), hint }
}
