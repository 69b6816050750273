//! What one call knows of the accounts: the snapshot of accounts and pairs, the providers that were
//! opened, and the states of the calendars.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::Arc;

use engine::calendar::{AccountId, CalendarId};
use engine::change::StateTag;
use engine::pair::{Pair, PerSide};
use jiff::Timestamp;
use providers::{CollectionState, Provider};
use records::account::{Account, AccountStatus};
use records::snapshot::Snapshot;
use tokio::task::JoinSet;

use super::ends::{End, EndState, place};
use super::options::SyncOptions;
use crate::accounts::{self, account_status};
use crate::{Error, Result, Scope};

/// Opens both ends of a pair. A request is made only for an account of an earlier version, once.
pub(crate) async fn ends(scope: &Scope, pair: &Pair) -> Result<PerSide<End>> {
    let snapshot = scope.snapshot().await?;
    OpenAccounts::new(scope, &snapshot).ends(pair).await
}

/// Opens one calendar. A request is made as for [`ends`].
pub(crate) async fn end(scope: &Scope, directory: &Snapshot, calendar: &CalendarId) -> Result<End> {
    OpenAccounts::new(scope, directory).end(calendar).await
}

/// The states of calendars by their addresses.
type States = providers::Result<BTreeMap<String, CollectionState>>;

/// What is known of the accounts during one call.
pub(super) struct OpenAccounts<'a> {
    scope: &'a Scope,
    pub directory: CurrentDirectory<'a>,
    open: BTreeMap<AccountId, (Account, Arc<dyn Provider>)>,
    /// The states of the calendars of an account, or the error: requested once a round, so that a
    /// refused password is sent once.
    states: BTreeMap<AccountId, States>,
    requests: JoinSet<(AccountId, States)>,
    /// Accounts whose requests are under way.
    unanswered: BTreeSet<AccountId>,
    /// Accounts whose homes were discovered again, once a call.
    rediscovered: BTreeSet<AccountId>,
    /// The account or the calendar that the last error of [`Self::end_states`] is about.
    place: Option<String>,
}

/// The snapshot that the caller has read, or a later one.
pub(super) enum CurrentDirectory<'a> {
    Given(&'a Snapshot),
    Newer(Box<Snapshot>),
}

impl Deref for CurrentDirectory<'_> {
    type Target = Snapshot;
    fn deref(&self) -> &Snapshot {
        match self {
            Self::Given(directory) => directory,
            Self::Newer(directory) => directory,
        }
    }
}

impl<'a> OpenAccounts<'a> {
    pub fn new(scope: &'a Scope, directory: &'a Snapshot) -> Self {
        let directory = CurrentDirectory::Given(directory);
        Self {
            scope,
            directory,
            open: BTreeMap::new(),
            states: BTreeMap::new(),
            requests: JoinSet::new(),
            unanswered: BTreeSet::new(),
            rediscovered: BTreeSet::new(),
            place: None,
        }
    }

    /// The next attempt requests the states again.
    pub fn forget_states(&mut self) {
        self.states.clear();
    }

    /// Requests the states of all accounts of these pairs at once, where there are several pairs: a
    /// server that does not answer delays only its own pairs.
    pub async fn prefetch_states(&mut self, pairs: &[Pair], options: SyncOptions) {
        if pairs.len() < 2 {
            return;
        }
        let now = self.scope.clock.now();
        let mut asked: BTreeMap<AccountId, (Arc<dyn Provider>, BTreeSet<String>)> = BTreeMap::new();
        for calendar in pairs.iter().flat_map(|pair| [&pair.from, &pair.to]) {
            if options.background
                && self.account_of(calendar).is_some_and(|account| is_skipped(&account, now))
            {
                continue;
            }
            // The attempt at its pair reports the error.
            let Ok(End { calendar, account, provider }) = self.end(calendar).await else {
                continue;
            };
            if !self.states.contains_key(&account.id) {
                asked
                    .entry(account.id)
                    .or_insert((provider, BTreeSet::new()))
                    .1
                    .insert(calendar.address);
            }
        }
        for (account, (provider, addresses)) in asked {
            self.unanswered.insert(account.clone());
            self.requests.spawn(async move {
                let addresses: Vec<String> = addresses.into_iter().collect();
                let found = provider.collection_states(&addresses).await;
                (account, found.map(|found| addresses.into_iter().zip(found).collect()))
            });
        }
    }

