//! What commands add to the audit trail, and `calrelay audit`, which shows it.

use std::collections::BTreeMap;

use jobs::Services;
use jobs::audit::{self, Actor, AuditEntry};
use secrecy::SecretString;
use serde::Serialize;

use super::output::table;
use super::{Command, CommandOutcome, Output, Result, account, pair, vault};

/// From where commands come.
const FROM: &str = "command line";

/// What a command does that is written down, and to what; `None` where it only looks.
pub fn action(command: &Command) -> Option<(&'static str, String)> {
    let found = match command {
        Command::Account(account::AccountCommand::Add(add)) => {
            (if add.is_link() { "consent.link" } else { "account.add" }, add.provider().to_owned())
        }
        Command::Account(account::AccountCommand::Remove { id }) => ("account.remove", typed(id)),
        Command::Pair(pair::PairCommand::Add(_)) => ("pair.add", String::new()),
        Command::Pair(pair::PairCommand::Remove { id }) => ("pair.remove", typed(id)),
        Command::Pair(pair::PairCommand::Pause { id }) => ("pair.pause", typed(id)),
        Command::Pair(pair::PairCommand::Resume { id }) => ("pair.resume", typed(id)),
        Command::Pair(pair::PairCommand::TakeOver { id }) => ("pair.take_over", typed(id)),
        Command::Pair(pair::PairCommand::CleanUp(arguments)) => {
            ("pair.clean_up", typed(arguments.written()?))
        }
        Command::Vault(vault::VaultCommand::Rotate(rotate)) => (rotate.action(), "key".to_owned()),
        Command::CleanUp(arguments) => ("calendar.clean_up", typed(arguments.written()?)),
        Command::Sync(arguments) => {
            let (action, pair) = arguments.answered()?;
            (action, typed(pair))
        }
        _ => return None,
    };
    Some(found)
}

/// The person who gives commands: the user of the process, and the name that the session has for
/// them.
pub fn actor(user: Option<&str>) -> Actor {
    let name = user.unwrap_or("operator");
    #[cfg(unix)]
    let name = format!("{name} (user {})", rustix::process::getuid().as_raw());
    Actor::new(name.as_ref(), FROM)
}

/// Does it, between the entry that says so and its outcome.
pub async fn audited(
    services: &Services,
    actor: &Actor,
    action: Option<(&'static str, String)>,
    output: &Output,
    work: impl Future<Output = Result>,
) -> Result {
    let Some((action, subject)) = action else { return work.await };
    let begun = audit::begin(services, actor, action, &subject).await;
    let outcome = work.await;
    let said = match &outcome {
        Ok(CommandOutcome::Done) => audit::DONE,
        Ok(CommandOutcome::Failed) => "failed",
        Err(problem) => &problem.code,
    };
    begun.end(services, output.subject(), said).await;
    outcome
}

/// What was typed as an id, where it has the form of one: anything else may be a secret.
fn typed(id: &impl ToString) -> String {
    let id = id.to_string();
    let is_one = (9..=11).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'2'..=b'7'));
    if is_one { id } else { "no id".into() }
}

/// Compares the settings of a service that starts with those of its last start. The start does not
/// wait for it: storage may be away.
pub fn settings(services: &Services, values: BTreeMap<String, SecretString>) {
    let services = services.clone();
    tokio::spawn(async move {
        if let Err(error) = audit::settings(&services, &values).await {
            tracing::warn!(%error, "whether settings have changed could not be written down; the \
            next start compares them again");
        }
    });
}

#[derive(Serialize)]
struct Trail {
    entries: Vec<AuditEntry>,
}

/// Shows all entries, the oldest first.
pub async fn run(services: &Services, output: &Output) -> Result {
    let trail = Trail { entries: audit::entries(services).await? };
    let row = |entry: &AuditEntry| {
        let AuditEntry { at, who, from, action, subject, outcome } = entry;
        [
            at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            who.clone(),
            from.clone(),
            action.clone(),
            subject.clone(),
            outcome.clone(),
        ]
    };
    output.answer(&trail, || {
        let rows: Vec<_> = trail.entries.iter().map(row).collect();
        table(
            ["at", "who", "from", "action", "subject", "outcome"],
            &rows,
            "Nothing was changed in the last 90 days.",
        )
    })?;
    Ok(CommandOutcome::Done)
}
