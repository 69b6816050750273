//! The list of accounts.

use axum::response::Response;
use jobs::report::AccountState;
use maud::html;

use super::error::{PageError, with_code};
use super::layout::{Page, Section};
use crate::visitor::Visitor;
use crate::words::Words;

const WORDS: Words = Words;

/// The page.
pub async fn list(visitor: Visitor) -> Result<Response, PageError> {
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
                            th scope="row" { (account.name) }
                            td {
                                span class=(class(&account.state)) { (WORDS.state_of_account(&account.state)) }
                            }
                            td { (count) }
                        }
                    }
                }
            }
        }
        p.soft { (with_code(WORDS.accounts_by_command())) }
    };
    Ok(Page::new(Section::Accounts, WORDS.accounts(), main).into_answer())
}

fn class(state: &str) -> &'static str {
    match state {
        "ok" => "state good",
        "needs_reconnect" => "state warn",
        _ => "state bad",
    }
}
