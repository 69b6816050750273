//! Pages for a person in the middle of something: plain words, no script, no style, nothing loaded, no way out.

use http::{HeaderName, HeaderValue, StatusCode, header};
use jobs::Error;
use jobs::report::Problem;

use crate::trigger::Response;

const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A page. Its words may hold anything; they are shown as they are.
pub fn page(status: StatusCode, title: &str, paragraphs: &[&str]) -> Response {
    let title = escaped(title);
    let words: String = paragraphs.iter().map(|words| format!("<p>{}</p>\n", escaped(words))).collect();
    let body = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} - Calrelay</title>\n</head>\n<body>\n<h1>{title}</h1>\n{words}</body>\n</html>\n"
    );
    let mut response = Response::text(status, body);
    response.content_type = "text/html; charset=utf-8";
    private(with(response, (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))))
}

/// What went wrong with a consent, as far as it is the person's to know.
pub fn failed(error: &Error) -> Response {
    use Error as E;
    let provider = |error: &jobs::ProviderError| match error {
        jobs::ProviderError::Consent(_) | jobs::ProviderError::Unauthorized => StatusCode::FORBIDDEN,
        error if error.is_transient() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let status = match error {
        E::Provider(error) => provider(error),
        E::Request(_) => StatusCode::TOO_MANY_REQUESTS,
        E::Store(_) | E::Vault(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let words = Problem::keeping(error, "Nothing was connected; if the account was connected before, it stays as it was.").message;
    page(status, "The account was not connected", &[&words])
}

/// There is nothing under this address.
pub fn not_here() -> Response {
    page(StatusCode::NOT_FOUND, "There is nothing here", &["This version connects Google accounts in the browser, and no others."])
}

/// To a provider's page, with a cookie to come back with.
pub fn away(location: &str, cookie: (HeaderName, HeaderValue)) -> Response {
    with(leave(location), cookie)
}

/// To another address. Nobody there is told where the person comes from.
pub fn leave(location: &str) -> Response {
    match HeaderValue::try_from(location) {
        Ok(location) => private(with(Response::text(StatusCode::SEE_OTHER, ""), (header::LOCATION, location))),
        Err(_) => not_here(),
    }
}

/// With one more header.
pub fn with(mut response: Response, header: (HeaderName, HeaderValue)) -> Response {
    response.headers.push(header);
    response
}

/// Every host adds `Cache-Control: no-store`.
fn private(response: Response) -> Response {
    with(response, (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cannot_become_markup() {
        let page = page(StatusCode::OK, "</title><script>x", &["<img src=x onerror='y'>&\u{0}"]);
        assert!(!page.body.contains("<script") && !page.body.contains("<img") && !page.body.contains('\u{0}'), "{}", page.body);
        assert!(page.body.contains("&lt;img src=x onerror=&#39;y&#39;&gt;&amp;"));
        let policy = page.headers.iter().find(|(name, _)| name == header::CONTENT_SECURITY_POLICY).unwrap();
        assert!(policy.1.to_str().unwrap().starts_with("default-src 'none'"));
    }

    #[test]
    fn nobody_is_told_where_a_person_comes_from() {
        for response in [page(StatusCode::OK, "x", &[]), leave("/"), not_here(), failed(&Error::SuspiciousEmpty)] {
            assert!(response.headers.iter().any(|(name, value)| name == header::REFERRER_POLICY && value == "no-referrer"));
        }
    }

    #[test]
    fn whose_fault_it_was_shows_in_the_status() {
        use jobs::ProviderError as P;
        let status = |error: P| failed(&Error::Provider(error)).status.as_u16();
        assert_eq!(status(P::Consent("tick both".into())), 403);
        assert_eq!(status(P::Unreachable("x".into())), 503);
        assert_eq!(status(P::Misconfigured("x".into())), 500);
        let page = failed(&Error::Provider(P::Consent("tick both".into())));
        assert!(page.body.contains("Tick both. Nothing was connected"), "{}", page.body);
    }

    #[test]
    fn a_location_cannot_bring_a_header_with_it() {
        assert_eq!(leave("/x\r\nset-cookie: y").status, StatusCode::NOT_FOUND);
    }
}
