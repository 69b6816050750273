//! Shows some series of a calendar by their occurrences, each as an event of its own.
//!
//! Where the calendar of the copies cannot hold the rule of a series, each occurrence inside the
//! window gets a copy of its own. The other code sees such a series as Graph shows all of them: its
//! occurrences have ids that name the series ([`EventId::in_series`]), and a listing that shows one
//! of them shows all of them. A write to an occurrence changes or cancels that occurrence of the
//! series.

mod absence;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::calendar::RemoteCalendar;
use engine::change::{Absence, Cursor, Listed, StateTag};
use engine::event::{Draft, Event, EventId, Exception, OriginalStart, Parts};
use engine::fidelity::Fidelity;
use engine::pair::Window;
use engine::recurrence;
use jiff::Timestamp;

use crate::{
    ActiveWatch, Answering, ChangeSet, CollectionState, Edit, Error, Fetched, Found, NewCopy,
    Provider, Result, Since, Version, WatchRequest, Written,
};

/// A provider that shows some series by their occurrences.
pub struct ByOccurrence {
    inner: Arc<dyn Provider>,
    /// The ids of these series.
    series: BTreeSet<EventId>,
    window: Window,
    /// The zone in which floating times of the calendar are meant.
    zone: Option<String>,
}

impl ByOccurrence {
    /// Shows these series of a calendar by their occurrences inside the window.
    pub fn new(
        inner: Arc<dyn Provider>,
        series: BTreeSet<EventId>,
        window: Window,
        zone: Option<&str>,
    ) -> Self {
        Self { inner, series, window, zone: zone.map(str::to_owned) }
    }

    /// The series to which an occurrence belongs, if it is shown by its occurrences.
    fn series_of(&self, id: &EventId) -> Option<(EventId, OriginalStart)> {
        let (series, start) = id.in_series()?;
        self.series.get(&EventId::new(series)).map(|series| (series.clone(), start))
    }

    /// The occurrences of a series inside the window; `None` where its rule cannot be followed.
    fn occurrences(&self, event: &Event) -> Option<Vec<Event>> {
        let Some(series) = &event.series else { return Some(vec![event.clone()]) };
        let range = self.window.start_instant()..self.window.end_instant();
        let found =
            recurrence::occurrences(&event.content, series, range, self.zone.as_deref()).ok()?;
        let one = |occurrence: recurrence::Occurrence| {
            let mut content = match series.exceptions.get(&occurrence.original) {
                Some(Exception::Changed(changed)) => (**changed).clone(),
                _ => event.content.clone(),
            };
            content.span = occurrence.span;
            let id = EventId::instance(event.id.as_str(), occurrence.original);
            // Occurrences of one UID would be taken for one event.
            let uid = id.in_series().map_or_else(String::new, |_| format!("{}#{id}", event.uid));
            Event { id, uid, content, series: None, marker: None, ..event.clone() }
        };
        Some(found.into_iter().map(one).collect())
    }

    async fn read(&self, calendar: &str, series: &EventId) -> Result<Found> {
        let mut found = self.inner.fetch(calendar, std::slice::from_ref(series)).await?;
        Ok(found.pop().map_or(Found::NotFound, |fetched| fetched.found))
    }

    /// Adds the lines of a series to a listing. Where it cannot be read, or its rule cannot be
    /// followed, it is listed as one event, so that a read of it can say why.
    async fn add_lines(
        &self,
        calendar: &str,
        line: Listed,
        event: Option<Box<Event>>,
        changes: &mut ChangeSet,
    ) -> Result<()> {
        let id = line.id().clone();
        let event = match (event, &line) {
            (Some(event), _) => Some(event),
            (None, Listed::Removed { .. }) => None,
            (None, Listed::Present { .. }) => match self.read(calendar, &id).await? {
                Found::Event(event) => Some(event),
                Found::NotFound | Found::NoEvent => None,
                Found::Refused(_) | Found::Unreadable { .. } => {
                    changes.listed.push(line);
                    return Ok(());
                }
            },
        };
        let shown = match &event {
            Some(event) => self.occurrences(event),
            None => Some(Vec::new()),
        };
        let Some(shown) = shown else {
            changes.listed.push(line);
            return Ok(());
        };
        let present = |event: Event| Listed::Present {
            id: event.id.clone(),
            etag: event.etag.clone(),
            event: Some(Box::new(event)),
        };
        changes.listed.extend(shown.into_iter().map(present));
        // The series itself is not shown: what was written for it before is replaced.
        changes.listed.push(Listed::Removed { id: id.clone() });
        changes.series.push(id);
        Ok(())
    }

