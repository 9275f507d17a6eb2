//! What a value looks like: random, chosen as a password, made of words, or a
//! place. It judges bytes alone; what names promise is judged elsewhere.

use super::entropy::bits_per_byte;
use super::public::{is_crypted, is_public, is_style_class};
use super::structure::base64;

/// Random-looking: long enough, mixed, not made of words.
pub(super) fn is_key(value: &[u8]) -> bool {
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || b"_-.=+/~@!#$%^&*:|?".contains(b);
    if !(10..=300).contains(&value.len())
        || !value.iter().all(allowed)
        || is_location(value)
        || is_public(value)
        || is_style_class(value)
    {
        return false;
    }
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let hexadecimal = value.iter().all(u8::is_ascii_hexdigit);
    let entropy = bits_per_byte(value);
    let random = if hexadecimal {
        value.len() >= 16 && entropy >= 2.8
    } else {
        entropy >= 3.3 || is_short_mix(value)
    };
    let counted = digits >= 1 || is_shuffled(value);
    let words = is_made_of_words(value) || is_camel_case(value) || is_named_kind(value);
    counted && digits < value.len() && random && !words
}

/// Short texts hold few different characters: letters of both cases and digits, hardly
/// one of them twice.
fn is_short_mix(value: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
    let mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    value.len() < 14 && mixed && has(u8::is_ascii_digit) && bits_per_byte(value) >= 2.9
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
        && rises * 6 >= value.len()
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

/// Base64 of a password a person chose, as in Kubernetes' secrets.
pub(super) fn is_encoded_password(value: &[u8]) -> bool {
    let decoded =
        (value.len() >= 12 && value.len().is_multiple_of(4)).then(|| base64(value)).flatten();
    decoded
        .is_some_and(|text| is_password(&text, false) && !super::placeholder::is_placeholder(&text))
}

/// A password a person chose: at least two kinds of characters, no prose.
pub(super) fn is_password(value: &[u8], quoted: bool) -> bool {
    if is_app_password(value) {
        return true;
    }
    let visible = value.iter().all(|byte| byte.is_ascii_graphic());
    let least = if quoted { 6 } else { 8 };
    let is_other = is_location(value) || is_crypted(value) || is_style_class(value);
    if !(least..=128).contains(&value.len()) || !visible || is_other {
        return false;
    }
    let digit = value.iter().any(u8::is_ascii_digit);
    let letter = value.iter().any(u8::is_ascii_alphabetic);
    let special = value.iter().any(|b| b.is_ascii_punctuation() && !b"_-.:/,=&?".contains(b));
    // One of these alone is no code where quotes hold it.
    let marks = value.iter().filter(|byte| b"(){}[]<>".contains(byte)).count();
    let code = marks > usize::from(quoted && digit) || value.contains(&b',');
    let varied = digit || special || is_shuffled(value) || is_odd_mix(value);
    let words = is_made_of_words(value) && !is_name_and_number(value);
    letter && !code && varied && !words && !is_mark(value) && bits_per_byte(value) >= 2.2
}

/// Sixteen small letters that no words have, as mail services make them for programs,
/// perhaps in groups of four.
fn is_app_password(value: &[u8]) -> bool {
    let in_groups = value.len() == 19 && value.iter().skip(4).step_by(5).all(|byte| *byte == b' ');
    let letters: Vec<u8> = value.iter().copied().filter(|byte| *byte != b' ').collect();
    let is_one = letters.len() == 16 && letters.iter().all(u8::is_ascii_lowercase);
    is_one && (in_groups || value.len() == 16) && odd_pairs(&letters) > ODD_PAIRS
}

/// Weak and yet used: letters and a digit in one piece, which names no stand-in.
pub(super) fn is_weak_password(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    const STAND_INS: [&[u8]; 9] =
        [b"pass", b"pwd", b"secret", b"test", b"user", b"token", b"admin", b"guest", b"pw"];
    let stands_in =
        STAND_INS.iter().any(|part| lower.windows(part.len()).any(|window| window == *part));
    (6..=64).contains(&value.len())
        && value.iter().all(u8::is_ascii_alphanumeric)
        && value.iter().any(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_alphabetic)
        && !stands_in
}

/// `#add-item` selects an element, `*db_password` stands for what YAML calls so elsewhere,
/// `anonymous@` says who asks, `alt+f8` is pressed.
fn is_mark(value: &[u8]) -> bool {
    let is_plain = |text: &[u8]| text.iter().all(|b| b.is_ascii_alphabetic() || b"-_".contains(b));
    let inner = value.strip_prefix(b"#").or_else(|| value.strip_prefix(b"*"));
    inner.or_else(|| value.strip_suffix(b"@")).is_some_and(is_plain) || is_shortcut(value)
}

/// `ctrl+shift+p`: keys that are held, and one that is pressed with them.
fn is_shortcut(value: &[u8]) -> bool {
    const HELD: [&[u8]; 8] =
        [b"ctrl", b"control", b"alt", b"shift", b"meta", b"cmd", b"mod", b"option"];
    let lower = value.to_ascii_lowercase();
    let mut parts = lower.rsplit(|byte| *byte == b'+');
    let pressed = parts.next().unwrap_or_default();
    let mut held = parts.peekable();
    pressed.len() <= 10 && held.peek().is_some() && held.all(|part| HELD.contains(&part))
}

/// Eight or more letters of both cases with pairs that words do not have, or with a
/// capital at every other place.
fn is_odd_mix(value: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
    let mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    let is_odd = odd_pairs(value) >= ODD_PAIRS || camel_parts(value).0 * 2 >= value.len();
    value.len() >= 8 && mixed && is_odd
}

/// `Rocket_6538`, as people choose them: a capitalised word, a mark, a number.
fn is_name_and_number(value: &[u8]) -> bool {
    let letters = value.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (name, number) = value.split_at(letters);
    let is_name = letters >= 5
        && name[0].is_ascii_uppercase()
        && name[1..].iter().all(u8::is_ascii_lowercase);
    let is_number = matches!(number, [b'_' | b'-' | b'.', digits @ ..]
        if digits.len() >= 3 && digits.iter().all(u8::is_ascii_digit));
    // Words that are versions, or stand for a password.
    const OTHERS: [&[u8]; 8] =
        [b"Version", b"Password", b"Secret", b"Token", b"Windows", b"Office", b"Visual", b"Server"];
    is_name && is_number && !OTHERS.contains(&name)
}

/// Thirty or more of letters, digits and many different marks, as generators of keys
/// make them (Django's, WordPress'): no code and no pattern.
pub(super) fn is_scrambled(value: &[u8]) -> bool {
    let (mut letters, mut digits, mut run, mut longest) = (0, 0, 0, 0);
    let mut marks = [false; 128];
    for byte in value {
        letters += usize::from(byte.is_ascii_alphabetic());
        digits += usize::from(byte.is_ascii_digit());
        run = if byte.is_ascii_alphabetic() { run + 1 } else { 0 };
        longest = longest.max(run);
        if byte.is_ascii_punctuation() && !b"-_./:=?&,".contains(byte) {
            marks[usize::from(*byte)] = true;
        }
    }
    let spaces = value.iter().filter(|byte| **byte == b' ').count();
    let graphic = value.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    const PATTERNS: [&[u8]; 6] = [b"[^", b"(?", b"a-z", b"A-Z", b"0-9", b"${"];
    (30..=128).contains(&value.len())
        && graphic
        && spaces <= 3
        && letters >= 8
        && digits >= 2
        && longest <= 12
        && !is_location(value)
        && marks.iter().filter(|seen| **seen).count() >= 3
        && bits_per_byte(value) >= 4.2
        && !PATTERNS.iter().any(|part| value.windows(part.len()).any(|window| window == *part))
}

/// Letters and digits of both cases that read as words: `heightAboveWGS84Units`.
pub(super) fn is_camel_case(value: &[u8]) -> bool {
    let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
    let mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    let plain = value.iter().all(u8::is_ascii_alphanumeric);
    let (parts, odd) = camel_parts(value);
    let numbers = value.split(|byte| !byte.is_ascii_digit()).all(|digits| digits.len() <= 2);
    plain && mixed && numbers && parts * 4 <= value.len() && odd < ODD_PAIRS
}

/// Names of kinds, one in the other: `SensitiveData:S3Object/Credentials`.
fn is_named_kind(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| b":/.".contains(byte));
    let whole: Vec<u8> = value.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    whole.len() < value.len()
        && parts.all(|part| part.first().is_some_and(u8::is_ascii_uppercase))
        && is_camel_case(&whole)
}

