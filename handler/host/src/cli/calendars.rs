//! `calrelay calendars`: the calendars of the accounts, listed by the providers now.

use std::collections::HashMap;

use clap::Args;
use engine::calendar::{AccountId, CalendarId};
use engine::provider::ProviderKind;
use jobs::Scope;
use records::problem::Problem;
use serde::Serialize;

use super::outcome::{CommandOutcome, Result};
use super::output::{table, yes};
use crate::terminal::Output;

/// The arguments of `calrelay calendars`.
#[derive(Debug, Args)]
pub struct CalendarsArguments {
    /// Only those of this account.
    #[arg(long, value_name = "ID")]
    account: Option<AccountId>,
}

#[derive(Serialize)]
struct CalendarsReply {
    calendars: Vec<CalendarLine>,
    errors: Vec<AccountFailure>,
}

#[derive(Serialize)]
struct CalendarLine {
    id: CalendarId,
    name: String,
    account: AccountId,
    provider: ProviderKind,
    writable: bool,
}

#[derive(Serialize)]
struct AccountFailure {
    account: AccountId,
    #[serde(flatten)]
    problem: Problem,
}

/// Runs the command. If an account fails, the others are listed, and the exit status is 1.
pub async fn run(scope: &Scope, arguments: &CalendarsArguments, output: &Output) -> Result {
    let listing = jobs::accounts::calendars(scope, arguments.account.as_ref()).await?;
    let kinds: HashMap<AccountId, ProviderKind> = scope
        .directory()
        .accounts()
        .await
        .map_err(jobs::Error::from)?
        .into_iter()
        .map(|account| (account.id, account.kind))
        .collect();
    let errors: Vec<AccountFailure> = listing
        .failures
        .iter()
        .map(|(account, error)| AccountFailure { account: account.clone(), problem: error.into() })
        .collect();
    let calendars = listing.calendars.into_iter().filter_map(|row| {
        // The account may have been removed in the meantime.
        let provider = *kinds.get(&row.account)?;
        Some(CalendarLine {
            id: row.id,
            name: row.name,
            account: row.account,
            provider,
            writable: row.writable,
        })
    });
    let answer = CalendarsReply { calendars: calendars.collect(), errors };
    output.answer(&answer, || words(&answer.calendars, !answer.errors.is_empty()))?;
    for AccountFailure { account, problem } in &answer.errors {
        output.note(&format!("{account}: {}", problem.message));
    }
    Ok(if answer.errors.is_empty() { CommandOutcome::Done } else { CommandOutcome::Failed })
}

fn words(calendars: &[CalendarLine], failed: bool) -> String {
    let rows: Vec<[String; 5]> = calendars
        .iter()
        .map(|calendar| {
            [
                calendar.id.to_string(),
                calendar.provider.to_string(),
                calendar.account.to_string(),
                yes(calendar.writable),
                calendar.name.clone(),
            ]
        })
        .collect();
    let none = if failed {
        "No calendar can be listed at the moment."
    } else {
        "There are no calendars. Connect an account with `calrelay account add`."
    };
    table(["calendar", "provider", "account", "writable", "name"], &rows, none)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_that_of_the_contract() {
        let answer = CalendarsReply {
            calendars: vec![CalendarLine {
                id: CalendarId::new("c1"),
                name: "Work\u{1b}".into(),
                account: AccountId::new("a1"),
                provider: ProviderKind::from_name("icloud").unwrap(),
                writable: false,
            }],
            errors: vec![AccountFailure {
                account: AccountId::new("a2"),
                problem: Problem { code: "unreachable".into(), message: "Words.".into() },
            }],
        };
        assert_eq!(
            serde_json::to_value(&answer).unwrap(),
            serde_json::json!({
                "calendars": [{"id": "c1", "name": "Work\u{1b}", "account": "a1", "provider": "icloud", "writable": false}],
                "errors": [{"account": "a2", "code": "unreachable", "message": "Words."}],
            })
        );
    }
}
