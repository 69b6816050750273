//! Channels opened, followed and stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use engine::calendar::CalendarId;
use engine::pair::Pair;
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use providers::Watch;

use super::{WantedWatch, address, calls_us, id, token, wanted};
use crate::directory::{self, AccountStatus, Snapshot, WatchRecord, WatchStatus, WebhookKeys};
use crate::nudge::Cause;
use crate::poll_calendars::nudge_all;
use crate::report::Problem;
use crate::{Error, Result, Services};

/// How long a channel is asked for. Google's cap is seven days.
const TTL: Duration = Duration::from_secs(518_400);

/// A channel is followed by another when so much is left of it, more or less…
const LEFT: SignedDuration = SignedDuration::from_hours(24);

/// …by up to so many seconds, so that channels that were opened together are not followed together.
const JITTER: i64 = 2 * 3600;

/// With less than this left, the operator is to know.
const NEAR: SignedDuration = SignedDuration::from_hours(6);

/// What only the calendar's owner can do something about, if anybody; it is said where owners look.
const OWNERS: [&str; 5] = ["not_found", "forbidden", "unauthorized", "consent", "credentials"];

/// Of the channels of a calendar that may have been opened without an answer, so many are
/// remembered until they call or end.
const UNHEARD: usize = 3;

/// Calendars worked on at once.
const AT_ONCE: usize = 4;

/// What a run has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RenewOutcome {
    /// Calendars that are to have a channel.
    pub wanted: usize,
    /// Channels opened.
    pub opened: usize,
    /// Channels stopped, or forgotten after their end.
    pub ended: usize,
    /// Calendars for which none could be opened; each is tried again by the next run.
    pub failed: usize,
}

/// Opens what is missing, follows what is near its end, stops what is not wanted; and has each
/// calendar with a new channel looked at, for what the one before may have lost. `missed`: nobody
/// was there for a while, so all of them are looked at.
///
/// # Errors
/// Storage failures. What a provider says concerns its calendar, and is written down there.
pub async fn renew(services: &Services, missed: bool) -> Result<RenewOutcome> {
    let Some(_alone) = directory::channels_lease(services).await? else {
        return Ok(RenewOutcome::default());
    };
    let directory = Snapshot::read(services).await?;
    let wanted = wanted(&directory)?;
    let (tended, opened) =
        WatchRenewal::new(services, &directory).await?.tend(&wanted, None).await?;
    let look = |id: &CalendarId| opened.contains(id) || missed && wanted.contains_key(id);
    let pairs: Vec<Pair> = directory
        .readable_pairs()
        .into_iter()
        .filter(|pair| !pair.paused && (look(&pair.from) || look(&pair.to)))
        .collect();
    nudge_all(services, &pairs.iter().collect::<Vec<_>>(), Cause::Renewal).await?;
    Ok(tended)
}

/// Before a pass over these pairs: opens the channels that were never asked for, or were given up.
/// Costs nothing where there are none to open; what fails is the clock's to try again. Whether one
/// was opened: then the pass has to read everything, and as it follows the opening, nothing happens
/// unseen between the two.
pub(crate) async fn open_missing(
    services: &Services,
    directory: &Snapshot,
    pairs: &[Pair],
) -> Result<bool> {
    if services.setup.public_url.is_none() {
        return Ok(false);
    }
    let (known, now) = (directory.channels()?, services.clock.now());
    let missing: BTreeSet<CalendarId> = wanted(directory)?
        .into_iter()
        .filter(|(_, wanted)| {
            wanted.account.state != AccountStatus::NeedsReconnect
                && wanted.account.parked(now).is_none()
        })
        .filter(|(id, wanted)| {
            let asked = |row: &WatchRecord| {
                row.calendar == *id
                    && row.generation == wanted.account.generation
                    && row.state != WatchStatus::Ending
            };
            pairs.iter().any(|pair| pair.from == *id || pair.to == *id) && !known.iter().any(asked)
        })
        .map(|(id, _)| id)
        .collect();
    if missing.is_empty() {
        return Ok(false);
    }
    let Some(_alone) = directory::channels_lease(services).await? else { return Ok(false) };
    let directory = Snapshot::read(services).await?;
    let keeper = WatchRenewal::new(services, &directory).await?;
    keeper.tend(&wanted(&directory)?, Some(&missing)).await.map(|(_, opened)| !opened.is_empty())
}

