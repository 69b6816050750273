//! The echo of our own writes: listed after a whole listing, so that the next pass has nothing to
//! do there.

use std::collections::BTreeSet;

use engine::change::{Cursor, Listed};
use engine::etag;
use engine::event::EventId;
use engine::mapping::MappingState;
use engine::marker::MappingId;
use engine::pair::{PerSide, Side};
use providers::Since;
use records::pair_state::{PairStore, StateRecord};

use super::context::Context;
use super::join::LOOKUP;
use super::listing::by_id;
use super::roles::{mapped, role_at};
use crate::{Error, Result};

impl Context<'_> {
    /// Sets the cursors, which are saved as the last thing that a pass does. A side that was listed
    /// as a whole and then written to (`echoed`) is listed once more: if that brings only the echo
    /// of our own writes, the later cursor is saved.
    pub(super) async fn set_cursors(
        &self,
        state: &mut StateRecord,
        cursors: PerSide<Option<Cursor>>,
        echoed: PerSide<bool>,
    ) {
        for (side, cursor) in cursors {
            let Some(mut cursor) = cursor else { continue };
            if echoed[side] {
                match self.cursor_after_echo(side, &cursor).await {
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

    async fn cursor_after_echo(&self, side: Side, cursor: &Cursor) -> Result<Option<Cursor>> {
        let end = &self.ends[side];
        let address = &end.calendar.address;
        let states = end.provider.collection_states(std::slice::from_ref(address)).await?;
        let Some(providers::CollectionState::Tagged(tag)) = states.into_iter().next() else {
            return Ok(None);
        };
        let found = end.provider.list_changes(address, Since::Cursor(cursor), Some(&tag)).await;
        let found = match found {
            Ok(found) => found,
            Err(providers::Error::CursorExpired) => return Ok(None),
            Err(error) => return Err(Error::Provider(error)),
        };
        let (is_echo, listed) = is_echo(self.store, side, found.listed).await?;
        self.locked.change_unlisted(|awaited| {
            awaited.mappings[side].retain(|mapping| !listed.contains(mapping))
        });
        // The next pass looks for what was created and is not listed.
        let is_all_listed = self.locked.unlisted().mappings[side].is_empty();
        Ok((is_echo && is_all_listed).then_some(found.cursor))
    }
}

/// The sides that were listed as a whole, and then written to.
pub(super) fn echoed(is_whole: PerSide<bool>, wrote: PerSide<bool>) -> PerSide<bool> {
    PerSide::from_fn(|side| is_whole[side] && wrote[side])
}

/// Whether a listing brings nothing but the echo of our own writes, and the mappings of which it
/// has an event.
async fn is_echo(
    store: &PairStore<'_>,
    side: Side,
    listed: Vec<Listed>,
) -> Result<(bool, BTreeSet<MappingId>)> {
    let lines = by_id(listed, true);
    let (mut is_echo, mut mappings) = (true, BTreeSet::new());
    let ids: Vec<EventId> = lines.keys().cloned().collect();
    for ids in ids.chunks(LOOKUP) {
        let known = store.lookup(side, ids).await?.known;
        mappings.extend(known.values().map(|mapping| mapping.id));
        is_echo &= ids.iter().all(|id| {
            match (lines.get(id).map(|line| &line.present), known.get(id)) {
                (Some(Some((etag, _))), Some(mapping)) => {
                    let role = role_at(mapping, side);
                    // A version that this pass has replaced is no echo of it.
                    let is_known =
                        etag::are_same(etag.as_deref(), mapped(mapping, role).etag.as_deref());
                    mapping.state == MappingState::Live && mapping.unseen != Some(role) && is_known
                }
                // Removed and not stored: deleted by this very pass, or by a person who created it
                // during this pass.
                (Some(None), None) => true,
                _ => false,
            }
        });
    }
    Ok((is_echo, mappings))
}
