//! A refused request stops only its event: the number of tries and the time of the next try are
//! stored with the event, and the pass goes on.
//!
//! # Properties
//! * Before the failure of a request about one event counts as a failure of its calendar, account
//!   or server, another request asks that calendar alone ([`providers::FailureCause`]).
//! * Cursors move past a refused event: its row brings the event back, without a listing.
//! * A refused event waits longer each time, from minutes to a day. An event that is listed and
//!   cannot be read yet is read in each of the next passes first.
//! * A deletion that was refused, or could not be verified, is tried again as a deletion.

use std::collections::BTreeSet;

use engine::event::{Event, EventId};
use engine::mapping::{Mapping, MappingState};
use engine::marker::Role;
use engine::pair::{PerSide, Side};
use engine::reason::Reason;
use providers::Found;
use records::pair_state::ProblemRow;
use records::pair_state::proofs::FirstSign;

use super::change::{ChangedMapping, ListedAs, UnknownEvent};
use super::changes::Changes;
use super::context::Context;
use super::identity::LiveMapping;
use super::pass_result::PassResult;
use super::problems::{RetryAt, retry_is_due};
use super::roles::{ROLES, other_role};
use super::suspect::Suspect;
use crate::Result;
use crate::report::Verb;

/// The most refused events that one pass tries again; the next passes try the others.
const MOST: usize = 200;

