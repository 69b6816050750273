//! Deleting the copies of a pair.

use engine::calendar::PairId;
use engine::event::{Draft, Event, EventId};
use engine::mapping::{Mapping, MappingState};
use engine::marker::{MappingId, Mark, Role};
use engine::pair::{Pair, PerSide, Side};
use engine::reason::Reason;
use engine::uid::UidHash;
use providers::{FailureCause, Found};
use records::pair_state::{Batch, LockedState, PairStore, StateRecord};
use records::problem::PairStatus;

use super::deletion::{CleanUp, DeletionOutcome, delete, exists, fail};
use crate::keys::PairKeys;
use crate::pairs::pause::pause_pair;
use crate::report::{Action, Progress, Run, Verb};
use crate::sync::{End, ends};
use crate::{Result, Scope, first_release, leases};

/// Deletes the copies that a pair wrote and that no person has edited. The pair is paused first, so
/// that no pass creates them again. After the pair is resumed, a pass creates them again.
///
/// # Errors
/// [`Error::NotFound`](crate::Error::NotFound); [`Error::Draft`](crate::Error::Draft), except for a
/// dry run; [`Error::Request`](crate::Error::Request) while a
/// pass over the pair is running. A failure after the first deletion is reported in the run.
pub async fn clean_up_pair(
    scope: &Scope,
    id: &PairId,
    options: CleanUp,
    progress: &dyn Progress,
) -> Result<Run> {
    let pair = match options.dry_run {
        true => scope.directory().pair(id).await?,
        false => pause_pair(scope, id).await?,
    };
    let lease = leases::pair_and_calendars(scope, &pair, &[&pair.from, &pair.to]).await?;
    let keys = PairKeys::new(scope, &pair).await?;
    let pair_store = PairStore::new(&*scope.store, &keys.marks, &pair);
    let ends = ends(scope, &pair).await?;
    let (mut locked, problems) = pair_store.read_state().await?;
    let bases = ends.as_ref().map(|end| first_release::base(&end.account, &end.calendar));
    if first_release::migrate(&pair_store, &locked, &problems, bases).await? {
        locked = pair_store.read_state().await?.0;
    }
    let state = PairStatus::by_switch(&pair).unwrap_or(PairStatus::Ok);
    let mut work = PairCopies {
        pair: &pair,
        keys: &keys,
        pair_store: &pair_store,
        ends: &ends,
        locked: &locked,
        options,
        progress,
        causes: Default::default(),
    };
    let mut run = Run::new(pair.id.clone(), state);
    if !options.dry_run {
        // If the pair is resumed, its next pass reads everything again, even if this clean-up is
        // cut off.
        let row = StateRecord {
            from: None,
            to: None,
            window_listed_on: None,
            held: None,
            remaining: None,
            ..locked.row().await
        };
        pair_store.finish(&locked, Batch::default(), row).await?;
    }
    let worked = work.delete_all(&mut run).await;
    lease.end().await;
    match worked {
        Err(error) if options.dry_run => return Err(error),
        Err(error) => fail(&mut run, &error),
        Ok(()) => {}
    }
    Ok(run)
}

struct PairCopies<'a> {
    pair: &'a Pair,
    keys: &'a PairKeys,
    pair_store: &'a PairStore<'a>,
    ends: &'a PerSide<End>,
    locked: &'a LockedState,
    options: CleanUp,
    progress: &'a dyn Progress,
    /// Attributes failures of requests to a copy or to its calendar, by side.
    causes: PerSide<FailureCause>,
}

