//! When kode itself is killed, whatever way, nothing it started lives on.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kode_base::Interrupt;
use kode_sandbox::Backend;
use rustix::process::{Pid, Signal};

use crate::support::Place;

const DRIVER: &str = "survivors::the_driver_that_gets_killed";

/// Stands for kode: runs a command that has daemons. Started by the test below.
#[test]
#[ignore = "started by the other tests of this file"]
fn the_driver_that_gets_killed() {
    let Ok(marker) = std::env::var("KODE_TEST_MARKER") else { return };
    let place = Place::new();
    let sandbox = place.sandbox(Backend::Native);
    let daemons = format!(
        "(setsid nohup bash -c 'trap : TERM HUP INT; exec -a {marker} sleep 300' &) 2>/dev/null >&2
         (setsid bash -c 'exec -a {marker} sleep 300' & sleep 0.2; kill -STOP $!) 2>/dev/null >&2
         echo up > up; exec -a {marker} sleep 300"
    );
    let up = place.project().join("up");
    let watcher = std::thread::spawn(move || {
        while !up.exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
        println!("DRIVER UP");
    });
    let limit = Duration::from_secs(300);
    place.run_with(&sandbox, &daemons, limit, &Interrupt::new());
    watcher.join().unwrap();
}

#[test]
fn nothing_survives_the_death_of_kode() {
    for signal in [Signal::TERM, Signal::KILL, Signal::HUP, Signal::INT] {
        let marker = format!("kode-driven-{:08x}", getrandom::u32().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let mut driver = start_driver(&marker, folder.path());
        let inside = all_three(&marker);
        let pid = Pid::from_raw(driver.id().cast_signed()).unwrap();
        let helpers = children(driver.id());
        assert_eq!(helpers.len(), 1);
        rustix::process::kill_process(pid, signal).unwrap();
        let status = driver.wait().unwrap();
        assert_eq!(status.signal(), Some(signal.as_raw()));
        let everyone: Vec<u32> = inside.into_iter().chain(helpers).collect();
        let alive = || everyone.iter().filter(|id| is_alive(**id)).count();
        let started = Instant::now();
        while alive() > 0 && started.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(alive(), 0, "after {signal:?}");
        assert_eq!(carrying(&marker), Vec::<u32>::new());
    }
}

/// The command and its two daemons, once all carry their name.
fn all_three(marker: &str) -> Vec<u32> {
    let started = Instant::now();
    loop {
        let inside = carrying(marker);
        if inside.len() >= 3 {
            return inside;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{inside:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn start_driver(marker: &str, folder: &std::path::Path) -> Child {
    let mut driver = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", DRIVER, "--nocapture"])
        .env("KODE_TEST_MARKER", marker)
        .env("TMPDIR", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let up = lines.map_while(Result::ok).any(|line| line.contains("DRIVER UP"));
    assert!(up);
    driver
}

/// Processes with the marker as their own name.
fn carrying(marker: &str) -> Vec<u32> {
    processes(|id| {
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).next() == Some(marker.as_bytes())
    })
}

fn children(parent: u32) -> Vec<u32> {
    processes(|id| {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        status.lines().any(|line| line == format!("PPid:\t{parent}"))
    })
}

fn processes(keep: impl Fn(u32) -> bool) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id| keep(*id)).collect()
}

/// Dead processes that nobody has waited for yet don't count.
fn is_alive(id: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}