    /// The first of these pairs whose accounts have answered.
    pub async fn first_ready(&mut self, pairs: &[&Pair]) -> Result<usize> {
        loop {
            let is_ready = |pair: &&Pair| {
                let accounts = [&pair.from, &pair.to].map(|id| {
                    self.directory.calendar(id).ok().flatten().map(|calendar| calendar.account)
                });
                !accounts.iter().flatten().any(|account| self.unanswered.contains(account))
            };
            if let Some(ready) = pairs.iter().position(is_ready) {
                return Ok(ready);
            }
            match self.requests.join_next().await {
                Some(Ok((account, found))) => {
                    self.unanswered.remove(&account);
                    self.record_states(account, found).await?;
                }
                // The attempts at their pairs request the states again.
                Some(Err(_)) | None => self.unanswered.clear(),
            }
        }
    }

    async fn record_states(&mut self, id: AccountId, found: States) -> Result<()> {
        let failure = found.as_ref().err().cloned().map(Error::Provider);
        if let Some((account, _)) = self.open.get_mut(&id) {
            account_status::record_outcome_in(self.scope, account, failure.as_ref()).await?;
        }
        self.states.insert(id, found);
        Ok(())
    }

    /// The states of both ends of a pair. The first request of a round is for the calendars of all
    /// its pairs.
    pub async fn end_states(
        &mut self,
        round: &[Pair],
        pair: &Pair,
        notified: Option<&CalendarId>,
        options: SyncOptions,
    ) -> Result<PerSide<EndState>> {
        self.place = None;
        let refused = |id| {
            self.account_of(id)
                .is_some_and(|account| account.state == AccountStatus::NeedsReconnect)
        };
        if options.background && [&pair.from, &pair.to].into_iter().any(refused) {
            return Err(Error::Provider(providers::Error::Unauthorized));
        }
        let ends = self.ends(pair).await?;
        let needs_reconnect = |end: &End| end.account.state == AccountStatus::NeedsReconnect;
        if options.background && ends.values().any(needs_reconnect) {
            return Err(Error::Provider(providers::Error::Unauthorized));
        }
        let now = self.scope.clock.now();
        let wait = ends.values().find_map(|end| end.account.suspended_for(now));
        if let Some(wait) = wait.filter(|_| options.background) {
            return Err(Error::Provider(providers::Error::RateLimited { retry_after: Some(wait) }));
        }
        self.fetch_states(round, &ends).await?;
        let tag = |end: &End| match self.states.get(&end.account.id) {
            Some(Err(error)) => Err(Error::Provider(error.clone())),
            Some(Ok(states)) => match states.get(&end.calendar.address) {
                Some(CollectionState::Tagged(tag)) => Ok(Some(tag.clone())),
                Some(CollectionState::Missing) => {
                    Err(Error::Provider(providers::Error::CalendarMissing))
                }
                Some(CollectionState::Closed) => {
                    Err(Error::Provider(providers::Error::closed_calendar()))
                }
                Some(CollectionState::Untagged) | None => Ok(None),
            },
            None => Ok(None),
        };
        let mut failed = None;
        let tags: Result<PerSide<Option<StateTag>>> = PerSide::try_from_fn(|side| {
            let end = &ends[side];
            tag(end).inspect_err(|error| failed = Some(place(&end.calendar, &end.account, error)))
        });
        self.place = failed;
        let tags = tags?;
        let state = |end: End, tag: &Option<StateTag>| {
            let is_other_notified = notified.is_some_and(|notified| *notified != end.calendar.id);
            let is_quiet = is_other_notified && end.account.kind.pushes();
            EndState { end, tag: tag.clone(), is_quiet, prefetched: None }
        };
        Ok(PerSide { from: state(ends.from, &tags.from), to: state(ends.to, &tags.to) })
    }

