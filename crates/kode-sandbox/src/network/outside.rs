//! How the proxy reaches the world: names are resolved once, every address is
//! checked, and the connection goes to a checked address and no other.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;

use super::address::is_public;
use super::stream::{Counters, Socket, Stream};
use super::tripwire::Tripwire;
use super::witness::WitnessOf;
use super::{HostName, Refusal};
use crate::settings::LabSink;

/// For one address to answer.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Addresses of one name that are tried.
const ADDRESSES_TRIED_MAX: usize = 4;

type Resolve = dyn Fn(&HostName) -> io::Result<Vec<IpAddr>> + Send + Sync;
type Permits = dyn Fn(IpAddr) -> bool + Send + Sync;
type Dial = dyn Fn(SocketAddr) -> io::Result<TcpStream> + Send + Sync;

/// The world, or (in this crate's tests only) a small one on loopback.
#[derive(Clone)]
pub(crate) struct Outside {
    resolve: Arc<Resolve>,
    permits: Arc<Permits>,
    dial: Arc<Dial>,
    tls: Arc<OnceLock<Result<Arc<ClientConfig>, String>>>,
    witness: Option<WitnessOf>,
    tripwire: Option<Arc<Tripwire>>,
}

impl fmt::Debug for Outside {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Outside")
    }
}

impl Outside {
    /// The real one: the system's resolver, public addresses alone.
    pub(crate) fn real() -> Self {
        Self {
            resolve: Arc::new(resolve),
            permits: Arc::new(is_public),
            dial: Arc::new(|address| TcpStream::connect_timeout(&address, CONNECT_MAX)),
            tls: Arc::default(),
            witness: None,
            tripwire: None,
        }
    }

    /// The lab's: names below `.example` are its sink, nothing else is there.
    pub(crate) fn lab(sink: LabSink) -> Self {
        let sink = sink.address();
        Self {
            resolve: Arc::new(move |host| {
                let known = host.as_str().ends_with(".example");
                Ok(known.then(|| sink.ip()).into_iter().collect())
            }),
            permits: Arc::new(move |address| address == sink.ip()),
            dial: Arc::new(move |_| TcpStream::connect_timeout(&sink, CONNECT_MAX)),
            tls: Arc::default(),
            witness: None,
            tripwire: None,
        }
    }

    /// The same for connections that `witness` sees first.
    #[must_use]
    pub(super) fn seen_by(self, witness: Option<WitnessOf>) -> Self {
        Self { witness, ..self }
    }

    /// The same for a command that `tripwire` watches over.
    #[must_use]
    pub(super) fn watched_by(self, tripwire: &Arc<Tripwire>) -> Self {
        Self { tripwire: Some(Arc::clone(tripwire)), ..self }
    }

    /// Why nothing more may leave.
    pub(super) fn closed(&self) -> Option<Refusal> {
        self.tripwire.as_ref().and_then(|tripwire| tripwire.check().err())
    }

    /// One whose names, addresses, ports and certificates a test chooses.
    #[cfg(test)]
    pub(crate) fn of_test(
        resolve: impl Fn(&HostName) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static,
        permits: impl Fn(IpAddr) -> bool + Send + Sync + 'static,
        dial: impl Fn(SocketAddr) -> io::Result<TcpStream> + Send + Sync + 'static,
        tls: ClientConfig,
    ) -> Self {
        Self {
            resolve: Arc::new(resolve),
            permits: Arc::new(permits),
            dial: Arc::new(dial),
            tls: Arc::new(OnceLock::from(Ok(Arc::new(tls)))),
            witness: None,
            tripwire: None,
        }
    }

    /// Connects to `host`. All its addresses must be public, so that one
    /// private among them can't be reached by asking often enough.
    pub(crate) fn connect(
        &self,
        host: &HostName,
        port: u16,
        counters: &Arc<Counters>,
        limit: Duration,
    ) -> Result<Stream, Refusal> {
        if let Some(refusal) = self.closed() {
            return Err(refusal);
        }
        let addresses = (self.resolve)(host).unwrap_or_default();
        if addresses.is_empty() {
            return Err(Refusal::NoAddress(host.to_string()));
        }
        if let Some(address) = addresses.iter().find(|address| !(self.permits)(**address)) {
            return Err(Refusal::NotPublic { host: host.to_string(), address: *address });
        }
        if let Some(witness) = &self.witness {
            witness.sees(host, port)?;
        }
        let mut cause = String::new();
        for address in addresses.into_iter().take(ADDRESSES_TRIED_MAX) {
            match (self.dial)(SocketAddr::new(address, port)) {
                Ok(socket) => {
                    let _ = socket.set_nodelay(true);
                    let stream = Stream::new(Socket(socket), limit).counted(Arc::clone(counters));
                    return Ok(stream.watched_by(self.tripwire.clone()));
                }
                Err(error) => cause = error.to_string(),
            }
        }
        Err(Refusal::Unreachable { host: host.to_string(), cause })
    }

    /// Who keeps the ends of connections, if anybody does.
    pub(super) fn witness(&self) -> Option<&WitnessOf> {
        self.witness.as_ref()
    }

    /// TLS as kode's own client speaks it, trusting the system's certificates.
    pub(crate) fn tls(&self) -> Result<Arc<ClientConfig>, String> {
        self.tls.get_or_init(system_tls).clone()
    }
}

fn system_tls() -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_platform_verifier())
        .map_err(|error| error.to_string())?
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn resolve(host: &HostName) -> io::Result<Vec<IpAddr>> {
    let found = (host.as_str(), 0).to_socket_addrs()?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found.map(|found| found.ip()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}
