//! The unix socket: whose processes may come in, and what is left behind.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

use super::super::door::{Door, SocketDoor, sweep};
use crate::helper::SOCKET_NAME;

#[test]
fn the_folder_is_private_and_gone_afterwards() {
    let runtime = tempfile::tempdir().unwrap();
    let door = SocketDoor::open(&runtime.path().join("run"), &[]).unwrap();
    let folder = door.folder().to_owned();
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(folder.join(SOCKET_NAME).exists());
    drop(door);
    assert!(!folder.exists());
}

#[test]
fn folders_of_dead_sessions_are_swept_and_no_others() {
    let runtime = tempfile::tempdir().unwrap();
    // Above every process id that Linux gives out.
    let dead = runtime.path().join("proxy-4999999-00");
    let alive = runtime.path().join(format!("proxy-{}-00", std::process::id()));
    let other = runtime.path().join("sessions");
    for folder in [&dead, &alive, &other] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join(SOCKET_NAME), "").unwrap();
    }
    sweep(runtime.path());
    assert!(!dead.exists() && alive.exists() && other.exists());
}

#[test]
fn another_users_process_is_turned_away() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can be another user");
        return;
    }
    let runtime = tempfile::tempdir().unwrap();
    fs::set_permissions(runtime.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let door = SocketDoor::open(runtime.path(), &[4242]).unwrap();
    let folder = door.folder().to_owned();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(folder.join(SOCKET_NAME), fs::Permissions::from_mode(0o777)).unwrap();
    let door = Door::Socket(door);
    for (user, stranger) in [(4242, false), (4243, true)] {
        let place = folder.join(SOCKET_NAME);
        let client = std::thread::spawn(move || {
            let user = rustix::process::Uid::from_raw(user);
            rustix::thread::set_thread_res_uid(user, user, user).unwrap();
            UnixStream::connect(place).unwrap()
        });
        assert_eq!(door.accept().unwrap().1, stranger, "{user}");
        drop(client.join().unwrap());
    }
}

#[test]
fn the_bridge_carries_loopback_to_the_socket() {
    let runtime = tempfile::tempdir().unwrap();
    let door = SocketDoor::open(runtime.path(), &[]).unwrap();
    let folder = door.folder().to_owned();
    let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = probe.local_addr().unwrap().port();
    drop(probe);
    std::thread::spawn(move || crate::helper::run_bridge(&folder, port));
    let door = Door::Socket(door);
    let server = std::thread::spawn(move || {
        let (socket, stranger) = door.accept().unwrap();
        let mut stream = super::super::Stream::new(socket, std::time::Duration::from_secs(5));
        let mut bytes = [0; 4];
        stream.read_exactly(&mut bytes).unwrap();
        stream.write_all(b"pong").unwrap();
        (bytes, stranger)
    });
    let mut client = loop {
        match std::net::TcpStream::connect(("127.0.0.1", port)) {
            Ok(client) => break client,
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(10)),
        }
    };
    client.write_all(b"ping").unwrap();
    let mut bytes = [0; 4];
    client.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"pong");
    assert_eq!(server.join().unwrap(), (*b"ping", false));
}
