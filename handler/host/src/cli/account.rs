//! `calrelay account`: connect, list, remove.

use clap::{Args, Subcommand};
use engine::calendar::AccountId;
use engine::provider::ProviderKind;
use jiff::{Timestamp, Unit};
use jobs::consent::Invitation;
use jobs::directory::{Account, AccountStatus};
use jobs::report::{AccountState, Problem};
use jobs::{Services, directory};
use serde::Serialize;

use super::output::table;
use super::{CommandOutcome, Output, Result, consent, password};
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Connect an account. The same account again, however its address is spelled, replaces its
    /// password; its id and its pairs stay.
    #[command(subcommand)]
    Add(AccountAdd),
    /// List the connected accounts.
    List,
    /// Forget an account, its password, its pairs and all that was remembered of them. Copies stay
    /// as ordinary events.
    Remove {
        /// The account's id.
        id: AccountId,
    },
}

/// The providers.
#[derive(Debug, Subcommand)]
pub enum AccountAdd {
    /// Any CalDAV server: Fastmail, Nextcloud, Radicale…
    Caldav {
        /// The server's address, as its help pages give it.
        #[arg(long)]
        url: String,
        /// The user name there.
        #[arg(long)]
        user: String,
        #[command(flatten)]
        secret: PasswordArguments,
    },
    /// Apple iCloud, with an app-specific password (account.apple.com, Sign-In and Security).
    Icloud {
        /// The e-mail address of the Apple Account.
        #[arg(long, value_name = "APPLE-ID")]
        user: String,
        #[command(flatten)]
        secret: PasswordArguments,
    },
    /// Google Calendar: opens Google's page in your browser, where you give your consent. Needs
    /// GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET of an OAuth client of your own, of the kind
    /// "Desktop app", or "Web application" for --link.
    Google(GoogleArguments),
    /// Microsoft 365: not in this version.
    Microsoft(ConsentArguments),
}

impl AccountAdd {
    /// The provider's name in the audit trail.
    pub fn provider(&self) -> &'static str {
        match self {
            Self::Caldav { .. } => ProviderKind::Caldav.as_str(),
            Self::Icloud { .. } => ProviderKind::Icloud.as_str(),
            Self::Google(_) => ProviderKind::Google.as_str(),
            Self::Microsoft(_) => "microsoft",
        }
    }

    /// Whether only a link is created.
    pub fn is_link(&self) -> bool {
        matches!(self, Self::Google(GoogleArguments { link: true, .. }))
    }
}

/// Where the password comes from.
#[derive(Debug, Args)]
pub struct PasswordArguments {
    /// Read the password from the first line of stdin instead of asking for it.
    #[arg(long)]
    password_stdin: bool,
}

/// Where a consent comes from.
#[derive(Debug, Args)]
pub struct ConsentArguments {
    /// Take an existing grant: read its refresh token from the first line of stdin. No browser is
    /// needed.
    #[arg(long)]
    refresh_token_stdin: bool,
}

/// The arguments of `calrelay account add google`.
#[derive(Debug, Args)]
pub struct GoogleArguments {
    #[command(flatten)]
    consent: ConsentArguments,
    /// Print a link to the calrelay that runs at CALRELAY_PUBLIC_URL, by which one account can be
    /// connected there within half an hour, in any browser. Nothing is asked here.
    #[arg(long, conflicts_with = "refresh_token_stdin")]
    link: bool,
}

/// The error of `account add microsoft` in this version.
pub fn microsoft_not_supported() -> Problem {
    let message = "Microsoft accounts cannot be connected with this version; nothing was stored. \
    It connects Google (`calrelay account add google`), iCloud (`calrelay account add icloud`) \
    and any CalDAV server (`calrelay account add caldav`).";
    Problem { code: "not_supported".into(), message: message.into() }
}

/// Runs the command.
pub async fn run(
    services: &Services,
    config: &Config,
    command: AccountCommand,
    output: &Output,
) -> Result {
    match command {
        AccountCommand::Add(AccountAdd::Caldav { url, user, secret }) => {
            add_by_password(services, ProviderKind::Caldav, &url, &user, &secret, output).await
        }
        AccountCommand::Add(AccountAdd::Icloud { user, secret }) => {
            add_by_password(
                services,
                ProviderKind::Icloud,
                config.icloud_url.as_str(),
                &user,
                &secret,
                output,
            )
            .await
        }
        AccountCommand::Add(AccountAdd::Google(GoogleArguments { link: true, .. })) => {
            invite(services, config, output).await
        }
        AccountCommand::Add(AccountAdd::Google(given)) => {
            add_by_consent(services, ProviderKind::Google, &given.consent, output).await
        }
        AccountCommand::Add(AccountAdd::Microsoft(_)) => Err(microsoft_not_supported()),
        AccountCommand::List => list(services, output).await,
        AccountCommand::Remove { id } => remove(services, &id, output).await,
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
    let question = match kind {
        ProviderKind::Caldav | ProviderKind::Google => "Password",
        ProviderKind::Icloud => "App-specific password (not the one of your Apple Account)",
    };
    let secret = password::read(secret.password_stdin, question)?;
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

async fn invite(services: &Services, config: &Config, output: &Output) -> Result {
    let Some(public) = &config.public_url else {
        let message = "A link needs an address that browsers reach, and CALRELAY_PUBLIC_URL is \
        not set; none was made. Without one, `calrelay account \
                       add google` asks for your consent in a browser on this machine.";
        return Err(Problem { code: "settings".into(), message: message.into() });
    };
    let Invitation { ticket, ends } = jobs::consent::invite(services, ProviderKind::Google).await?;
    let link = format!("{public}{}?ticket={}", functions::CONNECT, ticket.expose());
    let ends = ends.round(Unit::Second).unwrap_or(ends);
    output.answer(&InvitationReply { link: &link, ends }, || {
        format!(
            "Open this link in a browser, or send it to the owner of the account; no other person should see it. It connects one Google account to the \
             calrelay that runs there, within half an hour:\n\n{link}\n"
        )
    })?;
    Ok(CommandOutcome::Done)
}

fn report_connected(account: &Account, output: &Output) -> Result {
    output.set_subject(&account.id);
    if account.was_connected_before() {
        let Account { id, name, .. } = account;
        let what = match account.kind {
            ProviderKind::Caldav | ProviderKind::Icloud => "the password",
            ProviderKind::Google => "its consent",
        };
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
        let why = Problem::keeping(&error, "The account is removed here all the same.").message;
        output.note(&format!(
            "The consent could not be withdrawn at Google. {why} You can end it yourself: \
            https://myaccount.google.com/connections"
        ));
    }
    output.answer(&RemovedAccount { id }, || {
        format!(
            "Removed {id} with its password, its pairs and all that was stored about them. Copies stay as ordinary events.\n"
        )
    })?;
    Ok(CommandOutcome::Done)
}
