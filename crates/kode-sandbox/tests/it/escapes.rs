//! The escape suite: every attempt is judged from outside, every ordinary thing
//! must work; and without a sandbox nearly every attempt gets through, so the
//! suite can fail.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use kode_base::Interrupt;
use kode_sandbox::{Backend, CommandEnd, HelperImage, Sandbox, SandboxSettings};
use serde::Deserialize;

use crate::arena::Arena;
use crate::docker;
use crate::support::{Ended, Place};

const ATTEMPTS: &str = include_str!("fixtures/escapes.toml");
const THINGS: &str = include_str!("fixtures/ordinary.toml");

/// What every Python attempt begins with. `reached` tells whether a call got
/// past the permission check: any error but "not permitted", "no such call",
/// "access denied", "no such process" and "no such family".
const PRELUDE: &str = r#"
import ctypes, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    given = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return libc.syscall(ctypes.c_long(number), *given), ctypes.get_errno()
def reached(number, *arguments):
    done, error = call(number, *arguments)
    if done >= 0 or error not in (1, 3, 13, 38, 97): print("ESCAPED", done, error)
"#;

#[derive(Deserialize)]
struct Attempts {
    attempt: Vec<Attempt>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attempt {
    pub(crate) name: String,
    run: Option<String>,
    python: Option<String>,
}

#[derive(Deserialize)]
struct Things {
    thing: Vec<Thing>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Thing {
    name: String,
    run: String,
    output: Option<String>,
    needs: Option<String>,
}

impl Attempt {
    fn command(&self) -> String {
        match (&self.run, &self.python) {
            (Some(run), None) => run.clone(),
            (None, Some(python)) => {
                format!("/usr/bin/python3 -IS - <<'KODE_END'\n{PRELUDE}\n{python}\nKODE_END\n")
            }
            _ => panic!("{}: either run or python", self.name),
        }
    }
}

pub(crate) fn attempts() -> Vec<Attempt> {
    toml::from_str::<Attempts>(ATTEMPTS).unwrap().attempt
}

/// Runs every attempt; the breaches by attempt. Where no sandbox starts no
/// attempt counts as stopped.
pub(crate) fn breaches(
    choose: impl Fn(&Arena) -> SandboxSettings,
) -> BTreeMap<String, Vec<String>> {
    let mut arena = Arena::new();
    let settings = choose(&arena);
    let mut sandbox = match Sandbox::start(&arena.place.root(), settings) {
        Ok(sandbox) => sandbox,
        Err(error) => {
            let not_tried = |attempt: Attempt| (attempt.name, vec![error.to_string()]);
            return attempts().into_iter().map(not_tried).collect();
        }
    };
    let mut all = BTreeMap::new();
    for attempt in attempts() {
        let command = arena.fill(&attempt.command());
        let limit = Duration::from_secs(if sandbox.name() == "none" { 5 } else { 20 });
        let ended = arena.place.run_with(&sandbox, &command, limit, &Interrupt::new());
        let mut found = arena.breaches(&ended.text);
        let control = arena.place.run(&sandbox, "echo still here");
        if control.text != "still here\n" {
            found.push("nothing runs any more".to_owned());
        }
        if !found.is_empty() {
            all.insert(attempt.name, found);
            // What it broke was made anew, the project's folder too.
            sandbox = Sandbox::start(&arena.place.root(), choose(&arena)).unwrap();
        }
    }
    all
}

#[test]
fn no_attempt_leaves_the_sandbox() {
    assert!(attempts().len() >= 120);
    let breaches = breaches(|arena| arena.place.settings(Backend::Native));
    println!("{} of {} attempts stopped", attempts().len() - breaches.len(), attempts().len());
    assert!(breaches.is_empty(), "{breaches:#?}");
}

fn in_container(owner: u32) {
    if !docker::usable(docker::SYSTEM_IMAGE) {
        return;
    }
    let breaches = breaches(|arena| {
        docker::give(&arena.place.project(), owner);
        docker::settings(&arena.place, docker::SYSTEM_IMAGE)
    });
    println!("{} of {} attempts stopped", attempts().len() - breaches.len(), attempts().len());
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn no_attempt_leaves_the_container_of_an_ordinary_user() {
    in_container(1000);
}

#[test]
fn no_attempt_leaves_the_container_around_a_project_of_root() {
    in_container(0);
}

#[test]
fn a_sandbox_that_never_starts_stops_nothing() {
    let breaches = breaches(|arena| {
        let mut settings = arena.place.settings(Backend::Native);
        settings.host.helper = HelperImage::Program("/bin/true".into());
        settings
    });
    assert_eq!(breaches.len(), attempts().len());
}

/// Set in the namespaces that the test below makes for itself.
pub(crate) const THROWAWAY: &str = "KODE_TEST_THROWAWAY";

/// In namespaces of its own, so that it is harmless: as an ordinary user, and
/// when root runs the tests as root, with all capabilities, of namespaces that
/// belong to `nobody` on the host.
#[test]
fn without_a_sandbox_most_attempts_succeed() {
    if std::env::var_os(THROWAWAY).is_none() {
        let test = "escapes::without_a_sandbox_most_attempts_succeed";
        println!("{}", in_throwaway_namespaces(test));
        return;
    }
    let breaches = breaches(|arena| arena.place.settings(Backend::BareHost));
    let (got_out, all) = (breaches.len(), attempts().len());
    println!("{got_out} of {all} attempts succeed without a sandbox");
    assert!(got_out * 2 > all, "only {got_out} of {all}: {:?}", breaches.keys());
}

pub(crate) fn in_throwaway_namespaces(test: &str) -> String {
    let folder = tempfile::Builder::new().prefix("kode-throwaway-").tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let tests = folder.path().join("tests");
    std::fs::copy(std::env::current_exe().unwrap(), &tests).unwrap();
    let unshare = ["unshare", "--user", "--mount", "--pid", "--fork", "--mount-proc", "--ipc"];
    let mut command = if rustix::process::geteuid().is_root() {
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        command.args(unshare).args(["--map-root-user", "--net", "--uts"]);
        command
    } else {
        let mut command = std::process::Command::new(unshare[0]);
        command.args(&unshare[1..]).arg("--map-current-user");
        command
    };
    let output = command
        .args(["bash", "-c", "ip link set lo up 2>/dev/null; exec \"$@\"", "-"])
        .arg(&tests)
        .args(["--exact", test, "--nocapture"])
        .env(THROWAWAY, "1")
        .env("TMPDIR", folder.path())
        .env("HOME", folder.path())
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
        .current_dir("/")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains(" 1 passed"), "{output:?}");
    text.into_owned()
}

#[test]
fn ordinary_things_keep_working() {
    let (done, failures) = failures(Place::settings_with_toolchains);
    assert!(done >= 45, "only {done}");
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Does every ordinary thing in the sandbox chosen; how many, and those that did
/// not work.
pub(crate) fn failures(
    choose: impl Fn(&Place) -> SandboxSettings,
) -> (usize, Vec<(String, Ended)>) {
    let place = Place::new();
    lay_out_ordinary(&place);
    let sandbox = Sandbox::start(&place.root(), choose(&place)).unwrap();
    let there = |thing: &Thing| thing.needs.as_ref().is_none_or(|program| on_path(program));
    ordinary_things(&place, &sandbox, there)
}

#[test]
fn ordinary_things_keep_working_in_a_container() {
    if !docker::usable(docker::SYSTEM_IMAGE) {
        return;
    }
    let place = Place::new();
    lay_out_ordinary(&place);
    let settings = docker::settings(&place, docker::SYSTEM_IMAGE);
    let sandbox = Sandbox::start(&place.root(), settings).unwrap();
    let there = |thing: &Thing| {
        let Some(program) = &thing.needs else { return true };
        let found = place.run(&sandbox, &format!("command -v {program}"));
        if found.end != CommandEnd::Exited(0) {
            println!("left out: {}: the image has no {program}", thing.name);
        }
        found.end == CommandEnd::Exited(0)
    };
    let (done, failures) = ordinary_things(&place, &sandbox, there);
    println!("{done} ordinary things work");
    assert!(done >= 60, "only {done}");
    assert!(failures.is_empty(), "{failures:#?}");
}

fn lay_out_ordinary(place: &Place) {
    std::process::Command::new("git")
        .args(["init", "-q"])
        .current_dir(place.project())
        .status()
        .unwrap();
    std::fs::write(
        place.home().join(".gitconfig"),
        "[user]\n\tname = A B\n\temail = a@example.invalid\n",
    )
    .unwrap();
}

/// Does every one that is `there`; how many, and those that did not work.
fn ordinary_things(
    place: &Place,
    sandbox: &Sandbox,
    there: impl Fn(&Thing) -> bool,
) -> (usize, Vec<(String, Ended)>) {
    let (mut done, mut failures) = (0, Vec::new());
    for thing in toml::from_str::<Things>(THINGS).unwrap().thing {
        if !there(&thing) {
            continue;
        }
        let limit = Duration::from_secs(120);
        let ended = place.run_with(sandbox, &thing.run, limit, &Interrupt::new());
        let as_expected =
            thing.output.as_ref().is_none_or(|output| output.trim() == ended.text.trim());
        done += 1;
        if ended.end != CommandEnd::Exited(0) || !as_expected {
            failures.push((thing.name, ended));
        }
    }
    (done, failures)
}

/// Whether this user has the program, in a place it can read.
fn on_path(program: &str) -> bool {
    let path = std::env::var("PATH").unwrap();
    path.split(':').any(|folder| std::fs::metadata(format!("{folder}/{program}")).is_ok())
}
