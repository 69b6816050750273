//! Addresses on a CalDAV server: how they are compared and spelled.
//!
//! One address has many spellings (`@` and `%40`, with a host and without). It is compared and
//! stored percent-decoded and without its host; requests use the server's own spelling, which is
//! remembered only where it differs from ours.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::{Error, Result};

/// All characters that a path may not contain unescaped (the complement of `pchar` and `/`, RFC
/// 3986 section 3.3).
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

/// The address of a calendar, with its closing slash.
pub(crate) fn with_slash(calendar: &str) -> String {
    let closing = if calendar.ends_with('/') { "" } else { "/" };
    format!("{calendar}{closing}")
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
}
