//! Events that passes created and that no listing has shown yet.

use std::collections::BTreeSet;

use engine::marker::MappingId;
use engine::pair::Side;
use serde::{Deserialize, Serialize};

/// Events that were created in each calendar and that the calendar has not listed yet, by the sides
/// of the pair.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Unlisted {
    /// Their mappings, while there are at most [`MAX_NAMED`].
    #[serde(default)]
    pub mappings: [BTreeSet<MappingId>; 2],
    /// Where there are more: every event that this pass or a later pass created.
    #[serde(rename = "since", default)]
    pub since_pass: [Option<u64>; 2],
    /// The calendar did not list an event that was created in it, as the stored rows say.
    #[serde(default)]
    pub unseen: [bool; 2],
    /// The events that the running pass created.
    #[serde(skip)]
    pub added_now: [BTreeSet<MappingId>; 2],
}

/// The number of mappings that the row of a pair names.
const MAX_NAMED: usize = 200;

impl Unlisted {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A pass has created the event of a mapping on this side.
    pub fn add(&mut self, side: Side, mapping: MappingId) {
        self.mappings[side as usize].insert(mapping);
        self.added_now[side as usize].insert(mapping);
    }

    /// The value to store. `pass` is the number of the running pass.
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
