//! Parts of an object changed in place; every other line stays byte for byte.
//!
//! Properties kept: what is already as the draft wants it is not written again, and an edit that
//! changes nothing gives back the same bytes with the same SEQUENCE; otherwise SEQUENCE rises by
//! one on the master and on each changed occurrence that was touched, and those get new DTSTAMP and
//! LAST-MODIFIED. Lines that would show an old value in another form go with it: DURATION when the
//! time changes, X-APPLE-STRUCTURED-LOCATION with LOCATION, X-ALT-DESC and STYLED-DESCRIPTION with
//! DESCRIPTION. A change on the master does not reach its changed occurrences; one that had no
//! CLASS of its own is given the master's old one.

use std::collections::{BTreeMap, BTreeSet};

use engine::event::{Content, Event, EventId, Exception, Field, OriginalStart, Series, Span};

use super::layout::{self, Layout};
use super::occurrences::{Exclusions, MovedComponents};
use super::read::{self, MARKER, ObjectReader};
use super::tree::{Component, Node, Object};
use super::write::{self, Stamp};
use super::{EditError, Edited, ObjectContext, Unreadable, fields, people, vtimezone};
use crate::Edit;

/// An object under the knife.
pub(super) struct Editor<'a> {
    pub(super) calendar: &'a mut Component,
    pub(super) edit: &'a Edit<'a>,
    pub(super) stamp: Stamp,
    pub(super) before: Before,
    /// The components that the edit changed, by their place.
    pub(super) touched: BTreeSet<usize>,
    /// The components to be taken out at the end.
    pub(super) removed: BTreeSet<usize>,
    /// Changed occurrences to be put in at the end.
    pub(super) added: Vec<Component>,
    /// What is to happen to the EXDATEs.
    pub(super) exclusions: Exclusions,
}

/// The object as it was read.
pub(super) struct Before {
    pub(super) layout: Layout,
    pub(super) event: Event,
    /// Where the components of each changed occurrence stand.
    pub(super) overrides: BTreeMap<OriginalStart, Vec<usize>>,
    /// Which occurrence the component at a place changes.
    pub(super) owners: BTreeMap<usize, OriginalStart>,
    /// What each EXDATE line names, value by value.
    pub(super) excluded: Vec<Vec<OriginalStart>>,
    /// All that the EXDATE lines name.
    pub(super) excluded_keys: BTreeSet<OriginalStart>,
    /// Some occurrences of this timed series are named by their day alone: they mean the time of
    /// its start, whatever that is.
    days_alone: bool,
    /// Its series shows more than its rule and its exceptions say.
    expanded: bool,
    /// An all-day event that is written with times.
    days_as_times: bool,
}

/// Makes an edit.
pub(super) fn object(
    object: &[u8],
    edit: &Edit<'_>,
    context: ObjectContext<'_>,
) -> Result<Edited, EditError> {
    let mut tree = Object::parse(object)?;
    let calendar = layout::calendar(&tree)?;
    // Copies are no exception: they have no guests unless their owner invited some.
    if layout::events(calendar).iter().any(|(_, event)| people::has_others(event, context)) {
        return Err(EditError::HasGuests);
    }
    let before = Before::of(calendar, context)?;
    let old_zones = named_zones(calendar);
    let sequence = before.event.sequence;
    let stamp = Stamp { now: edit.now, end: tree.line_end() };
    let Some(calendar) = tree.component_mut("VCALENDAR") else {
        return Err(Unreadable("it is no iCalendar object".into()).into());
    };
    let mut editor = Editor {
        calendar,
        edit,
        stamp,
        before,
        touched: BTreeSet::new(),
        removed: BTreeSet::new(),
        added: Vec::new(),
        exclusions: Exclusions::default(),
    };
    editor.run()?;
    if editor.touched.is_empty() && editor.removed.is_empty() && editor.added.is_empty() {
        return Ok(Edited { object: object.to_vec(), sequence });
    }
    editor.finish(&old_zones);
    Ok(Edited { object: tree.to_bytes(), sequence: sequence.saturating_add(1) })
}

impl Before {
    fn of(calendar: &Component, context: ObjectContext<'_>) -> Result<Self, Unreadable> {
        let reader = ObjectReader::new(calendar, context)?;
        let event = reader.event(EventId::new(""), None)?;
        let span = &event.content.span;
        let mut owners = BTreeMap::new();
        for &at in &reader.layout.overrides {
            if let Some(component) = layout::component(calendar, at) {
                owners.insert(at, reader.recurrence_id(component, span)?);
            }
        }
        let mut overrides: BTreeMap<OriginalStart, Vec<usize>> = BTreeMap::new();
        for (at, key) in &owners {
            overrides.entry(*key).or_default().push(*at);
        }
        // Where two stand for one occurrence, the one that counts comes first.
        for places in overrides.values_mut() {
            places.sort_by_key(|at| {
                std::cmp::Reverse(layout::component(calendar, *at).map(layout::version))
            });
        }
        let lines = reader.main().properties("EXDATE");
        let excluded = lines.map(|line| {
            let values = line.value.split(',').filter(|value| !value.trim().is_empty());
            values.filter_map(|value| reader.listed(value, &line, span)).collect()
        });
        let excluded: Vec<Vec<OriginalStart>> =
            if reader.layout.orphaned { Vec::new() } else { excluded.collect() };
        let excluded_keys = excluded.iter().flatten().copied().collect();
        let days_alone = matches!(span, Span::Timed { .. })
            && layout::events(calendar).iter().any(|(_, event)| names_days(event));
        let written =
            reader.main().property("DTSTART").map(|start| start.value.contains(['T', 't']));
        let days_as_times = matches!(span, Span::AllDay { .. }) && written == Some(true);
        let expanded = reader.is_expanded();
        Ok(Self {
            layout: reader.layout,
            event,
            overrides,
            owners,
            excluded,
            excluded_keys,
            days_alone,
            expanded,
            days_as_times,
        })
    }