impl Context<'_> {
    /// What the server answered about one event, and when that is tried again.
    ///
    /// # Errors
    /// A failure that concerns more than this event.
    pub(super) async fn cause_of(
        &self,
        side: Side,
        error: providers::Error,
    ) -> Result<(String, RetryAt)> {
        // A connection that was lost once may hold the next time; and a rate limit may concern more
        // than this event.
        let is_passing =
            matches!(error, providers::Error::NoAnswer(_) | providers::Error::RateLimited { .. });
        let retry = if is_passing { RetryAt::Soon } else { RetryAt::Later };
        let end = &self.ends[side];
        let mut cause = self.causes[side].lock().await;
        Ok((cause.event(&*end.provider, &end.calendar.address, error).await?, retry))
    }

    /// The problem of an event that the server refuses; `gone` is the event of its mapping whose
    /// removal could not be followed.
    pub(super) fn refused(&self, mapping: &Mapping, gone: Option<Role>, why: &str) -> ProblemRow {
        let problem = self.problem(
            mapping.side,
            &mapping.origin.id,
            None,
            Reason::RefusedByServer,
            Some(why),
        );
        ProblemRow { gone, ..problem }
    }

    /// Notes the problem of an event. Returns how often the event was tried.
    pub(super) fn note_problem(
        &self,
        result: &mut PassResult,
        event: &EventId,
        mut row: ProblemRow,
        retry: RetryAt,
    ) -> Result<u32> {
        let side = self.side_of_calendar(&row.problem.calendar);
        result.problems.add(side, &mut row, retry, self.now);
        result.marked_events.add(&row, side);
        self.store.note_problem(&mut result.batch, event, &row)?;
        Ok(row.problem.tries)
    }

    /// Puts off a deletion that could not be verified.
    pub(super) fn put_off_deletion(
        &self,
        changes: &mut Changes,
        result: &mut PassResult,
        suspect: &Suspect,
        (why, retry): (&str, RetryAt),
    ) -> Result<()> {
        let Some(ChangedMapping { mapping, .. }) = changes.mappings.remove(&suspect.mapping) else {
            return Ok(());
        };
        result.run.push(self.action(
            Verb::Skip,
            &mapping,
            suspect.role,
            Some(Reason::RefusedByServer),
        ));
        if self.options.dry_run {
            return Ok(());
        }
        let row = self.refused(&mapping, Some(suspect.role), why);
        self.note_problem(result, &mapping.origin.id, row, retry)?;
        Ok(())
    }

    fn is_due(&self, row: &ProblemRow) -> bool {
        row.problem.next_try.is_some_and(|next| self.options.full || retry_is_due(next, self.now))
    }

    /// The calendars with an event that is tried again and that no mapping knows: no pass has read
    /// it yet. None in a later round.
    pub(super) async fn has_unread_retries(&self) -> Result<PerSide<bool>> {
        let mut unread = PerSide::default();
        if self.retry.is_some() {
            return Ok(unread);
        }
        for side in Side::BOTH.into_iter().filter(|side| self.pair.copies_from(*side)) {
            let due = self.problems.iter().filter(|row| {
                self.is_due(row) && self.side_of_calendar(&row.problem.calendar) == side
            });
            let ids: Vec<EventId> =
                due.take(MOST).map(|row| EventId::new(row.problem.event.as_str())).collect();
            unread[side] =
                !ids.is_empty() && self.store.lookup(side, &ids).await?.known.len() < ids.len();
        }
        Ok(unread)
    }

    /// Adds the events whose next try is due; all of them in a full pass. Where an origin changed,
    /// its refused event is tried with it.
    pub(super) async fn add_retries(
        &self,
        changes: &mut Changes,
        result: &mut PassResult,
    ) -> Result<()> {
        if self.problems.is_empty() {
            return Ok(());
        }
        let changed: BTreeSet<(Side, String)> = changes
            .mappings
            .values()
            .map(|changed| (changed.mapping.side, changed.mapping.origin.id.to_string()))
            .collect();
        let is_changed = |row: &&ProblemRow| {
            row.problem.next_try.is_some()
                && changed.contains(&(
                    self.side_of_calendar(&row.problem.calendar),
                    row.problem.event.clone(),
                ))
        };
        let (mut due, rest): (Vec<&ProblemRow>, Vec<&ProblemRow>) =
            self.problems.iter().partition(|row| self.is_due(row));
        due.sort_by_key(|row| row.problem.next_try);
        due.truncate(MOST);
        due.extend(rest.into_iter().filter(is_changed));
        for side in Side::BOTH {
            let rows =
                || due.iter().filter(|row| self.side_of_calendar(&row.problem.calendar) == side);
            let ids: Vec<EventId> =
                rows().map(|row| EventId::new(row.problem.event.as_str())).collect();
            if ids.is_empty() {
                continue;
            }
            let mut found = self.store.lookup(side, &ids).await?;
            for (row, id) in rows().zip(ids) {
                match found.known.remove(&id) {
                    Some(mapping) => {
                        let changed = add_retry(changes, mapping, row.gone);
                        // A write that has failed before is tried once more.
                        changed.mapping.drifted = false;
                    }
                    None if changes.removed[side].contains(&id) => {}
                    None if !self.pair.copies_from(side) => {
                        self.retry_passed_over(result, side, &id).await?
                    }
                    None => {
                        let unknown = UnknownEvent {
                            is_new: true,
                            is_id_taken: found.taken.contains(&id),
                            is_unlisted: changes.is_whole[side],
                            ..UnknownEvent::default()
                        };
                        changes.unknown[side].entry(id).or_insert(unknown);
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads an event that a first listing has passed over, of a calendar that nothing is copied
    /// from. If it is an earlier copy, a second copy may be beside it, and `status` names it.
    async fn retry_passed_over(
        &self,
        result: &mut PassResult,
        side: Side,
        id: &EventId,
    ) -> Result<()> {
        if self.options.dry_run {
            return Ok(());
        }
        let problem = |reason, why| self.problem(side, id, None, reason, why);
        let (row, retry) = match self.fetch(side, vec![id.clone()]).await?.remove(id) {
            Some(Found::Refused(why)) => {
                (problem(Reason::RefusedByServer, Some(why.as_str())), RetryAt::Later)
            }
            Some(Found::Event(event)) if self.planner.is_anothers(&event) => {
                (problem(Reason::CopiedByAnother, None), RetryAt::OnChange)
            }
            Some(Found::Event(event))
                if self.is_marked_as_copy(&event) && !self.is_known_copy(&event).await? =>
            {
                (problem(Reason::DuplicateOfCopy, None), RetryAt::OnChange)
            }
            _ => {
                self.forget_problem(result, side, id);
                return Ok(());
            }
        };
        self.note_problem(result, id, row, retry)?;
        Ok(())
    }

    /// Forgets the problems of unknown events that were removed.
    pub(super) fn forget_removed(&self, changes: &Changes, result: &mut PassResult) {
        for (side, removed) in changes.removed.iter() {
            removed.iter().for_each(|id| self.forget_problem(result, side, id));
        }
    }

    /// Whether an event is the copy of a live mapping, under the name that the mapping knows.
    async fn is_known_copy(&self, event: &Event) -> Result<bool> {
        let named = self.mappings_named_by(std::iter::once(event)).await?;
        Ok(named.values().any(|mapping| match mapping {
            LiveMapping::Here(mapping) => {
                mapping.copy.id == event.id || mapping.origin.id == event.id
            }
            LiveMapping::Elsewhere => true,
        }))
    }
}

/// A copy whose creation was interrupted may exist under its name. Where no listing shows it, it is
/// read before it is created.
pub(super) fn read_possibly_created(changes: &mut Changes) {
    for mapping in std::mem::take(&mut changes.in_doubt) {
        if let Some(changed) = changes.mappings.get_mut(&mapping)
            && matches!(changed.listed.copy, ListedAs::None)
        {
            changed.listed.copy = ListedAs::Present(None);
        }
    }
}

/// Has both events of a mapping looked at, or one of them looked for.
fn add_retry(changes: &mut Changes, mapping: Mapping, gone: Option<Role>) -> &mut ChangedMapping {
    let has_copy = matches!(mapping.state, MappingState::Live | MappingState::Archived);
    if mapping.state == MappingState::Creating {
        changes.in_doubt.push(mapping.id);
    }
    let changed =
        changes.mappings.entry(mapping.id).or_insert_with(|| ChangedMapping::new(mapping));
    if let Some(role) = gone {
        if matches!(changed.listed[role], ListedAs::None) {
            changed.suspect(role, FirstSign::Earlier);
        }
        // What the other event shows now decides what is done about it.
        let other = other_role(role);
        if matches!(changed.listed[other], ListedAs::None) && has_copy {
            changed.listed[other] = ListedAs::Present(None);
        }
        return changed;
    }
    for role in ROLES {
        if matches!(changed.listed[role], ListedAs::None) && (role == Role::Origin || has_copy) {
            changed.listed[role] = ListedAs::Present(None);
        }
    }
    changed
}
