use std::os::unix::fs::symlink;

use super::*;
use crate::Host;
use crate::network::find_secrets;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(place.home().join("project/.git/objects/aa")).unwrap();
        fs::create_dir_all(place.home().join("kode")).unwrap();
        place
    }

    fn home(&self) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap()
    }

    fn at(&self, path: &str) -> PathBuf {
        self.home().join("project").join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), text).unwrap();
    }

    fn root(&self) -> ProjectRoot {
        ProjectRoot::find(&self.at(""), &self.home(), &self.home().join("kode")).unwrap()
    }

    /// As of another session.
    fn seen(&self) -> Seen {
        let host = Host { kode_home: self.home().join("kode"), ..Host::default() };
        let credential_test = CredentialTest::new(|_, content| content.starts_with(b"token"));
        let credential_test = Some(credential_test);
        let settings = SandboxSettings { host, credential_test, ..SandboxSettings::default() };
        Seen::of(&self.root(), &settings)
    }

    fn masked(&self, seen: &Seen) -> Vec<String> {
        let prefix = format!("{}/", self.at("").display().to_string().trim_end_matches('/'));
        let found = find_secrets(&self.root(), seen).unwrap().paths;
        found.iter().map(|path| path.strip_prefix(&prefix).unwrap().to_owned()).collect()
    }
}

#[test]
fn a_credential_is_masked_under_every_later_name_in_later_sessions_too() {
    for to in ["notes.txt", "deep/er/n", ".git/objects/aa/bb", ".env.example"] {
        let place = Place::new();
        place.write(".env", "PIN=1");
        assert_eq!(place.masked(&place.seen()), [".env"]);
        fs::create_dir_all(place.at(to).parent().unwrap()).unwrap();
        fs::rename(place.at(".env"), place.at(to)).unwrap();
        assert_eq!(place.masked(&place.seen()), [to]);
        assert!(place.seen().remembers(&ProjectPath::new(to).unwrap()));
        place.write("other.txt", "an ordinary file");
        assert!(!place.seen().remembers(&ProjectPath::new("other.txt").unwrap()));
    }
}

#[test]
fn folders_links_and_copies_of_a_credential_hide_nothing() {
    let place = Place::new();
    place.write("keys/.ssh/config.d", "Host x, key y");
    place.write("real", "what a link leads to");
    symlink("real", place.at("id_rsa")).unwrap();
    let seen = place.seen();
    assert_eq!(place.masked(&seen), ["keys/.ssh/config.d", "real"]);
    fs::rename(place.at("keys/.ssh"), place.at("docs")).unwrap();
    fs::rename(place.at("real"), place.at("other")).unwrap();
    fs::hard_link(place.at("docs/config.d"), place.at("linked")).unwrap();
    fs::copy(place.at("other"), place.at("copied")).unwrap();
    assert_eq!(place.masked(&seen), ["copied", "docs/config.d", "linked", "other"]);
}

#[test]
fn what_a_secret_folder_that_is_a_link_leads_to_is_masked() {
    let place = Place::new();
    place.write("aws/config", "[default]\naws_secret_access_key=x");
    place.write("keys/deep/deploy", "a key");
    place.write("other/file", "ordinary");
    symlink("aws", place.at(".aws")).unwrap();
    symlink("keys", place.at(".ssh")).unwrap();
    symlink("other", place.at("link")).unwrap();
    let seen = place.seen();
    assert_eq!(place.masked(&seen), ["aws/config", "keys/deep/deploy"]);
    fs::remove_file(place.at(".aws")).unwrap();
    assert_eq!(place.masked(&place.seen()), ["aws/config", "keys/deep/deploy"]);
}

#[test]
fn what_was_put_back_from_a_copy_stays_a_credential() {
    let place = Place::new();
    place.write(".env", "PASSWORD=hunter2\n");
    assert_eq!(place.masked(&place.seen()), [".env"]);
    fs::remove_file(place.at(".env")).unwrap();
    place.write("notes.txt", "PASSWORD=hunter2\n");
    place.write("other.txt", "PASSWORD=hunter3\n");
    assert_eq!(place.masked(&place.seen()), ["notes.txt"]);
}

#[test]
fn a_file_of_a_usual_name_is_masked_if_a_credential_stands_in_it() {
    let place = Place::new();
    place.write("appsettings.json", "token=1");
    place.write("src/config.json", "port=1");
    place.write("node_modules/a/config.json", "token=1, of other people");
    place.write("main.rs", "token=1, in no such file");
    let seen = place.seen();
    let found = find_secrets(&place.root(), &seen).unwrap();
    assert_eq!(place.masked(&seen), ["appsettings.json"]);
    assert_eq!(found.unexpected, [ProjectPath::new("appsettings.json").unwrap()]);
    fs::rename(place.at("appsettings.json"), place.at("a.txt")).unwrap();
    place.write("appsettings.json", "port=1");
    assert_eq!(place.masked(&seen), ["a.txt"]);
}

