//! The environment of commands: names on an allow-list, nothing else. A key, a
//! token or a socket path in the caller's environment never reaches a command.

use std::path::Path;

use super::toolchains::{Grant, system};
use super::{Identity, TEMPORARY_WITH_PROGRAMS};
use crate::SandboxSettings;

/// What commands in a container are called, whatever their number.
pub(crate) const CONTAINER_USER: &str = "kode";

/// Names passed on as they are. None of them can hold a credential or make a
/// program load code that the project could not make it load anyway.
const PASSED: &[&str] = &[
    "CI",
    "COLORTERM",
    "FORCE_COLOR",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_COLLATE",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LC_MONETARY",
    "LC_NUMERIC",
    "LC_TIME",
    "NO_COLOR",
    "RUST_BACKTRACE",
    "RUSTUP_TOOLCHAIN",
    "SOURCE_DATE_EPOCH",
    "TERM",
    "TZ",
];

/// Names of what builds are told, passed on while the value names no place but the
/// system's and holds nothing like a credential.
const OF_BUILDS: &[&str] = &[
    "AR",
    "CARGO_BUILD_JOBS",
    "CARGO_INCREMENTAL",
    "CARGO_TERM_COLOR",
    "CC",
    "CFLAGS",
    "CGO_ENABLED",
    "CMAKE_BUILD_PARALLEL_LEVEL",
    "CMAKE_BUILD_TYPE",
    "CMAKE_GENERATOR",
    "CPPFLAGS",
    "CXX",
    "CXXFLAGS",
    "GOARCH",
    "GOFLAGS",
    "GOOS",
    "LD",
    "LDFLAGS",
    "MAKEFLAGS",
    "NODE_ENV",
    "PYTHONHASHSEED",
    "PYTHONUNBUFFERED",
    "PYTHONWARNINGS",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
    "RUST_LOG",
    "RUST_TEST_THREADS",
];

/// Longer words of letters and digits may be keys.
const WORD_BYTES_MAX: usize = 24;

/// Names of toolchain roots, passed on while they are absolute paths.
const PATHS: &[&str] = &[
    "ASDF_DATA_DIR",
    "BUN_INSTALL",
    "CARGO_HOME",
    "DENO_INSTALL",
    "GOPATH",
    "GOROOT",
    "GRADLE_USER_HOME",
    "JAVA_HOME",
    "MISE_DATA_DIR",
    "NVM_DIR",
    "PNPM_HOME",
    "PYENV_ROOT",
    "RBENV_ROOT",
    "RUSTUP_HOME",
    "SDKMAN_DIR",
    "VOLTA_HOME",
];

/// Always at the end of `PATH`.
const SYSTEM_PATH: &[&str] = &["/usr/local/bin", "/usr/bin", "/bin"];

/// The value of one variable.
pub(crate) fn variable<'a>(variables: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = variables.iter().find(|(key, value)| key == name && !value.is_empty());
    found.map(|(_, value)| value.as_str())
}

/// The environment inside the native sandbox.
pub(super) fn inside(
    settings: &SandboxSettings,
    identity: &Identity,
    home: &str,
    toolchains: &[Grant],
) -> Vec<(String, String)> {
    let visible = |entry: &Path| {
        system(entry) || toolchains.iter().any(|grant| entry.starts_with(&grant.target))
    };
    let mut environment = passed(settings, &visible);
    for name in OF_BUILDS {
        let value = variable(&settings.host.variables, name).filter(|value| is_harmless(value));
        environment.extend(value.map(|value| ((*name).to_owned(), value.to_owned())));
    }
    environment.push(("SHELL".to_owned(), "/bin/bash".to_owned()));
    environment.extend(own(home, &identity.name, "/tmp", bytecode(settings, "/tmp")));
    environment
}

/// The environment over an image's own, whose programs and paths are its own.
pub(super) fn in_container(settings: &SandboxSettings, home: &str) -> Vec<(String, String)> {
    let mut environment = named(settings);
    let bytecode = bytecode(settings, TEMPORARY_WITH_PROGRAMS);
    environment.extend(own(home, CONTAINER_USER, TEMPORARY_WITH_PROGRAMS, bytecode));
    environment
}

