//! Whether a text can begin with a match of a rule's pattern, told from the plain
//! letters and classes the pattern begins with: most that a keyword points to can't,
//! and no pattern is compiled for them. It never says no to what would match.

/// False only when no match of `pattern` begins where `text` does.
pub(super) fn may_begin(pattern: &str, text: &[u8]) -> bool {
    let (mut rest, mut text) = (pattern.as_bytes(), text);
    if has_alternatives(rest) {
        return true;
    }
    while let Some((set, after)) = element(rest) {
        let (least, is_exact, after) = count(after);
        let given = text.iter().take(least).take_while(|byte| set.holds(**byte)).count();
        if given < least {
            return false;
        }
        if !is_exact {
            break;
        }
        (rest, text) = (after, &text[least..]);
    }
    true
}

/// The bytes that an element of a pattern stands for.
enum Set<'p> {
    One(u8),
    /// What stands between the brackets of a class.
    Class(&'p [u8]),
}

impl Set<'_> {
    fn holds(&self, byte: u8) -> bool {
        match self {
            Self::One(one) => *one == byte,
            Self::Class(inner) => class_holds(inner, byte),
        }
    }
}

fn class_holds(inner: &[u8], byte: u8) -> bool {
    let mut rest = inner;
    loop {
        rest = match rest {
            [] => return false,
            [b'\\', b'd', after @ ..] if !byte.is_ascii_digit() => after,
            [b'\\', b'w', after @ ..] if !(byte.is_ascii_alphanumeric() || byte == b'_') => after,
            [b'\\', b'd' | b'w', ..] => return true,
            // Other escapes of a letter are classes; to be safe they hold everything.
            [b'\\', one, ..] if one.is_ascii_alphanumeric() || *one == byte => return true,
            [b'\\', _, after @ ..] => after,
            [low, b'-', high, after @ ..] if !matches!(high, b'\\') => {
                if (*low..=*high).contains(&byte) {
                    return true;
                }
                after
            }
            [one, ..] if *one == byte => return true,
            [_, after @ ..] => after,
        }
    }
}

/// The pattern's first element and what follows it; `None` where it is none of these.
fn element(pattern: &[u8]) -> Option<(Set<'_>, &[u8])> {
    match pattern {
        [b'[', b'^', ..] => None,
        [b'[', inner @ ..] => {
            let mut at = 0;
            while *inner.get(at)? != b']' {
                at += if inner[at] == b'\\' { 2 } else { 1 };
            }
            Some((Set::Class(&inner[..at]), &inner[at + 1..]))
        }
        [b'\\', b'd', after @ ..] => Some((Set::Class(b"0-9"), after)),
        [b'\\', one, after @ ..] if one.is_ascii_punctuation() => Some((Set::One(*one), after)),
        [one, after @ ..] if one.is_ascii_alphanumeric() || b"_-:/@=,\"'".contains(one) => {
            Some((Set::One(*one), after))
        }
        _ => None,
    }
}

/// How often an element stands at least, whether never more often, and what follows.
fn count(pattern: &[u8]) -> (usize, bool, &[u8]) {
    match pattern {
        [b'?' | b'*', ..] => (0, false, pattern),
        [b'+', ..] => (1, false, pattern),
        [b'{', inner @ ..] => {
            let digits = inner.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let least =
                std::str::from_utf8(&inner[..digits]).ok().and_then(|text| text.parse().ok());
            match (least, &inner[digits..]) {
                (Some(least), [b'}', after @ ..]) => (least, true, after),
                (Some(least), _) => (least, false, pattern),
                (None, _) => (0, false, pattern),
            }
        }
        after => (1, true, after),
    }
}

/// Whether the pattern is one of several, outside of any group.
fn has_alternatives(pattern: &[u8]) -> bool {
    let (mut depth, mut in_class, mut at) = (0_usize, false, 0);
    while let Some(byte) = pattern.get(at) {
        match byte {
            b'\\' => at += 1,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'(' if !in_class => depth += 1,
            b')' if !in_class => depth = depth.saturating_sub(1),
            b'|' if !in_class && depth == 0 => return true,
            _ => {}
        }
        at += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::rules::RULES;
    use super::may_begin;

    #[test]
    fn what_cannot_begin_a_match_is_told_without_its_pattern() {
        assert!(!may_begin(r"s\.[0-9A-Za-z]{24}", b"s.theNameOfAMethod(one, two)"));
        assert!(!may_begin(r"[MNO][A-Za-z\d]{23,27}\.", b"mt = 1"));
        assert!(!may_begin(r"re_[0-9A-Za-z]{7,9}_[0-9A-Za-z]{22,28}", b"re_read the manual"));
        assert!(may_begin(r"re_[0-9A-Za-z]{7,9}_", b"re_Rk81nQz2_"));
        assert!(
            may_begin(r"a(?:b|c)", b"ad") && may_begin("ab|cd", b"cd") && may_begin("b?c", b"c")
        );
        assert!(may_begin(r"[\w-]{3}\.", b"a-_.") && !may_begin(r"[\w-]{3}\.", b"a-_!"));
    }

    #[test]
    fn no_match_is_ever_denied() {
        for rule in RULES.iter() {
            let Some(regex) = rule.regex() else { panic!("{}", rule.id) };
            for sample in &rule.detects {
                let text = sample.replace('\u{a6}', "");
                for found in regex.find_iter(text.as_bytes()) {
                    let matched = &text.as_bytes()[found.start()..];
                    assert!(may_begin(&rule.pattern, matched), "{}", rule.id);
                }
            }
        }
    }
}
