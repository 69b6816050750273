//! Mappings that have lost sight of an event, and the events that turn out to be theirs under
//! another name.

use std::collections::BTreeMap;

use engine::event::{Event, EventId};
use engine::mapping::{Mapping, MappingState};
use engine::marker::{MappingId, Mark, Role};
use engine::pair::Side;
use engine::uid::UidHash;
use providers::Found;

use super::EventIdentities;
use super::classify::has_its_uid;
use crate::Result;
use crate::sync::pass::Pass;
use crate::sync::pass::side_of;
use crate::sync::survey;
use crate::sync::survey::Changes;
use crate::sync::survey::ListedAs;
use crate::sync::survey::UnknownEvent;
use records::pair_state::ProblemRow;

/// One half of a mapping that is not where it was, or that may be elsewhere.
struct Seeker {
    mapping: MappingId,
    role: Role,
    /// Nothing says that it is not where it was: it is looked for there before another name is
    /// believed.
    may_be_there: bool,
}

impl Pass<'_> {
    /// Joins unknown events to the mappings that have lost sight of them: what is missing, and
    /// copies that were in the making or were deleted.
    pub(in crate::sync) async fn resolve(
        &self,
        identity: &mut EventIdentities,
        survey: &mut Changes,
        problems: &[ProblemRow],
    ) -> Result<()> {
        for side in Side::BOTH {
            let mut seekers = self.seekers(survey, side);
            // A copy that was to be deleted and may be by now is what it was under its name: a
            // duplicate is its owner's.
            seekers.retain(|mapping, seeker| {
                seeker.role == Role::Origin || !self.is_to_be_deleted(survey, *mapping, problems)
            });
            if seekers.is_empty() {
                continue;
            }
            self.add_duplicates(survey, side, &seekers, problems);
            if survey.unknown[side as usize].is_empty() {
                continue;
            }
            self.read_strangers(identity, survey, side, true).await?;
            // Events that were read and not kept are read once more, and only where something is
            // sought.
            let ids: Vec<EventId> = survey.unknown[side as usize].keys().cloned().collect();
            let mut marked = Vec::new();
            for ids in ids.chunks(self.ends[side as usize].provider.batch().max(1)) {
                let mut found = self.again(identity, survey, side, ids).await?;
                for id in ids {
                    let Some(event) = found.remove(id) else { continue };
                    match self.sought_by(survey, &seekers, &event) {
                        Some((mapping, role))
                            if has_its_uid(&survey.units[&mapping].mapping, role, &event) =>
                        {
                            self.try_to_join(
                                identity,
                                survey,
                                side,
                                &seekers,
                                (mapping, role),
                                event,
                            )
                            .await?;
                        }
                        // It only bears the mark: another one may have the UID as well.
                        Some(sought) => marked.push((sought, event)),
                        None => self.keep_stranger(identity, survey, side, event),
                    }
                }
            }
            for ((mapping, role), event) in marked {
                if seekers.get(&mapping).is_some_and(|seeker| is_found(survey, seeker)) {
                    self.keep_stranger(identity, survey, side, event);
                } else {
                    self.try_to_join(identity, survey, side, &seekers, (mapping, role), event)
                        .await?;
                }
            }
        }
        Ok(())
    }

    async fn try_to_join(
        &self,
        identity: &mut EventIdentities,
        survey: &mut Changes,
        side: Side,
        seekers: &BTreeMap<MappingId, Seeker>,
        sought: (MappingId, Role),
        event: Box<Event>,
    ) -> Result<()> {
        // A second event with the mark says nothing of the first one, and a write may have been
        // wrong about that.
        let only_marked = !survey
            .units
            .get(&sought.0)
            .is_some_and(|unit| has_its_uid(&unit.mapping, sought.1, &event));
        let may_be_there =
            only_marked || seekers.get(&sought.0).is_some_and(|seeker| seeker.may_be_there);
        if may_be_there && self.is_where_it_was(survey, side, sought.0).await? {
            self.keep_stranger(identity, survey, side, event);
        } else {
            self.join_to(survey, side, sought, event);
        }
        Ok(())
    }

    pub(super) fn keep_stranger(
        &self,
        identity: &mut EventIdentities,
        survey: &Changes,
        side: Side,
        event: Box<Event>,
    ) {
        if survey.unknown[side as usize]
            .get(&event.id)
            .is_some_and(|stranger| stranger.event.is_none())
        {
            identity.keep(side, event.id.clone(), Found::Event(event));
        }
    }

    async fn is_where_it_was(
        &self,
        survey: &Changes,
        side: Side,
        mapping: MappingId,
    ) -> Result<bool> {
        let Some(unit) = survey.units.get(&mapping) else { return Ok(true) };
        let end = &self.ends[side as usize];
        let half = survey::half(&unit.mapping, survey::role(&unit.mapping, side));
        Ok(end.provider.exists(&end.calendar.address, &half.id).await?)
    }

    fn seekers(&self, survey: &Changes, side: Side) -> BTreeMap<MappingId, Seeker> {
        let mut seekers = BTreeMap::new();
        for unit in survey.units.values().filter(|unit| !unit.mapping.is_left_alone()) {
            for (role, news, other) in
                [(Role::Origin, &unit.origin, &unit.copy), (Role::Copy, &unit.copy, &unit.origin)]
            {
                let missing = matches!(news, ListedAs::Suspect);
                let may_be_back = role == Role::Copy
                    && matches!(
                        unit.mapping.state,
                        MappingState::Creating | MappingState::Suppressed
                    );
                // What is deleted or made again because of the other one has to be known by its
                // name.
                let may_be_there = matches!(other, ListedAs::Suspect) && !may_be_back;
                let silent = matches!(news, ListedAs::None);
                let may_be_there =
                    may_be_there || (unit.mapping.unseen == Some(role) && !may_be_back);
                if (missing || (silent && (may_be_back || may_be_there)))
                    && side_of(&unit.mapping, role) == side
                {
                    let may_be_there = silent && may_be_there;
                    seekers.insert(
                        unit.mapping.id,
                        Seeker { mapping: unit.mapping.id, role, may_be_there },
                    );
                }
            }
        }
        seekers
    }

    /// Whether the origin of a mapping is gone, and the deletion of its copy was not answered.
    fn is_to_be_deleted(
        &self,
        survey: &Changes,
        mapping: MappingId,
        problems: &[ProblemRow],
    ) -> bool {
        let Some(Mapping { side, origin, .. }) =
            survey.units.get(&mapping).map(|unit| &unit.mapping)
        else {
            return false;
        };
        let is_it = |row: &ProblemRow| {
            row.problem.calendar == *self.pair.calendar(*side)
                && row.problem.event == origin.id.as_str()
        };
        problems.iter().any(|row| row.gone == Some(Role::Origin) && is_it(row))
    }

    /// Events that are known to bear the mark of a copy that is missing now.
    fn add_duplicates(
        &self,
        survey: &mut Changes,
        side: Side,
        seekers: &BTreeMap<MappingId, Seeker>,
        problems: &[ProblemRow],
    ) {
        for row in problems.iter().filter(|row| row.problem.calendar == *self.pair.calendar(side)) {
            if row.mapping.is_some_and(|mapping| seekers.contains_key(&mapping)) {
                let id = EventId::new(row.problem.event.as_str());
                survey.unknown[side as usize]
                    .entry(id)
                    .or_insert_with(|| UnknownEvent { fresh: true, ..UnknownEvent::default() });
            }
        }
    }

    /// The unknown events of these names, from wherever they are at hand.
    pub(super) async fn again(
        &self,
        identity: &mut EventIdentities,
        survey: &Changes,
        side: Side,
        ids: &[EventId],
    ) -> Result<BTreeMap<EventId, Box<Event>>> {
        let mut events = BTreeMap::new();
        let mut wanted = Vec::new();
        for id in ids {
            let listed =
                survey.unknown[side as usize].get(id).and_then(|stranger| stranger.event.clone());
            match (listed, identity.kept(side, id)) {
                (Some(event), _) | (None, Some(Found::Event(event))) => {
                    drop(events.insert(id.clone(), event))
                }
                (None, Some(_)) => {}
                (None, None) => wanted.push(id.clone()),
            }
        }
        for (id, found) in self.fetch(side, wanted).await? {
            if let Found::Event(event) = found {
                events.insert(id, event);
            }
        }
        Ok(events)
    }

    /// The mapping that has lost sight of this event.
    fn sought_by(
        &self,
        survey: &Changes,
        seekers: &BTreeMap<MappingId, Seeker>,
        event: &Event,
    ) -> Option<(MappingId, Role)> {
        let uid = UidHash::of(&event.uid);
        match self.planner.mark(event) {
            Some(Mark::Ours { role, mapping, .. }) => {
                let seeker = seekers.get(&mapping)?;
                return (seeker.role == role && !is_found(survey, seeker))
                    .then_some((mapping, role));
            }
            // Its own UID says more than a mark that proves nothing.
            Some(Mark::Foreign { .. }) | None => {}
        }
        let by_uid = |seeker: &&Seeker| {
            let Some(unit) = survey.units.get(&seeker.mapping) else { return false };
            let half = survey::half(&unit.mapping, seeker.role);
            // A row of the first release does not say the UID.
            let is_shown = seeker.role == Role::Origin
                && half.uid.is_none()
                && self.shows(&unit.mapping, event);
            let named =
                is_shown || MappingId::of_uid(&event.uid) == Some((seeker.role, seeker.mapping));
            !is_found(survey, seeker) && (named || (uid.is_some() && half.uid == uid))
        };
        seekers.values().find(by_uid).map(|seeker| (seeker.mapping, seeker.role))
    }

    /// Whether an event shows just what an origin showed.
    fn shows(&self, mapping: &Mapping, event: &Event) -> bool {
        mapping.origin.meant(&self.keys.prints.origin(&engine::event::Draft::from(event)))
            == mapping.origin.base
    }

    pub(super) fn join_to(
        &self,
        survey: &mut Changes,
        side: Side,
        (mapping, role): (MappingId, Role),
        event: Box<Event>,
    ) {
        survey.unknown[side as usize].remove(&event.id);
        let Some(unit) = survey.units.get_mut(&mapping) else { return };
        tracing::debug!(pair = %self.pair.id, ?mapping, ?role, "an event has another name by now");
        rename(&mut unit.mapping, role, &event);
        *unit.news(role) = ListedAs::Present(Some(event));
    }
}

fn is_found(survey: &Changes, seeker: &Seeker) -> bool {
    let news = survey.units.get(&seeker.mapping).map(|unit| match seeker.role {
        Role::Origin => &unit.origin,
        Role::Copy => &unit.copy,
    });
    matches!(news, Some(ListedAs::Present(_)) | None)
}

/// A mapping whose event has another name. Its version is not that of the row, so that the event is
/// looked at.
pub(in crate::sync) fn rename(mapping: &mut Mapping, role: Role, event: &Event) {
    let half = match role {
        Role::Origin => &mut mapping.origin,
        Role::Copy => &mut mapping.copy,
    };
    half.id = event.id.clone();
    half.uid = UidHash::of(&event.uid);
    mapping.unseen = mapping.unseen.filter(|unseen| *unseen != role);
    if role == Role::Copy {
        mapping.pristine = false;
    }
}
