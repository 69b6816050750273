//! An account at a server that is a calendar in memory.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use engine::calendar::RemoteCalendar;
use engine::change::{Absence, Cursor, Listed, StateTag};
use engine::event::{Draft, Event, EventId};
use providers::{
    Answering, ChangeSet, CollectionState, Edit, Error, Fetched, Found, NewCopy, Provider, Result,
    Since, Version, Written,
};

use super::memory_calendar::{CalendarCall, MemoryCalendar, put_on};

/// An account at a server.
pub struct Remote {
    pub address: String,
    pub zone: Option<String>,
    calendar: Mutex<MemoryCalendar>,
}

impl Remote {
    pub fn new(name: &str) -> Self {
        Self {
            address: format!("/{name}/calendar-{name}/"),
            zone: None,
            calendar: Mutex::default(),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, MemoryCalendar> {
        self.calendar.lock().unwrap()
    }

    fn nothing(&self) -> EventId {
        EventId::new("")
    }
}

#[async_trait]
impl Provider for Remote {
    async fn calendars(&self) -> Result<Vec<RemoteCalendar>> {
        self.lock().asked(CalendarCall::Calendars, &self.nothing())?;
        let (address, zone) = (self.address.clone(), self.zone.clone());
        Ok(vec![RemoteCalendar {
            name: address.trim_matches('/').into(),
            address,
            writable: true,
            zone,
            owned_at: None,
        }])
    }

    async fn collection_states(&self, calendars: &[String]) -> Result<Vec<CollectionState>> {
        let mut here = self.lock();
        here.asked(CalendarCall::States, &self.nothing())?;
        let tip = if here.manners.no_tips {
            CollectionState::Untagged
        } else {
            CollectionState::Tagged(StateTag(here.token()))
        };
        Ok(calendars
            .iter()
            .map(|address| {
                if *address == self.address && !here.manners.missing {
                    tip.clone()
                } else {
                    CollectionState::Missing
                }
            })
            .collect())
    }

    async fn list_changes(
        &self,
        _: &str,
        since: Since<'_>,
        _: Option<&StateTag>,
    ) -> Result<ChangeSet> {
        let mut here = self.lock();
        here.asked(
            if matches!(since, Since::Cursor(_)) {
                CalendarCall::List
            } else {
                CalendarCall::ListAll
            },
            &self.nothing(),
        )?;
        let everything = |here: &MemoryCalendar| -> Vec<Listed> {
            here.events
                .keys()
                .filter(|id| !here.unlisted.contains(*id))
                .map(|id| here.listed(id))
                .collect()
        };
        let mut series = Vec::new();
        let listed = match since {
            Since::Cursor(Cursor(token)) => {
                let (epoch, at) = token.split_once('-').unwrap();
                match epoch.parse() == Ok(here.epoch) {
                    false if here.manners.forgets => everything(&here),
                    false => return Err(Error::CursorExpired),
                    true => {
                        let since: BTreeSet<&EventId> =
                            here.log[at.parse::<usize>().unwrap()..].iter().collect();
                        let shows = |id: &&EventId| {
                            !here.unlisted.contains(*id) && !here.stale.contains_key(*id)
                        };
                        let lines = |id: &EventId| {
                            let (lines, whole) = here.lines_of(id);
                            series.extend(whole);
                            lines
                        };
                        since.into_iter().filter(shows).flat_map(lines).collect()
                    }
                }
            }
            Since::Window(window) => {
                here.window = Some(window);
                let is_series = |event: &&Event| event.series.is_some();
                let ids: Vec<_> =
                    here.events.values().filter(is_series).map(|event| event.id.clone()).collect();
                here.had_occurrences.extend(ids);
                here.in_window(window)
            }
            Since::Everything => everything(&here),
        };
        let all = |line: &Listed| line.id().clone();
        let unmarked = if here.manners.hides_marks {
            listed.iter().map(all).collect()
        } else {
            BTreeSet::new()
        };
        Ok(ChangeSet { listed, series, unmarked, cursor: Cursor(here.token()) })
    }

    fn is_current(&self, cursor: &Cursor, tip: &StateTag) -> bool {
        cursor.0 == tip.0
    }

    async fn ask(&self, _: &str) -> Result<Answering> {
        let mut here = self.lock();
        here.asked(CalendarCall::Ask, &self.nothing())?;
        Ok(Answering { writable: !here.manners.read_only })
    }

    async fn fetch(&self, _: &str, ids: &[EventId]) -> Result<Vec<Fetched>> {
        let mut here = self.lock();
        assert!(
            ids.len() <= self.batch() && ids.iter().collect::<BTreeSet<_>>().len() == ids.len(),
            "{ids:?}"
        );
        let mut found = Vec::new();
        for id in ids {
            let one = match here.asked(CalendarCall::Fetch, id) {
                Err(Error::Refused(why)) => Found::Refused(why),
                Err(error) => return Err(error),
                Ok(()) => match here.seen(id).filter(|_| !here.hidden.contains(id)) {
                    None if here.occurrence(id).is_some() => {
                        Found::Event(Box::new(here.occurrence(id).expect("it is there")))
                    }
                    None => Found::NotFound,
                    Some(event) if here.unreadable.contains(id) => {
                        Found::Unreadable { etag: event.etag.clone(), why: "no event".into() }
                    }
                    Some(event) => Found::Event(Box::new(event.clone())),
                },
            };
            found.push(Fetched { id: id.clone(), found: one });
        }
        Ok(found)
    }

    fn batch(&self) -> usize {
        20
    }

    fn parallel_writes(&self) -> usize {
        2
    }

    async fn absence(&self, _: &str, id: &EventId) -> Result<Option<Absence>> {
        let mut here = self.lock();
        here.asked(CalendarCall::Absence, id)?;
        let is_there = here.events.contains_key(id) || here.occurrence(id).is_some();
        Ok((!is_there || here.hidden.contains(id)).then_some(Absence::NotFound))
    }

    async fn find_uid(&self, _: &str, uid: &str) -> Result<Option<EventId>> {
        let mut here = self.lock();
        here.asked(CalendarCall::Search, &EventId::new(uid))?;
        Ok(here.events.values().find(|event| event.uid == uid).map(|event| event.id.clone()))
    }

    fn id_of_copy(&self, _: &str, uid: &str) -> Option<EventId> {
        Some(EventId::new(format!("{uid}.ics")))
    }

    async fn create(&self, _: &str, copy: &NewCopy<'_>) -> Result<Written> {
        let mut here = self.lock();
        let name = EventId::new(format!("{}.ics", copy.uid));
        here.asked(CalendarCall::Create, &name)?;
        if here.manners.read_only {
            return Err(Error::Forbidden("read-only".into()));
        }
        here.can_hold(copy.draft)?;
        if here.events.contains_key(&name) {
            return Err(Error::Exists);
        }
        if here.used.contains(&name) {
            return Err(Error::NameRefused(Box::new(Error::Refused("used before".into()))));
        }
        if here.events.values().any(|event| event.uid == copy.uid) {
            here.wrong.push(format!("{}: a second event with this UID", copy.uid));
        }
        here.now = Some(copy.now);
        let id = if here.manners.own_names {
            EventId::new(format!("server-{}.ics", here.log.len()))
        } else {
            name
        };
        let uid = if here.manners.own_uids {
            format!("uid-{}", here.log.len())
        } else {
            copy.uid.to_owned()
        };
        let event = Event {
            id,
            uid,
            marker: Some(copy.marker.to_owned()),
            ..super::sample_events::of(copy.draft)
        };
        if here.manners.lists_late {
            here.unlisted.insert(event.id.clone());
        }
        here.shown(CalendarCall::Create, event, copy.draft)
    }

    async fn rewrite(
        &self,
        _: &str,
        id: &EventId,
        version: &Version,
        copy: &NewCopy<'_>,
    ) -> Result<Written> {
        let mut here = self.lock();
        here.asked(CalendarCall::Rewrite, id)?;
        here.can_hold(copy.draft)?;
        let event = here.version(CalendarCall::Rewrite, id, version.etag.as_deref())?;
        here.now = Some(copy.now);
        let Event { id, uid, stamps, .. } = event;
        let marker = Some(copy.marker.to_owned());
        let event = Event {
            id,
            uid,
            stamps,
            marker,
            sequence: version.sequence + 1,
            ..super::sample_events::of(copy.draft)
        };
        here.shown(CalendarCall::Rewrite, event, copy.draft)
    }

    async fn edit(
        &self,
        _: &str,
        id: &EventId,
        version: &Version,
        edit: &Edit<'_>,
    ) -> Result<Written> {
        let mut here = self.lock();
        here.asked(CalendarCall::Edit, id)?;
        here.can_hold(edit.draft)?;
        if here.manners.reads_before_edits
            && let Some(seen) = here.seen(id).filter(|seen| seen.etag == version.etag)
        {
            let mut edited = seen.clone();
            put_on(&mut edited, edit.parts, edit.draft);
            if edited.content == seen.content {
                return Ok(Written::as_it_is(seen));
            }
        }
        let mut event = here.version(CalendarCall::Edit, id, version.etag.as_deref())?;
        here.now = Some(edit.now);
        put_on(&mut event, edit.parts, edit.draft);
        event.marker = edit.marker.map(str::to_owned).or(event.marker);
        event.sequence += 1;
        let wanted = Draft::from(&event);
        here.shown(CalendarCall::Edit, event, &wanted)
    }

    async fn delete(&self, _: &str, id: &EventId, etag: Option<&str>) -> Result<()> {
        let mut here = self.lock();
        here.asked(CalendarCall::Delete, id)?;
        match here.version(CalendarCall::Delete, id, etag) {
            Err(Error::Gone) => return Ok(()),
            Err(error) => return Err(error),
            Ok(event) => drop(here.remove(event.id.as_str())),
        }
        if here.manners.keeps_names {
            here.used.insert(id.clone());
        }
        if here.lost.remove(&CalendarCall::Delete) {
            Err(Error::NoAnswer("the line broke".into()))
        } else {
            Ok(())
        }
    }
}
