//! What a provider has made of what was written is no person's edit.

use super::*;
use crate::event::Parts;

const TEXT: &str = "Bring numbers, all of them, and the plan for the year";

fn long() -> Event {
    let mut event = event();
    event.content.description = TEXT.into();
    event
}

/// A mapping whose copy's server keeps the first words of a description, and shows so after the
/// write.
fn cut(world: &PlanWorld) -> (Mapping, Event, Event) {
    let (mut mapping, origin, mut copy) = world.synced(long());
    copy.content.description = "Bring numbers".into();
    mapping.copy.learn(&world.prints.copy(&Draft::from(&copy)), None);
    mapping.pristine = false;
    (mapping, origin, copy)
}

#[test]
fn what_a_server_did_not_keep_does_not_flow_back_with_another_edit() {
    let world = world();
    let (mapping, origin, copy) = cut(&world);
    let renamed = edited(&copy, "c2", |event| event.content.title = "Review 2".into());
    let flows = write(world.known(&mapping, edited(&origin, "o1", |_| ()), renamed.clone()));
    assert_eq!(fields(&flows.origin), [Field::Title]);
    assert_eq!(flows.origin.unwrap().draft.content.description, TEXT);
    assert!(flows.copy.is_none(), "it would be cut again");
    // Nor with the next.
    let moved = edited(&here(renamed), "c3", |event| event.content.location = "Room 1".into());
    let renamed = edited(&origin, "o2", |event| event.content.title = "Review 2".into());
    let flows = write(world.known(&flows.mapping, renamed, moved));
    assert_eq!((fields(&flows.origin), flows.copy.is_none()), (vec![Field::Location], true));
}

#[test]
fn what_its_owner_does_to_a_text_that_was_cut_flows_back() {
    let world = world();
    let (mapping, origin, copy) = cut(&world);
    let edited_text = edited(&copy, "c2", |event| event.content.description = "Bring none".into());
    let flows = write(world.known(&mapping, edited(&origin, "o1", |_| ()), edited_text));
    assert_eq!(fields(&flows.origin), [Field::Description]);
}

#[test]
fn a_cut_text_is_at_rest_also_in_a_full_pass() {
    let world = PlanWorld { full: true, ..world() };
    let (mapping, origin, copy) = cut(&world);
    assert!(matches!(
        world.known(&mapping, edited(&origin, "o1", |_| ()), edited(&copy, "c2", |_| ())),
        Decision::Remember(_)
    ));
    let text = edited(&origin, "o2", |event| event.content.description = "Other words".into());
    assert_eq!(
        fields(&write(world.known(&mapping, text, edited(&copy, "c1", |_| ()))).copy),
        [Field::Description]
    );
}

#[test]
fn what_the_origins_server_did_not_keep_does_not_reach_the_copy() {
    let world = world();
    let (mut mapping, mut origin, mut copy) = world.synced(event());
    copy.content.description = TEXT.into();
    let flows =
        write(world.known(&mapping, edited(&origin, "o1", |_| ()), edited(&copy, "c2", |_| ())));
    assert_eq!(fields(&flows.origin), [Field::Description]);
    mapping = flows.mapping;
    origin.content.description = "Bring numbers".into();
    let parts = Parts { fields: [Field::Description].into(), ..Parts::default() };
    mapping.origin.learn(&world.prints.origin(&Draft::from(&origin)), Some(&parts));
    assert!(matches!(
        world.known(&mapping, edited(&origin, "o2", |_| ()), Observed::Unchanged),
        Decision::Remember(_)
    ));
    let renamed = edited(&origin, "o3", |event| event.content.title = "Review 2".into());
    let next = write(world.known(&mapping, renamed, Observed::Unchanged)).copy.unwrap();
    assert_eq!((next.parts.fields, next.whole), ([Field::Title].into(), false));
}

#[test]
fn an_occurrence_that_is_moved_on_a_copy_does_not_take_a_cut_text_home() {
    let world = world();
    let mut series = weekly();
    series.content.description = TEXT.into();
    let (mut mapping, origin, mut copy) = world.synced(series);
    copy.content.description = "Bring numbers".into();
    mapping.copy.learn(&world.prints.copy(&Draft::from(&copy)), None);
    let moved = edited(&copy, "c2", |event| {
        let span = Span::Timed { start: at("2026-03-19T14:00"), end: at("2026-03-19T15:00") };
        let one = Exception::Changed(Box::new(Content { span, ..event.content.clone() }));
        event.series.as_mut().unwrap().exceptions.insert(start("2026-03-19T09:00:00Z"), one);
    });
    let flows = write(world.known(&mapping, edited(&origin, "o1", |_| ()), moved)).origin.unwrap();
    let Exception::Changed(one) =
        &flows.draft.series.as_ref().unwrap().exceptions[&start("2026-03-19T09:00:00Z")]
    else {
        panic!()
    };
    assert_eq!(one.description, TEXT);
}

