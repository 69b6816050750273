//! Which addresses lead into a conference.

use std::sync::LazyLock;

use regex::Regex;

/// Hosts of conference services; their subdomains count too.
pub(super) const HOSTS: [&str; 20] = [
    "meet.google.com",
    "tel.meet",
    "teams.microsoft.com",
    "teams.live.com",
    "meet.lync.com",
    "join.skype.com",
    "zoom.us",
    "zoom.com",
    "zoomgov.com",
    "zoomcrc.com",
    "webex.com",
    "gotomeeting.com",
    "meet.goto.com",
    "gotomeet.me",
    "bluejeans.com",
    "whereby.com",
    "meet.jit.si",
    "8x8.vc",
    "chime.aws",
    "facetime.apple.com",
];

/// Hosts of link shorteners, of which only one path leads into a conference.
pub(super) const PATHS: [(&str, &str); 2] = [("g.co", "/meet"), ("aka.ms", "/jointeamsmeeting")];

/// What a dial-in URI counts as (RFC 3966).
pub(super) const DIAL_IN: &str = "tel:";

/// How often a percent-encoded address may be wrapped into another.
const WRAPPINGS: usize = 4;

static TEL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)(?:^|[^\pL\pN])tel:\+?\d").expect("a constant pattern"));

/// The listed host that `word` leads to, or [`DIAL_IN`]; `None` if it leads elsewhere.
///
/// Every host name in the word is tested, and again after each of a few rounds of percent-decoding:
/// so a link that was wrapped by a mail filter or a redirect (`…/?url=https%3A%2F%2F…`,
/// `…/url?q=…`, `…/v3/__https://…__`) is recognised whichever service wrapped it.
pub(super) fn conference_of(word: &str) -> Option<&'static str> {
    if TEL.is_match(word) {
        return Some(DIAL_IN);
    }
    let mut bytes = word.as_bytes().to_ascii_lowercase();
    for _ in 0..WRAPPINGS {
        if let Some(host) = listed(&bytes) {
            return Some(host);
        }
        bytes = decoded(&bytes)?;
    }
    listed(&bytes)
}

/// The first listed host among the host names in `bytes`, which are in lower case.
fn listed(bytes: &[u8]) -> Option<&'static str> {
    let in_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'.';
    let mut rest = bytes;
    while let Some(start) = rest.iter().position(in_name) {
        rest = &rest[start..];
        let (name, after) =
            rest.split_at(rest.iter().position(|b| !in_name(b)).unwrap_or(rest.len()));
        if let Some(host) = host_of(name, after) {
            return Some(host);
        }
        rest = after;
    }
    None
}

/// The listed host that `name` is or lies below; `after` is what follows it.
fn host_of(name: &[u8], after: &[u8]) -> Option<&'static str> {
    let name = std::str::from_utf8(name).ok()?.trim_matches(['.', '-']);
    let below = |host: &str| {
        name.strip_suffix(host).is_some_and(|sub| sub.is_empty() || sub.ends_with('.'))
    };
    let leads_to = |path: &str| {
        after.strip_prefix(path.as_bytes()).is_some_and(|end| {
            !end.first().is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'-')
        })
    };
    HOSTS.into_iter().find(|host| below(host)).or_else(|| {
        PATHS.into_iter().find(|(host, path)| below(host) && leads_to(path)).map(|(host, _)| host)
    })
}

/// `bytes` percent-decoded once, in lower case; `None` if nothing was encoded.
fn decoded(bytes: &[u8]) -> Option<Vec<u8>> {
    let digit = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                // Two hexadecimal digits are at most 255.
                out.push(((high << 4 | low) as u8).to_ascii_lowercase());
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    (out.len() < bytes.len()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_subdomains_are_listed_and_lookalikes_are_not() {
        for word in [
            "https://zoom.us/j/1",
            "HTTPS://US02WEB.ZOOM.US/j/1",
            "zoom.us",
            "meet.google.com/abc-defg-hij",
            "https://teams.microsoft.com:443/l/x",
            "https://dialin.teams.microsoft.com/x",
            "12345@example.webex.com",
            "https://g.co/meet/team",
            "https://aka.ms/JoinTeamsMeeting?omkt=et",
            "tel:+3726000000,,1#",
        ] {
            assert!(conference_of(word).is_some(), "{word}");
        }
        for word in [
            "https://notzoom.us/j/1",
            "https://zoom.us.example.org/",
            "https://example.org/zoom.us-review",
            "https://g.co/maps",
            "https://g.co/meetings",
            "https://aka.ms/other",
            "https://google.com/url?q=https://example.org",
            "hotel:5",
            "Tel:",
            "microsoft.com",
        ] {
            assert!(conference_of(word).is_none(), "{word}");
        }
    }

    #[test]
    fn wrapped_links_are_seen_through() {
        for word in [
            "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fteams.microsoft.com%2Fl%2Fmeetup-join%2Fx&data=05%7C02",
            "https://www.google.com/url?q=https://zoom.us/j/1&sa=D",
            "https://urldefense.com/v3/__https://example.webex.com/meet/x__;!!abc",
            "https://urldefense.proofpoint.com/v2/url?u=https-3A__zoom.us_j_1&d=DwMF",
            "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fwww.google.com%2Furl%3Fq%3Dhttps%253A%252F%252Fzoom.us%252Fj%252F1",
        ] {
            assert!(conference_of(word).is_some(), "{word}");
        }
        assert!(
            conference_of(
                "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fexample.org%2F"
            )
            .is_none()
        );
        assert!(conference_of("%%%2").is_none());
    }
}
