//! One complete pass over some pairs: look, plan, apply, remember.
//!
//! # Properties
//! * No event is lost, doubled or brought back by a crash at any point: what is about to be written is noted before (intents), the mapping
//!   row follows the write, and the cursors are saved last. Whatever was not finished is seen again by the next pass.
//! * Copies have names that follow from their origins, and are made only where nothing stands under that name: a create whose answer was
//!   lost finds its own work.
//! * A deletion needs positive evidence: the provider named the event as removed, or it is missing in a complete listing; and then a read of
//!   its own finds nothing. An unusual share of deletions waits for the owner ([`engine::guard`]).
//! * A failed, partial or suddenly empty read deletes nothing.
//! * What one event causes (an unreadable object, a refusal) does not stop the others.
//!
//! # Design
//! `survey` finds out what has news at both ends and joins it by mapping; `pass` reads those events in batches, asks the planner, and hands its
//! decisions to `apply`, several at once; deletions come last, when their number is known. Each pair has its own cursors, although two pairs may
//! share a calendar: a pair that is held, paused or broken then cannot make another one lose or repeat anything.

mod apply;
mod decide;
mod pass;
mod survey;
mod verify;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::calendar::{AccountId, CalendarId};
use engine::fingerprint::Fingerprinter;
use engine::marker::Marks;
use engine::pair::{Pair, Side};
use providers::{Glance, Provider};
use store::Lease;

use self::pass::Again;
use crate::directory::{self, Account, AccountStatus, CalendarRow};
use crate::memory::Memory;
use crate::report::{PairStatus, Problem, Progress, Report, Run};
use crate::{Error, Result, Services};

/// How a pass is to be done.
#[derive(Clone, Copy, Debug, Default)]
pub struct SyncOptions {
    /// Write nothing, anywhere; say what would be done.
    pub dry_run: bool,
    /// List both calendars as a whole and put drifted copies right.
    pub full: bool,
    /// The owner releases what the deletion guard holds.
    pub confirm_deletions: bool,
    /// Nobody asked for this pass: accounts whose credentials were refused are left alone, so that they are not locked for it.
    pub background: bool,
}

/// A pass whose writes met somebody else's is repeated so many times at the most.
const ROUNDS: usize = 4;
/// How long a pass waits for another one on the same calendar.
const PATIENCE: Duration = Duration::from_secs(60);

/// Syncs these pairs until each is at rest.
pub async fn sync(services: &Services, pairs: &[Pair], options: SyncOptions, progress: &dyn Progress) -> Report {
    let mut report = Report { dry_run: options.dry_run, pairs: Vec::with_capacity(pairs.len()) };
    let mut accounts = Accounts::default();
    let mut waiting: Vec<(usize, Pair, Again)> = Vec::new();
    for pair in pairs {
        report.pairs.push(Run::new(pair.id.clone(), if pair.paused { PairStatus::Paused } else { PairStatus::Ok }));
        if !pair.paused {
            waiting.push((report.pairs.len() - 1, pair.clone(), Again::default()));
        }
    }
    for round in 0..ROUNDS {
        accounts.glances.clear();
        let mut later = Vec::new();
        let round_pairs: Vec<Pair> = waiting.iter().map(|(_, pair, _)| pair.clone()).collect();
        for (index, pair, again) in std::mem::take(&mut waiting) {
            // A later round goes on with what the first began: it neither lists everything again nor confirms anything new.
            let options = if round == 0 { options } else { SyncOptions { full: false, ..options } };
            let outcome = one_pair(services, &mut accounts, &round_pairs, &pair, &again, options, progress).await;
            let run = &mut report.pairs[index];
            match outcome {
                Ok(Some((next, again))) => {
                    merge(run, next);
                    if let Some(again) = again.filter(|_| run.error.is_none()) {
                        later.push((index, pair, again));
                    }
                }
                // Removed or paused by somebody else meanwhile.
                Ok(None) => run.state = PairStatus::Paused,
                Err(error) => fail(run, &error),
            }
        }
        waiting = later;
        if waiting.is_empty() {
            break;
        }
    }
    for (index, ..) in waiting {
        fail(&mut report.pairs[index], &Error::Provider(providers::Error::ChangedMeanwhile));
    }
    report
}

