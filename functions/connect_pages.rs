//! The pages of `connect`: they start a consent at a provider.
//!
//! Users cannot sign in yet. Who may start a consent depends on the settings, never on a claim of
//! the request:
//! * Without a public address it is the machine's own user, by a `GET`. Where an administrator may
//!   have to agree first, a page says so before the request.
//! * With a public address it is a user with a link from the operator (`jobs::consent::invite`). A
//!   `GET` explains the link and changes nothing, so programs that preview links do not use it up;
//!   the `POST` of its button starts the consent. Requests from the machine itself have no special
//!   rights then, since a proxy on it forwards the requests of all clients.

use http::{HeaderMap, Method, StatusCode, header};
use jobs::Error;
use jobs::Services;
use jobs::consent;
use jobs::consent::ConsentError;
use jobs::consent::ProviderKind;
use jobs::consent::parse_ticket;

use crate::cookie::{self, CookieScope};
use crate::form_origin::with_form_origin;
use crate::page::{self, NextStep};
use crate::trigger::{HttpTrigger, Response};
use web::consent_words::{self, ConsentWords};
use web::form_target;

/// The field of the button on the page before the request, in the query of a `GET`.
const ASKED: (&str, &str) = ("continue", "yes");

/// Answers a request to `connect`.
pub async fn answer(services: &Services, request: HttpTrigger) -> Response {
    let Some((kind, words)) = consent_words::in_path(request.uri.path()) else {
        return page::not_found();
    };
    let response = page_for(services, kind, words, request).await;
    with_form_origin(response, form_target::cleartext_origin(services, kind).as_deref())
}

async fn page_for(
    services: &Services,
    kind: ProviderKind,
    words: &ConsentWords,
    request: HttpTrigger,
) -> Response {
    match (&services.setup.public_url, request.method == Method::POST) {
        (None, false) => start_for_local_operator(services, kind, words, &request).await,
        (Some(public), false) => invitation_page(public, words, &request),
        (Some(public), true) => accept_invitation(services, kind, words, public, &request).await,
        (None, true) => use_command_line_page(words),
    }
}

/// The next step after an answer that connected nothing; none where no consent can begin.
pub fn retry_step(services: &Services, words: &ConsentWords) -> NextStep<'static> {
    let (label, to) = ("Try again", words.start);
    let is_possible =
        consent_words::in_path(to).is_some_and(|(kind, _)| is_registered(services, kind));
    match services.setup.public_url {
        _ if !is_possible => NextStep::Nowhere,
        Some(_) => NextStep::Button { label, to, field: None },
        None if words.is_explained_always => NextStep::GoOn { label, to, field: Some(ASKED) },
        None => NextStep::Link { label, to },
    }
}

/// The address to which the provider's answer comes. Without a public address it has the name under
/// which the operator of this machine has opened the page.
pub fn redirect_address(services: &Services, words: &ConsentWords, headers: &HeaderMap) -> String {
    match &services.setup.public_url {
        Some(public) => format!("{public}{}", words.callback),
        None => format!("http://{}{}", host(headers), words.callback),
    }
}

/// A link to connect an account, where the reader is the operator of this machine and a provider
/// can be asked for consent.
pub fn offer(services: &Services, request: &HttpTrigger) -> NextStep<'static> {
    let is_local = request.operator && services.setup.public_url.is_none();
    let mut offered =
        consent_words::all().filter(|(kind, _)| is_local && is_registered(services, *kind));
    match offered.next() {
        Some((_, words)) => NextStep::Link { label: words.offer, to: words.start },
        None => NextStep::Nowhere,
    }
}

/// The name of this service in the request.
fn host(headers: &HeaderMap) -> &str {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1")
}

