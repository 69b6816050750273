//! One mapping, or one event that no mapping knows, of which a survey has news.

use engine::event::{Event, EventId};
use engine::mapping::{Mapping, MappingState};
use engine::marker::Role;
use engine::plan::Answer;

use records::pair_state::proofs::FirstSign;
use records::pair_state::proofs::Proof;

/// News of one event.
#[derive(Clone, Debug, Default)]
pub(in crate::sync) enum ListedAs {
    /// None.
    #[default]
    None,
    /// It is there, in a version that we do not know; the event itself where the listing brought
    /// it.
    Present(Option<Box<Event>>),
    /// Named as removed, or missing in a complete listing; believed when a read of its own finds
    /// nothing.
    Suspect,
    /// Gone with everything else that the pair had there, and the owner has said what is to be
    /// done.
    Emptied(Answer),
}

/// A mapping of which at least one side has news.
#[derive(Debug)]
pub(in crate::sync) struct ChangedMapping {
    /// What is remembered, as it is stored.
    pub stored: Mapping,
    /// The same, with the name that an event has by now.
    pub mapping: Mapping,
    /// News of its origin.
    pub origin: ListedAs,
    /// News of its copy.
    pub copy: ListedAs,
    /// It was looked for by itself, and is there.
    pub sought: bool,
    /// Another event is under the name of its copy.
    pub replaced: bool,
    /// The name that its copy had, under which an event is by now that is to be looked at.
    pub freed: Option<EventId>,
    /// What showed that its copy, or its origin, may be gone.
    pub signs: [Option<FirstSign>; 2],
    /// What proves it.
    pub proofs: [Option<Proof>; 2],
}

impl ChangedMapping {
    /// Without news.
    pub fn new(mapping: Mapping) -> Self {
        Self {
            stored: mapping.clone(),
            mapping,
            origin: ListedAs::None,
            copy: ListedAs::None,
            sought: false,
            replaced: false,
            freed: None,
            signs: [None; 2],
            proofs: [None, None],
        }
    }

    /// Whether one of its events is said to be gone, or its copy may have been made under another
    /// name.
    pub fn has_suspect(&self) -> bool {
        matches!(self.origin, ListedAs::Suspect)
            || matches!(self.copy, ListedAs::Suspect)
            || self.mapping.state == MappingState::Creating
    }

    /// The same, to be looked at.
    pub fn seen_as(&self, role: Role) -> &ListedAs {
        match role {
            Role::Origin => &self.origin,
            Role::Copy => &self.copy,
        }
    }

    /// One of its events is said to be gone.
    pub fn suspect(&mut self, role: Role, sign: FirstSign) {
        *self.news(role) = ListedAs::Suspect;
        self.signs[role as usize] = Some(sign);
    }

    pub fn news(&mut self, role: Role) -> &mut ListedAs {
        match role {
            Role::Origin => &mut self.origin,
            Role::Copy => &mut self.copy,
        }
    }
}

/// An event that no mapping knows, as it was listed.
#[derive(Debug, Default)]
pub(in crate::sync) struct UnknownEvent {
    /// Its version.
    pub etag: Option<String>,
    /// What the listing brought of it.
    pub event: Option<Box<Event>>,
    /// It is listed because something has happened to it, as far as can be told.
    pub fresh: bool,
    /// The mapping that its name would give belongs to another event.
    pub taken: bool,
    /// It was listed because all of its calendar was: where it lies outside the window, that is
    /// nothing to speak of.
    pub quiet: bool,
    /// It was refused before, and a whole listing does not show it.
    pub unlisted: bool,
}
