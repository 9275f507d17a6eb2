//! The list of trusted certificates as Java reads it: a PKCS #12 store
//! (RFC 7292) of certificates alone, neither encrypted nor signed, since nothing
//! in it is secret. Java counts a certificate only with the attribute that its
//! `keytool` writes.

use rustls::pki_types::{CertificateDer, pem::PemObject as _};

/// Certificates in one store.
const CERTIFICATES_MAX: usize = 4096;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const BMP_TEXT: u8 = 0x1e;
/// `[0]`, explicit.
const TAGGED: u8 = 0xa0;
/// `INTEGER 3`, the version.
const VERSION: &[u8] = &[0x02, 0x01, 0x03];

/// Object identifiers, in the names of the standard: 1.2.840.113549.1.7.1,
/// 1.2.840.113549.1.12.10.1.3, 1.2.840.113549.1.9.22.1 and 1.2.840.113549.1.9.20.
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const CERTIFICATE_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x03];
const X509_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01];
const FRIENDLY_NAME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x14];
/// Oracle's `trustedKeyUsage`, 2.16.840.1.113894.746875.1.1, and the usage "any",
/// 2.5.29.37.0.
const TRUSTED_KEY_USAGE: &[u8] =
    &[0x60, 0x86, 0x48, 0x01, 0x86, 0xf9, 0x66, 0xad, 0xca, 0x7b, 0x01, 0x01];
const ANY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];

/// The store of a PEM list; what is no certificate in it is left out.
pub(crate) fn pkcs12(list: &str) -> Vec<u8> {
    let certificates = CertificateDer::pem_slice_iter(list.as_bytes()).filter_map(Result::ok);
    let bags: Vec<u8> = certificates
        .take(CERTIFICATES_MAX)
        .enumerate()
        .flat_map(|(number, certificate)| bag(number, &certificate))
        .collect();
    let contents = element(SEQUENCE, &[&data(&element(SEQUENCE, &[&bags]))]);
    element(SEQUENCE, &[VERSION, &data(&contents)])
}

/// One certificate with its name in the store.
fn bag(number: usize, certificate: &[u8]) -> Vec<u8> {
    let held = element(TAGGED, &[&element(OCTETS, &[certificate])]);
    let certificate = element(SEQUENCE, &[&object(X509_CERTIFICATE), &held]);
    let name: Vec<u8> =
        format!("trusted {number}").encode_utf16().flat_map(u16::to_be_bytes).collect();
    let attributes = element(
        SET,
        &[
            &attribute(FRIENDLY_NAME, &element(BMP_TEXT, &[&name])),
            &attribute(TRUSTED_KEY_USAGE, &object(ANY_USAGE)),
        ],
    );
    let certificate = element(TAGGED, &[&certificate]);
    element(SEQUENCE, &[&object(CERTIFICATE_BAG), &certificate, &attributes])
}

fn attribute(kind: &[u8], value: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[&object(kind), &element(SET, &[value])])
}

/// Content that is neither encrypted nor signed.
fn data(content: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[&object(DATA), &element(TAGGED, &[&element(OCTETS, &[content])])])
}

fn object(identifier: &[u8]) -> Vec<u8> {
    element(OBJECT, &[identifier])
}

/// One DER element: tag, length, content.
fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => bytes.push(short),
        _ => {
            let digits: Vec<u8> =
                length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            // At most eight.
            bytes.push(0x80 | digits.len() as u8);
            bytes.extend(digits);
        }
    }
    bytes.extend(parts.iter().flat_map(|part| part.iter().copied()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_short_as_they_can_be() {
        assert_eq!(element(OCTETS, &[&[7]]), [0x04, 1, 7]);
        assert_eq!(element(OCTETS, &[&[0; 0x7f]])[..2], [0x04, 0x7f]);
        assert_eq!(element(OCTETS, &[&[0; 0x80]])[..3], [0x04, 0x81, 0x80]);
        assert_eq!(element(OCTETS, &[&[0; 0x1234]])[..4], [0x04, 0x82, 0x12, 0x34]);
    }

    #[test]
    fn text_around_the_certificates_is_left_out() {
        let rcgen::CertifiedKey { cert, .. } =
            rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
        let store = pkcs12(&format!("# a comment\n{}\nrest", cert.pem()));
        let holds = store.windows(cert.der().len()).any(|window| window == &**cert.der());
        assert!(holds && store.len() < cert.der().len() + 200);
        assert_eq!(pkcs12("nothing").len(), pkcs12("").len());
    }
}
