//! Copies written from scratch.
//!
//! What comes back when such an object is read differs from the draft in this only:
//! [`Visibility::Default`] has become `Public`, `Oof` has become `Busy` and `WorkingElsewhere`
//! `Free` (iCalendar has no words for them), attendees are gone, texts have `\n` for line ends and
//! no control characters, seconds have no fractions, UNTIL has the form that the start asks for,
//! and an empty series is none.

use std::collections::BTreeMap;

use engine::event::{
    Busy, Content, Exception, Moment, OriginalStart, Series, Span, Visibility, Zone,
};
use jiff::civil::DateTime;
use jiff::{Timestamp, tz::TimeZone};

use crate::lines::{ContentLine, LineEnd};
use crate::property::MARKER;
use crate::tree::Component;
use crate::value::{PropertyTime, TimeForm, escape, plain};
use crate::{until, vtimezone};
use engine::write::NewCopy;

/// How the server wants its objects.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObjectStyle {
    /// Put an inert alarm into copies, so that the server does not add its default alerts (Apple).
    pub inert_alarm: bool,
}

/// What all components of a write have in common.
#[derive(Clone, Copy)]
pub(crate) struct Stamp {
    /// The instant of the write.
    pub(crate) now: Timestamp,
    /// How lines end.
    pub(crate) end: LineEnd,
}

impl Stamp {
    /// A line with the object's line end.
    pub(crate) fn line(self, text: String) -> ContentLine {
        ContentLine::new(text, self.end)
    }

    /// Marks a component as written now.
    pub(crate) fn touch(self, event: &mut Component, sequence: u32) {
        event.set(self.line(PropertyTime::utc(self.now).line("DTSTAMP")));
        event.set(self.line(PropertyTime::utc(self.now).line("LAST-MODIFIED")));
        event.set(self.line(format!("SEQUENCE:{sequence}")));
    }
}

/// Writes a copy from scratch.
pub fn write(copy: &NewCopy<'_>, sequence: u32, style: ObjectStyle) -> Vec<u8> {
    let stamp = Stamp { now: copy.now, end: LineEnd::CrLf };
    let mut calendar = Component::new("VCALENDAR", stamp.end);
    for line in ["VERSION:2.0", "PRODID:-//Calrelay//EN", "CALSCALE:GREGORIAN"] {
        calendar.add(stamp.line(line.to_owned()));
    }
    let content = &copy.draft.content;
    let series = copy.draft.series.as_ref();
    for (name, (first, last)) in zones(content, series) {
        if let Some(zone) = vtimezone::component(&name, first, last, stamp.end) {
            calendar.add_component(zone);
        }
    }
    let mut master = event(copy.uid, None, content, sequence, stamp);
    if let Some(series) = series {
        repeat(&mut master, series, &content.span, stamp);
    }
    finish(&mut master, copy, style, "", stamp);
    calendar.add_component(master);
    for (original, exception) in series.iter().flat_map(|series| &series.exceptions) {
        if let Exception::Changed(changed) = exception {
            let id = original_start(*original, &content.span);
            let mut changed = event(copy.uid, Some(&id), changed, sequence, stamp);
            finish(&mut changed, copy, style, &format!("-{}", id.value()), stamp);
            calendar.add_component(changed);
        }
    }
    let mut out = Vec::new();
    calendar.write(stamp.end, &mut out);
    out
}

/// The loop mark and, where the server would add an alarm of its own, one that never rings.
fn finish(
    event: &mut Component,
    copy: &NewCopy<'_>,
    style: ObjectStyle,
    suffix: &str,
    stamp: Stamp,
) {
    event.add(stamp.line(marker(copy.marker)));
    if style.inert_alarm {
        let mut alarm = Component::new("VALARM", stamp.end);
        alarm.add(stamp.line(format!("UID:{}-alarm{suffix}", one_line(copy.uid))));
        alarm.add(stamp.line("ACTION:NONE".to_owned()));
        alarm.add(stamp.line("TRIGGER;VALUE=DATE-TIME:19760401T005545Z".to_owned()));
        alarm.add(stamp.line("X-APPLE-DEFAULT-ALARM:TRUE".to_owned()));
        event.add_component(alarm);
    }
}

/// The line of the loop mark.
pub(crate) fn marker(marker: &str) -> String {
    format!("{MARKER}:{}", one_line(marker))
}

/// A VEVENT with everything but its recurrence.
pub(crate) fn event(
    uid: &str,
    id: Option<&PropertyTime>,
    content: &Content,
    sequence: u32,
    stamp: Stamp,
) -> Component {
    let mut event = Component::new("VEVENT", stamp.end);
    event.add(stamp.line(format!("UID:{}", one_line(uid))));
    stamp.touch(&mut event, sequence);
    if let Some(id) = id {
        event.add(stamp.line(id.line("RECURRENCE-ID")));
    }
    let (start, end) = bounds(&content.span);
    event.add(stamp.line(start.line("DTSTART")));
    event.add(stamp.line(end.line("DTEND")));
    for (name, text) in [
        ("SUMMARY", &content.title),
        ("DESCRIPTION", &content.description),
        ("LOCATION", &content.location),
    ] {
        if !plain(text).is_empty() {
            event.add(stamp.line(format!("{name}:{}", escape(text))));
        }
    }
    event.add(stamp.line(format!("CLASS:{}", class(content.visibility))));
    let (transparency, status) = transparency(content.busy);
    event.add(stamp.line(format!("TRANSP:{transparency}")));
    event.add(stamp.line(format!("STATUS:{status}")));
    event
}

