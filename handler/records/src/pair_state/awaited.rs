//! What passes have made and no listing has shown yet.

use std::collections::BTreeSet;

use engine::marker::MappingId;
use engine::pair::{PerSide, Side};
use serde::{Deserialize, Serialize};

/// What was made in each calendar and not listed there yet, by the sides of the pair.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Awaited {
    /// The mappings, while they are few.
    #[serde(default)]
    pub mappings: PerSide<BTreeSet<MappingId>>,
    /// Where they are many, all that this pass and later ones have made.
    #[serde(default)]
    pub since: PerSide<Option<u64>>,
    /// A calendar did not list what was made there, as rows say.
    #[serde(default)]
    pub unseen: PerSide<bool>,
    /// Those that the pass under way has made.
    #[serde(skip)]
    pub fresh: PerSide<BTreeSet<MappingId>>,
}

/// So many mappings are named in the row of a pair.
const NAMED: usize = 200;

impl Awaited {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A pass has made the event of a mapping on this side.
    pub fn add(&mut self, side: Side, mapping: MappingId) {
        self.mappings[side].insert(mapping);
        self.fresh[side].insert(mapping);
    }

    /// As it is stored. `pass` is the one under way.
    pub(super) fn stored(&self, pass: u64) -> Self {
        let mut stored = Self { fresh: Default::default(), ..self.clone() };
        for (side, mappings) in stored.mappings.iter_mut() {
            if mappings.len() > NAMED {
                mappings.clear();
                stored.since[side].get_or_insert(pass);
            }
        }
        stored
    }
}
