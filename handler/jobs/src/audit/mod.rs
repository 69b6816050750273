//! The audit trail: actions on accounts, consents, pairs, held deletions, keys and settings, with
//! their time, actor, origin and outcome.
//!
//! # Properties
//! * An entry is written before the action, and again with the outcome: an action that was cut off
//!   keeps the outcome `begun`.
//! * An entry holds ids, names of actions and of settings, and error codes. It holds no event
//!   content and no secret. The only personal data are the system's name of the user who ran a
//!   command, and the address of a browser.
//! * A forged answer or notification leaves no entry.
//! * A failure to write an entry is logged, and the action goes on: a storage outage must not keep
//!   a person from pausing a pair.
//! * Entries are kept for 90 days; the nightly pass deletes older ones.
//!
//! # Rows
//! [`records::audit`]. A scan returns the entries in the order of time.

mod settings;

use engine::text::is_terminal_control;
use jiff::{SignedDuration, Timestamp};
use store::{Op, Table};

use crate::random_secret::Token;
use crate::services::Services;
use crate::{Result, Scope};

pub use records::audit::AuditEntry;
pub use settings::record_setting_changes;

/// How long entries are kept.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The outcome of an action that has not ended.
const BEGUN: &str = "begun";
/// The outcome of an action that succeeded.
pub const DONE: &str = "done";

/// The longest text of a field, in characters. The names of all settings fit.
const MAX_FIELD: usize = 1000;
/// Rows read with one request.
const PAGE: usize = 1000;

/// The person or program that acts, and where the action comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    who: String,
    from: String,
}

impl Actor {
    /// An actor with a name and an origin.
    pub fn new(who: &str, from: &str) -> Self {
        Self { who: single_line(who), from: single_line(from) }
    }

    /// The program acting without a user.
    pub fn program() -> Self {
        Self::new("calrelay", "sync")
    }
}

/// An entry whose action has not ended.
pub struct OpenEntry {
    key: String,
    entry: AuditEntry,
}

/// Writes the entry of an action that begins.
pub async fn begin(scope: &Scope, actor: &Actor, action: &str, subject: &str) -> OpenEntry {
    let at = scope.clock.now();
    let entry = AuditEntry {
        at,
        who: actor.who.clone(),
        from: actor.from.clone(),
        action: action.to_owned(),
        subject: single_line(subject),
        outcome: BEGUN.into(),
    };
    let chance = Token::random().map(|token| token.hash()[..8].to_owned()).unwrap_or_default();
    let begun = OpenEntry { key: format!("{}-{chance}", time(at)), entry };
    begun.write(scope).await;
    begun
}

/// Writes the entry of an action that has ended.
pub async fn note(scope: &Scope, actor: &Actor, action: &str, subject: &str, outcome: &str) {
    begin(scope, actor, action, subject).await.end(scope, None, outcome).await;
}

impl OpenEntry {
    /// Writes the outcome; `subject` replaces the subject that was unknown before.
    pub async fn end(mut self, scope: &Scope, subject: Option<&str>, outcome: &str) {
        self.entry.outcome = single_line(outcome);
        if let Some(subject) = subject {
            self.entry.subject = single_line(subject);
        }
        self.write(scope).await;
    }

    async fn write(&self, scope: &Scope) {
        let AuditEntry { who, from, action, subject, outcome, .. } = &self.entry;
        tracing::info!(%who, %from, %action, %subject, %outcome, "audit");
        let value = match serde_json::to_string(&self.entry) {
            Ok(value) => value,
            Err(error) => {
                return tracing::error!(%error, "an entry of the audit trail cannot be encoded");
            }
        };
        let put = Op::Put { key: self.key.clone(), value };
        if let Err(error) = scope.store.commit(Table::Directory, &partition(scope), &[put]).await {
            tracing::error!(%error, "an entry of the audit trail could not be stored");
        }
    }
}

/// All entries within the retention time, the oldest first. An entry that cannot be read is left
/// out.
///
/// # Errors
/// Storage failures.
pub async fn entries(scope: &Scope) -> Result<Vec<AuditEntry>> {
    let oldest = oldest_key(scope);
    let mut entries = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = scope
            .store
            .scan(Table::Directory, &partition(scope), "", after.as_deref(), PAGE)
            .await?;
        entries.extend(
            page.iter()
                .filter(|row| row.key >= oldest)
                .filter_map(|row| serde_json::from_str(&row.value).ok()),
        );
        match page.last() {
            Some(last) if page.len() == PAGE => after = Some(last.key.clone()),
            _ => return Ok(entries),
        }
    }
}

/// Deletes entries that are older than [`RETENTION`] and returns their number. One request where
/// there are none.
///
/// # Errors
/// Storage failures; the next nightly pass goes on.
pub async fn delete_expired(services: &Services) -> Result<usize> {
    let cleared = services
        .for_each_owner(|scope| async move { delete_expired_of_owner(&scope).await })
        .await?
        .all()?;
    Ok(cleared.into_iter().sum())
}

async fn delete_expired_of_owner(scope: &Scope) -> Result<usize> {
    let (partition, oldest) = (partition(scope), oldest_key(scope));
    let mut cleared = 0;
    loop {
        let page =
            scope.store.scan(Table::Directory, &partition, "", None, store::MAX_COMMIT).await?;
        let whole = page.len() == store::MAX_COMMIT;
        let over: Vec<Op> = page
            .into_iter()
            .take_while(|row| row.key < oldest)
            .map(|row| Op::Delete { key: row.key, etag: None })
            .collect();
        if over.is_empty() {
            return Ok(cleared);
        }
        scope.store.commit(Table::Directory, &partition, &over).await?;
        cleared += over.len();
        if !whole {
            return Ok(cleared);
        }
    }
}

fn oldest_key(scope: &Scope) -> String {
    time(scope.clock.now().checked_sub(RETENTION).unwrap_or(Timestamp::UNIX_EPOCH))
}

fn time(at: Timestamp) -> String {
    format!("{:020}", at.as_microsecond().max(0))
}

fn partition(scope: &Scope) -> String {
    format!("audit:{}", scope.owner)
}

/// The text as one line of bounded length, without characters that a terminal obeys.
fn single_line(text: &str) -> String {
    text.chars().map(|c| if is_terminal_control(c) { ' ' } else { c }).take(MAX_FIELD).collect()
}

#[cfg(test)]
mod tests;
