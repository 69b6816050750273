//! Orphaned copies: they have the mark of this installation, and no pair claims them, because their
//! pair was removed.

use std::collections::BTreeSet;

use engine::calendar::{CalendarId, PairId};
use engine::change::Listed;
use engine::event::{Event, EventId};
use engine::mapping::Times;
use engine::marker::{MappingId, Mark, Marks, Role};
use engine::pair::Side;
use engine::reason::Reason;
use providers::{FailureCause, Found, Since};
use records::pair_state::{self, PairStore};
use records::problem::PairStatus;
use records::snapshot::Snapshot;

use super::deletion::{DeletionOutcome, delete, fail};
use crate::report::{Action, Progress, Run, Verb};
use crate::sync::{End, end};
use crate::{Error, Result, Scope, leases};

/// The orphaned copies of a calendar. Nothing was deleted.
pub struct OrphanedCopies {
    end: End,
    copies: Vec<(EventId, Option<String>, MappingId, Action)>,
    kept: Vec<Action>,
}

impl OrphanedCopies {
    /// The number of copies to delete.
    pub fn len(&self) -> usize {
        self.copies.len()
    }

    /// Whether there is nothing to delete.
    pub fn is_empty(&self) -> bool {
        self.copies.is_empty()
    }

    /// What would be deleted, and what is kept.
    pub fn preview(&self) -> Run {
        let mut run = empty_run();
        self.kept
            .iter()
            .chain(self.copies.iter().map(|(.., action)| action))
            .for_each(|action| run.push(action.clone()));
        run
    }
}

/// A run without a pair: the id is empty.
fn empty_run() -> Run {
    Run::new(PairId::new(""), PairStatus::Ok)
}

/// Reads a whole calendar and finds its orphaned copies.
///
/// # Errors
/// [`Error::NotFound`] for a calendar that no account has; the provider's failure.
pub async fn find_orphaned_copies(
    scope: &Scope,
    calendar: &CalendarId,
    progress: &dyn Progress,
) -> Result<OrphanedCopies> {
    let directory = scope.snapshot().await?;
    if directory.calendar(calendar)?.is_none() {
        return Err(Error::NotFound(format!(
            "there is no calendar {calendar}; `calrelay calendars` lists those that are known"
        )));
    }
    let end = end(scope, &directory, calendar).await?;
    if !end.calendar.writable {
        return Err(Error::Request(format!(
            "the calendar {calendar} cannot be written to by this account, so nothing can be \
            deleted in it"
        )));
    }
    let marks = Marks::new(&*scope.vault.hash_key("marks").await?);
    let (pairs, calendars) = (all_pair_ids(scope, &directory).await?, directory.calendar_ids());
    let listed =
        end.provider.list_changes(&end.calendar.address, Since::Everything, None).await?.listed;
    let mut found = OrphanedCopies { copies: Vec::new(), kept: Vec::new(), end: end.clone() };
    progress.expect(listed.len() as u64);
    let mut unread = Vec::new();
    let mut events: Vec<Box<Event>> = Vec::new();
    for line in listed {
        match line {
            Listed::Present { event: Some(event), .. } => events.push(event),
            Listed::Present { id, .. } => unread.push(id),
            Listed::Removed { .. } => {}
        }
    }
    let consider = async |found: &mut OrphanedCopies, events: Vec<Box<Event>>| -> Result<()> {
        let marked: Vec<(Box<Event>, MappingId)> = events
            .into_iter()
            .filter_map(|event| {
                let mark = event.marker.as_deref().map(|mark| marks.read(mark, &calendars));
                match mark {
                    Some(Mark::Ours { role: Role::Copy, mapping, .. }) => Some((event, mapping)),
                    _ => None,
                }
            })
            .collect();
        let named: BTreeSet<MappingId> = marked.iter().map(|(_, mapping)| *mapping).collect();
        let claimed = pair_state::claimed_by(&*scope.store, &pairs, &named).await?;
        let ids: Vec<EventId> = marked.iter().map(|(event, _)| event.id.clone()).collect();
        let kept = mapped_events(scope, &marks, &directory, calendar, &ids).await?;
        for (event, mapping) in marked
            .into_iter()
            .filter(|(event, mapping)| !claimed.contains(mapping) && !kept.contains(&event.id))
        {
            let times = Times::from(&event.content.span);
            // An event that a client made from a copy has a UID of its own and belongs to its
            // owner. Google gives such UIDs to copies, too.
            let is_a_persons = end.account.kind.facts().events.keeps_uid
                && MappingId::of_copy_uid(&event.uid).is_none();
            let verb = if event.has_guests() || is_a_persons { Verb::Skip } else { Verb::Delete };
            let reason =
                if event.has_guests() { Reason::HasGuests } else { Reason::DuplicateOfCopy };
            let action = Action {
                action: verb,
                calendar: calendar.clone(),
                event: event.id.to_string(),
                reason: (verb == Verb::Skip).then_some(reason),
                start: Some(times.start),
                end: Some(times.end),
                series: None,
            };
            match verb {
                Verb::Delete => {
                    found.copies.push((event.id.clone(), event.etag.clone(), mapping, action))
                }
                _ => found.kept.push(action),
            }
        }
        Ok(())
    };
    progress.step(events.len() as u64);
    consider(&mut found, events).await?;
    for ids in unread.chunks(end.provider.batch().max(1)) {
        let read = end.provider.fetch(&end.calendar.address, ids).await?;
        let events = read.into_iter().filter_map(|fetched| match fetched.found {
            Found::Event(event) => Some(event),
            _ => None,
        });
        consider(&mut found, events.collect()).await?;
        progress.step(ids.len() as u64);
    }
    Ok(found)
}

