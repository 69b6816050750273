//! One pass over one pair: read what has news, ask the planner, apply, remember.

use std::collections::{BTreeMap, BTreeSet};

use engine::change::Tip;
use engine::event::{Event, EventId, Span};
use engine::guard::{self, Evidence};
use engine::mapping::{Mapping, Times};
use engine::marker::Role;
use engine::pair::{Pair, Side};
use engine::plan::{Decision, Delete, Planner, Seen};
use engine::reason::Reason;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use providers::Found;

use super::apply::{Applied, Task};
use super::survey::{self, News, Survey, Unit};
use super::{End, Keys, SyncOptions};
use crate::memory::{HeldRow, Memory, Notes, PairRow};
use crate::report::{Action, Held, PairStatus, Progress, Run, Verb};
use crate::{Error, Result, Services};

/// Reads that verify a deletion, at once.
const VERIFY_AT_ONCE: usize = 8;
/// Of a suddenly empty listing so many events are looked for before anything is believed.
const EMPTY_SAMPLE: usize = 3;
/// Mappings remembered with one commit.
const REMEMBER_EVERY: usize = 50;
/// Batches read ahead of the writes.
const READ_AHEAD: usize = 2;

/// One pass.
pub(super) struct Pass<'a> {
    pub(super) services: &'a Services,
    pub(super) pair: &'a Pair,
    pub(super) ends: &'a [End; 2],
    pub(super) keys: &'a Keys,
    pub(super) memory: &'a Memory<'a>,
    pub(super) options: SyncOptions,
    pub(super) planner: Planner<'a>,
    pub(super) now: Timestamp,
    progress: &'a dyn Progress,
}

/// Something to read and to decide about.
enum Item {
    Known(Box<Unit>),
    Unknown { side: Side, id: EventId, event: Option<Box<Event>>, copy: Option<EventId> },
}

