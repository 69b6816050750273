//! Meetings with attendees are shown and never written to, no matter on which side their copies are
//! edited or deleted.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use engine::pair::Side;
use serde_json::{Value, json};
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;

use crate::support::env_checks::{FULL, reasons};
use crate::support::events::object;
use crate::support::google_env::{ENDS, GoogleEnv, hour};
use crate::support::installation::TWO_WAY;

/// Everything by which Google gives other people a part in an event.
fn meetings() -> Vec<(&'static str, Value)> {
    let me = json!({"email": "anna@example.org", "self": true, "responseStatus": "accepted"});
    let chief = json!({"email": "chief@example.net"});
    vec![
        ("Called by us", json!({"attendees": [me, {"email": "zoe@example.net"}]})),
        ("Called by another", json!({"organizer": chief, "attendees": [me, chief]})),
        (
            "Guests hidden",
            json!({"organizer": chief, "attendees": [me], "guestsCanSeeOtherGuests": false}),
        ),
        ("Guests left out", json!({"attendees": [me], "attendeesOmitted": true})),
        ("Nobody but another", json!({"organizer": chief})),
        (
            "In a room",
            json!({"attendees": [me, {"email": "c_188@resource.calendar.google.com", "resource": true, "responseStatus": "accepted"}]}),
        ),
    ]
}

#[tokio::test]
async fn what_others_take_part_in_is_shown_and_left_alone() -> anyhow::Result<()> {
    for ends in [ENDS[0], ENDS[1]] {
        let env = GoogleEnv::new(ends, TWO_WAY).await?;
        let google = env.google(0).clone();
        for (n, (title, more)) in meetings().into_iter().enumerate() {
            google.put(&format!("event{n}"), hour(&format!("2026-04-{:02}", 1 + n), title, more));
        }
        let count = meetings().len();
        assert_eq!(env.sync_ok().await?[0], count as u64);
        env.check_at_rest().await?;
        let untouched = google.revision();
        for (title, _) in meetings() {
            let copy = env.shown(Side::To, title).await?;
            env.people[1]
                .edit(&copy.name, |ics| {
                    ics.replace(&format!("SUMMARY:{title}"), &format!("SUMMARY:{title} by Ben"))
                })
                .await?;
        }
        for _ in 0..3 {
            env.sync_ok().await?;
        }
        assert_eq!(google.revision(), untouched, "{ends:?}: no meeting was written to");
        for (title, _) in meetings() {
            env.shown(Side::To, title).await.context("put right")?;
        }
        env.check_at_rest().await?;

        // What happens to the meetings reaches their copies as ever.
        for n in 0..count {
            google.patch(&format!("event{n}"), json!({"location": format!("Hall {n}")}));
        }
        env.sync_ok().await?;
        for (n, (title, _)) in meetings().into_iter().enumerate() {
            assert_eq!(
                env.shown(Side::To, title).await?.location,
                format!("Hall {n}"),
                "{ends:?}: {title}"
            );
        }
        env.check_at_rest().await?;

        let untouched = google.revision();
        for (title, _) in meetings() {
            env.people[1].delete(&env.shown(Side::To, title).await?.name).await?;
        }
        // All copies are gone: that is asked about, and nothing follows from it for the meetings.
        assert!(env.sync().await.held.is_some());
        for options in [
            jobs::SyncOptions { answer: Some(engine::plan::Answer::LeaveOut), ..FULL },
            jobs::SyncOptions::default(),
            FULL,
        ] {
            let run = env.sync_with(options).await;
            ensure!(run.error.is_none() && run.held.is_none(), "{run:?}");
        }
        assert_eq!(
            (google.revision(), google.len()),
            (untouched, count),
            "{ends:?}: no meeting was deleted"
        );
        assert!(
            env.people[1].objects().await?.is_empty(),
            "{ends:?}: a copy that was deleted stays away"
        );
        google.patch("event0", json!({"summary": "Called anew"}));
        assert_eq!(env.sync_ok().await?, [1, 0, 0]);
        env.check_at_rest().await?;
    }
    Ok(())
}

