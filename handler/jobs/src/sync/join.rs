//! Lists both ends of a pair and joins what changed with the mappings. Reads no event.

use std::collections::{BTreeMap, BTreeSet};

use engine::etag;
use engine::event::EventId;
use engine::mapping::{MappedEvent, Mapping, MappingState};
use engine::marker::Role;
use engine::pair::{PerSide, Side};
use jiff::Timestamp;
use jiff::civil::Date;
use providers::Since;
use records::pair_state::StateRecord;
use records::pair_state::proofs::FirstSign;

use super::change::{ChangedMapping, ListedAs, UnknownEvent};
use super::changes::Changes;
use super::context::Context;
use super::ends::EndState;
use super::listing::{CalendarListing, ListedLine, ListingOptions, list};
use super::missing::{add_missing, add_missing_occurrences};
use super::roles::{mapped, mapped_mut, other_role, role_at};
use crate::Result;

/// Mappings looked up with one request.
pub(super) const LOOKUP: usize = 50;

/// Where fewer events are listed as changed, a person may have changed them all.
const FORGOTTEN_FLOOR: usize = 5;

impl Context<'_> {
    /// Lists both ends. The first time, a calendar that is written to is listed without a window:
    /// earlier copies may be anywhere in it.
    pub(super) async fn list_changes(
        &self,
        mut ends: PerSide<EndState>,
        state: &StateRecord,
        options: ListingOptions,
    ) -> Result<Changes> {
        let ListingOptions { relist, full, .. } = options;
        let window = self.planner.window;
        let mut changes = Changes::default();
        let mut listings: PerSide<Option<CalendarListing>> = PerSide::default();
        for (side, end) in ends.iter_mut() {
            let cursor = state.cursor(side).filter(|_| !state.take_over);
            changes.is_first[side] = cursor.is_none();
            changes.is_unbounded[side] = cursor.is_none() && self.pair.copies_from(side.other());
            let whole =
                if changes.is_unbounded[side] { Since::Everything } else { Since::Window(window) };
            listings[side] = list(end, cursor, whole, options).await?;
        }
        let start = window.start_instant().to_string();
        for (side, listing) in listings.iter_mut() {
            if let Some(listing) = listing {
                self.join(&mut changes, side, listing, state).await?;
                let by_occurrence =
                    self.ends[side].account.kind.facts().events.series_by_occurrence;
                let store = self.store;
                add_missing_occurrences(&mut changes, store, side, listing, &start, by_occurrence)
                    .await?;
            }
        }
        for (side, end) in ends.iter_mut() {
            if is_cursor_forgotten(&changes, side, end, listings[side].as_ref(), state.copies) {
                tracing::debug!(side = ?side, "the server listed nearly everything as changed; \
                listing the whole window");
                let mut whole = list(end, None, Since::Window(window), options).await?;
                if let Some(listing) = &mut whole {
                    self.join(&mut changes, side, listing, state).await?;
                }
                listings[side] = whole;
            }
        }
        let is_any_whole = listings.values().flatten().any(|listing| listing.is_whole);
        if full || relist || is_any_whole {
            add_missing(&mut changes, self.store, &listings, &start, full).await?;
        }
        for (side, listing) in listings {
            if let Some(listing) = listing {
                changes.is_whole[side] = listing.is_whole;
                changes.cursors[side] = Some(listing.cursor);
            }
        }
        Ok(changes)
    }

    /// Joins the listing of one side with the mappings that know its events.
    async fn join(
        &self,
        changes: &mut Changes,
        side: Side,
        listing: &mut CalendarListing,
        state: &StateRecord,
    ) -> Result<()> {
        // Where a provider does not restore an ETag, a former version that it shows is never one
        // that a person has restored.
        let restores_etag = self.ends[side].account.kind.facts().events.restores_etag;
        let cursor_age = state.up_to_date_at[side].filter(|_| restores_etag);
        let today = self.today();
        let ids: Vec<EventId> = listing.by_id.keys().cloned().collect();
        let mut unknown = Vec::new();
        for ids in ids.chunks(LOOKUP) {
            let mut found = self.store.lookup(side, ids).await?;
            for id in ids {
                match found.known.remove(id) {
                    Some(mapping) => {
                        join_line(changes, side, listing, id, mapping, cursor_age, today);
                    }
                    None => unknown.push((id.clone(), found.taken.contains(id))),
                }
            }
        }
        let whole = self.known_series(side, &unknown, listing).await?;
        for (id, is_id_taken) in unknown {
            let series = id.in_series().map(|(series, _)| EventId::new(series));
            if series.is_none_or(|series| !whole.contains_key(&series)) {
                add_unknown(changes, side, listing, &id, is_id_taken);
            }
        }
        for (id, mapping) in whole {
            listing.by_id.insert(id.clone(), ListedLine::changed());
            join_line(changes, side, listing, &id, mapping, cursor_age, today);
        }
        Ok(())
    }

    /// The mappings that know the series of these events as one event: a provider may list
    /// occurrences of a series that this program has written as a whole. Where it says something
    /// about the series itself, that counts.
    async fn known_series(
        &self,
        side: Side,
        events: &[(EventId, bool)],
        listing: &CalendarListing,
    ) -> Result<BTreeMap<EventId, Mapping>> {
        let series = events.iter().filter_map(|(id, _)| Some(EventId::new(id.in_series()?.0)));
        let series: BTreeSet<EventId> =
            series.filter(|series| !listing.by_id.contains_key(series)).collect();
        let series: Vec<EventId> = series.into_iter().collect();
        let mut known = BTreeMap::new();
        for ids in series.chunks(LOOKUP) {
            known.append(&mut self.store.lookup(side, ids).await?.known);
        }
        Ok(known)
    }
}

