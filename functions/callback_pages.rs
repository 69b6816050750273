//! The pages of `oauth_callback`: they finish a consent and show its outcome.
//!
//! The URL holds the code and the state. So success redirects to a fixed URL, and a page of a
//! failure repeats nothing of the query and links only to `connect`.

use http::StatusCode;
use jobs::Services;
use jobs::consent;
use jobs::consent::ConsentError;

use crate::connect_pages::retry_step;
use crate::cookie::{self, CookieScope};
use crate::page;
use crate::trigger::{HttpTrigger, Response};

/// The query of the page that reports success.
const DONE: &str = "done";

/// Answers a request to `oauth_callback`.
pub async fn answer(services: &Services, request: HttpTrigger) -> Response {
    let name = request
        .uri
        .path()
        .trim_start_matches('/')
        .split('/')
        .nth(1)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let Some(kind) = consent::kind(&name) else { return page::not_found() };
    let query = request.uri.query().unwrap_or_default();
    let public = services.setup.public_url.as_deref();
    if query == DONE {
        return connected_page(public.is_some());
    }
    let origin = CookieScope::from_public_url(public);
    let cookie = cookie::get(origin, &request.headers);
    match consent::finish(&services.local(), kind, query, cookie.as_deref(), request.client_address)
        .await
    {
        Ok(_) => page::with_header(
            page::redirect(&format!("/oauth/{kind}/callback?{DONE}")),
            cookie::clear(origin),
        ),
        Err(ConsentError::Unknown) => page::page_with(
            StatusCode::BAD_REQUEST,
            "This answer cannot be used",
            &[
                "It does not belong to a consent that this browser started, or it was used \
                already, or it came after more than ten minutes.",
                "Nothing was connected by it, and nothing was changed. If you have answered \
                twice, the first answer may have been enough: \
                 `calrelay account list` says so. Otherwise begin again.",
            ],
            retry_step(services),
        ),
        Err(ConsentError::Failed(error)) => page::consent_failed(&error, retry_step(services)),
    }
}

/// `guest`: the reader may not be the operator.
fn connected_page(guest: bool) -> Response {
    const TITLE: &str = "Your account is connected";
    const CLOSE: &str = "You can close this page.";
    if guest {
        let next = "Nothing is copied before the operator of this calrelay pairs one of its \
        calendars with another.";
        return page::page(StatusCode::OK, TITLE, &[CLOSE, next]);
    }
    page::page(
        StatusCode::OK,
        TITLE,
        &[
            CLOSE,
            "Its calendars: `calrelay calendars`",
            "To keep two of them in step: `calrelay pair add --from … --to …`",
        ],
    )
}
