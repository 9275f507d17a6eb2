//! Which hosts approving a command opens: those it names, and the registries of
//! the package managers it runs. What is shown to the person is what is opened.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::LazyLock;

use kode_base::RiskClass;
use serde::Deserialize;

use crate::assessment::{KnownWord, Unit};

/// Hosts opened for one command.
const HOSTS_MAX: usize = 16;

#[derive(Debug, Deserialize)]
struct Table {
    /// Hosts by group of programs, names with `|` between.
    registries: BTreeMap<String, Vec<String>>,
}

// The table is compiled in and a test reads it: a failure opens nothing.
static TABLE: LazyLock<Option<Table>> =
    LazyLock::new(|| toml::from_str(include_str!("../data/registries.toml")).ok());

/// The hosts; `None` among `named` stands for one that is not known. `remotes`
/// are the repository's, by name.
pub(crate) fn hosts(
    units: &[Unit],
    named: &[Option<String>],
    remotes: &[(String, String)],
) -> Vec<String> {
    let mut opened: Vec<String> = Vec::new();
    let networked = || units.iter().filter(|unit| wants_network(unit));
    let written = networked().flat_map(|unit| unit.argv.iter().filter_map(url_host));
    let remote = networked().filter_map(|unit| remote_host(unit, remotes));
    let registries = networked().flat_map(registries).map(str::to_owned);
    let all = written.chain(named.iter().flatten().cloned()).chain(remote).chain(registries);
    for host in all {
        let host = host.to_ascii_lowercase();
        let known = opened.iter().any(|each| *each == host || *each == format!("{host}:80"));
        if is_openable(&host) && !known && opened.len() < HOSTS_MAX {
            opened.push(host);
        }
    }
    opened
}

/// Of the hosts that approving opens, those that labels judge although no effect
/// names them: a URL among a command's words, but no registry, which is only read,
/// and with `remotes` none of the repository's own.
pub(crate) fn unjudged(
    opens: &[String],
    judged: &[Option<String>],
    remotes: &[(String, String)],
) -> Vec<Option<String>> {
    let plain = |host: &String| host.strip_suffix(":80").unwrap_or(host).to_owned();
    let is_own = |host: &String| {
        remotes.iter().any(|(_, address)| {
            url_host(&KnownWord::Exact(address.clone())).is_some_and(|own| plain(&own) == *host)
        })
    };
    let is_registry = |host: &String| {
        TABLE.as_ref().is_some_and(|table| table.registries.values().flatten().any(|it| it == host))
    };
    let hosts = opens.iter().map(plain);
    hosts
        .filter(|host| !is_registry(host) && !is_own(host))
        .filter(|host| !judged.iter().flatten().any(|it| it.eq_ignore_ascii_case(host)))
        .map(Some)
        .collect()
}

/// The host of an argument that is an address on the web; with `:80` where it
/// is not encrypted.
fn url_host(word: &KnownWord) -> Option<String> {
    let KnownWord::Exact(text) = word else { return None };
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    // Before an `@` stands a user's name; before a `:` the host.
    let host = authority.rsplit('@').next()?;
    let (host, port) = host.split_once(':').unwrap_or((host, ""));
    match (scheme.to_ascii_lowercase().as_str(), port) {
        ("https" | "git+https" | "wss", "" | "443") => Some(host.to_owned()),
        ("http", "" | "80") => Some(format!("{host}:80")),
        _ => None,
    }
}

/// The host of the remote that a git command talks to: the one it names, or
/// `origin`.
fn remote_host(unit: &Unit, remotes: &[(String, String)]) -> Option<String> {
    if program(&unit.argv).as_deref() != Some("git") {
        return None;
    }
    let words = unit.argv.iter().map(|word| match word {
        KnownWord::Exact(text) => Some(text.as_str()),
        KnownWord::Prefix(_) => None,
    });
    // What is not known could be another remote; an address is not one.
    let words: Vec<&str> = words.collect::<Option<_>>()?;
    if words.iter().any(|word| word.contains(':') || *word == "clone") {
        return None;
    }
    let mut names = words.iter().filter(|word| remotes.iter().any(|(name, _)| name == **word));
    let name = names.next().copied().unwrap_or("origin");
    let (_, address) = remotes.iter().find(|(known, _)| known == name)?;
    url_host(&KnownWord::Exact(address.clone()))
}