    /// The exception that an occurrence is.
    pub(super) fn exception(&self, key: &OriginalStart) -> Option<&Exception> {
        self.event.series.as_ref()?.exceptions.get(key)
    }

    /// The series; an empty one where there is none.
    fn series(&self) -> Series {
        self.event.series.clone().unwrap_or_default()
    }
}

impl Editor<'_> {
    fn run(&mut self) -> Result<(), EditError> {
        let parts = self.edit.parts;
        let draft = self.edit.draft;
        let main = self.before.layout.main;
        let old = self.before.event.content.clone();
        let moves = || old.span != draft.content.span || self.before.event.series != draft.series;
        if self.before.expanded && parts.fields.contains(&Field::Time) && moves() {
            return Err(Unreadable(
                "its series is one that cannot be moved from here: part of it follows no rule"
                    .into(),
            )
            .into());
        }
        if parts.fields.contains(&Field::Visibility) {
            self.settle_visibility(&old, &draft.content);
        }
        let stamp = self.stamp;
        if fields::update(self.component(main)?, &old, &draft.content, &parts.fields, stamp) {
            self.touched.insert(main);
        }
        if parts.fields.contains(&Field::Time) {
            let new_form = self.repeat()?;
            self.all_exceptions(new_form)?;
        } else {
            for key in &parts.exceptions {
                self.exception(*key, &MovedComponents::default())?;
            }
        }
        self.settle_doubles();
        self.exclude()?;
        self.mark()
    }

    /// The component at a place in the VCALENDAR.
    pub(super) fn component(&mut self, at: usize) -> Result<&mut Component, EditError> {
        layout::component_mut(self.calendar, at)
            .ok_or_else(|| Unreadable("its event is not where it was".into()).into())
    }

    /// What the main component shows after the edit.
    pub(super) fn shown(&self) -> Content {
        let (mut shown, new) = (self.before.event.content.clone(), &self.edit.draft.content);
        for field in &self.edit.parts.fields {
            match field {
                Field::Time => shown.span = new.span.clone(),
                Field::Title => shown.title.clone_from(&new.title),
                Field::Description => shown.description.clone_from(&new.description),
                Field::Location => shown.location.clone_from(&new.location),
                Field::Visibility => shown.visibility = new.visibility,
                Field::Busy => shown.busy = new.busy,
                Field::Attendees => {}
            }
        }
        shown
    }

    /// An occurrence that is both excluded and changed becomes one of the two with the first edit,
    /// which makes the master the newer part.
    fn settle_doubles(&mut self) {
        if self.touched.is_empty()
            && self.removed.is_empty()
            && self.added.is_empty()
            && self.exclusions.is_empty()
        {
            return;
        }
        for (key, places) in &self.before.overrides {
            if !self.before.excluded_keys.contains(key) || self.exclusions.dropped.contains(key) {
                continue;
            }
            let goes = places.iter().all(|at| self.removed.contains(at));
            match self.before.exception(key) {
                Some(Exception::Changed(_)) if !goes => drop(self.exclusions.dropped.insert(*key)),
                Some(Exception::Cancelled) => self.removed.extend(places),
                _ => {}
            }
        }
    }

    /// A changed occurrence without CLASS has that of the master: it keeps the old one.
    fn settle_visibility(&mut self, old: &Content, new: &Content) {
        if write::class(old.visibility) == write::class(new.visibility) {
            return;
        }
        let stamp = self.stamp;
        for at in self.before.layout.overrides.clone() {
            let Some(event) = layout::component_mut(self.calendar, at) else { continue };
            if event.property("CLASS").is_none_or(|class| class.value.trim().is_empty()) {
                event.set(stamp.line(format!("CLASS:{}", write::class(old.visibility))));
                self.touched.insert(at);
            }
        }
    }

    /// Rules and further dates. Says whether the series has come to stand in another zone or
    /// changed between all-day and timed, so that everything that is written in the form of its
    /// start must be written anew.
    fn repeat(&mut self) -> Result<bool, EditError> {
        let draft = self.edit.draft;
        let span = &draft.content.span;
        let old_span = &self.before.event.content.span;
        let new_form = !same_form(old_span, span)
            || (self.before.days_alone && write::bounds(old_span).0 != write::bounds(span).0)
            || (self.before.days_as_times && old_span != span);
        let old = self.before.series();
        let none = Series::default();
        let new = draft.series.as_ref().unwrap_or(&none);
        let main = self.before.layout.main;
        let stamp = self.stamp;
        if self.before.layout.orphaned {
            return if new.rules.is_empty() { Ok(new_form) } else { Err(orphaned()) };
        }
        let rules: Vec<String> = new.rules.iter().map(|rule| write::rule_at(rule, span)).collect();
        if old.rules != rules || (new_form && !rules.is_empty()) {
            let event = self.component(main)?;
            event.remove("RRULE");
            write::rules(event, new, span, stamp);
            self.touched.insert(main);
        }
        let mut extra = new.extra.clone();
        extra.sort_unstable();
        extra.dedup();
        if old.extra != extra || (new_form && !extra.is_empty()) {
            let event = self.component(main)?;
            event.remove("RDATE");
            write::extra(event, new, span, stamp);
            self.touched.insert(main);
        }
        Ok(new_form)
    }

    /// Puts the loop mark on every component.
    fn mark(&mut self) -> Result<(), EditError> {
        let Some(marker) = self.edit.marker else { return Ok(()) };
        let stamp = self.stamp;
        let places =
            [self.before.layout.main].into_iter().chain(self.before.layout.overrides.clone());
        for at in places.filter(|at| !self.removed.contains(at)).collect::<Vec<_>>() {
            let event = self.component(at)?;
            if event.property(MARKER).is_none_or(|found| found.value.trim() != marker) {
                event.set(stamp.line(write::marker(marker)));
                self.touched.insert(at);
            }
        }
        for event in &mut self.added {
            event.set(stamp.line(write::marker(marker)));
        }
        Ok(())
    }

    /// Counts the edit, takes out and puts in components, and describes zones that were not in use
    /// before.
    fn finish(mut self, old_zones: &BTreeSet<String>) {
        let stamp = self.stamp;
        let sequence = self.before.event.sequence.saturating_add(1);
        self.touched.insert(self.before.layout.main);
        for at in self.touched.difference(&self.removed) {
            if let Some(event) = layout::component_mut(self.calendar, *at) {
                stamp.touch(event, read::sequence(event).saturating_add(1));
            }
        }
        for event in &mut self.added {
            stamp.touch(event, sequence);
        }
        let span_of_zones = write::zones(
            &self.shown(),
            self.edit.draft.series.as_ref().or(self.before.event.series.as_ref()),
        );
        let last = layout::events(self.calendar).last().map_or(0, |(at, _)| *at);
        let items = std::mem::take(self.calendar.items_mut());
        let mut added = self.added.into_iter().map(Node::Component);
        for (at, item) in items.into_iter().enumerate() {
            if !self.removed.contains(&at) {
                self.calendar.items_mut().push(item);
            }
            if at == last {
                self.calendar.items_mut().extend(added.by_ref());
            }
        }
        let described: BTreeSet<String> = self
            .calendar
            .components()
            .filter(|component| component.name() == "VTIMEZONE")
            .filter_map(|zone| zone.property("TZID").map(|tzid| tzid.value.trim().to_owned()))
            .collect();
        for name in named_zones(self.calendar)
            .difference(old_zones)
            .filter(|name| !described.contains(*name))
        {
            let Some((first, until)) = span_of_zones.get(name) else { continue };
            let Some(zone) = vtimezone::component(name, *first, *until, stamp.end) else {
                continue;
            };
            let at = layout::events(self.calendar).first().map_or(0, |(at, _)| *at);
            self.calendar.items_mut().insert(at, Node::Component(zone));
        }
    }
}

