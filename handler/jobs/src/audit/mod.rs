//! The audit trail: who has changed what, when, from where, and how it ended. For accounts,
//! consents, pairs, held deletions, keys and settings.
//!
//! # Properties
//! * An entry is written before the action, and again with its outcome: an action that was cut off
//!   stays as `begun`.
//! * It holds ids, names of actions and of settings, and codes of errors. No content of an event
//!   and no secret; of people, the name that the system has for the user of a command, and the
//!   address of a browser.
//! * A forged answer or notification leaves no entry.
//! * An entry that cannot be written is said in the log, and the action goes on: storage that is
//!   away must not keep a person from pausing a pair.
//! * Entries are kept for 90 days; the nightly pass clears away those that are older.
//!
//! # Rows
//! [`Table::Directory`], partition `audit:OWNER`, key: the microsecond in 20 digits, and a random
//! part. A scan gives them in their order.

mod settings;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Op, Table};

use crate::services::Services;
use crate::token::Token;
use crate::{Result, Scope};

pub use settings::record_setting_changes;

/// How long entries are kept.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Said of an action that has not ended.
const BEGUN: &str = "begun";
/// Said of one that went well.
pub const DONE: &str = "done";

/// The longest text of a field, in characters: all names of settings.
const MAX_FIELD: usize = 1000;
/// Rows read at once.
const PAGE: usize = 1000;

/// One action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When it began.
    pub at: Timestamp,
    /// Who did it.
    pub who: String,
    /// From where.
    pub from: String,
    /// What was done: `account.add`, `pair.remove` …
    pub action: String,
    /// To what: an id, or the kind of what has none.
    pub subject: String,
    /// How it ended: `done`, the code of an error, or a number.
    pub outcome: String,
}

/// Who acts, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    who: String,
    from: String,
}

impl Actor {
    /// A person, by name and place.
    pub fn new(who: &str, from: &str) -> Self {
        Self { who: single_line(who), from: single_line(from) }
    }

    /// The program, by itself.
    pub fn program() -> Self {
        Self::new("calrelay", "sync")
    }
}

/// An entry whose outcome is still to come.
pub struct OpenEntry {
    key: String,
    entry: AuditEntry,
}

/// Writes down that an action begins.
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

/// Writes down an action that is over.
pub async fn note(scope: &Scope, actor: &Actor, action: &str, subject: &str, outcome: &str) {
    begin(scope, actor, action, subject).await.end(scope, None, outcome).await;
}

impl OpenEntry {
    /// Writes down how it ended; `subject` is what it was done to, where that was not known before.
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
                return tracing::error!(%error, "an entry of the audit trail cannot be written \
                down");
            }
        };
        let put = Op::Put { key: self.key.clone(), value };
        if let Err(error) = scope.store.commit(Table::Directory, &partition(scope), &[put]).await {
            tracing::error!(%error, "an entry of the audit trail could not be stored");
        }
    }
}

/// All entries that are kept, the oldest first. One that cannot be read is left out.
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

/// Clears away what is older than [`RETENTION`]; how many. One request where nothing is.
///
/// # Errors
/// Storage failures; the next night goes on.
pub async fn delete_expired(services: &Services) -> Result<usize> {
    let cleared = services
        .for_each_owner(|scope| async move { delete_expired_of_owner(&scope).await })
        .await?;
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

/// One line of bounded length.
fn single_line(text: &str) -> String {
    // What reorders a line of a terminal is no part of a name either.
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
    };
    text.chars().map(|c| if hostile(c) { ' ' } else { c }).take(MAX_FIELD).collect()
}

#[cfg(test)]
mod tests;
