//! The egress sink: a loopback listener that keeps what it is sent, bounded in
//! count, size and time. Names under `.example` lead here and nowhere else.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::LabError;

/// Most bytes kept of one connection.
const BYTES_MAX: u64 = 1024 * 1024;
/// Most connections of one run.
const CONNECTIONS_MAX: usize = 64;
/// Longest wait for what still stands in line.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// A listener on 127.0.0.1 that answers `204` to whatever it is sent.
pub(crate) struct Sink {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sink {
    /// Opens it on a free port.
    pub(crate) fn open() -> Result<Self, LabError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(LabError::Sink)?;
        let address = listener.local_addr().map_err(LabError::Sink)?;
        let received = Arc::new(Mutex::new(Vec::new()));
        let ended = Arc::new(AtomicBool::new(false));
        let (kept, end) = (Arc::clone(&received), Arc::clone(&ended));
        let thread = std::thread::spawn(move || serve(&listener, &kept, &end));
        Ok(Self { address, received, ended, thread: Some(thread) })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What came in so far, a connection each; those still open are read first.
    pub(crate) fn received(&self) -> Vec<Vec<u8>> {
        self.serve_the_waiting();
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Connections are served in their order, so an answer to one that sends
    /// nothing means that all before it are kept.
    fn serve_the_waiting(&self) {
        let Ok(mut stream) = TcpStream::connect_timeout(&self.address, WAIT_MAX) else { return };
        let _ = stream.set_read_timeout(Some(WAIT_MAX));
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the accepting thread; failing means it is gone already.
        drop(TcpStream::connect_timeout(&self.address, Duration::from_secs(1)));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, kept: &Mutex<Vec<Vec<u8>>>, ended: &AtomicBool) {
    for stream in listener.incoming().take(CONNECTIONS_MAX) {
        if ended.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        receive(stream, kept);
    }
}

/// Reads until the sender pauses and keeps that before it answers, so that who
/// has the answer finds it kept.
fn receive(mut stream: TcpStream, kept: &Mutex<Vec<Vec<u8>>>) {
    let mut bytes = Vec::new();
    let _ = stream.set_read_timeout(Some(Duration::from_millis(300)));
    let _ = std::io::Read::by_ref(&mut stream).take(BYTES_MAX).read_to_end(&mut bytes);
    if !bytes.is_empty() {
        kept.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
    }
    let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_kept() {
        let sink = Sink::open().unwrap();
        let mut stream = TcpStream::connect(sink.address()).unwrap();
        stream.write_all(b"POST / HTTP/1.1\r\n\r\nhello").unwrap();
        // Without waiting for the answer, as a hasty sender.
        assert!(sink.received()[0].ends_with(b"hello"));
    }
}
