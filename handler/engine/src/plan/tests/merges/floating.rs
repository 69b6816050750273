//! Floating series whose copies are at a provider without floating times.

use super::*;

fn floating(local: &str) -> Moment {
    Moment { local: local.parse().unwrap(), zone: Zone::Floating }
}

fn floating_series() -> Event {
    let mut origin = event();
    origin.content.span =
        Span::Timed { start: floating("2026-03-12T10:00"), end: floating("2026-03-12T11:00") };
    let changed = Content {
        title: "With the board".into(),
        span: Span::Timed {
            start: floating("2026-03-19T10:00"),
            end: floating("2026-03-19T11:00"),
        },
        ..origin.content.clone()
    };
    let key = OriginalStart::Floating("2026-03-19T10:00:00".parse().unwrap());
    let exceptions = BTreeMap::from([(key, Exception::Changed(Box::new(changed)))]);
    origin.series = Some(Series { rules: vec!["FREQ=WEEKLY".into()], extra: vec![], exceptions });
    origin
}

fn to_google<'a>(mut planner: Planner<'a>) -> Planner<'a> {
    planner.kinds = [ProviderKind::Caldav, ProviderKind::Google].into();
    planner.zones = [Some("Europe/Tallinn"); 2].into();
    planner
}

/// The mapping of a floating series with its copy at Google, and the two.
fn synced_to_google(planner: &Planner<'_>, origin: Event) -> (Mapping, Event, Event) {
    let (id, copy_id) = (planner.mapping_id(Side::From, &origin.id, 0), EventId::new("copy"));
    let unknown = Unknown {
        side: Side::From,
        event: &origin,
        id,
        copy_id,
        beside: Beside::Nothing,
        marked_as_copy: false,
        first: None,
    };
    let Decision::Create(create) = planner.unknown(unknown) else { panic!() };
    let mut mapping = Mapping { state: MappingState::Live, ..create.mapping };
    mapping.copy.etag = Some("c1".into());
    let copy = Event {
        id: mapping.copy.id.clone(),
        content: create.draft.content,
        series: create.draft.series,
        ..origin.clone()
    };
    (mapping, origin, copy)
}

#[test]
fn an_occurrence_of_a_floating_series_that_is_moved_at_google_is_one_exception() {
    let world = world();
    let planner = to_google(world.planner());
    let (mapping, origin, copy) = synced_to_google(&planner, floating_series());
    let moved = edited(&copy, "c2", |event| {
        let own = event.series.as_mut().unwrap().exceptions.values_mut().next().unwrap();
        let Exception::Changed(own) = own else { panic!() };
        (0..2).for_each(|_| later(own));
    });
    let decision = planner.known(&mapping, edited(&origin, "o1", |_| ()), moved.clone());
    let [origin, _] = after(&world, &planner, decision, &origin, &here(moved));
    assert_eq!(origin.series.as_ref().unwrap().exceptions.len(), 1);
    assert_eq!(
        seen(&origin),
        ["12 10 Review", "19 12 With the board", "26 10 Review", "02 10 Review"]
    );
    let Some(Exception::Changed(own)) = origin.series.as_ref().unwrap().exceptions.values().next()
    else {
        panic!()
    };
    assert_eq!(
        own.span,
        Span::Timed { start: floating("2026-03-19T12:00"), end: floating("2026-03-19T13:00") }
    );
}

#[test]
fn a_floating_series_that_is_dragged_at_google_floats_still() {
    let world = world();
    let planner = to_google(world.planner());
    let (mapping, origin, copy) = synced_to_google(&planner, floating_series());
    let moved = edited(&copy, "c2", dragged);
    let decision = planner.known(&mapping, edited(&origin, "o1", |_| ()), moved.clone());
    let [origin, _] = after(&world, &planner, decision, &origin, &here(moved));
    assert_eq!(
        origin.content.span,
        Span::Timed { start: floating("2026-03-12T11:00"), end: floating("2026-03-12T12:00") }
    );
    assert_eq!(
        seen(&origin),
        ["12 11 Review", "19 11 With the board", "26 11 Review", "02 11 Review"]
    );
}

#[test]
fn an_occurrence_that_is_put_back_along_with_a_new_rule_is_as_its_series_has_it() {
    let world = world();
    let (mapping, origin, copy) = world.synced(with_words());
    let ruled = edited(&copy, "c2", |event| {
        let series = event.series.as_mut().unwrap();
        series.rules = vec!["FREQ=WEEKLY;COUNT=5".into()];
        series.exceptions.clear();
    });
    let back = write(world.known(&mapping, edited(&origin, "o1", |_| ()), ruled))
        .origin
        .unwrap()
        .draft
        .series
        .unwrap();
    assert_eq!((back.rules, back.exceptions.len()), (vec!["FREQ=WEEKLY;COUNT=5".to_owned()], 0));
}
