//! The Docker backend with the real engine: what a command finds inside, what
//! it can't do, and that nothing is left. Needs the image that
//! `scripts/setup-tests.sh` imports.

use std::process::Command;

use kode_base::Interrupt;
use kode_sandbox::{Backend, CommandEnd, Incident, Sandbox, SandboxSettings};

use crate::support::Place;

/// A small one, and one with compilers and interpreters.
pub(crate) const IMAGE: &str = "kode-test-base";
pub(crate) const SYSTEM_IMAGE: &str = "kode-test-system";

/// Whether Docker answers and has the image; under `KODE_REQUIRE_ALL` it must.
/// `nobody` may not speak to Docker, and is not meant to.
pub(crate) fn usable(image: &str) -> bool {
    let asked = Command::new("docker").args(["image", "inspect", image]).output();
    let usable = asked.is_ok_and(|output| output.status.success());
    let is_nobody = rustix::process::geteuid().as_raw() == 65_534;
    let required = std::env::var_os("KODE_REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(usable || !required || is_nobody, "no Docker with the image {image}");
    if !usable {
        println!("skipped: no Docker with the image {image}");
    }
    usable
}

pub(crate) fn settings(place: &Place, image: &str) -> SandboxSettings {
    let mut settings = place.settings(Backend::Docker);
    settings.docker.image = Some(image.to_owned());
    settings
}

/// Makes a folder and everything in it somebody's; only root can.
pub(crate) fn give(folder: &std::path::Path, owner: u32) {
    if rustix::process::geteuid().is_root() {
        let owner = format!("{owner}:{owner}");
        let given = Command::new("chown").args(["-R", "-h", &owner]).arg(folder).status().unwrap();
        assert!(given.success());
    }
}

fn sandbox(place: &Place) -> Sandbox {
    Sandbox::start(&place.root(), settings(place, IMAGE)).unwrap()
}

/// Containers of this test's own place.
fn containers(place: &Place) -> Vec<String> {
    let names = std::fs::read_dir(place.home().join(".kode/run")).into_iter().flatten();
    let names = names.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let names = names.filter_map(|name| Some(format!("kode-{}", name.strip_prefix("container-")?)));
    names.collect()
}

fn exists(container: &str) -> bool {
    let asked = Command::new("docker").args(["container", "inspect", container]).output().unwrap();
    asked.status.success()
}

#[test]
fn a_command_runs_in_a_container_that_is_gone_afterwards() {
    if !usable(IMAGE) {
        return;
    }
    let place = Place::new();
    let sandbox = sandbox(&place);
    let names = containers(&place);
    assert_eq!(names.len(), 1);
    assert!(exists(&names[0]));
    let text = place.run(&sandbox, "pwd; hostname; echo made > made; echo $HOME").worked();
    assert_eq!(text, "/workspace\nkode\n/home/kode\n");
    assert_eq!(std::fs::read_to_string(place.project().join("made")).unwrap(), "made\n");
    drop(sandbox);
    assert!(!exists(&names[0]));
    assert!(containers(&place).is_empty());
}

/// Mounts of this machine with `text` in their place.
fn mounts_with(text: &str) -> Vec<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    mounts.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
}

#[test]
fn commands_on_a_project_of_root_are_nobody_in_particular_and_what_they_make_is_roots() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    if !usable(IMAGE) || !rustix::process::geteuid().is_root() {
        return;
    }
    let place = Place::new();
    let private = place.project().join("private");
    std::fs::write(&private, "roots alone\n").unwrap();
    std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::create_dir(place.project().join(".git")).unwrap();
    std::fs::write(place.project().join(".git/config"), "[core]\n").unwrap();
    let sandbox = sandbox(&place);
    // They go once Docker's command has returned.
    let own = format!("/run/kode-mounts-{}-", std::process::id());
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !mounts_with(&own).is_empty() && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(mounts_with(&own), Vec::<String>::new());
    let text =
        place.run(&sandbox, "whoami; id -u; cat private .git/config; echo x > made").worked();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], &lines[2..]), ("kode", &["roots alone", "[core]"][..]), "{text}");
    assert!(lines[1].parse::<u32>().unwrap() >= 0x7000_0000, "{text}");
    assert_eq!(std::fs::metadata(place.project().join("made")).unwrap().uid(), 0);
    let written = place.run(&sandbox, "echo x >> .git/config; chown 0:0 made; su -c true root");
    assert_ne!(written.end, CommandEnd::Exited(0), "{}", written.text);
    assert_eq!(std::fs::read_to_string(place.project().join(".git/config")).unwrap(), "[core]\n");
    drop(sandbox);
    let run = place.home().join(".kode/run");
    assert_eq!(std::fs::read_dir(run).unwrap().count(), 0);
}