fn merge(run: &mut Run, next: Run) {
    run.state = next.state;
    run.held = next.held;
    run.error = next.error;
    for action in next.actions {
        run.push(action);
    }
}

fn fail(run: &mut Run, error: &Error) {
    run.state = if needs_reconnect(error) { PairStatus::NeedsReconnect } else { PairStatus::Error };
    run.error = Some(Problem::from(error));
}

/// Whether only the owner can help, with new credentials.
pub(crate) fn needs_reconnect(error: &Error) -> bool {
    matches!(error, Error::Provider(providers::Error::Unauthorized | providers::Error::Credentials(_)))
}

/// What is known of the accounts during one call.
#[derive(Default)]
struct Accounts {
    open: BTreeMap<AccountId, (Account, Arc<dyn Provider>)>,
    /// The state of all calendars of an account, or why it is not known: asked once a round, so that a refused password is sent once.
    glances: BTreeMap<AccountId, providers::Result<BTreeMap<String, Glance>>>,
}

/// One end of a pair, ready to be worked on.
#[derive(Clone)]
pub(crate) struct End {
    /// The calendar.
    pub calendar: CalendarRow,
    /// Its account.
    pub account: Account,
    /// Who keeps it.
    pub provider: Arc<dyn Provider>,
}

/// Finds both ends of a pair. No request is made.
pub(crate) async fn ends(services: &Services, pair: &Pair) -> Result<[End; 2]> {
    let mut accounts = Accounts::default();
    Ok([accounts.end(services, &pair.from).await?, accounts.end(services, &pair.to).await?])
}

impl Accounts {
    async fn end(&mut self, services: &Services, calendar: &CalendarId) -> Result<End> {
        let calendar = directory::calendar(services, calendar).await?.ok_or(Error::Provider(providers::Error::CalendarMissing))?;
        if !self.open.contains_key(&calendar.account) {
            let account = directory::account(services, &calendar.account).await?;
            let provider = directory::open(services, &account).await?;
            self.open.insert(calendar.account.clone(), (account, provider));
        }
        let (account, provider) = self.open[&calendar.account].clone();
        Ok(End { calendar, account, provider })
    }

    /// The state of both calendars: the first question of a round asks for all calendars of their accounts, of both accounts at once.
    async fn glance(&mut self, services: &Services, pairs: &[Pair], ends: &[End; 2]) -> Result<[Glance; 2]> {
        let mut asked: BTreeMap<&AccountId, (&End, Vec<String>)> = BTreeMap::new();
        for end in ends.iter().filter(|end| !self.glances.contains_key(&end.account.id)) {
            asked.entry(&end.account.id).or_insert((end, Vec::new())).1.push(end.calendar.address.clone());
        }
        for id in pairs.iter().flat_map(|pair| [&pair.from, &pair.to]) {
            if asked.is_empty() {
                break;
            }
            if let Some(row) = directory::calendar(services, id).await?
                && let Some((_, addresses)) = asked.get_mut(&row.account)
            {
                addresses.push(row.address);
            }
        }
        let look = asked.into_values().map(|(end, mut addresses)| async move {
            addresses.sort_unstable();
            addresses.dedup();
            (end, end.provider.glance(&addresses).await.map(|found| addresses.into_iter().zip(found).collect()))
        });
        for (end, found) in futures::future::join_all(look).await {
            let found: providers::Result<BTreeMap<String, Glance>> = found;
            let failure = found.as_ref().err().cloned().map(Error::Provider);
            directory::record_outcome(services, &end.account, failure.as_ref()).await?;
            self.glances.insert(end.account.id.clone(), found);
        }
        let [from, to] = ends;
        Ok([self.seen(from)?, self.seen(to)?])
    }

    fn seen(&self, end: &End) -> Result<Glance> {
        match self.glances.get(&end.account.id) {
            Some(Ok(glances)) => Ok(glances.get(&end.calendar.address).cloned().unwrap_or(Glance::NoTip)),
            Some(Err(error)) => Err(Error::Provider(error.clone())),
            None => Ok(Glance::NoTip),
        }
    }
}

