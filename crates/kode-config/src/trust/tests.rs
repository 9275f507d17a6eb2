//! Trust follows the bytes, not the name.

#![allow(clippy::disallowed_methods, reason = "tests lay out files in temporary folders")]

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use super::*;

fn project(text: &str) -> (tempfile::TempDir, tempfile::TempDir) {
    let (home, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::write(root.path().join(FILE_NAME), text).unwrap();
    (home, root)
}

fn state_of(home: &Path, root: &Path) -> TrustState {
    state(home, &project::read(root).unwrap().unwrap()).unwrap()
}

#[test]
fn what_no_project_may_say_is_not_called_in_effect() {
    let (home, root) = project(r#"{ "model": "m", "scan": { "accept_unscanned": ["*.rb"] } }"#);
    let said = trust(home.path(), root.path()).unwrap();
    let expected = "in effect now: model; ignored as in every project file: scan.accept_unscanned";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn trust_holds_for_the_bytes_and_ends_with_any_change() {
    let text = "{ \"model\": \"m\" }";
    let (home, root) = project(text);
    assert_eq!(state_of(home.path(), root.path()), TrustState::Unknown);
    let said = trust(home.path(), root.path()).unwrap();
    assert!(said.contains("in effect now: model"), "{said}");
    assert_eq!(state_of(home.path(), root.path()), TrustState::Trusted);
    for index in 0..text.len() {
        let mut bytes = text.as_bytes().to_vec();
        bytes[index] ^= 1;
        std::fs::write(root.path().join(FILE_NAME), &bytes).unwrap();
        assert_eq!(state_of(home.path(), root.path()), TrustState::Changed, "byte {index}");
    }
    std::fs::write(root.path().join(FILE_NAME), text).unwrap();
    assert_eq!(state_of(home.path(), root.path()), TrustState::Trusted);
}

#[test]
fn the_same_bytes_in_another_folder_are_not_trusted() {
    let (home, root) = project("{}");
    trust(home.path(), root.path()).unwrap();
    let (_other_home, other) = project("{}");
    assert_eq!(state_of(home.path(), other.path()), TrustState::Unknown);
}

#[test]
fn a_link_to_the_project_is_the_project() {
    let (home, root) = project("{}");
    let link = home.path().join("link");
    std::os::unix::fs::symlink(root.path(), &link).unwrap();
    trust(home.path(), &link).unwrap();
    assert_eq!(state_of(home.path(), root.path()), TrustState::Trusted);
}

#[test]
fn what_was_shown_is_what_is_trusted() {
    let (home, root) = project("{ \"model\": \"shown\" }");
    let offer = TrustOffer::read(root.path()).unwrap();
    assert_eq!(offer.loosening_keys(), ["model"]);
    assert_eq!((offer.text().as_str(), offer.sha256().len()), ("{ \"model\": \"shown\" }", 64));
    std::fs::write(root.path().join(FILE_NAME), "{ \"model\": \"swapped\" }").unwrap();
    offer.accept(home.path()).unwrap();
    assert_eq!(state_of(home.path(), root.path()), TrustState::Changed);
}

#[test]
fn an_invalid_or_missing_file_is_not_trusted() {
    let (home, root) = project("{ \"modle\": 1 }");
    assert!(trust(home.path(), root.path()).is_err());
    std::fs::remove_file(root.path().join(FILE_NAME)).unwrap();
    assert!(trust(home.path(), root.path()).unwrap_err().to_string().contains("nothing to trust"));
    assert!(!home.path().join("trust.json").exists());
}

#[test]
fn several_projects_are_kept_in_a_file_for_the_user_alone() {
    let (home, first) = project("{}");
    let (_unused, second) = project("{ \"max_iterations\": 3 }");
    let kode_home = home.path();
    std::thread::scope(|scope| {
        for root in [first.path(), second.path()] {
            scope.spawn(move || trust(kode_home, root).unwrap());
        }
    });
    assert_eq!(state_of(home.path(), first.path()), TrustState::Trusted);
    assert_eq!(state_of(home.path(), second.path()), TrustState::Trusted);
    let mode = std::fs::metadata(home.path().join("trust.json")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn a_broken_store_is_an_error_and_stays_as_it_is() {
    let (home, root) = project("{}");
    let store = home.path().join("trust.json");
    for text in ["", "{", "{\"version\":2,\"projects\":{}}", "{\"version\":1,\"extra\":0}"] {
        std::fs::write(&store, text).unwrap();
        assert!(trust(home.path(), root.path()).is_err(), "{text}");
        assert_eq!(std::fs::read_to_string(&store).unwrap(), text);
    }
}
