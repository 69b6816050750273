//! The link of `calrelay sign-in`: it signs one browser in.
//!
//! A browser that follows the link is signed in at once. Any other request with GET, such as that
//! of a program that previews links, gets a page with a button and changes nothing.

use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};
use jobs::access;
use jobs::audit::{self, Actor};
use jobs::{LOCAL_OWNER, Services};
use maud::html;

use super::error::{PageError, page};
use super::layout::{Page, Section, see_other};
use crate::request::WebRequest;
use crate::session_cookie;
use crate::visitor::{By, Visitor};
use crate::words::Words;

const WORDS: Words = Words;

/// Where the link leads; the secret is in the query.
pub const PATH: &str = "/app/sign-in";
/// Where the button that ends a session leads.
pub const SIGN_OUT: &str = "/app/sign-out";
/// The name of the secret in the query.
const TICKET: &str = "ticket";

/// Answers a request to [`PATH`].
pub async fn answer(services: &Services, request: WebRequest) -> Result<Response, PageError> {
    let query = request.uri.query().unwrap_or_default().as_bytes();
    let ticket = url::form_urlencoded::parse(query).find(|(name, _)| name == TICKET);
    let Some((_, ticket)) = ticket else {
        return Err(crate::visitor::Refusal::Unauthenticated { token: false }.into());
    };
    let is_followed = request.headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate")
        && request.headers.get("sec-fetch-dest").is_none_or(|dest| dest == "document")
        && request.headers.get("sec-purpose").is_none();
    match request.method {
        Method::GET if is_followed => sign_in(services, &ticket, request.client_address).await,
        Method::POST => sign_in(services, &ticket, request.client_address).await,
        Method::GET | Method::HEAD => Ok(ask(&ticket)),
        _ => Err(PageError::NotFound),
    }
}

fn ask(ticket: &str) -> Response {
    let target = format!(
        "{PATH}?{}",
        url::form_urlencoded::Serializer::new(String::new()).append_pair(TICKET, ticket).finish()
    );
    let main = html! {
        p { (WORDS.sign_in_words()) }
        form method="post" action=(target) { button.go { (WORDS.sign_in_button()) } }
    };
    Page::new(Section::Outside, WORDS.sign_in(), main).into_answer()
}

async fn sign_in(
    services: &Services,
    ticket: &str,
    from: Option<std::net::IpAddr>,
) -> Result<Response, PageError> {
    let (scope, public_url) = (services.scope(LOCAL_OWNER), services.setup.public_url.as_deref());
    let Some(secret) = access::sign_in(&scope, ticket).await? else {
        let words = [WORDS.link_is_over_words()];
        return Ok(page(StatusCode::GONE, Section::Outside, WORDS.link_is_over(), &words));
    };
    let from = from.map_or_else(|| "a browser".to_owned(), |from| from.to_string());
    audit::note(&scope, &Actor::new("a browser", &from), "session.begin", "", audit::DONE).await;
    let mut response = see_other("/app/pairs");
    let (name, value) = session_cookie::set(public_url, secret.expose());
    response.headers_mut().insert(name, value);
    Ok(response)
}

/// Ends the session of a browser.
pub async fn sign_out(
    services: &Services,
    visitor: &Visitor,
    request: &WebRequest,
) -> Result<Response, PageError> {
    let public_url = services.setup.public_url.as_deref();
    if visitor.by != By::Session {
        return Ok(see_other("/app/settings"));
    }
    if let Some(secret) = session_cookie::read(&request.headers, public_url) {
        access::end_session(&visitor.scope, &secret).await?;
    }
    let mut response =
        page(StatusCode::OK, Section::Outside, WORDS.signed_out(), &[WORDS.signed_out_words()]);
    let (name, value) = session_cookie::clear(public_url);
    response.headers_mut().insert(name, value);
    // A shared machine keeps no page of the person who has left.
    let all = HeaderValue::from_static("\"cache\"");
    response.headers_mut().insert(header::HeaderName::from_static("clear-site-data"), all);
    Ok(response)
}
