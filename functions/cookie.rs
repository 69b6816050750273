//! The cookie that binds a consent to the browser that began it.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// How the browser reaches us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// By https, from anywhere.
    Https,
    /// By plain http, on the machine itself: browsers take neither `Secure` nor the prefix
    /// `__Host-` there.
    Loopback,
    /// The same at the port of a command. A browser sends cookies to every port of a host, so that
    /// this one has another name.
    Command,
}

impl Origin {
    /// As the settings have it, and no request: by the public address, or else on the machine
    /// itself.
    pub fn of(public_url: Option<&str>) -> Self {
        if public_url.is_some_and(|url| url.starts_with("https://")) {
            Self::Https
        } else {
            Self::Loopback
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Https => "__Host-oauth",
            Self::Loopback => "calrelay-oauth",
            Self::Command => "calrelay-command",
        }
    }
}

/// The header that sets it, for ten minutes. `Lax`: it has to come along when the provider sends
/// the person back, and in no other request of another site.
pub fn set(origin: Origin, value: &str) -> (HeaderName, HeaderValue) {
    header(origin, value, 600)
}

/// The header that takes it away.
pub fn clear(origin: Origin) -> (HeaderName, HeaderValue) {
    header(origin, "", 0)
}

fn header(origin: Origin, value: &str, seconds: u32) -> (HeaderName, HeaderValue) {
    let secure = if origin == Origin::Https { "; Secure" } else { "" };
    let text = format!(
        "{}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={seconds}{secure}",
        origin.name()
    );
    (header::SET_COOKIE, HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("")))
}

/// Its value. One that stands there twice was planted by somebody, and counts as none.
pub fn get(origin: Origin, headers: &HeaderMap) -> Option<String> {
    let all = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'));
    let mut values = all
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == origin.name())
        .map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(origin: Origin, cookies: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, cookie.parse().unwrap());
        }
        get(origin, &headers)
    }

    #[test]
    fn it_is_bound_as_tightly_as_the_browser_allows() {
        let text = |origin| set(origin, "abc").1.to_str().unwrap().to_owned();
        assert_eq!(
            text(Origin::Https),
            "__Host-oauth=abc; HttpOnly; SameSite=Lax; Path=/; Max-Age=600; Secure"
        );
        assert_eq!(
            text(Origin::Loopback),
            "calrelay-oauth=abc; HttpOnly; SameSite=Lax; Path=/; Max-Age=600"
        );
        assert!(clear(Origin::Https).1.to_str().unwrap().contains("Max-Age=0"));
    }

    #[test]
    fn how_the_browser_reaches_us_stands_in_the_settings() {
        assert_eq!(Origin::of(Some("https://calendars.example.org")), Origin::Https);
        assert_eq!(
            [Origin::of(Some("http://localhost:7071")), Origin::of(None)],
            [Origin::Loopback; 2]
        );
    }

    #[test]
    fn it_is_found_among_others() {
        assert_eq!(read(Origin::Https, &["a=b; __Host-oauth=x-_Y; c"]).as_deref(), Some("x-_Y"));
        assert_eq!(read(Origin::Loopback, &["a=b", "calrelay-oauth=x"]).as_deref(), Some("x"));
        assert_eq!(read(Origin::Loopback, &["__Host-oauth=x"]), None);
        assert_eq!(
            read(Origin::Https, &["calrelay-oauth=x"]),
            None,
            "a cookie without the prefix may be planted by a neighbour"
        );
        assert_eq!(read(Origin::Https, &["__Host-oauth=x; __Host-oauth=x"]), None);
        assert_eq!(read(Origin::Https, &[]), None);
    }
}
