//! A batch of events: read, decided about, and what is to be written noted before it is.

use std::collections::BTreeMap;

use engine::event::{Event, EventId};
use engine::mapping::{Mapping, Times};
use engine::marker::{MappingId, Role};
use engine::pair::Side;
use engine::plan::{Beside, Decision, Halves, Observed, Unknown};
use engine::reason::Reason;
use providers::Found;

use super::apply::Step;
use super::identity::{BesideFound, Class, EventIdentities};
use super::pass::{Pass, side_of};
use super::refused::RetryAt;
use super::survey::{self, ChangedMapping, Changes, ListedAs, UnknownEvent};
use crate::Result;
use records::pair_state::Batch;
use records::pair_state::EventPosition;

/// Something to read and to decide about.
pub(super) enum Candidate {
    Known(Box<ChangedMapping>),
    Unknown { side: Side, id: EventId, stranger: UnknownEvent, is_copy: bool },
}

impl Candidate {
    /// Its place in the order of a pass, where no mapping knows it.
    pub fn place(&self) -> Option<EventPosition> {
        match self {
            Self::Known(_) => None,
            Self::Unknown { side, id, is_copy, .. } => {
                Some(EventPosition(u8::from(*is_copy) * 2 + *side as u8, id.clone()))
            }
        }
    }
}

/// Events that were read, by side.
pub(super) type FoundEvents = [BTreeMap<EventId, Found>; 2];

/// What the owner of an event should know of it, although it is copied.
fn note(event: &Event) -> Option<Reason> {
    event.zone_guessed.then_some(Reason::ZoneUnknown)
}

/// Said where a listing shows what a read does not.
const NOT_GIVEN: &str = "the server lists it, and answers that it is not there";
/// Said where a read shows what our own write has replaced.
const BEHIND: &str = "the server still shows what stood there before the last change was written; \
it is decided about once that shows";

