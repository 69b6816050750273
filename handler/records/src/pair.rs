//! Pairs, and pairs that were removed.

use engine::calendar::{CalendarId, PairId};
use engine::pair::Pair;
use serde::{Deserialize, Serialize};

use crate::directory::Directory;
use crate::kinds::{PAIR, pair_key};
use crate::{Error, Result};

/// A pair that was removed copied from one calendar to another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EndedPair {
    pub from: CalendarId,
    pub to: CalendarId,
}

impl Directory<'_> {
    /// All pairs, in the order of their ids.
    pub async fn pairs(&self) -> Result<Vec<Pair>> {
        self.list(PAIR).await
    }

    /// A pair.
    ///
    /// # Errors
    /// [`Error::NoPair`].
    pub async fn pair(&self, id: &PairId) -> Result<Pair> {
        let row = self.get(&pair_key(id)).await?;
        row.map(|(pair, _)| pair).ok_or_else(|| Error::NoPair(id.clone()))
    }
}
