//! URLs in the settings: what is wrong with one, in a text that quotes nothing of it.

use url::{Host, Url};

/// The path that a URL may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedPath {
    /// No path.
    None,
    /// Any path.
    Any,
    /// The part before this path, which the program adds.
    Before(&'static str),
}

/// What is wrong with a URL, to follow the name of the setting in a sentence; `None` if nothing is.
pub fn problem(text: &str, path: AllowedPath) -> Option<String> {
    let Ok(url) = Url::parse(text) else {
        return Some("is no address; it must begin with https:// and a host".into());
    };
    let secure = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
    let own_path = url.path().trim_end_matches('/');
    let why = match path {
        _ if !matches!(url.scheme(), "http" | "https") || !url.has_host() => {
            "must begin with https:// and a host"
        }
        _ if !secure => "must begin with https://: plain http is for this machine's own addresses",
        _ if !url.username().is_empty() || url.password().is_some() => {
            "must hold no user name and no password"
        }
        _ if url.query().is_some() || url.fragment().is_some() => "must end before any ? or #",
        AllowedPath::None if !own_path.is_empty() => {
            "must be scheme and host alone, without a path"
        }
        AllowedPath::Before(rest) if own_path.ends_with(rest) => {
            return Some(format!("must end before {rest}, which is added"));
        }
        _ => return None,
    };
    Some(why.into())
}

/// Whether passwords would be sent to this URL unencrypted through a network.
pub fn is_cleartext(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.scheme() == "http" && !is_loopback(&url))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_public_address_is_explained() {
        for (text, words) in [
            ("calendars.example.org", "is no address"),
            ("calendars.example.org:443", "must begin with https://"),
            ("ftp://calendars.example.org", "must begin with https://"),
            ("http://calendars.example.org", "plain http"),
            ("http://192.168.0.7:7071", "plain http"),
            ("https://anna:hunter2@calendars.example.org", "no password"),
            ("https://calendars.example.org/app", "without a path"),
            ("https://calendars.example.org?x", "before any ?"),
            ("https://calendars.example.org/#x", "before any ?"),
        ] {
            let why = problem(text, AllowedPath::None).unwrap_or_default();
            assert!(why.contains(words) && !why.contains("hunter2"), "{text}: {why}");
        }
        for text in [
            "https://calendars.example.org",
            "https://calendars.example.org/",
            "http://localhost:7071",
            "http://[::1]:7071",
            "http://127.0.0.1",
        ] {
            assert_eq!(problem(text, AllowedPath::None), None, "{text}");
        }
    }

    #[test]
    fn services_have_paths() {
        assert_eq!(problem("https://graph.microsoft.com/v1.0", AllowedPath::Any), None);
        let before = AllowedPath::Before("/calendar/v3");
        assert_eq!(problem("https://www.googleapis.com", before), None);
        assert_eq!(problem("http://127.0.0.1:9000/google", before), None);
        for text in
            ["https://www.googleapis.com/calendar/v3", "https://www.googleapis.com/calendar/v3/"]
        {
            assert!(
                problem(text, before).is_some_and(|why| why.contains("must end before")),
                "{text}"
            );
        }
    }
}