/// An attendee is invited while an edit of the copy is on its way back.
#[tokio::test]
async fn a_guest_may_come_in_the_middle_of_a_pass() -> anyhow::Result<()> {
    let env = GoogleEnv::new(ENDS[0], TWO_WAY).await?;
    let google = env.google(0).clone();
    google.put("lunch1", hour("2026-04-01", "Lunch", json!({})));
    env.sync_ok().await?;
    env.check_at_rest().await?;
    let copy = env.shown(Side::To, "Lunch").await?.name;
    env.people[1].edit(&copy, |ics| ics.replace("SUMMARY:Lunch", "SUMMARY:Lunch by Ben")).await?;
    // The pass reads the event, decides, and reads it once more before it writes: the guest comes
    // between the two.
    env.server().faults().after(
        1,
        1,
        On::kind(Kind::Get),
        Fault::Delay(Duration::from_millis(500)),
    );
    env.server().reset_counts();
    let invite = async {
        while env.server().counts().of(Kind::Get) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        google.patch(
            "lunch1",
            json!({"attendees": [{"email": "anna@example.org"}, {"email": "zoe@example.net"}]}),
        );
        google.revision()
    };
    let (run, invited) = tokio::join!(env.sync(), invite);
    assert_eq!(
        (run.error.is_none(), reasons(&run)),
        (true, vec!["has_guests".to_owned()]),
        "{run:?}"
    );
    for _ in 0..2 {
        env.sync_ok().await?;
    }
    assert_eq!(
        (google.revision(), &google.get("lunch1").context("there")?["summary"]),
        (invited, &json!("Lunch"))
    );
    env.shown(Side::To, "Lunch").await.context("put right")?;
    env.check_at_rest().await
}

#[tokio::test]
async fn guests_come_later_and_go_again() -> anyhow::Result<()> {
    let (me, zoe) = (json!({"email": "anna@example.org"}), json!({"email": "Zoe@example.net"}));
    for ends in [ENDS[0], ENDS[1]] {
        let env = GoogleEnv::new(ends, TWO_WAY).await?;
        let google = env.google(0).clone();
        google.put("lunch1", hour("2026-04-01", "Lunch", json!({"description": "Soup"})));
        google.put(
            "week1",
            hour("2026-04-02", "Team", json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]})),
        );
        env.sync_ok().await?;
        let second = "week1_20260409T090000Z";
        google.patch("lunch1", json!({"attendees": [me, zoe]}));
        google.patch(second, json!({"attendees": [me, zoe], "location": "Visitors' room"}));
        env.sync_ok().await?;
        let lines = |text: String| text.replace("<br>", "\n").replace("\\n", "\n");
        let shown = lines(env.shown(Side::To, "Lunch").await?.description);
        assert!(shown.starts_with("Soup") && shown.ends_with("\nzoe@example.net"), "{shown}");
        assert_eq!(
            lines(env.text(1).await?).matches("\nzoe@example.net").count(),
            2,
            "{ends:?}: one of them at one occurrence"
        );
        env.check_at_rest().await?;

        let untouched = google.revision();
        for title in ["Lunch", "Team"] {
            let copy = env.shown(Side::To, title).await?.name;
            env.people[1]
                .edit(&copy, |ics| ics.replace(&format!("SUMMARY:{title}"), "SUMMARY:By Ben"))
                .await?;
        }
        env.sync_ok().await?;
        env.sync_ok().await?;
        assert_eq!(google.revision(), untouched, "{ends:?}");
        env.shown(Side::To, "Lunch")
            .await
            .and(env.shown(Side::To, "Team").await)
            .context("put right")?;

        // Without guests both are ordinary events again.
        google.patch("lunch1", json!({"attendees": null}));
        google.patch(second, json!({"attendees": null}));
        env.sync_ok().await?;
        assert_eq!(lines(env.text(1).await?).matches("zoe@example.net").count(), 0, "{ends:?}");
        for title in ["Lunch", "Team"] {
            let copy = env.shown(Side::To, title).await?.name;
            env.people[1]
                .edit(&copy, |ics| {
                    ics.replace(&format!("SUMMARY:{title}"), &format!("SUMMARY:{title} by Ben"))
                })
                .await?;
        }
        assert!(env.sync_ok().await?[1] >= 2);
        env.shown(Side::From, "Lunch by Ben")
            .await
            .and(env.shown(Side::From, "Team by Ben").await)?;
        env.check_at_rest().await?;
    }
    Ok(())
}

