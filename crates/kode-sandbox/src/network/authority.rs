//! The certificate authority of one command: it vouches, inside the sandbox
//! alone, for kode's registry fetcher. Its key lives in memory, is made anew
//! for every command, and is good for the registries' names only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

use super::{HostName, registry};

/// Signs for registries' names.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    served: Mutex<HashMap<HostName, Arc<ServerConfig>>>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Authority")
    }
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// When there are no random numbers.
    pub(crate) fn new() -> Result<Self, String> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "kode registry fetcher");
        let names = registry::hosts().map(|host| GeneralSubtree::DnsName(host.to_owned()));
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: names.collect(),
            excluded_subtrees: Vec::new(),
        });
        let key = KeyPair::generate().map_err(|error| error.to_string())?;
        let issuer =
            CertifiedIssuer::self_signed(params, key).map_err(|error| error.to_string())?;
        Ok(Self { issuer, served: Mutex::default() })
    }

    /// Its certificate, for the inside's list of trusted ones.
    pub(crate) fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// What the fetcher shows to clients that ask for `host`.
    pub(crate) fn server(&self, host: &HostName) -> Result<Arc<ServerConfig>, String> {
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = served.get(host) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.sign(host)?);
        served.insert(host.clone(), Arc::clone(&config));
        Ok(config)
    }

    fn sign(&self, host: &HostName) -> Result<ServerConfig, String> {
        let text = |error: rcgen::Error| error.to_string();
        let mut params = CertificateParams::new(vec![host.to_string()]).map_err(text)?;
        params.distinguished_name.push(DnType::CommonName, host.as_str());
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(text)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(text)?;
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .map_err(|error| error.to_string())?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_registry_can_be_vouched_for() {
        let authority = Authority::new().unwrap();
        for host in registry::hosts() {
            authority.server(&HostName::parse(host).unwrap()).unwrap();
        }
    }
}
