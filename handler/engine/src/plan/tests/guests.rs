//! Events in which other people take part.

use super::*;

#[test]
fn meetings_with_other_people_are_never_written_to_or_deleted() {
    let world = world();
    let mut meeting = event();
    meeting.content.attendees = vec!["anna@example.org".into()];
    meeting.organizer = Some(Organizer { email: "me@example.org".into(), is_me: true });
    let (mapping, origin, copy) = world.synced(meeting);
    assert!(copy.content.description.contains("anna@example.org"), "guests are shown in the text");
    let restored = write(world.known(
        &mapping,
        edited(&origin, "o1", |_| ()),
        edited(&copy, "c2", |e| e.content.title = "Mine".into()),
    ));
    assert!(restored.origin.is_none());
    assert_eq!(
        (fields(&restored.copy), restored.reason),
        (vec![Field::Title], Some(Reason::HasGuests))
    );
    assert_eq!(
        skipped(&world.known(&mapping, Observed::Unchanged, Observed::Gone)),
        Reason::Suppressed
    );
    let guests = write(world.known(
        &mapping,
        edited(&origin, "o2", |e| e.content.attendees.push("ben@example.org".into())),
        Observed::Unchanged,
    ));
    assert_eq!(fields(&guests.copy), [Field::Description]);
}

#[test]
fn a_copy_to_which_its_owner_invited_people_is_left_alone() {
    let world = world();
    let (mapping, origin, copy) = world.synced(event());
    let invited = edited(&copy, "c2", |e| e.content.attendees.push("ben@example.org".into()));
    let renamed = edited(&origin, "o2", |e| e.content.title = "Second".into());
    let decision = world.known(&mapping, renamed, invited.clone());
    assert_eq!(skipped(&decision), Reason::HasGuests);
    let Decision::Skip { remember: Some(known), .. } = decision else { panic!() };
    for copy in [Observed::Unchanged, invited] {
        assert!(
            matches!(world.known(&known, Observed::Gone, copy), Decision::Forget(_)),
            "it stays when its origin goes"
        );
    }
}
