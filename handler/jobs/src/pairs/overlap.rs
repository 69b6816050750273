//! Whether a new pair names one calendar twice, or repeats an existing pair, where the addresses of
//! the calendars do not show it.
//!
//! One calendar may have two addresses, for two accounts or for one: a share, or a server with two
//! names. A comparison of the contents decides ([`accounts::compare_calendars`]). The ends of the
//! new pair are compared with each other. Where the new pair shares one end with an existing pair,
//! the other ends are compared.
//!
//! Calendars that cannot be read, or not in time, count as different: the pair's first pass
//! compares them again before it writes.

use std::time::Duration;

use engine::calendar::CalendarId;
use engine::pair::Pair;
use records::account::Account;
use records::calendar::CalendarRecord;
use records::kinds::ended_key;
use records::pair::EndedPair;
use records::snapshot::Snapshot;

use super::new_pair::NewPair;
use crate::accounts::{self, CalendarView, Comparison, may_contact};
use crate::places::CalendarPlaces;
use crate::{Result, Scope};

/// The time for all comparisons of a new pair. The user waits for the command.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Two ids of one calendar.
pub(super) type Overlap = (CalendarId, CalendarId);

/// Finds the first two identical calendars that matter to this pair.
///
/// # Errors
/// Damaged rows of pairs.
pub(super) async fn find(
    scope: &Scope,
    directory: &Snapshot,
    new: &NewPair,
    places: &CalendarPlaces,
) -> Result<Option<Overlap>> {
    let alike = |one: &CalendarId, other: &CalendarId| may_be_same(directory, one, other);
    let questions = candidates(new, &directory.pairs()?, places, alike);
    let look = async {
        for (one, other) in questions {
            match is_same(scope, directory, &one, &other).await {
                Ok(true) => return Some((one, other)),
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!(%one, %other, %error, "two calendars could not be compared")
                }
            }
        }
        None
    };
    Ok(tokio::time::timeout(TIMEOUT, look).await.unwrap_or_else(|_| {
        tracing::debug!("comparing calendars took too long");
        None
    }))
}

/// The keys of the rows of removed pairs that went between the calendars of this pair, under any
/// ids: their copies are copies of this pair's events.
pub(super) async fn ended_keys_under_other_names(
    scope: &Scope,
    directory: &Snapshot,
    new: &NewPair,
    places: &CalendarPlaces,
) -> Vec<String> {
    let look = async {
        let mut rows = Vec::new();
        for EndedPair { from, to } in directory.ended_pairs() {
            for [mine, other] in [[&new.from, &new.to], [&new.to, &new.from]] {
                let may_be = places.is_same(&to, other)
                    && places.contains(&from)
                    && !places.is_same(&from, other);
                // The addresses may show this now and not later.
                if may_be
                    && (places.is_same(&from, mine)
                        || is_same(scope, directory, &from, mine).await.unwrap_or(false))
                {
                    rows.push(ended_key(&from, &to));
                }
            }
        }
        rows
    };
    tokio::time::timeout(TIMEOUT, look).await.unwrap_or_default()
}

/// The calendars that must not be identical, each combination once.
fn candidates(
    new: &NewPair,
    existing: &[Pair],
    places: &CalendarPlaces,
    alike: impl Fn(&CalendarId, &CalendarId) -> bool,
) -> Vec<Overlap> {
    let mut questions: Vec<Overlap> = vec![(new.from.clone(), new.to.clone())];
    for pair in existing {
        // Both ends may be known under other ids: the answer about one end adds the comparison of
        // the other end below.
        for [first, second] in [[&pair.from, &pair.to], [&pair.to, &pair.from]] {
            let is_known = places.is_same(first, &new.from) || places.is_same(second, &new.to);
            if !is_known && alike(&new.from, first) && alike(&new.to, second) {
                questions.push((new.from.clone(), first.clone()));
            }
        }
        for [shared, other] in [[&pair.from, &pair.to], [&pair.to, &pair.from]] {
            for [mine, left] in [[&new.from, &new.to], [&new.to, &new.from]] {
                if places.is_same(shared, mine) && !places.is_same(other, left) {
                    questions.push((left.clone(), other.clone()));
                }
            }
        }
    }
    let mut asked = Vec::new();
    questions.retain(|(one, other)| {
        let known = places.is_same(one, other)
            || asked.iter().any(|(a, b)| (a == one && b == other) || (a == other && b == one));
        asked.push((one.clone(), other.clone()));
        !known
    });
    questions
}

