//! The layout of pages: plain text, light and dark colours, no external resources and no scripts.
//!
//! # Properties
//! * A page is one document. Its content security policy allows its own style, by hash, and nothing
//!   else; it cannot be framed.
//! * It offers at most two next steps ([`NextStep`]).
//! * Its texts can hold any characters; they are escaped.

use http::{HeaderName, HeaderValue, StatusCode, header};
use jobs::Error;

use crate::trigger::Response;

/// The style: the fonts of the system, and colours with the contrast of WCAG 2.2, AA.
const STYLE: &str = "\
:root{color-scheme:light dark;font:1.0625rem/1.6 system-ui,sans-serif}\
body{max-width:38rem;margin:0 auto;padding:12vh 1.5rem 3rem;overflow-wrap:break-word}\
header{font-weight:600;color:light-dark(#4a5568,#a9b4c4)}\
h1{font-size:1.75rem;line-height:1.25;margin:.5rem 0 1.25rem}\
p{margin:0 0 1rem}\
code{font:.9375em/1.4 ui-monospace,monospace;padding:.1em \
.35em;border-radius:.25rem;background:light-dark(#eef1f5,#262c36)}\
.way{display:inline-block;margin:.75rem 0 0;padding:.65rem \
1.25rem;border:0;border-radius:.4rem;font:inherit;font-weight:600;\
text-decoration:none;cursor:pointer;color:#fff;background:#1b5fc1}\
.way:hover{background:#174f9f}\
.text{box-sizing:border-box;width:100%;padding:.5rem;border:1px solid \
light-dark(#6b7686,#8b97a8);border-radius:.4rem;font:.9375rem/1.4 ui-monospace,monospace}\
.way:focus-visible{outline:3px solid light-dark(#174f9f,#9cc3ff);outline-offset:3px}";

/// SHA-256 of [`STYLE`].
const STYLE_HASH: &str = "'sha256-7dGZ47t866fnlp6FNeml/FItr1nNeDrQfXobbwhksuo='";

/// Where the buttons of pages may lead.
pub(crate) const FORMS: &str = "'self' https:";

/// What was kept safe, for every consent that failed.
pub(crate) const NOTHING_CONNECTED: &str =
    "Nothing was connected; if the account was connected before, it stays as it was.";

/// What the user can do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep<'a> {
    /// Nothing.
    Nowhere,
    /// Open another page of this service.
    Link {
        /// The text of the element.
        label: &'a str,
        /// The path.
        to: &'a str,
    },
    /// Press a button, which starts an action.
    Button {
        /// The text of the element.
        label: &'a str,
        /// The path of the request.
        to: &'a str,
        /// A hidden field: name and value.
        field: Option<(&'a str, &'a str)>,
    },
    /// Press a button, which opens another page of this service.
    GoOn {
        /// The text of the element.
        label: &'a str,
        /// The path.
        to: &'a str,
        /// A hidden field: name and value.
        field: Option<(&'a str, &'a str)>,
    },
}

/// A text for the reader to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyText<'a> {
    /// What it is.
    pub label: &'a str,
    /// The text.
    pub value: &'a str,
}

/// A page without a next step. Text between two `` ` `` is shown as code.
pub fn page(status: StatusCode, title: &str, paragraphs: &[&str]) -> Response {
    page_with(status, title, paragraphs, NextStep::Nowhere)
}

/// A page with a next step.
pub fn page_with(
    status: StatusCode,
    title: &str,
    paragraphs: &[&str],
    way: NextStep<'_>,
) -> Response {
    page_with_text(status, title, paragraphs, None, way)
}

/// A page with a text to copy and a next step.
pub fn page_with_text(
    status: StatusCode,
    title: &str,
    paragraphs: &[&str],
    text: Option<CopyText<'_>>,
    way: NextStep<'_>,
) -> Response {
    page_with_steps(status, title, paragraphs, text, &[way])
}

