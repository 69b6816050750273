//! How channels stand, for whoever asks; no provider is.

use engine::calendar::CalendarId;
use jiff::Timestamp;
use serde::Serialize;

use super::{WantedWatch, wanted};
use crate::directory::{Account, AccountStatus, Snapshot, WatchStatus};
use crate::report::Problem;
use crate::{Result, Services};

/// How the provider of a calendar tells us of changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WatchState {
    /// The calendar.
    pub calendar: CalendarId,
    /// It tells of changes now.
    pub open: bool,
    /// Until then.
    pub expires: Option<Timestamp>,
    /// Why it does not, or why the next channel cannot be opened.
    pub error: Option<Problem>,
}

/// One entry for each calendar whose provider calls us. One request.
pub async fn states(services: &Services) -> Result<Vec<WatchState>> {
    let directory = Snapshot::read(services).await?;
    let (rows, now) = (directory.channels()?, services.clock.now());
    let state = |(calendar, wanted): (CalendarId, WantedWatch)| {
        let own = || {
            rows.iter().filter(|row| row.calendar == calendar && row.state != WatchStatus::Ending)
        };
        let expires = own()
            .filter(|row| row.state == WatchStatus::Open && row.is_live(now))
            .map(|row| row.expires)
            .max();
        let said = own().max_by_key(|row| row.asked).and_then(|row| row.error.clone());
        let error = said.or_else(|| expires.is_none().then(|| missing(services, &wanted.account)));
        WatchState { open: expires.is_some(), calendar, expires, error }
    };
    Ok(wanted(&directory)?.into_iter().map(state).collect())
}

fn missing(services: &Services, account: &Account) -> Problem {
    let message = match services.setup.public_url {
        _ if account.state == AccountStatus::NeedsReconnect => {
            "Nobody tells of changes in this calendar until its account is connected again; what \
            happens until then is found after that."
        }
        None => {
            "CALRELAY_PUBLIC_URL is not set, so nobody can tell of changes in this calendar. They \
            are seen by the nightly pass of a running calrelay, \
             and by `calrelay sync`. Set it to the address (https://…) under which this calrelay \
             is reached from outside."
        }
        Some(_) => {
            "No channel is open yet. A running calrelay opens one before its first sync of the \
            pair, and tries again every hour."
        }
    };
    Problem { code: "no_channel".into(), message: message.into() }
}
