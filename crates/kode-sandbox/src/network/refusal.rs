//! Why the proxy does not carry something. Each reason is one sentence that
//! goes to the audit log and, where a protocol has room for it, to the client.

use std::net::IpAddr;

use thiserror::Error;

/// A connection or request the proxy did not carry.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The host is not open for this command.
    #[error("{0} is not open for this command")]
    HostNotOpen(String),
    /// An address in place of a name, in whatever spelling.
    #[error("an address in place of a host name; only names can be open")]
    AddressLiteral,
    /// No host name at all.
    #[error("not a host name: {0}")]
    BadName(&'static str),
    /// A port other than 443, or 80 that nobody listed.
    #[error("port {0} is not open; 443 is, and 80 where the host is listed with it")]
    PortNotOpen(u16),
    /// A port that is not written plainly.
    #[error("not a port number")]
    BadPort,
    /// The name has no address.
    #[error("{0} has no address")]
    NoAddress(String),
    /// The name leads to this machine or a private network.
    #[error("{host} leads to {address}, which is not a public address")]
    NotPublic {
        /// The name.
        host: String,
        /// The first such address.
        address: IpAddr,
    },
    /// The host does not answer.
    #[error("{host} can't be reached: {cause}")]
    Unreachable {
        /// The name.
        host: String,
        /// What the system or TLS said.
        cause: String,
    },
    /// What comes through the tunnel is no TLS.
    #[error("the connection does not begin with a TLS hello: {0}")]
    NotTls(&'static str),
    /// The hello names no host.
    #[error("the TLS hello names no host (SNI)")]
    NoServerName,
    /// The hello hides its host.
    #[error("the TLS hello is encrypted (ECH), so its host can't be checked")]
    HiddenServerName,
    /// The hello names another host.
    #[error("the TLS hello names {named}, the connection was asked for {asked}")]
    OtherServerName {
        /// In the hello; escaped.
        named: String,
        /// In the request.
        asked: String,
    },
    /// The request is malformed or ambiguous.
    #[error("a malformed request: {0}")]
    Malformed(&'static str),
    /// Package registries are read, never written.
    #[error("{0} on a package registry, which can only be read from here (GET and HEAD)")]
    RegistryWrite(String),
    /// A part of a registry that packages are not read from.
    #[error("a path of the registry that packages are not read from")]
    RegistryPath,
    /// SOCKS in a version or with a command that is not offered.
    #[error("SOCKS: {0}")]
    Socks(&'static str),
    /// Too slow.
    #[error("nothing came in time")]
    TooSlow,
    /// The client or the host closed the connection before its time.
    #[error("the connection broke off")]
    BrokeOff,
    /// Nobody could keep that it would go out.
    #[error("it could not be kept in the audit log: {0}")]
    NotKept(String),
    /// Something that may hold a credential became readable to the command.
    #[error("the hosts were closed when {0} appeared, which may hold a credential; run it again")]
    CredentialAppeared(String),
    /// Too many connections.
    #[error("too many connections")]
    TooMany,
}

impl Refusal {
    /// The HTTP status that tells of it.
    pub(crate) fn status(&self) -> (u16, &'static str) {
        match self {
            Self::Malformed(_) | Self::BadPort | Self::BadName(_) => (400, "Bad Request"),
            Self::RegistryWrite(_) => (405, "Method Not Allowed"),
            Self::TooSlow => (408, "Request Timeout"),
            Self::TooMany => (429, "Too Many Requests"),
            Self::NoAddress(_) | Self::Unreachable { .. } => (502, "Bad Gateway"),
            _ => (403, "Forbidden"),
        }
    }
}
