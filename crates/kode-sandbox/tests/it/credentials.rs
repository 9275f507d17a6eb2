//! A credential that a command without network gives another name is not read by
//! one with hosts open, in the same session or a later one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use kode_sandbox::{Backend, Sandbox, SandboxSettings};

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
