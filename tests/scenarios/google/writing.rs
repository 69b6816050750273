//! Copies made, changed and deleted.

use simulators::faults::{Fault, On};

use super::*;

#[tokio::test]
async fn a_copy_is_made_changed_and_deleted_with_one_write_each() {
    let env = ClientEnv::new().await;
    let written = env.create("calrelay-a", &lunch()).await.unwrap();
    assert_eq!(Some(&written.id), env.client.id_of_copy(env.calendar.id(), "calrelay-a").as_ref());
    let there = env.calendar.get(written.id.as_str()).unwrap();
    assert_eq!(there["extendedProperties"]["private"]["calrelayOrigin"], MARK);
    assert_eq!(there["reminders"]["useDefault"], false);
    let event = env.event(&written.id).await;
    assert_eq!(Draft::from(&*event), lunch());
    assert_eq!(
        (event.marker.as_deref(), &event.etag, event.sequence),
        (Some(MARK), &written.etag, written.sequence)
    );
    env.server.reset_counts();
    let dinner = Draft { content: content("Dinner", hour((2026, 3, 12), 19)), series: None };
    let written = env.rewrite(&written, &dinner).await.unwrap();
    assert_eq!(Draft::from(&*env.event(&written.id).await), dinner);
    env.delete(&written.id, written.etag.as_deref()).await.unwrap();
    assert!(env.calendar.is_empty());
    env.delete(&written.id, written.etag.as_deref()).await.unwrap();
    assert_eq!((env.asked(Kind::Update), env.asked(Kind::Patch)), (1, 0));
    env.clean();
}

#[tokio::test]
async fn every_kind_of_time_survives() {
    let env = ClientEnv::new().await;
    let moment =
        |day, hour, zone: Zone| Moment { local: date(2026, 3, day).at(hour, 30, 0, 0), zone };
    let iana = |name: &str| Zone::Iana(name.into());
    let spans = [
        Span::AllDay { start: date(2026, 3, 28), end: date(2026, 3, 31) },
        Span::Timed {
            start: moment(10, 9, iana("Europe/Tallinn")),
            end: moment(10, 12, iana("America/New_York")),
        },
        Span::Timed { start: moment(10, 9, Zone::Utc), end: moment(10, 10, Zone::Utc) },
    ];
    let mut written = env.create("x", &lunch()).await.unwrap();
    for span in spans {
        let draft = Draft { content: content("Flight", span.clone()), series: None };
        written = env.rewrite(&written, &draft).await.unwrap();
        assert_eq!(env.event(&written.id).await.content.span, span);
    }
    // From days to times and back by a part.
    for span in
        [hour((2026, 3, 11), 8), Span::AllDay { start: date(2026, 3, 28), end: date(2026, 3, 29) }]
    {
        let draft = Draft { content: content("Flight", span.clone()), series: None };
        written = env
            .edit(&written.id, written.etag.as_deref(), parts(&[Field::Time], &[]), &draft)
            .await
            .unwrap();
        assert_eq!(env.event(&written.id).await.content.span, span);
    }
    env.clean();
}

#[tokio::test]
async fn a_floating_time_stands_in_the_calendars_zone() {
    let env = ClientEnv::new().await;
    env.calendar.set_zone("Asia/Tokyo");
    let floating =
        |hour| Moment { local: date(2026, 3, 11).at(hour, 0, 0, 0), zone: Zone::Floating };
    let draft = Draft {
        content: content("Walk", Span::Timed { start: floating(8), end: floating(9) }),
        series: None,
    };
    let written = env.create("x", &draft).await.unwrap();
    let there = env.calendar.get(written.id.as_str()).unwrap();
    assert_eq!(there["start"]["dateTime"], "2026-03-11T08:00:00+09:00");
    env.clean();
}

