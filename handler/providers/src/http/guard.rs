//! Which addresses may be reached: the guard against a URL that makes the server ask its own
//! network (SSRF, requirement I9).
//!
//! An address is checked twice, because a literal never passes the resolver:
//! [`AddressPolicy::check`] looks at the URL (scheme, port, user info, and a host written as an
//! address in any spelling, since `url::Host` has normalised `127.1`, `0x7f.1` and `2130706433`
//! before the check); [`Resolver`] looks at every address that a name has, at the moment of
//! connecting, so that a name cannot change to another address in between. Both apply to every hop
//! of a redirect.
//!
//! Plain `http` goes to loopback and private addresses only, wherever it goes at all: no password
//! crosses the internet in the clear (requirement S7).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::{Error, Result};

/// Ports that a server in the world may be reached on.
const PUBLIC_PORTS: [u16; 2] = [443, 8443];

/// Which addresses may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct AddressPolicy {
    /// Loopback and private addresses, on any port, there also over plain `http`. For a program
    /// that works for the person at its own machine; never for one that takes addresses from
    /// strangers.
    pub allow_private: bool,
}

impl AddressPolicy {
    /// Checks an address before it is used.
    ///
    /// # Errors
    /// [`Error::Address`] or [`Error::NotPublic`], saying what is wrong with it.
    pub fn check(self, url: &Url) -> Result<()> {
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("it carries a user name or password; give those separately");
        }
        let plain = match url.scheme() {
            "https" => false,
            "http" if self.allow_private => true,
            "http" => {
                return Err(Error::NotPublic(
                    "it begins with http://, and a password is only sent over https://".into(),
                ));
            }
            _ => return refuse("it must begin with https://"),
        };
        let port = url.port_or_known_default().unwrap_or(0);
        if port == 0 || (!self.allow_private && !PUBLIC_PORTS.contains(&port)) {
            let why =
                format!("port {port} is not one that calendar servers use; 443 and 8443 are taken");
            return Err(if port == 0 { Error::Address(why) } else { Error::NotPublic(why) });
        }
        let address = match url.host() {
            None => return refuse("it has no host"),
            Some(Host::Domain(_)) => return Ok(()),
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
        };
        let reach = if plain { AddressSet::PrivateOnly } else { self.reach() };
        if reach.admits(address) {
            Ok(())
        } else {
            Err(Forbidden::new(reach, address.to_string(), [address]).error())
        }
    }

    pub(super) fn reach(self) -> AddressSet {
        if self.allow_private { AddressSet::Anywhere } else { AddressSet::PublicOnly }
    }
}

fn refuse(why: impl Into<String>) -> Result<()> {
    Err(Error::Address(why.into()))
}

/// A set of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AddressSet {
    /// The internet.
    PublicOnly,
    /// Loopback and private networks.
    PrivateOnly,
    /// Both.
    Anywhere,
}

impl AddressSet {
    fn admits(self, address: IpAddr) -> bool {
        match kind(address) {
            AddressKind::Public => self != Self::PrivateOnly,
            AddressKind::Private => self != Self::PublicOnly,
            AddressKind::Never => false,
        }
    }
}

/// What an address is, for our purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AddressKind {
    Public,
    /// Loopback, private use, shared address space.
    Private,
    /// Link-local (cloud metadata lives there), multicast, unspecified, reserved, and the metadata
    /// services that live elsewhere.
    Never,
}

/// Metadata and platform services outside the link-local range.
const PLATFORM_V4: [Ipv4Addr; 2] =
    [Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(100, 100, 100, 200)];
const PLATFORM_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

fn kind(address: IpAddr) -> AddressKind {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

/// By the registry of special-purpose addresses (RFC 6890 and its updates).
fn kind_v4(address: Ipv4Addr) -> AddressKind {
    let [a, b, c, _] = address.octets();
    if PLATFORM_V4.contains(&address) {
        return AddressKind::Never;
    }
    match (a, b, c) {
        (127 | 10, ..) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) => {
            AddressKind::Private
        }
        (0, ..)
        | (169, 254, _)
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 18..=19, _)
        | (198, 51, 100)
        | (203, 0, 113) => AddressKind::Never,
        (224..=255, ..) => AddressKind::Never,
        _ => AddressKind::Public,
    }
}

fn kind_v6(address: Ipv6Addr) -> AddressKind {
    if address == PLATFORM_V6 || address.is_unspecified() {
        return AddressKind::Never;
    }
    if address.is_loopback() {
        return AddressKind::Private;
    }
    if let Some(inner) = embedded(address) {
        return kind_v4(inner);
    }
    match address.segments() {
        [0xfc00..=0xfdff, ..] => AddressKind::Private,
        // Documentation, discard-only, Teredo, ORCHID: nothing that a calendar server has.
        [0x2001, 0x0db8 | 0x0000 | 0x0010..=0x002f, ..] | [0x3fff, 0x0000..=0x0fff, ..] => {
            AddressKind::Never
        }
        [0x2000..=0x3fff, ..] => AddressKind::Public,
        _ => AddressKind::Never,
    }
}

/// The IPv4 address that an IPv6 address contains: mapped and compatible (RFC 4291), NAT64 (RFC
/// 6052, RFC 8215), 6to4 (RFC 3056).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => Some(v4(s[6], s[7])),
        [0x64, 0xff9b, 0 | 1, ..] => Some(v4(s[6], s[7])),
        [0x2002, ..] => Some(v4(s[1], s[2])),
        _ => None,
    }
}

