//! Origin and rules to the copy as it should be, in values that its provider can give back
//! unchanged.
//!
//! Stripping happens here, before anything is hashed, logged or sent: what a copy may not show
//! never leaves this function.

use std::borrow::Cow;
use std::ops::Range;

use jiff::{SignedDuration, Timestamp};

use crate::event::{Busy, Content, Draft, Exception, Series, Span, Visibility, Zone};
use crate::pair::Window;
use crate::provider::{EventFacts, ProviderKind};
use crate::{attendees, conference, recurrence, zone};

/// The one thing that a private copy says. A fixed word: it is no translation and no setting.
pub const BUSY: &str = "Busy";

/// How copies in one calendar are to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyStyle<'a> {
    /// Only "Busy" and the time.
    pub private: bool,
    /// The provider of the origins.
    pub source: ProviderKind,
    /// The provider of the copies.
    pub target: ProviderKind,
    /// The zone that gives floating times of the origins their meaning, for calendars that have no
    /// floating times.
    pub zone: Option<&'a str>,
    /// The days that are synchronised.
    pub window: Window,
}

impl CopyStyle<'_> {
    /// What events of the copies' provider can show.
    fn shows(&self) -> EventFacts {
        self.target.facts().events
    }

    /// The range in which a rule is replaced by its dates: whole years, so that the dates of a copy
    /// stay equal for as long.
    fn years(&self) -> Range<Timestamp> {
        let end = self.window.end.last_of_year().tomorrow().unwrap_or(self.window.end);
        zone::day_instant(self.window.start.first_of_year())..zone::day_instant(end)
    }

    /// The zone of floating times in a calendar that has none.
    fn anchor(&self) -> Zone {
        self.zone.and_then(zone::resolve).unwrap_or(Zone::Utc)
    }

    /// The zone that this origin's floating times get in the copy; `None` where the copy's times
    /// float too, or the origin's do not.
    pub fn anchor_of(&self, origin: &Content) -> Option<Zone> {
        let floats =
            matches!(&origin.span, Span::Timed { start, .. } if start.zone == Zone::Floating);
        (floats && !self.shows().floating_times).then(|| self.anchor())
    }

    /// Whether the calendar can show how the draft repeats, as far as is known.
    pub fn can_show(&self, origin: &Draft) -> bool {
        self.shows().rules_below_days
            || recurrence::by_dates(origin, self.years(), self.zone).is_ok()
    }
}

/// The copy of an origin.
pub fn project(origin: &Draft, look: CopyStyle<'_>) -> Draft {
    let shows = look.shows();
    let mut origin = Cow::Borrowed(origin);
    if !shows.floating_times {
        origin = Cow::Owned(zone::anchored(&origin, &look.anchor()));
    }
    let floating_zone = look.zone.filter(|_| shows.floating_times);
    if !shows.rules_below_days
        && let Ok(Some(by_dates)) = recurrence::by_dates(&origin, look.years(), floating_zone)
    {
        origin = Cow::Owned(by_dates);
    }
    Draft {
        content: content(&origin.content, look),
        series: origin.series.as_ref().map(|series| self::series(series, look)),
    }
}

fn series(series: &Series, look: CopyStyle<'_>) -> Series {
    let exception = |exception: &Exception| match exception {
        Exception::Cancelled => Exception::Cancelled,
        Exception::Changed(changed) => Exception::Changed(Box::new(content(changed, look))),
    };
    Series {
        rules: series.rules.clone(),
        extra: series.extra.clone(),
        exceptions: series
            .exceptions
            .iter()
            .map(|(start, value)| (*start, exception(value)))
            .collect(),
    }
}

fn content(origin: &Content, look: CopyStyle<'_>) -> Content {
    let busy = busy_on(look.target, origin.busy);
    let span = span_on(look.target, &origin.span);
    if look.private {
        return Content {
            span,
            title: BUSY.to_owned(),
            description: String::new(),
            location: String::new(),
            attendees: Vec::new(),
            visibility: Visibility::Private,
            busy,
        };
    }
    Content {
        span,
        title: cut(&origin.title),
        description: attendees::append(
            &conference::strip(&origin.description).kept,
            &origin.attendees,
        ),
        location: cut(&conference::strip_location(&origin.location)),
        attendees: Vec::new(),
        visibility: visibility_on(look.source, look.target, origin.visibility),
        busy,
    }
}

