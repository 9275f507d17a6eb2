#![allow(clippy::disallowed_methods, reason = "tests lay out folders of their own")]

use super::*;

struct Place {
    folder: tempfile::TempDir,
    home: PathBuf,
    kode_home: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let kode_home = home.join(".kode");
    fs::create_dir_all(&kode_home).unwrap();
    Place { folder, home, kode_home }
}

impl Place {
    fn find(&self, start: &Path) -> Result<ProjectRoot, RootError> {
        ProjectRoot::find(start, &self.home, &self.kode_home)
    }

    fn refused(&self, start: &Path) -> String {
        self.find(start).unwrap_err().to_string()
    }
}

#[test]
fn the_nearest_folder_with_git_is_the_root() {
    let place = place();
    let inner = place.home.join("app/src/deep");
    fs::create_dir_all(&inner).unwrap();
    fs::create_dir_all(place.home.join("app/.git")).unwrap();
    let root = place.find(&inner).unwrap();
    assert_eq!(root.path(), fs::canonicalize(place.home.join("app")).unwrap());
}

#[test]
fn without_git_the_start_folder_is_the_root() {
    let place = place();
    let inner = place.home.join("plain/src");
    fs::create_dir_all(&inner).unwrap();
    assert_eq!(place.find(&inner).unwrap().path(), fs::canonicalize(&inner).unwrap());
}

#[test]
fn a_symbolic_link_named_git_does_not_mark_a_root() {
    let place = place();
    let inner = place.home.join("plain/src");
    fs::create_dir_all(&inner).unwrap();
    std::os::unix::fs::symlink("/", place.home.join("plain/.git")).unwrap();
    assert_eq!(place.find(&inner).unwrap().path(), fs::canonicalize(&inner).unwrap());
}

#[test]
fn home_its_ancestors_and_kode_home_are_refused() {
    let place = place();
    assert!(place.refused(&place.home).contains("home folder"));
    assert!(place.refused(place.folder.path()).contains("home folder"));
    assert!(place.refused(&place.kode_home).contains("kode keeps"));
    let inside = place.kode_home.join("sessions");
    fs::create_dir(&inside).unwrap();
    assert!(place.refused(&inside).contains("kode keeps"));
}

#[test]
fn a_repository_at_home_is_refused_even_from_a_folder_below() {
    let place = place();
    fs::create_dir(place.home.join(".git")).unwrap();
    let inner = place.home.join("app");
    fs::create_dir(&inner).unwrap();
    assert!(place.refused(&inner).contains("home folder"));
}

#[test]
fn system_and_shared_folders_are_refused_with_a_remedy() {
    let place = place();
    for folder in ["/", "/usr", "/etc", "/usr/share", "/tmp"] {
        let message = place.refused(Path::new(folder));
        assert!(message.contains("start kode in"), "{folder}: {message}");
    }
}

#[test]
fn what_is_no_folder_or_does_not_exist_is_an_error() {
    let place = place();
    let file = place.home.join("file");
    fs::write(&file, "x").unwrap();
    assert!(matches!(place.find(&file), Err(RootError::NotAFolder(_))));
    assert!(matches!(place.find(&place.home.join("none")), Err(RootError::Io(..))));
}

#[test]
fn another_folder_at_the_same_path_is_not_the_project() {
    let place = place();
    let (outer, other) = (place.home.join("outer"), place.home.join("other"));
    for folder in [&outer, &other] {
        fs::create_dir_all(folder.join("inner/.git")).unwrap();
    }
    let root = place.find(&outer.join("inner")).unwrap();
    root.open(OFlags::PATH).unwrap();
    fs::rename(&outer, place.home.join("away")).unwrap();
    std::os::unix::fs::symlink(&other, &outer).unwrap();
    let failed = root.open(OFlags::PATH).unwrap_err().to_string();
    assert_eq!(failed, EXCHANGED);
}
