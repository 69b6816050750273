//! Drafts of every shape, for the laws.

use std::collections::{BTreeMap, BTreeSet};

use engine::event::{
    Busy, Content, Draft, Exception, Field, Moment, OriginalStart, Parts, Series, Span, Visibility,
    Zone,
};
use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

/// Dates in which all sample zones have changes of every kind.
fn day() -> impl Strategy<Value = Date> {
    prop_oneof![
        (0i32..36_000).prop_map(|days| jiff::civil::date(1985, 1, 1) + days.days()),
        proptest::sample::select(vec![
            jiff::civil::date(2026, 3, 29),
            jiff::civil::date(2026, 10, 25),
            jiff::civil::date(2026, 11, 1),
            jiff::civil::date(2027, 4, 4)
        ]),
    ]
}

fn local() -> impl Strategy<Value = DateTime> {
    (day(), 0i8..24, 0i8..60, prop_oneof![Just(0i8), 0i8..60])
        .prop_map(|(day, hour, minute, second)| day.at(hour, minute, second, 0))
}

fn zone() -> impl Strategy<Value = Zone> {
    let named = [
        "Europe/Berlin",
        "America/New_York",
        "Africa/Casablanca",
        "Africa/Cairo",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
    ];
    prop_oneof![
        Just(Zone::Utc),
        Just(Zone::Floating),
        proptest::sample::select(named.to_vec()).prop_map(|name| Zone::Iana(name.to_owned())),
    ]
}

fn span() -> impl Strategy<Value = Span> {
    let all_day = (day(), 1i32..10)
        .prop_map(|(start, days)| Span::AllDay { start, end: start + days.days() });
    let timed = (local(), zone(), zone(), 0i64..3_000).prop_map(|(local, zone, other, minutes)| {
        let start = Moment { local, zone };
        let mut end = Moment { local: local + minutes.minutes(), zone: start.zone.clone() };
        if minutes % 5 == 0 && start.zone != Zone::Floating && other != Zone::Floating {
            let instant = engine::zone::instant(&end, None);
            end = Moment {
                local: engine::zone::rules(&other, None).to_datetime(instant),
                zone: other,
            };
        }
        // A span over a change of the clock may be inverted; so may one that ends in a repeated
        // hour.
        if engine::zone::instant(&end, None) < engine::zone::instant(&start, None) {
            end = start.clone();
        }
        Span::Timed { start, end }
    });
    prop_oneof![1 => all_day, 3 => timed]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-zé😀 ,;:\"^]{1,90}",
        "[\\\\nN,;\n\r\t\0x]{0,20}",
        any::<String>(),
        proptest::collection::vec(any::<char>(), 60..90)
            .prop_map(|chars| chars.into_iter().collect()),
    ]
}

fn content() -> impl Strategy<Value = Content> {
    let visibility =
        [Visibility::Default, Visibility::Public, Visibility::Private, Visibility::Confidential];
    let busy = [Busy::Free, Busy::Tentative, Busy::Busy, Busy::Oof, Busy::WorkingElsewhere];
    let enums =
        (proptest::sample::select(visibility.to_vec()), proptest::sample::select(busy.to_vec()));
    (span(), text(), text(), text(), enums).prop_map(
        |(span, title, description, location, (visibility, busy))| Content {
            span,
            title,
            description,
            location,
            attendees: vec!["guest@example.org".to_owned()],
            visibility,
            busy,
        },
    )
}

/// Identities of occurrences in the kind that a span asks for.
fn original(span: &Span) -> BoxedStrategy<OriginalStart> {
    match span {
        Span::AllDay { .. } => day().prop_map(OriginalStart::Day).boxed(),
        Span::Timed { start, .. } if start.zone == Zone::Floating => {
            local().prop_map(OriginalStart::Floating).boxed()
        }
        Span::Timed { .. } => prop_oneof![
            // Hours that come twice in one zone or another.
            (1_792_890_000i64..1_792_904_400).prop_map(|second| second / 60 * 60),
            (500_000_000i64..3_700_000_000)
        ]
        .prop_map(|second| OriginalStart::At(Timestamp::from_second(second).unwrap()))
        .boxed(),
    }
}

fn rule() -> impl Strategy<Value = String> {
    let rules = [
        "FREQ=WEEKLY;BYDAY=TU",
        "FREQ=DAILY;COUNT=10",
        "FREQ=DAILY;UNTIL=20270101",
        "FREQ=WEEKLY;UNTIL=20270101T090000Z;X-A=1",
    ];
    proptest::sample::select(rules.to_vec()).prop_map(str::to_owned)
}

fn series(span: &Span) -> impl Strategy<Value = Series> + use<> {
    let exception = prop_oneof![
        Just(Exception::Cancelled),
        content().prop_map(|content| Exception::Changed(Box::new(content)))
    ];
    (
        proptest::collection::vec(rule(), 0..3),
        proptest::collection::vec(original(span), 0..3),
        proptest::collection::btree_map(original(span), exception, 0..5),
    )
        .prop_map(|(rules, extra, exceptions)| Series { rules, extra, exceptions })
}