/// The time that a provider shows. Where it has no events without length, an event lasts a minute,
/// the least that Google has.
fn span_on(target: ProviderKind, span: &Span) -> Span {
    match span {
        Span::Timed { start, .. }
            if !target.facts().events.zero_length && zone::length(span, None).is_zero() =>
        {
            let end = zone::instant(start, None)
                .saturating_add(SignedDuration::from_mins(1))
                .unwrap_or(Timestamp::MAX);
            Span::Timed { start: start.clone(), end: zone::moment(end, start.zone.clone(), false) }
        }
        _ => span.clone(),
    }
}

/// The longest title or place of a copy, in bytes: no calendar shows a longer one, and servers
/// refuse it.
const MAX_LINE: usize = 4 * 1024;

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_LINE)].to_owned()
}

/// A copy as the origin's provider shows it. What flows back into the origin says no more than the
/// owner did: the `PUBLIC` of a CalDAV copy may mean Google's default, and must not become Google's
/// `public`.
pub fn in_origin_terms(copy: &Draft, source: ProviderKind, target: ProviderKind) -> Draft {
    let mut copy = copy.clone();
    let contents =
        copy.series.iter_mut().flat_map(|series| series.exceptions.values_mut()).filter_map(
            |exception| match exception {
                Exception::Changed(content) => Some(content.as_mut()),
                Exception::Cancelled => None,
            },
        );
    for content in std::iter::once(&mut copy.content).chain(contents) {
        content.visibility = visibility_on(source, target, content.visibility);
    }
    copy
}

/// The visibility that a provider shows for that of another. Never weaker than it was.
fn visibility_on(source: ProviderKind, target: ProviderKind, visibility: Visibility) -> Visibility {
    let has_default = |kind: ProviderKind| kind.facts().events.default_visibility;
    match visibility {
        // CLASS has no default: absent and PUBLIC are equal (RFC 5545 section 3.8.1.3).
        Visibility::Default if !has_default(target) => Visibility::Public,
        // Google's `public` shows details to everyone who may see the owner's free/busy times. The
        // owner of a CalDAV event has not asked for that.
        Visibility::Public if !has_default(source) && has_default(target) => Visibility::Default,
        visibility => visibility,
    }
}

