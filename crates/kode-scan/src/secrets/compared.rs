//! Values that stand beside a secret's name in a call or a comparison: before it
//! (`"…".equals(password)`), or after a comma where the call compares or sets.

/// The longest value looked at.
const VALUE_BYTES_MAX: usize = 200;

/// What stands between a value before and the name.
const JOINTS: [&[u8]; 8] = [
    b".equals(",
    b".equalsIgnoreCase(",
    b".contentEquals(",
    b" == ",
    b" === ",
    b"==",
    b", forHTTPHeaderField: \"",
    b", forHTTPHeaderField:\"",
];

/// Functions that compare two values, or set one under a name, lower case.
const CALLS: [&[u8]; 13] = [
    b"set :",
    b"strcmp(",
    b"define(",
    b"compare_digest(",
    b"hash_equals(",
    b"equals(",
    b"timingsafeequal(",
    b"constanttimecompare(",
    b"put(",
    b"setproperty(",
    b"setenv(",
    b"putenv(",
    b"secure_compare(",
];

/// The value's range, and that it is quoted.
pub(super) fn beside(content: &[u8], name: (usize, usize)) -> Option<(usize, usize, bool)> {
    before(content, name.0).or_else(|| after(content, name)).map(|(from, to)| (from, to, true))
}

/// `"value".equals(name`, `"value" == name`.
fn before(content: &[u8], start: usize) -> Option<(usize, usize)> {
    let text = &content[start.saturating_sub(VALUE_BYTES_MAX)..start];
    let text = JOINTS.iter().find_map(|joint| text.strip_suffix(*joint))?;
    let quote = *text.last().filter(|byte| matches!(byte, b'"' | b'\''))?;
    let inner = &text[..text.len() - 1];
    let open = inner.iter().rposition(|byte| *byte == quote || byte.is_ascii_whitespace())?;
    let is_opened = inner[open] == quote;
    let from = start.saturating_sub(VALUE_BYTES_MAX) + open + 1;
    is_opened.then_some((from, from + inner.len() - open - 1))
}

/// `strcmp(name, "value")`, `put(NAME, "value")`.
fn after(content: &[u8], (start, end): (usize, usize)) -> Option<(usize, usize)> {
    let call = &content[start.saturating_sub(32)..start];
    let call = call.strip_suffix(b"[]byte(").unwrap_or(call).to_ascii_lowercase();
    if !CALLS.iter().any(|known| call.ends_with(known)) {
        return None;
    }
    let rest = &content[end..content.len().min(end + VALUE_BYTES_MAX)];
    let rest = rest.strip_prefix(b")").unwrap_or(rest);
    let value = rest.strip_prefix(b",")?.trim_ascii_start();
    let value = value.strip_prefix(b"[]byte(").unwrap_or(value);
    let quote = *value.first().filter(|byte| matches!(byte, b'"' | b'\''))?;
    let length = value[1..].iter().position(|byte| *byte == quote || *byte == b'\n')?;
    let from = end + (content[end..].len().min(VALUE_BYTES_MAX) - value.len()) + 1;
    (value[1 + length] == quote).then_some((from, from + length))
}

#[cfg(test)]
mod tests {
    use super::beside;

    fn value(text: &str) -> Option<&str> {
        let start = text.find("token").unwrap();
        let (from, to, _) = beside(text.as_bytes(), (start, start + 5))?;
        Some(&text[from..to])
    }

    #[test]
    fn values_before_a_name_and_in_comparing_calls_are_found() {
        for text in [
            "if (\"v1\".equals(token)) {",
            "if 'v1' == token:",
            "request.setValue(\"v1\", forHTTPHeaderField: \"token\")",
            "strcmp(token, \"v1\")",
            "set :token, 'v1'",
            "subtle.ConstantTimeCompare([]byte(token), []byte(\"v1\"))",
            "env.put(token, \"v1\")",
        ] {
            assert_eq!(value(text), Some("v1"), "{text}");
        }
    }

    #[test]
    fn other_calls_and_values_are_none() {
        for text in ["f(\"v1\", token)", "find(token, \"v1\")", "a == token", "\"a v1\" + token"] {
            assert_eq!(value(text), None, "{text}");
        }
    }
}
