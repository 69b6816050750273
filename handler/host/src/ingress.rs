//! How requests reach the program, and what that says about the client.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, Version, header};
use functions::binding::AuthLevel;
use functions::trigger::Source;

/// How requests reach the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ingress {
    /// Through the Functions host only. It checks keys for functions whose `function.json` requires
    /// one.
    FunctionsHost,
    /// Directly, on the loopback: a request from this machine is a request of its user. With a
    /// public address, a request may also come from a proxy on this machine.
    Loopback,
    /// Directly, on an address that other machines reach.
    Open,
}

impl Ingress {
    /// Whether the request comes from the operator.
    pub fn is_operator(
        self,
        access: AuthLevel,
        public_url: Option<&str>,
        peer: Option<IpAddr>,
        asked: (Version, &HeaderMap),
    ) -> bool {
        match self {
            Self::FunctionsHost => access == AuthLevel::Function,
            Self::Loopback => self.source(public_url, peer, asked) == Source::Local,
            Self::Open => false,
        }
    }

    /// Where a request comes from. Another public address means that a proxy on this machine may
    /// forward requests without a word.
    pub fn source(
        self,
        public_url: Option<&str>,
        peer: Option<IpAddr>,
        asked: (Version, &HeaderMap),
    ) -> Source {
        if self == Self::FunctionsHost {
            Source::FunctionsHost
        } else if public_url.is_none_or(is_loopback_url) && is_local_request(peer, asked) {
            Source::Local
        } else {
            Source::Remote
        }
    }

    /// The name of the host that the client asked for, without the port. The Functions host replaces
    /// `Host`, and sets `X-Forwarded-Host` itself.
    pub fn host_name(self, headers: &HeaderMap) -> Option<String> {
        let asked = match self {
            Self::FunctionsHost => headers.get("x-forwarded-host"),
            Self::Loopback | Self::Open => headers.get(header::HOST),
        };
        asked
            .and_then(|host| host.to_str().ok())
            .map(|host| without_port(host).to_ascii_lowercase())
    }

    /// The address of the client. Azure's front end sends it in `CLIENT-IP`, with a port; elsewhere
    /// it is the address of the peer, which may be a proxy.
    pub fn client(self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        if self != Self::FunctionsHost {
            return peer;
        }
        let named = headers.get("client-ip").and_then(|value| value.to_str().ok())?.trim();
        named.parse().ok().or_else(|| named.parse::<SocketAddr>().ok().map(|address| address.ip()))
    }
}

/// Host names that always mean this machine.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Whether a request comes from this machine and is meant for it: it was not forwarded, and the
/// page of another site did not send it through a DNS name that resolves to this machine.
fn is_local_request(peer: Option<IpAddr>, (version, headers): (Version, &HeaderMap)) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = without_port(host);
    // No browser sends HTTP/1.0, but some proxies do.
    let forwarded =
        version < Version::HTTP_11 || headers.keys().any(|name| is_proxy_header(name.as_str()));
    peer.is_some_and(|peer| peer.is_loopback()) && !forwarded && LOOPBACK.contains(&name)
}

fn without_port(host: &str) -> &str {
    host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|b| b.is_ascii_digit()) { name } else { host }
    })
}

/// Whether only proxies send a header field of this name.
fn is_proxy_header(name: &str) -> bool {
    const NAMES: [&str; 7] = [
        "forwarded",
        "via",
        "x-real-ip",
        "x-client-ip",
        "client-ip",
        "true-client-ip",
        "x-original-url",
    ];
    NAMES.contains(&name)
        || ["x-forwarded-", "x-original-", "cf-", "x-envoy-", "fly-"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// Whether only this machine reaches the host of this URL.
fn is_loopback_url(url: &str) -> bool {
    url::Url::parse(url)
        .is_ok_and(|url| url.host_str().is_some_and(|host| LOOPBACK.contains(&host)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn own(peer: Option<IpAddr>, pairs: &[(&'static str, &'static str)]) -> bool {
        is_local_request(peer, (Version::HTTP_11, &headers(pairs)))
    }

    #[test]
    fn details_are_for_the_machines_own_user() {
        let here = Some("127.0.0.1".parse().unwrap());
        for host in ["127.0.0.1:7071", "localhost:7071", "localhost", "[::1]:7071"] {
            assert!(own(here, &[("host", host)]), "{host}");
        }
        assert!(
            !own(here, &[("host", "calendar.example.org")]),
            "a name server may say that a name is this machine"
        );
        assert!(!own(here, &[("host", "localhost.example.org:7071")]));
        assert!(!own(here, &[]));
        assert!(!own(Some("192.0.2.1".parse().unwrap()), &[("host", "localhost")]));
        assert!(!own(None, &[("host", "localhost")]));
        assert!(
            !is_local_request(here, (Version::HTTP_10, &headers(&[("host", "localhost")]))),
            "a proxy that speaks HTTP/1.0"
        );
    }

    #[test]
    fn what_was_forwarded_is_not_local() {
        let here = Some("127.0.0.1".parse().unwrap());
        for name in [
            "forwarded",
            "via",
            "x-real-ip",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-forwarded-server",
            "x-original-url",
            "cf-connecting-ip",
            "cf-ray",
            "true-client-ip",
        ] {
            assert!(!own(here, &[("host", "localhost"), (name, "192.0.2.1")]), "{name}");
        }
        assert!(own(here, &[("host", "localhost"), ("accept", "*/*"), ("user-agent", "curl")]));
    }

    #[test]
    fn the_address_of_a_client_comes_from_the_ingress() {
        let peer = Some("192.0.2.1".parse().unwrap());
        let named = headers(&[("client-ip", "198.51.100.7:4711")]);
        assert_eq!(Ingress::Open.client(peer, &named), peer, "any client can send it");
        assert_eq!(
            Ingress::FunctionsHost.client(peer, &named),
            Some("198.51.100.7".parse().unwrap())
        );
        for (text, expected) in [
            ("2001:db8::7", Some("2001:db8::7")),
            ("[2001:db8::7]:1", Some("2001:db8::7")),
            ("x", None),
            ("", None),
        ] {
            let named = headers(&[("client-ip", text)]);
            assert_eq!(
                Ingress::FunctionsHost.client(peer, &named),
                expected.map(|address| address.parse().unwrap()),
                "{text}"
            );
        }
        assert_eq!(Ingress::FunctionsHost.client(peer, &headers(&[])), None);
    }

    #[test]
    fn the_operator_is_known_by_the_ingress() {
        let (here, host) =
            (Some("127.0.0.1".parse().unwrap()), headers(&[("host", "localhost:7071")]));
        let asked = (Version::HTTP_11, &host);
        let operators = |front: Ingress, url| {
            [AuthLevel::Anonymous, AuthLevel::Function]
                .map(|access| front.is_operator(access, url, here, asked))
        };
        for (url, is_own) in [
            (None, true),
            (Some("http://127.0.0.1:7071"), true),
            (Some("http://localhost:8080/"), true),
            (Some("https://calendars.example.org"), false),
            (Some("no address"), false),
        ] {
            assert_eq!(operators(Ingress::Loopback, url), [is_own; 2], "{url:?}");
        }
        assert_eq!(operators(Ingress::Open, None), [false, false]);
        assert_eq!(
            operators(Ingress::FunctionsHost, None),
            [false, true],
            "the host forwards all requests from the loopback"
        );
        let away = Some("192.0.2.1".parse().unwrap());
        assert!(
            !Ingress::Loopback.is_operator(AuthLevel::Function, None, away, asked),
            "without the host no key was checked"
        );
    }
}
