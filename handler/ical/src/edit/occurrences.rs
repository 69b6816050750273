//! Cancelled and changed occurrences of a series, edited in place.
//!
//! A cancelled occurrence is an EXDATE, and its component goes; one that takes place again loses
//! that EXDATE value from whichever line holds it, or its component. A newly changed occurrence is
//! made from the master, as calendar programs do, so that the owner's alarms and other properties
//! are there too. Where a series is moved, the component of an occurrence moves with it.

use std::collections::{BTreeMap, BTreeSet};

use engine::event::{Exception, Field, OriginalStart, Span};
use jiff::civil::Date;

use super::editor::{Editor, orphaned};
use crate::error::{EditError, Unreadable};
use crate::property::Property;
use crate::tree::{Component, Node};
use crate::write::{self, Stamp};
use crate::{fields, layout};

/// The components that move from one occurrence to another.
#[derive(Default)]
pub(super) struct MovedComponents {
    /// To which occurrence.
    to: BTreeMap<OriginalStart, usize>,
    /// Their places.
    places: BTreeSet<usize>,
}

impl Editor<'_> {
    /// Brings all exceptions to what the draft has. `new_form`: the start of the series is now
    /// written in another form.
    pub(super) fn all_exceptions(&mut self, new_form: bool) -> Result<(), EditError> {
        let wanted =
            self.edit.draft.series.iter().flat_map(|series| series.exceptions.keys().copied());
        let known = self.before.overrides.keys().chain(&self.before.excluded_keys).copied();
        let keys: BTreeSet<OriginalStart> = wanted.chain(known).collect();
        let moved = self.moved();
        self.exclusions.rewrite_all = new_form && !self.before.excluded_keys.is_empty();
        for key in &keys {
            match moved.to.get(key) {
                Some(&at) => {
                    // What came to be excluded there is wanted again.
                    self.exclusions
                        .dropped
                        .extend(self.before.excluded_keys.contains(key).then_some(*key));
                    self.change(*key, at, true)?;
                }
                None => self.exception(*key, &moved)?,
            }
        }
        if new_form {
            self.rewrite_ids(&moved)?;
        }
        Ok(())
    }

    /// Brings one exception to what the draft has; components that moved to another occurrence are
    /// out of reach.
    pub(super) fn exception(
        &mut self,
        key: OriginalStart,
        moved: &MovedComponents,
    ) -> Result<(), EditError> {
        let places = self.before.overrides.get(&key).into_iter().flatten().copied();
        let places: Vec<usize> = places.filter(|at| !moved.places.contains(at)).collect();
        let excluded = self.before.excluded_keys.contains(&key);
        let now = self.before.exception(&key);
        // Of a series whose rule is elsewhere, an occurrence that is not listed does not take
        // place.
        let orphaned = self.before.layout.orphaned;
        let cancelled = now == Some(&Exception::Cancelled) || (orphaned && now.is_none());
        // A further date with a length of its own, or what a change of all that follow makes of an
        // occurrence.
        if !self.before.overrides.contains_key(&key) && matches!(now, Some(Exception::Changed(_))) {
            if self.wanted(&key) == now {
                return Ok(());
            }
            if self.wanted(&key).is_none() {
                return Err(Unreadable(
                    "one of its occurrences differs without being changed, and cannot be put back"
                        .into(),
                )
                .into());
            }
        }
        match self.wanted(&key) {
            Some(Exception::Cancelled) => {
                if cancelled && !(places.is_empty() && self.exclusions.rewrite_all) {
                    return Ok(());
                }
                self.removed.extend(&places);
                if !orphaned && (!excluded || self.exclusions.rewrite_all) {
                    self.exclusions.added.insert(key);
                }
            }
            Some(Exception::Changed(_)) => {
                self.exclusions.dropped.extend(excluded.then_some(key));
                match places.first() {
                    Some(&first) if !cancelled => self.change(key, first, false)?,
                    _ => {
                        self.removed.extend(&places);
                        self.add(key)?;
                    }
                }
            }
            None if now.is_none() => {}
            None => {
                self.removed.extend(&places);
                self.exclusions.dropped.extend(excluded.then_some(key));
            }
        }
        Ok(())
    }

    /// Brings a component to what the draft has for an occurrence.
    fn change(&mut self, key: OriginalStart, at: usize, moved: bool) -> Result<(), EditError> {
        let Some(Exception::Changed(new)) = self.wanted(&key).cloned() else { return Ok(()) };
        let owner = self.before.owners.get(&at);
        let old = match owner.and_then(|owner| self.before.exception(owner)) {
            Some(Exception::Changed(old)) => old.as_ref().clone(),
            _ => return Ok(()),
        };
        let (stamp, span) = (self.stamp, self.shown().span);
        let event = self.component(at)?;
        let changed = fields::update(event, &old, &new, &all_fields(), stamp);
        if moved {
            event.set(stamp.line(write::original_start(key, &span).line("RECURRENCE-ID")));
        }
        if changed || moved {
            self.touched.insert(at);
        }
        Ok(())
    }

    /// Makes a component for an occurrence from the master.
    fn add(&mut self, key: OriginalStart) -> Result<(), EditError> {
        if self.before.layout.orphaned {
            return Err(orphaned());
        }
        let Some(Exception::Changed(new)) = self.wanted(&key).cloned() else { return Ok(()) };
        let (stamp, shown) = (self.stamp, self.shown());
        let mut event = self.component(self.before.layout.main)?.clone();
        for name in ["RRULE", "RDATE", "EXDATE", "DURATION"] {
            event.remove(name);
        }
        let id = write::original_start(key, &shown.span);
        event.set(stamp.line(id.line("RECURRENCE-ID")));
        let (start, end) = write::bounds(&new.span);
        event.set(stamp.line(start.line("DTSTART")));
        event.set(stamp.line(end.line("DTEND")));
        let mut others = all_fields();
        others.remove(&Field::Time);
        fields::update(&mut event, &shown, &new, &others, stamp);
        // An occurrence that is wanted takes place, even in a cancelled series.
        if layout::is_cancelled(&event) {
            event.set(stamp.line(format!("STATUS:{}", write::transparency(new.busy).1)));
        }
        own_alarms(&mut event, &id.value(), stamp);
        self.added.push(event);
        Ok(())
    }

    /// Which components move to which occurrence: those whose occurrence the draft no longer
    /// changes, to those it newly changes on the day to which the series as a whole was moved.
    fn moved(&self) -> MovedComponents {
        let (old, new) = (&self.before.event.content.span, &self.edit.draft.content.span);
        let (was, is) = (first_day(old), first_day(new));
        let changes = |key: &OriginalStart| matches!(self.wanted(key), Some(Exception::Changed(_)));
        let free = self.before.overrides.iter().filter(|(key, _)| !changes(key));
        let free = free
            .filter(|(key, _)| matches!(self.before.exception(key), Some(Exception::Changed(_))));
        let mut by_day: BTreeMap<Date, usize> = BTreeMap::new();
        for (key, places) in free {
            let shifted = is.since(was).and_then(|shift| day(*key, old).checked_add(shift));
            if let (Ok(day), Some(&at)) = (shifted, places.first()) {
                by_day.entry(day).or_insert(at);
            }
        }
        let wanted = self.edit.draft.series.iter().flat_map(|series| series.exceptions.keys());
        let newly = wanted.filter(|key| changes(key) && !self.before.overrides.contains_key(key));
        let to: BTreeMap<OriginalStart, usize> =
            newly.filter_map(|key| Some((*key, by_day.remove(&day(*key, new))?))).collect();
        MovedComponents { places: to.values().copied().collect(), to }
    }

    /// Says the identities of all occurrences that stay in the form that the start of the series
    /// now has.
    fn rewrite_ids(&mut self, moved: &MovedComponents) -> Result<(), EditError> {
        let (stamp, span) = (self.stamp, self.shown().span);
        for (key, places) in self.before.overrides.clone() {
            let stays = |at: &usize| !self.removed.contains(at) && !moved.places.contains(at);
            for at in places.into_iter().filter(stays).collect::<Vec<_>>() {
                self.component(at)?
                    .set(stamp.line(write::original_start(key, &span).line("RECURRENCE-ID")));
                self.touched.insert(at);
            }
        }
        Ok(())
    }

    /// Writes the EXDATEs of the master.
    pub(super) fn exclude(&mut self) -> Result<(), EditError> {
        let exclusions = std::mem::take(&mut self.exclusions);
        let (stamp, span, main) = (self.stamp, self.shown().span, self.before.layout.main);
        let named = std::mem::take(&mut self.before.excluded);
        if exclusions.rewrite_all || !exclusions.dropped.is_empty() {
            let mut named = named.into_iter();
            let event = self.component(main)?;
            event.items_mut().retain_mut(|item| match item {
                Node::Line(line) if line.is("EXDATE") => {
                    let Some(property) = Property::parse(line.text()) else { return true };
                    let values = property.value.split(',').filter(|value| !value.trim().is_empty());
                    let named = named.next().unwrap_or_default();
                    let goes = |key: &OriginalStart| {
                        exclusions.rewrite_all || exclusions.dropped.contains(key)
                    };
                    if !named.iter().any(goes) {
                        return true;
                    }
                    let stay =
                        values.zip(&named).filter(|(_, key)| !goes(key)).map(|(value, _)| value);
                    let stay = stay.collect::<Vec<_>>().join(",");
                    let text = format!("{}:{stay}", property.head());
                    let empty = stay.is_empty();
                    *line = stamp.line(text);
                    !empty
                }
                _ => true,
            });
            self.touched.insert(main);
        }
        if !exclusions.added.is_empty() {
            let lines = exclusions
                .added
                .iter()
                .map(|key| stamp.line(write::original_start(*key, &span).line("EXDATE")));
            self.component(main)?.add_all(lines);
            self.touched.insert(main);
        }
        Ok(())
    }

    /// What the draft has for an occurrence.
    fn wanted(&self, key: &OriginalStart) -> Option<&Exception> {
        self.edit.draft.series.as_ref()?.exceptions.get(key)
    }
}

