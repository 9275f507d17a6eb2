//! A byte-level HTTP server: it answers each request with exactly the bytes,
//! pauses and hang-ups a test writes down, over real sockets, and records what
//! it was sent.
//!
//! Loopback only. Every wait is bounded, and the server ends with its value.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longest wait for a client to send its request.
const REQUEST_WAIT: Duration = Duration::from_secs(10);

/// Most bytes of one request.
const REQUEST_BYTES_MAX: usize = 64 * 1024 * 1024;

/// One thing the server does in its answer to one request.
#[derive(Debug, Clone)]
pub enum Step {
    /// Sends these bytes as they are and flushes them.
    Send(Vec<u8>),
    /// Waits, or until the server is dropped.
    Pause(Duration),
    /// Resets the connection instead of closing it.
    Reset,
}

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Such as `POST`.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Header lines in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Recorded {
    /// The first header called `name` (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Default)]
struct Shared {
    answers: Mutex<VecDeque<Vec<Step>>>,
    routes: Vec<(String, Vec<Step>)>,
    requests: Mutex<Vec<Recorded>>,
    probes: Mutex<Vec<Recorded>>,
    stop: AtomicBool,
}

/// The server. The n-th request gets the n-th answer; one more gets a closed
/// connection. Paths with a fixed route, and GET requests, which are answered
/// 404 without one, don't count: they are how clients probe a server.
#[derive(Debug)]
pub struct WireServer {
    port: u16,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl WireServer {
    /// Starts on a free loopback port.
    ///
    /// # Errors
    /// When no port can be bound.
    pub fn start(answers: Vec<Vec<Step>>) -> std::io::Result<Self> {
        Self::start_with_routes(answers, Vec::new())
    }

    /// As [`Self::start`], with fixed answers for some paths.
    ///
    /// # Errors
    /// When no port can be bound.
    pub fn start_with_routes(
        answers: Vec<Vec<Step>>,
        routes: Vec<(String, Vec<Step>)>,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared =
            Arc::new(Shared { answers: Mutex::new(answers.into()), routes, ..Shared::default() });
        let own = Arc::clone(&shared);
        let acceptor = std::thread::spawn(move || accept(&listener, &own));
        Ok(Self { port, shared, acceptor: Some(acceptor) })
    }

    /// Such as `http://127.0.0.1:40001`.
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What was received so far, probes apart.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Requests to fixed routes, and GET requests.
    pub fn probes(&self) -> Vec<Recorded> {
        self.shared.probes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for WireServer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the acceptor from `accept`.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let own = Arc::clone(shared);
        std::thread::spawn(move || serve(stream, &own));
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) {
    let _ = stream.set_read_timeout(Some(REQUEST_WAIT));
    let _ = stream.set_nodelay(true);
    let Some(request) = read_request(&mut stream) else { return };
    for step in choose(request, shared) {
        match step {
            Step::Send(bytes) => {
                if stream.write_all(&bytes).and_then(|()| stream.flush()).is_err() {
                    return;
                }
            }
            Step::Pause(wait) => pause(wait, shared),
            Step::Reset => {
                reset(&stream);
                return;
            }
        }
    }
    let _ = stream.shutdown(Shutdown::Write);
    drain(&mut stream);
}

fn choose(request: Recorded, shared: &Shared) -> Vec<Step> {
    let record = |list: &Mutex<Vec<Recorded>>, request| {
        list.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    };
    let route = shared.routes.iter().find(|(path, _)| *path == request.path);
    if route.is_some() || request.method == "GET" {
        record(&shared.probes, request);
        return route.map_or_else(|| answer::status(404, &[], ""), |(_, steps)| steps.clone());
    }
    record(&shared.requests, request);
    let next = shared.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    next.unwrap_or_default()
}

fn pause(wait: Duration, shared: &Shared) {
    let mut left = wait;
    while !left.is_zero() && !shared.stop.load(Ordering::SeqCst) {
        let nap = left.min(Duration::from_millis(10));
        std::thread::sleep(nap);
        left -= nap;
    }
}

/// Closing with unread input or zero linger sends a reset.
fn reset(stream: &TcpStream) {
    let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
}

/// Reads what the client still sends, so that closing is no reset.
fn drain(stream: &mut TcpStream) {
    let mut scratch = [0; 4096];
    let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
    for _ in 0..1024 {
        match stream.read(&mut scratch) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

fn read_request(stream: &mut TcpStream) -> Option<Recorded> {
    let mut bytes = Vec::new();
    let mut scratch = [0; 16 * 1024];
    loop {
        if let Some(request) = parse(&bytes) {
            return Some(request);
        }
        let read = stream.read(&mut scratch).ok()?;
        if read == 0 || bytes.len() > REQUEST_BYTES_MAX {
            return None;
        }
        bytes.extend_from_slice(&scratch[..read]);
        if !bytes[0].is_ascii_uppercase() {
            // A TLS greeting, say: answered as HTTP servers do.
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
            return None;
        }
    }
}

/// A whole request, or `None` while there is none yet.
fn parse(bytes: &[u8]) -> Option<Recorded> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    let headers: Vec<_> = lines.filter_map(header).collect();
    let recorded = Recorded { method, path, headers, body: Vec::new() };
    let length = recorded.header("content-length").and_then(|value| value.parse().ok());
    let body = bytes[end + 4..].get(..length.unwrap_or(0))?.to_vec();
    Some(Recorded { body, ..recorded })
}

/// Answers for tests: HTTP heads and event streams.
pub mod answer {
    use super::Step;

    /// Bytes to send.
    pub fn send(bytes: impl AsRef<[u8]>) -> Step {
        Step::Send(bytes.as_ref().to_vec())
    }

    /// The head of an event stream that ends with the connection.
    pub fn stream_head() -> Step {
        send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
    }

    /// A whole event stream: each entry one `data:` event.
    pub fn events<T: AsRef<str>>(data: &[T]) -> Vec<Step> {
        let events = data.iter().map(|data| send(format!("data: {}\n\n", data.as_ref())));
        std::iter::once(stream_head()).chain(events).collect()
    }

    /// A whole answer with a status, further header lines and a body.
    pub fn status(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<Step> {
        let mut head = format!("HTTP/1.1 {status} Status\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        vec![send(format!("{head}connection: close\r\n\r\n{body}"))]
    }
}
