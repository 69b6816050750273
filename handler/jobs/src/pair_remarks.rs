//! What an explanation says of the pair, beside what it says of the event: that the pair is paused
//! or a draft,
//! that its last sync has failed, that the deletion of the event is held.

use engine::mapping::Mapping;
use engine::pair::{Pair, Side};
use records::pair_state::{PairStore, StateRecord, read_state};
use records::problem::PairStatus;

use crate::{Result, Scope};

/// What keeps a pair from working, as it is stored.
pub struct PairRemarks<'a> {
    pair: &'a Pair,
    state: StateRecord,
}

impl<'a> PairRemarks<'a> {
    /// Reads the state of a pair.
    pub async fn read(scope: &Scope, pair: &'a Pair) -> Result<Self> {
        Ok(Self { pair, state: read_state(&*scope.store, &pair.id).await? })
    }

    /// The calendars that were emptied and whose owner has not answered yet.
    pub fn emptied(&self) -> &[Side] {
        self.state.held.as_ref().map_or(&[], |row| &row.emptied)
    }

    /// Why the next sync does not come, or may fail.
    pub fn of_pair(&self) -> Vec<String> {
        let id = &self.pair.id;
        let mut remarks = Vec::new();
        if self.pair.paused {
            remarks.push(format!(
                "The pair is paused, and nothing is changed by it before it is resumed: calrelay \
                pair resume {id}."
            ));
        }
        if self.pair.draft {
            remarks.push(format!(
                "The pair is a draft, and nothing is changed by it before it is switched on: \
                calrelay pair start {id}."
            ));
        }
        let has_failed =
            matches!(self.state.status, Some(PairStatus::Error | PairStatus::NeedsReconnect));
        if let Some(error) = self.state.error.as_ref().filter(|_| has_failed) {
            remarks.push(format!("The last sync of the pair failed: {}", error.message));
        }
        remarks
    }

    /// That the deletion of this origin, or of its copy, waits for the owner, if it does.
    pub async fn of_hold(
        &self,
        pair_store: &PairStore<'_>,
        mapping: &Mapping,
    ) -> Result<Option<String>> {
        let Some(row) = &self.state.held else { return Ok(None) };
        let members = pair_store.read_state().await?.0.held_deletions().await;
        if members.held_since(mapping.id).is_none() {
            return Ok(None);
        }
        let id = &self.pair.id;
        let unanswered = row.second_look().map(|at| {
            format!(
                " Without an answer, a sync after {} makes it, if it is still due then.",
                at.strftime("%Y-%m-%d %H:%M:%S UTC")
            )
        });
        Ok(Some(format!(
            "It or its copy is gone, and the deletion of the other one waits for your \
            confirmation: calrelay sync --pair {id} --confirm-deletions.{}",
            unanswered.unwrap_or_default()
        )))
    }
}
