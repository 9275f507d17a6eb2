//! Which hosts the layers open together. Where managed policy has a list,
//! nobody below can name a host that is not on it.

use crate::values::HostPattern;

/// Hosts that commands may reach.
pub(crate) struct Hosts {
    /// Every layer's, highest first.
    pub(crate) allow: Vec<String>,
    /// Those that managed policy or the user named.
    pub(crate) listed: Vec<String>,
}

impl Hosts {
    /// Joins the lists; `managed` is `None` when managed policy has none. Hosts
    /// left out are said in `notices`.
    pub(crate) fn join(
        managed: Option<Vec<HostPattern>>,
        user: Vec<HostPattern>,
        project: Vec<HostPattern>,
        notices: &mut Vec<String>,
    ) -> Self {
        let mut admit = |list: Vec<HostPattern>| {
            let (kept, dropped): (Vec<_>, Vec<_>) =
                list.into_iter().partition(|host| admitted(managed.as_deref(), host));
            notices.extend(dropped.iter().map(|host| {
                format!("host {} is ignored: managed policy does not list it", host.as_str())
            }));
            kept
        };
        let (user, project) = (admit(user), admit(project));
        let above = managed.iter().flatten().chain(&user);
        Self { listed: names(above.clone()), allow: names(above.chain(&project)) }
    }
}

fn admitted(managed: Option<&[HostPattern]>, host: &HostPattern) -> bool {
    managed.is_none_or(|list| list.iter().any(|pattern| covers(pattern.as_str(), host.as_str())))
}

/// Whether every host that `inner` means is one that `outer` means.
fn covers(outer: &str, inner: &str) -> bool {
    // With plain HTTP besides covers without, not the other way round.
    let (outer, inner) = match (outer.strip_suffix(":80"), inner.strip_suffix(":80")) {
        (Some(outer), Some(inner)) => (outer, inner),
        (Some(outer), None) => (outer, inner),
        (None, _) => (outer, inner),
    };
    let below = outer.strip_prefix('*').is_some_and(|suffix| {
        // `*.a.b` covers `x.a.b` and `*.x.a.b`, not `a.b`.
        inner.ends_with(suffix) && inner.len() > suffix.len()
    });
    outer == inner || below
}

fn names<'a>(hosts: impl Iterator<Item = &'a HostPattern>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for host in hosts {
        if !all.iter().any(|known| known == host.as_str()) {
            all.push(host.as_str().to_owned());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(list: &[&str]) -> Vec<HostPattern> {
        list.iter().map(|host| HostPattern::try_from((*host).to_owned()).unwrap()).collect()
    }

    #[test]
    fn a_managed_list_is_the_ceiling_for_the_layers_below() {
        let mut notices = Vec::new();
        let managed = Some(hosts(&["*.npm.org", "pypi.org"]));
        let user = hosts(&["registry.npm.org", "npm.org", "evil.org", "notnpm.org"]);
        let joined = Hosts::join(managed, user, hosts(&["a.b.npm.org", "*.org.uk"]), &mut notices);
        assert_eq!(joined.allow, ["*.npm.org", "pypi.org", "registry.npm.org", "a.b.npm.org"]);
        assert_eq!(joined.listed, ["*.npm.org", "pypi.org", "registry.npm.org"]);
        assert_eq!(notices.len(), 4, "{notices:?}");
    }

    #[test]
    fn plain_http_is_wider_than_without() {
        assert!(covers("a.org:80", "a.org") && covers("*.a.org:80", "x.a.org:80"));
        assert!(!covers("a.org", "a.org:80") && !covers("*.a.org", "x.a.org:80"));
    }

    #[test]
    fn an_empty_managed_list_opens_nothing() {
        let joined = Hosts::join(Some(Vec::new()), hosts(&["a.org"]), Vec::new(), &mut Vec::new());
        assert!(joined.allow.is_empty());
    }

    #[test]
    fn the_projects_hosts_are_not_the_users() {
        let joined = Hosts::join(None, hosts(&["a.org"]), hosts(&["b.org"]), &mut Vec::new());
        assert_eq!(joined.listed, ["a.org"]);
        assert_eq!(joined.allow, ["a.org", "b.org"]);
    }
}
