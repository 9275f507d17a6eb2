//! A small world on loopback: names with made-up public addresses, TLS and
//! plain servers behind them, and a proxy under test. The address policy is the
//! real one; only where a checked address leads is the test's.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned};

use super::super::address::is_public;
use super::super::authority::Authority;
use super::super::connection::Rules;
use super::super::outside::Outside;
use super::super::proxy::Proxy;
use super::super::record::Connection;
use super::super::{HostName, OpenHosts};

/// The made-up public address of every server.
pub(super) const PUBLIC: &str = "93.184.216.34";

pub(super) fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// What a test server says to a request's head.
type Answer = Arc<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

/// The servers, and what they were asked.
pub(super) struct World {
    issuer: CertifiedIssuer<'static, KeyPair>,
    addresses: Arc<Mutex<HashMap<String, Vec<Vec<IpAddr>>>>>,
    ports: Arc<Mutex<HashMap<SocketAddr, u16>>>,
    pub(super) resolved: Arc<AtomicUsize>,
    pub(super) dialled: Arc<Mutex<Vec<SocketAddr>>>,
    pub(super) requests: Arc<Mutex<Vec<String>>>,
}

impl World {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self {
            issuer,
            addresses: Arc::default(),
            ports: Arc::default(),
            resolved: Arc::default(),
            dialled: Arc::default(),
            requests: Arc::default(),
        }
    }

    /// Each lookup of `name` takes the next list; the last one stays.
    pub(super) fn name(&self, name: &str, lookups: &[&[&str]]) {
        let lookups =
            lookups.iter().map(|list| list.iter().map(|text| text.parse().unwrap()).collect());
        self.addresses.lock().unwrap().insert(name.to_owned(), lookups.collect());
    }

    fn listen(&self, address: &str, port: u16) -> TcpListener {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = SocketAddr::new(address.parse().unwrap(), port);
        self.ports.lock().unwrap().insert(at, listener.local_addr().unwrap().port());
        listener
    }

    /// A TLS server for `names`, at `address` port 443.
    pub(super) fn serve_tls(
        &self,
        address: &str,
        names: &[&str],
        answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        for name in &names {
            self.name(name, &[&[address]]);
        }
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        let (config, answer): (_, Answer) = (Arc::new(config), Arc::new(answer));
        let (listener, requests) = (self.listen(address, 443), Arc::clone(&self.requests));
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                socket.set_nodelay(true).unwrap();
                let (config, answer, requests) =
                    (Arc::clone(&config), Arc::clone(&answer), Arc::clone(&requests));
                std::thread::spawn(move || {
                    let connection = rustls::ServerConnection::new(config).unwrap();
                    talk(StreamOwned::new(connection, socket), &answer, &requests);
                });
            }
        });
    }

    /// A plain server at `address` port 80.
    pub(super) fn serve_plain(
        &self,
        address: &str,
        name: &str,
        answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) {
        self.name(name, &[&[address]]);
        let answer: Answer = Arc::new(answer);
        let (listener, requests) = (self.listen(address, 80), Arc::clone(&self.requests));
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                socket.set_nodelay(true).unwrap();
                let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
                std::thread::spawn(move || talk(socket, &answer, &requests));
            }
        });
    }

    pub(super) fn outside(&self) -> Outside {
        let (addresses, resolved) = (Arc::clone(&self.addresses), Arc::clone(&self.resolved));
        let resolve = move |host: &HostName| {
            resolved.fetch_add(1, Ordering::Relaxed);
            let mut known = addresses.lock().unwrap();
            let lookups = known.get_mut(host.as_str()).ok_or(std::io::ErrorKind::NotFound)?;
            Ok(if lookups.len() > 1 { lookups.remove(0) } else { lookups[0].clone() })
        };
        let (ports, dialled) = (Arc::clone(&self.ports), Arc::clone(&self.dialled));
        let dial = move |address: SocketAddr| {
            dialled.lock().unwrap().push(address);
            let port = *ports
                .lock()
                .unwrap()
                .get(&address)
                .ok_or(std::io::ErrorKind::ConnectionRefused)?;
            TcpStream::connect(("127.0.0.1", port))
        };
        Outside::of_test(resolve, is_public, dial, trusting(&[self.issuer.der().clone()]))
    }

    /// A proxy with `open` reachable.
    pub(super) fn proxy(&self, open: &[&str]) -> Tested {
        self.proxy_over(open, self.outside())
    }

    /// The same, over an outside that somebody watches.
    pub(super) fn proxy_over(&self, open: &[&str], outside: Outside) -> Tested {
        let authority = Arc::new(Authority::new().unwrap());
        let text = authority.certificate();
        let fetcher = CertificateDer::from_pem_slice(text.as_bytes()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let rules = Rules { open: OpenHosts::parse(open).unwrap(), outside, authority };
        let proxy = Proxy::start(listener, rules).unwrap();
        let client = Arc::new(trusting(&[fetcher, self.issuer.der().clone()]));
        Tested { proxy, port, fetcher: text, client }
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn trusting(certificates: &[CertificateDer<'static>]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone()).unwrap();
    }
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Answers head after head; the body of a request is the next head's beginning
/// to it, so that smuggled requests show.
fn talk(mut stream: impl Read + Write, answer: &Answer, requests: &Mutex<Vec<String>>) {
    let mut bytes = Vec::new();
    loop {
        let mut block = [0; 16 * 1024];
        match stream.read(&mut block) {
            Ok(0) | Err(_) => return,
            Ok(count) => bytes.extend_from_slice(&block[..count]),
        }
        while let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head =
                String::from_utf8_lossy(&bytes.drain(..at + 4).collect::<Vec<u8>>()).into_owned();
            requests.lock().unwrap().push(head.clone());
            if stream.write_all(&answer(&head)).and_then(|()| stream.flush()).is_err() {
                return;
            }
        }
    }
}

/// An answer with a length.
pub(super) fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nSet-Cookie: a=b\r\n\r\n{body}", body.len())
        .into_bytes()
}

/// A running proxy and a client's means.
pub(super) struct Tested {
    proxy: Proxy,
    pub(super) port: u16,
    /// The fetcher's certificate.
    pub(super) fetcher: String,
    client: Arc<ClientConfig>,
}

impl Tested {
    pub(super) fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        socket.set_nodelay(true).unwrap();
        socket
    }

    /// Sends bytes and reads to the end.
    pub(super) fn say(&self, bytes: &[u8]) -> String {
        let mut socket = self.connect();
        socket.write_all(bytes).unwrap();
        read_all(&mut socket)
    }

    /// A tunnel by CONNECT; the refusal's first line when there is none.
    pub(super) fn tunnel(&self, authority: &str) -> Result<TcpStream, String> {
        let mut socket = self.connect();
        socket
            .write_all(
                format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n").as_bytes(),
            )
            .unwrap();
        let head = read_head(&mut socket);
        if head.starts_with("HTTP/1.1 200 ") { Ok(socket) } else { Err(head) }
    }

    /// TLS for `name` over `socket`.
    pub(super) fn tls(
        &self,
        socket: TcpStream,
        name: &str,
    ) -> StreamOwned<ClientConnection, TcpStream> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        StreamOwned::new(ClientConnection::new(Arc::clone(&self.client), name).unwrap(), socket)
    }

    /// One request over TLS to `host` in a tunnel.
    pub(super) fn request(&self, host: &str, request: &str) -> String {
        let socket = self.tunnel(&format!("{host}:443")).unwrap();
        let mut stream = self.tls(socket, host);
        stream.write_all(request.as_bytes()).unwrap();
        read_all(&mut stream)
    }

    pub(super) fn close(self) -> Vec<Connection> {
        // The last connection's thread may still be on its way.
        std::thread::sleep(Duration::from_millis(50));
        self.proxy.close()
    }
}

pub(super) fn read_all(from: &mut dyn Read) -> String {
    let mut bytes = Vec::new();
    let mut block = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut block) {
        bytes.extend_from_slice(&block[..count]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(super) fn read_head(from: &mut dyn Read) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") && matches!(from.read(&mut byte), Ok(1)) {
        bytes.push(byte[0]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