/// One pass over one pair. `None` where it is not there or paused by now; the second part asks for another round.
async fn one_pair(
    services: &Services,
    accounts: &mut Accounts,
    round: &[Pair],
    pair: &Pair,
    again: &Again,
    options: SyncOptions,
    progress: &dyn Progress,
) -> Result<Option<(Run, Option<Again>)>> {
    let _lease = leases(services, pair).await?;
    let pair = match directory::pair(services, &pair.id).await {
        Ok(pair) if pair.paused => return Ok(None),
        Ok(pair) => pair,
        Err(Error::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let keys = Keys::new(services, &pair).await?;
    let memory = Memory::new(services, &keys.marks, &pair);
    let mut state = memory.state().await?;
    let outcome = look_and_pass(services, accounts, round, &pair, &keys, &memory, &mut state, again, options, progress).await;
    let (run, again) = match outcome {
        Ok(done) => done,
        Err(error) => {
            let mut run = Run::new(pair.id.clone(), PairStatus::Error);
            fail(&mut run, &error);
            (run, None)
        }
    };
    if !options.dry_run {
        state.status = Some(run.state);
        state.error.clone_from(&run.error);
        memory.save_state(&state).await?;
    }
    Ok(Some((run, again)))
}

#[expect(clippy::too_many_arguments, reason = "the parts of one pass, borrowed from two owners")]
async fn look_and_pass(
    services: &Services,
    accounts: &mut Accounts,
    round: &[Pair],
    pair: &Pair,
    keys: &Keys,
    memory: &Memory<'_>,
    state: &mut crate::memory::PairRow,
    again: &Again,
    options: SyncOptions,
    progress: &dyn Progress,
) -> Result<(Run, Option<Again>)> {
    let ends = [accounts.end(services, &pair.from).await?, accounts.end(services, &pair.to).await?];
    if options.background && ends.iter().any(|end| end.account.state == AccountStatus::NeedsReconnect) {
        return Err(Error::Provider(providers::Error::Unauthorized));
    }
    let mut tips = [None, None];
    for (glance, tip) in accounts.glance(services, round, &ends).await?.into_iter().zip(&mut tips) {
        *tip = match glance {
            Glance::Tip(tip) => Some(tip),
            Glance::NoTip => None,
            Glance::Missing => return Err(Error::Provider(providers::Error::CalendarMissing)),
        };
    }
    let pass = pass::Pass::new(services, pair, &ends, keys, memory, options, progress);
    pass.run(state, tips, &again.suspects).await
}

/// What a pass hashes and marks with.
pub(crate) struct Keys {
    /// Loop marks and names of rows.
    pub marks: Marks,
    /// Fingerprints of the pair.
    pub prints: Fingerprinter,
}

impl Keys {
    /// For a pair, from the vault's own key.
    pub async fn new(services: &Services, pair: &Pair) -> Result<Self> {
        let marks = Marks::new(&*services.vault.hash_key("marks").await?);
        let prints = Fingerprinter::new(&*services.vault.hash_key("fingerprints").await?, pair.id.as_str());
        Ok(Self { marks, prints })
    }
}

/// The pair, and every calendar it writes to: two pairs never write to one calendar at once.
async fn leases(services: &Services, pair: &Pair) -> Result<Lease> {
    let mut names = vec![directory::pair_lease(&pair.id), format!("calendar:{}", pair.to)];
    if pair.copies_from(Side::To) {
        names.push(format!("calendar:{}", pair.from));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let pause = services.leases.pause();
    let mut waited = Duration::ZERO;
    loop {
        if let Some(lease) = services.leases.acquire(&services.owner, &names).await?.taken() {
            return Ok(lease);
        }
        if waited >= PATIENCE {
            return Err(Error::Request(
                "another sync is at work on this calendar, and was not disturbed; nothing was changed. Try again when it has ended".into(),
            ));
        }
        tokio::time::sleep(pause).await;
        waited += pause;
    }
}
