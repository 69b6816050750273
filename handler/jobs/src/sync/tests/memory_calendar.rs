//! A calendar in memory: it refuses what real servers refuse, and counts what must not happen.

use std::collections::{BTreeMap, BTreeSet};

use engine::change::Listed;
use engine::event::{Draft, Event, EventId, Exception, Field, Parts, Series, Stamps};
use engine::pair::Window;
use engine::recurrence::any_in_window;
use jiff::Timestamp;
use providers::{Error, Result, Written};

/// What is asked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CalendarCall {
    Calendars,
    States,
    List,
    ListAll,
    Ask,
    Fetch,
    Absence,
    Search,
    Create,
    Rewrite,
    Edit,
    Delete,
}

/// How this server differs from others.
#[derive(Clone, Debug, Default)]
pub struct ServerQuirks {
    /// It has no tags for its state, like Google's.
    pub no_tips: bool,
    /// Listings bring the events along.
    pub brings: bool,
    /// Events that are made get UIDs and names of the server's own.
    pub own_uids: bool,
    pub own_names: bool,
    /// Writes are answered without a version.
    pub answers_without_version: bool,
    /// Listings bring the events without their marks.
    pub hides_marks: bool,
    /// Series are shown by their occurrences.
    pub by_occurrence: bool,
    /// Rules that contain this text cannot be written.
    pub cannot_hold: Option<&'static str>,
    /// Marks are dropped.
    pub drops_marks: bool,
    /// Titles are cut after so many octets.
    pub longest_title: Option<usize>,
    /// An edit that changes nothing of what a read shows writes nothing.
    pub reads_before_edits: bool,
    /// A name that was deleted is refused from then on.
    pub keeps_names: bool,
    /// A cursor is answered with a listing of everything, without what was deleted.
    pub forgets: bool,
    /// What is made is not listed.
    pub lists_late: bool,
    /// What is made is not found when it is read after that, and no version of it is known.
    pub made_is_missing: bool,
    /// The calendar may not be written to.
    pub read_only: bool,
    /// It is not where it was.
    pub missing: bool,
}

type Meanwhile = Box<dyn FnOnce(&mut MemoryCalendar) + Send>;

/// A calendar, and what its server does.
#[derive(Default)]
pub struct MemoryCalendar {
    pub(super) events: BTreeMap<EventId, Event>,
    pub(super) log: Vec<EventId>,
    versions: u32,
    pub(super) epoch: u32,
    pub(super) now: Option<Timestamp>,
    pub manners: ServerQuirks,
    /// Lasting refusals, of all events where none is named.
    pub refused: BTreeMap<(CalendarCall, Option<EventId>), Error>,
    /// The next answer to such a call is lost; what was asked is done.
    pub lost: BTreeSet<CalendarCall>,
    /// Not listed; not given either.
    pub unlisted: BTreeSet<EventId>,
    pub hidden: BTreeSet<EventId>,
    pub unreadable: BTreeSet<EventId>,
    /// Named as removed, although they are there.
    pub said_gone: BTreeSet<EventId>,
    /// Shown as they were before; what happened since is not listed.
    pub stale: BTreeMap<EventId, Event>,
    pub(super) used: BTreeSet<EventId>,
    /// The window of the last whole listing.
    pub(super) window: Option<Window>,
    /// Series that were shown by their occurrences.
    pub(super) had_occurrences: BTreeSet<EventId>,
    meanwhile: BTreeMap<CalendarCall, Vec<Meanwhile>>,
    pub calls: Vec<(CalendarCall, EventId)>,
    pub wrong: Vec<String>,
}

impl MemoryCalendar {
    /// A person's write.
    pub fn put(&mut self, event: Event) {
        self.store(event);
    }

    pub fn change(&mut self, id: &str, change: impl FnOnce(&mut Event)) {
        let mut event = self.events[&EventId::new(id)].clone();
        change(&mut event);
        self.store(event);
    }

