//! What a sandbox with hosts open has besides: the proxy's variables, the
//! fetcher's certificate, masks over what looks like a credential, and the
//! private folders of its session.

use std::fs;
use std::path::{Path, PathBuf};

use super::environment::variable;
use super::{Networked, PROXY_PORT, Step};
use crate::SandboxSettings;
use crate::network::pkcs12;

/// Trusted certificates inside, the fetcher's among them.
const CERTIFICATES: &str = "/etc/kode/certificates.pem";
/// The same for Java.
const JAVA_CERTIFICATES: &str = "/etc/kode/certificates.p12";

/// Its folder and name.
pub(crate) const CERTIFICATES_FOLDER: &str = "/etc/kode";
pub(crate) const CERTIFICATES_NAME: &str = "certificates.pem";
pub(crate) const JAVA_CERTIFICATES_NAME: &str = "certificates.p12";

/// Where most distributions keep their trusted certificates.
pub(crate) const SYSTEM_LIST: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Where distributions keep them.
const SYSTEM_CERTIFICATES: &[&str] = &[
    SYSTEM_LIST,
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Bytes of a list of certificates.
const CERTIFICATES_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// Offline settings of the ordinary sandbox that don't hold here.
const OFFLINE: &[&str] =
    &["CARGO_NET_OFFLINE", "GOPROXY", "npm_config_fetch_retries", "PIP_RETRIES"];

/// Variables that hold the proxy's address.
const PROXY_VARIABLES: &[&str] = &[
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "CARGO_HTTP_PROXY",
    "PIP_PROXY",
    "npm_config_proxy",
    "npm_config_https_proxy",
    "YARN_HTTP_PROXY",
    "YARN_HTTPS_PROXY",
];

/// Variables that hold the same for SOCKS, names resolved outside.
const SOCKS_VARIABLES: &[&str] = &["ALL_PROXY", "all_proxy"];

/// Variables that name what goes around the proxy: the inside's own servers.
const DIRECT_VARIABLES: &[&str] = &["NO_PROXY", "no_proxy", "npm_config_noproxy"];
const DIRECT: &str = "localhost,127.0.0.1,::1";

/// Variables that name the list of trusted certificates.
const CERTIFICATE_VARIABLES: &[&str] = &[
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "npm_config_cafile",
    "DENO_CERT",
    "NIX_SSL_CERT_FILE",
];

/// Settings of tools that would otherwise ask hosts for more than packages.
const TOOL_SETTINGS: &[(&str, &str)] = &[
    ("npm_config_audit", "false"),
    ("npm_config_fund", "false"),
    ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
    ("NODE_USE_ENV_PROXY", "1"),
    ("GOPROXY", "https://proxy.golang.org"),
];

/// Where every Java machine looks for options, whichever program starts it; it
/// says on its standard error that it found some.
pub(super) const JAVA_VARIABLE: &str = "JAVA_TOOL_OPTIONS";

/// Java knows neither the other variables nor the system's certificates. The last
/// two are Maven's own: without them it takes proxies from its settings alone.
const JAVA_OPTIONS: &str = "-Djavax.net.ssl.trustStoreType=PKCS12 \
     -Dhttp.nonProxyHosts=localhost|127.*|[::1] \
     -Daether.connector.http.useSystemProperties=true \
     -Daether.transport.apache.useSystemProperties=true";

/// What a networked sandbox adds to the ordinary view.
#[derive(Debug)]
pub(crate) struct Additions {
    /// The list of trusted certificates, and the file it stands in for.
    certificates: String,
    stands_for: Option<PathBuf>,
}

impl Additions {
    /// Puts the host's list and the fetcher's certificate together.
    pub(crate) fn new(settings: &SandboxSettings, fetcher: &str) -> Self {
        let named = variable(&settings.host.variables, "SSL_CERT_FILE").map(Path::new);
        let system = SYSTEM_CERTIFICATES.iter().map(Path::new);
        let found = named.into_iter().filter(|path| path.is_absolute()).chain(system);
        let text = |path: &Path| {
            let small = fs::metadata(path).ok()?.len() <= CERTIFICATES_BYTES_MAX;
            small.then(|| fs::read_to_string(path).ok())?
        };
        let list = found.filter_map(text).next().unwrap_or_default();
        let stands_for = SYSTEM_CERTIFICATES.iter().find_map(|path| fs::canonicalize(path).ok());
        let newline = if list.is_empty() || list.ends_with('\n') { "" } else { "\n" };
        Self { certificates: format!("{list}{newline}{fetcher}"), stands_for }
    }

    /// The whole list.
    pub(crate) fn certificates(self) -> String {
        self.certificates
    }
}

/// Has every private folder made so far kept for networked sandboxes.
pub(super) fn keep(steps: &mut Vec<Step>) {
    let kept: Vec<Step> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Tmpfs { path, .. } => Some(Step::Keep { path: path.clone() }),
            _ => None,
        })
        .collect();
    steps.extend(kept);
}

