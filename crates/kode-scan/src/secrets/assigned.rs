//! What is assigned to a name, in any notation: code, configuration, tables,
//! markup, shell. It looks at the bytes after the name and never far.

/// The most bytes after a name that are looked at.
const REACH: usize = 600;
/// Operators, the longest first of those that begin alike.
const OPERATORS: [&[u8]; 18] = [
    b":::=", b"::=", b":=", b"??=", b"||=", b"=>", b"->", b"<-", b"?=", b".=", b"+=", b"||", b"??",
    b"=", b":", b",", b">", b" ",
];

/// What compares a name with a value.
const COMPARISONS: [&[u8]; 2] = [b"===", b"=="];

/// How values stand in a file, and where the name is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    /// Values need no quotes.
    pub(super) bare_values: bool,
    /// Fields are divided by commas.
    pub(super) is_table: bool,
    /// A space may stand between a name and its value.
    pub(super) spaced: bool,
    /// A quoted value may follow a name without an operator.
    pub(super) directives: bool,
    pub(super) name: (usize, usize),
}

/// The value assigned to a name: its range, and whether it is quoted.
pub(super) fn value_after(content: &[u8], form: Form) -> Option<(usize, usize, bool)> {
    let (start, at) = form.name;
    let rest = &content[at..content.len().min(at + REACH)];
    let before = start.checked_sub(1).map(|before| content[before]);
    if opens_element(&content[..start]) && matches!(rest.first(), Some(b'>' | b' ')) {
        return shifted(element_text(rest), at);
    }
    if content[..start].ends_with(b"${") {
        return shifted(default_of_variable(rest), at);
    }
    let quotes = skip(rest, 0, b"'\"`])}\\");
    if let Some(found) = named_value(rest, quotes) {
        return shifted(Some(found), at);
    }
    if let Some(found) = default_of_option(rest, quotes) {
        return shifted(Some(found), at);
    }
    if let Some(found) = markup_value(rest, before, quotes) {
        return shifted(Some(found), at);
    }
    if quotes == 0 && rest.first() == Some(&b'(') && takes_value(content, start, at) {
        return shifted(value_at(rest, 1, false, b"("), at);
    }
    // An array of characters: `char token[] = "…"`.
    let array = if quotes == 0 && rest.starts_with(b"[]") { 2 } else { 0 };
    let spaced = skip(rest, quotes + array, b" \t");
    if let Some(said) = rest[spaced..].strip_prefix(b"is ").filter(|_| quotes == 0) {
        return shifted(value_at(rest, rest.len() - said.len(), false, b" "), at);
    }
    let cursor = after_type_annotation(rest, spaced);
    let operator = operator_at(rest, cursor)?;
    match operator {
        // Erlang's `{password, "…"}`.
        b"," if quotes == 0 && !form.is_table && before != Some(b'{') => return None,
        // The next argument, after a call that the name was handed to.
        b"," if quotes > 0 && rest[..quotes].iter().all(|byte| *byte == b')') => return None,
        // A list of names.
        b"," if quotes > 0 && content[..start.saturating_sub(1)].ends_with(b"[") => return None,
        b">" => return None,
        // `ENV NAME value` and `setx NAME value`.
        b" " if !allows_space(content, form, &rest[cursor..]) => return None,
        _ => {}
    }
    // Nothing between the name, the operator and the value: `NAME=value` in a command,
    // `;Password=value` in what a program connects with.
    let is_part = is_environment_name(&content[start..at]) || is_setting(content, start);
    let tight = operator == b"=" && cursor == 0 && is_part;
    let from = if operator == b" " { cursor } else { cursor + operator.len() };
    let from = if operator == b" " && form.spaced { after_kind(rest, from) } else { from };
    let bare = form.bare_values || form.is_table || tight || operator == b" ";
    let variable = rest.get(from..).and_then(|value| {
        terraform_default(value, operator).or_else(|| wrapped_value(value, operator))
    });
    let (from, operator) = variable.map_or((from, operator), |skipped| (from + skipped, b"="));
    let found = value_at(rest, from, bare && !operator.starts_with(b"=="), operator);
    // `"Password=value;Server=x"`: the first of several settings in a text.
    let first = || {
        let opens = quotes == 0 && operator == b"=" && matches!(before, Some(b'"' | b'\''));
        let found = opens.then(|| value_at(rest, from, true, operator)).flatten();
        found.filter(|(_, to, _)| rest.get(*to) == Some(&b';'))
    };
    shifted(found.or_else(first), at)
}

