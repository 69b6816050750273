//! The conflicts of a pair: changes of both sides to one event that met, and what was kept.

use engine::calendar::PairId;
use jiff::ToSpan;
use jiff::tz::TimeZone;
use records::pair_state::conflicts::{self, ConflictPosition, ConflictRow, KEPT_DAYS};
use serde::Serialize;

use crate::{Error, Result, Scope};

/// A page of conflicts, the latest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConflictPage {
    pub conflicts: Vec<ConflictRow>,
    /// Where the next page begins; `None` on the last page.
    pub next: Option<String>,
}

/// The conflicts of the last thirty days, at most `limit` of them, after a cursor
/// ([`ConflictPage::next`]). From storage alone.
///
/// # Errors
/// [`Error::NotFound`] where the pair is not known, or the cursor is none of this function's.
pub async fn list(
    scope: &Scope,
    pair: &PairId,
    cursor: Option<&str>,
    limit: usize,
) -> Result<ConflictPage> {
    let pair = scope.directory().pair(pair).await?.id;
    let after = cursor.map(position).transpose()?;
    let today = scope.clock.now().to_zoned(TimeZone::UTC).date();
    let since = engine::zone::day_instant(today.saturating_sub(KEPT_DAYS.days()));
    let mut found = conflicts::list(&*scope.store, &pair, since).await?;
    let newest = found.first().map(|(position, _)| *position);
    if let Some(after) = after {
        if newest.is_none_or(|newest| after > newest) {
            return Err(no_cursor());
        }
        found.retain(|(position, _)| *position < after);
    }
    let limit = limit.max(1);
    let is_last = found.len() <= limit;
    found.truncate(limit);
    let next = found.last().filter(|_| !is_last).map(|((row, place), _)| format!("{row}-{place}"));
    Ok(ConflictPage { conflicts: found.into_iter().map(|(_, row)| row).collect(), next })
}

/// Reads a cursor.
fn position(cursor: &str) -> Result<ConflictPosition> {
    let parts = cursor.split_once('-').and_then(|(row, place)| {
        let position = (row.parse().ok()?, place.parse().ok()?);
        (format!("{}-{}", position.0, position.1) == cursor).then_some(position)
    });
    parts.ok_or_else(no_cursor)
}

fn no_cursor() -> Error {
    Error::NotFound("this cursor is over; begin with the first page".into())
}