/// Any draft.
pub(super) fn draft() -> impl Strategy<Value = Draft> {
    content().prop_flat_map(|content| {
        let series = proptest::option::of(series(&content.span));
        series.prop_map(move |series| Draft { content: content.clone(), series })
    })
}

/// A draft, another one, and some parts to be taken from the other.
pub(super) fn change() -> impl Strategy<Value = (Draft, Parts, Draft)> {
    let fields = proptest::collection::btree_set(proptest::sample::select(&Field::ALL[..]), 0..4);
    (draft(), fields).prop_flat_map(|(old, fields)| {
        let old_span = old.content.span.clone();
        let moves = fields.contains(&Field::Time);
        let new = content().prop_flat_map(move |mut content| {
            // Without a new time the occurrences of the other draft must be of the same series.
            if !moves || content.title.len().is_multiple_of(2) {
                content.span = old_span.clone();
            }
            let series = proptest::option::of(series(&content.span));
            series.prop_map(move |series| Draft { content: content.clone(), series })
        });
        (Just(old), Just(fields), new, any::<[bool; 16]>()).prop_map(
            |(old, fields, mut new, picks)| {
                // Some exceptions are common to both, and some of those are equal.
                let known: Vec<(OriginalStart, Exception)> = old
                    .series
                    .iter()
                    .flat_map(|series| series.exceptions.clone())
                    .zip(picks)
                    .filter(|(_, pick)| *pick)
                    .map(|(e, _)| e)
                    .collect();
                if let Some(series) =
                    new.series.as_mut().filter(|_| old.content.span == new.content.span)
                {
                    series.exceptions.extend(known);
                }
                let keys = [&old, &new]
                    .into_iter()
                    .flat_map(|draft| &draft.series)
                    .flat_map(|series| series.exceptions.keys().copied());
                let exceptions: BTreeSet<OriginalStart> = keys
                    .zip(picks.into_iter().rev())
                    .filter(|(_, pick)| *pick)
                    .map(|(key, _)| key)
                    .collect();
                (old, Parts { fields, exceptions }, new)
            },
        )
    })
}

/// A draft as it comes back after it was written: the normalisation that `write.rs` documents.
pub(crate) fn written(draft: &Draft) -> Draft {
    let content = written_content(&draft.content);
    let series = draft.series.as_ref().map(|series| {
        let mut extra = series.extra.clone();
        extra.sort_unstable();
        extra.dedup();
        Series {
            rules: series
                .rules
                .iter()
                .map(|rule| crate::write::rule_at(rule, &content.span))
                .collect(),
            extra,
            exceptions: series
                .exceptions
                .iter()
                .map(|(key, exception)| (*key, written_exception(exception)))
                .collect(),
        }
    });
    Draft { series: series.filter(|series| *series != Series::default()), content }
}

fn written_exception(exception: &Exception) -> Exception {
    match exception {
        Exception::Cancelled => Exception::Cancelled,
        Exception::Changed(content) => Exception::Changed(Box::new(written_content(content))),
    }
}

fn written_content(content: &Content) -> Content {
    let text = crate::value::plain;
    Content {
        span: content.span.clone(),
        title: text(&content.title),
        description: text(&content.description),
        location: text(&content.location),
        attendees: Vec::new(),
        visibility: content.visibility.max(Visibility::Public),
        busy: match content.busy {
            Busy::Oof => Busy::Busy,
            Busy::WorkingElsewhere => Busy::Free,
            busy => busy,
        },
    }
}

/// What an edit of `old` must give: the parts from `new` and the rest as it was.
pub(super) fn changed(old: &Draft, parts: &Parts, new: &Draft) -> Draft {
    let (mut draft, new) = (old.clone(), written(new));
    let mut series = draft.series.unwrap_or_default();
    let new_series = new.series.unwrap_or_default();
    for field in &parts.fields {
        let (content, new) = (&mut draft.content, &new.content);
        match field {
            Field::Time => {
                content.span = new.span.clone();
                series = new_series.clone();
            }
            Field::Title => content.title.clone_from(&new.title),
            Field::Description => content.description.clone_from(&new.description),
            Field::Location => content.location.clone_from(&new.location),
            Field::Attendees => {}
            Field::Visibility => content.visibility = new.visibility,
            Field::Busy => content.busy = new.busy,
        }
    }
    if !parts.fields.contains(&Field::Time) {
        let (kept, picked): (BTreeMap<_, _>, BTreeMap<_, _>) = (
            series
                .exceptions
                .into_iter()
                .filter(|(key, _)| !parts.exceptions.contains(key))
                .collect(),
            new_series
                .exceptions
                .into_iter()
                .filter(|(key, _)| parts.exceptions.contains(key))
                .collect(),
        );
        series.exceptions = kept.into_iter().chain(picked).collect();
    }
    draft.series = Some(series).filter(|series| *series != Series::default());
    draft
}
