//! Calendars, as their providers offer them.

use engine::calendar::{AccountId, CalendarId, RemoteCalendar};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use store::{Op, Table};

use super::accounts::{self, Account};
use super::{id, pairs, rows, standing};
use crate::{Error, Result, Services};

/// How many accounts are asked at once.
const AT_ONCE: usize = 8;

/// A calendar as it was last seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarRow {
    /// Its id: derived from account and address.
    pub id: CalendarId,
    /// Its account.
    pub account: AccountId,
    /// Its address at the provider.
    pub address: String,
    /// What its owner calls it, unchanged.
    pub name: String,
    /// We may write events to it.
    pub writable: bool,
    /// The IANA zone in which its floating times are meant, if the provider says.
    #[serde(default)]
    pub zone: Option<String>,
    /// Where the same calendar stands at its owner, in the form of `address`, if the provider says that this one is a share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_at: Option<String>,
}

/// What [`calendars`] found.
#[derive(Debug, Default)]
pub struct Listing {
    /// The calendars of the accounts that answered.
    pub calendars: Vec<CalendarRow>,
    /// The accounts that did not, each with why.
    pub failures: Vec<(AccountId, Error)>,
}

/// Asks the provider of one account, or of all, for their calendars, and remembers them. An account that fails does not hide the others.
///
/// # Errors
/// [`Error::NotFound`] for an account that is not connected; storage failures.
pub async fn calendars(services: &Services, only: Option<&AccountId>) -> Result<Listing> {
    let accounts = match only {
        Some(id) => vec![accounts::account(services, id).await?],
        None => accounts::accounts(services).await?,
    };
    let mut answers = futures::stream::iter(accounts)
        .map(|account| async move {
            let answer = refresh(services, &account).await;
            (account, answer)
        })
        .buffered(AT_ONCE);
    let mut listing = Listing::default();
    while let Some((account, answer)) = answers.next().await {
        standing::record_outcome(services, &account, answer.as_ref().err()).await?;
        match answer {
            Ok(calendars) => listing.calendars.extend(calendars),
            Err(error) => listing.failures.push((account.id, error)),
        }
    }
    Ok(listing)
}

/// A calendar as it was last seen; `None` where it never was.
pub async fn calendar(services: &Services, id: &CalendarId) -> Result<Option<CalendarRow>> {
    Ok(rows::get(services, &row_key(id)).await?.map(|(row, _)| row))
}

/// The calendars of an account as they were last seen.
pub(super) async fn stored(services: &Services, account: &AccountId) -> Result<Vec<CalendarRow>> {
    let mut rows: Vec<CalendarRow> = rows::list(services, rows::CALENDAR).await?;
    rows.retain(|row| row.account == *account);
    Ok(rows)
}

async fn refresh(services: &Services, account: &Account) -> Result<Vec<CalendarRow>> {
    let provider = accounts::open(services, account).await?;
    let found: Vec<CalendarRow> = provider.calendars().await?.into_iter().map(|remote| row(&account.id, remote)).collect();
    let known = stored(services, &account.id).await?;
    let ends: Vec<CalendarId> = pairs::pairs(services).await?.into_iter().flat_map(|pair| [pair.from, pair.to]).collect();
    let ops = difference(&known, &found, &ends)?;
    for chunk in ops.chunks(store::MAX_COMMIT) {
        services.store.commit(Table::Directory, &services.owner, chunk).await?;
    }
    Ok(found)
}

fn row(account: &AccountId, remote: RemoteCalendar) -> CalendarRow {
    let RemoteCalendar { address, name, writable, zone, owned_at } = remote;
    CalendarRow { id: id::calendar(account, &address), account: account.clone(), address, name, writable, zone, owned_at }
}

/// What has to be written so that the stored rows are what was found. The row of a calendar that is gone stays while a pair names it: the pair
/// has to be able to say what it misses.
fn difference(known: &[CalendarRow], found: &[CalendarRow], ends: &[CalendarId]) -> Result<Vec<Op>> {
    let mut ops = Vec::new();
    for row in found.iter().filter(|row| !known.contains(row)) {
        ops.push(Op::Put { key: row_key(&row.id), value: rows::encode(row)? });
    }
    for row in known.iter().filter(|row| found.iter().all(|other| other.id != row.id) && !ends.contains(&row.id)) {
        ops.push(Op::Delete { key: row_key(&row.id), etag: None });
    }
    Ok(ops)
}

pub(super) fn row_key(id: &CalendarId) -> String {
    format!("{}{id}", rows::CALENDAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(address: &str, name: &str) -> CalendarRow {
        row(
            &AccountId::new("a1"),
            RemoteCalendar { address: address.into(), name: name.into(), writable: true, zone: None, owned_at: None },
        )
    }

    fn keys(ops: &[Op]) -> Vec<(&'static str, String)> {
        ops.iter()
            .map(|op| match op {
                Op::Put { key, .. } => ("put", key.clone()),
                Op::Delete { key, .. } => ("delete", key.clone()),
                Op::Insert { .. } | Op::Replace { .. } => panic!("no conditional writes here"),
            })
            .collect()
    }

    #[test]
    fn a_calendar_keeps_its_id_under_a_new_name() {
        assert_eq!(found("/anna/office/", "Work").id, found("/anna/office/", "Office").id);
        assert_ne!(found("/anna/office/", "Work").id, found("/anna/home/", "Work").id);
    }

    #[test]
    fn a_listing_without_news_writes_nothing() {
        let rows = [found("/anna/office/", "Work"), found("/anna/home/", "Home")];
        assert!(difference(&rows, &rows, &[]).unwrap().is_empty());
    }

    #[test]
    fn a_calendar_that_is_gone_is_forgotten_unless_a_pair_names_it() {
        let (work, home) = (found("/anna/office/", "Work"), found("/anna/home/", "Home"));
        let known = [work.clone(), home.clone()];
        let ops = difference(&known, &[], std::slice::from_ref(&home.id)).unwrap();
        assert_eq!(keys(&ops), [("delete", format!("calendar:{}", work.id))]);
    }

    #[test]
    fn a_new_name_is_remembered() {
        let ops = difference(&[found("/anna/office/", "Work")], &[found("/anna/office/", "Office")], &[]).unwrap();
        assert_eq!(keys(&ops), [("put", format!("calendar:{}", found("/anna/office/", "").id))]);
    }
}
