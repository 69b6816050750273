//! The list of accounts.

use axum::extract::Query;
use axum::response::Response;
use jobs::report::AccountState;
use maud::html;

use super::connect::Done;
use super::error::PageError;
use super::layout::{Page, Section};
use crate::visitor::Visitor;
use crate::words::Words;

const WORDS: Words = Words;

/// The page.
pub async fn list(visitor: Visitor, Query(done): Query<Done>) -> Result<Response, PageError> {
    let (directory, now) = (visitor.scope.snapshot().await?, visitor.scope.clock.now());
    let accounts = directory.accounts();
    let calendars = directory.calendars();
    let rows = accounts.iter().map(|account| {
        let count = calendars.iter().filter(|calendar| calendar.account == account.id).count();
        (AccountState::of(account, now), count)
    });
    let [name, state, count] = WORDS.account_columns();
    let main = html! {
        @if accounts.is_empty() {
            p { (WORDS.no_accounts()) }
        } @else {
            table {
                caption { (WORDS.your_accounts()) }
                thead { tr { th scope="col" { (name) } th scope="col" { (state) } th scope="col" { (count) } } }
                tbody {
                    @for (account, count) in rows {
                        tr {
                            th scope="row" { a href={ "/app/accounts/" (account.id) } { (account.name) } }
                            td {
                                span class=(class(&account.state)) { (WORDS.state_of_account(&account.state)) }
                            }
                            td { (count) }
                        }
                    }
                }
            }
        }
        p { a.button.go href="/app/accounts/new" { (WORDS.connect_an_account()) } }
    };
    let mut page = Page::new(Section::Accounts, WORDS.accounts(), main);
    page.done = match done.done.as_deref() {
        Some("disconnected") => Some(WORDS.disconnected().to_owned()),
        Some("disconnecting") => Some(WORDS.removal_goes_on().to_owned()),
        _ => None,
    };
    Ok(page.into_answer())
}

/// How the state of an account looks.
pub fn class(state: &str) -> &'static str {
    match state {
        "ok" => "state good",
        "needs_reconnect" => "state warn",
        _ => "state bad",
    }
}
