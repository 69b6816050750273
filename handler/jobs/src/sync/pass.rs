//! One pass over one pair: read what has news, ask the planner, apply, remember.

use std::collections::{BTreeMap, BTreeSet};

use engine::calendar::{CalendarId, PairId};
use engine::event::EventId;
use engine::guard::Evidence;
use engine::mapping::Mapping;
use engine::marker::Role;
use engine::pair::{Pair, Side};
use engine::plan::{Answer, Delete, Planner};
use engine::provider::ProviderKind;
use engine::reason::Reason;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use providers::Blame;
use records::pair_state::{
    Batch, HeldDeletions, HeldRow, LockedState, PairStore, ProblemRow, StateRecord, proofs,
};
use records::problem::{Held, PairStatus};
use store::Lease;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::bearers::Bearers;
use super::echo::is_echoed;
use super::held::Weighed;
use super::identity::EventIdentities;
use super::refused::{Problems, look_for_made};
use super::survey::{self, Changes, KnownEnds, ListingOptions};
use super::turns::Settled;
use super::verify::VerifiedSuspects;
use super::work::{RetryRound, Tally};
use super::{End, Keys, SyncOptions};
use crate::report::{Action, Progress, Run, Verb};
use crate::{Error, Result, Scope};

/// One pass.
pub(super) struct Pass<'a> {
    pub(super) scope: &'a Scope,
    pub(super) pair: &'a Pair,
    pub(super) ends: &'a [End; 2],
    pub(super) keys: &'a Keys,
    pub(super) memory: &'a PairStore<'a>,
    pub(super) head: &'a LockedState,
    pub(super) lease: &'a Lease,
    pub(super) options: SyncOptions,
    /// All pairs of the owner.
    pub(super) pairs: &'a [PairId],
    /// As in [`Owned`].
    pub(super) mixed: [bool; 2],
    /// The owner has said that copies of another installation belong to this pair.
    pub(super) takes_over: bool,
    /// When this pass began, and the call of which it is a part.
    pub(super) began: [Instant; 2],
    pub(super) planner: Planner<'a>,
    pub(super) now: Timestamp,
    pub(super) progress: &'a dyn Progress,
    /// No other round follows: what was changed at the same moment once more has to wait.
    pub(super) last: bool,
    /// Whose failure it is that a request about one event fails, by side.
    pub(super) blames: [Mutex<Blame>; 2],
}

/// What the owner has besides this pair.
pub(crate) struct Owned {
    /// All pairs.
    pub pairs: Vec<PairId>,
    /// All calendars.
    pub calendars: Vec<CalendarId>,
    /// The ends that may hold what an ended pair has copied out of a third calendar.
    pub mixed: [bool; 2],
}

