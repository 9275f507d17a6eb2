//! What a value looks like: random, chosen as a password, made of words, or a
//! place. It judges bytes alone; what names promise is judged elsewhere.

use super::entropy::bits_per_byte;
use super::structure::base64;

/// Random-looking: long enough, mixed, not made of words.
pub(super) fn is_key(value: &[u8]) -> bool {
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || b"_-.=+/~@!#$%^&*:|?".contains(b);
    if !(10..=300).contains(&value.len())
        || !value.iter().all(allowed)
        || is_location(value)
        || is_public(value)
    {
        return false;
    }
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let hexadecimal = value.iter().all(u8::is_ascii_hexdigit);
    let entropy = bits_per_byte(value);
    let random = if hexadecimal { value.len() >= 16 && entropy >= 2.8 } else { entropy >= 3.3 };
    let counted = digits >= 1 || is_shuffled(value);
    counted && digits < value.len() && random && !is_made_of_words(value)
}

/// Sixteen or more letters of both cases in no order that words have: as many
/// capitals as small letters, and capitals beside capitals.
fn is_shuffled(value: &[u8]) -> bool {
    let capitals = value.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let small = value.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    let pairs = value.windows(2);
    let (mut rises, mut twins) = (0, 0);
    for pair in pairs {
        rises += usize::from(pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
        twins += usize::from(pair[0].is_ascii_uppercase() && pair[1].is_ascii_uppercase());
    }
    value.len() >= 12
        && capitals * 3 >= value.len()
        && small * 4 >= value.len()
        && rises >= 2
        && twins >= 1
        && bits_per_byte(value) >= 3.0
}

/// Long, with letters of both cases and digits, or plain hexadecimal, or with
/// digits strewn among the letters.
pub(super) fn is_long_and_mixed(value: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
    let mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    value.len() >= 24 && (mixed || value.iter().all(u8::is_ascii_hexdigit) || is_strewn(value))
}

/// At least six changes between letters and digits, and no other characters.
fn is_strewn(value: &[u8]) -> bool {
    let changes = value.windows(2).filter(|p| p[0].is_ascii_digit() != p[1].is_ascii_digit());
    value.iter().all(u8::is_ascii_alphanumeric) && changes.count() >= 6
}

/// Base64 of text that is a word or an example, as in Kubernetes' secrets.
pub(super) fn is_encoded_word(value: &[u8]) -> bool {
    let decoded =
        (value.len() >= 8 && value.len().is_multiple_of(4)).then(|| base64(value)).flatten();
    decoded.is_some_and(|text| {
        text.iter().all(u8::is_ascii_graphic)
            && (super::placeholder::is_placeholder(&text) || is_made_of_words(&text))
    })
}

/// A wallet's or contract's address, a fingerprint, or the public half of a pair.
fn is_public(value: &[u8]) -> bool {
    let is_address = value.len() == 42
        && value.starts_with(b"0x")
        && value[2..].iter().all(u8::is_ascii_hexdigit);
    // The algorithm and what wraps it in a SubjectPublicKeyInfo (RFC 5280, RFC 8017).
    const PUBLIC_KEY: &[u8] = b"ANBgkqhkiG9w0BAQEFAAOC";
    is_address || value.windows(PUBLIC_KEY.len()).any(|window| window == PUBLIC_KEY)
}

/// A password a person chose: at least two kinds of characters, no prose.
pub(super) fn is_password(value: &[u8], quoted: bool) -> bool {
    let visible = value.iter().all(|byte| byte.is_ascii_graphic());
    let least = if quoted { 6 } else { 8 };
    if !(least..=128).contains(&value.len()) || !visible || is_location(value) {
        return false;
    }
    let digit = value.iter().any(u8::is_ascii_digit);
    let letter = value.iter().any(u8::is_ascii_alphabetic);
    let special = value.iter().any(|b| b.is_ascii_punctuation() && !b"_-.:/,=&?".contains(b));
    let code = value.iter().any(|byte| b"(){}[]<>".contains(byte)) || value.contains(&b',');
    let varied = digit || special || is_shuffled(value);
    letter && !code && varied && !is_made_of_words(value) && bits_per_byte(value) >= 2.2
}

/// URLs and paths are not secrets by themselves.
fn is_location(value: &[u8]) -> bool {
    value.starts_with(b"/")
        || value.starts_with(b"urn:")
        || value.starts_with(b"./")
        || value.starts_with(b"http") && value.contains(&b':')
        || value.starts_with(b"@") && value.contains(&b'/')
}

/// Whether every part between separators is all letters or all digits and
/// there are at least two, or it is one word with a short number.
fn is_made_of_words(value: &[u8]) -> bool {
    let separators = |byte: &u8| b"_-./:|".contains(byte);
    let parts: Vec<&[u8]> = value.split(separators).filter(|part| !part.is_empty()).collect();
    let plain = |part: &&[u8]| {
        let word = is_wordlike(part);
        word || (part.iter().all(u8::is_ascii_digit) && (part.len() <= 4 || counts_up(part)))
    };
    parts.iter().all(plain)
}

/// `12345`.
fn counts_up(digits: &[u8]) -> bool {
    digits.windows(2).all(|pair| pair[0] + 1 == pair[1])
}

/// Letters with at most a short number at the end, cased like a name.
fn is_wordlike(part: &[u8]) -> bool {
    let digits = part.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let letters = &part[..part.len() - digits];
    if digits > 1 || letters.is_empty() || !letters.iter().all(u8::is_ascii_alphabetic) {
        return false;
    }
    let switches = letters
        .windows(2)
        .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
        .count();
    switches * 4 <= letters.len() && !is_shuffled(letters)
}
