//! An account: its calendars, connected again, disconnected.

use std::time::Duration;

use axum::extract::{Path, Query};
use axum::response::Response;
use engine::calendar::{AccountId, CalendarId};
use http::StatusCode;
use jobs::next_step::Told;
use jobs::report::AccountState;
use maud::{Markup, html};
use records::account::{Account, AccountStatus};
use records::calendar::CalendarRecord;

use super::accounts::class;
use super::connect::{Done, add_error, begin_consent, secret_field};
use super::error::PageError;
use super::form::{FieldErrors, Form};
use super::layout::{Page, Section, see_other};
use crate::connect::PasswordAccount;
use crate::form_target;
use crate::visitor::Visitor;
use crate::words::Words;

const WORDS: Words = Words;
/// A removal that takes longer goes on by itself.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(20);

async fn find(visitor: &Visitor, id: String) -> Result<Account, PageError> {
    Ok(visitor.scope.directory().account(&AccountId::new(id)).await?)
}

/// The page of an account.
pub async fn show(
    visitor: Visitor,
    Path(id): Path<String>,
    Query(done): Query<Done>,
) -> Result<Response, PageError> {
    let account = find(&visitor, id).await?;
    let calendars = visitor.scope.directory().calendars_of(&account.id).await?;
    let now = visitor.scope.clock.now();
    let (state, told) = (AccountState::of(&account, now), Told::of_account(&account, now));
    let base = format!("/app/accounts/{}", account.id);
    let main = html! {
        p {
            (WORDS.provider(account.kind)) ": "
            span class=(class(&state.state)) { (WORDS.state_of_account(&state.state)) }
        }
        (calendar_list(&calendars, told.as_ref()))
        div.row {
            form method="post" action={ (base) "/refresh" } { button { (WORDS.look_for_calendars()) } }
            form method="post" action={ (base) "/again" } { button { (WORDS.connect_again()) } }
            a href={ (base) "/disconnect" } { (WORDS.disconnect()) }
        }
        h2 { (WORDS.access()) }
        p { (WORDS.where_to_withdraw(account.kind)) }
    };
    let mut page = Page::new(Section::Accounts, &*account.name, main);
    page.form_targets = form_target::of_provider(&visitor.scope, account.kind);
    page.done = match done.done.as_deref() {
        Some("connected") => Some(WORDS.connected().to_owned()),
        Some("again") => Some(WORDS.connected_again().to_owned()),
        Some("listed") if state.error.is_none() => Some(WORDS.calendars_listed().to_owned()),
        _ => None,
    };
    if account.state == AccountStatus::NeedsReconnect {
        page.needs = Some(needs_reconnect(&account, told.as_ref()));
    }
    Ok(page.into_answer())
}

fn needs_reconnect(account: &Account, told: Option<&Told>) -> Markup {
    html! {
        section.card.banner aria-labelledby="needs" {
            h2 id="needs" { (WORDS.needs_reconnect(&account.name)) }
            @if let Some(told) = told { p { (told.detail()) } }
        }
    }
}