/// A server that has forgotten a cursor without an error lists nearly everything as changed, and
/// almost none of it differs from what is stored: deletions may have been missed.
fn is_cursor_forgotten(
    changes: &Changes,
    side: Side,
    end: &EndState,
    listing: Option<&CalendarListing>,
    copies: u64,
) -> bool {
    let Some(listing) = listing else { return false };
    let listed = listing.by_id.len();
    let changed = changes.unknown[side].len() + changes.mappings.len();
    !listing.is_whole
        && listed >= FORGOTTEN_FLOOR
        && !end.end.provider.rejects_expired_cursor()
        && changed * 10 <= listed
        && (listed as u64) * 10 >= copies * 9
}

fn add_unknown(
    changes: &mut Changes,
    side: Side,
    listing: &mut CalendarListing,
    id: &EventId,
    is_id_taken: bool,
) {
    let Some(line) = listing.by_id.get_mut(id) else { return };
    let Some((etag, event)) = &mut line.present else {
        changes.removed[side].insert(id.clone());
        return;
    };
    let unknown = UnknownEvent {
        etag: etag.clone(),
        event: event.take().filter(|_| !listing.unmarked.contains(id)),
        is_new: line.is_new,
        is_id_taken,
        is_from_whole_listing: changes.is_unbounded[side],
        is_unlisted: false,
    };
    changes.unknown[side].insert(id.clone(), unknown);
}

/// Joins a line with the mapping that knows its event. `cursor_age` is when the cursor was current
/// since which the calendar was listed.
fn join_line(
    changes: &mut Changes,
    side: Side,
    listing: &mut CalendarListing,
    id: &EventId,
    mapping: Mapping,
    cursor_age: Option<Timestamp>,
    today: Date,
) {
    let (has_moved, is_whole) = (listing.has_moved, listing.is_whole);
    let Some(line) = listing.by_id.get_mut(id) else { return };
    let role = role_at(&mapping, side);
    let mapped = mapped(&mapping, role);
    changes.listed[side].insert(mapping.id);
    let is_restored = match (&line.present, &mapped.former) {
        (Some((etag, _)), Some(former)) if mapped.is_former(etag.as_deref(), today) => cursor_age
            .is_some_and(|age| has_moved || (line.is_changed && former.is_covered_by(age))),
        _ => false,
    };
    let listed = match &mut line.present {
        None => ListedAs::Suspect,
        Some((etag, event))
            if is_restored || is_changed(etag.as_deref(), mapped, &mapping, role, today) =>
        {
            ListedAs::Present(event.take())
        }
        Some(_) => {
            let has_caught_up =
                is_whole && line.is_new && !line.is_changed && has_etag_of(line, mapped);
            if has_caught_up && mapped.former.as_ref().is_some_and(|former| former.is_recent(today))
            {
                let mapping =
                    changes.caught_up.entry(mapping.id).or_insert_with(|| mapping.clone());
                mapped_mut(mapping, role).former = None;
            }
            return;
        }
    };
    let is_owed =
        mapping.unseen == Some(role) && mapping.is_owed() && matches!(listed, ListedAs::Present(_));
    let changed =
        changes.mappings.entry(mapping.id).or_insert_with(|| ChangedMapping::new(mapping));
    if is_restored {
        mapped_mut(&mut changed.mapping, role).former = None;
    }
    match listed {
        ListedAs::Suspect => changed.suspect(role, FirstSign::Named),
        listed => changed.listed[role] = listed,
    }
    // The changes of the other event have waited for this one.
    let other = &mut changed.listed[other_role(role)];
    if is_owed && matches!(other, ListedAs::None) {
        *other = ListedAs::Present(None);
    }
}

fn has_etag_of(line: &ListedLine, mapped: &MappedEvent) -> bool {
    line.present
        .as_ref()
        .is_some_and(|(etag, _)| etag::are_same(etag.as_deref(), mapped.etag.as_deref()))
}

/// Whether a listed version is a change. It is none if it is the version that the mapping knows, or
/// one that our own write has replaced: then the server is behind, and lists the event again when
/// it is not. A server that names an event as changed since a cursor that is later than our write
/// is not behind: a person has restored that version.
fn is_changed(
    etag: Option<&str>,
    mapped: &MappedEvent,
    mapping: &Mapping,
    role: Role,
    today: Date,
) -> bool {
    if (role == Role::Copy && mapping.state == MappingState::Suppressed)
        || mapping.unseen == Some(role)
    {
        return true;
    }
    !etag::are_same(etag, mapped.etag.as_deref()) && !mapped.is_former(etag, today)
}
