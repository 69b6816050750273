//! Events that are more than an hour with a title: Google's own types, events that move away,
//! calendars in which we see little.

use anyhow::Context as _;
use engine::pair::Side;
use serde_json::{Value, json};
use simulators::google::{Role, Sort};

use crate::support::env_checks::reasons;
use crate::support::google_env::{ENDS, GoogleEnv, hour};
use crate::support::installation::{ONE_WAY, TWO_WAY};
use crate::support::servers::Provider;

/// Google's types of events, and whether they are copied.
const TYPES: [(&str, bool); 6] = [
    ("default", true),
    ("outOfOffice", true),
    ("focusTime", true),
    ("fromGmail", true),
    ("workingLocation", false),
    ("birthday", false),
];

#[tokio::test]
async fn each_type_of_event_is_a_plain_one_on_the_other_side() -> anyhow::Result<()> {
    for ends in [ENDS[0], ENDS[1]] {
        let env = GoogleEnv::new(ends, TWO_WAY).await?;
        let google = env.google(0).clone();
        for (n, (kind, _)) in TYPES.into_iter().enumerate() {
            google.put(
                &format!("event{n}"),
                hour(&format!("2026-04-0{}", 1 + n), kind, json!({"eventType": kind})),
            );
            let mut series = hour(
                &format!("2026-05-0{}", 1 + n),
                &format!("{kind}, often"),
                json!({"eventType": kind}),
            );
            series["recurrence"] = json!(["RRULE:FREQ=WEEKLY;COUNT=4"]);
            google.put(&format!("series{n}"), series);
        }
        let copied = TYPES.iter().filter(|(_, copied)| *copied).count() as u64;
        assert_eq!(env.sync_ok().await?[0], 2 * copied, "{ends:?}");
        env.check_at_rest().await?;
        for n in 0..TYPES.len() {
            google.patch(
                &format!("series{n}_2026050{}T090000Z", 1 + n),
                json!({"location": "Elsewhere"}),
            );
        }
        assert_eq!(env.sync_ok().await?, [0, copied, 0], "{ends:?}: one occurrence of each");
        for (n, (kind, copied)) in TYPES.into_iter().enumerate() {
            assert_eq!(env.shown(Side::To, kind).await.is_ok(), copied, "{ends:?}: {kind}");
            assert_eq!(
                env.shown(Side::To, &format!("{kind}, often")).await.is_ok(),
                copied,
                "{ends:?}: a series of {kind}"
            );
            if ends[1] == Provider::Google && copied {
                let copy = env.google(1).find(kind).context("a copy")?;
                assert_eq!(
                    (&copy["eventType"], &copy["transparency"], &copy["organizer"]["self"]),
                    (&Value::Null, &Value::Null, &json!(true))
                );
            }
            // One that changes or goes changes nothing but its copy.
            google.patch(&format!("event{n}"), json!({"location": "Harbour"}));
            google.remove(&format!("series{n}"));
        }
        assert_eq!(env.sync_ok().await?, [0, copied, copied], "{ends:?}");
        // An edit of a copy goes back to an event that keeps its type.
        for (n, (kind, _)) in TYPES.into_iter().enumerate().filter(|(_, (_, copied))| *copied) {
            let copy = env.shown(Side::To, kind).await?.name;
            env.people[1].edit(&copy, |ics| ics.replace("Harbour", "Island")).await?;
            env.sync_ok().await?;
            let origin = google.get(&format!("event{n}")).context("there")?;
            let usual = if kind == "default" { Value::Null } else { json!(kind) };
            assert_eq!((&origin["location"], &origin["eventType"]), (&json!("Island"), &usual));
        }
        env.check_at_rest().await?;
    }
    Ok(())
}

