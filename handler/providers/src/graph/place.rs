//! Whether an event is in a calendar.
//!
//! An answer by its id is no proof: a deleted event has moved to another folder, keeps its id
//! there, and may go on answering; so may an event that was moved to another calendar, and the
//! occurrences of a deleted series. What proves that an event is not there is 404, or a complete
//! view of its calendar over its times that lacks it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use engine::change::Absence;
use engine::event::{EventId, OriginalStart};
use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;

use super::GraphCalendar;
use super::api::{ApiCall, ApiReply};
use super::convert::{self, EventContext};
use super::fetch::ranges_of;
use super::item::{GraphItem, one};
use super::pages::wider;
use super::series::{instance_at, instance_context};
use super::wire::{ItemHead, WireCalendar, WireEvent};
use crate::{Error, Result};

/// Of an event that lasts longer, its beginning is looked at.
const LONG: SignedDuration = SignedDuration::from_hours(24 * 31);

impl GraphCalendar {
    /// How Microsoft shows that an event is not in a calendar; `None` where it is.
    pub(super) async fn read_absence(
        &self,
        calendar: &str,
        id: &EventId,
    ) -> Result<Option<Absence>> {
        if let Some((master, start)) = id.in_series() {
            let mut absences = self.occurrence_absences(calendar, master, &[start]).await?;
            return Ok(absences.pop().flatten());
        }
        match self.read_plain(id.as_str()).await? {
            GraphItem::Gone => self.not_found(calendar).await,
            GraphItem::Strange { .. } => Ok(None),
            GraphItem::Refused(error) => Err(error),
            GraphItem::There(whole) => {
                if self.is_in_calendar(calendar, &whole.item).await? {
                    return Ok(None);
                }
                self.elsewhere(calendar, id.as_str()).await.map(Some)
            }
        }
    }

    /// As [`GraphCalendar::read_absence`], of occurrences of one series together.
    pub(super) async fn read_absences(
        &self,
        calendar: &str,
        ids: &[EventId],
    ) -> Result<Vec<Option<Absence>>> {
        let mut series = BTreeMap::<&str, Vec<OriginalStart>>::new();
        for (master, start) in ids.iter().filter_map(EventId::in_series) {
            series.entry(master).or_default().push(start);
        }
        let mut absences = HashMap::new();
        for (master, starts) in series {
            let found = self.occurrence_absences(calendar, master, &starts).await?;
            let ids = starts.iter().map(|start| EventId::instance(master, *start));
            absences.extend(ids.zip(found));
        }
        let mut answer = Vec::with_capacity(ids.len());
        for id in ids {
            answer.push(match absences.get(id) {
                Some(absence) => *absence,
                None => self.read_absence(calendar, id).await?,
            });
        }
        Ok(answer)
    }

    async fn not_found(&self, calendar: &str) -> Result<Option<Absence>> {
        match self.missing_error(calendar).await? {
            Error::Gone => Ok(Some(Absence::NotFound)),
            error => Err(error),
        }
    }

    /// Whether occurrences of one series are gone: its list and the calendar lack them. As few
    /// requests as for one.
    async fn occurrence_absences(
        &self,
        calendar: &str,
        master: &str,
        starts: &[OriginalStart],
    ) -> Result<Vec<Option<Absence>>> {
        let all = |absence: Option<Absence>| Ok(vec![absence; starts.len()]);
        let whole = match self.read_master(master).await? {
            GraphItem::Gone => {
                // One answer may be wrong: the calendar itself has to lack them too.
                self.not_found(calendar).await?;
                let shown = self.shown_occurrences(calendar, master, starts.to_vec()).await?;
                let absence = |start| (!shown.contains(start)).then_some(Absence::NotFound);
                return Ok(starts.iter().map(absence).collect());
            }
            GraphItem::Strange { .. } => return all(None),
            GraphItem::Refused(error) => return Err(error),
            GraphItem::There(whole) => whole,
        };
        let of_days = whole.item.is_all_day.filter(|_| whole.item.is_master());
        let is_possible = |start: &OriginalStart| {
            of_days.is_none_or(|of_days| of_days == matches!(start, OriginalStart::Day(_)))
        };
        let possible: Vec<_> = starts.iter().copied().filter(is_possible).collect();
        if possible.len() < starts.len() {
            // The calendar is not asked for those of another kind.
            self.not_found(calendar).await?;
        }
        let mut known = whole.exceptions.clone();
        if possible.iter().any(|start| instance_at(&known, *start).is_none())
            && whole.item.is_master()
        {
            match self.occurrences_near(master, &possible).await? {
                Ok(found) => known.extend(found),
                Err(GraphItem::Refused(error)) => return Err(error),
                Err(GraphItem::Strange { .. }) => return all(None),
                Err(GraphItem::Gone | GraphItem::There(_)) => {}
            }
        }
        // A list of occurrences may lack one by a fault: the calendar itself has to lack it too.
        let unlisted =
            possible.iter().copied().filter(|start| instance_at(&known, *start).is_none());
        let shown = self.shown_occurrences(calendar, master, unlisted.collect()).await?;
        let mut absences = Vec::with_capacity(starts.len());
        for start in starts {
            let is_there = match instance_at(&known, *start).filter(|_| is_possible(start)) {
                Some(item) => self.is_in_calendar(calendar, item).await?,
                None => shown.contains(start),
            };
            absences.push((!is_there).then_some(Absence::NotFound));
        }
        Ok(absences)
    }

