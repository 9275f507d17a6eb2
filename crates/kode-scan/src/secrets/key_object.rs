//! Private keys as JSON Web Keys (RFC 7517): the member `d` of an object that has a `kty`,
//! or `k` of one whose `kty` is `oct`. Public halves and words are none.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::SecretHit;
use super::placeholder::is_placeholder;
use super::shape::is_long_and_mixed;

/// How far from `kty` its object is looked at.
const REACH: usize = 6_000;
/// Objects of one file that are looked at.
const OBJECTS_MAX: usize = 1_000;

static PRIVATE: LazyLock<Option<Regex>> = LazyLock::new(|| member("d"));
static SYMMETRIC: LazyLock<Option<Regex>> = LazyLock::new(|| member("k"));

fn member(name: &str) -> Option<Regex> {
    let quote = r#"\\?["']"#;
    Regex::new(&format!(
        r"(?-u)(?:^|[\s,{{])(?:{quote})?{name}(?:{quote})?\s*[:=]\s*{quote}([A-Za-z0-9_-]{{40,1400}})\\?=?{quote}"
    ))
    .ok()
}

/// Finds the private members of key objects.
pub(super) fn find(content: &[u8]) -> Vec<SecretHit> {
    let kinds = memchr::memmem::find_iter(content, b"kty").take(OBJECTS_MAX);
    kinds.filter_map(|at| private_member(content, at)).collect()
}

fn private_member(content: &[u8], at: usize) -> Option<SecretHit> {
    let first = at.saturating_sub(REACH);
    let start = first + memchr::memrchr(b'{', &content[first..at])?;
    let last = content.len().min(at + REACH);
    let end = at + memchr::memchr(b'}', &content[at..last])?;
    let kind = &content[at..end.min(at + 16)];
    let is_symmetric = kind.windows(3).any(|part| part == b"oct");
    let pattern = if is_symmetric { &SYMMETRIC } else { &PRIVATE };
    let found = pattern.as_ref()?.captures(&content[start + 1..end])?.get(1)?;
    let value = found.as_bytes();
    if !is_long_and_mixed(value) || is_placeholder(value) {
        return None;
    }
    let (rule, title) = ("json-web-key".to_owned(), "a private JSON Web Key".to_owned());
    Some(SecretHit { start: start + 1 + found.start(), end: start + 1 + found.end(), rule, title })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let hits = find(text.as_bytes());
        hits.iter().map(|hit| text[hit.start..hit.end].to_owned()).collect()
    }

    #[test]
    fn the_private_member_of_a_key_is_found() {
        let secret = ["M6uvFwM_6ZycaeJJ03ui7r", "Vh1y0rY8_u7BsFXNt_uwg"].concat();
        for text in [
            format!(r#"{{"kty": "EC", "crv": "P-256", "x": "wARs", "d": "{secret}"}}"#),
            format!(r#"{{"d":"{secret}","kty":"OKP","crv":"Ed25519"}}"#),
            format!("const key = {{ kty: 'RSA', n: 'a', e: 'AQAB', d: '{secret}' }}"),
            format!(r#"KEY={{\"kty\":\"EC\",\"d\":\"{secret}\"}}"#),
            format!(r#"{{"kty":"oct","k":"{secret}"}}"#),
        ] {
            assert_eq!(found(&text).concat(), secret, "{text}");
        }
    }

    #[test]
    fn public_keys_and_stand_ins_are_none() {
        let public = "wARsqZC3_c-biUvdChn8imh65pxyOUpVbpZIFrez9Ew";
        for text in [
            format!(r#"{{"kty": "EC", "x": "{public}", "y": "{public}"}}"#),
            format!(r#"{{"kty": "EC", "k": "{public}"}}"#),
            format!(r#"{{"x": 1}} , {{"d": "{public}"}}"#),
            r#"{"kty": "EC", "d": "your-private-key-goes-here-your-private-key"}"#.to_owned(),
            "if (jwk.kty === 'RSA') { return jwk.d; }".to_owned(),
        ] {
            assert_eq!(found(&text), Vec::<String>::new(), "{text}");
        }
    }
}
