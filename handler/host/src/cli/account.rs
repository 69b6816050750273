//! `calrelay account`: connect, list, remove.

use clap::Subcommand;
use engine::calendar::AccountId;
use engine::provider::ProviderKind;
use jiff::{Timestamp, Unit};
use jobs::Scope;
use jobs::consent::Invitation;
use jobs::report::AccountState;
use records::account::Account;
use records::account::AccountStatus;
use records::problem::Problem;
use serde::Serialize;

use super::outcome::{CommandOutcome, Result};
use super::output::table;
use super::provider_words::{
    AccountAdd, ConsentAddArguments, ConsentArguments, PasswordArguments, account_name,
    consent_remains, password_question, replaced_credential, stored_credential, withdraw_yourself,
};
use super::{consent, password};
use crate::config::Config;
use crate::terminal::Output;

#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Connect an account. If the account is connected already, under any spelling of its address,
    /// its password is replaced; its id and its pairs stay.
    #[command(subcommand)]
    Add(AccountAdd),
    /// List the connected accounts.
    List,
    /// Delete an account, its password, its pairs and everything stored about them. Copies stay as
    /// ordinary events.
    Remove {
        /// The account's id.
        id: AccountId,
    },
}

/// Runs the command.
pub async fn run(
    scope: &Scope,
    config: &Config,
    command: AccountCommand,
    output: &Output,
) -> Result {
    match command {
        AccountCommand::Add(arguments) => add(scope, config, arguments, output).await,
        AccountCommand::List => list(scope, output).await,
        AccountCommand::Remove { id } => remove(scope, &id, output).await,
    }
}

async fn add(scope: &Scope, config: &Config, arguments: AccountAdd, output: &Output) -> Result {
    let kind = arguments.kind();
    match arguments {
        AccountAdd::Caldav { url, user, secret } => {
            add_by_password(scope, kind, &url, &user, &secret, output).await
        }
        AccountAdd::Icloud { user, secret } => {
            let url = config.icloud_url.as_str();
            add_by_password(scope, kind, url, &user, &secret, output).await
        }
        AccountAdd::Google(ConsentAddArguments { link: true, .. })
        | AccountAdd::Microsoft(ConsentAddArguments { link: true, .. }) => {
            invite(scope, config, kind, output).await
        }
        AccountAdd::Google(given) | AccountAdd::Microsoft(given) => {
            add_by_consent(scope, kind, &given.consent, output).await
        }
    }
}

#[derive(Serialize)]
struct AddedAccount<'a> {
    id: &'a AccountId,
    provider: ProviderKind,
    name: &'a str,
}

async fn add_by_password(
    scope: &Scope,
    kind: ProviderKind,
    url: &str,
    user: &str,
    secret: &PasswordArguments,
    output: &Output,
) -> Result {
    let secret = password::read(secret.password_stdin, password_question(kind))?;
    let known = scope.directory().accounts().await.map_err(jobs::Error::from)?;
    let account = jobs::accounts::connect_account(scope, kind, url, user, &secret)
        .await
        .map_err(|error| jobs::problem_connecting(&error, consent::KEPT, kind))?;
    report_connected(&account, output)?;
    if let Some(moved) = moved_words(&known, &account) {
        output.note(&moved);
    }
    Ok(CommandOutcome::Done)
}

/// The words about an account that was connected under another address before.
fn moved_words(known: &[Account], account: &Account) -> Option<String> {
    let earlier = known.iter().find(|earlier| earlier.id == account.id)?;
    (earlier.url != account.url).then(|| {
        format!(
            "Its address was replaced, too: it was {}, and is {} now.",
            earlier.url, account.url
        )
    })
}

async fn add_by_consent(
    scope: &Scope,
    kind: ProviderKind,
    given: &ConsentArguments,
    output: &Output,
) -> Result {
    let account = if given.refresh_token_stdin {
        let token = password::first_line_of_stdin("refresh token")?;
        jobs::consent::adopt(scope, kind, &token)
            .await
            .map_err(|error| jobs::problem_connecting(&error, consent::KEPT, kind))?
    } else {
        consent::ask(scope, kind, output).await?
    };
    report_connected(&account, output)?;
    // A browser may be signed in to another account than the intended one.
    for other in scope.directory().accounts().await.map_err(jobs::Error::from)? {
        if other.kind == kind
            && other.id != account.id
            && other.state == AccountStatus::NeedsReconnect
        {
            output.note(&format!(
                "{} is another account: {} has still to be connected again, by its own consent. \
                Until then its pairs wait, with all their copies.",
                account.name, other.name
            ));
        }
    }
    Ok(CommandOutcome::Done)
}

