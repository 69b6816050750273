//! The commands, and their names in the audit trail.

use clap::Subcommand;

use super::{account, calendars, clean_up, explain, pair, sync, token, vault};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Connect, list and remove accounts.
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// List the calendars of the connected accounts.
    Calendars(calendars::CalendarsArguments),
    /// Set up, list, pause and end pairs of calendars.
    #[command(subcommand)]
    Pair(pair::PairCommand),
    /// Run one complete pass now; ends when no pair has anything left to do.
    Sync(sync::SyncArguments),
    /// Delete what pairs that have ended left in a calendar.
    CleanUp(clean_up::CleanUpArguments),
    /// Show the state of accounts and pairs.
    Status,
    /// Say why an event was, or was not, copied.
    Explain(explain::ExplainArguments),
    /// Make, list and remove access tokens for programs that use the API.
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Print a link that signs one browser in to the pages of this Calrelay.
    SignIn,
    /// List the changes of the last 90 days, with their authors: accounts, consents, pairs, held
    /// deletions, keys and settings.
    Audit,
    /// Rotate the keys over the stored secrets.
    #[command(subcommand)]
    Vault(vault::VaultCommand),
    /// Check settings, storage, vault, clock and accounts, and say how to correct each problem.
    Doctor,
}

impl Command {
    /// The action and the subject of a command for the audit trail; `None` if the command only
    /// reads.
    pub fn audit_action(&self) -> Option<(&'static str, String)> {
        let found = match self {
            Self::Account(account::AccountCommand::Add(add)) => (
                if add.is_link() { "consent.link" } else { "account.add" },
                add.kind().as_str().to_owned(),
            ),
            Self::Account(account::AccountCommand::Remove { id }) => {
                ("account.remove", id_or_placeholder(id))
            }
            Self::Pair(pair::PairCommand::Add(_)) => ("pair.add", String::new()),
            Self::Pair(pair::PairCommand::Remove { id }) => ("pair.remove", id_or_placeholder(id)),
            Self::Pair(pair::PairCommand::Start { id }) => ("pair.start", id_or_placeholder(id)),
            Self::Pair(pair::PairCommand::Pause { id }) => ("pair.pause", id_or_placeholder(id)),
            Self::Pair(pair::PairCommand::Resume { id }) => ("pair.resume", id_or_placeholder(id)),
            Self::Pair(pair::PairCommand::TakeOver { id }) => {
                ("pair.take_over", id_or_placeholder(id))
            }
            Self::Pair(pair::PairCommand::CleanUp(arguments)) => {
                ("pair.clean_up", id_or_placeholder(arguments.target()?))
            }
            Self::Vault(vault::VaultCommand::Rotate(rotate)) => {
                (rotate.audit_action(), "key".to_owned())
            }
            Self::CleanUp(arguments) => {
                ("calendar.clean_up", id_or_placeholder(arguments.target()?))
            }
            Self::Token(token::TokenCommand::Add(_)) => ("token.add", String::new()),
            Self::Token(token::TokenCommand::Remove { id }) => {
                ("token.remove", id_or_placeholder(id))
            }
            Self::SignIn => ("session.link", String::new()),
            Self::Sync(arguments) => {
                let (action, pair) = arguments.audit_action()?;
                (action, id_or_placeholder(pair))
            }
            _ => return None,
        };
        Some(found)
    }
}

/// The id that was entered, if it has the form of an id: any other text may be a secret.
fn id_or_placeholder(id: &impl ToString) -> String {
    let id = id.to_string();
    let is_one = (9..=11).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'2'..=b'7'));
    if is_one { id } else { "no id".into() }
}
