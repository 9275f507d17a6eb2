//! Which hosts a command may reach: names from the user's or managed
//! configuration, from a person's answer or from `--network`. Nothing else.

use super::host::parse_port;
use super::{HostName, Refusal};

/// TLS; always the port unless another is listed.
pub(crate) const HTTPS: u16 = 443;
/// Plain HTTP; only where a host is listed with it.
pub(crate) const HTTP: u16 = 80;

/// One host or `*.` before a name, with its port.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    name: HostName,
    /// Stands for every name below `name`, not for itself.
    below: bool,
    port: u16,
}

/// Hosts that are open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenHosts(Vec<Entry>);

impl OpenHosts {
    /// Reads entries such as `pypi.org`, `*.example.org` and `example.org:80`.
    ///
    /// # Errors
    /// With a sentence naming the first entry that can't be opened.
    pub fn parse<T: AsRef<str>>(entries: &[T]) -> Result<Self, String> {
        let parsed = entries.iter().map(|entry| Entry::parse(entry.as_ref()));
        Ok(Self(parsed.collect::<Result<_, _>>()?))
    }

    /// The entries that can be opened; addresses and the like are left out.
    pub fn parse_lenient<T: AsRef<str>>(entries: &[T]) -> Self {
        Self(entries.iter().filter_map(|entry| Entry::parse(entry.as_ref()).ok()).collect())
    }

    /// Whether nothing is open.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Both lists' hosts.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for entry in other.0 {
            if !self.0.contains(&entry) {
                self.0.push(entry);
            }
        }
        self
    }

    /// Checked before any name is resolved.
    ///
    /// # Errors
    /// When the host or the port is not open.
    pub(crate) fn check(&self, host: &HostName, port: u16) -> Result<(), Refusal> {
        let mut of_host = self.0.iter().filter(|entry| entry.covers(host)).peekable();
        if of_host.peek().is_none() {
            return Err(Refusal::HostNotOpen(host.to_string()));
        }
        let open = of_host.any(|entry| entry.port == port || port == HTTPS);
        if open { Ok(()) } else { Err(Refusal::PortNotOpen(port)) }
    }

    /// Whether the host is open at all.
    pub(crate) fn names(&self, host: &HostName) -> bool {
        self.0.iter().any(|entry| entry.covers(host))
    }
}

impl Entry {
    fn parse(text: &str) -> Result<Self, String> {
        let refuse = |why: &str| {
            format!("`{}` can't be opened: {why}", kode_base::escape::escape_line(text))
        };
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => {
                (host, parse_port(port).map_err(|error| refuse(&error.to_string()))?)
            }
            None => (text, HTTPS),
        };
        if port != HTTPS && port != HTTP {
            return Err(refuse("only the ports 443 and 80 can be"));
        }
        let below = host.starts_with("*.");
        let name = HostName::parse(host.strip_prefix("*.").unwrap_or(host))
            .map_err(|error| refuse(&error.to_string()))?;
        if below && !name.as_str().contains('.') {
            return Err(refuse("it would open a whole top-level domain"));
        }
        Ok(Self { name, below, port })
    }

    fn covers(&self, host: &HostName) -> bool {
        if !self.below {
            return self.name == *host;
        }
        let before = host.as_str().strip_suffix(self.name.as_str());
        before.is_some_and(|before| before.len() > 1 && before.ends_with('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(open: &[&str], host: &str, port: u16) -> Result<(), Refusal> {
        OpenHosts::parse(open).unwrap().check(&HostName::parse(host).unwrap(), port)
    }

    #[test]
    fn a_listed_host_is_open_on_443_alone() {
        assert_eq!(check(&["a.org"], "A.org.", 443), Ok(()));
        for port in [22, 80, 8443, 25, 1] {
            assert_eq!(check(&["a.org"], "a.org", port), Err(Refusal::PortNotOpen(port)));
        }
    }

    #[test]
    fn port_80_is_open_where_it_is_listed() {
        assert_eq!(check(&["a.org:80"], "a.org", 80), Ok(()));
        assert_eq!(check(&["a.org:80"], "a.org", 443), Ok(()));
        assert_eq!(check(&["a.org:80", "b.org"], "b.org", 80), Err(Refusal::PortNotOpen(80)));
    }

    #[test]
    fn look_alikes_of_a_listed_host_are_not_open() {
        for host in ["aa.org", "b.a.org", "a.org.evil.org", "org", "a-org", "xa.org", "a.orgx"] {
            assert!(check(&["a.org"], host, 443).is_err(), "{host}");
        }
        assert_eq!(check(&["*.a.org"], "b.c.a.org", 443), Ok(()));
        for host in ["a.org", "xa.org", "a.org.evil.org"] {
            assert!(check(&["*.a.org"], host, 443).is_err(), "{host}");
        }
    }

    #[test]
    fn what_can_not_be_opened_is_said() {
        for entry in [
            "1.2.3.4",
            "[::1]",
            "a.org:22",
            "*.org",
            "*",
            "",
            "http://a.org",
            "a.org/x",
            "a.org:0443",
        ] {
            assert!(OpenHosts::parse(&[entry]).is_err(), "{entry}");
        }
        assert!(OpenHosts::parse_lenient(&["1.2.3.4"]).is_empty());
    }
}