#[test]
fn an_inode_that_another_file_got_is_that_files_own() {
    let place = Place::new();
    place.write(".env", "PASSWORD=hunter2\n");
    assert_eq!(place.masked(&place.seen()), [".env"]);
    for round in 0..32 {
        fs::remove_file(place.at(".env")).unwrap_or_default();
        place.write(&format!("file{round}"), &format!("an ordinary file of {round}"));
    }
    assert_eq!(place.masked(&place.seen()), Vec::<String>::new());
}

#[test]
fn what_can_not_be_kept_keeps_hosts_shut() {
    let place = Place::new();
    place.write(".env", "PASSWORD=hunter2\n");
    let register = place.home().join("kode/seen-credentials");
    fs::write(&register, "no folder").unwrap();
    let seen = place.seen();
    let why = find_secrets(&place.root(), &seen).unwrap_err().to_string();
    assert!(why.contains("seen-credentials"), "{why}");
    fs::remove_file(&register).unwrap();
    seen.take(&[], true);
    assert_eq!(place.masked(&seen), [".env"]);
    fs::rename(place.at(".env"), place.at("n")).unwrap();
    assert_eq!(place.masked(&place.seen()), ["n"]);
}

#[test]
fn a_broken_register_keeps_hosts_shut_and_is_named() {
    let place = Place::new();
    place.write(".env", "PASSWORD=hunter2\n");
    assert_eq!(place.masked(&place.seen()), [".env"]);
    let folder = fs::read_dir(place.home().join("kode/seen-credentials")).unwrap();
    let file = folder.map(|entry| entry.unwrap().path()).next().unwrap();
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains("hunter2") && text.lines().count() == 2, "{text}");
    fs::write(&file, format!("{text}{{")).unwrap();
    let why = find_secrets(&place.root(), &place.seen()).unwrap_err().to_string();
    assert!(why.contains("remove it to start anew"), "{why}");
}

#[test]
fn looking_twice_writes_once() {
    let place = Place::new();
    place.write(".env", "PASSWORD=hunter2\n");
    for _ in 0..3 {
        let seen = place.seen();
        let named = Named { path: place.at(".env"), kind: NameKind::Secret };
        seen.take(std::slice::from_ref(&named), true);
        seen.take(&[named], true);
    }
    let folder = fs::read_dir(place.home().join("kode/seen-credentials")).unwrap();
    let file = folder.map(|entry| entry.unwrap().path()).next().unwrap();
    assert_eq!(fs::read_to_string(file).unwrap().lines().count(), 2);
}

/// Whatever is looked at first: a link with a name that only perhaps says something does
/// not judge for the file it leads to.
#[test]
fn a_link_with_a_harmless_name_unmasks_no_credential() {
    for link in ["config.json", "settings.py"] {
        let place = Place::new();
        place.write(".env", "PASSWORD=hunter2");
        symlink(".env", place.at(link)).unwrap();
        let seen = place.seen();
        let named = |name: &str, kind| Named { path: place.at(name), kind };
        assert!(!seen.is_credential(&named(link, NameKind::Possible)));
        assert!(seen.is_credential(&named(".env", NameKind::Secret)));
        assert!(seen.is_credential(&named(link, NameKind::Possible)));
        assert_eq!(place.masked(&seen), [".env"]);
    }
}

/// In the middle of a command with hosts open it does not matter what stands in it.
#[test]
fn what_appears_under_a_credentials_name_is_one_but_empty_files_and_keys_of_tests() {
    let place = Place::new();
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMII=\n-----END RSA PRIVATE KEY-----\n";
    for (path, text, is_one) in [
        (".env", "PORT=80\n", Some(true)),
        ("server.pem", "-----BEGIN CERTIFICATE-----\nMII=\n", Some(true)),
        (".env.local", "", Some(false)),
        ("tests/a.key", key, Some(false)),
        ("tests/b.key", "hunter2", Some(true)),
        ("main.rs", "fn main() {}", None),
    ] {
        place.write(path, text);
        assert_eq!(place.seen().judge(&place.at(path)), is_one, "{path}");
    }
}

#[test]
fn a_command_that_never_ended_exposes_every_session_in_the_project() {
    let place = Place::new();
    place.write(".env", "PASSWORD=hunter2\n");
    let begins = || {
        let seen = place.seen();
        seen.take(&[Named { path: place.at(".env"), kind: NameKind::Secret }], true);
        seen.command_begins(true);
        seen
    };
    let ended = begins();
    assert!(!place.seen().is_exposed(), "it runs");
    ended.command_ends();
    drop(ended);
    assert!(!place.seen().is_exposed(), "it ended");
    // As a kill leaves it: the lock is gone, and nothing tells of an end.
    let folder = fs::read_dir(place.home().join("kode/seen-credentials")).unwrap();
    let files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    let running = files.iter().find(|path| path.extension().is_some_and(|it| it == "running"));
    fs::write(running.unwrap(), "..").unwrap();
    assert!(place.seen().is_exposed());
    assert!(place.seen().is_exposed(), "for a day");
}
