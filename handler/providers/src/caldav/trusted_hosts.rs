//! The hosts to which the password may go.
//!
//! These are the host that the owner named; the host to which that one redirects
//! `/.well-known/caldav` (RFC 6764 section 6), over https only, because a server that answers there
//! over TLS already has the password; and the subdomains of these two. A server that names a
//! principal or a home on any other host is refused with a message that says which host to connect
//! to. Siblings (`a.example.org` for `b.example.org`) are other hosts: without a list of public
//! suffixes there is no telling whether they belong together.

use url::{Host, Url};

use super::icloud;
use crate::{Error, Result};

/// The hosts that may have the password.
#[derive(Clone, Debug)]
pub(crate) enum TrustedHosts {
    /// Apple's own hosts.
    Apple,
    /// Where Apple's server was replaced by another address: that host, on any port.
    Host(String),
    /// Sites that were named by the owner, or by a redirect of one that was.
    Sites(Vec<Origin>),
}

/// A scheme, a host, a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    plain: bool,
    host: String,
    port: Option<u16>,
}

impl Origin {
    pub(crate) fn of(url: &Url) -> Self {
        Self { plain: url.scheme() != "https", host: host(url), port: url.port_or_known_default() }
    }

    /// This site, its subdomains, and the same host over TLS where it was named without.
    fn admits(&self, url: &Url) -> bool {
        let other = Self::of(url);
        if *self == other {
            return true;
        }
        if other.plain {
            return false;
        }
        let subdomain = matches!(url.host(), Some(Host::Domain(_)))
            && self.host.contains('.')
            && other.host.strip_suffix(&self.host).is_some_and(|rest| rest.ends_with('.'));
        subdomain || (self.plain && self.host == other.host)
    }
}

impl TrustedHosts {
    /// Apple's hosts, or the one host that the settings put in their place.
    pub(crate) fn icloud(base: &Url) -> Self {
        if icloud::is_apple(base) { Self::Apple } else { Self::Host(host(base)) }
    }

    /// Lets the redirect of a well-known address add its target; never to plain http, unless that
    /// is the same site.
    pub(crate) fn extend(&mut self, url: &Url) {
        if let Self::Sites(sites) = self
            && url.scheme() == "https"
            && !sites.contains(&Origin::of(url))
        {
            sites.push(Origin::of(url));
        }
    }

    /// Whether the password may go to an address.
    pub(crate) fn admits(&self, url: &Url) -> bool {
        match self {
            Self::Apple => icloud::is_apple(url),
            Self::Host(named) => host(url) == *named,
            Self::Sites(sites) => sites.iter().any(|site| site.admits(url)),
        }
    }

    /// Checks that the password may go to an address.
    ///
    /// # Errors
    /// [`Error::Address`] where it may not.
    pub(crate) fn check(&self, url: &Url) -> Result<()> {
        if self.admits(url) {
            return Ok(());
        }
        let host = host(url);
        Err(Error::Address(match self {
            _ if icloud::is_china(url) => icloud::CHINA.into(),
            Self::Sites(_) => {
                format!(
                    "the server points to {host}; the password is not sent there. If that host is \
                    yours too, connect to it directly"
                )
            }
            _ => format!(
                "the server points to {host}, which is not Apple's calendar server; the password \
                is not sent there"
            ),
        }))
    }
}

/// The host, lower-cased and without the root's dot.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    host.strip_suffix('.').map(str::to_owned).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn the_password_stays_with_the_named_host_and_its_subdomains() {
        let scope = TrustedHosts::Sites(vec![Origin::of(&url("https://example.org/dav"))]);
        for good in [
            "https://example.org/x",
            "https://caldav.example.org/",
            "https://a.b.example.org:8443/",
            "https://EXAMPLE.org./",
        ] {
            assert!(scope.admits(&url(good)), "{good}");
        }
        for bad in [
            "http://example.org/",
            "https://example.org:8443/",
            "https://example.org.evil.test/",
            "https://evilexample.org/",
            "https://example.com/",
            "http://caldav.example.org/",
            "https://org/",
        ] {
            assert!(!scope.admits(&url(bad)), "{bad}");
        }
    }

    #[test]
    fn a_site_without_tls_may_move_to_tls_on_its_own_host_only() {
        let scope = TrustedHosts::Sites(vec![Origin::of(&url("http://127.0.0.1:5232/"))]);
        assert!(scope.admits(&url("https://127.0.0.1:5233/")));
        assert!(!scope.admits(&url("http://127.0.0.1:5233/")));
        assert!(!scope.admits(&url("https://1.127.0.0.1.example/")));
    }

    #[test]
    fn a_redirect_adds_a_host_only_over_tls() {
        let mut scope = TrustedHosts::Sites(vec![Origin::of(&url("https://example.org/"))]);
        scope.extend(&url("http://example.net/"));
        assert!(!scope.admits(&url("http://example.net/")));
        scope.extend(&url("https://example.net/dav"));
        assert!(scope.admits(&url("https://example.net/dav/home/")));
    }
}
