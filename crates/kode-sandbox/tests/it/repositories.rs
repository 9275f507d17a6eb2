//! What commands may and may not leave behind: in repositories, the project's own and that of
//! a linked worktree, and in programs with rights of their own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
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

const MAPPED_WRITE: &str = "import mmap, os, sys\nfor name in sys.argv[1:]:\n  \
    file = os.open(name, os.O_RDWR)\n  memory = mmap.mmap(file, 4096); memory[:7] = b'CHANGED'; \
    memory.flush()\n";

fn program(place: &Place, name: &str, mode: u32) -> PathBuf {
    let path = place.project().join(name);
    fs::write(&path, vec![b'x'; 8192]).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn programs_with_set_id_bits_are_read_only() {
    let place = Place::new();
    let programs = [("tool", 0o4755), ("group", 0o2755), ("a b", 0o6755)];
    let paths = programs.map(|(name, mode)| program(&place, name, mode));
    fs::write(place.project().join("write.py"), MAPPED_WRITE).unwrap();
    let sandbox = place.sandbox(Backend::Native);
    let attempts = "for it in tool group 'a b'; do python3 write.py \"$it\"; echo x > \"$it\"; \
        rm -f \"$it\"; mv other \"$it\"; chmod 777 \"$it\"; ln \"$it\" again; done; ls -l";
    fs::write(place.project().join("other"), "x").unwrap();
    let ended = place.run(&sandbox, attempts);
    assert_eq!(
        paths.each_ref().map(|path| mode(path)),
        programs.map(|(_, mode)| mode),
        "{ended:?}"
    );
    for path in &paths {
        assert!(fs::read(path).unwrap().iter().all(|&byte| byte == b'x'), "{ended:?}");
    }
    assert!(!place.project().join("again").exists(), "{ended:?}");
    assert_eq!(ended.incidents, []);
}

/// Writing through a shared mapping leaves the bits, unlike `write`.
#[test]
fn a_program_with_rights_of_its_own_loses_them_when_a_command_changes_it() {
    let place = Place::new();
    let capable = program(&place, "capable", 0o755);
    // cap_net_raw+ep, as setcap writes it (capabilities(7), revision 2).
    let capability: Vec<u8> =
        [0x0200_0001_u32, 1 << 13, 0, 0, 0].iter().flat_map(|it| it.to_le_bytes()).collect();
    let name = "security.capability";
    let flags = rustix::fs::XattrFlags::empty();
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        rustix::fs::setxattr(&capable, name, &capability, flags).unwrap();
    }
    let sandbox = place.sandbox(Backend::Native);
    // A person's, made while the sandbox stands.
    let late = [("late", 0o4755), ("linked", 0o4755)].map(|it| program(&place, it.0, it.1));
    fs::write(place.project().join("write.py"), MAPPED_WRITE).unwrap();
    let ended = place.run(&sandbox, "python3 write.py late capable && ln linked again");
    assert_eq!(late.each_ref().map(|path| mode(path)), [0o755; 2], "{ended:?}");
    assert!(fs::read(&late[0]).unwrap().starts_with(b"CHANGED"), "{ended:?}");
    let mut room = [0_u8; 64];
    assert!(rustix::fs::getxattr(&capable, name, &mut room).is_err(), "{ended:?}");
    let taken = |it: &&Incident| matches!(it, Incident::CapabilitiesTaken { .. });
    assert_eq!(ended.incidents.iter().filter(taken).count(), usize::from(is_root), "{ended:?}");
    // The others are told as bits that went.
    assert!(ended.incidents.len() >= 2, "{ended:?}");
}

#[test]
fn configuration_that_gits_own_includes_is_read_only() {
    let place = Place::new();
    git(&place.project(), &["init", "-q", "."]);
    git(&place.project(), &["config", "include.path", "../.gitconfig"]);
    git(&place.project(), &["config", "core.hooksPath", "hooks"]);
    fs::write(place.project().join(".gitconfig"), "[user]\n\tname = A\n").unwrap();
    fs::create_dir(place.project().join("hooks")).unwrap();
    let sandbox = place.sandbox(Backend::Native);
    let ended = place.run(&sandbox, "! echo x >> .gitconfig; echo x > hooks/pre-commit");
    let text = fs::read_to_string(place.project().join(".gitconfig")).unwrap();
    assert_eq!(text, "[user]\n\tname = A\n");
    let [Incident::GitRuns { key, paths, more: 0 }] = &*ended.incidents else {
        panic!("{ended:?}")
    };
    assert_eq!((key.as_str(), paths[0].as_str()), ("core.hookspath", "hooks/pre-commit"));
}

#[test]
fn a_repository_behind_closed_folders_is_put_aside() {
    let place = Place::new();
    fs::create_dir_all(place.project().join("nested/.git")).unwrap();
    fs::write(place.project().join("nested/.git/config"), "[core]\n").unwrap();
    let sandbox = place.sandbox(Backend::Native);
    let close = "mkdir shut && git init -q shut && chmod 555 shut; git init -q nested; \
                 echo '[alias]' >> nested/.git/config; chmod 311 nested/.git";
    let ended = place.run(&sandbox, close);
    let aside = |incident: &Incident| match incident {
        Incident::Quarantined { path, .. } => path.as_str().to_owned(),
        _ => panic!("{ended:?}"),
    };
    let paths: Vec<String> = ended.incidents.iter().map(aside).collect();
    for expected in ["shut/.git", "nested/.git/config"] {
        assert!(paths.iter().any(|path| path == expected), "{ended:?}");
        assert!(!place.project().join(expected).exists());
    }
}

#[test]
fn a_git_folder_prepared_by_one_command_is_judged_when_the_next_puts_it_in_place() {
    let place = Place::new();
    git(&place.project(), &["init", "-q", "."]);
    git(&place.project(), &["commit", "-q", "--allow-empty", "-m", "1"]);
    git(&place.project(), &["init", "-q", "--bare", ".git/modules/sub"]);
    let sandbox = place.sandbox(Backend::Native);
    let prepare = "cd .git/modules; mkdir new; cp -r sub/objects sub/refs new; cp sub/HEAD new/H; \
                   printf 'DIRC\\0\\0\\0\\2' > new/index";
    place.run(&sandbox, prepare).worked();
    std::thread::sleep(std::time::Duration::from_millis(20));
    let exchange = "cd .git/modules; mv new/H new/HEAD; mv sub ../../old; mv new sub";
    let ended = place.run(&sandbox, exchange);
    let aside = |it: &Incident| matches!(it, Incident::Quarantined { path, .. } if path.as_str() == ".git/modules/sub/index");
    assert!(ended.incidents.iter().any(aside), "{ended:?}");
}

#[test]
fn a_repository_with_a_second_head_is_none_afterwards() {
    let place = Place::new();
    let sandbox = place.sandbox(Backend::Native);
    let canary = place.path().join("ran");
    let plant = format!(
        "mkdir src; cd src; mkdir objects refs; printf '[core]\\n bare = false\\n worktree = .\\n \
         fsmonitor = \"touch {}; false\"\\n' > config; \
         for h in head Head hEAD HEad heaD; do echo nothing > $h; done; \
         echo 'ref: refs/heads/main' > HEAD; rm Head; echo nothing > Head",
        canary.display()
    );
    place.run(&sandbox, &plant).worked();
    let status =
        Command::new("git").arg("status").current_dir(place.project().join("src")).output();
    assert!(!canary.exists(), "{status:?}");
}
