//! One pass over one pair: read what has news, ask the planner, apply, remember.

use engine::calendar::{CalendarId, PairId, ProviderKind};
use engine::guard::{self, Evidence};
use engine::mapping::Mapping;
use engine::marker::Role;
use engine::pair::{Pair, Side};
use engine::plan::Planner;
use engine::reason::Reason;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use store::Lease;
use tokio::time::Instant;

use super::bearers::Bearers;
use super::echo::is_echoed;
use super::identity::Identity;
use super::survey::{self, Scope, Seen, Survey};
use super::verify::Verdict;
use super::work::{Again, Tally};
use super::{End, Keys, SyncOptions};
use crate::memory::{Head, HeldRow, Memory, Notes, PairRow, ProblemRow};
use crate::report::{Action, Held, PairStatus, Progress, Run, Verb};
use crate::{Error, Result, Services};

/// One pass.
pub(super) struct Pass<'a> {
    pub(super) services: &'a Services,
    pub(super) pair: &'a Pair,
    pub(super) ends: &'a [End; 2],
    pub(super) keys: &'a Keys,
    pub(super) memory: &'a Memory<'a>,
    pub(super) head: &'a Head,
    lease: &'a Lease,
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
    #[expect(clippy::too_many_arguments, reason = "the parts of one pass, borrowed from several owners")]
    pub(super) fn new(
        services: &'a Services,
        pair: &'a Pair,
        ends: &'a [End; 2],
        keys: &'a Keys,
        memory: &'a Memory<'a>,
        head: &'a Head,
        lease: &'a Lease,
        whole: &'a Owned,
        takes_over: bool,
        number: u64,
        options: SyncOptions,
        begun: Instant,
        progress: &'a dyn Progress,
    ) -> Self {
        let now = services.clock.now();
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
            services,
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
        }
    }

    /// Does it, and writes down where the pair stands then. `again` is what an earlier round has left, `problems` are the known ones. The second
    /// part of the answer asks for another round.
    pub(super) async fn run(
        &self,
        state: &mut PairRow,
        seen: Seen,
        again: Option<&Again>,
        problems: &[ProblemRow],
    ) -> Result<(Run, Option<Again>)> {
        let today = self.now.to_zoned(TimeZone::UTC).date();
        // What is held rests on what a pass saw; the next one must look as closely, or it would see nothing to hold.
        let due = state.listed_on != Some(today) || state.held.is_some();
        // A write has found something gone of which no listing told: the whole listing tells what else is.
        let untold = again.is_some_and(|again| !again.suspects.is_empty());
        let roll = due || untold;
        let window = self.planner.window;
        // A later round goes on with what the first has listed.
        let full = self.options.full && again.is_none();
        let mut identity = Identity::default();
        let scope = Scope { window, roll, full };
        let mut survey = survey::survey(self.ends, self.pair, self.memory, state, seen, scope).await?;
        identity.first = Side::BOTH.map(|side| state.cursor(side).is_none());
        if let Some(again) = again {
            survey.suspect(self.memory, &again.suspects).await?;
            survey.look_at(self.memory, &again.strangers).await?;
            // What the write has found is all that is missing: it is as good as named, unless nothing is left.
            survey.found_by_writes = survey.by_absence && !due && survey.is_missing_only(&again.suspects);
            survey.by_absence &= !survey.found_by_writes;
        }
        let mut tally = Tally {
            run: Run::new(self.pair.id.clone(), PairStatus::Ok),
            notes: Notes::default(),
            wrote: [false; 2],
            again: None,
            incomplete: false,
            deletes: Vec::new(),
            bearers: Bearers::remembered(problems, |row| self.side_of_calendar(&row.problem.calendar)),
            ended: Vec::new(),
            problems: problems.iter().map(|row| (self.side_of_calendar(&row.problem.calendar), row.problem.event.clone())).collect(),
        };
        if let Some((live, by_another)) = survey.counts {
            self.head.set_counts(live, by_another).await;
        }
        let live = self.head.copies().await;
        self.refuse_one_calendar(&survey).await?;
        self.narrow(&mut identity, &mut survey).await?;
        survey.look_at(self.memory, &self.told_apart(&survey, problems)).await?;
        self.find_unseen(&mut identity, &mut survey, &mut tally).await?;
        self.forget_removed(&survey, &mut tally);
        let evidence = if survey.by_absence { Evidence::Missing } else { Evidence::Named };
        let Verdict { mut held, released, emptied, emptied_sides } =
            self.verify(&mut identity, &mut survey, &mut tally, state, problems, live, today).await?;
        let (cursors, listed, awaited) = (std::mem::take(&mut survey.cursors), survey.listed, std::mem::take(&mut survey.awaited));

        let left = self.create_and_change(survey, identity, &mut tally).await?;
        if left > 0 {
            return Ok((self.give_way(state, tally, left).await?, None));
        }

        let deletes = std::mem::take(&mut tally.deletes);
        let deletes = self.spare_moved(deletes, &mut tally).await?;
        let count = deletes.iter().filter(|delete| delete.mapping.is_live()).count() as u64;
        if !released && guard::is_unusual(evidence, count, live, state.deletions_on(today)) {
            held += count;
            for delete in &deletes {
                tally.run.push(self.action(Verb::Hold, &delete.mapping, other_role(delete.role), Some(delete.reason)));
            }
        } else {
            let outcome = self.delete(deletes, &mut tally).await;
            let deleted = tally.run.deleted;
            if deleted > 0 {
                state.deletions = Some((today, state.deletions_on(today) + deleted));
            }
            outcome?;
        }
        self.look_again_at_bearers(&mut tally);
        let Tally { mut run, mut notes, wrote, again, incomplete, .. } = tally;
        if held > 0 {
            let held = if emptied > 0 { Held::emptied(&self.pair.id, held, emptied) } else { Held::new(&self.pair.id, held, live) };
            // Another question has an age of its own.
            let since = state.held.as_ref().filter(|row| row.held.kind == held.kind).map_or(self.now, |row| row.since);
            run.state = PairStatus::Held;
            run.held = Some(held.clone());
            state.held = Some(HeldRow { held, since, emptied: emptied_sides });
        } else {
            state.held = None;
        }
        run.copied_by_another = self.by_another(&run, &notes).await;
        if self.options.dry_run {
            return Ok((run, None));
        }
        if held == 0 && again.is_none() && !incomplete {
            self.settle_awaited(awaited);
            if Side::BOTH.into_iter().any(|side| is_echoed(side, listed, wrote)) {
                // The echo is known by what was written, which is to be remembered before.
                self.memory.commit(self.head, std::mem::take(&mut notes)).await?;
            }
            self.set_cursors(state, cursors, listed, wrote).await;
            for (whole, _) in state.whole.iter_mut().zip(listed).filter(|(_, listed)| *listed) {
                *whole = Some(self.planner.pass);
            }
            if roll {
                state.listed_on = Some(today);
            }
            state.take_over = false;
        }
        if again.is_none() {
            state.last_sync = Some(self.services.clock.now());
        }
        state.passes = self.planner.pass;
        state.status = Some(run.state);
        state.error.clone_from(&run.error);
        state.left = None;
        self.memory.finish(self.head, notes, state.clone()).await?;
        Ok((run, again))
    }

    /// How many events of this pair another installation has copied: as it is remembered; before that is, as this pass has found.
    async fn by_another(&self, run: &Run, notes: &Notes) -> u64 {
        if self.options.dry_run {
            let found = run.actions.iter().filter(|action| action.reason == Some(Reason::CopiedByAnother));
            return self.head.copied_by_another(&Notes::default()).await + found.count() as u64;
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
    fn forget_removed(&self, survey: &Survey, tally: &mut Tally) {
        for side in Side::BOTH {
            for id in &survey.removed[side as usize] {
                if !self.options.dry_run && tally.problems.remove(&(side, id.to_string())) {
                    self.memory.forget_problem(&mut tally.notes, self.pair.calendar(side), id.as_str());
                }
            }
        }
    }

    /// Asked before each write: whether nobody else can be at work on these calendars.
    pub(super) fn may_write(&self) -> Result<()> {
        if self.lease.holds() { Ok(()) } else { Err(Error::Overtaken) }
    }

    /// Notes what is about to be written.
    pub(super) async fn intend(&self, notes: Notes) -> Result<()> {
        self.memory.commit(self.head, notes).await
    }

    /// Ends before the end: what was done is remembered, and nothing else. No deletion is made, and no cursor saved.
    async fn give_way(&self, state: &mut PairRow, tally: Tally, left: u64) -> Result<Run> {
        let Tally { mut run, notes, .. } = tally;
        run.left = left;
        run.held = state.held.as_ref().map(|row| row.held.clone());
        run.state = if run.held.is_some() { PairStatus::Held } else { PairStatus::Ok };
        state.passes = self.planner.pass;
        (state.status, state.error, state.left) = (Some(run.state), None, Some(left));
        self.memory.finish(self.head, notes, state.clone()).await?;
        Ok(run)
    }

    /// What was done about a mapping, as it is reported: `role` is the one that has changed or is gone; the other one is written to.
    pub(super) fn action(&self, action: Verb, mapping: &Mapping, role: Role, reason: Option<Reason>) -> Action {
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
