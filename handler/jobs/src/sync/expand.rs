//! Series whose rules the calendar of their copies cannot hold: each occurrence gets a copy of its
//! own ([`providers::ByOccurrence`]).
//!
//! The refusal of the first write is what shows it. The series is noted, and another round lists it
//! by its occurrences: those inside the window get their copies, and a copy that the series had as a
//! whole is deleted afterwards, because the series itself is not shown any more.

use std::sync::Arc;

use engine::event::EventId;
use engine::mapping::Mapping;
use engine::marker::Role;
use engine::pair::{PerSide, Window};
use providers::ByOccurrence;
use records::pair_state::{Batch, PairStore, StateRecord};

use super::context::Context;
use super::ends::{End, EndState};
use super::identity::EventIdentities;
use crate::Result;

impl Context<'_> {
    /// Whether a refused write of a copy leads to copies of the occurrences.
    pub(super) fn may_expand(&self, role: Role, origin: &EventId) -> bool {
        role == Role::Copy
            && origin.in_series().is_none()
            && !self.is_last_round
            && !self.options.dry_run
    }

    /// Whether this round may still find that series are to be shown by their occurrences: what
    /// earlier pairs have left may be copies of these occurrences, which the next round recognises.
    pub(super) fn may_find_series(&self, identities: &EventIdentities) -> bool {
        let is_first = identities.is_first.values().any(|is_first| *is_first);
        let by_occurrence = |end: &End| end.account.kind.facts().events.series_by_occurrence;
        self.retry.is_none()
            && !self.options.dry_run
            && self.pair.two_way
            && is_first
            && self.ends.values().any(by_occurrence)
    }

    /// Notes that an origin is shown by its occurrences from now on.
    pub(super) async fn expand(&self, mapping: &Mapping) -> Result<()> {
        tracing::info!(pair = %self.pair.id, "the calendar of the copies cannot hold how a series \
        repeats; each of its occurrences gets a copy");
        let mut batch = Batch::default();
        self.store.note_expanded(&mut batch, mapping.side, &mapping.origin.id)?;
        self.locked.set_has_expanded().await;
        Ok(self.store.commit(self.locked, batch).await?)
    }
}

/// Shows the noted series of both ends by their occurrences.
pub(super) async fn show_by_occurrence(
    states: &mut PerSide<EndState>,
    state: &StateRecord,
    store: &PairStore<'_>,
    window: Window,
) -> Result<()> {
    if !state.has_expanded {
        return Ok(());
    }
    for (side, series) in store.expanded().await? {
        if series.is_empty() {
            continue;
        }
        let end = &mut states[side].end;
        let zone = end.calendar.zone.as_deref();
        let shown = ByOccurrence::new(end.provider.clone(), series, window, zone);
        end.provider = Arc::new(shown);
        // What was listed before shows the series as wholes.
        states[side].prefetched = None;
    }
    Ok(())
}
