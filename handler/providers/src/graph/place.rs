//! Whether an event is in a calendar.
//!
//! An answer by its id is no proof: a deleted event has moved to another folder, keeps its id
//! there, and may go on answering; so may an event that was moved to another calendar, and the
//! occurrences of a deleted series. What proves that an event is not there is 404, or a complete
//! view of its calendar over its times that lacks it.

use std::ops::Range;

use engine::change::Absence;
use engine::event::{EventId, OriginalStart};
use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;

use super::GraphCalendar;
use super::api::{ApiCall, ApiReply};
use super::convert::{self, EventContext};
use super::fetch::instant;
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
            return self.occurrence_absence(calendar, master, start).await;
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

    async fn not_found(&self, calendar: &str) -> Result<Option<Absence>> {
        match self.missing_error(calendar).await? {
            Error::Gone => Ok(Some(Absence::NotFound)),
            error => Err(error),
        }
    }

    /// An occurrence is gone where its series has none with this start, or where the calendar does
    /// not show it.
    async fn occurrence_absence(
        &self,
        calendar: &str,
        master: &str,
        start: OriginalStart,
    ) -> Result<Option<Absence>> {
        let whole = match self.read_master(master).await? {
            GraphItem::Gone => return self.not_found(calendar).await,
            GraphItem::Strange { .. } => return Ok(None),
            GraphItem::Refused(error) => return Err(error),
            GraphItem::There(whole) => whole,
        };
        let of_days = whole.item.is_all_day.filter(|_| whole.item.is_master());
        if of_days.is_some_and(|of_days| of_days != matches!(start, OriginalStart::Day(_))) {
            return self.not_found(calendar).await;
        }
        let mut known = whole.exceptions.clone();
        if instance_at(&known, start).is_none() && whole.item.is_master() {
            let id = EventId::instance(master, start);
            match self.read_occurrence(&id).await? {
                GraphItem::There(found) => known.push(found.item),
                GraphItem::Gone => {}
                GraphItem::Strange { .. } => return Ok(None),
                GraphItem::Refused(error) => return Err(error),
            }
        }
        match instance_at(&known, start) {
            Some(item) => Ok(match self.is_in_calendar(calendar, item).await? {
                true => None,
                false => Some(Absence::NotFound),
            }),
            // A list of occurrences may lack one by a fault: the calendar itself has to lack it too.
            None if self.shows_occurrence(calendar, master, start).await? => Ok(None),
            // The master answers, so the calendar alone can be missing.
            None => self.not_found(calendar).await,
        }
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

    /// Whether a complete view of a calendar shows the occurrence that begins there by its rule.
    async fn shows_occurrence(
        &self,
        calendar: &str,
        master: &str,
        start: OriginalStart,
    ) -> Result<bool> {
        let (context, mut found) = (instance_context(start), false);
        let mut note = |json: &RawValue| {
            found |= serde_json::from_str(json.get()).is_ok_and(|item: WireEvent| {
                item.series_master_id.as_deref() == Some(master)
                    && convert::original_start(&item, context) == Some(start)
            });
        };
        let at = instant(start);
        let url = self.api.addresses.bare_view(calendar, &wider(at, at))?;
        self.walk(url, &mut note).await?.of_calendar()?;
        Ok(found)
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