fn all_fields() -> BTreeSet<Field> {
    Field::ALL.into_iter().collect()
}

/// Alarms are known by their UIDs (RFC 9074): those of a component that was made from another get
/// their own, and have not rung.
fn own_alarms(event: &mut Component, suffix: &str, stamp: Stamp) {
    for item in event.items_mut() {
        let Node::Component(alarm) = item else { continue };
        alarm.remove("ACKNOWLEDGED");
        for name in ["UID", "X-WR-ALARMUID"] {
            let uid = alarm.property(name).map(|uid| uid.value.trim().to_owned());
            if let Some(uid) = uid {
                alarm.set(stamp.line(format!("{name}:{uid}-{suffix}")));
            }
        }
    }
}

fn first_day(span: &Span) -> Date {
    match span {
        Span::AllDay { start, .. } => *start,
        Span::Timed { start, .. } => start.local.date(),
    }
}

/// The day of an occurrence as its series shows it.
fn day(key: OriginalStart, span: &Span) -> Date {
    match (key, span) {
        (OriginalStart::Day(day), _) => day,
        (OriginalStart::Floating(local), _) => local.date(),
        (OriginalStart::At(instant), Span::Timed { start, .. }) => {
            engine::zone::rules(&start.zone, None).to_datetime(instant).date()
        }
        (OriginalStart::At(instant), Span::AllDay { .. }) => {
            jiff::tz::TimeZone::UTC.to_datetime(instant).date()
        }
    }
}