#[test]
fn mounts_that_a_killed_session_left_are_taken_away_and_their_files_stay() {
    if !usable(IMAGE) || !rustix::process::geteuid().is_root() {
        return;
    }
    let place = Place::new();
    std::fs::write(place.project().join("kept"), "kept\n").unwrap();
    // Above every process id that the kernel gives.
    let random = getrandom::u64().unwrap();
    let left = std::path::PathBuf::from(format!("/run/kode-mounts-4194305-{random:016x}"));
    // Any session takes it away at once: it is there when it is complete.
    let made = std::path::PathBuf::from(format!("/run/kode-test-{random:016x}"));
    let mount = |on: &str, from: std::path::PathBuf| {
        let mounted = Command::new("mount").arg("--bind").arg(from).arg(made.join(on)).status();
        assert!(mounted.unwrap().success());
    };
    std::fs::create_dir_all(made.join("0")).unwrap();
    mount("0", place.project());
    std::fs::write(made.join("1"), "").unwrap();
    mount("1", place.project().join("kept"));
    // What nobody expects there is not removed either.
    std::fs::create_dir(made.join("folder")).unwrap();
    std::fs::write(made.join("folder/file"), "x").unwrap();
    std::fs::rename(&made, &left).unwrap();
    let strange = left.join("folder");
    drop(place.sandbox(Backend::Native));
    let mounts = mounts_with(left.to_str().unwrap());
    let names = std::fs::read_dir(&left).unwrap().flatten().map(|entry| entry.file_name());
    let names: Vec<std::ffi::OsString> = names.collect();
    std::fs::remove_file(strange.join("file")).unwrap();
    std::fs::remove_dir(&strange).unwrap();
    std::fs::remove_dir(&left).unwrap();
    assert_eq!((mounts, names), (Vec::new(), vec!["folder".into()]));
    assert_eq!(std::fs::read_to_string(place.project().join("kept")).unwrap(), "kept\n");
}

#[test]
fn docker_was_told_every_wall() {
    if !usable(IMAGE) {
        return;
    }
    let place = Place::new();
    let mut settings = settings(&place, IMAGE);
    settings.processes_max = Some(100);
    settings.memory_bytes_max = Some(256 * 1024 * 1024);
    settings.docker.cpu_thousandths = Some(1500);
    let context = place.path().join("handed, over");
    std::fs::write(&context, "data\n").unwrap();
    settings.docker.context_files = vec![context];
    let sandbox = Sandbox::start(&place.root(), settings).unwrap();
    let asked = Command::new("docker")
        .args(["container", "inspect", &containers(&place)[0], "--format", "{{json .HostConfig}}"])
        .output()
        .unwrap();
    let host: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap();
    let expected = [
        ("Init", "true"),
        ("ReadonlyRootfs", "true"),
        ("AutoRemove", "true"),
        ("Privileged", "false"),
        ("NetworkMode", "\"none\""),
        ("IpcMode", "\"private\""),
        ("CgroupnsMode", "\"private\""),
        ("CapDrop", "[\"ALL\"]"),
        ("CapAdd", "null"),
        ("Devices", "[]"),
        ("Binds", "null"),
        ("PidsLimit", "102"),
        ("Memory", "268435456"),
        ("MemorySwap", "268435456"),
        ("NanoCpus", "1500000000"),
    ];
    for (key, value) in expected {
        assert_eq!(host[key].to_string(), value, "{key}");
    }
    let security = host["SecurityOpt"].to_string();
    assert!(security.contains("no-new-privileges") && security.contains("seccomp="), "{security}");
    assert!(security.contains("SCMP_ACT_ERRNO") && security.contains("io_uring_setup"));
    let tmp = host["Tmpfs"]["/tmp"].to_string();
    assert!(["noexec", "nosuid", "nodev"].iter().all(|flag| tmp.contains(flag)), "{tmp}");
    let with_programs = host["Tmpfs"]["/var/tmp"].to_string();
    assert!(["nosuid", "nodev"].iter().all(|flag| with_programs.contains(flag)));
    let found = place.run(&sandbox, "echo $TMPDIR; ls /proc/1/fd 2>&1; cat /proc/1/comm").text;
    assert!(found.starts_with("/var/tmp\n") && found.ends_with("docker-init\n"), "{found}");
    assert!(found.contains("ermission denied"), "{found}");
    let text = place.run(&sandbox, "cat '/kode/context/handed, over'; ls -A /kode").worked();
    assert!(text.starts_with("data\n") && !text.contains(".sock"), "{text}");
}

