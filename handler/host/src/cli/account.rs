//! `calrelay account`: connect, list, remove.

use clap::Subcommand;
use engine::calendar::AccountId;
use engine::provider::ProviderKind;
use jiff::{Timestamp, Unit};
use jobs::consent::Invitation;
use jobs::directory::{Account, AccountStatus};
use jobs::report::{AccountState, Problem};
use jobs::{Services, directory};
use serde::Serialize;

use super::outcome::{CommandOutcome, Result};
use super::output::table;
use super::provider_words::{
    AccountAdd, ConsentArguments, GoogleArguments, PasswordArguments, microsoft_not_supported,
    password_question, replaced_credential, withdraw_yourself,
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
    services: &Services,
    config: &Config,
    command: AccountCommand,
    output: &Output,
) -> Result {
    match command {
        AccountCommand::Add(arguments) => add(services, config, arguments, output).await,
        AccountCommand::List => list(services, output).await,
        AccountCommand::Remove { id } => remove(services, &id, output).await,
    }
}

async fn add(
    services: &Services,
    config: &Config,
    arguments: AccountAdd,
    output: &Output,
) -> Result {
    let Some(kind) = arguments.kind() else { return Err(microsoft_not_supported()) };
    match arguments {
        AccountAdd::Caldav { url, user, secret } => {
            add_by_password(services, kind, &url, &user, &secret, output).await
        }
        AccountAdd::Icloud { user, secret } => {
            let url = config.icloud_url.as_str();
            add_by_password(services, kind, url, &user, &secret, output).await
        }
        AccountAdd::Google(GoogleArguments { link: true, .. }) => {
            invite(services, config, kind, output).await
        }
        AccountAdd::Google(given) => add_by_consent(services, kind, &given.consent, output).await,
        AccountAdd::Microsoft(_) => Err(microsoft_not_supported()),
    }
}

#[derive(Serialize)]
struct AddedAccount<'a> {
    id: &'a AccountId,
    provider: ProviderKind,
    name: &'a str,
}

async fn add_by_password(
    services: &Services,
    kind: ProviderKind,
    url: &str,
    user: &str,
    secret: &PasswordArguments,
    output: &Output,
) -> Result {
    let secret = password::read(secret.password_stdin, password_question(kind))?;
    let account = directory::connect_account(services, kind, url, user, &secret)
        .await
        .map_err(|error| Problem::keeping(&error, consent::KEPT))?;
    report_connected(&account, output)
}

async fn add_by_consent(
    services: &Services,
    kind: ProviderKind,
    given: &ConsentArguments,
    output: &Output,
) -> Result {
    let account = if given.refresh_token_stdin {
        let token = password::first_line_of_stdin("refresh token")?;
        jobs::consent::adopt(services, kind, &token)
            .await
            .map_err(|error| Problem::keeping(&error, consent::KEPT))?
    } else {
        consent::ask(services, kind, output).await?
    };
    report_connected(&account, output)?;
    // A browser may be signed in to another account than the intended one.
    for other in directory::accounts(services).await? {
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

async fn invite(
    services: &Services,
    config: &Config,
    kind: ProviderKind,
    output: &Output,
) -> Result {
    let Some(public) = &config.public_url else {
        let message = "A link needs an address that browsers reach, and CALRELAY_PUBLIC_URL is \
        not set; none was made. Without one, `calrelay account \
                       add google` asks for your consent in a browser on this machine.";
        return Err(Problem { code: "settings".into(), message: message.into() });
    };
    let Invitation { ticket, ends } = jobs::consent::invite(services, kind).await?;
    let link = format!("{public}{}?ticket={}", functions::START_PATH, ticket.expose());
    let ends = ends.round(Unit::Second).unwrap_or(ends);
    output.answer(&InvitationReply { link: &link, ends }, || {
        format!(
            "Open this link in a browser, or send it to the owner of the account; no other person \
            should see it. It connects one Google account to the \
             calrelay that runs there, within half an hour:\n\n{link}\n"
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

async fn list(services: &Services, output: &Output) -> Result {
    let now = services.clock.now();
    let accounts = AccountsReply {
        accounts: directory::accounts(services)
            .await?
            .iter()
            .map(|account| account.shown(now))
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

async fn remove(services: &Services, id: &AccountId, output: &Output) -> Result {
    let removal = directory::remove_account(services, id).await?;
    if let Some(error) = removal.grant_left {
        let why = Problem::keeping(&error, "The account is removed here nevertheless.").message;
        output.note(&withdraw_yourself(&why));
    }
    output.answer(&RemovedAccount { id }, || {
        format!(
            "Removed {id} with its password, its pairs and all that was stored about them. Copies \
            stay as ordinary events.\n"
        )
    })?;
    Ok(CommandOutcome::Done)
}
