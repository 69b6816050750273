//! One mapping that changed, or one event that no mapping knows.

use engine::event::{Event, EventId};
use engine::mapping::{Mapping, MappingState};
use engine::marker::Role;
use engine::plan::Answer;
use records::pair_state::proofs::{FirstSign, Proof};

use super::roles::PerRole;

/// What a listing shows of one event of a mapping.
#[derive(Clone, Debug, Default)]
pub(super) enum ListedAs {
    /// No change.
    #[default]
    None,
    /// It exists, in a version that the mapping does not know. The event itself where the listing
    /// brought it.
    Present(Option<Box<Event>>),
    /// Named as removed, or missing in a complete listing. It is believed to be gone when a read of
    /// its id finds nothing.
    Suspect,
    /// Gone with all other events that the pair had in its calendar, and the owner has answered
    /// what is to be done.
    Emptied(Answer),
}

/// A mapping of which at least one event changed.
#[derive(Debug)]
pub(super) struct ChangedMapping {
    /// As it is stored.
    pub stored: Mapping,
    /// As it is stored, with the current names of its events.
    pub mapping: Mapping,
    pub listed: PerRole<ListedAs>,
    /// One of its events was read by its id, and exists.
    pub was_verified: bool,
    /// Another event is under the name of its copy.
    pub is_replaced: bool,
    /// The former name of its copy. Another event is under that name, and has to be read.
    pub freed_name: Option<EventId>,
    /// What indicates that an event is gone.
    pub signs: PerRole<Option<FirstSign>>,
    /// What proves that an event is gone.
    pub proofs: PerRole<Option<Proof>>,
}

impl ChangedMapping {
    pub fn new(mapping: Mapping) -> Self {
        Self {
            stored: mapping.clone(),
            mapping,
            listed: PerRole::default(),
            was_verified: false,
            is_replaced: false,
            freed_name: None,
            signs: PerRole::default(),
            proofs: PerRole::default(),
        }
    }

    /// Whether one of its events is suspected to be gone, or its copy may have been created under
    /// another name.
    pub fn has_suspect(&self) -> bool {
        matches!(self.listed.origin, ListedAs::Suspect)
            || matches!(self.listed.copy, ListedAs::Suspect)
            || self.mapping.state == MappingState::Creating
    }

    /// Marks one of its events as a suspect.
    pub fn suspect(&mut self, role: Role, sign: FirstSign) {
        self.listed[role] = ListedAs::Suspect;
        self.signs[role] = Some(sign);
    }
}

/// An event that no mapping knows, as it was listed.
#[derive(Debug, Default)]
pub(super) struct UnknownEvent {
    pub etag: Option<String>,
    /// The event itself where the listing brought it.
    pub event: Option<Box<Event>>,
    /// It is listed because it changed, as far as that is known.
    pub is_new: bool,
    /// The mapping id that follows from its name belongs to another event.
    pub is_id_taken: bool,
    /// It is listed because all events of its calendar were listed: that it lies outside the window
    /// is not reported.
    pub is_from_whole_listing: bool,
    /// It was refused before, and a whole listing does not show it.
    pub is_unlisted: bool,
}
