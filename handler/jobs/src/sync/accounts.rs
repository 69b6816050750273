//! What one call knows of the accounts: the directory as it was when it began, the providers that
//! were opened, and what a glance has shown.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::Arc;

use engine::calendar::{AccountId, CalendarId};
use engine::change::StateTag;
use engine::pair::Pair;
use jiff::Timestamp;
use providers::{CollectionState, Provider};
use records::account::{Account, AccountStatus};
use records::calendar::CalendarRecord;
use records::snapshot::Snapshot;
use tokio::task::JoinSet;

use super::SyncOptions;
use crate::accounts::{self, account_status};
use crate::{Error, Result, Scope};

/// One end of a pair, ready to be worked on.
#[derive(Clone)]
pub(crate) struct End {
    /// The calendar.
    pub calendar: CalendarRecord,
    /// Its account.
    pub account: Account,
    /// Who keeps it.
    pub provider: Arc<dyn Provider>,
}

/// Finds both ends of a pair. A request is made only for an account of an earlier version, once.
pub(crate) async fn ends(scope: &Scope, pair: &Pair) -> Result<[End; 2]> {
    OpenAccounts::new(scope, &scope.snapshot().await?).ends(pair).await
}

/// One calendar, ready to be worked on. A request is made as for [`ends`].
pub(crate) async fn end(scope: &Scope, directory: &Snapshot, calendar: &CalendarId) -> Result<End> {
    OpenAccounts::new(scope, directory).end(calendar).await
}

/// What is known of the accounts during one call.
pub(super) struct OpenAccounts<'a> {
    scope: &'a Scope,
    pub directory: Directory<'a>,
    open: BTreeMap<AccountId, (Account, Arc<dyn Provider>)>,
    /// The state of all calendars of an account, or why it is not known: asked once a round, so
    /// that a refused password is sent once.
    glances: BTreeMap<AccountId, providers::Result<BTreeMap<String, CollectionState>>>,
    /// Accounts that are being asked, and those that have not answered yet.
    asking: JoinSet<(AccountId, providers::Result<BTreeMap<String, CollectionState>>)>,
    silent: BTreeSet<AccountId>,
    /// Accounts whose homes were discovered again, once a call.
    searched: BTreeSet<AccountId>,
}

/// The directory that the caller has read, or a later one.
pub(super) enum Directory<'a> {
    Given(&'a Snapshot),
    Newer(Box<Snapshot>),
}

impl Deref for Directory<'_> {
    type Target = Snapshot;
    fn deref(&self) -> &Snapshot {
        match self {
            Self::Given(directory) => directory,
            Self::Newer(directory) => directory,
        }
    }
}

/// Both ends of a pair, and where each stands by the last glance.
pub(super) struct EndStates {
    pub ends: [End; 2],
    pub tips: [Option<StateTag>; 2],
    /// There is nothing to read at this end: its provider tells us of changes, and told of the
    /// other one.
    pub quiet: [bool; 2],
}

impl<'a> OpenAccounts<'a> {
    pub fn new(scope: &'a Scope, directory: &'a Snapshot) -> Self {
        let directory = Directory::Given(directory);
        Self {
            scope,
            directory,
            open: BTreeMap::new(),
            glances: BTreeMap::new(),
            asking: JoinSet::new(),
            silent: BTreeSet::new(),
            searched: BTreeSet::new(),
        }
    }

    /// The next one who asks glances anew.
    pub fn look_again(&mut self) {
        self.glances.clear();
    }