/// After a pair was paused or removed: stops what nobody needs any more. Never in the way of
/// whoever did it; what fails is the clock's to try again.
pub(crate) async fn end_unwanted(services: &Services) {
    if let Err(error) = try_to_end(services).await {
        tracing::warn!(%error, "channels that nobody needs any more were not stopped; it is tried \
        again within the hour");
    }
}

async fn try_to_end(services: &Services) -> Result<()> {
    // Most have none, and then nothing else is asked.
    if directory::channels(services).await?.is_empty() {
        return Ok(());
    }
    let Some(_alone) = directory::channels_lease(services).await? else { return Ok(()) };
    let directory = Snapshot::read(services).await?;
    let wanted = wanted(&directory)?;
    let idle = directory
        .channels()?
        .into_iter()
        .map(|row| row.calendar)
        .filter(|id| !wanted.contains_key(id))
        .collect();
    WatchRenewal::new(services, &directory).await?.tend(&wanted, Some(&idle)).await?;
    Ok(())
}

/// One run.
struct WatchRenewal<'a> {
    services: &'a Services,
    directory: &'a Snapshot,
    /// The keys that count.
    keys: Option<WebhookKeys>,
    now: Timestamp,
}

/// What became of one calendar.
#[derive(Default)]
struct CalendarOutcome {
    opened: bool,
    failed: bool,
    ended: usize,
}

/// How the opening of a channel ended.
enum WatchOpening {
    Open(String),
    /// Not opened, or nobody knows. The row says why.
    Not(String, Problem),
}

impl<'a> WatchRenewal<'a> {
    async fn new(services: &'a Services, directory: &'a Snapshot) -> Result<Self> {
        let keys = directory::webhook_keys(services).await?.map(|(keys, _)| keys);
        Ok(Self { services, directory, keys, now: services.clock.now() })
    }

    /// All calendars, or only some; and which have a new channel. What fails with one does not stop
    /// the others.
    async fn tend(
        &self,
        wanted: &BTreeMap<CalendarId, WantedWatch>,
        only: Option<&BTreeSet<CalendarId>>,
    ) -> Result<(RenewOutcome, Vec<CalendarId>)> {
        let mut rows: BTreeMap<CalendarId, Vec<WatchRecord>> =
            wanted.keys().map(|id| (id.clone(), Vec::new())).collect();
        for row in self.directory.channels()? {
            rows.entry(row.calendar.clone()).or_default().push(row);
        }
        rows.retain(|id, _| only.is_none_or(|only| only.contains(id)));
        let one = |(id, rows): (CalendarId, Vec<WatchRecord>)| async {
            let done = self.calendar(wanted.get(&id), rows).await;
            (id, done)
        };
        let all: Vec<_> =
            futures::stream::iter(rows).map(one).buffer_unordered(AT_ONCE).collect().await;
        let (mut tended, mut opened) =
            (RenewOutcome { wanted: wanted.len(), ..RenewOutcome::default() }, Vec::new());
        for (id, done) in all {
            let done = done?;
            tended.opened += usize::from(done.opened);
            tended.failed += usize::from(done.failed);
            tended.ended += done.ended;
            if done.opened {
                opened.push(id);
            }
        }
        Ok((tended, opened))
    }

