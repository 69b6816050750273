//! Events that passes created and that no listing has shown yet.

use std::collections::BTreeSet;

use engine::marker::MappingId;
use engine::pair::{PerSide, Side};
use serde::{Deserialize, Serialize};

/// Events that were created in each calendar and that the calendar has not listed yet, by the sides
/// of the pair.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Unlisted {
    /// Their mappings, while there are at most [`MAX_NAMED`].
    #[serde(default)]
    pub mappings: PerSide<BTreeSet<MappingId>>,
    /// Where there are more: every event that this pass or a later pass created.
    #[serde(rename = "since", default)]
    pub since_pass: PerSide<Option<u64>>,
    /// The calendar did not list an event that was created in it, as the stored rows say.
    #[serde(default)]
    pub unseen: PerSide<bool>,
    /// The events that the running pass created.
    #[serde(skip)]
    pub added_now: PerSide<BTreeSet<MappingId>>,
}

/// The number of mappings that the row of a pair names.
const MAX_NAMED: usize = 200;

impl Unlisted {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A pass has created the event of a mapping on this side.
    pub fn add(&mut self, side: Side, mapping: MappingId) {
        self.mappings[side].insert(mapping);
        self.added_now[side].insert(mapping);
    }

    /// The value to store. `pass` is the number of the running pass.
    pub(super) fn stored(&self, pass: u64) -> Self {
        let mut stored = Self { added_now: Default::default(), ..self.clone() };
        for (side, mappings) in stored.mappings.iter_mut() {
            if mappings.len() > MAX_NAMED {
                mappings.clear();
                stored.since_pass[side].get_or_insert(pass);
            }
        }
        stored
    }
}
