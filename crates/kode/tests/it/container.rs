//! `--sandbox` and `kode sandbox --docker` with the real engine: commands run in
//! one container, what can't be had is said with its remedy, and kode's death
//! leaves nothing. Needs the image that `scripts/setup-tests.sh` imports.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::terminal::start;
use crate::tmux::Window;
use crate::workspace::{Run, Workspace, shell_script};

const IMAGE: &str = "kode-test-base";

fn usable() -> bool {
    let asked = Command::new("docker").args(["image", "inspect", IMAGE]).output();
    let usable = asked.is_ok_and(|output| output.status.success());
    if !usable {
        kode_testkit::skip_or_fail("no Docker with the image kode-test-base");
    }
    usable
}

/// `kode sandbox --docker` with these options, then the command.
fn sandbox(workspace: &Workspace, options: &[&str], command: &[&str]) -> Output {
    let image = ["--sandbox-image", IMAGE];
    let arguments = [&["sandbox", "--docker"], &image[..], options, &["--"], command].concat();
    workspace.kode(&arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Names of the containers that this workspace's sessions have a folder for.
fn containers(workspace: &Workspace) -> Vec<String> {
    let folders = std::fs::read_dir(workspace.kode_home().join("run")).into_iter().flatten();
    let names = folders.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names.filter_map(|name| Some(format!("kode-{}", name.strip_prefix("container-")?))).collect()
}

#[test]
fn a_command_runs_in_a_container_and_its_exit_code_comes_back() {
    if !usable() {
        return;
    }
    let workspace = Workspace::new();
    let line = "pwd; echo in > made; whoami; ls -A /home/kode; exit 7";
    let ran = sandbox(&workspace, &[], &["sh", "-c", line]);
    assert_eq!(ran.status.code(), Some(7), "{ran:?}");
    assert_eq!(text(&ran.stdout), "/workspace\nkode\n.gitconfig\n", "{ran:?}");
    assert_eq!(workspace.read("made"), "in\n");
    assert_eq!(containers(&workspace), Vec::<String>::new());
    assert_eq!(sandbox(&workspace, &[], &["no-such-program"]).status.code(), Some(127));
}

#[test]
fn the_flags_hold() {
    if !usable() {
        return;
    }
    let workspace = Workspace::new();
    let options = ["--sandbox-readonly", "--sandbox-memory", "64m", "--sandbox-cpus", "0.5"];
    let line =
        "touch made 2>&1; touch /x 2>&1; cat /proc/self/status | grep -E 'CapBnd|NoNewPrivs'";
    let ran = sandbox(&workspace, &options, &["sh", "-c", line]);
    let said = text(&ran.stdout);
    assert!(said.contains("made: Read-only file system"), "{ran:?}");
    assert!(said.contains("CapBnd:\t0000000000000000\nNoNewPrivs:\t1\n"), "{said}");
    assert!(!workspace.project().join("made").exists());
    let ran = sandbox(&workspace, &["--sandbox-user", "4242:4243"], &["id"]);
    assert_eq!(ran.status.code(), Some(125), "{ran:?}");
    assert!(text(&ran.stderr).contains("can't write the project"), "{ran:?}");
    let ran = sandbox(&workspace, &["--sandbox-user", "4242:4243", "--sandbox-readonly"], &["id"]);
    assert!(text(&ran.stdout).contains("uid=4242(kode) gid=4243(kode)"), "{ran:?}");
    for network in ["host", "container:x", "my-net"] {
        let ran = sandbox(&workspace, &["--sandbox-network", network], &["true"]);
        assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    }
    let without = workspace.kode(&["run", "--sandbox-image", IMAGE, "x"]).output().unwrap();
    assert_eq!(without.status.code(), Some(2), "{without:?}");
    let both = workspace.kode(&["run", "--sandbox", "--no-sandbox", "x"]).output().unwrap();
    assert_eq!(both.status.code(), Some(2), "{both:?}");
}

#[test]
fn blanks_and_quotes_in_the_projects_path_are_a_part_of_it() {
    if !usable() {
        return;
    }
    let workspace = Workspace::new();
    let strange = workspace.project().join("a readonly \"b\"=c");
    std::fs::create_dir_all(strange.join(".git/hooks")).unwrap();
    let mut command = workspace.kode(&["sandbox", "--docker", "--sandbox-image", IMAGE, "--"]);
    let line = "echo x > made; echo x > .git/hooks/pre-commit || echo held";
    let ran = command.args(["sh", "-c", line]).current_dir(&strange).output().unwrap();
    assert_eq!(text(&ran.stdout), "held\n", "{ran:?}");
    assert!(strange.join("made").exists());
}

#[test]
fn what_docker_lacks_is_said_with_the_remedy_and_nothing_runs() {
    if !usable() {
        return;
    }
    let workspace = Workspace::new();
    let script = shell_script("touch ran");
    let path = workspace.beside("script.yaml");
    std::fs::write(&path, script).unwrap();
    let run = |image: &str, host: Option<&str>| {
        let script = path.to_str().unwrap();
        let run = ["run", "--json", "--script", script, "--sandbox", "--sandbox-image", image, "x"];
        let mut command = workspace.kode(&run);
        if let Some(host) = host {
            command.env("DOCKER_HOST", host);
        }
        Run::of(command.output().unwrap()).expect(7).stderr
    };
    let said = run("no-such-image:1", None);
    assert!(said.contains("docker pull no-such-image:1"), "{said}");
    let said = run(IMAGE, Some("unix:///nonexistent/docker.sock"));
    assert!(said.contains("start the daemon"), "{said}");
    assert!(!workspace.project().join("ran").exists());
    let ran = workspace
        .kode(&["sandbox", "--docker", "--sandbox-image", "no-such-image:1", "--", "true"])
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(125), "{ran:?}");
}

#[test]
fn a_run_uses_one_container_for_all_its_commands() {
    if !usable() {
        return;
    }
    let workspace = Workspace::new();
    let script = "turns:\n  - calls:\n      - tool: shell\n        args: {command: 'echo one > /tmp/kept; pwd'}\n  - calls:\n      - tool: shell\n        args: {command: 'cat /tmp/kept /workspace/notes; touch made'}\n  - calls:\n      - tool: finish\n        args: {summary: done}\n";
    workspace.write("notes", "noted\n");
    let run = workspace.run_script(script, &["--sandbox", "--sandbox-image", IMAGE]).expect(0);
    let said = run.outputs();
    assert!(said.contains("/workspace"), "{said}");
    assert!(said.contains("one\nnoted"), "{said}");
    assert!(workspace.project().join("made").exists());
    assert_eq!(containers(&workspace), Vec::<String>::new());
    let log = std::fs::read_to_string(workspace.kode_home().join("audit/log.jsonl")).unwrap();
    assert!(log.contains("\"sandbox\":\"docker\""), "{log}");
}

const SESSION: &str = r#"
model: test
turns:
  - calls: [{tool: shell, args: {command: "echo one > /tmp/kept; echo x > f1"}}]
  - calls: [{tool: finish, args: {summary: first}}]
  - calls: [{tool: shell, args: {command: "cat /tmp/kept > f2; (setsid sleep 317 &); cat .git/config > f3"}}]
  - calls: [{tool: finish, args: {summary: second}}]
"#;

/// What an interactive session in a container shows.
fn session(workspace: &Workspace) -> Option<Window> {
    let path = workspace.beside("script.yaml");
    std::fs::write(&path, SESSION).unwrap();
    let arguments = format!("--script '{}' --sandbox --sandbox-image {IMAGE}", path.display());
    let window = Window::start(workspace, (110, 36), &arguments)?;
    window.wait_for("ready");
    window.line("first");
    window.wait_until("the first end", |screen| screen.matches("● done").count() == 1);
    Some(window)
}

fn wait_until_nothing_is_left(workspace: &Workspace, name: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !left(workspace, name).is_empty() {
        assert!(Instant::now() < deadline, "{:?}", left(workspace, name));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn all_messages_of_a_session_share_one_container_that_ends_with_it() {
    if !usable() {
        return;
    }
    let workspace = Workspace::new();
    let Some(window) = session(&workspace) else { return };
    let first = containers(&workspace);
    assert_eq!(first.len(), 1, "it stands between two messages");
    window.line("second");
    window.wait_until("the second end", |screen| screen.matches("● done").count() == 2);
    assert_eq!(workspace.read("f2"), "one\n");
    assert_eq!(containers(&workspace), first);
    assert_eq!(processes_naming("sleep\u{0}317"), Vec::<String>::new());
    window.line("/quit");
    window.wait_for("ended with 0");
    assert_eq!(containers(&workspace), Vec::<String>::new());
    // The window's shell works in the project.
    drop(window);
    wait_until_nothing_is_left(&workspace, &first[0]);
}

#[test]
fn what_a_person_does_to_the_repository_between_two_messages_is_in_the_next_container() {
    if !usable() {
        return;
    }
    let workspace = Workspace::new();
    let Some(window) = session(&workspace) else { return };
    let first = containers(&workspace);
    std::fs::create_dir_all(workspace.project().join(".git/hooks")).unwrap();
    workspace.write(".git/config", "[core]\n");
    window.line("second");
    window.wait_until("the second end", |screen| screen.matches("● done").count() == 2);
    assert_eq!(workspace.read("f3"), "[core]\n");
    let second = containers(&workspace);
    assert!(second.len() == 1 && second != first, "{second:?}");
    assert_eq!(workspace.read(".git/config"), "[core]\n");
    // The terminal is closed.
    drop(window);
    wait_until_nothing_is_left(&workspace, &second[0]);
}

#[test]
fn kill_9_of_a_session_leaves_nothing_of_its_container() {
    if !usable() {
        return;
    }
    let workspace = Workspace::new();
    let Some(window) = session(&workspace) else { return };
    let name = containers(&workspace).pop().unwrap();
    let kode = std::path::Path::new(env!("CARGO_BIN_EXE_kode")).canonicalize().unwrap();
    let at = workspace.project().canonicalize().unwrap();
    let is_it = |id: &u32| {
        std::fs::read_link(format!("/proc/{id}/exe")).is_ok_and(|exe| exe == kode)
            && std::fs::read_link(format!("/proc/{id}/cwd")).is_ok_and(|cwd| cwd == at)
    };
    let found: Vec<u32> = processes().into_iter().filter(is_it).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    let killed = Command::new("kill").args(["-KILL", &found[0].to_string()]).status().unwrap();
    assert!(killed.success());
    drop(window);
    wait_until_nothing_is_left(&workspace, &name);
}

#[test]
fn a_trusted_dockerfile_is_built_without_files_or_network_and_an_untrusted_one_ignored() {
    if !usable() {
        return;
    }
    let workspace = Workspace::new();
    let unique = workspace.project().display().to_string();
    let file =
        format!("FROM {IMAGE}\nRUN echo {unique} > /built && ! ls -A /sys/class/net | grep eth\n");
    workspace.write("Dockerfile.kode", &file);
    let plain = ["sandbox", "--docker", "--", "cat", "/built"];
    let before = workspace.kode(&plain).output().unwrap();
    assert!(text(&before.stderr).contains("is ignored because it is not trusted"), "{before:?}");
    assert!(!text(&before.stdout).contains(&unique), "{before:?}");
    let shown = start(&workspace, "trust").finish().unwrap().1;
    assert!(shown.contains("RUN echo"), "{shown}");
    let after = workspace.kode(&plain).output().unwrap();
    assert_eq!(text(&after.stdout), format!("{unique}\n"), "{after:?}");
    // An image that was named beats it.
    let named = sandbox(&workspace, &[], &["cat", "/built"]);
    assert_ne!(named.status.code(), Some(0), "{named:?}");
    let hash = Command::new("sha256sum")
        .arg(workspace.project().join("Dockerfile.kode"))
        .output()
        .unwrap();
    let image = format!("kode-dockerfile:{}", text(&hash.stdout).split(' ').next().unwrap());
    let removed = Command::new("docker").args(["rmi", &image]).output().unwrap();
    assert!(removed.status.success(), "{removed:?}");
}

#[test]
fn a_bridged_container_reaches_open_hosts_over_the_proxy_and_no_secret() {
    const SYSTEM_IMAGE: &str = "kode-test-system";
    let asked = Command::new("docker").args(["image", "inspect", SYSTEM_IMAGE]).output();
    if !asked.is_ok_and(|output| output.status.success()) {
        return kode_testkit::skip_or_fail("no Docker with the image kode-test-system");
    }
    let workspace = Workspace::new();
    workspace.write(".env", "TOKEN=canary\n");
    workspace.write("a, \"b\".pem", "canary\n");
    let line = "curl -sS -o got https://registry.npmjs.org/left-pad; \
                curl -sS -X PUT -d x https://registry.npmjs.org/left-pad; \
                curl -sS https://example.com; curl -sS --noproxy '*' -m 3 https://1.1.1.1; \
                cat .env *.pem; ls -A /kode; true";
    let options = ["--docker", "--sandbox-image", SYSTEM_IMAGE, "--network", "registry.npmjs.org"];
    let bridge = ["--sandbox-network", "bridge"];
    let command = ["--", "bash", "-c", line];
    let run = |more: &[&str]| {
        let arguments = [&["sandbox"], &options[..], more, &command].concat();
        workspace.kode(&arguments).output().unwrap()
    };
    let shut = run(&[]);
    assert_ne!(shut.status.code(), Some(0), "{shut:?}");
    assert!(text(&shut.stderr).contains("--sandbox-network bridge"), "{shut:?}");
    let open = run(&bridge);
    let (out, errors) = (text(&open.stdout), text(&open.stderr));
    assert!(!out.contains("canary"), "{out}");
    assert_eq!(errors.matches("Permission denied").count(), 2, "{errors}");
    assert!(errors.contains("example.com is not open"), "{errors}");
    assert!(!out.contains("control.sock"), "{out}");
    if registry_answers() {
        assert!(workspace.read("got").contains("\"left-pad\""), "{errors}");
        assert!(out.contains("can only be read from here"), "{out}");
    }
    let log = std::fs::read_to_string(workspace.kode_home().join("audit/log.jsonl")).unwrap();
    let connections = log.lines().filter(|line| line.contains("\"record\":\"connection\""));
    assert_eq!(connections.count(), 3, "{log}");
}

fn registry_answers() -> bool {
    use std::net::{TcpStream, ToSocketAddrs};
    let addresses = ("registry.npmjs.org", 443).to_socket_addrs().into_iter().flatten();
    addresses
        .into_iter()
        .any(|address| TcpStream::connect_timeout(&address, Duration::from_secs(5)).is_ok())
}

/// Whether a container of this name, its keeper or its folder is there.
fn left(workspace: &Workspace, name: &str) -> Vec<String> {
    let mut left = containers(workspace);
    let asked = Command::new("docker").args(["container", "inspect", name]).output().unwrap();
    if asked.status.success() {
        left.push(format!("container {name}"));
    }
    left.extend(processes_naming(workspace.beside("").to_str().unwrap()));
    left.extend(processes_naming(name));
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let own = workspace.project().display().to_string();
    left.extend(mounts.lines().filter(|line| line.contains(&own)).map(str::to_owned));
    left
}

/// Processes that name this in their arguments or work in it.
fn processes_naming(text: &str) -> Vec<String> {
    let names = |id: u32| {
        let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        let at = std::fs::read_link(format!("/proc/{id}/cwd")).unwrap_or_default();
        (line.contains(text) || at.starts_with(text)).then(|| format!("process {id}: {line}"))
    };
    processes().into_iter().filter(|id| *id != std::process::id()).filter_map(names).collect()
}

fn processes() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// All that `parent` started and they started: kode's helper or keeper, and
/// what is inside of a native sandbox.
fn descendants(parent: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = processes()
        .into_iter()
        .filter_map(|id| {
            let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
            Some((id, line.trim().parse().ok()?))
        })
        .collect();
    let mut found = vec![parent];
    let mut at = 0;
    while at < found.len() {
        let of = found[at];
        found.extend(parents.iter().filter(|(_, parent)| *parent == of).map(|(id, _)| *id));
        at += 1;
    }
    found.split_off(1)
}

fn is_alive(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}

/// Kills kode after `moment` and waits until nothing is left of its session.
fn one_kill(options: &[&str], moment: Duration) {
    let workspace = Workspace::new();
    let arguments = [&["sandbox"], options, &["--"]].concat();
    let line = "(setsid sleep 311 &); (sleep 312 &); sleep 313";
    let mut child = Command::new(env!("CARGO_BIN_EXE_kode"))
        .args(arguments)
        .args(["sh", "-c", line])
        .current_dir(workspace.project())
        .env("HOME", workspace.user_home())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    let mut names = Vec::new();
    while started.elapsed() < moment {
        names.extend(containers(&workspace));
        std::thread::sleep(Duration::from_millis(5));
    }
    let started_by_it = descendants(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    names.extend(containers(&workspace));
    names.dedup();
    let name = names.last().cloned().unwrap_or_else(|| "kode-none".to_owned());
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let mut left = left(&workspace, &name);
        let alive = started_by_it.iter().filter(|id| is_alive(**id));
        left.extend(alive.map(|id| format!("descendant {id}")));
        if left.is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "after {moment:?}: {left:#?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// `count` moments spread over `most`, from a seed of the clock.
fn kills(options: &[&str], count: u32, most: Duration) {
    let seed = std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    for number in 0..count {
        let spread = seed.wrapping_mul(2_654_435_761).wrapping_add(number * 40_503) % 1000;
        one_kill(options, most * spread / 1000);
    }
}

const DOCKER: &[&str] = &["--docker", "--sandbox-image", IMAGE];
/// Starting takes half a second of it.
const DOCKER_SPAN: Duration = Duration::from_millis(1500);
const NATIVE: &[&str] = &["--network", "pypi.org"];
const NATIVE_SPAN: Duration = Duration::from_millis(120);

#[test]
fn kill_9_at_ten_moments_leaves_no_container_process_socket_or_folder() {
    if usable() {
        kills(DOCKER, 10, DOCKER_SPAN);
    }
}

#[test]
fn kill_9_at_ten_moments_of_a_networked_command_leaves_nothing() {
    kills(NATIVE, 10, NATIVE_SPAN);
}

#[test]
#[ignore = "a measurement of minutes: 30 moments each"]
fn kill_9_at_thirty_moments_leaves_nothing() {
    if usable() {
        kills(DOCKER, 30, DOCKER_SPAN);
        kills(
            &[DOCKER, &["--sandbox-network", "bridge", "--network", "pypi.org"]].concat(),
            30,
            DOCKER_SPAN,
        );
    }
    kills(NATIVE, 30, NATIVE_SPAN);
}

#[test]
fn ctrl_c_ends_the_container_too() {
    if !usable() {
        return;
    }
    let workspace = Workspace::new();
    let mut child = workspace
        .kode(&[&["sandbox"], DOCKER, &["--", "sh", "-c", "touch up; sleep 314"]].concat())
        .spawn()
        .unwrap();
    workspace.wait_for("up");
    let name = containers(&workspace).pop().unwrap();
    for id in processes_naming(workspace.project().to_str().unwrap()) {
        // setsid waits for kode in the same folder; both get it, as from a terminal.
        let id = id.trim_start_matches("process ").split(':').next().unwrap().to_owned();
        let _ = Command::new("kill").args(["-INT", &id]).status();
    }
    child.wait().unwrap();
    wait_until_nothing_is_left(&workspace, &name);
}
