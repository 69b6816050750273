//! The guard against foreign host names and other sites.
//!
//! A browser sends the requests that any page asks for, to `localhost` too. It says whether another
//! site asked ([Fetch Metadata](https://www.w3.org/TR/fetch-metadata/)), or at least which one
//! (`Origin`). A DNS name that another site points to 127.0.0.1 shows in `Host`.

use http::{HeaderMap, Method, header};

use crate::request::{Source, WebRequest};

/// Host names that always mean this machine.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Which part of this service was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Api,
    Pages,
}

/// Whether the client asked for this service, and not for another name that leads here.
pub fn is_own_host(request: &WebRequest, public_url: Option<&str>) -> bool {
    let Some(host) = request.host.as_deref() else { return false };
    let is_public = public_url.and_then(host_of).is_some_and(|own| own == host);
    is_public || request.source != Source::FunctionsHost && LOOPBACK.contains(&host)
}

/// Whether another site asked for what it may not ask for.
pub fn is_cross_site(request: &WebRequest, part: Part, public_url: Option<&str>) -> bool {
    let is_foreign = match origin_says_own(&request.headers, request, public_url) {
        None | Some(true) => return false,
        Some(false) => part == Part::Api || is_unsafe(&request.method),
    };
    let is_navigation =
        request.headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    is_foreign || !is_navigation
}

/// Whether a browser says that this site itself, or its user, asked; `None` where nothing says who
/// asked.
fn origin_says_own(
    headers: &HeaderMap,
    request: &WebRequest,
    public_url: Option<&str>,
) -> Option<bool> {
    if headers.contains_key("sec-fetch-site") {
        let mut sites = headers.get_all("sec-fetch-site").iter();
        return Some(sites.all(|site| site == "same-origin" || site == "none"));
    }
    let origin = headers.get(header::ORIGIN)?;
    let is_own = |own: &str| origin.as_bytes().eq_ignore_ascii_case(own.as_bytes());
    if public_url.is_some_and(|url| is_own(url.trim_end_matches('/'))) {
        return Some(true);
    }
    let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let is_loopback = request.host.as_deref().is_some_and(|host| LOOPBACK.contains(&host));
    let own = asked.filter(|_| is_loopback && request.source != Source::FunctionsHost);
    Some(own.is_some_and(|host| is_own(&format!("http://{host}"))))
}

/// Whether a browser says who asked.
pub fn says_who_asked(headers: &HeaderMap) -> bool {
    headers.contains_key("sec-fetch-site") || headers.contains_key(header::ORIGIN)
}

/// Whether a request of this method may change something.
pub fn is_unsafe(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The host of a URL such as `https://calendars.example.org:8443`, in lower case.
fn host_of(url: &str) -> Option<String> {
    let authority = url.parse::<http::Uri>().ok()?.authority()?.clone();
    Some(authority.host().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::request::PendingBody;

    fn request(method: Method, source: Source, host: &str, fields: &[(&str, &str)]) -> WebRequest {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        for (name, value) in fields {
            let name: header::HeaderName = name.parse().unwrap();
            headers.insert(name, value.parse().unwrap());
        }
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        WebRequest {
            method,
            uri: "/".parse().unwrap(),
            headers,
            body: PendingBody::new(async { Ok(axum::body::Bytes::new()) }.boxed()),
            client_address: None,
            host: Some(name.to_owned()),
            source,
        }
    }

    #[test]
    fn a_foreign_name_is_not_answered() {
        let own = |source, host, url| is_own_host(&request(Method::GET, source, host, &[]), url);
        let public = Some("https://cal.example.org");
        for host in ["localhost:7071", "127.0.0.1:7071", "localhost"] {
            assert!(own(Source::Local, host, None) && own(Source::Remote, host, public), "{host}");
            assert!(!own(Source::FunctionsHost, host, public), "{host}");
        }
        assert!(own(Source::Remote, "cal.example.org", public));
        assert!(own(Source::FunctionsHost, "cal.example.org", public));
        assert!(own(Source::FunctionsHost, "127.0.0.1:1", Some("http://127.0.0.1:2")));
        for host in ["evil.example:7071", "cal.example.org.evil.example", "192.0.2.1", "127.0.0.2"]
        {
            assert!(!own(Source::Remote, host, public), "{host}");
        }
        assert!(!own(Source::FunctionsHost, "cal.example.org", None));
    }

    #[test]
    fn another_site_is_refused() {
        let refused = |part, method: Method, fields: &[(&str, &str)]| {
            let asked = request(method, Source::Local, "localhost:7071", fields);
            is_cross_site(&asked, part, None)
        };
        for site in ["cross-site", "same-site", "x"] {
            let fetch = [("sec-fetch-site", site), ("sec-fetch-mode", "cors")];
            let link = [("sec-fetch-site", site), ("sec-fetch-mode", "navigate")];
            for fields in [&fetch, &link] {
                assert!(refused(Part::Api, Method::GET, fields), "{fields:?}");
                assert!(refused(Part::Api, Method::POST, fields), "{fields:?}");
                assert!(refused(Part::Pages, Method::POST, fields), "{fields:?}");
            }
            assert!(refused(Part::Pages, Method::GET, &fetch));
            assert!(!refused(Part::Pages, Method::GET, &link), "a link may be followed");
        }
        for site in ["same-origin", "none"] {
            assert!(!refused(Part::Api, Method::POST, &[("sec-fetch-site", site)]));
        }
    }

    #[test]
    fn without_fetch_metadata_the_origin_decides() {
        let refused = |url, host: &str, origin| {
            let asked = request(Method::POST, Source::Remote, host, &[("origin", origin)]);
            is_cross_site(&asked, Part::Pages, url)
        };
        let public = Some("https://cal.example.org");
        assert!(!refused(None, "localhost:7071", "http://localhost:7071"));
        assert!(refused(None, "localhost:7071", "http://localhost:7072"));
        assert!(refused(None, "localhost:7071", "null"));
        assert!(!refused(public, "cal.example.org", "https://cal.example.org"));
        assert!(refused(public, "cal.example.org", "http://cal.example.org"));
        assert!(refused(None, "cal.example.org", "http://cal.example.org"));
        let silent = request(Method::POST, Source::Local, "localhost", &[]);
        assert!(!is_cross_site(&silent, Part::Api, None), "no browser");
    }
}