    /// Reads the series of an occurrence that is to be written.
    async fn series_to_write(&self, calendar: &str, series: &EventId) -> Result<Box<Event>> {
        match self.read(calendar, series).await? {
            Found::Event(event) => Ok(event),
            Found::NotFound | Found::NoEvent => Err(Error::Gone),
            Found::Refused(why) | Found::Unreadable { why, .. } => Err(Error::Refused(why)),
        }
    }

    /// Changes or cancels one occurrence of a series.
    async fn write_exception(
        &self,
        calendar: &str,
        (event, start): (&Event, OriginalStart),
        exception: Exception,
        now: jiff::Timestamp,
    ) -> Result<Written> {
        let mut draft = Draft::from(event);
        let Some(series) = &mut draft.series else { return Err(Error::ChangedMeanwhile) };
        series.exceptions.insert(start, exception);
        let parts = Parts { exceptions: BTreeSet::from([start]), ..Parts::default() };
        let version = Version { etag: event.etag.clone(), sequence: event.sequence };
        let edit = Edit { parts: &parts, draft: &draft, marker: None, now };
        self.inner.edit(calendar, &event.id, &version, &edit).await
    }
}

#[async_trait]
impl Provider for ByOccurrence {
    async fn calendars(&self) -> Result<Vec<RemoteCalendar>> {
        self.inner.calendars().await
    }

    async fn collection_states(&self, calendars: &[String]) -> Result<Vec<CollectionState>> {
        self.inner.collection_states(calendars).await
    }

    async fn list_changes(
        &self,
        calendar: &str,
        since: Since<'_>,
        state: Option<&StateTag>,
    ) -> Result<ChangeSet> {
        let mut changes = self.inner.list_changes(calendar, since, state).await?;
        let listed = std::mem::take(&mut changes.listed);
        for mut line in listed {
            if !self.series.contains(line.id()) {
                changes.listed.push(line);
                continue;
            }
            let event = match &mut line {
                Listed::Present { event, .. } => event.take(),
                Listed::Removed { .. } => None,
            };
            self.add_lines(calendar, line, event, &mut changes).await?;
        }
        Ok(changes)
    }

    fn is_current(&self, cursor: &Cursor, state: &StateTag) -> bool {
        self.inner.is_current(cursor, state)
    }

    fn rejects_expired_cursor(&self) -> bool {
        self.inner.rejects_expired_cursor()
    }

    async fn ask(&self, calendar: &str) -> Result<Answering> {
        self.inner.ask(calendar).await
    }

    async fn fetch(&self, calendar: &str, ids: &[EventId]) -> Result<Vec<Fetched>> {
        let mut others = Vec::new();
        let mut wanted: BTreeMap<EventId, Vec<&EventId>> = BTreeMap::new();
        let mut fetched = Vec::new();
        for id in ids {
            match self.series_of(id) {
                Some((series, _)) => wanted.entry(series).or_default().push(id),
                None if self.series.contains(id) => {
                    fetched.push(Fetched { id: id.clone(), found: Found::NotFound });
                }
                None => others.push(id.clone()),
            }
        }
        if !others.is_empty() {
            fetched.extend(self.inner.fetch(calendar, &others).await?);
        }
        for (series, ids) in wanted {
            let shown = match self.read(calendar, &series).await? {
                Found::Event(event) => self.occurrences(&event).ok_or_else(|| Found::Unreadable {
                    etag: event.etag,
                    why: RULE_NOT_FOLLOWED.to_owned(),
                }),
                Found::NotFound | Found::NoEvent => Ok(Vec::new()),
                other => Err(other),
            };
            for id in ids {
                let found = match &shown {
                    Ok(shown) => shown
                        .iter()
                        .find(|event| event.id == *id)
                        .map_or(Found::NotFound, |event| Found::Event(Box::new(event.clone()))),
                    Err(Found::Refused(why)) => Found::Refused(why.clone()),
                    Err(Found::Unreadable { etag, why }) => {
                        Found::Unreadable { etag: etag.clone(), why: why.clone() }
                    }
                    Err(_) => Found::NotFound,
                };
                fetched.push(Fetched { id: id.clone(), found });
            }
        }
        Ok(fetched)
    }

    fn batch(&self) -> usize {
        self.inner.batch()
    }

    fn parallel_writes(&self) -> usize {
        self.inner.parallel_writes()
    }

    async fn absence(&self, calendar: &str, id: &EventId) -> Result<Option<Absence>> {
        if self.series_of(id).is_none() && !self.series.contains(id) {
            return self.inner.absence(calendar, id).await;
        }
        let absences = self.absences(calendar, std::slice::from_ref(id)).await?;
        Ok(absences.into_iter().next().flatten())
    }

