//! Series and their exceptions.

use super::*;

#[test]
fn exceptions_of_different_occurrences_merge() {
    let world = world();
    let (mapping, origin, copy) = world.synced(weekly());
    let cancel = |event: &mut Event, at: &str| {
        event.series.as_mut().unwrap().exceptions.insert(start(at), Exception::Cancelled);
    };
    let both = write(world.known(
        &mapping,
        edited(&origin, "o2", |e| cancel(e, "2026-03-19T09:00:00Z")),
        edited(&copy, "c2", |e| cancel(e, "2026-03-26T09:00:00Z")),
    ));
    let there = |change: &Option<Change>| {
        change.as_ref().unwrap().parts.exceptions.iter().copied().collect::<Vec<_>>()
    };
    assert_eq!(there(&both.origin), [start("2026-03-26T09:00:00Z")]);
    assert_eq!(there(&both.copy), [start("2026-03-19T09:00:00Z")]);
    assert_eq!(both.copy.unwrap().draft.series.unwrap().exceptions.len(), 2);
}

#[test]
fn a_private_series_gives_back_moved_occurrences_without_their_word() {
    let world = world().private();
    let (mapping, origin, copy) = world.synced(weekly());
    let put = |event: &mut Event, hour: &str, title: &str| {
        let mut content = event.content.clone();
        content.span = Span::Timed {
            start: at(&format!("2026-03-19T{hour}:00")),
            end: at(&format!("2026-03-19T{hour}:30")),
        };
        content.title = title.into();
        event
            .series
            .as_mut()
            .unwrap()
            .exceptions
            .insert(start("2026-03-19T09:00:00Z"), Exception::Changed(Box::new(content)));
    };
    let moved = write(world.known(
        &mapping,
        edited(&origin, "o1", |_| ()),
        edited(&copy, "c2", |e| put(e, "14", "Busy")),
    ));
    let series = moved.origin.unwrap().draft.series.unwrap();
    let Some(Exception::Changed(content)) = series.exceptions.values().next() else { panic!() };
    assert_eq!(content.title, "Review");
}
