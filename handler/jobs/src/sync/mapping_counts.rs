//! How many mappings were created by which pass.

use std::collections::BTreeMap;

use engine::mapping::{Mapping, MappingState};
use engine::pair::PerSide;

/// How many mappings were created by which pass.
#[derive(Debug, Default)]
pub(super) struct CountByPass(BTreeMap<u64, u64>);

/// The mappings of a pair, without those before the window, and without those of which an event was
/// never seen.
#[derive(Debug, Default)]
pub(super) struct MappingCounts {
    /// Mappings with both events, by the side of the copy.
    pub both: PerSide<CountByPass>,
    /// Those whose copy was deleted or left out, by the side of the origin.
    pub alone: PerSide<CountByPass>,
}

impl MappingCounts {
    pub fn add(&mut self, mapping: &Mapping) {
        let ages = match mapping.state {
            _ if mapping.unseen.is_some() => return,
            MappingState::Live => &mut self.both[mapping.side.other()],
            MappingState::Suppressed => &mut self.alone[mapping.side],
            _ => return,
        };
        *ages.0.entry(pass_of(mapping)).or_default() += 1;
    }
}

impl CountByPass {
    pub fn all(&self) -> u64 {
        self.0.values().sum()
    }

    /// Those created up to that pass.
    pub fn until(&self, pass: u64) -> u64 {
        self.0.range(..=pass).map(|(_, count)| count).sum()
    }
}

/// The pass that created a mapping. Rows of the first release are older than any other.
pub(super) fn pass_of(mapping: &Mapping) -> u64 {
    mapping.made.unwrap_or(0)
}