/// `org.apache.tools.ant.taskdefs.CVSPass`: a class in a package.
fn is_class_name(value: &[u8]) -> bool {
    const ROOTS: [&[u8]; 8] =
        [b"org", b"com", b"net", b"io", b"java", b"javax", b"jakarta", b"edu"];
    let mut parts = value.split(|byte| *byte == b'.');
    let is_root = parts.next().is_some_and(|root| ROOTS.contains(&root));
    let Some(class) = parts.next_back() else { return false };
    let is_package = |part: &[u8]| {
        part.first().is_some_and(u8::is_ascii_lowercase)
            && part.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_')
    };
    is_root
        && class.first().is_some_and(u8::is_ascii_uppercase)
        && class.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_$".contains(byte))
        && parts.clone().count() >= 1
        && parts.all(is_package)
}

/// `log4j2.trustStorePassword`, `aws.auth#sigv4`: words in camel case under one another.
fn is_setting_name(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| b".#".contains(byte));
    let is_part = |part: &[u8]| {
        let digits = part.iter().filter(|byte| byte.is_ascii_digit()).count();
        part.first().is_some_and(u8::is_ascii_lowercase)
            && part.iter().all(u8::is_ascii_alphanumeric)
            && digits <= 3
            && (digits > 0 && part.len() <= 8 || camel_parts(part).0 * 3 <= part.len() + 2)
    };
    let count = parts.clone().count();
    let is_divided = value.contains(&b'#')
        || count >= 3
        || value.last().is_some_and(u8::is_ascii_alphabetic)
            && value.iter().any(u8::is_ascii_uppercase);
    count >= 2 && is_divided && parts.all(is_part) && odd_pairs(value) < ODD_PAIRS
}

