//! One name or text, written in more than one way: escapes in literals and in
//! identifiers, and letters that a language reads as others (Python normalises
//! names by NFKC). It knows the letters that ASCII names can be written with, no more.

use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;

/// Resolves the escapes of a string literal's inside, as far as they matter.
pub(crate) fn unescaped(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        match rest.next() {
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push('\r'),
            Some('\n') | None => {}
            Some(mark @ ('x' | 'u' | 'U')) => plain.push(coded(mark, &mut rest).unwrap_or(mark)),
            Some(other) => plain.push(other),
        }
    }
    plain
}

/// The character of `\x41`, `\u0041`, `\u{41}` and `\U00000041` after their mark;
/// nothing is taken where there is none.
fn coded(mark: char, rest: &mut Peekable<Chars<'_>>) -> Option<char> {
    let mut ahead = rest.clone();
    // Java allows any number of `u`.
    while mark == 'u' && ahead.peek() == Some(&'u') {
        ahead.next();
    }
    let braced = mark == 'u' && ahead.peek() == Some(&'{');
    let digits = match mark {
        _ if braced => {
            ahead.next();
            8
        }
        'x' => 2,
        'u' => 4,
        _ => 8,
    };
    let (mut code, mut count) = (0_u32, 0);
    while count < digits
        && let Some(digit) = ahead.peek().and_then(|digit| digit.to_digit(16))
    {
        code = code.checked_mul(16)?.checked_add(digit)?;
        count += 1;
        ahead.next();
    }
    let is_whole = if braced { ahead.next() == Some('}') } else { count == digits };
    let found = char::from_u32(code).filter(|_| is_whole && count > 0)?;
    *rest = ahead;
    Some(found)
}

/// The name that an identifier spells.
pub(super) fn canonical(text: &str) -> Cow<'_, str> {
    let resolved = match text.contains('\\') {
        true => Cow::Owned(unescaped(text)),
        false => Cow::Borrowed(text),
    };
    match resolved.chars().any(|letter| plain_letter(letter).is_some()) {
        true => Cow::Owned(resolved.chars().map(|c| plain_letter(c).unwrap_or(c)).collect()),
        false => resolved,
    }
}

/// The ASCII letter, digit or underscore that NFKC makes of a character (Unicode's
/// compatibility decompositions of fullwidth and mathematical forms and of letters
/// like symbols); `None` where it makes something else.
fn plain_letter(character: char) -> Option<char> {
    let code = u32::from(character);
    let letter = |at: u32| match at {
        0..26 => char::from_u32(u32::from('A') + at),
        _ => char::from_u32(u32::from('a') + at - 26),
    };
    match code {
        0..0x80 => None,
        0xff10..=0xff19 | 0xff21..=0xff3a | 0xff3f | 0xff41..=0xff5a => {
            char::from_u32(code - 0xfee0)
        }
        0x1d400..0x1d6a4 => letter((code - 0x1d400) % 52),
        0x1d7ce..=0x1d7ff => char::from_u32(u32::from('0') + (code - 0x1d7ce) % 10),
        _ => {
            const FROM: &str = "\u{aa}\u{ba}\u{17f}ℊℎℯℴℓℬℰℱℋℐℒℳℛℭℌℑℜℨℂℍℕℙℚℝℤⅅⅆⅇⅈⅉⁱⁿᵃᵇᵈᵉᵍᵏᵐᵒᵖᵗᵘᵛᶜᶠᶻˡˢˣʰʲʳʷʸₐₑₒₓₕₖₗₘₙₚₛₜᵢᵣᵤᵥⱼᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁᵂKℹⅠⅤⅩⅬⅭⅮⅯⅰⅴⅹⅼⅽⅾⅿⱽ";
            const TO: &str = "aosgheolBEFHILMRCHIRZCHNPQRZDdeijinabdegkmoptuvcfzlsxhjrwyaeoxhklmnpstiruvjABDEGHIJKLMNOPRTUWKiIVXLCDMivxlcdmV";
            let at = FROM.chars().position(|known| known == character)?;
            TO.chars().nth(at)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_every_form_are_resolved() {
        assert_eq!(unescaped(r"\x65x\u0065c\u{63}\n\U00000041"), "execc\nA");
        assert_eq!(unescaped(r"\xzz\u12\u{}\u{110000}\d"), "xzzu12u{}u{110000}d");
        assert_eq!(unescaped("plain"), "plain");
    }

    #[test]
    fn identifiers_are_what_the_language_reads() {
        assert_eq!(canonical(r"\u0065xec"), "exec");
        assert_eq!(canonical("ｓｙｓｔｅｍ"), "system");
        assert_eq!(canonical("𝘰𝘴"), "os");
        assert_eq!(canonical("ｅ𝗏ªſℓ_１"), "evasl_1");
        assert_eq!(canonical("straße"), "straße");
    }

    #[test]
    fn every_letter_form_has_its_letter() {
        for letter in "ªⱼⅉˢ".chars() {
            assert!(plain_letter(letter).is_some_and(|plain| plain.is_ascii()), "{letter}");
        }
        assert_eq!(plain_letter('ⱼ'), Some('j'));
    }
}
