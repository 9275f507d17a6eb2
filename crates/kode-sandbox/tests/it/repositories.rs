//! What commands may and may not leave in repositories, the project's own and that of
//! a linked worktree.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kode_sandbox::{Backend, Incident};

use crate::support::Place;

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@b"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

/// A project that is a linked worktree; its repository is beside it.
fn worktree() -> (Place, PathBuf) {
    let place = Place::new();
    let main = place.home().join("main");
    fs::remove_dir(place.project()).unwrap();
    fs::create_dir(&main).unwrap();
    git(&main, &["init", "-q", "."]);
    git(&main, &["config", "extensions.worktreeConfig", "true"]);
    git(&main, &["commit", "-q", "--allow-empty", "-m", "1"]);
    git(&main, &["worktree", "add", "-q", place.project().to_str().unwrap(), "-b", "x"]);
    (place, main.join(".git"))
}

#[test]
fn what_git_obeys_in_a_linked_worktrees_own_folder_is_put_aside() {
    let (place, common) = worktree();
    let own = common.join("worktrees/project");
    let sandbox = place.sandbox(Backend::Native);
    let canary = place.path().join("ran");
    let plant = format!(
        "d=$(git rev-parse --git-dir); printf '[core]\\n fsmonitor = \"touch {}; false\"\\n' > $d/config.worktree; \
         mkdir -p $d/modules/m $d/hooks $d/../../objects/info; touch $d/modules/m/HEAD $d/modules/m/config; \
         echo /elsewhere > $d/../../objects/info/alternates",
        canary.display()
    );
    let ended = place.run(&sandbox, &plant);
    let mut aside: Vec<PathBuf> = Vec::new();
    for incident in &ended.incidents {
        let Incident::InRepository { folder, incident } = incident else { panic!("{ended:?}") };
        let Incident::Quarantined { path, moved_to } = &**incident else { panic!("{ended:?}") };
        assert!(Path::new(folder).join(moved_to.as_str()).exists());
        aside.push(Path::new(folder).join(path.as_str()));
    }
    aside.sort();
    let expected = [
        common.join("objects/info/alternates"),
        own.join("config.worktree"),
        own.join("hooks"),
        own.join("modules/m/config"),
    ];
    assert_eq!(aside, expected);
    assert!(expected.iter().all(|path| !path.exists()));
    git(&place.project(), &["status"]);
    assert!(!canary.exists());
    // Once put aside it is nobody's news, and git works on as before.
    assert_eq!(place.run(&sandbox, "true").incidents, []);
    let commit = "git -c user.name=a -c user.email=a@b commit -q --allow-empty -m 2";
    place.run(&sandbox, commit).worked();
}

#[test]
fn what_a_person_configures_for_their_worktree_meanwhile_stays() {
    let (place, common) = worktree();
    git(&place.project(), &["config", "--worktree", "user.name", "A"]);
    let sandbox = place.sandbox(Backend::Native);
    place.run(&sandbox, "! echo x >> $(git rev-parse --git-dir)/config.worktree").worked();
    let text = fs::read_to_string(common.join("worktrees/project/config.worktree")).unwrap();
    assert!(text.contains("name = A"), "{text}");
}
