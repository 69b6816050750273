//! `GET /oauth/{provider}/callback`: a person comes back from a provider's consent page, in the browser that `connect` sent away.
//!
//! The address holds the code and the state, so it is left at once for a fixed one of our own, nothing of it is repeated, and no page that is
//! shown under it leads anywhere else.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::StatusCode;
use jobs::consent::{self, Unfinished};
use jobs::{Error, Services};

use crate::cookie::{self, Origin};
use crate::page;
use crate::trigger::{Request, Response};

/// The query of the page that says that it went well: without it nobody would know what to do next.
const DONE: &str = "done";

/// Answers.
pub fn run(services: &Services, request: Request) -> BoxFuture<'_, Response> {
    async move {
        let name = request.uri.path().trim_start_matches('/').split('/').nth(1).unwrap_or_default().to_ascii_lowercase();
        let Some(kind) = consent::kind(&name) else { return page::not_here() };
        let query = request.uri.query().unwrap_or_default();
        if query == DONE {
            return page::page(
                StatusCode::OK,
                "Your account is connected",
                &["You can close this page.", "Its calendars: calrelay calendars", "To keep two of them in step: calrelay pair add"],
            );
        }
        // Only browsers on the machine itself are sent away so far, and they have the cookie without the prefix.
        let origin = if request.operator { Origin::Loopback } else { Origin::Https };
        let cookie = cookie::get(origin, &request.headers);
        let response = match consent::finish(services, kind, query, cookie.as_deref()).await {
            Ok(_) => page::leave(&format!("/oauth/{kind}/callback?{DONE}")),
            Err(Unfinished::NotOurs) => page::page(
                StatusCode::BAD_REQUEST,
                "This answer cannot be used",
                &[
                    "It belongs to no question that this browser was sent away with, or it was used already, or it came after more than ten minutes.",
                    "Nothing was connected, and nothing was changed. Begin again where you began.",
                ],
            ),
            Err(Unfinished::Failed(error)) => failed(&error),
        };
        page::with(response, cookie::clear(origin))
    }
    .boxed()
}

fn failed(error: &Error) -> Response {
    tracing::info!(%error, "a consent did not lead to an account");
    page::failed(error)
}
