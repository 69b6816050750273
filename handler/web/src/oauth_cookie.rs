//! The cookie that binds a consent to the browser that started it.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// How the browser reaches this service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieScope {
    /// By https.
    Https,
    /// By plain http, on the machine itself: browsers accept neither `Secure` nor the prefix
    /// `__Host-` there.
    Loopback,
    /// By plain http, at the port of a command. A browser sends cookies to every port of a host, so
    /// this cookie has a name of its own.
    Command,
}

impl CookieScope {
    /// Taken from the settings, never from a request.
    pub fn from_public_url(public_url: Option<&str>) -> Self {
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

/// The header that sets the cookie, for ten minutes. `Lax`: the browser sends it when the provider
/// redirects back, and with no other request from another site.
pub fn set(origin: CookieScope, value: &str) -> (HeaderName, HeaderValue) {
    header(origin, value, 600)
}

/// The header that removes the cookie.
pub fn clear(origin: CookieScope) -> (HeaderName, HeaderValue) {
    header(origin, "", 0)
}

fn header(origin: CookieScope, value: &str, seconds: u32) -> (HeaderName, HeaderValue) {
    let secure = if origin == CookieScope::Https { "; Secure" } else { "" };
    let text = format!(
        "{}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={seconds}{secure}",
        origin.name()
    );
    (header::SET_COOKIE, HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("")))
}

/// The value of the cookie. A cookie that is sent twice counts as none: another site may have set
/// one of the two.
pub fn get(origin: CookieScope, headers: &HeaderMap) -> Option<String> {
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

    fn read(origin: CookieScope, cookies: &[&str]) -> Option<String> {
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
            text(CookieScope::Https),
            "__Host-oauth=abc; HttpOnly; SameSite=Lax; Path=/; Max-Age=600; Secure"
        );
        assert_eq!(
            text(CookieScope::Loopback),
            "calrelay-oauth=abc; HttpOnly; SameSite=Lax; Path=/; Max-Age=600"
        );
        assert!(clear(CookieScope::Https).1.to_str().unwrap().contains("Max-Age=0"));
    }

    #[test]
    fn the_scope_comes_from_the_settings() {
        assert_eq!(
            CookieScope::from_public_url(Some("https://calendars.example.org")),
            CookieScope::Https
        );
        assert_eq!(
            [
                CookieScope::from_public_url(Some("http://localhost:7071")),
                CookieScope::from_public_url(None)
            ],
            [CookieScope::Loopback; 2]
        );
    }

    #[test]
    fn it_is_found_among_others() {
        assert_eq!(
            read(CookieScope::Https, &["a=b; __Host-oauth=x-_Y; c"]).as_deref(),
            Some("x-_Y")
        );
        assert_eq!(read(CookieScope::Loopback, &["a=b", "calrelay-oauth=x"]).as_deref(), Some("x"));
        assert_eq!(read(CookieScope::Loopback, &["__Host-oauth=x"]), None);
        assert_eq!(
            read(CookieScope::Https, &["calrelay-oauth=x"]),
            None,
            "another site of the domain may set a cookie without the prefix"
        );
        assert_eq!(read(CookieScope::Https, &["__Host-oauth=x; __Host-oauth=x"]), None);
        assert_eq!(read(CookieScope::Https, &[]), None);
    }
}