    /// The event is not in this calendar: it is in another one, or in none.
    async fn elsewhere(&self, calendar: &str, id: &str) -> Result<Absence> {
        let place = self.calendar_of(id).await?;
        let is_other = place.is_some_and(|place| place != calendar);
        Ok(if is_other { Absence::Elsewhere } else { Absence::NotFound })
    }

    /// The calendar that an event says it is in.
    pub(super) async fn calendar_of(&self, id: &str) -> Result<Option<String>> {
        match self.api.call(&ApiCall::get(self.api.addresses.calendar_of(id)?)).await? {
            ApiReply::Given(given) => {
                let place: WireCalendar = given.json()?;
                Ok(Some(place.id).filter(|id| !id.is_empty()))
            }
            ApiReply::Refused(refusal) => {
                one(refusal.error()).map(|_| None).or_else(|error| match error {
                    Error::Gone => Ok(None),
                    error => Err(error),
                })
            }
        }
    }

    /// Whether a calendar shows an event that answers by its id. One whose times cannot be read
    /// counts as shown.
    pub(super) async fn is_in_calendar(&self, calendar: &str, item: &WireEvent) -> Result<bool> {
        let Some(times) = times(item) else { return Ok(true) };
        if !item.is_master() {
            return self.shows(calendar, times, |head| is_same(head, item)).await;
        }
        let of_series = |head: &ItemHead| head.series_master_id.as_deref() == Some(&item.id);
        // Most series show an occurrence where they begin.
        if self.shows(calendar, times, of_series).await? {
            return Ok(true);
        }
        let window = self.window(calendar, self.now().await?);
        let Ok(instances) = self.read_instances(&item.id, window).await? else { return Ok(false) };
        let Some(first) = instances.first() else { return Ok(false) };
        let Some(times) = self::times(first) else { return Ok(true) };
        self.shows(calendar, times, |head| of_series(head) || is_same(head, first)).await
    }

    /// Which of these occurrences complete views of a calendar show about where their rule has
    /// them.
    async fn shown_occurrences(
        &self,
        calendar: &str,
        master: &str,
        starts: Vec<OriginalStart>,
    ) -> Result<HashSet<OriginalStart>> {
        let mut shown = HashSet::new();
        for range in ranges_of(&starts) {
            let mut note = |json: &RawValue| {
                let Ok(item) = serde_json::from_str::<WireEvent>(json.get()) else { return };
                if item.series_master_id.as_deref() == Some(master) {
                    // Whether the series is one of whole days follows from what is asked for.
                    shown.extend(starts.iter().copied().filter(|start| {
                        convert::original_start(&item, instance_context(*start)) == Some(*start)
                    }));
                }
            };
            let url = self.api.addresses.bare_view(calendar, &range)?;
            self.walk(url, &mut note).await?.of_calendar()?;
        }
        Ok(shown)
    }

    /// Whether a complete view of a calendar shows it in this range, a day wider.
    async fn shows(
        &self,
        calendar: &str,
        times: Range<Timestamp>,
        is_it: impl Fn(&ItemHead) -> bool + Send + Sync,
    ) -> Result<bool> {
        let mut found = false;
        let mut note = |json: &RawValue| {
            found |= serde_json::from_str(json.get()).is_ok_and(|head: ItemHead| is_it(&head));
        };
        // A view shows what overlaps its range: of a long event, its beginning is enough.
        let end = times.start.checked_add(LONG).unwrap_or(times.end).min(times.end);
        let url = self.api.addresses.bare_view(calendar, &wider(times.start, end))?;
        self.walk(url, &mut note).await?.of_calendar()?;
        Ok(found)
    }
}

/// The ids may differ in their form; `iCalUId` does not.
fn is_same(head: &ItemHead, item: &WireEvent) -> bool {
    let has_uid = item.i_cal_uid.as_deref().is_some_and(|uid| !uid.is_empty());
    head.id == item.id || (has_uid && head.i_cal_uid == item.i_cal_uid)
}

fn times(item: &WireEvent) -> Option<Range<Timestamp>> {
    let content = convert::content(item, EventContext::default()).ok()?;
    let (start, end) =
        (engine::zone::start(&content.span, None), engine::zone::end(&content.span, None));
    Some(start..end.max(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_known_by_its_id_or_its_uid() {
        let item = WireEvent { id: "a".into(), i_cal_uid: Some("u".into()), ..Default::default() };
        let head = |id: &str, uid: Option<&str>| ItemHead {
            id: id.into(),
            i_cal_uid: uid.map(str::to_owned),
            ..ItemHead::default()
        };
        assert!(is_same(&head("a", None), &item) && is_same(&head("b", Some("u")), &item));
        assert!(!is_same(&head("A", None), &item), "ids are case-sensitive");
        let nameless = WireEvent { id: "a".into(), ..WireEvent::default() };
        assert!(!is_same(&head("b", None), &nameless));
    }
}