/// Whether `<` or `<prefix:` stands before a name.
fn opens_element(before: &[u8]) -> bool {
    let prefix = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b':';
    let length = before.iter().rev().take(20).take_while(prefix).count();
    let is_prefix = length == 0 || before.ends_with(b":");
    is_prefix && before[..before.len() - length].ends_with(b"<")
}

/// Whether a name is that of a function that sets what the name says: `setPassword`,
/// `client.with_token`, a builder's `.password`; or that compares with it.
fn is_setter(name: &[u8]) -> bool {
    let last = name.rsplit(|byte| matches!(byte, b'.' | b'$')).next().unwrap_or(name);
    let lower = last.to_ascii_lowercase();
    let is_method = last.len() < name.len()
        && [&b"password"[..], b"passwd", b"token", b"secret", b"apikey", b"api_key", b"equals"]
            .contains(&&lower[..]);
    is_method || lower.len() > 4 && (lower.starts_with(b"set") || lower.starts_with(b"with"))
}

/// Whether what stands in brackets after a name is its value: a setter's, SQL's
/// `PASSWORD('…')`, a C++ text's that is constructed.
fn takes_value(content: &[u8], start: usize, end: usize) -> bool {
    let name = &content[start..end];
    is_setter(name) || name == b"PASSWORD" || content[..start].ends_with(b"string ")
}

/// `${name:default}` and `${name:-default}`.
fn default_of_variable(rest: &[u8]) -> Option<(usize, usize, bool)> {
    let start = skip(rest, skip(rest, 0, b":"), b"-");
    let length = rest[start..].iter().position(|byte| *byte == b'}' || *byte == b'\n')?;
    let is_default = start > 0 && !matches!(rest[start], b'?' | b'+' | b'=');
    (is_default && rest[start + length] == b'}').then_some((start, start + length, false))
}

/// `<property name="password">value</property>` and a property list's
/// `<key>password</key><string>value</string>`.
fn markup_value(rest: &[u8], before: Option<u8>, quotes: usize) -> Option<(usize, usize, bool)> {
    if let Some(inner) = nested_value(rest) {
        return element_text(&rest[inner..]).map(|(from, to, _)| (from + inner, to + inner, true));
    }
    if quotes > 0 && rest.get(quotes) == Some(&b'>') {
        return element_text(&rest[quotes..])
            .map(|(from, to, _)| (from + quotes, to + quotes, true));
    }
    let close = rest.strip_prefix(b"</key>")?;
    let open = skip(close, 0, b" \t\r\n");
    let string = close[open..].strip_prefix(b"<string")?;
    let skipped = rest.len() - string.len();
    (before == Some(b'>'))
        .then(|| element_text(string))
        .flatten()
        .map(|(from, to, quoted)| (from + skipped, to + skipped, quoted))
}

/// `name="Secret" …><value>`: where the inner element's name ends.
fn nested_value(rest: &[u8]) -> Option<usize> {
    let open = rest.iter().take(80).position(|byte| *byte == b'>' || *byte == b'\n')?;
    let inner = skip(rest, open + 1, b" \t\r\n");
    let is_element = rest[open] == b'>' && rest[inner..].starts_with(b"<value>");
    is_element.then_some(inner + 6)
}

/// Whether a space may stand between this name and what follows: a directive of
/// a configuration, an option or a command that takes the name, a keyword argument.
fn allows_space(content: &[u8], form: Form, rest: &[u8]) -> bool {
    let (start, end) = form.name;
    let name = &content[start..end];
    let is_option = name.starts_with(b"-") && name.len() > 6;
    let before = start.checked_sub(1).map(|at| content[at]);
    // Clojure's and Ruby's `:password "…"`, SQL's `PASSWORD '…'`.
    let is_keyword = before == Some(b':') || name.iter().all(u8::is_ascii_uppercase);
    let quoted = rest.first().is_some_and(|byte| matches!(byte, b'"' | b'\''));
    form.spaced
        || is_option
        || (quoted && (form.directives || is_keyword))
        || follows_command(content, start)
}