fn calendar_list(calendars: &[CalendarRecord], told: Option<&Told>) -> Markup {
    html! {
        @match told {
            Some(told) if calendars.is_empty() => {
                h2 { (WORDS.not_listed()) }
                p { (told.detail()) }
            }
            told => {
                @if let Some(told) = told { p.card.banner { (told.detail()) } }
                h2 id="calendars" { (WORDS.calendars()) }
                @if calendars.is_empty() {
                    p { (WORDS.no_calendars()) }
                } @else {
                    ul aria-labelledby="calendars" {
                        @for calendar in calendars {
                            li {
                                (super::pairs::calendar_name(calendar))
                                @if !calendar.writable {
                                    " " span.soft { "(" (WORDS.only_read()) ")" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Lists the calendars now.
pub async fn refresh(visitor: Visitor, Path(id): Path<String>) -> Result<Response, PageError> {
    let account = find(&visitor, id).await?;
    // A failure is an error of the account, which its page shows.
    jobs::accounts::calendars(&visitor.scope, Some(&account.id)).await?;
    Ok(see_other(&format!("/app/accounts/{}?done=listed", account.id)))
}

/// The form for a new password.
pub async fn ask_again(visitor: Visitor, Path(id): Path<String>) -> Result<Response, PageError> {
    let account = find(&visitor, id).await?;
    if account.kind.is_connected_by_consent() {
        return Ok(see_other(&format!("/app/accounts/{}", account.id)));
    }
    Ok(again_form(&account, &FieldErrors::default()).into_answer())
}

/// Connects an account again: by a consent, or with the password that was sent.
pub async fn again(
    visitor: Visitor,
    Path(id): Path<String>,
    sent: Form,
) -> Result<Response, PageError> {
    let account = find(&visitor, id).await?;
    if account.kind.is_connected_by_consent() {
        return begin_consent(&visitor, account.kind, Some(account.id)).await;
    }
    let Some(password) = sent.all("secret").next() else {
        return Ok(see_other(&format!("/app/accounts/{}/again", account.id)));
    };
    let mut errors = FieldErrors::default();
    if password.is_empty() {
        errors.add("secret", WORDS.password_wanted());
    } else {
        let (kind, url, user) = (account.kind, &*account.url, &*account.user);
        let new = PasswordAccount { kind, url, user, password: password.into() };
        match new.connect(&visitor).await {
            Ok(account) => {
                return Ok(see_other(&format!("/app/accounts/{}?done=again", account.id)));
            }
            Err(error) => add_error(&mut errors, kind, error)?,
        }
    }
    let mut page = again_form(&account, &errors);
    page.is_refused = true;
    Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY).into_answer())
}

fn again_form(account: &Account, errors: &FieldErrors) -> Page {
    let main = html! {
        (errors.summary())
        form method="post" action={ "/app/accounts/" (account.id) "/again" } novalidate {
            (secret_field(account.kind, errors))
            div.row {
                button.go { (WORDS.connect_again()) }
                a href={ "/app/accounts/" (account.id) } { (WORDS.cancel()) }
            }
        }
    };
    Page::new(Section::Accounts, WORDS.connect_again_heading(&account.name), main)
}

/// What goes and what stays.
pub async fn ask_disconnect(
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let account = find(&visitor, id).await?;
    let directory = visitor.scope.snapshot().await?;
    let calendars = directory.calendars();
    let has = |id: &CalendarId| {
        calendars.iter().any(|calendar| calendar.account == account.id && calendar.id == *id)
    };
    let pairs = directory.readable_pairs();
    let pairs = pairs.iter().filter(|pair| has(&pair.from) || has(&pair.to)).count();
    let main = html! {
        p { (WORDS.disconnect_words(pairs)) }
        p { (WORDS.where_to_withdraw(account.kind)) }
        form.row method="post" action={ "/app/accounts/" (account.id) "/disconnect" } {
            button.danger { (WORDS.disconnect()) }
            a href={ "/app/accounts/" (account.id) } { (WORDS.cancel()) }
        }
    };
    let heading = WORDS.disconnect_heading(&account.name);
    Ok(Page::new(Section::Accounts, heading, main).into_answer())
}

/// Disconnects an account.
pub async fn disconnect(visitor: Visitor, Path(id): Path<String>) -> Result<Response, PageError> {
    let account = find(&visitor, id).await?;
    let work = tokio::spawn(async move {
        let remove = jobs::remove_account(&visitor.scope, &account.id);
        visitor.audited("account.remove", account.id.as_str(), remove, |_| None).await
    });
    match tokio::time::timeout(REMOVAL_PATIENCE, work).await {
        Ok(Ok(removed)) => {
            removed?;
            Ok(see_other("/app/accounts?done=disconnected"))
        }
        Ok(Err(_)) | Err(_) => Ok(see_other("/app/accounts?done=disconnecting")),
    }
}
