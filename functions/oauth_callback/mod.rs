//! `GET /oauth/{provider}/callback`: a person comes back from a provider's consent page, in the
//! browser that `connect` sent away.
//!
//! The address holds the code and the state, so it is left at once for a fixed one of our own, or
//! nothing of it is repeated. A page that is shown under it leads to `connect` and nowhere else.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::StatusCode;
use jobs::Services;
use jobs::consent::{self, Unfinished};

use crate::connect::again;
use crate::cookie::{self, Origin};
use crate::page;
use crate::trigger::{HttpTrigger, Response};

/// The query of the page that says that it went well: without it nobody would know what to do next.
const DONE: &str = "done";

/// Answers.
pub fn run(services: &Services, request: HttpTrigger) -> BoxFuture<'_, Response> {
    async move {
        let name = request
            .uri
            .path()
            .trim_start_matches('/')
            .split('/')
            .nth(1)
            .unwrap_or_default()
            .to_ascii_lowercase();
        let Some(kind) = consent::kind(&name) else { return page::not_here() };
        let query = request.uri.query().unwrap_or_default();
        let public = services.setup.public_url.as_deref();
        if query == DONE {
            return done(public.is_some());
        }
        let origin = Origin::of(public);
        let cookie = cookie::get(origin, &request.headers);
        match consent::finish(services, kind, query, cookie.as_deref(), request.from).await {
            Ok(_) => page::with(
                page::leave(&format!("/oauth/{kind}/callback?{DONE}")),
                cookie::clear(origin),
            ),
            Err(Unfinished::NotOurs) => page::page_with(
                StatusCode::BAD_REQUEST,
                "This answer cannot be used",
                &[
                    "It belongs to no question that this browser was sent away with, or it was \
                    used already, or it came after more than ten minutes.",
                    "Nothing was connected by it, and nothing was changed. If you have answered \
                    twice, the first answer may have been enough: \
                     `calrelay account list` says so. Otherwise begin again.",
                ],
                again(services),
            ),
            Err(Unfinished::Failed(error)) => page::failed(&error, again(services)),
        }
    }
    .boxed()
}

/// `guest`: it is not necessarily the operator who reads it.
fn done(guest: bool) -> Response {
    const TITLE: &str = "Your account is connected";
    const CLOSE: &str = "You can close this page.";
    if guest {
        let next = "Nothing is copied before whoever runs this calrelay pairs one of its \
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
