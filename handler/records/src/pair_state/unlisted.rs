//! What passes have made and no listing has shown yet.

use std::collections::BTreeSet;

use engine::marker::MappingId;
use engine::pair::Side;
use serde::{Deserialize, Serialize};

/// What was made in each calendar and not listed there yet, by the sides of the pair.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Unlisted {
    /// The mappings, while they are few.
    #[serde(default)]
    pub mappings: [BTreeSet<MappingId>; 2],
    /// Where they are many, all that this pass and later ones have made.
    #[serde(rename = "since", default)]
    pub since_pass: [Option<u64>; 2],
    /// A calendar did not list what was made there, as rows say.
    #[serde(default)]
    pub unseen: [bool; 2],
    /// Those that the pass under way has made.
    #[serde(skip)]
    pub added_now: [BTreeSet<MappingId>; 2],
}

/// So many mappings are named in the row of a pair.
const MAX_NAMED: usize = 200;

impl Unlisted {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A pass has made the event of a mapping on this side.
    pub fn add(&mut self, side: Side, mapping: MappingId) {
        self.mappings[side as usize].insert(mapping);
        self.added_now[side as usize].insert(mapping);
    }

    /// As it is stored. `pass` is the one under way.
    pub(super) fn stored(&self, pass: u64) -> Self {
        let mut stored = Self { added_now: Default::default(), ..self.clone() };
        for (mappings, since) in stored.mappings.iter_mut().zip(&mut stored.since_pass) {
            if mappings.len() > MAX_NAMED {
                mappings.clear();
                since.get_or_insert(pass);
            }
        }
        stored
    }
}
