//! Series of which both sides show the same instants after every merge, and what a provider has
//! made of a text.

mod floating;

use super::*;
use crate::copy::project;
use crate::recurrence;

const HOUR: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// Weekly at ten, the second occurrence has words of its own.
fn with_words() -> Event {
    let mut series = weekly();
    let own = Content {
        title: "With the board".into(),
        location: "Room 1".into(),
        span: Span::Timed { start: at("2026-03-19T10:00"), end: at("2026-03-19T11:00") },
        ..series.content.clone()
    };
    series
        .series
        .as_mut()
        .unwrap()
        .exceptions
        .insert(start("2026-03-19T09:00:00Z"), Exception::Changed(Box::new(own)));
    series
}

fn later(content: &mut Content) {
    let Span::Timed { start, end } = &mut content.span else { return };
    (start.local, end.local) =
        (start.local.checked_add(HOUR).unwrap(), end.local.checked_add(HOUR).unwrap());
}

/// The series is dragged by an hour, and its exceptions go along.
fn dragged(event: &mut Event) {
    later(&mut event.content);
    let series = event.series.as_mut().unwrap();
    let moved = std::mem::take(&mut series.exceptions).into_iter().map(|(key, mut exception)| {
        let OriginalStart::At(instant) = key else { panic!() };
        if let Exception::Changed(content) = &mut exception {
            later(content);
        }
        (OriginalStart::At(instant.checked_add(HOUR).unwrap()), exception)
    });
    series.exceptions = moved.collect();
}

/// The series is dragged by an hour, and its exceptions are dropped.
fn dropped(event: &mut Event) {
    later(&mut event.content);
    event.series.as_mut().unwrap().exceptions.clear();
}

/// The series is dragged by an hour, and its exceptions stay where they were.
fn left_behind(event: &mut Event) {
    later(&mut event.content);
}

/// What a program does to a series.
type Drag = fn(&mut Event);

const WAYS: [(&str, Drag); 3] =
    [("dragged", dragged), ("dropped", dropped), ("left behind", left_behind)];

fn cancel(event: &mut Event, at: &str) {
    event.series.as_mut().unwrap().exceptions.insert(start(at), Exception::Cancelled);
}

/// What a person sees within four weeks: start and title.
fn seen(draft: &Draft) -> Vec<String> {
    let series = draft.series.as_ref().unwrap();
    let range = "2026-03-11T00:00:00Z".parse().unwrap().."2026-04-03T00:00:00Z".parse().unwrap();
    let all =
        recurrence::occurrences(&draft.content, series, range, Some("Europe/Tallinn")).unwrap();
    let title = |original| match series.exceptions.get(original) {
        Some(Exception::Changed(content)) => content.title.clone(),
        _ => draft.content.title.clone(),
    };
    all.iter()
        .map(|one| {
            let Span::Timed { start, .. } = &one.span else { panic!() };
            format!("{} {}", start.local.strftime("%d %H"), title(&one.original))
        })
        .collect()
}

/// Both sides after a decision: what was written, else what was there.
fn after(
    world: &PlanWorld,
    planner: &Planner<'_>,
    decision: Decision,
    origin: &Event,
    copy: &Event,
) -> [Draft; 2] {
    let write = write(decision);
    let origin = write.origin.map_or_else(|| Draft::from(origin), |change| change.draft);
    let wanted = project(&origin, planner.style(Side::To));
    let shown = write.copy.map_or_else(|| Draft::from(copy), |change| change.draft);
    assert_eq!(seen(&wanted), seen(&shown), "both sides show the same");
    assert_eq!(write.mapping.copy.base, world.prints.copy(&wanted));
    [origin, shown]
}

