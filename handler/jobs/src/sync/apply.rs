//! One decision: write at the provider, unless the lease may be lost by now; then say what is to be remembered.

use engine::event::{Draft, Event, EventId, Parts};
use engine::mapping::{Half, Mapping, State, Times};
use engine::marker::{MappingId, Mark, Role};
use engine::pair::Side;
use engine::plan::{Change, Create, Decision, Delete, Write};
use engine::reason::Reason;
use engine::uid::UidHash;
use providers::{Edit, Found, NewCopy, Version, Written};

use super::pass::{Pass, other_role, problem_words, side_of};
use crate::Result;
use crate::memory::ProblemRow;
use crate::report::{Action, EventProblem, Verb};

/// A decision and what it is about.
pub(super) struct Task {
    /// Where the event that it is about stands.
    pub side: Side,
    /// That event.
    pub event: EventId,
    /// Its version.
    pub etag: Option<String>,
    /// Its times, as far as they are known.
    pub times: Option<Times>,
    /// The mapping as it is stored.
    pub before: Option<Mapping>,
    /// The same, where one of its events has another name by now.
    pub renamed: Option<Mapping>,
    /// The mapping whose mark an event bears that is not its copy.
    pub bears: Option<MappingId>,
    /// What to do.
    pub decision: Decision,
    /// It was listed and could not be read: the side is to be listed again.
    pub incomplete: bool,
    /// This half of it was not found: it is to be looked for by itself.
    pub suspect: Option<(MappingId, Role)>,
}

impl Task {
    /// A decision about an event.
    pub fn new(side: Side, event: EventId, decision: Decision) -> Self {
        Self { side, event, etag: None, times: None, before: None, renamed: None, bears: None, decision, incomplete: false, suspect: None }
    }

    /// Listed and not found.
    pub fn incomplete(side: Side, event: EventId, suspect: Option<(MappingId, Role)>) -> Self {
        Self { incomplete: true, suspect, ..Self::new(side, event, Decision::Nothing) }
    }
}

/// What became of it.
pub(super) struct Applied {
    pub side: Side,
    pub event: EventId,
    pub actions: Vec<Action>,
    /// The mapping as it was stored, and as it is to be stored: none to drop it.
    pub remember: Option<(Option<Mapping>, Option<Mapping>)>,
    pub problem: Option<ProblemRow>,
    /// A deletion, to be made when all of them are known.
    pub delete: Option<Box<Delete>>,
    /// Somebody else wrote at the same moment: another round is needed.
    pub deferred: bool,
    /// A write found that this one is not there any more, although no listing said so.
    pub suspect: Option<(MappingId, Role)>,
    pub incomplete: bool,
    pub wrote: [bool; 2],
}

impl Applied {
    fn nothing(side: Side, event: EventId) -> Self {
        Self {
            side,
            event,
            actions: Vec::new(),
            remember: None,
            problem: None,
            delete: None,
            deferred: false,
            suspect: None,
            incomplete: false,
            wrote: [false; 2],
        }
    }
}

