//! Copies on a server that keeps nothing by which they are known: neither name, UID nor mark.
//!
//! # Properties
//! * Until a calendar has shown a copy as it was made, no unknown event there is taken for a person's own before the copies were looked for.
//! * Where none is to be found as it was made, a copy is the unknown event that has its time and its title, or else alone has its time. The
//!   mapping goes by that name from then on.
//! * Where none is found either way among as many unknown events, the pair stops before anything is written or deleted.
//!
//! # Cost
//! None once a copy was seen: the first pass reads the echo of its writes. Else the rows of the pair, and their copies until one is found.

use engine::calendar::ProviderKind;
use engine::event::{Draft, EventId, Field};
use engine::fingerprint::Fingerprint;
use engine::mapping::Mapping;
use engine::marker::MappingId;
use engine::pair::Side;
use engine::uid::UidHash;
use providers::Found;

use super::Identity;
use crate::memory::PairRow;
use crate::sync::pass::Pass;
use crate::sync::survey::{News, Survey, Unit};
use crate::{Error, Result};

/// Whether a mapping goes by the name or the UID with which its copy was made.
pub(in crate::sync) fn is_as_made(mapping: &Mapping) -> bool {
    mapping.is_live()
        && (MappingId::of_copy_uid(mapping.copy.id.as_str()) == Some(mapping.id)
            || (mapping.copy.uid.is_some() && mapping.copy.uid == UidHash::of(&mapping.id.copy_uid(mapping.generation))))
}

/// An event, and hashes of what it shows.
struct Shown {
    id: EventId,
    uid: Option<UidHash>,
    print: Fingerprint,
}

impl Pass<'_> {
    /// Finds copies that are not where they were written, where none has been seen as it was made so far.
    ///
    /// # Errors
    /// [`Error::CopiesUnrecognised`].
    pub(in crate::sync) async fn find_unnamed(&self, state: &mut PairRow, identity: &mut Identity, survey: &mut Survey) -> Result<()> {
        for side in Side::BOTH {
            let i = side as usize;
            state.shows_copies[i] |= survey.shows_copies[i];
            // Google keeps the names that we choose.
            let may_lose = !state.shows_copies[i] && self.ends[i].account.kind != ProviderKind::Google && !survey.first[i];
            if !may_lose || !self.pair.copies_from(side.other()) || survey.unknown[i].is_empty() || self.head.copies().await == 0 {
                continue;
            }
            let Some(lost) = self.lost(side).await? else {
                state.shows_copies[i] = true;
                continue;
            };
            if lost.is_empty() {
                continue;
            }
            let (count, strangers) = (lost.len(), survey.unknown[i].len());
            let Some(unmarked) = self.unmarked(identity, survey, side).await? else {
                state.shows_copies[i] = true;
                continue;
            };
            if self.join_by_looks(survey, side, lost, unmarked) == 0 && strangers >= count {
                return Err(Error::CopiesUnrecognised);
            }
        }
        Ok(())
    }

    /// The copies in this calendar that go by the name or the UID with which they were made, if none of them is there under its name.
    async fn lost(&self, side: Side) -> Result<Option<Vec<Mapping>>> {
        let mut lost = Vec::new();
        let mut after = None;
        loop {
            let (page, next) = self.memory.page(after.as_deref()).await?;
            let here: Vec<Mapping> = page.into_iter().filter(|mapping| mapping.side != side && is_as_made(mapping)).collect();
            for some in here.chunks(self.ends[side as usize].provider.batch().max(1)) {
                let found = self.fetch(side, some.iter().map(|mapping| mapping.copy.id.clone()).collect()).await?;
                if found.values().any(|found| !matches!(found, Found::NotFound)) {
                    return Ok(None);
                }
            }
            lost.extend(here);
            after = next;
            if after.is_none() {
                return Ok(Some(lost));
            }
        }
    }

    /// The unknown events of this calendar; nothing if one of them says that it is a copy.
    async fn unmarked(&self, identity: &mut Identity, survey: &Survey, side: Side) -> Result<Option<Vec<Shown>>> {
        let mut unmarked = Vec::new();
        let ids: Vec<EventId> = survey.unknown[side as usize].keys().cloned().collect();
        for ids in ids.chunks(self.ends[side as usize].provider.batch().max(1)) {
            for (id, event) in self.again(identity, survey, side, ids).await? {
                let (says_so, print) = (self.names(&event).is_some(), self.keys.prints.copy(&Draft::from(&*event)));
                unmarked.push(Shown { id, uid: UidHash::of(&event.uid), print });
                self.keep_stranger(identity, survey, side, event);
                if says_so {
                    return Ok(None);
                }
            }
        }
        Ok(Some(unmarked))
    }

    /// Joins each copy to an event that has its time and its title, then what is left to events at the same time. How many were joined.
    fn join_by_looks(&self, survey: &mut Survey, side: Side, mut lost: Vec<Mapping>, mut unmarked: Vec<Shown>) -> usize {
        let mut joined = 0;
        for fields in [&[Field::Time, Field::Title][..], &[Field::Time]] {
            lost.retain(|mapping| {
                let alike = |shown: &Shown| {
                    let differ = shown.print.changed_since(&mapping.copy.base, mapping.copy.intent.as_ref());
                    fields.iter().all(|field| !differ.fields.contains(field))
                };
                let Some(at) = unmarked.iter().position(alike) else { return true };
                let Shown { id, uid, print } = unmarked.swap_remove(at);
                tracing::debug!(pair = %self.pair.id, mapping = ?mapping.id, "a copy has neither the name nor the UID that it was given");
                survey.unknown[side as usize].remove(&id);
                let unit = survey.units.entry(mapping.id).or_insert_with(|| Unit::new(mapping.clone()));
                let copy = &mut unit.mapping.copy;
                // What the server has made of it is no person's edit.
                (copy.id, copy.uid, copy.base, copy.intent) = (id, uid, print, None);
                unit.mapping.pristine = false;
                unit.copy = News::Present(None);
                joined += 1;
                false
            });
        }
        joined
    }
}