    /// Discovers again the homes of accounts whose calendars are missing or closed. Returns whether
    /// that has changed an account, so that the states are to be requested again.
    pub async fn rediscover_missing(&mut self, pair: &Pair) -> Result<bool> {
        let ends = self.ends(pair).await?;
        let mut found = false;
        for end in ends.values() {
            let state = self
                .states
                .get(&end.account.id)
                .and_then(|states| states.as_ref().ok()?.get(&end.calendar.address));
            // Where ids change, a listing has said that the calendar is missing.
            let is_missing =
                matches!(state, Some(CollectionState::Missing | CollectionState::Closed));
            if !(is_missing || end.account.kind.facts().calendar_ids_change)
                || !self.rediscovered.insert(end.account.id.clone())
            {
                continue;
            }
            match accounts::rediscover(self.scope, &end.account).await {
                Ok(changed) => found |= changed,
                // The pair reports that the calendar is missing.
                Err(error) => {
                    tracing::debug!(account = %end.account.id, %error, "the homes of an account \
                    could not be discovered again")
                }
            }
        }
        if found {
            self.directory = CurrentDirectory::Newer(Box::new(self.scope.snapshot().await?));
            self.open.clear();
            self.states.clear();
        }
        Ok(found)
    }

    /// The account of a calendar as it is stored. No request is made.
    fn account_of(&self, calendar: &CalendarId) -> Option<Account> {
        let row = self.directory.calendar(calendar).ok()??;
        match self.open.get(&row.account) {
            Some((account, _)) => Some(account.clone()),
            None => self.directory.account(&row.account).ok(),
        }
    }

    /// The account or the calendar that the error of the last request for the states of a pair is
    /// about, if there was one.
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// Whether neither account of a pair is connected by consent.
    pub fn are_by_password(&self, pair: &Pair) -> bool {
        [&pair.from, &pair.to].into_iter().all(|id| {
            self.account_of(id).is_some_and(|account| !account.kind.is_connected_by_consent())
        })
    }

    pub async fn ends(&mut self, pair: &Pair) -> Result<PerSide<End>> {
        Ok(PerSide { from: self.end(&pair.from).await?, to: self.end(&pair.to).await? })
    }

    async fn end(&mut self, calendar: &CalendarId) -> Result<End> {
        let calendar = self
            .directory
            .calendar(calendar)?
            .ok_or(Error::Provider(providers::Error::CalendarMissing))?;
        if !self.open.contains_key(&calendar.account) {
            let account = self.directory.account(&calendar.account)?;
            let provider = match accounts::open_in(self.scope, &self.directory, &account).await {
                Ok(provider) => provider,
                Err(error) => {
                    account_status::record_outcome(self.scope, &account, Some(&error)).await?;
                    self.place = Some(place(&calendar, &account, &error));
                    return Err(error);
                }
            };
            self.open.insert(calendar.account.clone(), (account, provider));
        }
        let (account, provider) = self.open[&calendar.account].clone();
        Ok(End { calendar, account, provider })
    }

    /// Requests the states that were not requested in this round, of all these accounts at once.
    async fn fetch_states(&mut self, round: &[Pair], ends: &PerSide<End>) -> Result<()> {
        let mut asked: BTreeMap<&AccountId, (&End, Vec<String>)> = BTreeMap::new();
        for end in ends.values().filter(|end| !self.states.contains_key(&end.account.id)) {
            asked
                .entry(&end.account.id)
                .or_insert((end, Vec::new()))
                .1
                .push(end.calendar.address.clone());
        }
        if asked.is_empty() {
            return Ok(());
        }
        for id in round.iter().flat_map(|pair| [&pair.from, &pair.to]) {
            if let Some(row) = self.directory.calendar(id)?
                && let Some((_, addresses)) = asked.get_mut(&row.account)
            {
                addresses.push(row.address);
            }
        }
        let requests = asked.into_values().map(|(end, mut addresses)| async move {
            addresses.sort_unstable();
            addresses.dedup();
            (
                end,
                end.provider
                    .collection_states(&addresses)
                    .await
                    .map(|found| addresses.into_iter().zip(found).collect()),
            )
        });
        for (end, found) in futures::future::join_all(requests).await {
            self.record_states(end.account.id.clone(), found).await?;
        }
        Ok(())
    }
}

/// Whether background passes make no request to an account, because its owner has to connect it
/// again or its provider has asked to wait.
fn is_skipped(account: &Account, now: Timestamp) -> bool {
    account.state == AccountStatus::NeedsReconnect || account.suspended_for(now).is_some()
}
