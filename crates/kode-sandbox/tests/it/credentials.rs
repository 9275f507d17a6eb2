//! A credential that a command without network gives another name is not read by
//! one with hosts open, in the same session or a later one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use kode_sandbox::{Backend, Exposure, Sandbox, SandboxSettings};

use crate::support::Place;

const CANARY: &str = "PASSWORD=canary7\n";

fn with_hosts(place: &Place) -> Sandbox {
    let open_hosts = vec!["registry.npmjs.org".to_owned()];
    let settings = SandboxSettings { open_hosts, ..place.settings(Backend::Native) };
    Sandbox::start(&place.root(), settings).unwrap()
}

/// Lays `.env` out, has `hides` hide it offline, and `reads` read it with hosts open.
fn hidden_and_read(hides: &str, reads: &str) -> String {
    let place = Place::new();
    let offline = place.sandbox(Backend::Native);
    // A person's doing, in the middle of the session.
    fs::create_dir_all(place.project().join(".git/objects")).unwrap();
    fs::create_dir_all(place.project().join("deploy/.ssh")).unwrap();
    fs::write(place.project().join(".env"), CANARY).unwrap();
    fs::write(place.project().join("deploy/.ssh/host"), CANARY.repeat(2)).unwrap();
    place.run(&offline, hides).worked();
    drop(offline);
    place.run(&with_hosts(&place), reads).text
}

#[test]
fn a_renamed_credential_is_not_read_with_hosts_open() {
    for (hides, reads) in [
        ("mv .env notes.txt", "cat notes.txt"),
        (
            "mkdir -p target/d; mv .env target/d/n; chmod 0 target/d",
            "chmod 755 target/d; cat target/d/n",
        ),
        ("mv .env .git/objects/n", "cat .git/objects/n"),
        ("ln .env linked; mv linked n", "cat n"),
        ("ln .env n; rm .env", "cat n"),
        ("mv deploy/.ssh docs", "cat docs/host"),
        ("mv deploy moved; mv moved/.ssh moved/x", "cat moved/x/host"),
        ("mv .env .env.example", "cat .env.example"),
        ("mv .env a; ln -s a b", "cat b"),
        ("mv .env a; cp a b; rm a", "cat b"),
        ("mv .env a; printf 'ordinary' > .env", "cat a"),
        ("mv .env a; chmod 0 a", "chmod 644 a; cat a"),
    ] {
        let read = hidden_and_read(hides, &format!("{{ {reads}; }} 2>&1"));
        assert!(!read.contains("canary7"), "{hides}: {read}");
        assert!(read.contains("Permission denied") || read.contains("busy"), "{hides}: {read}");
    }
}

#[test]
fn what_a_command_makes_itself_is_not_masked_for_it() {
    let read = hidden_and_read("rm .env", "printf x > .env; cat .env; printf y > a; mv a b; cat b");
    assert_eq!(read, "xy");
}

#[test]
fn without_hosts_a_renamed_credential_is_the_projects_own() {
    let place = Place::new();
    fs::write(place.project().join(".env"), CANARY).unwrap();
    let offline = place.sandbox(Backend::Native);
    assert_eq!(place.run(&offline, "mv .env a; cat a").worked(), CANARY);
    assert_eq!(place.run(&offline, "cat a").worked(), CANARY);
}

