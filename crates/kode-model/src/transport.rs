//! One HTTP request at a time over a runtime of its own, watched for silence,
//! size and interrupts.
//!
//! It follows no redirect (a key would follow), uses no proxy from the
//! environment, and builds nothing before the first request. TLS trusts the
//! system's certificate store.

mod explain;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kode_base::Interrupt;
use reqwest::header::HeaderMap;
use reqwest::{Client, Response, Url};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::runtime::{Builder, Runtime};

use crate::ProviderError;
use crate::ProviderErrorKind::{Configuration, Connection};
use crate::endpoint::BaseUrl;
use crate::fault::{Failure, Fault};
use crate::retry;
use explain::{broke_off, redirected, unreachable_server};

/// How often a wait looks at the interrupt flag.
const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// How long kode waits for the end of a body whose last event it has.
const REST_WAIT: Duration = Duration::from_millis(100);

/// How long an unused encrypted connection is kept; servers keep them longer.
const IDLE_CONNECTION: Duration = Duration::from_secs(30);

/// How long the other side's TCP may leave something unacknowledged.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// Most bytes of an error body that are read.
const ERROR_BODY_BYTES_MAX: usize = 256 * 1024;

/// Most bytes of a whole answer on the wire.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How long kode waits for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For a connection, name lookup and TLS included.
    pub connect: Duration,
    /// For the first byte of an answer: local servers load the model and read
    /// the whole prompt before they say anything.
    pub first_byte: Duration,
    /// For the next byte of an answer.
    pub silence: Duration,
    /// For one whole answer.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            first_byte: Duration::from_secs(600),
            silence: Duration::from_secs(180),
            answer: Duration::from_secs(3600),
        }
    }
}

/// Takes the pieces of an answer's body; `true` ends the reading.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> Result<bool, Failure>;

/// What is sent.
pub(crate) struct Outgoing<'a> {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// JSON body of a POST; `None` sends a GET.
    pub(crate) body: Option<Vec<u8>>,
    /// The model asked for and the key sent, for messages.
    pub(crate) model: &'a str,
    pub(crate) key: Option<&'a str>,
}

/// A connection pool to one server.
pub(crate) struct Transport {
    base: BaseUrl,
    patience: Patience,
    running: Option<(Runtime, Client)>,
}

impl Transport {
    pub(crate) fn new(base: BaseUrl, patience: Patience) -> Self {
        Self { base, patience, running: None }
    }

    /// Sends one request and feeds the body of a successful answer to `sink`,
    /// with the content type first. Returns once the body or `sink` ends.
    pub(crate) fn send(
        &mut self,
        outgoing: Outgoing<'_>,
        interrupt: &Interrupt,
        sink: Sink<'_>,
    ) -> Result<(), Failure> {
        let (runtime, client) = match &mut self.running {
            Some(running) => running,
            empty => empty.insert((new_runtime()?, new_client(&self.base, &self.patience)?)),
        };
        let watch = Watch { interrupt, end: Instant::now() + self.patience.answer };
        runtime.block_on(exchange(client, outgoing, &self.base, &self.patience, &watch, sink))
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        // A name lookup that hangs must not keep the process.
        if let Some((runtime, client)) = self.running.take() {
            drop(client);
            runtime.shutdown_background();
        }
    }
}