/// Terraform's `variable "name" { default = "…" }`: how far to skip.
fn terraform_default(value: &[u8], operator: &[u8]) -> Option<usize> {
    let open = skip(value, 0, b" \t");
    if operator != b" " || value.get(open) != Some(&b'{') {
        return None;
    }
    let end = value.iter().position(|byte| *byte == b'}')?;
    let word = value[..end].windows(7).position(|window| window == b"default")? + 7;
    let operator = skip(value, word, b" \t");
    (value.get(operator) == Some(&b'=')).then_some(operator + 1)
}

/// `{"value": "…"}` after a colon, as deployments write parameters: how far to skip.
fn wrapped_value(value: &[u8], operator: &[u8]) -> Option<usize> {
    let open = skip(value, 0, b" \t\r\n");
    let name = skip(value, open + 1, b" \t\r\n\"'");
    let is_wrapped = operator == b":" && value.get(open) == Some(&b'{');
    let after = value.get(name..)?.strip_prefix(b"value").filter(|_| is_wrapped)?;
    let colon = skip(after, 0, b"\"' ");
    (after.get(colon) == Some(&b':')).then_some(value.len() - after.len() + colon + 1)
}

fn shifted(found: Option<(usize, usize, bool)>, by: usize) -> Option<(usize, usize, bool)> {
    found.map(|(from, to, quoted)| (from + by, to + by, quoted))
}

/// The value that begins at or after `from`.
fn value_at(rest: &[u8], from: usize, bare: bool, operator: &[u8]) -> Option<(usize, usize, bool)> {
    let cursor = after_conversion(rest, skip(rest, from, b" \t("));
    let cursor = after_embedded_lookup(rest, cursor);
    let cursor = if operator == b":" { after_tag(rest, cursor) } else { cursor };
    // The first of a list, or an expression of markup: `["…"]`, `={"…"}`.
    let is_quote = |at: usize| matches!(rest.get(at), Some(b'"' | b'\''));
    let opened = matches!(rest.get(cursor), Some(b'[' | b'{')) && is_quote(cursor + 1);
    let cursor = cursor + usize::from(opened);
    let cursor = after_string_prefix(rest, cursor);
    let escaped = usize::from(rest.get(cursor) == Some(&b'\\'));
    let first = *rest.get(cursor + escaped)?;
    if matches!(first, b'"' | b'\'' | b'`') {
        // Gradle's `"\"value\""`.
        let inner = usize::from(escaped == 0 && rest[cursor + 1..].starts_with(b"\\\""));
        // Python's `"""value"""`.
        let tripled = usize::from(escaped == 0 && rest[cursor..].starts_with(&[first; 3]));
        let start = cursor + escaped + 1 + 2 * inner + 2 * tripled;
        // Quotes in quotes of the other kind.
        let other = if first == b'"' { b'\'' } else { b'"' };
        let nested = usize::from(first != b'`' && rest.get(start) == Some(&other));
        let start = start + nested;
        let first = if nested == 1 { other } else { first };
        let ends = |byte: &u8| *byte == first || *byte == b'\\' || *byte == b'\n';
        let length = rest[start..].iter().position(ends)?;
        let closed = rest.get(start + length).is_some_and(|byte| *byte != b'\n');
        return closed.then_some((start, start + length, true));
    }
    if operator == b":" && matches!(first, b'|' | b'>') {
        return block_text(rest, cursor);
    }
    if !bare {
        return None;
    }
    let ends = |(at, byte): (usize, &u8)| {
        let comment = *byte == b'#' && (at == 0 || rest[cursor + at - 1].is_ascii_whitespace());
        comment || byte.is_ascii_whitespace() || b";,\\\"'&<}".contains(byte)
    };
    let length = rest[cursor..].iter().enumerate().position(ends);
    let end = length.map_or(rest.len(), |length| cursor + length);
    let is_truth = matches!(rest[cursor..end], [b'!', b'0' | b'1', ..]);
    let is_code = is_truth
        || rest[cursor..end].iter().any(|b| matches!(b, b'(' | b'[' | b'{'))
        || rest[cursor..end].windows(3).any(|three| three == b"===")
        || rest[cursor..end]
            .windows(2)
            .any(|two| [b">=", b"||", b"!="].contains(&&[two[0], two[1]]));
    (!is_code).then_some((cursor, end, false))
}