    async fn absences(&self, calendar: &str, ids: &[EventId]) -> Result<Vec<Option<Absence>>> {
        self.read_absences(calendar, ids).await
    }

    fn is_shown_by_occurrence(&self, id: &EventId) -> bool {
        self.series.contains(id)
    }

    fn answers_prove_presence(&self) -> bool {
        self.inner.answers_prove_presence()
    }

    async fn find_uid(&self, calendar: &str, uid: &str) -> Result<Option<EventId>> {
        self.inner.find_uid(calendar, uid).await
    }

    fn id_of_copy(&self, calendar: &str, uid: &str) -> Option<EventId> {
        self.inner.id_of_copy(calendar, uid)
    }

    async fn find_copy(&self, calendar: &str, copy: &NewCopy<'_>) -> Result<Option<EventId>> {
        self.inner.find_copy(calendar, copy).await
    }

    async fn create(&self, calendar: &str, copy: &NewCopy<'_>) -> Result<Written> {
        self.inner.create(calendar, copy).await
    }

    async fn rewrite(
        &self,
        calendar: &str,
        id: &EventId,
        version: &Version,
        copy: &NewCopy<'_>,
    ) -> Result<Written> {
        if self.series_of(id).is_some() {
            // Only copies are written as a whole, and an occurrence of a series is no copy.
            return Err(Error::ChangedMeanwhile);
        }
        self.inner.rewrite(calendar, id, version, copy).await
    }

    async fn rewrite_parts(
        &self,
        calendar: &str,
        id: &EventId,
        version: &Version,
        copy: &NewCopy<'_>,
        parts: &Parts,
    ) -> Result<Written> {
        if self.series_of(id).is_some() {
            return Err(Error::ChangedMeanwhile);
        }
        self.inner.rewrite_parts(calendar, id, version, copy, parts).await
    }

    async fn edit(
        &self,
        calendar: &str,
        id: &EventId,
        version: &Version,
        edit: &Edit<'_>,
    ) -> Result<Written> {
        let Some((series, start)) = self.series_of(id) else {
            return self.inner.edit(calendar, id, version, edit).await;
        };
        let event = self.series_to_write(calendar, &series).await?;
        let is_same = |etag: &str| engine::etag::are_same(event.etag.as_deref(), Some(etag));
        if version.etag.as_deref().is_some_and(|etag| !is_same(etag)) {
            return Err(Error::ChangedMeanwhile);
        }
        let shown = self.occurrences(&event).unwrap_or_default();
        let Some(shown) = shown.into_iter().find(|shown| shown.id == *id) else {
            return Err(Error::Gone);
        };
        let mut content = shown.content;
        edit.parts.fields.iter().for_each(|field| {
            content.take_field(*field, &edit.draft.content);
        });
        let exception = Exception::Changed(Box::new(content));
        let written = self.write_exception(calendar, (&event, start), exception, edit.now).await?;
        Ok(Written { id: id.clone(), event: None, ..written })
    }

    async fn delete(&self, calendar: &str, id: &EventId, etag: Option<&str>) -> Result<()> {
        let Some((series, start)) = self.series_of(id) else {
            return self.inner.delete(calendar, id, etag).await;
        };
        let event = match self.series_to_write(calendar, &series).await {
            Err(Error::Gone) => return Ok(()),
            event => event?,
        };
        let is_same = |etag: &str| engine::etag::are_same(event.etag.as_deref(), Some(etag));
        if etag.is_some_and(|etag| !is_same(etag)) {
            return Err(Error::ChangedMeanwhile);
        }
        let now = event.stamps.modified.unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        self.write_exception(calendar, (&event, start), Exception::Cancelled, now).await.map(drop)
    }

    fn fidelity(&self, calendar: &str) -> Option<Fidelity> {
        self.inner.fidelity(calendar)
    }

    fn recall(&self, calendar: &str, fidelity: &Fidelity) {
        self.inner.recall(calendar, fidelity);
    }

    async fn create_watch(&self, request: &WatchRequest<'_>) -> Result<ActiveWatch> {
        self.inner.create_watch(request).await
    }

    async fn renew_watch(
        &self,
        id: &str,
        resource: &str,
        lifetime: Duration,
    ) -> Result<Option<ActiveWatch>> {
        self.inner.renew_watch(id, resource, lifetime).await
    }

    async fn watch_end(&self, id: &str, resource: &str) -> Result<Option<Timestamp>> {
        self.inner.watch_end(id, resource).await
    }

    async fn delete_watch(&self, id: &str, resource: &str) -> Result<()> {
        self.inner.delete_watch(id, resource).await
    }
}

/// Why an occurrence cannot be read.
const RULE_NOT_FOLLOWED: &str = "the rule by which it repeats cannot be followed";
