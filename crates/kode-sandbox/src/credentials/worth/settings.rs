//! Whether a line of settings holds no secret (`PORT=8080`, `save-exact=true`). Only
//! values that nobody takes for a password are harmless; what it can't tell is not.

/// In names of what is secret, or may be.
const SECRET_NAMES: [&str; 18] = [
    "key",
    "token",
    "secret",
    "pass",
    "auth",
    "pin",
    "credential",
    "pwd",
    "pw",
    "dsn",
    "hook",
    "code",
    "otp",
    "salt",
    "seed",
    "sign",
    "cookie",
    "url",
];
/// Names whose value is what they say: a word, a number, a host.
const CLEAR_NAMES: [&str; 12] = [
    "node_env",
    "app_env",
    "rails_env",
    "rack_env",
    "env",
    "log_level",
    "loglevel",
    "rust_log",
    "port",
    "host",
    "lang",
    "tz",
];
/// Endings of such names.
const CLEAR_ENDINGS: [&str; 4] = ["_port", "_host", "_log_level", "_env"];
/// Values that nobody takes for a password.
const WORDS: [&str; 42] = [
    "true",
    "false",
    "on",
    "off",
    "yes",
    "no",
    "none",
    "null",
    "auto",
    "always",
    "never",
    "development",
    "production",
    "test",
    "testing",
    "staging",
    "local",
    "dev",
    "prod",
    "ci",
    "info",
    "debug",
    "warn",
    "warning",
    "error",
    "trace",
    "silent",
    "verbose",
    "localhost",
    "127.0.0.1",
    "0.0.0.0",
    "utf-8",
    "utf8",
    "utc",
    "public",
    "restricted",
    "hoisted",
    "isolated",
    "memory",
    "~",
    "^",
    "*",
];
/// Hosts that serve packages.
const REGISTRIES: [&str; 6] = [
    "registry.npmjs.org",
    "registry.yarnpkg.com",
    "npm.pkg.github.com",
    "pypi.org",
    "index.crates.io",
    "repo.maven.apache.org",
];
/// Ports, years, sizes.
const NUMBER_DIGITS_MAX: usize = 5;
/// The value of a name that says what it is.
const CLEAR_LENGTH_MAX: usize = 24;
/// One part of a path, or of a host's name.
const PART_LENGTH_MAX: usize = 20;
/// Where a comment's longest word may still be one.
const WORD_LENGTH_MAX: usize = 12;

/// Whether the line is empty, a comment that holds no setting, or a setting without a
/// secret.
pub(super) fn is_plain(line: &str) -> bool {
    let line = line.trim();
    let setting = line.trim_start_matches(['#', ';', ' ', '\t']);
    if setting.len() < line.len() {
        return is_plain_comment(setting);
    }
    line.is_empty() || is_plain_setting(line)
}

fn is_plain_comment(text: &str) -> bool {
    if text.contains('=') {
        return text.bytes().all(|byte| byte == b'=') || is_plain_setting(text);
    }
    let says_secret = text.split_once(':').is_some_and(|(name, _)| names_secret(name));
    let looks_random =
        |word: &str| word.len() > WORD_LENGTH_MAX && word.bytes().any(|byte| byte.is_ascii_digit());
    !says_secret && !text.split_whitespace().any(looks_random)
}

/// `NAME=value` whose value is no secret whatever its name, or its name says what it is.
fn is_plain_setting(line: &str) -> bool {
    let Some((name, value)) = line.trim_start_matches("export ").split_once('=') else {
        return false;
    };
    let value = value.trim().trim_matches(['"', '\'']);
    let name = name.trim().to_ascii_lowercase();
    let lower = value.to_ascii_lowercase();
    let is_number =
        value.len() <= NUMBER_DIGITS_MAX && value.bytes().all(|byte| byte.is_ascii_digit());
    let is_common = WORDS.contains(&lower.as_str());
    let is_secret = names_secret(&name);
    let is_link = name.contains("url") && !name.contains("hook");
    value.is_empty()
        || is_placeholder(value)
        || is_clear(&name) && !is_secret && is_name(value)
        || !is_secret && (is_number || is_common)
        || (!is_secret || is_link) && is_address(value)
}

fn names_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|word| lower.contains(word))
}

fn is_clear(name: &str) -> bool {
    CLEAR_NAMES.contains(&name) || CLEAR_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// `en_US.UTF-8`, `db.internal`, `staging`.
fn is_name(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    value.len() <= CLEAR_LENGTH_MAX && value.bytes().all(plain)
}

/// `${NPM_TOKEN}`, `<your token>`, `changeme`, `your-key-here`.
fn is_placeholder(value: &str) -> bool {
    let within = |begin, end| value.strip_prefix(begin).and_then(|it| it.strip_suffix(end));
    let variable = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let words = |byte: u8| byte.is_ascii_alphabetic() || b" _-".contains(&byte);
    let is_words = |text: &str| text.bytes().all(words);
    within("${", "}").is_some_and(|name| name.bytes().all(variable))
        || within("<", ">").is_some_and(is_words)
        || value == "changeme"
        || ["your-", "your_"].iter().any(|begin| value.starts_with(begin)) && is_words(value)
}

/// Of this machine or a registry with a short path, or of a host alone.
fn is_address(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else { return false };
    let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = place.split_once(':').unwrap_or((place, ""));
    let is_near = ["localhost", "127.0.0.1"].contains(&host) || host.ends_with(".local");
    let is_open = is_near || REGISTRIES.contains(&host) || path.is_empty();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let short = |part: &str| part.len() <= PART_LENGTH_MAX && part.bytes().all(plain);
    is_open
        && port.len() <= NUMBER_DIGITS_MAX
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && host.split('.').all(short)
        && path.split('/').all(short)
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn what_may_be_a_secret_is_not_plain() {
        for line in [
            "# TOKEN=canary-old-4711",
            "; pw=x",
            "# password: hunter2",
            "# was ghp_0123456789abcdef",
            "SLACK_WEBHOOK=https://hooks.slack.com/services/T00/B00/canary4711",
            "A=https://hooks.slack.com/services/T00/B00/canary4711",
            "A=http://localhost/0123456789abcdef0123456789abcdef",
            "A=https://u:p@host",
            "DB_PW=swordfish",
            "A=swordfish",
            "SENTRY_DSN=http://localhost",
            "HOOK_URL=http://localhost/x",
            "TOKEN=true",
            "KEY=12345",
            "PASS_HOST=hunter2",
            "A=your-Pa55w0rd",
            "A=${hunter2}",
            "just words",
        ] {
            assert!(!is_plain(line), "{line}");
        }
    }

    #[test]
    fn everyday_settings_are_plain() {
        for line in [
            "",
            "# local settings, copy to .env",
            "# ==========",
            "# PORT=80",
            "export NODE_ENV=development",
            "LOG_LEVEL=\"info\"",
            "DB_HOST=db.internal",
            "save-exact=true",
            "@a:registry=https://npm.pkg.github.com",
            "registry=https://registry.npmjs.org/",
            "DATABASE_URL=postgres://localhost:5432/app",
            "//registry.npmjs.org/:_authToken=${NPM_TOKEN}",
            "API_KEY=your-key-here",
            "API_KEY=",
        ] {
            assert!(is_plain(line), "{line}");
        }
    }
}