/// `<%= ENV["NAME"] || "value" %>` and `<%= ENV.fetch("NAME", "value") %>`: what stands in
/// where the variable is not set.
fn after_embedded_lookup(rest: &[u8], from: usize) -> usize {
    let Some(text) = rest.get(from..).filter(|text| text.starts_with(b"<%=")) else { return from };
    let line = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
    let other = [&b"|| "[..], b", ", b"{ "].iter().find_map(|mark| {
        let at = text[..line].windows(mark.len()).position(|window| window == *mark)?;
        Some(from + at + mark.len())
    });
    other.unwrap_or(from)
}

/// Routers write `password 0 value`: the digit says how the value is kept.
fn after_kind(rest: &[u8], from: usize) -> usize {
    match rest.get(from..) {
        Some([b'0'..=b'9', b' ', ..]) => from + 2,
        _ => from,
    }
}

/// YAML's `!!str value` and `&anchor value`.
fn after_tag(rest: &[u8], from: usize) -> usize {
    let text = rest.get(from..).unwrap_or_default();
    if !text.starts_with(b"!!str ") && !text.starts_with(b"&") {
        return from;
    }
    let word = text.iter().take(40).position(|byte| *byte == b' ');
    word.map_or(from, |length| skip(rest, from + length, b" "))
}

/// `"--password", default="value"`, as options of commands are declared.
fn default_of_option(rest: &[u8], from: usize) -> Option<(usize, usize, bool)> {
    const MARK: &[u8] = b"default=";
    if from == 0 || rest.get(from) != Some(&b',') {
        return None;
    }
    let line = rest.iter().take(160).position(|byte| *byte == b'\n' || *byte == b')');
    let end = line.unwrap_or(rest.len().min(160)).max(from);
    let at = rest[from..end].windows(MARK.len()).position(|window| window == MARK)?;
    value_at(rest, from + at + MARK.len(), false, b"=")
}

/// YAML's `|` and `>`: the value is the next line.
fn block_text(rest: &[u8], from: usize) -> Option<(usize, usize, bool)> {
    let line = rest[from..].iter().position(|byte| *byte == b'\n')?;
    if line > 3 {
        return None;
    }
    let start = skip(rest, from + line + 1, b" \t");
    let length = rest[start..].iter().position(u8::is_ascii_whitespace);
    Some((start, length.map_or(rest.len(), |length| start + length), true))
}

/// Calls that make something else of a text and keep it what it is.
fn after_conversion(rest: &[u8], from: usize) -> usize {
    const CALLS: [&[u8]; 13] = [
        b"[]byte(",
        b"bytes.fromhex(",
        b"binascii.unhexlify(",
        b"Buffer.from(",
        b"String::from(",
        b"Some(",
        b"bytes(",
        b"base64.b64decode(",
        b"new SecretString(",
        b"Encoding.UTF8.GetBytes(",
        b"Encoding.ASCII.GetBytes(",
        b"Field(default=",
        b"CharField(default=",
    ];
    let text = rest.get(from..).unwrap_or_default();
    CALLS.iter().find(|call| text.starts_with(call)).map_or(from, |call| from + call.len())
}

/// `<name>value</name>`, perhaps with attributes, on one line or on lines of its own.
fn element_text(rest: &[u8]) -> Option<(usize, usize, bool)> {
    let open = rest.iter().take(120).position(|byte| *byte == b'>' || *byte == b'\n')?;
    if rest[open] != b'>' || rest[..open].ends_with(b"/") {
        return None;
    }
    let start = skip(rest, open + 1, b" \t\r\n");
    let length =
        rest[start..].iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'<')?;
    let after = skip(rest, start + length, b" \t\r\n");
    rest[after..].starts_with(b"</").then_some((start, start + length, true))
}

/// `name="API_TOKEN" value="…"` and `{"name": "API_TOKEN", "value": "…"}`, or
/// the same on lines of YAML.
fn named_value(rest: &[u8], from: usize) -> Option<(usize, usize, bool)> {
    let cursor = skip(rest, skip(rest, from, b","), b" \t\r\n/");
    if cursor == from {
        return None;
    }
    let quotes = skip(rest, cursor, b"\"'");
    // Android's attributes have a namespace before them.
    let space = if rest[quotes..].starts_with(b"android:") { 8 } else { 0 };
    let quotes = quotes + space;
    let word = rest.get(quotes..quotes + 5)?;
    if !word.eq_ignore_ascii_case(b"value") {
        return None;
    }
    let after = skip(rest, quotes + 5, b"\"' \t");
    let operator = *rest.get(after)?;
    let is_operator = matches!(operator, b'=' | b':');
    is_operator.then(|| value_at(rest, after + 1, operator == b':', b"=")).flatten()
}

