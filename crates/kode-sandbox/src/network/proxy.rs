//! The proxy of one command: accepts at its door, serves each connection on a
//! thread, and is gone with everything it carried when it is closed.

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags};
use rustix::pipe::PipeFlags;

use super::connection::{Rules, serve};
use super::record::{Connection, Ledger};
use super::{Refusal, stream::Socket};

/// Connections carried at once.
const CONCURRENT_MAX: usize = 128;
/// Stack of a connection's thread.
const STACK_BYTES: usize = 1024 * 1024;

/// A running proxy. Dropping it cuts everything it carries.
#[derive(Debug)]
pub(crate) struct Proxy {
    ledger: Arc<Ledger>,
    /// Its end stops the accepting thread.
    stop: Option<OwnedFd>,
    acceptor: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Begins to accept.
    pub(crate) fn start(door: TcpListener, rules: Rules) -> io::Result<Self> {
        let ledger = Arc::new(Ledger::default());
        let (stopped, stop) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        let shared =
            Arc::new(Shared { rules, ledger: Arc::clone(&ledger), active: AtomicUsize::new(0) });
        let acceptor = std::thread::Builder::new()
            .name("kode-proxy".to_owned())
            .spawn(move || accept(&door, &stopped, &shared))?;
        Ok(Self { ledger, stop: Some(stop), acceptor: Some(acceptor) })
    }

    /// Ends it and tells what it carried and refused.
    pub(crate) fn close(mut self) -> Vec<Connection> {
        self.end();
        self.ledger.close()
    }

    fn end(&mut self) {
        self.stop = None;
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.end();
        self.ledger.close();
    }
}

#[derive(Debug)]
struct Shared {
    rules: Rules,
    ledger: Arc<Ledger>,
    active: AtomicUsize,
}

fn accept(door: &TcpListener, stopped: &OwnedFd, shared: &Arc<Shared>) {
    loop {
        let mut sources = [
            PollFd::from_borrowed_fd(door.as_fd(), PollFlags::IN),
            PollFd::new(stopped, PollFlags::IN),
        ];
        match rustix::event::poll(&mut sources, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
        if !sources[1].revents().is_empty() {
            return;
        }
        if !sources[0].revents().is_empty() {
            match door.accept() {
                Ok((socket, _)) => {
                    let _ = socket.set_nodelay(true);
                    admit(shared, Socket(socket));
                }
                // A client that is gone already, or too many descriptors.
                Err(_) => std::thread::sleep(std::time::Duration::from_millis(1)),
            }
        }
    }
}

fn admit(shared: &Arc<Shared>, socket: Socket) {
    let Some(entry) = shared.ledger.open() else { return };
    let full = shared.active.fetch_add(1, Ordering::AcqRel) >= CONCURRENT_MAX;
    if full {
        entry.refused(&Refusal::TooMany);
        entry.ended(shared.rules.outside.witness());
        shared.active.fetch_sub(1, Ordering::AcqRel);
        return;
    }
    let (one, theirs) = (Arc::clone(shared), Arc::clone(&entry));
    let started = std::thread::Builder::new()
        .name("kode-connection".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            let _active = Active(&one.active);
            serve(&one.rules, &theirs, socket);
        });
    if started.is_err() {
        entry.refused(&Refusal::TooMany);
        entry.ended(shared.rules.outside.witness());
        shared.active.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Counts a connection out, whatever way its thread ends.
struct Active<'a>(&'a AtomicUsize);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