impl Pass<'_> {
    /// Everything that has news: mappings first, then events that no mapping knows, and of these
    /// the copies last, when all origins have found theirs.
    pub(super) fn items(&self, survey: Changes, identity: &mut EventIdentities) -> Vec<Candidate> {
        identity.units = survey.units.keys().copied().collect();
        identity.note_names(&survey);
        let mut items: Vec<Candidate> =
            survey.units.into_values().map(|unit| Candidate::Known(Box::new(unit))).collect();
        let mut copies = Vec::new();
        for (side, unknown) in Side::BOTH.into_iter().zip(survey.unknown) {
            for (id, stranger) in unknown {
                if !self.pair.copies_from(side) && !identity.matters(side, &id) {
                    continue;
                }
                let is_copy = identity.is_copy(side, &id);
                let item = Candidate::Unknown { side, id, stranger, is_copy };
                if is_copy { copies.push(item) } else { items.push(item) }
            }
        }
        items.extend(copies);
        items
    }

    /// Reads a batch, decides about each of it, and notes what is about to be written.
    pub(super) async fn prepare(
        &self,
        batch: Vec<Candidate>,
        identity: &mut EventIdentities,
    ) -> Result<Vec<Step>> {
        let mut wanted: [Vec<EventId>; 2] = Default::default();
        for item in &batch {
            match item {
                Candidate::Known(unit) => {
                    let ChangedMapping { mapping, origin, copy, .. } = &**unit;
                    let both =
                        |is: fn(&ListedAs) -> bool| Halves { origin: is(origin), copy: is(copy) };
                    let changed = both(|news| matches!(news, ListedAs::Present(_)));
                    let gone =
                        both(|news| matches!(news, ListedAs::Suspect | ListedAs::Emptied(_)));
                    let to_read = self.planner.to_read(mapping, changed, gone);
                    for (role, news, read) in
                        [(Role::Origin, origin, to_read.origin), (Role::Copy, copy, to_read.copy)]
                    {
                        if read && !matches!(news, ListedAs::Present(Some(_))) {
                            wanted[side_of(mapping, role) as usize]
                                .push(survey::half(mapping, role).id.clone());
                        }
                    }
                }
                Candidate::Unknown { side, id, stranger, .. } => {
                    if stranger.event.is_none() && !identity.has(*side, id) {
                        wanted[*side as usize].push(id.clone());
                    }
                }
            }
        }
        let [from, to] = wanted;
        let (from, to) =
            futures::try_join!(self.fetch(Side::From, from), self.fetch(Side::To, to))?;
        let mut read = [from, to];
        let mut tasks = Vec::with_capacity(batch.len());
        let mut strangers = Vec::new();
        for item in batch {
            match item {
                Candidate::Known(mut unit) => {
                    self.set_right(identity, &mut unit, &mut read).await?;
                    let task = match self.made_by_another(identity, &unit, &read).await? {
                        Some(decision) => Step {
                            times: Some(unit.mapping.times.clone()),
                            before: Some(unit.stored.clone()),
                            ..Step::new(unit.mapping.side, unit.mapping.origin.id.clone(), decision)
                        },
                        None => self.decide_known(*unit, &read),
                    };
                    tasks.push(task);
                }
                Candidate::Unknown { side, id, stranger, .. } => {
                    let found =
                        self.read_stranger(identity, side, &id, stranger.event, &mut read).await?;
                    match found {
                        Some(Found::Event(event)) => {
                            strangers.push((side, event, stranger.taken, stranger.quiet))
                        }
                        Some(Found::Unreadable { etag, why }) if self.pair.copies_from(side) => {
                            let decision = Decision::Skip {
                                reason: Reason::Unreadable,
                                why: Some(why),
                                remember: None,
                            };
                            tasks.push(Step { etag, ..Step::new(side, id, decision) });
                        }
                        Some(Found::Refused(why)) if self.pair.copies_from(side) => {
                            tasks.push(Step::not_given(
                                side,
                                id,
                                Reason::RefusedByServer,
                                why,
                                RetryAt::Later,
                            ));
                        }
                        Some(Found::NotFound) | None
                            if self.pair.copies_from(side) && !stranger.unlisted =>
                        {
                            tasks.push(Step::not_given(
                                side,
                                id,
                                Reason::Unreadable,
                                NOT_GIVEN.into(),
                                RetryAt::Soon,
                            ));
                        }
                        Some(_) | None => tasks.push(Step::new(side, id, Decision::Nothing)),
                    }
                }
            }
        }
        // Origins first; and what has the UID of a copy has a better claim to its name than what
        // only bears its mark.
        strangers.sort_by_key(|(_, event, ..)| {
            match (self.is_marked_as_copy(event), MappingId::of_copy_uid(&event.uid)) {
                (false, _) => 0,
                (true, Some(_)) => 1,
                (true, None) => 2,
            }
        });
        let living = self.named_by(strangers.iter().map(|(_, event, ..)| &**event)).await?;
        for (side, event, taken, quiet) in strangers {
            let class = self.classify(identity, &living, side, &event).await?;
            let (times, etag) = (Times::from(&event.content.span), event.etag.clone());
            let mut task = self.decide_unknown(identity, side, event, taken, class).await?;
            if quiet
                && matches!(
                    task.decision,
                    Decision::Skip { reason: Reason::OutsideWindow, remember: None, .. }
                )
            {
                task.decision = Decision::Nothing;
            }
            task.times.get_or_insert(times);
            tasks.push(Step { etag: task.etag.or(etag), ..task });
        }
        if !self.options.dry_run {
            let mut notes = Batch::default();
            for task in &mut tasks {
                self.note_intent(&mut notes, task)?;
            }
            self.intend(notes).await?;
        }
        Ok(tasks)
    }

    pub(super) async fn fetch(
        &self,
        side: Side,
        ids: Vec<EventId>,
    ) -> Result<BTreeMap<EventId, Found>> {
        let end = &self.ends[side as usize];
        let mut all = BTreeMap::new();
        for ids in ids.chunks(end.provider.batch().max(1)) {
            let found = end.provider.fetch(&end.calendar.address, ids).await?;
            all.extend(found.into_iter().map(|fetched| (fetched.id, fetched.found)));
        }
        Ok(all)
    }

    /// An unknown event, from wherever it is at hand. Listed, and not found among many: once more
    /// by itself. What is not found then is no event (a task, say), or gone again.
    async fn read_stranger(
        &self,
        identity: &mut EventIdentities,
        side: Side,
        id: &EventId,
        listed: Option<Box<Event>>,
        read: &mut FoundEvents,
    ) -> Result<Option<Found>> {
        let found = listed
            .map(Found::Event)
            .or_else(|| identity.kept(side, id))
            .or_else(|| read[side as usize].remove(id));
        match found {
            None | Some(Found::NotFound) => {
                Ok(self.fetch(side, vec![id.clone()]).await?.remove(id))
            }
            found => Ok(found),
        }
    }

    fn decide_known(&self, unit: ChangedMapping, read: &FoundEvents) -> Step {
        let ChangedMapping {
            stored,
            mut mapping,
            origin,
            copy,
            sought,
            replaced,
            freed,
            proofs,
            ..
        } = unit;
        if self.is_behind(&mapping, read) {
            // Cursors wait for it, and `status` says what they wait for.
            let task = Step::not_given(
                mapping.side,
                mapping.origin.id.clone(),
                Reason::RefusedByServer,
                BEHIND.into(),
                RetryAt::OnChange,
            );
            return Step { incomplete: true, times: Some(mapping.times), ..task };
        }
        for role in [Role::Origin, Role::Copy] {
            let found = &read[side_of(&mapping, role) as usize];
            if matches!(found.get(&survey::half(&mapping, role).id), Some(Found::Event(_))) {
                survey::half_mut(&mut mapping, role).former = None;
            }
        }
        let gone = [(Role::Origin, &origin), (Role::Copy, &copy)]
            .into_iter()
            .find(|(_, news)| matches!(news, ListedAs::Suspect))
            .map(|(role, _)| role);
        let not_given = |reason, why, retry| {
            let task = Step::not_given(mapping.side, mapping.origin.id.clone(), reason, why, retry);
            Step { times: Some(mapping.times.clone()), gone, ..task }
        };
        for role in [Role::Origin, Role::Copy] {
            let found = &read[side_of(&mapping, role) as usize];
            if let Some(Found::Refused(why)) = found.get(&survey::half(&mapping, role).id) {
                return not_given(Reason::RefusedByServer, why.clone(), RetryAt::Later);
            }
        }
        let seen = |role: Role, news: ListedAs| -> Option<Observed> {
            let half = survey::half(&mapping, role);
            // What was listed with its content was not read; under its name another one may have
            // been.
            let found = match &news {
                ListedAs::Present(Some(_)) => None,
                // What is beside one mapping may be an event of another.
                _ => read[side_of(&mapping, role) as usize].get(&half.id),
            };
            Some(match (news, found) {
                (ListedAs::Suspect, _) => Observed::Gone,
                (ListedAs::Emptied(answer), _) => Observed::Emptied(answer),
                (ListedAs::Present(Some(event)), _) => Observed::Event(event),
                (_, Some(Found::Event(event))) => Observed::Event(event.clone()),
                (_, Some(Found::Unreadable { etag, why })) => {
                    Observed::Unreadable { etag: etag.clone(), why: why.clone() }
                }
                // Listed, and not found: no evidence of anything. The side is read again from where
                // it was.
                (ListedAs::Present(None), _)
                | (_, Some(Found::NotFound | Found::NoEvent | Found::Refused(_))) => return None,
                (ListedAs::None, None) => Observed::Unchanged,
            })
        };
        let (origin, copy) = match (seen(Role::Origin, origin), seen(Role::Copy, copy)) {
            (Some(origin), Some(copy)) => (origin, copy),
            (origin, _) => {
                let role = if origin.is_none() { Role::Origin } else { Role::Copy };
                // Looked for by itself once already, and there: then only a read of many at once
                // does not find it.
                if sought && !self.options.dry_run {
                    return not_given(Reason::Unreadable, NOT_GIVEN.into(), RetryAt::Soon);
                }
                let suspect = Some((mapping.id, role)).filter(|_| !self.options.dry_run);
                return Step::incomplete(mapping.side, mapping.origin.id.clone(), suspect);
            }
        };
        let strangers = freed.map(|id| (mapping.side.other(), id)).into_iter().collect();
        let (note, unread) = match &origin {
            Observed::Event(origin) => (note(origin), false),
            _ => (None, matches!(origin, Observed::Unchanged)),
        };
        let decision = if replaced {
            self.planner.replaced(&mapping, origin)
        } else {
            self.planner.known(&mapping, origin, copy)
        };
        let task =
            Step { strangers, ..Step::new(mapping.side, mapping.origin.id.clone(), decision) };
        let renamed = ((&stored.origin.id, &stored.copy.id)
            != (&mapping.origin.id, &mapping.copy.id))
            .then(|| mapping.clone());
        let proof = gone.and_then(|role| proofs.into_iter().nth(role as usize).flatten());
        Step {
            times: Some(mapping.times.clone()),
            before: Some(stored),
            renamed,
            proof,
            note,
            unread,
            ..task
        }
    }

    /// Whether a read has shown a version that our own write has replaced: nothing is decided about
    /// that, and both are looked at again.
    fn is_behind(&self, mapping: &Mapping, read: &FoundEvents) -> bool {
        [Role::Origin, Role::Copy].into_iter().any(|role| {
            let half = survey::half(mapping, role);
            let found = read[side_of(mapping, role) as usize].get(&half.id);
            matches!(found, Some(Found::Event(event)) if half.is_former(event.etag.as_deref(), self.today()))
        })
    }

    async fn decide_unknown(
        &self,
        identity: &mut EventIdentities,
        side: Side,
        event: Box<Event>,
        taken: bool,
        class: Class,
    ) -> Result<Step> {
        let id = event.id.clone();
        let nothing = |id| Ok(Step::new(side, id, Decision::Nothing));
        if identity.is_claimed(side, &id) {
            return nothing(id);
        }
        let is_source = self.pair.copies_from(side);
        match &class {
            Class::Half(stored, mapping) => {
                let role = survey::role(mapping, side);
                if identity.units.contains(&mapping.id) {
                    // What is decided about it in this round rests on its former name.
                    return Ok(Step::incomplete(
                        side,
                        id,
                        Some((mapping.id, role)).filter(|_| !self.options.dry_run),
                    ));
                }
                let mut unit = ChangedMapping {
                    stored: (**stored).clone(),
                    ..ChangedMapping::new((**mapping).clone())
                };
                let other = if role == Role::Copy { Role::Origin } else { Role::Copy };
                let half = survey::half(mapping, other).id.clone();
                let there = side_of(mapping, other);
                let mut read: FoundEvents = Default::default();
                if role == Role::Copy || stored.is_owed() {
                    read[there as usize] = self.fetch(there, vec![half.clone()]).await?;
                    let is_missing =
                        matches!(read[there as usize].get(&half), Some(Found::NotFound));
                    if is_missing && stored.is_owed() {
                        // What its own side has told was put off until now.
                        return Ok(Step::incomplete(
                            side,
                            id,
                            Some((mapping.id, other)).filter(|_| !self.options.dry_run),
                        ));
                    }
                    // Its own side tells whether it is gone.
                    if is_missing {
                        read[there as usize].clear();
                    }
                }
                *unit.news(role) = ListedAs::Present(Some(event));
                return Ok(self.decide_known(unit, &read));
            }
            Class::Alone(reason @ (Reason::DuplicateOfCopy | Reason::MayBeCopy), mapping) => {
                let decision = Decision::Skip { reason: *reason, why: None, remember: None };
                return Ok(Step { bears: *mapping, ..Step::new(side, id, decision) });
            }
            _ if !is_source => return nothing(id),
            Class::Alone(reason, bears) => {
                let decision = Decision::Skip { reason: *reason, why: None, remember: None };
                return Ok(Step { bears: *bears, ..Step::new(side, id, decision) });
            }
            Class::Ordinary | Class::OutOfACopy | Class::Left(_) | Class::Foreign => {}
        }
        let copy_id = |mapping: MappingId| {
            let other = &self.ends[side.other() as usize];
            let uid = mapping.copy_uid(0);
            other
                .provider
                .id_of_copy(&other.calendar.address, &uid)
                .unwrap_or_else(|| EventId::new(uid))
        };
        if matches!(class, Class::Foreign) {
            let mapping = self.new_mapping_id(identity, side, &id, taken).await?;
            return Ok(Step::new(
                side,
                id,
                self.planner.foreign(side, &event, mapping, copy_id(mapping)),
            ));
        }
        let beside = self.beside(identity, side, &event, &class).await?;
        let found = match &beside {
            BesideFound::Copy { id, .. } | BesideFound::Foreign(id) => {
                match self.read_beside(identity, side.other(), id).await? {
                    Ok(found) => found,
                    // Another copy beside one that is there is worse than a late one.
                    Err(why) => {
                        self.miss_no_copy(
                            identity,
                            side.other(),
                            &BTreeMap::from([(id.clone(), why.clone())]),
                        )
                        .await?;
                        return Ok(Step::not_given(
                            side,
                            event.id.clone(),
                            Reason::RefusedByServer,
                            why,
                            RetryAt::Later,
                        ));
                    }
                }
            }
            BesideFound::Origin => return nothing(id),
            BesideFound::Unknown(why) => {
                return Ok(Step::not_given(
                    side,
                    id,
                    Reason::RefusedByServer,
                    why.clone(),
                    RetryAt::Later,
                ));
            }
            BesideFound::Nothing => match self.left_by_another(identity, side, &event).await? {
                Some(left) => {
                    let strangers =
                        vec![(side, id.clone()), (side.other(), left.origin.id.clone())];
                    return Ok(Step {
                        strangers,
                        ..Step::new(side, id, Decision::Forget(Box::new(left)))
                    });
                }
                None => None,
            },
            BesideFound::AlreadyThere(..) => None,
        };
        let adopted = match &beside {
            BesideFound::Copy { mapping, .. } => *mapping,
            _ => None,
        };
        let mapping = match adopted {
            Some(mapping) => mapping,
            None => self.new_mapping_id(identity, side, &id, taken).await?,
        };
        let beside = match (&beside, &found) {
            (BesideFound::Copy { foreign, .. }, Some(copy)) => {
                Beside::Copy { copy, foreign: *foreign }
            }
            (BesideFound::Foreign(_), Some(copy)) => Beside::Foreign(copy),
            (BesideFound::AlreadyThere(id, first), _) => {
                Beside::AlreadyThere(id.clone(), Some(*first))
            }
            _ => Beside::Nothing,
        };
        let marked_as_copy = matches!(class, Class::OutOfACopy);
        let first = if let Class::Left(first) = class { first } else { None };
        let unknown = Unknown {
            side,
            event: &event,
            id: mapping,
            copy_id: copy_id(mapping),
            beside,
            marked_as_copy,
            first,
        };
        Ok(Step { note: note(&event), ..Step::new(side, id, self.planner.unknown(unknown)) })
    }

    /// A copy that may be beside an event; what the server says where it does not give it.
    async fn read_beside(
        &self,
        identity: &mut EventIdentities,
        side: Side,
        id: &EventId,
    ) -> Result<std::result::Result<Option<Box<Event>>, String>> {
        Ok(
            match self.read_stranger(identity, side, id, None, &mut FoundEvents::default()).await? {
                Some(Found::Event(event)) => Ok(Some(event)),
                Some(Found::Refused(why)) => Err(why),
                _ => Ok(None),
            },
        )
    }

    /// Before a write: what it will leave behind, so that a crash in between can be told from a
    /// person's edit. And the new name of an event.
    fn note_intent(&self, notes: &mut Batch, task: &mut Step) -> records::Result<()> {
        match &mut task.decision {
            Decision::Create(create) if create.role == Role::Copy => {
                let end = &self.ends[create.mapping.side.other() as usize];
                let uid = create.mapping.id.copy_uid(create.mapping.generation);
                if let Some(id) = end.provider.id_of_copy(&end.calendar.address, &uid) {
                    create.mapping.copy.id = id;
                }
                let mut noted = create.mapping.clone();
                // Without a version, so that the next pass looks at the origin again.
                noted.origin.etag = None;
                self.memory.note(notes, task.before.as_ref(), &noted)
            }
            // Where the origin has gone to is known by its mark or its UID; what it was to show, by
            // this.
            Decision::Create(create) => {
                let Some(mut noted) = task.renamed.take().or_else(|| task.before.clone()) else {
                    return Ok(());
                };
                noted.origin.intent = Some(create.mapping.origin.base.clone());
                self.memory.note(notes, task.before.as_ref(), &noted)?;
                task.before = Some(noted);
                Ok(())
            }
            Decision::Write(write) => {
                let mut noted = write.intent();
                if task.before.is_none() {
                    // A copy that is taken over: no row has said so far that its origin was looked
                    // at.
                    noted.origin.etag = None;
                }
                self.memory.note(notes, task.before.as_ref(), &noted)
            }
            _ => {
                let Some(renamed) = task.renamed.take() else { return Ok(()) };
                self.memory.note(notes, task.before.as_ref(), &renamed)?;
                task.before = Some(renamed);
                Ok(())
            }
        }
    }
}