async fn exchange(
    client: &Client,
    outgoing: Outgoing<'_>,
    base: &BaseUrl,
    patience: &Patience,
    watch: &Watch<'_>,
    sink: Sink<'_>,
) -> Result<(), Failure> {
    let Outgoing { url, headers, body, model, key } = outgoing;
    let request = match body {
        Some(body) => client.post(url).body(body),
        None => client.get(url),
    };
    if base.encrypted() {
        // Between turns nothing runs: lets a kept connection notice that the
        // server has closed it.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let sent = watch.wait(patience.first_byte, request.headers(headers).send()).await?;
    let mut response = sent.map_err(|error| unreachable_server(&error, base))?;
    let status = response.status();
    if status.is_redirection() {
        return Err(redirected(&response, base).into());
    }
    if !status.is_success() {
        let asked = retry::asked_in_headers(response.headers());
        let body = error_body(&mut response, patience, watch).await;
        let fault = Fault::of_body(status.as_u16(), asked, &body);
        return Err(fault.into_failure(&base.origin(), model, key));
    }
    let mut received = 0;
    loop {
        let piece = watch.wait(patience.silence, response.chunk()).await?;
        let Some(piece) = piece.map_err(|error| broke_off(&error))? else { return Ok(()) };
        received += piece.len();
        if received > ANSWER_BYTES_MAX {
            return Err(ProviderError::protocol("the server's answer is endless").into());
        }
        if sink(&piece)? {
            if base.encrypted() {
                read_to_end(&mut response, watch).await;
            }
            return Ok(());
        }
    }
}

/// Reads what little stands after the last event, so that the connection and
/// its TLS session serve the next turn too.
async fn read_to_end(response: &mut Response, watch: &Watch<'_>) {
    for _ in 0..8 {
        let Ok(Ok(Some(_))) = watch.wait(REST_WAIT, response.chunk()).await else { return };
    }
}

async fn error_body(response: &mut Response, patience: &Patience, watch: &Watch<'_>) -> String {
    let mut body = Vec::new();
    while body.len() < ERROR_BODY_BYTES_MAX {
        // The status alone is a fault already, so a broken body ends the reading.
        let Ok(Ok(Some(piece))) = watch.wait(patience.silence, response.chunk()).await else {
            break;
        };
        body.extend_from_slice(&piece);
    }
    body.truncate(ERROR_BODY_BYTES_MAX);
    String::from_utf8_lossy(&body).into_owned()
}

/// What may end a wait early.
struct Watch<'a> {
    interrupt: &'a Interrupt,
    end: Instant,
}

impl Watch<'_> {
    async fn wait<F: Future>(&self, limit: Duration, future: F) -> Result<F::Output, Failure> {
        let mut future = pin!(future);
        let started = Instant::now();
        loop {
            if self.interrupt.step_ended() {
                return Err(ProviderError::interrupted().into());
            }
            if let Ok(output) = tokio::time::timeout(POLL_INTERVAL, &mut future).await {
                return Ok(output);
            }
            if started.elapsed() >= limit {
                let message = format!("the server was silent for {} s", limit.as_secs_f32());
                return Err(Failure::transient(ProviderError::new(Connection, message)));
            }
            if Instant::now() >= self.end {
                let message = "the answer took too long and was broken off";
                return Err(ProviderError::new(Connection, message).into());
            }
        }
    }
}

fn new_runtime() -> Result<Runtime, ProviderError> {
    Builder::new_current_thread().enable_io().enable_time().build().map_err(|error| {
        ProviderError::new(Connection, format!("the network can't be used: {error}"))
    })
}

fn new_client(base: &BaseUrl, patience: &Patience) -> Result<Client, ProviderError> {
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    Client::builder()
        .tls_backend_preconfigured(tls_configuration(base.encrypted())?)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .resolve_to_addrs("localhost", &loopback.map(|address| SocketAddr::new(address, 0)))
        .connect_timeout(patience.connect)
        // A connection that died without a word (sleep, another network) is
        // noticed long before the first byte is given up.
        .tcp_keepalive(UNACKNOWLEDGED)
        .tcp_user_timeout(UNACKNOWLEDGED)
        .pool_idle_timeout(IDLE_CONNECTION)
        // A plain connection is cheap to make and local servers drop it soon.
        .pool_max_idle_per_host(usize::from(base.encrypted()))
        .user_agent(concat!("kode/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| ProviderError::new(Connection, format!("no HTTP client: {error}")))
}

/// Reads the system's certificates only where TLS will be used; a plain
/// connection trusts none.
fn tls_configuration(encrypted: bool) -> Result<rustls::ClientConfig, ProviderError> {
    let fail = |error: rustls::Error| {
        ProviderError::new(Configuration, format!("TLS can't be set up: {error}")).with_hint(
            "install the system's certificates (Debian: apt install ca-certificates) or set SSL_CERT_FILE",
        )
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(fail)?;
    if !encrypted {
        let nothing = rustls::RootCertStore::empty();
        return Ok(builder.with_root_certificates(nothing).with_no_client_auth());
    }
    Ok(builder.with_platform_verifier().map_err(fail)?.with_no_client_auth())
}