/// The same port under the name `localhost`, where the provider takes no other name and the request
/// has another one.
fn localhost_instead(kind: ProviderKind, host: &str) -> Option<String> {
    let authority: http::uri::Authority = host.parse().ok()?;
    if !kind.oauth_facts()?.redirects_to_localhost
        || authority.host().eq_ignore_ascii_case("localhost")
    {
        return None;
    }
    Some(match authority.port_u16() {
        Some(port) => format!("localhost:{port}"),
        None => "localhost".to_owned(),
    })
}

/// Whether calrelay has a client that may ask this provider for consent.
fn is_registered(services: &Services, kind: ProviderKind) -> bool {
    services.connect.consents(kind).is_ok()
}

/// The page of a consent that could not begin.
fn not_begun_page(
    services: &Services,
    (kind, words): (ProviderKind, &ConsentWords),
    error: &Error,
) -> Response {
    if is_registered(services, kind) {
        return page::consent_failed(error, NextStep::Nowhere);
    }
    tracing::warn!(%error, "a consent could not begin");
    let name = words.name;
    // A guest needs no names of settings.
    let next = match services.setup.public_url {
        Some(_) => {
            "The operator of this calrelay has to register it. This link stays valid until \
        its half hour is over."
        }
        None => {
            let setting = name.to_ascii_uppercase();
            &format!(
                "Register a client with {name}, and start calrelay again with its \
                `{setting}_CLIENT_ID` and `{setting}_CLIENT_SECRET`. `calrelay doctor` checks them."
            )
        }
    };
    page::page(
        StatusCode::SERVICE_UNAVAILABLE,
        &format!("This calrelay cannot ask {name}"),
        &[
            &format!(
                "It is not registered with {name}: it has no OAuth client. Nothing was started, \
                and nothing was changed."
            ),
            next,
        ],
    )
}

async fn start_for_local_operator(
    services: &Services,
    kind: ProviderKind,
    words: &ConsentWords,
    request: &HttpTrigger,
) -> Response {
    if !request.operator {
        return use_command_line_page(words);
    }
    // An operator uses one of the names of the loopback. The answer has to use this name too: the
    // browser keeps the cookie for it only.
    let host = host(&request.headers);
    if let Some(other) = localhost_instead(kind, host) {
        return page::redirect(&format!("http://{other}{}", words.start));
    }
    let asked = format!("{}={}", ASKED.0, ASKED.1);
    if words.is_explained_always && request.uri.query() != Some(&asked) {
        let go = NextStep::GoOn { label: words.go, to: words.start, field: Some(ASKED) };
        return page::page_with(StatusCode::OK, words.title, words.explained, go);
    }
    if !is_same_origin(&request.headers, &format!("http://{host}")) {
        return cross_site_page(words);
    }
    let cookie = cookie::get(CookieScope::Loopback, &request.headers);
    match consent::begin(
        &services.local(),
        kind,
        &format!("http://{host}{}", words.callback),
        cookie.as_deref(),
    )
    .await
    {
        Ok(begun) => page::redirect_with_cookie(
            &begun.location,
            cookie::set(CookieScope::Loopback, begun.browser.expose()),
        ),
        Err(error) => not_begun_page(services, (kind, words), &error),
    }
}

fn invitation_page(public: &str, words: &ConsentWords, request: &HttpTrigger) -> Response {
    let Some(ticket) = parse_ticket(request.uri.query().unwrap_or_default().as_bytes()) else {
        return use_command_line_page(words);
    };
    let host = public.split_once("://").map_or(public, |(_, host)| host);
    let sender = format!(
        "The operator of the calrelay at {host} has sent you this link. If you did not \
        expect one, close this page: nothing has happened."
    );
    let paragraphs: Vec<&str> =
        [sender.as_str()].into_iter().chain(words.explained.iter().copied()).collect();
    page::page_with(
        StatusCode::OK,
        words.title,
        &paragraphs,
        NextStep::Button {
            label: words.go,
            to: words.start,
            field: Some(("ticket", ticket.expose())),
        },
    )
}

