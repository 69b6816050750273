//! A batch of events: read, decided about, and what is to be written noted before it is.

use std::collections::{BTreeMap, BTreeSet};

use engine::event::{Event, EventId};
use engine::mapping::Times;
use engine::marker::Role;
use engine::pair::Side;
use engine::plan::{Decision, Halves, Seen};
use engine::reason::Reason;
use providers::Found;

use super::apply::Task;
use super::pass::{Pass, side_of};
use super::survey::{self, News, Survey, Unit};
use crate::Result;
use crate::memory::Notes;

/// Something to read and to decide about.
pub(super) enum Item {
    Known(Box<Unit>),
    Unknown { side: Side, id: EventId, event: Option<Box<Event>>, copy: Option<EventId> },
}

impl Pass<'_> {
    pub(super) fn items(&self, survey: Survey) -> Vec<Item> {
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
    pub(super) async fn prepare(&self, batch: Vec<Item>) -> Result<Vec<Task>> {
        let mut wanted: [Vec<EventId>; 2] = Default::default();
        for item in &batch {
            match item {
                Item::Known(unit) => {
                    let Unit { mapping, origin, copy, .. } = &**unit;
                    let both = |is: fn(&News) -> bool| Halves { origin: is(origin), copy: is(copy) };
                    let changed = both(|news| matches!(news, News::Present(_)));
                    let to_read = self.planner.to_read(mapping, changed, both(|news| matches!(news, News::Suspect)));
                    for (role, news, read) in [(Role::Origin, origin, to_read.origin), (Role::Copy, copy, to_read.copy)] {
                        if read && !matches!(news, News::Present(Some(_))) {
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
        self.intend(notes).await?;
        Ok(tasks)
    }

    pub(super) async fn fetch(&self, side: Side, ids: Vec<EventId>) -> Result<BTreeMap<EventId, Found>> {
        let end = &self.ends[side as usize];
        let mut all = BTreeMap::new();
        for ids in ids.chunks(end.provider.batch().max(1)) {
            let found = end.provider.fetch(&end.calendar.address, ids).await?;
            all.extend(found.into_iter().map(|fetched| (fetched.id, fetched.found)));
        }
        Ok(all)
    }

    fn decide_known(&self, unit: Unit, found: &mut [BTreeMap<EventId, Found>; 2]) -> Task {
        let Unit { mapping, origin, copy, sought } = unit;
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
        let (origin, copy) = match (seen(Role::Origin, origin), seen(Role::Copy, copy)) {
            (Some(origin), Some(copy)) => (origin, copy),
            (origin, _) => {
                let role = if origin.is_none() { Role::Origin } else { Role::Copy };
                // Looked for by itself once already, and there: then only a read of many at once does not find it.
                let suspect = Some((mapping.id, role)).filter(|_| !sought && !self.options.dry_run);
                return Task::incomplete(mapping.side, mapping.origin.id.clone(), suspect);
            }
        };
        let decision = self.planner.known(&mapping, origin, copy);
        let task = Task::new(mapping.side, mapping.origin.id.clone(), decision);
        Task { times: Some(mapping.times.clone()), before: Some(mapping), ..task }
    }

    async fn decide_unknown(
        &self,
        side: Side,
        id: EventId,
        event: Option<Box<Event>>,
        copy: Option<EventId>,
        found: &mut [BTreeMap<EventId, Found>; 2],
    ) -> Result<Task> {
        let mut listed = event.map(Found::Event).or_else(|| found[side as usize].remove(&id));
        if matches!(listed, None | Some(Found::NotFound)) {
            // Listed, and not found among many: once more by itself. What is not found then is no event (a task, say), or gone again.
            listed = self.fetch(side, vec![id.clone()]).await?.remove(&id);
        }
        let event = match listed {
            Some(Found::Event(event)) => event,
            Some(Found::Unreadable { etag, why }) => {
                let decision = Decision::Skip { reason: Reason::Unreadable, why: Some(why), remember: None };
                return Ok(Task { etag, ..Task::new(side, id, decision) });
            }
            Some(Found::NotFound) | None => return Ok(Task::new(side, id, Decision::Nothing)),
        };
        let other = &self.ends[side.other() as usize];
        let copy_event = match copy.as_ref().and_then(|copy| found[side.other() as usize].remove(copy)) {
            Some(Found::Event(event)) => Some(event),
            _ => None,
        };
        let times = Some(Times::from(&event.content.span));
        let etag = event.etag.clone();
        // An origin that was made again, and whose mapping has not been told yet, belongs to that mapping.
        if let Some(mark) = event.marker.as_deref()
            && let Some((Role::Origin, mapping)) = self.keys.marks.verify(mark, self.pair.calendar(side))
            && self.memory.mapping(mapping).await?.is_some()
        {
            return Ok(Task::new(side, id, Decision::Nothing));
        }
        let uid = self.planner.mapping_id(side, &id).copy_uid(0);
        let copy_id = other.provider.id_of_copy(&other.calendar.address, &uid).unwrap_or_else(|| EventId::new(uid));
        let decision = self.planner.unknown(side, &event, copy_id, copy_event.as_deref());
        Ok(Task { etag, times, ..Task::new(side, id, decision) })
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
}
