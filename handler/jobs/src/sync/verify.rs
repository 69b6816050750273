//! Positive evidence: every event that is said to be gone is looked for by itself, unless so many are that its owner is asked first.
//!
//! An event that is merely missing in a listing is first looked for in batches: most of these have aged out of the window, and are found.

use std::collections::{BTreeMap, BTreeSet};

use engine::event::EventId;
use engine::guard::{self, Evidence};
use engine::marker::{MappingId, Role};
use engine::pair::Side;
use engine::reason::Reason;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::civil::Date;
use providers::Found;

use super::pass::{Pass, Tally, side_of};
use super::survey::{self, News, Survey};
use crate::memory::PairRow;
use crate::report::Verb;
use crate::{Error, Result};

/// Reads that verify a deletion, at once.
const AT_ONCE: usize = 8;
/// So many missing events are looked for in batches; where more are missing, the owner is asked without that.
const MOST_SOUGHT: usize = 2_000;

/// One half of a mapping that is said to be gone.
struct Suspect {
    mapping: MappingId,
    role: Role,
    side: Side,
    event: EventId,
}

impl Pass<'_> {
    /// Reads every suspect by itself, unless there are so many that the owner is asked first. Says how many deletions are held, and whether the
    /// owner or a second look has released them.
    pub(super) async fn verify(
        &self,
        survey: &mut Survey,
        tally: &mut Tally,
        state: &PairRow,
        live: u64,
        today: Date,
    ) -> Result<(u64, bool)> {
        let mut suspects = suspects(survey);
        if survey.by_absence && suspects.len() <= MOST_SOUGHT {
            suspects = self.seek(survey, suspects).await?;
        }
        let deletions = deletions(survey, &suspects, self.pair.two_way);
        let evidence = if survey.by_absence { Evidence::Missing } else { Evidence::Named };
        let count = deletions.len() as u64;
        let emptied = survey.suddenly_empty && count > 0;
        let unusual = emptied || guard::is_unusual(evidence, count, live, state.deletions_on(today));
        let waited = |since: jiff::Timestamp| self.now.as_second() - since.as_second() >= guard::SECOND_LOOK_SECONDS;
        let second_look = state.held.as_ref().is_some_and(|row| waited(row.since)) && count <= guard::SECOND_LOOK_CAP && !emptied;
        let released = self.options.confirm_deletions || second_look;
        if unusual && !released {
            for suspect in &suspects {
                if let Some(unit) = survey.units.remove(&suspect.mapping)
                    && deletions.contains(&suspect.mapping)
                {
                    let reason = if suspect.role == Role::Origin { Reason::OriginDeleted } else { Reason::CopyDeleted };
                    tally.run.push(self.action(Verb::Hold, &unit.mapping, suspect.role, Some(reason)));
                }
            }
            return Ok((count, false));
        }
        self.progress.expect(suspects.len() as u64);
        let found: Vec<(Suspect, bool)> = stream::iter(suspects)
            .map(|suspect| async move {
                let end = &self.ends[suspect.side as usize];
                let exists = end.provider.exists(&end.calendar.address, &suspect.event).await;
                self.progress.step(1);
                exists.map(|exists| (suspect, exists))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        for (suspect, _) in found.into_iter().filter(|(_, exists)| *exists) {
            if let Some(unit) = survey.units.get_mut(&suspect.mapping) {
                *unit.news(suspect.role) = News::Present(None);
                unit.sought = true;
            }
        }
        Ok((0, released))
    }

    /// Looks for missing events in batches; gives back those that were not found.
    async fn seek(&self, survey: &mut Survey, suspects: Vec<Suspect>) -> Result<Vec<Suspect>> {
        let mut missing = Vec::new();
        for side in Side::BOTH {
            let mut here: Vec<&Suspect> = suspects.iter().filter(|suspect| suspect.side == side).collect();
            here.sort_by(|a, b| a.event.cmp(&b.event));
            let found = self.fetch(side, here.iter().map(|suspect| suspect.event.clone()).collect()).await?;
            for suspect in here {
                let news = match found.get(&suspect.event) {
                    Some(Found::Event(event)) => {
                        if survey.suddenly_empty && self.planner.is_inside(side, event) {
                            return Err(Error::SuspiciousEmpty);
                        }
                        News::Present(Some(event.clone()))
                    }
                    // It is there, and cannot be read: no news.
                    Some(Found::Unreadable { .. }) => News::None,
                    Some(Found::NotFound) | None => {
                        missing.push(Suspect { event: suspect.event.clone(), ..*suspect });
                        continue;
                    }
                };
                if let Some(unit) = survey.units.get_mut(&suspect.mapping) {
                    *unit.news(suspect.role) = news;
                }
            }
        }
        Ok(missing)
    }
}

fn suspects(survey: &Survey) -> Vec<Suspect> {
    let halves = |unit: &survey::Unit| {
        let suspect = |role: Role, news: &News| {
            matches!(news, News::Suspect).then(|| Suspect {
                mapping: unit.mapping.id,
                role,
                side: side_of(&unit.mapping, role),
                event: survey::half(&unit.mapping, role).id.clone(),
            })
        };
        [suspect(Role::Origin, &unit.origin), suspect(Role::Copy, &unit.copy)]
    };
    survey.units.values().flat_map(halves).flatten().collect()
}

/// The mappings of which one half is said to be gone, so that the other one would be deleted. Where both are, there is nothing to delete; a copy
/// that was in the making when a pass was cut off is not yet one that anybody relies on; and the origins of one-way pairs, and meetings with
/// guests, stay without their copies.
fn deletions(survey: &Survey, suspects: &[Suspect], two_way: bool) -> BTreeSet<MappingId> {
    let mut once = BTreeMap::new();
    let kept = |suspect: &&Suspect| survey.units.get(&suspect.mapping).is_some_and(|unit| unit.mapping.is_live());
    for suspect in suspects.iter().filter(kept) {
        if once.insert(suspect.mapping, suspect.role).is_some() {
            once.remove(&suspect.mapping);
        }
    }
    let guests = |mapping: &MappingId| survey.units.get(mapping).is_some_and(|unit| unit.mapping.guests);
    let deletes = |mapping: &MappingId, role: Role| role == Role::Origin || (two_way && !guests(mapping));
    once.into_iter().filter(|(mapping, role)| deletes(mapping, *role)).map(|(mapping, _)| mapping).collect()
}
