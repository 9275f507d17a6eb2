//! Patterns that could stand for what matters, and those that don't.

use super::*;

fn session() -> SessionState {
    SessionState {
        project_root: "/work/app".to_owned(),
        home: "/home/dev".to_owned(),
        kode_home: "/home/dev/.kode".to_owned(),
        ..SessionState::default()
    }
}

#[test]
fn patterns_that_give_part_of_a_credentials_name_could_be_one() {
    for path in [
        "/work/app/.e*",
        "/work/app/.*",
        "/work/app/.en[v]",
        "/work/app/id*",
        "/work/app/i*_rsa",
        "/work/app/*_rsa",
        "/work/app/cred*.json",
        "/work/app/*.p?m",
        "/home/dev/.ss*/id*",
        "/home/dev/.a[w]s/config",
        "/etc/sh*",
        "/etc/*",
        "/home/dev/*",
    ] {
        assert!(could_be_secret(path, &session()), "{path}");
    }
}

#[test]
fn everyday_patterns_are_no_credentials() {
    for path in [
        "/work/app/*",
        "/work/app/*.js",
        "/work/app/*.json",
        "/work/app/*.py",
        "/work/app/src/*.rs",
        "/work/app/README*",
        "/work/app/package*.json",
        "/work/app/[a-z]*",
        "/work/app/test?.txt",
        "/work/app/.eslintrc*",
        "/etc/*-release",
        "/usr/share/doc/*",
        "/work/app/.env",
    ] {
        assert!(!could_be_secret(path, &session()), "{path}");
    }
}

#[test]
fn patterns_for_kodes_own_files_are_told_by_how_much_they_give() {
    for (path, expected) in [
        ("/work/app/kode.jso[n]", Some(Aim::Meant)),
        ("/work/app/kod*", Some(Aim::Meant)),
        ("/work/app/.kod?/x", Some(Aim::Meant)),
        ("/work/ap[p]/kode.json", Some(Aim::Meant)),
        ("/home/dev/.ko*/policy.json", Some(Aim::Likely)),
        ("/work/app/k*", Some(Aim::Likely)),
        ("/work/app/.*", Some(Aim::Likely)),
        ("/work/app/*.json", Some(Aim::Anything)),
        ("/work/app/*", Some(Aim::Anything)),
        ("/work/app/src/*.json", None),
        ("/work/app/kotlin*", None),
        ("/work/app/.*.swp", None),
        ("/work/app/kode.json", None),
    ] {
        assert_eq!(could_be_kodes_own(path, &session()), expected, "{path}");
    }
}

#[test]
fn globs_of_project_paths_stay_within_names_and_folders() {
    for (glob, path, expected) in [
        (".github/workflows/*.yml", ".github/workflows/ci.yml", true),
        (".github/workflows/*.yml", ".github/workflows/deep/ci.yml", false),
        (".github", ".github/workflows/ci.yml", true),
        ("**/Makefile", "a/b/Makefile", true),
        ("**/Makefile", "Makefile", true),
        ("Makefile", "a/Makefile", false),
        ("**", "a/b", true),
        ("a/**/c", "a/c", true),
        (".git", ".github/x", false),
    ] {
        assert_eq!(super::covers(glob, path), expected, "{glob} {path}");
    }
}
