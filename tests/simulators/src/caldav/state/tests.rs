//! Calendars of record, without HTTP.

use super::*;

#[test]
fn a_listing_since_a_token_has_every_name_once_and_the_deleted_ones() {
    let mut calendar = Collection::new("work", 1);
    calendar.put("a", "UID:1");
    let token = calendar.token();
    calendar.put("b", "UID:2");
    calendar.put("b", "UID:2");
    calendar.put("c", "UID:3");
    assert!(calendar.delete("a") && calendar.delete("c") && !calendar.delete("d"));
    let since = calendar.known_token(&token).unwrap();
    let seen: Vec<_> = calendar.since(since).map(|m| (m.name, m.etag.is_some())).collect();
    assert_eq!(seen, [("b".into(), true), ("a".into(), false), ("c".into(), false)]);
    assert_eq!(calendar.known_token("urn:token:1:0:99"), None, "never issued");
    calendar.forget_tokens();
    assert_eq!(calendar.known_token(&token), None);
}

#[test]
fn who_holds_a_uid_is_known_through_edits_and_deletions() {
    let mut calendar = Collection::new("work", 1);
    calendar.put("a", "UID:1");
    assert_eq!(calendar.holder_of("1", None), Some(&"a".to_owned()));
    assert_eq!(calendar.holder_of("1", Some("a")), None);
    calendar.put("a", "UID:2");
    assert_eq!(
        (calendar.holder_of("1", None), calendar.holder_of("2", None)),
        (None, Some(&"a".to_owned()))
    );
    calendar.delete("a");
    assert_eq!(calendar.holder_of("2", None), None);
}

#[test]
fn another_calendar_of_the_same_name_is_another_calendar() {
    let (mut old, mut new) = (Collection::new("work", 1), Collection::new("work", 2));
    assert_ne!(old.put("a", "UID:1"), new.put("a", "UID:1"));
    assert_ne!(old.ctag(), new.ctag());
    assert_eq!(new.known_token(&old.token()), None);
}

#[test]
fn a_deleted_object_is_in_the_trash_until_it_is_purged() {
    let mut calendar = Collection::new("work", 1);
    let etag = calendar.put("a", "UID:1");
    let token = calendar.token();
    calendar.delete("a");
    assert!(calendar.in_trash("1") && !calendar.restore("2"));
    assert!(calendar.restore("1") && !calendar.in_trash("1") && !calendar.restore("1"));
    assert_eq!(
        calendar.get("a").map(|r| r.etag.clone()),
        Some(etag),
        "it has the ETag that it had"
    );
    assert_eq!(calendar.holder_of("1", None), Some(&"a".to_owned()));
    let since = calendar.known_token(&token).unwrap();
    assert_eq!(
        calendar.since(since).map(|m| (m.name, m.etag.is_some())).collect::<Vec<_>>(),
        [("a".into(), true)]
    );
    calendar.delete("a");
    calendar.put("a", "UID:3");
    assert!(calendar.in_trash("1") && !calendar.restore("1"), "its name is taken");
    calendar.purge();
    assert!(!calendar.in_trash("1"));
}