impl<'a> Pass<'a> {
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one pass, borrowed from several owners"
    )]
    pub(super) fn new(
        scope: &'a Scope,
        pair: &'a Pair,
        ends: &'a [End; 2],
        keys: &'a Keys,
        memory: &'a PairStore<'a>,
        head: &'a LockedState,
        lease: &'a Lease,
        whole: &'a Owned,
        takes_over: bool,
        number: u64,
        options: SyncOptions,
        begun: Instant,
        progress: &'a dyn Progress,
    ) -> Self {
        let now = scope.clock.now();
        let planner = Planner {
            pair,
            kinds: [ends[0].account.kind, ends[1].account.kind],
            zones: [ends[0].calendar.zone.as_deref(), ends[1].calendar.zone.as_deref()],
            marks: &keys.marks,
            calendars: &whole.calendars,
            prints: &keys.prints,
            window: pair.window(now),
            now,
            pass: number,
            full: options.full,
        };
        Self {
            scope,
            pair,
            ends,
            keys,
            memory,
            head,
            lease,
            options,
            pairs: &whole.pairs,
            mixed: whole.mixed,
            takes_over,
            began: [Instant::now(), begun],
            planner,
            now,
            progress,
            last: false,
            blames: Default::default(),
        }
    }

    /// Does it, and writes down where the pair stands then. `again` is what an earlier round has
    /// left, `problems` are the known ones. Says what was done, also where it failed in the end;
    /// and whether another round is needed.
    pub(super) async fn run(
        &self,
        state: &mut StateRecord,
        seen: KnownEnds,
        again: Option<&RetryRound>,
        problems: &[ProblemRow],
    ) -> (Run, Result<Option<RetryRound>>) {
        let mut tally = Tally {
            run: Run::new(self.pair.id.clone(), PairStatus::Ok),
            notes: Batch::default(),
            wrote: [false; 2],
            again: None,
            incomplete: false,
            untaken: false,
            deletes: Vec::new(),
            bearers: Bearers::remembered(problems, |row| {
                self.side_of_calendar(&row.problem.calendar)
            }),
            ended: Vec::new(),
            proofs: BTreeMap::new(),
            proved: Vec::new(),
            asked_again: [0; 2],
            proof_rows: 0,
            unsettled: BTreeSet::new(),
            problems: Problems::remembered(problems, |row| {
                self.side_of_calendar(&row.problem.calendar)
            }),
        };
        let ended = self.steps(state, seen, again, problems, &mut tally).await;
        (tally.run, ended)
    }

    async fn steps(
        &self,
        state: &mut StateRecord,
        seen: KnownEnds,
        again: Option<&RetryRound>,
        problems: &[ProblemRow],
        tally: &mut Tally,
    ) -> Result<Option<RetryRound>> {
        let today = self.today();
        self.recall(state);
        // What is held rests on what a pass saw; the next one must look as closely, or it would see
        // nothing to hold.
        let due = state.window_listed_on != Some(today) || state.held.is_some();
        // A write has found something gone of which no listing told: the whole listing tells what
        // else is.
        let untold = again.is_some_and(|again| !again.suspects.is_empty());
        let roll = due || untold;
        let window = self.planner.window;
        // A later round goes on with what the first has listed.
        let full = self.options.full && again.is_none();
        let mut identity = EventIdentities::default();
        let scope = ListingOptions { window, today, roll, full };
        // What a refused event may be a copy of, or may have been copied to, is looked for as in a
        // first listing.
        let unread = if again.is_none() { self.unread(problems).await? } else { [false; 2] };
        let looked = state.without_cursors([unread[1], unread[0]]);
        let seen =
            KnownEnds { quiet: [seen.quiet[0] && !unread[1], seen.quiet[1] && !unread[0]], ..seen };
        let mut survey =
            survey::survey(self.ends, self.pair, self.memory, &looked, seen, scope).await?;
        if !self.options.dry_run {
            survey.forget_former(self.memory, self.head).await?;
        }
        identity.first = Side::BOTH.map(|side| state.cursor(side).is_none());
        identity.anew = Side::BOTH.map(|side| looked.cursor(side).is_none());
        let refused = problems.iter().filter(|row| row.problem.tries > 0);
        let tries = |row: &ProblemRow| {
            (
                (
                    self.side_of_calendar(&row.problem.calendar),
                    EventId::new(row.problem.event.as_str()),
                ),
                row.problem.tries,
            )
        };
        identity.refused = refused.map(tries).collect();
        if let Some(again) = again {
            survey.suspect(self.memory, &again.suspects).await?;
            survey.look_at(self.memory, &again.strangers).await?;
            // What the write has found is all that is missing: it is as good as named, unless
            // nothing is left.
            survey.found_by_writes =
                survey.by_absence && !due && survey.is_missing_only(&again.suspects);
            survey.by_absence &= !survey.found_by_writes;
        } else {
            self.try_again(&mut survey, tally, problems).await?;
        }
        if let Some([live, archived, by_another]) = survey.counts {
            self.head.set_counts(live, archived, by_another).await;
        }
        let guard = self.guard(state, today).await;
        let live = self.head.copies().await;
        self.refuse_one_calendar(&survey).await?;
        self.narrow(&mut identity, &mut survey).await?;
        survey.look_at(self.memory, &self.told_apart(&survey, problems)).await?;
        self.find_left_out(&mut identity, &mut survey).await?;
        if self.options.answer == Some(Answer::LeaveOut) {
            self.head.set_left_out(true).await;
        }
        self.find_unseen(&mut identity, &mut survey, tally).await?;
        look_for_made(&mut survey);
        self.forget_removed(&survey, tally);
        let evidence = if survey.by_absence { Evidence::Missing } else { Evidence::Named };
        let VerifiedSuspects {
            mut held,
            mut emptied,
            mut emptied_held,
            mut emptied_sides,
            by_owner,
        } = self.verify(&mut identity, &mut survey, tally, state, problems, &guard).await?;
        let (cursors, listed, awaited) = (
            std::mem::take(&mut survey.cursors),
            survey.listed,
            std::mem::take(&mut survey.awaited),
        );

        for i in (0..2).filter(|i| cursors[*i].is_none()) {
            state.up_to_date_at[i] = Some(self.now);
        }
        let mut settled = if again.is_none() {
            self.settled(state, &identity, listed)
        } else {
            Settled::default()
        };
        let left = Box::pin(self.create_and_change(survey, identity, &mut settled, tally)).await?;
        if !self.options.dry_run {
            state.fidelity = self.kept();
        }
        if left > 0 {
            state.progress = settled.turns(self, cursors);
            self.give_way(state, tally, left).await?;
            return Ok(None);
        }
        let began_at = settled.began_at();

        let deletes = std::mem::take(&mut tally.deletes);
        let deletes = self.spare_moved(deletes, tally).await?;
        let deletes = self.spare_by_clock(deletes, tally);
        // Only copies that are live count.
        let (weighed, rest): (Vec<Delete>, Vec<Delete>) =
            deletes.into_iter().partition(|delete| delete.mapping.is_live());
        let all =
            held.iter().copied().chain(weighed.iter().map(|delete| delete.mapping.id)).collect();
        let Weighed { released, .. } = guard.weigh(self.now, evidence, &all, false);
        let (released, kept): (Vec<Delete>, Vec<Delete>) =
            weighed.into_iter().partition(|delete| released.contains(&delete.mapping.id));
        for delete in kept {
            held.insert(delete.mapping.id);
            tally.run.push(self.action(
                Verb::Hold,
                &delete.mapping,
                other_role(delete.role),
                Some(delete.reason),
            ));
        }
        let before = tally.run.deleted;
        let outcome = self.delete(released.into_iter().chain(rest).collect(), tally).await;
        let deleted = tally.run.deleted - before;
        if deleted > 0 {
            state.deletions = Some((today, state.deletions_on(today) + deleted));
        }
        outcome?;
        for side in Side::BOTH.into_iter().filter(|side| tally.asked_again[*side as usize] > 0) {
            emptied_held += tally.asked_again[side as usize];
            emptied =
                emptied.max(state.held.as_ref().map_or(0, |row| row.held.of)).max(emptied_held);
            if !emptied_sides.contains(&side) {
                emptied_sides.push(side);
            }
        }
        let members = HeldDeletions::of(held.iter().copied(), guard.members(), self.now);
        let before = state.held.clone();
        let held = held.len() as u64 + emptied_held;
        self.look_again_at_bearers(tally);
        self.note_proofs(tally).await?;
        state.next_retry = tally.problems.next();
        let Tally { run, notes, wrote, again, incomplete, untaken, .. } = tally;
        let (mut notes, again, wrote) = (std::mem::take(notes), again.take(), *wrote);
        if held > 0 {
            let held = if emptied > 0 {
                Held::emptied(&self.pair.id, held, emptied)
            } else {
                Held::new(&self.pair.id, held, live)
            };
            // Another question has an age of its own.
            let since = state
                .held
                .as_ref()
                .filter(|row| row.held.kind == held.kind)
                .map_or(self.now, |row| row.since);
            let since = members.oldest().map_or(since, |first| first.max(since));
            let by_owner = by_owner || state.held.as_ref().is_some_and(|row| row.by_owner);
            run.state = PairStatus::Held;
            run.held = Some(held.clone());
            state.held = Some(HeldRow { held, since, by_owner, emptied: emptied_sides });
        } else {
            state.held = None;
        }
        run.copied_by_another = self.by_another(run, &notes).await;
        if self.options.dry_run {
            return Ok(None);
        }
        self.head.note_held_deletions(&mut notes, members).await?;
        if again.is_none() && !*incomplete {
            self.settle_awaited(awaited);
        }
        if held == 0 && again.is_none() && !*incomplete {
            if Side::BOTH.into_iter().any(|side| is_echoed(side, listed, wrote)) {
                // The echo is known by what was written, which is to be remembered before.
                self.memory.commit(self.head, std::mem::take(&mut notes)).await?;
            }
            match began_at {
                Some(cursors) => self.set_cursors(state, cursors, [false; 2], wrote).await,
                None => self.set_cursors(state, cursors, listed, wrote).await,
            }
            state.up_to_date_at = [Some(self.now); 2];
            for (whole, _) in
                state.last_complete_pass.iter_mut().zip(listed).filter(|(_, listed)| *listed)
            {
                *whole = Some(self.planner.pass);
            }
            if roll {
                state.window_listed_on = Some(today);
                if let Some(oldest) = self.head.proofs_since().await {
                    let oldest =
                        proofs::purge(&*self.scope.store, &self.pair.id, &mut notes, oldest, today)
                            .await?;
                    self.head.set_proofs_since(oldest).await;
                }
            }
            state.take_over &= *untaken;
        }
        if again.is_none() {
            state.last_sync = Some(self.scope.clock.now());
        }
        state.pass_count = self.planner.pass;
        state.status = Some(run.state);
        state.error.clone_from(&run.error);
        (state.remaining, state.progress, state.failing) = (None, None, None);
        self.memory.finish(self.head, notes, state.clone()).await?;
        self.trail_hold(before.as_ref(), state.held.as_ref(), deleted).await;
        Ok(again)
    }

    pub(super) fn today(&self) -> Date {
        self.now.to_zoned(TimeZone::UTC).date()
    }

    /// How many events of this pair another installation has copied: as it is remembered; before
    /// that is, as this pass has found.
    async fn by_another(&self, run: &Run, notes: &Batch) -> u64 {
        if self.options.dry_run {
            let found =
                run.actions.iter().filter(|action| action.reason == Some(Reason::CopiedByAnother));
            return self.head.copied_by_another(&Batch::default()).await + found.count() as u64;
        }
        self.head.copied_by_another(notes).await
    }

    pub(super) fn is_caldav(&self, side: Side) -> bool {
        matches!(self.ends[side as usize].account.kind, ProviderKind::Caldav | ProviderKind::Icloud)
    }

    pub(super) fn side_of_calendar(&self, calendar: &CalendarId) -> Side {
        if *calendar == self.pair.from { Side::From } else { Side::To }
    }

    /// What could not be copied and is gone needs no mention any more.
    fn forget_removed(&self, survey: &Changes, tally: &mut Tally) {
        for side in Side::BOTH {
            for id in &survey.removed[side as usize] {
                if !self.options.dry_run && tally.problems.remove(side, id.as_str()) {
                    self.memory.forget_problem(
                        &mut tally.notes,
                        self.pair.calendar(side),
                        id.as_str(),
                    );
                }
            }
        }
    }

    /// Asked before each write: whether nobody else can be at work on these calendars.
    pub(super) fn may_write(&self) -> Result<()> {
        if self.lease.holds() { Ok(()) } else { Err(Error::LeaseLost) }
    }

    /// Notes what is about to be written.
    pub(super) async fn intend(&self, notes: Batch) -> Result<()> {
        Ok(self.memory.commit(self.head, notes).await?)
    }

    /// Ends before the end: what was done is remembered, and nothing else. No deletion is made, and
    /// no cursor saved.
    async fn give_way(&self, state: &mut StateRecord, tally: &mut Tally, left: u64) -> Result<()> {
        let Tally { run, notes, .. } = tally;
        run.remaining = left;
        run.held = state.held.as_ref().map(|row| row.held.clone());
        run.state = if run.held.is_some() { PairStatus::Held } else { PairStatus::Ok };
        state.pass_count = self.planner.pass;
        (state.status, state.error, state.remaining) = (Some(run.state), None, Some(left));
        Ok(self.memory.finish(self.head, std::mem::take(notes), state.clone()).await?)
    }

    /// What was done about a mapping, as it is reported: `role` is the one that has changed or is
    /// gone; the other one is written to.
    pub(super) fn action(
        &self,
        action: Verb,
        mapping: &Mapping,
        role: Role,
        reason: Option<Reason>,
    ) -> Action {
        let written = side_of(mapping, other_role(role));
        Action {
            action,
            calendar: self.pair.calendar(written).clone(),
            event: mapping.origin.id.to_string(),
            reason,
            start: Some(mapping.times.start.clone()),
            end: Some(mapping.times.end.clone()),
        }
    }
}

pub(crate) fn side_of(mapping: &Mapping, role: Role) -> Side {
    match role {
        Role::Origin => mapping.side,
        Role::Copy => mapping.side.other(),
    }
}

pub(super) fn other_role(role: Role) -> Role {
    match role {
        Role::Origin => Role::Copy,
        Role::Copy => Role::Origin,
    }
}

/// Words for an event that could not be copied.
pub(super) fn problem_words(reason: Reason, why: Option<&str>) -> String {
    why.map_or_else(|| reason.in_words().to_owned(), |why| format!("{} ({why})", reason.in_words()))
}
