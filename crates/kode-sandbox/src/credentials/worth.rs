//! Whether it says anything that a program opened a file with a credential's name:
//! settings without a secret (`save-exact=true`), certificates, and the keys of
//! tests are opened all the time. What it can't tell counts. Masks don't ask it.

mod settings;

use std::path::Path;

/// Folders whose name says that their keys are made to be used up.
const TEST_FOLDERS: [&str; 8] =
    ["test", "tests", "testdata", "fixtures", "__fixtures__", "examples", "example", "samples"];
/// Folders that package managers fill with what was published.
const PACKAGE_FOLDERS: [&str; 2] = ["node_modules", "site-packages"];
/// Endings of keys and certificates.
const KEY_ENDINGS: [&str; 12] = [
    ".pem",
    ".key",
    ".p8",
    ".p12",
    ".pfx",
    ".jks",
    ".keystore",
    ".der",
    ".ppk",
    ".crt",
    ".cer",
    ".pub",
];
/// How keys begin that are no text: DER, and Java's store.
const BINARY_KEYS: [&[u8]; 3] = [&[0x30, 0x82], &[0x30, 0x81], &[0xfe, 0xed, 0xfe, 0xed]];
/// Longer texts are not looked through.
const TEXT_BYTES_MAX: u64 = 256 * 1024;

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
    let is_test = is_within(below, &TEST_FOLDERS);
    if size == 0 || !is_named && is_test {
        return false;
    }
    if size > TEXT_BYTES_MAX || !is_named {
        return true;
    }
    content().is_none_or(|bytes| !is_harmless(below, is_test, bytes))
}

/// Whether the file at `below` is a key of a test's: nothing else is in it.
pub(super) fn is_test_key(below: &Path, content: impl FnOnce() -> Option<Vec<u8>>) -> bool {
    is_key(below)
        && is_within(below, &TEST_FOLDERS)
        && content().is_some_and(|bytes| is_harmless(below, true, bytes))
}

fn is_harmless(below: &Path, is_test: bool, bytes: Vec<u8>) -> bool {
    if is_test && is_key(below) && BINARY_KEYS.iter().any(|begin| bytes.starts_with(begin)) {
        return true;
    }
    let name = below.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let is_settings = name.contains(".env") || name.starts_with(".npmrc");
    String::from_utf8(bytes).is_ok_and(|text| {
        is_settings && text.lines().all(settings::is_plain)
            || is_key(below) && is_blocks(&text, is_test)
            || text.trim().is_empty()
    })
}

fn is_key(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    KEY_ENDINGS.iter().any(|ending| name.ends_with(ending)) || name.starts_with("id_")
}

fn is_within(path: &Path, folders: &[&str]) -> bool {
    path.iter().any(|part| folders.iter().any(|folder| part == *folder))
}

/// Blocks of certificates and public keys alone, or of any key if `private` ones do
/// not count; outside of them at most words.
fn is_blocks(text: &str, private: bool) -> bool {
    let (mut blocks, mut inside) = (0, false);
    for line in text.lines().map(str::trim) {
        let mark = line.strip_prefix("-----").and_then(|rest| rest.strip_suffix("-----"));
        match mark.and_then(|mark| mark.split_once(' ')) {
            Some(("BEGIN", what)) if !inside && (private || !what.contains("PRIVATE")) => {
                (blocks, inside) = (blocks + 1, true);
            }
            Some(("END", _)) if inside => inside = false,
            Some(_) => return false,
            None if inside && is_of_block(line, private) => {}
            None if !inside && !line.contains(['=', ':']) => {}
            None if !inside && line.bytes().all(|byte| byte == b'=') => {}
            None => return false,
        }
    }
    blocks > 0
}

/// Base64, and what stands above it in an encrypted key.
fn is_of_block(line: &str, private: bool) -> bool {
    let header = private && (line.starts_with("Proc-Type: ") || line.starts_with("DEK-Info: "));
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    header || line.bytes().all(base64)
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
            (".env", "K=\"-----BEGIN PUBLIC KEY-----\nM\n-----END PUBLIC KEY-----\"\nPW=hunter2\n"),
            ("terraform.tfstate", "{\"x\":\"-----BEGIN CERTIFICATE-----\\nA\",\"password\":\"p\"}"),
            ("ca.pem", "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\npw: p\n"),
            ("ca.pem", "-----BEGIN CERTIFICATE-----\nPW=%hunter2\n-----END CERTIFICATE-----\n"),
            ("tests/a.pem", "PASSWORD=hunter2\n"),
            ("tests/id_x", "hunter2"),
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
            ("test/fixtures/server.key", "-----BEGIN RSA PRIVATE KEY-----\nMII=\n"),
            (
                "ca.crt",
                "My CA\n=====\n-----BEGIN CERTIFICATE-----\nx+/=\n-----END CERTIFICATE-----\n",
            ),
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
