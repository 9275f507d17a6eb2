//! Values that look random and open nothing: digests, addresses and code of a block chain,
//! public halves of keys, hashes of passwords, generated names of styles.

use super::structure::base64;

/// A wallet's or contract's address, a fingerprint, the public half of a pair, or a token
/// made to stand in pages.
pub(super) fn is_public(value: &[u8]) -> bool {
    // An image's name may stand before its digest.
    let last = value.rsplit(|byte| *byte == b'@').next().unwrap_or(value);
    if is_digest(last) || value.starts_with(b"pk.eyJ") {
        return true;
    }
    // A private key has 64 digits behind its mark, with its public half 128.
    let is_address = value.strip_prefix(b"0x").is_some_and(|digits| {
        (digits.len() == 40 || digits.len() > 128) && digits.iter().all(u8::is_ascii_hexdigit)
    });
    // The algorithm and what wraps it in a SubjectPublicKeyInfo (RFC 5280, RFC 8017).
    const PUBLIC_KEY: &[u8] = b"ANBgkqhkiG9w0BAQEFAAOC";
    is_address || value.windows(PUBLIC_KEY.len()).any(|window| window == PUBLIC_KEY)
}

/// `sha256-…`, `sha512:…`: a digest that names its algorithm, of the length it has.
fn is_digest(value: &[u8]) -> bool {
    const ALGORITHMS: [(&[u8], usize); 5] =
        [(b"md5", 16), (b"sha1", 20), (b"sha256", 32), (b"sha384", 48), (b"sha512", 64)];
    ALGORITHMS.iter().any(|(name, bytes)| match value.strip_prefix(*name) {
        Some([b'-' | b':', digest @ ..]) => {
            let is_hexadecimal = digest.iter().all(u8::is_ascii_hexdigit);
            is_hexadecimal && digest.len() == 2 * bytes
                || base64(digest).is_some_and(|digest| digest.len() == *bytes)
        }
        _ => false,
    })
}

/// A password as it is kept: `$2b$12$…`, `$argon2id$v=19$…`, `pbkdf2_sha256$260000$…`. Nobody
/// can log in with it.
pub(super) fn is_crypted(value: &[u8]) -> bool {
    const MARKS: [&[u8]; 12] = [
        b"$2a$",
        b"$2b$",
        b"$2y$",
        b"$argon2",
        b"$5$",
        b"$6$",
        b"$y$",
        b"$scrypt$",
        b"$pbkdf2",
        b"pbkdf2_sha",
        b"pbkdf2:sha",
        b"scrypt:",
    ];
    let marks = value.iter().filter(|byte| **byte == b'$').count();
    value.len() >= 45 && marks >= 2 && MARKS.iter().any(|mark| value.starts_with(mark))
}

/// `Login_password__9u0jN`, `_password_1x2y3_12`: a class of a style sheet as bundlers name it.
pub(super) fn is_style_class(value: &[u8]) -> bool {
    let is_name = |part: &[u8]| {
        part.first().is_some_and(u8::is_ascii_alphabetic)
            && part.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-')
    };
    let is_code = |code: &[u8]| {
        (5..=8).contains(&code.len())
            && code.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
    };
    let Some(at) = memchr::memmem::rfind(value, b"__") else { return is_numbered_class(value) };
    let mut names = value[..at].split(|byte| *byte == b'_');
    names.clone().count() == 2 && names.all(is_name) && is_code(&value[at + 2..])
}

/// `_password_1x2y3_12`: a name, a code and a line.
fn is_numbered_class(value: &[u8]) -> bool {
    let parts: Vec<&[u8]> = value.split(|byte| *byte == b'_').collect();
    let [b"", name, code, line] = parts[..] else { return false };
    let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !name.is_empty()
        && name.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-')
        && code.len() == 5
        && code.iter().all(is_plain)
        && (1..=5).contains(&line.len())
        && line.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_and_classes_open_nothing() {
        let crypted = format!("$2b$12${}", "aB3./x9Zq".repeat(6));
        assert!(is_crypted(crypted.as_bytes()));
        assert!(is_crypted(
            b"pbkdf2_sha256$260000$u7Gd0q2ZxK$k3Jd82hTqPz71LmVb4Rn6Yw0Xc5Gs9Fa2Ue8"
        ));
        assert!(!is_crypted(b"$2b$12$short") && !is_crypted(b"$6ecret$Tr0ub4dor"));
        for class in ["Login_password__9u0jN", "_password_1x2y3_12", "auth-form_api-key__x-3_q"] {
            assert!(is_style_class(class.as_bytes()), "{class}");
        }
        for other in ["k3Jd_82hT__qPz71", "Tr0ub4dor__9x", "_password_1X2y3!_12", "a__b"] {
            assert!(!is_style_class(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn addresses_and_code_are_told_from_private_keys() {
        let digits = |count: usize| format!("0x{}", "9fa3".repeat(count / 4));
        for (count, is) in [(40, true), (64, false), (128, false), (200, true)] {
            assert_eq!(is_public(digits(count).as_bytes()), is, "{count}");
        }
    }
}
