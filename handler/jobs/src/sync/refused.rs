//! What is refused of one event stays with that event: it is remembered with how often it was tried
//! and when it is tried again, and everything else goes on.
//!
//! # Properties
//! * Before a calendar, an account or a server is blamed for the failure of a request about one
//!   event, it is asked by itself ([`providers::Blame`]).
//! * Cursors move past a refused event: its row brings it back, and no listing needs to.
//! * What is refused waits longer each time, from minutes to a day. What is listed and not to be
//!   read yet is asked for in each of the next passes first.
//! * A deletion that was refused, or could not be verified, is tried again as a deletion.

use std::collections::{BTreeMap, BTreeSet};

use engine::event::{Event, EventId};
use engine::mapping::{Mapping, MappingState};
use engine::marker::Role;
use engine::pair::Side;
use engine::reason::Reason;
use jiff::{SignedDuration, Timestamp};
use providers::Found;

use super::identity::Living;
use super::pass::Pass;
use super::survey::{ChangedMapping, Changes, ListedAs, UnknownEvent};
use super::verify::Suspect;
use super::work::Tally;
use crate::Result;
use crate::report::Verb;
use records::pair_state::ProblemRow;
use records::pair_state::proofs::FirstSign;

/// Refused events that one pass tries again; the next passes try the others.
const MOST: usize = 200;
/// What cannot be read yet is asked for in so many passes before it has to wait.
pub(super) const SOON: u32 = 4;
/// The first wait, in minutes; each is four times as long as the one before.
const FIRST: i64 = 2;
/// The longest wait, in minutes.
const LONGEST: i64 = 24 * 60;

/// Whether a time to try again has come. One that no wait leads to was noted while this machine's
/// clock was wrong.
pub(crate) fn has_come(at: Timestamp, now: Timestamp) -> bool {
    at <= now || at.duration_since(now) > SignedDuration::from_mins(LONGEST + 60)
}

/// When an event that could not be dealt with is tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum RetryAt {
    /// When it changes.
    #[default]
    OnChange,
    /// In the next passes, and after some of them as [`Retry::Later`].
    Soon,
    /// After a while.
    Later,
}

impl RetryAt {
    /// When it is tried again after `tries`.
    fn next(self, tries: u32, now: Timestamp) -> Option<Timestamp> {
        let before = match self {
            Self::OnChange => return None,
            Self::Soon if tries < SOON => return Some(now),
            Self::Soon => tries - SOON,
            Self::Later => tries.saturating_sub(1),
        };
        let minutes = FIRST.saturating_mul(4_i64.saturating_pow(before)).min(LONGEST);
        Some(now.saturating_add(SignedDuration::from_mins(minutes)).unwrap_or(Timestamp::MAX))
    }
}

/// The events of a pair that could not be dealt with.
#[derive(Debug, Default)]
pub(super) struct Problems {
    /// By side and event: when it is tried again.
    open: BTreeMap<(Side, String), Option<Timestamp>>,
    /// How often each was tried before this pass.
    tried: BTreeMap<(Side, String), u32>,
    /// Events that are copied, and of which something is noted all the same.
    notes: BTreeSet<(Side, String)>,
}

impl Problems {
    /// As they are remembered.
    pub fn remembered(rows: &[ProblemRow], side: impl Fn(&ProblemRow) -> Side) -> Self {
        let mut problems = Self::default();
        for row in rows {
            let key = (side(row), row.problem.event.clone());
            if row.problem.reason == Reason::ZoneUnknown {
                problems.notes.insert(key.clone());
            }
            problems.tried.insert(key.clone(), row.problem.tries);
            problems.open.insert(key, row.problem.next_try);
        }
        problems
    }

    /// One more: the row says then how often it was tried, and when it is tried again.
    pub fn add(&mut self, side: Side, row: &mut ProblemRow, retry: RetryAt, now: Timestamp) {
        let key = (side, row.problem.event.clone());
        if retry != RetryAt::OnChange {
            row.problem.tries = self.tried.get(&key).copied().unwrap_or(0).saturating_add(1);
        }
        row.problem.next_try = retry.next(row.problem.tries, now);
        self.open.insert(key, row.problem.next_try);
    }

    /// Drops one; says whether there was one.
    pub fn remove(&mut self, side: Side, event: &str) -> bool {
        self.open.remove(&(side, event.to_owned())).is_some()
    }

    /// Whether it is copied, and noted all the same.
    pub fn is_note(&self, side: Side, event: &str) -> bool {
        self.notes.contains(&(side, event.to_owned()))
    }

    /// When the first of them is tried again.
    pub fn next(&self) -> Option<Timestamp> {
        self.open.values().flatten().min().copied()
    }
}

