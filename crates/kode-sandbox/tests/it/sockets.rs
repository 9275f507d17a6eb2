//! Unix sockets in the project: those of programs outside can't be spoken to, those
//! of a command's own can.

use std::io::ErrorKind;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kode_sandbox::{Backend, Sandbox, SandboxSettings, Wall};

use crate::docker::{SYSTEM_IMAGE, settings, usable};
use crate::support::Place;
use crate::weaker_walls::only;

const CONNECTS: &str = "python3 -c 'import socket, sys; s = socket.socket(socket.AF_UNIX); \
                        s.connect(sys.argv[1]); print(\"connected\")'";

const OWN: &str = "python3 -c 'import os, socket
here = socket.socket(socket.AF_UNIX); here.bind(\"own.sock\"); here.listen()
there = socket.socket(socket.AF_UNIX); there.connect(\"own.sock\"); print(\"connected\")'";

/// With a program outside that listens, and everything that gets to it with `settings`.
fn is_not_reached(settings: impl Fn(&Place) -> SandboxSettings) {
    let place = Place::new();
    std::fs::create_dir_all(place.project().join("tmp")).unwrap();
    let listener = UnixListener::bind(place.project().join("tmp/database.sock")).unwrap();
    listener.set_nonblocking(true).unwrap();
    let sandbox = Sandbox::start(&place.root(), settings(&place)).unwrap();
    let text = place.run(&sandbox, &format!("{CONNECTS} tmp/database.sock 2>&1")).text;
    assert!(text.contains("Error") && !text.contains("connected"), "{text}");
    // Not even under another name.
    let moves = format!(
        "mv tmp moved; ln moved/database.sock n; {CONNECTS} moved/database.sock; {CONNECTS} n"
    );
    let text = place.run(&sandbox, &moves).text;
    assert!(!text.contains("connected"), "{text}");
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_socket_that_a_program_outside_listens_on_is_not_reached() {
    is_not_reached(|place| place.settings(Backend::Native));
}

#[test]
fn nor_behind_a_weaker_wall() {
    if !rustix::process::geteuid().is_root() {
        is_not_reached(|place| only(place, Wall::Bubblewrap));
        is_not_reached(|place| only(place, Wall::Partial));
    }
}

#[test]
fn nor_from_a_container() {
    if usable(SYSTEM_IMAGE) {
        is_not_reached(|place| settings(place, SYSTEM_IMAGE));
    }
}

#[test]
fn a_socket_bound_by_a_relative_name_is_not_reached_either() {
    let place = Place::new();
    let binds = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind('r.sock'); \
                 s.listen(); sys.stdin.read()";
    let mut outside = Command::new("python3")
        .args(["-c", binds])
        .current_dir(place.project())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !place.project().join("r.sock").exists() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    let sandbox = place.sandbox(Backend::Native);
    let text = place.run(&sandbox, &format!("{CONNECTS} r.sock 2>&1")).text;
    drop(sandbox);
    drop(outside.stdin.take());
    outside.wait().unwrap();
    assert!(text.contains("refused") || text.contains("Permission"), "{text}");
}

#[test]
fn a_commands_own_socket_works_and_one_left_behind_can_be_replaced() {
    let place = Place::new();
    let sandbox: Sandbox = place.sandbox(Backend::Native);
    assert_eq!(place.run(&sandbox, OWN).worked(), "connected\n");
    assert_eq!(place.run(&sandbox, &format!("rm own.sock; {OWN}")).worked(), "connected\n");
    drop(sandbox);
    let sandbox = place.sandbox(Backend::Native);
    assert_eq!(place.run(&sandbox, &format!("rm own.sock; {OWN}")).worked(), "connected\n");
}

#[test]
fn a_socket_stays_masked_when_a_command_renames_the_folder_it_is_in() {
    let place = Place::new();
    let folder = place.project().join("run");
    std::fs::create_dir(&folder).unwrap();
    let listener = std::os::unix::net::UnixListener::bind(folder.join("db.sock")).unwrap();
    listener.set_nonblocking(true).unwrap();
    place.run(&place.sandbox(Backend::Native), "mv run other").worked();
    let connect = "import socket, sys\ns = socket.socket(socket.AF_UNIX)\n\
                   s.connect('other/db.sock'); print('ESC' 'APED')";
    std::fs::write(place.project().join("connect.py"), connect).unwrap();
    let ended = place.run(&place.sandbox(Backend::Native), "python3 connect.py; true");
    assert!(!ended.text.contains("ESCAPED"), "{ended:?}");
    assert!(listener.accept().is_err());
}

#[test]
fn nothing_starts_where_a_socket_has_a_name_that_is_no_text() {
    let place = Place::new();
    let folder = place.project().join("run");
    std::fs::create_dir(&folder).unwrap();
    let _listener = UnixListener::bind(folder.join("db.sock")).unwrap();
    place.run(&place.sandbox(Backend::Native), r#"mv run "$(printf 'r\377n')""#).worked();
    let failed = Sandbox::start(&place.root(), place.settings(Backend::Native)).err().unwrap();
    assert!(failed.to_string().contains("not UTF-8"), "{failed}");
}
