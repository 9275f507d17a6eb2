//! What the proxy saw of each connection: its witness is told at its end, and
//! whoever runs the command is told of all when that ends.

use std::fmt;
use std::net::Shutdown;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kode_base::escape::escape_line;

use super::Refusal;
use super::stream::{Counters, Socket};
use super::witness::WitnessOf;

/// Connections one command may make; the next are closed unread and counted.
pub(crate) const CONNECTIONS_MAX: usize = 4096;

/// How a connection was carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// Nothing was asked for yet.
    Unknown,
    /// A tunnel by HTTP CONNECT.
    Connect,
    /// A tunnel by SOCKS.
    Socks,
    /// Plain HTTP, request by request.
    Http,
    /// Package downloads through the registry fetcher.
    Registry,
    /// `web_fetch`, by kode itself.
    WebFetch,
}

impl fmt::Display for Via {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unknown => "unknown",
            Self::Connect => "connect",
            Self::Socks => "socks",
            Self::Http => "http",
            Self::Registry => "registry",
            Self::WebFetch => "web_fetch",
        })
    }
}

/// One connection, carried or refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// How it was carried.
    pub via: Via,
    /// The host as it was asked for, escaped; empty when none was.
    pub host: String,
    /// The port as it was asked for; 0 when none was.
    pub port: u16,
    /// Requests the fetcher made; 0 for tunnels.
    pub requests: u32,
    /// Bytes that left.
    pub bytes_sent: u64,
    /// Bytes that came.
    pub bytes_received: u64,
    /// From the first byte to the last.
    pub elapsed: Duration,
    /// Why it, or a request on it, was not carried.
    pub refusal: Option<Refusal>,
    /// The witness has kept it already.
    pub is_kept: bool,
}

/// All connections of one command.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Mutex<Vec<Arc<Entry>>>,
    overflow: AtomicU64,
}

/// A connection while it lasts.
#[derive(Debug)]
pub(crate) struct Entry {
    started: Instant,
    pub(crate) counters: Arc<Counters>,
    requests: AtomicU32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    via: Via,
    host: String,
    port: u16,
    refusal: Option<Refusal>,
    elapsed: Option<Duration>,
    /// The command has ended, and its end told of this.
    is_told: bool,
    is_kept: bool,
    /// Both sockets, to cut them.
    sockets: Vec<Socket>,
}

impl Ledger {
    /// Opens an entry; `None` past [`CONNECTIONS_MAX`].
    pub(crate) fn open(&self) -> Option<Arc<Entry>> {
        let mut entries = held(&self.entries);
        if entries.len() >= CONNECTIONS_MAX {
            self.overflow.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let entry = Arc::new(Entry {
            started: Instant::now(),
            counters: Arc::default(),
            requests: AtomicU32::new(0),
            state: Mutex::new(State {
                via: Via::Unknown,
                host: String::new(),
                port: 0,
                refusal: None,
                elapsed: None,
                is_told: false,
                is_kept: false,
                sockets: Vec::new(),
            }),
        });
        entries.push(Arc::clone(&entry));
        Some(entry)
    }

    /// Cuts what still lasts and tells of everything. Connections past the
    /// limit are one entry.
    pub(crate) fn close(&self) -> Vec<Connection> {
        let entries = std::mem::take(&mut *held(&self.entries));
        let mut connections: Vec<Connection> = entries.iter().map(|entry| entry.close()).collect();
        let overflow = self.overflow.swap(0, Ordering::Relaxed);
        if overflow > 0 {
            connections.push(Connection {
                via: Via::Unknown,
                host: String::new(),
                port: 0,
                requests: u32::try_from(overflow).unwrap_or(u32::MAX),
                bytes_sent: 0,
                bytes_received: 0,
                elapsed: Duration::ZERO,
                refusal: Some(Refusal::TooMany),
                is_kept: false,
            });
        }
        connections
    }
}

impl Entry {
    pub(crate) fn asked(&self, via: Via, host: &str, port: u16) {
        let mut state = held(&self.state);
        state.via = via;
        state.host = escape_line(&host.chars().take(256).collect::<String>());
        state.port = port;
    }

    pub(crate) fn carried(&self, via: Via) {
        held(&self.state).via = via;
    }

    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// The first refusal stands.
    pub(crate) fn refused(&self, refusal: &Refusal) {
        held(&self.state).refusal.get_or_insert_with(|| refusal.clone());
    }

    /// Lets the socket be cut when the command ends.
    pub(crate) fn owns(&self, socket: &Socket) {
        if let Ok(socket) = socket.try_clone() {
            held(&self.state).sockets.push(socket);
        }
    }

    /// Lets go of the sockets.
    pub(crate) fn end_sockets(&self) {
        held(&self.state).sockets.clear();
    }

    /// Notes the end, and has it kept at once: should kode be killed before the
    /// command ends, nobody else could tell of it.
    pub(crate) fn ended(&self, witness: Option<&WitnessOf>) {
        let mut state = held(&self.state);
        state.elapsed = Some(self.started.elapsed());
        // Whoever closes the ledger meanwhile waits for this.
        if let Some(witness) = witness.filter(|_| !state.is_told) {
            state.is_kept = witness.keeps_end(&self.connection(&state));
        }
    }

    fn close(&self) -> Connection {
        let mut state = held(&self.state);
        state.is_told = true;
        for socket in state.sockets.drain(..) {
            socket.shutdown(Shutdown::Both);
        }
        self.connection(&state)
    }

    fn connection(&self, state: &State) -> Connection {
        Connection {
            via: state.via,
            host: state.host.clone(),
            port: state.port,
            requests: self.requests.load(Ordering::Relaxed),
            bytes_sent: self.counters.sent.load(Ordering::Relaxed),
            bytes_received: self.counters.received.load(Ordering::Relaxed),
            elapsed: state.elapsed.unwrap_or_else(|| self.started.elapsed()),
            refusal: state.refusal.clone(),
            is_kept: state.is_kept,
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked left plain data.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
