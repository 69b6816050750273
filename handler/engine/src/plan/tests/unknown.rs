//! What no mapping knows: copied, taken over, or left alone for a reason.

use super::*;

#[test]
fn new_events_are_copied_unless_there_is_a_reason() {
    let world = world();
    let planner = world.planner();
    let decide = |edit: &dyn Fn(&mut Event)| {
        let mut event = event();
        edit(&mut event);
        planner.unknown(Side::From, &event, EventId::new("/b/x.ics"), None)
    };
    assert!(matches!(decide(&|_| ()), Decision::Create(_)));
    assert_eq!(skipped(&decide(&|e| e.cancelled = true)), Reason::Cancelled);
    assert_eq!(skipped(&decide(&|e| e.declined = true)), Reason::Declined);
    let on = |day| Span::AllDay { start: day, end: day.tomorrow().unwrap() };
    assert_eq!(skipped(&decide(&|e| e.content.span = on(date(2025, 12, 9)))), Reason::OutsideWindow);
    assert!(matches!(decide(&|e| e.content.span = on(date(2025, 12, 10))), Decision::Create(_)), "the first day counts");
    assert_eq!(skipped(&decide(&|e| e.content.span = on(date(2027, 3, 10)))), Reason::OutsideWindow);
    let mark = world.marks.mint(Role::Copy, planner.mapping_id(Side::To, &EventId::new("/b/9.ics")), &world.pair.from);
    assert_eq!(skipped(&decide(&|e| e.marker = Some(mark.clone()))), Reason::OwnCopy);
    let foreign = mark.replace("h1.", "h1.X");
    assert!(matches!(decide(&|e| e.marker = Some(foreign.clone())), Decision::Create(_)), "another deployment's mark is no mark");
}

#[test]
fn a_private_copy_shows_busy_and_the_time() {
    let world = world().private();
    let mut event = event();
    event.content.attendees = vec!["anna@example.org".into()];
    let Decision::Create(create) = world.planner().unknown(Side::From, &event, EventId::new("/b/x.ics"), None) else { panic!() };
    let copy = &create.draft.content;
    assert_eq!((copy.title.as_str(), copy.description.as_str(), copy.location.as_str()), ("Busy", "", ""));
    assert_eq!((copy.visibility, copy.attendees.len()), (Visibility::Private, 0));
    assert_eq!(copy.span, event.content.span);
}

#[test]
fn old_copies_are_taken_over_when_a_pair_is_made_anew() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let planner = world.planner();
    let adopt = |copy: &Event| planner.unknown(Side::From, &origin, mapping.copy.id.clone(), Some(copy));
    assert_eq!(skipped(&adopt(&copy)), Reason::Adopted);
    let Seen::Event(stale) = edited(&copy, "c9", |e| e.content.title = "Old".into()) else { panic!() };
    assert_eq!(fields(&write(adopt(&stale)).copy), [Field::Title]);
    let Seen::Event(theirs) = edited(&copy, "c9", |e| e.marker = None) else { panic!() };
    assert!(matches!(adopt(&theirs), Decision::Create(_)), "what bears no mark is not ours to take");
}