impl Pass<'_> {
    /// What the server said of one event, and when that is tried again.
    ///
    /// # Errors
    /// What is wrong with more than this event.
    pub(super) async fn blame(
        &self,
        side: Side,
        error: providers::Error,
    ) -> Result<(String, RetryAt)> {
        // A line that breaks once may not break again; and what asks to wait may have meant more
        // than this event.
        let passes =
            matches!(error, providers::Error::NoAnswer(_) | providers::Error::RateLimited { .. });
        let retry = if passes { RetryAt::Soon } else { RetryAt::Later };
        let end = &self.ends[side as usize];
        let mut blame = self.blames[side as usize].lock().await;
        Ok((blame.event(&*end.provider, &end.calendar.address, error).await?, retry))
    }

    /// A problem whose event the server refuses; `gone` is the event of its mapping whose
    /// disappearance could not be followed.
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

    /// Remembers an event that could not be dealt with. The answer is how often it was tried.
    pub(super) fn note_problem(
        &self,
        tally: &mut Tally,
        event: &EventId,
        mut row: ProblemRow,
        retry: RetryAt,
    ) -> Result<u32> {
        let side = self.side_of_calendar(&row.problem.calendar);
        tally.problems.add(side, &mut row, retry, self.now);
        tally.bearers.add(&row, side);
        self.memory.note_problem(&mut tally.notes, event, &row)?;
        Ok(row.problem.tries)
    }

    /// A deletion that could not be verified: nothing is done about it now.
    pub(super) fn not_verified(
        &self,
        survey: &mut Changes,
        tally: &mut Tally,
        suspect: &Suspect,
        (why, retry): (&str, RetryAt),
    ) -> Result<()> {
        let Some(ChangedMapping { mapping, .. }) = survey.units.remove(&suspect.mapping) else {
            return Ok(());
        };
        tally.run.push(self.action(
            Verb::Skip,
            &mapping,
            suspect.role,
            Some(Reason::RefusedByServer),
        ));
        if self.options.dry_run {
            return Ok(());
        }
        let row = self.refused(&mapping, Some(suspect.role), why);
        self.note_problem(tally, &mapping.origin.id, row, retry)?;
        Ok(())
    }

    fn is_due(&self, row: &ProblemRow) -> bool {
        row.problem.next_try.is_some_and(|next| self.options.full || has_come(next, self.now))
    }

    /// The calendars of which an event is tried again that no mapping knows: no pass has seen it
    /// yet.
    pub(super) async fn unread(&self, problems: &[ProblemRow]) -> Result<[bool; 2]> {
        let mut unread = [false; 2];
        for side in Side::BOTH.into_iter().filter(|side| self.pair.copies_from(*side)) {
            let due = problems.iter().filter(|row| {
                self.is_due(row) && self.side_of_calendar(&row.problem.calendar) == side
            });
            let ids: Vec<EventId> =
                due.take(MOST).map(|row| EventId::new(row.problem.event.as_str())).collect();
            unread[side as usize] =
                !ids.is_empty() && self.memory.lookup(side, &ids).await?.known.len() < ids.len();
        }
        Ok(unread)
    }

    /// Adds the events that are to be tried again by now; all of them in a full pass. Where one
    /// half of a mapping has news, what waits is done with it.
    pub(super) async fn try_again(
        &self,
        survey: &mut Changes,
        tally: &mut Tally,
        problems: &[ProblemRow],
    ) -> Result<()> {
        let news: BTreeSet<(Side, String)> = if problems.is_empty() {
            BTreeSet::new()
        } else {
            survey
                .units
                .values()
                .map(|unit| (unit.mapping.side, unit.mapping.origin.id.to_string()))
                .collect()
        };
        let has_news = |row: &&ProblemRow| {
            row.problem.next_try.is_some()
                && news.contains(&(
                    self.side_of_calendar(&row.problem.calendar),
                    row.problem.event.clone(),
                ))
        };
        let (mut due, rest): (Vec<&ProblemRow>, Vec<&ProblemRow>) =
            problems.iter().partition(|row| self.is_due(row));
        due.sort_by_key(|row| row.problem.next_try);
        due.truncate(MOST);
        due.extend(rest.into_iter().filter(has_news));
        for side in Side::BOTH {
            let rows =
                || due.iter().filter(|row| self.side_of_calendar(&row.problem.calendar) == side);
            let ids: Vec<EventId> =
                rows().map(|row| EventId::new(row.problem.event.as_str())).collect();
            if ids.is_empty() {
                continue;
            }
            let mut found = self.memory.lookup(side, &ids).await?;
            for (row, id) in rows().zip(ids) {
                match found.known.remove(&id) {
                    Some(mapping) => {
                        let unit = look_again(survey, mapping, row.gone);
                        // What was found to lead nowhere is tried once more.
                        unit.mapping.drifted = false;
                    }
                    None if survey.removed[side as usize].contains(&id) => {}
                    None if !self.pair.copies_from(side) => {
                        self.look_at_passed_over(tally, side, &id).await?
                    }
                    None => {
                        let (taken, unlisted) =
                            (found.taken.contains(&id), survey.listed[side as usize]);
                        let stranger = UnknownEvent {
                            fresh: true,
                            taken,
                            unlisted,
                            ..UnknownEvent::default()
                        };
                        survey.unknown[side as usize].entry(id).or_insert(stranger);
                    }
                }
            }
        }
        Ok(())
    }

    /// An event of a calendar that nothing is copied from, which a first listing has passed over:
    /// where it turns out to be an earlier copy, a second one may be beside it, and `status` names
    /// it.
    async fn look_at_passed_over(&self, tally: &mut Tally, side: Side, id: &EventId) -> Result<()> {
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
                if tally.problems.remove(side, id.as_str()) {
                    self.memory.forget_problem(
                        &mut tally.notes,
                        self.pair.calendar(side),
                        id.as_str(),
                    );
                }
                return Ok(());
            }
        };
        self.note_problem(tally, id, row, retry)?;
        Ok(())
    }

    /// Whether an event is the copy of a mapping that lives, under the name that the mapping knows.
    async fn is_known_copy(&self, event: &Event) -> Result<bool> {
        let named = self.named_by(std::iter::once(event)).await?;
        Ok(named.values().any(|living| match living {
            Living::Here(mapping) => mapping.copy.id == event.id || mapping.origin.id == event.id,
            Living::Elsewhere => true,
        }))
    }
}

