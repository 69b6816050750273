//! What has news at both ends of a pair, joined by mapping. Reads no event.

mod unit;

use std::collections::{BTreeMap, BTreeSet};

use engine::change::{Cursor, StateTag};
use engine::etag;
use engine::event::EventId;
use engine::mapping::{Half, Mapping, MappingState};
use engine::marker::{MappingId, Role};
use engine::pair::{Pair, Side, Window};
use engine::provider::ProviderKind;
use jiff::Timestamp;
use jiff::civil::Date;
use providers::Since;

pub(super) use self::unit::{ChangedMapping, ListedAs, UnknownEvent};
use super::End;
use super::emptied::Census;
use super::lines::{CalendarListing, EndState, ListedLine, Prefetched, read};
use super::pass::{other_role, side_of};
use crate::Result;
use records::pair_state::Batch;
use records::pair_state::LockedState;
use records::pair_state::PairStore;
use records::pair_state::StateRecord;
use records::pair_state::proofs::FirstSign;

/// Mappings looked up with one request.
pub(super) const LOOKUP: usize = 50;

/// All that has news.
#[derive(Default)]
pub(super) struct Changes {
    /// Known mappings.
    pub units: BTreeMap<MappingId, ChangedMapping>,
    /// Events that no mapping knows, by side.
    pub unknown: [BTreeMap<EventId, UnknownEvent>; 2],
    /// Removed events that no mapping knows.
    pub removed: [BTreeSet<EventId>; 2],
    /// Where to go on next time, for the sides that were read.
    pub cursors: [Option<Cursor>; 2],
    /// Sides that were listed as a whole.
    pub listed: [bool; 2],
    /// Sides that were listed for the first time.
    pub first: [bool; 2],
    /// Sides that were listed without a window.
    pub unbounded: [bool; 2],
    /// Mappings of which each side has listed the event, be it as removed.
    pub shown: [BTreeSet<MappingId>; 2],
    /// What was made on each side that was read and had not been listed before; and whether
    /// something of it is not listed still.
    pub awaited: [Option<(BTreeSet<MappingId>, bool)>; 2],
    /// Mappings of which an event was made and is not listed.
    pub unseen: BTreeSet<MappingId>,
    /// Mappings that are tried again, and whose copy may have been made.
    pub in_doubt: Vec<MappingId>,
    /// Something is suspected because it is missing in a listing, not because the provider named
    /// it.
    pub by_absence: bool,
    /// All that is missing was found gone by writes before, and a whole listing does not show it
    /// either.
    pub found_by_writes: bool,
    /// The listing of a calendar of which copies are kept came back without a single event.
    pub suddenly_empty: bool,
    /// Mappings that count as copies, those of them before the window, and those that another
    /// installation has copied, where all were read.
    pub counts: Option<[u64; 3]>,
    /// The mappings, where all were read.
    pub census: Option<Census>,
    /// Mappings of which a whole listing shows what our write has left, as they are stored: it is
    /// not behind any more.
    pub caught_up: BTreeMap<MappingId, Mapping>,
}

impl Changes {
    /// Notes that what our writes have replaced will not be shown any more, unless a person
    /// restores it.
    pub async fn forget_former(
        &mut self,
        memory: &PairStore<'_>,
        head: &LockedState,
    ) -> Result<()> {
        let mut notes = Batch::default();
        for (id, now) in std::mem::take(&mut self.caught_up) {
            if let Some(unit) = self.units.get_mut(&id) {
                for role in [Role::Origin, Role::Copy] {
                    let former = &half(&now, role).former;
                    half_mut(&mut unit.stored, role).former.clone_from(former);
                    if former.is_none() {
                        half_mut(&mut unit.mapping, role).former = None;
                    }
                }
            }
            memory.note(&mut notes, Some(&now), &now)?;
        }
        Ok(memory.commit(head, notes).await?)
    }

    /// Whether nothing is missing but these.
    pub fn is_missing_only(&self, suspects: &[(MappingId, Role)]) -> bool {
        let told = |unit: &ChangedMapping, role: Role, news: &ListedAs| {
            !matches!(news, ListedAs::Suspect)
                || unit.mapping.unseen == Some(role)
                || suspects.contains(&(unit.mapping.id, role))
        };
        self.units.values().all(|unit| {
            told(unit, Role::Origin, &unit.origin) && told(unit, Role::Copy, &unit.copy)
        })
    }

