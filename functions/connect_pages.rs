//! The pages of `connect`: they start a consent at Google.
//!
//! Users cannot sign in yet. Who may start a consent depends on the settings, never on a claim of
//! the request:
//! * Without a public address it is the machine's own user, by a `GET`.
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
use crate::page::{self, NextStep};
use crate::trigger::{HttpTrigger, Response};

/// The path of `connect`.
pub const START_PATH: &str = "/oauth/google/start";

/// Answers a request to `connect`.
pub async fn answer(services: &Services, request: HttpTrigger) -> Response {
    let Some(kind) = consent::kind("google") else { return page::not_found() };
    match (&services.setup.public_url, request.method == Method::POST) {
        (None, false) => start_for_local_operator(services, kind, &request).await,
        (Some(public), false) => invitation_page(public, &request),
        (Some(public), true) => accept_invitation(services, kind, public, &request).await,
        (None, true) => use_command_line_page(),
    }
}

/// The next step after an answer that connected nothing; none where no consent can begin.
pub fn retry_step(services: &Services) -> NextStep<'static> {
    let is_possible = consent::kind("google").is_some_and(|kind| is_registered(services, kind));
    match services.setup.public_url {
        _ if !is_possible => NextStep::Nowhere,
        Some(_) => NextStep::Button { label: "Try again", to: START_PATH, field: None },
        None => NextStep::Link { label: "Try again", to: START_PATH },
    }
}

/// A link to connect an account, where the reader is the operator of this machine and a provider can
/// be asked for consent.
pub fn offer(services: &Services, request: &HttpTrigger) -> NextStep<'static> {
    let is_local = request.operator && services.setup.public_url.is_none();
    let kind = consent::kind("google").filter(|_| is_local);
    match kind.is_some_and(|kind| is_registered(services, kind)) {
        true => NextStep::Link { label: "Connect a Google account", to: START_PATH },
        false => NextStep::Nowhere,
    }
}

/// Whether calrelay has a client that may ask this provider for consent.
fn is_registered(services: &Services, kind: ProviderKind) -> bool {
    services.connect.consents(kind).is_ok()
}

/// The page of a consent that could not begin.
fn not_begun_page(services: &Services, kind: ProviderKind, error: &Error) -> Response {
    if is_registered(services, kind) {
        return page::consent_failed(error, NextStep::Nowhere);
    }
    tracing::warn!(%error, "a consent could not begin");
    // A guest needs no names of settings.
    let next = match services.setup.public_url {
        Some(_) => {
            "The operator of this calrelay has to register it. This link stays valid until \
        its half hour is over."
        }
        None => {
            "Create a client in Google's console, and start calrelay again with its \
        `GOOGLE_CLIENT_ID` and `GOOGLE_CLIENT_SECRET`. `calrelay doctor` checks them."
        }
    };
    page::page(
        StatusCode::SERVICE_UNAVAILABLE,
        "This calrelay cannot ask Google",
        &[
            "It is not registered with Google: it has no OAuth client. Nothing was started, and \
            nothing was changed.",
            next,
        ],
    )
}

async fn start_for_local_operator(
    services: &Services,
    kind: ProviderKind,
    request: &HttpTrigger,
) -> Response {
    if !request.operator {
        return use_command_line_page();
    }
    // An operator uses one of the names of the loopback. The answer has to use this name too: the
    // browser keeps the cookie for it only.
    let host = request
        .headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("127.0.0.1");
    if !is_same_origin(&request.headers, &format!("http://{host}")) {
        return cross_site_page();
    }
    let cookie = cookie::get(CookieScope::Loopback, &request.headers);
    match consent::begin(
        &services.local(),
        kind,
        &format!("http://{host}/oauth/google/callback"),
        cookie.as_deref(),
    )
    .await
    {
        Ok(begun) => page::redirect_with_cookie(
            &begun.location,
            cookie::set(CookieScope::Loopback, begun.browser.expose()),
        ),
        Err(error) => not_begun_page(services, kind, &error),
    }
}

fn invitation_page(public: &str, request: &HttpTrigger) -> Response {
    let Some(ticket) = parse_ticket(request.uri.query().unwrap_or_default().as_bytes()) else {
        return use_command_line_page();
    };
    let host = public.split_once("://").map_or(public, |(_, host)| host);
    page::page_with(
        StatusCode::OK,
        "Connect a Google calendar",
        &[
            &format!(
                "The operator of the calrelay at {host} has sent you this link. If you did not \
                expect one, close this page: nothing has happened."
            ),
            "Google will ask which account to connect, and what calrelay may do with it. Both \
            boxes have to be ticked: to see the list of your \
             calendars, and to view and edit events. Calrelay then copies events between the \
             calendars that its operator pairs, and writes to no \
             others.",
            "You can take your consent back at any time, at myaccount.google.com/connections.",
        ],
        NextStep::Button {
            label: "Continue to Google",
            to: START_PATH,
            field: Some(("ticket", ticket.expose())),
        },
    )
}

async fn accept_invitation(
    services: &Services,
    kind: ProviderKind,
    public: &str,
    request: &HttpTrigger,
) -> Response {
    if !is_same_origin(&request.headers, public) {
        return cross_site_page();
    }
    let origin = CookieScope::from_public_url(Some(public));
    let (ticket, cookie) = (parse_ticket(&request.body), cookie::get(origin, &request.headers));
    let redirect = format!("{public}/oauth/google/callback");
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
        Err(ConsentError::Failed(error)) => not_begun_page(services, kind, &error),
    }
}

fn use_command_line_page() -> Response {
    page::page(
        StatusCode::FORBIDDEN,
        "Accounts are connected on the command line",
        &[
            "Signing in here is not possible yet, so this address alone does not lead to Google. \
            Nothing was changed.",
            "The operator of this calrelay connects accounts with `calrelay account add google`, \
            or \
            makes a link for this page with \
             `calrelay account add google --link`.",
            "For a calrelay in Azure the same commands are run with its settings, \
            `CALRELAY_STORE=azure` among them.",
        ],
    )
}

fn cross_site_page() -> Response {
    page::page(
        StatusCode::FORBIDDEN,
        "Another page sent you here",
        &["Nothing was started. If you want to connect an account, open this address yourself, \
            or \
            run `calrelay account add google`."],
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
}
