//! Which occurrences of a series a write compares with what they should show.

use std::collections::BTreeSet;

use engine::event::{Draft, Exception, OriginalStart, Parts};

use super::super::wire::WireEvent;

/// Which occurrences are compared.
pub(super) enum Wanted {
    /// All that depart.
    All,
    /// Those with these original starts, after a write of the time of the series that may have been
    /// made before: that its occurrences are those of its rule is not known yet.
    Reshaped(BTreeSet<OriginalStart>),
    /// All that depart, among the occurrences of the window, which were just read.
    Among(Vec<WireEvent>),
    /// Those with these original starts, which need not depart any more.
    Only(BTreeSet<OriginalStart>),
}

impl Wanted {
    /// After a write of fields of a series but its time: an occurrence that was changed by itself
    /// takes over what its series shows now in all fields that were not.
    pub(super) fn after(parts: &Parts, draft: &Draft) -> Self {
        let mut starts = parts.exceptions.clone();
        if let Some(series) = draft.series.as_ref().filter(|_| !parts.fields.is_empty()) {
            let is_changed = |(start, exception): (&OriginalStart, &Exception)| {
                matches!(exception, Exception::Changed(_)).then_some(*start)
            };
            starts.extend(series.exceptions.iter().filter_map(is_changed));
        }
        Self::Only(starts)
    }
}