    /// A person brings back an event as it was, version and all.
    pub fn restore(&mut self, event: Event) {
        self.log.push(event.id.clone());
        self.events.insert(event.id.clone(), event);
    }

    /// As above, where that undoes the last write, on a server whose tags of calendars follow from
    /// the content too: the calendar looks as if it had not changed since before that write.
    pub fn undo(&mut self, event: Event) {
        self.log.pop();
        self.events.insert(event.id.clone(), event);
    }

    pub fn remove(&mut self, id: &str) -> Event {
        let event = self.events.remove(&EventId::new(id)).expect("it is there");
        self.log.push(event.id.clone());
        event
    }

    /// The server gives an event another name, and does not list the first as removed.
    pub fn becomes(&mut self, id: &str, event: Event) {
        let before = self.events.remove(&EventId::new(id)).expect("it is there").id;
        self.log.iter_mut().filter(|one| **one == before).for_each(|one| *one = event.id.clone());
        self.events.insert(event.id.clone(), event);
    }

    /// A person deletes everything.
    pub fn clear(&mut self) -> Vec<Event> {
        let all = self.all();
        all.iter().for_each(|event| drop(self.remove(event.id.as_str())));
        all
    }

    /// Refuses a rule that this calendar cannot hold.
    pub(super) fn can_hold(&self, draft: &Draft) -> Result<()> {
        let rules = draft.series.iter().flat_map(|series| &series.rules);
        match self.manners.cannot_hold {
            Some(part) if rules.clone().any(|rule| rule.contains(part)) => {
                Err(Error::NotRepresentable("no such rule here".into()))
            }
            _ => Ok(()),
        }
    }

    /// Every cursor is lost.
    pub fn forget_cursors(&mut self) {
        self.epoch += 1;
    }

    pub fn all(&self) -> Vec<Event> {
        self.events.values().cloned().collect()
    }

    /// Before the next call of this kind, another client does this.
    pub fn meanwhile(&mut self, call: CalendarCall, work: impl FnOnce(&mut Self) + Send + 'static) {
        self.meanwhile.entry(call).or_default().push(Box::new(work));
    }

    pub fn stop_meanwhile(&mut self) {
        self.meanwhile.clear();
    }

    /// From now on it refuses writes because guests would be notified.
    pub fn refused_edit_for_guests(&mut self) {
        self.refused.insert((CalendarCall::Edit, None), Error::HasGuests);
    }

    fn store(&mut self, mut event: Event) -> Event {
        self.versions += 1;
        event.etag = Some(format!("v{}", self.versions));
        if let Some(longest) = self.manners.longest_title {
            event.content.title.truncate(longest);
        }
        self.log.push(event.id.clone());
        self.events.insert(event.id.clone(), event.clone());
        event
    }

    pub(super) fn asked(&mut self, call: CalendarCall, id: &EventId) -> Result<()> {
        if let Some(work) =
            self.meanwhile.get_mut(&call).filter(|work| !work.is_empty()).map(|work| work.remove(0))
        {
            work(self);
        }
        self.calls.push((call, id.clone()));
        let refusal =
            self.refused.get(&(call, Some(id.clone()))).or_else(|| self.refused.get(&(call, None)));
        refusal.map_or(Ok(()), |error| Err(error.clone()))
    }

    fn answer(&mut self, call: CalendarCall, written: Written) -> Result<Written> {
        if self.lost.remove(&call) {
            Err(Error::NoAnswer("the line broke".into()))
        } else {
            Ok(written)
        }
    }