#[tokio::test]
async fn events_move_between_calendars() -> anyhow::Result<()> {
    // To a calendar that is in no pair, and back again.
    for ends in [ENDS[0], ENDS[1]] {
        let env = GoogleEnv::with(ends, TWO_WAY, |server| {
            drop(server.account("anna@example.org").calendar("Club"))
        })
        .await?;
        let (google, club) =
            (env.google(0).clone(), env.server().account("anna@example.org").calendar("Club"));
        google.put("lunch1", hour("2026-04-01", "Lunch", json!({})));
        google.put(
            "team1",
            hour("2026-04-02", "Team", json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=5"]})),
        );
        env.sync_ok().await?;
        let before = env.shown(Side::To, "Lunch").await?;
        for id in ["lunch1", "team1"] {
            assert!(google.move_to(&club, id));
        }
        assert_eq!(env.sync_ok().await?, [0, 0, 2], "{ends:?}");
        assert!(env.people[1].objects().await?.is_empty());
        for id in ["lunch1", "team1"] {
            assert!(club.move_to(&google, id));
        }
        assert_eq!(env.sync_ok().await?, [2, 0, 0], "{ends:?}");
        let after = env.shown(Side::To, "Lunch").await?;
        assert_eq!(
            (after.times, after.name),
            (before.times, before.name),
            "{ends:?}: the same copy, not another one"
        );
        env.check_at_rest().await?;
    }
    // From one end of a pair to the other: it is Ben's own now, and its old copy is gone.
    let env = GoogleEnv::new(ENDS[0], TWO_WAY).await?;
    let (anna, ben) = (env.google(0).clone(), env.google(1).clone());
    anna.put("lunch1", hour("2026-04-01", "Lunch", json!({})));
    env.sync_ok().await?;
    assert!(anna.move_to(&ben, "lunch1"));
    assert_eq!(env.sync_ok().await?, [1, 0, 1]);
    assert_eq!(
        (anna.len(), ben.len(), ben.get("lunch1").context("there")?["status"].clone()),
        (1, 1, json!("confirmed"))
    );
    env.check_at_rest().await?;
    // Deleted and put back out of the bin.
    ben.remove("lunch1");
    assert_eq!(env.sync_ok().await?, [0, 0, 1]);
    ben.put("lunch1", hour("2026-04-01", "Lunch", json!({})));
    assert_eq!(env.sync_ok().await?, [1, 0, 0]);
    assert_eq!((anna.len(), ben.len()), (1, 1));
    env.check_at_rest().await
}

#[tokio::test]
async fn an_answer_is_given_taken_back_and_given_for_one_day() -> anyhow::Result<()> {
    for ends in [ENDS[0], ENDS[1]] {
        for terms in [ONE_WAY, TWO_WAY] {
            let env = GoogleEnv::new(ends, terms).await?;
            let google = env.google(0).clone();
            let answer = |word: &str| json!({"attendees": [{"email": "chief@example.net"}, {"email": "anna@example.org", "self": true, "responseStatus": word}]});
            let mut meeting = hour(
                "2026-04-07",
                "Meeting",
                json!({"organizer": {"email": "chief@example.net"}, "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]}),
            );
            meeting["attendees"] = answer("needsAction")["attendees"].clone();
            google.put("meet1", meeting);
            env.sync_ok().await?;
            let days = async || -> anyhow::Result<usize> {
                let scratch = super::series::Scratch::of(&env);
                Ok(scratch.agenda(&env, 1).await?.len())
            };
            assert_eq!(days().await?, 3);
            google.patch("meet1_20260414T090000Z", answer("declined"));
            assert_eq!(env.sync_ok().await?, [0, 1, 0]);
            assert_eq!(days().await?, 2, "{ends:?}: not on that day");
            google.patch("meet1_20260414T090000Z", answer("tentative"));
            assert_eq!(env.sync_ok().await?, [0, 1, 0]);
            assert_eq!(days().await?, 3);
            google.patch("meet1", answer("declined"));
            let run = env.sync().await;
            assert_eq!((run.deleted, reasons(&run)), (1, vec!["declined".to_owned()]), "{run:?}");
            google.patch("meet1", answer("accepted"));
            assert_eq!(env.sync_ok().await?[0], 1, "{ends:?}");
            assert_eq!(days().await?, 3);
            // The organizer cancels the event.
            google.patch("meet1", json!({"status": "cancelled"}));
            assert_eq!(env.sync_ok().await?[2], 1, "{ends:?}");
            env.check_at_rest().await?;
        }
    }
    Ok(())
}

/// Calendars that show private events, or all events, as busy times only.
#[tokio::test]
async fn what_is_not_shown_to_us_is_said_to_be_busy() -> anyhow::Result<()> {
    for (role, shown) in
        [(Role::Reader, ["Busy", "Lunch"]), (Role::FreeBusyReader, ["Busy", "Busy"])]
    {
        for ends in [ENDS[0], ENDS[1]] {
            let env = GoogleEnv::with(ends, ONE_WAY, |server| {
                let club = server.account("zoe@example.org").calendar_of(
                    "Club",
                    Sort::Secondary,
                    Role::Owner,
                );
                server.account("anna@example.org").sees(&club, role);
            })
            .await?;
            let club = env.server().account("zoe@example.org").calendar("Club");
            let details = json!({"description": "Secret", "location": "Ward 7", "visibility": "private", "attendees": [{"email": "dr@example.net"}]});
            club.put("clinic1", hour("2026-04-01", "Clinic", details));
            club.put("lunch1", hour("2026-04-02", "Lunch", json!({})));
            let from = env.id(&club).await?;
            let pair = env.pair(&from, &env.pair.to.clone(), ONE_WAY).await?;
            assert_eq!(env.all(&[&pair]).await?, [[2, 0, 0]], "{ends:?} {role:?}");
            let agenda = env.people[1].agenda().await?;
            let titles: Vec<String> =
                agenda.iter().map(simulators::agenda::Entry::summary).collect();
            assert_eq!(titles, shown, "{ends:?} {role:?}");
            assert_eq!(agenda[0].value("CLASS"), "PRIVATE");
            let text = env.text(1).await?;
            assert!(
                !["Clinic", "Secret", "Ward 7", "dr@example.net"]
                    .iter()
                    .any(|word| text.contains(word)),
                "{text}"
            );
            assert_eq!(env.all(&[&pair]).await?, [[0; 3]]);
            // Nor can such a calendar be written to.
            let back = env.pair(&env.pair.to.clone(), &from, ONE_WAY).await;
            assert!(matches!(back, Err(jobs::Error::NotPaired { .. })), "{back:?}");
            club.patch("clinic1", json!({"start": {"dateTime": "2026-04-01T08:00:00+03:00"}}));
            assert_eq!(env.all(&[&pair]).await?, [[0, 1, 0]]);
            club.remove("clinic1");
            assert_eq!(env.all(&[&pair]).await?, [[0, 0, 1]]);
            env.check_servers()?;
        }
    }
    Ok(())
}

/// An event that Google does not allow to be changed: an edit of its copy stays in the copy, and
/// the event is named until the edit is reverted.
#[tokio::test]
async fn a_locked_event_is_left_as_it_is() -> anyhow::Result<()> {
    let env = GoogleEnv::new(ENDS[0], TWO_WAY).await?;
    let google = env.google(0).clone();
    google.put("locked1", hour("2026-04-01", "Locked", json!({"locked": true})));
    env.sync_ok().await?;
    let untouched = google.revision();
    let copy = env.shown(Side::To, "Locked").await?.name;
    env.people[1].edit(&copy, |ics| ics.replace("SUMMARY:Locked", "SUMMARY:Mine")).await?;
    let run = env.sync().await;
    assert_eq!(
        (run.error.is_none(), reasons(&run)),
        (true, vec!["refused_by_server".to_owned()]),
        "{run:?}"
    );
    let problems = jobs::status(&env.scope, 60).await?.pairs.remove(0).problem_events;
    assert_eq!(
        problems.iter().map(|problem| problem.event.as_str()).collect::<Vec<_>>(),
        ["locked1"]
    );
    env.check_at_rest().await?;
    assert_eq!(google.revision(), untouched);
    google.patch("locked1", json!({"location": "Harbour"}));
    let run = env.sync().await;
    assert_eq!(
        (run.error.is_none(), run.changed, reasons(&run)),
        (true, 1, vec!["refused_by_server".to_owned()]),
        "{run:?}"
    );
    assert_eq!(
        env.shown(Side::To, "Mine").await?.location,
        "Harbour",
        "what it says itself reaches the copy"
    );
    env.check_at_rest().await?;
    env.people[1].edit(&copy, |ics| ics.replace("SUMMARY:Mine", "SUMMARY:Locked")).await?;
    env.sync_ok().await?;
    assert!(jobs::status(&env.scope, 60).await?.pairs.remove(0).problem_events.is_empty());
    env.check_at_rest().await
}