    /// Adds events that nothing has happened to, as far as no mapping knows them.
    pub async fn look_at(
        &mut self,
        memory: &PairStore<'_>,
        strangers: &[(Side, EventId)],
    ) -> Result<()> {
        for (side, id) in strangers {
            if memory.lookup(*side, std::slice::from_ref(id)).await?.known.is_empty() {
                self.unknown[*side as usize].entry(id.clone()).or_default().fresh = true;
            }
        }
        Ok(())
    }

    /// Adds what an earlier round found gone.
    pub async fn suspect(
        &mut self,
        memory: &PairStore<'_>,
        suspects: &[(MappingId, Role)],
    ) -> Result<()> {
        for (id, role) in suspects {
            if !self.units.contains_key(id) {
                let Some(mapping) = memory.mapping(*id).await? else { continue };
                self.units.insert(*id, ChangedMapping::new(mapping));
            }
            let Some(unit) = self.units.get_mut(id) else { continue };
            if !matches!(unit.news(*role), ListedAs::None) {
                continue;
            }
            let side = side_of(&unit.mapping, *role) as usize;
            if self.listed[side] && self.shown[side].contains(id) {
                // It is listed all the same: nothing says that it is gone.
                *unit.news(*role) = ListedAs::Present(None);
                unit.sought = true;
            } else {
                unit.suspect(*role, FirstSign::Earlier);
            }
        }
        Ok(())
    }
}

/// Where both ends stand, as far as it was seen before.
pub(super) struct KnownEnds {
    /// By the last glance.
    pub tips: [Option<StateTag>; 2],
    /// There is nothing to read at this end: its provider tells us of changes, and told of the
    /// other one.
    pub quiet: [bool; 2],
    /// What was read already, where a glance shows nothing.
    pub ahead: [Option<Prefetched>; 2],
}

/// How closely both ends are looked at.
#[derive(Clone, Copy)]
pub(super) struct ListingOptions {
    pub window: Window,
    pub today: Date,
    /// It is the first pass of a day: the window is listed as a whole.
    pub roll: bool,
    /// The same, whatever was read before; and all that drifted is named besides.
    pub full: bool,
}

/// Looks at both ends. The first time, a calendar that is written to is listed without a window:
/// earlier copies may be anywhere in it.
pub(super) async fn survey(
    ends: &[End; 2],
    pair: &Pair,
    memory: &PairStore<'_>,
    state: &StateRecord,
    mut seen: KnownEnds,
    scope: ListingOptions,
) -> Result<Changes> {
    let mut survey = Changes::default();
    let mut lines: [Option<CalendarListing>; 2] = [None, None];
    for side in Side::BOTH {
        let i = side as usize;
        let cursor = state.cursor(side).filter(|_| !state.take_over);
        survey.first[i] = cursor.is_none();
        let eye = EndState {
            tip: seen.tips[i].as_ref(),
            quiet: seen.quiet[i],
            ahead: seen.ahead[i].take(),
        };
        survey.unbounded[i] = cursor.is_none() && pair.copies_from(side.other());
        let whole =
            if survey.unbounded[i] { Since::Everything } else { Since::Window(scope.window) };
        lines[i] = read(&ends[i], cursor, eye, whole, scope.full, scope.roll).await?;
    }
    // What Google shows under a former version is never what a person has restored.
    let ages = Side::BOTH.map(|side| {
        let age = state.up_to_date_at[side as usize];
        age.filter(|_| ends[side as usize].account.kind != ProviderKind::Google)
    });
    for side in Side::BOTH {
        if let Some(lines) = &mut lines[side as usize] {
            join(&mut survey, memory, side, lines, ages[side as usize], scope.today).await?;
        }
    }
    // A token that was forgotten without a word shows as a listing of nearly everything, nothing of
    // it new: deletions may have been missed.
    for side in Side::BOTH {
        let i = side as usize;
        let forgotten = match &lines[i] {
            Some(lines)
                if !lines.whole
                    && lines.by_id.len() >= FORGOTTEN_FLOOR
                    && !ends[i].provider.rejects_expired_cursor() =>
            {
                let total = lines.by_id.len();
                let news = survey.unknown[i].len() + survey.units.len();
                news * 10 <= total && (total as u64) * 10 >= state.copies * 9
            }
            _ => false,
        };
        if forgotten {
            tracing::debug!(side = ?side, "the server listed nearly everything as changed; \
            listing the whole window");
            let mut whole = read(
                &ends[i],
                None,
                EndState::of(seen.tips[i].as_ref()),
                Since::Window(scope.window),
                true,
                true,
            )
            .await?;
            if let Some(lines) = &mut whole {
                join(&mut survey, memory, side, lines, ages[i], scope.today).await?;
            }
            lines[i] = whole;
        }
    }
    if scope.full || scope.roll || lines.iter().flatten().any(|lines| lines.whole) {
        all_mappings(&mut survey, memory, &lines, scope).await?;
    }
    for (i, lines) in lines.into_iter().enumerate() {
        if let Some(lines) = lines {
            survey.listed[i] = lines.whole;
            survey.cursors[i] = Some(lines.cursor);
        }
    }
    Ok(survey)
}