async fn accept_invitation(
    services: &Services,
    kind: ProviderKind,
    words: &ConsentWords,
    public: &str,
    request: &HttpTrigger,
) -> Response {
    if !is_same_origin(&request.headers, public) {
        return cross_site_page(words);
    }
    let origin = CookieScope::from_public_url(Some(public));
    let (ticket, cookie) = (parse_ticket(&request.body), cookie::get(origin, &request.headers));
    let redirect = format!("{public}{}", words.callback);
    match consent::accept(
        &services.local(),
        kind,
        &redirect,
        ticket.as_ref(),
        cookie.as_deref(),
        request.client_address,
    )
    .await
    {
        Ok(begun) => {
            page::redirect_with_cookie(&begun.location, cookie::set(origin, begun.browser.expose()))
        }
        Err(ConsentError::Unknown) => page::page(
            StatusCode::GONE,
            "This link cannot be used any more",
            &[
                "It was used already, in another browser perhaps, or it is older than half an \
                hour.",
                "Nothing was started, and nothing was changed. Ask the operator who sent it for \
                another one.",
            ],
        ),
        Err(ConsentError::Failed(error)) => not_begun_page(services, (kind, words), &error),
    }
}

fn use_command_line_page(words: &ConsentWords) -> Response {
    let (name, command) = (words.name, words.command);
    page::page(
        StatusCode::FORBIDDEN,
        "Accounts are connected on the command line",
        &[
            &format!(
                "Signing in here is not possible yet, so this address alone does not lead to \
                {name}. Nothing was changed."
            ),
            &format!(
                "The operator of this calrelay connects accounts with `{command}`, or makes a \
                link for this page with `{command} --link`."
            ),
            "For a calrelay in Azure the same commands are run with its settings, \
            `CALRELAY_STORE=azure` among them.",
        ],
    )
}

fn cross_site_page(words: &ConsentWords) -> Response {
    page::page(
        StatusCode::FORBIDDEN,
        "Another page sent you here",
        &[&format!(
            "Nothing was started. If you want to connect an account, open this address yourself, \
            or run `{}`.",
            words.command
        )],
    )
}

/// Whether the request was not started by a page of another site (Fetch Metadata; without it,
/// `Origin`). A request without both is accepted: the provider asks for consent anyway.
fn is_same_origin(headers: &HeaderMap, own: &str) -> bool {
    match (headers.get("sec-fetch-site"), headers.get(header::ORIGIN)) {
        (Some(site), _) => site == "none" || site == "same-origin",
        (None, Some(origin)) => {
            origin.to_str().is_ok_and(|origin| origin.eq_ignore_ascii_case(own))
        }
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_started_by_another_site_are_refused() {
        let own = "https://calendars.example.org";
        for (fields, expected) in [
            (&[][..], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("origin", "https://calendars.example.org")], true),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "https://calendars.example.org.evil.example")], false),
            (&[("origin", "null")], false),
            // A form without a referrer has the origin "null"; Fetch Metadata then decides.
            (&[("origin", "null"), ("sec-fetch-site", "same-origin")], true),
        ] {
            let mut headers = HeaderMap::new();
            fields
                .iter()
                .for_each(|(name, value)| drop(headers.insert(*name, value.parse().unwrap())));
            assert_eq!(is_same_origin(&headers, own), expected, "{fields:?}");
        }
    }

    #[test]
    fn one_name_of_the_loopback_is_used_where_the_provider_takes_no_other() {
        let [google, microsoft] = ["google", "microsoft"].map(|name| consent::kind(name).unwrap());
        for (host, expected) in [
            ("127.0.0.1:7071", Some("localhost:7071")),
            ("[::1]:7071", Some("localhost:7071")),
            ("127.0.0.1", Some("localhost")),
            ("localhost:7071", None),
            ("LOCALHOST", None),
            ("no host", None),
        ] {
            assert_eq!(localhost_instead(microsoft, host).as_deref(), expected, "{host}");
            assert_eq!(localhost_instead(google, host), None, "{host}");
        }
    }
}
