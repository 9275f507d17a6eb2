//! Without a sandbox nothing but the gate stands between a command and the
//! user's machine: what is silent inside one becomes a question.

use kode_base::Verdict;
use kode_gate::{Policy, SessionState, policy_check};

fn state(bare_host: bool) -> SessionState {
    SessionState {
        project_root: "/work/app".to_owned(),
        home: "/tmp/home".to_owned(),
        kode_home: "/tmp/home/.kode".to_owned(),
        bare_host,
        ..SessionState::default()
    }
}

fn judged(command: &str, bare_host: bool) -> (Verdict, String) {
    let judgement = policy_check::check(command, &Policy::default(), &state(bare_host));
    (judgement.verdict, judgement.reason.class.as_str().to_owned())
}

fn expect(commands: &[&str], class: &str) {
    for command in commands {
        let sandboxed = judged(command, false).0;
        assert_eq!(sandboxed, Verdict::Allow, "in the sandbox: {command}");
        assert_eq!(judged(command, true), (Verdict::Prompt, class.to_owned()), "{command}");
    }
}

#[test]
fn what_runs_the_projects_code_is_code_execution() {
    let commands = [
        "git status",
        "git log --oneline -5",
        "git add -A",
        "make",
        "npm test",
        "pnpm run build",
        "yarn start",
        "cargo test",
        "go build ./...",
        "go install",
        "pytest -q",
        "./gradlew build",
        "mvn test",
        "tox",
        "npx eslint .",
        "python -m pytest",
        ".venv/bin/pytest",
        "node_modules/.bin/tsc",
        ". .venv/bin/activate",
        "hg status",
    ];
    expect(&commands, "code_execution");
}

#[test]
fn scratch_places_outside_the_project_are_the_systems() {
    let commands =
        ["touch /tmp/x", "echo a > /tmp/x", "rm -rf /tmp/x", "mkdir /var/tmp/x", "cp a /dev/shm/x"];
    expect(&commands, "system_write");
    assert!(judged("rm -rf /tmp", true).0 >= Verdict::Prompt);
    assert_eq!(judged("rm -rf ~", true).0, Verdict::Refuse, "the home below /tmp is a home");
}

#[test]
fn reads_outside_the_project_and_public_folders_are_questions() {
    for command in [
        "cat ~/notes.txt",
        "cat /tmp/x",
        "head /var/log/syslog",
        "grep x /srv/data",
        "sort < /mnt/a",
        "cat \"$unknown\"",
        "cp ~/a b",
    ] {
        assert!(judged(command, true).0 >= Verdict::Prompt, "{command}");
    }
}

#[test]
fn looking_at_the_project_and_public_folders_stays_silent() {
    for command in [
        "ls -la",
        "cat src/main.rs",
        "grep -rn x src",
        "rg foo",
        "head /etc/os-release",
        "cat /usr/include/stdio.h /proc/cpuinfo",
        "echo hi > notes.txt",
        "mkdir -p a/b && touch a/b/c",
        "sed -i s/a/b/ x",
        "rm -rf build",
    ] {
        assert_eq!(judged(command, true).0, Verdict::Allow, "{command}");
    }
}
