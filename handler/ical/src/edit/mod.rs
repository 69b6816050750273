//! Parts of an object changed in place; every other line stays byte for byte.
//!
//! Properties kept: what is already as the draft wants it is not written again, and an edit that
//! changes nothing returns the same bytes with the same SEQUENCE; otherwise SEQUENCE rises by one
//! on the master and on each changed occurrence that was touched, and those get new DTSTAMP and
//! LAST-MODIFIED. Lines that would show an old value in another form go with it: DURATION when the
//! time changes, X-APPLE-STRUCTURED-LOCATION with LOCATION, X-ALT-DESC and STYLED-DESCRIPTION with
//! DESCRIPTION. A change on the master does not reach its changed occurrences; one that had no
//! CLASS of its own is given the master's old one.

mod before;
mod editor;
mod occurrences;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use engine::event::{Content, Exception, Field, Series, Span};
use engine::reason::PART_WITHOUT_RULE;
use engine::write::Edit;

use crate::context::ObjectContext;
use crate::error::{EditError, Unreadable};
use crate::layout;
use crate::property::MARKER;
use crate::tree::{Component, Node, Object};
use crate::write::{self, Stamp};
use crate::{fields, people, stamps, vtimezone};
use before::Before;
use editor::{Editor, Exclusions, orphaned};
use occurrences::MovedComponents;

/// An object after an edit.
#[derive(Debug)]
pub struct Edited {
    /// The whole object, to be stored.
    pub object: Vec<u8>,
    /// Its SEQUENCE now.
    pub sequence: u32,
}

/// Changes parts of an object and keeps the rest byte for byte. Where everything is already as the
/// draft wants it, the object comes back unchanged, with the SEQUENCE that it had.
///
/// # Errors
/// [`EditError::HasGuests`] where other people take part, in a copy too: its owner may have invited
/// them.
pub fn edit(
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

impl Editor<'_> {
    fn run(&mut self) -> Result<(), EditError> {
        let parts = self.edit.parts;
        let draft = self.edit.draft;
        let main = self.before.layout.main;
        let old = self.before.event.content.clone();
        let moves = || old.span != draft.content.span || self.before.event.series != draft.series;
        if self.before.expanded && parts.fields.contains(&Field::Time) && moves() {
            return Err(Unreadable(PART_WITHOUT_RULE.into()).into());
        }
        if parts.fields.contains(&Field::Visibility) {
            self.keep_visibility(&old, &draft.content);
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
        self.resolve_doubles();
        self.exclude()?;
        self.mark()
    }

    /// An occurrence that is both excluded and changed becomes one of the two with the first edit,
    /// which makes the master the newer part.
    fn resolve_doubles(&mut self) {
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
    fn keep_visibility(&mut self, old: &Content, new: &Content) {
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

    /// Rules and further dates. Returns whether the series has moved to another zone or changed
    /// between all-day and timed, so that everything in the form of its start must be written
    /// again.
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
                stamp.touch(event, stamps::sequence(event).saturating_add(1));
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