#[test]
fn a_folder_that_its_owner_closed_keeps_hosts_shut() {
    if rustix::process::geteuid().is_root() {
        // Nothing is closed to root; as an ordinary user this is run, too.
        return;
    }
    let place = Place::new();
    fs::create_dir(place.project().join("closed")).unwrap();
    fs::write(place.project().join("closed/.env"), CANARY).unwrap();
    let sandbox = with_hosts(&place);
    for mode in [0o000, 0o400] {
        let closed = fs::Permissions::from_mode(mode);
        fs::set_permissions(place.project().join("closed"), closed).unwrap();
        let why = place.refused(&sandbox, "chmod 700 closed; cat closed/.env");
        assert!(why.contains("closed") && why.contains("run it without network"), "{why}");
    }
    fs::set_permissions(place.project().join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
}

/// Runs `command` offline as an agent's command is run, and says what was noticed.
fn watched(place: &Place, sandbox: &Sandbox, command: &str) -> Option<Exposure> {
    // File systems tell times in steps of some milliseconds: what was written in the same
    // one as a command's begin counts as the command's.
    std::thread::sleep(std::time::Duration::from_millis(20));
    sandbox.look_for_credentials();
    sandbox.watch_credentials();
    place.run(sandbox, command).worked();
    sandbox.opened_credentials()
}

#[test]
fn what_a_command_wrote_that_opened_a_credential_is_not_read_with_hosts_open() {
    let place = Place::new();
    let offline = place.sandbox(Backend::Native);
    assert_eq!(watched(&place, &offline, "echo plain > before"), None);
    // Made after the session's start, larger than is looked into, of no known form.
    let rows = "bob,canary77\n".repeat(30_000);
    fs::write(place.project().join("credentials.csv"), &rows).unwrap();
    fs::write(place.project().join("plain"), "words").unwrap();
    assert_eq!(watched(&place, &offline, "ls -la; cat plain > other; mv plain moved"), None);
    let hides = "mkdir d target; rev < credentials.csv > d/m; tr a-z b-za < c*.csv > target/n";
    assert_eq!(watched(&place, &offline, hides), Some(Exposure::Opened));
    // A copy of the copy.
    assert_eq!(watched(&place, &offline, "rev d/m | gzip > z"), Some(Exposure::Opened));
    assert_eq!(watched(&place, &offline, "tr a-z b-za < target/n > y"), Some(Exposure::Opened));
    assert!(offline.is_project_exposed(), "what stands in target is not masked");
    drop(offline);
    let text =
        place.run(&with_hosts(&place), "cat before other moved; cat d/m y z credentials.csv").text;
    assert_eq!(text.matches("Permission denied").count(), 4, "{text}");
    assert!(text.starts_with("plain\nwordswords") && !text.contains("77"), "{text}");
}

#[test]
fn a_credential_of_an_earlier_session_is_watched_under_its_new_name() {
    for to in ["n.txt", ".git/objects/n", ".git/n", "a/b/n"] {
        let place = Place::new();
        fs::create_dir_all(place.project().join(".git/objects")).unwrap();
        fs::create_dir_all(place.project().join("a/b")).unwrap();
        fs::write(place.project().join(".env"), CANARY).unwrap();
        let first = place.sandbox(Backend::Native);
        let second = place.sandbox(Backend::Native);
        assert_eq!(watched(&place, &second, "true"), None);
        let moved = watched(&place, &first, &format!("mv .env {to}"));
        // Naming is not reading; onto git's own mount it is copied.
        assert!(moved.is_none() || to.starts_with(".git"), "{to}");
        assert_eq!(
            watched(&place, &second, &format!("rev {to} > m")),
            Some(Exposure::Opened),
            "{to}"
        );
        drop((first, second));
        let later = place.sandbox(Backend::Native);
        assert_eq!(watched(&place, &later, &format!("cat {to}")), Some(Exposure::Opened), "{to}");
        assert_eq!(watched(&place, &later, "cat m"), Some(Exposure::Opened), "{to}");
    }
}

#[test]
fn settings_without_a_secret_and_keys_of_tests_are_read_unnoticed() {
    let place = Place::new();
    fs::create_dir_all(place.project().join("tests/fixtures")).unwrap();
    fs::create_dir_all(place.project().join("node_modules/a")).unwrap();
    for (path, text) in [
        (".npmrc", "save-exact=true\n"),
        (".env", "PORT=8080\nNODE_ENV=test\nAPI_KEY=\n"),
        ("tests/fixtures/server.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n"),
        ("node_modules/a/key.pem", "-----BEGIN PRIVATE KEY-----\nBBBB\n"),
        (".env.example", "TOKEN=put-yours-here-1\n"),
    ] {
        fs::write(place.project().join(path), text).unwrap();
    }
    let offline = place.sandbox(Backend::Native);
    let all = "cat .npmrc .env tests/fixtures/server.key node_modules/a/key.pem .env.example > m";
    assert_eq!(watched(&place, &offline, all), None);
    drop(offline);
    // With hosts open they are masked all the same, but for what was published.
    let text = place
        .run(&with_hosts(&place), "cat .npmrc .env node_modules/a/key.pem; cat tests/*/*")
        .text;
    assert_eq!(text.matches("Permission denied").count(), 3, "{text}");
    assert!(text.contains("BBBB"), "{text}");
}

#[test]
fn a_credential_that_a_person_saves_anew_while_a_command_runs_may_have_been_opened() {
    let place = Place::new();
    fs::write(place.project().join(".env"), CANARY).unwrap();
    let offline = place.sandbox(Backend::Native);
    let project = place.project();
    let person = std::thread::spawn(move || {
        while !project.join("began").exists() {
            std::thread::yield_now();
        }
        fs::write(project.join(".tmp"), CANARY.repeat(3)).unwrap();
        fs::rename(project.join(".tmp"), project.join(".env")).unwrap();
        fs::write(project.join("saved"), "").unwrap();
    });
    let command = "touch began; until [ -e saved ]; do sleep 0.01; done; rev .env > m";
    assert_eq!(watched(&place, &offline, command), Some(Exposure::Opened));
    person.join().unwrap();
}

#[test]
fn what_was_too_deep_to_look_at_once_keeps_hosts_shut_for_good() {
    let place = Place::new();
    let deep = vec!["d"; 140].join("/");
    fs::create_dir_all(place.project().join(&deep)).unwrap();
    fs::write(place.project().join(&deep).join(".env"), CANARY).unwrap();
    let offline = place.sandbox(Backend::Native);
    assert!(matches!(watched(&place, &offline, "true"), Some(Exposure::Unwatched(_))));
    place.run(&offline, &format!("mv {deep}/.env n; rm -r d")).worked();
    drop(offline);
    let why = place.refused(&with_hosts(&place), "cat n");
    assert!(why.contains("could be looked through when a command ran; remove"), "{why}");
}

#[test]
fn what_a_command_left_in_the_private_folders_is_not_read_with_hosts_open() {
    let place = Place::new();
    fs::write(place.project().join(".env"), CANARY).unwrap();
    let sandbox = place.sandbox(Backend::Native);
    place.run(&sandbox, "echo plain > /tmp/plain; echo plain > ~/plain").worked();
    let hides = "rev .env > /tmp/m; cp .env ~/n; mkdir -p /dev/shm/d; rev .env > /dev/shm/d/k || :";
    assert_eq!(watched(&place, &sandbox, hides), Some(Exposure::Opened));
    assert_eq!(watched(&place, &sandbox, "mv /tmp/m /tmp/renamed; ls -R ~ /tmp"), None);
    let copies = "base64 /tmp/renamed > /tmp/copy";
    assert_eq!(watched(&place, &sandbox, copies), Some(Exposure::Opened));
    let reads = "cat /tmp/plain ~/plain; cat /tmp/renamed /tmp/copy ~/n /dev/shm/d/k";
    let text = place.run_reaching(&sandbox, "registry.npmjs.org", reads).text;
    assert!(text.starts_with("plain\nplain\n"), "{text}");
    assert!(!text.contains("canary7") && !text.contains("7yranac"), "{text}");
    assert!(text.matches("Permission denied").count() >= 3, "{text}");
    assert_eq!(place.run(&sandbox, "cat ~/n").worked(), CANARY, "offline it is the project's own");
}

#[test]
fn a_command_that_fails_is_told_every_file_it_could_not_read() {
    let place = Place::new();
    fs::write(place.project().join(".npmrc"), "save-exact=true\n").unwrap();
    let sandbox = place.sandbox(Backend::Native);
    let masked = |command: &str| {
        let ended = place.run_reaching(&sandbox, "registry.npmjs.org", command);
        ended.masked.iter().map(|path| path.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(masked("cat .npmrc"), [".npmrc"]);
    assert!(masked("true").is_empty());
}

#[test]
fn every_session_in_the_project_counts_as_exposed_once_a_command_opened_a_credential() {
    let place = Place::new();
    fs::write(place.project().join("words"), "plain").unwrap();
    let sandbox = place.sandbox(Backend::Native);
    assert_eq!(watched(&place, &sandbox, "cat words > copy"), None);
    assert!(!sandbox.is_project_exposed(), "there is no credential");
    fs::write(place.project().join(".env"), CANARY).unwrap();
    assert_eq!(watched(&place, &sandbox, "ls -la > list"), None);
    assert!(!sandbox.is_project_exposed(), "none was opened");
    // Nothing of it can be masked: names alone.
    let hides = "ln -s ../$(rev .env | od -An -tx1 | tr -d ' \\n') link";
    assert_eq!(watched(&place, &sandbox, hides), Some(Exposure::Opened));
    drop(sandbox);
    assert!(place.sandbox(Backend::Native).is_project_exposed());
}

#[test]
fn many_files_left_in_a_private_folder_are_masked_and_too_many_keep_hosts_shut() {
    let place = Place::new();
    fs::write(place.project().join(".env"), CANARY).unwrap();
    let sandbox = place.sandbox(Backend::Native);
    let hides = "for i in $(seq 80); do cp .env /tmp/f$i; done";
    assert_eq!(watched(&place, &sandbox, hides), Some(Exposure::Opened));
    let text = place.run_reaching(&sandbox, "registry.npmjs.org", "cat /tmp/f*").text;
    assert_eq!(text.matches("Permission denied").count(), 80, "{text}");
    let hides = "cat .env > /tmp/x; cd /tmp; for i in $(seq 1100); do echo x > g$i; done";
    assert_eq!(watched(&place, &sandbox, hides), Some(Exposure::Opened));
    let why = place.try_reaching(&sandbox, "registry.npmjs.org", "true").unwrap_err();
    assert!(why.contains("start another session"), "{why}");
}

/// What counted once counts under names that would say nothing: a move is no opening.
#[test]
fn a_credential_moved_among_the_keys_of_tests_is_still_watched() {
    for to in ["tests/a.key", "node_modules/a/key.pem"] {
        let place = Place::new();
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        fs::write(place.project().join("server.key"), key).unwrap();
        let first = place.sandbox(Backend::Native);
        let moves = format!("mkdir -p $(dirname {to}); mv server.key {to}");
        assert_eq!(watched(&place, &first, &moves), None, "{to}");
        drop(first);
        let reads = format!("rev {to} > m");
        let later = place.sandbox(Backend::Native);
        assert_eq!(watched(&place, &later, &reads), Some(Exposure::Opened), "{to}");
    }
}

#[test]
fn a_credential_that_appears_while_a_command_runs_may_have_been_opened() {
    let place = Place::new();
    let sandbox = place.sandbox(Backend::Native);
    assert_eq!(watched(&place, &sandbox, "echo PORT=80 > .env.local; cat .env.local"), None);
    let command = "echo PASSWORD=hunter2 > .env; rev .env > m";
    assert_eq!(watched(&place, &sandbox, command), Some(Exposure::Opened));
    let text = place.run_reaching(&sandbox, "registry.npmjs.org", "cat m .env").text;
    assert_eq!(text.matches("Permission denied").count(), 2, "{text}");
}

#[test]
fn a_copy_that_a_person_made_between_sessions_is_watched() {
    let place = Place::new();
    fs::write(place.project().join(".env"), CANARY).unwrap();
    let first = place.sandbox(Backend::Native);
    assert_eq!(watched(&place, &first, "true"), None);
    drop(first);
    fs::copy(place.project().join(".env"), place.project().join("n.txt")).unwrap();
    fs::remove_file(place.project().join(".env")).unwrap();
    let later = place.sandbox(Backend::Native);
    assert_eq!(watched(&place, &later, "rev n.txt > m"), Some(Exposure::Opened));
}
