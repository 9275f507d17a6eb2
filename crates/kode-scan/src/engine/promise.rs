//! What the name of a function that nobody knows promises of what it is asked about.
//!
//! That something is there, has text in it or is of somebody who may says nothing of the
//! text itself. A name counts only when it says that the content is checked: that it is
//! safe, allowed, one of a list, below a folder, a number.

use super::Engine;
use super::guard::{facts_of, truth_with};
use super::site::Site;
use super::value::Value;
use crate::category::CategorySet;

/// Beginnings of names that ask.
const ASKING: [&str; 8] = ["is", "has", "check", "verify", "ensure", "allow", "safe", "valid"];
/// Words that say the content is restricted.
const STRICT: [&str; 94] = [
    "safe",
    "secure",
    "allow",
    "allowed",
    "allowable",
    "allowlisted",
    "permitted",
    "trusted",
    "valid",
    "whitelisted",
    "listed",
    "legal",
    "local",
    "relative",
    "internal",
    "same",
    "own",
    "clean",
    "sane",
    "harmless",
    "known",
    "supported",
    "acceptable",
    "accepted",
    "approved",
    "registered",
    "in",
    "within",
    "inside",
    "under",
    "below",
    "beneath",
    "contained",
    "sub",
    "subpath",
    "subdir",
    "subdirectory",
    "subfolder",
    "child",
    "descendant",
    "int",
    "integer",
    "number",
    "numeric",
    "digit",
    "digits",
    "decimal",
    "float",
    "double",
    "boolean",
    "bool",
    "uuid",
    "guid",
    "hex",
    "hexadecimal",
    "alnum",
    "alpha",
    "alphanumeric",
    "identifier",
    "ident",
    "slug",
    "date",
    "ip",
    "ipv4",
    "ipv6",
    "hostname",
    "fqdn",
    "domain",
    "email",
    "port",
    "word",
    "letter",
    "letters",
    "enum",
    "member",
    "one",
    "md5",
    "sha1",
    "id",
    "oid",
    "locale",
    "iso",
    "match",
    "matches",
    "matching",
    "sortable",
    "column",
    "sanitized",
    "sanitised",
    "escaped",
    "finite",
    "eligible",
    "builtin",
    "reserved",
];
/// Parts of names written as one word that say so.
const STRICT_PARTS: [&str; 13] = [
    "valid",
    "safe",
    "allow",
    "trust",
    "permit",
    "number",
    "numeric",
    "alnum",
    "alpha",
    "digit",
    "integer",
    "whitelist",
    "local",
];
/// Words that say the opposite: harmless where the answer is no.
const HARMFUL: [&str; 20] = [
    "unsafe",
    "invalid",
    "malicious",
    "external",
    "forbidden",
    "blocked",
    "blacklisted",
    "blocklisted",
    "denied",
    "illegal",
    "dangerous",
    "suspicious",
    "traversal",
    "evil",
    "bad",
    "disallowed",
    "untrusted",
    "unknown",
    "unsupported",
    "insecure",
];
/// Words of something else that is asked: of somebody, of an amount, whether it is there.
const OTHER: [&str; 48] = [
    "logged",
    "signed",
    "login",
    "admin",
    "auth",
    "authenticated",
    "authentication",
    "authorized",
    "authorised",
    "authorization",
    "session",
    "token",
    "csrf",
    "role",
    "roles",
    "perm",
    "perms",
    "permission",
    "permissions",
    "quota",
    "rate",
    "limit",
    "password",
    "credential",
    "credentials",
    "signature",
    "length",
    "size",
    "empty",
    "blank",
    "exist",
    "exists",
    "existing",
    "file",
    "dir",
    "directory",
    "null",
    "nil",
    "none",
    "present",
    "defined",
    "throttled",
    "string",
    "utf8",
    "unicode",
    "text",
    "json",
    "xml",
];
/// Words of `OTHER` that a promise beside them outweighs: `allowed_file`, `isInDirectory`.
const PLACES: [&str; 3] = ["file", "dir", "directory"];
/// What a function that checks is meant to check: the text itself.
const CHECKED: [&str; 44] = [
    "path",
    "paths",
    "url",
    "uri",
    "link",
    "name",
    "filename",
    "filepath",
    "file",
    "host",
    "origin",
    "redirect",
    "target",
    "dest",
    "destination",
    "input",
    "param",
    "params",
    "parameter",
    "parameters",
    "arg",
    "args",
    "argument",
    "arguments",
    "value",
    "key",
    "field",
    "table",
    "sort",
    "order",
    "format",
    "ext",
    "extension",
    "type",
    "syntax",
    "char",
    "chars",
    "character",
    "characters",
    "injection",
    "sql",
    "xss",
    "branch",
    "ref",
];
/// What a thing can have of a list: `table.hasColumn(name)`.
const HELD: [&str; 10] = [
    "key", "field", "property", "option", "item", "element", "entry", "value", "command", "action",
];

/// What the truth of a check says: for which answer, and what is harmless then.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
struct Promise {
    when: bool,
    cleans: CategorySet,
}

