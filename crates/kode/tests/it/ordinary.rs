//! What a person does every day does the same below `kode sandbox --`, as whoever runs
//! the tests and, where that is root, as `nobody` too. `$kode` is the command in front.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use kode_testkit::TerminalSession;

use crate::walls::{User, give_to_nobody, program, users};
use crate::workspace::Workspace;

/// Runs a line of the shell's in the project, with `variables`.
fn run(workspace: &Workspace, user: User, line: &str, variables: &[(&str, &str)]) -> Output {
    let kode = format!("{} sandbox --", program(workspace).display());
    let mut shell = Command::new("setsid");
    shell.arg("--wait");
    if user == User::Nobody {
        give_to_nobody(workspace);
        shell.args(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    }
    shell
        .args(["bash", "-c", line])
        .current_dir(workspace.project())
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
        .env("HOME", workspace.user_home())
        .env("kode", kode)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What each line prints, errors included.
fn all_print(lines: &[(&str, &str)]) {
    for user in users() {
        let workspace = Workspace::new();
        for (line, expected) in lines {
            let output = run(&workspace, user, &format!("({line}) 2>&1"), &[]);
            assert_eq!(text(&output.stdout).trim(), *expected, "{line}");
        }
    }
}

#[test]
fn a_program_that_can_t_be_started_is_named_with_the_reason() {
    all_print(&[
        ("$kode nosuch; echo $?", "kode: nosuch: not found inside the sandbox\n127"),
        (
            "echo x > plain; $kode ./plain; echo $?",
            "kode: ./plain: permission denied; it is not executable\n126",
        ),
        ("$kode /usr; echo $?", "kode: /usr: is a folder\n126"),
        (
            "$kode 'echo a && echo b'; echo $?",
            "kode: echo a && echo b: not found inside the sandbox; a line for the shell is run by \
             `kode sandbox -- sh -c 'echo a && echo b'`\n127",
        ),
        ("${kode%--} --ro -- nosuch; echo $?", "kode: nosuch: not found inside the sandbox\n127"),
    ]);
}

#[test]
fn a_program_that_is_hidden_is_said_to_be() {
    for user in users() {
        let workspace = Workspace::new();
        let line = "mkdir -p $HOME/tools && printf '#!/bin/sh\\n' > $HOME/tools/mytool && \
                    chmod +x $HOME/tools/mytool && PATH=$PATH:$HOME/tools $kode mytool";
        let said = text(&run(&workspace, user, line, &[]).stderr);
        assert!(said.contains("tools/mytool is hidden there"), "{said}");
    }
}

#[test]
fn standard_streams_can_be_opened_by_their_names() {
    all_print(&[
        ("echo hi | $kode cat /dev/stdin", "hi"),
        ("echo hi | $kode cat /proc/self/fd/0", "hi"),
        ("$kode sh -c 'echo e > /dev/stderr' 2>&1 | cat", "e"),
        ("$kode sh -c 'echo o > /dev/stdout' > file; cat file", "o"),
        ("echo hi | $kode tee /dev/stderr > /dev/null", "hi"),
        ("$kode sh -c 'cat /dev/stdin; echo $?' < /dev/null", "0"),
        ("$kode sh -c 'echo x > /dev/fd/2'", "x"),
        ("$kode sh -c 'echo y > /proc/self/fd/1'", "y"),
    ]);
}

#[test]
fn the_agents_commands_can_open_their_streams_by_name() {
    for user in users() {
        let workspace = Workspace::new();
        let command = "echo one > /dev/stderr; echo two > /dev/stdout; echo three | cat /dev/stdin";
        let output = crate::walls::run(&workspace, user, command, &[]);
        for word in ["one", "two", "three"] {
            assert!(output.contains(word) && !output.contains("denied"), "{output}");
        }
    }
}

#[test]
fn the_sandbox_knows_its_own_host_name() {
    all_print(&[
        ("$kode getent hosts kode | cut -d' ' -f1", "127.0.1.1"),
        (
            "$kode python3 -c 'import socket; print(socket.gethostbyname(socket.gethostname()))'",
            "127.0.1.1",
        ),
    ]);
}

#[test]
fn python_reads_bytecode_and_writes_none() {
    for user in users() {
        let workspace = Workspace::new();
        workspace.write("one.py", "x = 1\n");
        let line = "$kode python3 -c 'import one, sys; print(sys.pycache_prefix, sys.dont_write_bytecode)'";
        assert_eq!(text(&run(&workspace, user, line, &[]).stdout), "None True\n");
        assert!(!workspace.project().join("__pycache__").exists());
    }
}

#[test]
fn harmless_settings_of_the_system_are_there_and_others_are_not() {
    let same = "for file in debian_version inputrc manpath.config os-release lsb-release magic; do \
                test ! -r /etc/$file || cmp /etc/$file <($kode cat /etc/$file); done";
    all_print(&[
        (same, ""),
        (
            "$kode sh -c 'ls -d /etc/shadow /etc/profile /etc/npmrc /etc/ssh /etc/chromium.d/apikeys 2>/dev/null'",
            "",
        ),
    ]);
}

#[test]
fn git_is_set_as_its_user_set_it_and_what_is_lost_is_said() {
    for user in users() {
        let workspace = Workspace::new();
        let line = "git config --global init.defaultBranch trunk; \
                    git config --global alias.st 'status --short'; \
                    git config --global core.excludesFile ~/ignored; echo '*.swp' > ~/ignored; \
                    git config --global commit.gpgsign true; \
                    git config --global core.pager 'touch pwned'; \
                    $kode sh -c 'git init -q new && cd new && touch a.swp b && git st && \
                    git symbolic-ref HEAD && git config core.pager'";
        let output = run(&workspace, user, line, &[]);
        assert_eq!(text(&output.stdout), "?? b\nrefs/heads/trunk\n");
        assert!(text(&output.stderr).contains("signatures"), "{}", text(&output.stderr));
    }
}

#[test]
fn what_builds_are_told_passes_and_what_may_be_a_key_does_not() {
    for user in users() {
        let workspace = Workspace::new();
        let variables = [("CC", "clang"), ("RUST_LOG", "sk9fj2lx8d7a6s5d4f3g2h1jkl"), ("FOO", "x")];
        let output = run(&workspace, user, "$kode sh -c 'echo [$CC$RUST_LOG$FOO]'", &variables);
        assert_eq!(text(&output.stdout), "[clang]\n");
    }
}

#[test]
fn a_toolchain_in_the_home_is_shown_and_its_settings_are_not() {
    for user in users() {
        let workspace = Workspace::new();
        let line = "mkdir -p ~/.gradle/wrapper/dists/g ~/.cache/go-build/00 && \
                    echo secret > ~/.gradle/gradle.properties && echo old > ~/.cache/go-build/00/a && \
                    $kode sh -c 'ls ~/.gradle ~/.gradle/wrapper/dists; cat ~/.cache/go-build/00/a; \
                    echo new > ~/.cache/go-build/00/a && cat ~/.cache/go-build/00/a'; \
                    cat ~/.cache/go-build/00/a";
        let output = run(&workspace, user, line, &[]);
        let printed = text(&output.stdout);
        assert!(printed.contains("dists") && !printed.contains("gradle.properties"), "{printed}");
        assert!(printed.ends_with("old\nnew\nold\n"), "{printed}{}", text(&output.stderr));
    }
}

/// A shell with job control in the workspace's project.
fn job_shell(workspace: &Workspace) -> TerminalSession {
    let line = format!(
        "cd '{}' && exec env -i PATH=\"$PATH\" PS1='$ ' HOME='{}' kode='{} sandbox --' bash --norc --noprofile -i",
        workspace.project().display(),
        workspace.user_home().display(),
        env!("CARGO_BIN_EXE_kode"),
    );
    TerminalSession::start(std::path::Path::new("/bin/sh"), &["-c", &line], &[]).unwrap()
}

#[test]
fn a_command_in_the_background_of_a_terminal_runs_on() {
    let workspace = Workspace::new();
    let mut shell = job_shell(&workspace);
    shell.send(b"$kode sh -c 'sleep 1; echo do''ne > made' &\n").unwrap();
    workspace.wait_for("made");
    shell.send(b"wait; echo code=$?; exit\n").unwrap();
    let (_, output) = shell.finish().unwrap();
    assert!(output.contains("code=0") && !output.contains("Stopped"), "{output}");
}

#[test]
fn a_command_is_stopped_by_a_key_and_goes_on_in_the_foreground() {
    let workspace = Workspace::new();
    let mut shell = job_shell(&workspace);
    shell
        .send(b"$kode sh -c 'echo up > up; while test ! -e go; do sleep 0.1; done; echo go''ne'\n")
        .unwrap();
    workspace.wait_for("up");
    shell.send(b"\x1a").unwrap();
    shell.wait_for("Stopped").unwrap();
    workspace.write("go", "");
    shell.watch(Duration::from_millis(500)).unwrap();
    assert!(!shell.output().contains("gone"), "{}", shell.output());
    shell.send(b"fg\n").unwrap();
    shell.wait_for("gone").unwrap();
    // What is typed before that is the command's, or nobody's.
    shell.wait_for("$ ").unwrap();
    shell.send(b"exit\n").unwrap();
    let (_, output) = shell.finish().unwrap();
    assert!(output.contains("gone"), "{output}");
}

#[test]
fn errors_that_go_to_a_file_stay_out_of_the_terminal() {
    let workspace = Workspace::new();
    let mut shell = job_shell(&workspace);
    shell
        .send(b"$kode sh -c 'test -t 1 && echo o''ut; test -t 2 || echo e''rr >&2' 2> errors\n")
        .unwrap();
    shell.wait_for("out").unwrap();
    shell.wait_for("$ ").unwrap();
    shell.send(b"exit\n").unwrap();
    let (_, output) = shell.finish().unwrap();
    assert!(!output.contains("err\n"), "{output}");
    assert_eq!(std::fs::read_to_string(workspace.project().join("errors")).unwrap(), "err\n");
}