/// `PBEWithSHAAnd3-KeyTripleDES-CBC`, `A128CBC-HS256`: nothing but the words that names
/// of algorithms are made of.
fn is_algorithm(value: &[u8]) -> bool {
    const WORDS: [&[u8]; 48] = [
        b"PBKDF2",
        b"PBEWITH",
        b"PBE",
        b"HMAC",
        b"SHA512",
        b"SHA384",
        b"SHA256",
        b"SHA224",
        b"SHA3",
        b"SHA2",
        b"SHA1",
        b"SHA",
        b"MD5",
        b"AES",
        b"TRIPLEDES",
        b"DESEDE",
        b"3DES",
        b"DES",
        b"RSA",
        b"ECDSA",
        b"ECDH",
        b"DSA",
        b"CHACHA20",
        b"POLY1305",
        b"CBC",
        b"GCM",
        b"CTR",
        b"OAEP",
        b"PKCS",
        b"ENCRYPTION",
        b"HS256",
        b"HS384",
        b"HS512",
        b"RS256",
        b"ES256",
        b"A128",
        b"A192",
        b"A256",
        b"128",
        b"192",
        b"256",
        b"WITH",
        b"AND",
        b"KEY",
        b"BITS",
        b"ASCII",
        b"UTF8",
        b"BIT",
    ];
    let upper = value.to_ascii_uppercase();
    let (mut rest, mut known, mut other) = (&upper[..], 0, 0);
    while let Some(first) = rest.first() {
        let word = WORDS.iter().find(|word| rest.starts_with(word)).map_or(0, |word| word.len());
        known += usize::from(word > 0);
        other += usize::from(word == 0 && first.is_ascii_alphanumeric());
        rest = &rest[word.max(1)..];
    }
    known >= 2 && other * 5 <= value.len()
}

/// How many parts capitals and digits divide a name into, and how many pairs inside of
/// them words do not have.
fn camel_parts(value: &[u8]) -> (usize, usize) {
    let (mut parts, mut odd) = (1, 0);
    for pair in value.windows(2) {
        let kind = |byte: u8| (byte.is_ascii_digit(), byte.is_ascii_uppercase());
        // A capital and the small letters behind it are one part.
        let begins = kind(pair[0]) != kind(pair[1]) && !pair[1].is_ascii_lowercase()
            || pair[0].is_ascii_digit() && !pair[1].is_ascii_digit();
        parts += usize::from(begins);
        odd += if begins { 0 } else { odd_pairs(pair) };
    }
    (parts, odd)
}