/// Whether a name is written as environment variables are.
fn is_environment_name(name: &[u8]) -> bool {
    name.len() >= 5
        && name.iter().all(|b| b.is_ascii_uppercase() || *b == b'_' || b.is_ascii_digit())
}

/// Whether a name is one of several settings in a text: `Server=x;Password=…`,
/// `?user=x&password=…`, `host=x password=…`.
fn is_setting(content: &[u8], start: usize) -> bool {
    let line = &content[start.saturating_sub(200)..start];
    let Some(last) = line.last() else { return false };
    match last {
        b';' | b'?' | b'&' => line[..line.len() - 1].iter().any(|b| matches!(b, b'=' | b':')),
        b' ' => {
            let before = line[..line.len() - 1].rsplit(|byte| byte.is_ascii_whitespace()).next();
            before.is_some_and(|word| {
                let name = word.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
                let is_one = word.get(name) == Some(&b'=') && word.len() > name + 1 && name > 0;
                // After a comma it is an argument of a call.
                (is_one && !word.ends_with(b",")) || (word.ends_with(b";") && word.contains(&b'='))
            })
        }
        _ => false,
    }
}

/// Whether `ENV `, `#define ` or the like stands before a name.
fn follows_command(content: &[u8], start: usize) -> bool {
    let before = &content[start.saturating_sub(200)..start];
    let before = before.strip_suffix(b"\"").unwrap_or(before);
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or(before);
    [
        &b"ENV "[..],
        b"SetEnv ",
        b"setx ",
        b"#define ",
        b"variable ",
        b"(setq ",
        b"(def ",
        b"(defvar ",
    ]
    .iter()
    .any(|command| before.ends_with(command))
        || [&b"configure set "[..], b"config set "]
            .iter()
            .any(|command| line.windows(command.len()).any(|window| window == *command))
}

fn skip(line: &[u8], from: usize, any_of: &[u8]) -> usize {
    from + line[from.min(line.len())..].iter().take_while(|byte| any_of.contains(byte)).count()
}

/// `: string =`, `: &'static str =`, `: str =`, `string =` (Go).
fn after_type_annotation(line: &[u8], from: usize) -> usize {
    const ANNOTATIONS: [&[u8]; 8] = [
        b": string",
        b":string",
        b": &'static str",
        b": &str",
        b": String",
        b": str",
        b"string",
        b":String",
    ];
    let rest = &line[from.min(line.len())..];
    if let Some(length) = other_annotation(rest) {
        return from + length;
    }
    match ANNOTATIONS.iter().find(|annotation| rest.starts_with(annotation)) {
        Some(annotation) => skip(line, from + annotation.len(), b" \t?"),
        None => from,
    }
}

/// Any other type before `=` and a literal: `: Final[str]`, `: string | undefined`, ` As String`.
fn other_annotation(rest: &[u8]) -> Option<usize> {
    if let Some(after) = rest.strip_prefix(b"As String") {
        return Some(rest.len() - after.trim_ascii_start().len());
    }
    let is_part = |b: &&u8| b.is_ascii_alphanumeric() || b"_<>[]?|&'. ".contains(b);
    let length = 1 + rest.strip_prefix(b":")?.iter().take(40).take_while(is_part).count();
    let value = rest[length..].strip_prefix(b"=")?.trim_ascii_start();
    let value = &value[after_conversion(value, 0)..];
    let is_literal = value.first().is_some_and(|byte| matches!(byte, b'"' | b'\''));
    (is_literal && length > 2).then_some(length)
}

fn operator_at(line: &[u8], from: usize) -> Option<&'static [u8]> {
    let rest = &line[from.min(line.len())..];
    for comparison in COMPARISONS {
        if let Some(compared) = rest.strip_prefix(comparison) {
            let literal = compared.trim_ascii_start().first();
            let is_literal = literal.is_some_and(|byte| matches!(byte, b'"' | b'\''));
            return is_literal.then_some(comparison);
        }
    }
    // A space before an operator has been passed: one that is left stands alone.
    let found = OPERATORS.iter().find(|operator| rest.starts_with(operator));
    match found {
        Some(found) => (!(*found == b":" && rest.starts_with(b"::"))).then_some(*found),
        None => (from > 0 && line[from - 1] == b' ').then_some(b" "),
    }
}

