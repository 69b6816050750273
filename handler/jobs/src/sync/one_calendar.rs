//! What the first listings of a pair show of its ends: that they are one calendar, or how much of
//! them concerns the pair.

use engine::change::Listed;
use engine::etag;
use engine::event::{Draft, EventId};
use engine::pair::Side;
use engine::provider::ProviderKind;
use engine::uid::UidHash;
use providers::{Found, Since};

use super::identity::EventIdentities;
use super::pass::Pass;
use super::survey::{Changes, UnknownEvent};
use crate::Error;
use crate::Result;

/// Events of both calendars that are read to tell whether they are the same.
const COMPARED: usize = 50;
/// A calendar of fewer events is read whole, whatever the window.
const SMALL: usize = 200;

impl Pass<'_> {
    /// Before anything is written: whether both ends show the same events, by their names, their
    /// versions and what they are.
    ///
    /// # Errors
    /// [`Error::SameCalendar`].
    pub(super) async fn refuse_one_calendar(&self, survey: &Changes) -> Result<()> {
        let is_google = self.ends.iter().any(|end| end.account.kind == ProviderKind::Google);
        let [from, to] = &survey.unknown;
        if is_google
            || self.head.copies().await > 0
            || !survey.units.is_empty()
            || from.is_empty()
            || to.is_empty()
        {
            return Ok(());
        }
        let same = |(id, stranger): (&EventId, &UnknownEvent)| {
            to.get(id).is_some_and(|other| {
                etag::are_same(other.etag.as_deref(), stranger.etag.as_deref())
            })
        };
        // The first listing of a calendar that is written to has no window, so that it may hold
        // more.
        if !from.iter().all(same)
            || (from.len() != to.len() && !survey.unbounded[Side::To as usize])
        {
            return Ok(());
        }
        let ids: Vec<EventId> = from.keys().take(COMPARED).cloned().collect();
        let (here, there) = futures::try_join!(
            self.fetch(Side::From, ids.clone()),
            self.fetch(Side::To, ids.clone())
        )?;
        let shown = |found: Option<&Found>| match found {
            Some(Found::Event(event)) => {
                Some((UidHash::of(&event.uid), self.keys.prints.origin(&Draft::from(&**event))))
            }
            _ => None,
        };
        let compared: Vec<_> =
            ids.iter().map(|id| (shown(here.get(id)), shown(there.get(id)))).collect();
        let differ = compared.iter().any(|(here, there)| here != there);
        let nothing = compared.iter().all(|(here, _)| here.is_none());
        if differ || nothing { Ok(()) } else { Err(Error::SameCalendar) }
    }

    /// Leaves out what does not concern the pair, and reads what has to be read before anything is
    /// decided.
    pub(super) async fn narrow(
        &self,
        identity: &mut EventIdentities,
        survey: &mut Changes,
    ) -> Result<()> {
        for side in Side::BOTH {
            let i = side as usize;
            if survey.unbounded[i] && survey.unknown[i].len() > SMALL {
                self.leave_out_the_rest(identity, survey, side).await?;
            }
            if !self.pair.copies_from(side) && !survey.first[i] {
                let suspected = survey
                    .units
                    .values()
                    .any(|unit| unit.mapping.side != side && unit.has_suspect());
                if !suspected {
                    survey.unknown[i].retain(|_, stranger| stranger.fresh);
                    self.leave_out_other_copies(survey, side).await?;
                }
            }
        }
        for side in Side::BOTH {
            let (i, other) = (side as usize, side.other() as usize);
            // What is here may be a copy of what is unknown there; the first time, of what lies
            // outside the window there.
            let asked_for = self.pair.copies_from(side.other())
                && (survey.first[i] || !survey.unknown[other].is_empty());
            let is_there =
                survey.first[i] || survey.unknown[i].values().any(|stranger| stranger.fresh);
            if asked_for && !survey.unknown[i].is_empty() && is_there {
                self.read_strangers(identity, survey, side, survey.first[i]).await?;
                if survey.first[i] && identity.has_copies(side, true) {
                    self.add_outside_window(survey, side.other()).await?;
                }
            }
        }
        Ok(())
    }

    /// Of a large calendar that was listed whole: what lies in the window, what was brought along,
    /// and what has the name of a copy. Where an earlier copy has another name, everything.
    async fn leave_out_the_rest(
        &self,
        identity: &mut EventIdentities,
        survey: &mut Changes,
        side: Side,
    ) -> Result<()> {
        let i = side as usize;
        let end = &self.ends[i];
        let inside = end
            .provider
            .list_changes(&end.calendar.address, Since::Window(self.planner.window), None)
            .await?
            .listed;
        let inside: std::collections::BTreeSet<EventId> =
            inside.iter().map(|line| line.id().clone()).collect();
        let all = std::mem::take(&mut survey.unknown[i]);
        let (near, far) = all.into_iter().partition(|(id, stranger)| {
            inside.contains(id)
                || stranger.event.is_some()
                || engine::marker::MappingId::of_copy_uid(id.as_str()).is_some()
        });
        survey.unknown[i] = near;
        self.read_strangers(identity, survey, side, true).await?;
        if identity.has_other_names(side) {
            survey.unknown[i].extend::<std::collections::BTreeMap<_, _>>(far);
            identity.read_anew(side);
        }
        Ok(())
    }

    /// Of what has the name of a copy, the copies of other pairs of this owner do not concern this
    /// one.
    async fn leave_out_other_copies(&self, survey: &mut Changes, side: Side) -> Result<()> {
        let named = |id: &EventId| engine::marker::MappingId::of_copy_uid(id.as_str());
        let strangers = &mut survey.unknown[side as usize];
        let ids: Vec<_> = strangers.keys().filter_map(named).collect();
        if !ids.is_empty() {
            let others =
                self.memory.claimed_by_others(self.pairs, &ids.into_iter().collect()).await?;
            strangers.retain(|id, _| named(id).is_none_or(|mapping| !others.contains(&mapping)));
        }
        Ok(())
    }

    /// Earlier copies may lie outside the window, and so may their origins.
    async fn add_outside_window(&self, survey: &mut Changes, side: Side) -> Result<()> {
        let i = side as usize;
        if survey.unbounded[i] {
            return Ok(());
        }
        let end = &self.ends[i];
        let listed =
            end.provider.list_changes(&end.calendar.address, Since::Everything, None).await?.listed;
        let mut more = std::collections::BTreeMap::new();
        for line in listed {
            if let Listed::Present { id, etag, event } = line
                && !survey.unknown[i].contains_key(&id)
            {
                more.insert(
                    id,
                    UnknownEvent { etag, event, quiet: true, ..UnknownEvent::default() },
                );
            }
        }
        let ids: Vec<EventId> = more.keys().cloned().collect();
        for ids in ids.chunks(COMPARED) {
            let found = self.memory.lookup(side, ids).await?;
            more.retain(|id, _| !found.known.contains_key(id));
            for id in found.taken {
                more.entry(id).and_modify(|stranger| stranger.taken = true);
            }
        }
        survey.unknown[i].extend(more);
        Ok(())
    }
}
