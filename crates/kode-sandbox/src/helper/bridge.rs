//! The bridge of a container: this program once more, inside, carrying the
//! loopback to the unix socket of kode's proxy. It looks at nothing; the proxy
//! does.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

/// The socket's name in its folder.
pub(crate) const SOCKET_NAME: &str = "proxy.sock";

/// Connections carried at once.
const CARRIED_MAX: usize = 256;

/// Listens on the loopback and carries every connection to the socket in
/// `folder`, for as long as the process lives.
pub(super) fn run(folder: &Path, port: u16) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let active = Arc::new(());
    for client in listener.incoming() {
        let Ok(client) = client else { continue };
        if Arc::strong_count(&active) > CARRIED_MAX {
            continue;
        }
        let (place, alive) = (folder.join(SOCKET_NAME), Arc::clone(&active));
        std::thread::Builder::new().spawn(move || {
            let _alive = alive;
            // The client sees its connection close.
            let _ = carry(&client, &place);
        })?;
    }
    Ok(())
}

fn carry(client: &TcpStream, place: &Path) -> io::Result<()> {
    let server = UnixStream::connect(place)?;
    let (from_server, to_client) = (server.try_clone()?, client.try_clone()?);
    let down = std::thread::Builder::new().spawn(move || {
        let _ = io::copy(&mut &from_server, &mut &to_client);
        let _ = to_client.shutdown(Shutdown::Write);
    })?;
    let carried = io::copy(&mut &*client, &mut &server);
    let _ = server.shutdown(Shutdown::Write);
    let _ = down.join();
    carried.map(|_| ())
}

#[cfg(test)]
pub(crate) mod tests {
    /// For the proxy's tests.
    pub(crate) fn run(folder: &std::path::Path, port: u16) -> std::io::Result<()> {
        super::run(folder, port)
    }
}