/// What a person does to an origin, and what both sides show once its copy is dragged as well.
type Deed = (&'static str, fn(&mut Event), &'static [&'static str]);

const DEEDS: [Deed; 5] = [
    (
        "cancelled",
        |event| cancel(event, "2026-03-26T09:00:00Z"),
        &["12 11 Review", "19 11 With the board", "02 11 Review"],
    ),
    (
        "put back",
        |event| event.series.as_mut().unwrap().exceptions.clear(),
        &["12 11 Review", "19 11 Review", "26 11 Review", "02 11 Review"],
    ),
    (
        "renamed with its exceptions",
        |event| {
            event.content.title = "Retro".into();
            all_named(event, "Retro");
        },
        &["12 11 Retro", "19 11 Retro", "26 11 Retro", "02 11 Retro"],
    ),
    (
        "one moved",
        |event| {
            let own = Content {
                title: "Moved".into(),
                span: Span::Timed { start: at("2026-03-27T15:00"), end: at("2026-03-27T16:00") },
                ..event.content.clone()
            };
            event
                .series
                .as_mut()
                .unwrap()
                .exceptions
                .insert(start("2026-03-26T09:00:00Z"), Exception::Changed(Box::new(own)));
        },
        &["12 11 Review", "19 11 With the board", "27 16 Moved", "02 11 Review"],
    ),
    (
        "the changed one cancelled",
        |event| cancel(event, "2026-03-19T09:00:00Z"),
        &["12 11 Review", "26 11 Review", "02 11 Review"],
    ),
];

fn all_named(event: &mut Event, title: &str) {
    for exception in event.series.as_mut().unwrap().exceptions.values_mut() {
        let Exception::Changed(content) = exception else { continue };
        content.title = title.into();
    }
}

#[test]
fn a_copy_that_is_dragged_takes_along_what_its_origin_has_changed_meanwhile() {
    for (name, drag) in WAYS {
        for (deed, change, expected) in DEEDS {
            let world = world();
            let (mapping, origin, copy) = world.synced(with_words());
            let changed = edited(&origin, "o2", change);
            let moved = edited(&copy, "c2", drag);
            let decision = world.known(&mapping, changed.clone(), moved.clone());
            assert!(write(decision.clone()).origin.is_some(), "{name}, {deed}: the series moves");
            let [origin, _] =
                after(&world, &world.planner(), decision, &here(changed), &here(moved));
            assert_eq!(seen(&origin), expected, "{name}, {deed}");
        }
    }
}

/// The same, where the origin's write arrives and the copy's does not: the next pass finishes what
/// the first has begun.
#[test]
fn what_a_dragged_copy_has_not_got_yet_is_no_edit_of_it() {
    for (name, drag) in WAYS {
        for (deed, change, expected) in DEEDS {
            let world = world();
            let (mapping, origin, copy) = world.synced(with_words());
            let (changed, moved) = (edited(&origin, "o2", change), edited(&copy, "c2", drag));
            let first = write(world.known(&mapping, changed.clone(), moved.clone()));
            let noted = first.intent();
            let mut arrived = Event { etag: Some("o3".into()), ..here(changed) };
            let Draft { content, series } = first.origin.unwrap().draft;
            (arrived.content, arrived.series) = (content, series);
            // Where the program knows its own write, and where it was killed before it could note
            // it.
            for etag in ["o3", "o1"] {
                let mut noted = noted.clone();
                noted.origin.etag = Some(etag.into());
                let origin = Observed::Event(Box::new(arrived.clone()));
                let decision = world.known(&noted, origin, moved.clone());
                if let Decision::Remember(_) = decision {
                    assert_eq!(
                        seen(&Draft::from(&here(moved.clone()))),
                        expected,
                        "{name}, {deed}"
                    );
                    continue;
                }
                assert!(write(decision.clone()).origin.is_none(), "{name}, {deed}");
                let [origin, _] =
                    after(&world, &world.planner(), decision, &arrived, &here(moved.clone()));
                assert_eq!(seen(&origin), expected, "{name}, {deed}");
            }
        }
    }
}

/// Both calendars show an occurrence that the rule does not give: it stays when the series changes.
#[test]
fn an_occurrence_that_no_rule_gives_stays_where_its_series_is_put_into_another_zone() {
    let elsewhere = |event: &mut Event| {
        let there = |moment: &mut Moment| {
            moment.local = moment.local.checked_sub(jiff::SignedDuration::from_hours(5)).unwrap();
            moment.zone = Zone::Iana("America/New_York".into());
        };
        let Span::Timed { start, end } = &mut event.content.span else { panic!() };
        there(start);
        there(end);
    };
    for change in [rename as fn(&mut Event), |_| ()] {
        let world = world();
        let mut origin = with_words();
        let own = Content {
            span: Span::Timed { start: at("2026-03-21T08:00"), end: at("2026-03-21T09:00") },
            title: "Stray".into(),
            ..origin.content.clone()
        };
        origin
            .series
            .as_mut()
            .unwrap()
            .exceptions
            .insert(start("2026-03-21T07:00:00Z"), Exception::Changed(Box::new(own)));
        let (mapping, origin, copy) = world.synced(origin);
        let decision =
            world.known(&mapping, edited(&origin, "o2", change), edited(&copy, "c2", elsewhere));
        let draft = write(decision).origin.unwrap().draft;
        let series = draft.series.unwrap();
        assert!(
            series.exceptions.contains_key(&start("2026-03-21T07:00:00Z")),
            "{:?}",
            series.exceptions.keys()
        );
    }
}

/// The copy repeats every other week now, where an occurrence of the origin was changed that this
/// leaves out.
#[test]
fn a_rule_without_an_occurrence_that_the_origin_has_changed_goes_back_as_a_whole() {
    for (way, change) in [
        ("named", rename as fn(&mut Event)),
        ("dragged", |event| {
            rename(event);
            later(&mut event.content);
        }),
    ] {
        let world = world();
        let mut weekly = with_words();
        weekly.series.as_mut().unwrap().exceptions.clear();
        let (mapping, origin, copy) = world.synced(weekly);
        let changed = edited(&origin, "o2", |event| *event = with_words());
        let moved = edited(&copy, "c2", |event| {
            change(event);
            event.series.as_mut().unwrap().rules = vec!["FREQ=WEEKLY;INTERVAL=2".into()];
        });
        let decision = world.known(&mapping, changed.clone(), moved.clone());
        assert_eq!(
            write(decision.clone()).reason,
            Some(Reason::OriginWins),
            "{way}: what is undone is said"
        );
        let [origin, _] = after(&world, &world.planner(), decision, &here(changed), &here(moved));
        assert_eq!(
            seen(&origin),
            ["12 10 Retro", "19 10 With the board", "26 10 Retro", "02 10 Retro"],
            "{way}: other edits flow"
        );
    }
}

/// The copy is made all-day, while an occurrence of the origin is put on another day.
#[test]
fn an_occurrence_that_becomes_all_day_stays_on_its_day() {
    let world = world();
    let (mapping, origin, copy) = world.synced(weekly());
    let changed = edited(&origin, "o2", |event| {
        let span = Span::Timed { start: at("2026-03-27T15:00"), end: at("2026-03-27T16:00") };
        let own = Content { span, ..event.content.clone() };
        event
            .series
            .as_mut()
            .unwrap()
            .exceptions
            .insert(start("2026-03-26T09:00:00Z"), Exception::Changed(Box::new(own)));
    });
    let all_day = edited(&copy, "c2", |event| {
        event.content.span = Span::AllDay { start: date(2026, 3, 12), end: date(2026, 3, 13) };
    });
    let draft = write(world.known(&mapping, changed, all_day)).origin.unwrap().draft;
    let own = &draft.series.unwrap().exceptions[&OriginalStart::Day(date(2026, 3, 26))];
    let Exception::Changed(own) = own else { panic!() };
    assert_eq!(own.span, Span::AllDay { start: date(2026, 3, 27), end: date(2026, 3, 28) });
}

fn rename(event: &mut Event) {
    event.content.title = "Retro".into();
}

#[test]
fn a_private_copy_that_is_dragged_leaves_every_occurrence_its_words() {
    for (name, drag) in WAYS {
        let world = world().private();
        let mut origin = with_words();
        cancel(&mut origin, "2026-03-26T09:00:00Z");
        let (mapping, origin, copy) = world.synced(origin);
        let moved = edited(&copy, "c2", drag);
        let decision = world.known(&mapping, edited(&origin, "o1", |_| ()), moved.clone());
        let [origin, copy] = after(&world, &world.planner(), decision, &origin, &here(moved));
        assert_eq!(
            seen(&origin),
            ["12 11 Review", "19 11 With the board", "02 11 Review"],
            "{name}"
        );
        assert_eq!(seen(&copy), ["12 11 Busy", "19 11 Busy", "02 11 Busy"], "{name}");
    }
}

#[test]
fn a_copy_that_is_dragged_takes_its_exceptions_along_whatever_its_program_does_with_them() {
    for (name, drag) in WAYS {
        let world = world();
        let mut origin = with_words();
        cancel(&mut origin, "2026-03-26T09:00:00Z");
        let series = origin.series.as_mut().unwrap();
        for exception in series.exceptions.values_mut() {
            let Exception::Changed(content) = exception else { continue };
            content.description = "Agenda\nhttps://zoom.us/j/123456789".into();
        }
        let (mapping, origin, copy) = world.synced(origin);
        let moved = edited(&copy, "c2", drag);
        let decision = world.known(&mapping, edited(&origin, "o1", |_| ()), moved.clone());
        assert_eq!(write(decision.clone()).reason, None, "{name}");
        let [origin, _] = after(&world, &world.planner(), decision, &origin, &here(moved));
        assert_eq!(
            seen(&origin),
            ["12 11 Review", "19 11 With the board", "02 11 Review"],
            "{name}"
        );
        let own = &origin.series.unwrap().exceptions[&start("2026-03-19T10:00:00Z")];
        let Exception::Changed(own) = own else { panic!("{name}") };
        assert!(own.description.contains("zoom.us"), "{name}: {}", own.description);
    }
}

#[test]
fn an_exception_that_no_rule_gives_any_more_goes_with_the_old_rule() {
    let world = world();
    let (mapping, origin, copy) = world.synced(with_words());
    let moved = edited(&copy, "c2", |event| {
        dropped(event);
        event.series.as_mut().unwrap().rules = vec!["FREQ=WEEKLY;INTERVAL=2".into()];
    });
    let decision = world.known(&mapping, edited(&origin, "o1", |_| ()), moved.clone());
    let [origin, _] = after(&world, &world.planner(), decision, &origin, &here(moved));
    assert_eq!(seen(&origin), ["12 11 Review", "26 11 Review"]);
}

#[test]
fn an_occurrence_that_a_private_copy_puts_back_keeps_its_words() {
    let world = world().private();
    let mut origin = with_words();
    let own = origin.series.as_mut().unwrap().exceptions.values_mut().next().unwrap();
    let Exception::Changed(own) = own else { panic!() };
    later(own);
    let (mapping, origin, copy) = world.synced(origin);
    let put_back = edited(&copy, "c2", |event| event.series.as_mut().unwrap().exceptions.clear());
    let decision = world.known(&mapping, edited(&origin, "o1", |_| ()), put_back);
    let back = write(decision).origin.unwrap().draft;
    assert_eq!(
        seen(&back),
        ["12 10 Review", "19 10 With the board", "26 10 Review", "02 10 Review"]
    );
}