#[tokio::test]
async fn every_visibility_and_busyness_survives() {
    let env = ClientEnv::new().await;
    let mut written = env.create("x", &lunch()).await.unwrap();
    for visibility in
        [Visibility::Public, Visibility::Private, Visibility::Confidential, Visibility::Default]
    {
        for busy in [Busy::Free, Busy::Busy] {
            let draft =
                Draft { content: Content { visibility, busy, ..lunch().content }, series: None };
            written = env.rewrite(&written, &draft).await.unwrap();
            let found = env.event(&written.id).await.content;
            assert_eq!((found.visibility, found.busy), (visibility, busy));
        }
    }
    env.clean();
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_is_found_again() {
    let env = ClientEnv::new().await;
    env.server.faults().next(On::kind(Kind::Insert), Fault::DropAfter);
    assert!(matches!(env.create("x", &lunch()).await, Err(Error::NoAnswer(_))));
    assert!(matches!(env.create("x", &lunch()).await, Err(Error::Exists)));
    let id = env.client.id_of_copy(env.calendar.id(), "x").unwrap();
    assert_eq!(env.event(&id).await.marker.as_deref(), Some(MARK));
    assert_eq!(env.calendar.len(), 1);
    env.clean();
}

#[tokio::test]
async fn a_copy_that_was_deleted_lives_again_under_its_id() {
    let env = ClientEnv::new().await;
    for (delete, bare) in [(true, false), (false, false), (true, true)] {
        env.server.manners(|manners| manners.bare_tombstones = bare);
        let written = env.create("x", &lunch()).await.unwrap();
        if delete {
            env.delete(&written.id, written.etag.as_deref()).await.unwrap();
        } else {
            env.calendar.remove(written.id.as_str());
        }
        assert!(matches!(env.read(&written.id).await, Found::NotFound));
        assert!(!env.client.exists(env.calendar.id(), &written.id).await.unwrap());
        let again = env.create("x", &lunch()).await.unwrap();
        assert_eq!(again.id, written.id);
        assert_eq!(Draft::from(&*env.event(&again.id).await), lunch());
        env.calendar.remove(written.id.as_str());
    }
    env.clean();
}

#[tokio::test]
async fn nothing_is_overwritten_unseen() {
    let env = ClientEnv::new().await;
    let written = env.create("x", &lunch()).await.unwrap();
    env.calendar.patch(written.id.as_str(), json!({ "summary": "By hand" }));
    let etag = written.etag.as_deref();
    assert!(matches!(env.rewrite(&written, &lunch()).await, Err(Error::ChangedMeanwhile)));
    assert!(matches!(
        env.edit(&written.id, etag, parts(&[Field::Title], &[]), &lunch()).await,
        Err(Error::ChangedMeanwhile)
    ));
    assert!(matches!(env.delete(&written.id, etag).await, Err(Error::ChangedMeanwhile)));
    assert_eq!(env.calendar.get(written.id.as_str()).unwrap()["summary"], "By hand");
    env.calendar.remove(written.id.as_str());
    assert!(matches!(env.rewrite(&written, &lunch()).await, Err(Error::Gone)));
    assert!(matches!(
        env.edit(&written.id, etag, parts(&[Field::Title], &[]), &lunch()).await,
        Err(Error::Gone)
    ));
    assert!(env.delete(&written.id, etag).await.is_ok());
    assert!(env.calendar.is_empty(), "a late write brings nothing back to life");
    env.clean();
}

#[tokio::test]
async fn an_edit_touches_what_it_names_and_nothing_else() {
    let env = ClientEnv::new().await;
    let mut mine = single("Lunch");
    mine["colorId"] = json!("7");
    mine["reminders"] =
        json!({ "useDefault": false, "overrides": [{ "method": "popup", "minutes": 7 }] });
    mine["extendedProperties"] = json!({ "private": { "other": "program" } });
    mine["visibility"] = json!("private");
    mine["description"] = json!("<p>mine</p>");
    let etag = env.calendar.put("mine1", mine);
    let before = env.calendar.get("mine1").unwrap();
    let wanted = Draft { content: content("Later lunch", hour((2026, 3, 11), 14)), series: None };
    let written = env
        .edit(&id("mine1"), Some(&etag), parts(&[Field::Title, Field::Time], &[]), &wanted)
        .await
        .unwrap();
    let after = env.calendar.get("mine1").unwrap();
    assert_eq!(
        (&after["summary"], &after["start"]["dateTime"]),
        (&json!("Later lunch"), &json!("2026-03-11T14:00:00+02:00"))
    );
    for kept in [
        "colorId",
        "reminders",
        "extendedProperties",
        "visibility",
        "description",
        "location",
        "attendees",
    ] {
        assert_eq!(before.get(kept), after.get(kept), "{kept}");
    }
    assert_eq!(written.etag.as_deref(), after["etag"].as_str());
    let revision = env.calendar.revision();
    let again = env
        .edit(
            &id("mine1"),
            written.etag.as_deref(),
            parts(&[Field::Title, Field::Time], &[]),
            &wanted,
        )
        .await
        .unwrap();
    assert_eq!(env.calendar.revision(), revision, "what is as it should be is not written");
    assert_eq!(again.etag, written.etag);
    env.clean();
}

#[tokio::test]
async fn what_others_take_part_in_is_left_alone() {
    let env = ClientEnv::new().await;
    env.server.account("ben@example.org");
    let mut called = single("Called by me");
    called["attendees"] = json!([{ "email": "anna@example.org" }, { "email": "ben@example.org" }]);
    let mut invited = single("Called by Ben");
    invited["organizer"] = json!({ "email": "ben@example.org" });
    invited["attendees"] = json!([{ "email": "anna@example.org", "responseStatus": "accepted" }]);
    let mut room = single("With a room");
    room["attendees"] = json!([{ "email": "room@example.org", "resource": true }]);
    let mut crowded = single("With more guests than are shown");
    crowded["attendees"] = json!([{ "email": "anna@example.org" }]);
    crowded["attendeesOmitted"] = json!(true);
    for (name, event) in
        [("called1", called), ("invited1", invited), ("room1", room), ("crowded1", crowded)]
    {
        let etag = env.calendar.put(name, event);
        let revision = env.calendar.revision();
        let edit = env.edit(&id(name), Some(&etag), parts(&[Field::Title], &[]), &lunch()).await;
        assert!(matches!(edit, Err(Error::HasGuests)), "{name}");
        assert!(
            matches!(env.delete(&id(name), Some(&etag)).await, Err(Error::HasGuests)),
            "{name}"
        );
        assert_eq!(env.calendar.revision(), revision);
    }
    env.clean();
}

#[tokio::test]
async fn what_is_locked_is_left_alone_and_says_so() {
    let env = ClientEnv::new().await;
    let mut locked = single("Lunch");
    locked["locked"] = json!(true);
    let etag = env.calendar.put("locked1", locked);
    let error = env
        .edit(&id("locked1"), Some(&etag), parts(&[Field::Location], &[]), &lunch())
        .await
        .unwrap_err();
    assert!(matches!(&error, Error::Refused(why) if why.contains("locked")), "{error:?}");
    assert_eq!(env.asked(Kind::Patch), 0);
    env.clean();
}