/// Whether a component names an occurrence by its day alone.
fn names_days(event: &Component) -> bool {
    let properties =
        ["EXDATE", "RDATE", "RECURRENCE-ID"].into_iter().flat_map(|name| event.properties(name));
    let mut values = properties.flat_map(|property| property.value.split(',').collect::<Vec<_>>());
    values.any(|value| !value.trim().is_empty() && !value.contains(['T', 't']))
}

/// The TZIDs that the events use.
fn named_zones(calendar: &Component) -> BTreeSet<String> {
    let mut zones = BTreeSet::new();
    for (_, event) in layout::events(calendar) {
        for name in ["DTSTART", "DTEND", "RECURRENCE-ID", "RDATE", "EXDATE"] {
            zones.extend(event.properties(name).filter_map(|property| property.parameter("TZID")));
        }
    }
    zones
}

/// Whether two spans start in the same form and zone.
fn same_form(old: &Span, new: &Span) -> bool {
    match (old, new) {
        (Span::AllDay { .. }, Span::AllDay { .. }) => true,
        (Span::Timed { start: old, .. }, Span::Timed { start: new, .. }) => old.zone == new.zone,
        _ => false,
    }
}

/// Why an object that holds changed occurrences only cannot become a series.
pub(super) fn orphaned() -> EditError {
    Unreadable("it holds single occurrences of a series whose rule is elsewhere".into()).into()
}

#[cfg(test)]
mod tests;
