//! What was made and is not listed: a server did not keep it, shows it late, or keeps nothing by
//! which it is known (neither name, UID nor mark).
//!
//! # Properties
//! * Nobody has deleted what this installation has made and no listing has shown: nothing is
//!   deleted because it is missing.
//! * What becomes of the other event of such a mapping is written to the name that is known, if a
//!   read finds something there. Where it does not, that proves nothing for two days: what is to be
//!   done is done when the event shows. After that a copy is made again once its origin changes,
//!   under the name that it had; and at once by a full pass.
//! * An unknown event that says of no mapping that it belongs to it may be such an event: the one
//!   with the version that the write was answered with, or where there was none, with its time and
//!   its title, if that leaves no choice. The mapping goes by that name from then on.
//! * What was there before a write is never what was written. Where only time and title speak for
//!   an event, its own stamps have to prove that it is no older; what is known to be older is its
//!   owner's, and is treated as such.
//! * What has the same time or the same title, and is not known to be it, is left alone and
//!   reported; with another version than that of the write, only what has both.
//! * Where a calendar has shown nothing of what was made there, not even under the names that were
//!   given, and holds as many unknown events, at least two, the pair stops before anything is
//!   written.
//!
//! # Cost
//! No request. What a pass makes is named in the row of the pair until it is listed, by which the
//! next pass begins. Where something is not listed, the rows of the pair and the unknown events of
//! that calendar are read; and what is not listed itself, once the other event of its mapping has
//! changed.

use std::collections::{BTreeMap, BTreeSet};

use engine::etag;
use engine::event::{Draft, EventId, Field, Stamps};
use engine::fingerprint::Fingerprint;
use engine::mapping::{Mapping, MappingState};
use engine::marker::{MappingId, Role};
use engine::pair::Side;
use engine::reason::Reason;
use engine::uid::UidHash;
use providers::Found;

use super::EventIdentities;
use crate::Error;
use crate::Result;
use crate::sync::pass::Pass;
use crate::sync::pass::other_role;
use crate::sync::refused::RetryAt;
use crate::sync::survey;
use crate::sync::survey::ChangedMapping;
use crate::sync::survey::Changes;
use crate::sync::survey::ListedAs;
use crate::sync::work::Tally;
use records::pair_state::Batch;
use records::pair_state::ProblemRow;

/// An unknown event, and hashes of what it shows.
struct ShownEvent {
    id: EventId,
    uid: Option<UidHash>,
    etag: Option<String>,
    print: Fingerprint,
    stamps: Stamps,
}

/// A mapping whose event in the calendar was not listed.
struct Lost {
    mapping: Mapping,
    role: Role,
}

impl Lost {
    fn is_like(&self, shown: &ShownEvent, field: Field) -> bool {
        let half = survey::half(&self.mapping, self.role);
        !half
            .meant(&shown.print)
            .changed_since(&half.base, half.intent.as_ref())
            .fields
            .contains(&field)
    }

    fn etag(&self) -> Option<&str> {
        survey::half(&self.mapping, self.role).etag.as_deref()
    }

    /// Whether an event shows what was written, and is not known to be older.
    fn may_be(&self, shown: &ShownEvent) -> bool {
        let is_like = [Field::Time, Field::Title].iter().all(|field| self.is_like(shown, *field));
        is_like && !self.mapping.made_at.is_some_and(|at| shown.stamps.prove_older(at))
    }

    /// Whether an event may be what was written, altered by the server. With another version than
    /// that of the write it has to show the same.
    fn cannot_be_told_from(&self, shown: &ShownEvent) -> bool {
        let is_known_apart = self.mapping.state == MappingState::Creating
            || (self.etag().is_some() && !self.has_version_of(shown));
        let is_older = self.mapping.made_at.is_some_and(|at| shown.stamps.prove_older(at));
        let looks = [Field::Time, Field::Title].map(|field| self.is_like(shown, field));
        !is_older && if is_known_apart { looks == [true; 2] } else { looks.contains(&true) }
    }

    fn has_version_of(&self, shown: &ShownEvent) -> bool {
        etag::are_same(self.etag(), shown.etag.as_deref())
    }

    fn proves_younger(&self, shown: &ShownEvent) -> bool {
        self.mapping.made_at.is_some_and(|at| shown.stamps.prove_younger(at))
    }
}

