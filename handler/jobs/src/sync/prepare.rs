//! Prepares a batch of candidates: reads their events, decides about each, and stores what is about
//! to be written (the intents).

use engine::event::EventId;
use engine::mapping::Times;
use engine::marker::{MappingId, Role};
use engine::pair::{PerSide, Side};
use engine::plan::{Decision, Halves};
use engine::reason::Reason;
use providers::Found;
use records::pair_state::Batch;

use super::candidate::Candidate;
use super::change::{ChangedMapping, ListedAs, UnknownEvent};
use super::context::Context;
use super::fetch::FoundEvents;
use super::identity::EventIdentities;
use super::problems::RetryAt;
use super::roles::{mapped, side_of};
use super::step::{NOT_GIVEN, Step};
use crate::Result;

impl Context<'_> {
    pub(super) async fn prepare(
        &self,
        batch: Vec<Candidate>,
        identities: &mut EventIdentities,
    ) -> Result<Vec<Step>> {
        let mut read = self.read_batch(&batch, identities).await?;
        let mut steps = Vec::with_capacity(batch.len());
        let mut unknown = Vec::new();
        for candidate in batch {
            match candidate {
                Candidate::Known(mut changed) => {
                    self.find_replaced_copy(identities, &mut changed, &mut read).await?;
                    let step = match self.created_by_another(identities, &changed, &read).await? {
                        Some(decision) => Step {
                            times: Some(changed.mapping.times.clone()),
                            stored: Some(changed.stored.clone()),
                            ..Step::new(
                                changed.mapping.side,
                                changed.mapping.origin.id.clone(),
                                decision,
                            )
                        },
                        None => self.decide_known(*changed, &read),
                    };
                    steps.push(step);
                }
                Candidate::Unknown { side, id, unknown: mut listed, .. } => {
                    let event = listed.event.take();
                    match self.read_unknown(identities, side, &id, event, &mut read).await? {
                        Some(Found::Event(event)) => unknown.push((side, event, listed)),
                        found => steps.push(self.decide_unread(side, id, found, &listed)),
                    }
                }
            }
        }
        // Origins first. An event with the UID of a copy has a better claim to be that copy than an
        // event that only has its mark.
        unknown.sort_by_key(|(_, event, ..)| {
            match (self.is_marked_as_copy(event), MappingId::of_copy_uid(&event.uid)) {
                (false, _) => 0,
                (true, Some(_)) => 1,
                (true, None) => 2,
            }
        });
        let live = self.mappings_named_by(unknown.iter().map(|(_, event, ..)| &**event)).await?;
        for (side, event, listed) in unknown {
            let class = self.classify(identities, &live, side, &event).await?;
            let (times, etag) = (Times::from(&event.content.span), event.etag.clone());
            let mut step =
                self.decide_unknown(identities, side, event, listed.is_id_taken, class).await?;
            if listed.is_from_whole_listing
                && matches!(
                    step.decision,
                    Decision::Skip { reason: Reason::OutsideWindow, remember: None, .. }
                )
            {
                step.decision = Decision::Nothing;
            }
            step.times.get_or_insert(times);
            steps.push(Step { etag: step.etag.or(etag), ..step });
        }
        if !self.options.dry_run {
            let mut batch = Batch::default();
            for step in &mut steps {
                self.note_intent(&mut batch, step)?;
            }
            self.store.commit(self.locked, batch).await?;
        }
        Ok(steps)
    }

    /// Reads the events that are needed for the decisions, from both calendars at once.
    async fn read_batch(
        &self,
        batch: &[Candidate],
        identities: &EventIdentities,
    ) -> Result<FoundEvents> {
        let mut wanted: PerSide<Vec<EventId>> = PerSide::default();
        for candidate in batch {
            match candidate {
                Candidate::Known(changed) => {
                    let ChangedMapping { mapping, listed, .. } = &**changed;
                    let both = |is: fn(&ListedAs) -> bool| Halves {
                        origin: is(&listed.origin),
                        copy: is(&listed.copy),
                    };
                    let changed = both(|listed| matches!(listed, ListedAs::Present(_)));
                    let gone =
                        both(|listed| matches!(listed, ListedAs::Suspect | ListedAs::Emptied(_)));
                    let Halves { origin, copy } = self.planner.to_read(mapping, changed, gone);
                    for (role, is_read) in [(Role::Origin, origin), (Role::Copy, copy)] {
                        if is_read && !matches!(listed[role], ListedAs::Present(Some(_))) {
                            let id = mapped(mapping, role).id.clone();
                            wanted[side_of(mapping, role)].push(id);
                        }
                    }
                }
                Candidate::Unknown { side, id, unknown, .. } => {
                    if unknown.event.is_none() && !identities.has_event(*side, id) {
                        wanted[*side].push(id.clone());
                    }
                }
            }
        }
        let (from, to) = futures::try_join!(
            self.fetch(Side::From, wanted.from),
            self.fetch(Side::To, wanted.to)
        )?;
        Ok(PerSide { from, to })
    }

    /// An unknown event that the server does not give, or that cannot be read.
    fn decide_unread(
        &self,
        side: Side,
        id: EventId,
        found: Option<Found>,
        listed: &UnknownEvent,
    ) -> Step {
        if !self.pair.copies_from(side) {
            return Step::new(side, id, Decision::Nothing);
        }
        match found {
            Some(Found::Unreadable { etag, why }) => {
                let reason = Reason::Unreadable;
                let decision = Decision::Skip { reason, why: Some(why), remember: None };
                Step { etag, ..Step::new(side, id, decision) }
            }
            Some(Found::Refused(why)) => {
                Step::not_given(side, id, Reason::RefusedByServer, why, RetryAt::Later)
            }
            Some(Found::NotFound) | None if !listed.is_unlisted => {
                Step::not_given(side, id, Reason::Unreadable, NOT_GIVEN.into(), RetryAt::Soon)
            }
            Some(_) | None => Step::new(side, id, Decision::Nothing),
        }
    }

    /// Notes what a write will leave behind, so that the next pass can distinguish the result of an
    /// interrupted write from a person's edit; and the new name of an event.
    fn note_intent(&self, batch: &mut Batch, step: &mut Step) -> records::Result<()> {
        match &mut step.decision {
            Decision::Create(create) if create.role == Role::Copy => {
                let end = &self.ends[create.mapping.side.other()];
                let uid = create.mapping.id.copy_uid(create.mapping.generation);
                if let Some(id) = end.provider.id_of_copy(&end.calendar.address, &uid) {
                    create.mapping.copy.id = id;
                }
                let mut noted = create.mapping.clone();
                // Without a version, so that the next pass reads the origin again.
                noted.origin.etag = None;
                self.store.note(batch, step.stored.as_ref(), &noted)
            }
            // The next pass finds a new origin by its mark or its UID, and knows by the intent what
            // it was to show.
            Decision::Create(create) => {
                let Some(mut noted) = step.renamed.take().or_else(|| step.stored.clone()) else {
                    return Ok(());
                };
                noted.origin.intent = Some(create.mapping.origin.base.clone());
                self.store.note(batch, step.stored.as_ref(), &noted)?;
                step.stored = Some(noted);
                Ok(())
            }
            Decision::Write(write) => {
                let mut noted = write.intent();
                if step.stored.is_none() {
                    // A copy that is taken over: its origin was not read before, so that no row has
                    // its version.
                    noted.origin.etag = None;
                }
                self.store.note(batch, step.stored.as_ref(), &noted)
            }
            _ => {
                let Some(renamed) = step.renamed.take() else { return Ok(()) };
                self.store.note(batch, step.stored.as_ref(), &renamed)?;
                step.stored = Some(renamed);
                Ok(())
            }
        }
    }
}
