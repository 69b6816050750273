//! Whether occurrences of a series are there.

use std::collections::{BTreeMap, BTreeSet};

use engine::change::Absence;
use engine::event::EventId;

use super::{ByOccurrence, RULE_NOT_FOLLOWED};
use crate::{Error, Found, Result};

/// Which occurrences of a series are there.
enum SeriesPresence {
    Gone(Absence),
    Shows(BTreeSet<EventId>),
}

impl ByOccurrence {
    /// Each series is read once.
    pub(super) async fn read_absences(
        &self,
        calendar: &str,
        ids: &[EventId],
    ) -> Result<Vec<Option<Absence>>> {
        let (mut of_series, mut absences) = (BTreeMap::new(), Vec::with_capacity(ids.len()));
        for id in ids {
            let series = self.series_of(id).map(|(series, _)| series);
            if let Some(series) = &series
                && !of_series.contains_key(series)
            {
                of_series.insert(series.clone(), self.series_presence(calendar, series).await?);
            }
            absences.push(match series.and_then(|series| of_series.get(&series)) {
                Some(SeriesPresence::Gone(absence)) => Some(*absence),
                Some(SeriesPresence::Shows(shown)) => {
                    (!shown.contains(id)).then_some(Absence::NotFound)
                }
                None if self.series.contains(id) => Some(Absence::NotFound),
                None => self.inner.absence(calendar, id).await?,
            });
        }
        Ok(absences)
    }

    /// What shows which occurrences of a series are there.
    async fn series_presence(&self, calendar: &str, series: &EventId) -> Result<SeriesPresence> {
        if let Some(absence) = self.inner.absence(calendar, series).await? {
            return Ok(SeriesPresence::Gone(absence));
        }
        match self.read(calendar, series).await? {
            Found::Event(event) => match self.occurrences(&event) {
                Some(shown) => {
                    Ok(SeriesPresence::Shows(shown.into_iter().map(|event| event.id).collect()))
                }
                None => Err(Error::Refused(RULE_NOT_FOLLOWED.to_owned())),
            },
            // The server contradicts itself.
            Found::NotFound | Found::NoEvent => Err(Error::ChangedMeanwhile),
            Found::Refused(why) | Found::Unreadable { why, .. } => Err(Error::Refused(why)),
        }
    }
}
