//! Goes through all mappings after a complete listing: which of their events are missing.

use engine::event::EventId;
use engine::mapping::{Mapping, MappingState};
use engine::marker::Role;
use engine::pair::{PerSide, Side};
use records::pair_state::PairStore;
use records::pair_state::proofs::FirstSign;

use super::change::{ChangedMapping, ListedAs};
use super::changes::Changes;
use super::listing::CalendarListing;
use super::mapping_counts::MappingCounts;
use super::roles::{mapped, role_at};
use crate::Result;

/// Adds the mappings of which an event is missing in a complete listing, those that entered the
/// window, which begins with `start`, and with `full` those that drifted. Counts all mappings.
pub(super) async fn add_missing(
    changes: &mut Changes,
    store: &PairStore<'_>,
    listings: &PerSide<Option<CalendarListing>>,
    start: &str,
    full: bool,
) -> Result<()> {
    let mut after = None;
    let [mut live, mut archived, mut by_another] = [0_u64; 3];
    let mut expected = PerSide::<u64>::default();
    let mut mapping_counts = MappingCounts::default();
    let whole =
        listings.as_ref().map(|listing| listing.as_ref().filter(|listing| listing.is_whole));
    loop {
        let (page, next) = store.page(after.as_deref()).await?;
        for mapping in page {
            live += u64::from(mapping.is_live());
            archived += u64::from(mapping.state == MappingState::Archived);
            by_another += u64::from(mapping.state == MappingState::CopiedByAnother);
            mapping_counts.add(&mapping);
            let mut suspects = Vec::new();
            let mut has_entered = false;
            for side in Side::BOTH {
                let role = role_at(&mapping, side);
                let is_expected = is_expected(&mapping, role);
                let Some(listing) = whole[side] else { continue };
                let is_listed = listing.by_id.contains_key(&mapped(&mapping, role).id);
                if is_expected {
                    expected[side] += 1;
                    if !is_listed {
                        suspects.push(role);
                    }
                }
                // Instants and days compare as text. A mapping that is being created may have been
                // judged by a wrong clock, to which the event lay in the past.
                has_entered |=
                    matches!(mapping.state, MappingState::Archived | MappingState::Creating)
                        && role == Role::Origin
                        && is_listed
                        && mapping.times.start.as_str() >= start;
            }
            if suspects.is_empty() && !has_entered && !(full && mapping.drifted) {
                continue;
            }
            changes.by_absence |= suspects.iter().any(|role| mapping.unseen != Some(*role));
            let changed =
                changes.mappings.entry(mapping.id).or_insert_with(|| ChangedMapping::new(mapping));
            for role in suspects {
                changed.suspect(role, FirstSign::Missing);
            }
            if has_entered && matches!(changed.listed.origin, ListedAs::None) {
                changed.listed.origin = ListedAs::Present(None);
            }
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    changes.counts = Some([live, archived, by_another]);
    changes.mapping_counts = Some(mapping_counts);
    changes.suddenly_empty = whole.iter().any(|(side, listing)| {
        expected[side] > 0 && listing.is_some_and(|listing| listing.by_id.is_empty())
    });
    Ok(())
}

/// Whether an event of a mapping should be in its calendar.
pub(super) fn is_expected(mapping: &Mapping, role: Role) -> bool {
    match mapping.state {
        MappingState::Live => true,
        // The copy of a suppressed mapping is known to be gone; the copy of one that is being
        // created may not exist yet.
        MappingState::Suppressed | MappingState::Creating => role == Role::Origin,
        MappingState::AlreadyThere | MappingState::CopiedByAnother => {
            role == Role::Origin || mapping.is_beside()
        }
        MappingState::Archived => false,
    }
}

/// Adds the mappings of occurrences that are missing among all occurrences of their series. Those
/// that end before `start`, where the window begins, are not listed any more.
pub(super) async fn add_missing_occurrences(
    changes: &mut Changes,
    store: &PairStore<'_>,
    side: Side,
    listing: &CalendarListing,
    start: &str,
    by_occurrence: bool,
) -> Result<()> {
    // An event that no mapping knows may have been a series, of which no occurrence is left.
    let single = changes.unknown[side].keys().filter(|id| id.in_series().is_none());
    let single: Vec<EventId> =
        single.filter(|_| by_occurrence && !listing.is_whole).cloned().collect();
    for series in listing.series.iter().chain(&single) {
        for mapping in store.occurrences(side, series).await? {
            let role = role_at(&mapping, side);
            if listing.by_id.contains_key(&mapped(&mapping, role).id)
                || !is_expected(&mapping, role)
                || mapping.times.end.as_str() <= start
            {
                continue;
            }
            changes.listed[side].insert(mapping.id);
            changes
                .mappings
                .entry(mapping.id)
                .or_insert_with(|| ChangedMapping::new(mapping))
                .suspect(role, FirstSign::Named);
        }
    }
    Ok(())
}