/// A page with a text to copy and next steps.
pub fn page_with_steps(
    status: StatusCode,
    title: &str,
    paragraphs: &[&str],
    text: Option<CopyText<'_>>,
    ways: &[NextStep<'_>],
) -> Response {
    let title = escaped(title);
    let words: String =
        paragraphs.iter().map(|words| format!("<p>{}</p>\n", with_code_marks(words))).collect();
    let body = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta \
        name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} - \
         Calrelay</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>Calrelay</header>\n<main>\n<h1>{title}</h1>\n\
         {words}{}{}</main>\n</body>\n</html>\n",
        text.map(copy_text_html).unwrap_or_default(),
        ways.iter().copied().map(next_step_html).collect::<String>()
    );
    let mut response = Response::text(status, body);
    response.content_type = "text/html; charset=utf-8";
    // Browsers apply `form-action` to every redirect, and a provider redirects to the sign-in page
    // of the user's organisation.
    let is_form =
        ways.iter().any(|way| matches!(way, NextStep::Button { .. } | NextStep::GoOn { .. }));
    let forms = if is_form { FORMS } else { "'none'" };
    let policy = format!(
        "default-src 'none'; style-src {STYLE_HASH}; base-uri 'none'; form-action {forms}; \
        frame-ancestors 'none'"
    );
    let policy =
        HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    without_referrer(with_header(response, (header::CONTENT_SECURITY_POLICY, policy)))
}

fn next_step_html(way: NextStep<'_>) -> String {
    match way {
        NextStep::Nowhere => String::new(),
        NextStep::Link { label, to } => {
            format!("<a class=\"way\" href=\"{}\">{}</a>\n", escaped(to), escaped(label))
        }
        NextStep::Button { label, to, field } => form_html("post", label, to, field),
        NextStep::GoOn { label, to, field } => form_html("get", label, to, field),
    }
}

fn copy_text_html(text: CopyText<'_>) -> String {
    format!(
        "<p><label>{}<br><input class=\"text\" readonly value=\"{}\"></label></p>\n",
        escaped(text.label),
        escaped(text.value)
    )
}

fn form_html(method: &str, label: &str, to: &str, field: Option<(&str, &str)>) -> String {
    let field = field.map(|(name, value)| {
        format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escaped(name), escaped(value))
    });
    format!(
        "<form method=\"{method}\" action=\"{}\">{}<button class=\"way\">{}</button></form>\n",
        escaped(to),
        field.unwrap_or_default(),
        escaped(label)
    )
}

