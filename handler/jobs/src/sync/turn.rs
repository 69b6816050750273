//! A pair's turn: looked at without a lease, and worked on under one where there is something to
//! do.
//!
//! # Properties
//! * A look reads; all that it may write is its own time, in a row of its own that no pass goes by.
//!   So it can neither hinder nor mislead whoever holds the leases, and needs none.
//! * A look finds nothing to do only where both calendars stand where the saved cursors say (by a
//!   glance, or where a provider has nothing to glance at, by an empty listing since the cursor),
//!   and the last pass left nothing open: no failure, no held deletion, and today's listing made. A
//!   pass saves its cursors as the last thing it does, together with all that it remembers; so
//!   whatever a pass that is under way or was cut off has not finished (an open intent, an event
//!   that was not found) shows as a cursor that is behind. What happened after the glance is
//!   somebody's next look: whoever told of it, tells of it after this call has glanced or before,
//!   and the cursor does not move without it.
//! * The state is read before the calendars, or after a glance of the same round: in either order a
//!   calendar that moved in between is behind its cursor, or ahead of it, and then looked at once
//!   more for nothing.
//! * A listing that was made for a look is not made again under the leases, if the cursor is still
//!   the one that it began at: it is a little older than one made now, and what it lacks, its own
//!   cursor lacks too.
//! * Where a provider has told of one calendar, the other is not read, if its provider would tell
//!   us as well: its news come with their own word, and with the first pass of a day.
//! * Everything else is done under all leases of the pair, and decided anew from what is read under
//!   them: the pair may have been removed by then (its removal waits for the lease, and takes its
//!   state along), and somebody else may have done the work. A pass that has begun when its pair is
//!   paused ends as it would have; whoever goes by a directory that was read a while ago asks
//!   first.
//! * A failure that is written down already is not written down again.

use crate::places::has_orphaned_copies;
use std::time::Duration;

use engine::calendar::CalendarId;
use engine::pair::{Pair, Side};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use providers::Since;
use records::pair_state::{self, Batch, FailureStreak, PairStore, StateRecord, StateSnapshot};
use records::problem::{PairStatus, Problem};
use store::{Acquired, Lease};
use tokio::time::Instant;

use super::accounts::{EndStates, OpenAccounts};
use super::lines::Prefetched;
use super::pass::{Owned, Pass};
use super::refused::has_come;
use super::survey::KnownEnds;
use super::work::RetryRound;
use super::{Keys, SyncOptions, fail, needs_reconnect};
use crate::accounts::account_status;
use crate::report::{Progress, Run};
use crate::{Error, Result, Scope, first_release, leases};

/// How long a pass waits for another one on the same calendar.
const PATIENCE: Duration = Duration::from_secs(60);

/// The same where nobody waits for it: it is asked for again, and others have its place meanwhile.
const BACKGROUND_PATIENCE: Duration = Duration::from_secs(20);

/// Looks that nobody asked for are noted so often.
const NOTED: SignedDuration = SignedDuration::from_mins(10);

/// A pair's turn in a round.
pub(super) struct Attempt<'a> {
    pub scope: &'a Scope,
    /// The pairs of this round.
    pub round: &'a [Pair],
    pub pair: &'a Pair,
    /// The calendar of which its provider has told that something happened.
    pub told_of: Option<&'a CalendarId>,
    /// What an earlier round has left; none in the first.
    pub again: Option<RetryRound>,
    /// No other round follows.
    pub last: bool,
    pub options: SyncOptions,
    /// When the call began of which this is a part.
    pub begun: Instant,
    pub progress: &'a dyn Progress,
}

/// What became of it.
pub(super) enum AttemptOutcome {
    /// Removed or paused by somebody else meanwhile.
    Gone,
    /// Somebody else is at work on the pair or for long on one of its calendars, and nobody asked
    /// for this pass.
    Busy,
    /// Done, well or not.
    Done(Box<Attempted>),
}

/// A turn that was taken.
pub(super) struct Attempted {
    pub run: Run,
    /// What was wrong with the pair before.
    pub before: Option<Problem>,
    /// Another round is needed.
    pub again: Option<RetryRound>,
}

