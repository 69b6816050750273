//! Access tokens: made, shown once, removed.

use axum::extract::{Path, Query};
use axum::response::Response;
use http::StatusCode;
use jobs::access::{self, MadeToken, NewToken, Permission, TokenState};
use maud::{Markup, html};
use serde::Deserialize;

use super::error::PageError;
use super::form::{FieldErrors, Form, TextField};
use super::layout::{Page, Section, see_other};
use super::time::when;
use crate::visitor::Visitor;
use crate::words::Words;

const WORDS: Words = Words;
const PATH: &str = "/app/settings/tokens";
/// How long a token may be valid, in days; the second is chosen at first.
const LIFETIMES: [u16; 3] = [30, 90, 365];

/// What was done before.
#[derive(Deserialize)]
pub struct Done {
    done: Option<String>,
}

/// What is filled in.
struct Filled {
    name: String,
    scopes: Vec<Permission>,
    days: u16,
}

/// The page.
pub async fn show(visitor: Visitor, Query(done): Query<Done>) -> Result<Response, PageError> {
    let filled = Filled { name: String::new(), scopes: vec![Permission::Read], days: LIFETIMES[1] };
    let mut page = page(&visitor, &filled, &FieldErrors::default(), None).await?;
    page.done = match done.done.as_deref() {
        Some("removed") => Some(WORDS.token_removed().to_owned()),
        Some("gone") => Some(WORDS.token_was_removed().to_owned()),
        _ => None,
    };
    Ok(page.into_answer())
}

/// Makes a token, and shows it once.
pub async fn add(visitor: Visitor, form: Form) -> Result<Response, PageError> {
    let filled = Filled {
        name: form.text("token-name").trim().to_owned(),
        scopes: form.all("scope").filter_map(|name| name.parse().ok()).collect(),
        days: form.text("days").parse().unwrap_or(LIFETIMES[1]),
    };
    let mut errors = FieldErrors::default();
    let length = filled.name.chars().count();
    if !(1..=100).contains(&length) || filled.name.chars().any(char::is_control) {
        errors.add("token-name", WORDS.name_wanted());
    }
    if filled.scopes.is_empty() {
        errors.add("scope-read", WORDS.scope_wanted());
    }
    if errors.any() {
        let mut page = page(&visitor, &filled, &errors, None).await?;
        page.is_refused = true;
        return Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY).into_answer());
    }
    let new = NewToken {
        name: filled.name.clone(),
        scopes: filled.scopes.clone(),
        expires_days: filled.days.clamp(1, 366),
    };
    let add = access::add(&visitor.scope, new);
    let made = visitor.audited("token.add", "", add, |made| Some(made.state.id.clone())).await?;
    let empty = Filled { name: String::new(), ..filled };
    let page = page(&visitor, &empty, &FieldErrors::default(), Some(&made)).await?;
    Ok(page.into_answer())
}

/// Removes a token.
pub async fn remove(visitor: Visitor, Path(id): Path<String>) -> Result<Response, PageError> {
    let remove = access::remove(&visitor.scope, &id);
    match visitor.audited("token.remove", &id, remove, |()| None).await {
        Ok(()) => Ok(see_other(&format!("{PATH}?done=removed"))),
        Err(jobs::Error::NotFound(_)) => Ok(see_other(&format!("{PATH}?done=gone"))),
        Err(error) => Err(error.into()),
    }
}

async fn page(
    visitor: &Visitor,
    filled: &Filled,
    errors: &FieldErrors,
    made: Option<&MadeToken>,
) -> Result<Page, PageError> {
    let tokens = access::list(&visitor.scope).await?;
    let now = visitor.scope.clock.now();
    let main = html! {
        (errors.summary())
        @if let Some(made) = made {
            div.card.done {
                div.field {
                    label for="new-token" { (WORDS.your_new_token()) }
                    span.hint id="new-token-hint" { (WORDS.token_shown_once()) }
                    input.text id="new-token" readonly value=(made.expose())
                        autocomplete="off" aria-describedby="new-token-hint";
                }
            }
        }
        p { (WORDS.about_tokens()) }
        (form(filled, errors))
        @if !tokens.is_empty() { (table(&tokens, now)) }
    };
    Ok(Page::new(Section::Settings, WORDS.access_tokens(), main))
}

fn form(filled: &Filled, errors: &FieldErrors) -> Markup {
    let name = TextField {
        id: "token-name",
        label: WORDS.token_name(),
        hint: Some(WORDS.token_name_hint()),
        kind: "text",
        value: &filled.name,
        autocomplete: "off",
    };
    let described = errors.described_by("scope-read", false);
    html! {
        form method="post" action=(PATH) novalidate {
            (name.markup(errors))
            fieldset aria-describedby=[described] {
                legend { (WORDS.token_scopes()) }
                (errors.beside("scope-read"))
                @for one in Permission::ALL {
                    @let id = format!("scope-{}", one.as_str());
                    div.pick {
                        input type="checkbox" name="scope" id=(id) value=(one.as_str())
                            checked[filled.scopes.contains(&one)]
                            aria-describedby={ (id) "-hint" };
                        div {
                            label for=(id) { (WORDS.permission(one)) }
                            span.hint id={ (id) "-hint" } { (WORDS.permission_hint(one)) }
                        }
                    }
                }
            }
            div.field {
                label for="days" { (WORDS.token_lifetime()) }
                select id="days" name="days" {
                    @for days in LIFETIMES {
                        option value=(days) selected[days == filled.days] { (WORDS.lifetime(days)) }
                    }
                }
            }
            button.go { (WORDS.make_token()) }
        }
    }
}

fn table(tokens: &[TokenState], now: jiff::Timestamp) -> Markup {
    html! {
        h2 id="your-tokens" { (WORDS.your_tokens()) }
        div.scroll {
            table aria-labelledby="your-tokens" {
                thead { tr { @for name in WORDS.token_columns() { th scope="col" { (name) } } } }
                tbody { @for token in tokens { (row(token, now)) } }
            }
        }
    }
}

fn row(token: &TokenState, now: jiff::Timestamp) -> Markup {
    let scopes: Vec<_> = token.scopes.iter().map(|one| WORDS.permission(*one)).collect();
    let is_over = token.expires.is_some_and(|expires| expires <= now);
    html! {
        tr {
            th scope="row" { (token.name) " " span.soft { (token.hint) } }
            td { (scopes.join(", ")) }
            td {
                @match token.expires {
                    Some(expires) if is_over => (when(Some(expires), now)),
                    Some(expires) => time datetime=(expires) { (super::time::day(expires)) },
                    None => (WORDS.never()),
                }
            }
            td {
                @match token.last_used {
                    Some(day) => time datetime=(day) { (day.strftime("%-d %B %Y").to_string()) },
                    None => (WORDS.never()),
                }
            }
            td {
                form method="post" action={ (PATH) "/" (token.id) "/remove" } {
                    button { (WORDS.remove(&token.name)) }
                }
            }
        }
    }
}
