//! The echo of our own writes: read once more after a whole listing, so that the next pass has
//! nothing to do there.

use std::collections::BTreeSet;

use engine::change::{Cursor, Listed};
use engine::etag;
use engine::event::EventId;
use engine::mapping::MappingState;
use engine::marker::MappingId;
use engine::pair::Side;
use providers::Since;

use super::lines::by_id;
use super::pass::Pass;
use super::survey::{LOOKUP, half, role};
use crate::Error;
use crate::Result;
use records::pair_state::PairStore;
use records::pair_state::StateRecord;

impl Pass<'_> {
    /// How far each side was read, to be saved as the last thing that a pass does. A side that was
    /// listed as a whole and written to is read once more: if that brings only the echo of our own
    /// writes, the next pass has nothing to do there.
    pub(super) async fn set_cursors(
        &self,
        state: &mut StateRecord,
        cursors: [Option<Cursor>; 2],
        listed: [bool; 2],
        wrote: [bool; 2],
    ) {
        for (side, cursor) in Side::BOTH.into_iter().zip(cursors) {
            let Some(mut cursor) = cursor else { continue };
            if is_echoed(side, listed, wrote) {
                match self.echo(side, &cursor).await {
                    Ok(Some(later)) => cursor = later,
                    Ok(None) => {}
                    Err(error) => {
                        tracing::debug!(%error, "the echo of this pass was not read; the next \
                        pass does it")
                    }
                }
            }
            state.set_cursor(side, cursor, self.now);
        }
    }

    async fn echo(&self, side: Side, cursor: &Cursor) -> Result<Option<Cursor>> {
        let end = &self.ends[side as usize];
        let glance =
            end.provider.collection_states(std::slice::from_ref(&end.calendar.address)).await?;
        let Some(providers::CollectionState::Tagged(tip)) = glance.into_iter().next() else {
            return Ok(None);
        };
        let found = match end
            .provider
            .list_changes(&end.calendar.address, Since::Cursor(cursor), Some(&tip))
            .await
        {
            Ok(found) => found,
            Err(providers::Error::CursorExpired) => return Ok(None),
            Err(error) => return Err(Error::Provider(error)),
        };
        let (is_echo, shown) = is_echo(self.memory, side, found.listed).await?;
        self.head.change_unlisted(|awaited| {
            awaited.mappings[side as usize].retain(|mapping| !shown.contains(mapping))
        });
        // What was made and is not listed is looked for by the next pass.
        let all_shown = self.head.unlisted().mappings[side as usize].is_empty();
        Ok((is_echo && all_shown).then_some(found.cursor))
    }
}

/// Whether a side was listed as a whole, and then written to.
pub(super) fn is_echoed(side: Side, listed: [bool; 2], wrote: [bool; 2]) -> bool {
    listed[side as usize] && wrote[side as usize]
}

/// Whether a listing brings nothing but the echo of our own writes, and the mappings of which it
/// shows an event.
async fn is_echo(
    memory: &PairStore<'_>,
    side: Side,
    listed: Vec<Listed>,
) -> Result<(bool, BTreeSet<MappingId>)> {
    let lines = by_id(listed, true);
    let (mut only, mut shown) = (true, BTreeSet::new());
    let ids: Vec<EventId> = lines.keys().cloned().collect();
    for ids in ids.chunks(LOOKUP) {
        let known = memory.lookup(side, ids).await?.known;
        shown.extend(known.values().map(|mapping| mapping.id));
        only &= ids.iter().all(|id| match (lines.get(id).map(|line| &line.there), known.get(id)) {
            (Some(Some((etag, _))), Some(mapping)) => {
                let role = role(mapping, side);
                // A version that this pass has replaced is no echo of it.
                let is_known = etag::are_same(etag.as_deref(), half(mapping, role).etag.as_deref());
                mapping.state == MappingState::Live && mapping.unseen != Some(role) && is_known
            }
            // Removed, and nothing remembered: deleted by this very pass, or by a person who made
            // it within this pass.
            (Some(None), None) => true,
            _ => false,
        });
    }
    Ok((only, shown))
}