/// Fewer lines are nothing unusual: somebody may well have touched so many events.
const FORGOTTEN_FLOOR: usize = 5;

/// Joins the lines of one side with the mappings that know them. `age` is when the cursor told of
/// everything since which it was read.
async fn join(
    survey: &mut Changes,
    memory: &PairStore<'_>,
    side: Side,
    lines: &mut CalendarListing,
    age: Option<Timestamp>,
    today: Date,
) -> Result<()> {
    let ids: Vec<EventId> = lines.by_id.keys().cloned().collect();
    for ids in ids.chunks(LOOKUP) {
        let mut found = memory.lookup(side, ids).await?;
        for id in ids {
            let Some(line) = lines.by_id.get_mut(id) else { continue };
            let Some(mapping) = found.known.remove(id) else {
                match &mut line.there {
                    Some((etag, event)) => {
                        let (etag, event, taken) =
                            (etag.clone(), event.take(), found.taken.contains(id));
                        survey.unknown[side as usize].insert(
                            id.clone(),
                            UnknownEvent {
                                etag,
                                event,
                                fresh: line.fresh,
                                taken,
                                quiet: survey.unbounded[side as usize],
                                unlisted: false,
                            },
                        );
                    }
                    None => drop(survey.removed[side as usize].insert(id.clone())),
                }
                continue;
            };
            let role = role(&mapping, side);
            let half = half(&mapping, role);
            survey.shown[side as usize].insert(mapping.id);
            let is_restored = match (&line.there, &half.former) {
                (Some((etag, _)), Some(former)) if half.is_former(etag.as_deref(), today) => age
                    .is_some_and(|age| lines.moved || (line.changed && former.is_covered_by(age))),
                _ => false,
            };
            let news = match &mut line.there {
                None => ListedAs::Suspect,
                Some((etag, event))
                    if is_restored || is_news(etag.as_deref(), half, &mapping, role, today) =>
                {
                    ListedAs::Present(event.take())
                }
                Some(_) => {
                    let is_behind_no_more =
                        lines.whole && line.fresh && !line.changed && etag_is(line, half);
                    if is_behind_no_more
                        && half.former.as_ref().is_some_and(|former| former.is_recent(today))
                    {
                        let mapping =
                            survey.caught_up.entry(mapping.id).or_insert_with(|| mapping.clone());
                        half_mut(mapping, role).former = None;
                    }
                    continue;
                }
            };
            let is_owed = mapping.unseen == Some(role)
                && mapping.is_owed()
                && matches!(news, ListedAs::Present(_));
            let unit =
                survey.units.entry(mapping.id).or_insert_with(|| ChangedMapping::new(mapping));
            if is_restored {
                half_mut(&mut unit.mapping, role).former = None;
            }
            match news {
                ListedAs::Suspect => unit.suspect(role, FirstSign::Named),
                news => *unit.news(role) = news,
            }
            // What has become of the other one has waited for this one.
            let other = unit.news(other_role(role));
            if is_owed && matches!(other, ListedAs::None) {
                *other = ListedAs::Present(None);
            }
        }
    }
    Ok(())
}

