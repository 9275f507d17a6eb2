//! What the agent's shell can't do, judged from a whole run, as the user who
//! runs the tests and, where that is root, as `nobody` too. The sandbox crate's
//! own suite goes much further.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::workspace::{Run, Workspace, shell_script};

const POLICY: &str = r#"{"dangerous": {"non_interactive": "allow", "classes": {"destructive": "allow", "system_write": "allow", "network_egress": "allow"}}}"#;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum User {
    /// Whoever runs the tests.
    Same,
    /// Uid and gid 65534.
    Nobody,
}

/// The users a test is run for.
pub(crate) fn users() -> Vec<User> {
    let id = Command::new("id").arg("-u").output().unwrap();
    if id.stdout == b"0\n" { vec![User::Same, User::Nobody] } else { vec![User::Same] }
}

/// A kode that `nobody` can execute, wherever the build folder is.
pub(crate) fn program(workspace: &Workspace) -> PathBuf {
    let copy = workspace.beside("kode");
    if !copy.exists() {
        std::fs::copy(env!("CARGO_BIN_EXE_kode"), &copy).unwrap();
    }
    copy
}

/// Runs `command` in the agent's shell as `user`; returns what it printed.
pub(crate) fn run(
    workspace: &Workspace,
    user: User,
    command: &str,
    variables: &[(&str, &str)],
) -> String {
    let path = workspace.beside("script.yaml");
    std::fs::write(&path, shell_script(command)).unwrap();
    workspace.configure(POLICY);
    let mut kode = Command::new("setsid");
    kode.arg("--wait");
    if user == User::Nobody {
        give_to_nobody(workspace);
        kode.args(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    }
    kode.arg(program(workspace))
        .args(["run", "--json", "--script", path.to_str().unwrap(), "try it"])
        .current_dir(workspace.project())
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
        .env("HOME", workspace.user_home())
        .envs(variables.iter().copied())
        .stdin(Stdio::null());
    let run = Run::of(kode.output().unwrap());
    let decision = run.of_type("decision")[0].clone();
    assert_eq!(decision["permitted"], true, "the walls are tested, not the gate: {decision}");
    run.outputs()
}

pub(crate) fn give_to_nobody(workspace: &Workspace) {
    let folder = workspace.beside("");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    let owned = Command::new("chown").args(["-R", "65534:65534"]).arg(&folder).status().unwrap();
    assert!(owned.success());
}

#[test]
fn the_environment_inside_holds_no_key() {
    for user in users() {
        let workspace = Workspace::new();
        let keys = [
            ("KODE_API_KEY", "canary-kode-0a1b2c3d"),
            ("OPENAI_API_KEY", "canary-openai-0a1b2c3d"),
            ("MY_OWN_THING", "canary-other-0a1b2c3d"),
        ];
        let output = run(&workspace, user, "env", &keys);
        assert!(output.contains("PATH="), "{output}");
        assert!(!output.contains("canary-") && !output.contains("redacted"), "{output}");
    }
}

#[test]
fn the_home_folder_is_hidden() {
    for user in users() {
        let workspace = Workspace::new();
        let diary = workspace.user_home().join("diary");
        std::fs::write(&diary, "canary-home-0a1b2c3d").unwrap();
        let command = format!(
            "perl -e 'open(F, q(<), q({})) and print <F>; print q(tried)'",
            diary.display()
        );
        let output = run(&workspace, user, &command, &[]);
        assert!(output.contains("tried") && !output.contains("canary-home"), "{output}");
    }
}

#[test]
fn nothing_outside_the_project_can_be_written() {
    for user in users() {
        let workspace = Workspace::new();
        let outside = workspace.beside("outside.txt");
        std::fs::write(&outside, "before").unwrap();
        let command = format!("echo changed > {}; touch inside.txt", outside.display());
        run(&workspace, user, &command, &[]);
        assert_eq!(std::fs::read_to_string(&outside).unwrap(), "before");
        assert!(workspace.project().join("inside.txt").exists(), "the project can be written");
    }
}

#[test]
fn a_tcp_connection_out_fails() {
    for user in users() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let workspace = Workspace::new();
        let command = format!(
            "perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(\"127.0.0.1:{port}\") ? \"canary-connected\" : \"no way out\"'"
        );
        let output = run(&workspace, user, &command, &[]);
        assert!(output.contains("no way out"), "{output}");
        assert!(listener.accept().is_err(), "nobody connected");
    }
}

#[test]
fn foreign_processes_are_not_seen() {
    for user in users() {
        let mut victim = Command::new("sleep").arg("98765").spawn().unwrap();
        let workspace = Workspace::new();
        let output = run(
            &workspace,
            user,
            "ps ax; perl -e 'print join q( ), map { open F, q(<), $_; <F> } glob q(/proc/[0-9]*/cmdline)'",
            &[],
        );
        victim.kill().unwrap();
        victim.wait().unwrap();
        assert!(!output.contains("98765"), "{output}");
    }
}

/// Ways to keep the owner from a place that was just written.
const LOCKS: &[&str] = &[
    "echo evil > conftest.py; chmod 0 conftest.py",
    "echo evil > Makefile; chmod 0 Makefile",
    "echo evil > conftest.py; chmod 0555 .",
    "rm Makefile; ln -s x Makefile; chmod 0555 .",
    "mkdir -p .husky; echo evil > .husky/pre-commit; chmod 0555 .husky",
    "mkdir -p .husky; echo evil > .husky/pre-commit; chmod 0 .husky",
    "echo evil > .github/workflows/ci.yml; chmod 0 .github/workflows/ci.yml .github/workflows .github",
    "rm -r .github; chmod 0555 .",
];

#[test]
fn what_runs_later_is_put_back_however_it_was_locked() {
    for user in users() {
        for lock in LOCKS {
            let workspace = Workspace::new();
            workspace.write("Makefile", "all:\n");
            workspace.write(".github/workflows/ci.yml", "on: push\n");
            workspace.write("lock.sh", lock);
            let output = run(&workspace, user, "sh lock.sh", &[]);
            assert!(output.contains("was put back and waits"), "{lock}: {output}");
            assert!(!output.contains("could not be put back"), "{lock}: {output}");
            assert_eq!(workspace.read("Makefile"), "all:\n", "{lock}");
            assert_eq!(workspace.read(".github/workflows/ci.yml"), "on: push\n", "{lock}");
            for new in ["conftest.py", ".husky/pre-commit"] {
                assert!(!workspace.project().join(new).exists(), "{lock}");
            }
        }
    }
}