/// String prefixes: `f"`, `b"`, `r"`, `@"`, `L"`.
fn after_string_prefix(line: &[u8], from: usize) -> usize {
    match (line.get(from), line.get(from + 1)) {
        (Some(b'b' | b'r' | b'u' | b'f' | b'@' | b'L'), Some(b'"' | b'\'')) => from + 1,
        _ => from,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, bare_values: bool, is_table: bool) -> Option<String> {
        let start = text.find("token").or_else(|| text.find("TOKEN")).unwrap();
        let form = Form {
            bare_values,
            is_table,
            spaced: false,
            directives: false,
            name: (start, start + 5),
        };
        let (from, to, _) = value_after(text.as_bytes(), form)?;
        Some(text[from..to].to_owned())
    }

    #[test]
    fn values_are_found_in_every_notation() {
        for text in [
            "token = \"v1\"",
            "token: 'v1'",
            "token := `v1`",
            "token .= \"v1\";",
            "token ??= \"v1\"",
            "<token>v1</token>",
            "<token>\n  v1\n</token>",
            "<add key=\"token\" value=\"v1\" />",
            "{\"name\": \"token\", \"value\": \"v1\"}",
            "\"token\" => 'v1'",
            "\\\"token\\\": \\\"v1\\\"",
            "token: |\n  v1\n",
            "var token string = \"v1\"",
            "char token[] = \"v1\";",
            "let token: &str = \"v1\";",
            "get(\"token\", \"v1\")",
            "process.env.token || \"v1\"",
            "env.token ?? 'v1'",
            "run -e TOKEN=v1 image",
            "{\"a\": \"TOKEN=v1\\nB=2\"}",
            "<property name=\"token\">v1</property>",
            "<token encoding=\"plain\">v1</token>",
            "<key>token</key>\n<string>v1</string>",
            "<meta-data android:name=\"token\" android:value=\"v1\" />",
            "@Value(\"${token:v1}\")",
            "${token:-v1}",
            "\"token\": {\"value\": \"v1\"}",
            "<ns:token type=\"plain\">v1</ns:token>",
            "<setting name=\"token\" as=\"String\"><value>v1</value></setting>",
            "<Map token={\"v1\"} />",
            "token: ['v1']",
            "field(\"String\", \"token\", \"\\\"v1\\\"\")",
            "const std::string token(\"v1\");",
            "token <- \"v1\"",
            "$config{token} = 'v1';",
            "var token = []byte(\"v1\")",
            "if (token === 'v1') {",
            "token = \"\"\"v1\"\"\"",
            "token: string | undefined = \"v1\"",
            "let token: Option<&str> = Some(\"v1\");",
            "Dim token As String = \"v1\"",
            "token: <%= ENV[\"X\"] || \"v1\" %>",
            "(setq token \"v1\")",
            "add_argument(\"--token\", type=str, default=\"v1\")",
            "token = bytes.fromhex(\"v1\")",
            "{:user \"a\" :token \"v1\"}",
            "ALTER ROLE a TOKEN 'v1'",
            "aws configure set token v1\n",
        ] {
            assert_eq!(value(text, false, false).as_deref(), Some("v1"), "{text}");
        }
        assert_eq!(value("token: v1 # x", true, false).as_deref(), Some("v1"));
        assert_eq!(value("token: !!str v1\n", true, false).as_deref(), Some("v1"));
        assert_eq!(value("token: &name v1\n", true, false).as_deref(), Some("v1"));
        assert_eq!(value("ENV TOKEN v1\n", true, false).as_deref(), Some("v1"));
        assert_eq!(value("token,v1,x", false, true).as_deref(), Some("v1"));
        assert_eq!(value("- name: token\n  value: v1\n", true, false).as_deref(), Some("v1"));
    }

    #[test]
    fn comparisons_calls_and_code_are_no_values() {
        for text in
            ["token == other(\"v1\")", "token::v1", "token v1", "f(token, 'v1')", "token = get()"]
        {
            assert_eq!(value(text, true, false).filter(|v| v == "v1"), None, "{text}");
        }
    }
}
