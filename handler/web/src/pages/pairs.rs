//! The list of pairs, and the first page without an account.

use std::collections::BTreeMap;

use axum::response::Response;
use engine::calendar::CalendarId;
use engine::pair::Pair;
use jobs::Scope;
use jobs::report::PairState;
use maud::{Markup, html};
use records::calendar::CalendarRecord;
use records::problem::PairStatus;

use super::error::{PageError, with_code};
use super::layout::{Page, Section};
use super::time::when;
use crate::visitor::Visitor;
use crate::words::Words;

const WORDS: Words = Words;

/// The page.
pub async fn list(visitor: Visitor) -> Result<Response, PageError> {
    let status = jobs::status(&visitor.scope, 60).await?;
    if status.accounts.is_empty() {
        return Ok(welcome(&visitor));
    }
    let pairs = visitor.scope.directory().pairs().await?;
    let names = names(&visitor.scope, &pairs).await?;
    let now = visitor.scope.clock.now();
    let [pair, state, last] = WORDS.pair_columns();
    let main = html! {
        @if status.pairs.is_empty() {
            p { (WORDS.no_pairs()) }
        } @else {
            table {
                caption { (WORDS.your_pairs()) }
                thead { tr { th scope="col" { (pair) } th scope="col" { (state) } th scope="col" { (last) } } }
                tbody {
                    @for state in &status.pairs {
                        tr {
                            th scope="row" { (names.get(&state.id.to_string()).map_or(state.id.as_str(), |name| name)) }
                            td { (state_words(state)) }
                            td { (when(state.last_sync, now)) }
                        }
                    }
                }
            }
        }
        p.soft { (with_code(WORDS.pairs_by_command())) }
    };
    Ok(Page::new(Section::Pairs, WORDS.pairs(), main).into_answer())
}

fn welcome(visitor: &Visitor) -> Response {
    let main = html! {
        p { (WORDS.purpose()) }
        ol { @for (step, remark) in WORDS.steps() { li { b { (step) } " " (remark) } } }
        h2 { (WORDS.connect_first()) }
        (super::connect::choices(visitor))
        p.soft { (WORDS.promise()) }
    };
    Page::new(Section::Pairs, WORDS.welcome(), main).into_answer()
}

fn state_words(state: &PairState) -> Markup {
    let class = match state.state {
        PairStatus::Ok => "state good",
        PairStatus::Held | PairStatus::NeedsReconnect => "state warn",
        PairStatus::Error => "state bad",
        PairStatus::Paused | PairStatus::Draft => "state",
    };
    html! {
        span class=(class) {
            @match (state.state, state.remaining) {
                (PairStatus::Ok, Some(left)) if left > 0 => (WORDS.first_sync(left)),
                (status, _) => (WORDS.state_of_pair(status)),
            }
        }
    }
}

/// The name of a calendar.
pub fn calendar_name(calendar: &CalendarRecord) -> &str {
    match calendar.name.trim() {
        "" => WORDS.unnamed(),
        name => name,
    }
}

/// The names of pairs, by their ids. Where both calendars of a pair have one name, each is followed
/// by its account.
async fn names(scope: &Scope, pairs: &[Pair]) -> Result<BTreeMap<String, String>, PageError> {
    let directory = scope.snapshot().await?;
    let accounts: BTreeMap<_, _> =
        directory.accounts().into_iter().map(|account| (account.id, account.name)).collect();
    let name = |id: &CalendarId| match directory.calendar(id) {
        Ok(Some(calendar)) => {
            let account = accounts.get(&calendar.account).cloned().unwrap_or_default();
            (calendar_name(&calendar).to_owned(), account)
        }
        _ => (WORDS.missing_calendar().to_owned(), String::new()),
    };
    let name_of_pair = |pair: &Pair| {
        let ((from, of), (to, at)) = (name(&pair.from), name(&pair.to));
        if from == to {
            let (from, to) = (WORDS.calendar_of(&from, &of), WORDS.calendar_of(&to, &at));
            return WORDS.pair_name(&from, &to, pair.two_way);
        }
        WORDS.pair_name(&from, &to, pair.two_way)
    };
    Ok(pairs.iter().map(|pair| (pair.id.to_string(), name_of_pair(pair))).collect())
}
