//! `kode sandbox -- CMD`: its first process is a copy of kode with no helper between.
//! What of kode must not be in that, and that nothing inside outlives kode.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::workspace::Workspace;

/// Stands in kode's environment, in its arguments and in a file it has open.
const SECRET: &str = "heron-4711";

/// What process lists show of the first process.
const FIRST: &str = "kode-sandbox-he";

/// Things end at once; a busy machine gets this long.
const PATIENCE: Duration = Duration::from_secs(60);

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

/// kode sandbox with `command`, started with the secret wherever it could stand and, by
/// root, with groups.
fn start(workspace: &Workspace, command: &str) -> Child {
    std::fs::write(workspace.beside("open"), SECRET).unwrap();
    let script = format!(
        "exec 7<{} && exec {} {} sandbox -- bash -c '{command}' {SECRET}",
        workspace.beside("open").display(),
        if is_root() { "setpriv --groups 4,24" } else { "env" },
        env!("CARGO_BIN_EXE_kode"),
    );
    Command::new("bash")
        .args(["-c", &script])
        .current_dir(workspace.project())
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
        .env("HOME", workspace.user_home())
        .env("KEY", SECRET)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn children(process: u32) -> Vec<u32> {
    let list = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    list.unwrap_or_default().split_whitespace().map(|id| id.parse().unwrap()).collect()
}

fn read(process: u32, file: &str) -> String {
    let bytes = std::fs::read(format!("/proc/{process}/{file}")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The sandbox's first process below kode.
fn first_of(kode: u32) -> u32 {
    let firsts = children(kode).into_iter().filter(|child| read(*child, "comm").trim() == FIRST);
    let firsts: Vec<u32> = firsts.collect();
    assert_eq!(firsts.len(), 1, "{:?}", children(kode));
    firsts[0]
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn lives(process: u32) -> bool {
    let stat = read(process, "stat");
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

#[test]
fn the_first_process_has_nothing_of_kodes_and_dies_with_it() {
    let workspace = Workspace::new();
    let mut kode = start(&workspace, "echo up > up; exec sleep 300");
    workspace.wait_for("up");
    let first = first_of(kode.id());
    let commands = children(first);
    assert_eq!(commands.len(), 1, "{commands:?}");
    if is_root() {
        for file in ["environ", "cmdline"] {
            assert!(!read(first, file).contains(SECRET), "{file}");
        }
        assert!(read(kode.id(), "environ").contains(SECRET), "the test sees what there is");
        for process in [first, commands[0]] {
            let groups = read(process, "status");
            let groups = groups.lines().find_map(|line| line.strip_prefix("Groups:"));
            assert_eq!(groups.map(str::trim), Some(""));
        }
        let own = std::fs::canonicalize(workspace.beside("open")).unwrap();
        let files = |process: u32| -> Vec<_> {
            let entries = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
            entries.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok()).collect()
        };
        assert!(files(kode.id()).contains(&own), "the test sees what there is");
        for process in [first, commands[0]] {
            assert!(!files(process).contains(&own));
        }
        let network = |process: &str| std::fs::read_link(Path::new("/proc").join(process)).unwrap();
        let hosts = network("self/ns/net");
        for process in [first, commands[0]] {
            assert_ne!(network(&format!("{process}/ns/net")), hosts);
        }
    }
    let everyone: Vec<u32> = children(kode.id()).into_iter().chain(commands).collect();
    kode.kill().unwrap();
    kode.wait().unwrap();
    until("all end with kode", || !everyone.iter().any(|process| lives(*process)));
}

#[test]
fn kode_ends_when_everything_inside_is_dead_and_its_record_stands() {
    let workspace = Workspace::new();
    let folder = workspace.beside("");
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    let marker = format!("left-behind-{}", std::process::id());
    let command = format!("(setsid bash -c \"exec -a {marker} sleep 300\" &) ; sleep 0.1; exit 3");
    let mut kode = start(&workspace, &command);
    let below = kode.id();
    assert_eq!(kode.wait().unwrap().code(), Some(3));
    let carries = |marker: &str| {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        ids.filter(|id| *id != below && read(*id, "cmdline").starts_with(marker)).count()
    };
    assert_eq!(carries(&marker), 0);
    let log = workspace.user_home().join(".kode/audit/log.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    let last = log.lines().last().unwrap();
    assert!(last.contains("\"exit_code\":3"), "{last}");
}
