//! Whether it says anything that a program opened a file with a credential's name:
//! settings without a secret (`save-exact=true`), certificates, and the keys of
//! tests are opened all the time. What it can't tell counts. Masks don't ask it.

use std::path::Path;

/// Folders whose name says that their keys are made to be used up.
const TEST_FOLDERS: [&str; 8] =
    ["test", "tests", "testdata", "fixtures", "__fixtures__", "examples", "example", "samples"];
/// Folders that package managers fill with what was published.
const PACKAGE_FOLDERS: [&str; 2] = ["node_modules", "site-packages"];
/// Endings of keys and certificates.
const KEY_ENDINGS: [&str; 9] =
    [".pem", ".key", ".p8", ".p12", ".pfx", ".jks", ".keystore", ".der", ".ppk"];
/// Longer texts are not looked through.
const TEXT_BYTES_MAX: u64 = 256 * 1024;
/// Ports, numbers of years, sizes.
const NUMBER_DIGITS_MAX: usize = 5;
/// `development`, `localhost`, `info`.
const WORD_LENGTH_MAX: usize = 12;

/// Whether a key lies among published packages: a person keeps none there, and one
/// that a command puts there is known by what it is.
pub(super) fn is_published(below: &Path) -> bool {
    is_key(below) && is_within(below, &PACKAGE_FOLDERS)
}

/// Whether opening the file at `below`, of so many bytes, counts.
pub(super) fn counts(
    below: &Path,
    is_named: bool,
    size: u64,
    content: impl FnOnce() -> Option<Vec<u8>>,
) -> bool {
    if size == 0 || (is_key(below) || !is_named) && is_within(below, &TEST_FOLDERS) {
        return false;
    }
    if size > TEXT_BYTES_MAX || !is_named {
        return true;
    }
    let name = below.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    content().and_then(|bytes| String::from_utf8(bytes).ok()).is_none_or(|text| {
        let is_settings = name.contains(".env") || name.starts_with(".npmrc");
        let harmless = is_settings && text.lines().all(is_plain_setting);
        !(harmless || is_certificate(&text) || text.trim().is_empty())
    })
}

fn is_key(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    KEY_ENDINGS.iter().any(|ending| name.ends_with(ending)) || name.starts_with("id_")
}

fn is_within(path: &Path, folders: &[&str]) -> bool {
    path.iter().any(|part| folders.iter().any(|folder| part == *folder))
}

/// Certificates and public keys alone.
fn is_certificate(text: &str) -> bool {
    let mut begins = text.lines().filter(|line| line.contains("-----BEGIN")).peekable();
    begins.peek().is_some() && begins.all(|line| !line.contains("PRIVATE"))
}

/// A comment, or `NAME=value` whose value is no secret whatever its name.
fn is_plain_setting(line: &str) -> bool {
    let line = line.trim().trim_start_matches("export ");
    if line.is_empty() || line.starts_with(['#', ';']) {
        return true;
    }
    let Some((name, value)) = line.split_once('=') else { return false };
    let value = value.trim().trim_matches(['"', '\'']);
    let lower = name.to_ascii_lowercase();
    let names_secret = ["key", "token", "secret", "pass", "auth", "pin", "credential", "pwd"]
        .iter()
        .any(|word| lower.contains(word));
    let is_reference = (value.starts_with("${") || value.starts_with('<'))
        && value.ends_with(['}', '>'])
        && !value.contains(['@', ':']);
    let is_address = value.contains("://") && !value.contains(['@', '?', '#']);
    let is_number =
        value.len() <= NUMBER_DIGITS_MAX && value.bytes().all(|byte| byte.is_ascii_digit());
    let is_word =
        value.len() <= WORD_LENGTH_MAX && value.bytes().all(|byte| byte.is_ascii_alphabetic());
    value.is_empty()
        || is_reference
        || !names_secret && (is_number || is_word || is_address)
        || ["changeme", "your-", "your_"].iter().any(|word| value.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(path: &str, text: &str) -> bool {
        let content = || Some(text.as_bytes().to_vec());
        counts(Path::new(path), true, text.len() as u64, content)
    }

    #[test]
    fn a_credential_counts_in_whatever_form_it_stands() {
        for (path, text) in [
            (".env", "TOKEN=canary-env-4711\n"),
            (".env", "PORT=1\nPIN=1234\n"),
            (".env", "A=hunter2\n"),
            (".env", "just some words"),
            (".env", "DB=postgres://app:pw@db/x\n"),
            ("examples/.env", "TOKEN=canary-env-4711\n"),
            (".npmrc", "//registry.npmjs.org/:_authToken=npm_0a1b2c\n"),
            (".pgpass", "localhost:5432:app:app:Sup3rS3cretPw!\n"),
            ("credentials.csv", "user,pw\nbob,canary77\n"),
            (".htpasswd", "bob:$apr1$abc$def\n"),
            ("passwords.txt", "correct horse battery\n"),
            (".netrc", "machine h login u password pw12345\n"),
            ("server.pem", "-----BEGIN CERTIFICATE-----\nx\n-----BEGIN RSA PRIVATE KEY-----\n"),
            ("server.key", "\u{fffd}"),
        ] {
            assert!(judged(path, text), "{path} {text}");
        }
        assert!(counts(Path::new("big.tfstate"), true, 300 * 1024, || None));
        assert!(counts(Path::new(".env"), true, 4, || None), "what can't be read counts");
        assert!(counts(Path::new("config.json"), false, 4, || None));
    }

    #[test]
    fn settings_certificates_and_keys_of_tests_do_not_count() {
        for (path, text) in [
            (".npmrc", "registry=https://registry.npmjs.org/\nsave-exact=true\n; c\n"),
            (".npmrc", "//registry.npmjs.org/:_authToken=${NPM_TOKEN}\n"),
            (".env", "# local\nexport NODE_ENV=development\nPORT=8080\nAPI_KEY=\nB=\"info\"\n"),
            (".env.test", "SECRET=changeme\nURL=http://localhost:3000/x\n"),
            ("server.pem", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"),
            ("test/fixtures/server.key", "-----BEGIN RSA PRIVATE KEY-----\n"),
            ("a/tests/id_rsa", "-----BEGIN RSA PRIVATE KEY-----\n"),
            (".env", ""),
        ] {
            assert!(!judged(path, text), "{path} {text}");
        }
        assert!(is_published(Path::new("node_modules/a/test/key.pem")));
        assert!(!is_published(Path::new("node_modules/a/.env")));
        assert!(!is_published(Path::new("vendor/a/key.pem")));
    }
}