    /// The event that a write is based on.
    pub(super) fn version(
        &mut self,
        call: CalendarCall,
        id: &EventId,
        etag: Option<&str>,
    ) -> Result<Event> {
        let Some(event) =
            self.events.get(id).filter(|event| !self.hidden.contains(&event.id)).cloned()
        else {
            return Err(Error::Gone);
        };
        if self.manners.read_only {
            return Err(Error::Forbidden("read-only".into()));
        }
        if event.has_guests() {
            // A whole write is only for an event that no person has edited.
            if call == CalendarCall::Rewrite && etag == event.etag.as_deref() {
                self.wrong.push(format!("{id}: written as a whole, with guests"));
            }
            return Err(Error::HasGuests);
        }
        if etag.is_none() {
            self.wrong.push(format!("{id}: {call:?} without a version"));
        }
        if etag.is_some() && etag != event.etag.as_deref() {
            Err(Error::ChangedMeanwhile)
        } else {
            Ok(event)
        }
    }

    /// A write as it is shown.
    pub(super) fn shown(
        &mut self,
        call: CalendarCall,
        event: Event,
        as_written: &Draft,
    ) -> Result<Written> {
        let event = Event { stamps: self.stamps(&event), ..event };
        let shown = self.store(event);
        if self.manners.drops_marks {
            self.events.get_mut(&shown.id).expect("stored").marker = None;
        }
        let rewritten = Draft::from(&shown) != *as_written || self.manners.own_uids;
        let event = rewritten.then(|| Box::new(shown.clone()));
        let is_missing = self.manners.made_is_missing && call == CalendarCall::Create;
        let etag = shown.etag.filter(|_| !self.manners.answers_without_version && !is_missing);
        self.answer(
            call,
            Written { id: shown.id, etag, sequence: shown.sequence, event, rewritten, is_missing },
        )
    }

    fn stamps(&self, event: &Event) -> Stamps {
        Stamps { created: event.stamps.created.or(self.now), modified: self.now, stamped: self.now }
    }

    pub(super) fn seen(&self, id: &EventId) -> Option<&Event> {
        self.stale.get(id).or_else(|| self.events.get(id))
    }

    pub(super) fn listed(&self, id: &EventId) -> Listed {
        match self.seen(id).filter(|_| !self.said_gone.contains(id)) {
            Some(event) => {
                let event_too = self.manners.brings.then(|| Box::new(event.clone()));
                Listed::Present { id: id.clone(), etag: event.etag.clone(), event: event_too }
            }
            None => Listed::Removed { id: id.clone() },
        }
    }

    pub(super) fn in_window(&self, window: Window) -> Vec<Listed> {
        let inside = |event: &&Event| {
            !self.unlisted.contains(&event.id)
                && any_in_window(&Draft::from(*event), window, None).unwrap_or(true)
        };
        let lines = |event: &Event| self.lines_of(&event.id).0;
        self.events.values().filter(inside).flat_map(lines).collect()
    }

    pub(super) fn token(&self) -> String {
        format!("{}-{}", self.epoch, self.log.len())
    }
}

/// Puts some parts of a draft on an event.
pub fn put_on(event: &mut Event, parts: &Parts, draft: &Draft) {
    let (to, from) = (&mut event.content, &draft.content);
    for field in &parts.fields {
        match field {
            Field::Time => {
                to.span = from.span.clone();
                let kept = event.series.take().map(|series| series.exceptions).unwrap_or_default();
                let rules = draft.series.as_ref();
                event.series = rules.map(|series| Series {
                    rules: series.rules.clone(),
                    extra: series.extra.clone(),
                    exceptions: kept,
                });
            }
            Field::Title => to.title.clone_from(&from.title),
            Field::Description => to.description.clone_from(&from.description),
            Field::Location => to.location.clone_from(&from.location),
            Field::Attendees => {}
            Field::Visibility => to.visibility = from.visibility,
            Field::Busy => to.busy = from.busy,
        }
    }
    for start in &parts.exceptions {
        let value: Option<Exception> =
            draft.series.as_ref().and_then(|series| series.exceptions.get(start).cloned());
        if let Some(series) = &mut event.series {
            match value {
                Some(value) => drop(series.exceptions.insert(*start, value)),
                None => drop(series.exceptions.remove(start)),
            }
        }
    }
}
