//! Whether a calendar was emptied or created anew: judged by the events that the pair had there
//! before, not by those that were created there since.

use std::collections::BTreeSet;

use engine::guard::{self, Evidence};
use engine::mapping::{Mapping, MappingState};
use engine::marker::{MappingId, Role};
use engine::pair::Side;
use records::pair_state::StateRecord;

use super::change::ListedAs;
use super::changes::Changes;
use super::context::Context;
use super::mapping_counts::{CountByPass, MappingCounts, pass_of};
use super::roles::other_role;
use super::series_groups::SeriesGroups;
use super::suspect::Suspect;
use crate::Result;

/// Whether a calendar was emptied.
pub(super) enum Emptied {
    /// Events that the pair had there still exist, or none is missing.
    No,
    /// In a two-way pair, all events that the pair had there are gone, and none of them is a copy:
    /// the deletion guard asks the owner, and a second look does not release the deletions.
    OfOrigins,
    /// All events that the pair had there are gone, although only reads and writes have found that:
    /// the evidence counts as that of a listing.
    NothingLeft,
    /// The owner is asked. How many events the pair had there.
    Of(u64),
}

impl Context<'_> {
    /// Whether a calendar looks emptied or created anew. Where the owner was asked before, the
    /// question stays, also where events are created there meanwhile.
    pub(super) async fn emptied(
        &self,
        changes: &Changes,
        suspects: &[Suspect],
        side: Side,
        evidence: Evidence,
        state: &StateRecord,
    ) -> Result<Emptied> {
        let here: Vec<(&Suspect, &Mapping)> = suspects
            .iter()
            .filter(|suspect| suspect.side == side)
            .filter_map(|suspect| Some((suspect, &changes.mappings.get(&suspect.mapping)?.mapping)))
            .filter(|(_, mapping)| mapping.state == MappingState::Live)
            .collect();
        let two_way = self.pair.two_way;
        let asked = state.held.as_ref().is_some_and(|row| row.emptied.contains(&side));
        let has_copy = here.iter().any(|(suspect, _)| {
            suspect.role == Role::Copy && self.is_gone_with_calendar(changes, suspect, side)
        });
        // The occurrences of a series count as one, on both sides of the comparison.
        let series = SeriesGroups::of(here.iter().map(|(_, mapping)| *mapping));
        let gone = series.count(here.iter().map(|(_, mapping)| &mapping.id));
        let folded = here.len() as u64 - gone;
        let counted;
        let MappingCounts { both: ages, alone } = match &changes.mapping_counts {
            Some(mapping_counts) => mapping_counts,
            None if evidence == Evidence::Named && gone < guard::EMPTIED && !asked => {
                return Ok(Emptied::No);
            }
            None => {
                counted = self.mapping_counts(&changes.unseen).await?;
                &counted
            }
        };
        // In a two-way pair each of these mappings has an event there; in a one-way pair it has its
        // copy or its origin there.
        let of = |count: &dyn Fn(&CountByPass) -> u64| match (two_way, side == Side::To) {
            (true, _) => ages.values().map(count).sum(),
            (false, true) => count(&ages[side]),
            (false, false) => count(&ages[side.other()]),
        };
        let had = of(&CountByPass::all).saturating_sub(folded);
        // The events that were there when the calendar was last listed as a whole, and all others
        // that are as old as those that are gone: later events do not show that the calendar lives.
        let last_whole = state.last_complete_pass[side].map_or(0, |pass| pass.saturating_sub(1));
        let last = here.iter().map(|(_, mapping)| pass_of(mapping)).max().unwrap_or(0);
        let before = of(&|ages| ages.until(last_whole.max(last))).saturating_sub(folded);
        // Origins without a copy show that the calendar lives, too.
        let is_alone = |suspect: &&Suspect| {
            let changed = changes.mappings.get(&suspect.mapping);
            suspect.side == side
                && suspect.role == Role::Origin
                && changed.is_some_and(|changed| changed.mapping.state == MappingState::Suppressed)
        };
        if !asked
            && alone[side].until(last_whole.max(last))
                > suspects.iter().filter(is_alone).count() as u64
        {
            return Ok(Emptied::No);
        }
        let evidence =
            if changes.found_by_writes && gone >= before { Evidence::Missing } else { evidence };
        // A person may have deleted later events too: the earlier ones are judged alone as well.
        let is_earlier = |mapping: &Mapping| pass_of(mapping) <= last_whole;
        let earlier: Vec<MappingId> = here
            .iter()
            .filter(|(_, mapping)| is_earlier(mapping))
            .map(|(_, mapping)| mapping.id)
            .collect();
        let earlier_gone = series.count(&earlier);
        let earlier_folded = earlier.len() as u64 - earlier_gone;
        let is_emptied = guard::is_emptied(evidence, gone, before, had, two_way)
            || guard::is_emptied(
                evidence,
                earlier_gone,
                of(&|ages| ages.until(last_whole)).saturating_sub(earlier_folded),
                had,
                two_way,
            );
        Ok(match (asked && gone > 0, is_emptied, has_copy) {
            (true, ..) | (_, true, true) => Emptied::Of(had.max(gone)),
            (_, true, false) if two_way && gone > 1 => Emptied::OfOrigins,
            (_, true, false) if changes.found_by_writes => Emptied::NothingLeft,
            (_, _, false) | (_, false, _) => Emptied::No,
        })
    }

    /// Whether a suspect is gone with its calendar, and the other event of its mapping is not: a
    /// copy, or in a two-way pair an event that was created there.
    pub(super) fn is_gone_with_calendar(
        &self,
        changes: &Changes,
        suspect: &Suspect,
        side: Side,
    ) -> bool {
        let Some(changed) = changes.mappings.get(&suspect.mapping) else { return false };
        suspect.side == side
            && changed.mapping.state == MappingState::Live
            && (suspect.role == Role::Copy || self.pair.two_way)
            && !matches!(
                changed.listed[other_role(suspect.role)],
                ListedAs::Suspect | ListedAs::Emptied(_)
            )
    }

    async fn mapping_counts(&self, unseen: &BTreeSet<MappingId>) -> Result<MappingCounts> {
        let (mut after, mut mapping_counts) = (None, MappingCounts::default());
        loop {
            let (page, next) = self.store.page(after.as_deref()).await?;
            for mapping in page.iter().filter(|mapping| !unseen.contains(&mapping.id)) {
                mapping_counts.add(mapping);
            }
            after = next;
            if after.is_none() {
                return Ok(mapping_counts);
            }
        }
    }
}