/// Deletes the copies that were found, each in the version that was read.
///
/// # Errors
/// [`Error::Request`] while a pass writes to the calendar. A failure after the first deletion is
/// reported in the run.
pub async fn delete_orphaned_copies(
    scope: &Scope,
    found: OrphanedCopies,
    progress: &dyn Progress,
) -> Result<Run> {
    let lease = leases::calendar(scope, &found.end.calendar.id).await?;
    let mut run = empty_run();
    found.kept.iter().for_each(|action| run.push(action.clone()));
    let worked = delete_each(scope, found, &mut run, progress).await;
    lease.end().await;
    if let Err(error) = worked {
        fail(&mut run, &error);
    }
    Ok(run)
}

async fn delete_each(
    scope: &Scope,
    found: OrphanedCopies,
    run: &mut Run,
    progress: &dyn Progress,
) -> Result<()> {
    let OrphanedCopies { end, copies, .. } = found;
    progress.expect(copies.len() as u64);
    // A pair may have taken the copies over since they were found.
    let named: BTreeSet<MappingId> = copies.iter().map(|(_, _, mapping, _)| *mapping).collect();
    let directory = scope.snapshot().await?;
    let pairs = all_pair_ids(scope, &directory).await?;
    let claimed = pair_state::claimed_by(&*scope.store, &pairs, &named).await?;
    let marks = Marks::new(&*scope.vault.hash_key("marks").await?);
    let ids: Vec<EventId> = copies.iter().map(|(id, ..)| id.clone()).collect();
    let in_step = mapped_events(scope, &marks, &directory, &end.calendar.id, &ids).await?;
    let mut cause = FailureCause::default();
    for (id, etag, mapping, action) in copies {
        let kept = if claimed.contains(&mapping) || in_step.contains(&id) {
            Some(Reason::OwnCopy)
        } else {
            match delete(&end, &mut cause, &id, etag.as_deref()).await? {
                DeletionOutcome::Deleted => None,
                DeletionOutcome::Kept(reason) => Some(reason),
                DeletionOutcome::Unsure => Some(Reason::RefusedByServer),
            }
        };
        run.push(match kept {
            Some(reason) => Action { action: Verb::Skip, reason: Some(reason), ..action },
            None => action,
        });
        progress.step(1);
    }
    Ok(())
}

/// The events among `ids` that a pair keeps in step: an orphaned copy of one pair may be the origin
/// of another.
async fn mapped_events(
    scope: &Scope,
    marks: &Marks,
    directory: &Snapshot,
    calendar: &CalendarId,
    ids: &[EventId],
) -> Result<BTreeSet<EventId>> {
    let here = leases::calendar_lease(directory, calendar);
    let mut kept = BTreeSet::new();
    for pair in directory.pairs()? {
        for side in Side::BOTH
            .into_iter()
            .filter(|side| leases::calendar_lease(directory, pair.calendar(*side)) == here)
        {
            let pair_store = PairStore::new(&*scope.store, marks, &pair);
            pair_store.read_state().await?;
            for ids in ids.chunks(LOOKUP_SIZE) {
                kept.extend(pair_store.lookup(side, ids).await?.known.into_keys());
            }
        }
    }
    Ok(kept)
}

/// Mappings looked up with one request.
const LOOKUP_SIZE: usize = 50;

/// The pairs of every owner: the mark of a copy names no owner, and another owner's pair may keep
/// copies in the same calendar.
async fn all_pair_ids(scope: &Scope, directory: &Snapshot) -> Result<Vec<PairId>> {
    let mut pairs = directory.pair_ids();
    for other in scope.scopes().await?.into_iter().filter(|other| other.owner != scope.owner) {
        pairs.extend(other.snapshot().await?.pair_ids());
    }
    Ok(pairs)
}