impl Attempted {
    fn with(run: Run, before: Option<Problem>, again: Option<RetryRound>) -> AttemptOutcome {
        AttemptOutcome::Done(Box::new(Self { run, before, again }))
    }
}

impl Attempt<'_> {
    pub async fn take(self, accounts: &mut OpenAccounts<'_>) -> Result<AttemptOutcome> {
        match accounts.directory.pair(&self.pair.id)? {
            Some(pair) if !pair.paused => {}
            _ => return Ok(AttemptOutcome::Gone),
        }
        if self.options.background && self.scope.in_process.is_busy(&self.pair.id) {
            return Ok(AttemptOutcome::Busy);
        }
        let _turn = self.scope.in_process.attempt_guard(&self.pair.id);
        let mut ahead = [None, None];
        if self.again.is_none() && !self.options.full {
            let look = pair_state::read_state_snapshot(&*self.scope.store, &self.pair.id).await?;
            let seen = self.look(accounts, &look.row).await;
            if let Some(run) = self.settled(&look, seen.as_ref()).await? {
                return Ok(Attempted::with(run, look.row.error, None));
            }
            ahead = seen.map(|(_, ahead)| ahead).unwrap_or_default();
        }
        let Some((lease, waited)) = self.leases(accounts).await? else {
            return Ok(AttemptOutcome::Busy);
        };
        if waited {
            // What was seen is old by now.
            accounts.look_again();
            ahead = [None, None];
        }
        let at_work = self.scope.in_process.begin_pair(&self.pair.id);
        let outcome = Box::pin(self.work(accounts, ahead, &lease)).await;
        drop(at_work);
        if let Ok(AttemptOutcome::Done(done)) = &outcome
            && done.run.remaining > 0
        {
            self.scope.in_process.record_yield(&self.pair.id);
        }
        lease.end().await;
        outcome
    }

    /// Where both ends stand; and what had to be read to know it, where a glance shows nothing.
    async fn look(
        &self,
        accounts: &mut OpenAccounts<'_>,
        row: &StateRecord,
    ) -> Result<(EndStates, [Option<Prefetched>; 2])> {
        let sight = self.see(accounts, self.told_of, row).await?;
        let mut ahead = [None, None];
        if !left_nothing_open(row, self.scope.clock.now()) {
            return Ok((sight, ahead));
        }
        for side in Side::BOTH {
            let (i, end) = (side as usize, &sight.ends[side as usize]);
            let Some(cursor) =
                row.cursor(side).filter(|_| sight.tips[i].is_none() && !sight.quiet[i])
            else {
                continue;
            };
            match end
                .provider
                .list_changes(&end.calendar.address, Since::Cursor(cursor), None)
                .await
            {
                Ok(survey) => ahead[i] = Some(Prefetched { cursor: cursor.clone(), survey }),
                // It is listed as a whole, under the leases.
                Err(providers::Error::CursorExpired) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok((sight, ahead))
    }

    /// Where both ends stand. A calendar that is missing is looked for; where nobody waits for
    /// that, not again while the pair says so already.
    async fn see(
        &self,
        accounts: &mut OpenAccounts<'_>,
        told_of: Option<&CalendarId>,
        row: &StateRecord,
    ) -> Result<EndStates> {
        let seen = accounts.see(self.round, self.pair, told_of, self.options).await;
        let Err(error @ Error::Provider(providers::Error::CalendarMissing)) = &seen else {
            return seen;
        };
        let is_known = row.error.as_ref() == Some(&Problem::from(error));
        if (is_known && self.options.background) || !accounts.search(self.pair).await? {
            return seen;
        }
        accounts.see(self.round, self.pair, told_of, self.options).await
    }

    /// Where a look settles it: there is nothing to do, or nothing new to say of why it cannot be
    /// done.
    async fn settled(
        &self,
        look: &StateSnapshot,
        seen: Result<&(EndStates, [Option<Prefetched>; 2]), &Error>,
    ) -> Result<Option<Run>> {
        let now = self.scope.clock.now();
        match seen {
            Ok((sight, ahead))
                if is_at_rest(&look.row, sight, ahead, now)
                    && (look.can_record_check() || self.options.dry_run) =>
            {
                let due = !self.options.background
                    || look.last_checked().is_none_or(|last| now.duration_since(last) >= NOTED);
                if due && !self.options.dry_run {
                    pair_state::record_check(&*self.scope.store, &self.pair.id, look, now).await?;
                }
                Ok(Some(Run::new(self.pair.id.clone(), PairStatus::Ok)))
            }
            Ok(_) => Ok(None),
            Err(error) => {
                let run = failed(self.pair, error);
                let known = look.row.status == Some(run.state) && look.row.error == run.error;
                Ok(Some(run).filter(|_| known || self.options.dry_run))
            }
        }
    }

    /// Under the leases.
    async fn work(
        &self,
        accounts: &mut OpenAccounts<'_>,
        ahead: [Option<Prefetched>; 2],
        lease: &Lease,
    ) -> Result<AttemptOutcome> {
        let pair = self.pair;
        let keys = Keys::new(self.scope, pair).await?;
        let memory = PairStore::new(&*self.scope.store, &keys.marks, pair);
        let (mut head, mut problems) = memory.read_state().await?;
        // A removal takes what is remembered along, and waits for the lease: a pair of which
        // something is remembered is there.
        if (head.is_new().await || !accounts.directory.is_recent()) && self.has_ended().await? {
            return Ok(AttemptOutcome::Gone);
        }
        // Where they cannot be opened, the pass fails for that reason below.
        if let Ok(ends) = accounts.ends(pair).await {
            let bases = ends.map(|end| first_release::base(&end.account, &end.calendar));
            if first_release::migrate(&memory, &head, &problems, bases).await? {
                (head, problems) = memory.read_state().await?;
            }
        }
        let directory = &accounts.directory;
        let mixed = [(&pair.from, &pair.to), (&pair.to, &pair.from)]
            .map(|(end, other)| has_orphaned_copies(&directory, end, other));
        let owned =
            Owned { pairs: directory.pair_ids(), calendars: directory.calendar_ids(), mixed };
        let mut state = head.row().await;
        let before = state.error.clone();
        // A round that follows upon a write looks at both.
        let told_of = self.told_of.filter(|_| self.again.is_none());
        let worked = match self.see(accounts, told_of, &state).await {
            Ok(EndStates { ends, tips, quiet }) => {
                let seen = KnownEnds { tips, quiet, ahead };
                let takes_over = state.take_over;
                let pass = Pass::new(
                    self.scope,
                    pair,
                    &ends,
                    &keys,
                    &memory,
                    &head,
                    lease,
                    &owned,
                    takes_over,
                    state.pass_count + 1,
                    self.options,
                    self.begun,
                    self.progress,
                );
                let pass = Pass { last: self.last, ..pass };
                Box::pin(pass.run(&mut state, seen, self.again.as_ref(), &problems)).await
            }
            Err(error) => (Run::new(pair.id.clone(), PairStatus::Error), Err(error)),
        };
        match worked {
            (run, Ok(again)) => Ok(Attempted::with(run, before, again)),
            (mut run, Err(error)) => {
                fail(&mut run, &error);
                if needs_reconnect(&error) {
                    self.record_refusal(accounts).await?;
                }
                if !self.options.dry_run {
                    // Of what the pass has come to only the deletions count: cursors are never
                    // saved without what belongs to them.
                    let (status, error, deletions) =
                        (Some(run.state), run.error.clone(), state.deletions);
                    let failing =
                        Some(FailureStreak::extend(state.failing, self.scope.clock.now()));
                    let state =
                        StateRecord { status, error, deletions, failing, ..head.row().await };
                    if let Err(unsaid) = memory.finish(&head, Batch::default(), state).await {
                        // What went wrong first is what there is to say.
                        tracing::warn!(pair = %pair.id, error = %unsaid, "how this pass ended \
                        could not be written down");
                    }
                }
                Ok(Attempted::with(run, before, None))
            }
        }
    }

    /// The credentials of one of the two accounts were refused in the middle of a pass: each is
    /// asked by itself which it is.
    async fn record_refusal(&self, accounts: &mut OpenAccounts<'_>) -> Result<()> {
        let Ok(ends) = accounts.ends(self.pair).await else { return Ok(()) };
        // Of an account that holds a grant its tokens tell.
        for end in ends.iter().filter(|end| !end.account.kind.is_connected_by_consent()) {
            let asked = end.provider.ask(&end.calendar.address).await;
            if let Some(error) = asked.err().map(Error::Provider).filter(needs_reconnect) {
                account_status::record_outcome(self.scope, &end.account, Some(&error)).await?;
            }
        }
        Ok(())
    }

    /// Whether the pair was removed or paused by now.
    async fn has_ended(&self) -> Result<bool> {
        match self.scope.directory().pair(&self.pair.id).await {
            Ok(pair) => Ok(pair.paused),
            Err(records::Error::NoPair(_)) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the pair, and every calendar it writes to: two pairs never write to one calendar at
    /// once. Tells whether somebody had to be waited for; none where it is not worth waiting.
    async fn leases(&self, accounts: &OpenAccounts<'_>) -> Result<Option<(Lease, bool)>> {
        let Self { scope, pair, .. } = self;
        let mut names = vec![
            leases::pair_lease(&pair.id),
            leases::calendar_lease(&accounts.directory, &pair.to),
        ];
        if pair.copies_from(Side::To) {
            names.push(leases::calendar_lease(&accounts.directory, &pair.from));
        }
        // Two calendars that turn out to be one need one lease.
        names.dedup();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let pause = scope.leases.pause();
        let mut waited = Duration::ZERO;
        loop {
            match scope.leases.acquire(&scope.owner, &names).await? {
                Acquired::Taken(lease) => return Ok(Some((lease, !waited.is_zero()))),
                // The pair itself: whoever is at work on it sees what there is to see.
                Acquired::Busy(0) if self.options.background => return Ok(None),
                Acquired::Busy(_) if self.options.background && waited >= BACKGROUND_PATIENCE => {
                    return Ok(None);
                }
                Acquired::Busy(_) if waited >= PATIENCE => return Err(busy()),
                Acquired::Busy(_) => {
                    tokio::time::sleep(pause).await;
                    waited += pause;
                }
            }
        }
    }
}

/// Stores why a pair did not come to rest, unless another pass has its lease by now.
pub(super) async fn give_up(scope: &Scope, pair: &Pair, run: &Run) -> Result<()> {
    let Acquired::Taken(lease) =
        scope.leases.acquire(&scope.owner, &[&leases::pair_lease(&pair.id)]).await?
    else {
        return Ok(());
    };
    let told = pair_state::change_state(&*scope.store, &pair.id, |row| {
        (row.status, row.error) = (Some(run.state), run.error.clone())
    })
    .await;
    lease.end().await;
    Ok(told?)
}

/// Said where somebody else is at work for longer than one waits.
pub(super) fn busy() -> Error {
    Error::Request(
        "another sync is at work on this calendar, and was not disturbed; nothing was changed. \
        Try again when it has ended"
            .into(),
    )
}

fn failed(pair: &Pair, error: &Error) -> Run {
    let mut run = Run::new(pair.id.clone(), PairStatus::Error);
    fail(&mut run, error);
    run
}

/// Whether nothing has happened since the last pass, and that one left nothing open.
fn is_at_rest(
    row: &StateRecord,
    sight: &EndStates,
    ahead: &[Option<Prefetched>; 2],
    now: Timestamp,
) -> bool {
    let current = |side: Side| {
        let i = side as usize;
        let Some(cursor) = row.cursor(side) else { return false };
        sight.quiet[i]
            || sight.tips[i]
                .as_ref()
                .is_some_and(|tip| sight.ends[i].provider.is_current(cursor, tip))
            || ahead[i].as_ref().is_some_and(|ahead| ahead.survey.listed.is_empty())
    };
    left_nothing_open(row, now) && Side::BOTH.into_iter().all(current)
}

/// Whether the last pass ended well and whole, made today's listing, and holds nothing.
fn left_nothing_open(row: &StateRecord, now: Timestamp) -> bool {
    row.status == Some(PairStatus::Ok)
        && row.error.is_none()
        && row.held.is_none()
        && row.remaining.is_none()
        && !row.take_over
        && row.next_retry.is_none_or(|at| !has_come(at, now))
        && row.window_listed_on == Some(now.to_zoned(TimeZone::UTC).date())
}
