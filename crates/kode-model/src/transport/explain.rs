//! Why a server could not be reached, in words that lead to the remedy.

use kode_base::escape::escape_line;
use reqwest::Response;
use reqwest::header::LOCATION;

use crate::ProviderError;
use crate::ProviderErrorKind::{Configuration, Connection};
use crate::endpoint::BaseUrl;
use crate::fault::Failure;

pub(super) fn redirected(response: &Response, base: &BaseUrl) -> ProviderError {
    let target = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let target = escape_line(target.unwrap_or("nowhere"));
    let message = format!("{} redirects to {target}, and kode follows no redirect", base.origin());
    ProviderError::new(Configuration, message)
        .with_hint("if you trust that address, set it as the base URL")
}

pub(super) fn unreachable_server(error: &reqwest::Error, base: &BaseUrl) -> Failure {
    let origin = base.origin();
    let cause = root_cause(error);
    if let Some(io) = find_io(error)
        && io.kind() == std::io::ErrorKind::ConnectionRefused
    {
        let message = format!("nothing listens at {origin} (connection refused)");
        let hint = format!("is the server running at {origin}?");
        return ProviderError::new(Connection, message).with_hint(hint).into();
    }
    let message = format!("{origin} can't be reached: {cause}");
    if let Some(tls) = find_tls(error) {
        // Trust doesn't come with time: no retry.
        return ProviderError::new(Connection, message).with_hint(tls_hint(tls)).into();
    }
    let mut failure = ProviderError::new(Connection, message);
    if !base.is_loopback() {
        failure = failure.with_hint(
            "check the base URL and the network; kode does not use proxies from HTTP_PROXY or HTTPS_PROXY",
        );
    }
    Failure::transient(failure)
}

pub(super) fn broke_off(error: &reqwest::Error) -> Failure {
    let message = format!("the connection broke off: {}", root_cause(error));
    Failure::transient(ProviderError::new(Connection, message))
}

fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source())
}

fn root_cause(error: &reqwest::Error) -> String {
    chain(error).last().map(|cause| escape_line(&cause.to_string())).unwrap_or_default()
}

fn find_tls(error: &reqwest::Error) -> Option<&rustls::Error> {
    chain(error).find_map(inner_tls)
}

/// I/O errors wrap others without naming them as their source.
fn inner_tls<'a>(mut cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    while let Some(io) = cause.downcast_ref::<std::io::Error>() {
        cause = io.get_ref()?;
    }
    cause.downcast_ref()
}

fn tls_hint(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InvalidCertificate(_) => {
            "this machine doesn't trust the server's certificate: if you do, add its authority to the \
             system's store or name it in SSL_CERT_FILE"
        }
        _ => "the server doesn't speak TLS as expected: should the base URL begin with http://?",
    }
}

fn find_io(error: &reqwest::Error) -> Option<&std::io::Error> {
    chain(error).find_map(|cause| cause.downcast_ref())
}
