//! The end of a consent that was begun on a page: the account's page, or why nothing was connected.
//!
//! The address of such a page holds the code and the state, so that it repeats nothing of it.

use engine::provider::ProviderKind;
use http::StatusCode;
use jobs::consent::{self, Began, ConsentError, EndedConsent, WayOn};
use jobs::{Error, Services};
use maud::{Markup, html};
use records::account::Account;

use super::layout::{Page, Section, see_other_text};
use crate::form_target;
use crate::words::Words;

const WORDS: Words = Words;

/// The answer to the browser. `redirect`: the address to which the provider's answer came.
pub async fn consent_ended(
    services: &Services,
    kind: ProviderKind,
    ended: EndedConsent,
    redirect: &str,
) -> http::Response<String> {
    let expected = match ended.began {
        Began::OnPage { expected } => expected,
        Began::Directly | Began::Invited => None,
    };
    let again = match &expected {
        Some(id) => format!("/app/accounts/{id}/again"),
        None => format!("/app/accounts/new/{}", kind.as_str()),
    };
    let error = match ended.outcome {
        Ok(account) => return connected(services, kind, &account, &again).await,
        Err(ConsentError::Failed(error)) => error,
        Err(ConsentError::Unknown) => {
            let main =
                html! { p { (WORDS.nothing_connected()) } (button(&again, WORDS.try_again())) };
            return page(services, kind, WORDS.answer_not_usable(), main, StatusCode::BAD_REQUEST);
        }
    };
    tracing::info!(%error, "a consent did not lead to an account");
    refused(services, kind, &error, &again, redirect).await
}

/// Lists the calendars, so that the page of the account has them. A new account whose calendars
/// cannot be listed is not kept.
async fn connected(
    services: &Services,
    kind: ProviderKind,
    account: &Account,
    again: &str,
) -> http::Response<String> {
    let scope = services.local();
    let listed = jobs::accounts::calendars(&scope, Some(&account.id)).await;
    let failure = match listed {
        Ok(listed) => listed.failures.into_iter().next().map(|(_, error)| error),
        Err(error) => Some(error),
    };
    let was_known = account.was_connected_before();
    let Some(error) = failure.filter(|_| !was_known) else {
        let done = if was_known { "again" } else { "connected" };
        return see_other_text(&format!("/app/accounts/{}?done={done}", account.id));
    };
    tracing::warn!(%error, account = %account.id, "a new account is not kept: its calendars \
    cannot be listed");
    if let Err(error) = jobs::remove_account(&scope, &account.id).await {
        tracing::warn!(%error, account = %account.id, "an account could not be removed");
    }
    let words = jobs::problem_of_consent(&error, WORDS.nothing_connected()).message;
    let main = html! { p { (words) } (button(again, WORDS.try_again())) };
    page(services, kind, WORDS.not_listed(), main, StatusCode::BAD_GATEWAY)
}

async fn refused(
    services: &Services,
    kind: ProviderKind,
    error: &Error,
    again: &str,
    redirect: &str,
) -> http::Response<String> {
    let forbidden = StatusCode::FORBIDDEN;
    if let Error::AnotherAccount { chosen, expected } = error {
        let new = format!("/app/accounts/new/{}", kind.as_str());
        let main = html! {
            p { (WORDS.another_account_words(chosen, expected)) }
            div.row {
                (button(again, WORDS.try_again()))
                (button(&new, &WORDS.connect_as_new(chosen)))
            }
        };
        return page(services, kind, WORDS.another_account(), main, forbidden);
    }
    let words = jobs::problem_of_consent(error, WORDS.nothing_connected()).message;
    let with_button = |words: &str| html! { p { (words) } (button(again, WORDS.try_again())) };
    let way = consent::way_on(&services.local(), kind, redirect, error).await;
    let (heading, main) = match &way {
        WayOn::AllowMore => (WORDS.allowed_too_little(kind), with_button(WORDS.both_boxes())),
        WayOn::Declined { link } => {
            let main = html! { (with_button(WORDS.nothing_connected())) (for_administrator(link)) };
            (WORDS.did_not_agree().to_owned(), main)
        }
        WayOn::AskAdministrator { link } => {
            let main = html! {
                p { (WORDS.nothing_connected()) " " (WORDS.send_this_link()) }
                (for_administrator(link))
                (button(again, WORDS.try_again()))
            };
            (WORDS.organisation_first().to_owned(), main)
        }
        WayOn::BlockedByPolicy => (WORDS.blocked().to_owned(), html! { p { (words) } }),
        WayOn::SetUpWrongly => {
            let redirect = WORDS.how_to_register(kind, redirect);
            let main = html! { p { (words) } p { (super::error::with_code(&redirect)) } };
            let heading = WORDS.not_set_up(kind);
            return page(services, kind, &heading, main, StatusCode::SERVICE_UNAVAILABLE);
        }
        WayOn::Again | WayOn::AnotherAccount | WayOn::Later => {
            (WORDS.not_connected().to_owned(), with_button(&words))
        }
    };
    page(services, kind, &heading, main, forbidden)
}

fn for_administrator(link: &Option<String>) -> Markup {
    html! {
        @if let Some(link) = link {
            div.field {
                label for="link" { (WORDS.administrator_link()) }
                input.text id="link" readonly value=(link) autocomplete="off";
            }
        }
    }
}

fn button(to: &str, label: &str) -> Markup {
    html! { form method="post" action=(to) { button.go { (label) } } }
}

fn page(
    services: &Services,
    kind: ProviderKind,
    heading: &str,
    main: Markup,
    status: StatusCode,
) -> http::Response<String> {
    let mut page = Page::new(Section::Accounts, heading, main).with_status(status);
    page.form_targets = form_target::of_provider(services, kind);
    page.into_text()
}