impl Pass<'_> {
    /// Finds what was made and is not listed, or remembers that it was not seen.
    ///
    /// # Errors
    /// [`Error::CopiesUnrecognised`].
    pub(in crate::sync) async fn find_unseen(
        &self,
        identity: &mut EventIdentities,
        survey: &mut Changes,
        tally: &mut Tally,
    ) -> Result<()> {
        for side in Side::BOTH {
            if survey.cursors[side as usize].is_none() {
                let lost = self.lost_with_news(survey, side);
                self.note_unseen(survey, tally, side, lost).await?;
                continue;
            }
            let (lost, others) = self.lost(survey, side).await?;
            let left = if lost.is_empty() {
                lost
            } else {
                self.find(identity, survey, side, lost, others).await?
            };
            let is_unseen = left.iter().any(|lost| lost.mapping.is_live());
            self.note_unseen(survey, tally, side, left).await?;
            let before = self.head.unlisted().mappings[side as usize].clone();
            survey.awaited[side as usize] = Some((before, is_unseen));
        }
        Ok(())
    }

    /// Events that were left alone because of a copy that shows by now.
    pub(in crate::sync) fn told_apart(
        &self,
        survey: &Changes,
        problems: &[ProblemRow],
    ) -> Vec<(Side, EventId)> {
        let shows = |mapping: &MappingId| {
            let unit = survey.units.get(mapping);
            unit.is_some_and(|unit| {
                unit.stored
                    .unseen
                    .is_some_and(|role| matches!(unit.seen_as(role), ListedAs::Present(_)))
            })
        };
        let is_free = |row: &&ProblemRow| {
            row.problem.reason == Reason::MayBeCopy && row.mapping.as_ref().is_some_and(shows)
        };
        let free = problems.iter().filter(is_free);
        free.map(|row| {
            (self.side_of_calendar(&row.problem.calendar), EventId::new(row.problem.event.as_str()))
        })
        .collect()
    }

    /// What was awaited when a pass began that has come to its end has been listed, or is
    /// remembered as unseen.
    pub(in crate::sync) fn settle_awaited(&self, before: [Option<(BTreeSet<MappingId>, bool)>; 2]) {
        for (i, before) in before.into_iter().enumerate() {
            let Some((before, is_unseen)) = before else { continue };
            self.head.change_unlisted(|awaited| {
                let fresh = &awaited.added_now[i];
                awaited.mappings[i]
                    .retain(|mapping| !before.contains(mapping) || fresh.contains(mapping));
                (awaited.since_pass[i], awaited.unseen[i]) = (None, is_unseen);
            });
        }
    }

    /// What this calendar should show and does not: what was awaited, what was not seen before, and
    /// what may have been made by a pass that was cut off. And whether it shows anything else that
    /// was made there.
    async fn lost(&self, survey: &Changes, side: Side) -> Result<(Vec<Lost>, bool)> {
        let i = side as usize;
        let awaited = self.head.unlisted();
        let is_shown = |mapping: &MappingId| survey.shown[i].contains(mapping);
        let asks = |mapping: &Mapping| {
            let role = survey::role(mapping, side);
            let is_new = awaited.mappings[i].contains(&mapping.id)
                || awaited.since_pass[i].is_some_and(|pass| mapping.made >= Some(pass));
            let is_unseen = mapping.is_live() && (is_new || mapping.unseen == Some(role));
            (is_unseen || (mapping.state == MappingState::Creating && role == Role::Copy))
                && !is_shown(&mapping.id)
        };
        let (mut lost, mut others) = (Vec::new(), false);
        let mut enter = |mapping: Mapping| {
            let role = survey::role(&mapping, side);
            match asks(&mapping) {
                true => lost.push(Lost { mapping, role }),
                false => others |= mapping.is_live() && role == Role::Copy,
            }
        };
        if awaited.since_pass[i].is_none() && !awaited.unseen[i] {
            let missing: Vec<MappingId> =
                awaited.mappings[i].iter().copied().filter(|mapping| !is_shown(mapping)).collect();
            if missing.is_empty() {
                return Ok((in_the_making(survey, side), true));
            }
        }
        let mut after = None;
        loop {
            let (page, next) = self.memory.page(after.as_deref()).await?;
            page.into_iter().for_each(&mut enter);
            after = next;
            if after.is_none() {
                return Ok((lost, others));
            }
        }
    }

    /// The same of a calendar that was not read, as nothing has happened in it, where the other
    /// calendar has news. What a provider tells of by itself it may not have told of yet.
    fn lost_with_news(&self, survey: &Changes, side: Side) -> Vec<Lost> {
        let awaited = self.head.unlisted();
        let is_lost = |mapping: &Mapping, role: Role| {
            let is_awaited =
                self.is_caldav(side) && awaited.mappings[side as usize].contains(&mapping.id);
            mapping.is_live() && (mapping.unseen == Some(role) || is_awaited)
        };
        let with_news = survey.units.values().filter_map(|unit| {
            let role = survey::role(&unit.mapping, side);
            let has_news = !matches!(unit.seen_as(other_role(role)), ListedAs::None)
                && !matches!(unit.seen_as(role), ListedAs::Present(_));
            (has_news && is_lost(&unit.mapping, role))
                .then(|| Lost { mapping: unit.mapping.clone(), role })
        });
        with_news.collect()
    }

    /// Joins what is found. What is left is not there, or cannot be told from other events.
    async fn find(
        &self,
        identity: &mut EventIdentities,
        survey: &mut Changes,
        side: Side,
        lost: Vec<Lost>,
        others: bool,
    ) -> Result<Vec<Lost>> {
        if survey.unknown[side as usize].is_empty() {
            return Ok(lost);
        }
        self.read_strangers(identity, survey, side, true).await?;
        let (unmarked, named) = self.unmarked(identity, survey, side).await?;
        // What has the mark or the UID is found by that.
        let (marked, lost): (Vec<Lost>, Vec<Lost>) =
            lost.into_iter().partition(|lost| named.contains(&lost.mapping.id));
        let by_mark = !marked.is_empty();
        for Lost { mapping, role } in marked {
            if let Some(unit) = survey.units.get_mut(&mapping.id).filter(|_| mapping.is_live()) {
                unit.mapping.unseen = Some(role);
            }
        }
        let strangers = unmarked.len();
        let (left, rest) = self.join_by_looks(survey, side, lost, unmarked);
        let joined = strangers > rest.len();
        let mut alike = false;
        for shown in rest {
            alike |= left.iter().any(|lost| {
                [Field::Time, Field::Title].iter().any(|field| lost.is_like(&shown, *field))
            });
            if let Some(like) = left.iter().find(|lost| lost.cannot_be_told_from(&shown)) {
                identity.alike.insert((side, shown.id), like.mapping.id);
            }
        }
        let unseen = left.iter().filter(|lost| lost.mapping.is_live()).count();
        if unseen >= SEVERAL
            && !joined
            && !alike
            && !others
            && !by_mark
            && strangers >= unseen
            && !self.answers(side, &left).await?
        {
            return Err(Error::CopiesUnrecognised);
        }
        Ok(left)
    }

    /// Whether one of some that are not listed is under the name that is known, with its mark or
    /// its UID.
    async fn answers(&self, side: Side, left: &[Lost]) -> Result<bool> {
        let asked: Vec<&Lost> =
            left.iter().filter(|lost| lost.mapping.is_live()).take(ASKED).collect();
        let names =
            asked.iter().map(|lost| survey::half(&lost.mapping, lost.role).id.clone()).collect();
        let found = self.fetch(side, names).await?;
        Ok(asked.iter().any(|lost| {
            let half = survey::half(&lost.mapping, lost.role);
            let Some(Found::Event(event)) = found.get(&half.id) else { return false };
            let uid = UidHash::of(&event.uid);
            self.names(event) == Some(lost.mapping.id) || (uid.is_some() && uid == half.uid)
        }))
    }

    /// The unknown events of this calendar that do not say of themselves that they belong to a
    /// mapping, and the mappings to which the others do.
    async fn unmarked(
        &self,
        identity: &mut EventIdentities,
        survey: &Changes,
        side: Side,
    ) -> Result<(Vec<ShownEvent>, BTreeSet<MappingId>)> {
        let (mut unmarked, mut named) = (Vec::new(), BTreeSet::new());
        let ids: Vec<EventId> = survey.unknown[side as usize].keys().cloned().collect();
        for ids in ids.chunks(self.ends[side as usize].provider.batch().max(1)) {
            for (id, event) in self.again(identity, survey, side, ids).await? {
                if let Some(mapping) = self.names(&event) {
                    named.insert(mapping);
                } else if event.marker.is_none() {
                    let (uid, etag) = (UidHash::of(&event.uid), event.etag.clone());
                    let print = self.keys.prints.copy(&Draft::from(&*event));
                    unmarked.push(ShownEvent { id, uid, etag, print, stamps: event.stamps });
                }
                self.keep_stranger(identity, survey, side, event);
            }
        }
        Ok((unmarked, named))
    }

    /// Joins each to the event that it must be. What is left of both.
    fn join_by_looks(
        &self,
        survey: &mut Changes,
        side: Side,
        lost: Vec<Lost>,
        unmarked: Vec<ShownEvent>,
    ) -> (Vec<Lost>, Vec<ShownEvent>) {
        let mut free: BTreeMap<EventId, ShownEvent> =
            unmarked.into_iter().map(|shown| (shown.id.clone(), shown)).collect();
        let mut found: Vec<Option<EventId>> = Vec::with_capacity(lost.len());
        for one in &lost {
            let like: Vec<&ShownEvent> =
                free.values().filter(|shown| one.role == Role::Copy && one.may_be(shown)).collect();
            let is_exact = |shown: &&&ShownEvent| {
                one.has_version_of(shown)
                    && (one.proves_younger(shown) || shown.stamps == Stamps::default())
            };
            let exact: Vec<&&ShownEvent> = like.iter().filter(is_exact).collect();
            let is_rival =
                |shown: &ShownEvent| lost.iter().filter(|lost| lost.may_be(shown)).count() > 1;
            let id = match (exact.as_slice(), like.as_slice(), one.etag()) {
                ([exact], ..) => Some(exact.id.clone()),
                ([], [only], None) if one.proves_younger(only) && !is_rival(only) => {
                    Some(only.id.clone())
                }
                _ => None,
            };
            found.push(id);
        }
        let mut left = Vec::new();
        for (one, id) in lost.into_iter().zip(found) {
            match id.and_then(|id| free.remove(&id)) {
                Some(shown) => self.join_as(survey, side, one.mapping, shown),
                None => left.push(one),
            }
        }
        (left, free.into_values().collect())
    }

    fn join_as(&self, survey: &mut Changes, side: Side, mapping: Mapping, shown: ShownEvent) {
        tracing::debug!(pair = %self.pair.id, mapping = ?mapping.id, "a copy has neither the name \
        nor the UID that it was given");
        survey.unknown[side as usize].remove(&shown.id);
        let unit = survey.units.entry(mapping.id).or_insert_with(|| ChangedMapping::new(mapping));
        let copy = &mut unit.mapping.copy;
        // What the server has made of it is no person's edit.
        (copy.id, copy.uid) = (shown.id, shown.uid);
        copy.agree(shown.print);
        (unit.mapping.pristine, unit.mapping.unseen) = (false, None);
        unit.copy = ListedAs::Present(None);
        if unit.mapping.origin.etag.is_none() && matches!(unit.origin, ListedAs::None) {
            unit.origin = ListedAs::Present(None);
        }
    }

    /// Remembers that these were not seen. That they are missing is no news.
    async fn note_unseen(
        &self,
        survey: &mut Changes,
        tally: &mut Tally,
        side: Side,
        left: Vec<Lost>,
    ) -> Result<()> {
        let left: Vec<Lost> = left.into_iter().filter(|lost| lost.mapping.is_live()).collect();
        let known = self.under_known_names(survey, side, &left).await?;
        let mut notes = Batch::default();
        for Lost { mapping, role } in left {
            let name = &survey::half(&mapping, role).id;
            if let Some(found @ (Found::Event(_) | Found::Unreadable { .. })) = known.get(name) {
                self.is_where_it_was_written(survey, side, &mapping, role, found);
                continue;
            }
            let is_first = mapping.unseen != Some(role) || mapping.missed_on.is_none();
            let missed_on = if is_first { Some(self.today()) } else { mapping.missed_on };
            let mut unseen = Mapping { unseen: Some(role), missed_on, ..mapping.clone() };
            if is_first && !self.options.dry_run {
                let mut problem = self.problem(
                    unseen.side,
                    &unseen.origin.id,
                    None,
                    Reason::RefusedByServer,
                    Some(NOT_SHOWN),
                );
                tally.problems.add(unseen.side, &mut problem, RetryAt::OnChange, self.now);
                self.memory.note_problem(&mut notes, &unseen.origin.id, &problem)?;
            }
            survey.unseen.insert(unseen.id);
            survey.census = None;
            if self.puts_off(survey, &unseen, role) {
                survey.units.remove(&unseen.id);
                let other = if role == Role::Copy { &mut unseen.origin } else { &mut unseen.copy };
                other.etag = None;
            }
            if unseen != mapping && !self.options.dry_run {
                self.memory.note(&mut notes, Some(&mapping), &unseen)?;
            }
            if let Some(unit) = survey.units.get_mut(&unseen.id) {
                (unit.mapping.unseen, unit.mapping.missed_on) = (unseen.unseen, unseen.missed_on);
                unit.stored = unseen;
            }
        }
        Ok(self.memory.commit(self.head, notes).await?)
    }

    /// What stands under the names that are known, where it matters: what has become of the other
    /// event is written there.
    async fn under_known_names(
        &self,
        survey: &Changes,
        side: Side,
        left: &[Lost],
    ) -> Result<BTreeMap<EventId, Found>> {
        let matters = |lost: &&Lost| {
            let unit = survey.units.get(&lost.mapping.id);
            unit.is_some_and(|unit| {
                self.options.full || !matches!(unit.seen_as(other_role(lost.role)), ListedAs::None)
            })
        };
        let names = left
            .iter()
            .filter(matters)
            .map(|lost| survey::half(&lost.mapping, lost.role).id.clone())
            .collect();
        self.fetch(side, names).await
    }

    /// It is there, and only listings lack it: it is decided about as if they had it, and awaited
    /// as before.
    fn is_where_it_was_written(
        &self,
        survey: &mut Changes,
        side: Side,
        mapping: &Mapping,
        role: Role,
        found: &Found,
    ) {
        let Some(unit) = survey.units.get_mut(&mapping.id) else { return };
        *unit.news(role) = match found {
            Found::Event(event) => ListedAs::Present(Some(event.clone())),
            _ => ListedAs::Present(None),
        };
        let other = unit.news(other_role(role));
        if matches!(other, ListedAs::None) {
            *other = ListedAs::Present(None);
        }
        if !self.options.dry_run {
            self.head.change_unlisted(|awaited| awaited.add(side, mapping.id));
        }
    }

    /// Whether nothing is decided about a mapping, of which one event is neither listed nor under
    /// the name that is known. What is decided otherwise is decided without that event.
    fn puts_off(&self, survey: &mut Changes, unseen: &Mapping, role: Role) -> bool {
        let Some(unit) = survey.units.get_mut(&unseen.id) else { return false };
        if matches!(unit.news(role), ListedAs::Suspect) {
            *unit.news(role) = ListedAs::None;
        }
        let (is_news, is_gone) = match unit.news(other_role(role)) {
            ListedAs::None => (false, false),
            ListedAs::Present(_) => (true, false),
            ListedAs::Suspect | ListedAs::Emptied(_) => (true, true),
        };
        if role == Role::Copy
            && !is_gone
            && (self.options.full || (is_news && unseen.is_overdue(self.today())))
        {
            unit.mapping.state = MappingState::Creating;
            if !is_news {
                unit.origin = ListedAs::Present(None);
            }
            return false;
        }
        if !is_news {
            survey.units.remove(&unseen.id);
            return false;
        }
        if is_gone && unseen.is_overdue(self.today()) {
            // Then both are gone.
            *unit.news(role) = if role == Role::Copy { ListedAs::None } else { ListedAs::Suspect };
            return false;
        }
        true
    }
}

/// Copies that a pass has noted before it was cut off, or lost the answer of: they may be there.
fn in_the_making(survey: &Changes, side: Side) -> Vec<Lost> {
    let may_be_there = |unit: &&ChangedMapping| {
        unit.mapping.state == MappingState::Creating
            && matches!(unit.copy, ListedAs::None | ListedAs::Suspect)
    };
    let making = survey.units.values().filter(may_be_there).map(|unit| Lost {
        role: survey::role(&unit.mapping, side),
        mapping: unit.mapping.clone(),
    });
    making.filter(|lost| lost.role == Role::Copy).collect()
}

/// One may have been deleted by a person before it was listed.
const SEVERAL: usize = 2;
/// So many are asked for by name before none counts as recognised; each that is not found among
/// many costs a request of its own.
const ASKED: usize = 10;

pub(in crate::sync) const NOT_SHOWN: &str = "the server took it, and does not show it in the \
calendar; `calrelay sync --full` writes it once more";
