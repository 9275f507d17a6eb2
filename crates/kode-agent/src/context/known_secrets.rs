//! Which secrets kode knows before anything is read: the values in the project's
//! files that look like credentials. Values are only ever searched for, and a
//! word in such a file that does not look like a credential's is left alone.

use std::ops::ControlFlow;

use kode_base::{ProjectPath, Secret};
use kode_gate::looks_secret;
use kode_sandbox::{EntryKind, ProjectFiles};

/// Credential files read at most, and of each so much.
const FILES_MAX: usize = 64;
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// Files of the project looked at by name, ignored ones too.
const NAMES_MAX: usize = 20_000;
/// Values of one file, and of all.
const FILE_VALUES_MAX: usize = 64;
const VALUES_MAX: usize = 256;
/// Lines of a private key and tokens that stand alone are so long at least.
const LONE_LENGTH_MIN: usize = 16;
/// Passwords in files other than `.env`.
const PASSWORD_LENGTH_MIN: usize = 8;

/// The secrets in the project's credential files, for the redactor.
pub(crate) fn project_secrets(files: &ProjectFiles) -> Vec<Secret> {
    let mut found = Vec::new();
    for path in credential_files(files) {
        let Some(text) = text_of(files, &path) else { continue };
        let room = VALUES_MAX - found.len();
        found.extend(secrets_of(&path, &text).into_iter().take(FILE_VALUES_MAX.min(room)));
    }
    found
}

fn credential_files(files: &ProjectFiles) -> Vec<ProjectPath> {
    let names = [".env", ".env.local", ".env.development", ".env.production", ".env.test"];
    let mut paths: Vec<ProjectPath> =
        names.iter().filter_map(|name| ProjectPath::new(name).ok()).collect();
    let mut looked_at = 0;
    let mut look = |entry: kode_sandbox::WalkEntry| {
        looked_at += 1;
        if entry.kind == EntryKind::File && looks_secret(&entry.path) {
            paths.push(entry.path);
        }
        let enough = looked_at >= NAMES_MAX || paths.len() >= FILES_MAX;
        if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    // What can't be walked can't be read by the agent's commands either.
    let _ = files.walk(&ProjectPath::root(), true, &mut look);
    paths.sort();
    paths.dedup();
    paths
}

#[expect(clippy::disallowed_methods, reason = "values go into the redactor only")]
fn text_of(files: &ProjectFiles, path: &ProjectPath) -> Option<String> {
    let bytes = files.snapshot_read(path, FILE_BYTES_MAX).ok()?;
    Some(String::from_utf8_lossy(bytes.expose()).into_owned())
}

fn secrets_of(path: &ProjectPath, text: &str) -> Vec<Secret> {
    if path.file_name().to_ascii_lowercase().contains(".env") {
        return env_file_secrets(text);
    }
    let mut found: Vec<&str> = private_key_lines(text);
    let lone = text.trim();
    let is_pair = lone.trim_end_matches('=').contains(['=', ':']);
    if lone.len() >= LONE_LENGTH_MIN && is_one_word(lone) && !is_pair {
        found.push(lone);
    }
    let mut secrets: Vec<Secret> = text.lines().flat_map(secrets_in_line).collect();
    secrets.extend(found.into_iter().map(|value| Secret::new(value.to_owned())));
    secrets
}

/// The lines between the marks of a private key; in JSON `\\n` ends them.
fn private_key_lines(text: &str) -> Vec<&str> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines().flat_map(|line| line.split("\\n")) {
        let line = line.trim();
        if line.contains("-----BEGIN") || line.contains("-----END") {
            inside = line.contains("-----BEGIN") && line.contains("PRIVATE KEY");
        } else if inside && line.len() >= LONE_LENGTH_MIN && is_one_word(line) {
            lines.push(line);
        }
    }
    lines
}

/// What a line gives away: `name = value`, `"name": "value"`, a URL's password,
/// `password value` of a `.netrc`.
fn secrets_in_line(line: &str) -> Vec<Secret> {
    let bare = |text: &str| {
        text.trim().trim_end_matches([',', ';']).trim_matches(['"', '\'']).trim().to_owned()
    };
    let mut found: Vec<Secret> = secret_in("", &bare(line)).into_iter().collect();
    for separator in ['=', ':', ' '] {
        let Some((name, value)) = line.trim().rsplit_once(separator) else { continue };
        let (name, value) = (bare(name), bare(value));
        let last = name.rsplit([' ', '/', ':']).next().unwrap_or(&name);
        if names_a_secret(last) && looks_like_one(last, &value) {
            found.push(Secret::new(value));
        }
    }
    found
}

/// Credentials are long and mixed; passwords at least no references.
fn looks_like_one(name: &str, value: &str) -> bool {
    let is_reference = value.starts_with(['$', '<', '{', '%']) || value.contains("://");
    let has = |kind: fn(char) -> bool| value.chars().any(kind);
    let mixed = has(|c| c.is_ascii_digit()) && has(char::is_alphabetic);
    let long = value.len() >= LONE_LENGTH_MIN && mixed;
    let is_password = name.to_ascii_uppercase().contains("PASS");
    let fits = long || is_password && value.len() >= PASSWORD_LENGTH_MIN;
    is_one_word(value) && !is_reference && fits
}

