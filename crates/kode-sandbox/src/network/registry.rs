//! Which hosts are package registries, and which of their paths packages are
//! read from. Whatever else a registry offers, an account or an upload, is not
//! reached from a sandbox.

use std::sync::LazyLock;

use serde::Deserialize;

use super::{HostName, Refusal};

/// Bytes of a path and its query.
const TARGET_BYTES_MAX: usize = 1024;
/// Bytes of one query value.
const QUERY_VALUE_BYTES_MAX: usize = 256;

/// One registry, or one part of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registry {
    #[cfg_attr(not(test), expect(dead_code, reason = "for the tests' messages"))]
    name: String,
    hosts: Vec<String>,
    #[serde(default)]
    writes: Vec<String>,
    paths: Vec<String>,
    #[serde(default)]
    closed: Vec<String>,
    #[serde(default)]
    query: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "examples for the tests"))]
    open: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "examples for the tests"))]
    shut: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Table {
    registry: Vec<Registry>,
}

// The table is compiled in and a test reads it: a failure can't reach users.
static TABLE: LazyLock<Option<Table>> =
    LazyLock::new(|| toml::from_str(include_str!("../../data/registries.toml")).ok());

/// What a host is to the proxy.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Read through the fetcher.
    Registry(&'static Registry),
    /// Serves only to publish.
    Writes,
    /// Anything else.
    Other,
}

/// Looks a host up. Without the table nothing is anything else.
pub(crate) fn kind(host: &HostName) -> Kind {
    let Some(table) = TABLE.as_ref() else { return Kind::Writes };
    let name = host.as_str();
    let holds = |list: &[String]| list.iter().any(|each| each == name);
    for registry in &table.registry {
        if holds(&registry.hosts) {
            return Kind::Registry(registry);
        }
        if holds(&registry.writes) {
            return Kind::Writes;
        }
    }
    Kind::Other
}

/// Every host that is read through the fetcher.
pub(crate) fn hosts() -> impl Iterator<Item = &'static str> {
    let registries = TABLE.as_ref().map_or(&[][..], |table| table.registry.as_slice());
    registries.iter().flat_map(|registry| registry.hosts.iter().map(String::as_str))
}

impl Registry {
    /// Whether a request may be made, and the target it is made with: the path
    /// as it came, the query without what the registry does not need.
    ///
    /// # Errors
    /// For every method but GET and HEAD, and paths that are not for reading.
    pub(crate) fn admit(&self, method: &str, target: &str) -> Result<String, Refusal> {
        if !matches!(method, "GET" | "HEAD") {
            return Err(Refusal::RegistryWrite(method.chars().take(16).collect()));
        }
        if target.len() > TARGET_BYTES_MAX || target.contains('#') {
            return Err(Refusal::RegistryPath);
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let plain = decoded(path).filter(|plain| is_plain(path) && is_plain(plain));
        let plain = plain.ok_or(Refusal::RegistryPath)?;
        // A path counts as what it says and as what a server may make of it.
        for spelling in [path, &plain] {
            let below =
                |list: &[String]| list.iter().any(|each| spelling.starts_with(each.as_str()));
            if !below(&self.paths) || below(&self.closed) {
                return Err(Refusal::RegistryPath);
            }
        }
        let kept: Vec<&str> = query.split('&').filter(|pair| self.passes(pair)).collect();
        match kept.is_empty() {
            true => Ok(path.to_owned()),
            false => Ok(format!("{path}?{}", kept.join("&"))),
        }
    }

    fn passes(&self, pair: &str) -> bool {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        self.query.iter().any(|each| each == key) && value.len() <= QUERY_VALUE_BYTES_MAX
    }
}

/// Undoes percent-encoding once; `None` where it is malformed or hides what a
/// path can't hold.
fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes().iter();
    while let Some(byte) = rest.next() {
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    let text = String::from_utf8(bytes).ok()?;
    let clean = !text.chars().any(|character| character.is_control() || character == '%');
    clean.then_some(text)
}

/// Absolute, without `..`, `.`, empty parts inside, or backslashes.
fn is_plain(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let mut parts = rest.split('/').peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        if matches!(part, "." | "..") || part.contains('\\') || (part.is_empty() && !last) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_holds_against_its_own_examples() {
        let table = TABLE.as_ref().expect("the table is valid");
        for registry in &table.registry {
            for target in &registry.open {
                assert_eq!(
                    registry.admit("GET", target).as_deref(),
                    Ok(target.as_str()),
                    "{}",
                    registry.name
                );
            }
            for target in &registry.shut {
                assert_eq!(
                    registry.admit("GET", target),
                    Err(Refusal::RegistryPath),
                    "{} {target}",
                    registry.name
                );
            }
            assert!(!registry.open.is_empty() && !registry.shut.is_empty());
            for host in registry.hosts.iter().chain(&registry.writes) {
                assert_eq!(HostName::parse(host).unwrap().as_str(), host);
            }
        }
    }

    fn registry(host: &str) -> &'static Registry {
        match kind(&HostName::parse(host).unwrap()) {
            Kind::Registry(registry) => registry,
            other => panic!("{host}: {other:?}"),
        }
    }

    #[test]
    fn nothing_is_written_to_a_registry() {
        for method in
            ["PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "MKCOL", "GETX"]
        {
            for host in hosts() {
                assert!(
                    matches!(registry(host).admit(method, "/x"), Err(Refusal::RegistryWrite(_))),
                    "{method} {host}"
                );
            }
        }
        assert!(matches!(kind(&HostName::parse("upload.pypi.org").unwrap()), Kind::Writes));
    }

    #[test]
    fn paths_in_disguise_are_refused() {
        for target in [
            "x",
            "",
            "/a/../-/whoami",
            "/a/%2e%2e/-/whoami",
            "/a/.%2e/b",
            "/a\\..\\b",
            "/a%5cb",
            "/a%00b",
            "/a%0d%0aX",
            "/%",
            "/%zz",
            "/%2",
            "/%252e%252e/x",
            "/./x",
            "//x",
            "/a//b",
            "/a#b",
            "http://evil.org/x",
            "*",
        ] {
            assert_eq!(
                registry("registry.npmjs.org").admit("GET", target),
                Err(Refusal::RegistryPath),
                "{target}"
            );
        }
        let long = format!("/{}", "a".repeat(2000));
        assert!(registry("registry.npmjs.org").admit("GET", &long).is_err());
    }

    #[test]
    fn queries_carry_only_what_a_registry_needs() {
        let npm = registry("registry.npmjs.org");
        assert_eq!(npm.admit("GET", "/x?secret=1&write=true").unwrap(), "/x");
        assert_eq!(
            npm.admit("GET", "/-/v1/search?text=a&x=1&size=2").unwrap(),
            "/-/v1/search?text=a&size=2"
        );
        assert_eq!(registry("pypi.org").admit("GET", "/simple/six/?q=x").unwrap(), "/simple/six/");
    }
}
