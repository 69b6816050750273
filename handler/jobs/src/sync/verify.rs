//! Positive evidence: every event that is said to be gone is looked for by itself, unless so many are that its owner is asked first.

use engine::guard::{self, Evidence};
use engine::marker::Role;
use engine::reason::Reason;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::civil::Date;

use super::pass::{Pass, Tally, side_of};
use super::survey::{self, News, Survey};
use crate::memory::PairRow;
use crate::report::Verb;
use crate::{Error, Result};

/// Reads that verify a deletion, at once.
const AT_ONCE: usize = 8;
/// Of a suddenly empty listing so many events are looked for before anything is believed.
const EMPTY_SAMPLE: usize = 3;

impl Pass<'_> {
    /// Reads every suspect by itself, unless there are so many that the owner is asked first. Says how many are held, and whether the owner or
    /// a second look has released the deletions.
    pub(super) async fn verify(
        &self,
        survey: &mut Survey,
        tally: &mut Tally,
        state: &PairRow,
        evidence: Evidence,
        live: u64,
        today: Date,
    ) -> Result<(u64, bool)> {
        let mut suspects = Vec::new();
        for unit in survey.units.values() {
            for (role, news) in [(Role::Origin, &unit.origin), (Role::Copy, &unit.copy)] {
                if matches!(news, News::Suspect) {
                    let side = side_of(&unit.mapping, role);
                    suspects.push((unit.mapping.id, role, side, survey::half(&unit.mapping, role).id.clone()));
                }
            }
        }
        let count = suspects.len() as u64;
        let unusual = survey.suddenly_empty || guard::is_unusual(evidence, count, live, state.deletions_on(today));
        let second_look = state.held.as_ref().is_some_and(|row| self.now.as_second() - row.since.as_second() >= guard::SECOND_LOOK_SECONDS)
            && count <= guard::SECOND_LOOK_CAP;
        let released = self.options.confirm_deletions || (second_look && !survey.suddenly_empty);
        if unusual && !released {
            if survey.suddenly_empty {
                for (_, _, side, id) in suspects.iter().take(EMPTY_SAMPLE) {
                    let end = &self.ends[*side as usize];
                    if end.provider.exists(&end.calendar.address, id).await? {
                        return Err(Error::SuspiciousEmpty);
                    }
                }
            }
            for (id, role, ..) in &suspects {
                if let Some(unit) = survey.units.remove(id) {
                    let reason = if *role == Role::Origin { Reason::OriginDeleted } else { Reason::CopyDeleted };
                    tally.run.push(self.action(Verb::Hold, &unit.mapping, *role, Some(reason)));
                }
            }
            return Ok((count, false));
        }
        self.progress.expect(count);
        let verified: Vec<_> = stream::iter(suspects)
            .map(|(mapping, role, side, id)| async move {
                let end = &self.ends[side as usize];
                let exists = end.provider.exists(&end.calendar.address, &id).await;
                self.progress.step(1);
                exists.map(|exists| (mapping, role, exists))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        for (id, role, exists) in verified {
            if let Some(unit) = survey.units.get_mut(&id)
                && exists
            {
                *unit.news(role) = News::Present(None);
            }
        }
        Ok((0, released))
    }
}