fn etag_is(line: &ListedLine, half: &Half) -> bool {
    line.there
        .as_ref()
        .is_some_and(|(etag, _)| etag::are_same(etag.as_deref(), half.etag.as_deref()))
}

/// A line is news unless it has the version that we know, or one that our own write has replaced:
/// then the server is behind, and lists it once more when it is not. A server that names it as
/// changed since what was read before that write is not behind: a person has restored that version.
pub(super) fn is_news(
    etag: Option<&str>,
    half: &Half,
    mapping: &Mapping,
    role: Role,
    today: Date,
) -> bool {
    if (role == Role::Copy && mapping.state == MappingState::Suppressed)
        || mapping.unseen == Some(role)
    {
        return true;
    }
    !etag::are_same(etag, half.etag.as_deref()) && !half.is_former(etag, today)
}

pub(super) fn role(mapping: &Mapping, side: Side) -> Role {
    if mapping.side == side { Role::Origin } else { Role::Copy }
}

pub(super) fn half(mapping: &Mapping, role: Role) -> &Half {
    match role {
        Role::Origin => &mapping.origin,
        Role::Copy => &mapping.copy,
    }
}

pub(super) fn half_mut(mapping: &mut Mapping, role: Role) -> &mut Half {
    match role {
        Role::Origin => &mut mapping.origin,
        Role::Copy => &mut mapping.copy,
    }
}

/// Goes through all mappings: which are missing in a complete listing, which drifted, which have
/// come into the window.
async fn all_mappings(
    survey: &mut Changes,
    memory: &PairStore<'_>,
    lines: &[Option<CalendarListing>; 2],
    scope: ListingOptions,
) -> Result<()> {
    let mut after = None;
    let [mut live, mut archived, mut by_another] = [0_u64; 3];
    let mut expected = [0_u64; 2];
    let mut census = Census::default();
    let missing: BTreeSet<usize> =
        (0..2).filter(|i| lines[*i].as_ref().is_some_and(|lines| lines.whole)).collect();
    let start = scope.window.start_instant().to_string();
    loop {
        let (page, next) = memory.page(after.as_deref()).await?;
        for mapping in page {
            live += u64::from(mapping.is_live());
            archived += u64::from(mapping.state == MappingState::Archived);
            by_another += u64::from(mapping.state == MappingState::CopiedByAnother);
            census.add(&mapping);
            let mut suspects = Vec::new();
            let mut inside = false;
            for side in Side::BOTH {
                let i = side as usize;
                let role = role(&mapping, side);
                let watched = match mapping.state {
                    MappingState::Live => true,
                    // The copy of a suppressed one is known to be gone, that of one in the making
                    // may not be there yet.
                    MappingState::Suppressed | MappingState::Creating => role == Role::Origin,
                    MappingState::AlreadyThere | MappingState::CopiedByAnother => {
                        role == Role::Origin || mapping.is_beside()
                    }
                    MappingState::Archived => false,
                };
                let Some(lines) = lines[i].as_ref().filter(|_| missing.contains(&i)) else {
                    continue;
                };
                let is_listed = lines.by_id.contains_key(&half(&mapping, role).id);
                if watched {
                    expected[i] += 1;
                    if !is_listed {
                        suspects.push(role);
                    }
                }
                // Instants and days compare as text. What is in the making may have been looked at
                // while a wrong clock had it in the past.
                inside |= matches!(mapping.state, MappingState::Archived | MappingState::Creating)
                    && role == Role::Origin
                    && is_listed
                    && mapping.times.start >= start;
            }
            if suspects.is_empty() && !inside && !(scope.full && mapping.drifted) {
                continue;
            }
            survey.by_absence |= suspects.iter().any(|role| mapping.unseen != Some(*role));
            let unit =
                survey.units.entry(mapping.id).or_insert_with(|| ChangedMapping::new(mapping));
            for role in suspects {
                unit.suspect(role, FirstSign::Missing);
            }
            if inside && matches!(unit.origin, ListedAs::None) {
                unit.origin = ListedAs::Present(None);
            }
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    survey.counts = Some([live, archived, by_another]);
    survey.census = Some(census);
    survey.suddenly_empty = missing.iter().any(|i| {
        expected[*i] > 0 && lines[*i].as_ref().is_some_and(|lines| lines.by_id.is_empty())
    });
    Ok(())
}