/// Adds RRULE, RDATE and EXDATE.
fn repeat(master: &mut Component, series: &Series, span: &Span, stamp: Stamp) {
    rules(master, series, span, stamp);
    extra(master, series, span, stamp);
    for (original, exception) in &series.exceptions {
        if *exception == Exception::Cancelled {
            master.add(stamp.line(original_start(*original, span).line("EXDATE")));
        }
    }
}

/// A rule as it is written for a start.
pub(crate) fn rule_at(rule: &str, span: &Span) -> String {
    engine::recurrence::normalised(&until::normalised(rule, span, None), span, None)
}

/// Adds the RRULEs.
pub(crate) fn rules(master: &mut Component, series: &Series, span: &Span, stamp: Stamp) {
    for rule in &series.rules {
        master.add(stamp.line(format!("RRULE:{}", one_line(&rule_at(rule, span)))));
    }
}

/// Adds the RDATEs.
pub(crate) fn extra(master: &mut Component, series: &Series, span: &Span, stamp: Stamp) {
    for original in &series.extra {
        master.add(stamp.line(original_start(*original, span).line("RDATE")));
    }
}

/// DTSTART and DTEND.
pub(crate) fn bounds(span: &Span) -> (PropertyTime, PropertyTime) {
    match span {
        Span::AllDay { start, end } => (PropertyTime::Day(*start), PropertyTime::Day(*end)),
        Span::Timed { start, end } => (moment(start), moment(end)),
    }
}

fn moment(moment: &Moment) -> PropertyTime {
    let form = match &moment.zone {
        Zone::Utc => TimeForm::Utc,
        Zone::Floating => TimeForm::Floating,
        Zone::Iana(name) => TimeForm::Zone(name.clone()),
    };
    PropertyTime::Time(moment.local, form)
}

/// The identity of an occurrence in the form that the DTSTART of its series has (RFC 5545 section
/// 3.8.4.4). An hour that comes twice is said in UTC where the second one is meant: its wall time
/// means the first.
pub(crate) fn original_start(original: OriginalStart, span: &Span) -> PropertyTime {
    let start = match span {
        Span::AllDay { .. } => {
            return PropertyTime::Day(match original {
                OriginalStart::Day(day) => day,
                OriginalStart::At(instant) => TimeZone::UTC.to_datetime(instant).date(),
                OriginalStart::Floating(local) => local.date(),
            });
        }
        Span::Timed { start, .. } => start,
    };
    match (original, &start.zone) {
        (OriginalStart::At(instant), Zone::Iana(_)) => {
            let rules = engine::zone::rules(&start.zone, None);
            let local = rules.to_datetime(instant);
            if engine::zone::instant_in(local, &rules) == instant {
                moment(&Moment { local, zone: start.zone.clone() })
            } else {
                PropertyTime::utc(instant)
            }
        }
        (OriginalStart::At(instant), _) => PropertyTime::utc(instant),
        (OriginalStart::Day(day), zone) => {
            moment(&Moment { local: day.to_datetime(start.local.time()), zone: zone.clone() })
        }
        (OriginalStart::Floating(local), zone) => moment(&Moment { local, zone: zone.clone() }),
    }
}

/// CLASS for a visibility; never a weaker one.
pub(crate) fn class(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Default | Visibility::Public => "PUBLIC",
        Visibility::Private => "PRIVATE",
        Visibility::Confidential => "CONFIDENTIAL",
    }
}

/// TRANSP and STATUS for what an event does to free/busy.
pub(crate) fn transparency(busy: Busy) -> (&'static str, &'static str) {
    match busy {
        Busy::Free | Busy::WorkingElsewhere => ("TRANSPARENT", "CONFIRMED"),
        Busy::Tentative => ("OPAQUE", "TENTATIVE"),
        Busy::Busy | Busy::Oof => ("OPAQUE", "CONFIRMED"),
    }
}

/// The zones of the database that an event needs, with the first local time in each and the last,
/// if there is a last.
pub(crate) fn zones(
    content: &Content,
    series: Option<&Series>,
) -> BTreeMap<String, (DateTime, Option<DateTime>)> {
    let mut zones: BTreeMap<String, (DateTime, Option<DateTime>)> = BTreeMap::new();
    let mut need = |moment: &Moment, repeats: bool| {
        if let Zone::Iana(name) = &moment.zone {
            let last = (!repeats).then_some(moment.local);
            let entry = zones.entry(name.clone()).or_insert((moment.local, last));
            entry.0 = entry.0.min(moment.local);
            entry.1 = entry.1.zip(last).map(|(a, b)| a.max(b));
        }
    };
    let changed =
        series.iter().flat_map(|series| series.exceptions.values()).filter_map(|exception| {
            match exception {
                Exception::Changed(content) => Some(content.as_ref()),
                Exception::Cancelled => None,
            }
        });
    let repeats = series.is_some();
    for (content, repeats) in
        std::iter::once((content, repeats)).chain(changed.map(|content| (content, false)))
    {
        if let Span::Timed { start, end } = &content.span {
            need(start, repeats);
            need(end, repeats);
        }
    }
    zones
}

/// A value of ours or of an opaque kind: it cannot break out of its line.
fn one_line(value: &str) -> String {
    value.chars().filter(|c| !c.is_ascii_control()).collect()
}

#[cfg(test)]
mod tests;
