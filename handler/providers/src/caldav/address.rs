//! Addresses on a CalDAV server: how they are compared, how they are spelt, and to which hosts the
//! password may go.
//!
//! One address has many spellings (`@` and `%40`, with a host and without). It is compared and
//! stored percent-decoded and without its host; requests use the server's own spelling, which is
//! remembered only where it differs from ours.
//!
//! # Where the password goes
//! To the host that its owner named; to the host to which that one redirects `/.well-known/caldav`
//! (RFC 6764 section 6), over https only: whoever answers there over TLS already has the password;
//! and to subdomains of these two. A server that names a principal or a home on any other host is
//! refused with a message that says which host to connect to. Siblings (`a.example.org` for
//! `b.example.org`) are other hosts: without a list of public suffixes nobody can tell whether they
//! belong together.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use url::{Host, Url};

use super::icloud;
use crate::{Error, Result};

/// All that may not stand in a path as it is (the complement of `pchar` and `/`, RFC 3986 section
/// 3.3).
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What `Url::set_path` takes for a separator or drops. It escapes all other characters that a path
/// cannot have.
const MISREAD: &AsciiSet = &CONTROLS.add(b'\\');

/// The path of an href, in the server's own spelling. It begins with a slash and has no dot
/// segments.
pub(crate) fn path(base: &Url, href: &str) -> String {
    let href = href.trim();
    let spelled = match after_host(href) {
        Some(path) => path.to_owned(),
        None if href.starts_with('/') => href.to_owned(),
        // Below the base, even where it begins like another scheme: a:b.ics.
        None => match base.join(&format!("./{href}")) {
            Ok(url) => url.path().to_owned(),
            Err(_) => format!("/{href}"),
        },
    };
    let end = spelled.find(['?', '#']).unwrap_or(spelled.len());
    without_dot_segments(spelled[..end].to_owned())
}

/// The path of an absolute address, as it is spelled.
fn after_host(href: &str) -> Option<&str> {
    let (scheme, rest) = href.split_once("://")?;
    let is_http = ["http", "https"].iter().any(|http| scheme.eq_ignore_ascii_case(http));
    is_http.then(|| rest.find('/').map_or("/", |slash| &rest[slash..]))
}

/// Whether a path has segments `.` or `..`. A client removes them before it sends a request, also
/// where they are percent-encoded (WHATWG URL).
pub(crate) fn has_dot_segments(path: &str) -> bool {
    let mut candidates = path
        .split('/')
        .filter(|segment| segment.len() <= "%2e%2e".len() && segment.starts_with(['.', '%']));
    candidates.any(|segment| {
        matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
    })
}

/// A path without dot segments.
pub(crate) fn without_dot_segments(path: String) -> String {
    match Url::parse("http://localhost/") {
        Ok(anywhere) if has_dot_segments(&path) => at(&anywhere, &path).path().to_owned(),
        _ => path,
    }
}

/// A path as it is compared and stored: percent-decoded. One that does not decode to text stays as
/// it is.
pub(crate) fn key(path: &str) -> String {
    percent_decode_str(path)
        .decode_utf8()
        .map(|text| text.into_owned())
        .unwrap_or_else(|_| path.to_owned())
}

/// A collection's key: with its closing slash.
pub(crate) fn collection_key(path: &str) -> String {
    let mut key = key(path);
    if !key.ends_with('/') {
        key.push('/');
    }
    key
}

/// Our own spelling of a key.
pub(crate) fn spelling(key: &str) -> String {
    utf8_percent_encode(key, ESCAPED).to_string()
}

/// The same server, another path.
pub(crate) fn at(origin: &Url, path: &str) -> Url {
    let mut url = origin.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.set_path(&utf8_percent_encode(path, MISREAD).to_string());
    url
}

/// An href that may name another host: a principal, a home, a redirect.
pub(crate) fn resolve(base: &Url, href: &str) -> Result<Url> {
    let href = href.trim();
    if href.starts_with('/') {
        return Ok(at(base, &path(base, href)));
    }
    base.join(href).map_err(|_| Error::BadAnswer("the server names an address that is none".into()))
}

/// An address as a person or an endpoint gives it.
pub(crate) fn parse(text: &str) -> Result<Url> {
    let text = text.trim();
    let url = Url::parse(text).or_else(|_| Url::parse(&format!("https://{text}")));
    let mut url = url.map_err(|_| {
        Error::Address("it is not a URL; it should look like https://calendar.example.org/".into())
    })?;
    url.set_fragment(None);
    Ok(url)
}

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

    /// Whether the password may go there.
    pub(crate) fn admits(&self, url: &Url) -> bool {
        match self {
            Self::Apple => icloud::is_apple(url),
            Self::Host(named) => host(url) == *named,
            Self::Sites(sites) => sites.iter().any(|site| site.admits(url)),
        }
    }

    /// # Errors
    /// [`Error::Address`], where it may not.
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
    fn an_href_is_a_path_wherever_it_seems_to_lead() {
        let base = url("https://example.org/dav/cal/");
        assert_eq!(path(&base, "https://p1.example.net/a/b.ics"), "/a/b.ics");
        assert_eq!(path(&base, "//example.net/b.ics"), "//example.net/b.ics");
        assert_eq!(path(&base, "b.ics"), "/dav/cal/b.ics");
        assert_eq!(at(&base, "//example.net/b.ics").host_str(), Some("example.org"));
        assert_eq!(path(&base, "/a/b.ics?x#y"), "/a/b.ics");
        assert_eq!(
            path(&base, "HTTP://example.net/M%c3%a4rz%20^.ics"),
            "/M%c3%a4rz%20^.ics",
            "as it is spelled"
        );
        assert_eq!(path(&base, "a:b.ics"), "/dav/cal/a:b.ics");
        assert_eq!(
            path(&base, "/dav/cal/http://example.net/b.ics"),
            "/dav/cal/http://example.net/b.ics"
        );
        assert_eq!(at(&base, "/a\\..\\b\n.ics").path(), "/a%5C..%5Cb%0A.ics");
    }

    #[test]
    fn an_href_has_no_dot_segments() {
        let base = url("https://example.org/dav/cal/");
        for (href, expected) in [
            ("/dav/cal/../other/b.ics", "/dav/other/b.ics"),
            ("/dav/cal/%2E%2e/./b.ics", "/dav/b.ics"),
            ("https://example.org/../../b.ics", "/b.ics"),
            ("../b.ics", "/dav/b.ics"),
            ("/dav/cal/..%2Fb.ics", "/dav/cal/..%2Fb.ics"),
            ("/dav/cal/...", "/dav/cal/..."),
        ] {
            assert_eq!(path(&base, href), expected);
        }
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