#[test]
fn an_occurrence_that_is_given_the_words_of_its_series_takes_them_home() {
    let world = world();
    let mut series = weekly();
    series.content.description = TEXT.into();
    let first = start("2026-03-19T09:00:00Z");
    let span = Span::Timed { start: at("2026-03-19T10:00"), end: at("2026-03-19T11:00") };
    let own = Content { title: "With the board".into(), span, ..series.content.clone() };
    series.series.as_mut().unwrap().exceptions.insert(first, Exception::Changed(Box::new(own)));
    let (mut mapping, origin, mut copy) = world.synced(series);
    copy.content.description = "Bring numbers".into();
    mapping.copy.learn(&world.prints.copy(&Draft::from(&copy)), None);
    let plain = edited(&copy, "c2", |event| {
        let series = event.series.as_mut().unwrap();
        let Some(Exception::Changed(one)) = series.exceptions.get_mut(&first) else { panic!() };
        one.title = "Review".into();
    });
    let flows = write(world.known(&mapping, edited(&origin, "o1", |_| ()), plain)).origin.unwrap();
    let Exception::Changed(one) = &flows.draft.series.as_ref().unwrap().exceptions[&first] else {
        panic!()
    };
    assert_eq!((one.title.as_str(), one.description.as_str()), ("Review", TEXT));
}

/// The server keeps all of it: a shorter text is an edit.
#[test]
fn a_title_that_is_shortened_for_one_occurrence_flows_back() {
    let world = world();
    let (mapping, origin, copy) = world.synced(weekly());
    let first = start("2026-03-19T09:00:00Z");
    let shorter = edited(&copy, "c2", |event| {
        let span = Span::Timed { start: at("2026-03-19T10:00"), end: at("2026-03-19T11:00") };
        let one = Content { title: "Rev".into(), span, ..event.content.clone() };
        event.series.as_mut().unwrap().exceptions.insert(first, Exception::Changed(Box::new(one)));
    });
    let flows =
        write(world.known(&mapping, edited(&origin, "o1", |_| ()), shorter)).origin.unwrap();
    let Exception::Changed(one) = &flows.draft.series.as_ref().unwrap().exceptions[&first] else {
        panic!()
    };
    assert_eq!(one.title, "Rev");
}

#[test]
fn a_copy_that_was_made_and_never_seen_takes_no_cut_text_home() {
    let world = world();
    let (mapping, origin, mut copy) = world.synced(long());
    copy.content.description = "Bring numbers".into();
    for state in [MappingState::Creating, MappingState::Live] {
        let mut unseen = Mapping { state, ..mapping.clone() };
        unseen.copy.etag = None;
        let renamed = edited(&copy, "c2", |event| event.content.title = "Review 2".into());
        let next = write(world.known(&unseen, edited(&origin, "o1", |_| ()), renamed));
        assert_eq!(fields(&next.origin), [Field::Title]);
    }
}

/// The answer to the write had said what the copy shows, but no version of it.
#[test]
fn a_copy_that_was_seen_takes_a_cut_text_and_a_cut_rule_home() {
    let world = world();
    let (mut mapping, origin, copy) = world.synced(weekly());
    (mapping.copy.etag, mapping.copy.is_seen) = (None, true);
    let cut = edited(&copy, "c2", |event| {
        event.content.description = "Bring".into();
        event.series.as_mut().unwrap().rules = vec!["FREQ=WEEKLY;COUNT=2".into()];
    });
    let next = write(world.known(&mapping, edited(&origin, "o1", |_| ()), cut));
    assert_eq!(fields(&next.origin), [Field::Time, Field::Description]);
    assert_eq!(next.origin.unwrap().draft.series.unwrap().rules, ["FREQ=WEEKLY;COUNT=2"]);
}

#[test]
fn what_is_shown_is_written_down_and_older_rows_have_none() {
    let world = world();
    let (mapping, ..) = cut(&world);
    let text = serde_json::to_string(&mapping).unwrap();
    assert_eq!(serde_json::from_str::<Mapping>(&text).unwrap(), mapping);
    let (plain, ..) = world.synced(long());
    let shorter = serde_json::to_string(&plain).unwrap();
    assert!(!shorter.contains("shown") && text.len() < shorter.len() + 60, "{text}");
    assert_eq!(serde_json::from_str::<Mapping>(&shorter).unwrap(), plain);
}
