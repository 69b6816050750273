//! The state of one edit.

use std::collections::BTreeSet;

use engine::event::{Content, OriginalStart};
use engine::write::Edit;

use super::before::Before;
use crate::error::{EditError, Unreadable};
use crate::layout;
use crate::tree::Component;
use crate::write::Stamp;

/// An object that is being edited.
pub(super) struct Editor<'a> {
    pub(super) calendar: &'a mut Component,
    pub(super) edit: &'a Edit<'a>,
    pub(super) stamp: Stamp,
    pub(super) before: Before,
    /// The components that the edit changed, by their place.
    pub(super) touched: BTreeSet<usize>,
    /// The components to be taken out at the end.
    pub(super) removed: BTreeSet<usize>,
    /// Changed occurrences to be put in at the end.
    pub(super) added: Vec<Component>,
    /// What is to happen to the EXDATEs.
    pub(super) exclusions: Exclusions,
}

/// The changes of the EXDATEs of the master.
#[derive(Default)]
pub(super) struct Exclusions {
    /// Values to be added.
    pub(super) added: BTreeSet<OriginalStart>,
    /// Values to be taken out.
    pub(super) dropped: BTreeSet<OriginalStart>,
    /// All EXDATEs are removed, and written again where they are still wanted.
    pub(super) rewrite_all: bool,
}

impl Exclusions {
    /// Whether there are no changes.
    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.dropped.is_empty() && !self.rewrite_all
    }
}

impl Editor<'_> {
    /// The component at a place in the VCALENDAR.
    pub(super) fn component(&mut self, at: usize) -> Result<&mut Component, EditError> {
        layout::component_mut(self.calendar, at)
            .ok_or_else(|| Unreadable("its event is not where it was".into()).into())
    }

    /// What the main component shows after the edit.
    pub(super) fn shown(&self) -> Content {
        let (mut shown, new) = (self.before.event.content.clone(), &self.edit.draft.content);
        for field in &self.edit.parts.fields {
            shown.take_field(*field, new);
        }
        shown
    }
}

/// Why an object that holds changed occurrences only cannot become a series.
pub(super) fn orphaned() -> EditError {
    Unreadable("it holds single occurrences of a series whose rule is elsewhere".into()).into()
}
