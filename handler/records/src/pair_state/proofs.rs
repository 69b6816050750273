//! The evidence for each deletion: what was read, when, and what the server answered. Kept for
//! thirty days.

use engine::calendar::{CalendarId, PairId};
use engine::change::Absence;
use engine::marker::Role;
use engine::reason::Reason;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use store::{MAX_COMMIT, Op, Store, Table};

use super::batch::{Batch, Group};
use super::keys::PROOF;
use crate::Result;
use crate::codec::{decode, encode};

const KEPT_DAYS: i64 = 30;
/// Rows read with one request.
const PAGE: usize = 500;

const PROOFS_PER_ROW: usize = 20;

#[derive(Serialize, Deserialize)]
struct ProofRows {
    proofs: Vec<ProofRow>,
}

/// A deletion and its proof. Holds no event content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProofRow {
    /// When the deletion was made.
    pub at: Timestamp,
    pub origin: String,
    pub copy: String,
    /// The event that was deleted; `None` where both were found missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Role>,
    pub reason: Reason,
    pub proof: Proof,
}

/// What a deletion is based on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    pub calendar: CalendarId,
    /// What first showed that the event is gone.
    pub sign: FirstSign,
    /// When the event itself was requested.
    pub read: Timestamp,
    /// The server's answer; `None` where it returned the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Absence>,
    /// The calendar was also searched for the event's UID.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub searched: bool,
}

/// What first showed that an event is gone, or needs no copy any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstSign {
    /// A listing named the event as removed.
    Named,
    /// A complete listing did not contain the event.
    Missing,
    /// A write, or an earlier pass, found no event.
    Earlier,
    /// The event exists and says so itself.
    Shown,
}

impl ProofRow {
    /// The deletion and its proof as a text for users.
    pub fn in_words(&self) -> String {
        let Self { at, origin, copy, deleted, reason, proof } = self;
        let Proof { calendar, sign, read, answer, searched } = proof;
        let [at, read] = [at, read].map(|time| time.round(jiff::Unit::Second).unwrap_or(*time));
        let done = match deleted {
            Some(Role::Copy) => format!("Its copy {copy} was deleted at {at}."),
            Some(Role::Origin) => {
                format!("The event {origin} was deleted at {at}, after its copy.")
            }
            None => format!("Both the event {origin} and its copy {copy} were found gone at {at}."),
        };
        let sign = match sign {
            FirstSign::Named => format!("the calendar {calendar} named it as removed"),
            FirstSign::Missing => {
                format!("a complete listing of the calendar {calendar} did not hold it")
            }
            FirstSign::Earlier => {
                format!("an earlier request found it gone in the calendar {calendar}")
            }
            FirstSign::Shown => {
                return format!(
                    "{done} {} Read at {read} in the calendar {calendar}.",
                    reason.in_words()
                );
            }
        };
        let answer = match answer {
            Some(Absence::NotFound) => "answered that there is no such event (404 or 410)",
            Some(Absence::Cancelled) => "answered that it is deleted (status \"cancelled\")",
            Some(Absence::NoEvent) => "answered with something that is no event",
            Some(Absence::Elsewhere) => "answered that it is in another calendar by now",
            None => "was not read",
        };
        let search = if *searched { ", and a search for its UID found none" } else { "" };
        format!(
            "{done} {} Proof: {sign}; asked for it at {read}, the server {answer}{search}.",
            reason.in_words()
        )
    }
}

/// Adds the proofs of some deletions to a batch, in rows of their own; `known` counts the rows of
/// this pass.
pub fn note(batch: &mut Batch, day: Date, known: &mut u32, rows: &[ProofRow]) -> Result<()> {
    for rows in rows.chunks(PROOFS_PER_ROW) {
        // A pass that was cut off has the number of the next pass, but another time.
        let key = format!("{PROOF}{day}:{:020}:{known:05}", rows[0].at.as_nanosecond());
        batch.groups.push(Group::of(vec![Op::Put {
            key,
            value: encode(&ProofRows { proofs: rows.to_vec() })?,
        }]));
        *known += 1;
    }
    Ok(())
}

/// The proofs that `is_asked_for` accepts, the latest first.
pub async fn find(
    store: &dyn Store,
    pair: &PairId,
    is_asked_for: impl Fn(&ProofRow) -> bool,
) -> Result<Vec<ProofRow>> {
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let rows = store.scan(Table::Pairs, pair.as_str(), PROOF, after.as_deref(), PAGE).await?;
        for row in &rows {
            found.extend(
                decode::<ProofRows>(&row.key, &row.value)?.proofs.into_iter().filter(&is_asked_for),
            );
        }
        match rows.last().filter(|_| rows.len() == PAGE) {
            Some(last) => after = Some(last.key.clone()),
            None => break,
        }
    }
    found.sort_by_key(|row| std::cmp::Reverse(row.at));
    Ok(found)
}

/// Adds the deletion of proofs older than thirty days to a batch, as many as one commit allows.
/// Returns the day of the oldest proof that stays.
pub async fn purge(
    store: &dyn Store,
    pair: &PairId,
    batch: &mut Batch,
    oldest: Date,
    today: Date,
) -> Result<Option<Date>> {
    let limit = today.saturating_sub(KEPT_DAYS.days());
    if oldest >= limit {
        return Ok(Some(oldest));
    }
    let rows = store.scan(Table::Pairs, pair.as_str(), PROOF, None, MAX_COMMIT / 2).await?;
    let mut stays = None;
    for row in rows {
        let day = row
            .key
            .strip_prefix(PROOF)
            .and_then(|rest| rest.split(':').next())
            .and_then(|day| day.parse::<Date>().ok());
        match day {
            Some(day) if day >= limit => {
                stays = Some(day);
                break;
            }
            // Older proofs may remain; the next day deletes them.
            _ => {
                batch.groups.push(Group::of(vec![Op::Delete { key: row.key, etag: None }]));
                stays = day;
            }
        }
    }
    Ok(stays)
}
