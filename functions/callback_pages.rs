//! The pages of `oauth_callback`: they finish a consent and show its outcome.
//!
//! The URL holds the code and the state. So success redirects to a fixed URL, and a page of a
//! failure repeats nothing of the query and links only to `connect`. The answer of an administrator
//! comes to the same address and finishes nothing.

use http::StatusCode;
use jobs::Services;
use jobs::consent;
use jobs::consent::{AdministratorAnswer, Began, ConsentError, ProviderKind};

use crate::connect_pages::{redirect_address, retry_step};
use crate::cookie::{self, CookieScope};
use crate::form_origin::with_form_origin;
use crate::page::{self, NextStep};
use crate::refusal_page::{Reader, consent_refused};
use crate::trigger::{HttpTrigger, Response};
use web::consent_words::{self, ConsentWords};
use web::form_target;

/// The query of the page that reports success.
const DONE: &str = "done";

/// Answers a request to `oauth_callback`.
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
    let query = request.uri.query().unwrap_or_default();
    let public = services.setup.public_url.as_deref();
    if query == DONE {
        return connected_page(public.is_some());
    }
    if words.is_hidden_unregistered && services.connect.consents(kind).is_err() {
        return page::not_found();
    }
    let (local, retry) = (services.local(), retry_step(services, words));
    match consent::administrator_answer(&local, kind, query).await {
        Ok(Some(answer)) => return administrator_page(answer, words),
        Ok(None) => {}
        Err(error) => return page::consent_failed(&error, NextStep::Nowhere),
    }
    let origin = CookieScope::from_public_url(public);
    let cookie = cookie::get(origin, &request.headers);
    let ended =
        consent::finish(&local, kind, query, cookie.as_deref(), request.client_address).await;
    let redirect = redirect_address(services, words, &request.headers);
    if let Began::OnPage { .. } = ended.began {
        let is_connected = ended.outcome.is_ok();
        let page = Response::from(web::consent_ended(services, kind, ended, &redirect).await);
        return match is_connected {
            true => page::with_header(page, cookie::clear(origin)),
            false => page,
        };
    }
    match ended.outcome {
        Ok(_) => page::with_header(
            page::redirect(&format!("{}?{DONE}", words.callback)),
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
            retry,
        ),
        Err(ConsentError::Failed(error)) => {
            let way = consent::way_on(&local, kind, &redirect, &error).await;
            let reader = match public {
                Some(_) => Reader::Guest,
                None => Reader::operator(services, kind),
            };
            consent_refused(&error, &way, retry, (kind, reader))
        }
    }
}

/// The page for an administrator who has answered. Anyone can open it: it promises nothing that the
/// provider does not decide.
fn administrator_page(answer: AdministratorAnswer, words: &ConsentWords) -> Response {
    let name = words.name;
    match answer {
        AdministratorAnswer::Allowed => page::page(
            StatusCode::OK,
            "Your organisation has agreed",
            &[
                &format!(
                    "{name} says that people of your organisation may use calrelay now. No \
                    account was connected by this."
                ),
                "The person who sent you the link can connect an account now, as usual. You can \
                close this page.",
            ],
        ),
        AdministratorAnswer::Refused => page::page(
            StatusCode::OK,
            "Your organisation has not agreed",
            &[
                &format!("{name} says that the answer was no. Nothing was changed."),
                "The link can be opened again, by an administrator of the organisation.",
            ],
        ),
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
