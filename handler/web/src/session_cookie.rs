//! The cookie of a session.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use jobs::access::SESSION_LIFETIME;

/// The name: browsers accept the prefix `__Host-` by https only.
fn name(public_url: Option<&str>) -> &'static str {
    if is_https(public_url) { "__Host-session" } else { "calrelay-session" }
}

fn is_https(public_url: Option<&str>) -> bool {
    public_url.is_some_and(|url| url.starts_with("https://"))
}

/// The secret in the cookie. A cookie that is sent twice counts as none: another site may have set
/// one of the two.
pub fn read(headers: &HeaderMap, public_url: Option<&str>) -> Option<String> {
    let name = name(public_url);
    let mut values = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.to_owned()),
        _ => None,
    }
}

/// The header that sets the cookie.
pub fn set(public_url: Option<&str>, secret: &str) -> (HeaderName, HeaderValue) {
    cookie(public_url, secret, SESSION_LIFETIME.as_secs())
}

/// The header that removes the cookie.
pub fn clear(public_url: Option<&str>) -> (HeaderName, HeaderValue) {
    cookie(public_url, "", 0)
}

fn cookie(public_url: Option<&str>, value: &str, seconds: i64) -> (HeaderName, HeaderValue) {
    let secure = if is_https(public_url) { "; Secure" } else { "" };
    let text = format!(
        "{}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={seconds}{secure}",
        name(public_url)
    );
    (header::SET_COOKIE, HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: Option<&str> = Some("https://cal.example.org");

    fn found(public_url: Option<&str>, cookies: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, cookie.parse().unwrap());
        }
        read(&headers, public_url)
    }

    #[test]
    fn the_cookie_is_bound_to_the_host_where_the_browser_can() {
        let set = |url| set(url, "s").1.to_str().unwrap().to_owned();
        assert_eq!(
            set(PUBLIC),
            "__Host-session=s; HttpOnly; SameSite=Lax; Path=/; Max-Age=1209600; Secure"
        );
        assert!(set(None).starts_with("calrelay-session=s;") && !set(None).contains("Secure"));
        assert!(clear(None).1.to_str().unwrap().contains("Max-Age=0"));
    }

    #[test]
    fn a_cookie_that_comes_twice_is_none() {
        assert_eq!(found(PUBLIC, &["a=b; __Host-session=s"]).as_deref(), Some("s"));
        assert_eq!(found(PUBLIC, &["__Host-session=s; __Host-session=t"]), None);
        assert_eq!(found(PUBLIC, &["__Host-session=s", "__Host-session=s"]), None);
        assert_eq!(found(PUBLIC, &["calrelay-session=s"]), None);
        assert_eq!(found(None, &["calrelay-session=s"]).as_deref(), Some("s"));
    }
}