/// A name or literal led to an address that may not be reached.
#[derive(Debug)]
pub(super) struct Forbidden {
    /// What could have been reached; [`AddressSet::Anywhere`] where no setting would help.
    reach: AddressSet,
    host: String,
}

impl Forbidden {
    fn new(reach: AddressSet, host: String, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let hopeless = addresses.into_iter().all(|address| kind(address) == AddressKind::Never);
        Self { reach: if hopeless { AddressSet::Anywhere } else { reach }, host }
    }

    /// The error for the caller.
    pub(super) fn error(&self) -> Error {
        match self.reach {
            AddressSet::PublicOnly => Error::NotPublic(self.to_string()),
            AddressSet::PrivateOnly | AddressSet::Anywhere => Error::Address(self.to_string()),
        }
    }
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = &self.host;
        match self.reach {
            AddressSet::PublicOnly => write!(f, "{host} is not on the public internet"),
            AddressSet::PrivateOnly => write!(
                f,
                "{host} is not on this machine or a private network, so it needs https://"
            ),
            AddressSet::Anywhere => write!(f, "{host} is an address that no calendar server has"),
        }
    }
}

impl std::error::Error for Forbidden {}

/// Resolves names with the system's resolver and keeps only addresses within reach.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolver {
    reach: AddressSet,
}

impl Resolver {
    pub(super) fn new(reach: AddressSet) -> Self {
        Self { reach }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach;
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let within: Vec<SocketAddr> =
                found.iter().copied().filter(|address| reach.admits(address.ip())).collect();
            if within.is_empty() {
                let forbidden = Forbidden::new(
                    reach,
                    name.as_str().to_owned(),
                    found.iter().map(SocketAddr::ip),
                );
                return Err(Box::new(forbidden) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(within.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(allow_private: bool, url: &str) -> bool {
        AddressPolicy { allow_private }.check(&Url::parse(url).unwrap()).is_ok()
    }

    #[test]
    fn private_addresses_are_refused_in_every_spelling() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.1",
            "017700000001",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::127.0.0.1]",
            "10.0.0.1",
            "172.16.3.4",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "169.254.169.254",
            "[fe80::1]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "0.0.0.0",
            "[::]",
            "224.0.0.1",
            "255.255.255.255",
            "[ff02::1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::a00:1]",
            "[2002:7f00:1::]",
            "[2002:a9fe:a9fe::1]",
            "[::ffff:0:7f00:1]",
            "168.63.129.16",
            "198.18.0.1",
            "[2001:db8::1]",
            "[2001::1]",
            "[fec0::1]",
        ] {
            assert!(!check(false, &format!("https://{host}/")), "{host}");
        }
    }

    #[test]
    fn public_addresses_pass() {
        for host in [
            "93.184.215.14",
            "[2606:2800:21f::1]",
            "calendar.example.org",
            "172.32.0.1",
            "100.128.0.1",
            "[64:ff9b::808:808]",
        ] {
            assert!(check(false, &format!("https://{host}/dav/")), "{host}");
        }
    }

    #[test]
    fn scheme_port_and_user_info() {
        assert!(check(false, "https://example.org:8443/"));
        assert!(!check(false, "https://example.org:22/"));
        assert!(!check(false, "http://example.org/"));
        assert!(!check(false, "https://someone:secret@example.org/"));
        assert!(!check(false, "ftp://example.org/"));
        assert!(!check(true, "file:///etc/passwd"));
    }

    #[test]
    fn only_what_the_settings_may_allow_is_said_to_be_not_public() {
        let closed = AddressPolicy { allow_private: false };
        for (url, is_not_public) in [
            ("https://127.0.0.1/", true),
            ("http://192.168.1.1/", true),
            ("https://nas.example:5001/", true),
            ("https://someone:secret@example.org/", false),
            ("ftp://example.org/", false),
            ("https://169.254.169.254/", false),
        ] {
            let error = closed.check(&Url::parse(url).unwrap()).unwrap_err();
            assert_eq!(matches!(error, Error::NotPublic(_)), is_not_public, "{url}: {error:?}");
        }
    }

    #[test]
    fn private_access_opens_the_private_network_and_nothing_else() {
        assert!(check(true, "http://127.0.0.1:5232/"));
        assert!(check(true, "http://192.168.1.10/dav"));
        assert!(check(true, "https://10.1.2.3:9000/"));
        assert!(check(true, "https://93.184.215.14:9443/"));
        assert!(
            !check(true, "http://93.184.215.14/"),
            "no password in the clear over the internet"
        );
        for host in [
            "169.254.169.254",
            "0.0.0.0",
            "[fd00:ec2::254]",
            "168.63.129.16",
            "[::ffff:169.254.169.254]",
        ] {
            assert!(!check(true, &format!("http://{host}/")), "{host}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_when_it_is_resolved() {
        let resolve =
            |reach| async move { Resolver::new(reach).resolve("localhost".parse().unwrap()).await };
        let refused = resolve(AddressSet::PublicOnly).await.err().expect("localhost is not public");
        assert!(refused.downcast_ref::<Forbidden>().is_some());
        assert!(
            resolve(AddressSet::PrivateOnly).await.expect("localhost is private").next().is_some()
        );
    }
}