/// The owner of a copy invites an attendee: then the copy is a meeting of its owner.
#[tokio::test]
async fn a_copy_with_guests_is_left_alone_too() -> anyhow::Result<()> {
    for ends in [ENDS[0], ENDS[2]] {
        let env = GoogleEnv::new(ends, TWO_WAY).await?;
        let (copies, times) =
            (env.google(1).clone(), "DTSTART:20260401T090000Z\nDTEND:20260401T100000Z\nSUMMARY:");
        for title in ["Lunch", "Dinner"] {
            env.people[0]
                .put(&format!("{title}.ics"), &object(title, &format!("{times}{title}")))
                .await?;
        }
        env.sync_ok().await?;
        for title in ["Lunch", "Dinner"] {
            let copy = copies.find(title).context("a copy")?;
            let guests = json!([{"email": "ben@example.org"}, {"email": "zoe@example.net"}]);
            copies.patch(copy["id"].as_str().unwrap_or_default(), json!({"attendees": guests}));
        }
        env.sync_ok().await?;
        let untouched = copies.revision();
        env.people[0]
            .edit("Lunch.ics", |ics| ics.replace("SUMMARY:Lunch", "SUMMARY:Late lunch"))
            .await?;
        env.people[0].delete("Dinner.ics").await?;
        for options in [jobs::SyncOptions::default(), FULL, jobs::SyncOptions::default()] {
            let run = env.sync_with(options).await;
            ensure!(run.error.is_none() && run.held.is_none() && run.deleted == 0, "{run:?}");
        }
        assert_eq!(copies.revision(), untouched, "{ends:?}: no attendee was mailed");
        // They leave: the copy follows its event again.
        copies.patch(
            copies.find("Lunch").context("a copy")?["id"].as_str().unwrap_or_default(),
            json!({"attendees": null}),
        );
        env.people[0]
            .edit("Lunch.ics", |ics| ics.replace("SUMMARY:Late lunch", "SUMMARY:Later lunch"))
            .await?;
        env.sync_ok().await?;
        env.shown(Side::To, "Later lunch").await?;
        env.check_at_rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_meeting_at_caldav_is_text_at_google() -> anyhow::Result<()> {
    let env = GoogleEnv::new(ENDS[2], TWO_WAY).await?;
    let origins = env.caldav(0).clone();
    let crowd: String =
        (0..60).map(|n| format!("ATTENDEE:mailto:Guest{n:02}@example.net\n")).collect();
    for (n, (title, people)) in [
        ("Called by us", "ORGANIZER:mailto:anna@calendars.example\nATTENDEE:mailto:zoe@example.net\n"),
        ("Called by another", "ORGANIZER:mailto:chief@example.net\nATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@calendars.example\n"),
        ("In a room", "ORGANIZER:mailto:anna@calendars.example\nATTENDEE;CUTYPE=ROOM:mailto:hall@example.net\n"),
        ("A crowd", crowd.as_str()),
    ]
    .into_iter()
    .enumerate()
    {
        let time = format!("DTSTART:2026040{n}T090000Z\nDTEND:2026040{n}T100000Z", n = n + 1);
        origins.put(&format!("e{n}.ics"), &object(&format!("uid-{n}"), &format!("{time}\n{people}SUMMARY:{title}")));
    }
    assert_eq!(env.sync_ok().await?[0], 4);
    env.check_at_rest().await?;
    let before = origins.objects();
    for copy in env.google(1).items() {
        assert!(copy["attendees"].is_null(), "{copy}");
        env.google(1).patch(
            copy["id"].as_str().unwrap_or_default(),
            json!({"summary": "By Ben", "description": "Mine"}),
        );
    }
    env.sync_ok().await?;
    env.sync_ok().await?;
    assert_eq!(origins.objects(), before, "not a byte, and no attendee is mailed");
    let crowd = env.shown(Side::To, "A crowd").await?.description;
    assert!(crowd.ends_with("guest49@example.net\n… and 10 more"), "{crowd}");
    assert!(env.shown(Side::To, "Called by us").await?.description.ends_with("zoe@example.net"));
    env.check_at_rest().await?;
    env.google(1).clear();
    assert_eq!(env.sync().await.deleted, 0);
    assert_eq!(origins.objects(), before);
    env.check_servers()
}