#[derive(Serialize)]
struct InvitationReply<'a> {
    link: &'a str,
    ends: Timestamp,
}

async fn invite(scope: &Scope, config: &Config, kind: ProviderKind, output: &Output) -> Result {
    let Some(public) = &config.public_url else {
        let message = format!(
            "A link needs an address that browsers reach, and CALRELAY_PUBLIC_URL is not set; none \
            was made. Without one, `calrelay account add {kind}` asks for your consent in a \
            browser on this machine."
        );
        return Err(Problem { code: "settings".into(), message });
    };
    let Invitation { ticket, ends } = jobs::consent::invite(scope, kind).await?;
    let link = format!("{public}{}?ticket={}", functions::start_path(kind), ticket.expose());
    let ends = ends.round(Unit::Second).unwrap_or(ends);
    output.answer(&InvitationReply { link: &link, ends }, || {
        format!(
            "Open this link in a browser, or send it to the owner of the account; no other person \
            should see it. It connects one {} account to the calrelay that runs there, within \
            half an hour:\n\n{link}\n",
            account_name(kind)
        )
    })?;
    Ok(CommandOutcome::Done)
}

fn report_connected(account: &Account, output: &Output) -> Result {
    output.set_subject(&account.id);
    if account.was_connected_before() {
        let Account { id, name, .. } = account;
        let what = replaced_credential(account.kind);
        output.note(&format!(
            "This account is connected already, as {id} ({name}): {what} was \
        replaced; its pairs go on."
        ));
    }
    output.answer(
        &AddedAccount { id: &account.id, provider: account.kind, name: &account.name },
        || {
            format!(
                "Connected {} as {}. Its calendars: calrelay calendars --account {}\n",
                account.name, account.id, account.id
            )
        },
    )?;
    Ok(CommandOutcome::Done)
}

#[derive(Serialize)]
struct AccountsReply {
    accounts: Vec<AccountState>,
}

async fn list(scope: &Scope, output: &Output) -> Result {
    let now = scope.clock.now();
    let accounts = AccountsReply {
        accounts: scope
            .directory()
            .accounts()
            .await
            .map_err(jobs::Error::from)?
            .iter()
            .map(|account| AccountState::of(account, now))
            .collect(),
    };
    output.answer(&accounts, || words(&accounts.accounts))?;
    Ok(CommandOutcome::Done)
}

/// Accounts as a table, with their errors below.
pub fn words(accounts: &[AccountState]) -> String {
    let rows: Vec<[String; 4]> = accounts
        .iter()
        .map(|account| {
            [
                account.id.to_string(),
                account.provider.to_string(),
                account.state.clone(),
                account.name.clone(),
            ]
        })
        .collect();
    let mut text = table(
        ["account", "provider", "state", "name"],
        &rows,
        "No account is connected. Connect one with `calrelay account add`.",
    );
    for account in accounts {
        if let Some(error) = &account.error {
            text.push_str(&format!("{}: {}\n", account.id, error.message));
        }
    }
    text
}

#[derive(Serialize)]
struct RemovedAccount<'a> {
    id: &'a AccountId,
}

async fn remove(scope: &Scope, id: &AccountId, output: &Output) -> Result {
    let removed = scope.directory().account(id).await.map_err(jobs::Error::from)?;
    let removal = jobs::remove_account(scope, id).await?;
    if let Some(error) = removal.grant_left {
        let why =
            jobs::problem_of_consent(&error, "The account is removed here nevertheless.").message;
        output.note(&withdraw_yourself(removed.kind, &why));
    } else if let Some(words) = consent_remains(removed.kind) {
        output.note(&words);
    }
    output.answer(&RemovedAccount { id }, || {
        let secret = stored_credential(removed.kind);
        format!(
            "Removed {id} with {secret}, its pairs and all that was stored about them. Copies \
            stay as ordinary events.\n"
        )
    })?;
    Ok(CommandOutcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_was_replaced_is_said() {
        let account = |url: &str| Account {
            id: AccountId::new("a1"),
            kind: ProviderKind::Caldav,
            name: "anna on dav.example.org".into(),
            url: url.into(),
            user: "anna".into(),
            endpoint: url.into(),
            generation: 2,
            state: AccountStatus::Ok,
            error: None,
            suspended: None,
        };
        let (old, new) = (account("https://old.example/"), account("https://new.example/"));
        let words = moved_words(std::slice::from_ref(&old), &new).unwrap();
        assert!(
            words.contains("https://old.example/") && words.contains("https://new.example/"),
            "{words}"
        );
        assert_eq!(moved_words(std::slice::from_ref(&old), &old), None);
        assert_eq!(moved_words(&[], &new), None);
    }
}
