//! Whether a calendar was emptied or made anew: judged by what the pair had there before, not by
//! what was made there since.

use std::collections::{BTreeMap, BTreeSet};

use engine::guard::{self, Evidence};
use engine::mapping::{Mapping, MappingState};
use engine::marker::{MappingId, Role};
use engine::pair::Side;

use super::pass::Pass;
use super::survey::{Changes, ListedAs};
use super::verify::Suspect;
use crate::Result;
use records::pair_state::StateRecord;

/// How many mappings were made by which pass.
#[derive(Debug, Default)]
pub(super) struct Ages(BTreeMap<u64, u64>);

/// The mappings of a pair. Those before the window are left out, and those of which an event was
/// never seen.
#[derive(Debug, Default)]
pub(super) struct Census {
    /// Those that have both events, by the side of the copy.
    both: [Ages; 2],
    /// Those whose copy was deleted or left out, by the side of the origin.
    alone: [Ages; 2],
}

/// What has become of a calendar.
pub(super) enum Emptied {
    /// Events that the pair had there are left, or nothing is missing.
    No,
    /// Two-way, every event that the pair had there is gone, and none of them is a copy: the guard
    /// of deletions asks, and no second look answers it.
    OfOrigins,
    /// Nothing that the pair had there is left, although no more is missing than reads or writes
    /// have found: as good as missing in a listing.
    NothingLeft,
    /// Its owner is to be asked; of how many events that the pair had there.
    Of(u64),
}

impl Census {
    /// Counts a mapping.
    pub fn add(&mut self, mapping: &Mapping) {
        let ages = match mapping.state {
            _ if mapping.unseen.is_some() => return,
            MappingState::Live => &mut self.both[mapping.side.other() as usize],
            MappingState::Suppressed => &mut self.alone[mapping.side as usize],
            _ => return,
        };
        *ages.0.entry(made(mapping)).or_default() += 1;
    }
}

impl Ages {
    fn all(&self) -> u64 {
        self.0.values().sum()
    }

    /// Those made up to that pass.
    fn until(&self, pass: u64) -> u64 {
        self.0.range(..=pass).map(|(_, count)| count).sum()
    }
}

/// Rows of the first release are older than any other.
fn made(mapping: &Mapping) -> u64 {
    mapping.made.unwrap_or(0)
}

impl Pass<'_> {
    /// Whether a calendar looks emptied or made anew. Where its owner was asked before, the
    /// question stays, also where events are made there meanwhile.
    pub(super) async fn emptied(
        &self,
        survey: &Changes,
        suspects: &[Suspect],
        side: Side,
        evidence: Evidence,
        state: &StateRecord,
    ) -> Result<Emptied> {
        let here: Vec<(&Suspect, &Mapping)> = suspects
            .iter()
            .filter(|suspect| suspect.side == side)
            .filter_map(|suspect| Some((suspect, &survey.units.get(&suspect.mapping)?.mapping)))
            .filter(|(_, mapping)| mapping.state == MappingState::Live)
            .collect();
        let two_way = self.pair.two_way;
        let asked = state.held.as_ref().is_some_and(|row| row.emptied.contains(&side));
        let has_copy = here.iter().any(|(suspect, _)| {
            suspect.role == Role::Copy && self.goes_with(survey, suspect, side)
        });
        let gone = here.len() as u64;
        let counted;
        let Census { both: ages, alone } = match &survey.census {
            Some(census) => census,
            None if evidence == Evidence::Named && gone < guard::EMPTIED && !asked => {
                return Ok(Emptied::No);
            }
            None => {
                counted = self.census(&survey.unseen).await?;
                &counted
            }
        };
        // Two-way each of these mappings has an event there, one-way its copy or its origin.
        let of = |count: &dyn Fn(&Ages) -> u64| match (two_way, side == Side::To) {
            (true, _) => ages.iter().map(count).sum(),
            (false, true) => count(&ages[side as usize]),
            (false, false) => count(&ages[side.other() as usize]),
        };
        let had: u64 = of(&Ages::all);
        // What was there when all of the calendar was last listed, and all else that is as old as
        // what is gone: what came later is no sign of life.
        let seen = state.last_complete_pass[side as usize].map_or(0, |pass| pass.saturating_sub(1));
        let last = here.iter().map(|(_, mapping)| made(mapping)).max().unwrap_or(0);
        let before: u64 = of(&|ages| ages.until(seen.max(last)));
        // Origins that are there without a copy are as good a sign of life.
        let is_alone = |suspect: &&Suspect| {
            let unit = survey.units.get(&suspect.mapping);
            suspect.side == side
                && suspect.role == Role::Origin
                && unit.is_some_and(|unit| unit.mapping.state == MappingState::Suppressed)
        };
        if !asked
            && alone[side as usize].until(seen.max(last))
                > suspects.iter().filter(is_alone).count() as u64
        {
            return Ok(Emptied::No);
        }
        let evidence =
            if survey.found_by_writes && gone >= before { Evidence::Missing } else { evidence };
        // A person who deletes something that came later hides nothing either: what was there
        // before is judged by itself too.
        let earlier = here.iter().filter(|(_, mapping)| made(mapping) <= seen).count() as u64;
        let is_emptied = guard::is_emptied(evidence, gone, before, had, two_way)
            || guard::is_emptied(evidence, earlier, of(&|ages| ages.until(seen)), had, two_way);
        Ok(match (asked && gone > 0, is_emptied, has_copy) {
            (true, ..) | (_, true, true) => Emptied::Of(had.max(gone)),
            (_, true, false) if two_way && gone > 1 => Emptied::OfOrigins,
            (_, true, false) if survey.found_by_writes => Emptied::NothingLeft,
            (_, _, false) | (_, false, _) => Emptied::No,
        })
    }

    /// Whether a suspect is gone with its calendar, and the other half of it is not: a copy, or in
    /// a two-way pair an event that was made there.
    pub(super) fn goes_with(&self, survey: &Changes, suspect: &Suspect, side: Side) -> bool {
        let Some(unit) = survey.units.get(&suspect.mapping) else { return false };
        let other = match suspect.role {
            Role::Origin => &unit.copy,
            Role::Copy => &unit.origin,
        };
        suspect.side == side
            && unit.mapping.state == MappingState::Live
            && (suspect.role == Role::Copy || self.pair.two_way)
            && !matches!(other, ListedAs::Suspect | ListedAs::Emptied(_))
    }

    async fn census(&self, unseen: &BTreeSet<MappingId>) -> Result<Census> {
        let (mut after, mut census) = (None, Census::default());
        loop {
            let (page, next) = self.memory.page(after.as_deref()).await?;
            for mapping in page.iter().filter(|mapping| !unseen.contains(&mapping.id)) {
                census.add(mapping);
            }
            after = next;
            if after.is_none() {
                return Ok(census);
            }
        }
    }
}