    /// Asks all accounts of these pairs at once, where there are several pairs: a silent server
    /// delays only its own pairs.
    pub async fn ask_ahead(&mut self, pairs: &[Pair], options: SyncOptions) {
        if pairs.len() < 2 {
            return;
        }
        let now = self.scope.clock.now();
        let mut asked: BTreeMap<AccountId, (Arc<dyn Provider>, BTreeSet<String>)> = BTreeMap::new();
        for calendar in pairs.iter().flat_map(|pair| [&pair.from, &pair.to]) {
            if options.background
                && self.account_of(calendar).is_some_and(|account| left_alone(&account, now))
            {
                continue;
            }
            // The turn of its pair reports what is wrong with it.
            let Ok(End { calendar, account, provider }) = self.end(calendar).await else {
                continue;
            };
            if !self.glances.contains_key(&account.id) {
                asked
                    .entry(account.id)
                    .or_insert((provider, BTreeSet::new()))
                    .1
                    .insert(calendar.address);
            }
        }
        for (account, (provider, addresses)) in asked {
            self.silent.insert(account.clone());
            self.asking.spawn(async move {
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
                !accounts.iter().flatten().any(|account| self.silent.contains(account))
            };
            if let Some(ready) = pairs.iter().position(is_ready) {
                return Ok(ready);
            }
            match self.asking.join_next().await {
                Some(Ok((account, found))) => {
                    self.silent.remove(&account);
                    self.heard(account, found).await?;
                }
                // Each is asked again when its pair is looked at.
                Some(Err(_)) | None => self.silent.clear(),
            }
        }
    }

    /// Notes what an account has answered.
    async fn heard(
        &mut self,
        id: AccountId,
        found: providers::Result<BTreeMap<String, CollectionState>>,
    ) -> Result<()> {
        let failure = found.as_ref().err().cloned().map(Error::Provider);
        if let Some((account, _)) = self.open.get_mut(&id) {
            account_status::record_outcome_in(self.scope, account, failure.as_ref()).await?;
        }
        self.glances.insert(id, found);
        Ok(())
    }

    /// Both ends of a pair and where they stand. The first glance of a round asks for the calendars
    /// of all its pairs.
    pub async fn see(
        &mut self,
        round: &[Pair],
        pair: &Pair,
        told_of: Option<&CalendarId>,
        options: SyncOptions,
    ) -> Result<EndStates> {
        let refused = |id| {
            self.account_of(id)
                .is_some_and(|account| account.state == AccountStatus::NeedsReconnect)
        };
        if options.background && [&pair.from, &pair.to].into_iter().any(refused) {
            return Err(Error::Provider(providers::Error::Unauthorized));
        }
        let ends = self.ends(pair).await?;
        if options.background
            && ends.iter().any(|end| end.account.state == AccountStatus::NeedsReconnect)
        {
            return Err(Error::Provider(providers::Error::Unauthorized));
        }
        let now = self.scope.clock.now();
        if let Some(left) = ends
            .iter()
            .filter(|_| options.background)
            .find_map(|end| end.account.suspended_for(now))
        {
            return Err(Error::Provider(providers::Error::RateLimited { retry_after: Some(left) }));
        }
        self.glance(round, &ends).await?;
        let tip = |end: &End| match self.glances.get(&end.account.id) {
            Some(Err(error)) => Err(Error::Provider(error.clone())),
            Some(Ok(glances)) => match glances.get(&end.calendar.address) {
                Some(CollectionState::Tagged(tip)) => Ok(Some(tip.clone())),
                Some(CollectionState::Missing) => {
                    Err(Error::Provider(providers::Error::CalendarMissing))
                }
                Some(CollectionState::Untagged) | None => Ok(None),
            },
            None => Ok(None),
        };
        let tips = [tip(&ends[0])?, tip(&ends[1])?];
        let quiet = ends.each_ref().map(|end| {
            told_of.is_some_and(|told| *told != end.calendar.id) && end.account.kind.pushes()
        });
        Ok(EndStates { ends, tips, quiet })
    }

    /// Looks for calendars of a pair that are not where they were: the homes of their accounts are
    /// discovered again. Whether it is worth while to look at the pair again.
    pub async fn search(&mut self, pair: &Pair) -> Result<bool> {
        let ends = self.ends(pair).await?;
        let mut found = false;
        for end in &ends {
            let glance = self
                .glances
                .get(&end.account.id)
                .and_then(|glances| glances.as_ref().ok()?.get(&end.calendar.address));
            if glance != Some(&CollectionState::Missing)
                || !self.searched.insert(end.account.id.clone())
            {
                continue;
            }
            match accounts::rediscover(self.scope, &end.account).await {
                Ok(changed) => found |= changed,
                // That the calendar is missing is what there is to say.
                Err(error) => {
                    tracing::debug!(account = %end.account.id, %error, "the homes of an account \
                    could not be discovered again")
                }
            }
        }
        if found {
            self.directory = Directory::Newer(Box::new(self.scope.snapshot().await?));
            self.open.clear();
            self.glances.clear();
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

    pub async fn ends(&mut self, pair: &Pair) -> Result<[End; 2]> {
        Ok([self.end(&pair.from).await?, self.end(&pair.to).await?])
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
                    return Err(error);
                }
            };
            self.open.insert(calendar.account.clone(), (account, provider));
        }
        let (account, provider) = self.open[&calendar.account].clone();
        Ok(End { calendar, account, provider })
    }

    /// Asks the accounts of these ends that were not asked in this round, all of them at once.
    async fn glance(&mut self, round: &[Pair], ends: &[End; 2]) -> Result<()> {
        let mut asked: BTreeMap<&AccountId, (&End, Vec<String>)> = BTreeMap::new();
        for end in ends.iter().filter(|end| !self.glances.contains_key(&end.account.id)) {
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
        let look = asked.into_values().map(|(end, mut addresses)| async move {
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
        for (end, found) in futures::future::join_all(look).await {
            self.heard(end.account.id.clone(), found).await?;
        }
        Ok(())
    }
}

/// Whether an account is not asked before its owner, or its provider, allows it.
fn left_alone(account: &Account, now: Timestamp) -> bool {
    account.state == AccountStatus::NeedsReconnect || account.suspended_for(now).is_some()
}