#[test]
fn nothing_of_a_command_outlives_it() {
    if !usable(IMAGE) {
        return;
    }
    let place = Place::new();
    let sandbox = sandbox(&place);
    place.run(&sandbox, "(setsid sleep 300 &) ; (sleep 301 &); echo x > /tmp/kept").worked();
    let text = place.run(&sandbox, "ps -o args; cat /tmp/kept").worked();
    assert!(!text.contains("sleep 30"), "{text}");
    assert!(text.ends_with("x\n"), "{text}");
}

#[test]
fn a_command_that_ends_its_container_gets_no_further_and_the_next_one_works() {
    if !usable(IMAGE) {
        return;
    }
    let place = Place::new();
    let sandbox = sandbox(&place);
    let names = containers(&place);
    assert!(Command::new("docker").args(["kill", &names[0]]).status().unwrap().success());
    let ended =
        place.run_with(&sandbox, "echo on", std::time::Duration::from_secs(30), &Interrupt::new());
    assert_eq!(ended.end, CommandEnd::Signalled(9), "{ended:?}");
    assert!(ended.incidents.contains(&Incident::ContainerEnded), "{ended:?}");
    assert_eq!(place.run(&sandbox, "echo again").worked(), "again\n");
}

#[test]
fn a_container_serves_on_only_while_it_is_what_a_new_one_would_be() {
    if !usable(IMAGE) {
        return;
    }
    let place = Place::new();
    let chosen = settings(&place, IMAGE);
    let sandbox = sandbox(&place);
    let names = containers(&place);
    place.run(&sandbox, "echo made > made; (setsid sleep 318 &)").worked();
    assert!(sandbox.serves_on(&place.root(), &chosen));
    let others =
        [SandboxSettings { read_only: true, ..chosen.clone() }, place.settings(Backend::Native)];
    for other in others {
        assert!(!sandbox.serves_on(&place.root(), &other));
    }
    std::fs::write(place.project().join("kode.json"), "{}").unwrap();
    assert!(!sandbox.serves_on(&place.root(), &chosen), "it would be read-only in a new one");
    std::fs::remove_file(place.project().join("kode.json")).unwrap();
    assert!(sandbox.serves_on(&place.root(), &chosen));
    assert!(Command::new("docker").args(["kill", &names[0]]).status().unwrap().success());
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while sandbox.serves_on(&place.root(), &chosen) {
        assert!(std::time::Instant::now() < until, "it is killed");
    }
    assert!(!place.sandbox(Backend::Native).serves_on(&place.root(), &chosen));
}

#[test]
#[ignore = "a measurement"]
fn what_a_container_and_its_commands_cost() {
    let place = Place::new();
    let started = std::time::Instant::now();
    let sandbox = sandbox(&place);
    println!("start: {:?}", started.elapsed());
    let mut times: Vec<std::time::Duration> = (0..100)
        .map(|_| {
            let started = std::time::Instant::now();
            place.run(&sandbox, "true").worked();
            started.elapsed()
        })
        .collect();
    times.sort();
    println!(
        "a command: median {:?}, 95th of 100 {:?}, most {:?}",
        times[50], times[94], times[99]
    );
    let started = std::time::Instant::now();
    drop(sandbox);
    println!("end: {:?}", started.elapsed());
}