    async fn calendar(
        &self,
        wanted: Option<&WantedWatch>,
        rows: Vec<WatchRecord>,
    ) -> Result<CalendarOutcome> {
        let Some(wanted) = wanted else {
            return Ok(CalendarOutcome {
                ended: self.end(&rows, &[]).await?,
                ..CalendarOutcome::default()
            });
        };
        let shut = wanted.account.state == AccountStatus::NeedsReconnect
            || wanted.account.parked(self.now).is_some();
        let Some(address) = address(self.services, wanted.account.kind).filter(|_| !shut) else {
            // Nothing can be opened. What is there may still call, and is left to its end.
            let left: Vec<&str> = rows
                .iter()
                .filter(|row| row.is_live(self.now))
                .map(|row| row.id.as_str())
                .collect();
            return Ok(CalendarOutcome {
                ended: self.end(&rows, &left).await?,
                ..CalendarOutcome::default()
            });
        };
        // A refusal is one whatever was signed for it.
        let proves = |row: &WatchRecord| {
            row.state == WatchStatus::Refused
                || directory::prove(self.keys.as_ref(), row.key.as_deref(), self.now)
        };
        let fits = |row: &&WatchRecord| {
            row.generation == wanted.account.generation
                && row.address == address
                && self.now < row.expires
                && proves(row)
        };
        let open: Vec<&WatchRecord> = rows
            .iter()
            .filter(|row| row.is_live(self.now) && row.state == WatchStatus::Open)
            .collect();
        let best = open.iter().copied().filter(fits).max_by_key(|row| row.expires);
        if let Some(best) = best.filter(|best| !is_due(best, self.now)) {
            return Ok(CalendarOutcome {
                ended: self.end(&rows, &[&best.id]).await?,
                ..CalendarOutcome::default()
            });
        }
        if let Some(refused) =
            rows.iter().filter(fits).find(|row| row.state == WatchStatus::Refused)
        {
            return Ok(CalendarOutcome {
                ended: self.end(&rows, &[&refused.id]).await?,
                ..CalendarOutcome::default()
            });
        }
        match self.open(wanted, address).await? {
            WatchOpening::Open(id) => Ok(CalendarOutcome {
                opened: true,
                failed: false,
                ended: self.end(&rows, &[&id]).await?,
            }),
            WatchOpening::Not(id, problem) => {
                let left = best.map(|best| best.expires.duration_since(self.now));
                self.tell(&wanted.calendar.id, left, &problem);
                let stay: Vec<&str> =
                    open.iter().map(|row| row.id.as_str()).chain([id.as_str()]).collect();
                Ok(CalendarOutcome {
                    opened: false,
                    failed: true,
                    ended: self.end(&rows, &stay).await?,
                })
            }
        }
    }

    /// For the operator, whose alert looks for these words.
    fn tell(&self, calendar: &CalendarId, left: Option<SignedDuration>, problem: &Problem) {
        let (code, hours) = (&problem.code, left.map_or(0, |left| left.as_hours()));
        if problem.code == "no_push" {
            tracing::info!(%calendar, "the provider does not tell of changes in this calendar; \
            the nightly pass looks for them");
        } else if left.is_none_or(|left| left < NEAR) && !OWNERS.contains(&code.as_str()) {
            tracing::warn!(%calendar, %code, hours, "watch near its end: {}", problem.message);
        } else {
            tracing::info!(%calendar, %code, hours, "a channel could not be followed yet; it is \
            tried again within the hour");
        }
    }

    async fn open(&self, wanted: &WantedWatch, address: String) -> Result<WatchOpening> {
        let (services, WantedWatch { calendar, account }) = (self.services, wanted);
        let id = id()?;
        let (token, key) = token::sign(services, account.kind, &id).await?;
        let row = WatchRecord {
            id,
            calendar: calendar.id.clone(),
            account: account.id.clone(),
            generation: account.generation,
            at: calendar.address.clone(),
            address,
            resource: None,
            asked: self.now,
            expires: self.now.checked_add(TTL).unwrap_or(Timestamp::MAX),
            state: WatchStatus::Asked,
            confirmed: false,
            error: None,
            key: Some(key),
            told: None,
        };
        directory::add_channel(services, &row).await?;
        let asked = async {
            let provider = self.directory.open(services, account).await?;
            let watch = Watch { channel: &row.id, token: &token, address: &row.address, ttl: TTL };
            Ok(provider.watch(&row.at, &watch).await?)
        };
        let answer: Result<providers::Watching> = asked.await;
        let problem = answer.as_ref().err().map(Problem::from);
        let after = directory::change_channel(services, &row.id, |row| match (&answer, &problem) {
            (Ok(watching), _) => {
                row.state = WatchStatus::Open;
                row.resource = Some(watching.resource.clone());
                row.expires = watching.expires;
                row.error = None;
            }
            (Err(Error::Provider(providers::Error::NoPush)), problem) => {
                row.state = WatchStatus::Refused;
                row.error = problem.clone();
            }
            // It may have called by now, whatever became of the answer.
            (Err(_), problem) if row.state == WatchStatus::Asked => row.error = problem.clone(),
            (Err(_), _) => {}
        });
        let open = after.await?.is_some_and(|row| row.state == WatchStatus::Open);
        Ok(match problem {
            Some(problem) if !open => WatchOpening::Not(row.id, problem),
            _ => WatchOpening::Open(row.id),
        })
    }