/// What was in the making may be there, under its name: where nothing else has shown it, it is
/// read; and looked for before it is made.
pub(super) fn look_for_made(survey: &mut Changes) {
    for mapping in std::mem::take(&mut survey.in_doubt) {
        if let Some(unit) = survey.units.get_mut(&mapping)
            && matches!(unit.copy, ListedAs::None)
        {
            unit.copy = ListedAs::Present(None);
        }
    }
}

/// Has both events of a mapping looked at, or one of them looked for.
fn look_again(survey: &mut Changes, mapping: Mapping, gone: Option<Role>) -> &mut ChangedMapping {
    let has_copy = matches!(mapping.state, MappingState::Live | MappingState::Archived);
    if mapping.state == MappingState::Creating {
        survey.in_doubt.push(mapping.id);
    }
    let unit = survey.units.entry(mapping.id).or_insert_with(|| ChangedMapping::new(mapping));
    if let Some(role) = gone {
        if matches!(unit.news(role), ListedAs::None) {
            unit.suspect(role, FirstSign::Earlier);
        }
        // What was written there since decides what is done about it.
        let other = if role == Role::Origin { Role::Copy } else { Role::Origin };
        if matches!(unit.news(other), ListedAs::None) && has_copy {
            *unit.news(other) = ListedAs::Present(None);
        }
        return unit;
    }
    for role in [Role::Origin, Role::Copy] {
        if matches!(unit.news(role), ListedAs::None) && (role == Role::Origin || has_copy) {
            *unit.news(role) = ListedAs::Present(None);
        }
    }
    unit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(retry: RetryAt, tries: u32) -> Option<i64> {
        let now = Timestamp::UNIX_EPOCH;
        retry.next(tries, now).map(|next| next.as_second() / 60)
    }

    #[test]
    fn waits_grow_from_minutes_to_a_day() {
        let waits: Vec<_> = (1..=8).map(|tries| minutes(RetryAt::Later, tries).unwrap()).collect();
        assert_eq!(waits, [2, 8, 32, 128, 512, 1440, 1440, 1440]);
        assert_eq!(minutes(RetryAt::Later, u32::MAX), Some(1440));
    }

    #[test]
    fn a_time_that_no_wait_leads_to_has_come() {
        let now = Timestamp::UNIX_EPOCH;
        let comes = |minutes| has_come(now + SignedDuration::from_mins(minutes), now);
        assert_eq!(
            [-1, 0, 1, LONGEST, LONGEST + 60, LONGEST + 61].map(comes),
            [true, true, false, false, false, true]
        );
    }

    #[test]
    fn what_cannot_be_read_yet_is_asked_for_in_the_next_passes() {
        let waits: Vec<_> = (1..=6).map(|tries| minutes(RetryAt::Soon, tries).unwrap()).collect();
        assert_eq!(waits, [0, 0, 0, 2, 8, 32]);
        assert_eq!(minutes(RetryAt::OnChange, 7), None);
    }
}