impl PairCopies<'_> {
    async fn delete_all(&mut self, run: &mut Run) -> Result<()> {
        let mut after = None;
        loop {
            let (page, next) = self.pair_store.page(after.as_deref()).await?;
            for side in Side::BOTH {
                let here: Vec<&Mapping> = page
                    .iter()
                    .filter(|mapping| {
                        mapping.side.other() == side
                            && (mapping.is_live() || mapping.state == MappingState::Creating)
                    })
                    .collect();
                self.progress.expect(here.len() as u64);
                for mappings in here.chunks(self.ends[side].provider.batch().max(1)) {
                    self.delete_batch(side, mappings, run).await?;
                    self.progress.step(mappings.len() as u64);
                }
            }
            after = next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn delete_batch(
        &mut self,
        side: Side,
        mappings: &[&Mapping],
        run: &mut Run,
    ) -> Result<()> {
        let ends = self.ends;
        let end = &ends[side];
        let ids: Vec<EventId> = mappings.iter().map(|mapping| mapping.copy.id.clone()).collect();
        let mut found: std::collections::BTreeMap<EventId, Found> = end
            .provider
            .fetch(&end.calendar.address, &ids)
            .await?
            .into_iter()
            .map(|fetched| (fetched.id, fetched.found))
            .collect();
        for mapping in mappings {
            let verdict = match found.remove(&mapping.copy.id) {
                Some(Found::Event(event)) => self.check_copy(mapping, &event).map(|()| event.etag),
                Some(Found::Unreadable { .. }) => Err(Reason::Unreadable),
                Some(Found::Refused(_)) => Err(Reason::RefusedByServer),
                // A request for many events may not return an event that a request for one event
                // returns.
                Some(Found::NotFound | Found::NoEvent) | None => {
                    match exists(end, &mut self.causes[side], &mapping.copy.id).await? {
                        Some(true) => Err(Reason::Unreadable),
                        None => Err(Reason::RefusedByServer),
                        Some(false) => {
                            self.save(mapping, None).await?;
                            continue;
                        }
                    }
                }
            };
            match verdict {
                Ok(etag) => self.delete(side, mapping, etag.as_deref(), run).await?,
                Err(reason) => run.push(self.action(Verb::Skip, mapping, Some(reason))),
            }
        }
        Ok(())
    }

    fn check_copy(&self, mapping: &Mapping, copy: &Event) -> std::result::Result<(), Reason> {
        if copy.has_guests() {
            return Err(Reason::HasGuests);
        }
        if copy.marker.as_deref().is_some_and(|mark| self.keys.marks.is_of_another_key(mark)) {
            return Err(Reason::CopiedByAnother);
        }
        // The name of the copy may belong to another event by now.
        if !self.is_its_copy(mapping, copy) {
            return Err(Reason::CopyEdited);
        }
        let meant = mapping.copy.meant(&self.keys.prints.copy(&Draft::from(copy)));
        let edited =
            !meant.changed_since(&mapping.copy.base, mapping.copy.intent.as_ref()).is_empty();
        if edited && !self.options.include_edited { Err(Reason::CopyEdited) } else { Ok(()) }
    }

    fn is_its_copy(&self, mapping: &Mapping, copy: &Event) -> bool {
        let calendars = [self.pair.from.clone(), self.pair.to.clone()];
        match copy.marker.as_deref().map(|mark| self.keys.marks.read(mark, &calendars)) {
            Some(Mark::Ours { role: Role::Copy, mapping: id, .. }) => id == mapping.id,
            Some(_) => false,
            None => {
                let uid = UidHash::of(&copy.uid);
                MappingId::of_copy_uid(&copy.uid) == Some(mapping.id)
                    || (uid.is_some() && uid == mapping.copy.uid)
            }
        }
    }

    async fn delete(
        &mut self,
        side: Side,
        mapping: &Mapping,
        etag: Option<&str>,
        run: &mut Run,
    ) -> Result<()> {
        if self.options.dry_run {
            run.push(self.action(Verb::Delete, mapping, None));
            return Ok(());
        }
        // From here on, a missing copy is no deletion by a person. If the clean-up is cut off, the
        // next pass finds out whether the copy exists.
        let mut unwanted = Mapping { state: MappingState::Creating, ..mapping.clone() };
        (unwanted.origin.etag, unwanted.copy.etag) = (None, None);
        let mut batch = Batch::default();
        self.pair_store.note(&mut batch, Some(mapping), &unwanted)?;
        self.pair_store.commit(self.locked, batch).await?;
        let (action, after) =
            match delete(&self.ends[side], &mut self.causes[side], &mapping.copy.id, etag).await? {
                DeletionOutcome::Deleted => (self.action(Verb::Delete, mapping, None), Some(None)),
                DeletionOutcome::Kept(reason) => {
                    (self.action(Verb::Skip, mapping, Some(reason)), Some(Some(mapping)))
                }
                // The mapping still records that the copy is not wanted.
                DeletionOutcome::Unsure => {
                    (self.action(Verb::Skip, mapping, Some(Reason::RefusedByServer)), None)
                }
            };
        run.push(action);
        match after {
            Some(after) => self.save(&unwanted, after).await,
            None => Ok(()),
        }
    }

    async fn save(&self, before: &Mapping, now: Option<&Mapping>) -> Result<()> {
        if self.options.dry_run {
            return Ok(());
        }
        let mut batch = Batch::default();
        match now {
            Some(now) => self.pair_store.note(&mut batch, Some(before), now)?,
            None => self.pair_store.forget(&mut batch, before),
        }
        Ok(self.pair_store.commit(self.locked, batch).await?)
    }

    fn action(&self, action: Verb, mapping: &Mapping, reason: Option<Reason>) -> Action {
        let side = crate::sync::side_of(mapping, Role::Copy);
        Action {
            action,
            calendar: self.pair.calendar(side).clone(),
            event: mapping.origin.id.to_string(),
            reason,
            start: Some(mapping.times.start.clone()),
            end: Some(mapping.times.end.clone()),
            series: None,
        }
    }
}
