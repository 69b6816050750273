//! What commands add to the audit trail, and `calrelay audit`, which shows it.

use std::collections::BTreeMap;

use jobs::Services;
use jobs::audit::{self, Actor, Entry};
use secrecy::SecretString;
use serde::Serialize;

use super::output::table;
use super::{Command, Outcome, Output, Result, account, pair, vault};

/// From where commands come.
const FROM: &str = "command line";

/// What a command does that is written down, and to what; `None` where it only looks.
pub fn action(command: &Command) -> Option<(&'static str, String)> {
    let found = match command {
        Command::Account(account::Command::Add(add)) => {
            (if add.is_link() { "consent.link" } else { "account.add" }, add.provider().to_owned())
        }
        Command::Account(account::Command::Remove { id }) => ("account.remove", id.to_string()),
        Command::Pair(pair::Command::Add(_)) => ("pair.add", String::new()),
        Command::Pair(pair::Command::Remove { id }) => ("pair.remove", id.to_string()),
        Command::Pair(pair::Command::Pause { id }) => ("pair.pause", id.to_string()),
        Command::Pair(pair::Command::Resume { id }) => ("pair.resume", id.to_string()),
        Command::Pair(pair::Command::TakeOver { id }) => ("pair.take_over", id.to_string()),
        Command::Pair(pair::Command::CleanUp(arguments)) => ("pair.clean_up", arguments.written()?.to_string()),
        Command::Vault(vault::Command::Rotate(rotate)) => (rotate.action(), "key".to_owned()),
        Command::CleanUp(arguments) => ("calendar.clean_up", arguments.written()?.to_string()),
        Command::Sync(arguments) => {
            let (action, pair) = arguments.answered()?;
            (action, pair.to_string())
        }
        _ => return None,
    };
    Some(found)
}

/// Whoever gives commands here, as the session names them.
pub fn actor(user: Option<&str>) -> Actor {
    Actor::new(user.unwrap_or("operator"), FROM)
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
        Ok(Outcome::Done) => audit::DONE,
        Ok(Outcome::Failed) => "failed",
        Err(problem) => &problem.code,
    };
    begun.end(services, output.subject(), said).await;
    outcome
}

/// Compares the settings of a service that starts with those of its last start. It waits for nobody: storage may be away.
pub fn settings(services: &Services, values: BTreeMap<String, SecretString>) {
    let services = services.clone();
    tokio::spawn(async move {
        if let Err(error) = audit::settings(&services, &values).await {
            tracing::warn!(%error, "whether settings have changed could not be written down; the next start compares them again");
        }
    });
}

#[derive(Serialize)]
struct Trail {
    entries: Vec<Entry>,
}

/// Shows all entries, the oldest first.
pub async fn run(services: &Services, output: &Output) -> Result {
    let trail = Trail { entries: audit::entries(services).await? };
    let row = |entry: &Entry| {
        let Entry { at, who, from, action, subject, outcome } = entry;
        [at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(), who.clone(), from.clone(), action.clone(), subject.clone(), outcome.clone()]
    };
    output.answer(&trail, || {
        let rows: Vec<_> = trail.entries.iter().map(row).collect();
        table(["at", "who", "from", "action", "subject", "outcome"], &rows, "Nothing was changed in the last 90 days.")
    })?;
    Ok(Outcome::Done)
}