/// What a pass has come to so far.
struct Tally {
    run: Run,
    notes: Notes,
    wrote: [bool; 2],
    deferred: bool,
    /// A listed event was not found: that side is read again from where it was.
    incomplete: bool,
    deletes: Vec<Delete>,
    problems: BTreeSet<String>,
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        services: &'a Services,
        pair: &'a Pair,
        ends: &'a [End; 2],
        keys: &'a Keys,
        memory: &'a Memory<'a>,
        options: SyncOptions,
        progress: &'a dyn Progress,
    ) -> Self {
        let now = services.clock.now();
        let planner = Planner {
            pair,
            kinds: [ends[0].account.kind, ends[1].account.kind],
            zones: [ends[0].calendar.zone.as_deref(), ends[1].calendar.zone.as_deref()],
            marks: &keys.marks,
            prints: &keys.prints,
            window: pair.window(now),
            now,
            full: options.full,
        };
        Self { services, pair, ends, keys, memory, options, planner, now, progress }
    }

    /// Does it. The flag says that somebody else wrote at the same moment, so that another round is needed.
    pub(super) async fn run(&self, state: &mut PairRow, tips: [Option<Tip>; 2]) -> Result<(Run, bool)> {
        let today = self.now.to_zoned(TimeZone::UTC).date();
        let roll = state.listed_on != Some(today);
        let window = self.planner.window;
        let mut survey = survey::survey(self.ends, self.memory, state, &tips, window, roll, self.options).await?;
        let known_problems = crate::memory::problems(self.services, &self.pair.id, 1000).await?;
        let mut tally = Tally {
            run: Run::new(self.pair.id.clone(), PairStatus::Ok),
            notes: Notes::default(),
            wrote: [false; 2],
            deferred: false,
            incomplete: false,
            deletes: Vec::new(),
            problems: known_problems.iter().map(|row| row.problem.event.clone()).collect(),
        };
        let live = match survey.live {
            Some(live) => live,
            None => self.memory.copies().await?,
        };
        if let Some(live) = survey.live
            && !self.options.dry_run
            && live != self.memory.copies().await?
        {
            self.memory.set_copies(live).await?;
        }
        let evidence = if survey.by_absence { Evidence::Missing } else { Evidence::Named };
        let (mut held, released) = self.verify(&mut survey, &mut tally, state, evidence, live, today).await?;
        let (cursors, listed) = (std::mem::take(&mut survey.cursors), survey.listed);

        self.create_and_change(survey, &mut tally).await?;

        let deletes = std::mem::take(&mut tally.deletes);
        let count = deletes.len() as u64;
        if !released && guard::is_unusual(evidence, count, live, state.deletions_on(today)) {
            held += count;
            for delete in &deletes {
                tally.run.push(self.action(Verb::Hold, &delete.mapping, other_role(delete.role), Some(delete.reason)));
            }
        } else {
            self.delete(deletes, &mut tally).await?;
            let deleted = tally.run.deleted;
            if deleted > 0 {
                state.deletions = Some((today, state.deletions_on(today) + deleted));
            }
        }
        self.remember(&mut tally).await?;

        let Tally { mut run, wrote, deferred, incomplete, .. } = tally;
        if held > 0 {
            let since = state.held.as_ref().map_or(self.now, |row| row.since);
            let held = Held::new(&self.pair.id, held, live);
            run.state = PairStatus::Held;
            run.held = Some(held.clone());
            state.held = Some(HeldRow { held, since });
        } else {
            state.held = None;
        }
        if self.options.dry_run {
            return Ok((run, false));
        }
        if held == 0 && !deferred && !incomplete {
            self.save_cursors(state, cursors, listed, wrote).await;
            if roll {
                state.listed_on = Some(today);
            }
        }
        if !deferred {
            state.last_sync = Some(self.services.clock.now());
        }
        Ok((run, deferred))
    }

    /// Reads every suspect by itself, unless there are so many that the owner is asked first. Says how many are held, and whether the owner or
    /// a second look has released the deletions.
    async fn verify(
        &self,
        survey: &mut Survey,
        tally: &mut Tally,
        state: &PairRow,
        evidence: Evidence,
        live: u64,
        today: jiff::civil::Date,
    ) -> Result<(u64, bool)> {
        let mut suspects = Vec::new();
        for unit in survey.units.values() {
            for (role, news) in [(Role::Origin, &unit.origin), (Role::Copy, &unit.copy)] {
                if matches!(news, News::Suspect) {
                    let side = side_of(&unit.mapping, role);
                    suspects.push((unit.mapping.id, role, side, survey::half(&unit.mapping, role).id.clone()));
                }
            }
        }
        let count = suspects.len() as u64;
        let unusual = survey.suddenly_empty || guard::is_unusual(evidence, count, live, state.deletions_on(today));
        let second_look = state.held.as_ref().is_some_and(|row| self.now.as_second() - row.since.as_second() >= guard::SECOND_LOOK_SECONDS)
            && count <= guard::SECOND_LOOK_CAP;
        let released = self.options.confirm_deletions || (second_look && !survey.suddenly_empty);
        if unusual && !released {
            if survey.suddenly_empty {
                for (_, _, side, id) in suspects.iter().take(EMPTY_SAMPLE) {
                    let end = &self.ends[*side as usize];
                    if end.provider.exists(&end.calendar.address, id).await? {
                        return Err(Error::SuspiciousEmpty);
                    }
                }
            }
            for (id, role, ..) in &suspects {
                if let Some(unit) = survey.units.remove(id) {
                    let reason = if *role == Role::Origin { Reason::OriginDeleted } else { Reason::CopyDeleted };
                    tally.run.push(self.action(Verb::Hold, &unit.mapping, *role, Some(reason)));
                }
            }
            return Ok((count, false));
        }
        self.progress.expect(count);
        let verified: Vec<_> = stream::iter(suspects)
            .map(|(mapping, role, side, id)| async move {
                let end = &self.ends[side as usize];
                let exists = end.provider.exists(&end.calendar.address, &id).await;
                self.progress.step(1);
                exists.map(|exists| (mapping, role, exists))
            })
            .buffer_unordered(VERIFY_AT_ONCE)
            .try_collect()
            .await?;
        for (id, role, exists) in verified {
            if let Some(unit) = survey.units.get_mut(&id)
                && exists
            {
                *unit.news(role) = News::Present(None);
            }
        }
        Ok((0, released))
    }

    /// Works through everything that has news, batch by batch, several writes at once.
    async fn create_and_change(&self, survey: Survey, tally: &mut Tally) -> Result<()> {
        let items = self.items(survey);
        self.progress.expect(items.len() as u64);
        let batch = self.ends.iter().map(|end| end.provider.batch()).min().unwrap_or(1).max(1);
        let parallel = self.ends.iter().map(|end| end.provider.parallel_writes()).min().unwrap_or(1).max(1);
        let mut batches: Vec<Vec<Item>> = Vec::new();
        let mut items = items.into_iter().peekable();
        while items.peek().is_some() {
            batches.push(items.by_ref().take(batch).collect());
        }
        let mut work = Box::pin(
            stream::iter(batches)
                .map(|batch| self.prepare(batch))
                .buffered(READ_AHEAD)
                .map_ok(|tasks| stream::iter(tasks.into_iter().map(Ok::<_, Error>)))
                .try_flatten()
                .map(|task| async move { Ok::<_, Error>(self.apply(task?).await) })
                .buffer_unordered(parallel),
        );
        let mut failure = None;
        // A failure ends the reading of new work; what is under way is brought to its end, so that it need not be found out again.
        while let Some(applied) = work.next().await {
            self.progress.step(1);
            match applied.and_then(|applied| applied) {
                Ok(applied) => self.count(applied, tally)?,
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
            if tally.notes.len() >= REMEMBER_EVERY {
                self.remember(tally).await?;
            }
        }
        drop(work);
        match failure {
            None => Ok(()),
            Some(error) => {
                self.remember(tally).await?;
                Err(error)
            }
        }
    }

    fn items(&self, survey: Survey) -> Vec<Item> {
        let mut items: Vec<Item> = survey.units.into_values().map(|unit| Item::Known(Box::new(unit))).collect();
        let mut claimed: BTreeSet<EventId> = BTreeSet::new();
        let [from, to] = survey.unknown;
        let mut sides: BTreeMap<Side, BTreeMap<EventId, Option<Box<Event>>>> = BTreeMap::from([(Side::From, from), (Side::To, to)]);
        for side in Side::BOTH {
            if !self.pair.copies_from(side) {
                continue;
            }
            let other = &self.ends[side.other() as usize];
            for (id, event) in sides.remove(&side).unwrap_or_default() {
                if claimed.contains(&id) {
                    continue;
                }
                let uid = self.planner.mapping_id(side, &id).copy_uid(0);
                let copy = other.provider.id_of_copy(&other.calendar.address, &uid);
                let copy = copy.filter(|copy| sides.get(&side.other()).is_some_and(|unknown| unknown.contains_key(copy)));
                claimed.extend(copy.clone());
                items.push(Item::Unknown { side, id, event, copy });
            }
        }
        items
    }

    /// Reads a batch, decides about each of it, and notes what is about to be written.
    async fn prepare(&self, batch: Vec<Item>) -> Result<Vec<Task>> {
        let mut wanted: [Vec<EventId>; 2] = Default::default();
        for item in &batch {
            match item {
                Item::Known(unit) => {
                    let mapping = &unit.mapping;
                    let reread = self.pair.two_way && matches!(unit.copy, News::Present(_)) && matches!(unit.origin, News::None);
                    for (role, news) in [(Role::Origin, &unit.origin), (Role::Copy, &unit.copy)] {
                        if matches!(news, News::Present(None)) || (reread && role == Role::Origin) {
                            wanted[side_of(mapping, role) as usize].push(survey::half(mapping, role).id.clone());
                        }
                    }
                }
                Item::Unknown { side, id, event, copy } => {
                    if event.is_none() {
                        wanted[*side as usize].push(id.clone());
                    }
                    wanted[side.other() as usize].extend(copy.clone());
                }
            }
        }
        let [from, to] = wanted;
        let (from, to) = futures::try_join!(self.fetch(Side::From, from), self.fetch(Side::To, to))?;
        let mut found = [from, to];
        let mut tasks = Vec::with_capacity(batch.len());
        let mut notes = Notes::default();
        for item in batch {
            let task = match item {
                Item::Known(unit) => self.decide_known(*unit, &mut found),
                Item::Unknown { side, id, event, copy } => self.decide_unknown(side, id, event, copy, &mut found).await?,
            };
            if !self.options.dry_run {
                self.note_intent(&mut notes, &task)?;
            }
            tasks.push(task);
        }
        self.memory.commit(notes).await?;
        Ok(tasks)
    }

    async fn fetch(&self, side: Side, ids: Vec<EventId>) -> Result<BTreeMap<EventId, Found>> {
        let end = &self.ends[side as usize];
        let mut all = BTreeMap::new();
        for ids in ids.chunks(end.provider.batch().max(1)) {
            let found = end.provider.fetch(&end.calendar.address, ids).await?;
            all.extend(found.into_iter().map(|fetched| (fetched.id, fetched.found)));
        }
        Ok(all)
    }

    fn decide_known(&self, unit: Unit, found: &mut [BTreeMap<EventId, Found>; 2]) -> Task {
        let Unit { mapping, origin, copy } = unit;
        let mut seen = |role: Role, news: News| -> Option<Seen> {
            let half = survey::half(&mapping, role);
            Some(match (news, found[side_of(&mapping, role) as usize].remove(&half.id)) {
                (News::Suspect, _) => Seen::Gone,
                (News::Present(Some(event)), _) => Seen::Event(event),
                (_, Some(Found::Event(event))) => Seen::Event(event),
                (_, Some(Found::Unreadable { etag, why })) => Seen::Unreadable { etag, why },
                // Listed, and not found: no evidence of anything. The side is read again from where it was.
                (News::Present(None), _) | (_, Some(Found::NotFound)) => return None,
                (News::None, None) => Seen::Unchanged,
            })
        };
        let times = mapping.times.clone();
        let (Some(origin), Some(copy)) = (seen(Role::Origin, origin), seen(Role::Copy, copy)) else {
            return Task::incomplete(mapping.side, mapping.origin.id.clone());
        };
        let decision = self.planner.known(&mapping, origin, copy);
        Task {
            side: mapping.side,
            event: mapping.origin.id.clone(),
            etag: None,
            times: Some(times),
            before: Some(mapping),
            decision,
            incomplete: false,
        }
    }

    async fn decide_unknown(
        &self,
        side: Side,
        id: EventId,
        event: Option<Box<Event>>,
        copy: Option<EventId>,
        found: &mut [BTreeMap<EventId, Found>; 2],
    ) -> Result<Task> {
        let event = match event.map(Found::Event).or_else(|| found[side as usize].remove(&id)) {
            Some(Found::Event(event)) => event,
            Some(Found::Unreadable { etag, why }) => {
                let decision = Decision::Skip { reason: Reason::Unreadable, why: Some(why), remember: None };
                return Ok(Task { side, event: id, etag, times: None, before: None, decision, incomplete: false });
            }
            Some(Found::NotFound) | None => return Ok(Task::incomplete(side, id)),
        };
        let other = &self.ends[side.other() as usize];
        let copy_event = match copy.as_ref().and_then(|copy| found[side.other() as usize].remove(copy)) {
            Some(Found::Event(event)) => Some(event),
            _ => None,
        };
        let times = Some(times(&event.content.span));
        let etag = event.etag.clone();
        // An origin that was made again, and whose mapping has not been told yet, belongs to that mapping.
        if let Some(mark) = event.marker.as_deref()
            && let Some((Role::Origin, mapping)) = self.keys.marks.verify(mark, self.pair.calendar(side))
            && self.memory.mapping(mapping).await?.is_some()
        {
            return Ok(Task { side, event: id, etag, times, before: None, decision: Decision::Nothing, incomplete: false });
        }
        let uid = self.planner.mapping_id(side, &id).copy_uid(0);
        let copy_id = other.provider.id_of_copy(&other.calendar.address, &uid).unwrap_or_else(|| EventId::new(uid));
        let decision = self.planner.unknown(side, &event, copy_id, copy_event.as_deref());
        Ok(Task { side, event: id, etag, times, before: None, decision, incomplete: false })
    }

    /// Before a write: what it will leave behind, so that a crash in between can be told from a person's edit.
    fn note_intent(&self, notes: &mut Notes, task: &Task) -> Result<()> {
        match &task.decision {
            Decision::Create(create) if create.role == Role::Copy => {
                let mut noted = create.mapping.clone();
                // Without a version, so that the next pass looks at the origin again.
                noted.origin.etag = None;
                self.memory.note(notes, task.before.as_ref(), &noted)
            }
            Decision::Write(write) => self.memory.note(notes, task.before.as_ref(), &write.intent()),
            _ => Ok(()),
        }
    }

    fn count(&self, applied: Applied, tally: &mut Tally) -> Result<()> {
        tally.deferred |= applied.deferred;
        tally.incomplete |= applied.incomplete;
        for side in Side::BOTH {
            tally.wrote[side as usize] |= applied.wrote[side as usize];
        }
        for action in applied.actions {
            tally.run.push(action);
        }
        tally.deletes.extend(applied.delete.map(|delete| *delete));
        if self.options.dry_run {
            return Ok(());
        }
        if let Some((before, now)) = applied.remember {
            match now {
                Some(now) => self.memory.note(&mut tally.notes, before.as_ref(), &now)?,
                None => {
                    if let Some(before) = before {
                        self.memory.forget(&mut tally.notes, &before);
                    }
                }
            }
        }
        match applied.problem {
            Some(row) => {
                tally.problems.insert(row.problem.event.clone());
                self.memory.note_problem(&mut tally.notes, &applied.event, &row)?;
            }
            None => {
                if !applied.incomplete && tally.problems.remove(applied.event.as_str()) {
                    self.memory.forget_problem(&mut tally.notes, self.pair.calendar(applied.side), applied.event.as_str());
                }
            }
        }
        Ok(())
    }

    async fn remember(&self, tally: &mut Tally) -> Result<()> {
        if self.options.dry_run || tally.notes.is_empty() {
            return Ok(());
        }
        self.memory.commit(std::mem::take(&mut tally.notes)).await
    }

    async fn delete(&self, deletes: Vec<Delete>, tally: &mut Tally) -> Result<()> {
        self.progress.expect(deletes.len() as u64);
        let parallel = self.ends.iter().map(|end| end.provider.parallel_writes()).min().unwrap_or(1).max(1);
        let mut work = Box::pin(stream::iter(deletes).map(|delete| self.apply_delete(delete)).buffer_unordered(parallel));
        let mut failure = None;
        while let Some(applied) = work.next().await {
            self.progress.step(1);
            match applied {
                Ok(applied) => self.count(applied, tally)?,
                Err(error) => failure = Some(error),
            }
            if tally.notes.len() >= REMEMBER_EVERY || failure.is_some() {
                self.remember(tally).await?;
            }
            if failure.is_some() {
                break;
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// The last thing that a pass does. A side that was listed as a whole and written to is read once more: if that brings only the echo of our
    /// own writes, the next pass has nothing to do there.
    async fn save_cursors(&self, state: &mut PairRow, cursors: [Option<engine::change::Cursor>; 2], listed: [bool; 2], wrote: [bool; 2]) {
        for (side, cursor) in Side::BOTH.into_iter().zip(cursors) {
            let Some(mut cursor) = cursor else { continue };
            let i = side as usize;
            if listed[i] && wrote[i] {
                match self.echo(side, &cursor).await {
                    Ok(Some(later)) => cursor = later,
                    Ok(None) => {}
                    Err(error) => tracing::debug!(%error, "the echo of this pass was not read; the next pass does it"),
                }
            }
            state.set_cursor(side, cursor, self.now);
        }
    }

    async fn echo(&self, side: Side, cursor: &engine::change::Cursor) -> Result<Option<engine::change::Cursor>> {
        let end = &self.ends[side as usize];
        let glance = end.provider.glance(std::slice::from_ref(&end.calendar.address)).await?;
        let Some(providers::Glance::Tip(tip)) = glance.into_iter().next() else { return Ok(None) };
        survey::echo(end, self.memory, side, cursor, Some(&tip)).await
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

pub(super) fn side_of(mapping: &Mapping, role: Role) -> Side {
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

pub(super) fn times(span: &Span) -> Times {
    Times::from(span)
}

/// Words for an event that could not be copied.
pub(super) fn problem_words(reason: Reason, why: Option<&str>) -> String {
    why.map_or_else(|| reason.in_words().to_owned(), |why| format!("{} ({why})", reason.in_words()))
}