impl Engine<'_> {
    /// The answer of a function whose name asks about what it is handed.
    pub(super) fn asked_by_name(&mut self, site: &Site) -> Option<Value> {
        let name = site.method.to_ascii_lowercase();
        let asks = ASKING.iter().any(|beginning| name.starts_with(beginning));
        let promise = asks.then(|| promise_of(&site.method))?;
        Some(promise.map_or_else(Value::default, |promise| self.facts_promised(site, promise)))
    }

    /// The answer of a function that validates, by its name.
    pub(super) fn validated_by_name(&mut self, site: &Site) -> Option<Value> {
        let words = words_of(&site.method);
        let about_other = has_any(&words, &OTHER) && !has_any(&words, &PLACES);
        let cleans = if about_other { CategorySet::NONE } else { CategorySet::EVERY };
        site.argument(0)?;
        Some(self.facts_promised(site, Promise { when: true, cleans }))
    }

    /// What is promised, of all input that is handed over.
    fn facts_promised(&mut self, site: &Site, promise: Promise) -> Value {
        let tainted = |given: &&super::site::Given| given.value.is_tainted();
        let mut asked: Vec<_> =
            site.given.iter().filter(tainted).filter_map(|given| given.expression).collect();
        if asked.is_empty() {
            asked.extend(site.argument(0));
        }
        let facts = asked.into_iter().flat_map(|expression| {
            facts_of(&self.fact(expression, promise.when, promise.cleans)).unwrap_or_default()
        });
        truth_with(facts.collect())
    }
}

/// What a name that asks promises; nothing where it asks about something else.
fn promise_of(name: &str) -> Option<Promise> {
    let words = words_of(name);
    let (verb, rest) = words.split_first()?;
    let every = |when| Some(Promise { when, cleans: CategorySet::EVERY });
    if verb == "is" && rest.first().is_some_and(|word| word == "string") {
        return Some(Promise { when: true, cleans: CategorySet::DOCUMENT });
    }
    if has_any(rest, &HARMFUL) {
        return every(false);
    }
    let is_strict = has_any(rest, &STRICT)
        || matches!(verb.as_str(), "safe" | "valid")
        || verb.starts_with("allow");
    let other = rest.iter().any(|word| {
        OTHER.contains(&word.as_str()) && !(is_strict && PLACES.contains(&word.as_str()))
    });
    let is_check = matches!(verb.as_str(), "check" | "verify" | "ensure");
    if is_check && (rest.is_empty() || has_any(rest, &CHECKED)) {
        let is_there = rest
            .iter()
            .any(|word| OTHER.contains(&word.as_str()) && !PLACES.contains(&word.as_str()));
        return if is_there { None } else { every(true) };
    }
    if other {
        return None;
    }
    if is_strict || verb == "has" && has_any(rest, &HELD) {
        return every(true);
    }
    let is_one_word = rest.is_empty() && verb.len() > 2;
    (is_one_word && STRICT_PARTS.iter().any(|part| verb.contains(part)))
        .then_some(Promise { when: true, cleans: CategorySet::EVERY })
}

fn has_any(words: &[String], of: &[&str]) -> bool {
    words.iter().any(|word| of.contains(&word.as_str()))
}

/// The words of a name: `isSafeURL`, `is_safe_url`.
fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let characters: Vec<char> = name.chars().collect();
    for (at, character) in characters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| characters[at]);
        let after = characters.get(at + 1);
        let begins = before.is_none_or(|before| {
            before == '_'
                || character.is_uppercase()
                    && (!before.is_uppercase() || after.is_some_and(|after| after.is_lowercase()))
        });
        if *character == '_' {
            continue;
        }
        match words.last_mut() {
            Some(word) if !begins => word.extend(character.to_lowercase()),
            _ => words.push(character.to_lowercase().collect()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{promise_of, words_of};
    use crate::category::CategorySet;

    #[test]
    fn names_are_taken_apart_at_capitals_and_underscores() {
        assert_eq!(words_of("isSafeURLPath"), ["is", "safe", "url", "path"]);
        assert_eq!(words_of("_is_safe_url"), ["is", "safe", "url"]);
        assert_eq!(words_of("IsURL"), ["is", "url"]);
    }

    #[test]
    fn only_names_that_speak_of_the_content_promise_something() {
        for name in [
            "isSafeUrl",
            "is_valid_url",
            "isAllowed",
            "allowed_file",
            "checkPath",
            "check",
            "is_within_directory",
            "isPathInside",
            "isUUID",
            "isalnum",
            "hasColumn",
            "isInteger",
            "verify_redirect_target",
            "IsAllowedHost",
            "isMongoId",
            "isvalidname",
        ] {
            let promise = promise_of(name).unwrap_or_else(|| panic!("{name}"));
            assert!(promise.when && promise.cleans == CategorySet::EVERY, "{name}");
        }
        for name in ["isMalicious", "has_traversal", "isInvalidName"] {
            assert!(!promise_of(name).unwrap_or_else(|| panic!("{name}")).when, "{name}");
        }
        for name in [
            "isLoggedIn",
            "is_admin",
            "has_perm",
            "check_quota",
            "isfile",
            "isdir",
            "isFile",
            "hasText",
            "hasLength",
            "isNotBlank",
            "isNotEmpty",
            "isLength",
            "IsEmpty",
            "checkFileExists",
            "isURL",
            "has_access",
            "isdirectory",
            "isprintable",
            "checkToken",
            "ValidString",
        ] {
            assert_eq!(promise_of(name), None, "{name}");
        }
        let text = promise_of("isString").map(|promise| promise.cleans);
        assert_eq!(text, Some(CategorySet::DOCUMENT));
    }
}