/// Whether two calendars may be identical, by their names or the last segments of their addresses.
fn may_be_same(directory: &Snapshot, one: &CalendarId, other: &CalendarId) -> bool {
    let row = |id: &CalendarId| directory.calendar(id).ok().flatten();
    let end = |row: &CalendarRecord| {
        row.address.trim_end_matches('/').rsplit('/').next().map(str::to_owned)
    };
    match (row(one), row(other)) {
        (Some(one), Some(other)) => one.name == other.name || end(&one) == end(&other),
        _ => false,
    }
}

async fn is_same(
    scope: &Scope,
    directory: &Snapshot,
    one: &CalendarId,
    other: &CalendarId,
) -> Result<bool> {
    let (Some(one), Some(other)) =
        (calendar_and_account(directory, one)?, calendar_and_account(directory, other)?)
    else {
        return Ok(false);
    };
    if ![&one, &other]
        .into_iter()
        .all(|(_, account)| account.kind.is_caldav() && may_contact(scope, account))
    {
        return Ok(false);
    }
    let [mine, theirs] =
        [accounts::open(scope, &one.1).await?, accounts::open(scope, &other.1).await?];
    let mine = CalendarView { provider: mine.as_ref(), address: &one.0.address };
    let theirs = CalendarView { provider: theirs.as_ref(), address: &other.0.address };
    Ok(accounts::compare_calendars(mine, theirs).await? == Comparison::Same)
}

fn calendar_and_account(
    directory: &Snapshot,
    id: &CalendarId,
) -> Result<Option<(CalendarRecord, Account)>> {
    let Some(calendar) = directory.calendar(id)? else { return Ok(None) };
    let account = directory.account(&calendar.account)?;
    Ok(Some((calendar, account)))
}

#[cfg(test)]
mod tests {
    use engine::calendar::PairId;
    use engine::pair::Reach;

    use super::*;
    use crate::places::CalendarPlace;

    fn new(from: &str, to: &str) -> NewPair {
        NewPair {
            from: CalendarId::new(from),
            to: CalendarId::new(to),
            two_way: false,
            private: false,
            private_back: false,
            window_past: Reach::Months(3),
            window_future: Reach::Months(12),
            take_over: false,
            draft: false,
        }
    }

    /// The comparisons for a pair from `a` to `b`; `a2` is `a` through another account.
    fn asked(existing: &[(&str, &str)]) -> Vec<String> {
        let mut places: CalendarPlaces = ["a", "b", "c", "d", "e", "f"]
            .map(|id| (CalendarId::new(id), CalendarPlace::new(id)))
            .into_iter()
            .collect();
        places.extend(&CalendarId::new("a2"), &CalendarId::new("a"));
        let existing: Vec<Pair> =
            existing.iter().map(|(from, to)| new(from, to).into_pair(PairId::new("p9"))).collect();
        let alike = |one: &CalendarId, other: &CalendarId| {
            [("a", "e"), ("b", "f")].contains(&(one.as_str(), other.as_str()))
        };
        candidates(&new("a", "b"), &existing, &places, alike)
            .into_iter()
            .map(|(one, other)| format!("{one} {other}"))
            .collect()
    }

    #[test]
    fn only_what_would_make_the_pair_one_too_many_is_asked() {
        assert_eq!(asked(&[]), ["a b"]);
        assert_eq!(asked(&[("c", "d"), ("d", "c")]), ["a b"], "they have nothing in common");
        assert_eq!(asked(&[("a", "c")]), ["a b", "b c"]);
        assert_eq!(asked(&[("c", "a")]), ["a b", "b c"], "the reverse of one");
        assert_eq!(asked(&[("b", "c"), ("c", "b")]), ["a b", "a c"], "each once");
        assert_eq!(asked(&[("a2", "d")]), ["a b", "b d"], "through another account");
        assert_eq!(
            asked(&[("e", "f"), ("f", "e"), ("e", "d")]),
            ["a b", "a e"],
            "both ends are reached in another way"
        );
        assert_eq!(asked(&[("a", "b"), ("b", "a")]), ["a b"], "what is known is not asked");
    }
}