impl Pass<'_> {
    /// Carries a decision out. In a dry run it says what would be done, and does nothing.
    pub(super) async fn apply(&self, task: Task) -> Result<Applied> {
        let Task { side, event, etag, times, before, decision, incomplete, suspect, bears, .. } = task;
        let mut applied = Applied { incomplete, suspect, deferred: suspect.is_some(), ..Applied::nothing(side, event.clone()) };
        match decision {
            Decision::Nothing => {}
            Decision::Skip { reason, why, remember } => {
                applied.actions.push(self.skip(side, &event, times, reason));
                if matches!(reason, Reason::Unreadable | Reason::UnsupportedRule | Reason::DuplicateOfCopy) {
                    let problem = self.problem(side, &event, etag, reason, why.as_deref());
                    applied.problem = Some(ProblemRow { mapping: bears, ..problem });
                }
                applied.remember = remember.map(|now| (before, Some(*now)));
            }
            Decision::Remember(now) => applied.remember = Some((before, Some(*now))),
            Decision::Forget(now) => applied.remember = Some((Some(*now), None)),
            Decision::Delete(delete) => applied.delete = Some(delete),
            Decision::Create(create) => self.create(*create, before, &mut applied).await?,
            Decision::Write(write) => self.write(*write, &mut applied).await?,
        }
        Ok(applied)
    }

    async fn create(&self, create: Create, before: Option<Mapping>, applied: &mut Applied) -> Result<()> {
        let Create { mut mapping, role, draft, reason, mark_origin } = create;
        let side = side_of(&mapping, role);
        let action = self.action(Verb::Create, &mapping, other_role(role), reason);
        if self.options.dry_run {
            applied.actions.push(action);
            return Ok(());
        }
        // What is stored by now: the note made before the write, or (for an origin) what was there.
        let stored = if role == Role::Copy { Some(mapping.clone()) } else { before };
        let end = &self.ends[side as usize];
        let calendar = &end.calendar.address;
        let marker = self.keys.marks.mint(role, mapping.id, mapping.first());
        for last in [false, false, true] {
            self.may_write()?;
            let uid = match role {
                Role::Copy => mapping.id.copy_uid(mapping.generation),
                Role::Origin => mapping.id.origin_uid(mapping.generation),
            };
            let copy = NewCopy { uid: &uid, marker: &marker, draft: &draft, now: self.now };
            match end.provider.create(calendar, &copy).await {
                Ok(written) => {
                    self.made(&mut mapping, role, written, &uid, false);
                    applied.wrote[side as usize] = true;
                    applied.actions.push(action);
                    if mark_origin {
                        self.mark_origin(&mut mapping, &draft, applied).await?;
                    }
                    applied.remember = Some((stored, Some(mapping)));
                    return Ok(());
                }
                Err(providers::Error::Exists) => {
                    let there = self.standing(side, &uid).await?;
                    match there.filter(|event| self.is_ours(event, role, mapping.id)) {
                        Some(event) => {
                            // Our own, from a write whose answer was lost, or from an earlier pair.
                            self.may_write()?;
                            match self.take_over(&mut mapping, role, &event, &draft, &marker).await {
                                Ok(()) => {
                                    applied.wrote[side as usize] = true;
                                    applied.actions.push(action);
                                    applied.remember = Some((stored, Some(mapping)));
                                }
                                Err(error) => self.not_written(error, None, applied)?,
                            }
                            return Ok(());
                        }
                        None => mapping.generation += 1,
                    }
                }
                // A trash bin keeps names: another one, and then one that was never used.
                Err(providers::Error::NameRefused(_)) if !last => mapping.generation = self.next_generation(mapping.generation),
                Err(providers::Error::NameRefused(error)) => return self.not_created(*error, action, stored, &mapping, applied),
                Err(error) => return self.not_created(error, action, stored, &mapping, applied),
            }
        }
        applied.deferred = true;
        Ok(())
    }

    /// After a generation whose name was refused: the next one, then one made of the time.
    fn next_generation(&self, generation: u32) -> u32 {
        // Hundredths of a second, which come round after more than a year.
        let hundredths = u32::try_from((self.now.as_millisecond() / 10) & i64::from(u32::MAX)).unwrap_or(u32::MAX);
        if generation.is_multiple_of(2) { generation.saturating_add(1) } else { hundredths.max(generation.saturating_add(1)) }
    }

    fn not_created(
        &self,
        error: providers::Error,
        action: Action,
        stored: Option<Mapping>,
        mapping: &Mapping,
        applied: &mut Applied,
    ) -> Result<()> {
        let providers::Error::Refused(why) = error else { return self.not_written(error, None, applied) };
        applied.actions.push(Action { action: Verb::Skip, reason: Some(Reason::RefusedByServer), ..action });
        let etag = mapping.origin.etag.clone();
        applied.problem = Some(self.problem(mapping.side, &mapping.origin.id, etag, Reason::RefusedByServer, Some(&why)));
        applied.remember = Some((stored, None));
        Ok(())
    }

    /// Whether an event under the name that we would give is the one that we would make: by its mark, or where a server takes marks away, because
    /// only this installation makes such names.
    fn is_ours(&self, event: &Event, role: Role, mapping: MappingId) -> bool {
        match self.planner.mark(event) {
            Some(mark) => matches!(mark, Mark::Ours { role: found, mapping: id, .. } if (found, id) == (role, mapping)),
            None => role == Role::Copy && MappingId::of_copy_uid(&event.uid) == Some(mapping),
        }
    }

    /// Marks an origin that was made out of a copy as an event of its own. Where that cannot be done, the mapping's row says the same.
    async fn mark_origin(&self, mapping: &mut Mapping, draft: &Draft, applied: &mut Applied) -> Result<()> {
        let end = &self.ends[mapping.side as usize];
        let marker = self.keys.marks.mint(Role::Origin, mapping.id, mapping.first());
        let version = Version { etag: mapping.origin.etag.clone(), sequence: mapping.origin.sequence };
        let edit = Edit { parts: &Parts::default(), draft, marker: Some(&marker), now: self.now };
        self.may_write()?;
        match end.provider.edit(&end.calendar.address, &mapping.origin.id, &version, &edit).await {
            Ok(written) => {
                applied.wrote[mapping.side as usize] = true;
                settle(&mut mapping.origin, written);
            }
            Err(error) => tracing::debug!(pair = %self.pair.id, %error, "an event that was made out of a copy keeps its mark"),
        }
        Ok(())
    }

    /// What stands under the name that we would give.
    async fn standing(&self, side: Side, uid: &str) -> Result<Option<Box<Event>>> {
        let end = &self.ends[side as usize];
        let Some(id) = end.provider.id_of_copy(&end.calendar.address, uid) else { return Ok(None) };
        let found = end.provider.fetch(&end.calendar.address, &[id]).await?;
        Ok(found.into_iter().find_map(|fetched| match fetched.found {
            Found::Event(event) => Some(event),
            _ => None,
        }))
    }

    async fn take_over(&self, mapping: &mut Mapping, role: Role, event: &Event, draft: &Draft, marker: &str) -> providers::Result<()> {
        let print = |draft: &Draft| match role {
            Role::Copy => self.keys.prints.copy(draft),
            Role::Origin => self.keys.prints.origin(draft),
        };
        let parts = print(draft).differences(&print(&Draft::from(event)));
        let mut written = Written { id: event.id.clone(), etag: event.etag.clone(), sequence: event.sequence, event: None };
        if !parts.is_empty() {
            let side = side_of(mapping, role);
            let end = &self.ends[side as usize];
            let version = Version { etag: event.etag.clone(), sequence: event.sequence };
            let edit = Edit { parts: &parts, draft, marker: Some(marker), now: self.now };
            written = end.provider.edit(&end.calendar.address, &event.id, &version, &edit).await?;
        }
        self.made(mapping, role, written, &event.uid, true);
        Ok(())
    }

    /// The mapping after one of its events was made.
    fn made(&self, mapping: &mut Mapping, role: Role, written: Written, uid: &str, taken_over: bool) {
        mapping.state = State::Live;
        let rewritten = written.event.is_some();
        let half = match role {
            Role::Copy => &mut mapping.copy,
            Role::Origin => &mut mapping.origin,
        };
        settle(half, written);
        half.uid = UidHash::of(uid);
        if role == Role::Copy {
            mapping.pristine = !taken_over && !rewritten;
        }
    }

    async fn write(&self, write: Write, applied: &mut Applied) -> Result<()> {
        let stored = write.intent();
        let Write { before, mut mapping, copy, origin, reason } = write;
        let mut actions = Vec::new();
        if origin.is_some() {
            actions.push(self.action(Verb::Change, &mapping, Role::Copy, reason));
        }
        if copy.is_some() {
            actions.push(self.action(Verb::Change, &mapping, Role::Origin, reason));
        }
        if self.options.dry_run {
            applied.actions = actions;
            return Ok(());
        }
        if let Some(change) = origin {
            let version = Version { etag: mapping.origin.etag.clone(), sequence: mapping.origin.sequence };
            self.may_write()?;
            match self.change(&mapping, Role::Origin, &change, &version).await {
                Ok(written) => {
                    applied.wrote[mapping.side as usize] = true;
                    settle(&mut mapping.origin, written);
                }
                Err(error) => return self.refused_or_not_written(error, Role::Origin, before, stored, &mapping, applied),
            }
        }
        if let Some(change) = copy {
            let version = Version { etag: mapping.copy.etag.clone(), sequence: mapping.copy.sequence };
            self.may_write()?;
            match self.change(&mapping, Role::Copy, &change, &version).await {
                Ok(written) => {
                    applied.wrote[mapping.side.other() as usize] = true;
                    mapping.pristine &= written.event.is_none();
                    settle(&mut mapping.copy, written);
                }
                Err(error) => return self.refused_or_not_written(error, Role::Copy, before, stored, &mapping, applied),
            }
        }
        applied.actions = actions;
        applied.remember = Some((Some(stored), Some(mapping)));
        Ok(())
    }

    async fn change(&self, mapping: &Mapping, role: Role, change: &Change, version: &Version) -> providers::Result<Written> {
        let side = side_of(mapping, role);
        let end = &self.ends[side as usize];
        let calendar = &end.calendar.address;
        let (id, marker) = match role {
            Role::Copy => (&mapping.copy.id, Some(self.keys.marks.mint(role, mapping.id, mapping.first()))),
            Role::Origin => (&mapping.origin.id, None),
        };
        match (&marker, change.whole) {
            (Some(marker), true) => {
                let uid = mapping.id.copy_uid(mapping.generation);
                let copy = NewCopy { uid: &uid, marker, draft: &change.draft, now: self.now };
                end.provider.rewrite(calendar, id, version, &copy).await
            }
            _ => {
                let edit = Edit { parts: &change.parts, draft: &change.draft, marker: marker.as_deref(), now: self.now };
                end.provider.edit(calendar, id, version, &edit).await
            }
        }
    }

    /// A write that the server refuses for good is noted and not tried again until the event changes; the same where the provider sees people whom
    /// the planner did not. Other failures are told apart below.
    fn refused_or_not_written(
        &self,
        error: providers::Error,
        role: Role,
        before: Mapping,
        stored: Mapping,
        mapping: &Mapping,
        applied: &mut Applied,
    ) -> Result<()> {
        // The copy is put right with the origin's next change, by what stands there then.
        let mut now = Mapping { drifted: true, pristine: false, ..before };
        now.origin.etag.clone_from(&mapping.origin.etag);
        now.copy.etag.clone_from(&mapping.copy.etag);
        let (side, event) = (mapping.side, &mapping.origin.id);
        let reason = match error {
            providers::Error::Refused(why) => {
                let etag = mapping.origin.etag.clone();
                applied.problem = Some(self.problem(side, event, etag, Reason::RefusedByServer, Some(&why)));
                Reason::RefusedByServer
            }
            providers::Error::HasGuests => {
                match role {
                    Role::Origin => {
                        now.guests = true;
                        // What else the origin has to say reaches the copy with the next listing.
                        now.origin.etag = stored.origin.etag.clone();
                    }
                    // Somebody else's by now, says the provider: left alone, as one to which people were invited.
                    Role::Copy => now.copy_guests = true,
                }
                Reason::HasGuests
            }
            error => return self.not_written(error, Some((mapping.id, role)), applied),
        };
        applied.actions.push(self.skip(side, event, Some(mapping.times.clone()), reason));
        applied.remember = Some((Some(stored), Some(now)));
        Ok(())
    }

    /// Somebody was faster: the next round reads again. What a write found gone may never be listed as removed (made and deleted between two
    /// listings), so it is looked for by itself. Anything else ends the pass; what was noted before the write keeps it safe.
    fn not_written(&self, error: providers::Error, what: Option<(MappingId, Role)>, applied: &mut Applied) -> Result<()> {
        match error {
            providers::Error::ChangedMeanwhile => applied.deferred = true,
            providers::Error::Gone => {
                applied.deferred = true;
                applied.suspect = what;
            }
            error => return Err(error.into()),
        }
        Ok(())
    }

    /// Deletes one of the two events of a mapping.
    pub(super) async fn apply_delete(&self, delete: Delete) -> Result<Applied> {
        let Delete { mapping, role, etag, reason } = delete;
        let side = side_of(&mapping, role);
        let mut applied = Applied::nothing(mapping.side, mapping.origin.id.clone());
        let action = self.action(Verb::Delete, &mapping, other_role(role), Some(reason));
        if self.options.dry_run {
            applied.actions.push(action);
            return Ok(applied);
        }
        let id = match role {
            Role::Origin => &mapping.origin.id,
            Role::Copy => &mapping.copy.id,
        };
        let end = &self.ends[side as usize];
        let calendar = &end.calendar.address;
        self.may_write()?;
        let mut outcome = end.provider.delete(calendar, id, etag.as_deref()).await;
        if matches!(outcome, Err(providers::Error::ChangedMeanwhile)) && !self.pair.two_way {
            // A copy that was edited at this moment goes with its origin all the same; but it must still be our copy.
            for fetched in end.provider.fetch(calendar, std::slice::from_ref(id)).await? {
                if let Found::Event(event) = fetched.found
                    && self.planner.is_copy_of(&event, mapping.id)
                {
                    self.may_write()?;
                    outcome = end.provider.delete(calendar, id, event.etag.as_deref()).await;
                }
            }
        }
        match outcome {
            Ok(()) => {
                applied.wrote[side as usize] = true;
                applied.actions.push(action);
                applied.remember = Some((Some(mapping), None));
            }
            Err(providers::Error::HasGuests) => {
                applied.actions.push(self.skip(mapping.side, &mapping.origin.id, Some(mapping.times.clone()), Reason::HasGuests));
                let now = Mapping { guests: true, state: State::Suppressed, ..mapping.clone() };
                applied.remember = Some((Some(mapping), Some(now)));
            }
            Err(error) => self.not_written(error, None, &mut applied)?,
        }
        Ok(applied)
    }

    fn skip(&self, side: Side, event: &EventId, times: Option<Times>, reason: Reason) -> Action {
        Action {
            action: Verb::Skip,
            calendar: self.pair.calendar(side.other()).clone(),
            event: event.to_string(),
            reason: Some(reason),
            start: times.as_ref().map(|times| times.start.clone()),
            end: times.map(|times| times.end),
        }
    }

    fn problem(&self, side: Side, event: &EventId, etag: Option<String>, reason: Reason, why: Option<&str>) -> ProblemRow {
        let calendar = self.pair.calendar(side).clone();
        let message = problem_words(reason, why);
        ProblemRow { problem: EventProblem { event: event.to_string(), calendar, reason, message }, etag, mapping: None }
    }
}

/// Notes the version that a write left behind.
fn settle(half: &mut Half, written: Written) {
    half.id = written.id;
    half.etag = written.etag;
    half.sequence = written.sequence;
    half.intent = None;
}