/// Whether a value names no place but the system's, no address and no descriptor, and
/// holds no word that may be a key.
fn is_harmless(value: &str) -> bool {
    let words = value.split(|letter: char| !letter.is_ascii_alphanumeric());
    let is_mixed = |word: &str| {
        word.contains(|letter: char| letter.is_ascii_digit())
            && word.contains(|letter: char| letter.is_ascii_alphabetic())
    };
    let has_key = words.into_iter().any(|word| word.len() >= WORD_BYTES_MAX && is_mixed(word));
    let mut places = value.match_indices('/').filter(|(at, _)| {
        // The first of a path; those behind a name or another belong to it.
        let before = value[..*at].chars().next_back();
        before
            .is_none_or(|letter| !letter.is_ascii_lowercase() && !"/.-_0123456789".contains(letter))
    });
    let stranger = places.any(|(at, _)| !system(Path::new(&value[at..])) || value.contains(".."));
    !has_key && !stranger && !value.contains("://") && !value.contains("jobserver")
}

/// Built programs beside the sources would be touched files that nobody can scan. The
/// commands of a session share a folder for them; one command would read none, not even
/// the system's, and have Python build everything it imports.
fn bytecode(settings: &SandboxSettings, temporary: &str) -> (&'static str, String) {
    match settings.one_command {
        true => ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        false => ("PYTHONPYCACHEPREFIX", format!("{temporary}/python-bytecode")),
    }
}

/// What every sandbox sets.
fn own(
    home: &str,
    user: &str,
    temporary: &str,
    (bytecode, place): (&'static str, String),
) -> Vec<(String, String)> {
    let variables = [
        ("HOME", home),
        ("USER", user),
        ("LOGNAME", user),
        ("TMPDIR", temporary),
        // There is no network: ask caches at once instead of timing out.
        ("CARGO_NET_OFFLINE", "true"),
        ("GOPROXY", "off"),
        ("npm_config_fetch_retries", "0"),
        ("PIP_RETRIES", "0"),
        ("npm_config_update_notifier", "false"),
        ("GIT_TERMINAL_PROMPT", "0"),
        // Looking for leaks needs ptrace, and fails a sanitized program without it.
        ("LSAN_OPTIONS", "detect_leaks=0"),
        (bytecode, place.as_str()),
    ];
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// The environment on the bare host: the same list, with the real home.
pub(crate) fn bare_environment(settings: &SandboxSettings) -> Vec<(String, String)> {
    let project_free = |entry: &Path| entry.is_absolute();
    let mut environment = passed(settings, &project_free);
    for name in ["HOME", "USER", "LOGNAME", "SHELL", "TMPDIR"] {
        if let Some(value) = variable(&settings.host.variables, name) {
            environment.push((name.to_owned(), value.to_owned()));
        }
    }
    for (name, value) in [("GIT_TERMINAL_PROMPT", "0"), ("PYTHONDONTWRITEBYTECODE", "1")] {
        environment.push((name.to_owned(), value.to_owned()));
    }
    environment
}

fn passed(settings: &SandboxSettings, on_path: &dyn Fn(&Path) -> bool) -> Vec<(String, String)> {
    let variables = &settings.host.variables;
    let mut environment = named(settings);
    for name in PATHS {
        let value = variable(variables, name).filter(|value| value.starts_with('/'));
        environment.extend(value.map(|value| ((*name).to_owned(), value.to_owned())));
    }
    environment.push(("PATH".to_owned(), search_path(settings, on_path)));
    environment
}

/// The names that are passed on as they are.
fn named(settings: &SandboxSettings) -> Vec<(String, String)> {
    let value = |name: &str| variable(&settings.host.variables, name).map(str::to_owned);
    PASSED.iter().filter_map(|name| Some(((*name).to_owned(), value(name)?))).collect()
}

fn search_path(settings: &SandboxSettings, on_path: &dyn Fn(&Path) -> bool) -> String {
    let host = variable(&settings.host.variables, "PATH").unwrap_or_default();
    let mut entries: Vec<&str> = Vec::new();
    let allowed =
        host.split(':').filter(|entry| entry.starts_with('/') && on_path(Path::new(entry)));
    for entry in allowed.chain(SYSTEM_PATH.iter().copied()) {
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    entries.join(":")
}

#[cfg(test)]
mod tests {
    use super::is_harmless;

    #[test]
    fn values_that_name_places_or_may_be_keys_are_kept_outside() {
        for harmless in [
            "clang",
            "-O2 -g -DX=1",
            "-I/usr/include/x -L/usr/lib",
            "debug,hyper=info",
            "-j4",
            "src/a",
        ] {
            assert!(is_harmless(harmless), "{harmless}");
        }
        for other in [
            "/home/me/bin/cc",
            "-I/opt/secret",
            "/usr/../root/cc",
            "https://u:p@host",
            "sk9fj2lx8d7a6s5d4f3g2h1jkl",
            " -j4 --jobserver-auth=3,4",
        ] {
            assert!(!is_harmless(other), "{other}");
        }
    }
}
