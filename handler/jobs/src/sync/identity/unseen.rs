//! Copies on a server that keeps nothing by which they are known: neither name, UID nor mark.
//!
//! # Properties
//! * Until a calendar has shown a new copy, each new copy is looked for once it is written. One that is not there is remembered as unseen: that
//!   it is missing later proves nothing.
//! * Such a copy is the unknown event that has its time and its title and says of no mapping that it is its copy. The mapping goes by that name
//!   from then on.
//! * Where no copy in a calendar was ever seen, and none is found among as many unknown events, the pair stops before anything is written.
//!
//! # Cost
//! One read after the first copy that a pair makes in a calendar. On a server that shows none, one or two after each, and the rows of the pair
//! where unknown events are listed.

use engine::calendar::ProviderKind;
use engine::event::{Draft, EventId, Field};
use engine::fingerprint::Fingerprint;
use engine::mapping::{Mapping, State};
use engine::pair::Side;
use engine::uid::UidHash;
use providers::Written;

use super::Identity;
use crate::memory::Keeping;
use crate::sync::pass::Pass;
use crate::sync::survey::{News, Survey, Unit};
use crate::{Error, Result};

/// An event, and hashes of what it shows.
struct Shown {
    id: EventId,
    uid: Option<UidHash>,
    print: Fingerprint,
}

/// The copies of a calendar that were not seen, and those that may not have been remembered.
#[derive(Default)]
struct Lost {
    copies: Vec<Mapping>,
    /// Another copy was seen.
    others: bool,
}

impl Pass<'_> {
    /// Whether a new copy is not there under its name or its UID. Where it is only its name that the server has changed, that is learnt.
    pub(in crate::sync) async fn is_unseen(&self, side: Side, written: &mut Written, uid: &str) -> bool {
        let end = &self.ends[side as usize];
        // Google keeps the names that it is given.
        if end.account.kind == ProviderKind::Google || self.head.keeping()[side as usize] == Keeping::Found {
            return false;
        }
        // One is asked about; those that are written meanwhile wait for the answer.
        let _turn = self.asking[side as usize].lock().await;
        if self.head.keeping()[side as usize] == Keeping::Found {
            return false;
        }
        let calendar = &end.calendar.address;
        let is_there = written.event.is_some() || end.provider.exists(calendar, &written.id).await.unwrap_or(true);
        if !is_there {
            match end.provider.find_uid(calendar, uid).await {
                Ok(Some(id)) => written.id = id,
                Ok(None) => {
                    tracing::warn!(pair = %self.pair.id, "a new copy is not there under the name and the UID that it was given");
                    self.head.set_keeping(side, Keeping::Lost);
                    return true;
                }
                Err(_) => return false,
            }
        }
        self.head.set_keeping(side, Keeping::Found);
        false
    }

    /// Finds the copies that were not seen.
    ///
    /// # Errors
    /// [`Error::CopiesUnrecognised`].
    pub(in crate::sync) async fn find_unseen(&self, identity: &mut Identity, survey: &mut Survey) -> Result<()> {
        for side in Side::BOTH {
            if self.head.keeping()[side as usize] != Keeping::Lost {
                continue;
            }
            let here = |unit: &&mut Unit| unit.mapping.side != side && unit.mapping.unseen;
            if survey.units.values_mut().filter(here).any(|unit| matches!(unit.copy, News::Present(_))) {
                // The server shows with some delay what is written.
                self.head.set_keeping(side, Keeping::Found);
            }
            for unit in survey.units.values_mut().filter(here).filter(|unit| matches!(unit.copy, News::Suspect)) {
                unit.copy = News::None;
            }
            if survey.unknown[side as usize].is_empty() || survey.first[side as usize] {
                continue;
            }
            let mut lost = self.lost(survey, side).await?;
            if lost.copies.is_empty() {
                continue;
            }
            self.read_strangers(identity, survey, side, true).await?;
            let unmarked = self.unmarked(identity, survey, side, &mut lost).await?;
            let (unseen, strangers) = (lost.copies.iter().filter(|mapping| mapping.unseen).count(), unmarked.len());
            let joined = self.join_by_looks(survey, side, lost.copies, unmarked);
            if joined == 0 && !lost.others && unseen > 0 && strangers >= unseen {
                return Err(Error::CopiesUnrecognised);
            }
        }
        Ok(())
    }

    async fn lost(&self, survey: &Survey, side: Side) -> Result<Lost> {
        let (mut lost, mut after) = (Lost::default(), None);
        loop {
            let (page, next) = self.memory.page(after.as_deref()).await?;
            for mapping in page.into_iter().filter(|mapping| mapping.side != side) {
                let is_listed = survey.units.get(&mapping.id).is_some_and(|unit| matches!(unit.copy, News::Present(_)));
                match (mapping.is_live(), mapping.unseen && !is_listed) {
                    (true, true) => lost.copies.push(mapping),
                    (true, false) => lost.others = true,
                    (false, _) if mapping.state == State::Creating => lost.copies.push(mapping),
                    (false, _) => {}
                }
            }
            after = next;
            if after.is_none() {
                return Ok(lost);
            }
        }
    }

    /// The unknown events of this calendar that do not say of themselves that they are a copy. A copy that one of them claims to be
    /// is not lost.
    async fn unmarked(&self, identity: &mut Identity, survey: &Survey, side: Side, lost: &mut Lost) -> Result<Vec<Shown>> {
        let mut unmarked = Vec::new();
        let ids: Vec<EventId> = survey.unknown[side as usize].keys().cloned().collect();
        for ids in ids.chunks(self.ends[side as usize].provider.batch().max(1)) {
            for (id, event) in self.again(identity, survey, side, ids).await? {
                if let Some(mapping) = self.names(&event) {
                    let before = lost.copies.len();
                    lost.copies.retain(|copy| copy.id != mapping);
                    lost.others |= lost.copies.len() < before;
                } else if event.marker.is_none() {
                    let print = self.keys.prints.copy(&Draft::from(&*event));
                    unmarked.push(Shown { id, uid: UidHash::of(&event.uid), print });
                }
                self.keep_stranger(identity, survey, side, event);
            }
        }
        Ok(unmarked)
    }

    /// Joins each copy to an event that has its time and its title. How many were joined.
    fn join_by_looks(&self, survey: &mut Survey, side: Side, lost: Vec<Mapping>, mut unmarked: Vec<Shown>) -> usize {
        let before = unmarked.len();
        for mapping in lost {
            let alike = |shown: &Shown| {
                let differ = shown.print.changed_since(&mapping.copy.base, mapping.copy.intent.as_ref());
                [Field::Time, Field::Title].iter().all(|field| !differ.fields.contains(field))
            };
            let Some(at) = unmarked.iter().position(alike) else { continue };
            let Shown { id, uid, print } = unmarked.swap_remove(at);
            tracing::debug!(pair = %self.pair.id, mapping = ?mapping.id, "a copy has neither the name nor the UID that it was given");
            survey.unknown[side as usize].remove(&id);
            let unit = survey.units.entry(mapping.id).or_insert_with(|| Unit::new(mapping));
            // What the server has made of it is no person's edit.
            let copy = &mut unit.mapping.copy;
            (copy.id, copy.uid, copy.base, copy.intent) = (id, uid, print, None);
            (unit.mapping.pristine, unit.mapping.unseen) = (false, false);
            unit.copy = News::Present(None);
        }
        before - unmarked.len()
    }
}