fn wants_network(unit: &Unit) -> bool {
    matches!(unit.class, RiskClass::Install | RiskClass::NetworkEgress)
}

/// The registries of the program a unit runs.
fn registries(unit: &Unit) -> impl Iterator<Item = &'static str> + use<> {
    let program = program(&unit.argv);
    let groups = TABLE.iter().flat_map(|table| &table.registries);
    let of_program = groups.filter(move |(programs, _)| {
        program.as_deref().is_some_and(|name| programs.split('|').any(|each| each == name))
    });
    of_program.flat_map(|(_, hosts)| hosts.iter().map(String::as_str))
}

/// The program's name without its folder; the module for `python -m pip`.
fn program(argv: &[KnownWord]) -> Option<String> {
    let exact = |at: usize| match argv.get(at) {
        Some(KnownWord::Exact(text)) => Some(text.as_str()),
        _ => None,
    };
    let name = exact(0)?.rsplit('/').next()?;
    let is_python = name.starts_with("python") || name == "py";
    match exact(1) {
        Some("-m") if is_python => exact(2).map(str::to_owned),
        _ => Some(name.to_owned()),
    }
}

/// Names alone can be opened, and those of the machine itself need not be.
fn is_openable(host: &str) -> bool {
    let host = host.strip_suffix(":80").unwrap_or(host);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    host.contains('.')
        && host.bytes().all(plain)
        && host.parse::<IpAddr>().is_err()
        && !host.ends_with(".localhost")
        && !host
            .rsplit('.')
            .next()
            .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use kode_base::ProjectPath;

    use super::*;
    use crate::SessionState;
    use crate::assess::command_line;

    fn opens(command: &str) -> Vec<String> {
        let remote = |name: &str, address: &str| (name.to_owned(), address.to_owned());
        let state = SessionState {
            project_root: "/p".to_owned(),
            git_remotes: vec![
                remote("origin", "https://user@git.example.org/a.git"),
                remote("other", "https://other.example.org/a.git"),
                remote("shell", "git@shell.example.org:a.git"),
            ],
            ..SessionState::default()
        };
        command_line(command, &ProjectPath::root(), &state).opens
    }

    #[test]
    fn package_managers_open_their_registries() {
        assert_eq!(opens("npm install left-pad"), ["registry.npmjs.org"]);
        assert_eq!(opens("pip install six"), ["pypi.org", "files.pythonhosted.org"]);
        assert_eq!(opens("python3 -m pip install six"), ["pypi.org", "files.pythonhosted.org"]);
        assert!(opens("cargo add itoa && cargo build").contains(&"index.crates.io".to_owned()));
        assert!(opens("cargo fetch").contains(&"static.crates.io".to_owned()));
        assert_eq!(opens("cd sub && npm ci"), ["registry.npmjs.org"]);
    }

    #[test]
    fn named_hosts_are_opened_and_no_others() {
        assert_eq!(opens("curl https://Example.org/x"), ["example.org"]);
        assert_eq!(opens("git clone https://example.org/x.git"), ["example.org"]);
        assert_eq!(opens("curl http://example.org/x"), ["example.org:80"]);
        assert_eq!(opens("git fetch"), ["git.example.org"]);
        assert_eq!(opens("git fetch other main"), ["other.example.org"]);
        assert_eq!(opens("git pull origin main"), ["git.example.org"]);
        for command in [
            "git status",
            "git fetch shell",
            "ls",
            "cargo build",
            "curl $URL",
            "curl http://127.0.0.1/",
            "curl http://localhost:3000/",
            "curl http://[::1]/",
            "curl http://2130706433/",
            "echo npm install",
        ] {
            assert_eq!(opens(command), [""; 0], "{command}");
        }
    }

    #[test]
    fn the_table_is_readable() {
        assert!(TABLE.as_ref().is_some_and(|table| table.registries.len() > 5));
    }
}
