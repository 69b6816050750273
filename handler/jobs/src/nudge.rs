//! The messages of the queue. A nudge asks for a sync of one calendar. It carries no event, so
//! duplicates and losses are harmless.
//!
//! No field may have the name of a field of the queue's own metadata (`id`, `dequeueCount`,
//! `popReceipt`, `sys`…): the Functions host merges the fields of a message into them.

use std::collections::BTreeSet;
use std::time::Duration;

use engine::calendar::CalendarId;
use engine::pair::Pair;
use serde::{Deserialize, Serialize};

use crate::services::LOCAL_OWNER;
use crate::{Error, Result, Scope};

/// The queue of nudges. Nudges that failed too often are in `sync-calendar-poison`.
pub const QUEUE: &str = "sync-calendar";

/// A request to sync a calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Nudge {
    pub calendar_id: CalendarId,
    pub cause: Cause,
    /// The owner of the calendar.
    #[serde(default = "local", skip_serializing_if = "is_local")]
    pub owner: String,
}

fn local() -> String {
    LOCAL_OWNER.to_owned()
}

fn is_local(owner: &str) -> bool {
    owner == LOCAL_OWNER
}

/// Why a calendar is to be synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A poll found a change. The next poll repeats the nudge, so a failure at the provider needs
    /// no other retry.
    Poll,
    /// The nightly pass.
    Reconcile,
    /// The provider sent a notification.
    Webhook,
    /// A watch was replaced: changes are looked for that the watch before may have missed.
    Renewal,
    /// An attempt of a pass ended before the pass was complete.
    Unfinished,
    /// A cause of a later version.
    #[serde(other)]
    Other,
}

impl Nudge {
    /// A nudge for the owner of single-user mode.
    pub fn local(calendar_id: CalendarId, cause: Cause) -> Self {
        Self { calendar_id, cause, owner: local() }
    }

    /// The nudge as the text of a message.
    ///
    /// # Errors
    /// No id of a calendar causes one.
    pub fn to_text(&self) -> Result<String> {
        serde_json::to_string(self)
            .map_err(|error| Error::Damaged(format!("a message cannot be encoded: {error}")))
    }

    /// Parses the text of a message.
    ///
    /// # Errors
    /// [`Error::Damaged`] for anything that is no nudge; nothing of it is quoted.
    pub fn from_text(text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .map_err(|_| Error::Damaged(format!("a message of {} bytes is no nudge", text.len())))
    }
}

/// Sends a nudge.
pub async fn send(scope: &Scope, calendar: &CalendarId, cause: Cause) -> Result<()> {
    send_after(scope, calendar, cause, Duration::ZERO).await
}

/// Sends a nudge that becomes visible after a delay.
pub async fn send_after(
    scope: &Scope,
    calendar: &CalendarId,
    cause: Cause,
    delay: Duration,
) -> Result<()> {
    let nudge = Nudge { calendar_id: calendar.clone(), cause, owner: scope.owner.clone() };
    Ok(scope.queue.put(QUEUE, &nudge.to_text()?, delay).await?)
}

/// Sends as few nudges as cover all these pairs, and returns their number.
pub(crate) async fn nudge_all(scope: &Scope, pairs: &[&Pair], cause: Cause) -> Result<usize> {
    let mut chosen: BTreeSet<&CalendarId> = BTreeSet::new();
    for pair in pairs {
        if !chosen.contains(&pair.from) && !chosen.contains(&pair.to) {
            chosen.insert(&pair.from);
        }
    }
    for calendar in &chosen {
        send(scope, calendar, cause).await?;
    }
    Ok(chosen.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nudge_is_written_as_it_is_read() {
        let nudge = Nudge::local(CalendarId::new("c1"), Cause::Poll);
        let text = nudge.to_text().unwrap();
        assert_eq!(text, r#"{"calendarId":"c1","cause":"poll"}"#);
        assert_eq!(Nudge::from_text(&text).unwrap(), nudge);
    }

    #[test]
    fn no_field_has_the_name_of_metadata() {
        let reserved = [
            "id",
            "dequeuecount",
            "expirationtime",
            "insertiontime",
            "nextvisibletime",
            "popreceipt",
            "queuetrigger",
            "sys",
        ];
        let value = serde_json::to_value(Nudge {
            owner: "other".into(),
            ..Nudge::local(CalendarId::new("c1"), Cause::Webhook)
        })
        .unwrap();
        for name in value.as_object().unwrap().keys() {
            assert!(!reserved.contains(&name.to_lowercase().as_str()), "{name}");
        }
    }

    #[test]
    fn a_cause_of_tomorrow_is_still_a_nudge() {
        assert_eq!(
            Nudge::from_text(r#"{"calendarId":"c1","cause":"moon","more":1}"#).unwrap().cause,
            Cause::Other
        );
    }

    #[test]
    fn what_is_no_nudge_is_refused_without_being_quoted() {
        for text in [
            "",
            "secret words",
            "123",
            r#"{"calendarId":7,"cause":"poll"}"#,
            r#"{"cause":"secret"}"#,
        ] {
            let error = Nudge::from_text(text).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
