use super::*;

fn marks() -> Marks {
    Marks::new(&[7; 32])
}

fn mapping(marks: &Marks) -> MappingId {
    marks.mapping(&CalendarId::new("a"), &CalendarId::new("b"), &EventId::new("x.ics"), 0)
}

/// As the former release wrote it.
fn former(marks: &Marks, mapping: MappingId, calendar: &str) -> String {
    let mac = marks.mac(&["h1", &String::from(mapping), calendar]);
    format!(
        "h1.{}.{}.{}",
        marks.key_id,
        BASE64URL_NOPAD.encode(&mapping.0),
        BASE64URL_NOPAD.encode(&mac)
    )
}

const NOWHERE: [&CalendarId; 0] = [];

#[test]
fn a_mark_is_known_in_every_calendar_and_only_for_its_role() {
    let marks = marks();
    let (mapping, first) = (mapping(&marks), UidHash::of("u"));
    let mark = marks.mint(Role::Copy, mapping, first);
    assert_eq!(marks.read(&mark, NOWHERE), Mark::Ours { role: Role::Copy, mapping, first });
    assert_eq!(
        marks.read(&format!("  {mark}\n"), NOWHERE),
        Mark::Ours { role: Role::Copy, mapping, first }
    );
    assert_eq!(
        marks.read(&mark.replacen("h2", "r2", 1), NOWHERE),
        Mark::Foreign { role: Role::Origin, first },
        "another role"
    );
    assert_eq!(
        Marks::new(&[8; 32]).read(&mark, NOWHERE),
        Mark::Foreign { role: Role::Copy, first },
        "another installation's"
    );
    assert!("X-CALRELAY-ORIGIN:".len() + mark.len() <= 75, "{mark}");
    let bare = marks.mint(Role::Origin, mapping, None);
    assert_eq!(marks.read(&bare, NOWHERE), Mark::Ours { role: Role::Origin, mapping, first: None });
}

#[test]
fn the_first_origin_cannot_be_changed() {
    let marks = marks();
    let mapping = mapping(&marks);
    let (one, two) = (UidHash::of("one"), UidHash::of("two"));
    let mark = marks.mint(Role::Copy, mapping, one);
    let forged = mark.replace(&String::from(one.unwrap()), &String::from(two.unwrap()));
    assert_eq!(marks.read(&forged, NOWHERE), Mark::Foreign { role: Role::Copy, first: two });
    assert_eq!(
        marks.read(&mark.replace(&String::from(one.unwrap()), "x"), NOWHERE),
        Mark::Foreign { role: Role::Copy, first: None }
    );
}

#[test]
fn a_mark_of_the_former_form_is_known_in_its_calendar() {
    let marks = marks();
    let mapping = mapping(&marks);
    let (a, b) = (CalendarId::new("a"), CalendarId::new("b"));
    let mark = former(&marks, mapping, "b");
    assert_eq!(marks.read(&mark, [&a, &b]), Mark::Ours { role: Role::Copy, mapping, first: None });
    assert_eq!(marks.read(&mark, [&a]), Mark::Foreign { role: Role::Copy, first: None });
}

#[test]
fn whatever_else_is_written_is_foreign() {
    let marks = marks();
    let good = marks.mint(Role::Copy, mapping(&marks), UidHash::of("u"));
    let longer = format!("{good}.x");
    let cut = &good[..good.len() - 5];
    let long = format!("h2.{}", "a.".repeat(5_000));
    for text in
        ["", "x", "h1.é.x", "h2", "h2....", "h3.a.b.c.d", "h9", longer.as_str(), cut, long.as_str()]
    {
        assert!(matches!(marks.read(text, NOWHERE), Mark::Foreign { .. }), "{text}");
    }
}

#[test]
fn ids_survive_being_written_down() {
    let marks = marks();
    let id = marks.mapping(&CalendarId::new("a"), &CalendarId::new("b"), &EventId::new("é.ics"), 0);
    assert_eq!(MappingId::try_from(String::from(id)), Ok(id));
    assert!(id.copy_uid(2).chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
    for uid in [
        id.copy_uid(0),
        id.copy_uid(7),
        format!("{}.ics", id.copy_uid(3)),
        format!(" {} ", id.copy_uid(0)),
    ] {
        assert_eq!(MappingId::of_copy_uid(&uid), Some(id), "{uid}");
    }
    for uid in [
        id.origin_uid(0),
        id.copy_uid(0).to_uppercase(),
        "calrelay-".into(),
        "calrelay-x".into(),
        "1@example.org".into(),
    ] {
        assert_eq!(MappingId::of_copy_uid(&uid), None, "{uid}");
    }
    assert_eq!(MappingId::of_uid(&id.copy_uid(3)), Some((Role::Copy, id)));
    assert_eq!(MappingId::of_uid(&format!("{}.ics", id.origin_uid(2))), Some((Role::Origin, id)));
}

#[test]
fn a_name_that_was_used_before_has_another_mapping() {
    let marks = marks();
    let id = |again| {
        marks.mapping(&CalendarId::new("a"), &CalendarId::new("b"), &EventId::new("x.ics"), again)
    };
    assert!(id(0) != id(1) && id(1) != id(2));
}

#[test]
fn a_whole_mark_of_another_key_is_told_from_a_damaged_one() {
    let (ours, theirs) = (marks(), Marks::new(&[8; 32]));
    let id = mapping(&ours);
    let foreign = theirs.mint(Role::Copy, id, UidHash::of("u"));
    let old = former(&theirs, id, "b");
    for whole in [&foreign, &old] {
        assert!(ours.is_of_another_key(whole) && !theirs.is_of_another_key(whole), "{whole}");
        for length in 0..whole.len() {
            assert!(!ours.is_of_another_key(&whole[..length]), "{whole} {length}");
        }
    }
    assert!(
        !ours.is_of_another_key(&foreign.replacen("h2", "h3", 1))
            && !ours.is_of_another_key(&format!("{foreign}.x"))
    );
}

/// Written into calendars and rows, and worked out apart from the program: they may not change
/// with a new version.
#[test]
fn names_and_marks_stay_as_they_were_written() {
    let marks = marks();
    assert_eq!(String::from(mapping(&marks)), "ercgvlxrbkh5ldwivhi4xhdafu");
    assert_eq!(format!("{:?}", mapping(&marks)), "ercgvlxrbkh5ldwivhi4xhdafu");
    assert_eq!(
        marks.row_name(&CalendarId::new("a"), &EventId::new("x.ics")),
        "olx4klenwraprpcb5jfxyw5eyi"
    );
    assert_eq!(
        marks.mint(Role::Copy, mapping(&marks), UidHash::of("u")),
        "h2.S7Bv.JERqrvEKj9WOyKnRy5xgLQ.nOGe9t-gFnI.oIT7DROxc0W43w"
    );
}

#[test]
fn a_uid_that_is_nearly_ours_is_not() {
    let id = String::from(mapping(&marks()));
    for uid in [
        format!("calrelay-{id}-x"),
        format!("calrelay-{}", id.to_uppercase()),
        format!("calrelay-{id}-"),
        id,
    ] {
        assert_eq!(MappingId::of_uid(&uid), None, "{uid}");
    }
}