/// URLs and paths are not secrets by themselves.
fn is_location(value: &[u8]) -> bool {
    value.starts_with(b"/")
        || value.starts_with(b"urn:")
        || value.starts_with(b"./")
        || value.starts_with(b"http") && value.contains(&b':')
        || value.starts_with(b"@") && value.contains(&b'/')
        || is_class_name(value)
        || is_setting_name(value)
        || is_algorithm(value)
}

/// Whether every part between separators is all letters or all digits and
/// there are at least two, or it is one word with a short number.
fn is_made_of_words(value: &[u8]) -> bool {
    let separators = |byte: &u8| b"_-./:|".contains(byte);
    let parts: Vec<&[u8]> = value.split(separators).filter(|part| !part.is_empty()).collect();
    // Of several parts each may be numbered: `page-abc12`.
    let digits = if parts.len() > 1 { 2 } else { 1 };
    let plain = |part: &&[u8]| {
        let word = is_wordlike(part, digits) || (parts.len() > 1 && is_numeronym(part));
        word || (part.iter().all(u8::is_ascii_digit) && (part.len() <= 4 || counts_up(part)))
    };
    parts.iter().all(plain)
}

/// `a11y`, `i18n`.
fn is_numeronym(part: &[u8]) -> bool {
    let [first, between @ .., last] = part else { return false };
    (1..=2).contains(&between.len())
        && first.is_ascii_lowercase()
        && last.is_ascii_lowercase()
        && between.iter().all(u8::is_ascii_digit)
}

/// `12345`.
fn counts_up(digits: &[u8]) -> bool {
    digits.windows(2).all(|pair| pair[0] + 1 == pair[1])
}

/// Letters with at most a short number at the end, cased like a name.
fn is_wordlike(part: &[u8], digits_max: usize) -> bool {
    let digits = part.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let letters = &part[..part.len() - digits];
    if digits > digits_max || letters.is_empty() || !letters.iter().all(u8::is_ascii_alphabetic) {
        return false;
    }
    let switches = letters
        .windows(2)
        .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
        .count();
    switches * 4 <= letters.len() && !is_shuffled(letters) && odd_pairs(letters) < ODD_PAIRS
}

/// So many pairs that words do not have make a text no word: of 25,000 names in the sources
/// of 30 libraries 0.5 % have them, of nine random letters 79 %.
const ODD_PAIRS: usize = 2;

/// For each first letter, the letters that follow it in fewer than one of 10,000 pairs of
/// those names.
const ODD_AFTER: [&[u8]; 26] = [
    b"oq",
    b"fghkmnqvwxz",
    b"bfgjnqvwxz",
    b"kqxz",
    b"",
    b"bcdghjkmpqvwxz",
    b"jkpqvwxz",
    b"bfghjknqvwxz",
    b"hijwy",
    b"bcdfghijklmnpqrtvwxyz",
    b"bfgjkqvxyz",
    b"ghjqwxz",
    b"fghjkqwxz",
    b"xz",
    b"qz",
    b"jkqwxz",
    b"abcdefghijkmnopqrstvwxyz",
    b"jqxz",
    b"jxz",
    b"jx",
    b"hjkqvwxyz",
    b"bcdfghjklmnpqrstuvwxyz",
    b"bfgjkmpquvwxyz",
    b"bdfghjklnqruvwxz",
    b"jqxyz",
    b"bcdfghjklmnopqrstuvwxyz",
];

/// How many pairs of neighbours words do not have.
fn odd_pairs(letters: &[u8]) -> usize {
    let is_odd = |pair: &&[u8]| {
        let first = pair[0].to_ascii_lowercase().wrapping_sub(b'a');
        ODD_AFTER
            .get(usize::from(first))
            .is_some_and(|seconds| seconds.contains(&pair[1].to_ascii_lowercase()))
    };
    letters.windows(2).filter(is_odd).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_letters_before_a_digit_are_no_word() {
        for random in [&b"CkgafrfwA9"[..], b"HHsgdWOJT6", b"uQbjOHGif4"] {
            assert!(is_password(random, true), "{}", String::from_utf8_lossy(random));
        }
        for word in [
            &b"org.acme.tasks.CVSPass2"[..],
            b"validateToken2",
            b"HttpServer1",
            b"Widget-key12",
            b"password1",
        ] {
            assert!(!is_password(word, true), "{}", String::from_utf8_lossy(word));
        }
    }
}