/// Puts the session's private folders where new ones would be, and leaves out
/// what comes with them. They are kept again for the next networked sandbox.
pub(super) fn inherit(steps: &mut Vec<Step>, folders: &[String]) {
    let below = |target: &str| folders.iter().any(|folder| Path::new(target).starts_with(folder));
    steps.retain(|step| !matches!(step, Step::Bind(bind) if below(&bind.target)));
    for step in steps.iter_mut() {
        if let Step::Tmpfs { path, .. } = step
            && let Some(number) = folders.iter().position(|folder| folder == path)
        {
            *step = Step::Inherit { path: path.clone(), number };
        }
    }
    steps.extend(folders.iter().map(|path| Step::Keep { path: path.clone() }));
}

/// Adds masks, certificates and variables.
pub(super) fn add(
    networked: &Networked,
    steps: &mut Vec<Step>,
    environment: &mut Vec<(String, String)>,
) {
    let Additions { certificates, stands_for } = &networked.additions;
    steps.push(Step::File { path: CERTIFICATES.to_owned(), content: certificates.clone() });
    let store = pkcs12(certificates);
    let hexadecimal = store.iter().map(|byte| format!("{byte:02x}")).collect();
    steps.push(Step::Bytes { path: JAVA_CERTIFICATES.to_owned(), hexadecimal });
    if let Some(over) = stands_for.as_ref().and_then(|path| path.to_str()) {
        steps.push(Step::Cover { from: CERTIFICATES.to_owned(), over: over.to_owned() });
    }
    steps
        .extend(networked.masked.iter().map(|path| Step::Mask { path: path.clone(), inode: None }));
    set_variables(environment);
}

/// Leads programs to the proxy instead of telling them that there is none.
pub(crate) fn set_variables(environment: &mut Vec<(String, String)>) {
    environment.retain(|(name, _)| !OFFLINE.contains(&name.as_str()));
    for (name, value) in variables() {
        match environment.iter_mut().find(|(own, _)| *own == name && name == JAVA_VARIABLE) {
            Some((_, options)) => *options = format!("{options} {value}"),
            None => environment.push((name, value)),
        }
    }
}

/// The variables that lead programs to the proxy and have them trust the
/// fetcher.
fn variables() -> Vec<(String, String)> {
    let mut variables = Vec::new();
    let mut set = |names: &[&str], value: &str| {
        variables.extend(names.iter().map(|name| ((*name).to_owned(), value.to_owned())));
    };
    set(PROXY_VARIABLES, &format!("http://127.0.0.1:{PROXY_PORT}"));
    set(SOCKS_VARIABLES, &format!("socks5h://127.0.0.1:{PROXY_PORT}"));
    set(DIRECT_VARIABLES, DIRECT);
    set(CERTIFICATE_VARIABLES, CERTIFICATES);
    set(&[JAVA_VARIABLE], &java_options());
    for (name, value) in TOOL_SETTINGS {
        set(&[name], value);
    }
    variables
}

/// Leads Java to the proxy and to the fetcher's certificate.
fn java_options() -> String {
    let proxy = ["http", "https"]
        .map(|scheme| format!("-D{scheme}.proxyHost=127.0.0.1 -D{scheme}.proxyPort={PROXY_PORT}"));
    let trust = format!("-Djavax.net.ssl.trustStore={JAVA_CERTIFICATES}");
    format!("{trust} {JAVA_OPTIONS} {}", proxy.join(" "))
}