    /// Ends all but these; how many.
    async fn end(&self, rows: &[WatchRecord], but: &[&str]) -> Result<usize> {
        let (mut over, mut unheard) = (Vec::new(), 0);
        for row in rows.iter().filter(|row| !but.contains(&row.id.as_str())) {
            if unheard < UNHEARD && self.may_call(row) {
                unheard += 1;
                if row.state != WatchStatus::Ending {
                    directory::change_channel(self.services, &row.id, |row| {
                        row.state = WatchStatus::Ending
                    })
                    .await?;
                }
                continue;
            }
            match self.stop(row).await {
                Ok(()) => over.push(row.id.clone()),
                Err(problem) => {
                    tracing::info!(calendar = %row.calendar, code = %problem.code, "a channel could not be stopped yet; it is tried again within the hour");
                    let ending = directory::change_channel(self.services, &row.id, |row| {
                        row.state = WatchStatus::Ending;
                        row.error = Some(problem.clone());
                    });
                    ending.await?;
                }
            }
        }
        directory::forget_channels(self.services, &over).await?;
        Ok(over.len())
    }

    /// Whether it may have been opened although nobody knows: its first call will tell how it can
    /// be stopped.
    fn may_call(&self, row: &WatchRecord) -> bool {
        let unanswered = row
            .error
            .as_ref()
            .is_none_or(|error| matches!(error.code.as_str(), "unreachable" | "bad_answer"));
        let well = self
            .directory
            .account(&row.account)
            .is_ok_and(|account| account.state != AccountStatus::NeedsReconnect);
        row.resource.is_none()
            && row.state != WatchStatus::Refused
            && unanswered
            && self.now < row.expires
            && well
    }

    /// Has a channel stopped, where that can be and is worth trying again.
    async fn stop(&self, row: &WatchRecord) -> Result<(), Problem> {
        let Some(resource) = row
            .resource
            .as_deref()
            .filter(|_| self.now < row.expires && row.state != WatchStatus::Refused)
        else {
            return Ok(());
        };
        // Without a consent nobody can stop it, and it ends by itself.
        let Ok(account) = self.directory.account(&row.account) else { return Ok(()) };
        if account.state == AccountStatus::NeedsReconnect || !calls_us(account.kind) {
            return Ok(());
        }
        let stopped = async {
            Ok(self
                .directory
                .open(self.services, &account)
                .await?
                .unwatch(&row.id, resource)
                .await?)
        };
        match stopped.await {
            Err(Error::Provider(error)) if !error.is_transient() => {
                tracing::info!(calendar = %row.calendar, %error, "a channel could not be stopped, \
                and ends by itself within days");
                Ok(())
            }
            Err(error) => Err(Problem::from(&error)),
            Ok(()) => Ok(()),
        }
    }
}

/// Whether it is time for the next one.
pub(super) fn is_due(row: &WatchRecord, now: Timestamp) -> bool {
    row.expires.duration_since(now) <= LEFT + jitter(&row.id)
}

/// The same for the same channel, and spread evenly over all of them.
fn jitter(id: &str) -> SignedDuration {
    let sum = id.bytes().fold(0_i64, |sum, b| (sum * 31 + i64::from(b)).rem_euclid(2 * JITTER + 1));
    SignedDuration::from_secs(sum - JITTER)
}