fn is_one_word(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_graphic())
}

/// The credential in a `NAME=value` pair, if the name says it holds one. Of a
/// URL only the password is secret.
pub fn secret_in(name: &str, value: &str) -> Option<Secret> {
    let url_password = || {
        let (credentials, _) = value.split_once("://")?.1.split_once('@')?;
        Some(credentials.split_once(':')?.1)
    };
    let secret = if let Some(password) = url_password() {
        password
    } else if names_a_secret(name) {
        value
    } else {
        return None;
    };
    Some(Secret::new(secret.to_owned()))
}

/// Whether an environment variable or `.env` key names a credential.
fn names_a_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let words = [
        "KEY",
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "PASS",
        "CREDENTIAL",
        "AUTH",
        "DSN",
        "PRIVATE",
    ];
    upper.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
        words.iter().any(|known| word == *known || word.strip_suffix('S') == Some(*known))
            || word.ends_with("KEY")
            || word.ends_with("TOKEN")
            || word.ends_with("PASSWORD")
    })
}

/// The secret values in a `.env` file's text.
pub(crate) fn env_file_secrets(text: &str) -> Vec<Secret> {
    text.lines()
        .filter_map(|line| {
            let line = line.trim().trim_start_matches("export ");
            let (name, value) = line.split_once('=')?;
            let value = value.trim().trim_matches(['"', '\'']);
            if line.starts_with('#') { None } else { secret_in(name.trim(), value) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(path: &str, text: &str) -> Vec<String> {
        let secrets = secrets_of(&ProjectPath::new(path).unwrap(), text);
        secrets.iter().map(|secret| secret.reveal().to_owned()).collect()
    }

    #[test]
    fn credential_files_of_every_kind_yield_their_values() {
        for (path, text, value) in [
            (
                ".npmrc",
                "//registry.npmjs.org/:_authToken=npm_0a1b2c3d4e5f6a7b\n",
                "npm_0a1b2c3d4e5f6a7b",
            ),
            (".netrc", "machine x.example login me password hunter2-hunter2", "hunter2-hunter2"),
            (".pypirc", "[pypi]\npassword = pypi-0a1b2c3d4e5f\n", "pypi-0a1b2c3d4e5f"),
            ("secrets.yaml", "db:\n  password: 'correct-horse'\n", "correct-horse"),
            (
                "credentials.json",
                "{\n \"api_key\": \"0a1b2c3d4e5f6a7b8c\",\n}",
                "0a1b2c3d4e5f6a7b8c",
            ),
            (".git-credentials", "https://me:ghp-0a1b2c3d4e@github.com\n", "ghp-0a1b2c3d4e"),
            ("config/master.key", "0a1b2c3d4e5f6a7b8c9d\n", "0a1b2c3d4e5f6a7b8c9d"),
            ("web/.env.local", "API_KEY=abcdefgh1\n", "abcdefgh1"),
            (
                "id_rsa",
                "-----BEGIN PRIVATE KEY-----\nTUlJRXZRSUJBREFOQmdrcQ==\n-----END PRIVATE KEY-----\n",
                "TUlJRXZRSUJBREFOQmdrcQ==",
            ),
        ] {
            assert_eq!(values(path, text), [value], "{path}");
        }
    }

    #[test]
    fn what_is_no_secret_in_such_a_file_stays() {
        for (path, text) in [
            (".npmrc", "registry=https://registry.npmjs.org/\nsave-exact=true\n"),
            (
                "server.pem",
                "-----BEGIN CERTIFICATE-----\nTUlJRXZRSUJBREFOQmdrcQ==\n-----END CERTIFICATE-----\n",
            ),
            ("secrets.yaml", "token: ${API_TOKEN_FROM_VAULT_2}\nkey: path/to/state\n"),
            (".bash_history", "cargo test --workspace\ngit commit -m token\n"),
        ] {
            assert_eq!(values(path, text), Vec::<String>::new(), "{path}");
        }
    }

    #[test]
    fn names_of_credentials_are_recognised() {
        for name in
            ["OPENAI_API_KEY", "GITHUB_TOKEN", "db_password", "AWS_SECRET_ACCESS_KEY", "apikey"]
        {
            assert!(names_a_secret(name), "{name}");
        }
        for name in ["PATH", "LANG", "MONKEYS_COUNT", "PORT", "KEYBOARD", "BASE_URL"] {
            assert!(!names_a_secret(name), "{name}");
        }
    }

    #[test]
    fn of_a_url_only_the_password_is_secret() {
        let secret = secret_in("DATABASE_URL", "postgres://app:s3cr3t-pw@db/x").unwrap();
        assert_eq!(secret.reveal(), "s3cr3t-pw");
        assert!(secret_in("BASE_URL", "http://localhost:8080/v1").is_none());
    }

    #[test]
    fn env_files_yield_their_secret_values() {
        let secrets = env_file_secrets("# API_KEY=old\nexport API_KEY=\"abcdefgh1\"\nPORT=8080\n");
        let values: Vec<&str> = secrets.iter().map(Secret::reveal).collect();
        assert_eq!(values, ["abcdefgh1"]);
    }
}
