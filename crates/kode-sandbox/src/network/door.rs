//! Where clients come in: the sandbox's own loopback, whose listening socket
//! its first process hands out, or a unix socket in a private folder, for a
//! container that has the folder mounted.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::stream::Socket;
use crate::helper::SOCKET_NAME;

/// Begins the name of every session's folder; the process id follows.
const FOLDER_PREFIX: &str = "proxy-";

/// A listening socket.
#[derive(Debug)]
pub(crate) enum Door {
    /// On the sandbox's loopback: whoever can connect is inside.
    Inside(TcpListener),
    /// On a unix socket: the peer's user is looked at.
    Socket(SocketDoor),
}

impl Door {
    /// The next client, and whether it is someone else's process.
    pub(crate) fn accept(&self) -> io::Result<(Socket, bool)> {
        match self {
            Self::Inside(listener) => {
                let (socket, _) = listener.accept()?;
                let _ = socket.set_nodelay(true);
                Ok((Socket::Tcp(socket), false))
            }
            Self::Socket(door) => {
                let (socket, _) = door.listener.accept()?;
                let peer = rustix::net::sockopt::socket_peercred(&socket)?;
                let stranger = !door.users.contains(&peer.uid.as_raw());
                Ok((Socket::Unix(socket), stranger))
            }
        }
    }
}

impl AsFd for Door {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Inside(listener) => listener.as_fd(),
            Self::Socket(door) => door.listener.as_fd(),
        }
    }
}

/// A unix socket in a folder of its own, gone when this is dropped.
#[derive(Debug)]
pub(crate) struct SocketDoor {
    listener: UnixListener,
    folder: PathBuf,
    /// Whose processes may connect.
    users: Vec<u32>,
}

impl SocketDoor {
    /// Makes a private folder below `runtime` (which is the user's own) and
    /// listens in it. `users` may connect, besides this process's own user.
    pub(crate) fn open(runtime: &Path, users: &[u32]) -> io::Result<Self> {
        sweep(runtime);
        let random = getrandom::u64().map_err(io::Error::other)?;
        let folder = runtime.join(format!("{FOLDER_PREFIX}{}-{random:016x}", std::process::id()));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(runtime)?;
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let listener = UnixListener::bind(folder.join(SOCKET_NAME))?;
        let mut users = users.to_vec();
        users.push(rustix::process::geteuid().as_raw());
        Ok(Self { listener, folder, users })
    }

    /// The folder to mount where the clients are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for SocketDoor {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}

/// Removes what sessions left whose process was killed.
pub(crate) fn sweep(runtime: &Path) {
    let Ok(entries) = fs::read_dir(runtime) else { return };
    let own = rustix::process::geteuid().as_raw();
    for entry in entries.flatten().take(4096) {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| {
            name.strip_prefix(FOLDER_PREFIX)?.split('-').next()?.parse::<u32>().ok()
        });
        let Some(process) = process else { continue };
        let is_own =
            entry.metadata().is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == own);
        let alive = Path::new(&format!("/proc/{process}")).exists();
        if is_own && !alive {
            remove(&entry.path());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "kode's own socket folder, outside every project")]
fn remove(folder: &Path) {
    let _ = fs::remove_file(folder.join(SOCKET_NAME));
    let _ = fs::remove_dir(folder);
}
