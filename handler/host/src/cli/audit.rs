//! The entries that commands add to the audit trail, and `calrelay audit`, which shows them.

use std::collections::BTreeMap;

use jobs::Scope;
use jobs::audit;
use jobs::audit::Actor;
use jobs::audit::AuditEntry;
use secrecy::SecretString;
use serde::Serialize;

use super::outcome::{CommandOutcome, Result};
use super::output::table;
use crate::terminal::Output;

/// The origin of commands in entries.
const FROM: &str = "command line";

/// The user of a command: the name from the environment, and the id of the process's user.
pub fn actor(user: Option<&str>) -> Actor {
    let name = user.unwrap_or("operator");
    #[cfg(unix)]
    let name = format!("{name} (user {})", rustix::process::getuid().as_raw());
    Actor::new(name.as_ref(), FROM)
}

/// Runs a command, and records its start and its outcome.
pub async fn audited(
    scope: &Scope,
    actor: &Actor,
    action: Option<(&'static str, String)>,
    output: &Output,
    work: impl Future<Output = Result>,
) -> Result {
    let Some((action, subject)) = action else { return work.await };
    let begun = audit::begin(scope, actor, action, &subject).await;
    let outcome = work.await;
    let said = match &outcome {
        Ok(CommandOutcome::Done) => output.audit_outcome().unwrap_or(audit::DONE),
        Ok(CommandOutcome::Failed) => "failed",
        Err(problem) => &problem.code,
    };
    begun.end(scope, output.subject(), said).await;
    outcome
}

/// Compares the settings of a service with those of its last start. The start does not wait for
/// this: storage may be unreachable.
pub fn record_settings(scope: &Scope, values: BTreeMap<String, SecretString>) {
    let scope = scope.clone();
    tokio::spawn(async move {
        if let Err(error) = audit::record_setting_changes(&scope, &values).await {
            tracing::warn!(%error, "changes of settings could not be recorded; the next start compares them again");
        }
    });
}

#[derive(Serialize)]
struct AuditReply {
    entries: Vec<AuditEntry>,
}

/// Shows all entries, oldest first.
pub async fn run(scope: &Scope, output: &Output) -> Result {
    let trail = AuditReply { entries: audit::entries(scope).await? };
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