/// The free/busy value that a provider shows.
fn busy_on(target: ProviderKind, busy: Busy) -> Busy {
    let shows = target.facts().events;
    match busy {
        Busy::Oof if !shows.whereabouts => Busy::Busy,
        Busy::WorkingElsewhere if !shows.whereabouts => Busy::Free,
        Busy::Tentative if !shows.tentative => Busy::Busy,
        busy => busy,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::civil::date;

    use super::*;
    use crate::event::{Moment, OriginalStart};

    fn draft(visibility: Visibility, busy: Busy, zone: Zone) -> Draft {
        let moment =
            |hour| Moment { local: date(2026, 3, 10).at(hour, 0, 0, 0), zone: zone.clone() };
        let content = Content {
            span: Span::Timed { start: moment(10), end: moment(11) },
            title: "Review".into(),
            description: String::new(),
            location: String::new(),
            attendees: Vec::new(),
            visibility,
            busy,
        };
        Draft { content, series: None }
    }

    fn look(source: ProviderKind, target: ProviderKind) -> CopyStyle<'static> {
        let window = Window { start: date(2026, 1, 1), end: date(2027, 1, 1) };
        CopyStyle { private: false, source, target, zone: Some("Europe/Tallinn"), window }
    }

    #[test]
    fn a_copy_shows_no_more_than_its_origin() {
        use ProviderKind::{Caldav, Google, Icloud};
        for (source, target, origin, copy) in [
            (Google, Google, Visibility::Public, Visibility::Public),
            (Google, Google, Visibility::Default, Visibility::Default),
            (Icloud, Google, Visibility::Public, Visibility::Default),
            (Google, Caldav, Visibility::Default, Visibility::Public),
            (Caldav, Google, Visibility::Private, Visibility::Private),
            (Google, Icloud, Visibility::Confidential, Visibility::Confidential),
        ] {
            let projected = project(&draft(origin, Busy::Busy, Zone::Utc), look(source, target));
            assert_eq!(projected.content.visibility, copy, "{source} to {target}");
        }
    }

    #[test]
    fn what_a_provider_has_no_word_for_is_the_nearest_that_blocks_as_much() {
        for (busy, on_google, on_caldav) in [
            (Busy::Tentative, Busy::Busy, Busy::Tentative),
            (Busy::Oof, Busy::Busy, Busy::Busy),
            (Busy::WorkingElsewhere, Busy::Free, Busy::Free),
            (Busy::Free, Busy::Free, Busy::Free),
        ] {
            for (target, expected) in [
                (ProviderKind::Google, on_google),
                (ProviderKind::Caldav, on_caldav),
                (ProviderKind::Microsoft, busy),
            ] {
                let projected = project(
                    &draft(Visibility::Default, busy, Zone::Utc),
                    look(ProviderKind::Caldav, target),
                );
                assert_eq!(projected.content.busy, expected, "{busy:?} on {target}");
            }
        }
    }

    #[test]
    fn google_has_no_event_without_length() {
        use ProviderKind::{Caldav, Google};
        let mut origin =
            draft(Visibility::Default, Busy::Busy, Zone::Iana("Europe/Tallinn".into()));
        let Span::Timed { start, .. } = origin.content.span.clone() else { panic!() };
        origin.content.span = Span::Timed { start: start.clone(), end: start.clone() };
        let changed = Exception::Changed(Box::new(origin.content.clone()));
        let at = OriginalStart::At("2026-03-11T08:00:00Z".parse().unwrap());
        origin.series = Some(Series {
            rules: vec!["FREQ=DAILY".into()],
            extra: vec![],
            exceptions: BTreeMap::from([(at, changed)]),
        });
        let copy = project(&origin, look(Caldav, Google));
        let minute = Moment { local: date(2026, 3, 10).at(10, 1, 0, 0), zone: start.zone.clone() };
        assert_eq!(copy.content.span, Span::Timed { start, end: minute });
        assert_eq!(
            copy.series.unwrap().exceptions[&at],
            Exception::Changed(Box::new(copy.content))
        );
        assert_eq!(project(&origin, look(Google, Caldav)).content.span, origin.content.span);
    }

    #[test]
    fn google_has_no_rule_of_hours() {
        use ProviderKind::{Caldav, Google};
        let mut origin = draft(Visibility::Default, Busy::Busy, Zone::Utc);
        let hourly = |rule: &str| Some(Series { rules: vec![rule.into()], ..Series::default() });
        origin.series = hourly("FREQ=HOURLY;INTERVAL=3;COUNT=3");
        let series = project(&origin, look(Caldav, Google)).series.unwrap();
        let dates = ["2026-03-10T13:00:00Z", "2026-03-10T16:00:00Z"]
            .map(|text| OriginalStart::At(text.parse().unwrap()));
        assert_eq!((series.rules.len(), series.extra), (0, dates.to_vec()));
        assert_eq!(project(&origin, look(Google, Caldav)).series, origin.series);
        assert!(look(Caldav, Google).can_show(&origin));
        origin.series = hourly("FREQ=HOURLY");
        assert!(!look(Caldav, Google).can_show(&origin) && look(Google, Caldav).can_show(&origin));
    }

    #[test]
    fn floating_times_stand_in_their_calendars_zone_where_there_are_none() {
        let mut origin = draft(Visibility::Default, Busy::Busy, Zone::Floating);
        let anchor =
            |origin: &Draft, target| look(ProviderKind::Icloud, target).anchor_of(&origin.content);
        assert_eq!(
            anchor(&origin, ProviderKind::Google),
            Some(Zone::Iana("Europe/Tallinn".into()))
        );
        assert_eq!(anchor(&origin, ProviderKind::Caldav), None, "there it floats");
        assert_eq!(
            anchor(&draft(Visibility::Default, Busy::Busy, Zone::Utc), ProviderKind::Google),
            None
        );
        let start = |day| OriginalStart::Floating(date(2026, 3, day).at(10, 0, 0, 0));
        let moved = Exception::Changed(Box::new(origin.content.clone()));
        let exceptions = BTreeMap::from([(start(17), Exception::Cancelled), (start(31), moved)]);
        origin.series =
            Some(Series { rules: vec!["FREQ=WEEKLY".into()], extra: vec![start(12)], exceptions });
        let copy = project(&origin, look(ProviderKind::Icloud, ProviderKind::Google));
        let at = |text: &str| OriginalStart::At(text.parse().unwrap());
        assert_eq!(
            copy.content.span,
            draft(Visibility::Default, Busy::Busy, Zone::Iana("Europe/Tallinn".into()))
                .content
                .span
        );
        let series = copy.series.unwrap();
        assert_eq!(series.extra, [at("2026-03-12T08:00:00Z")]);
        let Exception::Changed(moved) = &series.exceptions[&at("2026-03-31T07:00:00Z")] else {
            panic!()
        };
        assert_eq!(moved.span, copy.content.span);
        assert_eq!(series.exceptions[&at("2026-03-17T08:00:00Z")], Exception::Cancelled);
        assert_eq!(
            project(&origin, look(ProviderKind::Icloud, ProviderKind::Caldav)).content.span,
            origin.content.span
        );
    }
}
