//! Deletions, and events that leave the window.

use super::*;

#[test]
fn deleted_origins_take_their_copies_unless_those_were_edited() {
    let world = world();
    let (mapping, _, copy) = world.synced(event());
    let gone = |decision| matches!(decision, Decision::Delete(delete) if delete.role == Role::Copy);
    assert!(gone(world.known(&mapping, Observed::Gone, Observed::Unchanged)));
    assert!(
        gone(world.known(&mapping, Observed::Gone, edited(&copy, "c2", |_| ()))),
        "an echo is no edit"
    );
    let edit = edited(&copy, "c2", |e| e.content.title = "Kept".into());
    let Decision::Create(create) = world.known(&mapping, Observed::Gone, edit.clone()) else {
        panic!("the edit is kept")
    };
    assert_eq!((create.role, create.draft.content.title.as_str()), (Role::Origin, "Kept"));
    assert!(matches!(world.known(&mapping, Observed::Gone, Observed::Gone), Decision::Forget(_)));
    assert!(
        gone(world.one_way().known(&mapping, Observed::Gone, edit)),
        "one-way: it goes all the same"
    );
}

#[test]
fn deleted_copies_stay_deleted_until_time_or_title_changes() {
    let one = world().one_way();
    let (mapping, origin, _) = one.synced(event());
    let decision = one.known(&mapping, Observed::Unchanged, Observed::Gone);
    let Decision::Skip { reason: Reason::Suppressed, remember: Some(suppressed), .. } = decision
    else {
        panic!("{decision:?}")
    };
    let moved = edited(&origin, "o2", |e| e.content.location = "elsewhere".into());
    assert_eq!(skipped(&one.known(&suppressed, moved, Observed::Unchanged)), Reason::Suppressed);
    let renamed = edited(&origin, "o3", |e| e.content.title = "News".into());
    let Decision::Create(again) = one.known(&suppressed, renamed, Observed::Unchanged) else {
        panic!()
    };
    assert_eq!(again.mapping.generation, 1, "under a new name");
    assert!(matches!(
        one.known(&suppressed, Observed::Gone, Observed::Unchanged),
        Decision::Forget(_)
    ));
}

#[test]
fn in_a_two_way_pair_a_deleted_copy_takes_its_origin_unless_that_was_edited() {
    let world = world();
    let (mapping, origin, _) = world.synced(event());
    let decision = world.known(&mapping, Observed::Unchanged, Observed::Gone);
    assert!(
        matches!(&decision, Decision::Delete(delete) if delete.role == Role::Origin && delete.etag.as_deref() == Some("o1"))
    );
    let edited = edited(&origin, "o2", |e| e.content.busy = Busy::Free);
    assert!(
        matches!(world.known(&mapping, edited, Observed::Gone), Decision::Create(create) if create.role == Role::Copy)
    );
}

#[test]
fn leaving_the_window_keeps_the_past_and_drops_the_far_future() {
    let world = world();
    let (mapping, origin, _) = world.synced(event());
    let mut later = origin.clone();
    later.etag = Some("o2".into());
    later.content.span = Span::AllDay { start: date(2028, 1, 1), end: date(2028, 1, 2) };
    let decision = world.known(&mapping, Observed::Event(Box::new(later)), Observed::Unchanged);
    assert!(matches!(decision, Decision::Delete(delete) if delete.reason == Reason::OutsideWindow));
    let mut past = world;
    past.now = "2026-09-10T12:00:00Z".parse().unwrap();
    let decision = past.known(&mapping, edited(&origin, "o1", |_| ()), Observed::Unchanged);
    assert!(
        matches!(decision, Decision::Remember(mapping) if mapping.state == MappingState::Archived)
    );
}

#[test]
fn a_copy_that_its_owner_moves_beyond_the_window_takes_its_origin_along() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let far = Span::AllDay { start: date(2028, 1, 1), end: date(2028, 1, 2) };
    let moved = write(world.known(
        &mapping,
        Observed::Event(Box::new(origin.clone())),
        edited(&copy, "c2", |e| e.content.span = far.clone()),
    ));
    assert_eq!(
        (fields(&moved.origin), moved.mapping.state),
        (vec![Field::Time], MappingState::Archived)
    );
    let there = |etag: &str| {
        Observed::Event(Box::new(Event {
            content: Content { span: far.clone(), ..origin.content.clone() },
            etag: Some(etag.into()),
            ..origin.clone()
        }))
    };
    // The next day's listing holds neither, and each is found by itself.
    assert!(
        matches!(world.known(&moved.mapping, there("o2"), Observed::Unchanged), Decision::Remember(now) if now.state == MappingState::Archived)
    );
    // The same where the pass was cut off after its write.
    let cut_off = world.known(
        &moved.intent(),
        there("o2"),
        edited(&copy, "c2", |e| e.content.span = far.clone()),
    );
    assert!(matches!(cut_off, Decision::Remember(now) if now.state == MappingState::Archived));
    // Beyond the window they stay in step, and nothing is deleted for it.
    let named = Event {
        content: Content { span: far.clone(), title: "Named".into(), ..origin.content.clone() },
        ..origin.clone()
    };
    let named =
        write(world.known(&moved.mapping, Observed::Event(Box::new(named)), Observed::Unchanged));
    assert_eq!(
        (fields(&named.copy), named.mapping.state),
        (vec![Field::Title], MappingState::Archived)
    );
    let back =
        write(world.known(&moved.mapping, Observed::Event(Box::new(origin)), Observed::Unchanged));
    assert_eq!(back.mapping.state, MappingState::Live);
}

#[test]
fn of_a_private_copy_only_its_time_is_an_edit_that_stands() {
    let world = world().private();
    let (mapping, _, copy) = world.synced(event());
    let titled = edited(&copy, "c2", |e| e.content.title = "Mine".into());
    assert!(
        matches!(world.known(&mapping, Observed::Gone, titled), Decision::Delete(delete) if delete.role == Role::Copy)
    );
    let moved = edited(&copy, "c2", |e| {
        e.content.span = Span::Timed { start: at("2026-03-13T10:00"), end: at("2026-03-13T11:00") }
    });
    assert!(
        matches!(world.known(&mapping, Observed::Gone, moved), Decision::Create(create) if create.role == Role::Origin)
    );
}

#[test]
fn a_series_that_is_half_written_where_rules_are_spelled_anew_is_not_an_edit() {
    for (kind, is_deleted) in [(ProviderKind::Microsoft, true), (ProviderKind::Caldav, false)] {
        let world = world();
        let (mut mapping, _, copy) = world.synced(weekly());
        mapping.state = MappingState::Creating;
        mapping.copy.etag = None;
        let planner = Planner { kinds: [ProviderKind::Caldav, kind].into(), ..world.planner() };
        let spelled = edited(&copy, "c1", |e| {
            let series = e.series.as_mut().expect("a series");
            series.rules = vec!["FREQ=WEEKLY;BYDAY=TH".into()];
        });
        let decision = planner.known(&mapping, Observed::Gone, spelled);
        let deleted = matches!(&decision, Decision::Delete(gone) if gone.role == Role::Copy);
        assert_eq!(deleted, is_deleted, "{kind}: {decision:?}");
        let named = edited(&copy, "c1", |e| e.content.title = "Kept".into());
        let decision = planner.known(&mapping, Observed::Gone, named);
        assert!(matches!(decision, Decision::Create(_)), "a title is an edit: {decision:?}");
    }
}