/// The page of a failed consent: what the user may know of the error, and the next step.
pub fn consent_failed(error: &Error, way: NextStep<'_>) -> Response {
    use Error as E;
    let provider = |error: &jobs::ProviderError| match error {
        error if error.needs_owner() => StatusCode::FORBIDDEN,
        error if error.is_transient() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let status = match error {
        E::Provider(error) => provider(error),
        E::Request(_) => StatusCode::TOO_MANY_REQUESTS,
        E::Store(_) | E::Vault(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let words = jobs::problem_of_consent(error, NOTHING_CONNECTED).message;
    if is_shown_to_user(error) {
        tracing::info!(%error, "a consent did not lead to an account");
        return page_with(status, "The account was not connected", &[&words], way);
    }
    let id = log_id();
    tracing::error!(id, %error, "a consent did not lead to an account");
    let words = [
        "This calrelay had an internal error. Nothing was connected; if the account was \
        connected before, it stays as it was.",
        &format!("The operator finds what happened in the log, in the line with the id `{id}`."),
    ];
    page_with(status, "The account was not connected", &words, way)
}

/// Whether a page shows this error to the user. All other errors are only logged: their texts name
/// files and settings.
fn is_shown_to_user(error: &Error) -> bool {
    match error {
        Error::Provider(error) => error.needs_owner() || error.is_transient(),
        Error::Request(_) => true,
        _ => false,
    }
}

/// A random id for a line of the log.
pub(crate) fn log_id() -> String {
    jobs::Token::random().map_or_else(|_| "-".to_owned(), |token| token.expose()[..10].to_owned())
}

/// The page of an unknown address.
pub fn not_found() -> Response {
    page(
        StatusCode::NOT_FOUND,
        "There is nothing here",
        &["This version connects accounts in the browser, and no page has this address."],
    )
}

/// Redirects to a provider's page, and sets the cookie of the consent.
pub fn redirect_with_cookie(location: &str, cookie: (HeaderName, HeaderValue)) -> Response {
    with_header(redirect(location), cookie)
}

/// Redirects to another address, without a referrer.
pub fn redirect(location: &str) -> Response {
    match HeaderValue::try_from(location) {
        Ok(location) => without_referrer(with_header(
            Response::text(StatusCode::SEE_OTHER, ""),
            (header::LOCATION, location),
        )),
        Err(_) => not_found(),
    }
}

/// Adds a header.
pub fn with_header(mut response: Response, header: (HeaderName, HeaderValue)) -> Response {
    response.headers.push(header);
    response
}

/// Every host adds `Cache-Control: no-store` and `X-Content-Type-Options: nosniff`.
fn without_referrer(response: Response) -> Response {
    with_header(response, (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
}

/// Escapes a text, and marks text between two `` ` `` as code.
fn with_code_marks(words: &str) -> String {
    let parts: Vec<&str> = words.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escaped(words);
    }
    let part = |(n, part): (usize, &&str)| {
        if n % 2 == 0 { escaped(part) } else { format!("<code>{}</code>", escaped(part)) }
    };
    parts.iter().enumerate().map(part).collect()
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

    fn policy(page: &Response) -> String {
        let found = page.headers.iter().find(|(name, _)| name == header::CONTENT_SECURITY_POLICY);
        found.unwrap().1.to_str().unwrap().to_owned()
    }

    #[test]
    fn words_cannot_become_markup() {
        let evil = "</title><script>x";
        for way in [
            NextStep::Nowhere,
            NextStep::Link { label: evil, to: evil },
            NextStep::Button { label: evil, to: evil, field: Some((evil, evil)) },
        ] {
            let page =
                page_with(StatusCode::OK, evil, &["<img src=x onerror='y'>&\u{0}", "`<b>`"], way);
            assert!(
                !page.body.contains("<script")
                    && !page.body.contains("<img")
                    && !page.body.contains('\u{0}'),
                "{}",
                page.body
            );
            assert!(
                page.body.contains("&lt;img src=x onerror=&#39;y&#39;&gt;&amp;")
                    && page.body.contains("<code>&lt;b&gt;</code>")
            );
            assert!(policy(&page).starts_with("default-src 'none'"));
        }
    }

    #[test]
    fn the_style_is_the_one_that_the_policy_lets_in() {
        use aws_lc_rs::digest::{SHA256, digest};
        let hash = data_encoding::BASE64.encode(digest(&SHA256, STYLE.as_bytes()).as_ref());
        assert_eq!(STYLE_HASH, format!("'sha256-{hash}'"));
        assert!(
            policy(&page(StatusCode::OK, "x", &[])).contains(&format!("style-src {STYLE_HASH};"))
        );
    }

    #[test]
    fn forms_are_sent_where_there_is_one() {
        assert!(policy(&page(StatusCode::OK, "x", &[])).contains("form-action 'none'"));
        let button = NextStep::Button { label: "Go", to: "/x", field: None };
        assert!(
            policy(&page_with(StatusCode::OK, "x", &[], button))
                .contains("form-action 'self' https:;")
        );
    }

    #[test]
    fn code_is_marked_by_backticks() {
        assert_eq!(with_code_marks("Run `a b` now"), "Run <code>a b</code> now");
        assert_eq!(with_code_marks("`a`"), "<code>a</code>");
        assert_eq!(with_code_marks("one ` alone"), "one ` alone");
    }

    #[test]
    fn no_page_sends_a_referrer() {
        for response in [
            page(StatusCode::OK, "x", &[]),
            redirect("/"),
            not_found(),
            consent_failed(&Error::SuspiciousEmpty, NextStep::Nowhere),
        ] {
            assert!(
                response
                    .headers
                    .iter()
                    .any(|(name, value)| name == header::REFERRER_POLICY && value == "no-referrer")
            );
        }
    }

    #[test]
    fn whose_fault_it_was_shows_in_the_status() {
        use jobs::ProviderError as P;
        let status =
            |error: P| consent_failed(&Error::Provider(error), NextStep::Nowhere).status.as_u16();
        assert_eq!(status(P::Consent("tick both".into())), 403);
        assert_eq!(status(P::Unreachable("x".into())), 503);
        assert_eq!(status(P::Misconfigured("x".into())), 500);
        let page =
            consent_failed(&Error::Provider(P::Consent("tick both".into())), NextStep::Nowhere);
        assert!(page.body.contains("Tick both. Nothing was connected"), "{}", page.body);
        for error in [
            Error::Vault(jobs::VaultError::KeyFile(
                "the key file /home/anna/vault.key is damaged".into(),
            )),
            Error::Provider(P::Misconfigured("set GOOGLE_CLIENT_ID".into())),
            Error::Damaged("the row account:a1".into()),
        ] {
            let [one, other] = [0, 1].map(|_| consent_failed(&error, NextStep::Nowhere).body);
            assert!(
                !one.contains("anna")
                    && !one.contains("GOOGLE")
                    && !one.contains("a1")
                    && one.contains("in the log"),
                "{one}"
            );
            assert_ne!(one, other, "each has an id of its own");
        }
    }

    #[test]
    fn a_location_cannot_bring_a_header_with_it() {
        assert_eq!(redirect("/x\r\nset-cookie: y").status, StatusCode::NOT_FOUND);
    }
}
