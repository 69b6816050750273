//! The echo of our own writes: read once more after a whole listing, so that the next pass has nothing to do there.

use engine::change::{Cursor, Tip};
use engine::event::EventId;
use engine::mapping::State;
use engine::pair::Side;
use providers::Since;

use super::End;
use super::lines::by_id;
use super::pass::Pass;
use super::survey::{LOOKUP, half, is_news, role};
use crate::memory::{Memory, PairRow};
use crate::{Error, Result};

impl Pass<'_> {
    /// How far each side was read, to be saved as the last thing that a pass does. A side that was listed as a whole and written to is read once
    /// more: if that brings only the echo of our own writes, the next pass has nothing to do there.
    pub(super) async fn set_cursors(&self, state: &mut PairRow, cursors: [Option<Cursor>; 2], listed: [bool; 2], wrote: [bool; 2]) {
        for (side, cursor) in Side::BOTH.into_iter().zip(cursors) {
            let Some(mut cursor) = cursor else { continue };
            if is_echoed(side, listed, wrote) {
                match self.echo(side, &cursor).await {
                    Ok(Some(later)) => cursor = later,
                    Ok(None) => {}
                    Err(error) => tracing::debug!(%error, "the echo of this pass was not read; the next pass does it"),
                }
            }
            state.set_cursor(side, cursor, self.now);
        }
    }

    async fn echo(&self, side: Side, cursor: &Cursor) -> Result<Option<Cursor>> {
        let end = &self.ends[side as usize];
        let glance = end.provider.glance(std::slice::from_ref(&end.calendar.address)).await?;
        let Some(providers::Glance::Tip(tip)) = glance.into_iter().next() else { return Ok(None) };
        echo(end, self.memory, side, cursor, Some(&tip)).await
    }
}

/// Whether a side was listed as a whole, and then written to.
pub(super) fn is_echoed(side: Side, listed: [bool; 2], wrote: [bool; 2]) -> bool {
    listed[side as usize] && wrote[side as usize]
}

/// Whether a survey that begins at this cursor brings nothing but the echo of our own writes. The cursor to save then.
async fn echo(end: &End, memory: &Memory<'_>, side: Side, cursor: &Cursor, tip: Option<&Tip>) -> Result<Option<Cursor>> {
    let found = match end.provider.survey(&end.calendar.address, Since::Cursor(cursor), tip).await {
        Ok(found) => found,
        Err(providers::Error::CursorExpired) => return Ok(None),
        Err(error) => return Err(Error::Provider(error)),
    };
    let lines = by_id(found.listed, true);
    let ids: Vec<EventId> = lines.keys().cloned().collect();
    for ids in ids.chunks(LOOKUP) {
        let known = memory.lookup(side, ids).await?.known;
        for id in ids {
            let ours = match (lines.get(id).map(|line| &line.there), known.get(id)) {
                (Some(Some((etag, _))), Some(mapping)) => {
                    let role = role(mapping, side);
                    mapping.state == State::Live && !is_news(etag.as_deref(), half(mapping, role), mapping, role)
                }
                // Removed, and nothing remembered: deleted by this very pass, or by a person who made it within this pass.
                (Some(None), None) => true,
                _ => false,
            };
            if !ours {
                return Ok(None);
            }
        }
    }
    Ok(Some(found.cursor))
}
